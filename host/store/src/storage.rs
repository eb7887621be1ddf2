//! What users and tenants keep, by kind.
//!
//! The counters are kept by triggers of the database (migration 0008), so that no write can forget
//! them, and a limit costs the same however much there is. On PostgreSQL changes are rows of their
//! own until [`Store::add_up_storage`] adds them up: transactions of one user do not wait for each
//! other at a counter.

use std::collections::BTreeMap;

use openanalyst_domain::{Owner, TenantId};
use serde::{Deserialize, Serialize};

use crate::db::Source;
use crate::sql::{At, Sql, query};
use crate::{Scope, Store, StoreError, Tx, tenant_of};

/// A kind of things that users or tenants keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StorageKind {
    /// Requests with their events, results and answers, conversations, and what was learned.
    History,
    /// What skills asked the host, for going on after a crash and for replays.
    Recordings,
    /// What invocations used, and their logs.
    Receipts,
    /// Jobs of the workflow engine: arguments, results, logs.
    Jobs,
    /// Values of the memory.
    Memory,
    /// Scripts, flows, apps, variables, resources and states.
    Workflows,
    /// Uploaded skills. They belong to the tenant.
    Packages,
    /// Tasks that are accepted or running: a number, not bytes.
    OpenTasks,
    /// Schedules: a number, not bytes.
    Schedules,
}

impl StorageKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::History,
        Self::Recordings,
        Self::Receipts,
        Self::Jobs,
        Self::Memory,
        Self::Workflows,
        Self::Packages,
        Self::OpenTasks,
        Self::Schedules,
    ];

    /// Its name, as the database and the settings have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Recordings => "recordings",
            Self::Receipts => "receipts",
            Self::Jobs => "jobs",
            Self::Memory => "memory",
            Self::Workflows => "workflows",
            Self::Packages => "packages",
            Self::OpenTasks => "open-tasks",
            Self::Schedules => "schedules",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether things of this kind are counted one by one, and not by their bytes.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::OpenTasks | Self::Schedules)
    }
}

/// How much there is of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// How many things.
    pub entries: i64,
    /// Their bytes.
    pub bytes: i64,
}

impl Stored {
    /// What a limit of this kind is compared with.
    #[must_use]
    pub fn amount(&self, kind: StorageKind) -> i64 {
        if kind.is_number() { self.entries } else { self.bytes }
    }
}

/// What somebody keeps, by kind. A kind of which there is nothing may be missing.
pub type StorageUsage = BTreeMap<StorageKind, Stored>;

/// Whose usage is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    User(&'a Owner),
    /// The tenant with all its users.
    Tenant(&'a TenantId),
}

macro_rules! usage {
    ($whose:literal, $changes:literal) => {
        concat!(
            "SELECT kind, CAST(SUM(entries) AS BIGINT), CAST(SUM(bytes) AS BIGINT) FROM (\
             SELECT kind, entries, bytes FROM storage_usage WHERE tenant = $1 AND ",
            $whose,
            $changes,
            " UNION ALL SELECT 'memory', keys, bytes FROM memory_usage WHERE tenant = $1 AND ",
            $whose,
            " UNION ALL SELECT 'open-tasks', COUNT(*), 0 FROM tasks WHERE tenant = $1 AND ",
            $whose,
            " AND status IN ('accepted', 'running')) AS kept GROUP BY kind"
        )
    };
}

/// `$2` is the user.
const OF_USER: Sql = Sql::each(
    usage!("user_id = $2", ""),
    usage!(
        "user_id = $2",
        " UNION ALL SELECT kind, entries, bytes FROM storage_changes WHERE tenant = $1 AND user_id = $2"
    ),
);
/// `$2` is nothing.
const OF_TENANT: Sql = Sql::each(
    usage!("$2 = ''", ""),
    usage!("$2 = ''", " UNION ALL SELECT kind, entries, bytes FROM storage_changes WHERE tenant = $1"),
);

macro_rules! keepers {
    ($changes:literal) => {
        concat!(
            "SELECT tenant, user_id FROM storage_usage WHERE (tenant, user_id) > ($1, $2) \
             UNION SELECT tenant, user_id FROM memory_usage WHERE (tenant, user_id) > ($1, $2) ",
            $changes,
            "ORDER BY tenant, user_id LIMIT $3"
        )
    };
}

/// Most changes that one transaction adds up.
const ADDED_UP_AT_ONCE: i64 = 2_000;

async fn stored_in(source: impl Source, whose: Whose<'_>) -> Result<StorageUsage, StoreError> {
    let (sql, tenant, user) = match whose {
        Whose::User(owner) => (OF_USER, owner.tenant.as_str(), owner.user.as_str()),
        Whose::Tenant(tenant) => (OF_TENANT, tenant.as_str(), ""),
    };
    let rows: Vec<(String, i64, i64)> = query(sql).bind(tenant).bind(user).all(source).await?;
    let known = |(kind, entries, bytes): (String, i64, i64)| {
        Some((StorageKind::from_name(&kind)?, Stored { entries: entries.max(0), bytes: bytes.max(0) }))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

impl Tx {
    /// As [`Store::stored`], as this transaction sees it.
    pub(crate) async fn stored(&mut self, whose: Whose<'_>) -> Result<StorageUsage, StoreError> {
        stored_in(self, whose).await
    }
}

impl Store {
    /// What a user keeps.
    ///
    /// # Errors
    /// The database's.
    pub async fn stored_by_user(&self, owner: &Owner) -> Result<StorageUsage, StoreError> {
        self.stored(Whose::User(owner)).await
    }

    /// What a tenant and all its users keep.
    ///
    /// # Errors
    /// The database's.
    pub async fn stored_by_tenant(&self, tenant: &TenantId) -> Result<StorageUsage, StoreError> {
        self.stored(Whose::Tenant(tenant)).await
    }

    pub(crate) async fn stored(&self, whose: Whose<'_>) -> Result<StorageUsage, StoreError> {
        let scope = match whose {
            Whose::User(owner) => Scope::from(owner),
            Whose::Tenant(tenant) => Scope::EveryUser(tenant.clone()),
        };
        stored_in(self.read(scope), whose).await
    }

    /// Everybody who keeps something, sorted, after this one: the tenant, and the user or an empty
    /// text for what belongs to the tenant as a whole. For the background work that prunes.
    ///
    /// # Errors
    /// The database's.
    pub async fn keepers_of_all_tenants(
        &self,
        after: &(String, String),
        limit: u32,
    ) -> Result<Vec<(String, String)>, StoreError> {
        query(Sql::each(
            keepers!(""),
            keepers!("UNION SELECT tenant, user_id FROM storage_changes WHERE (tenant, user_id) > ($1, $2) "),
        ))
        .bind(&after.0)
        .bind(&after.1)
        .bind(i64::from(limit))
        .all(self.read(Scope::Worker))
        .await
    }

    /// Adds up what PostgreSQL's triggers wrote, some thousand changes at once. On SQLite there is
    /// nothing to do. Says whether there may be more.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_up_storage(&self) -> Result<bool, StoreError> {
        if self.writer().is_some() {
            return Ok(false);
        }
        let tenants: Vec<(String,)> =
            query("SELECT DISTINCT tenant FROM storage_changes LIMIT 100").all(self.read(Scope::Worker)).await?;
        let mut more = tenants.len() >= 100;
        for (tenant,) in tenants {
            let tenant = tenant_of(tenant)?;
            let mut tx = self.begin(Scope::EveryUser(tenant.clone())).await?;
            tx.lock(&format!("storage {tenant}")).await?;
            let (gone,): (i64,) = query(
                "WITH gone AS (DELETE FROM storage_changes WHERE ctid IN \
                 (SELECT ctid FROM storage_changes WHERE tenant = $1 LIMIT $2) \
                 RETURNING user_id, kind, entries, bytes), \
                 added AS (INSERT INTO storage_usage AS kept (tenant, user_id, kind, entries, bytes) \
                 SELECT $1, user_id, kind, SUM(entries), SUM(bytes) FROM gone GROUP BY user_id, kind \
                 ON CONFLICT (tenant, user_id, kind) DO UPDATE SET entries = kept.entries + excluded.entries, \
                 bytes = kept.bytes + excluded.bytes) SELECT COUNT(*) FROM gone",
            )
            .bind(tenant.as_str())
            .bind(ADDED_UP_AT_ONCE)
            .one(&mut tx)
            .await?;
            tx.commit().await?;
            more |= gone >= ADDED_UP_AT_ONCE;
        }
        Ok(more)
    }

    /// Removes revocations that no token needs any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_revocations(&self, now_ms: i64) -> Result<(), StoreError> {
        let tenants: Vec<(String,)> = query("SELECT DISTINCT tenant FROM revocations WHERE expires_at <= $1 LIMIT 100")
            .bind(At(now_ms))
            .all(self.read(Scope::Worker))
            .await?;
        for (tenant,) in tenants {
            let tenant = tenant_of(tenant)?;
            let mut tx = self.begin(&tenant).await?;
            query("DELETE FROM revocations WHERE tenant = $1 AND expires_at <= $2")
                .bind(tenant.as_str())
                .bind(At(now_ms))
                .run(&mut tx)
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
