//! Sessions and what was said in them.

use openanalyst_domain::{MessageId, Owner, SessionKey, TaskId};
use serde::Serialize;
use serde_json::Value;

use crate::sql::{At, Before, Id, Json, Page, Query, Sql, from_row, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// A message, before it is stored.
#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    /// Its id, if it has one already.
    pub id: Option<MessageId>,
    /// Whose conversation.
    pub owner: &'a Owner,
    /// Which session.
    pub session: &'a SessionKey,
    /// The task that it belongs to.
    pub task: TaskId,
    /// `user` or `assistant`.
    pub role: &'static str,
    /// What was said.
    pub content: &'a str,
    /// The reply's data.
    pub data: Option<&'a Value>,
    /// The skill that answered.
    pub skill: Option<&'a str>,
    /// When.
    pub at_ms: i64,
}

/// A stored message.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageRow {
    /// Its id.
    pub id: String,
    /// The task that it belongs to.
    pub task_id: String,
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
    /// The reply's data.
    pub data: Option<Value>,
    /// The skill that answered.
    pub skill: Option<String>,
    /// When.
    pub at_ms: i64,
}

struct Raw {
    id: Id,
    task_id: Id,
    role: String,
    content: String,
    data: Option<Json>,
    skill: Option<String>,
    at: At,
}

from_row!(Raw { id, task_id, role, content, data, skill, at });

impl TryFrom<Raw> for MessageRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: raw.id.to_string(),
            task_id: raw.task_id.to_string(),
            role: raw.role,
            content: raw.content,
            data: raw.data.map(|text| json("message data", &text)).transpose()?,
            skill: raw.skill,
            at_ms: raw.at.0,
        })
    }
}

/// A conversation: a session with at least one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationRow {
    /// Its id.
    pub id: String,
    /// The client's name for the session.
    pub session_id: String,
    /// The beginning of the first message.
    pub title: String,
    /// When it began.
    pub created_at_ms: i64,
    /// When the last message came.
    pub updated_at_ms: i64,
}

/// Titles of conversations are the first message, this many characters of it.
const TITLE_CHARS: usize = 80;

macro_rules! conversation {
    () => {
        "INSERT INTO conversations (id, tenant, user_id, session, title, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6) \
         ON CONFLICT (tenant, user_id, session) DO UPDATE SET updated_at = excluded.updated_at"
    };
}

macro_rules! message {
    () => {
        "INSERT INTO messages (id, conversation_id, tenant, user_id, task_id, role, content, data, skill, at) \
         SELECT $7, id, $2, $3, $8, $9, $10, $11, $12, $6 FROM "
    };
}

/// The conversation, made if it is not there, and a message in it.
const SAY: Sql = Sql {
    sqlite: concat!(message!(), "conversations WHERE tenant = $2 AND user_id = $3 AND session = $4"),
    postgres: concat!(message!(), "conversation"),
    before: Some(Before {
        sqlite: conversation!(),
        postgres: concat!(conversation!(), " RETURNING id"),
        name: "conversation",
    }),
};

impl Tx {
    /// Appends a message to the session's conversation, which the first message makes.
    pub fn say(&mut self, message: &NewMessage<'_>) -> MessageId {
        let (id, query) = said(message);
        query.later_counted(self);
        id
    }
}

/// Writes a message; gives its id too.
pub(crate) fn said(message: &NewMessage<'_>) -> (MessageId, Query) {
    let title: String = message.content.chars().take(TITLE_CHARS).collect();
    let id = message.id.unwrap_or_else(MessageId::new);
    let query = query(SAY)
        .bind(MessageId::new())
        .bind(message.owner.tenant.as_str())
        .bind(message.owner.user.as_str())
        .bind(message.session.as_str())
        .bind(title)
        .bind(At(message.at_ms))
        .bind(id)
        .bind(message.task)
        .bind(message.role)
        .bind(message.content)
        .bind(message.data.map(to_json))
        .bind(message.skill);
    (id, query)
}

impl Store {
    /// This user's conversations, the one that was changed last first: those changed before `before`, if given.
    ///
    /// # Errors
    /// The database's.
    pub async fn conversations(
        &self,
        owner: &Owner,
        before: Option<(i64, MessageId)>,
        limit: u32,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        let rows: Vec<(Id, String, String, At, At)> = query(
            "SELECT id, session, title, created_at, updated_at FROM conversations WHERE tenant = $1 AND user_id = $2 \
             AND ($3 IS NULL OR updated_at < $3 OR (updated_at = $3 AND id < $4)) ORDER BY updated_at DESC, id DESC LIMIT $5",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(before.map(|(at_ms, _)| At(at_ms)))
        .bind(before.map(|(_, id)| id))
        .bind(i64::from(limit))
        .all(self.read(owner))
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, session, title, created, updated)| ConversationRow {
                id: id.to_string(),
                session_id: session,
                title,
                created_at_ms: created.0,
                updated_at_ms: updated.0,
            })
            .collect())
    }

    /// The messages of one of this user's conversations after a message, oldest first. A page has at most 4 MiB and the
    /// message that reaches that. None: there is no such conversation of theirs.
    ///
    /// # Errors
    /// The database's.
    pub async fn conversation_messages(
        &self,
        owner: &Owner,
        conversation: MessageId,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Option<Page<MessageRow>>, StoreError> {
        let there: Option<(Id,)> = query("SELECT id FROM conversations WHERE id = $1 AND tenant = $2 AND user_id = $3")
            .bind(conversation)
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .optional(self.read(owner))
            .await?;
        if there.is_none() {
            return Ok(None);
        }
        let page: Page<Raw> = query(
            "SELECT id, task_id, role, content, data, skill, at FROM messages \
             WHERE conversation_id = $1 AND tenant = $2 AND user_id = $3 AND ($4 IS NULL OR id > $4) ORDER BY id LIMIT $5",
        )
        .bind(conversation)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .page(self.read(owner))
        .await?;
        let rows = page.rows.into_iter().map(MessageRow::try_from).collect::<Result<_, _>>()?;
        Ok(Some(Page { rows, is_cut: page.is_cut }))
    }
}
