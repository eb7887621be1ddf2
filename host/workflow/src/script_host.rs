//! What a running script reaches of the host: the workflow engine, under its owner's name.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::{Failure, JobId, LimitReason, Owner, Place, TaskId};
use openanalyst_runtime::{Interrupted, LogLevel, ScriptCallError, ScriptHost};
use openanalyst_store::jobs::JobRow;
use openanalyst_worker_pool::Priority;
use serde_json::Value;

use crate::dispatch::priority;
use crate::embedded::{Inner, store_failure};
use crate::engine::{JobProgress, JobState, StartJob};
use crate::job_writes::Operations;
use crate::operations;

/// The host of one job.
pub(crate) struct JobHost {
    pub(crate) inner: Arc<Inner>,
    pub(crate) owner: Owner,
    pub(crate) job: JobId,
    pub(crate) task: Option<TaskId>,
    pub(crate) operations: Arc<Operations>,
    priority: Priority,
    place: Mutex<Option<Place>>,
    starts: AtomicU32,
}

impl JobHost {
    pub(crate) fn new(inner: Arc<Inner>, row: &JobRow, operations: Arc<Operations>, place: Place) -> Self {
        Self {
            inner,
            owner: row.owner.clone(),
            job: row.id,
            task: row.task,
            operations,
            priority: priority(row),
            place: Mutex::new(Some(place)),
            starts: AtomicU32::new(0),
        }
    }

    /// Starts a job under this one.
    pub(crate) async fn start(&self, job: StartJob) -> Result<JobId, Failure> {
        let most = self.inner.budget.workflow_starts;
        if self.starts.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(Failure::limit(
                LimitReason::HostcallsExceeded,
                format!(
                    "this job has started {most} jobs, and that is the limit: start the others from a job of their own"
                ),
            ));
        }
        self.inner.start(&self.owner, job, Some(self.job)).await
    }

    /// Waits for a job. Meanwhile this one gives its place away, so that the other cannot wait for it.
    pub(crate) async fn wait(&self, id: JobId, timeout: Option<Duration>) -> Result<JobState, Failure> {
        let state = self.inner.state(&self.owner, id).await?;
        if state.status.is_final() {
            return Ok(state);
        }
        self.waits();
        let state = self.inner.wait(&self.owner, id, timeout).await;
        self.resumes().await;
        state
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure as a Windmill server would answer it.
///
/// # Errors
/// The record could not be reached: the script is not told, its run ends.
pub(crate) fn call_error(failure: &Failure) -> Result<ScriptCallError, Interrupted> {
    let (status, prefix) = match failure {
        Failure::Interrupted { detail } => return Err(Interrupted(detail.clone())),
        Failure::Invalid { .. } => (400, "Bad request: "),
        Failure::Denied { .. } => (403, "Permission denied: "),
        Failure::NotFound { .. } => (404, "Not found: "),
        Failure::Unavailable { .. } => (503, ""),
        Failure::Limit { .. } => (429, ""),
        Failure::Failed { .. } => (500, "Internal: "),
    };
    Ok(ScriptCallError { status, message: format!("{prefix}{failure}") })
}

#[async_trait]
impl ScriptHost for JobHost {
    async fn call(&self, operation: &str, arguments: Value) -> Result<Result<Value, ScriptCallError>, Interrupted> {
        Ok(match operations::call(self, operation, &arguments).await {
            Ok(value) => Ok(value),
            Err(failure) => Err(call_error(&failure)?),
        })
    }

    async fn source(&self, path: &str) -> Result<Option<String>, Interrupted> {
        match self.inner.source(&self.owner, path).await {
            Ok(source) => Ok(source),
            Err(error) if error.is_transient() => Err(Interrupted(store_failure(&error).to_string())),
            Err(error) => {
                tracing::error!(path, %error, "the source of an imported script cannot be read");
                Ok(None)
            }
        }
    }

    fn waits(&self) {
        drop(self.place().take());
    }

    async fn resumes(&self) {
        let place = self.inner.place(&self.owner, self.priority).await;
        *self.place() = place;
    }

    fn progress(&self, percent: u8, message: &str) {
        if let Some(active) = self.inner.active().get(&self.job) {
            let message = Some(message.to_owned()).filter(|message| !message.is_empty());
            active.progress.send_replace(JobProgress { message, percent: Some(percent) });
        }
    }

    fn log(&self, _level: LogLevel, message: &str) {
        if let Some(active) = self.inner.active().get_mut(&self.job) {
            active.last_log = Some(message.chars().take(500).collect());
        }
    }
}

/// The host of a script that reaches nothing: for checks.
pub(crate) struct NoHost;

#[async_trait]
impl ScriptHost for NoHost {
    async fn call(&self, operation: &str, _arguments: Value) -> Result<Result<Value, ScriptCallError>, Interrupted> {
        let message = format!("{operation} cannot be called while a script is checked");
        Ok(Err(ScriptCallError { status: 503, message }))
    }

    async fn source(&self, _path: &str) -> Result<Option<String>, Interrupted> {
        Ok(None)
    }

    fn waits(&self) {}

    async fn resumes(&self) {}

    fn progress(&self, _percent: u8, _message: &str) {}

    fn log(&self, _level: LogLevel, _message: &str) {}
}
