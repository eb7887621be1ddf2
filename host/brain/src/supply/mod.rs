//! What the brain supplies to skills: the capabilities of the sandbox, bound to one user and one place in one task.
//!
//! A host call that changes something is journaled under that place before or with its effect, so that a skill that runs again after a crash
//! gets the recorded answer, and the effect is not made twice.

mod http;
mod memory;
mod progress;
mod skills;
mod workflows;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use openanalyst_domain::{Failure, Owner, TaskId};
use openanalyst_registry::{CatalogSkill, DailyQuota, OpenSecrets, RegistryError, TenantCatalog};
use openanalyst_runtime::{Call, HostCapabilities, contract};
use openanalyst_store::StoreError;
use openanalyst_store::effects::EffectKey;
use sha2::{Digest as _, Sha256};

use crate::brain::Inner;
use crate::ledger::Receipts;
use crate::work::Work;

pub(crate) use progress::ProgressChannel;

/// One invocation's view of the host.
#[derive(Clone)]
pub(crate) struct Supply {
    brain: Arc<Inner>,
    owner: Owner,
    task: TaskId,
    /// Where in the task the invocation stands: `ROUND/STEP/ATTEMPT/EXPORT`.
    place: String,
    /// How many changing host calls the invocation made.
    calls: Arc<AtomicU32>,
    /// How many requests of each kind it sent.
    requests: Arc<Mutex<HashMap<String, u32>>>,
    /// The skill's secrets, as far as it was granted any.
    secrets: Arc<OpenSecrets>,
    /// What a nested skill is told of the request.
    request: Arc<contract::Request>,
    context: Arc<contract::Context>,
    receipts: Receipts,
}

impl Supply {
    /// The place in the journal of the next changing call. A replay that does the same things in the same order finds the same places; one that
    /// does something else finds a fresh one, because what is done is part of the name.
    fn next_place(&self, operation: &str, arguments: &str) -> String {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let hash = Sha256::new().chain_update(operation).chain_update([0]).chain_update(arguments).finalize();
        format!("{}/{number}-{operation}-{:02x}{:02x}{:02x}{:02x}", self.place, hash[0], hash[1], hash[2], hash[3])
    }

    fn key<'a>(&'a self, place: &'a str) -> EffectKey<'a> {
        EffectKey { owner: &self.owner, task: self.task, place }
    }

    fn capabilities(&self) -> HostCapabilities {
        let this = Arc::new(self.clone());
        HostCapabilities {
            memory: Some(this.clone()),
            workflows: Some(this.clone()),
            skills: Some(this.clone()),
            http: Some(this.clone()),
            secrets: Some(this),
            ..HostCapabilities::default()
        }
    }
}

impl Work {
    /// What an invocation of the task's own skill at this place runs under.
    ///
    /// # Errors
    /// The skill's secrets cannot be opened.
    pub(crate) async fn call(&self, place: &str) -> Result<Call, Failure> {
        let secrets = secrets_of(&self.brain, self.owner(), &self.skill).await?;
        let supply = Supply { secrets: secrets.clone(), ..self.supply(place) };
        Ok(Call {
            owner: self.owner().clone(),
            budget: self.skill.budget.clone(),
            grants: self.skill.grants.clone(),
            user_folder: self.request.user_folder.clone(),
            capabilities: supply.capabilities(),
            cancel: self.cancel.clone(),
            depth: 0,
            nested_calls_left: self.nested_calls_left.clone(),
            deadline: None,
            scrubber: secrets.scrubber(),
        })
    }

    pub(crate) fn supply(&self, place: &str) -> Supply {
        Supply {
            brain: self.brain.clone(),
            owner: self.owner().clone(),
            task: self.task.id,
            place: place.to_owned(),
            calls: Arc::default(),
            requests: Arc::default(),
            secrets: Arc::default(),
            request: Arc::new(contract::Request { attachments: Vec::new(), ..self.request.clone() }),
            context: Arc::new(self.context.clone()),
            receipts: self.ledger.receipts(),
        }
    }
}

/// The opened secrets of a skill. A skill without a grant for one costs nothing here.
async fn secrets_of(brain: &Inner, owner: &Owner, skill: &CatalogSkill) -> Result<Arc<OpenSecrets>, Failure> {
    if skill.grants.secrets.is_empty() {
        return Ok(Arc::default());
    }
    match brain.registry.open_secrets(&owner.tenant, &skill.manifest().name).await {
        Ok(secrets) => Ok(Arc::new(secrets)),
        Err(RegistryError::Store(error)) => Err(store_failure(&error)),
        Err(error) => Err(Failure::failed(format!("the secrets of the skill cannot be opened: {error}"))),
    }
}

/// A skill of the tenant, by identifier, if it may still run today.
async fn skill_of(brain: &Inner, owner: &Owner, name: &str) -> Result<Arc<CatalogSkill>, Failure> {
    let catalog = brain.catalog.of(&owner.tenant).await.map_err(|error| store_failure(&error))?;
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
) -> Result<(), Failure> {
    let name = &skill.manifest().name;
    let from_ms = DailyQuota::day_began_ms(brain.clock.now_ms());
    for (quota, of, whose) in [
        (&skill.daily, Some(name.as_str()), format!("the skill `{name}`")),
        (&catalog.daily, None, "your organisation".to_owned()),
    ] {
        if !quota.is_empty() {
            let used = brain.store.usage_since(&owner.tenant, of, from_ms).await;
            quota.check(&whose, &used.map_err(|error| store_failure(&error))?)?;
        }
    }
    Ok(())
}

/// The record cannot be read or written now.
fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(%error, "a host call of a skill could not reach the record");
    let retry_after_ms = error.is_transient().then_some(5_000);
    Failure::Unavailable { detail: format!("the host's record: {error}"), retry_after_ms }
}
