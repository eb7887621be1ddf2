//! What building and asking a catalogue costs; with 10,000 skills against a plain loop over the same skills in the same run.
//!
//! `cargo bench -p openanalyst-router --bench route`

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use openanalyst_router::{Router, RouterOptions, SkillProfile, Utterance};

const SKILLS: usize = 10_000;
const ROUTES: usize = 5_000;
const LOOPS: usize = 50;
const REPEATS: usize = 5;
const VERBS: [&str; 8] = ["create", "schedule", "analyze", "send", "translate", "book", "check", "plan"];
const THINGS: [&str; 10] =
    ["post", "report", "invoice", "meeting", "flight", "recipe", "contract", "photo", "order", "ticket"];

fn profiles() -> Vec<SkillProfile> {
    (0..SKILLS)
        .map(|number| {
            let (verb, thing) = (VERBS[number % VERBS.len()], THINGS[number / VERBS.len() % THINGS.len()]);
            SkillProfile {
                name: format!("skill-{number}"),
                title: format!("Skill {number}"),
                description: format!("Can {verb} every kind of {thing} for the team number{number}."),
                triggers: vec![
                    format!("{verb} a {thing}"),
                    format!("{thing} number{number}"),
                    format!("codeword{number}"),
                ],
                examples: vec![format!("Please {verb} the {thing} about number{number} for tomorrow")],
                priority: 5,
                is_fallback: number == 0,
                ..SkillProfile::default()
            }
        })
        .collect()
}

fn utterances() -> Vec<String> {
    (0..ROUTES)
        .map(|number| match number % 4 {
            0 => format!(
                "{} a {} about number{} tomorrow at 9",
                VERBS[number % 8],
                THINGS[number % 10],
                number * 7 % SKILLS
            ),
            1 => format!("codeword{} please, and then send it every Monday", number * 13 % SKILLS),
            2 => format!(
                "I would like to {} something with the {} and the {}",
                VERBS[number % 8],
                THINGS[number % 10],
                THINGS[(number + 3) % 10]
            ),
            _ => "what about the weather in the city of my dreams on a nice day in spring".to_owned(),
        })
        .collect()
}

/// The floor: every skill looked at, words compared.
fn plain_loop(words: &[BTreeSet<String>], text: &str) -> usize {
    let said: BTreeSet<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let shared = |skill: &BTreeSet<String>| skill.intersection(&said).count();
    words.iter().enumerate().max_by_key(|(_, skill)| shared(skill)).map_or(0, |(number, _)| number)
}

/// Skills with examples of made up words: some that all skills use, some that only a few do.
fn made_up(skills: usize, examples: usize) -> Vec<SkillProfile> {
    const SYLLABLES: [&str; 16] =
        ["ka", "lo", "mer", "tin", "su", "ra", "ven", "dol", "pi", "gra", "shen", "ot", "ulm", "bri", "fa", "ze"];
    let mut state: u64 = 11;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    let word = |number: usize| {
        let at = |place: usize| SYLLABLES[(number / 16_usize.pow(u32::try_from(place).unwrap_or(0))) % 16];
        format!("{}{}{}", at(0), at(1), at(2))
    };
    (0..skills)
        .map(|skill| {
            let mut sentence = || {
                let words =
                    (0..9).map(|place| if place % 3 == 0 { word(skill * 20 + next(20)) } else { word(next(600)) });
                words.collect::<Vec<_>>().join(" ")
            };
            SkillProfile {
                name: format!("skill-{skill}"),
                description: sentence(),
                examples: (0..examples).map(|_| sentence()).collect(),
                priority: 5,
                is_fallback: skill == 0,
                ..SkillProfile::default()
            }
        })
        .collect()
}

/// What building and asking a catalogue with examples costs.
fn with_examples(skills: usize, examples: usize) {
    let profiles = made_up(skills, examples);
    let mut built = Duration::MAX;
    for _ in 0..(if examples > 50 { 1 } else { 9 }) {
        let began = Instant::now();
        black_box(Router::build(black_box(&profiles), RouterOptions::default()));
        built = built.min(began.elapsed());
    }
    let router = Router::build(&profiles, RouterOptions::default());
    let texts: Vec<String> = made_up(skills, 12).into_iter().flat_map(|skill| skill.examples).collect();
    let mut times: Vec<Duration> = texts
        .iter()
        .map(|text| {
            let utterance = Utterance {
                text,
                now_ms: 0,
                time_zone: "UTC",
                locale: None,
                previous_skill: None,
                has_attachments: false,
                vectors: None,
            };
            let one = || {
                let began = Instant::now();
                black_box(router.route(black_box(&utterance)));
                began.elapsed()
            };
            (0..REPEATS).map(|_| one()).min().unwrap_or_default()
        })
        .collect();
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!(
        "{skills} skills with {examples} examples: built in {built:?}, learnt part {} KiB, route p50 {:?} p99 {:?}",
        router.learnt_bytes() / 1024,
        at(50),
        at(99)
    );
}

fn main() {
    with_examples(100, 10);
    with_examples(150, 100);
    let profiles = profiles();
    let began = Instant::now();
    let router = Router::build(&profiles, RouterOptions::default());
    let built = began.elapsed();
    let utterances = utterances();
    let ask = |text: &str| {
        let utterance = Utterance {
            text,
            now_ms: 1_795_424_400_000,
            time_zone: "Europe/Berlin",
            locale: None,
            previous_skill: None,
            has_attachments: false,
            vectors: None,
        };
        router.route(black_box(&utterance))
    };
    for text in utterances.iter().take(200) {
        black_box(ask(text));
    }
    let timed = |text: &String| {
        let began = Instant::now();
        black_box(ask(text));
        began.elapsed()
    };
    let mut ours: Vec<Duration> = utterances.iter().map(timed).collect();
    // The best of a few runs of each utterance: what the utterance costs, without what else the machine was doing.
    let mut quiet: Vec<Duration> =
        utterances.iter().map(|text| (0..REPEATS).map(|_| timed(text)).min().unwrap_or_default()).collect();
    let words: Vec<BTreeSet<String>> = profiles
        .iter()
        .map(|profile| {
            let text = format!("{} {} {}", profile.description, profile.triggers.join(" "), profile.examples.join(" "));
            text.to_lowercase().split_whitespace().map(str::to_owned).collect()
        })
        .collect();
    let mut floor: Vec<Duration> = utterances
        .iter()
        .take(LOOPS)
        .map(|text| {
            let began = Instant::now();
            black_box(plain_loop(&words, text));
            began.elapsed()
        })
        .collect();
    // The longest texts that are let in, made of what readers look at hardest.
    let longest = ["my time zone is a/b ", "create a post ", "to Frobster ", "on ", "codeword"]
        .map(|piece| (0..REPEATS).map(|_| timed(&piece.repeat(65_536 / piece.len()))).min().unwrap_or_default());
    ours.sort_unstable();
    quiet.sort_unstable();
    floor.sort_unstable();
    let at = |times: &[Duration], part: usize| times[(times.len() - 1) * part / 100];
    println!("{SKILLS} skills, index built in {built:?}, learnt part {} KiB", router.learnt_bytes() / 1024);
    println!("route       p50 {:>10.1?}  p99 {:>10.1?}  max {:>10.1?}", at(&ours, 50), at(&ours, 99), at(&ours, 100));
    println!(
        "  best of {REPEATS} p50 {:>10.1?}  p99 {:>10.1?}  max {:>10.1?}",
        at(&quiet, 50),
        at(&quiet, 99),
        at(&quiet, 100)
    );
    println!("plain loop  p50 {:>10.1?}  p99 {:>10.1?}", at(&floor, 50), at(&floor, 99));
    println!("64 KiB      max {:>10.1?}", longest.iter().max().copied().unwrap_or_default());
    println!("ratio of the p50s: {:.4}", at(&ours, 50).as_secs_f64() / at(&floor, 50).as_secs_f64());
}
