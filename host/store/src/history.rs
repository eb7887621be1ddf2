//! The recorded past: sessions, learnings, successes, failures, research, activities.

use openanalyst_domain::{MessageId, Owner, TaskId};
use serde::Serialize;
use serde_json::Value;

use crate::sql::{At, Id, Json, Page, Sql, from_row, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// Something to remember.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// `session`, `learning`, `success`, `failure`, `research` or `activity`: an entry of each of these kinds.
    pub kinds: &'a [&'static str],
    /// The task it came from.
    pub task: Option<TaskId>,
    /// Where in the task it happened: `ROUND/STEP`; empty for the task as a whole.
    pub place: &'a str,
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
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
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

from_row!(Raw { id, kind, task_id, skill, title, content, data, at });

impl TryFrom<Raw> for EntryRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: raw.id.to_string(),
            kind: raw.kind,
            task_id: raw.task_id.map(|id| id.to_string()),
            skill: raw.skill,
            title: raw.title,
            content: raw.content,
            data: json("history data", &raw.data)?,
            at_ms: raw.at.0,
        })
    }
}

impl Tx {
    /// Writes entries. A session, success or failure of the same place in the same task is written once.
    pub fn remember(&mut self, entry: &NewEntry<'_>) {
        let rows: Vec<_> = entry.kinds.iter().map(|kind| (MessageId::new(), kind)).collect();
        query(Sql::each(
            "INSERT INTO history (id, tenant, user_id, kind, task_id, skill, title, content, data, at, place) \
             SELECT json_extract(value, '$[0]'), $1, $2, json_extract(value, '$[1]'), $3, $4, $5, $6, $7, $8, $10 \
             FROM json_each($9) WHERE TRUE ON CONFLICT DO NOTHING",
            "INSERT INTO history (id, tenant, user_id, kind, task_id, skill, title, content, data, at, place) \
             SELECT (value ->> 0)::uuid, $1, $2, value ->> 1, $3, $4, $5, $6, $7, $8, $10 \
             FROM jsonb_array_elements($9) AS rows (value) ON CONFLICT DO NOTHING",
        ))
        .bind(entry.owner.tenant.as_str())
        .bind(entry.owner.user.as_str())
        .bind(entry.task)
        .bind(entry.skill)
        .bind(entry.title)
        .bind(entry.content)
        .bind(to_json(entry.data))
        .bind(At(entry.at_ms))
        .bind(to_json(&rows))
        .bind(entry.place)
        .later(self);
    }
}

/// Which entries are wanted. Nothing said: all.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this skill.
    pub skill: Option<String>,
    /// With this text in title or content; capitals of ASCII do not count.
    pub text: Option<String>,
    /// Not before this moment, UTC milliseconds.
    pub since_ms: Option<i64>,
    /// Before this moment.
    pub until_ms: Option<i64>,
    /// Older than this entry.
    pub before: Option<MessageId>,
}

impl Store {
    /// This user's entries, newest first; of one kind, if given.
    ///
    /// # Errors
    /// The database's.
    pub async fn history(&self, owner: &Owner, kind: Option<&str>, limit: u32) -> Result<Vec<EntryRow>, StoreError> {
        let filter = EntryFilter { kind: kind.map(str::to_owned), ..EntryFilter::default() };
        Ok(self.search_history(owner, &filter, limit).await?.rows)
    }

    /// This user's entries that fit, newest first. A page has at most 4 MiB and the entry that
    /// reaches that.
    ///
    /// # Errors
    /// The database's.
    pub async fn search_history(
        &self,
        owner: &Owner,
        filter: &EntryFilter,
        limit: u32,
    ) -> Result<Page<EntryRow>, StoreError> {
        const SQLITE: &str = "SELECT id, kind, task_id, skill, title, content, data, at FROM history \
             WHERE tenant = $1 AND user_id = $2 AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR skill = $4) \
             AND ($5 IS NULL OR instr(lower(title || ' ' || content), lower($5)) > 0) AND ($6 IS NULL OR at >= $6) \
             AND ($7 IS NULL OR at < $7) AND ($8 IS NULL OR id < $8) ORDER BY id DESC LIMIT $9";
        const POSTGRES: &str = "SELECT id, kind, task_id, skill, title, content, data, at FROM history \
             WHERE tenant = $1 AND user_id = $2 AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR skill = $4) \
             AND ($5 IS NULL OR strpos(lower(title || ' ' || content), lower($5)) > 0) AND ($6 IS NULL OR at >= $6) \
             AND ($7 IS NULL OR at < $7) AND ($8 IS NULL OR id < $8) ORDER BY id DESC LIMIT $9";
        let page: Page<Raw> = query(Sql::each(SQLITE, POSTGRES))
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .bind(&filter.kind)
            .bind(&filter.skill)
            .bind(&filter.text)
            .bind(At::maybe(filter.since_ms))
            .bind(At::maybe(filter.until_ms))
            .bind(filter.before)
            .bind(i64::from(limit))
            .page(self.read(owner))
            .await?;
        let rows = page.rows.into_iter().map(EntryRow::try_from).collect::<Result<_, _>>()?;
        Ok(Page { rows, is_cut: page.is_cut })
    }
}
