//! Capabilities for tests: they do what they are told, and remember what reached them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_package::Capabilities;
use openanalyst_runtime::HostCapabilities;
use openanalyst_runtime::capabilities::{Called, Http, Memory, NestedCall, Progress, Skills, Waited, Workflows};
use openanalyst_runtime::contract::Output;
use openanalyst_runtime::contract::http::{Request, Response};
use openanalyst_runtime::contract::memory::{Entry, Page as MemoryPage, PutOptions, PutOutcome, Scope};
use openanalyst_runtime::contract::windmill::{
    App, FlowDefinition, Item, JobState, JobStatus, Kind, Page, RunOptions, Schedule, Script,
};
use openanalyst_runtime::tape::CallName;
use serde_json::Value;

/// Grants from their form in `SKILL.md`.
pub fn grants(value: Value) -> Arc<Capabilities> {
    Arc::new(serde_json::from_value(value).unwrap())
}

/// All capabilities in one; what it was asked stands in `seen`.
#[derive(Default)]
pub struct Double {
    pub seen: Mutex<Vec<String>>,
    pub stored: Mutex<BTreeMap<String, String>>,
    /// What a listing gives.
    pub items: Vec<Item>,
    /// Memory calls wait for ever.
    pub hangs: bool,
    /// Memory calls panic.
    pub panics: bool,
    /// How many hanging calls were dropped.
    pub dropped: Arc<AtomicU32>,
}

impl Double {
    pub fn capabilities(self: &Arc<Self>) -> HostCapabilities {
        HostCapabilities {
            memory: Some(self.clone()),
            workflows: Some(self.clone()),
            http: Some(self.clone()),
            skills: Some(self.clone()),
            progress: Some(self.clone()),
            ..HostCapabilities::default()
        }
    }

    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// How many hanging calls were dropped.
    pub fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::Acquire)
    }

    fn see(&self, what: impl Into<String>) {
        self.seen.lock().unwrap().push(what.into());
    }

    async fn obstacles(&self) {
        assert!(!self.panics, "a bug of the host");
        if self.hangs {
            struct Count(Arc<AtomicU32>);
            impl Drop for Count {
                fn drop(&mut self) {
                    self.0.fetch_add(1, Ordering::AcqRel);
                }
            }
            let _count = Count(self.dropped.clone());
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Memory for Double {
    async fn get(&self, scope: Scope, key: &str) -> Result<Option<Entry>, Failure> {
        self.see(format!("get {scope:?} {key}"));
        self.obstacles().await;
        let value = self.stored.lock().unwrap().get(key).cloned();
        Ok(value.map(|value| Entry { key: key.to_owned(), value, version: 1, updated_at_ms: 1, expires_at_ms: None }))
    }

    async fn put(&self, scope: Scope, key: &str, value: &str, _: PutOptions) -> Result<PutOutcome, Failure> {
        self.see(format!("put {scope:?} {key}"));
        self.obstacles().await;
        self.stored.lock().unwrap().insert(key.to_owned(), value.to_owned());
        Ok(PutOutcome::Stored(1))
    }

    async fn delete(&self, _: Scope, key: &str) -> Result<bool, Failure> {
        Ok(self.stored.lock().unwrap().remove(key).is_some())
    }

    async fn list(&self, _: Scope, prefix: &str, limit: u32, _: Option<&str>) -> Result<MemoryPage, Failure> {
        self.see(format!("list {prefix} {limit}"));
        Ok(MemoryPage { entries: Vec::new(), cursor: None })
    }

    async fn search(&self, _: Scope, _: &str, _: u32) -> Result<Vec<Entry>, Failure> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Workflows for Double {
    async fn start(&self, path: &str, is_flow: bool, arguments: Value, _: RunOptions) -> Result<String, Failure> {
        self.see(format!("start {path} {is_flow} {arguments}"));
        Ok("job".to_owned())
    }

    async fn state(&self, _: &str) -> Result<JobState, Failure> {
        Ok(done())
    }

    async fn wait(&self, _: &str, timeout: Option<Duration>, left: Duration) -> Result<Waited, Failure> {
        self.see(format!("wait {}", timeout.unwrap_or(left).as_millis()));
        Ok(Waited::State(done()))
    }

    async fn cancel(&self, _: &str, reason: &str) -> Result<JobState, Failure> {
        self.see(format!("cancel {reason}"));
        Ok(done())
    }

    async fn put_script(&self, script: Script) -> Result<(), Failure> {
        self.see(format!("script {}", script.path));
        Ok(())
    }

    async fn put_flow(&self, flow: FlowDefinition) -> Result<(), Failure> {
        self.see(format!("flow {}", flow.path));
        Ok(())
    }

    async fn put_app(&self, app: App) -> Result<(), Failure> {
        self.see(format!("app {}", app.path));
        Ok(())
    }

    async fn put_schedule(&self, schedule: Schedule) -> Result<(), Failure> {
        self.see(format!("schedule {}", schedule.path));
        Ok(())
    }

    async fn list(&self, _: Kind, _: &str, _: u32, _: Option<&str>) -> Result<Page, Failure> {
        Ok(Page { items: self.items.clone(), cursor: None })
    }

    async fn delete(&self, _: Kind, path: &str) -> Result<bool, Failure> {
        self.see(format!("delete {path}"));
        Ok(true)
    }
}

fn done() -> JobState {
    JobState { status: JobStatus::Done, percent: None, last_log: None, result: Some("1".to_owned()) }
}

#[async_trait]
impl Http for Double {
    async fn fetch(&self, request: Request, _: Arc<Capabilities>, _: Option<CallName>) -> Result<Response, Failure> {
        self.see(format!("fetch {}", request.url));
        Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })
    }
}

#[async_trait]
impl Skills for Double {
    async fn call(&self, skill: &str, _: &str, arguments: Value, nested: NestedCall) -> Result<Called, Failure> {
        self.see(format!("call {skill} {arguments} {}", nested.depth));
        Ok(Called::Ended(Output { result: "{}".to_owned(), summary: None }))
    }
}

impl Progress for Double {
    fn report(&self, message: &str, percent: Option<u8>) {
        self.see(format!("progress {message} {percent:?}"));
    }
}
