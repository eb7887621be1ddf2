//! Where a clause ends, and another thing to do begins.

use super::super::{Reading, platform};
use super::{MAX_WORDS, quotes};
use crate::text::Words;

/// Verbs that begin another thing to do whatever follows them.
const NEXT_STEPS: &[&str] =
    &["schedule", "publish", "remind", "notify", "reschedule", "queue", "plane", "veröffentliche", "poste"];
/// Verbs that begin another thing to do where they are followed by something of this program's.
const NEXT_VERBS: &[&str] = &[
    "post",
    "send",
    "share",
    "make",
    "create",
    "write",
    "run",
    "analyze",
    "analyse",
    "tell",
    "set",
    "put",
    "draft",
    "translate",
    "summarize",
    "summarise",
    "search",
    "show",
    "list",
    "save",
    "remember",
    "keep",
    "use",
    "add",
    "let",
    "give",
    "cancel",
    "delete",
    "pin",
    "cross-post",
    "crosspost",
    "have",
    "do",
    "also",
];
/// What follows such a verb.
const OBJECTS: &[&str] = &["it", "this", "that", "them", "these", "me", "us", "one", "everything"];
/// Things of this program's: "run the analytics report", "create a tweet".
const THINGS: &[&str] = &[
    "post",
    "posts",
    "tweet",
    "tweets",
    "thread",
    "report",
    "analytics",
    "schedule",
    "reminder",
    "workflow",
    "flow",
    "engagement",
    "notification",
    "summary",
    "caption",
    "version",
    "draft",
    "link",
    "hashtag",
    "hashtags",
    "emoji",
    "emojis",
    "numbers",
];
/// Words before things.
const ARTICLES: &[&str] = &["a", "an", "the", "my", "our", "another", "some", "two", "three", "no", "second"];
/// Shortened words that end with a dot and do not end a sentence.
const SHORTENED: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "vs", "inc", "no", "nr", "e.g", "i.e", "eg", "ie", "etc", "jr", "sr", "co",
    "ltd", "corp", "u.s", "u.k", "approx", "dept", "mt", "rev", "hon", "gen", "sen", "rep", "bzw", "ca", "vol", "max",
    "min", "fig",
];
/// Where the clause that begins at a word ends: the word after its last one.
pub(super) fn clause_end(reading: &Reading<'_>, first: usize) -> usize {
    let words = reading.words;
    let quotes = quotes::all(words);
    let mut end = first;
    while end < words.tokens.len() && end - first < MAX_WORDS {
        if let Some(quote) = quotes.iter().find(|quote| quote.first == end) {
            end = quote.last;
        } else if matches!(words.lower(end), "and" | "then" | "but" | "und" | "dann" | "aber")
            && begins_step(reading, end + 1)
        {
            break;
        }
        end += 1;
        let gap = words.gap_after(end - 1);
        let goes_on = words.span(end, end).starts_with(char::is_lowercase) && !begins_step(reading, end);
        let is_called_out = gap.contains(['!', '?']) && !goes_on && !is_marked_name(words, end - 1);
        if gap.contains([';', '\n']) || is_called_out || ends_sentence(reading, end - 1, gap) {
            break;
        }
        if (gap.contains([',', '–', '—', '!', '?', ':']) || gap.contains(" - ")) && begins_step(reading, end) {
            break;
        }
    }
    end
}

/// Names that end with a mark.
const MARKED: &[&str] = &["yahoo", "jeopardy", "wham", "joomla", "oklahoma", "yum", "oliver"];

/// Whether a word and its `!` are a name: "Yahoo!".
pub(super) fn is_marked_name(words: &Words<'_>, at: usize) -> bool {
    MARKED.contains(&words.lower(at)) || words.lower(at) == "mia" && at > 0 && words.lower(at - 1) == "mamma"
}

/// Whether a word is a shortened one, whose dot belongs to it: "Inc.", "J.".
pub(super) fn is_shortened(words: &Words<'_>, at: usize) -> bool {
    let word = words.span(at, at);
    // "no." ends a sentence more often than it is a number.
    SHORTENED.contains(&words.lower(at)) && words.lower(at) != "no"
        || word.chars().count() == 1 && word.starts_with(char::is_uppercase)
}

/// A dot that ends a sentence, and none of "Dr. Smith", "Node.js", "J. R.".
pub(super) fn ends_sentence(reading: &Reading<'_>, at: usize, gap: &str) -> bool {
    let words = reading.words;
    let gap = gap.trim_start_matches([')', ']', '"', '”', '\'', '’', '»']);
    if !gap.starts_with('.') {
        return false;
    }
    if at + 1 >= words.tokens.len() {
        return true;
    }
    let word = words.span(at, at);
    // "den 4. Dezember", "zum 3. Mal".
    let is_ordinal = word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit()) && gap.starts_with(". ");
    if is_ordinal && is_german_ordinal(words, at) {
        return begins_step(reading, at + 1);
    }
    let is_initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase);
    if !gap.starts_with(". ") || SHORTENED.contains(&words.lower(at)) || is_initial {
        return begins_step(reading, at + 1) && gap.starts_with(". ");
    }
    words.span(at + 1, at + 1).starts_with(|letter: char| !letter.is_lowercase()) || begins_step(reading, at + 1)
}

/// A number with a dot that is counted with: in German, before a word that is written as a noun is.
fn is_german_ordinal(words: &Words<'_>, at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| words.lower(before));
    let articles = ["den", "dem", "der", "am", "zum", "zur", "im", "vom", "das", "die", "bis", "ab"];
    let owners = ["unser", "mein", "dein", "sein", "ihr", "eur", "jede", "diese"];
    let counts = articles.contains(&before) || owners.iter().any(|owner| before.starts_with(owner));
    counts && words.tokens.get(at + 1).is_some()
}

/// "one for Twitter, one for LinkedIn": the posts that are made, told apart.
fn tells_apart(reading: &Reading<'_>, at: usize) -> bool {
    let words = reading.words;
    let is_one = matches!(
        words.lower(at),
        "one" | "another" | "once" | "each" | "first" | "second" | "einen" | "eine" | "einmal"
    );
    is_one
        && matches!(words.lower(at + 1), "for" | "on" | "to" | "für" | "auf")
        && (platform::is_named(words, at + 2) || platform::is_named(words, at + 3))
}

/// "tell Bob", "email my team".
fn tells_someone(words: &Words<'_>, at: usize) -> bool {
    let tells = ["tell", "email", "e-mail", "notify", "message", "ask", "inform", "ping", "remind", "invite"];
    let someone = ["me", "my", "our", "him", "her", "them", "everyone", "everybody", "the"];
    let next = words.span(at + 1, at + 1);
    tells.contains(&words.lower(at)) && (next.starts_with(char::is_uppercase) || someone.contains(&words.lower(at + 1)))
}

/// Whether another thing to do begins here: "schedule it", "post this on LinkedIn", "run the analytics report".
pub(super) fn begins_step(reading: &Reading<'_>, mut at: usize) -> bool {
    let words = reading.words;
    while matches!(words.lower(at), "then" | "also" | "please" | "and" | "now" | "dann" | "bitte") {
        at += 1;
    }
    if tells_apart(reading, at) || tells_someone(words, at) {
        return true;
    }
    let verb = words.lower(at);
    let next = words.lower(at + 1);
    let is_object = OBJECTS.contains(&next) || ["es", "ihn", "sie", "das"].contains(&next);
    let is_place = |next: &str| ["on", "for", "at", "to", "by", "in", "auf", "um", "am", "für"].contains(&next);
    let is_thing = || {
        let skipped = usize::from(ARTICLES.contains(&next));
        (at + 1 + skipped..(at + 4 + skipped)).any(|place| THINGS.contains(&words.lower(place)))
            && (skipped > 0 || THINGS.contains(&next))
    };
    let names_platform = |place: usize| platform::is_named(words, place);
    if NEXT_STEPS.contains(&verb) {
        return is_object
            || next.is_empty()
            || reading.is_time(at + 1)
            || names_platform(at + 1)
            || is_thing()
            || is_place(next)
                && (reading.is_time(at + 2) || names_platform(at + 2) || OBJECTS.contains(&words.lower(at + 2)));
    }
    NEXT_VERBS.contains(&verb)
        && (is_object || is_thing() || is_place(next) && (reading.is_time(at + 2) || names_platform(at + 2)))
}
