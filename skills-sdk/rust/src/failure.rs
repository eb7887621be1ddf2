//! Failures: how to make one in a line, and how other errors become one with `?`.

use crate::types::{Failure, Limit, Unavailable};

/// What every function of a skill gives.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The caller's input is wrong. Say what is wrong and what would be right. Final: the host does not try again.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::Invalid(detail.into())
    }

    /// A grant is missing. Say which, and who can give it. Final.
    pub fn denied(detail: impl Into<String>) -> Self {
        Self::Denied(detail.into())
    }

    /// The named thing does not exist, or not for this user. Final.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::NotFound(detail.into())
    }

    /// A service cannot answer now. `retry_after_ms` is none where waiting does not help.
    pub fn unavailable(detail: impl Into<String>, retry_after_ms: Option<u64>) -> Self {
        Self::Unavailable(Unavailable { detail: detail.into(), retry_after_ms })
    }

    /// A limit of the skill's own is used up. `reason` is a stable code.
    pub fn limit(reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Limit(Limit { reason: reason.into(), detail: detail.into() })
    }

    /// Anything else, in words for the user. The host tries the step again.
    pub fn failed(detail: impl Into<String>) -> Self {
        Self::Failed(detail.into())
    }

    /// The words of the failure, without its kind.
    pub fn detail(&self) -> &str {
        match self {
            Self::Invalid(detail) | Self::Denied(detail) | Self::NotFound(detail) | Self::Failed(detail) => detail,
            Self::Unavailable(unavailable) => &unavailable.detail,
            Self::Limit(limit) => &limit.detail,
        }
    }
}

/// JSON that cannot be read or written is [`Failure::Invalid`]: trying again would not help.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::invalid(format!("this JSON does not fit what the skill expects: {error}"))
    }
}

impl From<std::str::Utf8Error> for Failure {
    fn from(error: std::str::Utf8Error) -> Self {
        Self::invalid(format!("this is not UTF-8 text: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_errors_become_invalid_with_question_mark() {
        fn read(text: &str) -> Result<u32> {
            Ok(serde_json::from_str(text)?)
        }
        assert_eq!(read("7"), Ok(7));
        let failure = read("\"x\"").unwrap_err();
        assert!(matches!(failure, Failure::Invalid(_)), "{failure:?}");
        assert!(failure.detail().contains("invalid type"), "{}", failure.detail());
    }
}
