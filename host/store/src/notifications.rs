//! Messages to a user that no request waits for. Each is kept until a connection of the user took it.

use openanalyst_domain::{JobId, MessageId, Owner};
use serde::{Deserialize, Serialize};

use crate::sql::{At, Id, from_row, query};
use crate::{Store, StoreError, Tx};

/// Most messages that are kept for a user.
const MAX_KEPT: i64 = 1_000;

/// A message to a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub content: String,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The job that sent it.
    pub job_id: Option<String>,
    /// When, in UTC milliseconds.
    pub created_at_ms: i64,
}

struct Raw {
    id: Id,
    title: String,
    content: String,
    level: String,
    job_id: Option<Id>,
    created_at: At,
}

from_row!(Raw { id, title, content, level, job_id, created_at });

impl Tx {
    /// Keeps a message for a user. Of each user the newest 1,000 are kept: a script that never stops telling
    /// something fills no disk.
    pub fn notify(
        &mut self,
        owner: &Owner,
        title: &str,
        content: &str,
        level: &str,
        job: Option<JobId>,
        at_ms: i64,
    ) -> Notification {
        let id = MessageId::new();
        let notification = Notification {
            id: id.to_string(),
            title: title.to_owned(),
            content: content.to_owned(),
            level: level.to_owned(),
            job_id: job.map(|id| id.to_string()),
            created_at_ms: at_ms,
        };
        query(
            "INSERT INTO notifications (id, tenant, user_id, title, content, level, job_id, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(title)
        .bind(content)
        .bind(level)
        .bind(job)
        .bind(At(at_ms))
        .later(self);
        query(
            "DELETE FROM notifications WHERE tenant = $1 AND user_id = $2 AND id <= (SELECT id FROM notifications \
             WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(MAX_KEPT)
        .later(self);
        notification
    }

    /// Notes that a connection of the user took it. False if another one had taken it before.
    ///
    /// # Errors
    /// The database's.
    pub async fn delivered(&mut self, owner: &Owner, id: &str, at_ms: i64) -> Result<bool, StoreError> {
        // What is no id names nothing.
        let Ok(id) = id.parse::<MessageId>() else { return Ok(false) };
        let changed = query(
            "UPDATE notifications SET delivered_at = $4 \
             WHERE id = $1 AND tenant = $2 AND user_id = $3 AND delivered_at IS NULL",
        )
        .bind(id)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(changed == 1)
    }
}

impl Store {
    /// What waits for this user, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn waiting_notifications(&self, owner: &Owner, limit: u32) -> Result<Vec<Notification>, StoreError> {
        let rows: Vec<Raw> = query(
            "SELECT id, title, content, level, job_id, created_at FROM notifications \
             WHERE tenant = $1 AND user_id = $2 AND delivered_at IS NULL ORDER BY id LIMIT $3",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(i64::from(limit))
        .all(self.read(owner))
        .await?;
        Ok(rows
            .into_iter()
            .map(|raw| Notification {
                id: raw.id.to_string(),
                title: raw.title,
                content: raw.content,
                level: raw.level,
                job_id: raw.job_id.map(|id| id.to_string()),
                created_at_ms: raw.created_at.0,
            })
            .collect())
    }
}
