//! The queue of the pool: which user's work is next.
//!
//! Pure. Every tenant, and within it every user, has an account of the CPU time that its work used.
//! The next work comes from the runnable tenant with the smallest account, and of that tenant from
//! the user with the smallest. An account that joins the queue after a pause is moved up to the
//! queue's clock, so that nobody saves up time by being idle. This is the rule of virtual-time fair
//! queueing (Demers, Keshav, Shenker, 1989), as in the schedulers of operating systems.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use openanalyst_domain::{Owner, TenantId, UserId};
use slab::Slab;

/// A poll that takes at least this much CPU time counts as long.
pub(crate) const LONG_POLL: Duration = Duration::from_millis(2);
/// A user's new work begins in [`Lane::Long`] if the long polls of the last second took more.
const LONG_LATELY: Duration = Duration::from_millis(20);
/// The time after which long polls are forgotten.
const LATELY: Duration = Duration::from_secs(1);
/// While interactive work waits, background work gets one of this many turns.
const BACKGROUND_SHARE: u32 = 8;
/// Long and background work gets one of this many turns of the threads for anything, whatever
/// waits in short pieces.
const LONG_SHARE: u32 = 4;
/// Accounts are looked through for idle ones once there are more than this many.
const FIRST_SWEEP: usize = 1_024;

/// Where work waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Interactive work in short pieces.
    Quick,
    /// Interactive work that computes for long.
    Long,
    /// Work that no user waits for.
    Background,
}

const LANES: [Lane; 3] = [Lane::Quick, Lane::Long, Lane::Background];

/// The account that some work belongs to. Valid until [`FairQueue::close`] gives it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountId {
    tenant: usize,
    user: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    names: HashMap<TenantId, usize>,
    tenants: Slab<Tenant<T>>,
    /// The tenants that have something in a lane.
    runnable: [Vec<usize>; 3],
    queued: [usize; 3],
    /// What others wait for: before everything else, in its order.
    urgent: VecDeque<T>,
    clock_ns: u64,
    turn: u32,
    background_turn: u32,
    sweep_at: usize,
}

#[derive(Debug)]
struct Tenant<T> {
    name: TenantId,
    names: HashMap<UserId, usize>,
    users: Slab<User<T>>,
    runnable: [Vec<usize>; 3],
    used_ns: u64,
    clock_ns: u64,
    /// Its work that is queued, is polled, or waits for something.
    open: usize,
}

#[derive(Debug)]
struct User<T> {
    name: UserId,
    lanes: [VecDeque<T>; 3],
    used_ns: u64,
    open: usize,
    long: Lately,
}

/// What long polls used lately: it fades away within [`LATELY`].
#[derive(Debug, Default)]
struct Lately {
    used: Duration,
    at: Option<Instant>,
}

impl Lately {
    fn used(&self, now: Instant) -> Duration {
        let Some(at) = self.at else { return Duration::ZERO };
        let left = LATELY.saturating_sub(now.saturating_duration_since(at));
        self.used.mul_f64(left.as_secs_f64() / LATELY.as_secs_f64())
    }

    fn add(&mut self, used: Duration, now: Instant) {
        self.used = self.used(now) + used;
        self.at = Some(now);
    }
}

impl<T> FairQueue<T> {
    pub(crate) fn new() -> Self {
        Self {
            names: HashMap::new(),
            tenants: Slab::new(),
            runnable: Default::default(),
            queued: [0; 3],
            urgent: VecDeque::new(),
            clock_ns: 0,
            turn: 0,
            background_turn: 0,
            sweep_at: FIRST_SWEEP,
        }
    }

    /// The account of a user, for one piece of work.
    pub(crate) fn open(&mut self, owner: &Owner, now: Instant) -> AccountId {
        if self.names.len() >= self.sweep_at {
            self.forget_idle(now);
            self.sweep_at = (self.names.len() * 2).max(FIRST_SWEEP);
        }
        let clock_ns = self.clock_ns;
        let tenants = &mut self.tenants;
        let tenant = *self.names.entry(owner.tenant.clone()).or_insert_with(|| {
            tenants.insert(Tenant {
                name: owner.tenant.clone(),
                names: HashMap::new(),
                users: Slab::new(),
                runnable: Default::default(),
                used_ns: clock_ns,
                clock_ns: 0,
                open: 0,
            })
        });
        let account = &mut self.tenants[tenant];
        account.open += 1;
        let (users, clock_ns) = (&mut account.users, account.clock_ns);
        let user = *account.names.entry(owner.user.clone()).or_insert_with(|| {
            users.insert(User {
                name: owner.user.clone(),
                lanes: Default::default(),
                used_ns: clock_ns,
                open: 0,
                long: Lately::default(),
            })
        });
        account.users[user].open += 1;
        AccountId { tenant, user }
    }

    /// Keeps an account for one more time.
    pub(crate) fn hold(&mut self, id: AccountId) {
        let tenant = &mut self.tenants[id.tenant];
        tenant.open += 1;
        tenant.users[id.user].open += 1;
    }

    /// Gives back what [`Self::open`] or [`Self::hold`] gave.
    pub(crate) fn close(&mut self, id: AccountId) {
        let tenant = &mut self.tenants[id.tenant];
        tenant.open -= 1;
        tenant.users[id.user].open -= 1;
    }

    /// The lane for interactive work whose last poll was long, or not.
    pub(crate) fn lane(&self, id: AccountId, was_long: bool, now: Instant) -> Lane {
        let lately = &self.tenants[id.tenant].users[id.user].long;
        if was_long || lately.used(now) > LONG_LATELY { Lane::Long } else { Lane::Quick }
    }

    /// Puts work at the end of its user's lane.
    pub(crate) fn push(&mut self, id: AccountId, lane: Lane, work: T) {
        let at = lane as usize;
        let tenant = &mut self.tenants[id.tenant];
        if tenant.is_idle() {
            tenant.used_ns = tenant.used_ns.max(self.clock_ns);
        }
        let clock_ns = tenant.clock_ns;
        let user = &mut tenant.users[id.user];
        if user.lanes.iter().all(VecDeque::is_empty) {
            user.used_ns = user.used_ns.max(clock_ns);
        }
        if user.lanes[at].is_empty() {
            if tenant.runnable[at].is_empty() {
                self.runnable[at].push(id.tenant);
            }
            tenant.runnable[at].push(id.user);
        }
        user.lanes[at].push_back(work);
        self.queued[at] += 1;
    }

    /// The next work of interactive users in short pieces.
    pub(crate) fn pop_quick(&mut self) -> Option<T> {
        self.urgent.pop_front().or_else(|| self.pop_from(Lane::Quick))
    }

    /// Puts work before all other work.
    pub(crate) fn push_urgent(&mut self, work: T) {
        self.urgent.push_back(work);
    }

    /// Whether a thread for short pieces would find something.
    pub(crate) fn has_quick(&self) -> bool {
        !self.urgent.is_empty() || self.queued[Lane::Quick as usize] > 0
    }

    /// The next work of any kind: short pieces come first in three turns of four.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if let Some(urgent) = self.urgent.pop_front() {
            return Some(urgent);
        }
        self.turn = self.turn.wrapping_add(1);
        if !self.turn.is_multiple_of(LONG_SHARE)
            && let Some(quick) = self.pop_from(Lane::Quick)
        {
            return Some(quick);
        }
        self.pop_slow().or_else(|| self.pop_from(Lane::Quick))
    }

    /// Long work, and background work in its share of turns.
    fn pop_slow(&mut self) -> Option<T> {
        self.background_turn = (self.background_turn + 1) % BACKGROUND_SHARE;
        let (first, second) = match self.background_turn {
            0 => (Lane::Background, Lane::Long),
            _ => (Lane::Long, Lane::Background),
        };
        self.pop_from(first).or_else(|| self.pop_from(second))
    }

    fn pop_from(&mut self, lane: Lane) -> Option<T> {
        let at = lane as usize;
        let least = |(place, tenant): &(usize, usize)| (self.tenants[*tenant].used_ns, *place);
        let candidates = self.runnable[at].iter().copied().enumerate();
        let (place, index) = candidates.min_by_key(least)?;
        let tenant = &mut self.tenants[index];
        self.clock_ns = self.clock_ns.max(tenant.used_ns);
        let least = |(place, user): &(usize, usize)| (tenant.users[*user].used_ns, *place);
        let candidates = tenant.runnable[at].iter().copied().enumerate();
        let (user_place, user_index) = candidates.min_by_key(least)?;
        let user = &mut tenant.users[user_index];
        tenant.clock_ns = tenant.clock_ns.max(user.used_ns);
        let work = user.lanes[at].pop_front()?;
        // Removed and not swapped: of equal accounts the one that waits longest is first.
        tenant.runnable[at].remove(user_place);
        if !user.lanes[at].is_empty() {
            tenant.runnable[at].push(user_index);
        }
        self.runnable[at].remove(place);
        if !tenant.runnable[at].is_empty() {
            self.runnable[at].push(index);
        }
        self.queued[at] -= 1;
        Some(work)
    }

    /// Books the CPU time of one poll.
    pub(crate) fn charge(&mut self, id: AccountId, used: Duration, now: Instant) {
        let used_ns = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        let tenant = &mut self.tenants[id.tenant];
        tenant.used_ns = tenant.used_ns.saturating_add(used_ns);
        let user = &mut tenant.users[id.user];
        user.used_ns = user.used_ns.saturating_add(used_ns);
        if used >= LONG_POLL {
            user.long.add(used, now);
        }
    }

    /// How much waits in each lane.
    pub(crate) fn queued(&self) -> [usize; 3] {
        self.queued
    }

    /// Empties all lanes.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        let mut all: Vec<T> = self.urgent.drain(..).collect();
        for lane in LANES {
            while let Some(work) = self.pop_from(lane) {
                all.push(work);
            }
        }
        all
    }

    /// Forgets accounts that have no work, and no debt to the others.
    fn forget_idle(&mut self, now: Instant) {
        for (_, tenant) in &mut self.tenants {
            let clock_ns = tenant.clock_ns;
            let (names, users) = (&mut tenant.names, &mut tenant.users);
            users.retain(|_, user| {
                let is_kept = user.open > 0 || user.used_ns > clock_ns || user.long.used(now) > LONG_LATELY;
                if !is_kept {
                    names.remove(&user.name);
                }
                is_kept
            });
        }
        let (names, clock_ns) = (&mut self.names, self.clock_ns);
        self.tenants.retain(|_, tenant| {
            let is_kept = tenant.open > 0 || tenant.used_ns > clock_ns || !tenant.users.is_empty();
            if !is_kept {
                names.remove(&tenant.name);
            }
            is_kept
        });
    }
}

impl<T> Tenant<T> {
    fn is_idle(&self) -> bool {
        self.runnable.iter().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn owner(tenant: &str, user: &str) -> Owner {
        Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap())
    }

    /// Pops as often, charges each a millisecond, puts it back, and counts by name.
    fn turns(queue: &mut FairQueue<(AccountId, Lane, &'static str)>, count: usize) -> HashMap<&'static str, usize> {
        let mut counts = HashMap::new();
        for _ in 0..count {
            let (id, lane, name) = queue.pop().unwrap();
            queue.charge(id, MS, Instant::now());
            queue.push(id, lane, (id, lane, name));
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    fn add(
        queue: &mut FairQueue<(AccountId, Lane, &'static str)>,
        of: &Owner,
        lane: Lane,
        name: &'static str,
    ) -> AccountId {
        let id = queue.open(of, Instant::now());
        queue.push(id, lane, (id, lane, name));
        id
    }

    #[test]
    fn tenants_share_equally_however_much_they_queue() {
        let mut queue = FairQueue::new();
        for _ in 0..50 {
            add(&mut queue, &owner("greedy", "ada"), Lane::Long, "greedy");
        }
        add(&mut queue, &owner("modest", "bob"), Lane::Long, "modest");
        let counts = turns(&mut queue, 100);
        assert_eq!((counts["greedy"], counts["modest"]), (50, 50));
    }

    #[test]
    fn users_of_a_tenant_share_equally() {
        let mut queue = FairQueue::new();
        for _ in 0..9 {
            add(&mut queue, &owner("acme", "ada"), Lane::Quick, "ada");
        }
        add(&mut queue, &owner("acme", "bob"), Lane::Quick, "bob");
        add(&mut queue, &owner("other", "eve"), Lane::Quick, "eve");
        let counts = turns(&mut queue, 80);
        assert_eq!((counts["ada"], counts["bob"], counts["eve"]), (20, 20, 40));
    }

    #[test]
    fn idle_accounts_save_up_nothing() {
        let mut queue = FairQueue::new();
        add(&mut queue, &owner("busy", "ada"), Lane::Quick, "busy");
        turns(&mut queue, 1_000);
        add(&mut queue, &owner("late", "bob"), Lane::Quick, "late");
        let counts = turns(&mut queue, 100);
        assert!((45..=55).contains(&counts["busy"]), "{counts:?}");
    }

    #[test]
    fn short_work_comes_first_and_background_work_last() {
        let mut queue = FairQueue::new();
        let acme = owner("acme", "ada");
        add(&mut queue, &acme, Lane::Background, "background");
        add(&mut queue, &acme, Lane::Long, "long");
        add(&mut queue, &acme, Lane::Quick, "quick");
        assert_eq!(queue.queued(), [1, 1, 1]);
        let id = queue.open(&acme, Instant::now());
        queue.push_urgent((id, Lane::Quick, "urgent"));
        assert_eq!(queue.pop().unwrap().2, "urgent");
        assert_eq!(queue.pop().unwrap().2, "quick");
        assert_eq!(queue.pop_quick(), None);
        let counts = turns(&mut queue, 80);
        assert_eq!((counts["long"], counts["background"]), (70, 10));
    }

    #[test]
    fn short_work_leaves_turns_to_long_work() {
        let mut queue = FairQueue::new();
        add(&mut queue, &owner("chatty", "ada"), Lane::Quick, "quick");
        add(&mut queue, &owner("slow", "bob"), Lane::Long, "long");
        let counts = turns(&mut queue, 80);
        assert_eq!((counts["quick"], counts["long"]), (60, 20));
    }

    #[test]
    fn long_polls_move_the_user_to_the_long_lane_for_a_second() {
        let mut queue: FairQueue<()> = FairQueue::new();
        let now = Instant::now();
        let id = queue.open(&owner("acme", "ada"), now);
        assert_eq!(queue.lane(id, false, now), Lane::Quick);
        assert_eq!(queue.lane(id, true, now), Lane::Long, "its own last poll was long");
        for _ in 0..100 {
            queue.charge(id, MS, now);
        }
        assert_eq!(queue.lane(id, false, now), Lane::Quick, "many short polls are no long one");
        for _ in 0..3 {
            queue.charge(id, 10 * MS, now);
        }
        assert_eq!(queue.lane(id, false, now), Lane::Long);
        assert_eq!(queue.lane(id, false, now + LATELY), Lane::Quick);
        let other = queue.open(&owner("acme", "bob"), now);
        assert_eq!(queue.lane(other, false, now), Lane::Quick, "another user is not to blame");
    }

    #[test]
    fn idle_accounts_are_forgotten() {
        let mut queue: FairQueue<()> = FairQueue::new();
        let now = Instant::now();
        let kept = queue.open(&owner("kept", "ada"), now);
        for number in 0..FIRST_SWEEP + 10 {
            let id = queue.open(&owner(&format!("t{number}"), "bob"), now);
            queue.close(id);
        }
        assert!(queue.names.len() < 20, "{}", queue.names.len());
        queue.push(kept, Lane::Quick, ());
        assert_eq!(queue.pop(), Some(()));
        queue.close(kept);
        assert_eq!(queue.drain(), []);
    }
}
