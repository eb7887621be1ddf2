//! What a user tells the host about themselves, and their memory: read and written by the user, without a skill.

use std::sync::Arc;

use openanalyst_domain::{Failure, Owner};
use openanalyst_store::memory::{MemoryOwner, MemoryRow, Put};
use openanalyst_store::storage::StorageKind;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::BrainError;
use crate::brain::Brain;

/// Most bytes of the preferences together, as JSON.
pub const MAX_PREFERENCES_BYTES: usize = 32 << 10;
/// Most bytes of the custom instructions.
pub const MAX_INSTRUCTIONS_BYTES: usize = 8 << 10;
/// Most preferences.
const MAX_PREFERENCES: usize = 100;
/// Most bytes of a value of the memory.
const MAX_VALUE_BYTES: usize = 64 << 10;
/// Most bytes of a key.
const MAX_KEY_BYTES: usize = 256;
/// Longest time to live, in milliseconds: ten years.
const MAX_TTL_MS: i64 = 10 * 366 * 24 * 60 * 60 * 1_000;

/// What a user told the host.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserContext {
    /// Preferences by name. `display-name` and `time-zone` (an IANA name) are understood by the host itself.
    #[schema(value_type = Object)]
    pub preferences: Value,
    /// What to mind in every answer.
    pub custom_instructions: String,
    /// Counts up from 1; 0: never set.
    pub version: i64,
    /// When it was last set, UTC milliseconds.
    pub updated_at_ms: Option<i64>,
}

/// A value of the memory.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryView {
    /// Its key.
    pub key: String,
    /// The value.
    #[schema(value_type = Object)]
    pub value: Value,
    /// Counts up from 1.
    pub version: i64,
    /// When it was last put, UTC milliseconds.
    pub updated_at_ms: i64,
    /// When it ceases to exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

impl From<MemoryRow> for MemoryView {
    fn from(row: MemoryRow) -> Self {
        Self {
            value: serde_json::from_str(&row.value).unwrap_or(Value::String(row.value)),
            key: row.key,
            version: row.version,
            updated_at_ms: row.updated_at_ms,
            expires_at_ms: row.expires_at_ms,
        }
    }
}

impl Brain {
    /// What the user told the host about themselves; what another process wrote less than a second ago may not be in it yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn user_context(&self, owner: &Owner) -> Result<Arc<UserContext>, BrainError> {
        let (told, now_ms) = (&self.inner.told, self.inner.clock.now_ms());
        if let Some(context) = told.get(owner, now_ms) {
            return Ok(context);
        }
        let writes = told.writes();
        let row = self.inner.store.user_context(owner).await?;
        let context = Arc::new(UserContext {
            preferences: row.preferences,
            custom_instructions: row.custom_instructions,
            version: row.version,
            updated_at_ms: row.updated_at_ms,
        });
        told.keep(owner, &context, now_ms, writes);
        Ok(context)
    }

    /// Replaces what the user told the host; it holds from the next request on. With `expected`, only over that version (0: only where there is none).
    ///
    /// # Errors
    /// [`BrainError::Invalid`] names what is wrong; [`BrainError::VersionMismatch`]; the database's.
    pub async fn put_user_context(
        &self,
        owner: &Owner,
        preferences: Map<String, Value>,
        custom_instructions: &str,
        expected: Option<i64>,
    ) -> Result<Arc<UserContext>, BrainError> {
        let invalid = |message: String| Err(BrainError::Invalid(message));
        if preferences.len() > MAX_PREFERENCES {
            return invalid(format!(
                "`preferences` has {} members and {MAX_PREFERENCES} is the limit",
                preferences.len()
            ));
        }
        if let Some(zone) = preferences.get("time-zone") {
            let known = zone.as_str().is_some_and(|zone| crate::known_time_zone(zone).is_some());
            if !known {
                return invalid(
                    "`preferences.time-zone` is no time zone: use an IANA name such as Europe/Berlin".to_owned(),
                );
            }
        }
        let preferences = Value::Object(preferences);
        let bytes = preferences.to_string().len();
        if bytes > MAX_PREFERENCES_BYTES {
            return invalid(format!(
                "`preferences` has {bytes} bytes as JSON and {MAX_PREFERENCES_BYTES} is the limit"
            ));
        }
        let bytes = custom_instructions.len();
        if bytes > MAX_INSTRUCTIONS_BYTES {
            return invalid(format!(
                "`customInstructions` has {bytes} bytes and {MAX_INSTRUCTIONS_BYTES} is the limit"
            ));
        }
        let inner = &self.inner;
        let mut tx = inner.store.begin(owner).await?;
        let put = tx.put_context(owner, &preferences, custom_instructions, expected, inner.clock.now_ms()).await?;
        if put.is_none() {
            return Err(BrainError::VersionMismatch);
        }
        tx.commit().await?;
        inner.told.written(owner);
        self.user_context(owner).await
    }

    /// A value of the user's memory.
    ///
    /// # Errors
    /// [`BrainError::NoSuchMemory`]; the database's.
    pub async fn memory(&self, owner: &Owner, key: &str) -> Result<MemoryView, BrainError> {
        let of = MemoryOwner::User(owner.clone());
        let row = self.inner.store.memory(&of, key, self.inner.clock.now_ms()).await?;
        row.map(MemoryView::from).ok_or_else(|| BrainError::NoSuchMemory(crate::context::shorten(key, 64)))
    }

    /// Puts a value into the user's memory; with `expected`, only over that version (0: only where there is none).
    ///
    /// # Errors
    /// [`BrainError::Invalid`] names what is wrong; [`BrainError::VersionMismatch`]; the database's.
    pub async fn put_memory(
        &self,
        owner: &Owner,
        key: &str,
        value: &Value,
        expected: Option<i64>,
        ttl_ms: Option<i64>,
    ) -> Result<MemoryView, BrainError> {
        let invalid = |message: String| Err(BrainError::Invalid(message));
        if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
            return invalid(format!("the key must have 1 to {MAX_KEY_BYTES} bytes and no control characters"));
        }
        let text = value.to_string();
        if text.len() > MAX_VALUE_BYTES {
            return invalid(format!("the value has {} bytes as JSON and {MAX_VALUE_BYTES} is the limit", text.len()));
        }
        if ttl_ms.is_some_and(|ttl| !(1..=MAX_TTL_MS).contains(&ttl)) {
            return invalid(format!("`ttlMs` must be 1 to {MAX_TTL_MS} milliseconds"));
        }
        let inner = &self.inner;
        let now_ms = inner.clock.now_ms();
        let of = MemoryOwner::User(owner.clone());
        inner.registry.quotas().check(owner, &[StorageKind::Memory]).await?;
        let mut tx = inner.store.begin(owner).await?;
        let put = tx.put_memory(&of, key, &text, expected, ttl_ms.map(|ttl| now_ms + ttl), now_ms).await?;
        match put {
            Put::Stored(_) => {}
            Put::Conflict(_) => return Err(BrainError::VersionMismatch),
            Put::Full => return Err(BrainError::MemoryFull),
        }
        tx.commit().await?;
        self.memory(owner, key).await
    }

    /// Removes a value of the user's memory.
    ///
    /// # Errors
    /// [`BrainError::NoSuchMemory`]; the database's.
    pub async fn forget(&self, owner: &Owner, key: &str) -> Result<(), BrainError> {
        let inner = &self.inner;
        let of = MemoryOwner::User(owner.clone());
        let mut tx = inner.store.begin(owner).await?;
        let gone = tx.delete_memory(&of, key, inner.clock.now_ms()).await?;
        tx.commit().await?;
        if gone { Ok(()) } else { Err(BrainError::NoSuchMemory(crate::context::shorten(key, 64))) }
    }

    /// Values of the user's memory: by the beginning of their key, sorted; or, with words, by those words, best first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_memory(
        &self,
        owner: &Owner,
        prefix: &str,
        query: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<MemoryView>, BrainError> {
        let inner = &self.inner;
        let now_ms = inner.clock.now_ms();
        let of = MemoryOwner::User(owner.clone());
        let rows = match query {
            Some(query) => {
                let words: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
                let rows = inner.store.search_memory(&of, &words, limit, now_ms).await?;
                rows.into_iter().filter(|row| row.key.starts_with(prefix)).collect()
            }
            None => inner.store.list_memory(&of, prefix, after, limit, now_ms).await?,
        };
        Ok(rows.into_iter().map(MemoryView::from).collect())
    }
}

impl From<Failure> for BrainError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid { detail } => Self::Invalid(detail),
            other => Self::Internal(other.to_string()),
        }
    }
}
