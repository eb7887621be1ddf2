//! How it shall sound: "in a friendly tone", "a funny post", "make it more formal".

use serde_json::json;

use super::Reading;
use crate::text::Words;

/// Tones, and the words that name them.
const TONES: &[(&str, &[&str])] = &[
    (
        "professional",
        &[
            "professional",
            "formal",
            "serious",
            "businesslike",
            "professionell",
            "professioneller",
            "seriös",
            "seriöser",
        ],
    ),
    ("casual", &["casual", "informal", "relaxed", "chatty", "locker"]),
    (
        "funny",
        &[
            "funny",
            "funnier",
            "humorous",
            "witty",
            "wittier",
            "playful",
            "hilarious",
            "lustig",
            "lustiger",
            "witzig",
            "witziger",
        ],
    ),
    ("friendly", &["friendly", "friendlier", "warm", "warmer", "freundlich", "freundlicher"]),
    ("inspirational", &["inspirational", "inspiring", "motivational", "motivating"]),
    ("bold", &["bold", "bolder", "provocative", "edgy", "edgier"]),
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
    TONES.iter().find(|(_, words)| words.contains(&word)).map(|(tone, _)| *tone)
}

fn of_phrase(word: &str) -> Option<&'static str> {
    known(word).or_else(|| ALSO.iter().find(|(name, _)| *name == word).map(|(_, tone)| *tone))
}

/// Where "in a friendly tone" begins, if the words from `first` to before `end` end with it.
pub(super) fn ending_at(words: &Words<'_>, first: usize, end: usize) -> Option<usize> {
    let last = end.checked_sub(1)?;
    if !NAMES.contains(&words.lower(last)) {
        return None;
    }
    let begin = (last.saturating_sub(6).max(first)..last)
        .rev()
        .find(|at| matches!(words.lower(*at), "in" | "with" | "using"))?;
    // "in a new way" says nothing of a tone where no tone is named.
    let names_tone = (begin + 1..last).any(|at| of_phrase(words.lower(at)).is_some());
    let is_tone_itself = ["tone", "voice", "ton"].contains(&words.lower(last));
    (begin > first && (names_tone || is_tone_itself)).then_some(begin)
}

pub(super) fn read(reading: &mut Reading<'_>) {
    let words = reading.words;
    for at in 0..words.tokens.len() {
        if reading.is_taken(at) {
            continue;
        }
        let Some((tone, last)) = named(words, at) else { continue };
        let is_negated = (at.saturating_sub(3)..at)
            .any(|before| matches!(words.lower(before), "not" | "less" | "no" | "don't" | "without"));
        let first = if is_negated {
            (at.saturating_sub(3)..at)
                .rev()
                .find(|before| matches!(words.lower(*before), "not" | "less" | "no" | "don't" | "without"))
                .unwrap_or(at)
        } else {
            at
        };
        let value = if is_negated { format!("not {tone}") } else { tone };
        reading.keep("tone", json!(value), first, last);
        return;
    }
}

/// The tone that is named at a word, and the last word of its phrase.
fn named(words: &Words<'_>, at: usize) -> Option<(String, usize)> {
    let word = words.lower(at);
    // "in a sarcastic, slightly absurd tone": one that has no name here is passed on as it was said.
    if word == "in" || word == "with" {
        let first = at + 1 + usize::from(["a", "an", "the", "my", "our"].contains(&words.lower(at + 1)));
        let last = (first..first + 5).find(|place| ["tone", "voice", "ton"].contains(&words.lower(*place)))?;
        let known = (first..last).find_map(|place| of_phrase(words.lower(place)));
        let said = super::clip(words.span(first, last.checked_sub(1)?)).to_lowercase();
        let several = last > first + 1;
        return (last > first).then(|| (known.filter(|_| !several).map_or(said, str::to_owned), last));
    }
    let tone = known(word)?;
    let next = words.lower(at + 1);
    let before = at.checked_sub(1).map_or("", |before| words.lower(before));
    if NAMES.contains(&next) {
        return Some((tone.to_owned(), at + 1));
    }
    let works = (at + 1..at + 4).any(|place| WORKS.contains(&words.lower(place)));
    let ends = next.is_empty()
        || words.gap_after(at).contains([',', '.', '!', '?'])
        || ["and", "please", "but"].contains(&next);
    (works || COMPARED.contains(&before) || ends && at <= 3 || ends && before == "and").then(|| (tone.to_owned(), at))
}
