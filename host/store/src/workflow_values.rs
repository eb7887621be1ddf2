//! Variables, resources and states: listing, counting, removing. Storing and reading one stands in [`workflow_items`](crate::workflow_items).

use openanalyst_domain::{Owner, TenantId};

use crate::sql::{At, Page, query};
use crate::{Store, StoreError, Tx};

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRow {
    /// Where it stands.
    pub path: String,
    /// Who wrote it last.
    pub user_id: String,
    /// JSON.
    pub value: String,
    /// When it was last written.
    pub updated_at_ms: i64,
}

impl Tx {
    /// Removes a value; says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_value(&mut self, tenant: &TenantId, kind: &str, path: &str) -> Result<bool, StoreError> {
        let changed = query("DELETE FROM workflow_values WHERE tenant = $1 AND kind = $2 AND path = $3")
            .bind(tenant.as_str())
            .bind(kind)
            .bind(path)
            .run(self)
            .await?;
        Ok(changed == 1)
    }

    /// How many values of a kind this user has written.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_values(&mut self, owner: &Owner, kind: &str) -> Result<u64, StoreError> {
        let count = "SELECT COUNT(*) FROM workflow_values WHERE tenant = $1 AND kind = $2 AND user_id = $3";
        self.count_of(count, owner, kind).await
    }
}

impl Store {
    /// Values of the tenant whose path begins with `prefix` and stands after `after`, sorted by path.
    ///
    /// # Errors
    /// The database's.
    pub async fn values(
        &self,
        tenant: &TenantId,
        kind: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<ValueRow>, StoreError> {
        let raw: Page<(String, String, String, At)> = query(
            "SELECT path, user_id, value, updated_at FROM workflow_values \
             WHERE tenant = $1 AND kind = $2 AND substr(path, 1, length($3)) = $3 AND path > $4 ORDER BY path LIMIT $5",
        )
        .bind(tenant.as_str())
        .bind(kind)
        .bind(prefix)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .page(self.read(tenant))
        .await?;
        raw.try_map(|(path, user_id, value, at)| Ok(ValueRow { path, user_id, value, updated_at_ms: at.0 }))
    }
}
