//! How long what is recorded is kept, and the small steps in which the rest goes.
//!
//! A pass looks at each owner in turn. It reads what may go on a connection that reads, however long
//! that takes, and removes it in steps of at most [`MAX_ROWS`] rows and about [`MAX_BYTES`] bytes,
//! each a transaction of its own. So a write waits for one step at most. Open tasks, the tasks that
//! wait for an answer, and the jobs, receipts and recordings of both stay.

mod receipts;
mod steps;
mod tasks;

use openanalyst_domain::{Owner, TenantId, UserId};
use serde::{Deserialize, Serialize};

use crate::storage::{StorageKind, StorageUsage};
use crate::{Store, StoreError};

pub(crate) use tasks::OldTask;

/// Most rows that a step removes of a kind.
pub const MAX_ROWS: usize = 100;
/// A step takes no further thing once those in it have so many bytes.
pub const MAX_BYTES: i64 = 512 << 10;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The longest time for which anything can be kept, in days.
pub const MAX_DAYS: u32 = 3_650;

/// How much of a kind is kept: what is older goes, and where one user keeps more bytes, their oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Days.
    pub days: u32,
    /// Bytes of one user.
    pub bytes: i64,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Tasks that have ended, with events, results and messages; the history.
    pub history: Keep,
    /// Recordings of skills.
    pub recordings: Keep,
    /// Receipts and logs of invocations. Their sums by day stay.
    pub receipts: Keep,
    /// Jobs that have ended, with results and logs.
    pub jobs: Keep,
    /// Notifications. Their bytes are not counted.
    pub notices: Keep,
}

impl Default for Retention {
    fn default() -> Self {
        let keep = |days, mib: i64| Keep { days, bytes: mib << 20 };
        Self {
            history: keep(365, 1_024),
            recordings: keep(30, 512),
            receipts: keep(90, 256),
            jobs: keep(30, 512),
            notices: keep(30, 0),
        }
    }
}

/// How long a tenant keeps things, in days. None: as the operator says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TenantRetention {
    /// Tasks that have ended, and the history. It may be longer than the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_days: Option<u32>,
    /// Recordings of skills; at most the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings_days: Option<u32>,
    /// Receipts and logs; at most the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipts_days: Option<u32>,
    /// Jobs that have ended; at most the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs_days: Option<u32>,
    /// Notifications; at most the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notices_days: Option<u32>,
}

impl TenantRetention {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the numbers against what the operator allows.
    ///
    /// # Errors
    /// Names the one that is wrong, and what is allowed.
    pub fn check(&self, operator: &Retention) -> Result<(), String> {
        let table = [
            ("historyDays", self.history_days, MAX_DAYS),
            ("recordingsDays", self.recordings_days, operator.recordings.days),
            ("receiptsDays", self.receipts_days, operator.receipts.days),
            ("jobsDays", self.jobs_days, operator.jobs.days),
            ("noticesDays", self.notices_days, operator.notices.days),
        ];
        match table.into_iter().find(|(_, days, most)| days.is_some_and(|days| days == 0 || days > *most)) {
            None => Ok(()),
            Some((name, _, most)) => Err(format!("`retention.{name}` must be a number of days, 1 to {most}")),
        }
    }

    /// What is kept under these settings.
    #[must_use]
    pub fn within(&self, operator: &Retention) -> Retention {
        let lowered = |keep: Keep, days: Option<u32>| Keep { days: days.unwrap_or(keep.days).min(keep.days), ..keep };
        Retention {
            history: Keep { days: self.history_days.unwrap_or(operator.history.days), ..operator.history },
            recordings: lowered(operator.recordings, self.recordings_days),
            receipts: lowered(operator.receipts, self.receipts_days),
            jobs: lowered(operator.jobs, self.jobs_days),
            notices: lowered(operator.notices, self.notices_days),
        }
    }
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Transactions.
    pub steps: u64,
    /// Tasks, recorded tasks, receipts, jobs, entries and values that went.
    pub things: u64,
    /// Most things that went in one step.
    pub most_in_step: u64,
}

impl Pruned {
    fn step(&mut self, things: usize) {
        let things = things as u64;
        self.steps += 1;
        self.things += things;
        self.most_in_step = self.most_in_step.max(things);
    }

    /// Adds what another pass did.
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.things += other.things;
        self.most_in_step = self.most_in_step.max(other.most_in_step);
    }
}

/// What is called between two steps, so that they take a small part of the time only.
pub trait Pace: Send + Sync {
    /// Waits. False: the work is to end.
    fn pause(&self) -> impl Future<Output = bool> + Send;
}

/// No pauses. For tests and commands.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce;

impl Pace for AtOnce {
    async fn pause(&self) -> bool {
        true
    }
}

/// The moment before which things of a kind go.
fn cutoff_ms(now_ms: i64, keep: Keep) -> i64 {
    now_ms.saturating_sub(i64::from(keep.days).saturating_mul(DAY_MS))
}

impl Store {
    /// What a tenant keeps, by the settings of the operator and its own.
    ///
    /// # Errors
    /// The database's.
    pub async fn retention_of(&self, tenant: &TenantId, operator: &Retention) -> Result<Retention, StoreError> {
        let mut settings = self.tenant_settings(tenant).await?;
        let own = settings.get_mut("retention").map(serde_json::Value::take);
        let own: TenantRetention = match own {
            None => TenantRetention::default(),
            Some(own) => serde_json::from_value(own)
                .map_err(|error| StoreError::Damaged { what: "tenant settings", reason: error.to_string() })?,
        };
        Ok(own.within(operator))
    }

    /// Removes what nobody is to keep any more, of all tenants.
    ///
    /// # Errors
    /// The database's; what was removed until then is gone.
    pub async fn prune(&self, operator: &Retention, now_ms: i64, pace: &impl Pace) -> Result<Pruned, StoreError> {
        let mut done = Pruned::default();
        let mut after = (String::new(), String::new());
        let mut of_tenant: Option<(TenantId, Option<Retention>)> = None;
        loop {
            let keepers = self.keepers_of_all_tenants(&after, 100).await?;
            let Some(last) = keepers.last() else { break };
            after = last.clone();
            for (tenant, user) in keepers {
                let tenant = crate::tenant_of(tenant)?;
                let retention = match &of_tenant {
                    Some((known, retention)) if *known == tenant => *retention,
                    _ => {
                        // What cannot be read of one tenant does not keep the others' from being pruned.
                        let retention = match self.begin_tenant(&tenant, operator, now_ms, pace, &mut done).await {
                            Ok(retention) => Some(retention),
                            Err(error) => {
                                tracing::error!(%tenant, %error, "nothing of this tenant can be pruned now");
                                None
                            }
                        };
                        of_tenant = Some((tenant.clone(), retention));
                        retention
                    }
                };
                // What belongs to nobody in particular is not pruned.
                let (Ok(user), Some(retention)) = (UserId::parse(user), retention) else { continue };
                let owner = Owner::new(tenant, user);
                let pruned = async {
                    match self.is_deleting(&owner).await? {
                        true => Ok(Pruned::default()),
                        false => self.prune_owner(&owner, &retention, now_ms, pace).await,
                    }
                };
                match pruned.await {
                    Ok(pruned) => done.add(pruned),
                    Err(error) => {
                        tracing::error!(tenant = %owner.tenant, user = %owner.user, %error, "nothing more of this user can be pruned now");
                    }
                }
                if !pace.pause().await {
                    return Ok(done);
                }
            }
        }
        self.forget_revocations(now_ms).await?;
        Ok(done)
    }

    /// What a tenant keeps, once its old receipts are removed.
    async fn begin_tenant(
        &self,
        tenant: &TenantId,
        operator: &Retention,
        now_ms: i64,
        pace: &impl Pace,
        done: &mut Pruned,
    ) -> Result<Retention, StoreError> {
        let retention = self.retention_of(tenant, operator).await?;
        let mut pass = steps::Pass { store: self, now_ms, pace, done };
        pass.old_receipts(tenant, cutoff_ms(now_ms, retention.receipts)).await?;
        Ok(retention)
    }

    /// Removes what one user is not to keep any more.
    ///
    /// # Errors
    /// The database's; what was removed until then is gone.
    pub async fn prune_owner(
        &self,
        owner: &Owner,
        retention: &Retention,
        now_ms: i64,
        pace: &impl Pace,
    ) -> Result<Pruned, StoreError> {
        let mut done = Pruned::default();
        let excess = |used: &StorageUsage, kind: StorageKind, keep: Keep| {
            used.get(&kind).map_or(0, |used| used.bytes - keep.bytes).max(0)
        };
        let used = self.stored_by_user(owner).await?;
        let mut pass = steps::Pass { store: self, now_ms, pace, done: &mut done };
        let keep = retention.history;
        pass.tasks(owner, cutoff_ms(now_ms, keep), excess(&used, StorageKind::History, keep)).await?;
        // With a task its recordings went.
        let used = if pass.done.steps > 0 { self.stored_by_user(owner).await? } else { used };
        pass.entries(owner, cutoff_ms(now_ms, keep)).await?;
        let keep = retention.recordings;
        pass.recordings(owner, cutoff_ms(now_ms, keep), excess(&used, StorageKind::Recordings, keep)).await?;
        let keep = retention.receipts;
        pass.excess_receipts(owner, excess(&used, StorageKind::Receipts, keep)).await?;
        let keep = retention.jobs;
        pass.jobs(owner, cutoff_ms(now_ms, keep), excess(&used, StorageKind::Jobs, keep)).await?;
        pass.notices(owner, cutoff_ms(now_ms, retention.notices)).await?;
        pass.expired_memory(owner).await?;
        Ok(done)
    }
}
