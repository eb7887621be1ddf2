//! What was learned from research: one user's own learnings, and those that everybody in the tenant may know.

use openanalyst_domain::{MessageId, Owner, TaskId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sql::{At, Id, Json, at_ms, from_row, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// Most learnings that are kept of one user, and of the tenant as a whole: a new one makes the oldest go. The history keeps them all.
pub const MAX_KEPT: i64 = 1_000;

/// The source of a learning about the choice of a skill: the title is the request, the tag the skill that it was not for.
pub const CORRECTION: &str = "route-correction";
/// Most bytes of a request that is kept as a correction.
const MAX_CORRECTED_BYTES: usize = 500;

/// What a user said about the choice of a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionRow {
    /// The words of the request.
    pub request: String,
    /// The skill that it is for.
    pub skill: String,
    /// The skill that it is not for.
    pub not: Option<String>,
}

struct RawCorrection {
    title: String,
    skill: Option<String>,
    tags: Json,
}

from_row!(RawCorrection { title, skill, tags });

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
    /// What the users of a tenant said about the choice of skills, oldest first: the newest so many.
    ///
    /// # Errors
    /// The database's; [`StoreError::Damaged`].
    pub async fn corrections(&self, tenant: &TenantId, limit: u32) -> Result<Vec<CorrectionRow>, StoreError> {
        let rows: Vec<RawCorrection> = query(
            "SELECT title, skill, tags FROM learnings WHERE tenant = $1 AND source = $2 AND length(title) <= $3 \
             ORDER BY id DESC LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(CORRECTION)
        .bind(i64::try_from(MAX_CORRECTED_BYTES).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .all(self.read(tenant))
        .await?;
        let corrected = |raw: RawCorrection| {
            let tags: Vec<String> = json("tags", &raw.tags)?;
            let not = tags.into_iter().next();
            Ok(raw.skill.map(|skill| CorrectionRow { request: raw.title, skill, not }))
        };
        rows.into_iter().rev().filter_map(|raw| corrected(raw).transpose()).collect()
    }

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
