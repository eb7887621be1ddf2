//! Where a name ends: "Ada and I live in Berlin" names Ada, and the rest is something else.

mod ends;

use crate::clauses::{after, clean, without_politeness};
use crate::reading::bounded;
use ends::{PARTICLES, ends_before, is_no_beginning, is_no_name, is_order};

/// Longest name that is kept, in characters.
const MAX_NAME: usize = 80;
/// Most words of a name.
const MAX_WORDS: usize = 9;
/// Most words of a name that is written in small letters: nothing shows where it ends.
const MAX_SMALL_WORDS: usize = 3;

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
    if is_no_beginning(first, words.get(1)) {
        return None;
    }
    let ends = |at: &usize| ends_before(&words, *at) || words.get(*at).is_some_and(|word| clean(word) != *word);
    let length = (1..words.len()).find(ends).unwrap_or(words.len());
    let telling = words[..length].iter().filter(|word| !PARTICLES.contains(word)).count();
    // In "bob swimming is fun" the last word before the verb begins something new.
    const VERBS: &[&str] = &["is", "are", "was", "were", "has", "have", "had", "can", "could", "will", "would"];
    let is_subject = length > 1 && words.get(length).is_some_and(|next| VERBS.contains(&next.to_lowercase().as_str()));
    if is_small(&words)? && (telling > MAX_SMALL_WORDS || is_subject) {
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
    (is_statement || says_something(rest) || is_order(rest)).then_some(rest.trim_end_matches(')'))
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
    // Scripts without capital letters show no names: there, only the form of the sentence does.
    let is_written_as_name = (is_capital(first) || has_case(&words) == Some(false))
        && first.starts_with(char::is_alphabetic)
        && !is_no_name(first)
        && !first.ends_with("'s")
        && !first.ends_with("’s")
        && !is_no_beginning(first, words.get(1));
    let name = name_of(&words).filter(|_| is_written_as_name)?;
    let length = name.split_whitespace().count();
    let next = words.get(length).map(|word| word.to_lowercase());
    let speaks = matches!(next.as_deref(), Some("speaking" | "here" | "from" | "writing"));
    let ends = next.is_none() || (ends_before(&words, length) && next.as_deref() != Some("with"));
    (if is_this { speaks } else { ends }).then_some(name)
}

/// The words up to the first comma or bracket, without polite words around them.
fn words(text: &str) -> Vec<&str> {
    let text = &text[..name_part(text)];
    let text = without_politeness(text);
    let text = text.split(" from now").next().unwrap_or_default();
    text.split_whitespace()
        .map(|word| word.trim_matches(['"', '“', '”', '„', '*']))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Where the first comma or bracket stands that does not belong to a name, as that of "King, Jr." does.
fn name_part(text: &str) -> usize {
    const MARKS: &[char] = &[',', ';', '(', '\n', '!', '?', ':', '،', '；', '，', '。', '、', '؛', '？', '！'];
    const TITLES: &[&str] = &["jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d", "esq"];
    let is_title = |rest: &str| {
        let word = rest.trim_start().split([' ', ',']).next().unwrap_or_default();
        TITLES.contains(&word.trim_end_matches('.').to_lowercase().as_str())
    };
    text.match_indices(MARKS)
        .find(|(at, mark)| *mark != "," || !is_title(&text[at + 1..]))
        .map_or(text.len(), |(at, _)| at)
}

fn is_capital(word: &str) -> bool {
    word.starts_with(|c: char| c.is_uppercase())
}

fn has_case(words: &[&str]) -> Option<bool> {
    Some(words.first()?.chars().any(|c| c.is_uppercase() || c.is_lowercase()))
}

/// Whether the name is written in small letters.
fn is_small(words: &[&str]) -> Option<bool> {
    let is_whole = PARTICLES.contains(words.first()?) && words.iter().any(|word| has_capital(word));
    Some(has_case(words)? && !is_capital(words[0]) && !is_whole)
}

/// As many of the words as belong to a name.
fn name_of(words: &[&str]) -> Option<String> {
    let (has_case, is_small) = (has_case(words)?, is_small(words)?);
    let mut length = 0;
    for (at, word) in words.iter().take(MAX_WORDS).enumerate() {
        if at > 0 && ends_before(words, at) {
            break;
        }
        let goes_on = if is_small {
            words[..at].iter().filter(|word| !PARTICLES.contains(word)).count() < MAX_SMALL_WORDS
        } else if at == 0 || !has_case || is_capital(word) {
            true
        } else {
            // A particle counts only before what is written as a name: "de la Cruz", "d'Arc", "al-Rashid".
            let rest = words[at + 1..].iter().position(|next| !PARTICLES.contains(next)).map(|rest| at + 1 + rest);
            (PARTICLES.contains(word) && rest.is_some_and(|rest| has_capital(words[rest]) && !ends_before(words, rest)))
                || has_capital(word)
        };
        if !goes_on {
            break;
        }
        length = at + 1;
        // A full stop ends a sentence, unless it belongs to a title or an initial.
        if word.ends_with('.') && word.matches('.').count() == 1 && word.chars().count() > 5 {
            break;
        }
    }
    let name = words[..length].join(" ");
    if name.chars().count() > MAX_NAME {
        return None;
    }
    bounded(&name, MAX_NAME)
}

/// Whether a word is written as a name, also behind a small word of its own: "d'Arc", "al-Rashid", "el-Sayed".
fn has_capital(word: &str) -> bool {
    let mut parts = word.split(['-', '\'', '’']);
    let is_particle = parts
        .next()
        .is_some_and(|first| matches!(first, "d" | "l" | "o" | "dell" | "dall") || PARTICLES.contains(&first));
    is_capital(word) || (is_particle && parts.next().is_some_and(is_capital))
}
