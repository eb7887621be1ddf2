//! All that the record knows for the next request of a user, in one question to the database.
//!
//! Each of these things can be read on its own elsewhere in this crate. A request needs them all at once, and asking nine times costs more than what is asked.

use std::sync::LazyLock;

use openanalyst_domain::{Owner, SessionKey, TaskId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::learnings::LearningRow;
use crate::sql::{At, Sql, at_ms, maybe_at_ms, query};
use crate::{Store, StoreError, json};

/// Most of each thing that is read.
#[derive(Debug, Clone, Copy)]
pub struct KnownLimits {
    /// Values of the memory whose keys begin with the prefix.
    pub noted: u32,
    /// Earlier messages of the session.
    pub messages: u32,
    /// Messages before those, which are only counted.
    pub counted: u32,
    /// Earlier tasks.
    pub tasks: u32,
    /// Failures.
    pub failures: u32,
    /// Learnings.
    pub learnings: u32,
}

/// Which values of the memory are meant.
#[derive(Debug, Clone, Copy)]
pub struct KnownKeys<'a> {
    /// What the keys of the user's preferences begin with.
    pub preferences: &'a str,
    /// The key of their instructions.
    pub instructions: &'a str,
}

/// What is known. The database gives it as one row.
#[derive(Debug)]
pub struct Known {
    /// The revision of the tenant's skills. None: they were never changed.
    pub revision: Option<i64>,
    /// How many other tasks of the session are open.
    pub open: u32,
    /// What skills noted of the user's preferences: keys and values, sorted by key.
    pub noted: Vec<(String, String)>,
    /// What skills noted of their instructions.
    pub instructions: Option<String>,
    /// What the user said of themselves: a JSON object as text, and instructions.
    pub told: Option<(String, String)>,
    /// The newest messages of the session before the task's own, newest first.
    pub messages: Vec<KnownMessage>,
    /// How many more there are, as far as they are counted.
    pub older: u32,
    /// The user's tasks before this one, newest first.
    pub tasks: Vec<KnownTask>,
    /// The user's newest failures, newest first.
    pub failures: Vec<KnownFailure>,
    /// The newest learnings that the user may know, newest first.
    pub learnings: Vec<LearningRow>,
}

/// An earlier message.
#[derive(Debug, Deserialize)]
pub struct KnownMessage {
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
    /// The reply's data: JSON text.
    pub data: Option<String>,
    /// The skill that answered.
    pub skill: Option<String>,
    /// When.
    #[serde(deserialize_with = "at_ms")]
    pub at_ms: i64,
}

/// An earlier task.
#[derive(Debug, Deserialize)]
pub struct KnownTask {
    /// Its id.
    pub id: String,
    /// The beginning of what the user wrote, at most 201 characters.
    pub content: String,
    /// The skill.
    pub skill: Option<String>,
    /// Where it stands.
    pub status: String,
    /// When it was accepted.
    #[serde(deserialize_with = "at_ms")]
    pub accepted_at_ms: i64,
    /// When it ended.
    #[serde(deserialize_with = "maybe_at_ms")]
    pub ended_at_ms: Option<i64>,
}

/// An earlier failure.
#[derive(Debug, Deserialize)]
pub struct KnownFailure {
    /// The request.
    pub title: String,
    /// What its user was told.
    pub content: String,
    /// The particulars: JSON text.
    pub data: String,
    /// When.
    #[serde(deserialize_with = "at_ms")]
    pub at_ms: i64,
}

/// The question. Each list comes as one JSON text, and documents of others stand in it as text, so that one that is deeply nested spoils nothing but itself. In words that
/// each dialect has under a name of its own: `@array` and `@list` make JSON, `@json` takes a column that holds it.
const QUESTION: &str = "SELECT \
    (SELECT revision FROM tenants WHERE tenant = $1), \
    (SELECT COUNT(*) FROM tasks WHERE tenant = $1 AND user_id = $2 AND session = $3 AND id <> $4 AND status IN ('accepted', 'running')), \
    CAST((SELECT @list(@array(key, value) ORDER BY key) FROM \
        (SELECT key, value FROM memory WHERE tenant = $1 AND user_id = $2 AND substr(key, 1, length($6)) = $6 AND key >= $6 \
         AND (expires_at IS NULL OR expires_at > $5) ORDER BY key LIMIT $8) AS noted) AS text), \
    (SELECT value FROM memory WHERE tenant = $1 AND user_id = $2 AND key = $7 AND (expires_at IS NULL OR expires_at > $5)), \
    CAST((SELECT @array(CAST(preferences AS text), custom_instructions) FROM user_context WHERE tenant = $1 AND user_id = $2) AS text), \
    CAST((SELECT @list(@array(role, content, CAST(data AS text), skill, at) ORDER BY id DESC) FROM \
        (SELECT m.id, m.role, m.content, m.data, m.skill, m.at FROM messages m JOIN conversations c ON c.id = m.conversation_id \
         WHERE c.tenant = $1 AND c.user_id = $2 AND c.session = $3 AND m.task_id < $4 ORDER BY m.id DESC LIMIT $9) AS said) AS text), \
    (SELECT COUNT(*) FROM \
        (SELECT 1 FROM messages m JOIN conversations c ON c.id = m.conversation_id \
         WHERE c.tenant = $1 AND c.user_id = $2 AND c.session = $3 AND m.task_id < $4 LIMIT $10) AS counted), \
    CAST((SELECT @list(@array(id, content, skill, status, accepted_at, ended_at) ORDER BY id DESC) FROM \
        (SELECT id, substr(content, 1, 201) AS content, skill, status, accepted_at, ended_at FROM tasks \
         WHERE tenant = $1 AND user_id = $2 AND id < $4 ORDER BY id DESC LIMIT $11) AS recent) AS text), \
    CAST((SELECT @list(@array(title, content, CAST(data AS text), at) ORDER BY id DESC) FROM \
        (SELECT id, title, content, data, at FROM history \
         WHERE tenant = $1 AND user_id = $2 AND kind = 'failure' ORDER BY id DESC LIMIT $12) AS failed) AS text), \
    CAST((SELECT @list(@array(id, skill, title, content, source, @json(tags), used, at) ORDER BY id DESC) FROM \
        (SELECT * FROM (SELECT id, skill, title, content, source, tags, used, at FROM learnings \
         WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT $13) AS own \
         UNION ALL SELECT * FROM (SELECT id, skill, title, content, source, tags, used, at FROM learnings \
         WHERE tenant = $1 AND user_id = '' ORDER BY id DESC LIMIT $13) AS shared) AS learned) AS text)";

static SQLITE: LazyLock<String> = LazyLock::new(|| {
    QUESTION.replace("@array", "json_array").replace("@list", "json_group_array").replace("@json", "json")
});

static POSTGRES: LazyLock<String> = LazyLock::new(|| {
    // `jsonb` would take half as long again.
    QUESTION.replace("@array", "json_build_array").replace("@list", "json_agg").replace("@json", "")
});

/// The answer: the columns in their order.
type Row = (
    Option<i64>,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The rows of a list. PostgreSQL makes null of none.
fn list<T: DeserializeOwned>(text: Option<String>) -> Result<Vec<T>, StoreError> {
    text.map_or(Ok(Vec::new()), |text| json("context", text))
}

impl Store {
    /// What is known for a task of this user.
    ///
    /// # Errors
    /// The database's.
    pub async fn known(
        &self,
        owner: &Owner,
        session: &SessionKey,
        task: TaskId,
        keys: KnownKeys<'_>,
        limits: KnownLimits,
        now_ms: i64,
    ) -> Result<Known, StoreError> {
        let (revision, open, noted, instructions, told, messages, counted, tasks, failures, learnings): Row =
            query(Sql::each(&SQLITE, &POSTGRES))
                .bind(owner.tenant.as_str())
                .bind(owner.user.as_str())
                .bind(session.as_str())
                .bind(task)
                .bind(At(now_ms))
                .bind(keys.preferences)
                .bind(keys.instructions)
                .bind(i64::from(limits.noted))
                .bind(i64::from(limits.messages))
                .bind(i64::from(limits.messages) + i64::from(limits.counted))
                .bind(i64::from(limits.tasks))
                .bind(i64::from(limits.failures))
                .bind(i64::from(limits.learnings))
                .one(self.read(owner))
                .await?;
        let messages: Vec<KnownMessage> = list(messages)?;
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Known {
            revision,
            open: count(open),
            noted: list(noted)?,
            instructions,
            told: told.map(|told| json("context", told)).transpose()?,
            // Those that were read were counted too.
            older: count(counted).saturating_sub(u32::try_from(messages.len()).unwrap_or(u32::MAX)),
            messages,
            tasks: list(tasks)?,
            failures: list(failures)?,
            learnings: list(learnings)?,
        })
    }
}
