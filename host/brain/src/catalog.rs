//! The skills that a tenant can use, and the router over them.
//!
//! A skill's component is loaded on first use, or ahead of time with [`Catalog::warm`]. The catalogue is built once; what it
//! holds is shared by all tenants, never an instance.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use openanalyst_domain::{Digest, TenantId};
use openanalyst_package::{Capabilities, Findings, Manifest};
use openanalyst_router::{Router, RouterOptions, SkillProfile};
use openanalyst_runtime::{Sandbox, Skill};
use tokio::sync::OnceCell;

use crate::api::SkillView;
use crate::{BrainError, MAX_PAGE};

/// The identifier of the skill that takes what no other skill understands.
pub const FALLBACK_SKILL: &str = "core";

/// The files of a skill that comes with the host.
#[derive(Debug, Clone)]
pub struct SkillSource {
    /// The text of `SKILL.md`.
    pub skill_md: Cow<'static, str>,
    /// The bytes of `skill.wasm`.
    pub component: Cow<'static, [u8]>,
    /// The other files of the package, by path.
    pub files: Vec<(String, Cow<'static, [u8]>)>,
}

/// One skill of the catalogue: an immutable version with its grants.
#[derive(Debug)]
pub struct CatalogSkill {
    /// What its `SKILL.md` says.
    pub manifest: Manifest,
    /// What it may use: requested ∩ granted.
    pub grants: Arc<Capabilities>,
    source: SkillSource,
    /// Packing costs some ten milliseconds for each skill, so it waits until somebody wants to know.
    digest: OnceLock<Digest>,
    loaded: OnceCell<Skill>,
}

impl CatalogSkill {
    fn new(source: SkillSource) -> Result<Self, Findings> {
        let (manifest, _) = openanalyst_package::parse_skill_md(&source.skill_md)?;
        // What comes with the host is granted what it asks for; a tenant narrows it per installation.
        let grants = Arc::new(manifest.capabilities.intersect(&manifest.capabilities));
        Ok(Self { manifest, grants, source, digest: OnceLock::new(), loaded: OnceCell::new() })
    }

    /// The digest of its package.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        self.digest.get_or_init(|| {
            let source = &self.source;
            let mut files: BTreeMap<String, Vec<u8>> =
                source.files.iter().map(|(path, bytes)| (path.clone(), bytes.to_vec())).collect();
            files.insert("SKILL.md".to_owned(), source.skill_md.as_bytes().to_vec());
            files.insert("skill.wasm".to_owned(), source.component.to_vec());
            // The paths were named by our own build, so packing cannot refuse them; an empty archive's digest would still be one.
            openanalyst_package::digest(&openanalyst_package::write_archive(&files).unwrap_or_default())
        })
    }

    /// The loaded component.
    ///
    /// # Errors
    /// It cannot be compiled or loaded.
    pub async fn load(self: &Arc<Self>, sandbox: &Sandbox) -> Result<Skill, BrainError> {
        let loaded = self.loaded.get_or_try_init(|| async {
            let (this, sandbox) = (self.clone(), sandbox.clone());
            tokio::task::spawn_blocking(move || {
                sandbox.load_skill(&this.manifest.name, this.digest().clone(), &this.source.component)
            })
            .await
            .map_err(|error| BrainError::Internal(format!("loading a skill ended early: {error}")))?
            .map_err(|error| {
                BrainError::Internal(format!("the skill `{}` cannot be loaded: {error}", self.manifest.name))
            })
        });
        loaded.await.cloned()
    }

    pub(crate) fn view(&self) -> SkillView {
        let manifest = &self.manifest;
        SkillView {
            name: manifest.name.clone(),
            title: manifest.title.clone(),
            description: manifest.description.clone(),
            version: manifest.version.to_string(),
            digest: self.digest().to_string(),
            state: "active".to_owned(),
            source: "bundled".to_owned(),
            triggers: manifest.triggers.clone(),
            examples: manifest.examples.clone(),
            priority: manifest.priority,
            capabilities: serde_json::to_value(&*self.grants).unwrap_or_default(),
        }
    }
}

/// All skills, and who may use which.
#[derive(Debug)]
pub struct Catalog {
    bundled: TenantCatalog,
}

/// What one tenant can use.
#[derive(Debug)]
pub struct TenantCatalog {
    skills: BTreeMap<String, Arc<CatalogSkill>>,
    router: Router,
}

impl Catalog {
    /// Builds the catalogue of the skills that come with the host.
    ///
    /// # Errors
    /// A `SKILL.md` is broken, or two skills have the same identifier.
    pub fn bundled(sources: Vec<SkillSource>) -> Result<Self, BrainError> {
        let mut skills = BTreeMap::new();
        for source in sources {
            let skill = CatalogSkill::new(source).map_err(|findings| BrainError::Internal(findings.to_string()))?;
            let name = skill.manifest.name.clone();
            if skills.insert(name.clone(), Arc::new(skill)).is_some() {
                return Err(BrainError::Internal(format!("two skills have the identifier `{name}`: rename one")));
            }
        }
        Ok(Self { bundled: TenantCatalog::new(skills) })
    }

    /// What this tenant can use.
    #[must_use]
    pub fn of(&self, _tenant: &TenantId) -> &TenantCatalog {
        &self.bundled
    }

    /// The identifiers of the skills that come with the host, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.bundled.skills.keys().cloned().collect()
    }

    /// Loads every component, so that no request waits for a compiler.
    ///
    /// # Errors
    /// See [`CatalogSkill::load`].
    pub async fn warm(&self, sandbox: &Sandbox) -> Result<(), BrainError> {
        for skill in self.bundled.skills.values() {
            skill.load(sandbox).await?;
        }
        Ok(())
    }
}

impl TenantCatalog {
    fn new(skills: BTreeMap<String, Arc<CatalogSkill>>) -> Self {
        let profiles: Vec<SkillProfile> = skills.values().map(|skill| profile(&skill.manifest)).collect();
        Self { skills, router: Router::build(&profiles, RouterOptions::default()) }
    }

    /// The skill with this identifier.
    #[must_use]
    pub fn skill(&self, name: &str) -> Option<&Arc<CatalogSkill>> {
        self.skills.get(name)
    }

    /// All skills, sorted by identifier.
    pub fn skills(&self) -> impl Iterator<Item = &Arc<CatalogSkill>> {
        self.skills.values()
    }

    /// The router over these skills.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Name and description of each skill, at most a page of them.
    pub(crate) fn summaries(&self) -> Vec<(String, String)> {
        let most = usize::try_from(MAX_PAGE).unwrap_or(usize::MAX);
        self.skills
            .values()
            .take(most)
            .map(|skill| (skill.manifest.name.clone(), skill.manifest.description.clone()))
            .collect()
    }
}

fn profile(manifest: &Manifest) -> SkillProfile {
    SkillProfile {
        name: manifest.name.clone(),
        title: manifest.title.clone(),
        description: manifest.description.clone(),
        triggers: manifest.triggers.clone(),
        examples: manifest.examples.clone(),
        anti_examples: manifest.anti_examples.clone(),
        platforms: manifest.platforms.clone(),
        priority: manifest.priority,
        is_fallback: manifest.name == FALLBACK_SKILL,
    }
}
