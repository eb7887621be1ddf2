//! What each invocation used, and what it logged.

use openanalyst_domain::{JobId, MessageId, Owner, Receipt, TaskId};
use serde_json::Value;

use crate::sql::{At, Json, query};
use crate::{Store, StoreError, Tx, json, to_json};

impl Tx {
    /// Keeps a receipt with the lines that the invocation logged.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_receipt(
        &mut self,
        owner: &Owner,
        task: Option<TaskId>,
        job: Option<JobId>,
        receipt: &Receipt,
        logs: &Value,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO receipts (id, tenant, user_id, task_id, job_id, skill, data, logs, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(MessageId::new())
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(task)
        .bind(job)
        .bind(&receipt.skill)
        .bind(to_json(receipt))
        .bind(to_json(logs))
        .bind(At(at_ms))
        .run(self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The receipts of a task, in order.
    ///
    /// # Errors
    /// The database's.
    pub async fn task_receipts(&self, owner: &Owner, task: TaskId) -> Result<Vec<Receipt>, StoreError> {
        let rows: Vec<(Json,)> =
            query("SELECT data FROM receipts WHERE task_id = $1 AND tenant = $2 AND user_id = $3 ORDER BY id")
                .bind(task)
                .bind(owner.tenant.as_str())
                .bind(owner.user.as_str())
                .all(self.read(owner))
                .await?;
        rows.into_iter().map(|(text,)| json("receipt", &text)).collect()
    }
}
