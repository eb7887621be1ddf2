//! What can go wrong with the skills of a tenant, each with its next step.

use openanalyst_package::Finding;
use openanalyst_store::StoreError;
use openanalyst_store::quotas::{Exceeded, QuotaError};

use crate::packages::PackageStoreError;

/// Why a call of the registry did not succeed. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such skill, or not for this tenant.
    #[error("there is no skill `{0}` in this organisation: `skill list` names those that are there")]
    NoSuchSkill(String),
    /// There is no such version.
    #[error("the skill `{skill}` has no version `{version}`: {known}")]
    NoSuchVersion {
        /// The skill.
        skill: String,
        /// What was asked for.
        version: String,
        /// Which there are, in words.
        known: String,
    },
    /// There is no such secret.
    #[error("the skill has no secret `{0}`: GET its secrets for their names")]
    NoSuchSecret(String),
    /// The package is refused; these are all the reasons.
    #[error("{}", in_lines(.0))]
    Refused(Vec<Finding>),
    /// The input is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be done in this state.
    #[error("{0}")]
    WrongState(String),
    /// The record cannot be read or written now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A package cannot be read or kept now.
    #[error(transparent)]
    Packages(#[from] PackageStoreError),
    /// A quota is used up.
    #[error("{0}")]
    QuotaExceeded(Exceeded),
    /// The compiler is busy, or cannot be started.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of this program.
    #[error("{0}")]
    Internal(String),
}

impl RegistryError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchSkill(_) => "skill-not-found",
            Self::NoSuchVersion { .. } => "version-not-found",
            Self::NoSuchSecret(_) => "secret-not-found",
            Self::Refused(_) => "package-refused",
            Self::Invalid(_) => "invalid",
            Self::WrongState(_) => "wrong-state",
            Self::Store(error) if error.is_transient() => "storage-unavailable",
            Self::Packages(PackageStoreError::Unavailable(_)) => "storage-unavailable",
            Self::QuotaExceeded(_) => "quota-exceeded",
            Self::Unavailable(_) => "unavailable",
            Self::Store(_) | Self::Packages(_) | Self::Internal(_) => "internal",
        }
    }
}

impl RegistryError {
    /// When trying again may help, milliseconds from now.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        matches!(self.code(), "storage-unavailable" | "unavailable").then_some(5_000)
    }
}

fn in_lines(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl From<QuotaError> for RegistryError {
    fn from(error: QuotaError) -> Self {
        match error {
            QuotaError::Exceeded(exceeded) => Self::QuotaExceeded(exceeded),
            QuotaError::Deleting => Self::WrongState(error.to_string()),
            QuotaError::Store(error) => Self::Store(error),
        }
    }
}
