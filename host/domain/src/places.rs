//! Places for work of one kind: a limit on how much of it happens at once, fair between tenants.
//!
//! Tenants, and users within a tenant, take turns at the places. One tenant never has all of them,
//! and one user never all of the tenant's, where there are enough; and where there are eight or more,
//! the last eighth is for tenants that have none: however many hold theirs for long, others get one.
//!
//! Work for which nobody waits comes behind all other, and has at most half of the places.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::{Shares, TenantId, Turns, UserId, Whose};

/// See the module. Clones are the same places.
#[derive(Debug, Clone)]
pub struct Places {
    state: Arc<Mutex<State>>,
    of_tenant: usize,
    of_user: usize,
    /// So many are for tenants that have none.
    kept_free: usize,
    /// So many are for work for which nobody waits.
    for_behind: usize,
}

/// Those who stopped waiting are looked for when so many wait.
const SOME: usize = 64;

#[derive(Debug, Default)]
struct State {
    free: usize,
    taken: Shares,
    waiting: Turns<(Whose, oneshot::Sender<Place>)>,
    waiting_behind: Turns<(Whose, oneshot::Sender<Place>)>,
    taken_behind: usize,
    /// How many wait when those who stopped are looked for again.
    look_at: usize,
}

/// One of the places. Dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    places: Places,
    whose: Whose,
    is_behind: bool,
    is_held: bool,
}

impl Places {
    /// So many places, at least one; one tenant has at most `of_tenant` of them at a time, and one user
    /// at most three quarters of those.
    #[must_use]
    pub fn new(places: usize, of_tenant: usize) -> Self {
        let state = State { free: places.max(1), look_at: SOME, ..State::default() };
        let of_tenant = of_tenant.max(1);
        Self {
            state: Arc::new(Mutex::new(state)),
            of_tenant,
            of_user: of_tenant - of_tenant / 4,
            kept_free: places / 8,
            for_behind: places.max(1).div_ceil(2),
        }
    }

    /// A place if one is free now.
    #[must_use]
    pub fn place_now(&self, tenant: Option<&TenantId>, user: Option<&UserId>) -> Option<Place> {
        let mut state = self.lock();
        // Where one is free, nobody waits who may have it, except for work behind.
        let whose = (tenant.cloned(), user.cloned());
        (state.free > 0 && self.has_room(state.free, &state.taken, &whose.0, &whose.1)).then(|| {
            state.take(&whose, false);
            Place { places: self.clone(), whose, is_behind: false, is_held: true }
        })
    }

    /// Waits for a place. None: nobody is waited for any more, which does not happen while there is
    /// a clone of these places.
    pub async fn place(&self, tenant: Option<&TenantId>, user: Option<&UserId>) -> Option<Place> {
        self.wait(tenant, user, false).await
    }

    /// The same for work for which nobody waits.
    pub async fn place_behind(&self, tenant: Option<&TenantId>, user: Option<&UserId>) -> Option<Place> {
        self.wait(tenant, user, true).await
    }

    async fn wait(&self, tenant: Option<&TenantId>, user: Option<&UserId>, is_behind: bool) -> Option<Place> {
        let given = {
            let mut state = self.lock();
            let (give, given) = oneshot::channel();
            if state.waiting.len() + state.waiting_behind.len() >= state.look_at {
                state.waiting.retain(|(_, give)| !give.is_closed());
                state.waiting_behind.retain(|(_, give)| !give.is_closed());
                state.look_at = SOME.max(2 * (state.waiting.len() + state.waiting_behind.len()));
            }
            let waiting = if is_behind { &mut state.waiting_behind } else { &mut state.waiting };
            waiting.push(tenant, user, ((tenant.cloned(), user.cloned()), give));
            self.hand_out(&mut state);
            given
        };
        given.await.ok()
    }

    /// Gives free places to those whose turn it is.
    fn hand_out(&self, state: &mut State) {
        while state.free > 0 {
            let State { waiting, waiting_behind, taken, free, taken_behind, .. } = state;
            let may = |tenant: &_, user: &_| self.has_room(*free, taken, tenant, user);
            let mut next = waiting.pop_if(may);
            let is_behind = next.is_none();
            if is_behind && *taken_behind < self.for_behind {
                next = waiting_behind.pop_if(may);
            }
            let Some((whose, give)) = next else { return };
            let place = Place { places: self.clone(), whose: whose.clone(), is_behind, is_held: true };
            match give.send(place) {
                Ok(()) => state.take(&whose, is_behind),
                // It stopped waiting. The place must not be given back here: the lock is held.
                Err(mut place) => place.is_held = false,
            }
        }
    }

    /// Whether somebody may have one of the places that are free.
    fn has_room(&self, free: usize, taken: &Shares, tenant: &Option<TenantId>, user: &Option<UserId>) -> bool {
        let of_tenant = taken.of_tenant(tenant);
        of_tenant < self.of_tenant
            && (of_tenant == 0 || free > self.kept_free)
            && taken.of_user(tenant, user) < self.of_user
    }

    /// How many wait for a place: all, and those of one tenant.
    #[must_use]
    pub fn waiting(&self, tenant: Option<&TenantId>) -> (usize, usize) {
        let state = self.lock();
        (
            state.waiting.len() + state.waiting_behind.len(),
            state.waiting.len_of(tenant) + state.waiting_behind.len_of(tenant),
        )
    }

    /// How many of a tenant, and of one of its users, wait now for a place. Looks at all that wait.
    #[must_use]
    pub fn who_wait(&self, tenant: Option<&TenantId>, user: Option<&UserId>) -> (usize, usize) {
        let mut state = self.lock();
        let (mut of_tenant, mut of_user) = (0, 0);
        state.waiting.retain(|((waits_tenant, waits_user), give)| {
            let is_open = !give.is_closed();
            let is_theirs = is_open && waits_tenant.as_ref() == tenant;
            of_tenant += usize::from(is_theirs);
            of_user += usize::from(is_theirs && waits_user.as_ref() == user);
            is_open
        });
        (of_tenant, of_user)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, whose: &Whose, is_behind: bool) {
        self.free -= 1;
        self.taken_behind += usize::from(is_behind);
        self.taken.add(whose);
    }

    fn give_back(&mut self, whose: &Whose, is_behind: bool) {
        self.free += 1;
        self.taken_behind -= usize::from(is_behind);
        self.taken.remove(whose);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut state = self.places.lock();
        state.give_back(&self.whose, self.is_behind);
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
        assert!(state.taken.is_empty() && state.free == 8);
    }

    #[test]
    fn tenants_that_have_none_find_some() {
        let (a, b, c) = (who("a", "x"), who("b", "y"), who("c", "z"));
        let places = Places::new(16, 8);
        let many =
            |who: &Who| (0..16).map_while(|_| places.place_now(who.0.as_ref(), who.1.as_ref())).collect::<Vec<_>>();
        let (of_a, of_b) = (many(&a), many(&b));
        assert_eq!((of_a.len(), of_b.len()), (6, 6));
        let (more_of_a, more_of_b) = (many(&who("a", "other")), many(&who("b", "other")));
        assert_eq!((more_of_a.len(), more_of_b.len()), (2, 0), "the last two are for others");
        let of_c = many(&c);
        assert_eq!(of_c.len(), 1);
        drop(of_c);
    }

    #[test]
    fn work_for_which_nobody_waits_comes_behind_and_has_half() {
        let (a, b) = (who("a", "x"), who("b", "y"));
        let places = Places::new(4, 3);
        let mut behind: Vec<_> = (0..4).map(|_| Box::pin(places.place_behind(a.0.as_ref(), a.1.as_ref()))).collect();
        let taken: Vec<_> = behind.iter_mut().filter_map(|place| poll(place.as_mut()).flatten()).collect();
        assert_eq!(taken.len(), 2);
        let of_b: Vec<_> = (0..2).map(|_| now(&places, &b).unwrap()).collect();
        let mut next_of_b = pin!(waits(&places, &b));
        assert!(poll(next_of_b.as_mut()).is_none());
        drop(taken);
        assert!(poll(next_of_b.as_mut()).flatten().is_some(), "before those that waited for longer");
        drop((of_b, behind));
        let state = places.lock();
        assert!(state.taken.is_empty() && state.taken_behind == 0 && state.free == 4);
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
