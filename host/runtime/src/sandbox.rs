//! The sandbox: one engine, one linker for each world, the cache, the queue. Skills and scripts are loaded and called through it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openanalyst_domain::{Digest, Failure as Host};
use serde_json::Value;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use crate::Scrubber;
use crate::admission::Admission;
use crate::call::Call;
use crate::contract::script::ScriptRunnerPre;
use crate::contract::v0_1_0::{Skill as SkillWorld, SkillPre};
use crate::contract::{Attempt, Context, Failure, Inputs, Output, Plan, Reply, Request, Step, StepResult, Weight};
use crate::error::{LoadError, SandboxError};
use crate::invocation::{CallError, Invocation};
use crate::invoke::{Target, invoke};
use crate::load::cache::Cache;
use crate::load::child::ChildCompiler;
use crate::load::compilers::Compilers;
use crate::load::{exports, imports, network, scan};
use crate::logs::{clean, clean_text};
use crate::script::{self, ScriptCall, ScriptError, ScriptHost};
use crate::state::State;
use crate::{engine, wasi};

/// Longest text of a skill's own failure, in bytes.
const MAX_FAILURE_BYTES: usize = 4 << 10;
/// Longest reason code of a skill's own failure, in bytes.
const MAX_REASON_BYTES: usize = 64;

/// What the sandbox is made with.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where compiled components are kept. Made with mode 0700.
    pub cache_dir: PathBuf,
    /// The key of their MAC. Who knows it can make the host run their code.
    pub cache_key: [u8; 32],
    /// How many instances there can be at once.
    pub pool_instances: u32,
    /// How many of them one tenant can have.
    pub per_tenant: u32,
    /// How long a call waits for a place before it is told `busy`.
    pub admission_wait: Duration,
    /// What compiles. None: this process itself, for tests and for components that are trusted.
    pub compiler: Option<ChildCompiler>,
}

impl SandboxOptions {
    /// With the defaults: 128 instances, 64 for one tenant, 5 s of waiting.
    #[must_use]
    pub fn new(cache_dir: PathBuf, cache_key: [u8; 32]) -> Self {
        Self {
            cache_dir,
            cache_key,
            pool_instances: 128,
            per_tenant: 64,
            admission_wait: Duration::from_secs(5),
            compiler: None,
        }
    }
}

/// The sandbox. All clones are the same one. Make one for a process: it has a thread, and much address space.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    engine: Engine,
    admission: Admission,
    /// What every linker begins with: the base of WASI.
    pub(crate) base_linker: Linker<State>,
    skill_linker: Linker<State>,
    script_linker: Linker<State>,
    cache: Cache,
    compilers: Compilers,
}

/// A skill version that can be called. Cheap to clone.
#[derive(Clone)]
pub struct Skill {
    loaded: Arc<Loaded<SkillPre<State>>>,
}

/// The script runner, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct ScriptRunner {
    loaded: Arc<Loaded<ScriptRunnerPre<State>>>,
}

pub(crate) struct Loaded<P> {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) pre: P,
}

impl<P> Loaded<P> {
    /// A component of our own, which has no package.
    pub(crate) fn own(name: &str, component: &[u8], pre: P) -> Self {
        let digest = format!("blake3:{}", blake3::hash(component).to_hex());
        Self { name: name.to_owned(), digest, pre }
    }
}

/// What the sandbox does and did. For metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Invocations that hold a place now.
    pub running: u32,
    /// Invocations that wait for one.
    pub waiting: usize,
    /// Components compiled.
    pub compiled: u64,
    /// Components taken from the cache.
    pub loaded: u64,
    /// Files of the cache that were refused.
    pub rejected: u64,
    /// Bytes of memory that slots of the pool keep although nobody uses them.
    pub unused_memory_bytes: usize,
    /// Linear memories that instances use now.
    pub memories: usize,
}

impl std::fmt::Debug for Skill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Skill")
            .field("name", &self.loaded.name)
            .field("digest", &self.loaded.digest)
            .finish_non_exhaustive()
    }
}

impl Skill {
    /// The skill's name, as it was loaded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.loaded.name
    }

    /// The digest, as it was loaded.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.loaded.digest
    }

    fn target(&self, export: &'static str, input_bytes: usize) -> Target<'_> {
        Target { skill: &self.loaded.name, digest: &self.loaded.digest, export, input_bytes, script: None }
    }
}

impl std::fmt::Debug for ScriptRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptRunner").field("digest", &self.loaded.digest).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts the engine, and its thread.
    ///
    /// # Errors
    /// The machine does not give what it needs, or the cache cannot be used.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let engine = engine::engine(options.pool_instances)?;
        let failed = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
        let mut base_linker = Linker::new(&engine);
        wasi::link(&mut base_linker).map_err(failed)?;
        let mut skill_linker = base_linker.clone();
        SkillWorld::add_to_linker::<State, HasSelf<State>>(&mut skill_linker, |state| state).map_err(failed)?;
        let mut script_linker = base_linker.clone();
        script::link(&mut script_linker).map_err(failed)?;
        let cache = Cache::open(&options.cache_dir, options.cache_key, &engine).map_err(SandboxError::Cache)?;
        let admission = Admission::new(options.pool_instances, options.per_tenant, options.admission_wait);
        engine::start_ticker(&engine)?;
        let compilers = Compilers::new(options.compiler);
        let inner = Inner { engine, admission, base_linker, skill_linker, script_linker, cache, compilers };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Loads a skill's component: scans it, takes it from the cache or compiles it, checks its imports and exports. `digest` is what receipts
    /// name. Blocks, for seconds if it must compile.
    ///
    /// # Errors
    /// The component is refused.
    pub fn load_skill(&self, name: &str, digest: Digest, component: &[u8]) -> Result<Skill, LoadError> {
        let pre = self.load(name, component, &self.inner.skill_linker, imports::World::Skill)?;
        exports::check_skill(&self.inner.engine, pre.component())?;
        let pre = SkillPre::new(pre).map_err(|error| {
            LoadError::refused(
                "missing-export",
                format!("the component does not export `openanalyst:skill/handler@0.1.0` as the contract has it ({error:#}): build it with the SDK"),
            )
        })?;
        Ok(Skill { loaded: Arc::new(Loaded { name: name.to_owned(), digest: digest.as_str().to_owned(), pre }) })
    }

    /// Removes the compiled form of a component from the cache: nobody has the component any more. Blocks.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn forget(&self, component: &[u8]) -> std::io::Result<()> {
        self.inner.cache.forget(component)
    }

    /// Loads the script runner. Blocks.
    ///
    /// # Errors
    /// The component is refused.
    pub fn load_script_runner(&self, component: &[u8]) -> Result<ScriptRunner, LoadError> {
        let pre = self.load("script", component, &self.inner.script_linker, imports::World::ScriptRunner)?;
        let pre = ScriptRunnerPre::new(pre).map_err(|error| {
            LoadError::refused("missing-export", format!("the component is no script runner: {error:#}"))
        })?;
        Ok(ScriptRunner { loaded: Arc::new(Loaded::own("script", component, pre)) })
    }

    /// Takes a component from the cache or compiles it, and links it.
    ///
    /// # Errors
    /// The component is refused.
    pub(crate) fn load(
        &self,
        name: &str,
        bytes: &[u8],
        linker: &Linker<State>,
        world: imports::World,
    ) -> Result<InstancePre<State>, LoadError> {
        let inner = &*self.inner;
        let component = inner.cache.component(&inner.engine, &inner.compilers, name, bytes, || scan::scan(bytes))?;
        imports::check(&inner.engine, &component, world)?;
        let unknown = |error: wasmtime::Error| {
            let detail = format!("the component imports what this host does not link: {error:#}");
            LoadError::refused("unknown-import", detail)
        };
        let with_network = network::link(&inner.engine, &component, linker).map_err(unknown)?;
        with_network.as_ref().unwrap_or(linker).instantiate_pre(&component).map_err(unknown)
    }

    /// Calls a skill's `plan`. Needs a tokio runtime with time.
    pub async fn plan(&self, skill: &Skill, call: Call, request: &Request, context: &Context) -> Invocation<Plan> {
        let target = skill.target("plan", request.weight() + context.weight());
        self.invoke(target, call, Weight::weight, Scrubber::typed, async |store| {
            let skill = skill.loaded.pre.instantiate_async(&mut *store).await?;
            Ok(skill.openanalyst_skill_handler().call_plan(store, request, context).await?.map_err(own))
        })
        .await
    }

    /// Calls a skill's `run`. Needs a tokio runtime with time.
    pub async fn run(
        &self,
        skill: &Skill,
        call: Call,
        step: &Step,
        inputs: &Inputs,
        attempt: &Attempt,
    ) -> Invocation<Output> {
        let target = skill.target("run", step.weight() + inputs.weight() + attempt.weight());
        self.invoke(target, call, Weight::weight, Scrubber::typed, async |store| {
            let skill = skill.loaded.pre.instantiate_async(&mut *store).await?;
            Ok(skill.openanalyst_skill_handler().call_run(store, step, inputs, attempt).await?.map_err(own))
        })
        .await
    }

    /// Calls a skill's `reply`. Needs a tokio runtime with time.
    pub async fn reply(
        &self,
        skill: &Skill,
        call: Call,
        request: &Request,
        results: &[StepResult],
    ) -> Invocation<Reply> {
        let target = skill.target("reply", request.weight() + results.weight());
        self.invoke(target, call, Weight::weight, Scrubber::typed, async |store| {
            let skill = skill.loaded.pre.instantiate_async(&mut *store).await?;
            Ok(skill.openanalyst_skill_handler().call_reply(store, request, results).await?.map_err(own))
        })
        .await
    }

    /// Runs a script's `main`. An error that the script threw stands inside the result; the outer error is a limit, a cancellation or a fault.
    pub async fn run_script(
        &self,
        runner: &ScriptRunner,
        script: ScriptCall,
    ) -> Invocation<Result<Value, ScriptError>> {
        let arguments = script.arguments.to_string();
        let (call, host) = script_call(&script);
        let target = runner.target("run", script.source.len() + arguments.len(), host);
        let ScriptCall { path, source, environment, .. } = &script;
        let size = |result: &Result<String, ScriptError>| {
            result.as_ref().map_or_else(|error| error.message.len(), String::len)
        };
        let Invocation { receipt, logs, result } = self
            .invoke(target, call, size, unscrubbed, async |store| {
                let world = runner.loaded.pre.instantiate_async(&mut *store).await?;
                let exports = world.openanalyst_script_runner();
                Ok(Ok(exports.call_run(store, path, source, &arguments, environment).await?.map_err(ScriptError::from)))
            })
            .await;
        let result = match result {
            Ok(Ok(text)) => match serde_json::from_str(&text) {
                Ok(value) => Ok(Ok(value)),
                Err(error) => Ok(Err(script::unreadable_result(&error))),
            },
            Ok(Err(error)) => Ok(Err(error)),
            Err(error) => script::of_the_script(error).map(Err),
        };
        Invocation { receipt, logs, result }
    }

    /// Reads a script without running it: it must parse, and have a `main`. Arguments and environment are not used.
    pub async fn check_script(&self, runner: &ScriptRunner, script: ScriptCall) -> Invocation<Result<(), ScriptError>> {
        let (call, host) = script_call(&script);
        let target = runner.target("check", script.source.len(), host);
        let ScriptCall { path, source, .. } = &script;
        let checking = self.invoke(
            target,
            call,
            |_: &Result<(), ScriptError>| 0,
            unscrubbed,
            async |store| {
                let world = runner.loaded.pre.instantiate_async(&mut *store).await?;
                Ok(Ok(world
                    .openanalyst_script_runner()
                    .call_check(store, path, source)
                    .await?
                    .map_err(ScriptError::from)))
            },
        );
        let Invocation { receipt, logs, result } = checking.await;
        Invocation { receipt, logs, result: result.or_else(|error| script::of_the_script(error).map(Err)) }
    }

    pub(crate) async fn invoke<T>(
        &self,
        target: Target<'_>,
        call: Call,
        size: impl Fn(&T) -> usize,
        scrub: impl FnOnce(&Scrubber, T) -> Result<T, Host>,
        body: impl AsyncFnOnce(&mut wasmtime::Store<State>) -> wasmtime::Result<Result<T, CallError>>,
    ) -> Invocation<T> {
        invoke(&self.inner.engine, &self.inner.admission, target, call, size, scrub, body).await
    }

    /// The engine, for measurements against it. Whoever calls components on it directly calls them without any limit.
    #[doc(hidden)]
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// What the sandbox does and did.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let inner = &*self.inner;
        let pool = inner.engine.pooling_allocator_metrics();
        let (compiled, loaded, rejected) = inner.cache.counts();
        Stats {
            running: inner.admission.taken(),
            waiting: inner.admission.waiting(),
            compiled,
            loaded,
            rejected,
            unused_memory_bytes: pool
                .as_ref()
                .map_or(0, wasmtime::PoolingAllocatorMetrics::unused_memory_bytes_resident),
            memories: pool.as_ref().map_or(0, wasmtime::PoolingAllocatorMetrics::memories),
        }
    }
}

impl ScriptRunner {
    fn target(&self, export: &'static str, input_bytes: usize, host: Arc<dyn ScriptHost>) -> Target<'_> {
        Target { skill: &self.loaded.name, digest: &self.loaded.digest, export, input_bytes, script: Some(host) }
    }
}

/// The skill's own failure is an ending of the call. Its texts go to logs and people, so they are cut and cleaned.
fn own(failure: Failure) -> CallError {
    let text = |text: &str| clean_text(text, MAX_FAILURE_BYTES);
    CallError::Failure(match failure.into() {
        Host::Invalid { detail } => Host::invalid(text(&detail)),
        Host::Denied { detail } => Host::denied(text(&detail)),
        Host::NotFound { detail } => Host::not_found(text(&detail)),
        // A guest's failure has no such variant.
        Host::Interrupted { detail } | Host::Failed { detail } => Host::failed(text(&detail)),
        Host::Unavailable { detail, retry_after_ms } => Host::Unavailable { detail: text(&detail), retry_after_ms },
        Host::Limit { reason, detail } => {
            Host::Limit { reason: clean(&reason, MAX_REASON_BYTES), detail: text(&detail) }
        }
    })
}

/// What a component of our own gives: it knows no secrets.
#[expect(clippy::unnecessary_wraps, reason = "it stands where scrubbing can fail")]
pub(crate) fn unscrubbed<T>(_: &Scrubber, value: T) -> Result<T, Host> {
    Ok(value)
}

fn script_call(script: &ScriptCall) -> (Call, Arc<dyn ScriptHost>) {
    let call = Call { budget: script.budget.clone(), cancel: script.cancel.clone(), ..Call::new(script.owner.clone()) };
    (call, script.host.clone())
}
