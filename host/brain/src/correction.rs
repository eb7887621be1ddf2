//! "No, that was for analytics": the user says that an earlier request belonged to another skill.
//!
//! The request is then done by the skill that was named. Where the tenant allows it
//! ([`learn_from_corrections`](openanalyst_registry::TenantSettings)), its words become an example of that skill for all of the
//! tenant's routes, and no example of the one that had taken it.

use openanalyst_registry::TenantCatalog;
use openanalyst_runtime::contract::{Context, Role};

/// Most words of such a sentence: a longer one asks for something of its own.
const MAX_WORDS: usize = 14;
/// Words that say that something went wrong. One of them must stand in it.
const MARKS: &[&str] = &[
    "no", "nope", "wrong", "meant", "mean", "should", "instead", "rather", "not", "nein", "falsch", "gemeint",
    "meinte", "sondern",
];
/// Words that may stand beside the skill's name.
const SMALL: &[&str] = &[
    "a",
    "actually",
    "again",
    "an",
    "and",
    "ask",
    "assistant",
    "but",
    "by",
    "das",
    "do",
    "done",
    "für",
    "for",
    "from",
    "gone",
    "go",
    "have",
    "hey",
    "i",
    "ich",
    "in",
    "is",
    "it",
    "its",
    "it's",
    "let",
    "my",
    "one",
    "oh",
    "ok",
    "okay",
    "please",
    "request",
    "run",
    "send",
    "skill",
    "sollte",
    "sorry",
    "that",
    "that's",
    "the",
    "this",
    "to",
    "try",
    "use",
    "war",
    "was",
    "were",
    "with",
    "you",
    "your",
    "bitte",
    "der",
    "die",
    "an",
    "give",
    "have",
    "had",
    "been",
];

/// An earlier request, and the skill that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Correction {
    /// The skill that the user names.
    pub(crate) skill: String,
    /// The skill that had answered.
    pub(crate) not: Option<String>,
    /// The words of the earlier request.
    pub(crate) request: String,
}

/// Reads a sentence as a correction of the last request in the session. None: it is none, or there is nothing to correct.
pub(crate) fn read(text: &str, catalog: &TenantCatalog, context: &Context) -> Option<Correction> {
    let names = catalog.skills().map(|skill| (skill.manifest().name.as_str(), skill.manifest().title.as_str()));
    let skill = named(text, names)?;
    let answer = context.messages.iter().rev().find(|message| matches!(message.role, Role::Assistant))?;
    let asked = context.messages.iter().rev().find(|message| matches!(message.role, Role::User))?;
    // The skill that answered is no correction of itself.
    (answer.skill.as_deref() != Some(skill)).then(|| Correction {
        skill: skill.to_owned(),
        not: answer.skill.clone(),
        request: asked.content.clone(),
    })
}

/// The one skill that a correction names, if the text is one.
fn named<'a>(text: &str, skills: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    let words = words(text);
    if words.is_empty() || words.len() > MAX_WORDS {
        return None;
    }
    let mut of_names = vec![false; words.len()];
    let mut meant = Vec::new();
    for (name, title) in skills {
        for name_words in [self::words(name), self::words(title)] {
            if name_words.is_empty() {
                continue;
            }
            for at in 0..words.len() {
                if !words[at..].starts_with(&name_words) {
                    continue;
                }
                of_names[at..at + name_words.len()].fill(true);
                // "not social media": the one that it was not for.
                let before = words[..at].iter().rev().find(|word| !matches!(word.as_str(), "the" | "for" | "a" | "to"));
                let is_denied = before.is_some_and(|word| word == "not" || word == "nicht");
                if !is_denied && !meant.contains(&name) {
                    meant.push(name);
                }
            }
        }
    }
    let rest: Vec<&str> =
        words.iter().zip(&of_names).filter(|(_, of_name)| !**of_name).map(|(word, _)| word.as_str()).collect();
    let is_correction = rest.iter().any(|word| MARKS.contains(word));
    let is_all = rest.iter().all(|word| MARKS.contains(word) || SMALL.contains(word));
    match meant[..] {
        [skill] if is_correction && is_all => Some(skill),
        _ => None,
    }
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('’', "'");
    let split = lower.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
    split.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_names_one_skill_and_nothing_else() {
        let skills = [("analytics", "Analytics"), ("social-media", "Social Media"), ("core", "Core")];
        for (text, skill) in [
            ("no, that was for analytics", Some("analytics")),
            ("No! I meant the social media skill.", Some("social-media")),
            ("that should have gone to Analytics", Some("analytics")),
            ("not social media, analytics", Some("analytics")),
            ("wrong skill, use social-media please", Some("social-media")),
            ("nein, das war für analytics", Some("analytics")),
            // Requests of their own, and none that name two.
            ("analytics", None),
            ("run analytics for last week", None),
            ("no, analyze my posts instead", None),
            ("no, that was for analytics or social media", None),
            ("I meant the report", None),
            ("do not show me analytics of October", None),
            ("", None),
        ] {
            assert_eq!(named(text, skills.into_iter()), skill, "{text}");
        }
    }
}
