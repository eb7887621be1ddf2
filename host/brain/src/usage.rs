//! What a user and a tenant keep and use, with their limits.

use std::collections::BTreeMap;

use openanalyst_domain::{Owner, TenantId};
use openanalyst_store::quotas::Quota;
use openanalyst_store::receipts::Usage;
use openanalyst_store::storage::StorageKind;
use serde::Serialize;

use crate::BrainError;
use crate::brain::Brain;

/// Most days that are shown.
pub const MAX_USAGE_DAYS: u32 = 366;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How much there is of a kind, and how much there may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KindUsage {
    /// Bytes; for `open-tasks` and `schedules` how many there are.
    pub used: i64,
    /// How much there may be. None: no limit.
    pub limit: Option<u64>,
    /// `bytes` or `entries`: what is compared.
    pub unit: &'static str,
    /// How many things.
    pub entries: i64,
}

/// What was used on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayUsage {
    /// The day, UTC, as `2026-01-31`.
    pub day: String,
    /// Invocations of skills and scripts.
    pub invocations: i64,
    /// CPU time, in milliseconds.
    pub cpu_ms: i64,
    /// Calls of the host.
    pub host_calls: i64,
    /// HTTP fetches among them.
    pub http_fetches: i64,
    /// Jobs started.
    pub workflow_starts: i64,
    /// Tokens of language models, read and written.
    pub llm_tokens: i64,
}

/// What somebody keeps and used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageView {
    /// The user, or nobody where it is about the whole tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// By kind.
    pub kinds: BTreeMap<String, KindUsage>,
    /// By day, oldest first; days without any use are left out.
    pub days: Vec<DayUsage>,
}

impl Brain {
    /// What a user keeps, and used in the last `days` days.
    ///
    /// # Errors
    /// [`BrainError::Invalid`] for more than [`MAX_USAGE_DAYS`] days; the database's.
    pub async fn user_usage(&self, owner: &Owner, days: u32) -> Result<UsageView, BrainError> {
        let from = self.first_day(days)?;
        let quota = self.inner.registry.quotas().of_user(owner).await?;
        let used = self.inner.store.usage_by_day(&owner.tenant, Some(&owner.user), from).await?;
        Ok(UsageView { user: Some(owner.user.to_string()), kinds: kinds(&quota), days: by_day(used) })
    }

    /// The same of a tenant with all its users.
    ///
    /// # Errors
    /// As [`Self::user_usage`].
    pub async fn tenant_usage(&self, tenant: &TenantId, days: u32) -> Result<UsageView, BrainError> {
        let from = self.first_day(days)?;
        let quota = self.inner.registry.quotas().of_tenant(tenant).await?;
        let used = self.inner.store.usage_by_day(tenant, None, from).await?;
        Ok(UsageView { user: None, kinds: kinds(&quota), days: by_day(used) })
    }

    fn first_day(&self, days: u32) -> Result<i64, BrainError> {
        if days == 0 || days > MAX_USAGE_DAYS {
            return Err(BrainError::Invalid(format!("`days` must be 1 to {MAX_USAGE_DAYS}")));
        }
        Ok(self.inner.clock.now_ms().div_euclid(DAY_MS) - i64::from(days) + 1)
    }
}

fn kinds(quota: &Quota) -> BTreeMap<String, KindUsage> {
    let known = StorageKind::ALL.into_iter().filter(|kind| {
        quota.limits.contains_key(kind) || quota.used.get(kind).is_some_and(|used| used.entries > 0 || used.bytes > 0)
    });
    known
        .map(|kind| {
            let used = quota.used.get(&kind).copied().unwrap_or_default();
            let unit = if kind.is_number() { "entries" } else { "bytes" };
            let limit = quota.limits.get(&kind).copied();
            (kind.to_string(), KindUsage { used: used.amount(kind), limit, unit, entries: used.entries })
        })
        .collect()
}

fn by_day(used: Vec<(i64, Usage)>) -> Vec<DayUsage> {
    used.into_iter()
        .map(|(day, used)| DayUsage {
            day: date(day),
            invocations: used.invocations,
            cpu_ms: used.cpu_us / 1_000,
            host_calls: used.host_calls,
            http_fetches: used.http_fetches,
            workflow_starts: used.workflow_starts,
            llm_tokens: used.llm_tokens,
        })
        .collect()
}

/// A number of days since 1970-01-01, as people write it.
fn date(day: i64) -> String {
    let at = chrono::DateTime::from_timestamp(day.saturating_mul(DAY_MS / 1_000), 0);
    at.map_or_else(|| day.to_string(), |at| at.date_naive().to_string())
}
