//! The people of a tenant, and what they told the host about themselves.

use openanalyst_domain::{Owner, TenantId};
use serde::Serialize;
use serde_json::Value;

use crate::sql::{At, Json, from_row, ms, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRow {
    /// The `sub` of their tokens.
    pub user_id: String,
    /// Their email, in lower case.
    pub email: Option<String>,
    /// How they are called.
    pub display_name: Option<String>,
    /// Their folder in the workflow engine.
    pub folder: String,
    /// When they signed up.
    pub created_at_ms: i64,
    /// When their workspace was made.
    pub workspace_at_ms: Option<i64>,
}

struct Raw {
    user_id: String,
    email: Option<String>,
    display_name: Option<String>,
    folder: String,
    created_at: At,
    workspace_at: Option<At>,
}

from_row!(Raw { user_id, email, display_name, folder, created_at, workspace_at });

impl From<Raw> for UserRow {
    fn from(raw: Raw) -> Self {
        Self {
            user_id: raw.user_id,
            email: raw.email,
            display_name: raw.display_name,
            folder: raw.folder,
            created_at_ms: raw.created_at.0,
            workspace_at_ms: ms(raw.workspace_at),
        }
    }
}

/// What became of [`Tx::add_user`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// A new person.
    New,
    /// They were there, with the same email.
    Known,
    /// Somebody else has this email, or this person has another one.
    Conflict,
}

/// What a user told the host about themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextRow {
    /// The preferences: a JSON object.
    pub preferences: Value,
    /// What to mind in every answer.
    pub custom_instructions: String,
    /// Counts up from 1; 0: never set.
    pub version: i64,
    /// When it was last set.
    pub updated_at_ms: Option<i64>,
}

impl Tx {
    /// Adds a person. `email` must be in lower case.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_user(
        &mut self,
        owner: &Owner,
        email: Option<&str>,
        display_name: Option<&str>,
        at_ms: i64,
    ) -> Result<Added, StoreError> {
        self.lock(&format!("users {}", owner.tenant)).await?;
        let there: Vec<(String, Option<String>)> =
            query("SELECT user_id, email FROM users WHERE tenant = $1 AND (user_id = $2 OR email = $3)")
                .bind(owner.tenant.as_str())
                .bind(owner.user.as_str())
                .bind(email)
                .all(&mut *self)
                .await?;
        match there.as_slice() {
            [] => {}
            [(user, known)] if user == owner.user.as_str() && (email.is_none() || known.as_deref() == email) => {
                return Ok(Added::Known);
            }
            _ => return Ok(Added::Conflict),
        }
        query(
            "INSERT INTO users (tenant, user_id, email, display_name, folder, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(email)
        .bind(display_name)
        .bind(owner.user.folder())
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(Added::New)
    }

    /// Notes that the person's workspace was made.
    ///
    /// # Errors
    /// The database's.
    pub async fn workspace_made(&mut self, owner: &Owner, at_ms: i64) -> Result<(), StoreError> {
        query(
            "UPDATE users SET workspace_at = COALESCE(workspace_at, $3), updated_at = $3 WHERE tenant = $1 AND user_id = $2",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(())
    }

    /// Sets what the user told about themselves; with `expected`, only over that version (0: only where there is none). None: another version is there.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_context(
        &mut self,
        owner: &Owner,
        preferences: &Value,
        custom_instructions: &str,
        expected: Option<i64>,
        at_ms: i64,
    ) -> Result<Option<i64>, StoreError> {
        self.lock(&format!("context {} {}", owner.tenant, owner.user)).await?;
        let there: Option<(i64,)> = query("SELECT version FROM user_context WHERE tenant = $1 AND user_id = $2")
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .optional(&mut *self)
            .await?;
        let there = there.map_or(0, |(version,)| version);
        if expected.is_some_and(|expected| expected != there) {
            return Ok(None);
        }
        query(
            "INSERT INTO user_context (tenant, user_id, preferences, custom_instructions, version, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, user_id) DO UPDATE SET preferences = excluded.preferences, \
             custom_instructions = excluded.custom_instructions, version = excluded.version, updated_at = excluded.updated_at",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(to_json(preferences))
        .bind(custom_instructions)
        .bind(there + 1)
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(Some(there + 1))
    }
}

impl Store {
    /// A person of the tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn user(&self, owner: &Owner) -> Result<Option<UserRow>, StoreError> {
        let raw: Option<Raw> = query(
            "SELECT user_id, email, display_name, folder, created_at, workspace_at FROM users WHERE tenant = $1 AND user_id = $2",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .optional(self.read(owner))
        .await?;
        Ok(raw.map(UserRow::from))
    }

    /// The people of the tenant after a name, sorted.
    ///
    /// # Errors
    /// The database's.
    pub async fn users(&self, tenant: &TenantId, after: Option<&str>, limit: u32) -> Result<Vec<UserRow>, StoreError> {
        let raw: Vec<Raw> = query(
            "SELECT user_id, email, display_name, folder, created_at, workspace_at FROM users \
             WHERE tenant = $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .all(self.read(tenant))
        .await?;
        Ok(raw.into_iter().map(UserRow::from).collect())
    }

    /// What the user told about themselves.
    ///
    /// # Errors
    /// The database's.
    pub async fn user_context(&self, owner: &Owner) -> Result<ContextRow, StoreError> {
        let row: Option<(Json, String, i64, At)> = query(
            "SELECT preferences, custom_instructions, version, updated_at FROM user_context WHERE tenant = $1 AND user_id = $2",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .optional(self.read(owner))
        .await?;
        match row {
            None => Ok(ContextRow {
                preferences: Value::Object(serde_json::Map::new()),
                custom_instructions: String::new(),
                version: 0,
                updated_at_ms: None,
            }),
            Some((preferences, custom_instructions, version, at)) => Ok(ContextRow {
                preferences: json("preferences", &preferences)?,
                custom_instructions,
                version,
                updated_at_ms: Some(at.0),
            }),
        }
    }
}
