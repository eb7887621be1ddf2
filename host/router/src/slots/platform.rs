//! Which network a post is for, known or not.

use serde_json::json;

use super::Reading;
use crate::text::Words;

/// Platforms, and the words that name them.
const PLATFORMS: &[(&str, &[&str])] = &[
    ("twitter", &["twitter", "tweet", "tweets", "tweeting"]),
    ("linkedin", &["linkedin"]),
    ("instagram", &["instagram", "insta"]),
    ("facebook", &["facebook"]),
    ("threads", &["threads"]),
    ("mastodon", &["mastodon", "toot"]),
    ("bluesky", &["bluesky", "bsky"]),
    ("tiktok", &["tiktok"]),
    ("youtube", &["youtube"]),
    ("pinterest", &["pinterest"]),
    ("reddit", &["reddit", "subreddit"]),
];
/// What is put on a platform.
const POSTS: &[&str] = &["post", "posts", "thread", "update", "message", "caption", "story", "account", "engagement"];

/// The platform that a word names.
pub(super) fn named(word: &str) -> Option<&'static str> {
    let word = word.strip_suffix("'s").unwrap_or(word);
    PLATFORMS.iter().find(|(_, names)| names.contains(&word)).map(|(platform, _)| *platform)
}

/// Where "for LinkedIn", "on Twitter and Threads" begins, if the words from `first` to before `end` end with it.
pub(super) fn phrase_ending_at(words: &Words<'_>, first: usize, end: usize) -> Option<usize> {
    let is_x = |at: usize| {
        let before = at.checked_sub(1).map_or("", |before| words.lower(before));
        words.lower(at) == "x" && ["on", "to", "for", "auf"].contains(&before)
    };
    let names = |at: usize| named(words.lower(at)).is_some() || is_x(at);
    let mut at = end;
    if at > first && matches!(words.lower(at - 1), "account" | "page" | "feed" | "followers" | "profile" | "channel") {
        at -= 1;
    }
    let mut begin = None;
    while at > first && names(at - 1) {
        at -= 1;
        begin = Some(at);
        let joined = at > first && matches!(words.lower(at - 1), "and" | "or" | "plus" | "und");
        let listed = at > first && words.gap_after(at - 1).contains([',', '&', '/']);
        if joined && at - 1 > first {
            at -= 1;
        } else if !listed {
            break;
        }
    }
    let mut begin = begin?;
    while begin > first + 1
        && matches!(words.lower(begin - 1), "the" | "my" | "our" | "a" | "an" | "both" | "not" | "but")
    {
        begin -= 1;
    }
    let leads =
        matches!(words.lower(begin - 1), "for" | "on" | "to" | "in" | "as" | "via" | "für" | "auf" | "except" | "bei");
    if begin <= first || !leads {
        return None;
    }
    begin -= 1;
    while begin > first && matches!(words.lower(begin - 1), "not" | "but" | "nicht" | "aber" | "only") {
        begin -= 1;
    }
    Some(begin)
}

/// Whether the words before one take it away: "but not on Facebook", "except LinkedIn".
fn is_excluded(words: &Words<'_>, at: usize) -> bool {
    let mut place = at;
    for _ in 0..6 {
        let Some(before) = place.checked_sub(1) else { return false };
        match words.lower(before) {
            "not" | "except" | "excluding" | "without" | "skip" | "don't" | "never" | "nicht" | "ohne" | "außer" => {
                return true;
            }
            "on" | "for" | "to" | "the" | "my" | "our" | "auf" | "für" => {}
            // "not on Facebook or LinkedIn": both.
            "and" | "or" | "oder" | "nor" if before > 0 && named(words.lower(before - 1)).is_some() => {}
            other if named(other).is_some() => {}
            _ => return false,
        }
        place = before;
    }
    false
}

pub(super) fn read(reading: &mut Reading<'_>) {
    let words = reading.words;
    let mut seen: Vec<&str> = Vec::new();
    for at in 0..words.tokens.len() {
        if reading.is_taken(at) {
            continue;
        }
        let before = at.checked_sub(1).map_or("", |before| words.lower(before));
        let found = named(words.lower(at)).or_else(|| {
            // The letter alone is too short to mean anything by itself.
            let is_x =
                words.lower(at) == "x" && (["on", "to"].contains(&before) || POSTS.contains(&words.lower(at + 1)));
            is_x.then_some("twitter")
        });
        // "threads" is a platform where it stands like one, and otherwise several posts.
        let as_platform = words.lower(at) != "threads"
            || words.span(at, at).starts_with('T')
            || ["on", "to", "for"].contains(&before);
        if let Some(platform) = found.filter(|platform| as_platform && !seen.contains(platform)) {
            seen.push(platform);
            let slot = if is_excluded(words, at) { "platform-excluded" } else { "platform" };
            reading.keep(slot, json!(platform), at, at);
        }
    }
    if seen.is_empty()
        && let Some(at) = unknown(reading)
    {
        let name = super::clip(words.span(at, at)).to_owned();
        reading.keep("unknown-platform", json!(name), at, at);
    }
}

/// A word that stands where a platform stands, and is written as a name.
fn unknown(reading: &Reading<'_>) -> Option<usize> {
    let words = reading.words;
    let is_name = |at: usize| {
        let word = words.span(at, at);
        let mixed = word.chars().any(char::is_lowercase) && word.starts_with(char::is_uppercase);
        mixed && !reading.is_taken(at) && !reading.is_time(at)
    };
    let about = words.tokens.iter().position(|token| token.lower == "about").unwrap_or(usize::MAX);
    let speaks_of_posts =
        |word: &str| POSTS.contains(&word) || ["publish", "share", "posting", "publishing"].contains(&word);
    let post = words.tokens.iter().position(|token| speaks_of_posts(&token.lower)).unwrap_or(usize::MAX);
    for at in 1..words.tokens.len() {
        // "a Frobster post about …"
        let article = ["a", "an", "the", "my", "our"].contains(&words.lower(at - 1));
        if article && is_name(at) && POSTS.contains(&words.lower(at + 1)) && about != usize::MAX && at < about {
            return Some(at);
        }
        // "post … on MySpace", "publish it to Frobster"; what comes after "about" is the topic.
        let placed = ["on", "to"].contains(&words.lower(at - 1)) && is_name(at);
        let ends = words.lower(at + 1).is_empty()
            || ["and", "about", "for", "at", "tomorrow", "today", "on"].contains(&words.lower(at + 1))
            || words.gap_after(at).contains([',', '.', '!', '?']);
        if placed && ends && post < at && (at < about || words.lower(at - 1) == "to") {
            return Some(at);
        }
    }
    None
}
