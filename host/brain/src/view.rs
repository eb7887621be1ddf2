//! A task's row as its user sees it.

use openanalyst_domain::TaskStatus;
use openanalyst_store::StoreError;
use openanalyst_store::tasks::TaskRow;
use serde_json::Value;

use crate::api::{TaskFailure, TaskMetadata, TaskView};
use crate::asked::decode_document;
use crate::context::shorten;
use crate::end::StoredOutcome;

/// Most characters of the request in a list.
const LISTED_CHARS: usize = 200;

/// The whole task.
///
/// # Errors
/// [`StoreError::Damaged`]: its outcome cannot be read.
pub(crate) fn whole(row: TaskRow, now_ms: i64) -> Result<TaskView, StoreError> {
    let outcome = outcome_of(row.outcome.as_ref())?;
    Ok(with(row, outcome, now_ms))
}

fn with(row: TaskRow, outcome: StoredOutcome, now_ms: i64) -> TaskView {
    TaskView {
        task_id: row.id,
        session_id: row.session,
        status: row.status,
        content: outcome.content,
        done: row.status.is_final() || row.status == TaskStatus::NeedsClarification,
        questions: outcome.questions,
        data: outcome.data,
        error: outcome.error,
        metadata: TaskMetadata {
            skill: row.skill,
            skill_version: row.skill_version,
            confidence: row.confidence,
            duration_ms: match row.ended_at_ms {
                Some(ended) => ended - row.accepted_at_ms,
                None if outcome.receipt.duration_ms > 0 => outcome.receipt.duration_ms,
                None => now_ms - row.accepted_at_ms,
            },
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            windmill_jobs: outcome.receipt.windmill_jobs,
        },
        request: row.content,
        accepted_at_ms: row.accepted_at_ms,
        ended_at_ms: row.ended_at_ms,
        last_seq: row.last_seq,
        correlation_id: row.correlation_id,
    }
}

/// What is kept of a task's end; nothing where it has not ended.
///
/// # Errors
/// [`StoreError::Damaged`]: it cannot be read.
pub(crate) fn outcome_of(document: Option<&Value>) -> Result<StoredOutcome, StoreError> {
    match document {
        None | Some(Value::Null) => Ok(StoredOutcome::default()),
        Some(document) => decode_document("outcome", document),
    }
}

/// The task in a list: what is long is shortened, and the data is left out. One whose outcome cannot be read back says so in its
/// error, and keeps nobody from the others.
pub(crate) fn listed(mut row: TaskRow, damage: Option<StoreError>, now_ms: i64) -> TaskView {
    let outcome = damage.map_or_else(|| outcome_of(row.outcome.take().as_ref()), Err);
    let (outcome, damage) = match outcome {
        Ok(outcome) => (outcome, None),
        Err(damage) => (StoredOutcome::default(), Some(damage)),
    };
    if let Some(damage) = &damage {
        tracing::error!(task = %row.id, %damage, "the outcome of a task cannot be read back");
    }
    let mut view = with(row, outcome, now_ms);
    if damage.is_some() {
        view.error = Some(TaskFailure {
            code: "damaged".to_owned(),
            message: "what this task came to cannot be read back from the database: ask an operator to restore it from a backup"
                .to_owned(),
            retryable: false,
        });
    }
    view.request = shorten(&view.request, LISTED_CHARS);
    view.content = shorten(&view.content, LISTED_CHARS);
    view.data = None;
    view
}
