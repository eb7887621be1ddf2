//! From words to a ranking: what speaks for each skill, how sure that makes, and which one is meant.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use crate::index::{Field, Index, Indexed, Posting, TermSets};
use crate::learn::Said;
use crate::phrases;
use crate::route::{Decision, Evidence, EvidenceKind, Intent, Ranked, Route, RouterOptions, Utterance};
use crate::slots::clip;
use crate::text::Words;
use crate::vectors::{Nearness, SkillVectors};

/// Most different words of an utterance that are looked up, the rarest first.
const MAX_TERMS: usize = 48;
/// Most candidates whose evidence is looked at closely.
const MAX_CANDIDATES: usize = 12;
const PLATFORM: f64 = 0.7;
const WHOLE_EXAMPLE: f64 = 2.0;
const SESSION: f64 = 2.2;
/// More than everything else together: a request that is a skill's name and nothing more means it.
const WHOLE_NAME: f64 = 40.0;
/// Most candidates that the model adds, and whose words are told.
const MAX_LEARNT: usize = 4;
/// What the model says below this is chance, and what it is worth above.
const LEARNT_FLOOR: f64 = 0.05;
const LEARNT: f64 = 5.0;
/// What a request adds that is as near to a skill as the skill's own texts are to each other, and how near counts at most.
const EMBEDDING: f64 = 3.0;
const MOST_NEAR: f32 = 1.5;
/// Most candidates that embeddings add.
const MAX_NEAR: usize = 4;
const ATTACHMENT: f64 = 0.4;
/// Stems of the words by which a skill says that it works on files.
const OF_FILES: [&str; 6] = ["file", "attach", "csv", "json", "data", "number"];
/// Words that ask for what stands in a file.
const ASKS_OF_DATA: &[&str] = &[
    "what",
    "what's",
    "which",
    "how",
    "total",
    "sum",
    "average",
    "mean",
    "median",
    "highest",
    "lowest",
    "maximum",
    "minimum",
    "max",
    "min",
    "most",
    "least",
    "count",
    "chart",
    "plot",
    "graph",
    "look",
    "show",
    "numbers",
    "trend",
    "trends",
    "compare",
    "growth",
    "was",
    "welche",
    "welches",
    "wie",
    "summe",
    "durchschnitt",
    "insgesamt",
    "zeig",
];
/// What a recurrence is worth for a skill that does things again and again.
const RECURRENCE: f64 = 3.0;
const ANTI_EXAMPLE: f64 = -3.0;
/// Most skills that a question to the user names.
const MAX_CHOICES: usize = 4;
/// How a score becomes a probability: a logistic function of the score's logarithm, of how far it is ahead of the next one, and of how many
/// skills there are, since among more of them chance scores higher. Fitted on the tuning half of the bench's intents in catalogues of 4 to 24
/// skills, where every second request is foreign: `docs/routing.md`.
const OFFSET: f64 = 1.65;
const PER_SCORE: f64 = 4.07;
/// What is taken from the evidence of words and phrases for the confidence, if the skill knows no other word of the request.
const OF_UNKNOWN: f64 = 0.7;
/// Most words of a request that a skill should know.
const MAX_SAID: usize = 12;
const PER_AHEAD: f64 = 0.5;
const PER_SKILLS: f64 = -1.31;
/// The number of skills beyond which more of them make no difference: most are about something else altogether.
const MANY_SKILLS: f64 = 150.0;
/// How the evidence of words and nearness in meaning become one probability. Fitted on the tuning half with the vectors of all-MiniLM-L6-v2.
const VECTORS_OFFSET: f64 = -3.01;
const PER_WORDS: f64 = 0.32;
const PER_NEAR: f64 = 4.69;
/// What the evidence of words counts beside vectors, at least and at most: no word in common says little of a paraphrase.
const OF_WORDS: (f64, f64) = (-3.0, 12.0);
/// Words that point to something said before.
const POINTERS: &[&str] = &[
    "it",
    "that",
    "this",
    "them",
    "instead",
    "again",
    "same",
    "those",
    "these",
    "one",
    "undo",
    "rückgängig",
    "later",
    "earlier",
];

/// How people begin who want nothing done.
const SMALL_TALK: &[&str] = &["thanks", "thank", "hello", "hi", "hey", "help"];

/// A sign that a skill is meant, without its words: a common word hits hundreds of skills, and only a few of them are ever shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) skill: u32,
    pub(crate) kind: EvidenceKind,
    pub(crate) weight: f64,
    /// The words, from the first to the last.
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// One skill's evidence so far.
#[derive(Debug, Default)]
struct Tally<'a> {
    score: f64,
    evidence: Vec<Sign<'a>>,
    /// The part of the score that comes from single words and phrases.
    of_words: f64,
    /// The words that it comes from, from the first to the last of each hit.
    known: Vec<(usize, usize)>,
    /// The part of the score that comes from embeddings, and how near they say that the skill is.
    of_vectors: f64,
    near: f64,
}

/// A piece of evidence whose words are not copied yet: most of them are never shown.
#[derive(Debug)]
struct Sign<'a> {
    kind: EvidenceKind,
    text: Cow<'a, str>,
    weight: f64,
}

impl<'a> Tally<'a> {
    fn add(&mut self, kind: EvidenceKind, text: impl Into<Cow<'a, str>>, weight: f64) {
        self.score += weight;
        self.evidence.push(Sign { kind, text: text.into(), weight: round(weight) });
    }

    /// Whether it is meant by more than single words: by a phrase, its name, an example or the session.
    fn is_plain(&self) -> bool {
        use EvidenceKind::{Name, Recurrence, Session, Trigger, WholeExample};
        let is_plain = |sign: &Sign<'_>| match sign.kind {
            Session | Recurrence | WholeExample => true,
            Trigger | Name => sign.weight >= phrases::TRIGGER,
            _ => false,
        };
        self.evidence.iter().any(is_plain)
    }

    fn knows(&self, at: usize) -> bool {
        self.known.iter().any(|(first, last)| (*first..=*last).contains(&at))
    }
}

fn round(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// Ranks the skills and decides.
pub(crate) fn route(
    index: &Index,
    vectors: Option<&SkillVectors>,
    options: &RouterOptions,
    utterance: &Utterance<'_>,
    words: &Words<'_>,
    intent: Intent,
) -> Route {
    if index.skills.is_empty() {
        return Route {
            decision: Decision::NoSkills,
            intent,
            ranking: Vec::new(),
            reasons: vec!["There is no skill.".to_owned()],
        };
    }
    let terms: Vec<Option<u32>> = words.tokens.iter().map(|token| index.term(&token.stem)).collect();
    let mut hits = phrases::hits(index, words, &terms, &intent);
    // Stable: a skill's own hits stay in their order, and so its sum is the same to the last bit.
    hits.sort_by_key(|hit| hit.skill);
    let looked_up = looked_up(index, words, &terms);
    let previous = utterance.previous_skill.and_then(|name| index.find(name)).and_then(|at| u32::try_from(at).ok());
    // What follows looks at single skills, so only at those that have a chance.
    let mut kept = strongest_skills(index, &hits, &looked_up);
    let said = index.model.ask(words);
    let learnt_best = said.best(MAX_LEARNT, LEARNT_FLOOR);
    kept.extend(&learnt_best);
    let near = near(index, vectors, utterance);
    let has_vectors = near.is_some();
    let near = near.unwrap_or_default();
    kept.extend(near.iter().take(MAX_NEAR).map(|(skill, _)| *skill));
    kept.extend(previous);
    let recurs = intent.slots.iter().any(|slot| slot.name == "recurrence")
        || intent.unclear.iter().any(|unclear| unclear.slot == "recurrence");
    if recurs {
        kept.extend(index.recurring.iter().take(MAX_CHOICES));
    }
    kept.extend(index.named(words).iter().take(MAX_CHOICES));
    let mut tallies: BTreeMap<u32, Tally> = kept.into_iter().map(|skill| (skill, Tally::default())).collect();
    count(index, &hits, &looked_up, words, &mut tallies);
    for skill in index.named(words) {
        if let Some(tally) = tallies.get_mut(skill) {
            tally.add(EvidenceKind::Name, clip(utterance.text.trim()), WHOLE_NAME);
        }
    }
    let content = Content::of(index, words, &terms);
    for (skill, tally) in &mut tallies {
        closely(index, *skill, utterance, words, &content, &intent, previous, tally);
        learnt(&said, *skill, words, learnt_best.contains(skill), tally);
        if let Some((_, near)) = near.iter().find(|(near, _)| near == skill) {
            tally.near = f64::from(near.near.min(MOST_NEAR));
            tally.of_vectors = EMBEDDING * tally.near;
            tally.add(EvidenceKind::Embedding, clip(near.text).to_owned(), tally.of_vectors);
        }
        if recurs && index.recurring.contains(skill) {
            tally.add(EvidenceKind::Recurrence, "again and again", RECURRENCE);
        }
    }
    let asks_of_data = words.tokens.iter().any(|token| ASKS_OF_DATA.contains(&token.lower.as_str()));
    let reader = if utterance.has_attachments && asks_of_data { file_reader(index, &tallies) } else { None };
    let ranking = ranking(index, tallies, &said_besides_slots(words, &intent), has_vectors);
    decide(index, options, intent, ranking, reader)
}

/// The skill that works on files: the one with clearly the highest score, or the one whose texts speak of them most.
fn file_reader(index: &Index, tallies: &BTreeMap<u32, Tally<'_>>) -> Option<u32> {
    let mut of_files: BTreeMap<u32, f32> = BTreeMap::new();
    for term in OF_FILES.iter().filter_map(|stem| index.term(stem)) {
        for posting in index.postings(term).1 {
            *of_files.entry(posting.skill).or_default() += posting.weight;
        }
    }
    // Less than a trigger tells nothing between them.
    let score = |skill: &u32| tallies.get(skill).map_or(0.0, |tally| tally.score.max(0.0).floor());
    let best = of_files.iter().max_by(|a, b| {
        let by_files = a.1.total_cmp(b.1).then(b.0.cmp(a.0));
        score(a.0).total_cmp(&score(b.0)).then(by_files)
    });
    best.map(|(skill, _)| *skill)
}

/// The skills with the highest sums. The phrases' hits come in the order of their skills.
fn strongest_skills(index: &Index, hits: &[Hit], looked_up: &[(u32, usize)]) -> Vec<u32> {
    let mut sums = vec![0.0_f64; index.skills.len()];
    let mut touched: Vec<u32> = Vec::new();
    let mut add = |skill: u32, weight: f64| {
        let Some(sum) = sums.get_mut(skill as usize) else { return };
        // No weight is zero.
        if *sum == 0.0 {
            touched.push(skill);
        }
        *sum += weight;
    };
    hits.iter().for_each(|hit| add(hit.skill, hit.weight));
    for (term, _) in looked_up {
        let (rarity, postings) = index.postings(*term);
        postings.iter().for_each(|posting| add(posting.skill, of_term(rarity, posting)));
    }
    let by_sum = |a: &u32, b: &u32| sums[*b as usize].total_cmp(&sums[*a as usize]).then(a.cmp(b));
    if touched.len() > MAX_CANDIDATES {
        touched.select_nth_unstable_by(MAX_CANDIDATES, by_sum);
        touched.truncate(MAX_CANDIDATES);
    }
    touched
}

/// Gives each skill that is looked at closely its phrases and words.
fn count<'a>(
    index: &Index,
    hits: &[Hit],
    looked_up: &[(u32, usize)],
    words: &Words<'a>,
    tallies: &mut BTreeMap<u32, Tally<'a>>,
) {
    let mut is_kept = vec![false; index.skills.len()];
    tallies.keys().for_each(|skill| is_kept[*skill as usize] = true);
    let mut add = |hit: Hit| {
        if let Some(tally) = tallies.get_mut(&hit.skill) {
            tally.add(hit.kind, clip(words.span(hit.first, hit.last)), hit.weight);
            tally.of_words += hit.weight;
            tally.known.push((hit.first, hit.last));
        }
    };
    hits.iter().for_each(|hit| add(*hit));
    for (term, at) in looked_up {
        let (rarity, postings) = index.postings(*term);
        for posting in postings.iter().filter(|posting| is_kept[posting.skill as usize]) {
            let kind = match posting.field {
                Field::Trigger => EvidenceKind::Trigger,
                Field::Name => EvidenceKind::Name,
                Field::Example => EvidenceKind::Example,
                Field::Description => EvidenceKind::Description,
            };
            add(Hit { skill: posting.skill, kind, weight: of_term(rarity, posting), first: *at, last: *at });
        }
    }
}

/// What a single word of a skill adds.
fn of_term(rarity: f32, posting: &Posting) -> f64 {
    f64::from(posting.weight) * f64::from(rarity)
}

/// The different words that are looked up, as terms with their places, the rarest first.
fn looked_up(index: &Index, words: &Words<'_>, terms: &[Option<u32>]) -> Vec<(u32, usize)> {
    let mut found: Vec<(u32, usize)> = Vec::new();
    let mut seen = HashSet::new();
    for (at, (token, term)) in words.tokens.iter().zip(terms).enumerate() {
        if let Some(term) = *term
            && !token.is_stop
            && seen.insert(term)
        {
            found.push((term, at));
        }
    }
    found.sort_by(|a, b| index.postings(b.0).0.total_cmp(&index.postings(a.0).0).then(a.1.cmp(&b.1)));
    found.truncate(MAX_TERMS);
    found
}

/// The different words of an utterance that say something and that any skill knows.
struct Content {
    count: usize,
    /// For each term of the index, a bit.
    bits: Vec<u64>,
}

impl Content {
    fn of(index: &Index, words: &Words<'_>, terms: &[Option<u32>]) -> Self {
        let mut content = Self { count: 0, bits: vec![0; index.term_count().div_ceil(64)] };
        let says = words.tokens.iter().zip(terms).filter(|(token, _)| !token.is_stop);
        for term in says.filter_map(|(_, term)| *term) {
            if !content.has(term) {
                content.bits[term as usize / 64] |= 1 << (term % 64);
                content.count += 1;
            }
        }
        content
    }

    fn has(&self, term: u32) -> bool {
        self.bits[term as usize / 64] >> (term % 64) & 1 == 1
    }
}

/// What is told by more than single words.
#[expect(clippy::too_many_arguments, reason = "all that is known of a request")]
fn closely<'a>(
    index: &Index,
    skill: u32,
    utterance: &Utterance<'a>,
    words: &Words<'a>,
    content: &Content,
    intent: &Intent,
    previous: Option<u32>,
    tally: &mut Tally<'a>,
) {
    let Some(known) = index.skills.get(skill as usize) else { return };
    for slot in intent.slots.iter().filter(|slot| slot.name == "platform") {
        if slot.value.as_str().is_some_and(|platform| known.platforms.iter().any(|known| known == platform)) {
            tally.add(EvidenceKind::Platform, slot.text.clone(), PLATFORM);
        }
    }
    let alike = |texts: &TermSets| texts.iter().map(|text| overlap(text, content)).fold(0.0, f64::max);
    let (like, unlike) = (alike(&known.examples), alike(&known.anti_examples));
    if like >= 0.6 {
        tally.add(EvidenceKind::WholeExample, "it is like one of the examples", WHOLE_EXAMPLE * like);
    }
    if unlike >= 0.6 && unlike > like {
        tally.add(EvidenceKind::AntiExample, "it is like one of the anti-examples", ANTI_EXAMPLE * unlike);
    }
    if utterance.has_attachments
        && OF_FILES.iter().any(|stem| {
            index.term(stem).is_some_and(|term| index.postings(term).1.iter().any(|posting| posting.skill == skill))
        })
    {
        tally.add(EvidenceKind::Attachment, "files came with it", ATTACHMENT);
    }
    if previous == Some(skill) && goes_on(known, words, intent) {
        tally.add(EvidenceKind::Session, "it goes on from the last answer", SESSION);
    }
}

/// What the model says, if it says anything; by which words, where it is worth telling.
fn learnt(said: &Said<'_>, skill: u32, words: &Words<'_>, is_told: bool, tally: &mut Tally<'_>) {
    let above = said.score(skill) - LEARNT_FLOOR;
    if above > 0.0 {
        let told = if is_told { said.words(skill, words) } else { Vec::new() };
        let told: Vec<&str> = told.into_iter().map(|at| clip(words.span(at, at))).collect();
        tally.add(EvidenceKind::Learnt, clip(&told.join(", ")).to_owned(), LEARNT * above);
    }
}

/// The skills that are nearer to a request than what means none of them, the nearest first. None: there are no vectors to compare.
fn near<'a>(
    index: &Index,
    vectors: Option<&'a SkillVectors>,
    utterance: &Utterance<'_>,
) -> Option<Vec<(u32, Nearness<'a>)>> {
    let request = utterance.vectors?.of(utterance.text);
    let vectors = vectors.filter(|vectors| vectors.dimension() == request.dimension())?;
    let found = vectors.nearness(request).filter(|nearness| nearness.near > 0.0);
    let known = found.filter_map(|near| Some((u32::try_from(index.find(near.skill)?).ok()?, near)));
    let mut near: Vec<(u32, Nearness<'_>)> = known.collect();
    near.sort_by(|a, b| b.1.near.total_cmp(&a.1.near).then(a.0.cmp(&b.0)));
    Some(near)
}

/// Whether an utterance points to something said before, and names nothing of its own that the skill does not know.
fn goes_on(known: &Indexed, words: &Words<'_>, intent: &Intent) -> bool {
    let points = words.tokens.iter().any(|token| POINTERS.contains(&token.lower.as_str()));
    let own = intent.slots.iter().any(|slot| match slot.name.as_str() {
        "topic" | "recurrence" | "name" | "time-zone" => true,
        "platform" => !known.platforms.iter().any(|platform| slot.value.as_str() == Some(platform)),
        _ => false,
    });
    // "Thanks, that is great" asks for nothing.
    let small_talk = SMALL_TALK.contains(&words.lower(0))
        && intent.actions.iter().all(|action| action == "greet" || action == "help");
    points && !own && !small_talk && words.tokens.len() <= 20
}

/// The part of the words of either that are in both, if it is 0.6 or more; else 0. Most texts are left after a few words.
#[expect(clippy::cast_precision_loss, reason = "counts of words")]
fn overlap(text: &[u32], said: &Content) -> f64 {
    let all = text.len() + said.count;
    // both / (all - both) >= 0.6
    let needed = (3 * all).div_ceil(8).max(1);
    let Some(mut spare) = text.len().checked_sub(needed) else { return 0.0 };
    if said.count < needed {
        return 0.0;
    }
    let mut both = 0_usize;
    for term in text {
        if said.has(*term) {
            both += 1;
        } else if spare == 0 {
            return 0.0;
        } else {
            spare -= 1;
        }
    }
    both as f64 / (all - both) as f64
}

/// The words that say something and were not read as a topic, a time or the like: what a skill should know, if it is meant.
fn said_besides_slots(words: &Words<'_>, intent: &Intent) -> Vec<usize> {
    let of_slots: HashSet<String> =
        intent.slots.iter().flat_map(|slot| slot.text.split_whitespace().map(str::to_lowercase)).collect();
    let says = |at: &usize| !words.tokens[*at].is_stop && !of_slots.contains(words.lower(*at));
    // A text that is sent along is no part of the request.
    (0..words.tokens.len()).filter(says).take(MAX_SAID).collect()
}

/// The score that counts for the confidence: of words and phrases less, if the skill does not know the other words. "Report a car accident" has a
/// trigger of a skill for reports, and is none.
#[expect(clippy::cast_precision_loss, reason = "counts of words")]
fn sure_score(tally: &Tally<'_>, said: &[usize]) -> f64 {
    let known = said.iter().filter(|at| tally.knows(**at)).count();
    let part = if said.is_empty() { 1.0 } else { known as f64 / said.len() as f64 };
    tally.score - tally.of_vectors - tally.of_words * (1.0 - part) * OF_UNKNOWN
}

/// A skill with what its confidence is made of.
struct Candidate {
    ranked: Ranked,
    priority: u8,
    /// The score that counts for the confidence.
    sure: f64,
    near: f64,
    is_plain: bool,
}

fn ranking(index: &Index, tallies: BTreeMap<u32, Tally<'_>>, said: &[usize], has_vectors: bool) -> Vec<Ranked> {
    let candidate = |(skill, tally): (u32, Tally<'_>)| {
        let known = index.skills.get(skill as usize)?;
        let (sure, near, is_plain) = (sure_score(&tally, said), tally.near, tally.is_plain());
        let (skill, score) = (known.name.clone(), round(tally.score));
        let ranked = Ranked { skill, score, confidence: 0.0, evidence: strongest(tally.evidence) };
        (score > 0.0).then_some(Candidate { ranked, priority: known.priority, sure, near, is_plain })
    };
    let mut ranking: Vec<Candidate> = tallies.into_iter().filter_map(candidate).collect();
    ranking.sort_by(|a, b| {
        let by_score = b.ranked.score.total_cmp(&a.ranked.score);
        by_score.then(a.priority.cmp(&b.priority)).then(a.ranked.skill.cmp(&b.ranked.skill))
    });
    let top = ranking.first().map_or(0.0, |best| best.ranked.score);
    let second = ranking.get(1).map_or(0.0, |second| second.ranked.score);
    let mut first: Option<f64> = None;
    for (place, candidate) in ranking.iter_mut().enumerate() {
        let score = candidate.ranked.score;
        let ahead = if place == 0 { (top - second) / top } else { (score - top) / top };
        let by_words = evidence_of_words(candidate.sure, ahead, index.skills.len());
        let alone = probability(if has_vectors { with_vectors(by_words, candidate) } else { by_words });
        let beside = first.map_or(1.0, |first| first * (score / top).sqrt());
        // Not rounded before it is compared: nearly sure and a little surer are told apart by their scores.
        candidate.ranked.confidence = alone.min(beside);
        first = first.or(Some(candidate.ranked.confidence));
    }
    let rounded = |mut ranked: Ranked| {
        ranked.confidence = round(ranked.confidence);
        ranked
    };
    ranking.into_iter().map(|candidate| rounded(candidate.ranked)).collect()
}

/// The evidence of words with that of vectors, both as the logarithm of odds. What is said plainly stays as sure as the words make it.
fn with_vectors(by_words: f64, candidate: &Candidate) -> f64 {
    let both = VECTORS_OFFSET + PER_WORDS * by_words.clamp(OF_WORDS.0, OF_WORDS.1) + PER_NEAR * candidate.near;
    if candidate.is_plain { both.max(by_words) } else { both }
}

/// How sure a score makes that the skill is meant, as the logarithm of the odds. `ahead` is the part of the best score by which it is ahead of the
/// next one, or behind the best.
#[expect(clippy::cast_precision_loss, reason = "counts of skills")]
fn evidence_of_words(score: f64, ahead: f64, skills: usize) -> f64 {
    let skills = (skills as f64).clamp(1.0, MANY_SKILLS).ln();
    OFFSET + PER_SCORE * (score.max(0.0) + 0.05).ln() + PER_AHEAD * ahead + PER_SKILLS * skills
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The evidence that weighs most.
fn strongest(mut evidence: Vec<Sign<'_>>) -> Vec<Evidence> {
    evidence.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    evidence.truncate(12);
    let told = |sign: Sign<'_>| Evidence { kind: sign.kind, text: sign.text.into_owned(), weight: sign.weight };
    evidence.into_iter().map(told).collect()
}

fn decide(
    index: &Index,
    options: &RouterOptions,
    intent: Intent,
    mut ranking: Vec<Ranked>,
    reader: Option<u32>,
) -> Route {
    let confidence = ranking.first().map_or(0.0, |best| best.confidence);
    let reader = reader.and_then(|skill| index.skills.get(skill as usize));
    let (decision, reasons) = if !ranking.is_empty() && confidence >= options.threshold {
        among_the_best(index, options, &mut ranking)
    } else if let Some(reader) = reader {
        // The words are those of the file's columns, which no skill knows.
        let reason = format!("A file came with a question that no skill knows, and `{}` reads files.", reader.name);
        (Decision::Skill { name: reader.name.clone(), confidence: options.threshold }, vec![reason])
    } else {
        fall_back(index, options, ranking.first())
    };
    ranking.truncate(options.max_ranking);
    Route { decision, intent, ranking, reasons }
}

/// Between skills that are nearly as likely as the best one the priority decides; where that is the same too, the user does.
fn among_the_best(index: &Index, options: &RouterOptions, ranking: &mut [Ranked]) -> (Decision, Vec<String>) {
    let priority = |ranked: &Ranked| index.find(&ranked.skill).map_or(u8::MAX, |at| index.skills[at].priority);
    let confidence = ranking[0].confidence;
    // The best one always counts as near itself, whatever the margin.
    let near =
        1 + ranking[1..].iter().take_while(|rival| confidence - rival.confidence < options.ambiguity_margin).count();
    let first = ranking[..near].iter().map(priority).min().unwrap_or(u8::MAX);
    let leaders: Vec<usize> = (0..near).filter(|at| priority(&ranking[*at]) == first).take(MAX_CHOICES).collect();
    let chosen = leaders[0];
    let mut reasons: Vec<String> = ranking[chosen].evidence.iter().take(5).map(sentence).collect();
    if let [_, _, ..] = leaders.as_slice() {
        let candidates: Vec<String> = leaders.iter().map(|at| ranking[*at].skill.clone()).collect();
        reasons.extend(candidates[1..].iter().map(|rival| format!("`{rival}` is as likely.")));
        let names: Vec<String> = candidates.iter().map(|name| format!("`{name}`")).collect();
        let question = format!("Shall {} do this?", names.join(" or "));
        return (Decision::Ambiguous { candidates, question }, reasons);
    }
    if chosen > 0 {
        reasons.push(format!("`{}` is about as likely, and comes later by its priority.", ranking[0].skill));
        // Whoever reads the ranking finds the chosen one at its head.
        ranking[..=chosen].rotate_right(1);
    }
    (Decision::Skill { name: ranking[0].skill.clone(), confidence: ranking[0].confidence }, reasons)
}

fn fall_back(index: &Index, options: &RouterOptions, best: Option<&Ranked>) -> (Decision, Vec<String>) {
    let confidence = best.map_or(0.0, |best| best.confidence);
    let why = match best {
        Some(best) => format!(
            "the best one, `{}`, has only {confidence} of the {} that are needed",
            best.skill, options.threshold
        ),
        None => "no skill knows any of these words".to_owned(),
    };
    let reasons = vec![format!("No skill is sure enough: {why}.")];
    let decision = match (index.fallback.and_then(|at| index.skills.get(at)), best) {
        (Some(fallback), _) => Decision::Fallback { name: fallback.name.clone(), confidence, why },
        (None, Some(best)) => Decision::Skill { name: best.skill.clone(), confidence },
        (None, None) => Decision::NoSkills,
    };
    (decision, reasons)
}

fn sentence(evidence: &Evidence) -> String {
    let said = &evidence.text;
    match evidence.kind {
        EvidenceKind::Trigger => format!("\"{said}\" is one of its triggers."),
        EvidenceKind::Name => format!("\"{said}\" is in its name."),
        EvidenceKind::Example => format!("\"{said}\" is in its examples."),
        EvidenceKind::Description => format!("\"{said}\" is in its description."),
        EvidenceKind::Platform => format!("It knows the platform \"{said}\"."),
        EvidenceKind::WholeExample => "It is like one of its examples.".to_owned(),
        EvidenceKind::AntiExample => "It is like one of its anti-examples.".to_owned(),
        EvidenceKind::Learnt if said.is_empty() => "What its texts have taught speaks for it.".to_owned(),
        EvidenceKind::Embedding => format!("It is near in meaning to \"{said}\"."),
        EvidenceKind::Learnt => format!("What its texts have taught speaks for it, by \"{said}\"."),
        EvidenceKind::Session => "It goes on from its last answer.".to_owned(),
        EvidenceKind::Recurrence => "It does things again and again, and a recurrence was said.".to_owned(),
        EvidenceKind::Attachment => "It works on files, and files came with it.".to_owned(),
    }
}
