//! Questions about what was remembered: "what is our brand colour?", "which colour is our brand?". Nothing is guessed: what is not there is
//! said, with what is near it.

use openanalyst_skill::prelude::*;

use crate::Done;
use crate::facts::{self, Fact};

/// Most facts that an answer tells.
const MAX_TOLD: usize = 5;
/// Most words of a question.
const MAX_WORDS: usize = 24;

/// Words of a question that do not say what is asked for.
const SILENT: &[&str] = &[
    "what", "whats", "which", "who", "whos", "when", "where", "how", "is", "are", "was", "were", "do", "does", "did",
    "you", "know", "remember", "the", "a", "an", "our", "my", "we", "i", "me", "of", "for", "to", "in", "on", "at",
    "it", "that", "again", "please", "tell", "remind", "called", "us", "have", "has", "has", "be", "can", "could",
    "about", "use", "using", "and", "right", "now", "s", "still", "as",
];

/// The telling words, spelt in one way: `colour` and `color` are the same.
fn telling(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace(['\'', '’'], "");
    let words =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty() && !SILENT.contains(word));
    words.map(spelt).collect()
}

fn spelt(word: &str) -> String {
    let word =
        word.replace("our", "or").replace("isation", "ization").replace("ise", "ize").replace("centre", "center");
    let plain = word.strip_suffix('s').filter(|rest| rest.len() >= 3 && !rest.ends_with('s'));
    plain.map_or_else(|| word.clone(), str::to_owned)
}

/// Whether a clause asks for something that the user may have told: it begins as a question, and speaks of "our" or "my". What belongs
/// to other skills (posts, schedules, reports) is none.
pub(crate) fn is_question(clause: &str) -> bool {
    const OF_OTHERS: &[&str] = &[
        "post",
        "schedule",
        "scheduled",
        "report",
        "engagement",
        "follower",
        "tweet",
        "workflow",
        "analytic",
        "metric",
        "performance",
    ];
    asks(clause) && {
        let lower = clause.to_lowercase();
        let words: Vec<&str> = lower.split(|letter: char| !letter.is_alphanumeric()).collect();
        let is_own = words.iter().any(|word| matches!(*word, "our" | "my" | "we"));
        let telling = telling(clause);
        is_own
            && !telling.is_empty()
            && telling.len() <= MAX_WORDS
            && !telling.iter().any(|word| OF_OTHERS.contains(&word.as_str()))
    }
}

/// Whether a clause is a question at all.
fn asks(clause: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "what is ",
        "what's ",
        "what’s ",
        "whats ",
        "what are ",
        "what was ",
        "which ",
        "what ",
        "who is ",
        "who's ",
        "who are ",
        "when is ",
        "when are ",
        "where is ",
        "where are ",
        "do you remember ",
        "do you know ",
        "tell me ",
        "remind me ",
        "how many ",
        "how much ",
        "where do ",
        "when do ",
    ];
    let lower = clause.to_lowercase();
    BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning))
}

/// The facts that have every telling word of the question.
fn answers<'a>(facts: &'a [Fact], question: &str) -> Vec<&'a Fact> {
    let wanted = telling(question);
    if wanted.is_empty() {
        return Vec::new();
    }
    let has_all = |fact: &&Fact| {
        let known = telling(&format!("{} {}", facts::title(&fact.key), facts::shown(&fact.value)));
        wanted.iter().all(|word| known.contains(word))
    };
    facts.iter().filter(has_all).collect()
}

/// Whether a question in free words, which speaks of nobody's own, is answered by what was told: with two telling words at least.
pub(crate) fn knows(question: &str) -> Result<bool> {
    if !asks(question) || telling(question).len() < 2 || telling(question).len() > MAX_WORDS {
        return Ok(false);
    }
    Ok(!answers(&facts::all()?, question).is_empty())
}

/// Answers the question.
///
/// # Errors
/// What the host answers.
pub(crate) fn answer(question: &str) -> Result<Done> {
    let known = facts::all()?;
    let found = answers(&known, question);
    if found.is_empty() {
        return Ok(unknown(question, &known));
    }
    let wanted = telling(question);
    let mut lines = Vec::new();
    let mut data = json!({});
    for fact in found.iter().take(MAX_TOLD) {
        let told = facts::shown(&fact.value);
        data[&fact.key] = fact.value.clone();
        lines.push(match value_of(&told, &wanted) {
            Some(value) => format!("**{value}**: you told me that “{told}”."),
            None if telling(&told).iter().any(|word| wanted.contains(word)) => format!("You told me: “{told}”."),
            None => format!("**{told}** is your {}.", facts::title(&fact.key)),
        });
    }
    if lines.len() > 1 {
        lines.insert(0, "You told me more than one thing about that:".to_owned());
    }
    Ok(Done::unchanged(lines.join("\n\n"), data))
}

/// What stands behind "is", where the question asks for that.
fn value_of<'a>(told: &'a str, wanted: &[String]) -> Option<&'a str> {
    let (subject, value) = told.split_once(" is ").or_else(|| told.split_once(" are "))?;
    let subject = telling(subject);
    wanted.iter().all(|word| subject.contains(word)).then_some(value.trim())
}

fn unknown(question: &str, known: &[Fact]) -> Done {
    let wanted = telling(question);
    let near = known.iter().filter(|fact| {
        let words = telling(&format!("{} {}", facts::title(&fact.key), facts::shown(&fact.value)));
        wanted.iter().any(|word| words.contains(word))
    });
    let near: Vec<String> = near
        .take(MAX_TOLD)
        .map(|fact| format!("- **{}**: {}", facts::title(&fact.key), facts::shown(&fact.value)))
        .collect();
    let mut content = format!("You have not told me that, so I do not know: “{}”.", question.trim());
    if near.is_empty() {
        content.push_str(" Tell me with “remember that …”, or ask “what do you remember about me”.");
    } else {
        content.push_str(&format!(" What is near it:\n\n{}", near.join("\n")));
    }
    Done::unchanged(content, json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(key: &str, value: &str) -> Fact {
        Fact { key: key.into(), value: value.into() }
    }

    #[test]
    fn other_words_find_the_same_fact() {
        let facts = [
            fact("preferences/our-brand-colour", "our brand colour is teal"),
            fact("preferences/our-office", "our office is closed on Fridays"),
            fact("preferences/platform", "LinkedIn"),
        ];
        for (question, key) in [
            ("what is our brand colour", Some("our-brand-colour")),
            ("which color is our brand", Some("our-brand-colour")),
            ("when is our office closed", Some("our-office")),
            ("what is my platform", Some("platform")),
            ("what is our office address", None),
            ("what is our budget", None),
            ("what is our", None),
        ] {
            let found: Vec<&str> = answers(&facts, question).iter().map(|fact| fact.key.as_str()).collect();
            let expected: Vec<String> = key.iter().map(|key| format!("preferences/{key}")).collect();
            assert_eq!(found, expected, "{question}");
        }
    }

    #[test]
    fn only_questions_about_ones_own_things_are_ours() {
        for text in [
            "what is our brand colour",
            "Which colour is our brand",
            "when is our office closed",
            "do you remember our slogan",
        ] {
            assert!(is_question(text), "{text}");
        }
        for text in [
            "what is the capital of France",
            "our brand colour is teal",
            "what are my posts",
            "how many posts do we have",
            "what",
        ] {
            assert!(!is_question(text), "{text}");
        }
    }
}
