//! `memory`, from the record.

use async_trait::async_trait;
use openanalyst_domain::{Failure, LimitReason};
use openanalyst_runtime::capabilities::Memory;
use openanalyst_runtime::contract::memory::{Entry, Page, PutOptions, PutOutcome, Scope};
use openanalyst_store::Tx;
use openanalyst_store::memory::{MAX_KEYS, MemoryOwner, MemoryRow, Put};
use openanalyst_store::quotas::QuotaError;
use openanalyst_store::storage::StorageKind;
use serde_json::json;

use super::{HostContext, store_failure};
use crate::numbers::{signed, unsigned};

/// Most words of a search.
const MAX_WORDS: usize = 16;

impl HostContext {
    fn memory_of(&self, scope: Scope) -> MemoryOwner {
        match scope {
            Scope::User => MemoryOwner::User(self.owner.clone()),
            Scope::Tenant => MemoryOwner::Tenant(self.owner.tenant.clone()),
        }
    }

    fn now_ms(&self) -> i64 {
        self.brain.clock.now_ms()
    }
}

/// The failure of a memory that is full.
pub(crate) fn full() -> Failure {
    Failure::limit(
        LimitReason::QuotaExceeded,
        format!(
            "the memory holds {MAX_KEYS} values, which is the limit: delete what is not needed any more, or give values a time to live"
        ),
    )
}

fn entry(row: MemoryRow) -> Entry {
    Entry {
        key: row.key,
        value: row.value,
        version: unsigned(row.version),
        updated_at_ms: unsigned(row.updated_at_ms),
        expires_at_ms: row.expires_at_ms.map(unsigned),
    }
}

#[async_trait]
impl Memory for HostContext {
    async fn get(&self, scope: Scope, key: &str) -> Result<Option<Entry>, Failure> {
        let row = self.brain.store.memory(&self.memory_of(scope), key, self.now_ms()).await;
        Ok(row.map_err(|error| store_failure(&error))?.map(entry))
    }

    async fn put(&self, scope: Scope, key: &str, value: &str, options: PutOptions) -> Result<PutOutcome, Failure> {
        let (owner, now_ms) = (self.memory_of(scope), self.now_ms());
        let expected = options.expected_version.map(signed);
        let expires = options.ttl_ms.map(|ttl| now_ms.saturating_add(signed(ttl)));
        let (quotas, kinds) = (self.brain.registry.quotas(), [StorageKind::Memory]);
        let checked = match &owner {
            MemoryOwner::User(owner) => quotas.check(owner, &kinds).await.map(drop),
            MemoryOwner::Tenant(tenant) => quotas.check_tenant(tenant, &kinds).await,
        };
        let put = async |tx: &mut Tx| {
            // What an earlier run of this step put already is not refused: then nobody asks here.
            match checked {
                Ok(()) => {}
                Err(QuotaError::Store(error)) => return Err(error),
                Err(error) => return Ok(Err(Failure::limit(LimitReason::QuotaExceeded, error.to_string()))),
            }
            Ok(match tx.put_memory(&owner, key, value, expected, expires, now_ms).await? {
                Put::Stored(version) => Ok(PutOutcome::Stored(unsigned(version))),
                Put::Conflict(version) => Ok(PutOutcome::Conflict(unsigned(version))),
                Put::Full => Err(full()),
            })
        };
        self.in_one_write("memory.put", &json!({ "key": key }), put).await
    }

    async fn delete(&self, scope: Scope, key: &str) -> Result<bool, Failure> {
        let (owner, now_ms) = (self.memory_of(scope), self.now_ms());
        let delete = async |tx: &mut Tx| Ok(Ok(tx.delete_memory(&owner, key, now_ms).await?));
        self.in_one_write("memory.delete", &json!({ "key": key }), delete).await
    }

    async fn list(&self, scope: Scope, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, Failure> {
        let owner = self.memory_of(scope);
        let rows = self.brain.store.list_memory(&owner, prefix, cursor, limit.saturating_add(1), self.now_ms()).await;
        let mut rows = rows.map_err(|error| store_failure(&error))?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > most;
        rows.truncate(most);
        let cursor = rows.last().filter(|_| more).map(|row| row.key.clone());
        Ok(Page { entries: rows.into_iter().map(entry).collect(), cursor })
    }

    async fn search(&self, scope: Scope, query: &str, limit: u32) -> Result<Vec<Entry>, Failure> {
        let words: Vec<String> = query.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect();
        let rows = self.brain.store.search_memory(&self.memory_of(scope), &words, limit, self.now_ms()).await;
        Ok(rows.map_err(|error| store_failure(&error))?.into_iter().map(entry).collect())
    }
}
