//! The script runner: a component of our own that runs TypeScript, in the same sandbox and under the same budgets as any skill.
//!
//! It has a linker of its own, so that no skill can import the script's host.

use std::sync::Arc;

use async_trait::async_trait;
use openanalyst_domain::{Budget, Owner};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{HasSelf, Linker};

use crate::contract::script::exports::openanalyst::script::runner;
use crate::contract::script::openanalyst::script::host::{self, CallError, Level};
use crate::invocation::Interrupted;
use crate::logs::{LogLevel, clean, clean_text};
use crate::state::State;

/// Longest name of an error, in bytes.
const MAX_NAME_BYTES: usize = 200;
/// Longest message and longest stack of an error, in bytes.
const MAX_MESSAGE_BYTES: usize = 16 << 10;

/// One run of a script.
#[derive(Clone)]
pub struct ScriptCall {
    /// For whom.
    pub owner: Owner,
    /// Every limit.
    pub budget: Budget,
    /// The script's path, for messages and relative imports.
    pub path: String,
    /// Its source, TypeScript.
    pub source: String,
    /// A JSON object: one member for each parameter of `main`.
    pub arguments: Value,
    /// What `process.env` holds.
    pub environment: Vec<(String, String)>,
    /// What the script reaches.
    pub host: Arc<dyn ScriptHost>,
    /// Ends the run.
    pub cancel: CancellationToken,
}

/// What a script reaches of the host, with the rights of one user. It checks them itself.
///
/// An implementation must be safe to drop at any await point.
#[async_trait]
pub trait ScriptHost: Send + Sync {
    /// An operation of the workflow engine, such as `ScheduleService.createSchedule`. `arguments` is a JSON object.
    ///
    /// # Errors
    /// The inner error holds the status and text that a Windmill server would answer; the outer one
    /// ends the run: the host could not reach its record, so the call has no outcome.
    async fn call(&self, operation: &str, arguments: Value) -> Result<Result<Value, ScriptCallError>, Interrupted>;

    /// The source of another script, for imports. None if there is none, or none for this user.
    ///
    /// # Errors
    /// The host could not reach its record: the run ends without an outcome.
    async fn source(&self, path: &str) -> Result<Option<String>, Interrupted>;

    /// The script sleeps: it waits for a time, and not for the host. It computes nothing until [`Self::resumes`].
    /// Called on the guest's thread: it must return at once.
    fn waits(&self);

    /// What the script waited for has happened: it goes on when this is done.
    async fn resumes(&self);

    /// How far the script is, 0 to 100, with one line of text. Called on the guest's thread: it must return at once.
    fn progress(&self, percent: u8, message: &str);

    /// A line of the script's log while it runs; the same lines stand in the invocation's log. Called on the guest's thread.
    fn log(&self, level: LogLevel, message: &str);
}

/// Why a call of a script into the host did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub struct ScriptCallError {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// The body of the answer, plain text.
    pub message: String,
}

/// An error that a script threw, or that its source has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{name}: {message}")]
pub struct ScriptError {
    /// The error's name, such as `TypeError`, or one of the runner's own.
    pub name: String,
    /// What happened.
    pub message: String,
    /// Where, innermost first, in lines of the TypeScript source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// Line of the script, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl From<runner::ScriptError> for ScriptError {
    fn from(error: runner::ScriptError) -> Self {
        Self {
            name: clean(&error.name, MAX_NAME_BYTES),
            message: clean_text(&error.message, MAX_MESSAGE_BYTES),
            stack: error.stack.map(|stack| clean_text(&stack, MAX_MESSAGE_BYTES)),
            line: error.line,
        }
    }
}

/// The error of a script whose result is JSON for JavaScript and for nobody else: half a surrogate pair in a text
/// (RFC 8259 §8.2), mostly, or a number out of range.
pub(crate) fn unreadable_result(error: &serde_json::Error) -> ScriptError {
    ScriptError {
        name: "InvalidResult".to_owned(),
        message: format!(
            "the result of `main` cannot be read as JSON ({error}): return texts of whole characters \
             (`text.toWellFormed()`) and numbers that JSON has"
        ),
        stack: None,
        line: None,
    }
}

/// What a script did to the runner, as an error of the script; what is not its doing stays as it is.
///
/// # Errors
/// The same error.
pub(crate) fn of_the_script(error: crate::CallError) -> Result<ScriptError, crate::CallError> {
    match error {
        crate::CallError::Trap { detail } if detail.starts_with(&wasmtime::Trap::StackOverflow.to_string()) => {
            Ok(ScriptError {
                name: "RangeError".to_owned(),
                message:
                    "maximum call stack size exceeded: an expression of the script is nested too deeply, or a function \
                          calls itself too often; use a loop or a list instead"
                        .to_owned(),
                stack: None,
                line: None,
            })
        }
        other => Err(other),
    }
}

/// Links what a script reaches.
///
/// # Errors
/// It is linked already.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    host::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl State {
    fn script_host(&self) -> wasmtime::Result<Arc<dyn ScriptHost>> {
        let host = self.script.clone();
        host.ok_or_else(|| wasmtime::Error::msg("the script's host was called without a script"))
    }
}

impl host::Host for State {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.check_bytes("host.log", message.len())?;
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        if self.logs.write(level, &message) {
            let line = clean(&message, self.call.budget.log_line_bytes);
            self.script_host()?.log(level, &line);
        }
        Ok(())
    }

    fn progress(&mut self, percent: u8, message: String) -> wasmtime::Result<()> {
        self.host_call("host.progress", message.len())?;
        self.script_host()?.progress(percent.min(100), &clean(&message, 500));
        Ok(())
    }

    async fn call(&mut self, operation: String, arguments: String) -> wasmtime::Result<Result<String, CallError>> {
        self.host_call("host.call", operation.len() + arguments.len())?;
        let host = self.script_host()?;
        let arguments = match serde_json::from_str(&arguments) {
            Ok(arguments) => arguments,
            Err(error) => {
                let message = format!("the arguments of `{}` are no JSON: {error}", clean(&operation, 200));
                return Ok(Err(CallError { status: 400, message }));
            }
        };
        self.yielded.calls(true);
        let answer = host.call(&operation, arguments).await;
        self.yielded.calls(false);
        Ok(answer?
            .map(|value| value.to_string())
            .map_err(|error| CallError { status: error.status, message: error.message }))
    }

    async fn source(&mut self, path: String) -> wasmtime::Result<Option<String>> {
        self.host_call("host.source", path.len())?;
        let host = self.script_host()?;
        self.yielded.calls(true);
        let source = host.source(&path).await;
        self.yielded.calls(false);
        Ok(source?)
    }
}
