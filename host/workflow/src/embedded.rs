//! The embedded engine: everything of a workflow engine that the host needs, inside this process and its database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::{Budget, Clock, Failure, JobId, JobStatus, NodeId, Owner};
use openanalyst_runtime::{LoadError, Sandbox, ScriptCall, ScriptRunner};
use openanalyst_store::jobs::{JobRow, NewJob};
use openanalyst_store::notifications::Notification;
use openanalyst_store::{Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::{Notify, OnceCell, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access;
use crate::engine::{ItemKind, JobProgress, JobState, NewItem, NewSchedule, Page, StartJob, WorkflowEngine};
use crate::script_host::NoHost;
use crate::workers::Workers;
use crate::{flows, items, jobs, quota, schedules};

/// How often a job of another process is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Most bytes of a job's arguments.
pub(crate) const MAX_ARGS_BYTES: usize = 1 << 20;
/// Most characters of the reason of a cancellation.
const MAX_REASON_CHARS: usize = 500;
/// How long running jobs may take to end when the engine shuts down; those that do not run again at the next start.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// What the engine is made of.
pub struct EmbeddedOptions {
    /// Where scripts run.
    pub sandbox: Sandbox,
    /// The record.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This process.
    pub node: NodeId,
    /// Whether another process lives.
    pub is_node_alive: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// The scripts that come with the host: path and source.
    pub shared_scripts: &'static [(&'static str, &'static str)],
    /// How many scripts run at the same time.
    pub workers: usize,
    /// Whether this process fires schedules and takes up jobs of processes that are gone. One process of a data directory does.
    pub run_schedules: bool,
    /// The budget of one script, see [`script_budget`].
    pub budget: Budget,
    /// Called for each notification after it was committed.
    pub on_notification: Arc<dyn Fn(Owner, Notification) + Send + Sync>,
}

/// The engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The script runner cannot be loaded.
    #[error("the script runner cannot be loaded: {0}")]
    Runner(#[from] LoadError),
    /// A blocking task ended early.
    #[error("loading the script runner ended early: {0}")]
    Ended(String),
}

pub(crate) struct Inner {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node: NodeId,
    pub(crate) is_node_alive: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    pub(crate) budget: Budget,
    pub(crate) on_notification: Arc<dyn Fn(Owner, Notification) + Send + Sync>,
    pub(crate) workers: Workers,
    pub(crate) schedules_changed: Notify,
    pub(crate) closing: CancellationToken,
    pub(crate) stopping: CancellationToken,
    pub(crate) tracker: TaskTracker,
    shared: HashMap<&'static str, &'static str>,
    runner: OnceCell<ScriptRunner>,
    active: Mutex<HashMap<JobId, Active>>,
}

/// A job that this process has taken.
pub(crate) struct Active {
    parent: Option<JobId>,
    pub(crate) cancel: CancellationToken,
    pub(crate) reason: Option<String>,
    pub(crate) progress: watch::Sender<JobProgress>,
    pub(crate) last_log: Option<String>,
    ended: watch::Sender<bool>,
}

/// Takes a job out of the active ones when it leaves, however it does, and wakes who waits for it.
struct Leaving {
    inner: Arc<Inner>,
    job: JobId,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(active) = self.inner.active().remove(&self.job) {
            active.ended.send_replace(true);
        }
    }
}

/// The embedded engine. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct EmbeddedEngine {
    inner: Arc<Inner>,
}

/// The budget of a script: five times the CPU time of a skill's call, because a JavaScript engine runs inside it; results and host calls of up to 2 MiB,
/// as a Windmill server allows.
#[must_use]
pub fn script_budget(skill: &Budget) -> Budget {
    Budget { cpu_ms: skill.cpu_ms.saturating_mul(5), hostcall_bytes: 2 << 20, output_bytes: 2 << 20, ..skill.clone() }
}

/// Runs a small script in the sandbox, for `doctor`.
///
/// # Errors
/// What does not work.
pub async fn self_check(sandbox: &Sandbox) -> Result<String, String> {
    let runner = load_runner(sandbox.clone()).await.map_err(|error| error.to_string())?;
    let owner = Owner::new("doctor".try_into().map_err(|_| "no tenant")?, "doctor".try_into().map_err(|_| "no user")?);
    let script = ScriptCall {
        owner,
        budget: script_budget(&Budget::default()),
        cancel: CancellationToken::new(),
        path: "f/openanalyst/doctor".to_owned(),
        source: "export function main(a: number, b: number): number { return a + b; }".to_owned(),
        arguments: json!({ "a": 19, "b": 23 }),
        environment: Vec::new(),
        host: Arc::new(NoHost),
    };
    match sandbox.run_script(&runner, script).await.result {
        Ok(Ok(value)) if value == json!(42) => Ok("TypeScript runs in the sandbox".to_owned()),
        Ok(Ok(value)) => Err(format!("19 + 23 gave {value}")),
        Ok(Err(error)) => Err(format!("{}: {}", error.name, error.message)),
        Err(error) => Err(error.to_string()),
    }
}

async fn load_runner(sandbox: Sandbox) -> Result<ScriptRunner, EngineError> {
    let loading = tokio::task::spawn_blocking(move || sandbox.load_script_runner(crate::script_runner_component()));
    Ok(loading.await.map_err(|error| EngineError::Ended(error.to_string()))??)
}

impl Inner {
    pub(crate) async fn runner(&self) -> Result<&ScriptRunner, EngineError> {
        self.runner.get_or_try_init(|| load_runner(self.sandbox.clone())).await
    }

    pub(crate) fn active(&self) -> MutexGuard<'_, HashMap<JobId, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shared(&self) -> &HashMap<&'static str, &'static str> {
        &self.shared
    }

    /// The source of a script that the owner may run.
    pub(crate) async fn source(&self, owner: &Owner, path: &str) -> Result<Option<String>, StoreError> {
        if let Some(source) = self.shared.get(path) {
            return Ok(Some((*source).to_owned()));
        }
        if !access::visible(owner, path) {
            return Ok(None);
        }
        Ok(self.store.item(&owner.tenant, "script", path).await?.map(|item| item.value))
    }

    /// Whether there is a script or flow at a path.
    pub(crate) async fn is_runnable(&self, owner: &Owner, path: &str, is_flow: bool) -> Result<bool, Failure> {
        let found = if is_flow {
            self.store.item(&owner.tenant, "flow", path).await.map(|item| item.is_some())
        } else if self.shared.contains_key(path) {
            Ok(true)
        } else {
            self.store.item(&owner.tenant, "script", path).await.map(|item| item.is_some())
        };
        found.map_err(|error| store_failure(&error))
    }

    /// Starts a job, with a parent if it has one.
    pub(crate) async fn start(
        self: &Arc<Self>,
        owner: &Owner,
        job: StartJob,
        parent: Option<JobId>,
    ) -> Result<JobId, Failure> {
        access::readable(owner, &job.path)?;
        if !job.args.is_object() {
            return Err(Failure::invalid(format!("the arguments of `{}` must be a JSON object", job.path)));
        }
        let size = job.args.to_string().len();
        if size > MAX_ARGS_BYTES {
            return Err(Failure::invalid(format!(
                "the arguments of `{}` have {size} bytes and {MAX_ARGS_BYTES} is the limit",
                job.path
            )));
        }
        if self.closing.is_cancelled() {
            return Err(Failure::Unavailable {
                detail: "the host is shutting down".to_owned(),
                retry_after_ms: Some(1_000),
            });
        }
        // Where the id was there before, this is that job; it is taken up if the process that had it is gone.
        if let Some(row) = self.store.job(owner, job.id).await.map_err(|error| store_failure(&error))? {
            self.take(row);
            return Ok(job.id);
        }
        let kind = if job.is_flow { "flow" } else { "script" };
        if !self.is_runnable(owner, &job.path, job.is_flow).await? {
            return Err(Failure::not_found(format!(
                "there is no {kind} at `{}`: list what there is, or store it first",
                job.path
            )));
        }
        if let Some(parent) = parent {
            quota::one_level_deeper(self, owner, parent).await?;
        }
        quota::one_more_job(self, owner).await?;
        let now_ms = self.clock.now_ms();
        let new = NewJob {
            id: job.id,
            owner: owner.clone(),
            task: job.task,
            parent,
            is_flow: job.is_flow,
            path: job.path,
            args: job.args,
            scheduled_for_ms: job.scheduled_for_ms.unwrap_or(now_ms),
            node: self.node.to_string(),
            schedule: None,
            at_ms: now_ms,
        };
        let queued = async {
            let mut tx = self.store.begin().await?;
            let queued = tx.queue_job(&new).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(queued)
        };
        queued.await.map_err(|error| store_failure(&error))?;
        let row = self.row(owner, job.id).await?;
        self.take(row);
        Ok(job.id)
    }

    pub(crate) async fn row(&self, owner: &Owner, id: JobId) -> Result<JobRow, Failure> {
        let row = self.store.job(owner, id).await.map_err(|error| store_failure(&error))?;
        row.ok_or_else(|| Failure::not_found(format!("there is no job {id} of yours")))
    }

    /// Takes a job, if nobody has it.
    pub(crate) fn take(self: &Arc<Self>, row: JobRow) {
        if row.status.is_final() {
            return;
        }
        let elsewhere =
            row.node.as_deref().is_some_and(|node| node != self.node.to_string() && (self.is_node_alive)(node));
        let cancel = CancellationToken::new();
        {
            let mut active = self.active();
            if elsewhere || active.contains_key(&row.id) {
                return;
            }
            let taken = Active {
                parent: row.parent,
                cancel: cancel.clone(),
                reason: None,
                progress: watch::Sender::new(JobProgress::default()),
                last_log: None,
                ended: watch::Sender::new(false),
            };
            active.insert(row.id, taken);
        }
        let leaving = Leaving { inner: self.clone(), job: row.id };
        self.tracker.spawn(async move {
            let inner = &leaving.inner;
            let row = Arc::new(row);
            // A task of its own, so that a panic ends this job and nothing else.
            let mut running = tokio::spawn(jobs::run(inner.clone(), row.clone(), cancel));
            tokio::select! {
                ended = &mut running => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        jobs::crashed(inner, &row).await;
                    }
                }
                () = inner.stopping.cancelled() => {
                    running.abort();
                    // What it says is known: it was aborted, or had just ended.
                    drop(running.await);
                }
            }
        });
    }

    /// Cancels a job and everything that it started, as far as it runs here. False: it does not.
    fn cancel_active(&self, id: JobId, reason: &str) -> bool {
        let mut active = self.active();
        let mut found = false;
        let mut ids = vec![id];
        while let Some(id) = ids.pop() {
            if let Some(job) = active.get_mut(&id) {
                found = true;
                job.reason.get_or_insert_with(|| reason.to_owned());
                job.cancel.cancel();
            }
            let open = |job: &Active| job.parent == Some(id) && !job.cancel.is_cancelled();
            ids.extend(active.iter().filter(|(_, job)| open(job)).map(|(id, _)| *id));
        }
        found
    }

    /// Whether the job that started this one was cancelled.
    pub(crate) async fn is_parent_cancelled(&self, row: &JobRow) -> bool {
        let Some(parent) = row.parent else { return false };
        if let Some(parent) = self.active().get(&parent) {
            return parent.cancel.is_cancelled();
        }
        // A parent that cannot be read is no reason to stop its child.
        self.row(&row.owner, parent).await.is_ok_and(|parent| parent.status == JobStatus::Cancelled)
    }

    pub(crate) async fn state(&self, owner: &Owner, id: JobId) -> Result<JobState, Failure> {
        let row = self.row(owner, id).await?;
        let mut state = state_of(row);
        if let Some(active) = self.active().get(&id).filter(|_| !state.status.is_final()) {
            state.percent = active.progress.borrow().percent;
            state.last_log.clone_from(&active.last_log);
        }
        Ok(state)
    }

    pub(crate) async fn wait(&self, owner: &Owner, id: JobId, timeout: Option<Duration>) -> Result<JobState, Failure> {
        let deadline = timeout.map(|timeout| tokio::time::Instant::now() + timeout);
        loop {
            let ended = self.active().get(&id).map(|active| active.ended.subscribe());
            let state = self.state(owner, id).await?;
            if state.status.is_final() || deadline.is_some_and(|deadline| tokio::time::Instant::now() >= deadline) {
                return Ok(state);
            }
            if self.closing.is_cancelled() && ended.is_none() {
                return Err(Failure::Unavailable {
                    detail: format!("the host is shutting down; job {id} goes on at its next start"),
                    retry_after_ms: Some(1_000),
                });
            }
            let changed = async {
                match ended {
                    // The sender goes with the job's end, so an error says the same as a change.
                    Some(mut ended) => drop(ended.wait_for(|ended| *ended).await),
                    None => tokio::time::sleep(LOOK_AGAIN).await,
                }
            };
            match deadline {
                Some(deadline) => drop(tokio::time::timeout_at(deadline, changed).await),
                None => changed.await,
            }
        }
    }

    pub(crate) async fn cancel(&self, owner: &Owner, id: JobId, reason: &str) -> Result<JobState, Failure> {
        let row = self.row(owner, id).await?;
        if row.status.is_final() {
            return Ok(state_of(row));
        }
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        if self.cancel_active(id, &reason) {
            return self.wait(owner, id, None).await;
        }
        if row.node.as_deref().is_some_and(|node| node != self.node.to_string() && (self.is_node_alive)(node)) {
            return Err(Failure::unavailable(format!(
                "job {id} runs in another process of this host: cancel it there"
            )));
        }
        let result = jobs::cancelled_result(owner, &reason);
        let ended = async {
            let mut tx = self.store.begin().await?;
            tx.end_job(id, JobStatus::Cancelled, &result, &row.logs, Some(&reason), self.clock.now_ms()).await?;
            tx.commit().await
        };
        ended.await.map_err(|error| store_failure(&error))?;
        self.state(owner, id).await
    }
}

pub(crate) fn state_of(row: JobRow) -> JobState {
    JobState {
        id: row.id,
        path: row.path,
        status: row.status,
        percent: if row.status == JobStatus::Done {
            Some(100)
        } else {
            row.percent.and_then(|percent| u8::try_from(percent).ok())
        },
        last_log: row.logs.lines().last().map(str::to_owned),
        result: row.result,
        started_at_ms: row.started_at_ms,
        ended_at_ms: row.ended_at_ms,
    }
}

/// The record cannot be read or written now.
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(%error, "the workflow engine could not reach its record");
    let retry_after_ms = error.is_transient().then_some(5_000);
    Failure::Unavailable { detail: format!("the workflow engine's record: {error}"), retry_after_ms }
}

impl EmbeddedEngine {
    /// Starts the engine. With `run_schedules` it takes up the jobs of processes that are gone.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EngineError> {
        let inner = Arc::new(Inner {
            sandbox: options.sandbox,
            store: options.store,
            clock: options.clock,
            node: options.node,
            is_node_alive: options.is_node_alive,
            budget: options.budget,
            on_notification: options.on_notification,
            workers: Workers::new(options.workers),
            schedules_changed: Notify::new(),
            closing: CancellationToken::new(),
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
            shared: options.shared_scripts.iter().copied().collect(),
            runner: OnceCell::new(),
            active: Mutex::default(),
        });
        if options.run_schedules {
            jobs::take_over(&inner).await?;
            let this = inner.clone();
            inner.tracker.spawn(async move { schedules::keep_firing(&this).await });
        }
        Ok(Self { inner })
    }

    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Loads the script runner, so that no job waits for a compiler.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub async fn warm(&self) -> Result<(), EngineError> {
        self.inner.runner().await.map(|_| ())
    }

    /// Begins nothing new, lets running jobs end within 10 s, and leaves the rest to the next start.
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        self.inner.tracker.close();
        if tokio::time::timeout(SHUTDOWN_GRACE, self.inner.tracker.wait()).await.is_err() {
            self.inner.stopping.cancel();
            self.inner.tracker.wait().await;
        }
    }
}

#[async_trait]
impl WorkflowEngine for EmbeddedEngine {
    async fn start(&self, owner: &Owner, job: StartJob) -> Result<JobId, Failure> {
        self.inner.start(owner, job, None).await
    }

    async fn state(&self, owner: &Owner, id: JobId) -> Result<JobState, Failure> {
        self.inner.state(owner, id).await
    }

    async fn wait(&self, owner: &Owner, id: JobId, timeout: Option<Duration>) -> Result<JobState, Failure> {
        self.inner.wait(owner, id, timeout).await
    }

    async fn cancel(&self, owner: &Owner, id: JobId, reason: &str) -> Result<JobState, Failure> {
        self.inner.cancel(owner, id, reason).await
    }

    fn watch(&self, id: JobId) -> watch::Receiver<JobProgress> {
        let active = self.inner.active();
        active
            .get(&id)
            .map_or_else(|| watch::Sender::new(JobProgress::default()).subscribe(), |job| job.progress.subscribe())
    }

    async fn put_script(&self, owner: &Owner, script: NewItem) -> Result<(), Failure> {
        access::writable(owner, &script.path)?;
        items::check_size(&script)?;
        jobs::check_language(script.language.as_deref())?;
        jobs::check_source(&self.inner, owner, &script.path, &script.value).await?;
        items::put(&self.inner, owner, "script", &script).await
    }

    async fn put_flow(&self, owner: &Owner, flow: NewItem) -> Result<(), Failure> {
        access::writable(owner, &flow.path)?;
        items::check_size(&flow)?;
        flows::Flow::parse(&flow.value)?.check(&self.inner, owner).await?;
        items::put(&self.inner, owner, "flow", &flow).await
    }

    async fn put_app(&self, owner: &Owner, app: NewItem) -> Result<(), Failure> {
        items::check_size(&app)?;
        if let Err(error) = serde_json::from_str::<Value>(&app.value) {
            return Err(Failure::invalid(format!("the value of the app `{}` is no JSON: {error}", app.path)));
        }
        items::put(&self.inner, owner, "app", &app).await
    }

    async fn put_schedule(&self, owner: &Owner, schedule: NewSchedule) -> Result<(), Failure> {
        schedules::put(&self.inner, owner, schedule).await
    }

    async fn list(
        &self,
        owner: &Owner,
        kind: ItemKind,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, Failure> {
        items::list(&self.inner, owner, kind, prefix, limit, cursor).await
    }

    async fn delete(&self, owner: &Owner, kind: ItemKind, path: &str) -> Result<bool, Failure> {
        items::delete(&self.inner, owner, kind, path).await
    }
}
