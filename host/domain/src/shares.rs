//! How much of something tenants, and users within them, have at a moment.

use std::collections::HashMap;
use std::hash::Hash;

use crate::{TenantId, UserId};

/// A user of a tenant. Work that belongs to a whole tenant names no user, and the host's own names neither.
pub type Whose = (Option<TenantId>, Option<UserId>);

/// See the module. Who has nothing takes no room in it.
#[derive(Debug, Default)]
pub struct Shares {
    tenants: HashMap<Option<TenantId>, usize>,
    users: HashMap<Whose, usize>,
}

impl Shares {
    /// Counts one more.
    pub fn add(&mut self, whose: &Whose) {
        *self.tenants.entry(whose.0.clone()).or_default() += 1;
        if whose.1.is_some() {
            *self.users.entry(whose.clone()).or_default() += 1;
        }
    }

    /// Counts one less. What was not added changes nothing.
    pub fn remove(&mut self, whose: &Whose) {
        one_less(&mut self.tenants, &whose.0);
        one_less(&mut self.users, whose);
    }

    /// How many a tenant has.
    #[must_use]
    pub fn of_tenant(&self, tenant: &Option<TenantId>) -> usize {
        self.tenants.get(tenant).copied().unwrap_or_default()
    }

    /// How many a user has. What names no user counts for none.
    #[must_use]
    pub fn of_user(&self, tenant: &Option<TenantId>, user: &Option<UserId>) -> usize {
        if user.is_none() {
            return 0;
        }
        self.users.get(&(tenant.clone(), user.clone())).copied().unwrap_or_default()
    }

    /// Whether nobody has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty() && self.users.is_empty()
    }
}

fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
