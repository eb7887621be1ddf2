//! What the brain supplies to skills: the capabilities of the sandbox, bound to one user and one place in one task.
//!
//! A host call that changes something is journaled under that place before or with its effect, so that a skill that runs again after a crash
//! gets the recorded answer, and the effect is not made twice.

mod http;
pub(crate) mod journal;
mod llm;
mod memory;
mod progress;
mod skills;
mod web_search;
mod workflows;

use std::sync::Arc;

use openanalyst_domain::{Failure, Owner, TaskId};
use openanalyst_registry::{CatalogSkill, DailyQuota, OpenSecrets, RegistryError, TenantCatalog};
use openanalyst_runtime::{Call, HostCapabilities, Recording, Tape, contract};
use openanalyst_store::StoreError;

use crate::brain::Inner;
use crate::record::TaskJournal;
use crate::work::{AnswerId, Interrupt, TaskExecution};

pub(crate) use llm::tokens_left;
pub(crate) use progress::ProgressChannel;

/// One invocation's view of the host.
#[derive(Clone)]
pub(crate) struct HostContext {
    brain: Arc<Inner>,
    owner: Owner,
    task: TaskId,
    /// Where in the task the invocation stands: `ROUND/STEP/ATTEMPT/EXPORT`. Its recording is found by it.
    place: String,
    /// The same without round and attempt: its changes are found by it.
    effects: String,
    /// The number of the attempt at the step, from 1, counted over all rounds.
    attempt: u32,
    /// Where what it changes is journaled.
    record: TaskJournal,
    /// Whether there may be a recording from before.
    resumed: bool,
    /// The digest of the skill's version.
    component: String,
    /// What it asks and is told.
    tape: Tape,
    /// The skill's secrets, as far as it was granted any.
    secrets: Arc<OpenSecrets>,
    /// What a nested skill is told of the request.
    request: Arc<contract::Request>,
    context: Arc<contract::Context>,
    /// The id that the answer will have, once a part of it was shown.
    answer: AnswerId,
    /// The tenant's daily quota of tokens.
    llm_tokens: Option<u64>,
}

impl HostContext {
    /// Begins the invocation's tape: with what is recorded of it, if it ran before.
    ///
    /// # Errors
    /// The record cannot be read; the machine gives no random numbers.
    async fn with_tape(mut self) -> Result<Self, StartError> {
        let now_ms = self.brain.clock.now_ms();
        let recording = if self.resumed {
            let parts = self.brain.store.recordings(&self.owner, self.task, Some(&self.place)).await?;
            journal::recording(parts)?
        } else {
            Recording::default()
        };
        self.tape = Tape::new(recording, now_ms).map_err(|error| Failure::failed(error.to_string()))?;
        Ok(self)
    }

    fn capabilities(&self) -> HostCapabilities {
        let this = Arc::new(self.clone());
        HostCapabilities {
            memory: Some(this.clone()),
            workflows: Some(this.clone()),
            skills: Some(this.clone()),
            http: Some(this.clone()),
            llm: Some(this.clone()),
            web_search: Some(this.clone()),
            secrets: Some(this),
            ..HostCapabilities::default()
        }
    }
}

/// Where in a task an invocation stands.
#[derive(Debug, Clone)]
pub(crate) struct CallSite {
    /// Round, step, attempt and export.
    pub(crate) place: String,
    /// Step and export.
    pub(crate) effects: String,
    /// The number of the attempt at the step, over all rounds.
    pub(crate) attempt: u32,
}

impl CallSite {
    /// An invocation of its own below this one.
    pub(crate) fn below(self, name: &str) -> Self {
        Self {
            place: format!("{}/{name}", self.place),
            effects: format!("{}/{name}", self.effects),
            attempt: self.attempt,
        }
    }
}

impl TaskExecution {
    /// What an invocation of the task's own skill at this spot runs under, and the host's side of it.
    ///
    /// # Errors
    /// The skill may not run any more; its secrets cannot be opened; the record cannot be read.
    pub(crate) async fn call(&self, site: &CallSite) -> Result<(Call, HostContext), Interrupt> {
        let skill = self.current_skill().await?;
        let secrets = secrets_of(&self.brain, self.owner(), &skill).await?;
        let supply = HostContext { secrets: secrets.clone(), ..self.supply(site) }.with_tape().await?;
        let call = Call {
            owner: self.owner().clone(),
            budget: skill.budget.clone(),
            grants: skill.grants.clone(),
            user_folder: self.request.user_folder.clone(),
            capabilities: supply.capabilities(),
            cancel: self.cancel.clone(),
            depth: 0,
            nested_calls_left: self.nested_calls_left.clone(),
            deadline: None,
            tape: supply.tape.clone(),
            scrubber: secrets.scrubber(),
        };
        Ok((call, supply))
    }

    pub(crate) fn supply(&self, site: &CallSite) -> HostContext {
        HostContext {
            brain: self.brain.clone(),
            owner: self.owner().clone(),
            task: self.task.id,
            place: site.place.clone(),
            effects: site.effects.clone(),
            attempt: site.attempt,
            record: self.record.clone(),
            resumed: self.resumed,
            component: self.skill.digest().to_string(),
            tape: Tape::off(),
            secrets: Arc::default(),
            request: self.shared_request.clone(),
            context: self.shared_context.clone(),
            answer: self.answer.clone(),
            llm_tokens: self.llm_tokens,
        }
    }
}

/// Why an invocation cannot begin.
#[derive(Debug)]
pub(crate) enum StartError {
    /// For a reason that its user is told.
    Denied(Failure),
    /// The record cannot be read now: it is no fault of the task's, which is taken up again.
    Store(StoreError),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StartError {
    fn from(failure: Failure) -> Self {
        Self::Denied(failure)
    }
}

impl From<StartError> for Interrupt {
    fn from(refused: StartError) -> Self {
        match refused {
            StartError::Denied(failure) => failure.into(),
            StartError::Store(error) => Self::Store(error),
        }
    }
}

/// A guest is told of it.
impl From<StartError> for Failure {
    fn from(refused: StartError) -> Self {
        match refused {
            StartError::Denied(failure) => failure,
            StartError::Store(error) => store_failure(&error),
        }
    }
}

/// The opened secrets of a skill. A skill without a grant for one costs nothing here.
async fn secrets_of(brain: &Inner, owner: &Owner, skill: &CatalogSkill) -> Result<Arc<OpenSecrets>, StartError> {
    if skill.grants.secrets.is_empty() {
        return Ok(Arc::default());
    }
    match brain.registry.open_secrets(&owner.tenant, &skill.manifest().name).await {
        Ok(secrets) => Ok(Arc::new(secrets)),
        Err(RegistryError::Store(error)) => Err(error.into()),
        Err(error) => Err(Failure::failed(format!("the secrets of the skill cannot be opened: {error}")).into()),
    }
}

/// A skill of the tenant, by identifier, if it may still run today.
async fn skill_of(brain: &Inner, owner: &Owner, name: &str) -> Result<Arc<CatalogSkill>, StartError> {
    let catalog = brain.catalog.of(&owner.tenant).await?;
    let found = catalog.skill(name).cloned();
    let skill = found.ok_or_else(|| Failure::not_found(format!("there is no skill `{name}` in this organisation")))?;
    within_quota(brain, owner, &catalog, &skill).await?;
    Ok(skill)
}

/// Refuses a skill whose quota of today, or whose tenant's, is used up. What runs now is counted once it has ended, so quotas can be passed by what
/// runs at the same time.
pub(crate) async fn within_quota(
    brain: &Inner,
    owner: &Owner,
    catalog: &TenantCatalog,
    skill: &CatalogSkill,
) -> Result<(), StartError> {
    let name = &skill.manifest().name;
    let from_ms = DailyQuota::day_began_ms(brain.clock.now_ms());
    for (quota, of, whose) in [
        (&skill.daily, Some(name.as_str()), format!("the skill `{name}`")),
        (&catalog.daily, None, "your organisation".to_owned()),
    ] {
        if !quota.is_empty() {
            let used = brain.store.usage_since(&owner.tenant, of, from_ms).await?;
            quota.check(&whose, &used)?;
        }
    }
    Ok(())
}

/// The record cannot be read or written, or is another process's by now. Where that is no fault of the
/// call, the invocation ends without an outcome, and the task is resumed from its record.
fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(%error, "a host call of a skill could not reach the record");
    let detail = format!("the host's record: {error}");
    if error.is_transient() || matches!(error, StoreError::Fenced) {
        Failure::interrupted(detail)
    } else {
        Failure::unavailable(detail)
    }
}
