//! What the edge of the host (HTTP, WebSocket, command line) exchanges with the brain.
//!
//! # The data of a task's events
//!
//! | event | data |
//! |---|---|
//! | `accepted` | `{content, sessionId, attachments, correlationId?}`; the content shortened to 200 characters |
//! | `started` | `{node}` |
//! | `context-built` | `{messages, recentTasks, preferences, learnings, skills, omitted, leftOut: {messages, preferences, learnings, shortened}}`: how many of each; `omitted` is the sum of those that are not there at all |
//! | `routed` | `{skill, skillVersion, confidence, decision, reasons, ranking, actions, slots}` |
//! | `preparing` | `{component, message}`: the skill whose component is still being fetched or compiled, `script-runner` or `checker`; and the same as a sentence |
//! | `admitted` | `{queuedMs}`: how long the plan waited for a place in the sandbox |
//! | `planned` | `{steps: [{id, title, action}], questions}` |
//! | `step-started` | *step* |
//! | `job-started` | *step* and `{jobId, path}` |
//! | `progress` | *step* and `{message?, percent?, jobId?}` |
//! | `job-finished` | *step* and `{jobId, path, status, durationMs}` |
//! | `evaluated` | *step* and `{met, score, differences, failure?: {code, retryable}}`: `failure` where the attempt failed |
//! | `retrying` | *step* and `{delayMs, differences}`; `attempt` is the one that comes next. Of a plan or a reply that failed: `{stage: "plan"\|"reply", id, title, attempt, attempts, delayMs, differences, failure}` |
//! | `asked` | `{messageId, content, questions, receipt}` |
//! | `answered` | `{answers}` |
//! | `replied` | `{messageId, content, data?}` |
//! | `recorded` | `{kinds}`: what went into the history |
//! | `completed` | `{receipt}` |
//! | `failed` | `{code, message, retryable, receipt}` |
//! | `cancelled` | `{reason, receipt}` |
//! | `recovered` | `{node, from}`: another process took the task up |
//!
//! *step* is `{step, steps, id, title, attempt, attempts}`: its place from 1, how many there are, its id and title, the attempt from 1,
//! and how many there can be. A *receipt* is what [`TaskReceipt`] says.

use base64::Engine as _;
use openanalyst_domain::{Owner, SessionKey, TaskId, TaskStatus};
use openanalyst_router::Route;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most bytes of a request's content.
pub const MAX_CONTENT_BYTES: usize = 64 << 10;
/// Most bytes of all attachments of a request together, decoded.
pub const MAX_ATTACHMENTS_BYTES: usize = 768 << 10;
/// Most attachments of a request.
pub const MAX_ATTACHMENTS: usize = 16;
/// Most characters of an idempotency key.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 300;
/// Most tasks in one page of [`crate::Brain::tasks`].
pub const MAX_PAGE: u32 = 100;

/// A file that comes with a request: either text in `content` or bytes in `base64`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// Its name, without a path, at most 255 characters.
    pub name: String,
    /// Its media type (RFC 6838). None: told from the name's ending, else `application/octet-stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The content, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The content in base64 (RFC 4648, standard alphabet), where it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl Attachment {
    /// A file's bytes: as text where they are UTF-8, in base64 otherwise.
    #[must_use]
    pub fn from_bytes(name: String, bytes: &[u8]) -> Self {
        let (content, base64) = match std::str::from_utf8(bytes) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(base64::engine::general_purpose::STANDARD.encode(bytes))),
        };
        Self { name, media_type: None, content, base64 }
    }
}

/// A request as the edge hands it in. Whose it is comes from the token, never from here.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// What the user wrote. 1 byte to [`MAX_CONTENT_BYTES`], not only white space.
    pub content: String,
    /// The session.
    pub session: SessionKey,
    /// The files that come with it.
    pub attachments: Vec<Attachment>,
    /// A second request of the same user with this key gives the same task; with other content it is a conflict.
    pub idempotency_key: Option<String>,
    /// Handed back in every message about the task.
    pub correlation_id: Option<String>,
}

/// An accepted request. Durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The task that it became.
    pub task: TaskId,
    /// Whether the idempotency key had been used before: then this is that request's task.
    pub repeated: bool,
}

/// A question of a task to its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Stable within the task.
    pub id: String,
    /// The question, one sentence.
    pub text: String,
    /// Answers to choose from. Empty: free text.
    pub options: Vec<String>,
}

impl From<openanalyst_runtime::contract::Question> for Question {
    fn from(asked: openanalyst_runtime::contract::Question) -> Self {
        Self { id: asked.id, text: asked.text, options: asked.options }
    }
}

/// The user's answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// The question's id; `*` for an answer to all that was asked, in free text.
    #[serde(default = "any_question")]
    pub question_id: String,
    /// The answer, at most 4,000 characters.
    pub text: String,
}

fn any_question() -> String {
    "*".to_owned()
}

/// What a task used, all its invocations together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskReceipt {
    /// From acceptance to its end.
    pub duration_ms: i64,
    /// Calls of skills and scripts, and of the checker of expectations.
    pub invocations: u32,
    /// CPU time inside the sandbox.
    pub cpu_us: u64,
    /// The most memory that one invocation used.
    pub peak_memory_bytes: u64,
    /// Host calls of all invocations.
    pub host_calls: u64,
    /// Attempts at steps.
    pub attempts: u32,
    /// The jobs of the workflow engine, in the order of their start.
    pub windmill_jobs: Vec<String>,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskFailure {
    /// A stable code: `invalid`, `denied`, `not-found`, `unavailable`, `failed`, `internal`, or a limit's reason.
    pub code: String,
    /// What went wrong and what can be done, in words for the user.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// What is known of how a task was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskMetadata {
    /// The skill that did it.
    pub skill: Option<String>,
    /// That skill's version.
    pub skill_version: Option<String>,
    /// How sure the router was.
    pub confidence: Option<f64>,
    /// From acceptance to the end; to now while it is open.
    pub duration_ms: i64,
    /// Attempts at steps.
    pub attempts: u32,
    /// The jobs of the workflow engine.
    pub windmill_jobs: Vec<String>,
}

/// A task as its user sees it: the body of `POST /v1/requests` and `GET /v1/tasks/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// Its id.
    #[schema(value_type = String)]
    pub task_id: TaskId,
    /// Its session.
    #[schema(value_type = String)]
    pub session_id: SessionKey,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: TaskStatus,
    /// The answer so far; empty until there is one.
    pub content: String,
    /// Whether the host is done with it: a final state, or waiting for the user.
    pub done: bool,
    /// What it asks the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// The answer for programs, where the skill gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Value>,
    /// Why it failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskFailure>,
    /// How it was done.
    pub metadata: TaskMetadata,
    /// What was asked, whole in a single view, shortened to 200 characters in a list.
    pub request: String,
    /// When it was accepted.
    pub accepted_at_ms: i64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    /// The sequence number of its last event.
    pub last_seq: i64,
    /// The client's own correlation id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

/// A page of tasks, newest first.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<TaskView>,
    /// Give it to the next call for what comes after. None: there is no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What the edge is told when something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum BrainError {
    /// The caller's input is wrong.
    #[error("{0}")]
    Invalid(String),
    /// There is no such task, or it belongs to somebody else; the two cannot be told apart.
    #[error("there is no task {0} of yours: check the id, or list your tasks with GET /v1/tasks")]
    NoSuchTask(String),
    /// There is no such value in the user's memory.
    #[error("there is nothing under the key `{0}` in your memory: GET /v1/me/memory lists what there is")]
    NoSuchMemory(String),
    /// There is no such conversation, or it belongs to somebody else.
    #[error("there is no conversation {0} of yours: GET /v1/conversations lists them")]
    NoSuchConversation(String),
    /// Somebody else changed it in the meantime.
    #[error("another version is there than the one that you expected: read it again, and put your change over that")]
    VersionMismatch,
    /// The memory is full.
    #[error(
        "your memory holds {} values, which is the limit: delete what is not needed any more, or give values a time to live",
        openanalyst_store::memory::MAX_KEYS
    )]
    MemoryFull,
    /// The idempotency key belongs to a request with other content.
    #[error(
        "this idempotency key was used before for another request (task {0}): send the same request again, or use a new key"
    )]
    KeyReused(TaskId),
    /// The task is not in a state in which this can be done.
    #[error("{0}")]
    WrongState(String),
    /// The user has too many open tasks.
    #[error("you have {open} open tasks and {limit} is the limit: wait until one ends, or cancel one")]
    TooManyTasks {
        /// How many are open.
        open: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A quota is used up.
    #[error("{0}")]
    QuotaExceeded(openanalyst_store::quotas::Exceeded),
    /// The host shuts down.
    #[error("the host is shutting down: send the request again in a moment")]
    ShuttingDown,
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] openanalyst_store::StoreError),
    /// Something that should not happen.
    #[error("{0}")]
    Internal(String),
}

impl BrainError {
    /// The stable code of the problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NoSuchTask(_) => "task-not-found",
            Self::NoSuchMemory(_) => "memory-not-found",
            Self::NoSuchConversation(_) => "conversation-not-found",
            Self::VersionMismatch => "version-mismatch",
            Self::MemoryFull | Self::QuotaExceeded(_) => "quota-exceeded",
            Self::KeyReused(_) => "idempotency-key-reused",
            Self::WrongState(_) => "wrong-state",
            Self::TooManyTasks { .. } => "too-many-tasks",
            Self::ShuttingDown => "shutting-down",
            Self::Store(openanalyst_store::StoreError::Busy | openanalyst_store::StoreError::TooLong { .. }) => "busy",
            Self::Store(error) if error.is_transient() => "storage-unavailable",
            Self::Store(_) | Self::Internal(_) => "internal",
        }
    }

    /// When trying again may help, milliseconds from now.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::TooManyTasks { .. } | Self::ShuttingDown | Self::Store(openanalyst_store::StoreError::Busy) => {
                Some(1_000)
            }
            Self::Store(openanalyst_store::StoreError::TooLong { .. }) => Some(5_000),
            Self::Store(error) if error.is_transient() => Some(5_000),
            _ => None,
        }
    }
}

impl From<openanalyst_store::quotas::QuotaError> for BrainError {
    fn from(error: openanalyst_store::quotas::QuotaError) -> Self {
        use openanalyst_store::quotas::QuotaError;
        match error {
            QuotaError::Exceeded(exceeded) => Self::QuotaExceeded(exceeded),
            QuotaError::Deleting => Self::WrongState(error.to_string()),
            QuotaError::Store(error) => Self::Store(error),
        }
    }
}

/// Something that a user is told without having asked, and whose it is.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Whose.
    pub owner: Owner,
    /// What.
    pub notification: openanalyst_store::notifications::Notification,
}

/// What the router makes of a text, and by what it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Understood {
    /// The skill, what was read from which words, what is unclear, and why.
    #[serde(flatten)]
    pub route: Route,
    /// The question that the user would be asked before anything is done, if there is one.
    pub question: Option<Question>,
    /// The user's time zone, in which times were read.
    pub time_zone: String,
    /// The user's locale, by which dates were read, where they told it.
    pub locale: Option<String>,
}
