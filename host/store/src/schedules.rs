//! Scripts and flows that run by the clock.

use openanalyst_domain::{Owner, TenantId};
use serde_json::Value;

use crate::sql::{At, Json, Page, Query, from_row, ms, query};
use crate::{Scope, Store, StoreError, Tx, json, tenant_of, to_json};

/// Most schedules of one tenant that are given as due at once.
const DUE_OF_TENANT: i64 = 20;

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleRow {
    /// The tenant.
    pub tenant: String,
    /// Where it stands.
    pub path: String,
    /// Whose jobs it starts.
    pub user: String,
    /// One line about it.
    pub summary: String,
    /// Six fields, seconds first, Monday is 1.
    pub cron: String,
    /// IANA name.
    pub time_zone: String,
    /// What it runs.
    pub script_path: String,
    /// Whether that is a flow.
    pub is_flow: bool,
    /// With which arguments.
    pub args: Value,
    /// Whether it is switched on.
    pub enabled: bool,
    /// When it fires next. None: never again.
    pub next_at_ms: Option<i64>,
    /// When it last fired.
    pub last_at_ms: Option<i64>,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
}

struct Raw {
    tenant: String,
    path: String,
    user_id: String,
    summary: String,
    cron: String,
    time_zone: String,
    script_path: String,
    is_flow: bool,
    args: Json,
    enabled: bool,
    next_at: Option<At>,
    last_at: Option<At>,
    created_at: At,
    updated_at: At,
}

from_row!(Raw {
    tenant,
    path,
    user_id,
    summary,
    cron,
    time_zone,
    script_path,
    is_flow,
    args,
    enabled,
    next_at,
    last_at,
    created_at,
    updated_at
});

impl TryFrom<Raw> for ScheduleRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: raw.tenant,
            path: raw.path,
            user: raw.user_id,
            summary: raw.summary,
            cron: raw.cron,
            time_zone: raw.time_zone,
            script_path: raw.script_path,
            is_flow: raw.is_flow,
            args: json("schedule arguments", &raw.args)?,
            enabled: raw.enabled,
            next_at_ms: ms(raw.next_at),
            last_at_ms: ms(raw.last_at),
            created_at_ms: raw.created_at.0,
            updated_at_ms: raw.updated_at.0,
        })
    }
}

/// What to store of a schedule.
#[derive(Debug, Clone)]
pub struct PutSchedule<'a> {
    /// Whose jobs it starts.
    pub owner: &'a Owner,
    /// Where it stands.
    pub path: &'a str,
    /// One line about it.
    pub summary: &'a str,
    /// Six fields, seconds first, Monday is 1. Checked by the caller.
    pub cron: &'a str,
    /// IANA name. Checked by the caller.
    pub time_zone: &'a str,
    /// What it runs.
    pub script_path: &'a str,
    /// Whether that is a flow.
    pub is_flow: bool,
    /// With which arguments.
    pub args: &'a Value,
    /// Whether it is switched on.
    pub enabled: bool,
    /// When it fires next.
    pub next_at_ms: Option<i64>,
    /// Now.
    pub at_ms: i64,
}

macro_rules! select_schedules {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, path, user_id, summary, cron, time_zone, script_path, is_flow, args, enabled, next_at, last_at, \
             created_at, updated_at FROM schedules ",
            $rest
        )
    };
}

impl Tx {
    /// Makes a schedule, or changes it.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_schedule(&mut self, schedule: &PutSchedule<'_>) -> Result<(), StoreError> {
        query(
            "INSERT INTO schedules (tenant, path, user_id, summary, cron, time_zone, script_path, is_flow, args, enabled, next_at, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) \
             ON CONFLICT (tenant, path) DO UPDATE SET user_id = excluded.user_id, summary = excluded.summary, \
             cron = excluded.cron, time_zone = excluded.time_zone, script_path = excluded.script_path, \
             is_flow = excluded.is_flow, args = excluded.args, enabled = excluded.enabled, next_at = excluded.next_at, \
             updated_at = excluded.updated_at",
        )
        .bind(schedule.owner.tenant.as_str())
        .bind(schedule.path)
        .bind(schedule.owner.user.as_str())
        .bind(schedule.summary)
        .bind(schedule.cron)
        .bind(schedule.time_zone)
        .bind(schedule.script_path)
        .bind(schedule.is_flow)
        .bind(to_json(schedule.args))
        .bind(schedule.enabled)
        .bind(At::maybe(schedule.next_at_ms))
        .bind(At(schedule.at_ms))
        .run(self)
.await?;
        Ok(())
    }

    /// Switches a schedule on or off; says whether there is one.
    ///
    /// # Errors
    /// The database's.
    pub async fn enable_schedule(
        &mut self,
        tenant: &TenantId,
        path: &str,
        enabled: bool,
        next_at_ms: Option<i64>,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let changed =
            query("UPDATE schedules SET enabled = $3, next_at = $4, updated_at = $5 WHERE tenant = $1 AND path = $2")
                .bind(tenant.as_str())
                .bind(path)
                .bind(enabled)
                .bind(At::maybe(next_at_ms))
                .bind(At(at_ms))
                .run(self)
                .await?;
        Ok(changed == 1)
    }

    /// Notes that a schedule that was due at `due_at_ms` fired for the moment `fired_for_ms` (a later one, where firings were missed), and when it
    /// fires next. False if somebody else was faster.
    ///
    /// # Errors
    /// The database's.
    pub async fn fired(
        &mut self,
        tenant: &TenantId,
        path: &str,
        due_at_ms: i64,
        fired_for_ms: i64,
        next_at_ms: Option<i64>,
    ) -> Result<bool, StoreError> {
        let changed = query(
            "UPDATE schedules SET last_at = $4, next_at = $5 WHERE tenant = $1 AND path = $2 AND enabled AND next_at = $3",
        )
        .bind(tenant.as_str())
        .bind(path)
        .bind(At(due_at_ms))
        .bind(At(fired_for_ms))
        .bind(At::maybe(next_at_ms))
        .run(self)
.await?;
        Ok(changed == 1)
    }

    /// As [`Store::schedule`], as this transaction sees it.
    ///
    /// # Errors
    /// The database's.
    pub async fn schedule(&mut self, tenant: &TenantId, path: &str) -> Result<Option<ScheduleRow>, StoreError> {
        let raw: Option<Raw> = schedule(tenant, path).optional(self).await?;
        raw.map(ScheduleRow::try_from).transpose()
    }

    /// Removes a schedule; says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_schedule(&mut self, tenant: &TenantId, path: &str) -> Result<bool, StoreError> {
        let changed = query("DELETE FROM schedules WHERE tenant = $1 AND path = $2")
            .bind(tenant.as_str())
            .bind(path)
            .run(self)
            .await?;
        Ok(changed == 1)
    }
}

fn schedule(tenant: &TenantId, path: &str) -> Query {
    query(select_schedules!("WHERE tenant = $1 AND path = $2")).bind(tenant.as_str()).bind(path)
}

impl Store {
    /// A schedule of the tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn schedule(&self, tenant: &TenantId, path: &str) -> Result<Option<ScheduleRow>, StoreError> {
        let raw: Option<Raw> = schedule(tenant, path).optional(self.read(tenant)).await?;
        raw.map(ScheduleRow::try_from).transpose()
    }

    /// Schedules of the tenant whose path begins with `prefix` and stands after `after`, sorted by path.
    ///
    /// # Errors
    /// The database's.
    pub async fn schedules(
        &self,
        tenant: &TenantId,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<ScheduleRow>, StoreError> {
        let raw: Page<Raw> = query(select_schedules!(
            "WHERE tenant = $1 AND substr(path, 1, length($2)) = $2 AND path > $3 ORDER BY path LIMIT $4"
        ))
        .bind(tenant.as_str())
        .bind(prefix)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .page(self.read(tenant))
        .await?;
        raw.try_map(ScheduleRow::try_from)
    }

    /// Whether a job that a schedule started waits to begin.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_waiting_job(&self, tenant: &TenantId, path: &str) -> Result<bool, StoreError> {
        let (waits,): (bool,) =
            query("SELECT EXISTS (SELECT 1 FROM jobs WHERE tenant = $1 AND schedule_path = $2 AND status = 'queued')")
                .bind(tenant.as_str())
                .bind(path)
                .one(self.read(Scope::EveryUser(tenant.clone())))
                .await?;
        Ok(waits)
    }

    /// How many schedules start jobs for this user.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_schedules(&self, owner: &Owner) -> Result<u64, StoreError> {
        let (count,): (i64,) = query("SELECT COUNT(*) FROM schedules WHERE tenant = $1 AND user_id = $2")
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .one(self.read(owner))
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Where the schedules stand that are due, earliest first. For the scheduler only.
    ///
    /// # Errors
    /// The database's.
    pub async fn due_schedules_of_all_tenants(
        &self,
        now_ms: i64,
        limit: u32,
    ) -> Result<Vec<(TenantId, String)>, StoreError> {
        let rows: Vec<(String, String)> = query(
            "SELECT tenant, path FROM (SELECT tenant, path, next_at, \
             ROW_NUMBER() OVER (PARTITION BY tenant ORDER BY next_at, path) AS turn \
             FROM schedules WHERE enabled AND next_at IS NOT NULL AND next_at <= $1) AS due \
             WHERE turn <= $2 ORDER BY turn, next_at, path LIMIT $3",
        )
        .bind(At(now_ms))
        .bind(DUE_OF_TENANT)
        .bind(i64::from(limit))
        .all(self.read(Scope::Worker))
        .await?;
        rows.into_iter().map(|(tenant, path)| Ok((tenant_of(tenant)?, path))).collect()
    }

    /// When the next schedule is due. For the scheduler only.
    ///
    /// # Errors
    /// The database's.
    pub async fn next_due_of_all_tenants(&self) -> Result<Option<i64>, StoreError> {
        let (next,): (Option<At>,) = query("SELECT MIN(next_at) FROM schedules WHERE enabled AND next_at IS NOT NULL")
            .one(self.read(Scope::Worker))
            .await?;
        Ok(ms(next))
    }
}
