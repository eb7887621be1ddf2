//! A finished task as one file, and running it again from that file: the same components, the recorded host calls, the same results or the first difference.
//!
//! The file holds what the skills were given, asked, were told and gave: `plan`, each attempt at a step that is the skill's own code, and `reply`, of every round and
//! every part of the task, those that failed included. Jobs, called skills and checks `by-skill` are not run again: what they gave stands in the recording. Nothing is
//! reached while a file is replayed.
//!
//! Before it leaves the host, names of tenant and user, e-mail addresses, tokens and keys are replaced by others of the same form and length, the same everywhere
//! (`masks`). Secrets of the tenant are never in it: a skill does not get to see them. What the user wrote and what the skill was told stays: look at it before
//! you hand it on.
//!
//! `export` makes the file, `run` runs it.

mod export;
mod masks;
mod run;

use openanalyst_domain::{Budget, Failure};
use openanalyst_runtime::contract::{Attempt, Context, Inputs, Request, Step, StepResult};
use openanalyst_runtime::{LogLine, Recording};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use run::replay;

/// What the member `format` of a file says.
pub const FORMAT: &str = "openanalyst-task-recording/2";

/// A finished task, to be run again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecording {
    /// [`FORMAT`].
    pub format: String,
    /// The task's id.
    pub task_id: String,
    /// How it ended.
    pub status: String,
    /// How many texts were replaced before the file was written.
    pub replaced: usize,
    /// The skills that worked on it, in the order in which they were first asked.
    pub skills: Vec<RecordedSkill>,
    /// What the skills were called for, in order.
    pub invocations: Vec<Invoked>,
}

/// A skill that worked on a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedSkill {
    /// Its identifier.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// The limits of each invocation.
    pub budget: Budget,
    /// The component, in base64.
    pub component: String,
    /// The BLAKE3 hash of the component.
    pub component_blake3: String,
}

/// One invocation: what it was given, what it was told, and what it gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoked {
    /// Round, step, attempt and export.
    pub place: String,
    /// The place of its skill among the skills.
    pub skill: usize,
    /// What it was given.
    pub input: Input,
    /// What it asked and was told.
    pub recording: Recording,
    /// What it gave: `{"ok": …}` or `{"failed": …}`.
    pub result: Value,
}

/// What an export is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// `plan`
    Plan(Box<(Request, Context)>),
    /// `run`
    Run(Box<(Step, Inputs, Attempt)>),
    /// `reply`
    Reply(Box<(Request, Vec<StepResult>)>),
}

impl Input {
    /// The name of the export.
    #[must_use]
    pub fn export(&self) -> &'static str {
        match self {
            Self::Plan(_) => "plan",
            Self::Run(_) => "run",
            Self::Reply(_) => "reply",
        }
    }
}

/// What came of running an invocation again.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// How many host calls were played.
    pub host_calls: usize,
    /// What the skill logged.
    pub logs: Vec<LogLine>,
    /// The first thing that was not as recorded. None: all was.
    pub difference: Option<String>,
}

impl TaskRecording {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Failure::Invalid`]: it is no recorded task, or one of another format.
    pub fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let no_task = |error: serde_json::Error| Failure::invalid(format!("it is no recorded task: {error}"));
        let document: Value = serde_json::from_slice(bytes).map_err(no_task)?;
        match document.get("format").and_then(Value::as_str) {
            Some(FORMAT) => serde_json::from_value(document).map_err(no_task),
            Some(other) => Err(Failure::invalid(format!(
                "it has the format `{other}`, and this program knows `{FORMAT}`: export the task again with this version"
            ))),
            None => Err(Failure::invalid("it is no recorded task: it has no member `format`")),
        }
    }
}
