//! Changing what a tenant has: activate, roll back, disable, remove, grant, limit. Each is one transaction with its row in the audit log.

use std::sync::Arc;

use openanalyst_domain::{Clock, MessageId, TenantId, UserId};
use openanalyst_package::{Capabilities, Manifest};
use openanalyst_runtime::Sandbox;
use openanalyst_store::audit::{Deed, NewDeed};
use openanalyst_store::quotas::Quotas;
use openanalyst_store::receipts::{ReceiptRow, Usage};
use openanalyst_store::retention::Retention;
use openanalyst_store::skills::{GrantRow, InstallationRow, VersionRow};
use openanalyst_store::tenants::RevocationRow;
use openanalyst_store::{Page, Store, Tx};
use serde::Serialize;
use serde_json::{Value, json};

use crate::catalog::{Catalog, settings_of};
use crate::grants::{from_rows, to_rows};
use crate::limits::{DailyQuota, SkillLimits};
use crate::packages::PackageStore;
use crate::tenant::TenantSettings;
use crate::vault::Vault;
use crate::{FALLBACK_SKILL, RegistryError};

/// How long a revocation is kept: no token is valid for longer than a year.
const KEPT_MS: i64 = 400 * 24 * 60 * 60 * 1_000;

/// Who changes something, and from where. For the audit log.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user.
    pub name: String,
    /// An address, or `local`.
    pub origin: String,
}

/// What a registry is made with.
pub struct RegistryOptions {
    /// The record.
    pub store: Store,
    /// Where packages are kept.
    pub packages: Arc<dyn PackageStore>,
    /// What seals secrets.
    pub vault: Vault,
    /// What compiles components.
    pub sandbox: Sandbox,
    /// What can be used.
    pub catalog: Arc<Catalog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How much may be kept.
    pub quotas: Quotas,
    /// How long it is kept.
    pub retention: Retention,
}

/// Changes what tenants have. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<RegistryOptions>,
}

/// A skill of a tenant, as its administrators see it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstalledSkill {
    /// The identifier.
    pub name: String,
    /// The name as written.
    pub title: String,
    /// One paragraph.
    pub description: String,
    /// The active version, or the newest one where none is active.
    pub version: String,
    /// The digest of its package.
    pub digest: String,
    /// `active`, `disabled` or `inactive`.
    pub state: String,
    /// `bundled` or `uploaded`.
    pub source: String,
    /// Words and phrases that speak for it.
    pub triggers: Vec<String>,
    /// Utterances that should reach it.
    pub examples: Vec<String>,
    /// 1 first to 10.
    pub priority: u8,
    /// What it asks for.
    #[schema(value_type = Object)]
    pub requested: Capabilities,
    /// What it may use: requested ∩ granted.
    #[schema(value_type = Object)]
    pub capabilities: Capabilities,
    /// The limits that were set.
    pub limits: SkillLimits,
    /// Who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
}

impl Registry {
    /// Puts the parts together.
    #[must_use]
    pub fn new(options: RegistryOptions) -> Self {
        Self { inner: Arc::new(options) }
    }

    /// What can be used.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// The same, to be kept.
    #[must_use]
    pub fn shared_catalog(&self) -> Arc<Catalog> {
        self.inner.catalog.clone()
    }

    /// How much users and tenants may keep.
    #[must_use]
    pub fn quotas(&self) -> &Quotas {
        &self.inner.quotas
    }

    /// How long the operator keeps things.
    #[must_use]
    pub fn retention(&self) -> &Retention {
        &self.inner.retention
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn packages(&self) -> &dyn PackageStore {
        &*self.inner.packages
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// The tenant's skills after the name `after`, active or not, sorted by identifier: at most
    /// `limit`, and whether there are more. The number of queries does not depend on how many.
    ///
    /// # Errors
    /// The stores'.
    pub async fn list(
        &self,
        tenant: &TenantId,
        after: &str,
        limit: u32,
    ) -> Result<(Vec<InstalledSkill>, bool), RegistryError> {
        let limit = limit.max(1);
        let mut names = self.store().skill_names(tenant, after, limit.saturating_add(1)).await?;
        names.extend(self.catalog().names().into_iter().filter(|name| name.as_str() > after));
        names.sort();
        names.dedup();
        let length = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_cut = names.len() > length;
        names.truncate(length);
        let (Some(first), Some(last)) = (names.first(), names.last()) else { return Ok((Vec::new(), false)) };
        let versions = self.store().versions_of_skills(tenant, first, last).await?;
        let installations = self.store().installations(tenant).await?;
        let grants = self.store().grants(tenant).await?;
        let mut skills = Vec::with_capacity(names.len());
        for name in &names {
            let versions: Vec<&VersionRow> = versions.iter().filter(|row| row.skill == *name).collect();
            let installation = installations.iter().find(|row| row.skill == *name);
            let grants: Vec<&GrantRow> = grants.iter().filter(|row| row.skill == *name).collect();
            // One that is removed at this moment is left out.
            match self.view(name, installation, &versions, &grants) {
                Ok(skill) => skills.push(skill),
                Err(RegistryError::NoSuchSkill(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((skills, is_cut))
    }

    /// One skill of the tenant, active or not.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; the stores'.
    pub async fn show(&self, tenant: &TenantId, name: &str) -> Result<InstalledSkill, RegistryError> {
        let installation = self.installation(tenant, name).await?;
        let versions = self.store().skill_versions(tenant, Some(name)).await?;
        let grants = self.store().grants(tenant).await?;
        let grants: Vec<&GrantRow> = grants.iter().filter(|row| row.skill == name).collect();
        self.view(name, installation.as_ref(), &versions.iter().collect::<Vec<_>>(), &grants)
    }

    /// A skill as its administrators see it, from what is stored of it.
    fn view(
        &self,
        name: &str,
        installation: Option<&InstallationRow>,
        versions: &[&VersionRow],
        grants: &[&GrantRow],
    ) -> Result<InstalledSkill, RegistryError> {
        let bundled = self.catalog().bundled_version(name);
        let active = installation.map(|row| row.digest.as_str());
        let row = versions.iter().find(|row| Some(row.digest.as_str()) == active).or_else(|| versions.first());
        let (manifest, digest, publisher) = match (bundled, row) {
            (Some(version), _) => (version.manifest.clone(), version.digest().to_string(), None),
            (None, Some(row)) => (manifest_of(row)?, row.digest.clone(), row.publisher.clone()),
            (None, None) => return Err(RegistryError::NoSuchSkill(shown(name))),
        };
        let granted = match bundled {
            Some(version) if !installation.is_some_and(|row| row.granted) => version.manifest.capabilities.clone(),
            _ => from_rows(grants.iter().copied()),
        };
        let state = match installation {
            Some(row) if row.enabled => "active",
            Some(_) => "disabled",
            None if bundled.is_some() => "active",
            None => "inactive",
        };
        let limits = installation.map(|row| row.budget.clone()).unwrap_or_default();
        Ok(InstalledSkill {
            name: manifest.name,
            title: manifest.title,
            description: manifest.description,
            version: manifest.version.to_string(),
            digest,
            state: state.to_owned(),
            source: if bundled.is_some() { "bundled" } else { "uploaded" }.to_owned(),
            triggers: manifest.triggers,
            examples: manifest.examples,
            priority: manifest.priority,
            capabilities: manifest.capabilities.intersect(&granted),
            requested: manifest.capabilities,
            limits: serde_json::from_value(limits).unwrap_or_default(),
            publisher,
        })
    }

    /// The versions of a skill, newest first, each with whether it is active.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; the stores'.
    pub async fn versions(&self, tenant: &TenantId, name: &str) -> Result<Vec<Value>, RegistryError> {
        let skill = self.show(tenant, name).await?;
        if skill.source == "bundled" {
            return Ok(vec![json!({
                "version": skill.version, "digest": skill.digest, "state": skill.state, "source": "bundled",
            })]);
        }
        let rows = self.store().skill_versions(tenant, Some(name)).await?;
        let active = |digest: &str| if digest == skill.digest { skill.state.as_str() } else { "inactive" };
        Ok(rows
            .iter()
            .map(|row| {
                json!({
                    "version": row.version, "digest": row.digest, "state": active(&row.digest), "source": "uploaded",
                    "uploadedBy": row.uploaded_by, "uploadedAtMs": row.uploaded_at_ms, "packageBytes": row.package_bytes,
                    "publisher": row.publisher, "warnings": row.findings,
                })
            })
            .collect())
    }

    /// Makes a version the active one; the same call rolls back. Calls that run finish on their version.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`], [`RegistryError::NoSuchVersion`]; the stores'.
    pub async fn activate(
        &self,
        tenant: &TenantId,
        name: &str,
        version: Option<&str>,
        actor: &Actor,
    ) -> Result<InstalledSkill, RegistryError> {
        let now_ms = self.now_ms();
        let mut tx = self.begin(tenant).await?;
        let (digest, version) = match self.catalog().bundled_version(name) {
            Some(bundled) => {
                let only = bundled.manifest.version.to_string();
                if version.is_some_and(|asked| asked != only && asked != bundled.digest().as_str()) {
                    return Err(no_version(name, version, &[only]));
                }
                (String::new(), only)
            }
            None => {
                let rows = tx.versions(tenant, name).await?;
                if rows.is_empty() {
                    return Err(RegistryError::NoSuchSkill(shown(name)));
                }
                let found = match version {
                    Some(asked) => rows.iter().find(|row| row.version == asked || row.digest == asked),
                    None => rows.first(),
                };
                let Some(row) = found else {
                    let known: Vec<String> = rows.iter().map(|row| row.version.clone()).collect();
                    return Err(no_version(name, version, &known));
                };
                (row.digest.clone(), row.version.clone())
            }
        };
        let before = tx.installation(tenant, name).await?;
        let row = InstallationRow {
            skill: name.to_owned(),
            digest: digest.clone(),
            enabled: true,
            activated_by: actor.name.clone(),
            activated_at_ms: now_ms,
            ..before.clone().unwrap_or_else(|| fresh(name, actor, now_ms))
        };
        tx.put_installation(tenant, &row, now_ms).await?;
        let data = json!({ "version": version, "digest": digest, "before": before.map(|row| row.digest) });
        self.end(tx, tenant, actor, "skill.activate", name, data).await?;
        self.show(tenant, name).await
    }

    /// Takes a skill out of use; its versions, grants and secrets stay. Calls that run finish.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; [`RegistryError::WrongState`] for the skill that takes what no other one understands; the stores'.
    pub async fn disable(&self, tenant: &TenantId, name: &str, actor: &Actor) -> Result<InstalledSkill, RegistryError> {
        if name == FALLBACK_SKILL {
            return Err(RegistryError::WrongState(format!(
                "`{FALLBACK_SKILL}` takes what no other skill understands and cannot be disabled: take its grants away instead"
            )));
        }
        self.change(tenant, name, actor, "skill.disable", json!({}), |row| row.enabled = false).await?;
        self.show(tenant, name).await
    }

    /// Removes an uploaded skill with all its versions, grants and secrets. Calls that run finish.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; [`RegistryError::WrongState`] for a skill that comes with the host; the stores'.
    pub async fn remove(&self, tenant: &TenantId, name: &str, actor: &Actor) -> Result<(), RegistryError> {
        if self.catalog().bundled_version(name).is_some() {
            return Err(RegistryError::WrongState(format!(
                "`{name}` comes with the host and cannot be removed: disable it instead"
            )));
        }
        let mut tx = self.begin(tenant).await?;
        let versions = tx.versions(tenant, name).await?;
        if !tx.remove_skill(tenant, name).await? {
            return Err(RegistryError::NoSuchSkill(shown(name)));
        }
        self.end(tx, tenant, actor, "skill.remove", name, json!({})).await?;
        self.quotas().forget(tenant);
        let digests: Vec<String> = versions.into_iter().map(|row| row.digest).collect();
        // The skill is removed, whatever comes of its bytes.
        if let Err(error) = self.remove_packages(tenant, &digests, None).await {
            tracing::warn!(%error, "the packages of a removed skill could not be removed");
        }
        Ok(())
    }

    /// What is granted to a skill, whether or not it asks for it.
    ///
    /// # Errors
    /// The stores'.
    pub async fn granted(&self, tenant: &TenantId, name: &str) -> Result<Capabilities, RegistryError> {
        let installation = self.installation(tenant, name).await?;
        if !installation.is_some_and(|row| row.granted)
            && let Some(bundled) = self.catalog().bundled_version(name)
        {
            return Ok(bundled.manifest.capabilities.clone());
        }
        let rows = self.store().grants(tenant).await?;
        Ok(from_rows(rows.iter().filter(|row| row.skill == name)))
    }

    /// Replaces the grants of a skill. They hold from the next invocation on.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; [`RegistryError::Invalid`] for a grant that no version of the skill asks for; the stores'.
    pub async fn grant(
        &self,
        tenant: &TenantId,
        name: &str,
        grants: &Capabilities,
        actor: &Actor,
    ) -> Result<InstalledSkill, RegistryError> {
        let skill = self.show(tenant, name).await?;
        let mut asked = vec![skill.requested.clone()];
        for row in self.store().skill_versions(tenant, Some(name)).await? {
            asked.push(manifest_of(&row)?.capabilities);
        }
        let rows = to_rows(grants);
        for (capability, target) in &rows {
            let one = from_rows([&GrantRow {
                skill: name.to_owned(),
                capability: capability.clone(),
                target: target.clone(),
            }]);
            if !asked.iter().any(|asked| asked.intersect(&one) == one.intersect(&one)) {
                let shown = if target.is_empty() { capability.clone() } else { format!("{capability}: {target}") };
                return Err(RegistryError::Invalid(format!(
                    "the skill `{name}` does not ask for `{shown}`, so it cannot be granted: grant what its SKILL.md asks for, or less"
                )));
            }
        }
        let now_ms = self.now_ms();
        let mut tx = self.begin(tenant).await?;
        let mut row = self.row(&mut tx, tenant, name, actor).await?;
        row.granted = true;
        tx.put_installation(tenant, &row, now_ms).await?;
        tx.put_grants(tenant, name, &rows, &actor.name, now_ms).await?;
        self.end(tx, tenant, actor, "skill.grant", name, json!({ "grants": grants })).await?;
        self.show(tenant, name).await
    }

    /// Sets the limits of a skill. They hold from the next invocation on.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; [`RegistryError::Invalid`] for what is more than the operator allows; the stores'.
    pub async fn limit(
        &self,
        tenant: &TenantId,
        name: &str,
        limits: &SkillLimits,
        actor: &Actor,
    ) -> Result<InstalledSkill, RegistryError> {
        limits.budget(self.catalog().ceiling()).map_err(RegistryError::Invalid)?;
        let value = serde_json::to_value(limits).map_err(|error| RegistryError::Internal(error.to_string()))?;
        self.change(tenant, name, actor, "skill.budget", value.clone(), |row| row.budget = value).await?;
        self.show(tenant, name).await
    }

    /// The tenant's settings.
    ///
    /// # Errors
    /// The stores'.
    pub async fn settings(&self, tenant: &TenantId) -> Result<TenantSettings, RegistryError> {
        Ok(settings_of(self.store(), tenant).await?)
    }

    /// Replaces the tenant's settings.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`]; the stores'.
    pub async fn set_settings(
        &self,
        tenant: &TenantId,
        settings: &TenantSettings,
        actor: &Actor,
    ) -> Result<(), RegistryError> {
        let (quotas, retention) = (self.quotas().operator(), self.retention());
        settings.check(self.catalog().ceiling(), quotas, retention).map_err(RegistryError::Invalid)?;
        for publisher in &settings.publishers {
            publisher
                .public_key
                .parse::<openanalyst_package::PublisherKey>()
                .map_err(|error| RegistryError::Invalid(format!("`{}`: {error}", shown(&publisher.public_key))))?;
        }
        let value = serde_json::to_value(settings).map_err(|error| RegistryError::Internal(error.to_string()))?;
        let now_ms = self.now_ms();
        let mut tx = self.begin(tenant).await?;
        tx.put_tenant_settings(tenant, &value, now_ms).await?;
        let publishers: Vec<_> =
            settings.publishers.iter().map(|known| (known.public_key.clone(), known.label.clone())).collect();
        tx.put_publishers(tenant, &publishers, &actor.name, now_ms).await?;
        audit(&mut tx, tenant, actor, "tenant.settings", "tenant", value, now_ms).await?;
        tx.commit().await?;
        self.quotas().forget(tenant);
        Ok(())
    }

    /// Who did what, newest first: rows before a number, if given.
    ///
    /// # Errors
    /// The stores'.
    pub async fn audit_log(
        &self,
        tenant: &TenantId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Deed>, RegistryError> {
        Ok(self.store().audit_log(tenant, before, limit).await?)
    }

    /// What a skill used and logged, newest first, for all users of the tenant: fewer than `limit` where they are long.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; the stores'.
    pub async fn receipts(
        &self,
        tenant: &TenantId,
        name: &str,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Page<ReceiptRow>, RegistryError> {
        self.show(tenant, name).await?;
        Ok(self.store().skill_receipts(tenant, name, before, limit).await?)
    }

    /// What a skill has used since midnight UTC.
    ///
    /// # Errors
    /// The stores'.
    pub async fn used_today(&self, tenant: &TenantId, name: &str) -> Result<Usage, RegistryError> {
        let from_ms = DailyQuota::day_began_ms(self.now_ms());
        Ok(self.store().usage_since(tenant, Some(name), from_ms).await?)
    }

    /// Ends a token of this tenant by its id, or all tokens of a user that were issued until now.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] where neither is given; the stores'.
    pub async fn revoke(
        &self,
        tenant: &TenantId,
        token_id: Option<&str>,
        user: Option<&UserId>,
        actor: &Actor,
    ) -> Result<RevocationRow, RegistryError> {
        let now_ms = self.now_ms();
        let row = RevocationRow {
            tenant: tenant.clone(),
            user: user.map(|user| user.as_str().to_owned()).unwrap_or_default(),
            token_id: token_id.unwrap_or_default().to_owned(),
            issued_before_ms: user.map(|_| now_ms + 1),
            expires_at_ms: now_ms.saturating_add(KEPT_MS),
        };
        if row.user.is_empty() && row.token_id.is_empty() {
            return Err(RegistryError::Invalid("name a token or a user".to_owned()));
        }
        let mut tx = self.store().begin(tenant).await?;
        tx.revoke(&row, &actor.name, now_ms).await?;
        let subject =
            if row.user.is_empty() { format!("token:{}", row.token_id) } else { format!("user:{}", row.user) };
        audit(&mut tx, tenant, actor, "token.revoke", &subject, json!({}), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn change(
        &self,
        tenant: &TenantId,
        name: &str,
        actor: &Actor,
        action: &str,
        data: Value,
        change: impl FnOnce(&mut InstallationRow),
    ) -> Result<(), RegistryError> {
        let mut tx = self.begin(tenant).await?;
        let mut row = self.row(&mut tx, tenant, name, actor).await?;
        change(&mut row);
        tx.put_installation(tenant, &row, self.now_ms()).await?;
        self.end(tx, tenant, actor, action, name, data).await
    }

    /// The installation, or the one that a first change makes.
    async fn row(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        name: &str,
        actor: &Actor,
    ) -> Result<InstallationRow, RegistryError> {
        if let Some(row) = tx.installation(tenant, name).await? {
            return Ok(row);
        }
        let bundled = self.catalog().bundled_version(name).is_some();
        let newest = tx.versions(tenant, name).await?.into_iter().next();
        let digest = match newest {
            _ if bundled => String::new(),
            Some(row) => row.digest,
            None => return Err(RegistryError::NoSuchSkill(shown(name))),
        };
        // What was uploaded stays out of use until somebody activates it.
        Ok(InstallationRow { digest, enabled: bundled, ..fresh(name, actor, self.now_ms()) })
    }

    async fn begin(&self, tenant: &TenantId) -> Result<Tx, RegistryError> {
        let mut tx = self.store().begin(tenant).await?;
        tx.hold("skills").await?;
        Ok(tx)
    }

    async fn end(
        &self,
        mut tx: Tx,
        tenant: &TenantId,
        actor: &Actor,
        action: &str,
        skill: &str,
        data: Value,
    ) -> Result<(), RegistryError> {
        let now_ms = self.now_ms();
        tx.touch_skills(tenant, now_ms).await?;
        audit(&mut tx, tenant, actor, action, &format!("skill:{skill}"), data, now_ms).await?;
        Ok(tx.commit().await?)
    }

    async fn installation(&self, tenant: &TenantId, name: &str) -> Result<Option<InstallationRow>, RegistryError> {
        let rows = self.store().installations(tenant).await?;
        Ok(rows.into_iter().find(|row| row.skill == name))
    }
}

async fn audit(
    tx: &mut Tx,
    tenant: &TenantId,
    actor: &Actor,
    action: &str,
    subject: &str,
    data: Value,
    at_ms: i64,
) -> Result<(), RegistryError> {
    tx.audit(tenant, NewDeed { actor: &actor.name, origin: &actor.origin, action, subject, data, at_ms }).await?;
    Ok(())
}

fn fresh(name: &str, actor: &Actor, now_ms: i64) -> InstallationRow {
    InstallationRow {
        skill: name.to_owned(),
        digest: String::new(),
        enabled: true,
        granted: false,
        budget: json!({}),
        activated_by: actor.name.clone(),
        activated_at_ms: now_ms,
    }
}

fn manifest_of(row: &VersionRow) -> Result<Manifest, RegistryError> {
    serde_json::from_value(row.manifest.clone())
        .map_err(|error| RegistryError::Internal(format!("the manifest of `{}` cannot be read: {error}", row.skill)))
}

fn no_version(skill: &str, version: Option<&str>, known: &[String]) -> RegistryError {
    RegistryError::NoSuchVersion {
        skill: shown(skill),
        version: shown(version.unwrap_or("")),
        known: format!("there is {}", known.join(", ")),
    }
}

/// A name from outside, short enough for a message.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
