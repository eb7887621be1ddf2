//! What a tenant decided for itself, the publishers that it trusts, and tokens that ended before their time.

use openanalyst_domain::TenantId;
use serde::Serialize;
use serde_json::Value;

use crate::sql::{At, Json, from_row, ms, query};
use crate::{Scope, Store, StoreError, Tx, json, tenant_of, to_json};

/// A publisher that a tenant trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublisherRow {
    /// The key, as text.
    pub public_key: String,
    /// Whose it is, in words.
    pub label: String,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at_ms: i64,
}

/// A revocation: one token, or (with an empty id) all of a user that were issued before a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRow {
    /// The tenant.
    pub tenant: TenantId,
    /// The user. Empty where only the token is known.
    pub user: String,
    /// The token's id.
    pub token_id: String,
    /// For all tokens of a user: those issued before this moment.
    pub issued_before_ms: Option<i64>,
    /// When the revocation need not be kept any longer.
    pub expires_at_ms: i64,
}

struct RawRevocation {
    tenant: String,
    user_id: String,
    token_id: String,
    issued_before: Option<At>,
    expires_at: At,
}

from_row!(RawRevocation { tenant, user_id, token_id, issued_before, expires_at });

impl Tx {
    /// Replaces the tenant's settings.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_tenant_settings(
        &mut self,
        tenant: &TenantId,
        settings: &Value,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO tenants (tenant, settings, revision, created_at, updated_at) VALUES ($1, $2, 1, $3, $3) \
             ON CONFLICT (tenant) DO UPDATE SET settings = excluded.settings, revision = tenants.revision + 1, \
             updated_at = excluded.updated_at",
        )
        .bind(tenant.as_str())
        .bind(to_json(settings))
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(())
    }

    /// Replaces the keys that the tenant trusts.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_publishers(
        &mut self,
        tenant: &TenantId,
        publishers: &[(String, String)],
        by: &str,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        query("DELETE FROM publisher_keys WHERE tenant = $1").bind(tenant.as_str()).run(self).await?;
        for (public_key, label) in publishers {
            query(
                "INSERT INTO publisher_keys (tenant, public_key, label, added_by, added_at) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(tenant.as_str())
            .bind(public_key)
            .bind(label)
            .bind(by)
            .bind(At(at_ms))
            .run(self)
            .await?;
        }
        Ok(())
    }

    /// Revokes; a second time changes nothing but the moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoke(&mut self, row: &RevocationRow, by: &str, at_ms: i64) -> Result<(), StoreError> {
        query(
            "INSERT INTO revocations (tenant, user_id, token_id, issued_before, expires_at, revoked_by, revoked_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, user_id, token_id) DO UPDATE SET \
             issued_before = excluded.issued_before, expires_at = excluded.expires_at, revoked_by = excluded.revoked_by, \
             revoked_at = excluded.revoked_at",
        )
        .bind(row.tenant.as_str())
        .bind(&row.user)
        .bind(&row.token_id)
        .bind(At::maybe(row.issued_before_ms))
        .bind(At(row.expires_at_ms))
        .bind(by)
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The tenant's settings; an empty object if it never had any.
    ///
    /// # Errors
    /// The database's.
    pub async fn tenant_settings(&self, tenant: &TenantId) -> Result<Value, StoreError> {
        let row: Option<(Json,)> = query("SELECT settings FROM tenants WHERE tenant = $1")
            .bind(tenant.as_str())
            .optional(self.read(tenant))
            .await?;
        row.map_or_else(|| Ok(Value::Object(serde_json::Map::new())), |(text,)| json("tenant settings", &text))
    }

    /// The publishers that the tenant trusts.
    ///
    /// # Errors
    /// The database's.
    pub async fn publishers(&self, tenant: &TenantId) -> Result<Vec<PublisherRow>, StoreError> {
        let rows: Vec<(String, String, String, At)> = query(
            "SELECT public_key, label, added_by, added_at FROM publisher_keys WHERE tenant = $1 ORDER BY public_key",
        )
        .bind(tenant.as_str())
        .all(self.read(tenant))
        .await?;
        Ok(rows
            .into_iter()
            .map(|(public_key, label, added_by, at)| PublisherRow { public_key, label, added_by, added_at_ms: at.0 })
            .collect())
    }

    /// Every revocation that still matters. For every node: it meets tokens of every tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn revocations_of_all_tenants(&self, now_ms: i64) -> Result<Vec<RevocationRow>, StoreError> {
        let rows: Vec<RawRevocation> =
            query("SELECT tenant, user_id, token_id, issued_before, expires_at FROM revocations WHERE expires_at > $1")
                .bind(At(now_ms))
                .all(self.read(Scope::Worker))
                .await?;
        rows.into_iter()
            .map(|raw| {
                Ok(RevocationRow {
                    tenant: tenant_of(raw.tenant)?,
                    user: raw.user_id,
                    token_id: raw.token_id,
                    issued_before_ms: ms(raw.issued_before),
                    expires_at_ms: raw.expires_at.0,
                })
            })
            .collect()
    }
}
