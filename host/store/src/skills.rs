//! The skills that a tenant has uploaded: versions, which one is active, its grants and its budget.

use openanalyst_domain::TenantId;
use serde_json::Value;

use crate::sql::{At, Json, from_row, query};
use crate::{Scope, Store, StoreError, Tx, json, tenant_of, to_json};

/// A version, before it is stored.
#[derive(Debug, Clone)]
pub struct NewVersion<'a> {
    /// The skill.
    pub skill: &'a str,
    /// The digest of its package.
    pub digest: &'a str,
    /// What `SKILL.md` says.
    pub version: &'a str,
    /// The digest of its component. None: a prompt skill.
    pub component_digest: Option<&'a str>,
    /// The size of the package.
    pub package_bytes: i64,
    /// What `SKILL.md` says, as JSON.
    pub manifest: &'a Value,
    /// The warnings of the upload.
    pub findings: &'a Value,
    /// Who signed it.
    pub publisher: Option<&'a str>,
    /// Who uploaded it.
    pub uploaded_by: &'a str,
    /// When.
    pub at_ms: i64,
}

/// A stored version.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// The skill.
    pub skill: String,
    /// The digest of its package.
    pub digest: String,
    /// Its version.
    pub version: String,
    /// The digest of its component. None: a prompt skill.
    pub component_digest: Option<String>,
    /// The size of the package.
    pub package_bytes: i64,
    /// What `SKILL.md` says, as JSON.
    pub manifest: Value,
    /// The warnings of the upload.
    pub findings: Value,
    /// Who signed it.
    pub publisher: Option<String>,
    /// Who uploaded it.
    pub uploaded_by: String,
    /// When.
    pub uploaded_at_ms: i64,
}

struct RawVersion {
    skill: String,
    digest: String,
    version: String,
    component_digest: Option<String>,
    package_bytes: i64,
    manifest: Json,
    findings: Json,
    publisher: Option<String>,
    uploaded_by: String,
    uploaded_at: At,
}

from_row!(RawVersion {
    skill,
    digest,
    version,
    component_digest,
    package_bytes,
    manifest,
    findings,
    publisher,
    uploaded_by,
    uploaded_at
});

impl TryFrom<RawVersion> for VersionRow {
    type Error = StoreError;
    fn try_from(raw: RawVersion) -> Result<Self, StoreError> {
        Ok(Self {
            skill: raw.skill,
            digest: raw.digest,
            version: raw.version,
            component_digest: raw.component_digest,
            package_bytes: raw.package_bytes,
            manifest: json("manifest", &raw.manifest)?,
            findings: json("findings", &raw.findings)?,
            publisher: raw.publisher,
            uploaded_by: raw.uploaded_by,
            uploaded_at_ms: raw.uploaded_at.0,
        })
    }
}

/// What a tenant decided about a skill.
#[derive(Debug, Clone)]
pub struct InstallationRow {
    /// The skill.
    pub skill: String,
    /// The digest of the active version. Empty: the one that comes with the host.
    pub digest: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether its grants were ever set; a bundled skill whose were not has what it asks for.
    pub granted: bool,
    /// The limits that were set, as JSON.
    pub budget: Value,
    /// Who activated it.
    pub activated_by: String,
    /// When.
    pub activated_at_ms: i64,
}

struct RawInstallation {
    skill: String,
    digest: String,
    enabled: bool,
    granted: bool,
    budget: Json,
    activated_by: String,
    activated_at: At,
}

from_row!(RawInstallation { skill, digest, enabled, granted, budget, activated_by, activated_at });

impl TryFrom<RawInstallation> for InstallationRow {
    type Error = StoreError;
    fn try_from(raw: RawInstallation) -> Result<Self, StoreError> {
        Ok(Self {
            skill: raw.skill,
            digest: raw.digest,
            enabled: raw.enabled,
            granted: raw.granted,
            budget: json("budget", &raw.budget)?,
            activated_by: raw.activated_by,
            activated_at_ms: raw.activated_at.0,
        })
    }
}

/// One grant: a capability and its target, which is empty where the capability has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantRow {
    /// The skill.
    pub skill: String,
    /// The capability's key in `SKILL.md`.
    pub capability: String,
    /// The path, host, scope, skill or secret.
    pub target: String,
}

from_row!(GrantRow { skill, capability, target });

macro_rules! select_versions {
    ($rest:literal) => {
        concat!(
            "SELECT skill, digest, version, component_digest, package_bytes, manifest, findings, publisher, uploaded_by, uploaded_at \
             FROM skill_versions ",
            $rest
        )
    };
}

const SELECT_INSTALLATIONS: &str = "SELECT skill, digest, enabled, granted, budget, activated_by, activated_at \
     FROM installations WHERE tenant = $1 ORDER BY skill";

impl Tx {
    /// Stores a version. False if this digest is there already.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_version(&mut self, tenant: &TenantId, version: &NewVersion<'_>) -> Result<bool, StoreError> {
        query(
            "INSERT INTO skills (tenant, name, created_by, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(version.skill)
        .bind(version.uploaded_by)
        .bind(At(version.at_ms))
        .run(self)
        .await?;
        let added = query(
            "INSERT INTO skill_versions (tenant, skill, digest, version, component_digest, package_bytes, manifest, findings, publisher, \
             uploaded_by, uploaded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tenant, skill, digest) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(version.skill)
        .bind(version.digest)
        .bind(version.version)
        .bind(version.component_digest)
        .bind(version.package_bytes)
        .bind(to_json(version.manifest))
        .bind(to_json(version.findings))
        .bind(version.publisher)
        .bind(version.uploaded_by)
        .bind(At(version.at_ms))
        .run(self)
        .await?;
        Ok(added == 1)
    }

    /// The versions of a skill, as this transaction sees them, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn versions(&mut self, tenant: &TenantId, skill: &str) -> Result<Vec<VersionRow>, StoreError> {
        let raw: Vec<RawVersion> =
            query(select_versions!("WHERE tenant = $1 AND skill = $2 ORDER BY uploaded_at DESC, digest"))
                .bind(tenant.as_str())
                .bind(skill)
                .all(self)
                .await?;
        raw.into_iter().map(VersionRow::try_from).collect()
    }

    /// How many versions the tenant has stored, and the bytes of their packages.
    ///
    /// # Errors
    /// The database's.
    pub async fn package_usage(&mut self, tenant: &TenantId) -> Result<(u64, u64), StoreError> {
        let (versions, bytes): (i64, i64) = query(
            "SELECT COUNT(*), CAST(COALESCE(SUM(package_bytes), 0) AS BIGINT) FROM skill_versions WHERE tenant = $1",
        )
        .bind(tenant.as_str())
        .one(self)
        .await?;
        Ok((u64::try_from(versions).unwrap_or(0), u64::try_from(bytes).unwrap_or(0)))
    }

    /// Waits until nobody else stores or collects this package, until the end of the transaction: its
    /// row and its bytes come and go together.
    ///
    /// # Errors
    /// The database's.
    pub async fn hold_package(&mut self, digest: &str) -> Result<(), StoreError> {
        self.hold_of_all(&format!("package {digest}")).await
    }

    /// Removes an uploaded skill with its versions, installation, grants and secrets; says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_skill(&mut self, tenant: &TenantId, skill: &str) -> Result<bool, StoreError> {
        for statement in [
            "DELETE FROM secrets WHERE tenant = $1 AND skill = $2",
            "DELETE FROM installations WHERE tenant = $1 AND skill = $2",
        ] {
            query(statement).bind(tenant.as_str()).bind(skill).run(self).await?;
        }
        let removed = query("DELETE FROM skills WHERE tenant = $1 AND name = $2")
            .bind(tenant.as_str())
            .bind(skill)
            .run(self)
            .await?;
        Ok(removed == 1)
    }

    /// Writes an installation as a whole.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_installation(
        &mut self,
        tenant: &TenantId,
        installation: &InstallationRow,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO installations (tenant, skill, digest, enabled, granted, budget, activated_by, activated_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, skill) DO UPDATE SET digest = excluded.digest, \
             enabled = excluded.enabled, granted = excluded.granted, budget = excluded.budget, activated_by = excluded.activated_by, \
             activated_at = excluded.activated_at, updated_at = excluded.updated_at",
        )
        .bind(tenant.as_str())
        .bind(&installation.skill)
        .bind(&installation.digest)
        .bind(installation.enabled)
        .bind(installation.granted)
        .bind(to_json(&installation.budget))
        .bind(&installation.activated_by)
        .bind(At(installation.activated_at_ms))
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(())
    }

    /// The installation of a skill, as this transaction sees it.
    ///
    /// # Errors
    /// The database's.
    pub async fn installation(
        &mut self,
        tenant: &TenantId,
        skill: &str,
    ) -> Result<Option<InstallationRow>, StoreError> {
        let raw: Vec<RawInstallation> = query(SELECT_INSTALLATIONS).bind(tenant.as_str()).all(self).await?;
        raw.into_iter().find(|row| row.skill == skill).map(InstallationRow::try_from).transpose()
    }

    /// Replaces the grants of an installation, which must be there.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_grants(
        &mut self,
        tenant: &TenantId,
        skill: &str,
        grants: &[(String, String)],
        by: &str,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        query("DELETE FROM grants WHERE tenant = $1 AND skill = $2")
            .bind(tenant.as_str())
            .bind(skill)
            .run(self)
            .await?;
        for (capability, target) in grants {
            query(
                "INSERT INTO grants (tenant, skill, capability, target, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(tenant.as_str())
            .bind(skill)
            .bind(capability)
            .bind(target)
            .bind(by)
            .bind(At(at_ms))
            .run(self)
            .await?;
        }
        Ok(())
    }

    /// Counts a change of the tenant's skills, so that every process reads them again.
    ///
    /// # Errors
    /// The database's.
    pub async fn touch_skills(&mut self, tenant: &TenantId, at_ms: i64) -> Result<(), StoreError> {
        query(
            "INSERT INTO tenants (tenant, revision, created_at, updated_at) VALUES ($1, 1, $2, $2) \
             ON CONFLICT (tenant) DO UPDATE SET revision = tenants.revision + 1, updated_at = excluded.updated_at",
        )
        .bind(tenant.as_str())
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// How often the tenant's skills have changed; 0 if never.
    ///
    /// # Errors
    /// The database's.
    pub async fn skills_revision(&self, tenant: &TenantId) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = query("SELECT revision FROM tenants WHERE tenant = $1")
            .bind(tenant.as_str())
            .optional(self.read(tenant))
            .await?;
        Ok(row.map_or(0, |(revision,)| revision))
    }

    /// What the tenant decided about its skills, sorted by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn installations(&self, tenant: &TenantId) -> Result<Vec<InstallationRow>, StoreError> {
        let raw: Vec<RawInstallation> =
            query(SELECT_INSTALLATIONS).bind(tenant.as_str()).all(self.read(tenant)).await?;
        raw.into_iter().map(InstallationRow::try_from).collect()
    }

    /// All grants of the tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn grants(&self, tenant: &TenantId) -> Result<Vec<GrantRow>, StoreError> {
        query("SELECT skill, capability, target FROM grants WHERE tenant = $1 ORDER BY skill, capability, target")
            .bind(tenant.as_str())
            .all(self.read(tenant))
            .await
    }

    /// All versions that the tenant has uploaded, of one skill if given, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn skill_versions(&self, tenant: &TenantId, skill: Option<&str>) -> Result<Vec<VersionRow>, StoreError> {
        let raw: Vec<RawVersion> = query(select_versions!(
            "WHERE tenant = $1 AND ($2 IS NULL OR skill = $2) ORDER BY skill, uploaded_at DESC, digest"
        ))
        .bind(tenant.as_str())
        .bind(skill)
        .all(self.read(tenant))
        .await?;
        raw.into_iter().map(VersionRow::try_from).collect()
    }

    /// Tenants that have uploaded a package, at most `limit`. For `doctor`.
    ///
    /// # Errors
    /// The database's.
    pub async fn tenants_with_packages(&self, limit: u32) -> Result<Vec<TenantId>, StoreError> {
        let found: Vec<(String,)> = query("SELECT DISTINCT tenant FROM skill_versions ORDER BY tenant LIMIT $1")
            .bind(i64::from(limit))
            .all(self.read(Scope::Worker))
            .await?;
        found.into_iter().map(|(tenant,)| tenant_of(tenant)).collect()
    }

    /// The names of uploaded skills after a name, sorted, at most `limit` of them.
    ///
    /// # Errors
    /// The database's.
    pub async fn skill_names(&self, tenant: &TenantId, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> =
            query("SELECT name FROM skills WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3")
                .bind(tenant.as_str())
                .bind(after)
                .bind(i64::from(limit))
                .all(self.read(tenant))
                .await?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// The versions of the skills from one name to another, both included, newest first in each.
    ///
    /// # Errors
    /// The database's.
    pub async fn versions_of_skills(
        &self,
        tenant: &TenantId,
        first: &str,
        last: &str,
    ) -> Result<Vec<VersionRow>, StoreError> {
        let raw: Vec<RawVersion> = query(select_versions!(
            "WHERE tenant = $1 AND skill >= $2 AND skill <= $3 ORDER BY skill, uploaded_at DESC, digest"
        ))
        .bind(tenant.as_str())
        .bind(first)
        .bind(last)
        .all(self.read(tenant))
        .await?;
        raw.into_iter().map(VersionRow::try_from).collect()
    }

    /// The versions that are active in enabled installations.
    ///
    /// # Errors
    /// The database's.
    pub async fn active_versions(&self, tenant: &TenantId) -> Result<Vec<VersionRow>, StoreError> {
        let raw: Vec<RawVersion> = query(
            "SELECT v.skill, v.digest, v.version, v.component_digest, v.package_bytes, v.manifest, v.findings, v.publisher, v.uploaded_by, \
             v.uploaded_at FROM skill_versions v JOIN installations i ON i.tenant = v.tenant AND i.skill = v.skill AND i.digest = v.digest \
             WHERE v.tenant = $1 AND i.tenant = $1 AND i.enabled ORDER BY v.skill",
        )
        .bind(tenant.as_str())
        .all(self.read(tenant))
        .await?;
        raw.into_iter().map(VersionRow::try_from).collect()
    }
}
