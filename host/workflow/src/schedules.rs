//! What fires when.
//!
//! The firing and the job that it starts are one transaction, unique by schedule and due time: a schedule never fires twice for one moment, whatever
//! crashes. While a job that it started still waits for a worker, a schedule that is due again is passed over. Firings that were missed while no server
//! ran are made up for by one, for the moment that was missed last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openanalyst_domain::{Failure, JobId, Owner, TenantId, UserId};
use openanalyst_store::StoreError;
use openanalyst_store::jobs::NewJob;
use openanalyst_store::quotas::QuotaError;
use openanalyst_store::schedules::{PutSchedule, ScheduleRow};
use openanalyst_store::storage::StorageKind;
use serde_json::json;

use crate::access;
use crate::cron::Timer;
use crate::dispatch::MAX_ARGS_BYTES;
use crate::embedded::{Inner, store_failure};
use crate::engine::{Item, ItemKind, NewSchedule};
use crate::firing::Firing;
use crate::{items, jobs, quota};

/// How often the record is read although nothing is due: another process may have stored a schedule, or may have died.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// Most schedules that fire in one round.
const MAX_AT_ONCE: u32 = 100;

/// Checks and stores a schedule.
pub(crate) async fn put(inner: &Inner, owner: &Owner, schedule: NewSchedule) -> Result<(), Failure> {
    access::writable(owner, &schedule.path)?;
    access::readable(owner, &schedule.script_path)?;
    let timer = Timer::parse(&schedule.cron, &schedule.time_zone)?;
    let size = schedule.args.to_string().len();
    if size > MAX_ARGS_BYTES {
        return Err(Failure::invalid(format!(
            "the arguments of the schedule `{}` have {size} bytes and {MAX_ARGS_BYTES} is the limit",
            schedule.path
        )));
    }
    if !schedule.args.is_object() {
        return Err(Failure::invalid(format!(
            "the arguments of the schedule `{}` must be a JSON object",
            schedule.path
        )));
    }
    if !inner.is_runnable(owner, &schedule.script_path, schedule.is_flow).await? {
        let kind = if schedule.is_flow { "flow" } else { "script" };
        return Err(Failure::not_found(format!(
            "there is no {kind} at `{}`: nothing was scheduled",
            schedule.script_path
        )));
    }
    let now_ms = inner.clock.now_ms();
    let next_at_ms = timer.after(now_ms);
    if next_at_ms.is_none() && schedule.enabled {
        return Err(Failure::invalid(format!(
            "the schedule `{}` would never fire: `{}`",
            schedule.path, schedule.cron
        )));
    }
    if let Some(interval_ms) = timer.shortest_interval_ms(now_ms)
        && interval_ms < inner.shortest_interval_ms
    {
        let (found, least) = (interval_ms / 1_000, inner.shortest_interval_ms / 1_000);
        return Err(Failure::invalid(format!(
            "the schedule `{}` would fire every {found} s and {least} s is the shortest interval \
             here: let it fire less often, or ask the operator",
            schedule.path
        )));
    }
    let unreachable = |error: StoreError| store_failure(&error);
    let known = inner.store.schedule(&owner.tenant, &schedule.path).await.map_err(unreachable)?.is_some();
    let turn = match known {
        true => None,
        false => Some(quota::room(inner, owner, &[StorageKind::Schedules]).await?),
    };
    let mut tx = inner.store.begin(owner).await.map_err(unreachable)?;
    tx.hold("workflow").await.map_err(unreachable)?;
    match (tx.schedule(&owner.tenant, &schedule.path).await.map_err(unreachable)?, &turn) {
        (Some(row), _) => access::replaceable(owner, &schedule.path, &row.user)?,
        (None, Some(turn)) => turn.check_in(&mut tx, owner, StorageKind::Schedules).await.map_err(quota::failure)?,
        (None, None) => {
            return Err(Failure::Unavailable {
                detail: format!("the schedule `{}` was deleted just now: store it again", schedule.path),
                retry_after_ms: Some(0),
            });
        }
    }
    let stored = async {
        tx.put_schedule(&PutSchedule {
            owner,
            path: &schedule.path,
            summary: &items::summary(&schedule.summary),
            cron: &schedule.cron,
            time_zone: &schedule.time_zone,
            script_path: &schedule.script_path,
            is_flow: schedule.is_flow,
            args: &schedule.args,
            enabled: schedule.enabled,
            next_at_ms: next_at_ms.filter(|_| schedule.enabled),
            at_ms: now_ms,
        })
        .await?;
        tx.commit().await
    };
    stored.await.map_err(|error| store_failure(&error))?;
    inner.schedules_changed.notify_one();
    Ok(())
}

/// Switches a schedule on or off; says whether there is one.
pub(crate) async fn set_enabled(inner: &Inner, owner: &Owner, path: &str, enabled: bool) -> Result<bool, Failure> {
    access::writable(owner, path)?;
    let row = inner.store.schedule(&owner.tenant, path).await.map_err(|error| store_failure(&error))?;
    let Some(row) = row else { return Ok(false) };
    access::replaceable(owner, path, &row.user)?;
    let now_ms = inner.clock.now_ms();
    let next = if enabled { Timer::parse(&row.cron, &row.time_zone)?.after(now_ms) } else { None };
    let changed = async {
        let mut tx = inner.store.begin(owner).await?;
        let changed = tx.enable_schedule(&owner.tenant, path, enabled, next, now_ms).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(changed)
    };
    let changed = changed.await.map_err(|error| store_failure(&error))?;
    inner.schedules_changed.notify_one();
    Ok(changed)
}

/// How long the firings of one tenant may take at once.
const FIRING: Duration = Duration::from_secs(5);
/// When those are looked at again that did not fire.
const RETRY_MS: i64 = 1_000;
/// How much later one is due that cannot be fired.
const POSTPONED_MS: i64 = 60_000;

/// Fires what is due, for as long as the engine runs.
pub(crate) async fn keep_firing(inner: &Arc<Inner>) {
    loop {
        let next = match fire_due(inner).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the schedules cannot be read now");
                None
            }
        };
        let look_again = inner.clock.now_ms() + i64::try_from(LOOK_AGAIN.as_millis()).unwrap_or(i64::MAX);
        let wake = next.map_or(look_again, |next| next.min(look_again));
        tokio::select! {
            () = inner.clock.sleep_until(wake) => {}
            () = inner.schedules_changed.notified() => {}
            () = inner.closing.cancelled() => return,
        }
        if let Err(error) = jobs::take_over(inner).await {
            tracing::error!(%error, "the open jobs cannot be read now");
        }
    }
}

/// Fires what is due; gives the moment of the next firing.
async fn fire_due(inner: &Arc<Inner>) -> Result<Option<i64>, StoreError> {
    loop {
        let due = inner.store.due_schedules_of_all_tenants(inner.clock.now_ms(), MAX_AT_ONCE).await?;
        if due.is_empty() || inner.closing.is_cancelled() {
            return inner.store.next_due_of_all_tenants().await;
        }
        let mut of_tenants: BTreeMap<TenantId, Vec<String>> = BTreeMap::new();
        for (tenant, path) in due {
            of_tenants.entry(tenant).or_default().push(path);
        }
        // Side by side: a tenant whose reads wait for each other holds up its own schedules only.
        let firing = of_tenants.iter().map(|(tenant, paths)| async {
            tokio::time::timeout(FIRING, fire_of_tenant(inner, tenant, paths)).await.unwrap_or(false)
        });
        if !futures_util::future::join_all(firing).await.into_iter().all(|all_fired| all_fired) {
            return Ok(Some(inner.clock.now_ms() + RETRY_MS));
        }
    }
}

/// Fires what is due of one tenant. False: something could not be, and is due again in a moment.
async fn fire_of_tenant(inner: &Arc<Inner>, tenant: &TenantId, paths: &[String]) -> bool {
    let mut all_fired = true;
    for path in paths {
        let fired = async {
            match inner.store.schedule(tenant, path).await? {
                Some(row) => fire(inner, row).await,
                None => Ok(()),
            }
        };
        if let Err(error) = fired.await {
            tracing::error!(%tenant, schedule = path, %error, "a schedule cannot be fired now: it is tried again in a minute");
            // So that it does not stand before those that are due after it, of all tenants.
            let later = inner.clock.now_ms() + POSTPONED_MS;
            if let Err(error) = postpone(inner, tenant, path, later).await {
                tracing::warn!(%tenant, schedule = path, %error, "a schedule cannot be postponed now");
            }
            all_fired = false;
        }
    }
    all_fired
}

async fn postpone(inner: &Inner, tenant: &TenantId, path: &str, until_ms: i64) -> Result<(), StoreError> {
    let mut tx = inner.store.begin(tenant).await?;
    tx.postpone_schedule(tenant, path, until_ms).await?;
    tx.commit().await
}

async fn fire(inner: &Arc<Inner>, row: ScheduleRow) -> Result<(), StoreError> {
    let Some(first_due_at_ms) = row.next_at_ms else { return Ok(()) };
    let now_ms = inner.clock.now_ms();
    // Another process fired it after this one saw that it was due.
    if first_due_at_ms > now_ms {
        return Ok(());
    }
    let timer = Timer::parse(&row.cron, &row.time_zone).ok();
    let latest = timer.as_ref().and_then(|timer| timer.latest(now_ms));
    let due_at_ms = latest.unwrap_or(first_due_at_ms).max(first_due_at_ms);
    let next = timer.as_ref().and_then(|timer| {
        let next = timer.after(now_ms)?;
        if next - due_at_ms >= inner.shortest_interval_ms {
            return Some(next);
        }
        // One that was stored before there was a shortest interval keeps to it too.
        timer.after(now_ms.saturating_add(inner.shortest_interval_ms).saturating_sub(1_000))
    });
    let named = |_| StoreError::Damaged { what: "schedule", reason: format!("the owner of `{}`", row.path) };
    let owner = Owner::new(
        TenantId::parse(row.tenant.as_str()).map_err(named)?,
        UserId::parse(row.user.as_str()).map_err(named)?,
    );
    let job = NewJob {
        id: JobId::new(),
        owner: owner.clone(),
        task: None,
        parent: None,
        is_flow: row.is_flow,
        path: row.script_path,
        args: row.args,
        scheduled_for_ms: due_at_ms,
        node: inner.node.to_string(),
        schedule: Some((row.path.clone(), due_at_ms)),
        at_ms: now_ms,
    };
    // A schedule that fires faster than its jobs run would fill the queue.
    let waits = inner.store.has_waiting_job(&owner.tenant, &row.path).await?;
    let no_room = match inner.quotas.check(&owner, &quota::OF_JOBS).await {
        Ok(_) => None,
        Err(QuotaError::Store(error)) => return Err(error),
        Err(error) => Some(error),
    };
    let mut tx = inner.store.begin(&owner).await?;
    let won = tx.fired(&owner.tenant, &row.path, first_due_at_ms, due_at_ms, next).await?;
    let firing = Firing::of(won, waits, no_room);
    let queued = matches!(firing, Firing::Due) && tx.queue_job(&job).await?;
    tx.commit().await?;
    firing.log(&row.path, due_at_ms, queued.then_some(job.id));
    if queued && let Some(job) = inner.store.job(&owner, job.id).await? {
        inner.take(job);
    }
    Ok(())
}

/// A schedule in a listing.
pub(crate) fn item(row: ScheduleRow) -> Item {
    Item {
        kind: ItemKind::Schedule,
        details: details(&row),
        path: row.path,
        summary: row.summary,
        updated_at_ms: row.updated_at_ms,
    }
}

/// A schedule with the names that Windmill uses.
pub(crate) fn details(row: &ScheduleRow) -> serde_json::Value {
    json!({
        "path": row.path, "schedule": row.cron, "timezone": row.time_zone, "script_path": row.script_path, "is_flow": row.is_flow,
        "args": row.args, "enabled": row.enabled, "summary": row.summary, "cron_version": "v2",
        "next_at_ms": row.next_at_ms, "last_at_ms": row.last_at_ms, "updated_at_ms": row.updated_at_ms,
    })
}
