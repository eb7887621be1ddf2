//! Places for work of one kind: a limit on how much of it happens at once, fair between tenants.
//!
//! Tenants, and users within a tenant, take turns at the places. One tenant never has all of them,
//! and one user never all of the tenant's, where there are enough.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::{TenantId, Turns, UserId};

/// See the module. Clones are the same places.
#[derive(Debug, Clone)]
pub struct Places {
    state: Arc<Mutex<State>>,
    of_tenant: usize,
    of_user: usize,
}

/// Whose a place is.
type Whose = (Option<TenantId>, Option<UserId>);

/// Those who stopped waiting are looked for when so many wait.
const SOME: usize = 64;

#[derive(Debug, Default)]
struct State {
    free: usize,
    taken: HashMap<Option<TenantId>, usize>,
    taken_by_user: HashMap<Whose, usize>,
    waiting: Turns<(Whose, oneshot::Sender<Place>)>,
    /// How many wait when those who stopped are looked for again.
    look_at: usize,
}

/// One of the places. Dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    places: Places,
    whose: Whose,
    is_held: bool,
}

impl Places {
    /// So many places, at least one; one tenant has at most `of_tenant` of them at a time, and one user
    /// at most three quarters of those.
    #[must_use]
    pub fn new(places: usize, of_tenant: usize) -> Self {
        let state = State { free: places.max(1), look_at: SOME, ..State::default() };
        let of_tenant = of_tenant.max(1);
        Self { state: Arc::new(Mutex::new(state)), of_tenant, of_user: of_tenant - of_tenant / 4 }
    }

    /// A place if one is free now.
    #[must_use]
    pub fn place_now(&self, tenant: Option<&TenantId>, user: Option<&UserId>) -> Option<Place> {
        let mut state = self.lock();
        // Where one is free, nobody waits who may have it.
        let whose = (tenant.cloned(), user.cloned());
        (state.free > 0 && self.may(&state, &whose.0, &whose.1)).then(|| {
            state.take(&whose);
            Place { places: self.clone(), whose, is_held: true }
        })
    }

    /// Waits for a place. None: nobody is waited for any more, which does not happen while there is
    /// a clone of these places.
    pub async fn place(&self, tenant: Option<&TenantId>, user: Option<&UserId>) -> Option<Place> {
        let given = {
            let mut state = self.lock();
            let (give, given) = oneshot::channel();
            if state.waiting.len() >= state.look_at {
                state.waiting.retain(|(_, give)| !give.is_closed());
                state.look_at = SOME.max(2 * state.waiting.len());
            }
            state.waiting.push(tenant, user, ((tenant.cloned(), user.cloned()), give));
            self.hand_out(&mut state);
            given
        };
        given.await.ok()
    }

    /// Gives free places to those whose turn it is.
    fn hand_out(&self, state: &mut State) {
        while state.free > 0 {
            let State { waiting, taken, taken_by_user, .. } = state;
            let next = waiting.pop_if(|tenant, user| self.has_room(taken, taken_by_user, tenant, user));
            let Some((whose, give)) = next else { return };
            let place = Place { places: self.clone(), whose: whose.clone(), is_held: true };
            match give.send(place) {
                Ok(()) => state.take(&whose),
                // It stopped waiting. The place must not be given back here: the lock is held.
                Err(mut place) => place.is_held = false,
            }
        }
    }

    fn may(&self, state: &State, tenant: &Option<TenantId>, user: &Option<UserId>) -> bool {
        self.has_room(&state.taken, &state.taken_by_user, tenant, user)
    }

    fn has_room(
        &self,
        taken: &HashMap<Option<TenantId>, usize>,
        taken_by_user: &HashMap<Whose, usize>,
        tenant: &Option<TenantId>,
        user: &Option<UserId>,
    ) -> bool {
        let of_user = || taken_by_user.get(&(tenant.clone(), user.clone())).copied().unwrap_or_default();
        taken.get(tenant).copied().unwrap_or_default() < self.of_tenant && (user.is_none() || of_user() < self.of_user)
    }

    /// How many wait for a place: all, and those of one tenant.
    #[must_use]
    pub fn waiting(&self, tenant: Option<&TenantId>) -> (usize, usize) {
        let state = self.lock();
        (state.waiting.len(), state.waiting.len_of(tenant))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, whose: &Whose) {
        self.free -= 1;
        *self.taken.entry(whose.0.clone()).or_default() += 1;
        if whose.1.is_some() {
            *self.taken_by_user.entry(whose.clone()).or_default() += 1;
        }
    }

    fn give_back(&mut self, whose: &Whose) {
        self.free += 1;
        one_less(&mut self.taken, &whose.0);
        one_less(&mut self.taken_by_user, whose);
    }
}

fn one_less<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut state = self.places.lock();
        state.give_back(&self.whose);
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
    fn one_user_leaves_a_place_to_the_others_of_the_tenant() {
        let (x, y) = (who("a", "x"), who("a", "y"));
        let places = Places::new(8, 4);
        let of_x: Vec<_> = (0..3).map(|_| now(&places, &x).unwrap()).collect();
        assert!(now(&places, &x).is_none());
        let of_y = now(&places, &y).unwrap();
        assert!(now(&places, &y).is_none(), "the tenant has its four");
        assert!(places.place_now(y.0.as_ref(), y.1.as_ref()).is_none());
        drop(of_x);
        let now_of_x = places.place_now(x.0.as_ref(), x.1.as_ref());
        assert!(now_of_x.is_some());
        drop((of_y, now_of_x));
        let state = places.lock();
        assert!(state.taken.is_empty() && state.taken_by_user.is_empty() && state.free == 8);
    }

    #[test]
    fn those_who_stopped_waiting_are_forgotten() {
        let a = who("a", "x");
        let places = Places::new(1, 1);
        let _held = now(&places, &a).unwrap();
        for _ in 0..10 * SOME {
            assert!(now(&places, &a).is_none());
        }
        assert!(places.waiting(a.0.as_ref()).1 <= SOME);
    }

    #[test]
    fn one_place_is_enough() {
        let a = who("a", "x");
        let places = Places::new(0, 0);
        let place = now(&places, &a);
        assert!(place.is_some() && now(&places, &a).is_none());
    }
}
