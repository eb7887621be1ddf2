//! Quotas: how much a user and a tenant may keep.
//!
//! The operator's limits hold for everybody; a tenant's administrator may lower them, for each user
//! or for some. What was counted a moment ago is used again while it is far from every limit, so that
//! a quota costs a request next to nothing; near a limit it is counted anew each time.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openanalyst_domain::{Owner, TenantId};
use serde::{Deserialize, Serialize};

use crate::sql::query;
use crate::storage::{StorageKind, StorageUsage, Whose};
use crate::{Scope, Store, StoreError, Tx};

/// Limits by kind; a kind that is not there has none.
pub type StorageLimits = BTreeMap<StorageKind, u64>;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The operator's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorQuotas {
    /// Of each user.
    pub user: StorageLimits,
    /// Of each tenant with all its users.
    pub tenant: StorageLimits,
}

impl Default for OperatorQuotas {
    fn default() -> Self {
        use StorageKind::{History, Jobs, Memory, OpenTasks, Packages, Receipts, Recordings, Schedules, Workflows};
        Self {
            user: [
                (History, 2 * GIB),
                (Recordings, GIB),
                (Receipts, 512 * MIB),
                (Jobs, GIB),
                (Memory, 128 * MIB),
                (Workflows, 256 * MIB),
                (OpenTasks, 100),
                (Schedules, 500),
            ]
            .into(),
            tenant: [
                (History, 20 * GIB),
                (Recordings, 10 * GIB),
                (Receipts, 5 * GIB),
                (Jobs, 10 * GIB),
                (Memory, 2 * GIB),
                (Workflows, 2 * GIB),
                (Packages, 4 * GIB),
                (OpenTasks, 2_000),
                (Schedules, 5_000),
            ]
            .into(),
        }
    }
}

/// What a tenant's administrator sets. Each limit only lowers the operator's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TenantQuotas {
    /// Of each user, by kind: bytes, or a number for `open-tasks` and `schedules`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub user: StorageLimits,
    /// Of some users, by their names. They count instead of those of each user.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub users: BTreeMap<String, StorageLimits>,
    /// Of the tenant with all its users.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub tenant: StorageLimits,
}

impl TenantQuotas {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that each only lowers the operator's.
    ///
    /// # Errors
    /// Names the one that does not, and what is allowed.
    pub fn check(&self, operator: &OperatorQuotas) -> Result<(), String> {
        let of_user = |limits| ("a user", limits, &operator.user);
        let all = [of_user(&self.user), ("the organisation", &self.tenant, &operator.tenant)];
        for (whose, limits, highest) in all.into_iter().chain(self.users.values().map(of_user)) {
            for (kind, limit) in limits {
                let Some(highest) = highest.get(kind) else {
                    return Err(format!("`{kind}` is not counted for {whose}: leave it out"));
                };
                if limit > highest {
                    return Err(format!(
                        "the quota `{kind}` of {whose} cannot be {limit}: the operator allows at most {highest}. \
                         Ask for less, or ask the operator to raise it"
                    ));
                }
            }
        }
        if let Some(name) = self.users.keys().find(|name| openanalyst_domain::UserId::parse(name.as_str()).is_err()) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(format!("`quotas.users` names `{name}`, which no user can be called"));
        }
        Ok(())
    }
}

impl fmt::Display for StorageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A quota that is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// Whether it is the whole tenant's.
    pub of_tenant: bool,
    /// Of what.
    pub kind: StorageKind,
    /// How much there is: bytes, or a number where [`StorageKind::is_number`].
    pub used: i64,
    /// How much there may be.
    pub limit: i64,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of_tenant, kind, used, limit } = *self;
        let whose = if of_tenant { "the organisation's" } else { "your" };
        let amount = |amount: i64| if kind.is_number() { amount.to_string() } else { in_bytes(amount) };
        let next = match kind {
            StorageKind::Memory => "delete values that are not needed any more",
            StorageKind::Workflows => "delete scripts, flows, apps or values that are not needed any more",
            StorageKind::Schedules => "delete a schedule",
            StorageKind::Packages => "remove a skill that is not used any more",
            StorageKind::OpenTasks => "wait until a task ends, or cancel one",
            _ => "wait until the oldest is pruned",
        };
        write!(
            f,
            "{whose} quota `{kind}` is used up: {} of {}. To go on, {next}, or ask an administrator for more; \
             GET /v1/usage shows all quotas",
            amount(used),
            amount(limit)
        )
    }
}

/// Bytes for people.
fn in_bytes(bytes: i64) -> String {
    let units = [(1_i64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = bytes / (unit / 10).max(1);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} bytes"),
    }
}

/// Why somebody may not keep more.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    /// A quota is used up.
    #[error("{0}")]
    Exceeded(Exceeded),
    /// All their data is being deleted.
    #[error(
        "all data of this user, or of the organisation, is being deleted: nothing new is taken until that has ended"
    )]
    Deleting,
    /// The database's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody keeps, with the limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota {
    /// What there is.
    pub used: StorageUsage,
    /// What there may be.
    pub limits: StorageLimits,
}

impl Quota {
    fn exceeded(&self, of_tenant: bool, kinds: &[StorageKind]) -> Option<Exceeded> {
        kinds.iter().find_map(|kind| {
            let limit = i64::try_from(*self.limits.get(kind)?).unwrap_or(i64::MAX);
            let used = self.used.get(kind).copied().unwrap_or_default().amount(*kind);
            (used >= limit).then_some(Exceeded { of_tenant, kind: *kind, used, limit })
        })
    }

    /// Whether each of these kinds is so far from its limit that `admitted` more things do not reach it,
    /// however large they are.
    fn has_room_for(&self, admitted: i64, kinds: &[StorageKind]) -> bool {
        kinds.iter().filter_map(|kind| Some((kind, self.limits.get(kind)?))).all(|(kind, limit)| {
            let used = self.used.get(kind).copied().unwrap_or_default().amount(*kind);
            let left = i64::try_from(*limit).unwrap_or(i64::MAX).saturating_sub(used);
            left > admitted.saturating_mul(if kind.is_number() { 1 } else { LARGEST })
        })
    }
}

/// More than what is written after one check: a request has at most 1 MiB, a memory value, script or result less or as much, each with its rows.
const LARGEST: i64 = 2 << 20;
/// How long a count that is far from every limit is used again.
const FRESH: Duration = Duration::from_secs(1);
/// What counting takes at most of the time, where it takes long: one part of so many.
const SHARE: u32 = 20;
/// A count that took less is repeated for each request where a limit is near.
const CHEAP: Duration = Duration::from_millis(250);
/// Of so many users and tenants the last count is kept.
const MAX_KEPT: usize = 8_192;

#[derive(Debug, Default)]
struct Counted {
    quota: Quota,
    /// Until when it may be used again. None: it was never counted.
    fresh_until: Option<Instant>,
    /// Until when it is used again although a limit is near: counting takes long.
    kept_until: Option<Instant>,
    /// How many things may have been written since it was counted.
    admitted: i64,
    /// How many were admitted and may not be written yet.
    in_flight: Arc<AtomicI64>,
    /// Of [`Quotas::changes`], when it was counted.
    change: u64,
    deleting: bool,
}

type Slot = Arc<tokio::sync::Mutex<Counted>>;

/// Checks quotas. Cheap to clone; clones share what they counted.
#[derive(Debug, Clone)]
pub struct Quotas {
    store: Store,
    operator: Arc<OperatorQuotas>,
    users: Arc<Mutex<HashMap<Owner, Slot>>>,
    tenants: Arc<Mutex<HashMap<TenantId, Slot>>>,
    /// How often settings changed.
    changes: Arc<AtomicU64>,
}

/// Held from a check until what was checked is written: those of one user come out in the order in
/// which they went in.
#[derive(Debug)]
pub struct QuotaTurn {
    turn: tokio::sync::OwnedMutexGuard<Counted>,
    _in_flight: InFlight,
}

impl QuotaTurn {
    /// Most things of a kind that the user may have. None: no limit.
    #[must_use]
    pub fn most(&self, kind: StorageKind) -> Option<u64> {
        self.turn.quota.limits.get(&kind).copied()
    }

    /// Checks again what the user keeps of a kind, as a transaction sees it: while it holds its lock, no
    /// other process adds anything.
    ///
    /// # Errors
    /// As [`Quotas::check`].
    pub async fn check_in(&self, tx: &mut Tx, owner: &Owner, kind: StorageKind) -> Result<(), QuotaError> {
        let quota = Quota { used: tx.stored(Whose::User(owner)).await?, limits: self.turn.quota.limits.clone() };
        quota.exceeded(false, &[kind]).map_or(Ok(()), |exceeded| Err(QuotaError::Exceeded(exceeded)))
    }
}

/// One thing of a tenant that was admitted and may not be written yet.
#[derive(Debug)]
struct InFlight(Arc<AtomicI64>);

impl InFlight {
    fn begin(count: &Arc<AtomicI64>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Quotas {
    /// Over a record.
    #[must_use]
    pub fn new(store: Store, operator: OperatorQuotas) -> Self {
        Self {
            store,
            operator: Arc::new(operator),
            users: Arc::default(),
            tenants: Arc::default(),
            changes: Arc::default(),
        }
    }

    /// The operator's limits.
    #[must_use]
    pub fn operator(&self) -> &OperatorQuotas {
        &self.operator
    }

    /// Checks that a user may keep more of some kinds: of their own, and of the tenant's. Open tasks
    /// of the user are left to [`Store::accept`], which counts them with the acceptance.
    ///
    /// It reads, and waits for others of the same user. So it is never asked while a transaction is open:
    /// whoever holds the writer would wait for those who wait for it.
    ///
    /// # Errors
    /// [`QuotaError::Exceeded`] names the first that is used up.
    pub async fn check(&self, owner: &Owner, kinds: &[StorageKind]) -> Result<QuotaTurn, QuotaError> {
        let mut counted = slot(&self.users, owner).lock_owned().await;
        let change = self.changes.load(Ordering::Acquire);
        if counted.is_due(kinds, change) {
            let began = Instant::now();
            counted.deleting = self.store.is_deleting(owner).await?;
            // Nothing is in flight: the turn of the last check has ended.
            counted.is(self.of_user(owner).await?, began, 0, change);
        }
        counted.admitted += 1;
        if counted.deleting {
            return Err(QuotaError::Deleting);
        }
        let of_user: Vec<_> = kinds.iter().copied().filter(|kind| *kind != StorageKind::OpenTasks).collect();
        if let Some(exceeded) = counted.quota.exceeded(false, &of_user) {
            return Err(QuotaError::Exceeded(exceeded));
        }
        let in_flight = self.admit(&owner.tenant, kinds).await?;
        Ok(QuotaTurn { turn: counted, _in_flight: in_flight })
    }

    /// Checks that a tenant as a whole may keep more of some kinds.
    ///
    /// # Errors
    /// [`QuotaError::Exceeded`] names the first that is used up.
    pub async fn check_tenant(&self, tenant: &TenantId, kinds: &[StorageKind]) -> Result<(), QuotaError> {
        self.admit(tenant, kinds).await.map(drop)
    }

    async fn admit(&self, tenant: &TenantId, kinds: &[StorageKind]) -> Result<InFlight, QuotaError> {
        let mut counted = slot(&self.tenants, tenant).lock_owned().await;
        let change = self.changes.load(Ordering::Acquire);
        if counted.is_due(kinds, change) {
            let began = Instant::now();
            // Before the count: what ends in between is then counted twice and not left out.
            let in_flight = counted.in_flight.load(Ordering::Acquire);
            let quota = self.of_tenant(tenant).await?;
            counted.is(quota, began, in_flight, change);
        }
        if let Some(exceeded) = counted.quota.exceeded(true, kinds) {
            return Err(QuotaError::Exceeded(exceeded));
        }
        if kinds.contains(&StorageKind::OpenTasks)
            && let Some(exceeded) = counted.exceeded_by_tasks_in_flight()
        {
            return Err(QuotaError::Exceeded(exceeded));
        }
        counted.admitted += 1;
        Ok(InFlight::begin(&counted.in_flight))
    }

    /// What a user keeps, and may keep.
    ///
    /// # Errors
    /// The database's.
    pub async fn of_user(&self, owner: &Owner) -> Result<Quota, StoreError> {
        let set = self.set_by(&owner.tenant).await?;
        let mut limits = self.operator.user.clone();
        lower(&mut limits, set.users.get(owner.user.as_str()).unwrap_or(&set.user));
        Ok(Quota { used: self.store.stored(Whose::User(owner)).await?, limits })
    }

    /// What a tenant and all its users keep, and may keep.
    ///
    /// # Errors
    /// The database's.
    pub async fn of_tenant(&self, tenant: &TenantId) -> Result<Quota, StoreError> {
        let limits = self.limits_of_tenant(tenant).await?;
        Ok(Quota { used: self.store.stored(Whose::Tenant(tenant)).await?, limits })
    }

    /// What a tenant and all its users may keep together: for callers that count in the transaction in which they write.
    ///
    /// # Errors
    /// The database's.
    pub async fn limits_of_tenant(&self, tenant: &TenantId) -> Result<StorageLimits, StoreError> {
        let set = self.set_by(tenant).await?;
        let mut limits = self.operator.tenant.clone();
        lower(&mut limits, &set.tenant);
        Ok(limits)
    }

    async fn set_by(&self, tenant: &TenantId) -> Result<TenantQuotas, StoreError> {
        let mut settings = self.store.tenant_settings(tenant).await?;
        let Some(quotas) = settings.get_mut("quotas").map(serde_json::Value::take) else {
            return Ok(TenantQuotas::default());
        };
        serde_json::from_value(quotas)
            .map_err(|error| StoreError::Damaged { what: "tenant settings", reason: error.to_string() })
    }

    /// Forgets what was counted: the tenant's administrator changed something.
    pub fn forget(&self, tenant: &TenantId) {
        // The slots stay, with those who hold or await them. All are counted anew, also of others: it is cheap, and settings change seldom.
        self.changes.fetch_add(1, Ordering::AcqRel);
        tracing::debug!(%tenant, "quotas are counted anew");
    }
}

impl Counted {
    /// Whether the last count is too old, or too little room is left since. Schedules are counted each
    /// time: many fit into a second, and seldom does anybody make one. (A user's open tasks are counted
    /// with the acceptance.)
    fn is_due(&self, kinds: &[StorageKind], change: u64) -> bool {
        let now = Instant::now();
        if kinds.contains(&StorageKind::Schedules)
            || self.change != change
            || self.fresh_until.is_none_or(|until| now >= until)
        {
            return true;
        }
        !self.quota.has_room_for(self.admitted, kinds) && self.kept_until.is_none_or(|until| now >= until)
    }

    fn is(&mut self, quota: Quota, began: Instant, in_flight: i64, change: u64) {
        let (now, took) = (Instant::now(), began.elapsed());
        self.fresh_until = Some(now + FRESH.max(took * SHARE));
        self.kept_until = (took >= CHEAP).then(|| now + took * SHARE);
        self.change = change;
        self.quota = quota;
        self.admitted = in_flight;
    }

    /// Of a tenant: open tasks that were admitted and are not written yet count too.
    fn exceeded_by_tasks_in_flight(&self) -> Option<Exceeded> {
        let limit = i64::try_from(*self.quota.limits.get(&StorageKind::OpenTasks)?).unwrap_or(i64::MAX);
        let used = self.quota.used.get(&StorageKind::OpenTasks).copied().unwrap_or_default().entries + self.admitted;
        (used >= limit).then_some(Exceeded { of_tenant: true, kind: StorageKind::OpenTasks, used, limit })
    }
}

fn lower(limits: &mut StorageLimits, set: &StorageLimits) {
    for (kind, limit) in set {
        if let Some(highest) = limits.get_mut(kind) {
            *highest = (*highest).min(*limit);
        }
    }
}

fn slot<K: Clone + Eq + std::hash::Hash>(slots: &Mutex<HashMap<K, Slot>>, whose: &K) -> Slot {
    let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
    if slots.len() >= MAX_KEPT && !slots.contains_key(whose) {
        // Nobody waits for those.
        slots.retain(|_, slot| Arc::strong_count(slot) > 1);
    }
    slots.entry(whose.clone()).or_default().clone()
}

impl Store {
    /// Whether all data of a user, or of their tenant, is being deleted.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_deleting(&self, owner: &Owner) -> Result<bool, StoreError> {
        let (is,): (bool,) = query("SELECT EXISTS (SELECT 1 FROM deletions WHERE tenant = $1 AND user_id IN ($2, ''))")
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .one(self.read(Scope::from(owner)))
            .await?;
        Ok(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_for_people() {
        let table =
            [(0, "0 bytes"), (1_023, "1023 bytes"), (1_536, "1.5 KiB"), (10 << 20, "10.0 MiB"), (3 << 30, "3.0 GiB")];
        for (bytes, text) in table {
            assert_eq!(in_bytes(bytes), text);
        }
    }

    #[test]
    fn a_tenant_lowers_and_never_raises() {
        let operator = OperatorQuotas::default();
        let quotas = |json: serde_json::Value| serde_json::from_value::<TenantQuotas>(json).unwrap();
        for (good, json) in [
            (
                true,
                serde_json::json!({"user": {"history": 1}, "tenant": {"packages": 0}, "users": {"ada": {"schedules": 5}}}),
            ),
            (false, serde_json::json!({"user": {"history": 3_u64 << 40}})),
            (false, serde_json::json!({"users": {"ada": {"jobs": 3_u64 << 40}}})),
            (false, serde_json::json!({"user": {"packages": 1}})),
            (false, serde_json::json!({"users": {"": {}}})),
        ] {
            assert_eq!(quotas(json.clone()).check(&operator).is_ok(), good, "{json}");
        }
        assert!(serde_json::from_value::<TenantQuotas>(serde_json::json!({"user": {"histroy": 1}})).is_err());
    }
}
