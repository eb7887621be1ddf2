//! Tasks, their events, and the results of their finished steps.

use openanalyst_domain::{EventKind, JobId, Owner, SessionKey, TaskEvent, TaskId, TaskStatus};
use serde_json::Value;
use sqlx::FromRow;

use crate::effects::{Effect, EffectKey};
use crate::sql::{At, Id, Json, Query, Sql, ms, query};
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
        }
    }
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
    /// The user has as many open tasks as may be.
    TooMany,
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
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The skill.
    pub skill: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its digest.
    pub digest: &'a str,
    /// The router's confidence.
    pub confidence: f64,
    /// The request and context for the planner, as JSON.
    pub prepared: &'a str,
}

/// How far the work at a task came. What is none stays as it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress<'a> {
    /// What was decided.
    pub decision: Option<Decision<'a>>,
    /// The plan.
    pub plan: Option<&'a Value>,
    /// Attempts at steps that were begun since the last time.
    pub attempts: i64,
}

/// A task that a transaction holds, and what changes in its row. That is written in one go, with whatever is sent next.
#[derive(Debug)]
pub(crate) struct Held {
    task: TaskId,
    last_seq: i64,
    change: Change,
}

#[derive(Debug, Default, PartialEq)]
struct Change {
    events: bool,
    decision: Option<(String, String, String, f64)>,
    attempts: i64,
    end: Option<(TaskStatus, Json, Option<i64>)>,
    aside: Option<(JobId, Option<i64>)>,
}

impl Held {
    fn new(task: TaskId, last_seq: i64) -> Self {
        Self { task, last_seq, change: Change::default() }
    }

    /// The statement that writes what changed since the last time.
    pub(crate) fn update(&mut self) -> Option<Query> {
        let change = std::mem::take(&mut self.change);
        if change == Change::default() {
            return None;
        }
        let (ends, leaves) = (change.end.is_some(), change.aside.is_some());
        let (skill, version, digest, confidence) = match change.decision {
            Some((skill, version, digest, confidence)) => (Some(skill), Some(version), Some(digest), Some(confidence)),
            None => (None, None, None, None),
        };
        let (status, outcome, ended_at) = match change.end {
            Some((status, outcome, ended_at)) => (Some(status.as_str()), Some(outcome), ended_at),
            None => (None, None, None),
        };
        let (job, until) = change.aside.map_or((None, None), |(job, until_ms)| (Some(job), until_ms));
        let update = query(
            "UPDATE tasks SET last_seq = $2, skill = COALESCE($3, skill), skill_version = COALESCE($4, skill_version), \
             skill_digest = COALESCE($5, skill_digest), confidence = COALESCE($6, confidence), attempts = attempts + $7, \
             status = COALESCE($8, status), outcome = COALESCE($9, outcome), ended_at = COALESCE($10, ended_at), \
             node = CASE WHEN $11 THEN NULL ELSE node END, lease = lease + $12, \
             waits_for = CASE WHEN $13 THEN $14 WHEN $11 THEN NULL ELSE waits_for END, \
             waits_until = CASE WHEN $13 THEN $15 WHEN $11 THEN NULL ELSE waits_until END WHERE id = $1",
        )
        .bind(self.task)
        .bind(self.last_seq)
        .bind(skill)
        .bind(version)
        .bind(digest)
        .bind(confidence)
        .bind(change.attempts)
        .bind(status)
        .bind(outcome)
        .bind(At::maybe(ended_at))
        .bind(ends)
        .bind(i64::from(ends))
        .bind(leaves)
        .bind(job)
        .bind(At::maybe(until));
        Some(update)
    }
}

impl Tx {
    /// The row of a task that this transaction holds.
    fn held(&mut self, task: TaskId) -> Option<&mut Held> {
        self.held.as_mut().filter(|held| held.task == task)
    }

    /// Accepts a request: the task and its key, unless the user has `most_open` tasks that are accepted or running. The caller appends the first events in
    /// the same transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn accept_task(&mut self, task: &NewTask, most_open: usize) -> Result<Accepted, StoreError> {
        // Nobody else of the same user accepts beside this: keys are used once, and open tasks are counted right.
        self.lock(&format!("accept {} {}", task.owner.tenant, task.owner.user)).await?;
        let written = query(
            "INSERT INTO tasks (id, tenant, user_id, session, content, attachments, status, node, accepted_at, \
             idempotency_key, request_digest, correlation_id, lease, started_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 \
             WHERE (SELECT COUNT(*) FROM tasks WHERE tenant = $2 AND user_id = $3 AND status IN ('accepted', 'running')) < $15 \
             ON CONFLICT (tenant, user_id, idempotency_key) DO NOTHING",
        )
        .bind(task.id)
        .bind(task.owner.tenant.as_str())
        .bind(task.owner.user.as_str())
        .bind(task.session.as_str())
        .bind(&task.content)
        .bind(to_json(&task.attachments))
        .bind(if task.begun { TaskStatus::Running } else { TaskStatus::Accepted }.as_str())
        .bind(&task.node)
        .bind(At(task.at_ms))
        .bind(&task.idempotency_key)
        .bind(&task.request_digest)
        .bind(&task.correlation_id)
        .bind(i64::from(task.begun))
        .bind(At::maybe(task.begun.then_some(task.at_ms)))
        .bind(i64::try_from(most_open).unwrap_or(i64::MAX))
        .run(self)
        .await?;
        if written == 1 {
            self.held = Some(Held::new(task.id, 0));
            return Ok(Accepted::New);
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
        let first = if let Some(held) = self.held(task) {
            // Nobody else appends to it.
            held.change.events = true;
            held.last_seq += count;
            held.last_seq - count + 1
        } else {
            let last: Option<(i64,)> = query(
                "UPDATE tasks SET last_seq = last_seq + $1 WHERE id = $2 AND tenant = $3 AND user_id = $4 RETURNING last_seq",
            )
            .bind(count)
            .bind(task)
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .optional(&mut *self)
            .await?;
            match last {
                Some((last,)) => last - count + 1,
                None => return Err(StoreError::Damaged { what: "task", reason: format!("{task} is not there") }),
            }
        };
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
        .later(self);
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
        let started: Option<(i64, i64)> = query(
            "UPDATE tasks SET status = 'running', node = $2, started_at = COALESCE(started_at, $3), lease = lease + 1, \
             waits_for = NULL, waits_until = NULL WHERE id = $1 AND lease = $4 AND status IN ('accepted', 'running') \
             RETURNING lease, last_seq",
        )
        .bind(task)
        .bind(node)
        .bind(At(at_ms))
        .bind(seen)
        .optional(&mut *self)
        .await?;
        if let Some((_, last_seq)) = started {
            self.held = Some(Held::new(task, last_seq));
        }
        Ok(started.map(|(lease, _)| lease))
    }

    /// Makes sure that the task is still worked on under this lease, and keeps it so until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]: another process has taken it up, or it has ended. The database's.
    pub async fn hold_task(&mut self, task: TaskId, lease: i64) -> Result<(), StoreError> {
        let held: Option<(i64,)> = query(Sql::each(
            "SELECT last_seq FROM tasks WHERE id = $1 AND lease = $2 AND status = 'running'",
            "SELECT last_seq FROM tasks WHERE id = $1 AND lease = $2 AND status = 'running' FOR NO KEY UPDATE",
        ))
        .bind(task)
        .bind(lease)
        .optional(&mut *self)
        .await?;
        let (last_seq,) = held.ok_or(StoreError::Fenced)?;
        self.held = Some(Held::new(task, last_seq));
        Ok(())
    }

    /// The same, and what the journal holds for a key of the task.
    ///
    /// # Errors
    /// See [`Self::hold_task`].
    pub async fn hold_task_for(
        &mut self,
        task: TaskId,
        lease: i64,
        key: &EffectKey<'_>,
    ) -> Result<Option<Effect>, StoreError> {
        let held: Option<(i64, Option<Json>, Option<Json>)> = query(Sql::each(
            "SELECT last_seq, effects.intent, effects.result FROM tasks LEFT JOIN effects ON effects.key = $3 \
             WHERE id = $1 AND lease = $2 AND status = 'running'",
            "SELECT last_seq, effects.intent, effects.result FROM tasks LEFT JOIN effects ON effects.key = $3 \
             WHERE id = $1 AND lease = $2 AND status = 'running' FOR NO KEY UPDATE OF tasks",
        ))
        .bind(task)
        .bind(lease)
        .bind(key.text())
        .optional(&mut *self)
        .await?;
        let (last_seq, intent, result) = held.ok_or(StoreError::Fenced)?;
        self.held = Some(Held::new(task, last_seq));
        intent.map(|intent| Effect::read(&intent, result.as_ref())).transpose()
    }

    /// Notes that a task waits for a job without being in memory. The transaction must hold it, or nothing happens.
    pub fn put_task_aside(&mut self, task: TaskId, job: JobId, until_ms: Option<i64>) {
        if let Some(held) = self.held(task) {
            held.change.aside = Some((job, until_ms));
        }
    }

    /// Stores how far the work at a task came. The transaction must hold it, or nothing happens.
    pub fn progress_task(&mut self, owner: &Owner, task: TaskId, progress: &Progress<'_>) {
        let Some(Held { change, .. }) = self.held(task) else { return };
        change.attempts += progress.attempts;
        if let Some(Decision { skill, version, digest, confidence, .. }) = progress.decision {
            change.decision = Some((skill.to_owned(), version.to_owned(), digest.to_owned(), confidence));
        }
        let prepared = progress.decision.map(|decision| Json::new(decision.prepared.to_owned()));
        if prepared.is_none() && progress.plan.is_none() {
            return;
        }
        query(
            "INSERT INTO task_documents (task_id, tenant, user_id, prepared, plan) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (task_id) DO UPDATE SET prepared = COALESCE(excluded.prepared, task_documents.prepared), \
             plan = COALESCE(excluded.plan, task_documents.plan)",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(prepared)
        .bind(progress.plan.map(to_json))
        .later(self);
    }

    /// Forgets the plan: the next part of the request gets one of its own.
    pub fn clear_plan(&mut self, task: TaskId) {
        query("UPDATE task_documents SET plan = NULL WHERE task_id = $1").bind(task).later(self);
    }

    /// Stores the result of a finished step. `round` counts how often the task was planned.
    pub fn put_step_result(&mut self, owner: &Owner, task: TaskId, round: i64, step: &str, result: &Value) {
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
        .later(self);
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
        if let Some(held) = self.held(task) {
            // It runs, and nobody else can end it now.
            held.change.end = Some((status, to_json(outcome), ended_at));
            return Ok(true);
        }
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
        select_tasks!("CAST(NULL AS jsonb) AS prepared, CAST(NULL AS jsonb) AS plan", "tasks", $rest)
    };
    ($documents:literal, $from:literal, $rest:literal) => {
        concat!(
            "SELECT id, tasks.tenant, tasks.user_id, session, content, attachments, status, node, accepted_at, started_at, ended_at, \
             last_seq, correlation_id, cancel_reason, skill, skill_version, skill_digest, confidence, attempts, ",
            $documents,
            ", answers, outcome, waits_for, waits_until, lease FROM ",
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
