//! The failure of the contract and the failure of the host, one into the other. Both have the same variants.

use super::{Failure, Limit, Unavailable};

impl From<openanalyst_domain::Failure> for Failure {
    fn from(failure: openanalyst_domain::Failure) -> Self {
        use openanalyst_domain::Failure as Host;
        match failure {
            Host::Invalid { detail } => Self::Invalid(detail),
            Host::Denied { detail } => Self::Denied(detail),
            Host::NotFound { detail } => Self::NotFound(detail),
            Host::Unavailable { detail, retry_after_ms } => Self::Unavailable(Unavailable { detail, retry_after_ms }),
            Host::Limit { reason, detail } => Self::Limit(Limit { reason, detail }),
            Host::Failed { detail } => Self::Failed(detail),
            // The tape ends the invocation before a guest could be told.
            Host::Interrupted { detail } => Self::Unavailable(Unavailable { detail, retry_after_ms: None }),
        }
    }
}

impl From<Failure> for openanalyst_domain::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(detail) => Self::Invalid { detail },
            Failure::Denied(detail) => Self::Denied { detail },
            Failure::NotFound(detail) => Self::NotFound { detail },
            Failure::Unavailable(Unavailable { detail, retry_after_ms }) => {
                Self::Unavailable { detail, retry_after_ms }
            }
            Failure::Limit(Limit { reason, detail }) => Self::Limit { reason, detail },
            Failure::Failed(detail) => Self::Failed { detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{Failure as Host, LimitReason};

    use super::Failure;

    #[test]
    fn a_failure_survives_the_way_in_and_out() {
        for failure in [
            Host::invalid("a"),
            Host::denied("b"),
            Host::not_found("c"),
            Host::Unavailable { detail: "d".into(), retry_after_ms: Some(5) },
            Host::limit(LimitReason::HostcallsExceeded, "e"),
            Host::failed("f"),
        ] {
            assert_eq!(Host::from(Failure::from(failure.clone())), failure);
        }
    }
}
