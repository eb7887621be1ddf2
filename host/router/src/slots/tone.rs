//! How it shall sound: "in a friendly tone", "a funny post", "make it more formal".

use serde_json::json;

use super::Reading;
use crate::text::Words;

/// Tones, and the words that name them.
const TONES: &[(&str, &[&str])] = &[
    ("professional", &["professional", "formal", "serious", "businesslike"]),
    ("casual", &["casual", "informal", "relaxed", "chatty"]),
    ("funny", &["funny", "funnier", "humorous", "witty", "wittier", "playful", "hilarious"]),
    ("friendly", &["friendly", "friendlier", "warm", "warmer"]),
    ("inspirational", &["inspirational", "inspiring", "motivational", "motivating"]),
    ("bold", &["bold", "bolder", "provocative", "edgy", "edgier"]),
];
/// German words, which take endings ("in lockerem Ton", "ein lustiger Beitrag").
const GERMAN: &[(&str, &str)] = &[
    ("professionell", "professional"),
    ("seriös", "professional"),
    ("förmlich", "professional"),
    ("sachlich", "professional"),
    ("locker", "casual"),
    ("lässig", "casual"),
    ("entspannt", "casual"),
    ("lustig", "funny"),
    ("witzig", "funny"),
    ("humorvoll", "funny"),
    ("freundlich", "friendly"),
    ("herzlich", "friendly"),
    ("inspirierend", "inspirational"),
    ("motivierend", "inspirational"),
    ("mutig", "bold"),
    ("provokant", "bold"),
    ("frech", "cheeky"),
    ("sarkastisch", "sarcastic"),
    ("ironisch", "ironic"),
    ("wütend", "angry"),
    ("begeistert", "enthusiastic"),
    ("ernst", "serious"),
];
/// Tones that have no common name here and are passed on as they were said.
const SAID: &[&str] = &[
    "sarcastic",
    "snarky",
    "angry",
    "enthusiastic",
    "excited",
    "ironic",
    "cheeky",
    "respectful",
    "polite",
    "empathetic",
    "sincere",
    "humble",
    "confident",
    "persuasive",
    "dramatic",
    "poetic",
    "nostalgic",
    "upbeat",
    "cheerful",
    "optimistic",
    "urgent",
    "mysterious",
    "sassy",
    "cynical",
    "melancholic",
    "somber",
    "sombre",
    "neutral",
    "authoritative",
    "conversational",
    "educational",
    "informative",
    "quirky",
    "goofy",
    "silly",
    "heartfelt",
    "emotional",
    "passionate",
    "energetic",
    "thoughtful",
    "satirical",
    "deadpan",
    "tongue-in-cheek",
    "grumpy",
    "furious",
    "gloomy",
    "sad",
    "ecstatic",
    "thankful",
    "grateful",
    "apologetic",
    "diplomatic",
    "assertive",
    "blunt",
    "salty",
    "clever",
    "catchy",
    "punchy",
    "engaging",
    "lighthearted",
    "wholesome",
];
/// Words that stand beside tones and between them.
const BESIDE: &[&str] = &[
    "not", "too", "very", "and", "but", "yet", "or", "a", "an", "bit", "little", "slightly", "more", "less", "really",
    "super", "quite", "so", "please", "it", "make", "keep", "sound", "be", "should", "in", "with", "tone", "kind",
    "und", "aber", "nicht", "zu", "sehr", "etwas", "bitte", "also", "still", "overall", "way", "pretty", "fairly",
];
/// What tells how long a post is, or what comes with it.
const MEASURES: &[&str] = &[
    "character",
    "characters",
    "chars",
    "word",
    "words",
    "sentence",
    "sentences",
    "line",
    "lines",
    "paragraph",
    "paragraphs",
    "hashtag",
    "hashtags",
    "emoji",
    "emojis",
    "link",
    "links",
    "zeichen",
    "wörter",
    "sätze",
];
/// Words before a measure.
const LIMITS: &[&str] = &[
    "max",
    "maximum",
    "min",
    "at",
    "most",
    "least",
    "under",
    "below",
    "up",
    "to",
    "about",
    "around",
    "no",
    "without",
    "with",
    "only",
    "than",
    "less",
    "more",
    "few",
    "some",
    "any",
    "use",
    "a",
    "one",
    "two",
    "three",
    "four",
    "five",
    "and",
    "or",
    "of",
    "lots",
    "please",
    "in",
    "keep",
    "it",
    "within",
    "limit",
    "maximal",
    "höchstens",
    "ohne",
    "keine",
    "mit",
    "not",
    "exactly",
    "add",
    "include",
    "relevant",
    "many",
];
/// Words that name a tone only where one is spoken of ("in a kind tone"): otherwise they are nouns and other adjectives.
const ALSO: &[(&str, &str)] = &[("kind", "friendly"), ("light", "casual"), ("dry", "funny"), ("strong", "bold")];
const NAMES: &[&str] = &["tone", "style", "voice", "manner", "way", "mood", "ton", "stil"];
/// What has a tone.
const WORKS: &[&str] =
    &["post", "posts", "tweet", "thread", "caption", "article", "update", "message", "one", "version", "beitrag"];
const COMPARED: &[&str] =
    &["more", "less", "very", "really", "bit", "little", "super", "quite", "be", "sound", "it", "keep"];

/// The tone that a word names by itself.
pub(super) fn known(word: &str) -> Option<&'static str> {
    TONES
        .iter()
        .find(|(_, words)| words.contains(&word))
        .map(|(tone, _)| *tone)
        .or_else(|| SAID.iter().find(|said| **said == word).copied())
        .or_else(|| german(word))
}

/// The tone of a German word, with or without its ending.
fn german(word: &str) -> Option<&'static str> {
    let of = |bare: &str| GERMAN.iter().find(|(name, _)| *name == bare).map(|(_, tone)| *tone);
    let endings = ["er", "en", "em", "es", "e"];
    of(word).or_else(|| endings.iter().filter_map(|ending| word.strip_suffix(ending)).find_map(of))
}

fn of_phrase(word: &str) -> Option<&'static str> {
    known(word).or_else(|| ALSO.iter().find(|(name, _)| *name == word).map(|(_, tone)| *tone))
}

/// Where what says how it shall sound begins, if the words from `first` to before `end` end with it: "in a friendly
/// tone", ", funny but respectful", "in plain English", ", max 100 characters".
pub(super) fn ending_at(words: &Words<'_>, first: usize, end: usize) -> Option<usize> {
    let last = end.checked_sub(1)?;
    if let Some(begin) = manner_ending_at(words, last).filter(|begin| *begin > first) {
        return Some(begin);
    }
    if let Some(begin) = apart_ending_at(words, first, end).or_else(|| measure_ending_at(words, first, end)) {
        return Some(begin);
    }
    if !NAMES.contains(&words.lower(last)) {
        return None;
    }
    let begin = (last.saturating_sub(6).max(first)..last)
        .rev()
        .find(|at| matches!(words.lower(*at), "in" | "with" | "using" | "mit"))?;
    // "in a new way" says nothing of a tone where no tone is named.
    let names_tone = (begin + 1..last).any(|at| of_phrase(words.lower(at)).is_some());
    let is_tone_itself = ["tone", "voice", "ton"].contains(&words.lower(last));
    (begin > first && (names_tone || is_tone_itself)).then_some(begin)
}

/// Where "in pirate style", "in plain English" begins, if it ends with a word.
fn manner_ending_at(words: &Words<'_>, last: usize) -> Option<usize> {
    (last.saturating_sub(4)..last).rev().find(|begin| manner_at(words, *begin) == Some(last))
}

/// The last word of "in pirate style", "in plain English", "in simple words", "im Piratenstil" that begins at a word.
fn manner_at(words: &Words<'_>, begin: usize) -> Option<usize> {
    if !matches!(words.lower(begin), "in" | "im" | "using") {
        return None;
    }
    let first = begin
        + 1
        + usize::from(matches!(words.lower(begin + 1), "a" | "an" | "the" | "my" | "our" | "einem" | "einer"));
    let is_plain = matches!(
        words.lower(first),
        "plain" | "simple" | "easy" | "everyday" | "einfachen" | "einfacher" | "einfachem"
    );
    let is_language = matches!(
        words.lower(first + 1),
        "english" | "language" | "words" | "terms" | "german" | "worten" | "sprache" | "deutsch"
    );
    if is_plain && is_language {
        return Some(first + 1);
    }
    // "in Gothic style" is what buildings have; a name of a language or a school keeps its capital.
    let is_small = |at: usize| words.span(at, at).starts_with(char::is_lowercase);
    let has_style = |at: &usize| matches!(words.lower(*at), "style" | "stil");
    let last = (first + 1..first + 3).find(has_style)?;
    (first..last).all(is_small).then_some(last)
}

/// Where a part that is set apart begins and says nothing but tones or measures: ", not too serious", " (funny".
fn apart_ending_at(words: &Words<'_>, first: usize, end: usize) -> Option<usize> {
    let is_apart = |at: usize| {
        let gap = words.gap_after(at - 1);
        let is_short = matches!(words.lower(at - 1), "max" | "min");
        !is_short && (gap.contains([',', ';', '–', '—', '(', ':', '.', '!']) || gap.contains(" - "))
    };
    let begin = (end.saturating_sub(MAX_APART).max(first + 1)..end).rev().find(|at| is_apart(*at))?;
    let part = || (begin..end).map(|at| words.lower(at));
    // The label of what was taken before: ", tone: friendly".
    if end - begin == 1 && NAMES.contains(&words.lower(begin)) && words.gap_after(begin).starts_with(':') {
        return Some(begin);
    }
    let names_tone = part().any(|word| known(word).is_some());
    let only_tones = part().all(|word| known(word).is_some() || BESIDE.contains(&word));
    let measures = part().any(|word| MEASURES.contains(&word));
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let only_measures =
        part().all(|word| MEASURES.contains(&word) || LIMITS.contains(&word) || is_number(word) || word == "short");
    // "for lines, words" is a list of things; a measure has a number or a limit before it.
    let opens = |word: &str| LIMITS.contains(&word) || is_number(word);
    let is_limit = measures && only_measures && opens(words.lower(begin));
    // "loud, bold colours" names a thing behind; "calm, warm" alone may be the topic's own words.
    (names_tone && only_tones || is_limit).then_some(begin)
}

/// Where "in 100 characters or less", "in 3 sentences" begins.
fn measure_ending_at(words: &Words<'_>, first: usize, end: usize) -> Option<usize> {
    let mut at = end;
    while at > first + 1 && matches!(words.lower(at - 1), "or" | "less" | "fewer" | "max" | "maximum" | "most") {
        at -= 1;
    }
    let number = at.checked_sub(2).filter(|number| *number > first)?;
    let is_number = words.lower(number).bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || !MEASURES.contains(&words.lower(at - 1)) {
        return None;
    }
    let limits =
        ["in", "under", "within", "below", "max", "maximum", "at", "most", "than", "less", "no", "more", "fewer"];
    (first + 1..number).rev().take_while(|at| limits.contains(&words.lower(*at))).last()
}

/// Most words of a part that is set apart.
const MAX_APART: usize = 12;

pub(super) fn read(reading: &mut Reading<'_>) {
    let words = reading.words;
    for at in 0..words.tokens.len() {
        if reading.is_taken(at) {
            continue;
        }
        let Some((tone, last)) = named(reading, at) else { continue };
        let is_no = |before: &usize| {
            matches!(words.lower(*before), "not" | "less" | "no" | "don't" | "without" | "nicht" | "weniger")
        };
        let first = (at.saturating_sub(3)..at).rev().find(is_no);
        // What it shall not be is said in the user's word: "not too serious" forbids less than "not professional".
        let said = || super::clip(words.span(at, last)).to_lowercase();
        let value = if first.is_some() { format!("not {}", said()) } else { tone };
        reading.keep("tone", json!(value), first.unwrap_or(at), last);
        return;
    }
}

/// "funny but respectful", "casual, warm and professional": every tone that is said together, from the one at a word.
/// Gives the last of them, and what was said of more than one.
fn together(words: &Words<'_>, at: usize, tone: &str) -> (String, usize) {
    let mut last = at;
    let mut next = at + 1;
    while next < words.tokens.len() && next <= last + 4 && next < at + 12 {
        let word = words.lower(next);
        let gap = words.gap_after(next - 1);
        if gap.contains(['.', '!', '?', ';', ':']) {
            break;
        }
        if known(word).is_some() {
            last = next;
        } else if !matches!(
            word,
            "but"
                | "and"
                | "yet"
                | "or"
                | "not"
                | "too"
                | "very"
                | "a"
                | "bit"
                | "slightly"
                | "und"
                | "aber"
                | "still"
                | "also"
                | "nicht"
                | "zu"
                | "sehr"
                | "little"
                | "quite"
                | "more"
                | "less"
        ) {
            break;
        }
        next += 1;
    }
    if last == at {
        return (tone.to_owned(), at);
    }
    (super::clip(words.span(at, last)).to_lowercase(), last)
}

/// The tone that is named at a word, and the last word of its phrase.
fn named(reading: &Reading<'_>, at: usize) -> Option<(String, usize)> {
    let words = reading.words;
    let word = words.lower(at);
    // "in a sarcastic, slightly absurd tone": one that has no name here is passed on as it was said.
    if matches!(word, "in" | "with" | "mit" | "im" | "using") {
        if let Some(last) = manner_at(words, at) {
            let articles = ["a", "an", "the", "my", "our", "einem", "einer"];
            let article = usize::from(articles.contains(&words.lower(at + 1)));
            let is_style = matches!(words.lower(last), "style" | "stil");
            let (first, end) = (at + 1 + article, if is_style { last - 1 } else { last });
            let only = if first == end { of_phrase(words.lower(first)) } else { None };
            return Some((only.map_or_else(|| super::clip(words.span(first, end)).to_owned(), str::to_owned), last));
        }
        let articles = ["a", "an", "the", "my", "our", "einem"];
        let first = at + 1 + usize::from(articles.contains(&words.lower(at + 1)));
        let last = (first..first + 5).find(|place| ["tone", "voice", "ton"].contains(&words.lower(*place)))?;
        let known = (first..last).find_map(|place| of_phrase(words.lower(place)));
        let said = super::clip(words.span(first, last.checked_sub(1)?)).to_lowercase();
        let several = last > first + 1;
        return (last > first).then(|| (known.filter(|_| !several).map_or(said, str::to_owned), last));
    }
    let tone = known(word)?;
    let (tone, last) = together(words, at, tone);
    let next = words.lower(last + 1);
    let before = at.checked_sub(1).map_or("", |before| words.lower(before));
    if NAMES.contains(&next) {
        return Some((tone, last + 1));
    }
    let works = (last + 1..last + 4).any(|place| WORKS.contains(&words.lower(place)));
    let ends = next.is_empty()
        || words.gap_after(last).contains([',', '.', '!', '?', ')', ';'])
        || ["and", "please", "but"].contains(&next);
    // Behind the topic nothing else is told of: ", not too serious".
    let behind = ends && reading.slots.iter().any(|slot| slot.name == "topic") && is_behind_topic(reading, at);
    (works || COMPARED.contains(&before) || behind || ends && at <= 3 || ends && before == "and")
        .then_some((tone, last))
}

/// Whether only words that stand beside tones stand between the topic and a word.
fn is_behind_topic(reading: &Reading<'_>, at: usize) -> bool {
    let before = (0..at).rev().take(MAX_APART).find(|before| !BESIDE.contains(&reading.words.lower(*before)));
    before.is_some_and(|before| reading.is_taken(before))
}
