//! What each tenant can use now, and the router over it.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use openanalyst_domain::{Budget, Digest, Failure, TenantId};
use openanalyst_package::{Capabilities, Manifest};
use openanalyst_router::{
    Correction, Decision, MAX_CORRECTIONS, Router, RouterOptions, SkillProfile, SkillVectors, Utterance, texts_to_embed,
};
use openanalyst_runtime::{Sandbox, Skill};
use openanalyst_store::skills::{GrantRow, InstallationRow, VersionRow};
use openanalyst_store::{Store, StoreError};

use crate::RegistryError;
use crate::catalog_vectors::TextsToEmbed;
use crate::embeddings::{EmbeddingCounts, Embeddings, RequestVectors};
use crate::grants::from_rows;
use crate::limits::{DailyQuota, RetryLimits, SkillLimits};
use crate::packages::PackageStore;
use crate::tenant::TenantSettings;
use crate::unavailable::{Unavailable, UnavailableSkill, WhyUnavailable};
use crate::version::{SkillSource, SkillVersion};

/// The identifier of the skill that takes what no other skill understands.
pub const FALLBACK_SKILL: &str = "core";
/// From this confidence on another skill takes what is meant for one that cannot run yet.
const SURE: f64 = 0.9;

/// Most tenants whose catalogue is kept in memory; those that were used longest ago are read again.
const MAX_TENANTS: usize = 4_096;

/// A skill that a tenant can use: an immutable version with the tenant's grants and limits.
#[derive(Debug)]
pub struct CatalogSkill {
    version: Arc<SkillVersion>,
    /// What it may use: requested ∩ granted.
    pub grants: Arc<Capabilities>,
    /// The limits of one invocation.
    pub budget: Budget,
    /// What it may use in a day.
    pub daily: DailyQuota,
    /// How often what fails is tried again.
    pub retry: RetryLimits,
}

impl CatalogSkill {
    /// What its `SKILL.md` says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.version.manifest
    }

    /// The digest of its package.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        self.version.digest()
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &Arc<SkillVersion> {
        &self.version
    }

    /// The loaded component.
    ///
    /// # Errors
    /// See [`SkillVersion::load`].
    pub async fn load(&self, sandbox: &Sandbox) -> Result<Skill, Failure> {
        self.version.load(sandbox).await
    }
}

/// Whether a skill version that is in use may go on, at one moment.
#[derive(Debug)]
pub enum Availability {
    /// It may, with these grants and limits.
    Available(Arc<CatalogSkill>),
    /// An administrator took the skill out of use.
    Disabled,
    /// The skill or this version of it is not there any more.
    Removed,
}

/// What one tenant can use, at one moment.
#[derive(Debug)]
pub struct TenantCatalog {
    skills: BTreeMap<String, Arc<CatalogSkill>>,
    router: Router,
    /// Those that get no requests.
    unavailable: Unavailable,
    /// The texts whose vectors the routers can use.
    texts: Arc<TextsToEmbed>,
    /// What all skills of the tenant together may use in a day.
    pub daily: DailyQuota,
    /// How often what fails is tried again.
    pub retry: RetryLimits,
}

impl TenantCatalog {
    fn new(
        skills: BTreeMap<String, Arc<CatalogSkill>>,
        disabled: Vec<SkillProfile>,
        corrections: &[Correction],
        limits: &SkillLimits,
        has_embeddings: bool,
    ) -> Self {
        // A request must not be given to a skill that cannot answer it.
        let (runnable, others): (Vec<_>, Vec<_>) = skills.values().partition(|skill| skill.version.can_run());
        let profiles: Vec<SkillProfile> = runnable.into_iter().map(|skill| profile(skill.manifest())).collect();
        let cannot_run = others.into_iter().map(|skill| (profile(skill.manifest()), WhyUnavailable::CannotRun));
        let disabled = disabled.into_iter().map(|profile| (profile, WhyUnavailable::Disabled));
        let others: Vec<_> = disabled.chain(cannot_run).collect();
        let texts = if has_embeddings {
            let others = others.iter().map(|(profile, _)| profile);
            let all: Vec<SkillProfile> = profiles.iter().chain(others).cloned().collect();
            texts_to_embed(&all, corrections)
        } else {
            Vec::new()
        };
        Self {
            texts: Arc::new(TextsToEmbed::new(texts)),
            unavailable: Unavailable::new(&profiles, others),
            router: Router::build_with_corrections(&profiles, corrections, RouterOptions::default()),
            skills,
            daily: limits.daily,
            retry: limits.retry,
        }
    }

    /// The same catalogue with the vectors of its skills' texts.
    pub(crate) fn with_vectors(&self, vectors: &Arc<SkillVectors>) -> Self {
        Self {
            skills: self.skills.clone(),
            router: self.router.with_vectors(vectors.clone()),
            unavailable: self.unavailable.with_vectors(vectors),
            texts: self.texts.clone(),
            daily: self.daily,
            retry: self.retry,
        }
    }

    /// The texts whose vectors the routers can use.
    pub(crate) fn texts(&self) -> &Arc<TextsToEmbed> {
        &self.texts
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

    /// The skill that these words mean, alone or as likely as another one, if it is disabled or cannot run: no other skill shall
    /// take its place without a word, unless only the name of one that cannot run yet means it, and another one is surely meant without it.
    #[must_use]
    pub fn unavailable_skill_for(&self, utterance: &Utterance<'_>) -> Option<UnavailableSkill> {
        let meant = self.unavailable.meant_by(utterance)?;
        // One that cannot run yet does not stand in the way of a greeting because it is called "Hello".
        let is_sure =
            |decision: &Decision| matches!(decision, Decision::Skill { confidence, .. } if *confidence >= SURE);
        let gives_way = meant.why == WhyUnavailable::CannotRun
            && meant.is_by_name
            && is_sure(&self.router.route(utterance).decision);
        (!gives_way).then_some(meant)
    }

    /// The skill with this identifier, if the tenant has it and it gets no requests.
    #[must_use]
    pub fn unavailable_skill(&self, name: &str) -> Option<UnavailableSkill> {
        self.unavailable.get(name)
    }

    /// The router over all skills of the tenant, where some of them get no requests.
    #[must_use]
    pub fn router_over_all(&self) -> Option<&Router> {
        self.unavailable.router()
    }

    /// The router over those of these skills that can run.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }
}

/// What the router needs to know of a skill.
pub(crate) fn profile(manifest: &Manifest) -> SkillProfile {
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

/// All skills, and who may use which.
#[derive(Debug)]
pub struct Catalog {
    bundled: BTreeMap<String, Arc<SkillVersion>>,
    ceiling: Budget,
    record: Option<(Store, Arc<dyn PackageStore>)>,
    embeddings: Option<Arc<Embeddings>>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug)]
pub(crate) struct Known {
    /// What a tenant has that never changed anything.
    unchanged: Arc<TenantCatalog>,
    /// Counts up with every use.
    clock: u64,
    tenants: HashMap<TenantId, Kept>,
    /// Versions in use, by digest: one for all tenants.
    versions: HashMap<Digest, Weak<SkillVersion>>,
}

#[derive(Debug)]
struct Kept {
    revision: i64,
    catalog: Arc<TenantCatalog>,
    used: u64,
}

impl Catalog {
    /// The catalogue of the skills that come with the host, which every tenant has.
    ///
    /// # Errors
    /// A `SKILL.md` is broken, or two skills have the same identifier.
    pub fn bundled(sources: Vec<SkillSource>, ceiling: Budget) -> Result<Self, RegistryError> {
        let mut bundled = BTreeMap::new();
        for source in sources {
            let version =
                SkillVersion::bundled(source).map_err(|findings| RegistryError::Internal(findings.to_string()))?;
            let name = version.manifest.name.clone();
            if bundled.insert(name.clone(), Arc::new(version)).is_some() {
                return Err(RegistryError::Internal(format!("two skills have the identifier `{name}`: rename one")));
            }
        }
        let skills = bundled
            .iter()
            .map(|(name, version)| (name.clone(), Arc::new(installed(version, None, &[], &ceiling, &ceiling))))
            .collect();
        let unchanged = Arc::new(TenantCatalog::new(skills, Vec::new(), &[], &SkillLimits::default(), false));
        let known = Known { unchanged, clock: 0, tenants: HashMap::new(), versions: HashMap::new() };
        Ok(Self { bundled, ceiling, record: None, embeddings: None, known: Arc::new(Mutex::new(known)) })
    }

    /// With embeddings as evidence of the routers. They come in the background; until then routes do without.
    #[must_use]
    pub fn with_embeddings(mut self, embeddings: Arc<Embeddings>) -> Self {
        self.embeddings = Some(embeddings);
        let skills = self.known().unchanged.skills.clone();
        let unchanged = TenantCatalog::new(skills, Vec::new(), &[], &SkillLimits::default(), true);
        self.known().unchanged = Arc::new(unchanged);
        self
    }

    /// How often what happened with embeddings. None: there are none.
    #[must_use]
    pub fn embedding_counts(&self) -> Option<EmbeddingCounts> {
        self.embeddings.as_ref().map(|embeddings| embeddings.counts())
    }

    /// The vectors of a request's text and of its parts, for a route in this catalogue.
    pub async fn vectors_of(&self, catalog: &TenantCatalog, text: &str, parts: &[&str]) -> RequestVectors {
        let Some(embeddings) = &self.embeddings else { return RequestVectors::default() };
        match catalog.router.vectors() {
            Some(vectors) => embeddings.of_request(text, parts, vectors.dimension()).await,
            None => embeddings.not_ready(),
        }
    }

    /// Waits until the tenant's catalogue has its vectors, or an attempt to get them has failed. At once where there are no embeddings.
    ///
    /// # Errors
    /// The database's.
    pub async fn embedded(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let catalog = self.of(tenant).await?;
        if self.embeddings.is_some() {
            catalog.texts.attempted().await;
        }
        Ok(())
    }

    /// With what tenants uploaded and decided.
    #[must_use]
    pub fn with_record(mut self, store: Store, packages: Arc<dyn PackageStore>) -> Self {
        self.record = Some((store, packages));
        self
    }

    /// The operator's budget of one invocation.
    #[must_use]
    pub fn ceiling(&self) -> &Budget {
        &self.ceiling
    }

    /// A version that comes with the host.
    #[must_use]
    pub fn bundled_version(&self, name: &str) -> Option<&Arc<SkillVersion>> {
        self.bundled.get(name)
    }

    /// The identifiers of the skills that come with the host, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.bundled.keys().cloned().collect()
    }

    /// The versions that come with the host. The skill that takes every request that no other understands is the first.
    #[must_use]
    pub fn bundled_versions(&self) -> Vec<Arc<SkillVersion>> {
        let mut versions: Vec<_> = self.bundled.values().cloned().collect();
        versions.sort_by_key(|version| version.manifest.name != FALLBACK_SKILL);
        versions
    }

    /// What this tenant can use now: what every process has committed until this moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(&self, tenant: &TenantId) -> Result<Arc<TenantCatalog>, StoreError> {
        let Some((store, _)) = &self.record else { return self.at(tenant, 0).await };
        self.at(tenant, store.skills_revision(tenant).await?).await
    }

    /// The same where the tenant's revision was read just now. It is read before the rest: a change that comes in between counts up again, and is noticed at
    /// the next call.
    ///
    /// # Errors
    /// The database's.
    pub async fn at(&self, tenant: &TenantId, revision: i64) -> Result<Arc<TenantCatalog>, StoreError> {
        let catalog = self.kept_or_read(tenant, revision).await?;
        if let Some(embeddings) = &self.embeddings {
            crate::catalog_vectors::look_after(embeddings, &catalog, &self.known);
        }
        Ok(catalog)
    }

    async fn kept_or_read(&self, tenant: &TenantId, revision: i64) -> Result<Arc<TenantCatalog>, StoreError> {
        if self.record.is_none() || revision == 0 {
            return Ok(self.known().unchanged.clone());
        }
        {
            let mut known = self.known();
            known.clock += 1;
            let now = known.clock;
            if let Some(kept) = known.tenants.get_mut(tenant).filter(|kept| kept.revision == revision) {
                kept.used = now;
                return Ok(kept.catalog.clone());
            }
        }
        let catalog = Arc::new(self.read(tenant).await?);
        let mut known = self.known();
        let used = known.clock;
        known.tenants.insert(tenant.clone(), Kept { revision, catalog: catalog.clone(), used });
        if known.tenants.len() > MAX_TENANTS {
            let oldest = known.tenants.iter().min_by_key(|(_, kept)| kept.used).map(|(tenant, _)| tenant.clone());
            oldest.and_then(|tenant| known.tenants.remove(&tenant));
        }
        known.versions.retain(|_, version| version.strong_count() > 0);
        Ok(catalog)
    }

    /// The version that a task began with, with the grants and limits of this moment; also where
    /// another version has become active.
    ///
    /// # Errors
    /// The database's.
    pub async fn version_of(
        &self,
        tenant: &TenantId,
        name: &str,
        digest: Option<&str>,
    ) -> Result<Availability, StoreError> {
        let catalog = self.of(tenant).await?;
        let active = catalog.skill(name).cloned();
        let is_it = |skill: &Arc<CatalogSkill>| digest.is_none_or(|digest| skill.digest().as_str() == digest);
        if let Some(skill) = active.as_ref().filter(|skill| is_it(skill)) {
            return Ok(Availability::Available(skill.clone()));
        }
        let or_removed =
            |skill: Option<Arc<CatalogSkill>>| skill.map_or(Availability::Removed, Availability::Available);
        let Some((store, _)) = &self.record else { return Ok(or_removed(active)) };
        let installation = store.installations(tenant).await?.into_iter().find(|row| row.skill == name);
        if installation.as_ref().is_some_and(|row| !row.enabled) {
            return Ok(Availability::Disabled);
        }
        let rows = store.skill_versions(tenant, Some(name)).await?;
        let Some(row) = rows.into_iter().find(|row| Some(row.digest.as_str()) == digest) else {
            // A bundled version that this build of the host does not have any more: the one that it has goes on.
            return Ok(or_removed(active.filter(|skill| skill.version.is_bundled())));
        };
        let grants: Vec<GrantRow> = store.grants(tenant).await?.into_iter().filter(|row| row.skill == name).collect();
        let settings = settings_of(store, tenant).await?;
        let version = self.stored(row)?;
        let ceiling = settings.limits.budget_within(&self.ceiling);
        let skill = installed(&version, installation.as_ref(), &grants, &ceiling, &self.ceiling);
        Ok(Availability::Available(Arc::new(skill)))
    }

    async fn read(&self, tenant: &TenantId) -> Result<TenantCatalog, StoreError> {
        let Some((store, _)) = &self.record else {
            return Ok(TenantCatalog::new(BTreeMap::new(), Vec::new(), &[], &SkillLimits::default(), false));
        };
        let installations = store.installations(tenant).await?;
        let grants = store.grants(tenant).await?;
        let settings = settings_of(store, tenant).await?;
        let ceiling = settings.limits.budget_within(&self.ceiling);
        let mut skills = BTreeMap::new();
        let mut add = |version: &Arc<SkillVersion>, installation: Option<&InstallationRow>| {
            let name = &version.manifest.name;
            let grants: Vec<GrantRow> = grants.iter().filter(|row| row.skill == *name).cloned().collect();
            let skill = installed(version, installation, &grants, &ceiling, &self.ceiling);
            skills.insert(name.clone(), Arc::new(skill));
        };
        for (name, version) in &self.bundled {
            let installation = installations.iter().find(|row| row.skill == *name);
            if installation.is_none_or(|row| row.enabled) {
                add(version, installation);
            }
        }
        for row in store.active_versions(tenant).await? {
            let installation = installations.iter().find(|installed| installed.skill == row.skill);
            if !self.bundled.contains_key(&row.skill) {
                add(&self.stored(row)?, installation);
            }
        }
        let disabled = self.disabled(store, tenant, &installations).await?;
        let corrections = match settings.learn_from_corrections {
            true => corrections(store, tenant).await?,
            false => Vec::new(),
        };
        // Learning from the texts of many skills takes its time, which no request of others shall wait for.
        let has_embeddings = self.embeddings.is_some();
        let built = tokio::task::spawn_blocking(move || {
            TenantCatalog::new(skills, disabled, &corrections, &settings.limits, has_embeddings)
        });
        built.await.map_err(|error| StoreError::Damaged { what: "catalogue of skills", reason: error.to_string() })
    }

    /// What the router needs to know of the skills that the tenant has and has disabled.
    async fn disabled(
        &self,
        store: &Store,
        tenant: &TenantId,
        installations: &[InstallationRow],
    ) -> Result<Vec<SkillProfile>, StoreError> {
        let mut profiles = Vec::new();
        for row in installations.iter().filter(|row| !row.enabled) {
            if let Some(version) = self.bundled.get(&row.skill) {
                profiles.push(profile(&version.manifest));
                continue;
            }
            let versions = store.skill_versions(tenant, Some(&row.skill)).await?;
            if let Some(version) = versions.into_iter().find(|version| version.digest == row.digest) {
                profiles.push(profile(&self.stored(version)?.manifest));
            }
        }
        Ok(profiles)
    }

    /// The version in a row: the one that is in use already, if it is.
    fn stored(&self, row: VersionRow) -> Result<Arc<SkillVersion>, StoreError> {
        let damaged = |reason: String| StoreError::Damaged { what: "skill version", reason };
        let digest = Digest::from_str(&row.digest).map_err(|error| damaged(error.to_string()))?;
        if let Some(version) = self.known().versions.get(&digest).and_then(Weak::upgrade) {
            return Ok(version);
        }
        let Some((_, packages)) = &self.record else { return Err(damaged("there is no record".to_owned())) };
        let manifest = serde_json::from_value(row.manifest).map_err(|error| damaged(error.to_string()))?;
        let has_component = row.component_digest.is_some();
        let version = Arc::new(SkillVersion::stored(manifest, digest.clone(), has_component, packages.clone()));
        self.known().versions.insert(digest, Arc::downgrade(&version));
        Ok(version)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Puts the catalogue with vectors in the place of the same one without them, wherever that is still in use.
    pub(crate) fn replace(&mut self, old: &Arc<TenantCatalog>, new: &Arc<TenantCatalog>) {
        let kept = self.tenants.values_mut().map(|kept| &mut kept.catalog).chain([&mut self.unchanged]);
        for catalog in kept.filter(|catalog| Arc::ptr_eq(catalog, old)) {
            *catalog = new.clone();
        }
    }
}

/// What the tenant's users said about the choice of skills, oldest first.
async fn corrections(store: &Store, tenant: &TenantId) -> Result<Vec<Correction>, StoreError> {
    let most = u32::try_from(MAX_CORRECTIONS / 2).unwrap_or(u32::MAX);
    let mut corrections = Vec::new();
    for row in store.corrections(tenant, most).await? {
        if let Some(not) = row.not {
            corrections.push(Correction { utterance: row.request.clone(), skill: not, belongs: false });
        }
        corrections.push(Correction { utterance: row.request, skill: row.skill, belongs: true });
    }
    Ok(corrections)
}

/// Puts a version and what the tenant decided about it together. A bundled skill whose grants were never set has what it asks for; any other skill has what
/// was granted.
fn installed(
    version: &Arc<SkillVersion>,
    installation: Option<&InstallationRow>,
    grants: &[GrantRow],
    tenant_ceiling: &Budget,
    operator_ceiling: &Budget,
) -> CatalogSkill {
    let requested = &version.manifest.capabilities;
    let was_granted = installation.is_some_and(|row| row.granted);
    let granted = if version.is_bundled() && !was_granted {
        requested.intersect(requested)
    } else {
        requested.intersect(&from_rows(grants))
    };
    let limits = installation.map(|row| row.budget.clone()).map(serde_json::from_value::<SkillLimits>);
    let limits = limits.and_then(|limits| {
        limits
            .inspect_err(
                |error| tracing::error!(%error, skill = version.manifest.name, "the limits of a skill cannot be read"),
            )
            .ok()
    });
    let limits = limits.unwrap_or_default();
    CatalogSkill {
        version: version.clone(),
        grants: Arc::new(granted),
        budget: limits.budget_within(operator_ceiling).lowered_by(tenant_ceiling),
        daily: limits.daily,
        retry: limits.retry,
    }
}

pub(crate) async fn settings_of(store: &Store, tenant: &TenantId) -> Result<TenantSettings, StoreError> {
    let settings = store.tenant_settings(tenant).await?;
    serde_json::from_value(settings)
        .map_err(|error| StoreError::Damaged { what: "tenant settings", reason: error.to_string() })
}
