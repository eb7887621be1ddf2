//! Which uploaded package is checked and compiled next: so many at once, so many of one tenant, and
//! free places go round the tenants whose packages wait, and round the users of each.

use std::time::Duration;

use axum::http::StatusCode;
use openanalyst_domain::{Owner, Place, Places};
use tokio::time::timeout;

use crate::limits::ServerLimits;
use crate::problem::Problem;

/// When a refused upload may come again: about the time that a large component takes to compile.
const RETRY_AFTER_MS: u64 = 5_000;

/// The queue of all tenants.
pub(crate) struct UploadQueue {
    places: Places,
    waiting_per_tenant: usize,
    patience: Duration,
}

impl UploadQueue {
    pub(crate) fn new(limits: &ServerLimits) -> Self {
        Self {
            places: Places::new(limits.uploads_at_once, limits.uploads_per_tenant),
            waiting_per_tenant: limits.uploads_waiting_per_tenant,
            patience: limits.upload_wait,
        }
    }

    /// Waits for a place. A caller that stops waiting leaves the queue.
    ///
    /// # Errors
    /// `busy`: too many packages of this tenant or user wait, or the place did not become free in time.
    pub(crate) async fn take(&self, owner: &Owner) -> Result<Place, Problem> {
        let (tenant, user) = (Some(&owner.tenant), Some(&owner.user));
        if let Some(place) = self.places.place_now(tenant, user) {
            return Ok(place);
        }
        let (of_tenant, of_user) = self.places.who_wait(tenant, user);
        // One user leaves a quarter of the queue to the others of the tenant.
        let most_of_user = self.waiting_per_tenant - self.waiting_per_tenant / 4;
        let whose = match (of_tenant >= self.waiting_per_tenant, of_user >= most_of_user) {
            (true, _) => Some((of_tenant, "this tenant")),
            (false, true) => Some((of_user, "yours")),
            (false, false) => None,
        };
        if let Some((waiting, whose)) = whose {
            let detail = format!(
                "{waiting} packages of {whose} wait to be checked, and that is the limit: upload the next one when they are done"
            );
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).retry_after_ms(RETRY_AFTER_MS));
        }
        match timeout(self.patience, self.places.place(tenant, user)).await {
            Ok(Some(place)) => Ok(place),
            _ => {
                let detail = format!(
                    "other packages were checked for {} s before this one: upload it again later",
                    self.patience.as_secs()
                );
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after_ms(RETRY_AFTER_MS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    fn queue(at_once: usize, waiting: usize) -> UploadQueue {
        UploadQueue::new(&ServerLimits {
            uploads_at_once: at_once,
            uploads_per_tenant: 1,
            uploads_waiting_per_tenant: waiting,
            upload_wait: Duration::from_secs(60),
            ..ServerLimits::default()
        })
    }

    fn owner(tenant: &str, user: &str) -> Owner {
        Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap())
    }

    #[tokio::test]
    async fn free_places_go_round_the_tenants_and_their_users() {
        let queue = queue(1, 8);
        let mut held = queue.take(&owner("a", "x")).await.ok();
        let owners = [("a", "x"), ("a", "x"), ("b", "z"), ("a", "y")].map(|(tenant, user)| owner(tenant, user));
        let mut waiting: Vec<_> = owners.iter().map(|owner| (owner, Box::pin(queue.take(owner)))).collect();
        assert!(waiting.iter_mut().all(|(_, place)| place.now_or_never().is_none()));
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(held.take());
            let next = waiting.iter_mut().position(|(_, place)| {
                held = place.now_or_never().and_then(Result::ok);
                held.is_some()
            });
            let (owner, _) = waiting.remove(next.expect("somebody is next"));
            order.push(format!("{}/{}", owner.tenant, owner.user));
        }
        assert_eq!(order, ["a/x", "b/z", "a/y", "a/x"]);
    }

    #[tokio::test]
    async fn the_queue_of_a_tenant_is_bounded_and_a_user_never_has_all_of_it() {
        let queue = queue(1, 4);
        let (x, y, z) = (owner("a", "x"), owner("a", "y"), owner("b", "z"));
        let _held = queue.take(&x).await.ok().unwrap();
        let mut of_x: Vec<_> = (0..3).map(|_| Box::pin(queue.take(&x))).collect();
        assert!(of_x.iter_mut().all(|place| place.now_or_never().is_none()));
        let refused = |owner| queue.take(owner).now_or_never().unwrap().err().unwrap();
        let fourth = refused(&x);
        assert_eq!((fourth.status.as_u16(), fourth.code, fourth.is_retryable()), (429, "busy", true));
        let mut of_y = Box::pin(queue.take(&y));
        assert!(of_y.as_mut().now_or_never().is_none());
        assert_eq!(refused(&y).code, "busy");
        assert!(queue.take(&z).now_or_never().is_none(), "another tenant waits and is not refused");
        // One that stops waiting makes room.
        of_x.pop();
        assert!(queue.take(&x).now_or_never().is_none());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let mut queue = queue(1, 8);
        queue.patience = Duration::from_millis(1);
        let _place = queue.take(&owner("a", "x")).await.ok().unwrap();
        let refused = queue.take(&owner("b", "z")).await.err().unwrap();
        assert_eq!((refused.status.as_u16(), refused.code, refused.is_retryable()), (503, "busy", true));
    }
}
