//! Scripts, flows, apps and values that tenants keep in the embedded workflow engine.

use openanalyst_domain::{Owner, TenantId};

use crate::db::Source;
use crate::sql::{At, Page, from_row, query};
use crate::{Store, StoreError, Tx};

/// A stored script, flow or app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// `script`, `flow` or `app`.
    pub kind: String,
    /// Where it stands.
    pub path: String,
    /// Who wrote it last.
    pub user_id: String,
    /// One line about it.
    pub summary: String,
    /// The language, for scripts.
    pub language: Option<String>,
    /// The program, or the JSON of the flow or app.
    pub value: String,
    /// Counts up from 1.
    pub version: i64,
    /// When it was last written.
    pub updated_at_ms: i64,
}

struct Raw {
    kind: String,
    path: String,
    user_id: String,
    summary: String,
    language: Option<String>,
    value: String,
    version: i64,
    updated_at: At,
}

from_row!(Raw { kind, path, user_id, summary, language, value, version, updated_at });

impl From<Raw> for ItemRow {
    fn from(raw: Raw) -> Self {
        Self {
            kind: raw.kind,
            path: raw.path,
            user_id: raw.user_id,
            summary: raw.summary,
            language: raw.language,
            value: raw.value,
            version: raw.version,
            updated_at_ms: raw.updated_at.0,
        }
    }
}

impl Tx {
    /// Stores an item, or a new version of it; gives the version.
    ///
    /// # Errors
    /// The database's.
    #[allow(clippy::too_many_arguments)]
    pub async fn put_item(
        &mut self,
        owner: &Owner,
        kind: &str,
        path: &str,
        summary: &str,
        language: Option<&str>,
        value: &str,
        at_ms: i64,
    ) -> Result<i64, StoreError> {
        let (version,): (i64,) = query(
            "INSERT INTO workflow_items (tenant, kind, path, user_id, summary, language, value, version, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8) ON CONFLICT (tenant, kind, path) DO UPDATE SET \
             user_id = excluded.user_id, summary = excluded.summary, language = excluded.language, value = excluded.value, \
             version = workflow_items.version + 1, updated_at = excluded.updated_at RETURNING version",
        )
        .bind(owner.tenant.as_str())
        .bind(kind)
        .bind(path)
        .bind(owner.user.as_str())
        .bind(summary)
        .bind(language)
        .bind(value)
        .bind(At(at_ms))
        .one(self)
        .await?;
        Ok(version)
    }

    /// Removes an item; says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_item(&mut self, tenant: &TenantId, kind: &str, path: &str) -> Result<bool, StoreError> {
        let changed = query("DELETE FROM workflow_items WHERE tenant = $1 AND kind = $2 AND path = $3")
            .bind(tenant.as_str())
            .bind(kind)
            .bind(path)
            .run(self)
            .await?;
        Ok(changed == 1)
    }

    /// Stores a value (`variable`, `resource` or `state`).
    ///
    /// # Errors
    /// The database's.
    pub async fn put_value(
        &mut self,
        owner: &Owner,
        kind: &str,
        path: &str,
        value: &str,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO workflow_values (tenant, kind, path, user_id, value, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (tenant, kind, path) DO UPDATE SET user_id = excluded.user_id, value = excluded.value, \
             updated_at = excluded.updated_at",
        )
        .bind(owner.tenant.as_str())
        .bind(kind)
        .bind(path)
        .bind(owner.user.as_str())
        .bind(value)
        .bind(At(at_ms))
        .run(self)
.await?;
        Ok(())
    }
}

async fn item_in(
    source: impl Source,
    tenant: &TenantId,
    kind: &str,
    path: &str,
) -> Result<Option<ItemRow>, StoreError> {
    let raw: Option<Raw> = query(
        "SELECT kind, path, user_id, summary, language, value, version, updated_at FROM workflow_items \
         WHERE tenant = $1 AND kind = $2 AND path = $3",
    )
    .bind(tenant.as_str())
    .bind(kind)
    .bind(path)
    .optional(source)
    .await?;
    Ok(raw.map(ItemRow::from))
}

impl Tx {
    /// As [`Store::item`], as this transaction sees it.
    ///
    /// # Errors
    /// The database's.
    pub async fn item(&mut self, tenant: &TenantId, kind: &str, path: &str) -> Result<Option<ItemRow>, StoreError> {
        item_in(self, tenant, kind, path).await
    }

    /// How many items of a kind this user has.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_items(&mut self, owner: &Owner, kind: &str) -> Result<u64, StoreError> {
        let count = "SELECT COUNT(*) FROM workflow_items WHERE tenant = $1 AND kind = $2 AND user_id = $3";
        self.count_of(count, owner, kind).await
    }

    /// Runs a count over the things of a kind that a user has.
    pub(crate) async fn count_of(&mut self, count: &'static str, owner: &Owner, kind: &str) -> Result<u64, StoreError> {
        let (count,): (i64,) =
            query(count).bind(owner.tenant.as_str()).bind(kind).bind(owner.user.as_str()).one(self).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The user who stored the value of this kind at this path, if there is one.
    ///
    /// # Errors
    /// The database's.
    pub async fn value_keeper(
        &mut self,
        tenant: &TenantId,
        kind: &str,
        path: &str,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            query("SELECT user_id FROM workflow_values WHERE tenant = $1 AND kind = $2 AND path = $3")
                .bind(tenant.as_str())
                .bind(kind)
                .bind(path)
                .optional(self)
                .await?;
        Ok(row.map(|(user,)| user))
    }
}

impl Store {
    /// An item of the tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn item(&self, tenant: &TenantId, kind: &str, path: &str) -> Result<Option<ItemRow>, StoreError> {
        item_in(self.read(tenant), tenant, kind, path).await
    }

    /// Items of the tenant whose path begins with `prefix` and stands after `after`, sorted by path.
    ///
    /// # Errors
    /// The database's.
    pub async fn items(
        &self,
        tenant: &TenantId,
        kind: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<ItemRow>, StoreError> {
        let raw: Page<Raw> = query(
            "SELECT kind, path, user_id, summary, language, value, version, updated_at FROM workflow_items \
             WHERE tenant = $1 AND kind = $2 AND substr(path, 1, length($3)) = $3 AND path > $4 ORDER BY path LIMIT $5",
        )
        .bind(tenant.as_str())
        .bind(kind)
        .bind(prefix)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .page(self.read(tenant))
        .await?;
        raw.try_map(|raw| Ok(ItemRow::from(raw)))
    }

    /// A stored value.
    ///
    /// # Errors
    /// The database's.
    pub async fn value(&self, tenant: &TenantId, kind: &str, path: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            query("SELECT value FROM workflow_values WHERE tenant = $1 AND kind = $2 AND path = $3")
                .bind(tenant.as_str())
                .bind(kind)
                .bind(path)
                .optional(self.read(tenant))
                .await?;
        Ok(row.map(|(value,)| value))
    }
}
