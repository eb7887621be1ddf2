//! What fires when.
//!
//! The firing and the job that it starts are one transaction, unique by schedule and due time: a schedule never fires twice for one moment, whatever
//! crashes. While a job that it started still waits for a worker, a schedule that is due again is passed over. Firings that were missed while no server
//! ran are made up for by one, for the moment that was missed last.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use openanalyst_domain::{Failure, JobId, Owner, TenantId, UserId};
use openanalyst_recurrence::{InvalidRecurrence, Recurrence};
use openanalyst_store::StoreError;
use openanalyst_store::jobs::NewJob;
use openanalyst_store::quotas::QuotaError;
use openanalyst_store::schedules::{PutSchedule, ScheduleRow};
use openanalyst_store::storage::StorageKind;
use serde_json::json;
use tokio::task::{JoinError, JoinSet};

use crate::access;
use crate::dispatch::MAX_ARGS_BYTES;
use crate::embedded::{Inner, store_failure};
use crate::engine::{Item, ItemKind, NewSchedule};
use crate::firing::Firing;
use crate::job_writes::JobWrite;
use crate::{items, jobs, quota};

/// How often the record is read although nothing is due: another process may have stored a schedule, or may have died.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// Most schedules that fire in one round.
const MAX_AT_ONCE: u32 = 100;

/// The refusal of an expression or a zone.
pub(crate) fn invalid(error: InvalidRecurrence) -> Failure {
    Failure::invalid(error.to_string())
}

/// Checks and stores a schedule.
pub(crate) async fn put(
    inner: &Inner,
    owner: &Owner,
    write: Option<&JobWrite>,
    schedule: NewSchedule,
) -> Result<(), Failure> {
    access::writable(owner, &schedule.path)?;
    access::readable(owner, &schedule.script_path)?;
    let timer = Recurrence::parse(&schedule.cron, &schedule.time_zone).map_err(invalid)?;
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
    let mut tx = inner.begin_writing(owner, write).await.map_err(unreachable)?;
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
pub(crate) async fn set_enabled(
    inner: &Inner,
    owner: &Owner,
    write: Option<&JobWrite>,
    path: &str,
    enabled: bool,
) -> Result<bool, Failure> {
    access::writable(owner, path)?;
    let row = inner.store.schedule(&owner.tenant, path).await.map_err(|error| store_failure(&error))?;
    let Some(row) = row else { return Ok(false) };
    access::replaceable(owner, path, &row.user)?;
    let now_ms = inner.clock.now_ms();
    let timer = Recurrence::parse(&row.cron, &row.time_zone).map_err(invalid)?;
    let next = if enabled { timer.after(now_ms) } else { None };
    let changed = async {
        let mut tx = inner.begin_writing(owner, write).await?;
        let changed = tx.enable_schedule(&owner.tenant, path, enabled, next, now_ms).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(changed)
    };
    let changed = changed.await.map_err(|error| store_failure(&error))?;
    inner.schedules_changed.notify_one();
    Ok(changed)
}

/// When what is due and did not fire is looked at again.
const RETRY_MS: i64 = 1_000;
/// How long one rests that could not be fired: where the database could not be reached, and where something else is wrong with it.
const UNREACHABLE_MS: i64 = 5_000;
const REST_MS: i64 = 60_000;

/// Fires what is due, for as long as the engine runs.
pub(crate) async fn keep_firing(inner: &Arc<Inner>) {
    let mut firings = Firings::default();
    loop {
        let next = match firings.begin(inner).await {
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
            Some(ended) = firings.running.join_next() => {
                firings.ended(ended, inner.clock.now_ms());
                continue;
            }
            () = inner.closing.cancelled() => return,
        }
        if let Err(error) = jobs::take_over(inner).await {
            tracing::error!(%error, "the open jobs cannot be read now");
        }
    }
}

/// What one tenant's firings came to: the schedules that could not be fired, and how long each rests.
type Failed = (TenantId, Vec<(String, i64)>);

/// The firings that are under way. Those of one tenant come one after the other, and nobody else's wait for them.
#[derive(Default)]
struct Firings {
    running: JoinSet<Failed>,
    tenants: HashMap<tokio::task::Id, TenantId>,
    /// Until when a schedule is left alone that could not be fired.
    resting: HashMap<(TenantId, String), i64>,
}

impl Firings {
    /// Begins to fire what is due of tenants whose last firings have ended; gives the moment to look again.
    async fn begin(&mut self, inner: &Arc<Inner>) -> Result<Option<i64>, StoreError> {
        let now_ms = inner.clock.now_ms();
        self.resting.retain(|_, until_ms| *until_ms > now_ms);
        let mut of_tenants: BTreeMap<TenantId, Vec<String>> = BTreeMap::new();
        let mut are_left = false;
        for (tenant, path) in inner.store.due_schedules_of_all_tenants(now_ms, MAX_AT_ONCE).await? {
            let schedule = (tenant, path);
            if self.tenants.values().any(|busy| *busy == schedule.0) || self.resting.contains_key(&schedule) {
                are_left = true;
                continue;
            }
            of_tenants.entry(schedule.0).or_default().push(schedule.1);
        }
        are_left |= !of_tenants.is_empty();
        for (tenant, paths) in of_tenants {
            let (inner, name) = (inner.clone(), tenant.clone());
            let task = self.running.spawn(async move { fire_of_tenant(&inner, name, paths).await });
            self.tenants.insert(task.id(), tenant);
        }
        match are_left {
            true => Ok(Some(now_ms + RETRY_MS)),
            false => inner.store.next_due_of_all_tenants().await,
        }
    }

    fn ended(&mut self, ended: Result<Failed, JoinError>, now_ms: i64) {
        match ended {
            Ok((tenant, failed)) => {
                self.tenants.retain(|_, busy| *busy != tenant);
                self.resting.extend(failed.into_iter().map(|(path, ms)| ((tenant.clone(), path), now_ms + ms)));
            }
            Err(error) => {
                tracing::error!(%error, "firing schedules panicked: this is a fault of the host");
                self.tenants.remove(&error.id());
            }
        }
    }
}

/// Fires what is due of one tenant.
async fn fire_of_tenant(inner: &Arc<Inner>, tenant: TenantId, paths: Vec<String>) -> Failed {
    let mut failed = Vec::new();
    for path in paths {
        let fired = async {
            match inner.store.schedule(&tenant, &path).await? {
                Some(row) => fire(inner, row).await,
                None => Ok(()),
            }
        };
        if let Err(error) = fired.await {
            let rest_ms = if error.is_transient() { UNREACHABLE_MS } else { REST_MS };
            tracing::error!(%tenant, schedule = path, %error, again_in_ms = rest_ms, "a schedule cannot be fired now");
            failed.push((path, rest_ms));
        }
    }
    (tenant, failed)
}

async fn fire(inner: &Arc<Inner>, row: ScheduleRow) -> Result<(), StoreError> {
    let Some(first_due_at_ms) = row.next_at_ms else { return Ok(()) };
    let now_ms = inner.clock.now_ms();
    // Another process fired it after this one saw that it was due.
    if first_due_at_ms > now_ms {
        return Ok(());
    }
    let timer = Recurrence::parse(&row.cron, &row.time_zone).ok();
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
    if queued {
        // It has fired, whatever becomes of this: the job is found with the open ones too.
        match inner.store.job(&owner, job.id).await {
            Ok(Some(job)) => inner.take(job),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(job = %job.id, %error, "a job that a schedule started is begun a little later")
            }
        }
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
