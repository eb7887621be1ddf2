//! What this skill says. It names only skills that the tenant has; it promises nothing for them beyond their own description.

use openanalyst_skill::delivery::missing_channel;
use openanalyst_skill::prelude::*;

use crate::{SELF, zones};

/// How much of an utterance that was not understood is repeated, in characters.
const MAX_ECHO: usize = 80;
/// How much of a skill's description is shown, in characters.
const MAX_DESCRIPTION: usize = 160;
/// How many skills are listed before the rest is only counted.
const MAX_SKILLS: usize = 30;
/// How many skills one line names.
const MAX_NAMED: usize = 5;
/// What this skill itself can do, with the words that ask for it.
pub(crate) const REMEMBERING: &str = "- **Remember things**: “call me Ada”, “my time zone is Europe/Berlin”, “remember that I prefer short \
     posts”, “always write in British English”, “what do you remember about me”, “forget my name”.";

pub(crate) fn greeting(context: &Context) -> String {
    let hello = match &context.display_name {
        Some(name) => format!("Hello, {name}!"),
        None => "Hello!".into(),
    };
    let skills = others(context);
    if skills.is_empty() {
        return format!(
            "{hello} No other skill is installed yet. I can remember what you tell me; ask “help” to see how."
        );
    }
    let names: Vec<&str> = skills.iter().take(MAX_NAMED).map(|(name, _)| name.as_str()).collect();
    format!("{hello} What shall we do? I can help with {}. Ask “what can you do” for more.", listed(&names))
}

pub(crate) fn welcome(context: &Context) -> String {
    match &context.display_name {
        Some(name) => format!("You are welcome, {name}."),
        None => "You are welcome.".into(),
    }
}

pub(crate) fn help(context: &Context) -> String {
    let mut text = String::from("This is what I can do for you:\n");
    push_skills(&mut text, context);
    text.push_str(&format!(
        "\n{REMEMBERING}\n\nSay in your own words what you want; I ask where something is not clear."
    ));
    text
}

/// One line: what was not understood, and what there is.
pub(crate) fn not_understood(content: &str, context: &Context) -> String {
    let said = shortened(content.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), MAX_ECHO);
    let mut text = if said.is_empty() {
        String::from("There were no words in your request.")
    } else {
        format!("I did not understand “{said}”, so I have done nothing.")
    };
    if let Some(channel) = missing_channel(content) {
        text.push(' ');
        text.push_str(&channel.sentence());
    }
    let skills = others(context);
    if skills.is_empty() {
        text.push_str(" No other skill is installed; I can only remember things for you, for example “call me Ada”.");
        return text;
    }
    let mut names: Vec<&str> = skills.iter().take(MAX_NAMED).map(|(name, _)| name.as_str()).collect();
    let more = format!("{} more", skills.len().saturating_sub(MAX_NAMED));
    if skills.len() > MAX_NAMED {
        names.push(&more);
    }
    text.push_str(&format!(" I can help with {}; ask “what can you do” to see how.", listed(&names)));
    text
}

/// What was told and is not kept, and how it would be.
pub(crate) fn not_kept(said: &str, place: Option<&str>) -> String {
    let said = shortened(said, MAX_ECHO);
    let Some(place) = place else {
        return format!(
            "I have not kept “{said}”: tell me “remember that …” if I shall, or ask for it in a message of its own."
        );
    };
    let hint = match zones::find(place) {
        Some(zone) => format!("“my time zone is {}”", zone.name()),
        None => "for example “my time zone is Europe/Berlin”".to_owned(),
    };
    format!(
        "I have not kept “{said}”: I remember time zones, but no places. If I shall use the time of {place}, say {hint}."
    )
}

/// The tenant's skills for programs.
pub(crate) fn skill_list(context: &Context) -> Value {
    let skills: Vec<Value> =
        others(context).iter().map(|(name, description)| json!({ "name": name, "description": description })).collect();
    json!({ "skills": skills })
}

pub(crate) fn push_skills(text: &mut String, context: &Context) {
    let skills = others(context);
    for (name, description) in skills.iter().take(MAX_SKILLS) {
        text.push_str(&format!("\n- **{name}**: {}", shortened(description, MAX_DESCRIPTION)));
    }
    if skills.len() > MAX_SKILLS {
        text.push_str(&format!("\n- and {} more", skills.len() - MAX_SKILLS));
    }
}

pub(crate) fn others(context: &Context) -> Vec<&(String, String)> {
    context.skills.iter().filter(|(name, _)| name != SELF).collect()
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

pub(crate) fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let cut: String = text.chars().take(max - 1).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{cut}…")
}
