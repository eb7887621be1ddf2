//! A friendlier answer to what no skill understood, from a language model, where there is one. It knows the tenant's skills, what is
//! remembered about the user and the last messages, and nothing else; it can do nothing, and the answer says so.

use openanalyst_skill::llm::{self, Checked, Draft, Facts, Written};
use openanalyst_skill::prelude::*;

use crate::words;

/// The prompt of the package.
const PROMPT: &str = include_str!("../prompts/default.md");
const TASK: &str = "Answer the user's last message in at most five short sentences, in the language of that message. Write the name of a \
                    skill in `backticks`, exactly as it is listed, and nothing else in backticks. You cannot do anything yourself now: no \
                    post, schedule, message or change comes from your answer, so never say that something was or will be done. What you \
                    know about the world may be wrong or old: where that matters, say that you cannot look it up. No links.";
/// Stands below every answer of a model, whatever the model says.
const LIMITS: &str = "This was only an answer: nothing else was done.";
const MAX_CHARS: usize = 1_200;
/// How many of the last messages are given, and how much of each.
const MAX_MESSAGES: usize = 6;
const MAX_MESSAGE_CHARS: usize = 500;

/// Has the answer written, before the user's eyes. None without a model, without words to answer, or where it speaks of skills that
/// are not there or of work that was not done.
pub(crate) fn answer(request: &Request, context: &Context) -> Option<Written> {
    if request.content.trim().is_empty() {
        return None;
    }
    let mut skills = String::new();
    words::push_skills(&mut skills, context);
    skills.push_str(&format!("\n{}", words::REMEMBERING));
    let (memory, messages) = (memory(context), messages(context));
    let facts = Facts::of([&skills, &memory, &messages, &request.content]);
    let draft = Draft::of(format!("{}\n\n{TASK}", PROMPT.trim()))
        .with_data("skills", &skills)
        .with_data("memory", &memory)
        .with_data("earlier messages", &messages)
        .with_data("last message", &request.content)
        .with_learnings(&context.learnings)
        .with_max_chars(MAX_CHARS);
    draft.write_live(|text| check(text, context, &facts))
}

/// The answer with what it is not.
pub(crate) fn with_limits(text: &str) -> String {
    format!("{text}\n\n{LIMITS}")
}

fn memory(context: &Context) -> String {
    let mut lines = Vec::new();
    if let Some(name) = &context.display_name {
        lines.push(format!("name: {name}"));
    }
    lines.extend(context.preferences.iter().map(|(key, value)| format!("preference {key}: {value}")));
    if let Some(instructions) = &context.custom_instructions {
        lines.push(format!("wishes for language and style: {instructions}"));
    }
    lines.join("\n")
}

fn messages(context: &Context) -> String {
    let first = context.messages.len().saturating_sub(MAX_MESSAGES);
    let line = |message: &openanalyst_skill::types::Message| {
        let who = if message.role == Role::User { "user" } else { "host" };
        format!("{who}: {}", words::shortened(&message.content, MAX_MESSAGE_CHARS))
    };
    context.messages[first..].iter().map(line).collect::<Vec<_>>().join("\n")
}

fn check(text: &str, context: &Context, facts: &Facts) -> Checked {
    llm::plain(text, &[])?;
    facts.about(text)?;
    // Every second piece between backticks is inside of them.
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return Err("a backtick is open".to_owned());
    }
    let names = words::others(context);
    for named in pieces.iter().skip(1).step_by(2) {
        if !names.iter().any(|(name, _)| name == named) {
            return Err(format!("there is no skill “{named}”"));
        }
    }
    match claims_work(text) {
        Some(claim) => Err(format!("it claims work that was not done: “{claim}”")),
        None => Ok(()),
    }
}

/// Words in which the model says that it did or will do something: "I have scheduled", "I'll send".
fn claims_work(text: &str) -> Option<String> {
    const WORK: &[&str] = &[
        "schedul", "post", "publish", "sen", "creat", "book", "order", "bought", "buy", "delet", "cancel", "stor",
        "sav", "remember", "set", "add", "updat", "remov", "remind", "email", "call", "start", "notif", "writ",
        "wrote", "pai", "check", "look",
    ];
    const BETWEEN: &[&str] = &["have", "ve", "just", "already", "now", "successfully", "will", "ll", "also", "gladly"];
    let lower = text.to_lowercase().replace('’', "'");
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "i") {
        let rest = &words[at + 1..];
        let helpers = rest.iter().take_while(|word| BETWEEN.contains(word)).count();
        let Some(verb) = rest.get(helpers) else { continue };
        // "I remember" and "I check" without a helper are no claims; "I scheduled" is one.
        let is_past = verb.ends_with("ed") || matches!(*verb, "sent" | "set" | "wrote" | "bought" | "paid");
        if (helpers > 0 || is_past) && WORK.iter().any(|stem| verb.starts_with(stem)) {
            return Some(words[at..=at + 1 + helpers].join(" "));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_work_are_found() {
        for text in [
            "I've scheduled it.",
            "Done, I have already sent it",
            "I’ll remind you",
            "I posted it",
            "I will look it up",
        ] {
            assert!(claims_work(text).is_some(), "{text}");
        }
        for text in [
            "I can help with posts.",
            "I have no way to paint.",
            "I did not understand",
            "I remember your name",
            "I'm sorry",
        ] {
            assert_eq!(claims_work(text), None, "{text}");
        }
    }
}
