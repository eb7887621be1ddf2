//! Secrets of tenants: sealed bytes that only the host's key opens, and for whom they are.

use openanalyst_domain::TenantId;

use crate::sql::{At, Json, from_row, query};
use crate::{Scope, Store, StoreError, Tx, json, tenant_of, to_json};

/// A stored secret. The value is sealed.
#[derive(Clone)]
pub struct SecretRow {
    /// Its name.
    pub key: String,
    /// The hosts that it may be sent to.
    pub audience: Vec<String>,
    /// The sealed value.
    pub sealed: Vec<u8>,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at_ms: i64,
}

impl std::fmt::Debug for SecretRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretRow").field("key", &self.key).field("audience", &self.audience).finish_non_exhaustive()
    }
}

struct Raw {
    key: String,
    audience: Json,
    sealed: Vec<u8>,
    set_by: String,
    set_at: At,
}

from_row!(Raw { key, audience, sealed, set_by, set_at });

impl Tx {
    /// Sets a secret of a skill; what was set before is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_secret(&mut self, tenant: &TenantId, skill: &str, secret: &SecretRow) -> Result<(), StoreError> {
        query(
            "INSERT INTO secrets (tenant, skill, key, audience, sealed, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (tenant, skill, key) DO UPDATE SET audience = excluded.audience, sealed = excluded.sealed, \
             set_by = excluded.set_by, set_at = excluded.set_at",
        )
        .bind(tenant.as_str())
        .bind(skill)
        .bind(&secret.key)
        .bind(to_json(&secret.audience))
        .bind(secret.sealed.as_slice())
        .bind(&secret.set_by)
        .bind(At(secret.set_at_ms))
        .run(self)
        .await?;
        Ok(())
    }

    /// Removes a secret; says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_secret(&mut self, tenant: &TenantId, skill: &str, key: &str) -> Result<bool, StoreError> {
        let gone = query("DELETE FROM secrets WHERE tenant = $1 AND skill = $2 AND key = $3")
            .bind(tenant.as_str())
            .bind(skill)
            .bind(key)
            .run(self)
            .await?;
        Ok(gone == 1)
    }
}

impl Store {
    /// Tenants that have a secret, at most `limit`. For `doctor`.
    ///
    /// # Errors
    /// The database's.
    pub async fn tenants_with_secrets(&self, limit: u32) -> Result<Vec<TenantId>, StoreError> {
        let found: Vec<(String,)> = query("SELECT DISTINCT tenant FROM secrets ORDER BY tenant LIMIT $1")
            .bind(i64::from(limit))
            .all(self.read(Scope::Worker))
            .await?;
        found.into_iter().map(|(tenant,)| tenant_of(tenant)).collect()
    }

    /// The skills of a tenant that have a secret.
    ///
    /// # Errors
    /// The database's.
    pub async fn skills_with_secrets(&self, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
        let found: Vec<(String,)> = query("SELECT DISTINCT skill FROM secrets WHERE tenant = $1 ORDER BY skill")
            .bind(tenant.as_str())
            .all(self.read(tenant))
            .await?;
        Ok(found.into_iter().map(|(skill,)| skill).collect())
    }

    /// The secrets of a skill, sorted by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn secrets(&self, tenant: &TenantId, skill: &str) -> Result<Vec<SecretRow>, StoreError> {
        let raw: Vec<Raw> = query(
            "SELECT key, audience, sealed, set_by, set_at FROM secrets WHERE tenant = $1 AND skill = $2 ORDER BY key",
        )
        .bind(tenant.as_str())
        .bind(skill)
        .all(self.read(tenant))
        .await?;
        raw.into_iter()
            .map(|raw| {
                Ok(SecretRow {
                    key: raw.key,
                    audience: json("audience", &raw.audience)?,
                    sealed: raw.sealed,
                    set_by: raw.set_by,
                    set_at_ms: raw.set_at.0,
                })
            })
            .collect()
    }
}
