//! One immutable version of a skill, and its component once it is loaded.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use openanalyst_domain::{Digest, Failure};
use openanalyst_package::{ArchiveLimits, Findings, Manifest};
use openanalyst_runtime::{Sandbox, Skill};
use tokio::sync::OnceCell;

use crate::packages::{PackageStore, PackageStoreError};

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

/// A version. Shared by all tenants that use it.
#[derive(Debug)]
pub struct SkillVersion {
    /// What its `SKILL.md` says.
    pub manifest: Manifest,
    source: Source,
    /// Packing costs some ten milliseconds for each bundled skill, so it waits until somebody wants to know.
    digest: OnceLock<Digest>,
    loaded: OnceCell<Skill>,
}

#[derive(Debug)]
enum Source {
    Bundled(SkillSource),
    Stored { packages: Arc<dyn PackageStore>, has_component: bool },
}

impl SkillVersion {
    pub(crate) fn bundled(source: SkillSource) -> Result<Self, Findings> {
        let (manifest, _) = openanalyst_package::parse_skill_md(&source.skill_md)?;
        Ok(Self { manifest, source: Source::Bundled(source), digest: OnceLock::new(), loaded: OnceCell::new() })
    }

    pub(crate) fn stored(
        manifest: Manifest,
        digest: Digest,
        has_component: bool,
        packages: Arc<dyn PackageStore>,
    ) -> Self {
        let source = Source::Stored { packages, has_component };
        Self { manifest, source, digest: OnceLock::from(digest), loaded: OnceCell::new() }
    }

    /// Whether it comes with the host.
    #[must_use]
    pub fn is_bundled(&self) -> bool {
        matches!(self.source, Source::Bundled(_))
    }

    /// Whether the host can run it: it has a component. A prompt for a language model has none.
    #[must_use]
    pub fn can_run(&self) -> bool {
        !matches!(self.source, Source::Stored { has_component: false, .. })
    }

    /// The digest of its package.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        self.digest.get_or_init(|| {
            let Source::Bundled(source) = &self.source else { return openanalyst_package::digest(&[]) };
            let mut files: BTreeMap<String, Vec<u8>> =
                source.files.iter().map(|(path, bytes)| (path.clone(), bytes.to_vec())).collect();
            files.insert("SKILL.md".to_owned(), source.skill_md.as_bytes().to_vec());
            files.insert("skill.wasm".to_owned(), source.component.to_vec());
            // The paths were named by our own build, so packing cannot refuse them; an empty archive's digest would still be one.
            openanalyst_package::digest(&openanalyst_package::write_archive(&files).unwrap_or_default())
        })
    }

    /// Whether the component is in memory: a call does not wait for it.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.initialized()
    }

    /// The loaded component: from memory, or from the cache, or compiled.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where there is no component, or its package cannot be had now; [`Failure::Failed`] where it cannot be loaded.
    pub async fn load(self: &Arc<Self>, sandbox: &Sandbox) -> Result<Skill, Failure> {
        let loaded = self.loaded.get_or_try_init(|| async {
            let component = self.component().await?;
            let (this, sandbox) = (self.clone(), sandbox.clone());
            let loading = tokio::task::spawn_blocking(move || {
                sandbox.load_skill(&this.manifest.name, this.digest().clone(), &component)
            });
            let cannot = |why: &dyn std::fmt::Display| {
                Failure::failed(format!("the skill `{}` cannot be loaded: {why}", self.manifest.name))
            };
            loading.await.map_err(|error| cannot(&error))?.map_err(|error| cannot(&error))
        });
        loaded.await.cloned()
    }

    /// The component's bytes.
    ///
    /// # Errors
    /// See [`Self::load`].
    pub async fn component(&self) -> Result<Cow<'static, [u8]>, Failure> {
        let name = &self.manifest.name;
        match &self.source {
            Source::Bundled(source) => Ok(source.component.clone()),
            Source::Stored { has_component: false, .. } => Err(Failure::unavailable(format!(
                "the skill `{name}` has no component: it is a prompt for a language model, which this version of the host does not run"
            ))),
            Source::Stored { packages, .. } => {
                let archive = packages.get(self.digest()).await.map_err(|error| Failure::Unavailable {
                    retry_after_ms: matches!(error, PackageStoreError::Unavailable(_)).then_some(5_000),
                    detail: format!("the package of the skill `{name}`: {error}"),
                })?;
                let read = tokio::task::spawn_blocking(move || {
                    openanalyst_package::read_archive(&archive, &ArchiveLimits::default())
                });
                let package = match read.await {
                    Ok(Ok(package)) => package,
                    Ok(Err(findings)) => return Err(Failure::failed(format!("the skill `{name}`: {findings}"))),
                    Err(error) => return Err(Failure::failed(format!("the skill `{name}`: {error}"))),
                };
                let component = package.component.unwrap_or_default();
                Ok(Cow::Owned(component))
            }
        }
    }
}
