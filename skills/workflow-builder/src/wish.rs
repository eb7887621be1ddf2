//! What an utterance asks of this skill.

use openanalyst_skill::prelude::*;

use crate::text::{has_any, has_word};

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// See what there is.
    List(Kinds),
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

/// Reads the utterance.
pub(crate) fn read(request: &Request) -> Wish {
    let text = request.content.as_str();
    let lower = text.to_ascii_lowercase();
    let first = first_word(&lower);
    let kinds = kinds(text);
    let is_question = matches!(first, "list" | "show" | "what" | "which" | "display" | "do" | "see");
    if is_question && (kinds.schedules || kinds.flows) {
        return Wish::List(kinds.or_all());
    }
    if matches!(first, "cancel" | "delete" | "remove" | "stop" | "unschedule" | "end" | "drop") {
        return Wish::Cancel(kinds.or_all(), text.to_owned());
    }
    if let Some(steps) = flow_steps(text, &lower) {
        return Wish::Flow(steps);
    }
    Wish::Run(text.to_owned())
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
        "me",
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
            ("list my schedules", Wish::List(schedules)),
            ("Show me my workflows", Wish::List(flows)),
            ("What schedules and workflows do I have?", Wish::List(both)),
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
