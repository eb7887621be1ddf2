//! The recorded past: sessions, learnings, successes, failures, research, activities.

use openanalyst_domain::{MessageId, Owner, TaskId};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;

use crate::sql::{At, Id, Json, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// Something to remember.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// `session`, `learning`, `success`, `failure`, `research` or `activity`.
    pub kind: &'static str,
    /// The task it came from.
    pub task: Option<TaskId>,
    /// The skill.
    pub skill: Option<&'a str>,
    /// One line.
    pub title: &'a str,
    /// The text.
    pub content: &'a str,
    /// The particulars.
    pub data: &'a Value,
    /// When.
    pub at_ms: i64,
}

/// A remembered thing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryRow {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// The task it came from.
    pub task_id: Option<String>,
    /// The skill.
    pub skill: Option<String>,
    /// One line.
    pub title: String,
    /// The text.
    pub content: String,
    /// The particulars.
    pub data: Value,
    /// When.
    pub at_ms: i64,
}

#[derive(FromRow)]
struct Raw {
    id: Id,
    kind: String,
    task_id: Option<Id>,
    skill: Option<String>,
    title: String,
    content: String,
    data: Json,
    at: At,
}

impl Tx {
    /// Writes an entry. A session, success or failure of the same task is written once.
    ///
    /// # Errors
    /// The database's.
    pub async fn remember(&mut self, entry: &NewEntry<'_>) -> Result<(), StoreError> {
        query(
            "INSERT INTO history (id, tenant, user_id, kind, task_id, skill, title, content, data, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        )
        .bind(MessageId::new())
        .bind(entry.owner.tenant.as_str())
        .bind(entry.owner.user.as_str())
        .bind(entry.kind)
        .bind(entry.task)
        .bind(entry.skill)
        .bind(entry.title)
        .bind(entry.content)
        .bind(to_json(entry.data))
        .bind(At(entry.at_ms))
        .run(self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// This user's entries, newest first; of one kind, if given.
    ///
    /// # Errors
    /// The database's.
    pub async fn history(&self, owner: &Owner, kind: Option<&str>, limit: u32) -> Result<Vec<EntryRow>, StoreError> {
        let rows: Vec<Raw> = query(
            "SELECT id, kind, task_id, skill, title, content, data, at FROM history \
             WHERE tenant = $1 AND user_id = $2 AND ($3 IS NULL OR kind = $3) ORDER BY id DESC LIMIT $4",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(kind)
        .bind(i64::from(limit))
        .all(self.read(owner))
        .await?;
        rows.into_iter()
            .map(|raw| {
                Ok(EntryRow {
                    id: raw.id.to_string(),
                    kind: raw.kind,
                    task_id: raw.task_id.map(|id| id.to_string()),
                    skill: raw.skill,
                    title: raw.title,
                    content: raw.content,
                    data: json("history data", &raw.data)?,
                    at_ms: raw.at.0,
                })
            })
            .collect()
    }
}
