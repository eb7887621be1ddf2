//! In whose name the database is asked.
//!
//! Every transaction has a scope. On PostgreSQL it is what the row-level security of every table compares with, so that a query that forgot its tenant returns
//! nothing; on SQLite every statement names its tenant itself. Both hold on both: the same statements run on either.

use openanalyst_domain::{Owner, TenantId, UserId};

/// Whose rows a transaction may see and write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One user's, and what belongs to their whole tenant.
    User(Owner),
    /// What belongs to the tenant as a whole, and nobody's personal rows.
    Tenant(TenantId),
    /// All rows of the tenant, those of its users included: for the tenant's administrators, quotas and receipts.
    EveryUser(TenantId),
    /// Which work is open, of all tenants: their ids and times, no contents, no writes. For recovery and the scheduler.
    Worker,
}

impl Scope {
    /// The tenant. None for the worker.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::User(owner) => Some(&owner.tenant),
            Self::Tenant(tenant) | Self::EveryUser(tenant) => Some(tenant),
            Self::Worker => None,
        }
    }

    /// The user. None where it is about more than one.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(owner) => Some(&owner.user),
            _ => None,
        }
    }

    /// The words with which PostgreSQL begins a transaction in this scope; one message, so one way there and back.
    pub(crate) fn begin(&self) -> String {
        match self {
            Self::Worker => "BEGIN; SET LOCAL ROLE openanalyst_worker".to_owned(),
            _ => format!(
                "BEGIN; SET LOCAL openanalyst.tenant = {}; SET LOCAL openanalyst.user_id = {}; SET LOCAL openanalyst.every_user = '{}'",
                quoted(self.tenant().map_or("", TenantId::as_str)),
                quoted(self.user().map_or("", UserId::as_str)),
                if matches!(self, Self::EveryUser(_)) { "on" } else { "off" },
            ),
        }
    }
}

impl From<&Owner> for Scope {
    fn from(owner: &Owner) -> Self {
        Self::User(owner.clone())
    }
}

impl From<&TenantId> for Scope {
    fn from(tenant: &TenantId) -> Self {
        Self::Tenant(tenant.clone())
    }
}

/// The words, after those of [`Scope::begin`], with which PostgreSQL takes the lock of this name if nobody has it, until the end of the transaction, and notes whether it has.
pub(crate) fn try_lock(name: &str) -> String {
    let name = quoted(name);
    format!(
        "; SELECT set_config('openanalyst.has_lock', pg_try_advisory_xact_lock(hashtextextended({name}, 0))::text, true)"
    )
}

/// A string constant (PostgreSQL 4.1.2.1). Ids hold no control characters, and `standard_conforming_strings` is on for every connection made here.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let owner = Owner::new("t'; DROP TABLE tasks; --".try_into().unwrap(), "a\\'b".try_into().unwrap());
        let begin = Scope::from(&owner).begin();
        assert!(begin.contains("openanalyst.tenant = 't''; DROP TABLE tasks; --';"), "{begin}");
        assert!(begin.contains(r"openanalyst.user_id = 'a\''b';"), "{begin}");
        let lock = try_lock("accept a', 0)); DROP TABLE tasks; --");
        assert!(lock.contains("hashtextextended('accept a'', 0)); DROP TABLE tasks; --', 0)"), "{lock}");
    }
}
