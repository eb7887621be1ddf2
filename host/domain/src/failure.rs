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

    /// The stable code: the variant's name, or for a limit its reason.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Denied { .. } => "denied",
            Self::NotFound { .. } => "not-found",
            Self::Unavailable { .. } => "unavailable",
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
            Self::Failed { .. } => true,
        }
    }
}
