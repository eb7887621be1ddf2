//! Tasks, their events, and the results of their finished steps.
//!
//! `accept` has how they come in, `held` what whoever works on one writes.

mod accept;
mod held;

use openanalyst_domain::{EventKind, JobId, Owner, SessionKey, TaskEvent, TaskId, TaskStatus};
use serde_json::Value;

use crate::sql::{At, Id, Json, Page, Query, ROW_BYTES, Sql, from_row, ms, query};
use crate::{Scope, Store, StoreError, Tx, json, owner_of, to_json};

pub use accept::{Accepted, Accepting, FirstWords, NewTask};
pub(crate) use held::Held;
pub use held::{Decision, Progress};

/// A task as it is stored.
#[derive(Debug, Clone)]
pub struct TaskRow {
    /// Its id.
    pub id: TaskId,
    /// Whose it is.
    pub owner: Owner,
    /// The session it belongs to.
    pub session: SessionKey,
    /// What the user wrote.
    pub content: String,
    /// The attachments: a JSON list.
    pub attachments: Value,
    /// Where it stands.
    pub status: TaskStatus,
    /// The node that works on it.
    pub node: Option<String>,
    /// When it was accepted.
    pub accepted_at_ms: i64,
    /// When work began.
    pub started_at_ms: Option<i64>,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// The sequence number of its newest event.
    pub last_seq: i64,
    /// The client's correlation id.
    pub correlation_id: Option<String>,
    /// Set when the user asked to end it.
    pub cancel_reason: Option<String>,
    /// The skill that was chosen.
    pub skill: Option<String>,
    /// Its version.
    pub skill_version: Option<String>,
    /// Its digest.
    pub skill_digest: Option<String>,
    /// The router's confidence.
    pub confidence: Option<f64>,
    /// Attempts made at steps, over all.
    pub attempts: i64,
    /// The request and context as they were given to the planner. None also where they were not asked for.
    pub prepared: Option<Value>,
    /// The plan; likewise.
    pub plan: Option<Value>,
    /// The user's answers: a JSON list.
    pub answers: Value,
    /// The reply, questions or failure it ended with.
    pub outcome: Option<Value>,
    /// The job that it waits for without being in memory.
    pub waits_for: Option<JobId>,
    /// Until when, if it does not wait for the job's end.
    pub waits_until_ms: Option<i64>,
    /// Counts who worked on it.
    pub lease: i64,
    /// How often it was taken up after the process that worked on it had ended without notice, and
    /// got no further since.
    pub take_ups: i64,
}

struct Raw {
    id: Id,
    tenant: String,
    user_id: String,
    session: String,
    content: String,
    attachments: Json,
    status: String,
    node: Option<String>,
    accepted_at: At,
    started_at: Option<At>,
    ended_at: Option<At>,
    last_seq: i64,
    correlation_id: Option<String>,
    cancel_reason: Option<String>,
    skill: Option<String>,
    skill_version: Option<String>,
    skill_digest: Option<String>,
    confidence: Option<f64>,
    attempts: i64,
    prepared: Option<Json>,
    plan: Option<Json>,
    answers: Json,
    outcome: Option<Json>,
    waits_for: Option<Id>,
    waits_until: Option<At>,
    lease: i64,
    take_ups: i64,
}

from_row!(Raw {
    id,
    tenant,
    user_id,
    session,
    content,
    attachments,
    status,
    node,
    accepted_at,
    started_at,
    ended_at,
    last_seq,
    correlation_id,
    cancel_reason,
    skill,
    skill_version,
    skill_digest,
    confidence,
    attempts,
    prepared,
    plan,
    answers,
    outcome,
    waits_for,
    waits_until,
    lease,
    take_ups
});

fn damaged(what: &'static str) -> impl Fn(openanalyst_domain::InvalidId) -> StoreError {
    move |error| StoreError::Damaged { what, reason: error.to_string() }
}

impl TryFrom<Raw> for TaskRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: TaskId(raw.id.0),
            owner: owner_of(raw.tenant, raw.user_id)?,
            session: SessionKey::parse(raw.session).map_err(damaged("session"))?,
            content: raw.content,
            attachments: json("task attachments", &raw.attachments)?,
            status: TaskStatus::from_name(&raw.status)
                .ok_or(StoreError::Damaged { what: "task status", reason: raw.status })?,
            node: raw.node,
            accepted_at_ms: raw.accepted_at.0,
            started_at_ms: ms(raw.started_at),
            ended_at_ms: ms(raw.ended_at),
            last_seq: raw.last_seq,
            correlation_id: raw.correlation_id,
            cancel_reason: raw.cancel_reason,
            skill: raw.skill,
            skill_version: raw.skill_version,
            skill_digest: raw.skill_digest,
            confidence: raw.confidence,
            attempts: raw.attempts,
            prepared: raw.prepared.map(|text| json("prepared request", &text)).transpose()?,
            plan: raw.plan.map(|text| json("plan", &text)).transpose()?,
            answers: json("answers", &raw.answers)?,
            outcome: raw.outcome.map(|text| json("outcome", &text)).transpose()?,
            waits_for: raw.waits_for.map(|id| JobId(id.0)),
            waits_until_ms: ms(raw.waits_until),
            lease: raw.lease,
            take_ups: raw.take_ups,
        })
    }
}

/// A task that somebody should be working on: what recovery needs to know of it.
#[derive(Debug, Clone)]
pub struct OpenTask {
    /// Its id.
    pub id: TaskId,
    /// Whose it is.
    pub owner: Owner,
    /// The session it belongs to.
    pub session: SessionKey,
    /// The node that works on it.
    pub node: Option<String>,
    /// The job that it waits for without being in memory.
    pub waits_for: Option<JobId>,
    /// Until when, if it does not wait for the job's end.
    pub waits_until_ms: Option<i64>,
}

/// An event, before it has a number.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// The particulars: a JSON object.
    pub data: Value,
}

impl NewEvent {
    /// Puts the two together.
    #[must_use]
    pub fn new(kind: EventKind, data: Value) -> Self {
        Self { kind, data }
    }

    /// Its bytes, as its owner is charged for them.
    fn bytes(&self) -> i64 {
        i64::try_from(self.data.to_string().len()).unwrap_or(i64::MAX).saturating_add(ROW_BYTES)
    }
}

impl Tx {
    /// Appends events with the next numbers and gives them as stored.
    ///
    /// # Errors
    /// The database's; [`StoreError::Damaged`] if there is no such task.
    pub async fn append_events(
        &mut self,
        owner: &Owner,
        task: TaskId,
        at_ms: i64,
        events: Vec<NewEvent>,
    ) -> Result<Vec<TaskEvent>, StoreError> {
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let held = self.held(task).map(|held| held.number_events(count));
        // Nobody else appends to a task that is held: that is certain now, or with the commit.
        let first = if let Some(first) = held {
            first
        } else {
            let last: Option<(i64,)> = query(
                "UPDATE tasks SET last_seq = last_seq + $1, bytes = bytes + $5 \
                 WHERE id = $2 AND tenant = $3 AND user_id = $4 RETURNING last_seq",
            )
            .bind(count)
            .bind(task)
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .bind(events.iter().map(NewEvent::bytes).sum::<i64>())
            .optional(&mut *self)
            .await?;
            match last {
                Some((last,)) => last - count + 1,
                None => return Err(StoreError::Damaged { what: "task", reason: format!("{task} is not there") }),
            }
        };
        let (numbered, rows) = numbered(task, first, at_ms, events);
        let events = event_rows(owner, task, first, at_ms, &rows);
        if held.is_some() {
            self.count_bytes(events.bytes() + (count - 1).max(0) * ROW_BYTES);
        }
        events.later(self);
        Ok(numbered)
    }
}

/// Events with their numbers, and as the rows that [`event_rows`] takes.
fn numbered(task: TaskId, first: i64, at_ms: i64, events: Vec<NewEvent>) -> (Vec<TaskEvent>, Vec<Value>) {
    let rows = events.iter().map(|event| serde_json::json!({ "kind": event.kind, "data": event.data })).collect();
    let events = (first..).zip(events).map(|(seq, event)| TaskEvent {
        task_id: task,
        seq,
        at_ms,
        kind: event.kind,
        data: event.data,
    });
    (events.collect(), rows)
}

/// Writes events.
fn event_rows(owner: &Owner, task: TaskId, first: i64, at_ms: i64, rows: &[Value]) -> Query {
    query(Sql::each(
        "INSERT INTO task_events (task_id, seq, tenant, user_id, at, kind, data) \
         SELECT $1, $2 + key, $3, $4, $5, json_extract(value, '$.kind'), json_extract(value, '$.data') FROM json_each($6)",
        "INSERT INTO task_events (task_id, seq, tenant, user_id, at, kind, data) \
         SELECT $1, $2 + number - 1, $3, $4, $5, value ->> 'kind', value -> 'data' \
         FROM jsonb_array_elements($6) WITH ORDINALITY AS event (value, number)",
    ))
    .bind(task)
    .bind(first)
    .bind(owner.tenant.as_str())
    .bind(owner.user.as_str())
    .bind(At(at_ms))
    .bind(to_json(&rows))
}

macro_rules! select_tasks {
    ($rest:literal) => {
        select_tasks!("CAST(NULL AS jsonb) AS prepared, CAST(NULL AS jsonb) AS plan", "tasks", $rest)
    };
    ($documents:literal, $from:literal, $rest:literal) => {
        concat!(
            "SELECT id, tasks.tenant, tasks.user_id, session, content, attachments, status, node, accepted_at, started_at, ended_at, \
             last_seq, correlation_id, cancel_reason, skill, skill_version, skill_digest, confidence, attempts, ",
            $documents,
            ", answers, outcome, waits_for, waits_until, lease, take_ups FROM ",
            $from,
            " ",
            $rest
        )
    };
}

impl Store {
    /// A task of this user, without its documents; none if it is not theirs.
    ///
    /// # Errors
    /// The database's.
    pub async fn task(&self, owner: &Owner, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        self.task_by(select_tasks!("WHERE id = $1 AND tenant = $2 AND user_id = $3"), owner, id).await
    }

    /// The nodes of the tasks that come before one in its session: of those that run, and those that were accepted before it. None: it is not a task that waits for its
    /// beginning.
    ///
    /// # Errors
    /// The database's.
    pub async fn before_in_session(
        &self,
        owner: &Owner,
        session: &SessionKey,
        task: TaskId,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let rows: Vec<(Option<String>,)> = query(
            "SELECT other.node FROM tasks AS own LEFT JOIN tasks AS other ON other.tenant = own.tenant AND other.user_id = own.user_id \
             AND other.session = own.session AND other.id <> own.id AND other.status IN ('accepted', 'running') \
             AND (other.status = 'running' OR other.id < own.id) \
             WHERE own.id = $1 AND own.tenant = $2 AND own.user_id = $3 AND own.session = $4 AND own.status = 'accepted'",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(session.as_str())
        .all(self.read(owner))
        .await?;
        Ok((!rows.is_empty()).then(|| rows.into_iter().filter_map(|(node,)| node).collect()))
    }

    /// The same with what the planner was given, and the plan.
    ///
    /// # Errors
    /// The database's.
    pub async fn task_with_documents(&self, owner: &Owner, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        const SELECT: &str = select_tasks!(
            "prepared, plan",
            "tasks LEFT JOIN task_documents ON task_id = id",
            "WHERE id = $1 AND tasks.tenant = $2 AND tasks.user_id = $3"
        );
        self.task_by(SELECT, owner, id).await
    }

    async fn task_by(&self, select: &'static str, owner: &Owner, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        let raw: Option<Raw> = query(select)
            .bind(id)
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .optional(self.read(owner))
            .await?;
        raw.map(TaskRow::try_from).transpose()
    }

    /// A page of this user's tasks, newest first: those older than `before`, if given. Without what only the work at a task needs
    /// (its prepared request, plan and answers). Beside a task whose outcome cannot be read back stands why: one such row keeps nobody
    /// from the others.
    ///
    /// # Errors
    /// The database's.
    pub async fn tasks(
        &self,
        owner: &Owner,
        status: Option<TaskStatus>,
        before: Option<TaskId>,
        limit: u32,
    ) -> Result<Page<(TaskRow, Option<StoreError>)>, StoreError> {
        let raw: Page<Raw> = query(select_tasks!(
            "WHERE tenant = $1 AND user_id = $2 AND ($3 IS NULL OR status = $3) AND ($4 IS NULL OR id < $4) \
             ORDER BY id DESC LIMIT $5"
        ))
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(status.map(TaskStatus::as_str))
        .bind(before)
        .bind(i64::from(limit))
        .page(self.read(owner))
        .await?;
        raw.try_map(|mut raw| {
            let outcome = raw.outcome.take().map(|text| json("outcome", &text)).transpose();
            (raw.prepared, raw.plan, raw.answers) = (None, None, Json("[]".to_owned()));
            let row = TaskRow::try_from(raw)?;
            Ok(match outcome {
                Ok(outcome) => (TaskRow { outcome, ..row }, None),
                Err(damage) => (row, Some(damage)),
            })
        })
    }

    /// Every task that somebody should be working on, oldest first. For recovery only.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_tasks_of_all_tenants(&self) -> Result<Vec<OpenTask>, StoreError> {
        type Row = (Id, String, String, String, Option<String>, Option<Id>, Option<At>);
        // Without its name SQLite would take the index that has the order, and look at all tasks.
        let rows: Vec<Row> = query(Sql::each(
            "SELECT id, tenant, user_id, session, node, waits_for, waits_until FROM tasks INDEXED BY tasks_open_by_user \
             WHERE status IN ('accepted', 'running') ORDER BY id",
            "SELECT id, tenant, user_id, session, node, waits_for, waits_until FROM tasks \
             WHERE status IN ('accepted', 'running') ORDER BY id",
        ))
        .all(self.read(Scope::Worker))
        .await?;
        rows.into_iter()
            .map(|(id, tenant, user, session, node, waits_for, waits_until)| {
                Ok(OpenTask {
                    id: TaskId(id.0),
                    owner: owner_of(tenant, user)?,
                    session: SessionKey::parse(session).map_err(damaged("session"))?,
                    node,
                    waits_for: waits_for.map(|id| JobId(id.0)),
                    waits_until_ms: ms(waits_until),
                })
            })
            .collect()
    }

    /// The tasks at which this node works and whose users want them to end.
    ///
    /// # Errors
    /// The database's.
    pub async fn cancelled_tasks_of(&self, node: &str) -> Result<Vec<(Owner, TaskId)>, StoreError> {
        let rows: Vec<(Id, String, String)> = query(
            "SELECT id, tenant, user_id FROM tasks WHERE node = $1 AND cancelling AND status IN ('accepted', 'running')",
        )
        .bind(node)
        .all(self.read(Scope::Worker))
        .await?;
        rows.into_iter().map(|(id, tenant, user)| Ok((owner_of(tenant, user)?, TaskId(id.0)))).collect()
    }

    /// The events of a task after a number, in order.
    ///
    /// # Errors
    /// The database's.
    pub async fn task_events(
        &self,
        owner: &Owner,
        id: TaskId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<TaskEvent>, StoreError> {
        let rows: Vec<(i64, At, String, Json)> = query(
            "SELECT seq, at, kind, data FROM task_events WHERE task_id = $1 AND tenant = $2 AND user_id = $3 AND seq > $4 \
             ORDER BY seq LIMIT $5",
        )
        .bind(id)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .all(self.read(owner))
        .await?;
        rows.into_iter()
            .map(|(seq, at, kind, data)| {
                Ok(TaskEvent {
                    task_id: id,
                    seq,
                    at_ms: at.0,
                    kind: EventKind::from_name(&kind)
                        .ok_or(StoreError::Damaged { what: "event kind", reason: kind })?,
                    data: json("event data", &data)?,
                })
            })
            .collect()
    }

    /// The results of the steps that were finished in this round.
    ///
    /// # Errors
    /// The database's.
    pub async fn step_results(
        &self,
        owner: &Owner,
        id: TaskId,
        round: i64,
    ) -> Result<Vec<(String, Value)>, StoreError> {
        let rows: Vec<(String, Json)> = query(
            "SELECT step_id, result FROM step_results WHERE task_id = $1 AND tenant = $2 AND user_id = $3 AND round = $4",
        )
        .bind(id)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(round)
        .all(self.read(owner))
        .await?;
        rows.into_iter().map(|(step, text)| Ok((step, json("step result", &text)?))).collect()
    }
}
