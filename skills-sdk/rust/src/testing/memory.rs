//! Memory of the test host: the contract's rules for versions, pages and prefixes, without time.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bindings::openanalyst::skill::memory::{Entry, Page, PutOptions, PutOutcome, Scope};
use crate::types::Failure;

const MAX_KEY_BYTES: usize = 256;
const MAX_VALUE_BYTES: usize = 64 * 1024;
const MAX_PAGE: u32 = 100;

#[derive(Default)]
pub(crate) struct Memory {
    user: BTreeMap<String, Entry>,
    tenant: BTreeMap<String, Entry>,
    /// Stands in for the clock: counts the puts.
    puts: u64,
}

impl Memory {
    fn of(&mut self, scope: Scope) -> &mut BTreeMap<String, Entry> {
        match scope {
            Scope::User => &mut self.user,
            Scope::Tenant => &mut self.tenant,
        }
    }

    pub(crate) fn user_value(&self, key: &str) -> Option<Value> {
        serde_json::from_str(&self.user.get(key)?.value).ok()
    }

    pub(crate) fn get(&mut self, scope: Scope, key: &str) -> Result<Option<Entry>, Failure> {
        check_key(key)?;
        Ok(self.of(scope).get(key).cloned())
    }

    pub(crate) fn put(
        &mut self,
        scope: Scope,
        key: &str,
        value: &str,
        options: PutOptions,
    ) -> Result<PutOutcome, Failure> {
        check_key(key)?;
        serde_json::from_str::<Value>(value)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(Failure::invalid(format!(
                "the value of `{key}` has {} bytes; at most {MAX_VALUE_BYTES} are stored",
                value.len()
            )));
        }
        self.puts += 1;
        let now_ms = self.puts;
        let stored = self.of(scope);
        let version = stored.get(key).map_or(0, |entry| entry.version);
        if options.expected_version.is_some_and(|expected| expected != version) {
            return Ok(PutOutcome::Conflict(version));
        }
        let entry = Entry {
            key: key.into(),
            value: value.into(),
            version: version + 1,
            updated_at_ms: now_ms,
            expires_at_ms: options.ttl_ms.map(|ttl| now_ms.saturating_add(ttl)),
        };
        stored.insert(key.into(), entry);
        Ok(PutOutcome::Stored(version + 1))
    }

    pub(crate) fn delete(&mut self, scope: Scope, key: &str) -> Result<bool, Failure> {
        check_key(key)?;
        Ok(self.of(scope).remove(key).is_some())
    }

    pub(crate) fn list(
        &mut self,
        scope: Scope,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, Failure> {
        let limit = limit.clamp(1, MAX_PAGE) as usize;
        let mut rest = self
            .of(scope)
            .values()
            .filter(|entry| entry.key.starts_with(prefix) && cursor.is_none_or(|cursor| entry.key.as_str() > cursor));
        let entries: Vec<Entry> = rest.by_ref().take(limit).cloned().collect();
        let more = rest.next().is_some();
        let cursor = entries.last().filter(|_| more).map(|entry| entry.key.clone());
        Ok(Page { entries, cursor })
    }

    /// Ranks by how many of the words occur, then by key.
    pub(crate) fn search(&mut self, scope: Scope, query: &str, limit: u32) -> Result<Vec<Entry>, Failure> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<(usize, &Entry)> = self
            .of(scope)
            .values()
            .map(|entry| {
                let text = entry.value.to_lowercase();
                (words.iter().filter(|word| text.contains(word.as_str())).count(), entry)
            })
            .filter(|(score, _)| *score > 0)
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
        Ok(found.into_iter().take(limit.min(MAX_PAGE) as usize).map(|(_, entry)| entry.clone()).collect())
    }
}

fn check_key(key: &str) -> Result<(), Failure> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(Failure::invalid(format!(
            "`{}` is not a key: 1 to {MAX_KEY_BYTES} bytes without control characters",
            key.escape_debug()
        )));
    }
    Ok(())
}
