//! The skills of each tenant: uploaded, granted, activated, rolled back, removed.
//!
//! A version is immutable and named by the digest of its package; an installation says which version of a skill is active for a tenant, with its grants and its
//! budget. What is active is read as one [`TenantCatalog`], which a running task keeps until it ends: a switch never changes what has begun. Whatever
//! changes an installation counts up the tenant's revision in the same transaction, so that every process notices.
//!
//! This crate never runs a skill, and knows no HTTP. A loaded version is shared by all tenants that installed it; an instance never is.
//!
//! Begin at [`Catalog`] for what can be used, at [`Registry`] for what can be changed.

mod catalog;
mod catalog_vectors;
mod cleanup;
mod collisions;
mod embeddings;
mod error;
mod grants;
mod limits;
mod packages;
mod registry;
mod secrets;
mod tenant;
mod unavailable;
mod upload;
mod vault;
mod version;

pub use catalog::{Availability, Catalog, CatalogSkill, FALLBACK_SKILL, TenantCatalog};
pub use embeddings::{Embedder, EmbeddingCounts, Embeddings, EmbeddingsOptions, RequestVectors};
pub use error::RegistryError;
pub use grants::{from_rows, to_rows};
pub use limits::{DailyQuota, RetryLimits, SkillLimits};
pub use openanalyst_store::quotas::Exceeded;
pub use openanalyst_store::tenants::RevocationRow;
pub use packages::{FolderPackages, ObjectPackages, PackageStore, PackageStoreError, S3Options, S3OptionsError};
pub use registry::{Actor, InstalledSkill, Registry, RegistryOptions};
pub use secrets::{OpenSecrets, SecretView};
pub use tenant::{Publisher, TenantSettings};
pub use unavailable::{UnavailableSkill, WhyUnavailable};
pub use upload::{Checked, MAX_VERSIONS, Uploaded};
pub use vault::{Binding, CannotOpen, MAX_SECRET_BYTES, SecretValue, Vault};
pub use version::{SkillSource, SkillVersion};
