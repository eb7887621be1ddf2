//! Which network a post is for, known or not.

use serde_json::json;

use super::Reading;

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

pub(super) fn read(reading: &mut Reading<'_>) {
    let words = reading.words;
    let mut seen: Vec<&str> = Vec::new();
    for at in 0..words.tokens.len() {
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
            reading.keep("platform", json!(platform), at, at);
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
        mixed && !reading.is_taken(at) && !super::time::is_time_word(words.lower(at))
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
