//! How tasks come in, and what their users say of them later: acceptance, answers, cancellation.

use openanalyst_domain::{Owner, SessionKey, TaskId, TaskStatus};
use serde_json::Value;

use super::{Held, TaskRow};
use crate::sql::{At, Id, Sql, query};
use crate::{Store, StoreError, Tx, to_json};

/// A request, before it is a task.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// The id it shall have.
    pub id: TaskId,
    /// Whose it is.
    pub owner: Owner,
    /// The session it belongs to.
    pub session: SessionKey,
    /// What the user wrote.
    pub content: String,
    /// The attachments: a JSON list.
    pub attachments: Value,
    /// The client's key: a second request with the same key is the same task.
    pub idempotency_key: Option<String>,
    /// A digest of the request, to tell a repetition from a different request with the same key.
    pub request_digest: String,
    /// The client's correlation id.
    pub correlation_id: Option<String>,
    /// The node that will work on it.
    pub node: String,
    /// Whether that node begins at once: the task then runs under lease 1 from the start.
    pub begun: bool,
    /// When.
    pub at_ms: i64,
}

impl NewTask {
    /// The task as it is stored, once it has `last_seq` events.
    #[must_use]
    pub fn into_row(self, last_seq: i64) -> TaskRow {
        TaskRow {
            id: self.id,
            owner: self.owner,
            session: self.session,
            content: self.content,
            attachments: self.attachments,
            status: if self.begun { TaskStatus::Running } else { TaskStatus::Accepted },
            node: Some(self.node),
            accepted_at_ms: self.at_ms,
            started_at_ms: self.begun.then_some(self.at_ms),
            ended_at_ms: None,
            last_seq,
            correlation_id: self.correlation_id,
            cancel_reason: None,
            skill: None,
            skill_version: None,
            skill_digest: None,
            confidence: None,
            attempts: 0,
            prepared: None,
            plan: None,
            answers: Value::Array(Vec::new()),
            outcome: None,
            waits_for: None,
            waits_until_ms: None,
            lease: i64::from(self.begun),
            take_ups: 0,
        }
    }
}

/// What became of [`Tx::accept_task`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A new task.
    New {
        /// Whether work at it has begun with that.
        begun: bool,
    },
    /// The key was used before, for the same request: this is its task.
    Repeated(TaskId),
    /// The key was used before, for another request.
    Conflict(TaskId),
    /// The user has as many open tasks as may be.
    TooMany,
}

/// The statement that makes a request a task, unless its user has too many, or used its key before; what it gives is the task's lease. It begins with its acceptance unless
/// its session is busy, perhaps on another node.
macro_rules! insert {
    ($rest:literal) => {
        concat!(
            "INSERT INTO tasks (id, tenant, user_id, session, content, attachments, status, node, accepted_at, \
             idempotency_key, request_digest, correlation_id, lease, started_at) \
             SELECT $1, $2, $3, $4, $5, $6, CASE WHEN begins THEN 'running' ELSE 'accepted' END, $7, $8, $9, $10, $11, \
             CASE WHEN begins THEN 1 ELSE 0 END, CASE WHEN begins THEN $8 END \
             FROM (SELECT $12 AND NOT EXISTS (SELECT 1 FROM tasks WHERE tenant = $2 AND user_id = $3 AND session = $4 \
             AND status IN ('accepted', 'running')) AS begins) AS asked \
             WHERE (SELECT COUNT(*) FROM tasks WHERE tenant = $2 AND user_id = $3 AND status IN ('accepted', 'running')) < $13 ",
            $rest,
            "ON CONFLICT (tenant, user_id, idempotency_key) DO NOTHING RETURNING lease"
        )
    };
}

/// Nobody else of the same user accepts beside who holds this: keys are used once, and open tasks are counted right.
fn accepting(owner: &Owner) -> String {
    format!("accept {} {}", owner.tenant, owner.user)
}

impl Store {
    /// Begins a write in which a request of this user is accepted. Any other does too; on PostgreSQL it is one way to the server more.
    ///
    /// # Errors
    /// See [`Store::begin`].
    pub async fn begin_to_accept(&self, owner: &Owner) -> Result<Tx, StoreError> {
        self.begin_trying(owner.into(), Some(&accepting(owner))).await
    }
}

impl Tx {
    /// Accepts a request: the task and its key, unless the user has `most_open` tasks that are accepted or running. The caller appends the first events in
    /// the same transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn accept_task(&mut self, task: &NewTask, most_open: usize) -> Result<Accepted, StoreError> {
        let with_lock = Sql::each(insert!(""), insert!("AND current_setting('openanalyst.has_lock', true) = 'true' "));
        let mut written = self.insert_task(task, most_open, with_lock).await?;
        if written.is_none() && self.lock(&accepting(&task.owner)).await? {
            // It may have been for want of the lock.
            written = self.insert_task(task, most_open, insert!("").into()).await?;
        }
        if let Some((lease,)) = written {
            self.held = Some(Held::new(task.id, 0));
            return Ok(Accepted::New { begun: lease > 0 });
        }
        let Some(key) = &task.idempotency_key else { return Ok(Accepted::TooMany) };
        let earlier: Option<(Id, String)> =
            query("SELECT id, request_digest FROM tasks WHERE tenant = $1 AND user_id = $2 AND idempotency_key = $3")
                .bind(task.owner.tenant.as_str())
                .bind(task.owner.user.as_str())
                .bind(key)
                .optional(&mut *self)
                .await?;
        Ok(match earlier {
            Some((id, digest)) if digest == task.request_digest => Accepted::Repeated(TaskId(id.0)),
            Some((id, _)) => Accepted::Conflict(TaskId(id.0)),
            None => Accepted::TooMany,
        })
    }

    async fn insert_task(&mut self, task: &NewTask, most_open: usize, sql: Sql) -> Result<Option<(i64,)>, StoreError> {
        query(sql)
            .bind(task.id)
            .bind(task.owner.tenant.as_str())
            .bind(task.owner.user.as_str())
            .bind(task.session.as_str())
            .bind(&task.content)
            .bind(to_json(&task.attachments))
            .bind(&task.node)
            .bind(At(task.at_ms))
            .bind(&task.idempotency_key)
            .bind(&task.request_digest)
            .bind(&task.correlation_id)
            .bind(task.begun)
            .bind(i64::try_from(most_open).unwrap_or(i64::MAX))
            .optional(self)
            .await
    }

    /// Takes the user's answers and opens a resting task again. False if it does not wait for answers.
    ///
    /// # Errors
    /// The database's.
    pub async fn answer_task(
        &mut self,
        owner: &Owner,
        task: TaskId,
        answers: &Value,
        node: &str,
    ) -> Result<bool, StoreError> {
        let changed = query(
            "UPDATE tasks SET status = 'accepted', answers = $4, outcome = NULL, node = $5 \
             WHERE id = $1 AND tenant = $2 AND user_id = $3 AND status = 'needs-clarification'",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(to_json(answers))
        .bind(node)
        .run(&mut *self)
        .await?;
        if changed == 1 {
            query("DELETE FROM task_documents WHERE task_id = $1").bind(task).later(self);
        }
        Ok(changed == 1)
    }

    /// Notes that the user wants the task to end, and tells the other processes. False if it has ended, or was to end already.
    ///
    /// # Errors
    /// The database's.
    pub async fn request_cancel(&mut self, owner: &Owner, task: TaskId, reason: &str) -> Result<bool, StoreError> {
        let changed = query(
            "UPDATE tasks SET cancel_reason = COALESCE(cancel_reason, $4), cancelling = TRUE WHERE id = $1 AND tenant = $2 AND user_id = $3 \
             AND NOT cancelling AND status IN ('accepted', 'running', 'needs-clarification')",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(reason)
        .run(&mut *self)
        .await?;
        if changed == 1 {
            self.hint_cancelled().await?;
        }
        Ok(changed == 1)
    }
}
