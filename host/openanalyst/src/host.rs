//! Opens everything in order, and closes it in the reverse order.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use openanalyst_brain::{Brain, BrainOptions, BrainSettings, Notice};
use openanalyst_domain::{Clock, SystemClock};
use openanalyst_egress::{Egress, EgressOptions, HostTable};
use openanalyst_identity::LocalKeys;
use openanalyst_providers::embeddings::EmbeddingsClient;
use openanalyst_providers::llm::LlmClient;
use openanalyst_providers::search::SearchClient;
use openanalyst_registry::{
    Catalog, Embeddings, EmbeddingsOptions, FolderPackages, ObjectPackages, PackageStore, Registry, RegistryOptions,
    SkillSource, Vault,
};
use openanalyst_runtime::{ChildCompiler, Sandbox, SandboxOptions};
use openanalyst_store::Store;
use openanalyst_store::nodes::AliveNode;
use openanalyst_store::quotas::Quotas;
use openanalyst_worker_pool::WorkerPool;
use openanalyst_workflow::{EmbeddedEngine, EmbeddedOptions};
use tokio::sync::broadcast;

use crate::commands;
use crate::data_dir::{DataDir, private_dir};
use crate::embedder::ProviderEmbedder;
use crate::failure::Failure;
use crate::preparation::Preparation;
use crate::settings::Settings;

/// How many notices wait for a slow connection before it has to read them from the record.
const NOTICES_KEPT: usize = 1024;

/// What this process does with the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It runs the schedules, and takes up what processes that are gone left open.
    Server,
    /// It works on its own requests only, beside a server or without one.
    Visitor,
}

/// What is needed to change what tenants have: the record, the packages, the compiler. Runs nothing.
pub struct Workshop {
    /// The record.
    pub store: Store,
    /// What tenants have.
    pub registry: Registry,
    sandbox: Sandbox,
    packages: Arc<dyn PackageStore>,
    catalog: Arc<Catalog>,
}

impl Workshop {
    /// Opens it.
    ///
    /// # Errors
    /// A part cannot be opened; the message names it and the next step.
    pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        Self::open_with(settings, clock, commands::compile::in_a_child()).await
    }

    async fn open_with(settings: &Settings, clock: Arc<dyn Clock>, compiler: ChildCompiler) -> Result<Self, Failure> {
        let data = DataDir::open(&settings.data_dir.value)?;
        private_dir(&settings.cache_dir.value)?;
        let store = open_store(settings).await?;
        let mut sandbox_options = SandboxOptions::new(settings.cache_dir.value.clone(), data.cache_key()?);
        sandbox_options.pool_instances = settings.pool_instances.value;
        sandbox_options.compiler = Some(compiler);
        let sandbox = Sandbox::new(sandbox_options)?;
        let packages = packages(settings, &data)?;
        let mut catalog =
            Catalog::bundled(bundled_skills(), settings.budget())?.with_record(store.clone(), packages.clone());
        if let Some(client) = embeddings(settings)? {
            private_dir(&data.embeddings())?;
            catalog = catalog.with_embeddings(Arc::new(Embeddings::new(EmbeddingsOptions {
                embedder: Arc::new(ProviderEmbedder(client)),
                folder: &data.embeddings(),
                request_timeout: Duration::from_millis(settings.embeddings_timeout_ms.value),
            })));
        }
        let catalog = Arc::new(catalog);
        let registry = Registry::new(RegistryOptions {
            store: store.clone(),
            packages: packages.clone(),
            vault: Vault::open_or_create(&settings.secrets_key(&data))?,
            sandbox: sandbox.clone(),
            catalog: catalog.clone(),
            clock,
            quotas: Quotas::new(store.clone(), settings.quotas()?),
            retention: settings.retention()?,
        });
        for warning in settings.open_secret_files() {
            tracing::warn!("{warning}");
        }
        Ok(Self { store, registry, sandbox, packages, catalog })
    }
}

/// An open host.
pub struct Host {
    /// The front door.
    pub brain: Brain,
    /// What tenants have.
    pub registry: Registry,
    /// The workflow engine.
    pub engine: EmbeddedEngine,
    /// The record.
    pub store: Store,
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Where packages are kept.
    pub packages: Arc<dyn PackageStore>,
    catalog: Arc<Catalog>,
    node: AliveNode,
}

impl Host {
    /// Opens the host with the machine's clock.
    ///
    /// # Errors
    /// A part cannot be opened; the message names it and the next step.
    pub async fn open(settings: &Settings, role: Role) -> Result<Self, Failure> {
        Self::open_with(settings, role, Arc::new(SystemClock), commands::compile::in_a_child()).await
    }

    /// Opens the host with any clock, and with any program to compile in: that of this process knows the command only where it is the
    /// host's own.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub async fn open_with(
        settings: &Settings,
        role: Role,
        clock: Arc<dyn Clock>,
        compiler: ChildCompiler,
    ) -> Result<Self, Failure> {
        let workshop = Workshop::open_with(settings, clock.clone(), compiler).await?;
        let Workshop { store, registry, sandbox, packages, catalog } = workshop;
        let data = DataDir::open(&settings.data_dir.value)?;
        let keys = LocalKeys::open_or_create(&data.keys())?.key_ids()?;
        let signs = keys.first().map(String::as_str).unwrap_or_default();
        let (nodes, node) = store.join_as(&data.run(), signs).await?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = WorkerPool::start(cores)
            .map_err(|error| Failure::failed(format!("the machine gives no threads for skills: {error}")))?;
        let (notices, _) = broadcast::channel(NOTICES_KEPT);
        let engine = EmbeddedEngine::start(EmbeddedOptions {
            sandbox: sandbox.clone(),
            pool: pool.clone(),
            store: store.clone(),
            quotas: registry.quotas().clone(),
            clock: clock.clone(),
            node: node.id(),
            nodes: nodes.clone(),
            shared_scripts: openanalyst_skills::shared_scripts(),
            workers: usize::from(settings.script_workers.value.max(1)),
            shortest_interval: Duration::from_secs(settings.schedule_interval_s.value),
            run_schedules: role == Role::Server,
            budget: openanalyst_workflow::script_budget(&settings.budget()),
            on_notification: {
                let notices = notices.clone();
                // Nobody listening is fine: the notification waits in the record.
                Arc::new(move |owner, notification| drop(notices.send(Notice { owner, notification })))
            },
        })
        .await
        .map_err(|error| Failure::failed(format!("the workflow engine cannot start: {error}")))?;
        let brain = Brain::start(BrainOptions {
            store: store.clone(),
            sandbox: sandbox.clone(),
            pool,
            workflow: Arc::new(engine.clone()),
            clock,
            node: node.id(),
            nodes,
            registry: registry.clone(),
            egress: egress_if_possible(settings),
            llm: llm(settings)?,
            search: search(settings)?,
            workspace_templates: workspace_templates(),
            notices,
            settings: BrainSettings {
                max_open_tasks: usize::try_from(settings.max_open_tasks.value).unwrap_or(usize::MAX),
                default_time_zone: settings.time_zone.value.clone(),
                take_over: role == Role::Server,
                prune_every: Duration::from_secs(settings.prune_every_s.value),
                retries: settings.retries.value,
                retry_pause: Duration::from_millis(settings.retry_pause_ms.value),
                research: settings.research.value,
                park_after: Duration::from_millis(settings.park_after_ms.value.max(1)),
                ..BrainSettings::default()
            },
        })
        .await?;
        Ok(Self { brain, registry, engine, store, sandbox, packages, catalog, node })
    }

    /// The components that come with the host, to be loaded before a request needs them.
    #[must_use]
    pub fn preparation(&self) -> Preparation {
        let skills = self.catalog.bundled_versions();
        Preparation::new(self.sandbox.clone(), skills, self.brain.checker(), self.engine.clone())
    }

    /// Loads every component, so that no request waits for a compiler.
    ///
    /// # Errors
    /// A component cannot be compiled.
    pub async fn warm(&self) -> Result<(), Failure> {
        self.preparation().run().await.map_err(|failures| Failure::failed(failures.join("; ")))
    }

    /// Ends what runs, within `grace`, and closes everything. What did not end goes on at the next start.
    pub async fn close(self, grace: Duration) {
        self.brain.shutdown(grace).await;
        self.engine.shutdown().await;
        self.store.close().await;
        drop(self.node);
    }
}

/// Where packages are kept.
///
/// # Errors
/// The folder cannot be made; the object store's settings are wrong.
pub fn packages(settings: &Settings, data: &DataDir) -> Result<Arc<dyn PackageStore>, Failure> {
    Ok(match settings.object_store()? {
        Some(options) => Arc::new(ObjectPackages::open(&options)?),
        None => Arc::new(FolderPackages::open(&data.packages())?),
    })
}

/// The way of skills to the world.
///
/// # Errors
/// A setting is wrong, or the machine has no certificates.
pub fn egress(settings: &Settings) -> Result<Egress, Failure> {
    let mut options = EgressOptions {
        resolver: Arc::new(HostTable(settings.known_hosts()?)),
        allowed_networks: settings.allowed_networks()?,
        ..EgressOptions::default()
    };
    let file = &settings.http_ca_file.value;
    if !file.as_os_str().is_empty() {
        let pem = std::fs::read(file)
            .map_err(|error| Failure::usage(format!("--http-ca-file {} cannot be read: {error}", file.display())))?;
        options.certificates = openanalyst_egress::read_certificates(&pem)?;
    }
    Ok(Egress::new(options)?)
}

/// The language model.
///
/// # Errors
/// A setting is wrong.
pub fn llm(settings: &Settings) -> Result<Option<LlmClient>, Failure> {
    let client = settings.llm_options()?.map(LlmClient::new).transpose();
    client.map_err(|error| Failure::usage(format!("--llm: {error}")))
}

/// The embedding model of routing.
///
/// # Errors
/// A setting is wrong.
pub fn embeddings(settings: &Settings) -> Result<Option<EmbeddingsClient>, Failure> {
    let client = settings.embeddings_options()?.map(EmbeddingsClient::new).transpose();
    client.map_err(|error| Failure::usage(format!("--embeddings-model: {error}")))
}

/// The web search.
///
/// # Errors
/// A setting is wrong.
pub fn search(settings: &Settings) -> Result<Option<SearchClient>, Failure> {
    let client = settings.search_options()?.map(SearchClient::new).transpose();
    client.map_err(|error| Failure::usage(format!("--search: {error}")))
}

/// The same, or nothing and a word about it: a host without certificates still does everything else.
fn egress_if_possible(settings: &Settings) -> Option<Egress> {
    egress(settings).inspect_err(|failure| tracing::warn!(%failure, "skills cannot send HTTP requests")).ok()
}

/// Opens the database alone.
///
/// # Errors
/// It cannot be opened or brought up.
pub async fn open_store(settings: &Settings) -> Result<Store, Failure> {
    Ok(Store::open(&settings.database()?).await?)
}

/// Opens the database alone, and leaves its schema as it is.
///
/// # Errors
/// It is not there, cannot be opened, or has another schema than this program's.
pub async fn open_store_as_it_is(settings: &Settings) -> Result<Store, Failure> {
    Ok(Store::open_as_it_is(&settings.database()?).await?)
}

/// The scripts that every new workspace begins with.
fn workspace_templates() -> Vec<(String, String)> {
    let shared = openanalyst_skills::shared_scripts();
    openanalyst_brain::template_names()
        .iter()
        .filter_map(|name| {
            let path = format!("f/openanalyst/templates/{name}");
            let (_, source) = shared.iter().find(|(shared, _)| *shared == path)?;
            Some(((*name).to_owned(), (*source).to_owned()))
        })
        .collect()
}

/// The skills that come with the host.
#[must_use]
pub fn bundled_skills() -> Vec<SkillSource> {
    openanalyst_skills::bundled()
        .iter()
        .map(|skill| SkillSource {
            skill_md: Cow::Borrowed(skill.skill_md),
            component: Cow::Borrowed(skill.component),
            files: skill.files.iter().map(|(path, bytes)| ((*path).to_owned(), Cow::Borrowed(*bytes))).collect(),
        })
        .collect()
}
