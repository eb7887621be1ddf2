//! How tasks come in, and what their users say of them later: acceptance, answers, cancellation.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use openanalyst_domain::{Clock, EventKind, Owner, SessionKey, TaskEvent, TaskId, TaskStatus};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{Held, NewEvent, TaskRow, event_rows, numbered};
use crate::conversations::NewMessage;
use crate::db::{Connection, Writer, committed};
use crate::sql::{At, Id, Query, ROW_BYTES, Sql, query};
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
    /// Empty where there is no key.
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
    /// The task as it is stored, once it has `last_seq` events. `started_at_ms`: when work at it began,
    /// for a task that has begun.
    #[must_use]
    pub fn into_row(self, last_seq: i64, started_at_ms: i64) -> TaskRow {
        TaskRow {
            id: self.id,
            owner: self.owner,
            session: self.session,
            content: self.content,
            attachments: self.attachments,
            status: if self.begun { TaskStatus::Running } else { TaskStatus::Accepted },
            node: Some(self.node),
            accepted_at_ms: self.at_ms,
            started_at_ms: self.begun.then_some(started_at_ms),
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
/// its session is busy, perhaps on another node. `$14`: its row counts its first events already.
macro_rules! insert {
    ($rest:literal) => {
        concat!(
            "INSERT INTO tasks (id, tenant, user_id, session, content, attachments, status, node, accepted_at, \
             idempotency_key, request_digest, correlation_id, lease, started_at, last_seq, bytes) \
             SELECT $1, $2, $3, $4, $5, $6, CASE WHEN begins THEN 'running' ELSE 'accepted' END, $7, $8, $9, $10, $11, \
             CASE WHEN begins THEN 1 ELSE 0 END, CASE WHEN begins THEN $16 END, \
             CASE WHEN NOT $14 THEN 0 WHEN begins THEN 2 ELSE 1 END, $15 \
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

/// What is written with the acceptance of a request.
#[derive(Debug)]
pub struct FirstWords {
    /// The user's message, as its conversation keeps it.
    pub content: String,
    /// The particulars of the event `accepted`.
    pub accepted: Value,
    /// Those of the event `started`, for a task that begins with its acceptance.
    pub started: Value,
}

/// A request that was accepted, and is on its way to the disk.
#[derive(Debug)]
#[must_use = "it is accepted once it is committed"]
pub struct Accepting {
    /// What became of it, if the commit succeeds.
    pub accepted: Accepted,
    /// The first events of a new task.
    pub events: Vec<TaskEvent>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Sqlite(oneshot::Receiver<Result<(), StoreError>>),
    Postgres(Box<Tx>),
}

impl Accepting {
    /// Waits until the acceptance is durable. It happens also if nobody waits any more, or not at
    /// all.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn committed(self) -> Result<(), StoreError> {
        match self.rest {
            Rest::Sqlite(told) => committed(told).await,
            Rest::Postgres(tx) => match self.accepted {
                Accepted::New { .. } => tx.commit().await,
                _ => Ok(()),
            },
        }
    }
}

impl Store {
    /// Accepts a request: the task and its key, its first message and events, unless the user has
    /// `most_open` tasks that are accepted or running, or used the key before. Gives it once it is
    /// written and not yet durable: work may begin meanwhile. On SQLite, requests of a user are
    /// written in the order of these calls, whenever the futures are awaited.
    ///
    /// # Errors
    /// See [`Store::begin`]. Nothing is accepted then.
    pub fn accept(
        &self,
        task: &NewTask,
        most_open: usize,
        words: FirstWords,
        clock: Arc<dyn Clock>,
    ) -> BoxFuture<'static, Result<Accepting, StoreError>> {
        if let Some(writer) = self.writer() {
            let asked = accept_on_sqlite(writer, task, most_open, words, clock);
            return Box::pin(async move { answer(asked?).await });
        }
        let (store, task) = (self.clone(), task.clone());
        Box::pin(async move {
            let lock = accepting(&task.owner);
            let mut tx = store.begin_trying((&task.owner).into(), Some(&lock)).await?;
            let now_ms = || clock.now_ms();
            let (accepted, written_at_ms) = tx.accept_task_at(&task, most_open, &now_ms).await?;
            let mut events = Vec::new();
            if let Accepted::New { begun } = accepted {
                said(&task, &words.content).later_counted(&mut tx);
                let first = words.events(begun);
                events = tx.append_events(&task.owner, task.id, written_at_ms, first).await?;
            }
            Ok(Accepting { accepted, events, rest: Rest::Postgres(Box::new(tx)) })
        })
    }
}

impl Store {
    /// What became of an earlier request with the same idempotency key, if there is one: for a request
    /// that cannot be accepted anew.
    ///
    /// # Errors
    /// The database's.
    pub async fn accepted_earlier(&self, task: &NewTask) -> Result<Option<Accepted>, StoreError> {
        let Some(earlier) = earlier_task(task) else { return Ok(None) };
        let found: Option<(Id, String)> = earlier.optional(self.read(&task.owner)).await?;
        Ok(found.map(|found| used_before(Some(found), &task.request_digest)))
    }
}

impl FirstWords {
    fn events(self, begun: bool) -> Vec<NewEvent> {
        let started = begun.then(|| NewEvent::new(EventKind::Started, self.started));
        [NewEvent::new(EventKind::Accepted, self.accepted)].into_iter().chain(started).collect()
    }
}

fn said(task: &NewTask, content: &str) -> Query {
    crate::conversations::said(&NewMessage {
        id: None,
        owner: &task.owner,
        session: &task.session,
        task: task.id,
        role: "user",
        content,
        data: None,
        skill: None,
        at_ms: task.at_ms,
    })
    .1
}

/// What the writer was asked, and where it answers.
struct Asked {
    written: oneshot::Receiver<(Accepted, Vec<TaskEvent>)>,
    committed: oneshot::Receiver<Result<(), StoreError>>,
}

async fn answer(asked: Asked) -> Result<Accepting, StoreError> {
    let Asked { written, committed: durable } = asked;
    match written.await {
        Ok((accepted, events)) => Ok(Accepting { accepted, events, rest: Rest::Sqlite(durable) }),
        // It failed: the writer says why.
        Err(_) => match committed(durable).await {
            Err(error) => Err(error),
            Ok(()) => Err(StoreError::Unavailable { reason: "nothing was said".to_owned() }),
        },
    }
}

/// All of it is one piece of work for the writer.
fn accept_on_sqlite(
    writer: &Writer,
    task: &NewTask,
    most_open: usize,
    words: FirstWords,
    clock: Arc<dyn Clock>,
) -> Result<Asked, StoreError> {
    let earlier = earlier_task(task);
    let digest = task.request_digest.clone();
    let message = said(task, &words.content);
    let bytes = message.bytes() + FIRST_EVENTS_BYTES;
    let insert = insert_task(task, most_open, Some(bytes), insert!("").into());
    let (owner, id, arrived_at_ms) = (task.owner.clone(), task.id, task.at_ms);
    let (tell, written) = oneshot::channel();
    let work = move |connection: &mut Connection| {
        // The task may have waited for the task before it, which ended meanwhile.
        let at_ms = clock.now_ms().max(arrived_at_ms);
        let insert = insert.bind(At(at_ms));
        let lease = connection.run::<(i64,)>(&insert)?.page.rows.pop();
        let Some((lease,)) = lease else {
            let earlier = match &earlier {
                Some(earlier) => connection.run(earlier)?.page.rows.pop(),
                None => None,
            };
            // Nobody may wait any more.
            let _ = tell.send((used_before(earlier, &digest), Vec::new()));
            return Ok(());
        };
        let begun = lease > 0;
        let (events, rows) = numbered(id, 1, at_ms, words.events(begun));
        connection.run_all(&[message, event_rows(&owner, id, 1, at_ms, &rows)])?;
        let _ = tell.send((Accepted::New { begun }, events));
        Ok(())
    };
    let committed = writer.write(&(&task.owner).into(), Box::new(work))?;
    Ok(Asked { written, committed })
}

/// The task that has the key of a request, and the digest of its request.
fn earlier_task(task: &NewTask) -> Option<Query> {
    let key = task.idempotency_key.as_ref()?;
    let earlier =
        query("SELECT id, request_digest FROM tasks WHERE tenant = $1 AND user_id = $2 AND idempotency_key = $3");
    Some(earlier.bind(task.owner.tenant.as_str()).bind(task.owner.user.as_str()).bind(key))
}

fn used_before(earlier: Option<(Id, String)>, digest: &str) -> Accepted {
    match earlier {
        Some((id, of_earlier)) if of_earlier == digest => Accepted::Repeated(TaskId(id.0)),
        Some((id, _)) => Accepted::Conflict(TaskId(id.0)),
        None => Accepted::TooMany,
    }
}

/// What the first two events of a task are counted as.
const FIRST_EVENTS_BYTES: i64 = 2 * ROW_BYTES + 400;

/// `beside`: the bytes of what is written with it, where its row counts the first events already. The
/// time at which work begins is missing: its caller binds it last, when the statement is run.
fn insert_task(task: &NewTask, most_open: usize, beside: Option<i64>, sql: Sql) -> Query {
    let insert = query(sql)
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
        .bind(beside.is_some());
    let bytes = insert.bytes().saturating_add(beside.unwrap_or_default());
    insert.bind(bytes)
}

impl Tx {
    /// Accepts a request: the task and its key, unless the user has `most_open` tasks that are accepted or running. The caller appends the first events in
    /// the same transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn accept_task(&mut self, task: &NewTask, most_open: usize) -> Result<Accepted, StoreError> {
        let at_ms = task.at_ms;
        Ok(self.accept_task_at(task, most_open, &|| at_ms).await?.0)
    }

    /// The same, with the time at which the task was written. A task begins then, and not when its
    /// request arrived: it may have waited for the task before it, on whatever node that ran.
    async fn accept_task_at(
        &mut self,
        task: &NewTask,
        most_open: usize,
        now_ms: &(dyn Fn() -> i64 + Sync),
    ) -> Result<(Accepted, i64), StoreError> {
        let with_lock = Sql::each(insert!(""), insert!("AND current_setting('openanalyst.has_lock', true) = 'true' "));
        let mut at_ms = now_ms().max(task.at_ms);
        let insert = insert_task(task, most_open, None, with_lock).bind(At(at_ms));
        let mut written: Option<(i64,)> = insert.optional(&mut *self).await?;
        if written.is_none() && self.lock(&accepting(&task.owner)).await? {
            // It may have been for want of the lock.
            at_ms = now_ms().max(task.at_ms);
            let insert = insert_task(task, most_open, None, insert!("").into()).bind(At(at_ms));
            written = insert.optional(&mut *self).await?;
        }
        if let Some((lease,)) = written {
            self.held = Some(Held::new(task.id, 0));
            return Ok((Accepted::New { begun: lease > 0 }, at_ms));
        }
        let Some(earlier) = earlier_task(task) else { return Ok((Accepted::TooMany, at_ms)) };
        Ok((used_before(earlier.optional(&mut *self).await?, &task.request_digest), at_ms))
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
