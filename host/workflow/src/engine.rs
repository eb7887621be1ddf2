//! What a workflow engine does: scripts and flows by path, jobs, schedules. The embedded engine and a Windmill server are alike behind it.

use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::{Failure, JobId, JobStatus, Owner, TaskId};
use serde_json::Value;
use tokio::sync::{broadcast, watch};

/// A job to start.
#[derive(Debug, Clone)]
pub struct StartJob {
    /// Its id, chosen by the caller: a second start with the same id is the same job.
    pub id: JobId,
    /// Whether the path is a flow's.
    pub is_flow: bool,
    /// What to run.
    pub path: String,
    /// A JSON object: one member for each parameter.
    pub args: Value,
    /// Not before this moment.
    pub scheduled_for_ms: Option<i64>,
    /// The task that it works for.
    pub task: Option<TaskId>,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq)]
pub struct JobState {
    /// Its id.
    pub id: JobId,
    /// What it runs.
    pub path: String,
    /// The state.
    pub status: JobStatus,
    /// How far it is, 0 to 100, where the script says so.
    pub percent: Option<u8>,
    /// The last line of its log.
    pub last_log: Option<String>,
    /// The result; `{"error": {"name", "message"}}` where it failed.
    pub result: Option<Value>,
    /// When it began.
    pub started_at_ms: Option<i64>,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
}

/// How far a running job is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// What it does.
    pub message: Option<String>,
    /// How far, 0 to 100.
    pub percent: Option<u8>,
}

/// What can be stored in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A program in one file.
    Script,
    /// Steps of scripts.
    Flow,
    /// A user interface.
    App,
    /// A script or flow that runs by the clock.
    Schedule,
    /// One run. Listed by id.
    Job,
}

/// A script, a flow or an app to store.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// Where.
    pub path: String,
    /// What it is, one line.
    pub summary: String,
    /// For scripts: Windmill's name of the language. The embedded engine runs `bun`.
    pub language: Option<String>,
    /// A script's source; a flow's or app's value as JSON.
    pub value: String,
}

/// A schedule to store.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Where.
    pub path: String,
    /// What it is, one line.
    pub summary: String,
    /// Cron of six fields, seconds first, Monday is 1; or a recurrence rule of RFC 5545: see `openanalyst-recurrence`.
    pub cron: String,
    /// An IANA name.
    pub time_zone: String,
    /// What it runs.
    pub script_path: String,
    /// Whether that is a flow.
    pub is_flow: bool,
    /// With which arguments: a JSON object.
    pub args: Value,
    /// Whether it is switched on.
    pub enabled: bool,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its path; a job's id.
    pub path: String,
    /// What it is, one line.
    pub summary: String,
    /// The rest, with the names that Windmill's own listing uses.
    pub details: Value,
    /// When it was last changed; a job: when it was created.
    pub updated_at_ms: i64,
}

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The lines.
    pub items: Vec<Item>,
    /// For the next page. None: this was the last.
    pub cursor: Option<String>,
}

/// A workflow engine. Everything happens under an owner's name: what is not theirs is not there.
///
/// A call that could not reach the engine's record gives [`Failure::Interrupted`]. That says nothing
/// about a job: "the state cannot be read" is never "the job failed", and the caller asks again for
/// the same id.
#[async_trait]
pub trait WorkflowEngine: Send + Sync {
    /// Starts a job. It is durable once this returns.
    async fn start(&self, owner: &Owner, job: StartJob) -> Result<JobId, Failure>;

    /// Where a job stands.
    async fn state(&self, owner: &Owner, id: JobId) -> Result<JobState, Failure>;

    /// Waits until the job ended, or until the time is over (none: as long as it takes).
    async fn wait(&self, owner: &Owner, id: JobId, timeout: Option<Duration>) -> Result<JobState, Failure>;

    /// Cancels a job, and gives the state with which it ended.
    async fn cancel(&self, owner: &Owner, id: JobId, reason: &str) -> Result<JobState, Failure>;

    /// The jobs that end here, as they end.
    fn ended(&self) -> broadcast::Receiver<JobId>;

    /// Which of these jobs have ended, or are not there.
    async fn ended_among(&self, jobs: &[JobId]) -> Result<Vec<JobId>, Failure>;

    /// The progress of a job that runs here. Says nothing more once the job ended.
    fn watch(&self, id: JobId) -> watch::Receiver<JobProgress>;

    /// Waits until scripts can be read and run: at once, but after the first start of a host.
    async fn prepared(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Stores a script, or a new version of it. It must parse.
    async fn put_script(&self, owner: &Owner, script: NewItem) -> Result<(), Failure>;

    /// Stores a flow, or a new version of it.
    async fn put_flow(&self, owner: &Owner, flow: NewItem) -> Result<(), Failure>;

    /// Stores an app, or a new version of it.
    async fn put_app(&self, owner: &Owner, app: NewItem) -> Result<(), Failure>;

    /// Stores a schedule, or changes it.
    async fn put_schedule(&self, owner: &Owner, schedule: NewSchedule) -> Result<(), Failure>;

    /// Lists what the owner may see, by the beginning of the path.
    async fn list(
        &self,
        owner: &Owner,
        kind: ItemKind,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, Failure>;

    /// Removes; says whether there was one.
    async fn delete(&self, owner: &Owner, kind: ItemKind, path: &str) -> Result<bool, Failure>;
}
