//! How often a route is right, how well foreign requests are told from others, and what a confidence is worth, on sets written for this.
//!
//! `cargo bench -p openanalyst-router --bench quality`
//!
//! 48 intents with 10 examples and 20 other utterances each, and 602 requests that mean none of them (`data/`). Every second intent belongs to the
//! tuning half, which the constants of `score` were fitted on; the others are the final half. The last lines are the bundled skills, to which all
//! these requests are foreign.
//!
//! | variable | does |
//! |---|---|
//! | `TEXTS=FILE` | writes every text that an embedding model would be asked for, one a line, and ends |
//! | `VECTORS=FILE` | measures with a model's vectors too: for each text its length in bytes and the number of dimensions (little-endian, 32 bits), the text, the numbers (32-bit floats) |
//! | `ROUTES=FILE` | writes the routes of all measured requests as JSON, one a line, to fit constants on |
//! | `SHOW=1` | shows the foreign requests that reach a bundled skill |

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use openanalyst_router::{
    BACKGROUND, Decision, Ranked, Router, RouterOptions, SkillProfile, SkillVectors, TextVectors, Utterance, Vector,
    texts_to_embed,
};

const BINS: usize = 10;

struct Intent {
    profile: SkillProfile,
    asked: Vec<String>,
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/data").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The vectors of a file, by their texts.
fn vectors() -> Option<HashMap<String, Arc<Vector>>> {
    let path = std::env::var_os("VECTORS")?;
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rest = bytes.as_slice();
    let mut vectors = HashMap::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>()
        && let Some((dimension, after)) = after.split_first_chunk::<4>()
    {
        let (text, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        let (numbers, after) = after.split_at(u32::from_le_bytes(*dimension) as usize * 4);
        let numbers: Vec<f32> = numbers.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        let vector = Vector::new(&numbers).expect("a vector with a direction");
        vectors.insert(String::from_utf8_lossy(text).into_owned(), Arc::new(vector));
        rest = after;
    }
    Some(vectors)
}

/// Writes the texts whose vectors are needed to measure with vectors.
fn write_texts(path: &std::ffi::OsStr, intents: &[Intent], foreign: &[&str]) {
    let profiles: Vec<SkillProfile> = intents.iter().map(|intent| intent.profile.clone()).chain(bundled()).collect();
    let mut texts: Vec<String> = texts_to_embed(&profiles, &[]).into_iter().flat_map(|of| of.own).collect();
    texts.extend(BACKGROUND.iter().chain(foreign).map(|text| (*text).to_owned()));
    texts.extend(intents.iter().flat_map(|intent| intent.asked.clone()));
    std::fs::write(path, texts.join("\n")).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn intents() -> Vec<Intent> {
    let texts = ["intents-1.txt", "intents-2.txt", "intents-3.txt"].map(read).concat();
    let intent = |block: &str| {
        let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
        let (name, description) = head.split_once(" | ").unwrap_or((head, ""));
        let (examples, asked) = rest.split_once("\n--\n").unwrap_or((rest, ""));
        let lines = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let profile = SkillProfile {
            name: name.to_owned(),
            description: description.to_owned(),
            examples: lines(examples),
            priority: 5,
            ..SkillProfile::default()
        };
        Intent { profile, asked: lines(asked) }
    };
    texts.split("## ").skip(1).map(intent).collect()
}

/// A request: what is wanted, what came first, how sure that is, and whether it was taken.
#[derive(Debug, Clone)]
struct Asked {
    wanted: Option<String>,
    first: Option<String>,
    confidence: f64,
    is_taken: bool,
}

fn ask(
    router: &Router,
    vectors: Option<&HashMap<String, Arc<Vector>>>,
    text: &str,
    wanted: Option<&str>,
    threshold: f64,
) -> (Asked, Vec<Ranked>) {
    let vector = vectors.map(|vectors| vectors.get(text).unwrap_or_else(|| panic!("no vector of: {text}")));
    let vectors = vector.map(|vector| TextVectors::new(vector.as_ref().clone(), HashMap::new()));
    let utterance = Utterance {
        text,
        now_ms: 1_795_424_400_000,
        time_zone: "UTC",
        locale: None,
        previous_skill: None,
        has_attachments: false,
        vectors: vectors.as_ref(),
    };
    let ranking = router.route(&utterance).ranking;
    let best = ranking.first().cloned();
    let confidence = best.as_ref().map_or(0.0, |best| best.confidence);
    let asked = Asked {
        wanted: wanted.map(str::to_owned),
        first: best.map(|best| best.skill),
        confidence,
        is_taken: confidence >= threshold,
    };
    (asked, ranking)
}

/// The part of all pairs of a meant and a foreign request in which the meant one is surer.
fn area_under_curve(asked: &[Asked]) -> f64 {
    let mut all: Vec<(f64, bool)> = asked.iter().map(|asked| (asked.confidence, asked.wanted.is_some())).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won, mut meant) = (0.0, 0.0, 0.0);
    for same in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let ours = same.iter().filter(|(_, is_meant)| *is_meant).count() as f64;
        let foreign = same.len() as f64 - ours;
        won += ours * (below + foreign / 2.0);
        below += foreign;
        meant += ours;
    }
    won / (meant * below)
}

/// How far the confidences are from what came true, where every second request is foreign.
fn calibration(asked: &[Asked], is_printed: bool) -> f64 {
    let meant = asked.iter().filter(|asked| asked.wanted.is_some()).count() as f64;
    let foreign = asked.len() as f64 - meant;
    let mut bins = [(0.0_f64, 0.0_f64, 0.0_f64); BINS];
    for asked in asked {
        let weight = if asked.wanted.is_some() { 0.5 / meant } else { 0.5 / foreign };
        let bin = &mut bins[((asked.confidence * BINS as f64) as usize).min(BINS - 1)];
        let is_right = asked.wanted.is_some() && asked.wanted == asked.first;
        *bin = (bin.0 + weight, bin.1 + weight * asked.confidence, bin.2 + weight * f64::from(u8::from(is_right)));
    }
    if is_printed {
        for (part, said, true_) in bins.iter().filter(|bin| bin.0 > 0.0) {
            println!(
                "    said {:>5.1} %  true {:>5.1} %  ({:.1} % of all)",
                said / part * 100.0,
                true_ / part * 100.0,
                part * 100.0
            );
        }
    }
    bins.iter().map(|(_, said, true_)| (said - true_).abs()).sum()
}

fn measure(
    name: &str,
    intents: &[&Intent],
    foreign: &[&str],
    vectors: Option<&HashMap<String, Arc<Vector>>>,
    is_printed: bool,
) {
    let options = RouterOptions::default();
    let threshold = options.threshold;
    let profiles: Vec<SkillProfile> = intents.iter().map(|intent| intent.profile.clone()).collect();
    let mut router = Router::build(&profiles, options);
    if let Some(vectors) = vectors {
        let of_skills = SkillVectors::build(&texts_to_embed(&profiles, &[]), |text| vectors.get(text).cloned());
        router = router.with_vectors(Arc::new(of_skills.expect("vectors that tell texts apart")));
    }
    let meant =
        intents.iter().flat_map(|intent| intent.asked.iter().map(|text| (text.as_str(), Some(&intent.profile.name))));
    let texts: Vec<(&str, Option<&String>)> = meant.chain(foreign.iter().map(|text| (*text, None))).collect();
    let mut log = std::env::var_os("ROUTES").map(|path| {
        std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a file that can be written")
    });
    let mut asked: Vec<Asked> = Vec::new();
    for (text, wanted) in texts {
        let (one, ranking) = ask(&router, vectors, text, wanted.map(String::as_str), threshold);
        if let Some(log) = &mut log {
            let line = serde_json::json!({
                "set": name, "skills": profiles.len(), "embedded": vectors.is_some(), "text": text, "wanted": wanted,
                "ranking": ranking,
            });
            writeln!(log, "{line}").expect("a file that can be written");
        }
        asked.push(one);
    }
    let part = |of: &dyn Fn(&Asked) -> bool, among: &dyn Fn(&Asked) -> bool| {
        let among: Vec<&Asked> = asked.iter().filter(|asked| among(asked)).collect();
        among.iter().filter(|asked| of(asked)).count() as f64 / among.len() as f64 * 100.0
    };
    let (is_meant, is_foreign) = (|asked: &Asked| asked.wanted.is_some(), |asked: &Asked| asked.wanted.is_none());
    println!(
        "{name:<14} {:>3} skills  top-1 {:>5.1} %  AUROC {:.3}  calibration error {:.3}  taken: meant {:>5.1} %, foreign {:>5.1} %",
        profiles.len(),
        part(&|asked| asked.first == asked.wanted, &is_meant),
        area_under_curve(&asked),
        calibration(&asked, false),
        part(&|asked| asked.is_taken, &is_meant),
        part(&|asked| asked.is_taken, &is_foreign),
    );
    if is_printed {
        calibration(&asked, true);
    }
}

fn bundled() -> Vec<SkillProfile> {
    let profile = |name: &str| {
        let path = format!("{}/../../skills/{name}/SKILL.md", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let (manifest, _) =
            openanalyst_package::parse_skill_md(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        SkillProfile {
            is_fallback: manifest.name == "core",
            name: manifest.name,
            title: manifest.title,
            description: manifest.description,
            triggers: manifest.triggers,
            examples: manifest.examples,
            anti_examples: manifest.anti_examples,
            platforms: manifest.platforms,
            priority: manifest.priority,
        }
    };
    ["core", "social-media", "analytics", "workflow-builder"].map(profile).to_vec()
}

fn main() {
    let intents = intents();
    let foreign = read("foreign.txt");
    let foreign: Vec<&str> = foreign.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let every = |first: usize, step: usize| intents.iter().skip(first).step_by(step).collect::<Vec<_>>();
    if let Some(path) = std::env::var_os("TEXTS") {
        write_texts(&path, &intents, &foreign);
        return;
    }
    let vectors = vectors();
    for vectors in [None, vectors.as_ref()].iter().take(1 + usize::from(vectors.is_some())) {
        if vectors.is_some() {
            println!("with vectors:");
        }
        measure("tuning half", &every(0, 2), &foreign, *vectors, false);
        measure("final half", &every(1, 2), &foreign, *vectors, true);
        measure("both", &every(0, 1), &foreign, *vectors, false);
        measure("12 of final", &every(1, 4), &foreign, *vectors, false);
        measure("4 of final", &every(1, 12), &foreign, *vectors, false);
    }
    let router = Router::build(&bundled(), RouterOptions::default());
    let texts =
        intents.iter().flat_map(|intent| intent.profile.examples.iter().chain(&intent.asked)).map(String::as_str);
    let all: Vec<&str> = texts.chain(foreign.iter().copied()).collect();
    let mut reached = 0;
    for text in &all {
        let utterance = Utterance {
            text,
            now_ms: 1_795_424_400_000,
            time_zone: "UTC",
            locale: None,
            previous_skill: None,
            has_attachments: false,
            vectors: None,
        };
        let name = match router.route(&utterance).decision {
            Decision::Skill { name, .. } => name,
            Decision::Ambiguous { candidates, .. } => candidates.join(" or "),
            _ => continue,
        };
        if name != "core" {
            reached += 1;
            if std::env::var_os("SHOW").is_some() {
                println!("    {name}: {text}");
            }
        }
    }
    println!("bundled skills: {reached} of {} foreign requests reach one that is not the fallback", all.len());
}
