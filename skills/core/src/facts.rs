//! What is remembered about the user: stored, found and forgotten in the user's own memory. Which words asked for it is none of its
//! business.
//!
//! Keys: `preferences/display-name`, `preferences/time-zone`, `preferences/locale`, `preferences/<slug>`, `custom-instructions`.

use openanalyst_skill::memory::PutOutcome;
use openanalyst_skill::prelude::*;

use crate::clauses::{after, slug};
use crate::undo::Change;
use crate::{Done, locales};

pub(crate) const PREFERENCES: &str = "preferences/";
pub(crate) const NAME: &str = "preferences/display-name";
pub(crate) const ZONE: &str = "preferences/time-zone";
pub(crate) const LOCALE: &str = "preferences/locale";
pub(crate) const INSTRUCTIONS: &str = "custom-instructions";
/// Where the skill that writes posts remembers them.
const POSTS: &str = "posts/";
/// Most values that one step deletes: an invocation has 1,000 host calls (docs/limits.md).
const MAX_DELETED: usize = 800;
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

pub(crate) fn remember_locale(locale: &str) -> Result<Done> {
    memory::user().put(LOCALE, locale)?;
    let content = format!(
        "Noted: your locale is **{locale}**. In dates, {}, from your next request on.",
        locales::in_words(locale)
    );
    Ok(changed(content, json!({ "key": LOCALE, "value": locale })))
}

/// `planned` is what stood there when it was planned, where that is known.
///
/// # Errors
/// What the host answers.
pub(crate) fn remember_preference(key: &str, value: &str, planned: &[Change]) -> Result<Done> {
    let key = format!("{PREFERENCES}{key}");
    let before: Option<Value> = match planned.iter().find(|change| change.key == key) {
        Some(change) => change.before.clone(),
        None => memory::user().get(&key)?,
    };
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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// What the user told: preferences and instructions.
///
/// # Errors
/// What the host answers.
pub(crate) fn all() -> Result<Vec<Fact>> {
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

/// The keys of what some words mean.
///
/// # Errors
/// What the host answers.
pub(crate) fn meant(what: &str) -> Result<Vec<String>> {
    Ok(matching(&all()?, what))
}

pub(crate) fn forget(what: &str) -> Result<Done> {
    let keys = meant(what)?;
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

/// How many things are kept, in words: `3 preferences (name, time zone, posts), your custom instructions and 2 posts`. None: nothing is.
///
/// # Errors
/// What the host answers.
pub(crate) fn everything_in_words() -> Result<Option<String>> {
    let keys: Vec<String> = memory::user().list("")?.into_iter().map(|entry| entry.key).collect();
    let of = |prefix: &str| keys.iter().filter(|key| key.starts_with(prefix)).count();
    let (preferences, posts) = (of(PREFERENCES), of(POSTS));
    let has_instructions = keys.iter().any(|key| key == INSTRUCTIONS);
    let others = keys.len() - preferences - posts - usize::from(has_instructions);
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if preferences > 0 {
        let named: Vec<String> =
            keys.iter().filter(|key| key.starts_with(PREFERENCES)).take(8).map(|key| title(key)).collect();
        let more = if preferences > named.len() { ", …" } else { "" };
        parts.push(format!("{} ({}{more})", counted(preferences, "preference"), named.join(", ")));
    }
    if has_instructions {
        parts.push("your custom instructions".to_owned());
    }
    if posts > 0 {
        parts.push(counted(posts, "remembered post"));
    }
    if others > 0 {
        parts.push(counted(others, "other value"));
    }
    Ok((!parts.is_empty()).then(|| match parts.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }))
}

/// What no skill can delete, and who can.
const STAYS: &str = "What stays, because I cannot reach it: this conversation and your history, until their retention ends (a year, unless \
     your organisation set less); your schedules, which “cancel all my schedules” takes away; and the audit log, which holds who did what \
     but nothing that you wrote. `DELETE /v1/me/data?confirm=YOUR-USER-ID` erases everything but the audit log at once.";

pub(crate) fn forget_everything() -> Result<Done> {
    let keys: Vec<String> = memory::user().list("")?.into_iter().map(|entry| entry.key).collect();
    let mut forgotten = Vec::new();
    for key in keys.into_iter().take(MAX_DELETED) {
        memory::user().delete(&key)?;
        forgotten.push(key);
    }
    let left = memory::user().list("")?;
    if left.iter().any(|entry| forgotten.contains(&entry.key)) {
        return Err(Failure::failed("some of it is still there after it was deleted; try again"));
    }
    let mut content = match forgotten.len() {
        0 => "There was nothing to forget.".to_owned(),
        1 => "Done: I have forgotten the one thing that I knew about you.".to_owned(),
        count => format!("Done: I have forgotten all {count} things that I knew about you."),
    };
    if !left.is_empty() {
        content = format!(
            "I have forgotten {} things; {} are still there, more than one request deletes. Say “forget everything” once more.",
            forgotten.len(),
            left.len()
        );
    }
    content.push_str(&format!("\n\n{STAYS}"));
    let mut done = changed(content, json!({ "forgotten": forgotten, "left": left.len() }));
    done.undo = vec![Change::cannot("everything that I knew about you is really deleted, and I have kept no copy.")];
    Ok(done)
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
        "locale" | "date-format" | "dates" => "locale".to_owned(),
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
pub(crate) fn title(key: &str) -> String {
    match key {
        NAME => "name".into(),
        ZONE => "time zone".into(),
        INSTRUCTIONS => "custom instructions".into(),
        other => other.strip_prefix(PREFERENCES).unwrap_or(other).replace('-', " "),
    }
}

pub(crate) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn changed(content: String, data: Value) -> Done {
    Done { changed: true, ..Done::unchanged(content, data) }
}

fn unchanged(content: String, data: Value) -> Done {
    Done::unchanged(content, data)
}
