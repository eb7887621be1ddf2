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

/// Short names, which are other words too: they count where they stand as a platform stands.
const SHORT: &[(&str, &str)] =
    &[("x", "twitter"), ("fb", "facebook"), ("ig", "instagram"), ("li", "linkedin"), ("yt", "youtube")];
/// Networks that nothing can be posted on here, and that are told from other words by their names.
const OTHERS: &[&str] = &[
    "snapchat",
    "xing",
    "myspace",
    "vk",
    "vkontakte",
    "tumblr",
    "weibo",
    "wechat",
    "telegram",
    "whatsapp",
    "discord",
    "twitch",
    "quora",
    "substack",
    "clubhouse",
    "bereal",
    "flickr",
    "parler",
    "orkut",
    "nextdoor",
    "vimeo",
    "kakaotalk",
    "lemon8",
    "gettr",
    "diaspora",
    "pixelfed",
    "slack",
    "medium",
    "truth social",
    "hacker news",
    "product hunt",
    "google plus",
];
/// Words that lead to a platform.
const LEADS: &[&str] = &["for", "on", "to", "in", "as", "via", "für", "auf", "bei"];
/// Words between platforms, and between them and what leads to them.
const BETWEEN: &[&str] = &[
    "and",
    "or",
    "plus",
    "und",
    "oder",
    "nor",
    "not",
    "but",
    "only",
    "just",
    "nicht",
    "aber",
    "nur",
    "the",
    "my",
    "our",
    "a",
    "an",
    "both",
    "except",
    "excluding",
    "außer",
    "also",
    "instead",
    "of",
    "rather",
    "than",
    "com",
    "statt",
    "either",
    "never",
];
/// Words behind a platform that belong to it.
const BEHIND: &[&str] =
    &["account", "page", "feed", "followers", "profile", "channel", "platform", "app", "network", "com", "instead"];

/// The platform that a word names.
pub(super) fn named(word: &str) -> Option<&'static str> {
    let word = word.strip_suffix("'s").unwrap_or(word);
    PLATFORMS.iter().find(|(_, names)| names.contains(&word)).map(|(platform, _)| *platform)
}

/// The platforms that the word at a place names; "Twitter/LinkedIn" is one word that names two.
pub(super) fn named_at(words: &Words<'_>, at: usize) -> Vec<&'static str> {
    let word = words.lower(at);
    let before = at.checked_sub(1).map_or("", |before| words.lower(before));
    let next = words.lower(at + 1);
    if let Some((_, platform)) = SHORT.iter().find(|(short, _)| *short == word) {
        let is_address = next == "com" && words.gap_after(at) == ".";
        // The letters alone are too short to mean anything by themselves.
        let is_led = matches!(before, "on" | "to" | "für" | "auf" | "via")
            || before == "for" && (word != "x" || words.span(at, at) == "X");
        let is_joined = matches!(before, "and" | "or" | "und" | "not")
            && at > 1
            && words.span(at, at).chars().all(char::is_uppercase)
            && (named(words.lower(at - 2)).is_some() || SHORT.iter().any(|(short, _)| *short == words.lower(at - 2)));
        let is_called = before == "the" && matches!(next, "platform" | "app" | "network");
        return Vec::from_iter(
            (is_address || is_led || is_joined || is_called || POSTS.contains(&next)).then_some(*platform),
        );
    }
    if let Some(platform) = named(word) {
        return vec![platform];
    }
    let parts: Vec<&str> = word
        .split('/')
        .map(|part| {
            SHORT
                .iter()
                .find(|(short, _)| *short == part)
                .map(|(_, platform)| *platform)
                .or_else(|| named(part))
                .unwrap_or("")
        })
        .collect();
    if parts.len() > 1 && parts.iter().all(|part| !part.is_empty()) {
        return parts
            .iter()
            .filter_map(|part| PLATFORMS.iter().find(|(name, _)| name == part))
            .map(|(name, _)| *name)
            .collect();
    }
    Vec::new()
}

/// Whether a word names a platform that is known.
pub(super) fn is_named(words: &Words<'_>, at: usize) -> bool {
    !named_at(words, at).is_empty()
}

/// The last word of a network's name that begins at a place and is not known here.
fn other_at(words: &Words<'_>, at: usize) -> Option<usize> {
    let word = words.lower(at);
    if word.is_empty() {
        return None;
    }
    OTHERS
        .iter()
        .find_map(|other| match other.split_once(' ') {
            None => (*other == word).then_some(at),
            Some((first, second)) => (first == word && second == words.lower(at + 1)).then_some(at + 1),
        })
        // "medium" and the like are other words when they are written small.
        .filter(|_| {
            !matches!(word, "medium" | "slack" | "telegram" | "discord")
                || words.span(at, at).starts_with(char::is_uppercase)
        })
}

/// Whether a platform is named at a place, known or not, or all of them are.
pub(super) fn is_spoken_of(words: &Words<'_>, at: usize) -> bool {
    let skipped = at + usize::from(matches!(words.lower(at), "the" | "my" | "our"));
    is_other(words, at) || is_named(words, at) || is_named(words, skipped) || all_at(words, at).is_some()
}

/// The last word of "everywhere", "all platforms", "every social network".
fn all_at(words: &Words<'_>, at: usize) -> Option<usize> {
    if matches!(words.lower(at), "everywhere" | "überall") {
        return Some(at);
    }
    if words.lower(at) == "everything" && matches!(words.lower(at + 1), "except" | "but" | "excluding") {
        return Some(at);
    }
    if !matches!(words.lower(at), "all" | "every" | "each" | "allen" | "alle") {
        return None;
    }
    let is_small =
        |word: &str| matches!(word, "my" | "our" | "the" | "of" | "social" | "media" | "possible" | "available");
    let mut last = at + 1;
    while last < at + 6 && is_small(words.lower(last)) {
        last += 1;
    }
    let kinds = [
        "platform",
        "platforms",
        "network",
        "networks",
        "accounts",
        "profiles",
        "channel",
        "channels",
        "plattformen",
        "kanälen",
        "netzwerken",
    ];
    if kinds.contains(&words.lower(last)) {
        return Some(last);
    }
    (last > at + 1 && words.lower(last - 1) == "media").then_some(last - 1)
}

/// Where "for LinkedIn", "on Twitter and Threads" begins, if the words from `first` to before `end` end with it.
pub(super) fn phrase_ending_at(words: &Words<'_>, first: usize, end: usize) -> Option<usize> {
    let mut at = end;
    if at > first && BEHIND.contains(&words.lower(at - 1)) {
        at -= 1;
    }
    // The end of "everywhere", "on all platforms", "on Truth Social".
    let begins_all = (at.saturating_sub(6).max(first)..at).find(|begin| all_at(words, *begin) == Some(at - 1));
    let begins_other = (at.saturating_sub(2).max(first)..at).find(|begin| other_at(words, *begin) == Some(at - 1));
    if let Some(begin) = begins_all.or(begins_other) {
        at = begin;
        if begins_all.is_some() && matches!(words.lower(begin), "everywhere" | "überall") && begin > first {
            return Some(begin);
        }
    } else if at > first && is_named(words, at - 1) {
        at -= 1;
    } else {
        return None;
    }
    let mut begin = None;
    loop {
        if at <= first {
            break;
        }
        let word = words.lower(at - 1);
        if LEADS.contains(&word) {
            // "comparing Twitter to Mastodon", "moving from Mailchimp to Substack": both are what it is about.
            let is_between =
                word == "to" && at - 1 > first && (is_named(words, at - 2) || follows_from(words, first, at));
            if is_between || word == "for" && leaves(words, first, at - 1) {
                break;
            }
            begin = Some(at - 1);
        } else if matches!(word, "everywhere" | "überall") {
            begin = Some(at - 1);
        } else if !(BETWEEN.contains(&word)
            || is_named(words, at - 1)
            || is_other(words, at - 1)
            || is_within_all(words, at - 1))
        {
            break;
        }
        at -= 1;
    }
    let mut begin = begin.filter(|begin| *begin > first)?;
    while begin > first && matches!(words.lower(begin - 1), "not" | "but" | "nicht" | "aber" | "only" | "nur") {
        begin -= 1;
    }
    Some(begin)
}

/// "why we left Twitter for Bluesky", up to the "for": both are what it is about.
fn leaves(words: &Words<'_>, first: usize, at: usize) -> bool {
    let leaving = [
        "left",
        "leave",
        "leaving",
        "leaves",
        "quit",
        "quitting",
        "ditch",
        "ditched",
        "ditching",
        "swap",
        "swapped",
        "swapping",
        "abandon",
        "abandoned",
        "abandoning",
        "traded",
        "trading",
        "exchanged",
        "dropped",
        "dropping",
    ];
    at >= first + 2 && is_named(words, at - 1) && leaving.contains(&words.lower(at - 2))
}

/// Whether "from" and a name stand before the "to" in front of a word.
fn follows_from(words: &Words<'_>, first: usize, at: usize) -> bool {
    (at.saturating_sub(5).max(first)..at - 1).any(|place| matches!(words.lower(place), "from" | "von"))
}

/// Whether a word is the name, or a part of the name, of a network that is not known here.
fn is_other(words: &Words<'_>, at: usize) -> bool {
    other_at(words, at).is_some() || at > 0 && other_at(words, at - 1) == Some(at)
}

/// Whether a word is one of "all my platforms".
fn is_within_all(words: &Words<'_>, at: usize) -> bool {
    (at.saturating_sub(6)..=at).any(|begin| all_at(words, begin).is_some_and(|last| last >= at))
}

/// "Don't post it on Twitter, only on Mastodon": for each word, whether the platforms there are refused.
pub(super) fn is_refused(words: &Words<'_>, at: usize) -> bool {
    let refuses = |place: &usize| {
        let verb =
            |verb: &str| matches!(verb, "post" | "publish" | "share" | "tweet" | "put" | "use" | "send" | "want");
        matches!(words.lower(*place), "don't" | "dont" | "never") && verb(words.lower(place + 1))
            || words.at(*place, &["do", "not"]) && verb(words.lower(place + 2))
    };
    let Some(begin) = (0..at).rev().take(MAX_REACH).find(refuses) else { return false };
    let ends = |place: usize| {
        matches!(words.lower(place + 1), "only" | "but" | "just" | "use" | "instead" | "rather")
            || words.gap_after(place).contains(['.', '!', '?', ';', '\n'])
            || words.gap_after(place).contains(',')
                && matches!(words.lower(place + 1), "post" | "write" | "create" | "publish" | "share" | "draft")
    };
    !(begin + 2..at).any(ends)
}

/// How far a refusal reaches, in words.
const MAX_REACH: usize = 40;

/// Whether the words before one take it away: "but not on Facebook", "except LinkedIn".
fn is_excluded(words: &Words<'_>, at: usize) -> bool {
    let mut place = at;
    for _ in 0..6 {
        let Some(before) = place.checked_sub(1) else { return false };
        match words.lower(before) {
            "not" | "except" | "excluding" | "without" | "skip" | "don't" | "never" | "nicht" | "ohne" | "außer" => {
                return true;
            }
            "of" if before > 0 && words.lower(before - 1) == "instead" => return true,
            "than" if before > 0 && words.lower(before - 1) == "rather" => return true,
            "statt" => return true,
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
        // "threads" is a platform where it stands like one, and otherwise several posts.
        let as_platform = words.lower(at) != "threads"
            || words.span(at, at).starts_with('T')
            || ["on", "to", "for"].contains(&before);
        for platform in named_at(words, at) {
            if as_platform && !seen.contains(&platform) {
                seen.push(platform);
                let is_out = is_excluded(words, at) || is_refused(words, at);
                reading.keep(if is_out { "platform-excluded" } else { "platform" }, json!(platform), at, at);
            }
        }
    }
    let speaks_of_posting = words.tokens.iter().any(|token| {
        POSTS.contains(&token.lower.as_str()) || matches!(token.lower.as_str(), "publish" | "share" | "announce")
    });
    let free = |reading: &Reading<'_>, at: usize, last: usize| {
        !reading.is_taken(at) && !reading.is_taken(last) && !is_excluded(words, at) && speaks_of_posting
    };
    let places = 0..words.tokens.len();
    // "everywhere except Facebook": each that is left.
    let all =
        places.clone().find_map(|at| all_at(words, at).filter(|last| free(reading, at, *last)).map(|last| (at, last)));
    if let Some((first, last)) = all.filter(|_| !reading.has("platform")) {
        for (platform, _) in PLATFORMS.iter().filter(|(platform, _)| !seen.contains(platform)) {
            reading.keep("platform", json!(platform), first, last);
        }
        return;
    }
    let other = places.clone().find_map(|at| {
        let last = other_at(words, at).filter(|last| free(reading, at, *last))?;
        let before = at.checked_sub(1).map_or("", |before| words.lower(before));
        let stands_as_one = LEADS.contains(&before) || POSTS.contains(&words.lower(last + 1));
        stands_as_one.then_some((at, last))
    });
    if let Some((first, last)) = other {
        let name = super::clip(words.span(first, last)).to_owned();
        reading.keep("unknown-platform", json!(name), first, last);
    } else if seen.is_empty()
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
