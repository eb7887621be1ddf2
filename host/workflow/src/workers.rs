//! How many scripts compute at the same time, and how many of them for one tenant.
//!
//! Tenants, and users within a tenant, take turns at the places. Where there are two places or more,
//! one is always left to the other tenants. A script that waits for something has no place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openanalyst_domain::{Owner, TenantId, Turns};
use tokio::sync::oneshot;

/// The places. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Workers {
    state: Arc<Mutex<State>>,
    per_tenant: usize,
}

#[derive(Default)]
struct State {
    free: usize,
    taken: HashMap<TenantId, usize>,
    waiting: Turns<(TenantId, oneshot::Sender<Place>)>,
}

/// A place to run one script. Dropping it gives it back.
pub(crate) struct Place {
    workers: Workers,
    tenant: TenantId,
    is_held: bool,
}

impl Workers {
    pub(crate) fn new(places: usize) -> Self {
        let free = places.max(1);
        let state = State { free, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), per_tenant: free.saturating_sub(1).max(1) }
    }

    /// Waits for a place.
    pub(crate) async fn place(&self, owner: &Owner) -> Option<Place> {
        let given = {
            let mut state = self.lock();
            let (give, given) = oneshot::channel();
            let (tenant, user) = (&owner.tenant, &owner.user);
            state.waiting.push(Some(tenant), Some(user), (tenant.clone(), give));
            self.hand_out(&mut state);
            given
        };
        // The sender is dropped with the workers only.
        given.await.ok()
    }

    /// Gives free places to those whose turn it is.
    fn hand_out(&self, state: &mut State) {
        while state.free > 0 {
            let taken = &state.taken;
            let next = state.waiting.pop_if(|tenant| {
                let of_tenant = tenant.as_ref().and_then(|tenant| taken.get(tenant));
                of_tenant.copied().unwrap_or_default() < self.per_tenant
            });
            let Some((tenant, give)) = next else { return };
            let place = Place { workers: self.clone(), tenant: tenant.clone(), is_held: true };
            match give.send(place) {
                Ok(()) => {
                    state.free -= 1;
                    *state.taken.entry(tenant).or_default() += 1;
                }
                // It stopped waiting. The place must not be given back here: the lock is held.
                Err(mut place) => place.is_held = false,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut state = self.workers.lock();
        state.free += 1;
        if let Some(taken) = state.taken.get_mut(&self.tenant) {
            *taken -= 1;
            if *taken == 0 {
                state.taken.remove(&self.tenant);
            }
        }
        self.workers.hand_out(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use openanalyst_domain::UserId;

    use super::*;

    fn owner(tenant: &str, user: &str) -> Owner {
        Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap())
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn now(workers: &Workers, owner: &Owner) -> Option<Place> {
        poll(pin!(workers.place(owner))).flatten()
    }

    #[test]
    fn one_tenant_leaves_a_place_to_the_others() {
        let (a, b) = (owner("a", "x"), owner("b", "y"));
        let workers = Workers::new(3);
        let taken: Vec<_> = (0..2).map(|_| now(&workers, &a).unwrap()).collect();
        assert!(now(&workers, &a).is_none(), "a has its two places");
        let of_b = now(&workers, &b).unwrap();
        assert!(now(&workers, &b).is_none(), "all three are taken");
        drop(taken);
        assert!(now(&workers, &a).is_some());
        drop(of_b);
        drop(now(&workers, &a));
        assert!(workers.lock().taken.is_empty(), "tenants without jobs are forgotten");
    }

    #[test]
    fn places_are_given_in_turns() {
        let (a, b, c) = (owner("a", "x"), owner("b", "y"), owner("a", "z"));
        let workers = Workers::new(1);
        let held = now(&workers, &a).unwrap();
        let mut of_a = pin!(workers.place(&a));
        let mut second_of_a = pin!(workers.place(&a));
        let mut of_b = pin!(workers.place(&b));
        let mut of_c = pin!(workers.place(&c));
        assert!(poll(of_a.as_mut()).is_none() && poll(second_of_a.as_mut()).is_none());
        assert!(poll(of_b.as_mut()).is_none() && poll(of_c.as_mut()).is_none());
        drop(held);
        let first = poll(of_a.as_mut()).flatten().expect("it waits for longest");
        drop(first);
        let second = poll(of_b.as_mut()).flatten().expect("the other tenant's turn");
        drop(second);
        let third = poll(of_c.as_mut()).flatten().expect("the other user's turn");
        drop(third);
        assert!(poll(second_of_a.as_mut()).flatten().is_some());
    }

    #[test]
    fn one_place_is_enough() {
        let a = owner("a", "x");
        let workers = Workers::new(0);
        let place = now(&workers, &a);
        assert!(place.is_some() && now(&workers, &a).is_none());
    }
}
