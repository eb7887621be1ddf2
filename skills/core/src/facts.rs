//! What is remembered about the user: stored, found and forgotten in the user's own memory. Which words asked for it is none of its
//! business.
//!
//! Keys: `preferences/display-name`, `preferences/time-zone`, `preferences/<slug>`, `custom-instructions`.

use openanalyst_skill::memory::PutOutcome;
use openanalyst_skill::prelude::*;

use crate::Done;
use crate::clauses::{after, slug};

const PREFERENCES: &str = "preferences/";
const NAME: &str = "preferences/display-name";
const ZONE: &str = "preferences/time-zone";
const INSTRUCTIONS: &str = "custom-instructions";
/// Longest custom instructions, in bytes: they are part of every later request's context.
const MAX_INSTRUCTIONS: usize = 8_000;
/// How often an append is tried again when another task of the same user wrote at the same moment.
const MAX_RACES: u32 = 5;

pub(crate) fn remember_name(name: &str) -> Result<Done> {
    memory::user().put(NAME, name)?;
    Ok(changed(format!("Nice to meet you, {name}! I will call you that."), json!({ "key": NAME, "value": name })))
}

pub(crate) fn remember_zone(zone: &str) -> Result<Done> {
    memory::user().put(ZONE, zone)?;
    let content =
        format!("Noted: your time zone is **{zone}**. I read and write times in it from your next request on.");
    Ok(changed(content, json!({ "key": ZONE, "value": zone })))
}

pub(crate) fn remember_preference(key: &str, value: &str) -> Result<Done> {
    let key = format!("{PREFERENCES}{key}");
    let before: Option<Value> = memory::user().get(&key)?;
    memory::user().put(&key, value)?;
    let content = match before {
        Some(before) if before != value => {
            format!("Noted: **{}** is now “{value}” (it was “{}”).", title(&key), shown(&before))
        }
        _ => format!("Noted: **{}** is “{value}”.", title(&key)),
    };
    Ok(changed(content, json!({ "key": key, "value": value })))
}

pub(crate) fn remember_instruction(text: &str, replace: bool) -> Result<Done> {
    for _ in 0..MAX_RACES {
        let entry = memory::user().entry::<String>(INSTRUCTIONS)?;
        let version = entry.as_ref().map_or(0, |entry| entry.version);
        let before = entry.map(|entry| entry.value).filter(|_| !replace).unwrap_or_default();
        let all = if before.lines().any(|line| line == text) {
            before
        } else if before.is_empty() {
            text.to_owned()
        } else {
            format!("{before}\n{text}")
        };
        if all.len() > MAX_INSTRUCTIONS {
            return Err(Failure::invalid(format!(
                "your instructions would be {} bytes long; at most {MAX_INSTRUCTIONS} are kept. Say “forget my custom instructions” \
                 and tell me the ones that matter",
                all.len()
            )));
        }
        if let PutOutcome::Stored(_) = memory::user().put_if(INSTRUCTIONS, &all, version)? {
            return Ok(changed(
                format!("Noted, I will keep to it: “{text}”."),
                json!({ "key": INSTRUCTIONS, "value": all }),
            ));
        }
    }
    Err(Failure::failed("your instructions were changed by another request at the same time; try again"))
}

/// One remembered thing.
struct Fact {
    key: String,
    value: Value,
}

fn all() -> Result<Vec<Fact>> {
    let mut facts: Vec<Fact> = memory::user()
        .list(PREFERENCES)?
        .into_iter()
        .map(|entry| Fact { key: entry.key, value: entry.value })
        .collect();
    if let Some(value) = memory::user().get(INSTRUCTIONS)? {
        facts.push(Fact { key: INSTRUCTIONS.into(), value });
    }
    Ok(facts)
}

pub(crate) fn recall(about: Option<&str>) -> Result<Done> {
    let mut facts = all()?;
    if let Some(about) = about {
        let found = matching(&facts, about);
        facts.retain(|fact| found.contains(&fact.key));
        if facts.is_empty() {
            return Ok(unchanged(format!("You have not told me your {about}."), json!({})));
        }
    }
    if facts.is_empty() {
        let content = "I remember nothing about you yet. Tell me, for example, “call me Ada”, “my time zone is Europe/Berlin” or \
                       “remember that I prefer short posts”.";
        return Ok(unchanged(content.into(), json!({})));
    }
    let mut content = String::from("This is what I remember about you:\n");
    let mut data = json!({});
    for fact in &facts {
        content.push_str(&format!("\n- **{}**: {}", title(&fact.key), shown(&fact.value).replace('\n', "; ")));
        data[&fact.key] = fact.value.clone();
    }
    content.push_str("\n\nTo drop one of these, say for example “forget my name”.");
    Ok(unchanged(content, data))
}

pub(crate) fn forget(what: &str) -> Result<Done> {
    let facts = all()?;
    let keys = matching(&facts, what);
    let mut forgotten = Vec::new();
    for key in keys {
        if memory::user().delete(&key)? {
            forgotten.push(key);
        }
    }
    if forgotten.is_empty() {
        let content = format!(
            "I remember nothing like “{what}”, so there is nothing to forget. Ask “what do you remember about me” to see it all."
        );
        return Ok(unchanged(content, json!({ "forgotten": [] })));
    }
    let titles: Vec<String> = forgotten.iter().map(|key| format!("**{}**", title(key))).collect();
    Ok(changed(format!("Forgotten: {}.", titles.join(", ")), json!({ "forgotten": forgotten })))
}

pub(crate) fn forget_everything() -> Result<Done> {
    let mut forgotten = Vec::new();
    for fact in all()? {
        if memory::user().delete(&fact.key)? {
            forgotten.push(fact.key);
        }
    }
    let content = match forgotten.len() {
        0 => "There was nothing to forget.".to_owned(),
        1 => "Done: I have forgotten the one thing that I knew about you.".to_owned(),
        count => format!("Done: I have forgotten all {count} things that I knew about you."),
    };
    Ok(changed(content, json!({ "forgotten": forgotten })))
}

/// The keys that the words mean: those with this very key, or else those that have all the telling words.
fn matching(facts: &[Fact], words: &str) -> Vec<String> {
    let words = after(
        words,
        &[
            "that i prefer ",
            "i prefer ",
            "that i like ",
            "i like ",
            "that ",
            "my preference for ",
            "my preferred ",
            "my favourite ",
            "my favorite ",
            "my ",
        ],
    )
    .unwrap_or(words);
    let wanted = match slug(words).as_str() {
        "name" | "display-name" | "nickname" => "display-name".to_owned(),
        "time-zone" | "timezone" | "zone" => "time-zone".to_owned(),
        "instructions" | "custom-instructions" | "instruction" => INSTRUCTIONS.to_owned(),
        other => other.to_owned(),
    };
    if wanted.is_empty() {
        return Vec::new();
    }
    let short = |fact: &Fact| fact.key.strip_prefix(PREFERENCES).unwrap_or(&fact.key).to_owned();
    let exact: Vec<String> = facts.iter().filter(|fact| short(fact) == wanted).map(|fact| fact.key.clone()).collect();
    if !exact.is_empty() {
        return exact;
    }
    facts
        .iter()
        .filter(|fact| {
            let text = format!("{}-{}", short(fact), slug(&shown(&fact.value)));
            let known: Vec<&str> = text.split('-').collect();
            wanted.split('-').all(|word| known.contains(&word))
        })
        .map(|fact| fact.key.clone())
        .collect()
}

/// A key in words.
fn title(key: &str) -> String {
    match key {
        NAME => "name".into(),
        ZONE => "time zone".into(),
        INSTRUCTIONS => "custom instructions".into(),
        other => other.strip_prefix(PREFERENCES).unwrap_or(other).replace('-', " "),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn changed(content: String, data: Value) -> Done {
    Done { content, data, changed: true, model: None }
}

fn unchanged(content: String, data: Value) -> Done {
    Done { content, data, changed: false, model: None }
}
