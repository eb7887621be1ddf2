//! How many bytes of request bodies the host holds at the same time: for one user, for one tenant
//! and for all.
//!
//! A body is counted as it arrives and not by the length that it announces: a client that announces
//! much and sends nothing takes nothing from the others, and one that announces nothing is counted
//! too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use openanalyst_domain::{Owner, TenantId};

use crate::problem::Problem;

/// When a refused body may be sent again: most bodies are read in less.
const RETRY_AFTER_MS: u64 = 1_000;

/// Bytes that may be held at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteLimits {
    pub(crate) user: usize,
    pub(crate) tenant: usize,
    pub(crate) node: usize,
}

/// The bytes that are held now.
pub(crate) struct BodyBudget {
    limits: ByteLimits,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    users: HashMap<Owner, usize>,
    tenants: HashMap<TenantId, usize>,
    node: usize,
}

/// A part of the budget. Dropping it gives the part back.
pub(crate) struct Reservation {
    budget: Arc<BodyBudget>,
    owner: Owner,
    bytes: usize,
}

impl BodyBudget {
    pub(crate) fn new(limits: ByteLimits) -> Arc<Self> {
        Arc::new(Self { limits, used: Mutex::default() })
    }

    /// An empty reservation.
    pub(crate) fn reserve(self: &Arc<Self>, owner: &Owner) -> Reservation {
        Reservation { budget: self.clone(), owner: owner.clone(), bytes: 0 }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `more` bytes for an owner, or nothing.
    fn take(&self, owner: &Owner, more: usize) -> Result<(), Problem> {
        let mut used = self.used();
        let of_user = used.users.get(owner).copied().unwrap_or_default();
        let of_tenant = used.tenants.get(&owner.tenant).copied().unwrap_or_default();
        for (held, limit, whose, status) in [
            (of_user, self.limits.user, "of this user", StatusCode::TOO_MANY_REQUESTS),
            (of_tenant, self.limits.tenant, "of this tenant", StatusCode::TOO_MANY_REQUESTS),
            (used.node, self.limits.node, "of all tenants", StatusCode::SERVICE_UNAVAILABLE),
        ] {
            if held.saturating_add(more) > limit {
                return Err(busy(status, whose, held, limit));
            }
        }
        // None of these can pass its limit, so none can overflow.
        used.users.insert(owner.clone(), of_user + more);
        used.tenants.insert(owner.tenant.clone(), of_tenant + more);
        used.node += more;
        Ok(())
    }

    fn give_back(&self, owner: &Owner, bytes: usize) {
        let mut used = self.used();
        subtract(&mut used.users, owner, bytes);
        subtract(&mut used.tenants, &owner.tenant, bytes);
        used.node = used.node.saturating_sub(bytes);
    }
}

fn subtract<K: Clone + Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K, bytes: usize) {
    if let Entry::Occupied(mut entry) = counts.entry(key.clone()) {
        *entry.get_mut() = entry.get().saturating_sub(bytes);
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

fn busy(status: StatusCode, whose: &str, held: usize, limit: usize) -> Problem {
    let detail = format!(
        "the bodies {whose} that are being sent take {held} bytes and {limit} is the limit: \
         wait and send again, and send fewer at the same time"
    );
    Problem::new(status, "busy", detail).retry_after_ms(RETRY_AFTER_MS)
}

impl Reservation {
    /// Makes the reservation this large. One that cannot grow stays as it is.
    ///
    /// # Errors
    /// `busy`: the user, the tenant or the host holds too many bytes.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes > self.bytes {
            self.budget.take(&self.owner, bytes - self.bytes)?;
        } else if bytes < self.bytes {
            self.budget.give_back(&self.owner, self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give_back(&self.owner, self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::UserId;

    use super::*;

    fn owner(tenant: &str, user: &str) -> Owner {
        Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap())
    }

    #[test]
    fn user_tenant_and_node_each_have_their_limit() {
        let budget = BodyBudget::new(ByteLimits { user: 10, tenant: 15, node: 20 });
        let mut ada = budget.reserve(&owner("a", "ada"));
        ada.resize(10).unwrap();
        let mut again = budget.reserve(&owner("a", "ada"));
        let refused = again.resize(1).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code, refused.is_retryable()), (429, "busy", true));
        assert!(refused.detail().contains("this user"), "{}", refused.detail());

        let mut bob = budget.reserve(&owner("a", "bob"));
        assert!(bob.resize(6).unwrap_err().detail().contains("this tenant"));
        bob.resize(5).unwrap();

        let mut eve = budget.reserve(&owner("b", "eve"));
        let refused = eve.resize(6).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code), (503, "busy"));
        eve.resize(5).unwrap();
    }

    #[test]
    fn bytes_come_back_when_a_reservation_shrinks_or_ends() {
        let budget = BodyBudget::new(ByteLimits { user: 10, tenant: 10, node: 10 });
        let mut first = budget.reserve(&owner("a", "ada"));
        first.resize(10).unwrap();
        let mut second = budget.reserve(&owner("b", "bob"));
        assert!(second.resize(1).is_err());
        first.resize(4).unwrap();
        second.resize(6).unwrap();
        drop((first, second));
        let used = budget.used();
        assert!(used.users.is_empty() && used.tenants.is_empty() && used.node == 0, "nothing is left behind");
    }
}
