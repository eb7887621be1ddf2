//! How many scripts run at the same time, and how many of them for one tenant.
//!
//! A tenant queues for its own places first, and only then for the shared ones: whatever it starts, it never stands more than its own places in
//! front of another tenant. Where there are two places or more, one is always left to the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use openanalyst_domain::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places.
pub(crate) struct Workers {
    all: Arc<Semaphore>,
    per_tenant: usize,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A place to run one script. Dropping it gives it back.
pub(crate) struct Place {
    _all: OwnedSemaphorePermit,
    _of_tenant: OwnedSemaphorePermit,
}

impl Workers {
    pub(crate) fn new(places: usize) -> Self {
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(places)),
            per_tenant: places.saturating_sub(1).max(1),
            tenants: Mutex::default(),
        }
    }

    /// Waits for a place.
    pub(crate) async fn place(&self, tenant: &TenantId) -> Option<Place> {
        let of_tenant = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            // Every permit and every waiting call holds its semaphore, so one that only the map holds is unused.
            tenants.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            let fresh = || Arc::new(Semaphore::new(self.per_tenant));
            tenants.entry(tenant.clone()).or_insert_with(fresh).clone()
        };
        // Nobody closes these semaphores; if somebody did, there would be no place.
        let of_tenant = of_tenant.acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Place { _all: all, _of_tenant: of_tenant })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn now<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_tenant_leaves_a_place_to_the_others() {
        let (a, b) = (TenantId::parse("a").unwrap(), TenantId::parse("b").unwrap());
        let workers = Workers::new(3);
        let taken: Vec<_> = (0..2).map(|_| now(workers.place(&a)).flatten().unwrap()).collect();
        assert!(now(workers.place(&a)).is_none(), "a has its two places");
        let of_b = now(workers.place(&b)).flatten().unwrap();
        assert!(now(workers.place(&b)).is_none(), "all three are taken");
        drop(taken);
        assert!(now(workers.place(&a)).flatten().is_some());
        drop(of_b);
        drop(now(workers.place(&a)));
        assert_eq!(workers.tenants.lock().unwrap().len(), 1, "tenants without jobs are forgotten");
    }

    #[test]
    fn one_place_is_enough() {
        let a = TenantId::parse("a").unwrap();
        let workers = Workers::new(0);
        let place = now(workers.place(&a)).flatten();
        assert!(place.is_some() && now(workers.place(&a)).is_none());
    }
}
