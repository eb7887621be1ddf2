//! How a task ends: one transaction writes the last events, the answer, the history and the final state.

use openanalyst_domain::{EventKind, Failure, MessageId, TaskStatus};
use openanalyst_store::conversations::NewMessage;
use openanalyst_store::history::NewEntry;
use openanalyst_store::tasks::{NewEvent, TaskRow};
use openanalyst_store::{StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{Question, TaskFailure, TaskReceipt};
use crate::context::shorten;

/// Most characters of a title in the history.
const TITLE_CHARS: usize = 120;
/// Most attempts that the history keeps of a task; the events have all of them.
pub(crate) const MAX_ATTEMPTS_KEPT: usize = 100;

/// How the work at a task came to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TaskOutcome {
    /// It is done: this is the answer.
    Answered { content: String, data: Option<Value> },
    /// It cannot go on without the user.
    Asked { content: String, questions: Vec<Question> },
    /// It failed for good.
    Failed {
        /// What was answered before that, by the parts of the request that were done.
        before: String,
        failure: Failure,
    },
    /// The user cancelled it.
    Cancelled { reason: String },
}

/// All that is written of a task's end.
pub(crate) struct CompletionRecord<'a> {
    pub(crate) end: &'a TaskOutcome,
    /// What the task used.
    pub(crate) receipt: TaskReceipt,
    /// The id of the answer, where parts of it were shown under one.
    pub(crate) answer: Option<MessageId>,
    /// What came of each attempt, for the history.
    pub(crate) attempts: &'a [Value],
}

/// What is kept of a task's end, in the task's own row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StoredOutcome {
    pub(crate) content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) questions: Vec<Question>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<TaskFailure>,
    pub(crate) receipt: TaskReceipt,
}

impl TaskOutcome {
    pub(crate) fn failed(failure: Failure) -> Self {
        Self::Failed { before: String::new(), failure }
    }
}

/// The words for a failure that the user sees.
pub(crate) fn failure_for_user(failure: &Failure) -> TaskFailure {
    TaskFailure { code: failure.code().to_owned(), message: failure.to_string(), retryable: failure.is_retryable() }
}

/// Writes the end of `task` into `tx`, and gives the task as it is then. None: it had already ended, and nothing may be committed.
pub(crate) async fn write(
    tx: &mut Tx,
    task: &TaskRow,
    ending: CompletionRecord<'_>,
    now_ms: i64,
) -> Result<Option<TaskRow>, StoreError> {
    let CompletionRecord { end, receipt, answer, attempts } = ending;
    let (status, outcome) = outcome_of(end, receipt);
    let recorded = serde_json::to_value(&outcome).unwrap_or_default();
    if !tx.finish_task(task.id, task.lease, status, &recorded, now_ms).await? {
        return Ok(None);
    }
    let skill = task.skill.as_deref();
    let message = tx.say(&NewMessage {
        id: answer,
        owner: &task.owner,
        session: &task.session,
        task: task.id,
        role: "assistant",
        content: &outcome.content,
        data: outcome.data.as_ref(),
        skill,
        at_ms: now_ms,
    });
    let receipt = json!(outcome.receipt);
    let mut events = Vec::new();
    let mut kinds = Vec::new();
    if status.is_final() {
        kinds = remember(tx, task, status, &outcome, attempts, now_ms);
    }
    let remembered = || NewEvent::new(EventKind::Recorded, json!({ "kinds": kinds }));
    match end {
        TaskOutcome::Answered { content, data } => {
            let mut replied = json!({ "messageId": message, "content": content });
            if let Some(data) = data {
                replied["data"] = data.clone();
            }
            events.push(NewEvent::new(EventKind::Replied, replied));
            events.push(remembered());
            events.push(NewEvent::new(EventKind::Completed, json!({ "receipt": receipt })));
        }
        TaskOutcome::Asked { content, questions } => {
            let asked = json!({ "messageId": message, "content": content, "questions": questions, "receipt": receipt });
            events.push(NewEvent::new(EventKind::Asked, asked));
        }
        TaskOutcome::Failed { failure, .. } => {
            let failure = failure_for_user(failure);
            events.push(remembered());
            events.push(NewEvent::new(
                EventKind::Failed,
                json!({ "code": failure.code, "message": failure.message, "retryable": failure.retryable, "receipt": receipt }),
            ));
        }
        TaskOutcome::Cancelled { reason } => {
            events.push(remembered());
            events.push(NewEvent::new(EventKind::Cancelled, json!({ "reason": reason, "receipt": receipt })));
        }
    }
    let events = tx.append_events(&task.owner, task.id, now_ms, events).await?;
    Ok(Some(TaskRow {
        status,
        outcome: Some(recorded),
        ended_at_ms: status.is_final().then_some(now_ms),
        node: None,
        last_seq: events.last().map_or(task.last_seq, |event| event.seq),
        attempts: i64::from(outcome.receipt.attempts),
        waits_for: None,
        waits_until_ms: None,
        lease: task.lease + 1,
        ..task.clone()
    }))
}

fn outcome_of(end: &TaskOutcome, receipt: TaskReceipt) -> (TaskStatus, StoredOutcome) {
    let outcome = StoredOutcome { receipt, ..StoredOutcome::default() };
    match end {
        TaskOutcome::Answered { content, data } => {
            (TaskStatus::Completed, StoredOutcome { content: content.clone(), data: data.clone(), ..outcome })
        }
        TaskOutcome::Asked { content, questions } => (
            TaskStatus::NeedsClarification,
            StoredOutcome { content: content.clone(), questions: questions.clone(), ..outcome },
        ),
        TaskOutcome::Failed { before, failure } => {
            let error = failure_for_user(failure);
            let content = after(before, &format!("That did not work: {}", error.message));
            (TaskStatus::Failed, StoredOutcome { content, error: Some(error), ..outcome })
        }
        TaskOutcome::Cancelled { reason } => {
            (TaskStatus::Cancelled, StoredOutcome { content: format!("Cancelled: {reason}"), ..outcome })
        }
    }
}

/// The history: a session entry for every task, and a success or a failure.
fn remember(
    tx: &mut Tx,
    task: &TaskRow,
    status: TaskStatus,
    outcome: &StoredOutcome,
    attempts: &[Value],
    now_ms: i64,
) -> Vec<&'static str> {
    let data = json!({
        "sessionId": task.session, "status": status, "error": outcome.error, "receipt": outcome.receipt,
        "attempts": attempts,
    });
    let verdict = match status {
        TaskStatus::Completed => Some("success"),
        TaskStatus::Failed => Some("failure"),
        _ => None,
    };
    let kinds: Vec<&'static str> = ["session"].into_iter().chain(verdict).collect();
    keep(tx, task, "", &kinds, &outcome.content, &data, now_ms);
    kinds
}

/// Writes an entry of each kind about a task, or about a place in it.
fn keep(tx: &mut Tx, task: &TaskRow, place: &str, kinds: &[&'static str], content: &str, data: &Value, now_ms: i64) {
    tx.remember(&NewEntry {
        owner: &task.owner,
        kinds,
        task: Some(task.id),
        place,
        skill: task.skill.as_deref(),
        title: &shorten(&task.content, TITLE_CHARS),
        content,
        data,
        at_ms: now_ms,
    });
}

/// What the history says of an attempt: what its event says, without the texts that the step has anyway.
pub(crate) fn attempt_of(evaluated: &Value) -> Value {
    let mut attempt = json!({});
    for name in ["id", "attempt", "met", "score", "differences", "failure"] {
        if let Some(value) = evaluated.get(name) {
            attempt[name] = value.clone();
        }
    }
    attempt
}

/// The history of a step that never gave what was expected: its user is asked, and the next request of this kind knows.
pub(crate) fn remember_failure(
    tx: &mut Tx,
    task: &TaskRow,
    place: &str,
    reason: &str,
    differences: &[String],
    attempts: &[Value],
    now_ms: i64,
) {
    let data = json!({
        "sessionId": task.session, "status": TaskStatus::NeedsClarification, "error": { "message": reason },
        "differences": differences, "attempts": attempts,
    });
    keep(tx, task, place, &["failure"], reason, &data, now_ms);
}

/// What comes after what was said before.
pub(crate) fn after(before: &str, content: &str) -> String {
    if before.is_empty() { content.to_owned() } else { format!("{before}\n\n{content}") }
}

/// The text around a task's questions, for people who read only text.
pub(crate) fn ask_text(lead: &str, questions: &[Question]) -> String {
    let mut text = lead.to_owned();
    for question in questions {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&question.text);
        if !question.options.is_empty() {
            text.push_str(&format!(" ({})", question.options.join(", ")));
        }
    }
    text
}
