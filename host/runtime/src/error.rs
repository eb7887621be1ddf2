//! Why the sandbox does not start, and why a component is refused.

use openanalyst_domain::LimitReason;

/// The sandbox itself cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine does not start on this machine.
    #[error(
        "the sandbox cannot start: {0}. It needs a 64-bit machine and much address space (not memory): check `ulimit -v`, or lower the number of pool instances"
    )]
    Engine(String),
    /// The cache of compiled components cannot be used.
    #[error(
        "the cache of compiled components cannot be used: {0}. Check that its directory belongs to this user and can be written"
    )]
    Cache(#[source] std::io::Error),
}

/// A component is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A limit on components.
    #[error("{detail}")]
    Limit {
        /// Which one.
        reason: LimitReason,
        /// What was found, and what the limit is.
        detail: String,
    },
    /// It is not what the sandbox runs.
    #[error("{detail}")]
    Refused {
        /// The stable code, kebab-case.
        code: &'static str,
        /// The thing, the reason, the next step.
        detail: String,
    },
    /// The host cannot compile now; the component may be good.
    #[error(
        "the component cannot be compiled now: {0}. Try again; if it stays, the operator finds the reason with `openanalyst doctor`"
    )]
    Unavailable(String),
}

impl LoadError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limit { reason, .. } => reason.code(),
            Self::Refused { code, .. } => code,
            Self::Unavailable(_) => "compiler-unavailable",
        }
    }

    pub(crate) fn refused(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Refused { code, detail: detail.into() }
    }
}
