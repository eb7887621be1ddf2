//! How often one user may call: a token bucket for each user (GCRA, by the `governor` crate).

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use governor::clock::Clock as _;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use openanalyst_domain::Owner;

use crate::limits::ServerLimits;
use crate::problem::Problem;

/// How often users that have not called for a while are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// The rate of all users.
pub(crate) struct UserRate {
    users: DefaultKeyedRateLimiter<Owner>,
}

impl UserRate {
    pub(crate) fn new(limits: &ServerLimits) -> Self {
        let quota = Quota::per_second(limits.requests_per_second).allow_burst(limits.requests_burst);
        Self { users: RateLimiter::keyed(quota) }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// There were too many; when the next one is allowed stands in the problem.
    pub(crate) fn count(&self, owner: &Owner) -> Result<(), Problem> {
        self.users.check_key(owner).map_err(|until| {
            let wait = until.wait_time_from(self.users.clock().now());
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            let detail = format!("too many calls of this user: wait {wait_ms} ms, and call less often");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail).retry_after_ms(wait_ms)
        })
    }

    /// Keeps the table as small as the number of users who called lately. Runs until it is dropped.
    pub(crate) async fn keep_small(self: Arc<Self>) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            self.users.retain_recent();
            self.users.shrink_to_fit();
        }
    }
}

/// The rate of one WebSocket connection.
pub(crate) struct FrameRate {
    frames: DefaultDirectRateLimiter,
    refusals: DefaultDirectRateLimiter,
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// It is handled.
    Yes,
    /// It is answered with `rate-limited`.
    Refused,
    /// The sender does not listen: the connection is closed.
    TooOften,
}

impl FrameRate {
    pub(crate) fn new(limits: &ServerLimits) -> Self {
        let frames = Quota::per_second(limits.ws_messages_per_second).allow_burst(limits.ws_messages_burst);
        Self {
            frames: RateLimiter::direct(frames),
            refusals: RateLimiter::direct(Quota::per_minute(limits.ws_refusals)),
        }
    }

    pub(crate) fn count(&self) -> Allowed {
        if self.frames.check().is_ok() {
            Allowed::Yes
        } else if self.refusals.check().is_ok() {
            Allowed::Refused
        } else {
            Allowed::TooOften
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    fn owner(user: &str) -> Owner {
        Owner::new(TenantId::parse("t").unwrap(), UserId::parse(user).unwrap())
    }

    fn few() -> ServerLimits {
        let one = NonZeroU32::MIN;
        let three = NonZeroU32::new(3).unwrap();
        ServerLimits {
            requests_per_second: one,
            requests_burst: three,
            ws_messages_per_second: one,
            ws_messages_burst: three,
            ws_refusals: three,
            ..ServerLimits::default()
        }
    }

    #[test]
    fn one_user_does_not_use_up_what_another_may() {
        let rate = UserRate::new(&few());
        for _ in 0..3 {
            rate.count(&owner("ada")).unwrap();
        }
        let refused = rate.count(&owner("ada")).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code, refused.is_retryable()), (429, "rate-limited", true));
        rate.count(&owner("bob")).unwrap();
    }

    #[test]
    fn a_flood_is_refused_and_then_closed() {
        let rate = FrameRate::new(&few());
        let said: Vec<Allowed> = (0..8).map(|_| rate.count()).collect();
        assert_eq!(said[..3], [Allowed::Yes; 3]);
        assert_eq!(said[3..6], [Allowed::Refused; 3]);
        assert_eq!(said[6..], [Allowed::TooOften; 2]);
    }
}
