//! What happens to a task, in order. The sequence has no gaps: a client that saw number *n* asks for what comes after it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::TaskId;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What happened. A request with two steps goes through seventeen of them
        /// (docs/architecture.md, "The seventeen stages").
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum EventKind { $($(#[$doc])* $variant),+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The kind of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
            }

            /// Whether nothing follows it.
            #[must_use]
            pub const fn ends_stream(self) -> bool {
                matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
            }
        }
    };
}

kinds!(
    /// The task is durable.
    Accepted = "accepted",
    /// A node took it up.
    Started = "started",
    /// The context was gathered.
    ContextBuilt = "context-built",
    /// A skill was chosen, with reasons.
    Routed = "routed",
    /// A component that the task needs is still being compiled, or fetched, and the task waits for it.
    Preparing = "preparing",
    /// A slot of the instance pool was given.
    Admitted = "admitted",
    /// The plan was made.
    Planned = "planned",
    /// An attempt at a step began.
    StepStarted = "step-started",
    /// A job of the workflow engine was started for it.
    JobStarted = "job-started",
    /// That job ended.
    JobFinished = "job-finished",
    /// The result was compared with the expectation.
    Evaluated = "evaluated",
    /// The answer was written.
    Replied = "replied",
    /// Session, success or failure were written to the history.
    Recorded = "recorded",
    /// The end: done.
    Completed = "completed",
    /// The end: not done.
    Failed = "failed",
    /// The end: the user ended it.
    Cancelled = "cancelled",
    /// The task asks the user and rests.
    Asked = "asked",
    /// The user answered, and it goes on.
    Answered = "answered",
    /// A skill or script reported progress.
    Progress = "progress",
    /// Another attempt follows, and why.
    Retrying = "retrying",
    /// A part of the answer, while the rest is still being written.
    Part = "part",
    /// It waits for a job, and is not in memory meanwhile.
    Parked = "parked",
    /// The job has ended, and it goes on.
    Resumed = "resumed",
    /// All retries were used up: it was looked up how it is done right.
    Researched = "researched",
    /// The host was restarted and took the task up again.
    Recovered = "recovered",
);

/// One entry of a task's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskEvent {
    /// The task.
    pub task_id: TaskId,
    /// 1, 2, 3, … without gaps.
    pub seq: i64,
    /// When, in UTC milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// The particulars: a JSON object.
    pub data: Value,
}
