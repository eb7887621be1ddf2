//! Where a name ends: "Ada and I live in Berlin" names Ada, and the rest is something else.

use crate::clauses::{after, clean, without_politeness};
use crate::reading::bounded;

/// Longest name that is kept, in characters.
const MAX_NAME: usize = 80;
/// Most words of a name.
const MAX_WORDS: usize = 6;
/// Most words of a name that is written in small letters: nothing shows where it ends.
const MAX_SMALL_WORDS: usize = 3;

/// Words that no name begins with.
const NO_BEGINNINGS: &[&str] = &[
    "a",
    "about",
    "after",
    "again",
    "an",
    "anything",
    "anytime",
    "at",
    "back",
    "because",
    "before",
    "by",
    "crazy",
    "easy",
    "everyday",
    "first",
    "for",
    "if",
    "important",
    "in",
    "irrelevant",
    "it",
    "later",
    "maybe",
    "mine",
    "never",
    "no",
    "none",
    "not",
    "now",
    "old",
    "on",
    "once",
    "private",
    "secret",
    "something",
    "soon",
    "that",
    "the",
    "this",
    "today",
    "tomorrow",
    "tonight",
    "unknown",
    "up",
    "what",
    "whatever",
    "when",
    "whenever",
    "yours",
    "every",
    "names",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "asap",
];
/// Words that end a name.
const ENDS: &[&str] = &[
    "and",
    "am",
    "are",
    "as",
    "at",
    "because",
    "but",
    "by",
    "for",
    "from",
    "here",
    "however",
    "i",
    "i'm",
    "i’m",
    "if",
    "in",
    "instead",
    "is",
    "living",
    "my",
    "not",
    "now",
    "ok",
    "okay",
    "on",
    "or",
    "please",
    "since",
    "so",
    "speaking",
    "thanks",
    "thank",
    "that",
    "though",
    "to",
    "today",
    "too",
    "which",
    "who",
    "with",
    "working",
    "writing",
    "your",
    "when",
    "while",
    "again",
    "instead",
    "always",
    "also",
    "btw",
    "aka",
    "the",
    "based",
    "born",
    "can",
    "could",
    "coming",
    "currently",
    "did",
    "do",
    "does",
    "glad",
    "good",
    "great",
    "had",
    "happy",
    "has",
    "have",
    "he",
    "hello",
    "hey",
    "hi",
    "hope",
    "how",
    "im",
    "it",
    "it's",
    "it’s",
    "let",
    "located",
    "love",
    "new",
    "nice",
    "pleased",
    "she",
    "studying",
    "their",
    "there",
    "they",
    "this",
    "u",
    "very",
    "was",
    "we",
    "we're",
    "were",
    "what",
    "where",
    "will",
    "would",
    "you",
];
/// Small words inside of names.
const PARTICLES: &[&str] = &[
    "van", "von", "der", "den", "de", "da", "das", "dos", "do", "di", "del", "della", "du", "la", "le", "el", "al",
    "bin", "ibn", "ben", "bat", "ter", "ten", "zu", "zur", "y", "e", "af", "av", "st", "of",
];
/// What people are, written with a capital letter, and not called.
const NO_NAMES: &[&str] = &[
    "African",
    "American",
    "Arab",
    "Argentinian",
    "Asian",
    "Australian",
    "Austrian",
    "Belgian",
    "Brazilian",
    "British",
    "Buddhist",
    "Bulgarian",
    "Canadian",
    "Catholic",
    "CEO",
    "CFO",
    "CTO",
    "Chilean",
    "Chinese",
    "Christian-born",
    "Colombian",
    "Croatian",
    "Czech",
    "Danish",
    "Dutch",
    "Egyptian",
    "English",
    "Estonian",
    "European",
    "Finnish",
    "Flemish",
    "French",
    "German",
    "Greek",
    "Great",
    "Hindu",
    "Hungarian",
    "Icelandic",
    "Indian",
    "Indonesian",
    "Iranian",
    "Irish",
    "Israeli",
    "Italian",
    "Japanese",
    "Jewish",
    "Kenyan",
    "Korean",
    "Latvian",
    "Lithuanian",
    "Malaysian",
    "Mexican",
    "Moroccan",
    "Muslim",
    "Nigerian",
    "Norwegian",
    "OK",
    "Okay",
    "Pakistani",
    "Peruvian",
    "Polish",
    "Portuguese",
    "Romanian",
    "Russian",
    "Scottish",
    "Serbian",
    "Slovak",
    "Slovenian",
    "South",
    "Spanish",
    "Swedish",
    "Swiss",
    "Taiwanese",
    "Thai",
    "Tunisian",
    "Turkish",
    "Ukrainian",
    "Vietnamese",
    "Welsh",
    "Sorry",
    "Done",
    "Urgent",
];

/// What was read where a name was expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A name.
    Name(String),
    /// Words in small letters of which nothing shows where the name ends.
    Unclear(String),
}

/// The name in what follows "my name is" or "call me".
pub(crate) fn told(text: &str) -> Option<Told> {
    let words = words(text);
    let first = words.first()?;
    if NO_BEGINNINGS.contains(&first.to_lowercase().as_str()) {
        return None;
    }
    let ends = |word: &&str| ENDS.contains(&clean(word).to_lowercase().as_str()) || clean(word) != *word;
    let length = words.iter().skip(1).position(ends).map_or(words.len(), |at| at + 1);
    // In "bob swimming is fun" the last word before the verb begins something new.
    const VERBS: &[&str] = &["is", "are", "was", "were", "has", "have", "had", "can", "could", "will", "would"];
    let is_subject = length > 1 && words.get(length).is_some_and(|next| VERBS.contains(&next.to_lowercase().as_str()));
    if is_small(&words)? && (length > MAX_SMALL_WORDS || is_subject) {
        return bounded(&words.join(" "), MAX_NAME).map(Told::Unclear);
    }
    name_of(&words).map(Told::Name)
}

/// The name that answers the question for it: all of the words, as they are the name alone.
pub(crate) fn answered(text: &str) -> Option<String> {
    bounded(text, MAX_NAME)
}

/// The names that unclear words may mean, the shortest first.
pub(crate) fn possible(said: &str) -> Vec<String> {
    let words: Vec<&str> = said.split_whitespace().collect();
    (1..=2.min(words.len())).map(|length| words[..length].join(" ")).collect()
}

/// What follows the name in a text and says something of its own, as it was written: "I live in Berlin", "a designer from Oslo".
pub(crate) fn rest<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    const JOINTS: &[&str] = &["and ", "but ", "also ", "so "];
    let (_, rest) = text.split_once(name)?;
    let mut rest = clean(rest.trim_start_matches(['(', '-', '–', ' ']));
    while let Some(next) = after(rest, JOINTS) {
        rest = next;
    }
    let is_statement =
        after(rest, &["a ", "an ", "from ", "living in ", "based in ", "born ", "working ", "aka "]).is_some();
    (is_statement || says_something(rest)).then_some(rest.trim_end_matches(')'))
}

/// Whether a text tells something of the user, beyond politeness.
pub(crate) fn says_something(text: &str) -> bool {
    const POLITE: &[&str] = &[
        "i hope ",
        "i am new",
        "i'm new",
        "i’m new",
        "i am glad",
        "i'm glad",
        "i am happy",
        "i'm happy",
        "i am pleased",
        "i think ",
    ];
    after(text, &["i ", "i'm ", "i’m ", "we ", "my ", "our "]).is_some() && after(text, POLITE).is_none()
}

/// The name in what follows "I am", which seldom is one: only where it is written as a name, and nothing follows that would
/// make something else of it. "This is Ada" presents a thing as often as a person: then somebody must speak.
pub(crate) fn presented(text: &str, is_this: bool) -> Option<String> {
    let words = words(text);
    let first = words.first()?;
    let is_written_as_name = first.starts_with(char::is_uppercase)
        && !NO_NAMES.contains(first)
        && !first.ends_with("'s")
        && !first.ends_with("’s")
        && !NO_BEGINNINGS.contains(&first.to_lowercase().as_str());
    let name = name_of(&words).filter(|_| is_written_as_name)?;
    let length = name.split_whitespace().count();
    let next = words.get(length).map(|word| word.to_lowercase());
    let speaks = matches!(next.as_deref(), Some("speaking" | "here" | "from" | "writing"));
    let ends = next.is_none() || next.is_some_and(|next| ENDS.contains(&next.as_str()) && next != "with");
    (if is_this { speaks } else { ends }).then_some(name)
}

/// The words up to the first comma or bracket, without polite words around them.
fn words(text: &str) -> Vec<&str> {
    let text = text.split([',', ';', '(', '\n', '!', '?', ':']).next().unwrap_or_default();
    let text = without_politeness(text);
    let text = text.split(" from now").next().unwrap_or_default();
    text.split_whitespace()
        .map(|word| word.trim_matches(['"', '“', '”', '„', '*']))
        .filter(|word| !word.is_empty())
        .collect()
}

fn is_capital(word: &str) -> bool {
    word.starts_with(|c: char| c.is_uppercase())
}

fn has_case(words: &[&str]) -> Option<bool> {
    Some(words.first()?.chars().any(|c| c.is_uppercase() || c.is_lowercase()))
}

/// Whether the name is written in small letters.
fn is_small(words: &[&str]) -> Option<bool> {
    Some(has_case(words)? && !is_capital(words[0]) && !PARTICLES.contains(&words[0]))
}

/// As many of the words as belong to a name.
fn name_of(words: &[&str]) -> Option<String> {
    let (has_case, is_small) = (has_case(words)?, is_small(words)?);
    let mut length = 0;
    for (at, word) in words.iter().take(MAX_WORDS).enumerate() {
        let lower = clean(word).to_lowercase();
        if at > 0 && ENDS.contains(&lower.as_str()) {
            break;
        }
        let goes_on = if is_small {
            at < MAX_SMALL_WORDS
        } else if at == 0 || !has_case || is_capital(word) {
            true
        } else {
            // A particle counts only before what is written as a name.
            let rest = words[at + 1..].iter().find(|next| !PARTICLES.contains(next));
            PARTICLES.contains(word)
                && rest.is_some_and(|next| is_capital(next) && !ENDS.contains(&next.to_lowercase().as_str()))
        };
        if !goes_on {
            break;
        }
        length = at + 1;
        // A full stop ends a sentence, unless it belongs to a title or an initial.
        if word.ends_with('.') && word.chars().count() > 5 {
            break;
        }
    }
    let name = words[..length].join(" ");
    if name.chars().count() > MAX_NAME {
        return None;
    }
    bounded(&name, MAX_NAME)
}
