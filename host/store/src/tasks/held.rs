//! The work at a task, under its lease: who holds the task in a transaction changes it, and nobody else does.

use openanalyst_domain::{JobId, Owner, TaskId, TaskStatus};
use serde_json::Value;

use crate::effects::{Effect, EffectKey};
use crate::sql::{At, Json, Packed, Query, Sql, query};
use crate::{StoreError, Tx, to_json};

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
    /// Lease and newest event that its row must still have when it is written. None: that was looked at, and nobody else can change it until the end.
    seen: Option<(i64, i64)>,
    change: Change,
}

#[derive(Debug, Default, PartialEq)]
struct Change {
    events: bool,
    /// Bytes that are written for the task in this transaction.
    bytes: i64,
    decision: Option<(String, String, String, f64)>,
    attempts: i64,
    end: Option<(TaskStatus, Json, Option<i64>)>,
    aside: Option<(JobId, Option<i64>)>,
    /// The journal has more of it than before: see [`Tx::progresses`].
    progress: bool,
}

impl Held {
    /// Numbers as many further events, and gives the number of the first.
    pub(super) fn number_events(&mut self, count: i64) -> i64 {
        self.change.events = true;
        self.last_seq += count;
        self.last_seq - count + 1
    }

    pub(super) fn new(task: TaskId, last_seq: i64) -> Self {
        Self { task, last_seq, seen: None, change: Change::default() }
    }

    /// The number of the newest event, those of this transaction included.
    pub(crate) fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// The statement that writes what changed since the last time. Where the row is not as it was seen, its lease would become null: the database refuses that, which
    /// is [`StoreError::Fenced`].
    pub(crate) fn update(&mut self) -> Option<Query> {
        let (change, seen) = (std::mem::take(&mut self.change), self.seen.take());
        if change == Change::default() && seen.is_none() {
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
        let outcome_bytes = outcome.as_ref().map_or(0, |outcome: &Json| as_bytes(&outcome.0));
        let (job, until) = change.aside.map_or((None, None), |(job, until_ms)| (Some(job), until_ms));
        let update = query(
            "UPDATE tasks SET last_seq = $2, skill = COALESCE($3, skill), skill_version = COALESCE($4, skill_version), \
             skill_digest = COALESCE($5, skill_digest), confidence = COALESCE($6, confidence), attempts = attempts + $7, \
             status = COALESCE($8, status), outcome = COALESCE($9, outcome), ended_at = COALESCE($10, ended_at), \
             node = CASE WHEN $11 THEN NULL ELSE node END, \
             lease = CASE WHEN $16 IS NULL OR (lease = $16 AND last_seq = $17 AND status = 'running') THEN lease + $12 END, \
             waits_for = CASE WHEN $13 THEN $14 WHEN $11 THEN NULL ELSE waits_for END, \
             waits_until = CASE WHEN $13 THEN $15 WHEN $11 THEN NULL ELSE waits_until END, \
             take_ups = CASE WHEN $18 THEN 0 ELSE take_ups END, bytes = bytes + $19 WHERE id = $1",
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
        .bind(At::maybe(until))
        .bind(seen.map(|(lease, _)| lease))
        .bind(seen.map(|(_, last_seq)| last_seq))
        .bind(change.progress)
        .bind(change.bytes.saturating_add(outcome_bytes));
        Some(update)
    }
}

/// The length of a text, as it is counted.
fn as_bytes(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

impl Tx {
    /// Counts bytes that are written for the task that this transaction holds.
    pub(crate) fn count_bytes(&mut self, bytes: i64) {
        if let Some(held) = &mut self.held {
            held.change.bytes = held.change.bytes.saturating_add(bytes);
        }
    }

    /// The row of a task that this transaction holds.
    pub(super) fn held(&mut self, task: TaskId) -> Option<&mut Held> {
        self.held.as_mut().filter(|held| held.task == task)
    }

    /// The number of the newest event of the task that this transaction holds, its own included.
    #[must_use]
    pub fn last_seq(&self) -> Option<i64> {
        self.held.as_ref().map(Held::last_seq)
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
             take_ups = take_ups + CASE WHEN status = 'running' AND node IS NOT NULL AND node <> $2 AND waits_for IS NULL THEN 1 ELSE 0 END, \
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

    /// What is written now holds only if the task is still worked on under this lease, and its newest event is still this one: otherwise the commit is refused with
    /// [`StoreError::Fenced`], and nothing of the transaction happened. Asks nothing, so whoever works on the task must know both.
    pub fn hold_task(&mut self, task: TaskId, lease: i64, last_seq: i64) {
        self.held = Some(Held { seen: Some((lease, last_seq)), ..Held::new(task, last_seq) });
    }

    /// Makes sure that the task is still worked on under this lease, keeps it so until the transaction ends, and gives what the journal holds for a key of the task.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]: another process has taken it up, or it has ended. The database's.
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

    /// Leaves a task that this process works on under this lease, because the process ends: the next
    /// one takes it up, and does not count that as a failure of the task.
    ///
    /// # Errors
    /// The database's.
    pub async fn leave_task(&mut self, task: TaskId, lease: i64) -> Result<(), StoreError> {
        query("UPDATE tasks SET node = NULL WHERE id = $1 AND lease = $2 AND status = 'running'")
            .bind(task)
            .bind(lease)
            .run(self)
            .await
            .map(drop)
    }

    /// The task that this transaction holds got further: its journal has an entry more.
    pub(crate) fn progresses(&mut self) {
        if let Some(held) = &mut self.held {
            held.change.progress = true;
        }
    }

    /// Notes that a task waits for a job without being in memory. The transaction must hold it, or nothing happens.
    pub fn put_task_aside(&mut self, task: TaskId, job: JobId, until_ms: Option<i64>) {
        if let Some(held) = self.held(task) {
            held.change.aside = Some((job, until_ms));
            held.change.progress = true;
        }
    }

    /// Stores how far the work at a task came. The transaction must hold it, or nothing happens.
    pub fn progress_task(&mut self, owner: &Owner, task: TaskId, progress: &Progress<'_>) {
        let Some(Held { change, .. }) = self.held(task) else { return };
        change.attempts += progress.attempts;
        if let Some(Decision { skill, version, digest, confidence, .. }) = progress.decision {
            change.decision = Some((skill.to_owned(), version.to_owned(), digest.to_owned(), confidence));
        }
        let prepared = progress.decision.map(|decision| Packed(Json::new(decision.prepared.to_owned())));
        if prepared.is_none() && progress.plan.is_none() {
            return;
        }
        change.progress = true;
        query(
            "INSERT INTO task_documents (task_id, tenant, user_id, prepared, plan) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (task_id) DO UPDATE SET prepared = COALESCE(excluded.prepared, task_documents.prepared), \
             plan = COALESCE(excluded.plan, task_documents.plan)",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(prepared)
        .bind(progress.plan.map(|plan| Packed(to_json(plan))))
        .later_counted(self);
    }

    /// Forgets the plan: the next part of the request gets one of its own.
    pub fn clear_plan(&mut self, task: TaskId) {
        query("UPDATE task_documents SET plan = NULL WHERE task_id = $1").bind(task).later(self);
    }

    /// Stores the result of a finished step. `round` counts how often the task was planned.
    pub fn put_step_result(&mut self, owner: &Owner, task: TaskId, round: i64, step: &str, result: &Value) {
        self.progresses();
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
        .later_counted(self);
    }

    /// Ends a task, or lets it rest with questions. Only an open task under this lease can change: false means that it had ended already, or was taken up
    /// by somebody else.
    ///
    /// # Errors
    /// The database's.
    pub async fn finish_task(
        &mut self,
        task: TaskId,
        lease: i64,
        status: TaskStatus,
        outcome: &Value,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let ended_at = status.is_final().then_some(at_ms);
        if let Some(held) = self.held(task) {
            // It runs, and nobody else can end it: that is certain now, or with the commit.
            held.change.end = Some((status, to_json(outcome), ended_at));
            return Ok(true);
        }
        let outcome = to_json(outcome);
        let bytes = as_bytes(&outcome.0);
        let changed = query(
            "UPDATE tasks SET status = $2, outcome = $3, ended_at = $4, node = NULL, waits_for = NULL, waits_until = NULL, \
             lease = lease + 1, bytes = bytes + $6 \
             WHERE id = $1 AND lease = $5 AND status IN ('accepted', 'running', 'needs-clarification')",
        )
        .bind(task)
        .bind(status.as_str())
        .bind(outcome)
        .bind(At::maybe(ended_at))
        .bind(lease)
        .bind(bytes)
        .run(self)
        .await?;
        Ok(changed == 1)
    }
}
