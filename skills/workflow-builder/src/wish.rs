//! What an utterance asks of this skill.

use openanalyst_skill::prelude::*;

use openanalyst_skill::turns;

use crate::manage::Show;
use crate::text::{has_any, has_word};

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// See what there is.
    List(Kinds, Show),
    /// Take back what was done last.
    Undo,
    /// Pause something (false) or go on with it (true). The words that say what.
    Switch(bool, String),
    /// Take a schedule or flow away. The words that say which.
    Cancel(Kinds, String),
    /// Make a flow of these clauses.
    Flow(String),
    /// Run something again and again, at a moment, or now. What, in the user's words.
    Run(String),
}

/// Schedules, flows, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) schedules: bool,
    pub(crate) flows: bool,
}

const FLOW_WORDS: &[&str] = &["workflow", "flow", "automation", "pipeline"];
const SCHEDULE_WORDS: &[&str] = &["schedule", "recurring", "recurrence", "planned", "timer"];

/// Words that pause, and words that go on, where they are the verb of a request.
const PAUSES: &[&str] = &["pause", "suspend", "disable", "deactivate", "freeze", "mute", "pausiere", "halt"];
const RESUMES: &[&str] =
    &["resume", "unpause", "enable", "activate", "reactivate", "continue", "reenable", "unsuspend"];

/// Reads the utterance.
pub(crate) fn read(request: &Request) -> Wish {
    let text = request.content.as_str();
    let lower = text.to_ascii_lowercase();
    if turns::is_undo(text) {
        return Wish::Undo;
    }
    let words = turns::words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let first = first_word(&lower);
    let kinds = kinds(text);
    if let Some(on) = switches(&words, first) {
        return Wish::Switch(on, text.to_owned());
    }
    if let Some(show) = question(text, &words, first, kinds) {
        let kinds = if kinds.schedules || kinds.flows { kinds } else { Kinds { schedules: true, flows: false } };
        return Wish::List(kinds, show);
    }
    if matches!(first, "cancel" | "delete" | "remove" | "stop" | "unschedule" | "end" | "drop" | "lösche" | "stoppe") {
        return Wish::Cancel(kinds.or_all(), text.to_owned());
    }
    if let Some(steps) = flow_steps(text, &lower) {
        return Wish::Flow(steps);
    }
    Wish::Run(text.to_owned())
}

/// Whether the request pauses (false) or goes on with something (true).
fn switches(words: &[&str], first: &str) -> Option<bool> {
    if PAUSES.contains(&first) {
        return Some(false);
    }
    if RESUMES.contains(&first) {
        return Some(true);
    }
    // "switch them on again", "turn off the report", "put it on hold", "start it again".
    let has = |word: &str| words.contains(&word);
    match first {
        "switch" | "turn" if has("off") => Some(false),
        "switch" | "turn" if has("on") => Some(true),
        "put" if words.windows(2).any(|two| two == ["on", "hold"]) => Some(false),
        "start" | "restart" if has("again") && words.len() <= 8 => Some(true),
        _ => None,
    }
}

/// What a question asks to see. None: it is none about schedules or workflows.
fn question(text: &str, words: &[&str], first: &str, kinds: Kinds) -> Option<Show> {
    const ASKS: &[&str] = &[
        "list", "show", "what", "whats", "which", "display", "do", "see", "when", "how", "are", "is", "anything",
        "whens",
    ];
    let has = |word: &str| words.contains(&word);
    if !ASKS.contains(&first) {
        return None;
    }
    let runs = ["run", "runs", "running", "scheduled", "planned", "fire", "fires", "due", "paused", "next"]
        .into_iter()
        .any(has);
    let coming =
        words.windows(2).any(|two| matches!(two, ["coming", "up"] | ["did", "schedule"] | ["been", "scheduled"]));
    let is_about = match first {
        "list" | "show" | "display" | "see" => kinds.schedules || kinds.flows || has("paused"),
        // "do I have schedules?", and no "do it every day".
        "do" => (kinds.schedules || kinds.flows) && has("i"),
        "how" => (kinds.schedules || kinds.flows) && has("many"),
        "when" | "whens" | "is" | "are" | "anything" => runs || coming,
        _ => kinds.schedules || kinds.flows || coming || runs,
    };
    if !is_about {
        return None;
    }
    let words = text.to_owned();
    Some(match first {
        "how" => Show::Count,
        "when" | "whens" => Show::Meant { words },
        _ if has("paused") || has("suspended") || has("disabled") => Show::Meant { words },
        _ if names_span(text) => Show::Span { words },
        "which" | "what" if kinds.flows || !tells(text) => Show::All,
        "which" | "what" | "is" | "are" | "list" | "show" if tells(text) => Show::Meant { words },
        _ => Show::All,
    })
}

/// Whether the words name a day or a span. When it is now does not matter for that.
fn names_span(text: &str) -> bool {
    let here = crate::refers::Here { now_ms: 0, zone: chrono_tz::Tz::UTC };
    crate::manage::span(text, here).is_some()
}

/// Whether the words say which one.
fn tells(text: &str) -> bool {
    let here = crate::refers::Here { now_ms: 0, zone: chrono_tz::Tz::UTC };
    crate::refers::Reference::read(text, here).filters()
}

fn kinds(text: &str) -> Kinds {
    Kinds { schedules: has_any(text, SCHEDULE_WORDS), flows: has_any(text, FLOW_WORDS) }
}

impl Kinds {
    fn or_all(self) -> Self {
        if self.schedules || self.flows { self } else { Self { schedules: true, flows: true } }
    }
}

/// The first word that is not polite.
fn first_word(lower: &str) -> &str {
    const POLITE: &[&str] = &[
        "please", "can", "could", "would", "you", "i", "want", "to", "like", "now", "hey", "hi", "hello", "ok", "just",
        "me", "actually", "then", "and", "so", "okay", "bitte", "no", "wait", "let", "us", "also",
    ];
    lower
        .split(|letter: char| !letter.is_alphanumeric())
        .find(|word| !word.is_empty() && !POLITE.contains(word))
        .unwrap_or_default()
}

/// What follows "workflow that", if a flow is to be made.
fn flow_steps(text: &str, lower: &str) -> Option<String> {
    let makes = ["make", "create", "build", "set", "design", "define", "automate", "need", "want", "write", "compose"];
    for word in FLOW_WORDS {
        let Some(at) = lower.find(word) else { continue };
        if !has_any(&text[..at], &makes) && !has_word(&text[..at], "new") && first_word(lower) != *word {
            continue;
        }
        // "automation" is found before "automations" ends; what is left of the word is no clause.
        let behind = text[at + word.len()..].trim_start_matches(|letter: char| letter.is_alphanumeric());
        let behind = behind.trim_start_matches([' ', ':', ',', '-', '\n']);
        let lower_behind = behind.to_ascii_lowercase();
        for joint in [
            "that will ",
            "which will ",
            "that ",
            "which ",
            "to first ",
            "to ",
            "where it ",
            "for me that ",
            "in which ",
            "of ",
            "with ",
            "called ",
        ] {
            if lower_behind.starts_with(joint) {
                return Some(behind[joint.len()..].trim_start_matches("first ").to_owned());
            }
        }
        return Some(behind.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use openanalyst_skill::testing;

    #[test]
    fn each_utterance_asks_for_what_it_says() {
        let both = Kinds { schedules: true, flows: true };
        let schedules = Kinds { schedules: true, flows: false };
        let flows = Kinds { schedules: false, flows: true };
        let run = "every Monday at 9 run the analytics report";
        for (text, wish) in [
            ("list my schedules", Wish::List(schedules, Show::All)),
            ("Show me my workflows", Wish::List(flows, Show::All)),
            ("What schedules and workflows do I have?", Wish::List(both, Show::All)),
            ("what did I schedule?", Wish::List(schedules, Show::All)),
            ("How many schedules do I have?", Wish::List(schedules, Show::Count)),
            ("undo that", Wish::Undo),
            ("pause all my schedules", Wish::Switch(false, "pause all my schedules".into())),
            ("please switch them on again", Wish::Switch(true, "please switch them on again".into())),
            ("turn off the Monday report", Wish::Switch(false, "turn off the Monday report".into())),
            ("cancel the weekly report schedule", Wish::Cancel(schedules, "cancel the weekly report schedule".into())),
            ("please stop the Monday report", Wish::Cancel(both, "please stop the Monday report".into())),
            (run, Wish::Run(run.into())),
            (
                "make a workflow that creates a post and then schedules it",
                Wish::Flow("creates a post and then schedules it".into()),
            ),
            ("Build me an automation: write a post, notify me", Wish::Flow("write a post, notify me".into())),
            ("create a workflow", Wish::Flow(String::new())),
        ] {
            assert_eq!(read(&testing::request(text)), wish, "{text}");
        }
    }
}
