//! The verbs of an utterance, in its order, each once, under one name for all words of the same meaning.

use crate::text::Words;

/// Words, as stems, and the action that they name.
const VERBS: &[(&str, &[&str])] = &[
    ("create", &["creat", "write", "draft", "compos", "make", "generat", "prepar", "tweet"]),
    ("schedule", &["schedul", "plan", "queue", "postpon", "reschedul"]),
    ("publish", &["publish", "share"]),
    ("analyze", &["analyz", "analys", "evalu", "compar", "measur"]),
    ("report", &["report", "summar", "summaris"]),
    ("list", &["list", "show", "display"]),
    ("cancel", &["cancel", "stop", "abort", "unschedul"]),
    ("delete", &["delet", "remov", "eras"]),
    ("remember", &["rememb", "rememberal", "memor"]),
    ("forget", &["forget"]),
    ("run", &["run", "execut", "start", "trigger"]),
    ("build", &["build", "autom"]),
    ("send", &["send", "email", "notifi"]),
    ("move", &["move", "shift", "chang"]),
    ("search", &["search", "find", "research"]),
    ("help", &["help"]),
    ("greet", &["hello", "hi", "hey", "greet"]),
];

/// Words before a verb that make it a noun: "the report", "a plan".
const NOUN_MARKS: &[&str] = &[
    "the",
    "a",
    "an",
    "my",
    "our",
    "your",
    "this",
    "that",
    "analytics",
    "weekly",
    "daily",
    "monthly",
    "every",
    "each",
];

/// What makes "post" a verb: a sentence or a part of one begins with it, and the thing that is posted follows.
const BEFORE_TO_POST: &[&str] = &["", "and", "then", "also", "please", "to", "now"];
const AFTER_TO_POST: &[&str] = &["a", "an", "the", "it", "this", "that", "them", "these", "my", "our"];

/// The actions.
pub(crate) fn actions(words: &Words<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, token) in words.tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |before| words.lower(before));
        let after = words.tokens.get(at + 1).map_or("", |after| after.lower.as_str());
        let posts = token.lower == "post" && BEFORE_TO_POST.contains(&before) && AFTER_TO_POST.contains(&after);
        let named = VERBS.iter().find(|(_, stems)| stems.contains(&token.stem.as_str())).map(|(action, _)| action);
        let Some(action) = named.or(posts.then_some(&"publish")) else { continue };
        let is_noun = NOUN_MARKS.contains(&before) && *action != "greet";
        // "hi" and "help" greet and ask only where an utterance begins, or nearly so.
        let late = matches!(*action, "greet") && at > 2;
        if !is_noun && !late && !found.iter().any(|known| known == action) {
            found.push((*action).to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Splitter;

    #[test]
    fn verbs_in_their_order() {
        let table: [(&str, &[&str]); 9] = [
            ("Create a Twitter post about AI trends and schedule it for tomorrow", &["create", "schedule"]),
            ("schedule it for Friday instead", &["schedule"]),
            ("Analysing the engagement, then writing a report", &["analyze", "create"]),
            ("every Monday at 9 run the analytics report", &["run"]),
            ("Cancel my weekly schedule", &["cancel"]),
            ("Analyse last week and post a summary", &["analyze", "publish"]),
            ("Schedule the post for Friday", &["schedule"]),
            ("Hello!", &["greet"]),
            ("What can you do?", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(actions(&Splitter::new().split(text)), expected, "{text}");
        }
    }
}
