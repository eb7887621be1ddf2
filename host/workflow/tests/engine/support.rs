//! An engine over a database of its own, with a clock that the test moves. All tests share one sandbox, so the script runner is compiled once.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use openanalyst_domain::{Budget, Failure, JobId, JobStatus, ManualClock, NodeId, Owner, TenantId, UserId};
use openanalyst_runtime::{Sandbox, SandboxOptions};
use openanalyst_store::nodes::Nodes;
use openanalyst_store::notifications::Notification;
use openanalyst_store::quotas::{OperatorQuotas, Quotas};
use openanalyst_store::{Store, StoreOptions};
use openanalyst_worker_pool::WorkerPool;
use openanalyst_workflow::{
    EmbeddedEngine, EmbeddedOptions, ItemKind, JobState, NewItem, NewSchedule, StartJob, WorkflowEngine as _,
    script_budget,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Monday, 2026-11-23, 10:00:00 UTC.
pub const MONDAY_10_MS: i64 = 1_795_428_000_000;
/// No test waits longer for anything; reaching it is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workflow-cache");
    Sandbox::new(SandboxOptions::new(dir, [7; 32])).unwrap()
});

pub fn sandbox() -> Sandbox {
    SANDBOX.clone()
}

pub fn owner(tenant: &str, user: &str) -> Owner {
    Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap())
}

/// What a test may choose.
#[derive(Clone)]
pub struct Choices {
    pub workers: usize,
    pub run_schedules: bool,
    pub budget: Budget,
    pub shared: &'static [(&'static str, &'static str)],
    /// What the engine is told of every other node.
    pub others_live: bool,
    /// Where scripts run.
    pub sandbox: Sandbox,
    /// How much users may keep.
    pub quotas: OperatorQuotas,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            workers: 4,
            run_schedules: true,
            budget: script_budget(&Budget::default()),
            shared: &[("f/openanalyst/test/double", "export function main(n: number) { return 2 * n; }")],
            others_live: false,
            sandbox: sandbox(),
            quotas: OperatorQuotas::default(),
        }
    }
}

/// A machine: its database, its clock, and an engine that can be started again over them.
pub struct Env {
    pub engine: EmbeddedEngine,
    pub store: Store,
    pub clock: ManualClock,
    pub ada: Owner,
    pub notes: mpsc::UnboundedReceiver<(Owner, Notification)>,
    choices: Choices,
    _dir: TempDir,
}

impl Env {
    pub async fn new() -> Self {
        Self::with(Choices::default()).await
    }

    pub async fn with(choices: Choices) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = match openanalyst_test_postgres::chosen() {
            Some(url) => StoreOptions::postgres(&url).unwrap(),
            None => StoreOptions::sqlite(dir.path().join("test.db")),
        };
        let store = Store::open(&options).await.unwrap();
        let clock = ManualClock::at(MONDAY_10_MS);
        let (engine, notes) = start(&choices, &store, &clock).await;
        Self { engine, store, clock, ada: owner("acme", "ada"), notes, choices, _dir: dir }
    }

    /// Another engine over the same database: another process, or the next one.
    pub async fn another(&self, choices: &Choices) -> EmbeddedEngine {
        start(choices, &self.store, &self.clock).await.0
    }

    /// Ends the engine, and starts the next one.
    pub async fn restart(&mut self) {
        self.engine.shutdown().await;
        (self.engine, self.notes) = start(&self.choices, &self.store, &self.clock).await;
    }

    pub async fn put(&self, path: &str, source: &str) {
        self.try_put(&self.ada, path, source).await.unwrap();
    }

    pub async fn try_put(&self, owner: &Owner, path: &str, source: &str) -> Result<(), Failure> {
        self.engine.put_script(owner, script(path, source)).await
    }

    pub async fn start(&self, path: &str, args: Value) -> JobId {
        self.engine.start(&self.ada, job(path, args)).await.unwrap()
    }

    pub async fn ended(&self, id: JobId) -> JobState {
        let waited = tokio::time::timeout(PATIENCE, self.engine.wait(&self.ada, id, None)).await;
        waited.expect("the job ends in time").unwrap()
    }

    /// Runs a script to its end.
    pub async fn run(&self, path: &str, args: Value) -> JobState {
        self.ended(self.start(path, args).await).await
    }

    /// Stores a script and runs it to its end.
    pub async fn run_source(&self, source: &str) -> JobState {
        self.put("u/ada/test", source).await;
        self.run("u/ada/test", json!({})).await
    }

    /// Waits until the script said how far it is.
    pub async fn reached(&self, id: JobId, percent: u8) {
        let reached = async {
            // A job that was found in a listing may not be taken yet.
            while self.engine.watch(id).wait_for(|progress| progress.percent == Some(percent)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("the script gets there in time");
    }

    /// The next notification that was announced.
    pub async fn note(&mut self) -> Notification {
        let note = tokio::time::timeout(PATIENCE, self.notes.recv()).await;
        note.expect("a notification in time").expect("the engine lives").1
    }

    /// Ids of all jobs of a user whose path begins so.
    pub async fn jobs(&self, owner: &Owner, prefix: &str) -> Vec<JobId> {
        let page = self.engine.list(owner, ItemKind::Job, prefix, 100, None).await.unwrap();
        page.items.iter().map(|item| item.path.parse().unwrap()).collect()
    }
}

async fn start(
    choices: &Choices,
    store: &Store,
    clock: &ManualClock,
) -> (EmbeddedEngine, mpsc::UnboundedReceiver<(Owner, Notification)>) {
    let (sender, notes) = mpsc::unbounded_channel();
    let engine = EmbeddedEngine::start(EmbeddedOptions {
        sandbox: choices.sandbox.clone(),
        pool: WorkerPool::start(2).unwrap(),
        store: store.clone(),
        quotas: Quotas::new(store.clone(), choices.quotas.clone()),
        clock: Arc::new(clock.clone()),
        node: NodeId::new(),
        nodes: Nodes::said(choices.others_live),
        shared_scripts: choices.shared,
        workers: choices.workers,
        shortest_interval: Duration::from_secs(60),
        run_schedules: choices.run_schedules,
        budget: choices.budget.clone(),
        on_notification: Arc::new(move |owner, notification| drop(sender.send((owner, notification)))),
    });
    (engine.await.unwrap(), notes)
}

pub fn script(path: &str, source: &str) -> NewItem {
    NewItem { path: path.into(), summary: "a test".into(), language: Some("bun".into()), value: source.into() }
}

pub fn flow(path: &str, value: &Value) -> NewItem {
    NewItem { path: path.into(), summary: "a test".into(), language: None, value: value.to_string() }
}

pub fn job(path: &str, args: Value) -> StartJob {
    StartJob { id: JobId::new(), is_flow: false, path: path.into(), args, scheduled_for_ms: None, task: None }
}

/// Every day at 12:00 UTC.
pub fn schedule(path: &str, script_path: &str) -> NewSchedule {
    NewSchedule {
        path: path.into(),
        summary: "a test".into(),
        cron: "0 0 12 * * *".into(),
        time_zone: "UTC".into(),
        script_path: script_path.into(),
        is_flow: false,
        args: json!({}),
        enabled: true,
    }
}

/// The name and the message of the error of a job that failed.
pub fn error(state: &JobState) -> (String, String) {
    assert_eq!(state.status, JobStatus::Failed, "{state:?}");
    let error = &state.result.as_ref().unwrap()["error"];
    (error["name"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
}
