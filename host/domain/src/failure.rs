//! Why a call between a skill and the host did not succeed: the host's form of the WIT variant `failure`.

use serde::{Deserialize, Serialize};

use crate::LimitReason;

/// One variant for both directions. Every text names the thing, the reason and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Failure {
    /// The caller's input is wrong.
    #[error("{detail}")]
    Invalid {
        /// What is wrong and what would be right.
        detail: String,
    },
    /// A grant is missing.
    #[error("{detail}")]
    Denied {
        /// The missing grant and who can give it.
        detail: String,
    },
    /// There is no such thing, or not for this user.
    #[error("{detail}")]
    NotFound {
        /// What was looked for.
        detail: String,
    },
    /// The service cannot answer now, or is not configured.
    #[error("{detail}")]
    Unavailable {
        /// Which service, and why.
        detail: String,
        /// When trying again may help, in milliseconds; none if waiting does not help.
        #[serde(rename = "retryAfterMs")]
        retry_after_ms: Option<u64>,
    },
    /// A limit was met.
    #[error("{detail}")]
    Limit {
        /// The stable code of the limit.
        reason: String,
        /// What was used, what the limit is, how to ask for more.
        detail: String,
    },
    /// Anything else.
    #[error("{detail}")]
    Failed {
        /// In words for the user.
        detail: String,
    },
    /// The host could not reach its own record, so the call has no outcome. It says nothing about
    /// the call or the caller, and is never shown to a skill, journaled or counted as an attempt:
    /// the host leaves the work where it stands and resumes it from the record. It cannot be
    /// serialised, so that no record can hold it by mistake.
    #[error("{detail}")]
    #[serde(skip)]
    Interrupted {
        /// What could not be reached, and why.
        detail: String,
    },
}

impl Failure {
    /// [`Failure::Invalid`].
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::Invalid { detail: detail.into() }
    }

    /// [`Failure::Denied`].
    pub fn denied(detail: impl Into<String>) -> Self {
        Self::Denied { detail: detail.into() }
    }

    /// [`Failure::NotFound`].
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::NotFound { detail: detail.into() }
    }

    /// [`Failure::Unavailable`] where waiting does not help.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::Unavailable { detail: detail.into(), retry_after_ms: None }
    }

    /// [`Failure::Limit`].
    pub fn limit(reason: LimitReason, detail: impl Into<String>) -> Self {
        Self::Limit { reason: reason.code().to_owned(), detail: detail.into() }
    }

    /// [`Failure::Failed`].
    pub fn failed(detail: impl Into<String>) -> Self {
        Self::Failed { detail: detail.into() }
    }

    /// [`Failure::Interrupted`].
    pub fn interrupted(detail: impl Into<String>) -> Self {
        Self::Interrupted { detail: detail.into() }
    }

    /// Whether the call has no outcome because the host could not reach its record.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted { .. })
    }

    /// The stable code: the variant's name, or for a limit its reason.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Denied { .. } => "denied",
            Self::NotFound { .. } => "not-found",
            Self::Unavailable { .. } | Self::Interrupted { .. } => "unavailable",
            Self::Limit { reason, .. } => reason,
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether trying the same again can end otherwise.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Invalid { .. } | Self::Denied { .. } | Self::NotFound { .. } => false,
            Self::Unavailable { retry_after_ms, .. } => retry_after_ms.is_some(),
            Self::Limit { reason, .. } => reason == LimitReason::Busy.code(),
            Self::Failed { .. } | Self::Interrupted { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_can_never_be_written_into_a_record() {
        assert!(serde_json::to_value(Failure::interrupted("the database is gone")).is_err());
        assert!(serde_json::from_str::<Failure>(r#"{"code":"interrupted","detail":"x"}"#).is_err());
        assert!(serde_json::to_value(Failure::failed("its own")).is_ok());
    }
}
