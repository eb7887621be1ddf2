//! Values that outlive the task, for one user or for the whole tenant.

use std::fmt::Write as _;

use openanalyst_domain::{Owner, TenantId};

use crate::sql::{At, Sql, from_row, ms, query};
use crate::{Scope, Store, StoreError, Tx};

/// Most values of one user, and of one tenant as a whole.
pub const MAX_KEYS: i64 = 2_000;
/// How many expired values a put removes where the memory is full.
const MAKE_ROOM: i64 = 50;

/// Whose memory.
#[derive(Debug, Clone)]
pub enum MemoryOwner {
    /// One user's.
    User(Owner),
    /// The whole tenant's.
    Tenant(TenantId),
}

impl MemoryOwner {
    /// In whose name it is read and written.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::User(owner) => owner.into(),
            Self::Tenant(tenant) => tenant.into(),
        }
    }

    fn keys(&self) -> (&str, &str) {
        match self {
            // A user id is never empty, so the empty one can stand for the tenant.
            Self::User(owner) => (owner.tenant.as_str(), owner.user.as_str()),
            Self::Tenant(tenant) => (tenant.as_str(), ""),
        }
    }
}

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRow {
    /// Its key.
    pub key: String,
    /// The JSON text.
    pub value: String,
    /// Counts up from 1.
    pub version: i64,
    /// When it was last put.
    pub updated_at_ms: i64,
    /// When it ceases to exist.
    pub expires_at_ms: Option<i64>,
}

struct Raw {
    key: String,
    value: String,
    version: i64,
    updated_at: At,
    expires_at: Option<At>,
}

from_row!(Raw { key, value, version, updated_at, expires_at });

impl From<Raw> for MemoryRow {
    fn from(raw: Raw) -> Self {
        Self {
            key: raw.key,
            value: raw.value,
            version: raw.version,
            updated_at_ms: raw.updated_at.0,
            expires_at_ms: ms(raw.expires_at),
        }
    }
}

fn rows(raw: Vec<Raw>) -> Vec<MemoryRow> {
    raw.into_iter().map(MemoryRow::from).collect()
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// Stored with this version.
    Stored(i64),
    /// Not stored: this is the version that is there (0: none).
    Conflict(i64),
    /// Not stored: its owner has [`MAX_KEYS`] values already.
    Full,
}

impl Tx {
    /// Puts a value; with `expected`, only over that version (0: only where there is none).
    ///
    /// # Errors
    /// The database's.
    pub async fn put_memory(
        &mut self,
        owner: &MemoryOwner,
        key: &str,
        value: &str,
        expected: Option<i64>,
        expires_at_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<Put, StoreError> {
        let (tenant, user) = owner.keys();
        self.lock(&format!("memory {tenant} {user} {key}")).await?;
        let there: Option<(i64, Option<At>, i64)> = query(
            "SELECT COALESCE(version, 0), expires_at, COALESCE(keys, 0) FROM (SELECT 1 AS one) AS one \
             LEFT JOIN memory ON memory.tenant = $1 AND memory.user_id = $2 AND memory.key = $3 \
             LEFT JOIN memory_usage \
             ON memory_usage.tenant = $1 AND memory_usage.user_id = $2",
        )
        .bind(tenant)
        .bind(user)
        .bind(key)
        .optional(&mut *self)
        .await?;
        let (stored, expires, mut keys) = there.unwrap_or((0, None, 0));
        // An expired value is not there, but its version goes on counting.
        let live = if expires.is_some_and(|at| at.0 <= now_ms) { 0 } else { stored };
        if expected.is_some_and(|expected| expected != live) {
            return Ok(Put::Conflict(live));
        }
        if stored == 0 {
            if self.lock(&format!("memory {tenant} {user}")).await? {
                keys = self.memory_keys(tenant, user).await?;
            }
            if keys >= MAX_KEYS {
                // What has expired makes room: some of it, so that no put takes long.
                query(
                    "DELETE FROM memory WHERE tenant = $1 AND user_id = $2 AND key IN \
                     (SELECT key FROM memory WHERE tenant = $1 AND user_id = $2 AND expires_at <= $3 \
                     ORDER BY expires_at LIMIT $4)",
                )
                .bind(tenant)
                .bind(user)
                .bind(At(now_ms))
                .bind(MAKE_ROOM)
                .run(&mut *self)
                .await?;
                if self.memory_keys(tenant, user).await? >= MAX_KEYS {
                    return Ok(Put::Full);
                }
            }
        }
        query(
            "INSERT INTO memory (tenant, user_id, key, value, version, updated_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, user_id, key) DO UPDATE SET \
             value = excluded.value, version = excluded.version, updated_at = excluded.updated_at, expires_at = excluded.expires_at",
        )
        .bind(tenant)
        .bind(user)
        .bind(key)
        .bind(value)
        .bind(stored + 1)
        .bind(At(now_ms))
        .bind(At::maybe(expires_at_ms))
        .later(self);
        Ok(Put::Stored(stored + 1))
    }

    /// How many values a memory holds, expired ones included.
    async fn memory_keys(&mut self, tenant: &str, user: &str) -> Result<i64, StoreError> {
        let keys: Option<(i64,)> = query("SELECT keys FROM memory_usage WHERE tenant = $1 AND user_id = $2")
            .bind(tenant)
            .bind(user)
            .optional(self)
            .await?;
        Ok(keys.map_or(0, |(keys,)| keys))
    }

    /// Removes a value; says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_memory(&mut self, owner: &MemoryOwner, key: &str, now_ms: i64) -> Result<bool, StoreError> {
        let (tenant, user) = owner.keys();
        let gone: Option<(Option<At>,)> =
            query("DELETE FROM memory WHERE tenant = $1 AND user_id = $2 AND key = $3 RETURNING expires_at")
                .bind(tenant)
                .bind(user)
                .bind(key)
                .optional(self)
                .await?;
        Ok(gone.is_some_and(|(expires,)| expires.is_none_or(|at| at.0 > now_ms)))
    }
}

impl Store {
    /// Reads a value.
    ///
    /// # Errors
    /// The database's.
    pub async fn memory(&self, owner: &MemoryOwner, key: &str, now_ms: i64) -> Result<Option<MemoryRow>, StoreError> {
        let (tenant, user) = owner.keys();
        let raw: Option<Raw> = query(
            "SELECT key, value, version, updated_at, expires_at FROM memory \
             WHERE tenant = $1 AND user_id = $2 AND key = $3 AND (expires_at IS NULL OR expires_at > $4)",
        )
        .bind(tenant)
        .bind(user)
        .bind(key)
        .bind(At(now_ms))
        .optional(self.read(owner.scope()))
        .await?;
        Ok(raw.map(MemoryRow::from))
    }

    /// Lists values whose key begins with `prefix` and stands after `after`, sorted by key.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_memory(
        &self,
        owner: &MemoryOwner,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<MemoryRow>, StoreError> {
        let (tenant, user) = owner.keys();
        Ok(rows(
            query(
                "SELECT key, value, version, updated_at, expires_at FROM memory \
             WHERE tenant = $1 AND user_id = $2 AND substr(key, 1, length($3)) = $3 AND key >= $3 AND key > $4 \
             AND (expires_at IS NULL OR expires_at > $5) ORDER BY key LIMIT $6",
            )
            .bind(tenant)
            .bind(user)
            .bind(prefix)
            .bind(after.unwrap_or(""))
            .bind(At(now_ms))
            .bind(i64::from(limit))
            .all(self.read(owner.scope()))
            .await?,
        ))
    }

    /// Finds values by their words, best first: those that hold every word in key or value, or where there is none, any of them. Words are compared by
    /// their English stems, without case; a word in the key counts for more.
    ///
    /// # Errors
    /// The database's.
    pub async fn search_memory(
        &self,
        owner: &MemoryOwner,
        words: &[String],
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<MemoryRow>, StoreError> {
        let words: Vec<String> = words
            .iter()
            .flat_map(|word| word.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        for all in [true, false] {
            let found = self.memory_with(owner, &words, all, limit, now_ms).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    async fn memory_with(
        &self,
        owner: &MemoryOwner,
        words: &[String],
        all: bool,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<MemoryRow>, StoreError> {
        let (tenant, user) = owner.keys();
        // Words are letters and digits, so nothing in them can be an operator once they stand in quotes.
        let quoted = |quote: char| words.iter().map(move |word| format!("{quote}{word}{quote}")).collect::<Vec<_>>();
        let sqlite = quoted('"').join(if all { " AND " } else { " OR " });
        let postgres = quoted('\'').join(if all { " & " } else { " | " });
        let words = match self.kind() {
            "SQLite" => {
                format!("owner : o{}x{} AND {{key value}} : ({sqlite})", hex(tenant), hex(user))
            }
            _ => postgres,
        };
        Ok(rows(
            query(Sql::each(
                "SELECT memory.key, memory.value, version, updated_at, expires_at FROM memory_words JOIN memory \
                 ON memory.tenant = memory_words.tenant AND memory.user_id = memory_words.user_id AND memory.key = memory_words.key \
                 WHERE memory_words MATCH $4 AND memory.tenant = $1 AND memory.user_id = $2 \
                 AND (expires_at IS NULL OR expires_at > $3) ORDER BY bm25(memory_words, 0.0, 4.0, 1.0), memory.key LIMIT $5",
                "SELECT key, value, version, updated_at, expires_at FROM memory \
                 WHERE tenant = $1 AND user_id = $2 AND (expires_at IS NULL OR expires_at > $3) \
                 AND words @@ to_tsquery('english', $4) ORDER BY ts_rank(words, to_tsquery('english', $4)) DESC, key LIMIT $5",
            ))
            .bind(tenant)
            .bind(user)
            .bind(At(now_ms))
            .bind(words)
            .bind(i64::from(limit))
            .all(self.read(owner.scope()))
            .await?,
        ))
    }
}

/// As SQLite's `hex` writes it.
fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}
