//! What each invocation used, and what it logged.

use openanalyst_domain::{JobId, MessageId, Owner, Receipt, TaskId, TenantId, UserId};
use serde::Serialize;
use serde_json::Value;

use crate::sql::{At, Id, Json, Page, Sql, from_row, query};
use crate::{Scope, Store, StoreError, Tx, json, to_json};

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What a skill used in a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Invocations.
    pub invocations: i64,
    /// CPU time in microseconds.
    pub cpu_us: i64,
    /// Host calls.
    pub host_calls: i64,
    /// HTTP fetches among them.
    pub http_fetches: i64,
    /// Workflow starts among them.
    pub workflow_starts: i64,
    /// Tokens of language models, read and written.
    pub llm_tokens: i64,
}

/// A receipt with its place.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRow {
    /// Its id; ids sort by time.
    pub id: String,
    /// For whom it ran.
    pub user: String,
    /// For which task.
    pub task_id: Option<String>,
    /// For which job.
    pub job_id: Option<String>,
    /// When it ended.
    pub at_ms: i64,
    /// What it used.
    pub receipt: Receipt,
    /// What it logged: a JSON list of lines.
    pub logs: Value,
}

struct Raw {
    id: Id,
    user_id: String,
    skill: String,
    digest: String,
    task_id: Option<Id>,
    job_id: Option<Id>,
    at: At,
    data: Json,
    logs: Json,
}

from_row!(Raw { id, user_id, skill, digest, task_id, job_id, at, data, logs });

/// A receipt without what stands in columns of its own, and without what was not used.
fn short(receipt: &Receipt) -> Value {
    let mut data = serde_json::to_value(receipt).unwrap_or_default();
    if let Some(members) = data.as_object_mut() {
        members.retain(|name, value| name != "skill" && name != "digest" && *value != 0);
    }
    data
}

fn whole(data: &Json, skill: String, digest: String) -> Result<Receipt, StoreError> {
    let receipt: Receipt = json("receipt", data)?;
    // Those of the first versions have their digest in the document only.
    let digest = if digest.is_empty() { receipt.digest } else { digest };
    Ok(Receipt { skill, digest, ..receipt })
}

impl Tx {
    /// Keeps a receipt with the lines that the invocation logged.
    pub fn keep_receipt(
        &mut self,
        owner: &Owner,
        task: Option<TaskId>,
        job: Option<JobId>,
        receipt: &Receipt,
        logs: &Value,
        at_ms: i64,
    ) {
        query(
            "INSERT INTO receipts (id, tenant, user_id, task_id, job_id, skill, data, logs, at, digest, cpu_us, host_calls, http_fetches, \
             workflow_starts, llm_tokens) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(MessageId::new())
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(task)
        .bind(job)
        .bind(&receipt.skill)
        .bind(to_json(&short(receipt)))
        .bind(to_json(logs))
        .bind(At(at_ms))
        .bind(&receipt.digest)
        .bind(i64::try_from(receipt.cpu_us).unwrap_or(i64::MAX))
        .bind(i64::from(receipt.host_calls))
        .bind(i64::from(receipt.http_fetches))
        .bind(i64::from(receipt.workflow_starts))
        .bind(i64::try_from(receipt.llm_tokens()).unwrap_or(i64::MAX))
        .later(self);
    }
}

impl Store {
    /// The receipts of a task, in order.
    ///
    /// # Errors
    /// The database's.
    pub async fn task_receipts(&self, owner: &Owner, task: TaskId) -> Result<Vec<Receipt>, StoreError> {
        let rows: Vec<(Json, String, String)> = query(
            "SELECT data, skill, digest FROM receipts WHERE task_id = $1 AND tenant = $2 AND user_id = $3 ORDER BY id",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .all(self.read(owner))
        .await?;
        rows.into_iter().map(|(data, skill, digest)| whole(&data, skill, digest)).collect()
    }

    /// The receipts of a skill for all users of the tenant, newest first: those older than `before`, if given.
    ///
    /// # Errors
    /// The database's.
    pub async fn skill_receipts(
        &self,
        tenant: &TenantId,
        skill: &str,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Page<ReceiptRow>, StoreError> {
        let raw: Page<Raw> = query(
            "SELECT id, user_id, skill, digest, task_id, job_id, at, data, logs FROM receipts \
             WHERE tenant = $1 AND skill = $2 AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(skill)
        .bind(before)
        .bind(i64::from(limit))
        .page(self.read(Scope::EveryUser(tenant.clone())))
        .await?;
        raw.try_map(|raw| {
            Ok(ReceiptRow {
                id: raw.id.to_string(),
                user: raw.user_id,
                task_id: raw.task_id.map(|id| id.to_string()),
                job_id: raw.job_id.map(|id| id.to_string()),
                at_ms: raw.at.0,
                receipt: whole(&raw.data, raw.skill, raw.digest)?,
                logs: json("logs", &raw.logs)?,
            })
        })
    }

    /// What a skill (or with none, every skill of the tenant) has used since the beginning of a day, for all users: of receipts that
    /// were pruned too.
    ///
    /// # Errors
    /// The database's.
    pub async fn usage_since(&self, tenant: &TenantId, skill: Option<&str>, from_ms: i64) -> Result<Usage, StoreError> {
        let (invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens): (
            i64,
            i64,
            i64,
            i64,
            i64,
            i64,
        ) = query(
            "SELECT CAST(COALESCE(SUM(invocations), 0) AS BIGINT), CAST(COALESCE(SUM(cpu_us), 0) AS BIGINT), \
             CAST(COALESCE(SUM(host_calls), 0) AS BIGINT), CAST(COALESCE(SUM(http_fetches), 0) AS BIGINT), \
             CAST(COALESCE(SUM(workflow_starts), 0) AS BIGINT), CAST(COALESCE(SUM(llm_tokens), 0) AS BIGINT) FROM (\
             SELECT 1 AS invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens FROM receipts \
             WHERE tenant = $1 AND ($2 IS NULL OR skill = $2) AND at >= $3 UNION ALL \
             SELECT invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens FROM usage_by_day \
             WHERE tenant = $1 AND ($2 IS NULL OR skill = $2) AND day >= $4) AS used",
        )
        .bind(tenant.as_str())
        .bind(skill)
        .bind(At(from_ms))
        .bind(from_ms.div_euclid(DAY_MS))
        .one(self.read(Scope::EveryUser(tenant.clone())))
        .await?;
        Ok(Usage { invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens })
    }

    /// What a tenant (or one user of it) used on each day since one, oldest first: receipts, and the sums of those that were pruned. A day
    /// is a number of days since 1970-01-01 UTC; days on which nothing was used are left out.
    ///
    /// # Errors
    /// The database's.
    pub async fn usage_by_day(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        from_day: i64,
    ) -> Result<Vec<(i64, Usage)>, StoreError> {
        macro_rules! days {
            ($day:literal) => {
                concat!(
                    "SELECT day, CAST(SUM(invocations) AS BIGINT), CAST(SUM(cpu_us) AS BIGINT), CAST(SUM(host_calls) AS BIGINT), \
                     CAST(SUM(http_fetches) AS BIGINT), CAST(SUM(workflow_starts) AS BIGINT), CAST(SUM(llm_tokens) AS BIGINT) FROM (\
                     SELECT ",
                    $day,
                    " AS day, 1 AS invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens FROM receipts \
                     WHERE tenant = $1 AND ($2 IS NULL OR user_id = $2) AND at >= $3 UNION ALL \
                     SELECT day, invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens FROM usage_by_day \
                     WHERE tenant = $1 AND ($2 IS NULL OR user_id = $2) AND day >= $4) AS used GROUP BY day ORDER BY day"
                )
            };
        }
        const DAYS: Sql = Sql::each(days!("at / 86400000"), days!("floor(extract(epoch FROM at) / 86400)::bigint"));
        let rows: Vec<(i64, i64, i64, i64, i64, i64, i64)> = query(DAYS)
            .bind(tenant.as_str())
            .bind(user.map(UserId::as_str))
            .bind(At(from_day.saturating_mul(DAY_MS)))
            .bind(from_day)
            .all(self.read(Scope::EveryUser(tenant.clone())))
            .await?;
        Ok(rows
            .into_iter()
            .map(|(day, invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens)| {
                (day, Usage { invocations, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens })
            })
            .collect())
    }
}
