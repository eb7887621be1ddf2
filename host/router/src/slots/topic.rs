//! What it is about: the longest phrase that the sentence gives, names, dots and dates included.
//!
//! A topic begins after a word that leads to one ("about"), between quotes, or before the work ("an AI trends post").
//! It ends where another thing to do begins ("and schedule it …") or the sentence ends. What stands at its end and says
//! where, when or how ("for LinkedIn", "tomorrow at 9", "in a funny tone") does not belong to it.

use std::ops::Range;

use super::{Reading, platform, tone};
use crate::text::{Token, is_stop_word};

/// Words that lead to a topic.
const LEADS: &[&str] =
    &["about", "regarding", "concerning", "covering", "announcing", "celebrating", "explaining", "topic", "über"];
/// Words that may stand between what was stripped from the end of a topic and the topic.
const JOINTS: &[&str] = &[
    "for", "on", "at", "to", "by", "in", "from", "as", "and", "then", "or", "but", "to", "into", "für", "auf", "um",
    "am", "und",
];
/// What is made about a topic.
const WORKS: &[&str] = &["post", "tweet", "thread", "caption", "article", "update", "beitrag"];
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
/// What comes with a post and is no part of its topic: "with a link to …", "with hashtags".
const COMPANIONS: &[&str] =
    &["link", "links", "hashtag", "hashtags", "emoji", "emojis", "image", "picture", "photo", "call-to-action"];
/// Shortened words that end with a dot and do not end a sentence.
const SHORTENED: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "vs", "inc", "no", "nr", "e.g", "i.e", "eg", "ie", "etc", "jr", "sr", "co",
    "ltd", "corp", "u.s", "u.k", "approx", "dept", "mt", "rev", "hon", "gen", "sen", "rep", "bzw", "ca", "vol", "fig",
];
/// Most words of a topic.
const MAX_WORDS: usize = 60;

/// Where a topic stands before what follows it is stripped: its first word, and the word after its last one.
pub(super) struct Span {
    pub(super) first: usize,
    pub(super) end: usize,
    /// Between quotes: nothing is stripped from it.
    is_quoted: bool,
}

/// Finds it. The work comes first: without one, "about" asks ("what do you know about me").
pub(super) fn find(reading: &Reading<'_>) -> Option<Span> {
    if reading.has("name") {
        return None;
    }
    quoted(reading).or_else(|| led(reading)).or_else(|| before_work(reading))
}

/// `"…"`, where it is not the whole utterance.
fn quoted(reading: &Reading<'_>) -> Option<Span> {
    let text = reading.words.text;
    for (open, close) in [('"', '"'), ('“', '”'), ('«', '»'), ('„', '“')] {
        let Some(from) = text.find(open) else { continue };
        let begin = from + open.len_utf8();
        let Some(length) = text[begin..].find(close) else { continue };
        let inside = |token: &Token| token.start >= begin && token.end <= begin + length;
        let first = reading.words.tokens.iter().position(inside)?;
        let last = reading.words.tokens.iter().rposition(inside)?;
        if last - first < MAX_WORDS {
            return Some(Span { first, end: last + 1, is_quoted: true });
        }
    }
    None
}

/// "about …", up to where something else begins.
fn led(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let lead = words.tokens.iter().position(|token| LEADS.contains(&token.lower.as_str())).or_else(|| {
        // "on …" leads to a topic where no platform and no time follows.
        let on = |at: &usize| {
            words.lower(*at) == "on"
                && !reading.is_taken(at + 1)
                && !reading.is_time(at + 1)
                && !words.lower(at + 1).is_empty()
        };
        let work = words.tokens.iter().position(|token| WORKS.contains(&token.lower.trim_end_matches('s')))?;
        (work + 1..words.tokens.len()).find(on)
    })?;
    let mut first = lead + 1;
    while words.lower(lead) == "topic" && ["the", "a", "an", "is", "of"].contains(&words.lower(first)) {
        first += 1;
    }
    let end = clause_end(reading, first);
    (end > first).then_some(Span { first, end, is_quoted: false })
}

/// Where the clause that begins at a word ends: the word after its last one.
fn clause_end(reading: &Reading<'_>, first: usize) -> usize {
    let words = reading.words;
    let mut end = first;
    while end < words.tokens.len() && end - first < MAX_WORDS {
        if matches!(words.lower(end), "and" | "then" | "und" | "dann") && begins_step(reading, end + 1) {
            break;
        }
        end += 1;
        let gap = words.gap_after(end - 1);
        if gap.contains(['!', '?', ';', '\n']) || ends_sentence(reading, end - 1, gap) {
            break;
        }
        if (gap.contains(',') || gap.contains('–') || gap.contains('—')) && begins_step(reading, end) {
            break;
        }
    }
    end
}

/// A dot that ends a sentence, and none of "Dr. Smith", "Node.js", "J. R.".
fn ends_sentence(reading: &Reading<'_>, at: usize, gap: &str) -> bool {
    let words = reading.words;
    if !gap.starts_with('.') {
        return false;
    }
    if at + 1 >= words.tokens.len() {
        return true;
    }
    let word = words.span(at, at);
    let is_initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase);
    if !gap.starts_with(". ") || SHORTENED.contains(&words.lower(at)) || is_initial {
        return begins_step(reading, at + 1) && gap.starts_with(". ");
    }
    words.span(at + 1, at + 1).starts_with(|letter: char| !letter.is_lowercase()) || begins_step(reading, at + 1)
}

/// Whether another thing to do begins here: "schedule it", "post this on LinkedIn", "run the analytics report".
fn begins_step(reading: &Reading<'_>, mut at: usize) -> bool {
    let words = reading.words;
    while matches!(words.lower(at), "then" | "also" | "please" | "and" | "now" | "dann" | "bitte") {
        at += 1;
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
    let names_platform = |place: usize| platform::named(words.lower(place)).is_some();
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

/// Takes what says where, when and how from the end of a topic, and gives what is left. Nothing is taken that would
/// leave no topic.
pub(super) fn strip(reading: &Reading<'_>, span: &Span) -> Option<(usize, usize)> {
    let words = reading.words;
    let (first, mut end) = (span.first, span.end);
    if span.is_quoted {
        return Some((first, end - 1));
    }
    let platform_before = (0..first).any(|at| platform::named(words.lower(at)).is_some());
    let schedules = reading.actions.iter().any(|action| ["schedule", "publish", "remind"].contains(&action.as_str()));
    let has_other_time = reading
        .times
        .iter()
        .any(|time| time.is_moment() && !time.adjectival && (time.last < first || time.first >= span.end));
    loop {
        let mut cut = end;
        while cut > first && matches!(words.lower(cut - 1), "please" | "thanks" | "now" | "asap" | "bitte") {
            cut -= 1;
        }
        if let Some(begin) = companions(reading, first, cut) {
            cut = begin;
        } else if let Some(begin) = tone::ending_at(words, first, cut) {
            cut = begin;
        } else if let Some(begin) = platform::phrase_ending_at(words, first, cut).filter(|_| !platform_before) {
            cut = begin;
        } else if !has_other_time
            && let Some(time) = reading.times.iter().find(|time| time.last + 1 == cut && time.first > first)
            && time.says_when(words, schedules)
        {
            cut = time.first;
        }
        if cut == end {
            break;
        }
        while cut > first && JOINTS.contains(&words.lower(cut - 1)) {
            cut -= 1;
        }
        if cut == first {
            break;
        }
        end = cut;
    }
    (end > first).then(|| (first, end - 1))
}

/// Where "with a link to …", "without hashtags" begins, if the topic's words end with it.
fn companions(reading: &Reading<'_>, first: usize, end: usize) -> Option<usize> {
    let words = reading.words;
    (first + 1..end).find(|at| {
        matches!(words.lower(*at), "with" | "without" | "including" | "using" | "mit" | "ohne")
            && (at + 1..(at + 4).min(end)).any(|place| COMPANIONS.contains(&words.lower(place)))
    })
}

/// "Write an AI trends post": what stands between the article and the work.
fn before_work(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let work = words.tokens.iter().position(|token| WORKS.contains(&token.lower.as_str()))?;
    let article = words.tokens[..work].iter().rposition(|token| ["a", "an", "the"].contains(&token.lower.as_str()))?;
    let free = |at: &usize| !reading.is_taken(*at) && platform::named(words.lower(*at)).is_none();
    let first = (article + 1..work).find(free)?;
    let last = (first..work).take_while(free).last()?;
    let says_something = (first..=last).any(|at| {
        let word = words.lower(at);
        !is_stop_word(word)
            && tone::known(word).is_none()
            && ![
                "new",
                "short",
                "nice",
                "good",
                "social",
                "media",
                "quick",
                "long",
                "great",
                "another",
                "last",
                "next",
                "first",
                "second",
                "monday",
                "weekly",
                "daily",
                "monthly",
                "scheduled",
                "same",
                "whole",
            ]
            .contains(&word)
            && !reading.is_time(at)
    });
    says_something.then_some(Span { first, end: last + 1, is_quoted: false })
}

/// The bytes of a topic.
pub(super) fn bytes(reading: &Reading<'_>, (first, last): (usize, usize)) -> Range<usize> {
    let start = reading.words.tokens.get(first).map_or(0, |token| token.start);
    let end = reading.words.tokens.get(last).map_or(start, |token| token.end);
    start..end
}
