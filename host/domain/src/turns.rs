//! A queue in which tenants, and within each tenant its users, take turns.
//!
//! Whatever one tenant queues, another one's next item waits for at most one item of each tenant
//! before it; and so it is between the users of a tenant. Whoever names neither shares one turn.

use std::collections::{HashMap, VecDeque};

use crate::{TenantId, UserId};

/// See the module. Pure: it holds what waits, and nothing waits in it.
#[derive(Debug)]
pub struct Turns<T> {
    tenants: Ring<Option<TenantId>, Ring<Option<UserId>, VecDeque<T>>>,
    len: usize,
}

/// The queues of some owners, and the order of their turns. Only owners with something are in it.
#[derive(Debug)]
struct Ring<K, Q> {
    queues: HashMap<K, Q>,
    order: VecDeque<K>,
}

impl<K, Q> Default for Ring<K, Q> {
    fn default() -> Self {
        Self { queues: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { tenants: Ring::default(), len: 0 }
    }
}

impl<T> Turns<T> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an item behind the others of its user.
    pub fn push(&mut self, tenant: Option<&TenantId>, user: Option<&UserId>, item: T) {
        let users = self.tenants.queue_of(tenant.cloned());
        users.queue_of(user.cloned()).push_back(item);
        self.len += 1;
    }

    /// Takes the item whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let item = self.tenants.turn(|users| {
            let item = users.turn(|queue| (queue.pop_front(), queue.is_empty()));
            (item, users.queues.is_empty())
        });
        self.len -= usize::from(item.is_some());
        item
    }

    /// Takes the next item of a tenant and user for whom this is true.
    pub fn pop_if(&mut self, may: impl Fn(&Option<TenantId>, &Option<UserId>) -> bool) -> Option<T> {
        let queues = &self.tenants.queues;
        let (at, of_user) = self.tenants.order.iter().enumerate().find_map(|(at, tenant)| {
            let users = queues.get(tenant)?;
            Some((at, users.order.iter().position(|user| may(tenant, user))?))
        })?;
        let tenant = self.tenants.order.remove(at)?;
        if let Some(users) = self.tenants.queues.get_mut(&tenant)
            && let Some(user) = users.order.remove(of_user)
        {
            users.order.push_front(user);
        }
        self.tenants.order.push_front(tenant);
        self.pop()
    }

    /// Keeps the items for which this is true.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&T) -> bool) {
        let mut len = 0;
        self.tenants.retain(|users| {
            users.retain(|queue| {
                queue.retain(&mut is_kept);
                len += queue.len();
                !queue.is_empty()
            });
            !users.queues.is_empty()
        });
        self.len = len;
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many items of one tenant wait.
    #[must_use]
    pub fn len_of(&self, tenant: Option<&TenantId>) -> usize {
        let users = self.tenants.queues.get(&tenant.cloned());
        users.map_or(0, |users| users.queues.values().map(VecDeque::len).sum())
    }
}

impl<K: Clone + Eq + std::hash::Hash, Q: Default> Ring<K, Q> {
    /// The queue of an owner, who comes last if there was none.
    fn queue_of(&mut self, owner: K) -> &mut Q {
        let order = &mut self.order;
        self.queues.entry(owner).or_insert_with_key(|owner| {
            order.push_back(owner.clone());
            Q::default()
        })
    }

    /// Takes from the queue whose turn it is; `take` says what, and whether the queue is empty now.
    fn turn<T>(&mut self, take: impl FnOnce(&mut Q) -> (Option<T>, bool)) -> Option<T> {
        let owner = self.order.pop_front()?;
        let (item, is_empty) = take(self.queues.get_mut(&owner)?);
        if is_empty {
            self.queues.remove(&owner);
        } else {
            self.order.push_back(owner);
        }
        item
    }

    fn retain(&mut self, mut is_kept: impl FnMut(&mut Q) -> bool) {
        self.queues.retain(|_, queue| is_kept(queue));
        let queues = &self.queues;
        self.order.retain(|owner| queues.contains_key(owner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: &[(&str, &str, u32)]) -> Turns<u32> {
        let mut turns = Turns::new();
        for (tenant, user, item) in items {
            let (tenant, user) = (TenantId::parse(*tenant), UserId::parse(*user));
            turns.push(tenant.ok().as_ref(), user.ok().as_ref(), *item);
        }
        turns
    }

    fn all(mut turns: Turns<u32>) -> Vec<u32> {
        std::iter::from_fn(move || turns.pop()).collect()
    }

    #[test]
    fn tenants_and_users_take_turns() {
        let turns = queue(&[("a", "x", 1), ("a", "x", 2), ("a", "x", 3), ("a", "y", 4), ("b", "z", 5), ("b", "z", 6)]);
        assert_eq!(all(turns), [1, 5, 4, 6, 2, 3]);
    }

    #[test]
    fn what_names_nobody_takes_one_turn() {
        let mut turns = queue(&[("a", "x", 1), ("a", "x", 2)]);
        turns.push(None, None, 3);
        turns.push(None, None, 4);
        assert_eq!(all(turns), [1, 3, 2, 4]);
    }

    #[test]
    fn tenants_are_passed_over() {
        let mut turns = queue(&[("a", "x", 1), ("b", "y", 2), ("c", "z", 3)]);
        let b = TenantId::parse("b").ok();
        assert_eq!(turns.pop_if(|tenant, _| *tenant == b), Some(2));
        assert_eq!(turns.pop_if(|tenant, _| *tenant == b), None);
        assert_eq!(all(turns), [1, 3]);
    }

    #[test]
    fn nothing_is_left_of_what_has_gone() {
        let mut turns = queue(&[("a", "x", 1), ("b", "y", 2), ("b", "y", 3)]);
        turns.retain(|item| *item == 3);
        assert_eq!((turns.len(), turns.is_empty()), (1, false));
        assert_eq!(turns.len_of(TenantId::parse("b").ok().as_ref()), 1);
        assert_eq!(turns.pop(), Some(3));
        assert_eq!(turns.pop(), None);
        assert!(turns.is_empty() && turns.tenants.order.is_empty());
    }
}
