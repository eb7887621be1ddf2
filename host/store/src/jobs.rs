//! Runs of scripts and flows in the embedded workflow engine.

use std::collections::{HashMap, HashSet};

use openanalyst_domain::{JobId, JobStatus, Owner, TaskId};
use serde_json::Value;

use crate::sql::{At, Id, Json, Page, Sql, from_row, ms, query};
use crate::{Scope, Store, StoreError, Tx, json, owner_of, to_json};

/// A job, before it is queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The id it shall have. A second job with the same id is the same job.
    pub id: JobId,
    /// Whose it is.
    pub owner: Owner,
    /// The task that asked for it.
    pub task: Option<TaskId>,
    /// The job that starts it: the flow that it is a step of, or a script.
    pub parent: Option<JobId>,
    /// Whether `path` is a flow.
    pub is_flow: bool,
    /// What to run.
    pub path: String,
    /// With which arguments.
    pub args: Value,
    /// Not before this moment.
    pub scheduled_for_ms: i64,
    /// The node that will run it.
    pub node: String,
    /// The schedule that fired, and for which moment.
    pub schedule: Option<(String, i64)>,
    /// Now.
    pub at_ms: i64,
}

/// A job as it is stored.
#[derive(Debug, Clone)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: Owner,
    /// The task that asked for it.
    pub task: Option<TaskId>,
    /// The job that started it.
    pub parent: Option<JobId>,
    /// Whether `path` is a flow.
    pub is_flow: bool,
    /// What it runs.
    pub path: String,
    /// With which arguments.
    pub args: Value,
    /// Where it stands.
    pub status: JobStatus,
    /// The node that runs it.
    pub node: Option<String>,
    /// Not before this moment.
    pub scheduled_for_ms: i64,
    /// When it was queued.
    pub created_at_ms: i64,
    /// When it began.
    pub started_at_ms: Option<i64>,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// Progress, 0 to 100.
    pub percent: Option<i64>,
    /// What it logged.
    pub logs: String,
    /// What it gave.
    pub result: Option<Value>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// The schedule that started it.
    pub schedule_path: Option<String>,
    /// The moment for which that schedule fired.
    pub due_at_ms: Option<i64>,
    /// How often it was taken up after the process that ran it had ended without notice.
    pub take_ups: i64,
}

struct Raw {
    id: Id,
    tenant: String,
    user_id: String,
    task_id: Option<Id>,
    parent_job: Option<Id>,
    kind: String,
    path: String,
    args: Json,
    status: String,
    node: Option<String>,
    scheduled_for: At,
    created_at: At,
    started_at: Option<At>,
    ended_at: Option<At>,
    percent: Option<i64>,
    logs: String,
    result: Option<Json>,
    cancel_reason: Option<String>,
    schedule_path: Option<String>,
    due_at: Option<At>,
    take_ups: i64,
}

from_row!(Raw {
    id,
    tenant,
    user_id,
    task_id,
    parent_job,
    kind,
    path,
    args,
    status,
    node,
    scheduled_for,
    created_at,
    started_at,
    ended_at,
    percent,
    logs,
    result,
    cancel_reason,
    schedule_path,
    due_at,
    take_ups
});

impl TryFrom<Raw> for JobRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId(raw.id.0),
            owner: owner_of(raw.tenant, raw.user_id)?,
            task: raw.task_id.map(|id| TaskId(id.0)),
            parent: raw.parent_job.map(|id| JobId(id.0)),
            is_flow: raw.kind == "flow",
            path: raw.path,
            args: json("job arguments", &raw.args)?,
            status: JobStatus::from_name(&raw.status)
                .ok_or(StoreError::Damaged { what: "job status", reason: raw.status })?,
            node: raw.node,
            scheduled_for_ms: raw.scheduled_for.0,
            created_at_ms: raw.created_at.0,
            started_at_ms: ms(raw.started_at),
            ended_at_ms: ms(raw.ended_at),
            percent: raw.percent,
            logs: raw.logs,
            result: raw.result.map(|text| json("job result", &text)).transpose()?,
            cancel_reason: raw.cancel_reason,
            schedule_path: raw.schedule_path,
            due_at_ms: ms(raw.due_at),
            take_ups: raw.take_ups,
        })
    }
}

/// A job that has not ended: what recovery needs to know of it.
#[derive(Debug, Clone)]
pub struct OpenJob {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: Owner,
    /// The node that runs it.
    pub node: Option<String>,
}

macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, user_id, task_id, parent_job, kind, path, args, status, node, scheduled_for, created_at, started_at, \
             ended_at, percent, logs, result, cancel_reason, schedule_path, due_at, take_ups FROM jobs ",
            $rest
        )
    };
}

/// How a job ended.
#[derive(Debug, Clone, Copy)]
pub struct JobEnd<'a> {
    /// Done, failed or cancelled.
    pub status: JobStatus,
    /// What it gave, or its error.
    pub result: &'a Value,
    /// What it logged: lines.
    pub logs: &'a str,
    /// Why it was cancelled, where it was.
    pub cancel_reason: Option<&'a str>,
}

impl Tx {
    /// Queues a job. False if there is one with this id, or one that the same schedule started for the same moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn queue_job(&mut self, job: &NewJob) -> Result<bool, StoreError> {
        let (schedule_path, due_at) = job.schedule.as_ref().map_or((None, None), |(path, at)| (Some(path), Some(*at)));
        let changed = query(
            "INSERT INTO jobs (id, tenant, user_id, task_id, parent_job, kind, path, args, status, node, scheduled_for, created_at, \
             schedule_path, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10, $11, $12, $13) \
             ON CONFLICT DO NOTHING",
        )
        .bind(job.id)
        .bind(job.owner.tenant.as_str())
        .bind(job.owner.user.as_str())
        .bind(job.task)
        .bind(job.parent)
        .bind(if job.is_flow { "flow" } else { "script" })
        .bind(&job.path)
        .bind(to_json(&job.args))
        .bind(&job.node)
        .bind(At(job.scheduled_for_ms))
        .bind(At(job.at_ms))
        .bind(schedule_path)
        .bind(due_at.map(At))
        .run(self)
.await?;
        Ok(changed == 1)
    }

    /// Takes a queued job (or one that a dead node left running) for a node. `seen` is the node that had it when the caller looked. False if it is not to
    /// be had: it has ended, or somebody else took it since.
    ///
    /// # Errors
    /// The database's.
    pub async fn start_job(
        &mut self,
        job: JobId,
        node: &str,
        seen: Option<&str>,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let changed = query(
            "UPDATE jobs SET status = 'running', node = $2, started_at = $3, logs = '', percent = NULL, \
             take_ups = take_ups + CASE WHEN status = 'running' AND node <> $2 THEN 1 ELSE 0 END \
             WHERE id = $1 AND status IN ('queued', 'running') AND COALESCE(node, '') = $4",
        )
        .bind(job)
        .bind(node)
        .bind(At(at_ms))
        .bind(seen.unwrap_or(""))
        .run(self)
        .await?;
        Ok(changed == 1)
    }

    /// A node that shuts down leaves a job that it began: it is as if it had not begun, and nobody's fault.
    ///
    /// # Errors
    /// The database's.
    pub async fn leave_job(&mut self, job: JobId, node: &str) -> Result<bool, StoreError> {
        let changed = query("UPDATE jobs SET status = 'queued' WHERE id = $1 AND status = 'running' AND node = $2")
            .bind(job)
            .bind(node)
            .run(self)
            .await?;
        Ok(changed == 1)
    }

    /// Makes sure that a node still runs a job, until this transaction ends: nobody takes the job
    /// over meanwhile. What a job writes, it writes behind this.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]: it has ended, or another node took it over. The database's.
    pub async fn hold_job(&mut self, job: JobId, node: &str) -> Result<(), StoreError> {
        let held: Option<(i64,)> = query(Sql::each(
            "SELECT 1 FROM jobs WHERE id = $1 AND status = 'running' AND node = $2",
            "SELECT CAST(1 AS BIGINT) FROM jobs WHERE id = $1 AND status = 'running' AND node = $2 FOR SHARE",
        ))
        .bind(job)
        .bind(node)
        .optional(self)
        .await?;
        held.map(|_| ()).ok_or(StoreError::Fenced)
    }

    /// Records that a job did something that succeeds only once, with its answer. The record is removed
    /// when the job ends.
    pub fn record_operation_of_job(&mut self, owner: &Owner, job: JobId, operation: &str, answer: &Value) {
        query("INSERT INTO job_operations (job_id, operation, answer, tenant, user_id) VALUES ($1, $2, $3, $4, $5)")
            .bind(job)
            .bind(operation)
            .bind(to_json(answer))
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .later(self);
    }

    /// What earlier runs of a job did, and the answers: see [`Tx::record_operation_of_job`]. Read behind
    /// [`Tx::start_job`], it is complete: the node that had the job before records nothing any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn operations_of_job(&mut self, job: JobId) -> Result<HashMap<String, Value>, StoreError> {
        let rows: Vec<(String, Json)> =
            query("SELECT operation, answer FROM job_operations WHERE job_id = $1").bind(job).all(self).await?;
        rows.into_iter().map(|(operation, answer)| Ok((operation, json("answer of an operation", &answer)?))).collect()
    }

    /// Ends a job. False if it had ended before: a job ends once. `by`: only if it waits, or this node
    /// runs it; a node whose job another one took over does not end it.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_job(
        &mut self,
        job: JobId,
        end: &JobEnd<'_>,
        by: Option<&str>,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let changed = query(
            "UPDATE jobs SET status = $2, result = $3, logs = $4, cancel_reason = $5, ended_at = $6 \
             WHERE id = $1 AND status IN ('queued', 'running') \
             AND ($7 IS NULL OR status = 'queued' OR node = $7)",
        )
        .bind(job)
        .bind(end.status.as_str())
        .bind(to_json(end.result))
        .bind(end.logs)
        .bind(end.cancel_reason)
        .bind(At(at_ms))
        .bind(by)
        .run(self)
        .await?;
        if changed == 1 {
            query("DELETE FROM job_operations WHERE job_id = $1").bind(job).later(self);
        }
        Ok(changed == 1)
    }
}

impl Store {
    /// A job of this user.
    ///
    /// # Errors
    /// The database's.
    pub async fn job(&self, owner: &Owner, id: JobId) -> Result<Option<JobRow>, StoreError> {
        let raw: Option<Raw> = query(select_jobs!("WHERE id = $1 AND tenant = $2 AND user_id = $3"))
            .bind(id)
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .optional(self.read(owner))
            .await?;
        raw.map(JobRow::try_from).transpose()
    }

    /// This user's jobs whose path begins with `prefix`, newest first: those older than `before`, if given.
    ///
    /// # Errors
    /// The database's.
    pub async fn jobs(
        &self,
        owner: &Owner,
        prefix: &str,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Page<JobRow>, StoreError> {
        let raw: Page<Raw> = query(select_jobs!(
            "WHERE tenant = $1 AND user_id = $2 AND substr(path, 1, length($3)) = $3 AND ($4 IS NULL OR id < $4) \
             ORDER BY id DESC LIMIT $5"
        ))
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(prefix)
        .bind(before)
        .bind(i64::from(limit))
        .page(self.read(owner))
        .await?;
        raw.try_map(JobRow::try_from)
    }

    /// How many of this user's jobs have not ended.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_open_jobs(&self, owner: &Owner) -> Result<u64, StoreError> {
        let (count,): (i64,) =
            query("SELECT COUNT(*) FROM jobs WHERE status IN ('queued', 'running') AND tenant = $1 AND user_id = $2")
                .bind(owner.tenant.as_str())
                .bind(owner.user.as_str())
                .one(self.read(owner))
                .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Which of these jobs have ended, or are not there any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn ended_jobs(&self, jobs: &[JobId]) -> Result<Vec<JobId>, StoreError> {
        let open: Vec<(Id,)> = query(Sql::each(
            "SELECT id FROM jobs WHERE status IN ('queued', 'running') AND id IN (SELECT value FROM json_each($1))",
            "SELECT id FROM jobs WHERE status IN ('queued', 'running') \
             AND id IN (SELECT value::uuid FROM jsonb_array_elements_text($1) AS job (value))",
        ))
        .bind(to_json(&jobs))
        .all(self.read(Scope::Worker))
        .await?;
        let open: HashSet<_> = open.into_iter().map(|(id,)| id.0).collect();
        Ok(jobs.iter().copied().filter(|job| !open.contains(&job.0)).collect())
    }

    /// Every job that has not ended, oldest first. For recovery only.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_jobs_of_all_tenants(&self) -> Result<Vec<OpenJob>, StoreError> {
        let rows: Vec<(Id, String, String, Option<String>)> = query(
            "SELECT id, tenant, user_id, node FROM jobs WHERE status IN ('queued', 'running') ORDER BY scheduled_for, id",
        )
        .all(self.read(Scope::Worker))
        .await?;
        rows.into_iter()
            .map(|(id, tenant, user, node)| Ok(OpenJob { id: JobId(id.0), owner: owner_of(tenant, user)?, node }))
            .collect()
    }
}
