//! A server with a real brain and a real database, and no skills: what is tested here is the edge.
//!
//! Tasks whose course a test decides belong to another node that lives; the test writes their events as that node would.

pub mod client;
pub mod courier;
mod no_workflows;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use openanalyst_brain::{Brain, BrainOptions, BrainSettings, Notice};
use openanalyst_domain::{Budget, Clock as _, EventKind, ManualClock, Owner, SessionKey, TaskId, TenantId, UserId};
use openanalyst_egress::Egress;
use openanalyst_identity::{LocalKey, Scope, TokenRequest};
use openanalyst_registry::{Catalog, FolderPackages, Registry, RegistryOptions, Vault};
use openanalyst_runtime::{Sandbox, SandboxOptions};
use openanalyst_server::{ServerOptions, serve};
use openanalyst_store::nodes::{AliveNode, Nodes};
use openanalyst_store::quotas::{OperatorQuotas, Quotas};
use openanalyst_store::retention::Retention;
use openanalyst_store::tasks::{NewEvent, NewTask};
use openanalyst_store::{Store, StoreOptions};
use openanalyst_worker_pool::WorkerPool;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The longest that any single wait may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// When the clock of a test begins, UTC milliseconds.
pub const NOON: i64 = 1_795_424_400_000;
/// How long a token is valid.
pub const TTL: Duration = Duration::from_secs(3_600);

pub struct Edge {
    pub address: SocketAddr,
    pub clock: Arc<ManualClock>,
    pub key: LocalKey,
    pub brain: Brain,
    pub store: Store,
    pub registry: Registry,
    pub shutdown: CancellationToken,
    notices: broadcast::Sender<Notice>,
    server: Option<JoinHandle<std::io::Result<()>>>,
    nodes: (AliveNode, AliveNode),
    dir: tempfile::TempDir,
}

impl Edge {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, change).await
    }

    pub async fn start_on(listener: TcpListener, change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::start_fully(listener, None, OperatorQuotas::default(), change).await
    }

    /// With a way to the world for skills.
    pub async fn start_with_egress(egress: Egress) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_fully(listener, Some(egress), OperatorQuotas::default(), |_| {}).await
    }

    /// With limits of the operator's for what users keep.
    pub async fn start_with_quotas(quotas: OperatorQuotas) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_fully(listener, None, quotas, |_| {}).await
    }

    async fn start_fully(
        listener: TcpListener,
        egress: Option<Egress>,
        quotas: OperatorQuotas,
        change: impl FnOnce(&mut ServerOptions),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOON));
        let options = match openanalyst_test_postgres::chosen() {
            Some(url) => StoreOptions::postgres(&url).unwrap(),
            None => StoreOptions::sqlite(dir.path().join("edge.db")),
        };
        let store = Store::open(&options).await.unwrap();
        let nodes = Nodes::open(&dir.path().join("run")).unwrap();
        let (own, other) = (nodes.join().unwrap(), nodes.join().unwrap());
        let (notices, _) = broadcast::channel(16);
        let packages = Arc::new(FolderPackages::open(&dir.path().join("packages")).unwrap());
        let catalog = Catalog::bundled(Vec::new(), Budget::default()).unwrap();
        let catalog = Arc::new(catalog.with_record(store.clone(), packages.clone()));
        let registry = Registry::new(RegistryOptions {
            store: store.clone(),
            packages,
            vault: Vault::new(&[1; 32]),
            sandbox: sandbox(),
            catalog,
            clock: clock.clone(),
            quotas: Quotas::new(store.clone(), quotas),
            retention: Retention::default(),
        });
        let brain = Brain::start(BrainOptions {
            store: store.clone(),
            sandbox: sandbox(),
            pool: WorkerPool::start(2).unwrap(),
            workflow: Arc::new(no_workflows::NoWorkflows),
            clock: clock.clone(),
            node: own.id(),
            nodes,
            registry: registry.clone(),
            egress,
            llm: None,
            search: None,
            workspace_templates: Vec::new(),
            notices: notices.clone(),
            settings: BrainSettings { take_over: false, ..BrainSettings::default() },
        })
        .await
        .unwrap();
        let key = LocalKey::open_or_create(&dir.path().join("signing.pem")).unwrap();
        let mut options = ServerOptions::new(key.verifier(), clock.clone());
        change(&mut options);
        let shutdown = CancellationToken::new();
        let address = listener.local_addr().unwrap();
        let server = Some(tokio::spawn(serve(listener, brain.clone(), registry.clone(), options, shutdown.clone())));
        Self { address, clock, key, brain, store, registry, shutdown, notices, server, nodes: (own, other), dir }
    }

    /// Where the signing key is.
    pub fn key_file(&self) -> PathBuf {
        self.dir.path().join("signing.pem")
    }

    /// Where packages are kept.
    pub fn packages(&self) -> PathBuf {
        self.dir.path().join("packages")
    }

    pub fn catalog(&self) -> &Catalog {
        self.registry.catalog()
    }

    pub fn token(&self, user: &str) -> String {
        self.token_for(user, Scope::ALL)
    }

    pub fn token_for(&self, user: &str, scopes: &[Scope]) -> String {
        let Owner { tenant, user } = owner(user);
        let request = TokenRequest { tenant, user, scopes: scopes.to_vec(), ttl: TTL, now_ms: self.clock.now_ms() };
        self.key.sign(&request).unwrap()
    }

    /// A token of anybody.
    pub fn token_of(&self, tenant: &str, user: &str, scopes: &[Scope]) -> String {
        let request = TokenRequest {
            tenant: TenantId::parse(tenant).unwrap(),
            user: UserId::parse(user).unwrap(),
            scopes: scopes.to_vec(),
            ttl: TTL,
            now_ms: self.clock.now_ms(),
        };
        self.key.sign(&request).unwrap()
    }

    /// A task at which another node works.
    pub async fn open_task(&self, user: &str) -> TaskId {
        let task = NewTask {
            id: TaskId::new(),
            owner: owner(user),
            session: SessionKey::parse("s").unwrap(),
            content: "a long work".to_owned(),
            attachments: json!([]),
            idempotency_key: None,
            request_digest: String::new(),
            correlation_id: Some("c-of-the-task".to_owned()),
            node: self.nodes.1.id().to_string(),
            begun: false,
            at_ms: NOON,
        };
        let mut tx = self.store.begin(&owner(user)).await.unwrap();
        tx.accept_task(&task, 100).await.unwrap();
        tx.commit().await.unwrap();
        self.happens(user, task.id, &[EventKind::Accepted]).await;
        task.id
    }

    /// Writes events of such a task.
    pub async fn happens(&self, user: &str, task: TaskId, kinds: &[EventKind]) {
        let data = json!({"step": 1, "steps": 1, "title": "Work", "attempt": 1, "receipt": {}});
        let events = kinds.iter().map(|kind| NewEvent::new(*kind, data.clone())).collect();
        let mut tx = self.store.begin(&owner(user)).await.unwrap();
        tx.append_events(&owner(user), task, NOON, events).await.unwrap();
        if kinds.contains(&EventKind::Completed) {
            let outcome = json!({"content": "done"});
            assert!(tx.finish_task(task, 0, openanalyst_domain::TaskStatus::Completed, &outcome, NOON).await.unwrap());
        }
        tx.commit().await.unwrap();
    }

    /// Keeps a notification for a user, as a job would; `now` also tells the connections.
    pub async fn notify(&self, user: &str, content: &str, now: bool) -> String {
        let mut tx = self.store.begin(&owner(user)).await.unwrap();
        let notification = tx.notify(&owner(user), "Due", content, "info", None, NOON);
        tx.commit().await.unwrap();
        let id = notification.id.clone();
        if now {
            // Without a connection nobody listens.
            let _ = self.notices.send(Notice { owner: owner(user), notification });
        }
        id
    }

    /// Ends the server as `serve` does, and gives what it returned.
    pub async fn end(&mut self) -> std::io::Result<()> {
        self.shutdown.cancel();
        self.brain.shutdown(Duration::from_secs(1)).await;
        let server = self.server.take().expect("ended only once");
        tokio::time::timeout(PATIENCE, server).await.expect("the server ends in time").unwrap()
    }
}

pub fn owner(user: &str) -> Owner {
    Owner::new(TenantId::parse("acme").unwrap(), UserId::parse(user).unwrap())
}

/// One for the process, as its documentation asks for.
fn sandbox() -> Sandbox {
    static SANDBOX: OnceLock<(Sandbox, tempfile::TempDir)> = OnceLock::new();
    let (sandbox, _) = SANDBOX.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = SandboxOptions { pool_instances: 8, ..SandboxOptions::new(dir.path().to_owned(), [7; 32]) };
        (Sandbox::new(options).unwrap(), dir)
    });
    sandbox.clone()
}

/// The code of a problem, with its status.
pub fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}
