//! What users told the host, remembered for a moment: a page asks for it with every view, and it changes seldom.
//!
//! What this process writes is seen at once; what another process wrote, after a second at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openanalyst_domain::Owner;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::me::UserContext;

/// Most bytes that are remembered.
const MAX_BYTES: u64 = 16 << 20;
/// About how many users that is.
const USERS: usize = 10_000;
/// What an entry takes beside its texts.
const ENTRY_BYTES: u64 = 512;
/// For how long.
const KEPT_MS: i64 = 1_000;

/// What is remembered.
pub(crate) struct UserContextCache {
    users: Cache<Owner, Entry, Weight>,
    /// How often something was written: a read that began before does not count after.
    writes: AtomicU64,
}

#[derive(Clone)]
struct Entry {
    context: Arc<UserContext>,
    bytes: u64,
    read_at_ms: i64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Owner, Entry> for Weight {
    fn weight(&self, _: &Owner, entry: &Entry) -> u64 {
        entry.bytes
    }
}

impl Default for UserContextCache {
    fn default() -> Self {
        Self { users: Cache::with_weighter(USERS, MAX_BYTES, Weight), writes: AtomicU64::new(0) }
    }
}

impl UserContextCache {
    /// What is remembered of a user.
    pub(crate) fn get(&self, owner: &Owner, now_ms: i64) -> Option<Arc<UserContext>> {
        let entry = self.users.get(owner)?;
        (now_ms - entry.read_at_ms < KEPT_MS).then_some(entry.context)
    }

    /// To be asked before the record is read.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Remembers what was read, unless something was written meanwhile.
    pub(crate) fn keep(&self, owner: &Owner, context: &Arc<UserContext>, now_ms: i64, writes: u64) {
        let texts = context.custom_instructions.len() + context.preferences.to_string().len();
        let bytes = ENTRY_BYTES + u64::try_from(texts).unwrap_or(u64::MAX >> 1);
        self.users.insert(owner.clone(), Entry { context: context.clone(), bytes, read_at_ms: now_ms });
        if self.writes() != writes {
            self.users.remove(owner);
        }
    }

    /// Forgets a user, after a write was committed.
    pub(crate) fn written(&self, owner: &Owner) {
        self.writes.fetch_add(1, Ordering::AcqRel);
        self.users.remove(owner);
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_never_hidden_by_what_was_read_before() {
        let told = UserContextCache::default();
        let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
        let context = Arc::new(UserContext {
            preferences: json!({}),
            custom_instructions: String::new(),
            version: 1,
            updated_at_ms: None,
        });
        let before = told.writes();
        told.keep(&owner, &context, 0, before);
        assert!(told.get(&owner, KEPT_MS - 1).is_some() && told.get(&owner, KEPT_MS).is_none());
        told.written(&owner);
        assert!(told.get(&owner, 0).is_none());
        told.keep(&owner, &context, 0, before);
        assert!(told.get(&owner, 0).is_none(), "it was read before the write");
        let other = Owner::new(TenantId::parse("other").unwrap(), UserId::parse("ada").unwrap());
        told.keep(&owner, &context, 0, told.writes());
        assert!(told.get(&other, 0).is_none());
    }
}
