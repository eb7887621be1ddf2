//! How much one user may keep in the engine, and how far jobs may start jobs.
//!
//! Without these a script that starts itself twice, or a loop that stores scripts, would fill the record of everybody.

use openanalyst_domain::{Failure, JobId, LimitReason, Owner};
use openanalyst_store::Tx;
use openanalyst_store::quotas::{QuotaError, QuotaTurn};
use openanalyst_store::storage::StorageKind;

use crate::embedded::{Inner, store_failure};

/// What a job writes: itself, what it leaves in the history, and its receipts.
pub(crate) const OF_JOBS: [StorageKind; 3] = [StorageKind::Jobs, StorageKind::History, StorageKind::Receipts];
/// Most jobs of one user that have not ended, those that wait for their time included.
const MAX_OPEN_JOBS: u64 = 1_000;
/// Most scripts, flows or apps of one user: of each.
const MAX_ITEMS: u64 = 1_000;
/// Most variables, resources or states of one user: of each.
const MAX_VALUES: u64 = 1_000;
/// When it may help to start a job again that was one too many.
const RETRY_AFTER_MS: u64 = 5_000;

/// Checks that the user may have one more open job.
pub(crate) async fn one_more_job(inner: &Inner, owner: &Owner) -> Result<(), Failure> {
    let open = inner.store.count_open_jobs(owner).await.map_err(|error| store_failure(&error))?;
    if open < MAX_OPEN_JOBS {
        return Ok(());
    }
    Err(Failure::Unavailable {
        detail: format!(
            "{open} of your jobs have not ended, and {MAX_OPEN_JOBS} is the limit: wait for some, or cancel them"
        ),
        retry_after_ms: Some(RETRY_AFTER_MS),
    })
}

/// Checks that a job may start another one: jobs start jobs only so deep.
pub(crate) async fn one_level_deeper(inner: &Inner, owner: &Owner, parent: JobId) -> Result<(), Failure> {
    let most = inner.budget.nesting_depth;
    let mut job = Some(parent);
    for _ in 0..most {
        let Some(id) = job else { return Ok(()) };
        job = inner.row(owner, id).await?.parent;
    }
    if job.is_none() {
        return Ok(());
    }
    Err(Failure::limit(
        LimitReason::NestingExceeded,
        format!(
            "job {parent} stands {most} levels deep already, and no job may start another one from there: start it from a job above"
        ),
    ))
}

/// Checks that the user may keep one more script, flow or app.
pub(crate) async fn one_more_item(tx: &mut Tx, owner: &Owner, kind: &str) -> Result<(), Failure> {
    let kept = tx.count_items(owner, kind).await.map_err(|error| store_failure(&error))?;
    check(kept, MAX_ITEMS, kind)
}

/// Checks the quotas of the user and the tenant. Keep what it gives until what was checked is written. Never with an open transaction.
pub(crate) async fn room(inner: &Inner, owner: &Owner, kinds: &[StorageKind]) -> Result<QuotaTurn, Failure> {
    inner.quotas.check(owner, kinds).await.map_err(failure)
}

/// What a skill or script is told.
pub(crate) fn failure(error: QuotaError) -> Failure {
    match error {
        QuotaError::Store(error) => store_failure(&error),
        error => Failure::limit(LimitReason::QuotaExceeded, error.to_string()),
    }
}

/// Checks that the user may keep one more variable, resource or state.
pub(crate) async fn one_more_value(tx: &mut Tx, owner: &Owner, kind: &str) -> Result<(), Failure> {
    let kept = tx.count_values(owner, kind).await.map_err(|error| store_failure(&error))?;
    check(kept, MAX_VALUES, kind)
}

fn check(kept: u64, most: u64, kind: &str) -> Result<(), Failure> {
    if kept < most {
        return Ok(());
    }
    Err(Failure::invalid(format!("you keep {kept} of the kind {kind}, and {most} is the limit: delete some first")))
}
