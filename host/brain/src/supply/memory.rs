//! `memory`, from the record.

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_runtime::capabilities::Memory;
use openanalyst_runtime::contract::memory::{Entry, Page, PutOptions, PutOutcome, Scope};
use openanalyst_store::memory::{MemoryOwner, MemoryRow, Put};
use serde_json::{Value, json};

use super::{Supply, store_failure};
use crate::numbers::{signed, unsigned};

/// Most words of a search.
const MAX_WORDS: usize = 16;

impl Supply {
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
impl Memory for Supply {
    async fn get(&self, scope: Scope, key: &str) -> Result<Option<Entry>, Failure> {
        let row = self.brain.store.memory(&self.memory_of(scope), key, self.now_ms()).await;
        Ok(row.map_err(|error| store_failure(&error))?.map(entry))
    }

    async fn put(&self, scope: Scope, key: &str, value: &str, options: PutOptions) -> Result<PutOutcome, Failure> {
        let owner = self.memory_of(scope);
        let place = self.next_place("memory.put", &format!("{scope:?} {key} {value}"));
        let now_ms = self.now_ms();
        let put = async {
            let mut tx = self.brain.store.begin(&self.owner).await?;
            let earlier = tx.intend(&self.key(&place), "memory.put", &json!({ "key": key }), now_ms).await?;
            if let Some(done) = earlier.and_then(|effect| effect.result) {
                return Ok(done);
            }
            let expected = options.expected_version.map(signed);
            let expires = options.ttl_ms.map(|ttl| now_ms.saturating_add(signed(ttl)));
            let done = match tx.put_memory(&owner, key, value, expected, expires, now_ms).await? {
                Put::Stored(version) => json!({ "stored": version }),
                Put::Conflict(version) => json!({ "conflict": version }),
            };
            tx.settle(&self.key(&place), &done, now_ms).await?;
            tx.commit().await?;
            Ok(done)
        };
        let done: Value = put.await.map_err(|error| store_failure(&error))?;
        let version = |name: &str| done.get(name).and_then(Value::as_u64);
        Ok(match (version("stored"), version("conflict")) {
            (Some(version), _) => PutOutcome::Stored(version),
            (None, version) => PutOutcome::Conflict(version.unwrap_or(0)),
        })
    }

    async fn delete(&self, scope: Scope, key: &str) -> Result<bool, Failure> {
        let owner = self.memory_of(scope);
        let place = self.next_place("memory.delete", &format!("{scope:?} {key}"));
        let now_ms = self.now_ms();
        let delete = async {
            let mut tx = self.brain.store.begin(&self.owner).await?;
            let earlier = tx.intend(&self.key(&place), "memory.delete", &json!({ "key": key }), now_ms).await?;
            if let Some(done) = earlier.and_then(|effect| effect.result) {
                return Ok(done);
            }
            let done = json!(tx.delete_memory(&owner, key, now_ms).await?);
            tx.settle(&self.key(&place), &done, now_ms).await?;
            tx.commit().await?;
            Ok(done)
        };
        let done: Value = delete.await.map_err(|error| store_failure(&error))?;
        Ok(done.as_bool().unwrap_or(false))
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
