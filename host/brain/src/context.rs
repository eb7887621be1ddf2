//! The coordinator's first half: what the host knows that may matter for a request.
//!
//! Everything is read under the owner's name and bounded; what does not fit is counted in `omitted`, oldest first.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use openanalyst_domain::{Owner, SessionKey, TaskId};
use openanalyst_registry::TenantCatalog;
use openanalyst_runtime::contract;
use openanalyst_store::known::{Known, KnownFailure, KnownKeys, KnownLimits, KnownMessage, KnownTask};
use openanalyst_store::learnings::{CORRECTION, LearningRow};
use openanalyst_store::memory::MemoryOwner;
use openanalyst_store::tasks::{NewTask, TaskRow};
use openanalyst_store::{Store, StoreError, json};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinError;

use openanalyst_text::similarity;

use crate::MAX_PAGE;
use crate::brain::Inner;
use crate::me::MAX_INSTRUCTIONS_BYTES;
use crate::numbers::unsigned;
use crate::research::{LEARNINGS_READ, ranked};

/// Most of each thing that is read for one request.
const LIMITS: KnownLimits =
    KnownLimits { noted: 100, messages: 20, counted: 1_000, tasks: 20, failures: 50, learnings: LEARNINGS_READ };
/// Most bytes of all preferences together; those that do not fit are left out.
const MAX_PREFERENCE_BYTES: usize = 64 << 10;
/// Most learnings, failures included.
const MAX_LEARNINGS: usize = 100;
/// Most characters of one learning; what is longer is cut.
const MAX_LEARNING_CHARS: usize = 2_000;
/// Most bytes of all learnings together.
const MAX_LEARNING_BYTES: usize = 64 << 10;
/// Most failures that are told.
const MAX_FAILURES: usize = 5;
/// How alike two requests are that count as of the same kind.
const SAME_KIND: f64 = 0.45;
/// Most bytes of all messages together.
const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// Most bytes of one earlier message; what is longer is cut.
const MAX_ONE_MESSAGE_BYTES: usize = 32 << 10;

/// Where the users' preferences stand in their memory.
pub(crate) const PREFERENCES: &str = "preferences/";
const CUSTOM_INSTRUCTIONS: &str = "custom-instructions";

/// How much was left out of a context to keep it within its size, by what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Omitted {
    /// Messages of this session.
    messages: u32,
    /// Preferences.
    preferences: u32,
    /// Learnings.
    learnings: u32,
    /// Texts that are there and were cut: messages, learnings, instructions.
    shortened: u32,
}

impl Omitted {
    /// What is not there at all.
    fn total(&self) -> u32 {
        self.messages + self.preferences + self.learnings
    }
}

/// A context, and what only the host needs of it.
pub(crate) struct BuiltContext {
    pub(crate) context: contract::Context,
    /// What was left out of it.
    pub(crate) omitted: Omitted,
    /// The user's time zone: their preference, or the host's own.
    pub(crate) time_zone: String,
    /// The user's locale, where they told it.
    pub(crate) locale: Option<String>,
    /// The skill that gave the last answer in this session.
    pub(crate) previous_skill: Option<String>,
}

/// The user's time zone, their preference or `default`, and their locale where they told it.
pub(crate) async fn time_zone_and_locale(
    store: &Store,
    owner: &Owner,
    default: &str,
    now_ms: i64,
) -> Result<(String, Option<String>), StoreError> {
    let told = store.user_context(owner).await?;
    let memory = MemoryOwner::User(owner.clone());
    let preferred = async |name: &str| {
        if let Some(value) = told.preferences.get(name).and_then(Value::as_str) {
            return Ok(Some(value.to_owned()));
        }
        let row = store.memory(&memory, &format!("{PREFERENCES}{name}"), now_ms).await?;
        row.map_or(Ok(None), |row| noted_text(&row.value))
    };
    Ok((known_zone(preferred("time-zone").await?, default), preferred("locale").await?))
}

/// The time zone with this IANA name, if there is one.
#[must_use]
pub fn known_time_zone(name: &str) -> Option<chrono_tz::Tz> {
    name.parse().ok()
}

fn known_zone(preferred: Option<String>, default: &str) -> String {
    preferred.filter(|zone| known_time_zone(zone).is_some()).unwrap_or_else(|| default.to_owned())
}

/// What the record knows, on its way.
pub(crate) type ContextRead = Pin<Box<dyn Future<Output = Result<Known, StoreError>> + Send>>;

/// Sends the question for a new task to the database, and gives what waits for the answer.
pub(crate) fn begin_reading(brain: &Arc<Inner>, task: &NewTask) -> ContextRead {
    let (store, owner, session) = (brain.store.clone(), task.owner.clone(), task.session.clone());
    let (id, now_ms) = (task.id, task.at_ms);
    let mut reading: ContextRead = Box::pin(async move { known(&store, &owner, &session, id, now_ms).await });
    if brain.store.path().is_some() {
        // The file has threads of its own. Polled once, the question is in their queue, and a task
        // that waits for the answer would be one more change of threads.
        return match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(known) => Box::pin(std::future::ready(known)),
            Poll::Pending => reading,
        };
    }
    // It holds a connection, so it must not wait for its task's turn.
    let reading = brain.tracker.spawn(reading);
    Box::pin(async move {
        let gone = |error: JoinError| StoreError::Unavailable { reason: error.to_string() };
        reading.await.map_err(gone)?
    })
}

/// Reads what the record knows that may matter for a task.
pub(crate) async fn known(
    store: &Store,
    owner: &Owner,
    session: &SessionKey,
    task: TaskId,
    now_ms: i64,
) -> Result<Known, StoreError> {
    let keys = KnownKeys { preferences: PREFERENCES, instructions: CUSTOM_INSTRUCTIONS };
    store.known(owner, session, task, keys, LIMITS, now_ms).await
}

/// Builds the context of a task.
///
/// # Errors
/// [`StoreError::Damaged`]: something of it cannot be read. An answer must not be given as if the user had never said it.
pub(crate) fn build(
    known: Known,
    catalog: &TenantCatalog,
    task: &TaskRow,
    default_time_zone: &str,
    now_ms: i64,
) -> Result<BuiltContext, StoreError> {
    let Known { noted, told, instructions, messages, older, tasks, failures, learnings: known, .. } = known;
    // What was said about the choice of skills is the router's, and helps no step.
    let known: Vec<LearningRow> = known.into_iter().filter(|row| row.source != CORRECTION).collect();
    let mut omitted = Omitted { messages: older, ..Omitted::default() };
    let mut preferences: BTreeMap<String, String> =
        noted.into_iter().map(|(key, value)| (key[PREFERENCES.len()..].to_owned(), value)).collect();
    // What skills noted of the user, and over it what the user said in so many words.
    let (told, told_instructions) = told.unwrap_or_default();
    for (name, value) in told_preferences(&told)? {
        preferences.insert(name, value.to_string());
    }
    let text = |name: &str| preferences.get(name).map_or(Ok(None), |value| noted_text(value));
    let custom_instructions = match instructions {
        _ if !told_instructions.is_empty() => Some(told_instructions),
        Some(noted) => noted_text(&noted)?,
        None => None,
    };
    let (display_name, time_zone, locale) = (text("display-name")?, text("time-zone")?, text("locale")?);
    let preferences = bounded_preferences(preferences, &mut omitted);
    let custom_instructions = custom_instructions.map(|text| cut(text, MAX_INSTRUCTIONS_BYTES, &mut omitted));
    let previous_skill = messages.iter().find_map(|message| message.skill.clone());
    let messages = bounded_messages(messages, &mut omitted);
    let context = contract::Context {
        now_ms: unsigned(now_ms),
        display_name,
        preferences,
        custom_instructions,
        messages,
        recent_tasks: tasks.into_iter().map(recent_task).collect(),
        learnings: learnings(&failures, &known, &task.content, &mut omitted)?,
        skills: summaries(catalog),
        omitted: 0,
    };
    let context = contract::Context { omitted: omitted.total(), ..context };
    let time_zone = known_zone(time_zone, default_time_zone);
    Ok(BuiltContext { context, omitted, time_zone, locale, previous_skill })
}

/// What the user said of themselves: a JSON object, or nothing at all.
pub(crate) fn told_preferences(text: &str) -> Result<serde_json::Map<String, Value>, StoreError> {
    if text.is_empty() { Ok(serde_json::Map::new()) } else { json("context", text) }
}

/// A value that a skill noted, where it is a text; skills may note anything else.
pub(crate) fn noted_text(noted: &str) -> Result<Option<String>, StoreError> {
    let value: Value = json("memory", noted)?;
    Ok(value.as_str().map(str::to_owned))
}

/// The preferences that fit, in the order of their names.
fn bounded_preferences(preferences: BTreeMap<String, String>, omitted: &mut Omitted) -> Vec<(String, String)> {
    let mut room = MAX_PREFERENCE_BYTES;
    let mut kept = Vec::with_capacity(preferences.len());
    for (name, value) in preferences {
        if name.len() + value.len() > room {
            omitted.preferences += 1;
            continue;
        }
        room -= name.len() + value.len();
        kept.push((name, value));
    }
    kept
}

/// Name and description of each skill, at most a page of them.
fn summaries(catalog: &TenantCatalog) -> Vec<(String, String)> {
    let most = usize::try_from(MAX_PAGE).unwrap_or(usize::MAX);
    // What cannot run yet is not offered.
    catalog
        .skills()
        .filter(|skill| skill.version().can_run())
        .take(most)
        .map(|skill| (skill.manifest().name.clone(), skill.manifest().description.clone()))
        .collect()
}

/// The newest messages that fit, oldest first; they come newest first.
fn bounded_messages(rows: Vec<KnownMessage>, omitted: &mut Omitted) -> Vec<contract::Message> {
    let mut room = MAX_MESSAGE_BYTES;
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let data = row.data;
        let content = cut(row.content, MAX_ONE_MESSAGE_BYTES, omitted);
        let size = content.len() + data.as_ref().map_or(0, String::len);
        if size > room {
            omitted.messages += 1;
            continue;
        }
        room -= size;
        kept.push(contract::Message {
            role: if row.role == "user" { contract::Role::User } else { contract::Role::Assistant },
            content,
            data,
            skill: row.skill,
            at_ms: unsigned(row.at_ms),
        });
    }
    kept.reverse();
    kept
}

fn recent_task(row: KnownTask) -> contract::TaskSummary {
    contract::TaskSummary {
        id: row.id,
        content: shorten(&row.content, 200),
        skill: row.skill,
        status: row.status,
        accepted_at_ms: unsigned(row.accepted_at_ms),
        duration_ms: row.ended_at_ms.map(|at| unsigned(at - row.accepted_at_ms)),
    }
}

/// What was learned, best first: by how well it fits the request, how often it helped, and how new it is. Before it stand the failures of requests
/// like this one, so that the same mistake is not planned twice.
pub(crate) fn learnings(
    failures: &[KnownFailure],
    known: &[LearningRow],
    request: &str,
    omitted: &mut Omitted,
) -> Result<Vec<contract::Learning>, StoreError> {
    let mut chosen = Vec::new();
    for row in failures {
        if chosen.len() < MAX_FAILURES && similarity(request, &row.title) >= SAME_KIND {
            let data: Value = json("history", &row.data)?;
            let reason = data.pointer("/error/message").and_then(Value::as_str).unwrap_or(&row.content);
            chosen.push(contract::Learning {
                content: shorten(&format!("The request \"{}\" failed: {reason}", row.title), 600),
                source: "failure".to_owned(),
                at_ms: unsigned(row.at_ms),
            });
        }
    }
    let fits: std::collections::HashMap<usize, f64> = ranked(known, request).into_iter().collect();
    let mut order: Vec<usize> = (0..known.len()).collect();
    // The rows come newest first, and the sort keeps that order among equals.
    let worth = |at: usize| {
        #[expect(clippy::cast_precision_loss, reason = "a count of uses")]
        let used = known[at].used as f64;
        fits.get(&at).copied().unwrap_or(0.0) + used.ln_1p()
    };
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)));
    let mut room = MAX_LEARNING_BYTES;
    for at in order {
        let row = &known[at];
        let content = shorten(&row.content, MAX_LEARNING_CHARS);
        if chosen.len() >= MAX_LEARNINGS || content.len() + row.source.len() > room {
            omitted.learnings += 1;
            continue;
        }
        omitted.shortened += u32::from(content != row.content);
        room -= content.len() + row.source.len();
        chosen.push(contract::Learning { content, source: shorten(&row.source, 500), at_ms: unsigned(row.at_ms) });
    }
    Ok(chosen)
}

/// At most so many characters, with `…` where some were left out.
pub(crate) fn shorten(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn cut(mut text: String, max_bytes: usize, omitted: &mut Omitted) -> String {
    if text.len() > max_bytes {
        omitted.shortened += 1;
        let end = (0..=max_bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_counted() {
        let preferences = ["a", "b", "c"].map(|name| (name.to_owned(), "x".repeat(40 << 10)));
        let mut omitted = Omitted::default();
        let kept = bounded_preferences(preferences.into_iter().collect(), &mut omitted);
        assert_eq!((kept.len(), kept[0].0.as_str(), omitted.preferences), (1, "a", 2));
        let message = |number: i64| KnownMessage {
            role: "user".to_owned(),
            content: format!("{number} {}", "x".repeat(MAX_ONE_MESSAGE_BYTES)),
            data: None,
            skill: None,
            at_ms: number,
        };
        let mut omitted = Omitted { messages: 3, ..Omitted::default() };
        // They come newest first, and go out oldest first.
        let kept = bounded_messages((0..10).rev().map(message).collect(), &mut omitted);
        assert_eq!((kept.len(), omitted), (8, Omitted { messages: 5, shortened: 10, ..Omitted::default() }));
        assert_eq!(omitted.total(), 5);
        assert!(kept[0].content.starts_with("2 ") && kept[7].content.starts_with("9 "));
        assert!(kept.iter().all(|message| message.content.len() <= MAX_ONE_MESSAGE_BYTES));
    }

    #[test]
    fn cutting_never_splits_a_character() {
        let mut omitted = Omitted::default();
        assert_eq!(cut("äöü".to_owned(), 3, &mut omitted), "ä");
        assert_eq!(cut("ab".to_owned(), 3, &mut omitted), "ab");
        assert_eq!(omitted.shortened, 1);
        assert_eq!(shorten("äöü", 2), "äö…");
        assert_eq!(shorten("äöü", 3), "äöü");
    }
}
