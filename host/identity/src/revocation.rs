//! Tokens that ended before their time.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use openanalyst_domain::{Owner, TenantId, UserId};
use tokio::sync::watch;

use crate::Principal;

/// One revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// One token of a tenant, by its id. It need not be kept longer than the token would be valid.
    Token {
        /// The tenant whose administrator revoked it: nobody ends tokens of another tenant.
        tenant: TenantId,
        /// The token's id.
        token_id: String,
        /// When it may be forgotten, UTC milliseconds.
        expires_at_ms: i64,
    },
    /// All tokens of a user that were issued before a moment.
    User {
        /// Whose.
        owner: Owner,
        /// The moment, UTC milliseconds.
        issued_before_ms: i64,
        /// When it may be forgotten.
        expires_at_ms: i64,
    },
}

/// What is revoked, in memory. Clones share it. Whoever keeps the record fills it.
#[derive(Debug, Clone)]
pub struct Revocations {
    known: Arc<RwLock<Known>>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    tokens: HashMap<(TenantId, String), i64>,
    users: HashMap<(TenantId, UserId), (i64, i64)>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self { known: Arc::default(), changed: watch::Sender::new(0) }
    }
}

impl Revocations {
    /// Adds one, and tells whoever watches.
    pub fn add(&self, revocation: Revocation) {
        self.add_all([revocation], i64::MIN);
    }

    /// Adds several, forgets those that are over, and tells whoever watches if anything is new.
    pub fn add_all(&self, revocations: impl IntoIterator<Item = Revocation>, now_ms: i64) {
        let mut new = false;
        {
            let mut known = self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.tokens.retain(|_, expires| *expires > now_ms);
            known.users.retain(|_, (_, expires)| *expires > now_ms);
            for revocation in revocations {
                match revocation {
                    Revocation::Token { tenant, token_id, expires_at_ms } => {
                        new |= known.tokens.insert((tenant, token_id), expires_at_ms).is_none();
                    }
                    Revocation::User { owner, issued_before_ms, expires_at_ms } => {
                        let there = known.users.entry((owner.tenant, owner.user)).or_insert((i64::MIN, expires_at_ms));
                        new |= issued_before_ms > there.0;
                        *there = (there.0.max(issued_before_ms), there.1.max(expires_at_ms));
                    }
                }
            }
        }
        if new {
            self.tell();
        }
    }

    /// Tells whoever watches that a token may not be good any more.
    pub(crate) fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Whether a token that was valid has been revoked. A token that does not say when it was issued counts as issued long ago.
    #[must_use]
    pub fn is_revoked(&self, principal: &Principal) -> bool {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Nearly always there is nothing, and then nothing is copied.
        let by_token = !known.tokens.is_empty()
            && known.tokens.contains_key(&(principal.tenant.clone(), principal.token_id.clone()));
        let of = |tenant: TenantId, user: UserId| {
            known.users.get(&(tenant, user)).is_some_and(|(before_ms, _)| principal.issued_at_ms < *before_ms)
        };
        let (tenant, user) = (&principal.tenant, &principal.user);
        let by_user = !known.users.is_empty()
            && (of(tenant.clone(), user.clone())
                // Those whose data was deleted are known by a digest of their names only.
                || of(tenant.clone(), user.pseudonym())
                || of(tenant.pseudonym(), UserId::everybody()));
        by_token || by_user
    }

    /// Changes whenever something is revoked, or a key of an issuer is gone.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
