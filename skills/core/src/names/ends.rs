//! The words that tell where a name ends: what begins no name, what ends one, and what may be both. Long, as it
//! is lists of words.

use crate::clauses::clean;

/// Words that no name begins with.
pub(super) const NO_BEGINNINGS: &[&str] = &[
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
/// Those that are family names too: before another capital letter they begin a name, as in "An Wang".
const ALSO_BEGINNINGS: &[&str] = &["an", "at", "by", "in", "no", "on", "now", "old", "the", "easy"];
/// Words that end a name, whatever follows.
const ENDS: &[&str] = &[
    "and",
    "are",
    "as",
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
    "instead",
    "is",
    "living",
    "not",
    "now",
    "ok",
    "okay",
    "or",
    "please",
    "since",
    "speaking",
    "thanks",
    "thank",
    "that",
    "though",
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
    "always",
    "also",
    "btw",
    "aka",
    "the",
    "based",
    "could",
    "coming",
    "currently",
    "did",
    "does",
    "glad",
    "had",
    "happy",
    "hello",
    "hey",
    "hi",
    "im",
    "it",
    "it's",
    "it’s",
    "located",
    "nice",
    "pleased",
    "studying",
    "their",
    "there",
    "they",
    "this",
    "very",
    "we",
    "we're",
    "were",
    "what",
    "where",
    "would",
];
/// Words that end a name where a sentence begins with them, and are names elsewhere: "Bob Hope", "Max Born".
const MAYBE_NAMES: &[&str] = &[
    "am", "at", "in", "my", "on", "so", "to", "born", "can", "do", "good", "great", "has", "have", "he", "hope", "how",
    "let", "love", "new", "she", "u", "was", "will", "you",
];
/// The same where the name is written in small letters.
const SMALL_NAMES: &[&str] = &["hope", "love", "good", "born", "will"];
/// Other words that a sentence begins with, in the middle of a text without a full stop: "Ada Show me the posts".
const STARTERS: &[&str] = &[
    "always",
    "call",
    "create",
    "delighted",
    "draft",
    "excited",
    "find",
    "forget",
    "get",
    "give",
    "help",
    "honored",
    "just",
    "list",
    "looking",
    "lovely",
    "make",
    "never",
    "no",
    "note",
    "our",
    "pleasure",
    "post",
    "publish",
    "remember",
    "remind",
    "run",
    "schedule",
    "see",
    "send",
    "set",
    "show",
    "sorry",
    "start",
    "stop",
    "sure",
    "tell",
    "thrilled",
    "tomorrow",
    "use",
    "welcome",
    "write",
    "yes",
    "yesterday",
];
/// Those of them that ask for something: what follows is no politeness.
const ORDERS: &[&str] = &[
    "call", "create", "draft", "find", "forget", "get", "give", "help", "list", "make", "post", "publish", "remember",
    "remind", "run", "schedule", "send", "set", "show", "start", "stop", "tell", "use", "write",
];
/// Small words that go on behind a whole name: "Bob Hope and I live in Ohio", "Bob Hope here".
const JOINTS: &[&str] = &[
    "aka", "and", "as", "because", "but", "btw", "by", "from", "here", "however", "i", "i'm", "i’m", "if", "instead",
    "is", "now", "ok", "okay", "or", "please", "since", "speaking", "so", "thanks", "though", "too", "today", "who",
    "with", "writing", "again", "aged", "-", "–", "—",
];
/// Words that show, also with a capital letter, that a sentence goes on: "Nice To Meet You".
const FOLLOWERS: &[&str] = &[
    "to",
    "you",
    "your",
    "this",
    "that",
    "it",
    "the",
    "my",
    "me",
    "i",
    "we",
    "morning",
    "afternoon",
    "evening",
    "day",
    "are",
    "there",
];
/// Small words inside of names.
pub(super) const PARTICLES: &[&str] = &[
    "van", "von", "der", "den", "de", "da", "das", "dos", "do", "di", "del", "della", "du", "la", "le", "el", "al",
    "bin", "ibn", "ben", "bat", "ter", "ten", "zu", "zur", "y", "e", "af", "av", "st", "of", "'t", "op", "tot", "zum",
    "vom", "auf", "dem", "dei", "lo", "mac", "mc", "ap", "abu", "umm", "bint", "ould", "d'", "’t",
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
/// How people feel or what they are about to do; some write it with a capital letter.
const STATES: &[&str] = &[
    "busy",
    "confused",
    "curious",
    "excited",
    "fine",
    "glad",
    "good",
    "happy",
    "here",
    "hungry",
    "just",
    "late",
    "looking",
    "lost",
    "new",
    "not",
    "only",
    "ready",
    "really",
    "sick",
    "so",
    "still",
    "sure",
    "tired",
    "trying",
    "using",
    "very",
    "working",
    "writing",
    "wondering",
    "going",
    "back",
    "also",
    "always",
    "already",
    "currently",
];

/// Whether no name begins with this word, where `next` follows.
pub(super) fn is_no_beginning(word: &str, next: Option<&&str>) -> bool {
    let lower = word.to_lowercase();
    let is_name = word.starts_with(char::is_uppercase)
        && ALSO_BEGINNINGS.contains(&lower.as_str())
        && lower.len() < 3
        && next.is_some_and(|next| next.starts_with(char::is_uppercase) && !FOLLOWERS.contains(&&*next.to_lowercase()));
    NO_BEGINNINGS.contains(&lower.as_str()) && !is_name
}

/// Whether "I'm …" says with this word what the user is, and gives no name.
pub(super) fn is_no_name(word: &str) -> bool {
    NO_NAMES.contains(&word) || STATES.contains(&word.to_lowercase().as_str())
}

/// Whether the name has ended before the word at this place, which is not the first.
pub(super) fn ends_before(words: &[&str], at: usize) -> bool {
    let Some(word) = words.get(at) else { return true };
    let is_capital = word.starts_with(char::is_uppercase);
    let lower = clean(word).to_lowercase();
    let lower = lower.as_str();
    if lower.is_empty() || ENDS.contains(&lower) {
        return true;
    }
    let next = words.get(at + 1).map(|next| clean(next));
    let small = next.map(str::to_lowercase);
    let small = small.as_deref().unwrap_or_default();
    let may_be_name = MAYBE_NAMES.contains(&lower);
    if !may_be_name && !STARTERS.contains(&lower) {
        // "Ada Honoured to meet you", with any word.
        const MEETING: &[&str] = &["be", "chat", "hear", "meet", "see", "talk", "work"];
        let then = words.get(at + 2).map(|then| clean(then).to_lowercase()).unwrap_or_default();
        return small == "to" && MEETING.contains(&then.as_str());
    }
    let is_small_name = !is_capital && SMALL_NAMES.contains(&lower);
    let may_stand = is_capital || is_small_name;
    match next {
        None => !may_stand || matches!(lower, "welcome" | "sorry" | "yes" | "sure"),
        Some(_) if FOLLOWERS.contains(&small) && !JOINTS.contains(&small) => true,
        Some(next) if next.starts_with(char::is_uppercase) => !is_capital,
        Some(_) => !(may_stand && JOINTS.contains(&small)),
    }
}

/// Whether a text begins with an order: "show me the posts".
pub(super) fn is_order(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().to_lowercase();
    ORDERS.contains(&first.as_str()) && words.next().is_some()
}
