//! The workflow engine: scripts, flows, apps, schedules, jobs. Needs the capability `windmill` with path globs; the user's own
//! folder ([`Request::user_folder`](crate::Request)) is granted with any of them.
//!
//! Prefer [`Step::script`](crate::Step) in a plan over [`run_script`] in `run`: the host then runs, checks and retries it.
//!
//! ```no_run
//! # use openanalyst_skill::prelude::*;
//! # fn both() -> Result<(u32, u32)> {
//! let first = windmill::run_script("f/team/count", &json!({"what": "posts"}))?;
//! let second = windmill::run_script("f/team/count", &json!({"what": "jobs"}))?;
//! Ok((first.wait()?, second.wait()?)) // side by side
//! # }
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::output::to_json;
use crate::types::Failure;
use crate::{Result, sys};

pub use crate::bindings::openanalyst::skill::windmill::{
    App, FlowDefinition, Item, JobState, JobStatus, Kind, RunOptions, Schedule, Script,
};

/// The most lines that one call of [`list`] gathers, so that a listing cannot eat the whole budget.
pub const MAX_LISTED: usize = 1_000;

const PAGE: u32 = 100;
const NO_OPTIONS: RunOptions = RunOptions { scheduled_for_ms: None, idempotency_key: None };

/// Starts a script. The job is durable once this returns.
///
/// # Errors
/// [`Failure::Denied`] without a grant for the path, [`Failure::NotFound`] if there is no such script.
pub fn run_script<T: Serialize + ?Sized>(path: &str, arguments: &T) -> Result<Job> {
    run_script_with(path, arguments, &NO_OPTIONS)
}

/// Starts a script, later or under a key of one's own.
///
/// # Errors
/// As [`run_script`].
pub fn run_script_with<T: Serialize + ?Sized>(path: &str, arguments: &T, options: &RunOptions) -> Result<Job> {
    sys::windmill::run_script(path, &to_json(arguments)?, options).map(Job)
}

/// Starts a flow.
///
/// # Errors
/// As [`run_script`].
pub fn run_flow<T: Serialize + ?Sized>(path: &str, arguments: &T) -> Result<Job> {
    run_flow_with(path, arguments, &NO_OPTIONS)
}

/// Starts a flow, later or under a key of one's own.
///
/// # Errors
/// As [`run_script`].
pub fn run_flow_with<T: Serialize + ?Sized>(path: &str, arguments: &T, options: &RunOptions) -> Result<Job> {
    sys::windmill::run_flow(path, &to_json(arguments)?, options).map(Job)
}

/// A job that this invocation started. Dropping it leaves the job running.
#[derive(Debug)]
pub struct Job(sys::windmill::Job);

impl Job {
    /// Its id, a UUID.
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// Where it stands now.
    ///
    /// # Errors
    /// What the host answers.
    pub fn state(&self) -> Result<JobState> {
        self.0.state()
    }

    /// Waits until it ended, as long as the budget lasts, and reads its result.
    ///
    /// # Errors
    /// [`Failure::Failed`] if the job failed or was cancelled, [`Failure::Invalid`] if its result has another shape.
    pub fn wait<T: DeserializeOwned>(&self) -> Result<T> {
        let state = self.wait_for(None)?;
        let result: Value = state.result.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        match state.status {
            JobStatus::Done => Ok(serde_json::from_value(result)?),
            status => {
                let reason = result.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason given");
                Err(Failure::failed(format!("job {} ended as {}: {reason}", self.id(), word(status))))
            }
        }
    }

    /// Waits until it ended, or until the time is up; the state then says that it still runs.
    ///
    /// # Errors
    /// What the host answers.
    pub fn wait_for(&self, timeout_ms: Option<u64>) -> Result<JobState> {
        self.0.wait(timeout_ms)
    }

    /// Cancels it. Gives the state that it ended with if it had already ended.
    ///
    /// # Errors
    /// What the host answers.
    pub fn cancel(&self, reason: &str) -> Result<JobState> {
        self.0.cancel(reason)
    }
}

fn word(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "queued",
        JobStatus::Running => "running",
        JobStatus::Done => "done",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "cancelled",
    }
}

/// Stores a script, or a new version of it.
///
/// # Errors
/// [`Failure::Denied`] without a grant for the path, [`Failure::Invalid`] for what the engine does not accept.
pub fn create_script(script: &Script) -> Result<()> {
    sys::windmill::create_script(script)
}

/// Stores a flow, or a new version of it. `value` is Windmill's flow value: `{"modules": [...]}`.
///
/// # Errors
/// As [`create_script`].
pub fn create_flow(path: &str, summary: &str, value: &Value) -> Result<()> {
    sys::windmill::create_flow(&FlowDefinition { path: path.into(), summary: summary.into(), value: value.to_string() })
}

/// Stores an app, or a new version of it. `value` is Windmill's app value.
///
/// # Errors
/// As [`create_script`].
pub fn create_app(path: &str, summary: &str, value: &Value) -> Result<()> {
    sys::windmill::create_app(&App { path: path.into(), summary: summary.into(), value: value.to_string() })
}

/// Stores a schedule, or changes it.
///
/// # Errors
/// As [`create_script`].
pub fn create_schedule(schedule: &Schedule) -> Result<()> {
    sys::windmill::create_schedule(schedule)
}

impl Schedule {
    /// A schedule of a script, switched on, without arguments and in UTC. `cron` has six fields, seconds first, Monday is 1; or it is a
    /// recurrence rule of RFC 5545, `DTSTART` and `RRULE` on two lines.
    pub fn of_script(path: impl Into<String>, cron: impl Into<String>, script_path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            summary: String::new(),
            cron: cron.into(),
            time_zone: "UTC".into(),
            script_path: script_path.into(),
            is_flow: false,
            arguments: "{}".into(),
            enabled: true,
        }
    }

    /// A schedule of a flow, otherwise as [`Schedule::of_script`].
    pub fn of_flow(path: impl Into<String>, cron: impl Into<String>, flow_path: impl Into<String>) -> Self {
        Self { is_flow: true, ..Self::of_script(path, cron, flow_path) }
    }

    /// Sets the time zone, an IANA name.
    #[must_use]
    pub fn in_time_zone(mut self, time_zone: impl Into<String>) -> Self {
        self.time_zone = time_zone.into();
        self
    }

    /// Sets the line that says what it is.
    #[must_use]
    pub fn with_summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    /// Sets the arguments, which must serialize to a JSON object.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what JSON cannot hold.
    pub fn with_arguments<T: Serialize + ?Sized>(mut self, arguments: &T) -> Result<Self> {
        self.arguments = to_json(arguments)?;
        Ok(self)
    }
}

/// Lists what the user may see, by the beginning of the path, newest first: the first [`MAX_LISTED`] lines. For jobs, `prefix` is
/// that of their script's path.
///
/// # Errors
/// What the host answers.
pub fn list(kind: Kind, prefix: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = sys::windmill::list(kind, prefix, PAGE, cursor.as_deref())?;
        items.extend(page.items);
        items.truncate(MAX_LISTED);
        cursor = page.cursor;
        if cursor.is_none() || items.len() == MAX_LISTED {
            return Ok(items);
        }
    }
}

/// Removes a script, flow, app or schedule; says whether there was one.
///
/// # Errors
/// [`Failure::Denied`] without a grant for the path.
pub fn delete(kind: Kind, path: &str) -> Result<bool> {
    sys::windmill::delete(kind, path)
}

impl Item {
    /// The details as JSON; `null` where they are none.
    pub fn details(&self) -> Value {
        serde_json::from_str(&self.details).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;
    use serde_json::json;

    #[test]
    fn a_job_gives_its_result_or_its_reason() {
        let host = Host::new().with_script("f/a/double", |arguments| {
            arguments["n"].as_u64().map(|n| json!({ "n": n * 2 })).ok_or_else(|| "n is not a number".to_owned())
        });
        host.run(|| {
            let result: Value = run_script("f/a/double", &json!({"n": 4})).unwrap().wait().unwrap();
            assert_eq!(result, json!({"n": 8}));
            let failure = run_script("f/a/double", &json!({})).unwrap().wait::<Value>().unwrap_err();
            assert!(failure.detail().ends_with("ended as failed: n is not a number"), "{}", failure.detail());
            assert!(matches!(run_script("f/a/other", &json!({})), Err(Failure::NotFound(_))));
        });
    }

    #[test]
    fn schedules_are_stored_listed_and_deleted() {
        Host::new().run(|| {
            let schedule = Schedule::of_script("u/ada/schedules/report", "0 0 9 * * 1", "f/a/report")
                .in_time_zone("Europe/Berlin")
                .with_arguments(&json!({"days": 7}))
                .unwrap();
            create_schedule(&schedule).unwrap();
            create_schedule(&schedule).unwrap();
            let listed = list(Kind::Schedule, "u/ada/").unwrap();
            assert_eq!(listed.len(), 1);
            assert_eq!(listed[0].details()["timezone"], "Europe/Berlin");
            assert_eq!(listed[0].details()["args"], json!({"days": 7}));
            assert_eq!(delete(Kind::Schedule, "u/ada/schedules/report"), Ok(true));
            assert_eq!(list(Kind::Schedule, ""), Ok(Vec::new()));
        });
    }
}
