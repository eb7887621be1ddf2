//! Turns that go on from a post: "make it funnier", "now the same for LinkedIn", "actually make that Thursday", "which of my posts is the
//! longest?". Reading only; what is done about it is not decided here.

use chrono::{Datelike, Duration, LocalResult, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use openanalyst_skill::When;
use openanalyst_skill::prelude::*;
use openanalyst_skill::turns;

use crate::history::Scheduled;

/// A turn that changes a post has few words; a longer text is a request of its own.
const MAX_CHANGE_WORDS: usize = 14;

/// How a post shall be different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// In this tone of the script.
    Tone(&'static str),
    Shorter,
    Longer,
    /// In other words.
    Another,
    CallToAction,
    NoHashtags,
    Emojis,
    /// In this language.
    Language(String),
}

/// A question about the user's own posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Count,
    Longest,
    Shortest,
    Newest,
    Oldest,
    /// What is scheduled.
    Scheduled,
    /// When the last one goes out.
    When,
    /// All of them.
    All,
}

fn said(text: &str) -> Vec<String> {
    turns::words(text)
}

fn has(words: &[String], any: &[&str]) -> bool {
    words.iter().any(|word| any.contains(&word.as_str()))
}

fn has_pair(words: &[String], first: &[&str], second: &[&str]) -> bool {
    words.windows(2).any(|pair| first.contains(&pair[0].as_str()) && second.contains(&pair[1].as_str()))
}

/// Whether the web shall be searched: that is no post and no numbers.
pub(crate) fn searches(request: &Request) -> bool {
    let words = said(&request.content);
    let begins: Vec<&str> = words.iter().take(4).map(String::as_str).collect();
    let looks = begins.iter().any(|word| matches!(*word, "search" | "google" | "research" | "lookup" | "browse"))
        || begins.windows(2).any(|two| two == ["look", "up"]);
    let on_web = has(&words, &["web", "internet", "online", "google"]);
    looks || (on_web && begins.iter().any(|word| matches!(*word, "find" | "check" | "what" | "look")))
}

/// How the last post shall be different. None: the words ask for nothing of the kind.
pub(crate) fn change(text: &str) -> Option<Change> {
    let words = said(text);
    if words.is_empty() || words.len() > MAX_CHANGE_WORDS || has(&words, &["about", "workflow", "every", "über"]) {
        return None;
    }
    if let Some(language) = language(&words) {
        return Some(Change::Language(language));
    }
    if words.iter().any(|word| word.starts_with("hashtag"))
        && has(&words, &["without", "no", "remove", "drop", "delete", "ohne", "lose", "skip"])
    {
        return Some(Change::NoHashtags);
    }
    if has(&words, &["cta"]) || words.windows(3).any(|three| three == ["call", "to", "action"]) {
        return Some(Change::CallToAction);
    }
    if words.iter().any(|word| word.starts_with("emoji")) && !has(&words, &["without", "no", "remove"]) {
        return Some(Change::Emojis);
    }
    let is_less = has(&words, &["less", "not", "weniger"]);
    let is_more = is_less
        || has(
            &words,
            &[
                "more", "make", "bit", "little", "much", "rewrite", "mehr", "mach", "mache", "sound", "please",
                "bitte", "turn", "in", "a",
            ],
        )
        || words.len() <= 2;
    if has(&words, &["shorter", "shorten", "briefer", "trim", "concise", "condense", "kürzer", "snappier"])
        || has_pair(&words, &["too"], &["long"])
        || has_pair(&words, &["cut"], &["it"])
    {
        return Some(Change::Shorter);
    }
    if has(&words, &["longer", "lengthen", "expand", "elaborate", "länger"])
        || has_pair(&words, &["more"], &["detail", "details"])
        || has_pair(&words, &["too"], &["short"])
    {
        return Some(Change::Longer);
    }
    const TONES: &[(&str, &str, &[&str])] = &[
        (
            "funny",
            "neutral",
            &["funnier", "funny", "humorous", "witty", "wittier", "lustiger", "hilarious", "humour", "humor"],
        ),
        (
            "professional",
            "casual",
            &["formal", "professional", "serious", "businesslike", "formeller", "förmlicher", "corporate"],
        ),
        ("casual", "professional", &["casual", "informal", "relaxed", "lockerer", "chill", "laid-back"]),
        ("friendly", "neutral", &["friendlier", "friendly", "warmer", "warm", "freundlicher", "nicer"]),
        ("inspirational", "neutral", &["inspirational", "inspiring", "motivating", "motivational", "uplifting"]),
        ("bold", "neutral", &["bolder", "bold", "provocative", "edgier", "edgy", "punchier", "punchy"]),
        ("neutral", "neutral", &["neutral", "plain", "plainer"]),
    ];
    for (tone, opposite, names) in TONES {
        if has(&words, names) && is_more {
            return Some(Change::Tone(if is_less { opposite } else { tone }));
        }
    }
    let again = has(&words, &["rewrite", "rephrase", "reword", "anders"])
        || has_pair(
            &words,
            &["another", "different", "new", "other"],
            &["version", "one", "wording", "try", "take", "variant", "draft"],
        )
        || has_pair(&words, &["try", "do"], &["again"])
        || has_pair(&words, &["try", "something"], &["something", "else", "different"])
        || (words.len() <= 2 && has(&words, &["another", "again"]));
    again.then_some(Change::Another)
}

fn language(words: &[String]) -> Option<String> {
    const LANGUAGES: &[(&str, &[&str])] = &[
        ("German", &["german", "deutsch"]),
        ("French", &["french", "français", "französisch"]),
        ("Spanish", &["spanish", "español", "spanisch"]),
        ("Italian", &["italian", "italienisch"]),
        ("Portuguese", &["portuguese"]),
        ("Dutch", &["dutch"]),
        ("Polish", &["polish"]),
        ("Turkish", &["turkish"]),
        ("Japanese", &["japanese"]),
        ("Chinese", &["chinese"]),
        ("Korean", &["korean"]),
        ("Arabic", &["arabic"]),
        ("Hindi", &["hindi"]),
        ("Ukrainian", &["ukrainian"]),
        ("Swedish", &["swedish"]),
        ("English", &["english", "englisch"]),
    ];
    let found = LANGUAGES.iter().find(|(_, names)| {
        words
            .windows(2)
            .any(|pair| matches!(pair[0].as_str(), "in" | "to" | "into" | "auf") && names.contains(&pair[1].as_str()))
            || (has(words, &["translate", "übersetze"]) && has(words, names))
    });
    if found.is_none() && words.first().is_some_and(|word| word == "translate") {
        return Some("another language".to_owned());
    }
    found.map(|(name, _)| (*name).to_owned())
}

/// Whether the same post shall be written for other platforms, which the request names.
pub(crate) fn same_elsewhere(text: &str) -> bool {
    let words = said(text);
    if words.len() > MAX_CHANGE_WORDS || has(&words, &["about", "every", "move", "cancel"]) {
        return false;
    }
    let same =
        has(&words, &["same", "too", "also", "aswell", "likewise", "gleiche"]) || has_pair(&words, &["as"], &["well"]);
    let begins =
        words.first().is_some_and(|word| matches!(word.as_str(), "and" | "now" | "for" | "also" | "then" | "on"));
    let points = has(&words, &["it", "that", "this"])
        && has(&words, &["post", "make", "write", "adapt", "do", "version", "turn", "rewrite", "publish", "share"]);
    same || points || (begins && words.len() <= 6)
}

/// Whether it shall go out at once.
pub(crate) fn now(text: &str) -> bool {
    let words = said(text);
    let at_once = has(&words, &["now", "immediately", "jetzt", "sofort"])
        || has_pair(&words, &["right", "straight"], &["away"])
        || has_pair(&words, &["at"], &["once"]);
    let posts = has(&words, &["post", "publish", "send", "tweet", "share", "poste", "veröffentliche"]);
    at_once
        && posts
        && words.len() <= 8
        && has(&words, &["it", "that", "this", "them"])
        && !has(&words, &["same", "about"])
}

/// Whether a scheduled post shall not go out.
pub(crate) fn cancels(text: &str) -> bool {
    let words = said(text);
    let first = words
        .iter()
        .map(String::as_str)
        .find(|word| !matches!(*word, "please" | "can" | "you" | "could" | "actually" | "no" | "ok" | "now" | "then"));
    let verb = first.is_some_and(|first| {
        matches!(first, "cancel" | "unschedule" | "delete" | "remove" | "stop" | "drop" | "lösche" | "storniere")
    });
    let dont = has(&words, &["dont"]) && has(&words, &["post", "publish", "schedule"]);
    (verb || dont)
        && words.len() <= MAX_CHANGE_WORDS
        && !words.iter().any(|word| word.starts_with("hashtag") || word.starts_with("emoji"))
}

/// What the user asks about their own posts.
pub(crate) fn ask(text: &str) -> Option<Ask> {
    let words = said(text);
    let first = words.first()?.as_str();
    let is_question = matches!(
        first,
        "which"
            | "what"
            | "how"
            | "when"
            | "show"
            | "list"
            | "whats"
            | "is"
            | "are"
            | "display"
            | "do"
            | "did"
            | "where"
    ) || text.trim_end().ends_with('?');
    let of_posts =
        words.iter().any(|word| matches!(word.as_str(), "post" | "posts" | "tweet" | "tweets" | "draft" | "drafts"));
    let own = has(&words, &["my", "i", "our", "we", "mine"]);
    if !is_question
        || words.len() > 16
        || has(&words, &["best", "engagement", "performed", "perform", "likes", "reach", "did"])
            && !has(&words, &["schedule", "scheduled", "write", "written"])
    {
        return None;
    }
    if matches!(first, "when")
        && (has(&words, &["it", "that", "they", "this"]) || of_posts)
        && has(&words, &["go", "goes", "out", "posted", "published", "due", "scheduled", "live"])
    {
        return Some(Ask::When);
    }
    if of_posts && has(&words, &["longest"]) {
        return Some(Ask::Longest);
    }
    if of_posts && has(&words, &["shortest"]) {
        return Some(Ask::Shortest);
    }
    if of_posts
        && own
        && has(&words, &["newest", "latest", "last", "recent"])
        && matches!(first, "which" | "what" | "show" | "whats")
    {
        return Some(Ask::Newest);
    }
    if of_posts && own && has(&words, &["oldest", "first"]) && matches!(first, "which" | "what" | "show" | "whats") {
        return Some(Ask::Oldest);
    }
    if of_posts && has_pair(&words, &["how"], &["many"]) {
        return Some(Ask::Count);
    }
    let scheduled = has(&words, &["scheduled", "planned", "upcoming", "pending", "queued"])
        || (has(&words, &["schedule"]) && has(&words, &["did", "have"]));
    if scheduled && (of_posts || own || matches!(first, "what" | "whats")) {
        return Some(Ask::Scheduled);
    }
    (of_posts && own && matches!(first, "show" | "list" | "display") && words.len() <= 6).then_some(Ask::All)
}

/// A new moment for a post.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Moment {
    /// The words name none.
    None,
    /// Then.
    At(When),
    /// It would have passed.
    Past(When),
    /// The words say only how it differs, and nothing is scheduled.
    Unknown,
}

/// The moment that a turn names for a post that goes out at `scheduled`: what was not said, the day or the time, stays.
pub(crate) fn moment(request: &Request, now_ms: u64, scheduled: Option<&Scheduled>) -> Moment {
    let text = after_instead(&request.content);
    let zone_name = scheduled.map_or(request.time_zone.as_str(), |scheduled| scheduled.time_zone.as_str());
    let Ok(zone) = zone_name.parse::<Tz>() else { return Moment::None };
    let old = scheduled.and_then(|scheduled| NaiveDateTime::parse_from_str(&scheduled.local, "%Y-%m-%dT%H:%M").ok());
    let at = |local: NaiveDateTime| when(local, zone, now_ms).unwrap_or(Moment::None);
    if let Some(shift) = turns::shift(&request.content) {
        let Some(old) = old else { return Moment::Unknown };
        return at(old + Duration::days(shift.days) + Duration::minutes(shift.minutes));
    }
    let words = said(text);
    let day = words.iter().find_map(|word| turns::weekday(word));
    let clock =
        turns::clock(text).and_then(|clock| chrono::NaiveTime::from_hms_opt(clock.hour.into(), clock.minute.into(), 0));
    if let Some(named) = request.when() {
        let told: Value = request.slot_as("when").ok().flatten().unwrap_or_default();
        let names_day = told["explicitDay"].as_bool().unwrap_or_else(|| names_day(&words));
        let local = NaiveDateTime::parse_from_str(&named.local, "%Y-%m-%dT%H:%M").ok();
        return match (local, old) {
            (Some(local), Some(old)) if named.explicit_time && !names_day => at(old.date().and_time(local.time())),
            (Some(local), Some(old)) if !named.explicit_time => at(local.date().and_time(old.time())),
            _ if named.past => Moment::Past(named),
            _ => Moment::At(named),
        };
    }
    let today =
        i64::try_from(now_ms).ok().and_then(|ms| zone.timestamp_millis_opt(ms).single()).map(|now| now.date_naive());
    let date = match (day, today) {
        (Some(day), Some(today)) => {
            let ahead = (7 + i64::from(day) - i64::from(today.weekday().num_days_from_monday())) % 7;
            Some(today + Duration::days(if ahead == 0 { 7 } else { ahead }))
        }
        _ => None,
    };
    match (date, clock, old) {
        (None, None, _) => Moment::None,
        (date, clock, Some(old)) => at(date.unwrap_or(old.date()).and_time(clock.unwrap_or(old.time()))),
        (Some(date), Some(clock), None) => at(date.and_time(clock)),
        _ => Moment::Unknown,
    }
}

/// What follows "instead of Friday" and "from Friday to" is the new time; what stands there is the old one.
fn after_instead(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let text = lower.find(" instead of ").and_then(|at| text.get(..at)).unwrap_or(text);
    let lower = text.to_ascii_lowercase();
    lower.find(" from ").and_then(|_| lower.rfind(" to ")).and_then(|at| text.get(at..)).unwrap_or(text)
}

fn names_day(words: &[String]) -> bool {
    const DAYS: &[&str] = &[
        "today",
        "tomorrow",
        "tonight",
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "weekend",
        "heute",
        "morgen",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "christmas",
        "hours",
        "minutes",
        "hour",
    ];
    let is_date = |word: &String| {
        let digits = word.trim_end_matches(|letter: char| letter.is_alphabetic());
        let is_ordinal = !digits.is_empty() && matches!(&word[digits.len()..], "st" | "nd" | "rd" | "th");
        is_ordinal || (word.len() == 4 && word.starts_with("20") && word.parse::<u16>().is_ok())
    };
    words.iter().any(|word| turns::weekday(word).is_some() || DAYS.contains(&word.as_str()) || is_date(word))
}

/// The wall clock time in a zone; one that does not exist is the first after it that does.
pub(crate) fn when(mut local: NaiveDateTime, zone: Tz, now_ms: u64) -> Option<Moment> {
    for _ in 0..=24 * 4 {
        let at = match zone.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
            LocalResult::None => {
                local += Duration::minutes(15);
                continue;
            }
        };
        let at_ms = u64::try_from(at.timestamp_millis()).ok()?;
        let when = When {
            at_ms,
            local: local.format("%Y-%m-%dT%H:%M").to_string(),
            time_zone: zone.name().to_owned(),
            explicit_time: true,
            explicit_day: true,
            past: at_ms <= now_ms,
            bound: None,
            notes: Vec::new(),
        };
        return Some(if when.past { Moment::Past(when) } else { Moment::At(when) });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_where_they_are_asked_for() {
        for (text, expected) in [
            ("make it funnier", Change::Tone("funny")),
            ("shorter please", Change::Shorter),
            ("a bit shorter", Change::Shorter),
            ("more formal", Change::Tone("professional")),
            ("less formal", Change::Tone("casual")),
            ("another version", Change::Another),
            ("try again", Change::Another),
            ("rewrite it", Change::Another),
            ("add a call to action", Change::CallToAction),
            ("without hashtags", Change::NoHashtags),
            ("remove the hashtags please", Change::NoHashtags),
            ("in German", Change::Language("German".into())),
            ("translate it to French", Change::Language("French".into())),
            ("auf Deutsch bitte", Change::Language("German".into())),
            ("make it longer", Change::Longer),
            ("add some emojis", Change::Emojis),
            ("it's too long", Change::Shorter),
            ("make it more professional and friendly", Change::Tone("professional")),
        ] {
            assert_eq!(change(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "write a funny tweet about cats",
            "make it Thursday",
            "schedule it for Friday",
            "undo that",
            "what did I schedule?",
            "now post the same on LinkedIn",
            "every Monday post something funny",
        ] {
            assert_eq!(change(text), None, "{text}");
        }
    }

    #[test]
    fn questions_about_own_posts_are_read() {
        for (text, expected) in [
            ("which of my posts is the longest?", Some(Ask::Longest)),
            ("how many posts do I have?", Some(Ask::Count)),
            ("show my scheduled posts", Some(Ask::Scheduled)),
            ("what did I schedule?", Some(Ask::Scheduled)),
            ("when does it go out?", Some(Ask::When)),
            ("what is my latest post?", Some(Ask::Newest)),
            ("show my posts", Some(Ask::All)),
            ("how did my posts do?", None),
            ("which of my posts performed best?", None),
            ("write a post about how many posts I have", None),
        ] {
            assert_eq!(ask(text), expected, "{text}");
        }
    }

    #[test]
    fn a_search_is_no_post() {
        for (text, expected) in [
            ("Search the web for the best time to post on LinkedIn", true),
            ("find out online when to post", true),
            ("Create a post about web search", false),
            ("post about searching for meaning", false),
        ] {
            assert_eq!(searches(&openanalyst_skill::testing::request(text)), expected, "{text}");
        }
    }
}
