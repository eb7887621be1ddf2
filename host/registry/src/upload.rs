//! An upload, from bytes to a stored version that is not active yet.
//!
//! Cheap looks come first, the compiler last; whatever is wrong is said at once. A version is stored only when everything holds.

use bytes::Bytes;
use openanalyst_domain::TenantId;
use openanalyst_package::{ArchiveLimits, Capabilities, Finding, Manifest, Package, Severity, identifier};
use openanalyst_store::Tx;
use openanalyst_store::audit::NewDeed;
use openanalyst_store::quotas::Exceeded;
use openanalyst_store::skills::NewVersion;
use openanalyst_store::storage::StorageKind;
use serde::Serialize;
use serde_json::json;

use crate::RegistryError;
use crate::catalog::{profile, settings_of};
use crate::collisions::{Collision, collisions};
use crate::registry::{Actor, Registry};

/// A stored version, as its uploader sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// The skill.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its package.
    pub digest: String,
    /// `active`, or `inactive` until somebody activates it.
    pub state: String,
    /// What it asks for.
    #[schema(value_type = Object)]
    pub capabilities: Capabilities,
    /// What is granted of that already.
    #[schema(value_type = Object)]
    pub granted: Capabilities,
    /// What is strange, but does not stop it.
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<Finding>,
    /// Examples that would change hands once it is active.
    pub collisions: Vec<Collision>,
    /// Who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Whether this very package was there before.
    pub repeated: bool,
}

/// A package that an upload would take.
#[derive(Debug)]
pub struct Checked {
    /// The skill.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What is strange, but does not stop it.
    pub warnings: Vec<Finding>,
    /// Examples and triggers that would change hands once it is active.
    pub collisions: Vec<Collision>,
    /// Whether this very package is there already.
    pub repeated: bool,
    package: Package,
    publisher: Option<String>,
}

/// Most versions of all skills of a tenant. The bytes of their packages have a quota, `packages`.
pub const MAX_VERSIONS: u64 = 5_000;
/// How often the bytes of a package are put that are collected at the same time.
const PUT_ATTEMPTS: u32 = 3;

impl Registry {
    /// Says what an upload of this package would say, by the upload's own steps. Stores nothing.
    ///
    /// # Errors
    /// See [`Self::upload`].
    pub async fn check(&self, tenant: &TenantId, archive: Bytes) -> Result<Checked, RegistryError> {
        let Looked { package, mut warnings, publisher } = self.look(tenant, archive).await?;
        // What costs nothing is asked before the compiler works.
        let most_bytes = self.quotas().limits_of_tenant(tenant).await?.get(&StorageKind::Packages).copied();
        let mut tx = self.store().begin(tenant).await?;
        let may_be_stored = may_be_stored(&mut tx, tenant, &package, most_bytes).await;
        drop(tx);
        let repeated = may_be_stored?;
        if let Some(component) = package.component.clone() {
            self.compile(&package.manifest.name, component).await?;
        }
        // A skill that cannot run takes no requests, and loses none.
        let collisions = if package.component.is_some() {
            let catalog = self.catalog().of(tenant).await?;
            let others = catalog.skills().filter(|skill| skill.version().can_run());
            let others: Vec<_> = others.map(|skill| profile(skill.manifest())).collect();
            collisions(&others, &package.manifest)
        } else {
            Vec::new()
        };
        warnings
            .extend(collisions.iter().map(|collision| Finding::warning("routing-collision", collision.to_string())));
        let (name, version) = (package.manifest.name.clone(), package.manifest.version.to_string());
        Ok(Checked { name, version, warnings, collisions, repeated, package, publisher })
    }

    /// Takes a package. It is stored, compiled and ready, and not active.
    ///
    /// # Errors
    /// [`RegistryError::Refused`] with every finding; [`RegistryError::WrongState`] where the version has another content, the
    /// identifier belongs to another skill, or the tenant has [`MAX_VERSIONS`]; [`RegistryError::QuotaExceeded`] where its
    /// packages have as many bytes as they may; the stores'.
    pub async fn upload(&self, tenant: &TenantId, archive: Bytes, actor: &Actor) -> Result<Uploaded, RegistryError> {
        let checked = self.check(tenant, archive.clone()).await?;
        for _ in 0..PUT_ATTEMPTS {
            self.packages().put(&checked.package.digest, archive.clone()).await?;
            if let Some(uploaded) = self.store_version(tenant, &checked, archive.len(), actor).await? {
                return Ok(uploaded);
            }
        }
        let digest = &checked.package.digest;
        Err(RegistryError::Unavailable(format!("the package {digest} is removed at the same time: upload it again")))
    }

    /// Stores the row of a package whose bytes are kept. None: they were collected before that.
    async fn store_version(
        &self,
        tenant: &TenantId,
        checked: &Checked,
        bytes: usize,
        actor: &Actor,
    ) -> Result<Option<Uploaded>, RegistryError> {
        let Checked { name, version, warnings, collisions, package, publisher, .. } = checked;
        let (manifest, digest) = (&package.manifest, &package.digest);
        let now_ms = self.now_ms();
        let most_bytes = self.quotas().limits_of_tenant(tenant).await?.get(&StorageKind::Packages).copied();
        let mut tx = self.store().begin(tenant).await?;
        tx.hold("skills").await?;
        tx.hold_package(digest.as_str()).await?;
        if let Err(refused) = may_be_stored(&mut tx, tenant, package, most_bytes).await {
            drop(tx);
            self.remove_packages(tenant, &[digest.to_string()], None).await?;
            return Err(refused);
        }
        if !self.packages().has(digest).await? {
            return Ok(None);
        }
        let component_digest =
            package.component.as_deref().map(|component| openanalyst_package::digest(component).to_string());
        let added = tx
            .add_version(
                tenant,
                &NewVersion {
                    skill: name,
                    digest: digest.as_str(),
                    version,
                    component_digest: component_digest.as_deref(),
                    package_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
                    manifest: &serde_json::to_value(manifest)
                        .map_err(|error| RegistryError::Internal(error.to_string()))?,
                    findings: &json!(warnings),
                    publisher: publisher.as_deref(),
                    uploaded_by: &actor.name,
                    at_ms: now_ms,
                },
            )
            .await?;
        let installation = tx.installation(tenant, name).await?;
        if added {
            tx.audit(
                tenant,
                NewDeed {
                    actor: &actor.name,
                    origin: &actor.origin,
                    action: "skill.upload",
                    subject: &format!("skill:{name}"),
                    data: json!({ "version": version, "digest": digest, "publisher": publisher, "bytes": bytes }),
                    at_ms: now_ms,
                },
            )
            .await?;
        }
        tx.commit().await?;
        self.quotas().forget(tenant);
        let active = installation.is_some_and(|row| row.enabled && row.digest == digest.as_str());
        let granted = manifest.capabilities.intersect(&self.granted(tenant, name).await?);
        Ok(Some(Uploaded {
            name: name.clone(),
            version: version.clone(),
            digest: digest.to_string(),
            state: if active { "active" } else { "inactive" }.to_owned(),
            capabilities: manifest.capabilities.clone(),
            granted,
            warnings: warnings.clone(),
            collisions: collisions.clone(),
            publisher: publisher.clone(),
            repeated: !added,
        }))
    }

    /// Everything that an upload would be told before the compiler sees it.
    ///
    /// # Errors
    /// See [`Self::upload`].
    async fn look(&self, tenant: &TenantId, archive: Bytes) -> Result<Looked, RegistryError> {
        let settings = settings_of(self.store(), tenant).await?;
        let bundled = self.catalog().names();
        let looked = tokio::task::spawn_blocking(move || inspect(&archive, &bundled, &settings));
        looked.await.map_err(|error| RegistryError::Internal(format!("reading a package ended early: {error}")))?
    }

    async fn compile(&self, name: &str, component: Vec<u8>) -> Result<(), RegistryError> {
        let (sandbox, name) = (self.sandbox().clone(), name.to_owned());
        let compiled = tokio::task::spawn_blocking(move || {
            let digest = openanalyst_package::digest(&component);
            sandbox.load_skill(&name, digest, &component).map(drop)
        });
        match compiled.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(RegistryError::Refused(vec![
                Finding::error(error.code(), error.to_string()).at("skill.wasm", None),
            ])),
            Err(error) => Err(RegistryError::Internal(format!("compiling a component ended early: {error}"))),
        }
    }
}

/// Whether the tenant may have this version; gives whether it has it already. `most_bytes` is the quota.
async fn may_be_stored(
    tx: &mut Tx,
    tenant: &TenantId,
    package: &Package,
    most_bytes: Option<u64>,
) -> Result<bool, RegistryError> {
    let Manifest { name, title, version, explicit_id, .. } = &package.manifest;
    let there = tx.versions(tenant, name).await?;
    if there.iter().any(|row| row.digest == package.digest.as_str()) {
        return Ok(true);
    }
    // Two names can give one identifier, and a version of somebody else's skill would take its place.
    let other = there.iter().filter_map(|row| row.manifest["title"].as_str()).next();
    if let Some(other) = other.filter(|other| !explicit_id && !identifier::same_name(other, title)) {
        return Err(RegistryError::WrongState(format!(
            "the identifier `{name}` belongs to the skill \"{other}\", and this one is called \"{title}\": choose another `name`, or \
             add a line `id:` to SKILL.md, with an identifier of its own, or with `{name}` if this is a new version of that skill"
        )));
    }
    if there.iter().any(|row| row.version == version.to_string()) {
        return Err(RegistryError::WrongState(format!(
            "the skill `{name}` has a version {version} with another content, and versions never change: raise `version` in SKILL.md"
        )));
    }
    let (versions, kept) = tx.package_usage(tenant).await?;
    if versions >= MAX_VERSIONS {
        return Err(RegistryError::WrongState(format!(
            "your organisation has {versions} versions of skills, and {MAX_VERSIONS} is the limit: remove skills that nobody uses"
        )));
    }
    match most_bytes.filter(|most| kept >= *most) {
        None => Ok(false),
        Some(most) => Err(RegistryError::QuotaExceeded(Exceeded {
            of_tenant: true,
            kind: StorageKind::Packages,
            used: i64::try_from(kept).unwrap_or(i64::MAX),
            limit: i64::try_from(most).unwrap_or(i64::MAX),
        })),
    }
}

struct Looked {
    package: Package,
    warnings: Vec<Finding>,
    publisher: Option<String>,
}

fn inspect(archive: &[u8], bundled: &[String], settings: &crate::TenantSettings) -> Result<Looked, RegistryError> {
    let look = |component: &[u8]| match openanalyst_runtime::inspect_component(component) {
        Ok(_) => Vec::new(),
        Err(error) => vec![Finding::error(error.code(), error.to_string()).at("skill.wasm", None)],
    };
    let mut package = openanalyst_package::read_archive_looking(archive, &ArchiveLimits::default(), look)
        .map_err(|findings| RegistryError::Refused(findings.0))?;
    let mut findings = std::mem::take(&mut package.warnings);
    let name = &package.manifest.name;
    if bundled.contains(name) {
        let message = format!("`{name}` is the identifier of a skill that comes with the host: choose another `name`");
        findings.push(Finding::error("name-taken", message).at("SKILL.md", None));
    }
    let publisher = signed_by(&package, settings, &mut findings);
    match &package.component {
        None => findings.push(Finding::warning(
            "prompt-skill",
            "there is no skill.wasm: this is a prompt for a language model, which this version of the host keeps and does not run, so it gets no requests",
        )),
        Some(component) => match openanalyst_runtime::inspect_component(component) {
            Ok(imports) => findings.extend(openanalyst_package::check_imports(&package.manifest, &imports)),
            Err(error) => findings.push(Finding::error(error.code(), error.to_string()).at("skill.wasm", None)),
        },
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(RegistryError::Refused(findings));
    }
    Ok(Looked { package, warnings: findings, publisher })
}

/// Who signed it, if the signature holds; with a finding where the tenant does not take that.
fn signed_by(package: &Package, settings: &crate::TenantSettings, findings: &mut Vec<Finding>) -> Option<String> {
    let publisher = match openanalyst_package::publisher_of(package) {
        Ok(publisher) => publisher.map(|key| key.to_string()),
        Err(finding) => {
            findings.push(finding);
            return None;
        }
    };
    let trusted =
        publisher.as_ref().is_some_and(|key| settings.publishers.iter().any(|known| known.public_key == *key));
    match &publisher {
        Some(key) if !trusted => {
            let message = format!(
                "it is signed by {key}, which this organisation does not trust: an administrator adds the key, or does not take the package"
            );
            findings.push(if settings.require_signature {
                Finding::error("publisher-not-trusted", message)
            } else {
                Finding::warning("publisher-not-trusted", message)
            });
        }
        None if settings.require_signature => findings.push(Finding::error(
            "signature-missing",
            "this organisation takes only packages that a trusted publisher signed: sign it with `skill pack --key`",
        )),
        _ => {}
    }
    publisher
}
