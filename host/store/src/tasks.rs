//! Tasks, their events, and the results of their finished steps.

use openanalyst_domain::{EventKind, JobId, Owner, SessionKey, TaskEvent, TaskId, TaskStatus};
use serde_json::Value;
use sqlx::FromRow;

use crate::sql::{At, Id, Json, Sql, ms, query};
use crate::{Scope, Store, StoreError, Tx, json, owner_of, to_json};

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
    /// When.
    pub at_ms: i64,
}

/// What became of [`Tx::accept_task`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A new task.
    New,
    /// The key was used before, for the same request: this is its task.
    Repeated(TaskId),
    /// The key was used before, for another request.
    Conflict(TaskId),
}

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
    /// The request and context as they were given to the planner.
    pub prepared: Option<Value>,
    /// The plan.
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
}

#[derive(FromRow)]
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
}

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

/// What the next task of the user is told of an earlier one.
#[derive(Debug, Clone)]
pub struct RecentTask {
    /// Its id.
    pub id: TaskId,
    /// The beginning of what the user wrote, at most 201 characters.
    pub content: String,
    /// The skill.
    pub skill: Option<String>,
    /// Where it stands.
    pub status: TaskStatus,
    /// When it was accepted.
    pub accepted_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
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
}

/// What the router and planner decided, stored with the task so that a restart goes on with the same.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// The skill.
    pub skill: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its digest.
    pub digest: &'a str,
    /// The router's confidence.
    pub confidence: f64,
    /// The request and context for the planner.
    pub prepared: &'a Value,
}

impl Tx {
    /// Accepts a request: the task and its key. The caller appends the first event in the same transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn accept_task(&mut self, task: &NewTask) -> Result<Accepted, StoreError> {
        // Nobody else of the same user accepts beside this: keys are used once, and open tasks are counted right.
        self.lock(&format!("accept {} {}", task.owner.tenant, task.owner.user)).await?;
        if let Some(key) = &task.idempotency_key {
            let earlier: Option<(Id, String)> = query(
                "SELECT id, request_digest FROM tasks WHERE tenant = $1 AND user_id = $2 AND idempotency_key = $3",
            )
            .bind(task.owner.tenant.as_str())
            .bind(task.owner.user.as_str())
            .bind(key)
            .optional(&mut *self)
            .await?;
            if let Some((id, digest)) = earlier {
                let id = TaskId(id.0);
                return Ok(if digest == task.request_digest { Accepted::Repeated(id) } else { Accepted::Conflict(id) });
            }
        }
        query(
            "INSERT INTO tasks (id, tenant, user_id, session, content, attachments, status, node, accepted_at, \
             idempotency_key, request_digest, correlation_id) \
             VALUES ($1, $2, $3, $4, $5, $6, 'accepted', $7, $8, $9, $10, $11)",
        )
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
        .run(self)
        .await?;
        Ok(Accepted::New)
    }

    /// How many tasks of this user are accepted or running, those of this transaction included.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_tasks_of(&mut self, owner: &Owner) -> Result<usize, StoreError> {
        let (open,): (i64,) = query(
            "SELECT COUNT(*) FROM tasks WHERE tenant = $1 AND user_id = $2 AND status IN ('accepted', 'running')",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .one(self)
        .await?;
        Ok(usize::try_from(open).unwrap_or(usize::MAX))
    }

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
        let last: Option<(i64,)> = query(
            "UPDATE tasks SET last_seq = last_seq + $1 WHERE id = $2 AND tenant = $3 AND user_id = $4 RETURNING last_seq",
        )
        .bind(count)
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .optional(&mut *self)
        .await?;
        let Some((last,)) = last else {
            return Err(StoreError::Damaged { what: "task", reason: format!("{task} is not there") });
        };
        let first = last - count + 1;
        let rows: Vec<Value> =
            events.iter().map(|event| serde_json::json!({ "kind": event.kind, "data": event.data })).collect();
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
        .run(self)
        .await?;
        let numbered = (first..).zip(events);
        Ok(numbered
            .map(|(seq, event)| TaskEvent { task_id: task, seq, at_ms, kind: event.kind, data: event.data })
            .collect())
    }

    /// Marks a task as worked on by a node, and gives the number of its lease: whoever had an earlier one is refused from now on. `seen` is the lease
    /// that the caller saw. None: the task is no longer open, or somebody else took it up since.
    ///
    /// # Errors
    /// The database's.
    pub async fn start_task(
        &mut self,
        task: TaskId,
        node: &str,
        seen: i64,
        at_ms: i64,
    ) -> Result<Option<i64>, StoreError> {
        let lease: Option<(i64,)> = query(
            "UPDATE tasks SET status = 'running', node = $2, started_at = COALESCE(started_at, $3), lease = lease + 1, \
             waits_for = NULL, waits_until = NULL WHERE id = $1 AND lease = $4 AND status IN ('accepted', 'running') RETURNING lease",
        )
        .bind(task)
        .bind(node)
        .bind(At(at_ms))
        .bind(seen)
        .optional(self)
        .await?;
        Ok(lease.map(|(lease,)| lease))
    }

    /// Makes sure that the task is still worked on under this lease, and keeps it so until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]: another process has taken it up, or it has ended. The database's.
    pub async fn hold_task(&mut self, task: TaskId, lease: i64) -> Result<(), StoreError> {
        let held: Option<(i64,)> = query(Sql::each(
            "SELECT lease FROM tasks WHERE id = $1 AND lease = $2 AND status = 'running'",
            "SELECT lease FROM tasks WHERE id = $1 AND lease = $2 AND status = 'running' FOR NO KEY UPDATE",
        ))
        .bind(task)
        .bind(lease)
        .optional(self)
        .await?;
        if held.is_some() { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// Notes that a running task waits for a job without being in memory.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_task_aside(&mut self, task: TaskId, job: JobId, until_ms: Option<i64>) -> Result<(), StoreError> {
        query("UPDATE tasks SET waits_for = $2, waits_until = $3 WHERE id = $1")
            .bind(task)
            .bind(job)
            .bind(At::maybe(until_ms))
            .run(self)
            .await?;
        Ok(())
    }

    /// Stores the route and what the planner is given.
    ///
    /// # Errors
    /// The database's.
    pub async fn decide_task(&mut self, task: TaskId, decision: &Decision<'_>) -> Result<(), StoreError> {
        query(
            "UPDATE tasks SET skill = $2, skill_version = $3, skill_digest = $4, confidence = $5, prepared = $6 WHERE id = $1",
        )
        .bind(task)
        .bind(decision.skill)
        .bind(decision.version)
        .bind(decision.digest)
        .bind(decision.confidence)
        .bind(to_json(decision.prepared))
        .run(self)
.await?;
        Ok(())
    }

    /// Stores the plan.
    ///
    /// # Errors
    /// The database's.
    pub async fn plan_task(&mut self, task: TaskId, plan: &Value) -> Result<(), StoreError> {
        query("UPDATE tasks SET plan = $2 WHERE id = $1").bind(task).bind(to_json(plan)).run(self).await?;
        Ok(())
    }

    /// Forgets the plan: the next part of the request gets one of its own.
    ///
    /// # Errors
    /// The database's.
    pub async fn clear_plan(&mut self, task: TaskId) -> Result<(), StoreError> {
        query("UPDATE tasks SET plan = NULL WHERE id = $1").bind(task).run(self).await?;
        Ok(())
    }

    /// Counts an attempt at a step.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_attempt(&mut self, task: TaskId) -> Result<(), StoreError> {
        query("UPDATE tasks SET attempts = attempts + 1 WHERE id = $1").bind(task).run(self).await?;
        Ok(())
    }

    /// Stores the result of a finished step. `round` counts how often the task was planned.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_step_result(
        &mut self,
        owner: &Owner,
        task: TaskId,
        round: i64,
        step: &str,
        result: &Value,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO step_results (task_id, round, step_id, tenant, user_id, result) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (task_id, round, step_id) DO UPDATE SET result = excluded.result",
        )
        .bind(task)
        .bind(round)
        .bind(step)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(to_json(result))
        .run(self)
.await?;
        Ok(())
    }

    /// Ends a task, or lets it rest with questions. Only an open task can change: false means that it had ended already.
    ///
    /// # Errors
    /// The database's.
    pub async fn finish_task(
        &mut self,
        task: TaskId,
        status: TaskStatus,
        outcome: &Value,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let ended_at = status.is_final().then_some(at_ms);
        let changed = query(
            "UPDATE tasks SET status = $2, outcome = $3, ended_at = $4, node = NULL, waits_for = NULL, waits_until = NULL, \
             lease = lease + 1 \
             WHERE id = $1 AND status IN ('accepted', 'running', 'needs-clarification')",
        )
        .bind(task)
        .bind(status.as_str())
        .bind(to_json(outcome))
        .bind(At::maybe(ended_at))
        .run(self)
        .await?;
        Ok(changed == 1)
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
            "UPDATE tasks SET status = 'accepted', answers = $4, plan = NULL, prepared = NULL, outcome = NULL, node = $5 \
             WHERE id = $1 AND tenant = $2 AND user_id = $3 AND status = 'needs-clarification'",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(to_json(answers))
        .bind(node)
        .run(self)
.await?;
        Ok(changed == 1)
    }

    /// Notes that the user wants the task to end. False if it has ended.
    ///
    /// # Errors
    /// The database's.
    pub async fn request_cancel(&mut self, owner: &Owner, task: TaskId, reason: &str) -> Result<bool, StoreError> {
        let changed = query(
            "UPDATE tasks SET cancel_reason = COALESCE(cancel_reason, $4), cancelling = TRUE WHERE id = $1 AND tenant = $2 AND user_id = $3 \
             AND status IN ('accepted', 'running', 'needs-clarification')",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(reason)
        .run(self)
.await?;
        Ok(changed == 1)
    }
}

macro_rules! select_tasks {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, user_id, session, content, attachments, status, node, accepted_at, started_at, ended_at, \
             last_seq, correlation_id, cancel_reason, skill, skill_version, skill_digest, confidence, attempts, prepared, \
             plan, answers, outcome, waits_for, waits_until, lease FROM tasks ",
            $rest
        )
    };
}

impl Store {
    /// A task of this user; none if it is not theirs.
    ///
    /// # Errors
    /// The database's.
    pub async fn task(&self, owner: &Owner, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        let raw: Option<Raw> = query(select_tasks!("WHERE id = $1 AND tenant = $2 AND user_id = $3"))
            .bind(id)
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .optional(self.read(owner))
            .await?;
        raw.map(TaskRow::try_from).transpose()
    }

    /// A page of this user's tasks, newest first: those older than `before`, if given.
    ///
    /// # Errors
    /// The database's.
    pub async fn tasks(
        &self,
        owner: &Owner,
        status: Option<TaskStatus>,
        before: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<TaskRow>, StoreError> {
        let raw: Vec<Raw> = query(select_tasks!(
            "WHERE tenant = $1 AND user_id = $2 AND ($3 IS NULL OR status = $3) AND ($4 IS NULL OR id < $4) \
             ORDER BY id DESC LIMIT $5"
        ))
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(status.map(TaskStatus::as_str))
        .bind(before)
        .bind(i64::from(limit))
        .all(self.read(owner))
        .await?;
        raw.into_iter().map(TaskRow::try_from).collect()
    }

    /// This user's tasks before one of them, newest first, without their documents.
    ///
    /// # Errors
    /// The database's.
    pub async fn recent_tasks(&self, owner: &Owner, before: TaskId, limit: u32) -> Result<Vec<RecentTask>, StoreError> {
        type Row = (Id, String, Option<String>, String, At, Option<At>);
        let rows: Vec<Row> = query(
            "SELECT id, substr(content, 1, 201), skill, status, accepted_at, ended_at FROM tasks \
             WHERE tenant = $1 AND user_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(before)
        .bind(i64::from(limit))
        .all(self.read(owner))
        .await?;
        rows.into_iter()
            .map(|(id, content, skill, status, accepted_at, ended_at)| {
                Ok(RecentTask {
                    id: TaskId(id.0),
                    content,
                    skill,
                    status: TaskStatus::from_name(&status)
                        .ok_or(StoreError::Damaged { what: "task status", reason: status })?,
                    accepted_at_ms: accepted_at.0,
                    ended_at_ms: ms(ended_at),
                })
            })
            .collect()
    }

    /// Every task that somebody should be working on, oldest first. For recovery only.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_tasks_of_all_tenants(&self) -> Result<Vec<OpenTask>, StoreError> {
        type Row = (Id, String, String, String, Option<String>, Option<Id>, Option<At>);
        let rows: Vec<Row> = query(
            "SELECT id, tenant, user_id, session, node, waits_for, waits_until FROM tasks \
             WHERE status IN ('accepted', 'running') ORDER BY id",
        )
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
