//! What it is about.

use serde_json::json;

use super::Reading;
use crate::text::is_stop_word;

/// Words that lead to a topic.
const LEADS: &[&str] = &["about", "regarding", "concerning", "covering", "announcing", "topic"];
/// Words that belong to what follows them, not to the topic before them.
const JOINTS: &[&str] =
    &["for", "on", "at", "to", "by", "in", "from", "with", "as", "and", "then", "it", "a", "an", "the", "or", "but"];
/// Verbs that begin another thing to do.
const NEXT_VERBS: &[&str] = &[
    "schedule", "post", "publish", "send", "share", "remind", "make", "create", "write", "run", "then", "also",
    "analyze", "analyse", "tell", "notify", "set", "put", "queue",
];
/// What is made about a topic.
const WORKS: &[&str] = &["post", "tweet", "thread", "caption", "article", "update"];
/// Most words of a topic.
const MAX_WORDS: usize = 40;

pub(super) fn read(reading: &mut Reading<'_>) {
    if reading.has("name") {
        return;
    }
    let found = quoted(reading).or_else(|| led(reading)).or_else(|| before_work(reading));
    if let Some((first, last)) = found {
        let text = super::clip(reading.words.span(first, last)).trim().to_owned();
        reading.keep("topic", json!(text), first, last);
    }
}

/// `"…"`, where it is not the whole utterance.
fn quoted(reading: &Reading<'_>) -> Option<(usize, usize)> {
    let text = reading.words.text;
    for (open, close) in [('"', '"'), ('“', '”'), ('«', '»')] {
        let Some(from) = text.find(open) else { continue };
        let begin = from + open.len_utf8();
        let Some(length) = text[begin..].find(close) else { continue };
        let inside = |token: &crate::text::Token| token.start >= begin && token.end <= begin + length;
        let first = reading.words.tokens.iter().position(inside)?;
        let last = reading.words.tokens.iter().rposition(inside)?;
        if last - first < MAX_WORDS {
            return Some((first, last));
        }
    }
    None
}

/// "about …", up to where something else begins.
fn led(reading: &Reading<'_>) -> Option<(usize, usize)> {
    let words = reading.words;
    let lead = words.tokens.iter().position(|token| LEADS.contains(&token.lower.as_str())).or_else(|| {
        // "on …" leads to a topic where no platform and no time follows.
        let on = |at: &usize| words.lower(*at) == "on" && !reading.is_taken(at + 1) && !words.lower(at + 1).is_empty();
        let work = words.tokens.iter().position(|token| WORKS.contains(&token.lower.trim_end_matches('s')))?;
        (work + 1..words.tokens.len()).find(on)
    })?;
    let mut first = lead + 1;
    while ["the", "a", "an", "how", "is", "is:"].contains(&words.lower(first)) && words.lower(lead) == "topic" {
        first += 1;
    }
    let last = end_of_topic(reading, first)?;
    Some((first, last))
}

fn end_of_topic(reading: &Reading<'_>, first: usize) -> Option<usize> {
    let words = reading.words;
    let mut end = first;
    while end < words.tokens.len() && end - first < MAX_WORDS {
        if reading.is_taken(end) || ends_here(reading, end) {
            break;
        }
        end += 1;
        if words.gap_after(end - 1).contains(['.', '!', '?', ';', '\n']) {
            break;
        }
        if words.gap_after(end - 1).contains(',') && NEXT_VERBS.contains(&words.lower(end)) {
            break;
        }
    }
    // Small words before what comes next do not belong to the topic.
    while end > first && end < words.tokens.len() && JOINTS.contains(&words.lower(end - 1)) {
        end -= 1;
    }
    (end > first).then(|| end - 1)
}

/// "and schedule …", "then …".
fn ends_here(reading: &Reading<'_>, at: usize) -> bool {
    let words = reading.words;
    match words.lower(at) {
        "and" | "," | "then" => NEXT_VERBS.contains(&words.lower(at + 1)),
        _ => false,
    }
}

/// "Write an AI trends post": what stands between the article and the work.
fn before_work(reading: &Reading<'_>) -> Option<(usize, usize)> {
    let words = reading.words;
    let work = words.tokens.iter().position(|token| WORKS.contains(&token.lower.as_str()))?;
    let article = words.tokens[..work].iter().rposition(|token| ["a", "an", "the"].contains(&token.lower.as_str()))?;
    let free = |at: &usize| !reading.is_taken(*at);
    let first = (article + 1..work).find(free)?;
    let last = (first..work).take_while(free).last()?;
    let says_something = (first..=last).any(|at| {
        !is_stop_word(words.lower(at))
            && !["new", "short", "nice", "good", "social", "media"].contains(&words.lower(at))
    });
    says_something.then_some((first, last))
}
