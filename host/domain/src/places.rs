//! Places for work of one kind: a limit on how much of it happens at once, fair between tenants.
//!
//! Tenants, and users within a tenant, take turns at the places, and one tenant never has all of
//! them where there are two or more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::{TenantId, Turns, UserId};

/// See the module. Clones are the same places.
#[derive(Debug, Clone)]
pub struct Places {
    state: Arc<Mutex<State>>,
    of_tenant: usize,
}

#[derive(Debug, Default)]
struct State {
    free: usize,
    taken: HashMap<Option<TenantId>, usize>,
    waiting: Turns<(Option<TenantId>, oneshot::Sender<Place>)>,
}

/// One of the places. Dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    places: Places,
    tenant: Option<TenantId>,
    is_held: bool,
}

impl Places {
    /// So many places, at least one; one tenant has at most `of_tenant` of them at a time.
    #[must_use]
    pub fn new(places: usize, of_tenant: usize) -> Self {
        let state = State { free: places.max(1), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), of_tenant: of_tenant.max(1) }
    }

    /// Waits for a place. None: nobody is waited for any more, which does not happen while there is
    /// a clone of these places.
    pub async fn place(&self, tenant: Option<&TenantId>, user: Option<&UserId>) -> Option<Place> {
        let given = {
            let mut state = self.lock();
            let (give, given) = oneshot::channel();
            state.waiting.push(tenant, user, (tenant.cloned(), give));
            self.hand_out(&mut state);
            given
        };
        given.await.ok()
    }

    /// Gives free places to those whose turn it is.
    fn hand_out(&self, state: &mut State) {
        while state.free > 0 {
            let taken = &state.taken;
            let next = state.waiting.pop_if(|tenant| taken.get(tenant).copied().unwrap_or_default() < self.of_tenant);
            let Some((tenant, give)) = next else { return };
            let place = Place { places: self.clone(), tenant: tenant.clone(), is_held: true };
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
        let mut state = self.places.lock();
        state.free += 1;
        if let Some(taken) = state.taken.get_mut(&self.tenant) {
            *taken -= 1;
            if *taken == 0 {
                state.taken.remove(&self.tenant);
            }
        }
        self.places.hand_out(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    struct Who(Option<TenantId>, Option<UserId>);

    fn who(tenant: &str, user: &str) -> Who {
        Who(TenantId::parse(tenant).ok(), UserId::parse(user).ok())
    }

    fn waits(places: &Places, who: &Who) -> impl Future<Output = Option<Place>> {
        places.place(who.0.as_ref(), who.1.as_ref())
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn now(places: &Places, who: &Who) -> Option<Place> {
        poll(pin!(waits(places, who))).flatten()
    }

    #[test]
    fn one_tenant_leaves_a_place_to_the_others() {
        let (a, b) = (who("a", "x"), who("b", "y"));
        let places = Places::new(3, 2);
        let taken: Vec<_> = (0..2).map(|_| now(&places, &a).unwrap()).collect();
        assert!(now(&places, &a).is_none(), "a has its two places");
        let of_b = now(&places, &b).unwrap();
        assert!(now(&places, &b).is_none(), "all three are taken");
        drop(taken);
        assert!(now(&places, &a).is_some());
        drop(of_b);
        drop(now(&places, &a));
        assert!(places.lock().taken.is_empty(), "tenants that have none are forgotten");
    }

    #[test]
    fn places_are_given_in_turns() {
        let (a, b, c) = (who("a", "x"), who("b", "y"), who("a", "z"));
        let places = Places::new(1, 1);
        let held = now(&places, &a).unwrap();
        let mut of_a = pin!(waits(&places, &a));
        let mut second_of_a = pin!(waits(&places, &a));
        let mut of_b = pin!(waits(&places, &b));
        let mut of_c = pin!(waits(&places, &c));
        assert!(poll(of_a.as_mut()).is_none() && poll(second_of_a.as_mut()).is_none());
        assert!(poll(of_b.as_mut()).is_none() && poll(of_c.as_mut()).is_none());
        drop(held);
        drop(poll(of_a.as_mut()).flatten().expect("it waits for longest"));
        drop(poll(of_b.as_mut()).flatten().expect("the other tenant's turn"));
        drop(poll(of_c.as_mut()).flatten().expect("the other user's turn"));
        assert!(poll(second_of_a.as_mut()).flatten().is_some());
    }

    #[test]
    fn one_place_is_enough() {
        let a = who("a", "x");
        let places = Places::new(0, 0);
        let place = now(&places, &a);
        assert!(place.is_some() && now(&places, &a).is_none());
    }
}
