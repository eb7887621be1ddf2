//! What comes back from an invocation: the result or the reason why there is none, always with a receipt and the log.

use openanalyst_domain::{Failure, LimitReason, Outcome, Receipt};

use crate::logs::LogLine;
use crate::tape::Diverged;

/// The outcome of one invocation.
#[derive(Debug)]
#[must_use = "an invocation carries the receipt and the log of what ran, also when it failed"]
pub struct Invocation<T> {
    /// What it used.
    pub receipt: Receipt,
    /// What it wrote to its log.
    pub logs: Vec<LogLine>,
    /// What the export returned.
    pub result: Result<T, CallError>,
}

/// A guest waits for a job for longer than it can stay, and is put aside: run again from its tape when the job has ended, it gets there again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guest waits for job {job}")]
pub struct Waits {
    /// The job that it waits for.
    pub job: String,
    /// When it stops waiting, UTC milliseconds; none: when the job ends.
    pub until_ms: Option<i64>,
}

/// The host could not reach its record during a host call, so the call has no outcome and the guest
/// cannot go on. Run again from its recording, it gets to the same call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Interrupted(pub String);

/// Why an invocation gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The skill returned a failure of its own.
    #[error("{0}")]
    Failure(Failure),
    /// A limit stopped it.
    #[error("{detail}")]
    Limit {
        /// Which limit.
        reason: LimitReason,
        /// What was used, what the limit is, what to do.
        detail: String,
    },
    /// The component did something that WebAssembly or the contract forbids.
    #[error("the skill crashed: {detail}")]
    Trap {
        /// In the engine's words.
        detail: String,
    },
    /// It did something else than its recording says.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// It is put aside until a job ends.
    #[error(transparent)]
    Waits(#[from] Waits),
    /// The host could not reach its record: no attempt was made, and none failed.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The caller cancelled it.
    #[error("the call was cancelled")]
    Cancelled,
    /// The host itself could not run it.
    #[error("the host could not run the skill: {0}")]
    Host(String),
}

impl CallError {
    /// The same as the failure that other skills and the user are shown.
    #[must_use]
    pub fn as_failure(&self) -> Failure {
        match self {
            Self::Failure(failure) => failure.clone(),
            Self::Limit { reason, detail } => Failure::limit(*reason, detail.clone()),
            // Where it crashed helps its author only, who finds it in the log.
            Self::Trap { .. } => Failure::failed(
                "the skill crashed: a fault in its own code stopped it; its author finds where with `openanalyst skill logs`",
            ),
            Self::Interrupted(Interrupted(detail)) => Failure::interrupted(detail.clone()),
            // The words of a panic in the host help its operator only, who finds them in the log.
            Self::Host(_) => Failure::failed(
                "the host could not run the skill: this is a fault of the host, and its log says what went wrong; tell its operator",
            ),
            Self::Diverged(_) | Self::Waits(_) | Self::Cancelled => Failure::failed(self.to_string()),
        }
    }

    /// Whether a fault of the skill's own code stopped it. The same call most likely ends the same
    /// way again, so it is worth one more try and no more.
    #[must_use]
    pub fn is_crash(&self) -> bool {
        matches!(self, Self::Trap { .. })
    }

    /// How the receipt names it.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Failure(failure) => Outcome::Failure { code: failure.code().to_owned() },
            Self::Limit { reason, .. } => Outcome::Limit { reason: *reason },
            Self::Trap { detail } => Outcome::Trap { detail: detail.clone() },
            Self::Diverged(diverged) => Outcome::Trap { detail: diverged.to_string() },
            Self::Waits(_) => Outcome::PutAside,
            Self::Interrupted(interrupted) => Outcome::Host { detail: interrupted.to_string() },
            Self::Cancelled => Outcome::Cancelled,
            Self::Host(detail) => Outcome::Host { detail: detail.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_worth_another_try() {
        let busy = CallError::Limit { reason: LimitReason::Busy, detail: String::new() };
        let cpu = CallError::Limit { reason: LimitReason::CpuExceeded, detail: String::new() };
        assert!(busy.as_failure().is_retryable());
        assert!(!cpu.as_failure().is_retryable());
        assert_eq!(cpu.as_failure().code(), "cpu-exceeded");
        let words = "wasm trap: unreachable (in core::panicking)";
        let crash = CallError::Trap { detail: words.into() };
        assert!(crash.is_crash() && !cpu.is_crash());
        let host = CallError::Host(format!("a host function panicked: {words}"));
        for (error, next) in [(&crash, "skill logs"), (&host, "tell its operator")] {
            let shown = error.as_failure().to_string();
            assert!(!shown.contains("wasm") && !shown.contains("panick") && shown.contains(next), "{shown}");
        }
    }
}
