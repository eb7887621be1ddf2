//! Deleting all data of a user or a tenant: what runs for them is ended first, then every row goes.

use std::time::Duration;

use openanalyst_domain::TenantId;
use openanalyst_registry::{Actor, RevocationRow};
use openanalyst_store::deletion::{Deletion, Subject};
use openanalyst_store::tenants;

use crate::BrainError;
use crate::brain::Brain;
use crate::detach::run_detached;
use crate::upkeep::BackgroundPace;

/// How long tasks and jobs may take to end. Their rows go then in any case.
const ENDING: Duration = Duration::from_secs(30);
/// How often it is looked whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Why they end.
const REASON: &str = "all data of this user, or of the organisation, is being deleted";

impl Brain {
    /// Records that all data of somebody is to go, and refuses their tokens from now on. The deletion
    /// has begun when this returns, and happens whatever comes: [`Self::finish_deletion`] waits for it.
    /// The row is for this process's own verifier; other nodes read it within seconds.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_deletion(
        &self,
        subject: &Subject,
        actor: &Actor,
    ) -> Result<(Deletion, RevocationRow), BrainError> {
        let inner = &self.inner;
        let deletion = inner.store.request_deletion(subject, &actor.name, &actor.origin, inner.clock.now_ms()).await?;
        inner.registry.quotas().forget(subject.tenant());
        let row: tenants::RevocationRow = inner.store.refuse_earlier_tokens(&deletion).await?;
        Ok((deletion, row))
    }

    /// Ends what runs for somebody, and removes everything of theirs. It goes on if nobody waits any
    /// more. False: the host shuts down, and the next start goes on with it.
    ///
    /// # Errors
    /// The stores'; it is tried again in the background.
    pub async fn finish_deletion(&self, deletion: &Deletion) -> Result<bool, BrainError> {
        let (brain, deletion) = (self.clone(), deletion.clone());
        run_detached(&self.inner.tracker, async move { brain.delete(&deletion).await }).await
    }

    /// Goes on with the deletions that were asked for and have not ended.
    pub(crate) async fn continue_deletions(&self) -> Result<(), BrainError> {
        for deletion in self.inner.store.deletions_of_all_tenants().await? {
            // One that fails does not stand before the others.
            if let Err(error) = self.finish_deletion(&deletion).await {
                tracing::error!(%error, "a deletion cannot be continued now: it is tried again");
            }
        }
        Ok(())
    }

    async fn delete(&self, deletion: &Deletion) -> Result<bool, BrainError> {
        let inner = &self.inner;
        let subject = &deletion.subject;
        let tenant: &TenantId = subject.tenant();
        inner.store.refuse_earlier_tokens(deletion).await?;
        inner.store.stop_schedules_of(subject).await?;
        self.end_work_of(subject).await?;
        if let Subject::Tenant(_) = subject {
            let packages = inner.store.packages_of(tenant).await?;
            let removed = inner.registry.remove_packages(tenant, &packages, Some(tenant)).await;
            removed.map_err(|error| BrainError::Internal(error.to_string()))?;
        }
        let ended = inner.store.remove_all_of(deletion, &BackgroundPace(inner.closing.clone())).await?;
        inner.registry.quotas().forget(tenant);
        if let Subject::User(owner) = subject {
            inner.told.written(owner);
        }
        if ended {
            tracing::info!("a deletion of all data of a user or tenant has ended");
        }
        Ok(ended)
    }

    /// Cancels tasks and jobs, and waits until they have ended.
    async fn end_work_of(&self, subject: &Subject) -> Result<(), BrainError> {
        let inner = &self.inner;
        let until = tokio::time::Instant::now() + ENDING;
        loop {
            let tasks = inner.store.open_tasks_of(subject).await?;
            let jobs = inner.store.open_jobs_of(subject).await?;
            if tasks.is_empty() && jobs.is_empty() || inner.closing.is_cancelled() {
                return Ok(());
            }
            if tokio::time::Instant::now() >= until {
                tracing::warn!(tasks = tasks.len(), jobs = jobs.len(), "work goes on whose data is being deleted");
                return Ok(());
            }
            for (owner, task) in tasks {
                if let Err(error) = self.cancel(&owner, task, REASON).await {
                    tracing::debug!(%task, %error, "a task could not be cancelled");
                }
            }
            for (owner, job) in jobs {
                inner.cancel_job(&owner, job, REASON).await;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
