//! The embedded engine: everything of a workflow engine that the host needs, inside this process and its database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::{Budget, Clock, Failure, JobId, NodeId, Owner, Place, Places};
use openanalyst_runtime::{LoadError, Sandbox, ScriptCall, ScriptRunner};
use openanalyst_store::nodes::Nodes;
use openanalyst_store::notifications::Notification;
use openanalyst_store::quotas::Quotas;
use openanalyst_store::{Store, StoreError};
use openanalyst_worker_pool::{Priority, WorkerPool};
use serde_json::{Value, json};
use tokio::sync::{Notify, OnceCell, broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dispatch::Active;
use crate::engine::{ItemKind, JobProgress, JobState, NewItem, NewSchedule, Page, StartJob, WorkflowEngine};
use crate::job_writes::JobWrite;
use crate::later::{self, Later};
use crate::script_host::NoHost;
use crate::{access, flows, items, jobs, schedules};

/// How long running jobs may take to end when the engine shuts down; those that do not run again at the next start.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// What the engine is made of.
pub struct EmbeddedOptions {
    /// Where scripts run.
    pub sandbox: Sandbox,
    /// The record.
    pub store: Store,
    /// How much users may keep in it.
    pub quotas: Quotas,
    /// Threads for jobs, shared fairly between users.
    pub pool: WorkerPool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This process.
    pub node: NodeId,
    /// Who else is alive.
    pub nodes: Nodes,
    /// The scripts that come with the host: path and source.
    pub shared_scripts: &'static [(&'static str, &'static str)],
    /// How many scripts run at the same time.
    pub workers: usize,
    /// The shortest time between two firings of a schedule.
    pub shortest_interval: Duration,
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
    pub(crate) pool: WorkerPool,
    pub(crate) store: Store,
    pub(crate) quotas: Quotas,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node: NodeId,
    pub(crate) nodes: Nodes,
    pub(crate) budget: Budget,
    pub(crate) on_notification: Arc<dyn Fn(Owner, Notification) + Send + Sync>,
    pub(crate) workers: Places,
    /// Scripts that run or wait, each with an instance in the sandbox. Those that another script
    /// started do not count, so that none waits for its own children.
    pub(crate) living: Places,
    pub(crate) shortest_interval_ms: i64,
    pub(crate) schedules_changed: Notify,
    pub(crate) ended: broadcast::Sender<JobId>,
    pub(crate) closing: CancellationToken,
    pub(crate) stopping: CancellationToken,
    pub(crate) tracker: TaskTracker,
    shared: HashMap<&'static str, &'static str>,
    runner: OnceCell<ScriptRunner>,
    pub(crate) active: Mutex<HashMap<JobId, Active>>,
    pub(crate) later: Later,
}

/// The embedded engine. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct EmbeddedEngine {
    inner: Arc<Inner>,
    /// The job that asks, if one does.
    write: Option<JobWrite>,
}

/// Most scripts that run or wait at once, and of one tenant: far less than the sandbox has
/// instances, so that skills find some.
const MAX_LIVING: usize = 32;
const MAX_LIVING_OF_TENANT: usize = 16;
/// How many ended jobs a slow listener may be behind before it has to look for itself.
const ENDED_KEPT: usize = 4_096;

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

async fn place_in(places: &Places, owner: &Owner, priority: Priority) -> Option<Place> {
    let (tenant, user) = (Some(&owner.tenant), Some(&owner.user));
    match priority {
        Priority::Interactive => places.place(tenant, user).await,
        Priority::Background => places.place_behind(tenant, user).await,
    }
}

impl Inner {
    pub(crate) async fn runner(&self) -> Result<&ScriptRunner, EngineError> {
        self.runner.get_or_try_init(|| load_runner(self.sandbox.clone())).await
    }

    /// Waits for a place to run a script.
    pub(crate) async fn place(&self, owner: &Owner, priority: Priority) -> Option<Place> {
        place_in(&self.workers, owner, priority).await
    }

    /// Waits for a place to begin a job of a script, and to be in the middle of it.
    pub(crate) async fn place_to_live(&self, owner: &Owner, priority: Priority) -> Option<Place> {
        place_in(&self.living, owner, priority).await
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
}

/// The record cannot be read or written. Where that can pass, the call has no outcome: whoever made
/// it leaves its work and resumes it later, and no job fails for it.
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(%error, "the workflow engine could not reach its record");
    let detail = format!("the workflow engine's record: {error}");
    // A job that another node took over is none of this node's any more: its run here ends, and says nothing.
    let is_elsewhere = matches!(error, StoreError::Fenced);
    if is_elsewhere || error.is_transient() { Failure::interrupted(detail) } else { Failure::unavailable(detail) }
}

impl EmbeddedEngine {
    /// Starts the engine. With `run_schedules` it takes up the jobs of processes that are gone.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EngineError> {
        let inner = Arc::new(Inner {
            sandbox: options.sandbox,
            pool: options.pool,
            store: options.store,
            quotas: options.quotas,
            clock: options.clock,
            node: options.node,
            nodes: options.nodes,
            budget: options.budget,
            on_notification: options.on_notification,
            living: Places::new(MAX_LIVING, MAX_LIVING_OF_TENANT),
            // One is always left to other tenants.
            workers: Places::new(options.workers, options.workers.saturating_sub(1)),
            shortest_interval_ms: i64::try_from(options.shortest_interval.as_millis()).unwrap_or(i64::MAX),
            schedules_changed: Notify::new(),
            ended: broadcast::channel(ENDED_KEPT).0,
            closing: CancellationToken::new(),
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
            shared: options.shared_scripts.iter().copied().collect(),
            runner: OnceCell::new(),
            active: Mutex::default(),
            later: Later::default(),
        });
        let this = inner.clone();
        inner.tracker.spawn(async move { later::keep_taking(&this).await });
        if options.run_schedules {
            jobs::take_over(&inner).await?;
            let this = inner.clone();
            inner.tracker.spawn(async move { schedules::keep_firing(&this).await });
        }
        Ok(Self { inner, write: None })
    }

    /// The engine as a running job uses it.
    pub(crate) fn of(inner: Arc<Inner>, write: JobWrite) -> Self {
        Self { inner, write: Some(write) }
    }

    /// Whether the script runner is in memory: a job does not wait for it.
    #[must_use]
    pub fn is_warm(&self) -> bool {
        self.inner.runner.initialized()
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

    fn ended(&self) -> broadcast::Receiver<JobId> {
        self.inner.ended.subscribe()
    }

    async fn ended_among(&self, jobs: &[JobId]) -> Result<Vec<JobId>, Failure> {
        self.inner.store.ended_jobs(jobs).await.map_err(|error| store_failure(&error))
    }

    fn watch(&self, id: JobId) -> watch::Receiver<JobProgress> {
        let active = self.inner.active();
        active
            .get(&id)
            .map_or_else(|| watch::Sender::new(JobProgress::default()).subscribe(), |job| job.progress.subscribe())
    }

    async fn prepared(&self) -> Result<(), Failure> {
        self.warm().await.map_err(|error| Failure::unavailable(error.to_string()))
    }

    async fn put_script(&self, owner: &Owner, script: NewItem) -> Result<(), Failure> {
        access::writable(owner, &script.path)?;
        items::check_size(&script)?;
        jobs::check_language(script.language.as_deref())?;
        jobs::check_source(&self.inner, owner, &script.path, &script.value).await?;
        items::put(&self.inner, owner, self.write.as_ref(), "script", &script).await
    }

    async fn put_flow(&self, owner: &Owner, flow: NewItem) -> Result<(), Failure> {
        access::writable(owner, &flow.path)?;
        items::check_size(&flow)?;
        flows::Flow::parse(&flow.value)?.check(&self.inner, owner).await?;
        items::put(&self.inner, owner, self.write.as_ref(), "flow", &flow).await
    }

    async fn put_app(&self, owner: &Owner, app: NewItem) -> Result<(), Failure> {
        items::check_size(&app)?;
        if let Err(error) = serde_json::from_str::<Value>(&app.value) {
            return Err(Failure::invalid(format!("the value of the app `{}` is no JSON: {error}", app.path)));
        }
        items::put(&self.inner, owner, self.write.as_ref(), "app", &app).await
    }

    async fn put_schedule(&self, owner: &Owner, schedule: NewSchedule) -> Result<(), Failure> {
        schedules::put(&self.inner, owner, self.write.as_ref(), schedule).await
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
        items::delete(&self.inner, owner, self.write.as_ref(), kind, path).await
    }
}
