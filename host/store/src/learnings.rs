//! What was learned from research: one user's own learnings, and those that everybody in the tenant may know.

use openanalyst_domain::{MessageId, Owner, TaskId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sql::{At, Id, Json, at_ms, from_row, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// Most learnings that are kept of one user, and of the tenant as a whole: a new one makes the oldest go. The history keeps them all.
pub const MAX_KEPT: i64 = 1_000;

/// Something learned.
#[derive(Debug, Clone)]
pub struct NewLearning<'a> {
    /// Who learned it.
    pub owner: &'a Owner,
    /// Whether everybody in the tenant may know it.
    pub shared: bool,
    /// Which skill it is about.
    pub skill: Option<&'a str>,
    /// The task it came from.
    pub task: Option<TaskId>,
    /// One line: what it is about.
    pub title: &'a str,
    /// The text. Untrusted where it came from elsewhere.
    pub content: &'a str,
    /// Where it came from: addresses, or `correction`.
    pub source: &'a str,
    /// Words to find it by.
    pub tags: &'a [String],
    /// When.
    pub at_ms: i64,
}

/// A learning as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LearningRow {
    /// Its id.
    pub id: String,
    /// Which skill it is about.
    pub skill: Option<String>,
    /// What it is about.
    pub title: String,
    /// The text.
    pub content: String,
    /// Where it came from.
    pub source: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// How often it was given to a step that then succeeded.
    pub used: i64,
    /// When.
    #[serde(deserialize_with = "at_ms")]
    pub at_ms: i64,
}

struct Raw {
    id: Id,
    skill: Option<String>,
    title: String,
    content: String,
    source: String,
    tags: Json,
    used: i64,
    at: At,
}

from_row!(Raw { id, skill, title, content, source, tags, used, at });

impl Tx {
    /// Stores a learning, and gives its id.
    pub fn learn(&mut self, learning: &NewLearning<'_>) -> String {
        let id = MessageId::new();
        // A user id is never empty, so the empty one can stand for the tenant.
        let whose = if learning.shared { "" } else { learning.owner.user.as_str() };
        query(
            "INSERT INTO learnings (id, tenant, user_id, skill, task_id, title, content, source, tags, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(id)
        .bind(learning.owner.tenant.as_str())
        .bind(whose)
        .bind(learning.skill)
        .bind(learning.task)
        .bind(learning.title)
        .bind(learning.content)
        .bind(learning.source)
        .bind(to_json(&learning.tags))
        .bind(At(learning.at_ms))
        .later(self);
        query(
            "DELETE FROM learnings WHERE tenant = $1 AND user_id = $2 AND id <= \
             (SELECT id FROM learnings WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)",
        )
        .bind(learning.owner.tenant.as_str())
        .bind(whose)
        .bind(MAX_KEPT)
        .later(self);
        id.to_string()
    }

    /// Counts that these learnings were given to a step which then succeeded.
    pub fn learnings_helped(&mut self, owner: &Owner, ids: &[String]) {
        for id in ids.iter().filter_map(|id| id.parse::<MessageId>().ok()) {
            query("UPDATE learnings SET used = used + 1 WHERE id = $1 AND tenant = $2 AND user_id IN ($3, '')")
                .bind(id)
                .bind(owner.tenant.as_str())
                .bind(owner.user.as_str())
                .later(self);
        }
    }
}

impl Store {
    /// The newest learnings that the user may know, newest first: at most `limit` of their own, and as many of the whole tenant's.
    ///
    /// # Errors
    /// The database's.
    pub async fn learnings(&self, owner: &Owner, limit: u32) -> Result<Vec<LearningRow>, StoreError> {
        let rows: Vec<Raw> = query(
            "SELECT * FROM (SELECT id, skill, title, content, source, tags, used, at FROM learnings \
             WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT $3) AS own \
             UNION ALL SELECT * FROM (SELECT id, skill, title, content, source, tags, used, at FROM learnings \
             WHERE tenant = $1 AND user_id = '' ORDER BY id DESC LIMIT $3) AS shared ORDER BY id DESC",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(i64::from(limit))
        .all(self.read(owner))
        .await?;
        rows.into_iter()
            .map(|raw| {
                Ok(LearningRow {
                    id: raw.id.to_string(),
                    skill: raw.skill,
                    title: raw.title,
                    content: raw.content,
                    source: raw.source,
                    tags: json::<Value>("tags", &raw.tags)
                        .ok()
                        .and_then(|tags| serde_json::from_value(tags).ok())
                        .unwrap_or_default(),
                    used: raw.used,
                    at_ms: raw.at.0,
                })
            })
            .collect()
    }
}
