//! Compiles the bundled skills, the checker and the script runner while the server already listens.
//!
//! On the first start of a host nothing is compiled yet, and compiling takes seconds. A request loads the skill that it needs by itself, before its turn here if need be. This
//! makes sure that later requests find everything loaded.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use openanalyst_brain::Checker;
use openanalyst_registry::SkillVersion;
use openanalyst_runtime::Sandbox;
use openanalyst_workflow::EmbeddedEngine;

/// The pause after components that could not be compiled; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The components that come with the host, and how far they are. Clones are the same one.
#[derive(Clone)]
pub struct Preparation {
    sandbox: Sandbox,
    parts: Arc<Vec<Part>>,
}

struct Part {
    component: Component,
    /// Why the last try failed.
    failure: Mutex<Option<String>>,
}

enum Component {
    Skill(Arc<SkillVersion>),
    Checker(Checker),
    ScriptRunner(EmbeddedEngine),
}

impl Component {
    fn name(&self) -> &str {
        match self {
            Self::Skill(version) => &version.manifest.name,
            Self::Checker(_) => "checker",
            Self::ScriptRunner(_) => "script-runner",
        }
    }

    fn is_loaded(&self) -> bool {
        match self {
            Self::Skill(version) => version.is_loaded(),
            Self::Checker(checker) => checker.is_warm(),
            Self::ScriptRunner(engine) => engine.is_warm(),
        }
    }

    async fn load(&self, sandbox: &Sandbox) -> Result<(), String> {
        match self {
            Self::Skill(version) => version.load(sandbox).await.map(drop).map_err(|failure| failure.to_string()),
            Self::Checker(checker) => checker.warm(sandbox).await.map_err(|failure| failure.to_string()),
            Self::ScriptRunner(engine) => engine.warm().await.map_err(|error| error.to_string()),
        }
    }
}

impl Preparation {
    pub(crate) fn new(
        sandbox: Sandbox,
        skills: Vec<Arc<SkillVersion>>,
        checker: Checker,
        engine: EmbeddedEngine,
    ) -> Self {
        let ours = [Component::Checker(checker), Component::ScriptRunner(engine)];
        let components = skills.into_iter().map(Component::Skill).chain(ours);
        let parts = components.map(|component| Part { component, failure: Mutex::default() }).collect();
        Self { sandbox, parts: Arc::new(parts) }
    }

    /// The names of the components that are not loaded yet, in the order in which they will be.
    #[must_use]
    pub fn pending(&self) -> Vec<String> {
        let pending = self.parts.iter().filter(|part| !part.component.is_loaded());
        pending.map(|part| part.component.name().to_owned()).collect()
    }

    /// Why components are not loaded although it was tried. Empty: nothing failed, or a later try succeeded.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failed = self.parts.iter().filter(|part| !part.component.is_loaded());
        failed.filter_map(|part| part.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    /// Tries once to load everything. One component fewer is compiled at a time than there are cores, so that a request
    /// for another one finds a free turn to compile.
    ///
    /// # Errors
    /// What could not be loaded, one text for each component.
    pub async fn run(&self) -> Result<(), Vec<String>> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = cores.saturating_sub(1).max(1);
        let pending = self.parts.iter().filter(|part| !part.component.is_loaded());
        stream::iter(pending)
            .for_each_concurrent(at_once, async |part| {
                let loaded = part.component.load(&self.sandbox).await;
                *part.failure.lock().unwrap_or_else(PoisonError::into_inner) = loaded.err();
            })
            .await;
        let failures = self.failures();
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// Loads everything, and tries again what fails, until nothing does.
    pub async fn keep_running(self) {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        while let Err(failures) = self.run().await {
            for failure in failures {
                tracing::error!(failure, again_in_s = pause.as_secs(), "a component of the host cannot be prepared");
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        tracing::info!(after_ms = began.elapsed().as_millis(), "all components of the host are loaded");
    }
}
