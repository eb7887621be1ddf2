//! Removing receipts: what they say is added to the sums of their days first.

use openanalyst_domain::{Owner, TenantId};
use serde_json::json;

use super::steps::{LOCK, Pass, of_owner, with_pairs};
use super::{MAX_BYTES, MAX_ROWS, Pace};
use crate::sql::{At, Id, Sql, query};
use crate::{Scope, Store, StoreError, to_json};

impl<P: Pace> Pass<'_, P> {
    /// Old receipts of a tenant.
    pub(super) async fn old_receipts(&mut self, tenant: &TenantId, cutoff_ms: i64) -> Result<(), StoreError> {
        loop {
            let rows: Vec<(String, Id)> = query(
                "SELECT skill, id FROM receipts WHERE tenant = $1 AND at <= $2 \
                 AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.id = receipts.task_id \
                 AND tasks.status IN ('accepted', 'running', 'needs-clarification')) ORDER BY at LIMIT $3",
            )
            .bind(tenant.as_str())
            .bind(At(cutoff_ms))
            .bind(i64::try_from(MAX_ROWS).unwrap_or(i64::MAX))
            .all(self.store.read(Scope::EveryUser(tenant.clone())))
            .await?;
            let count = rows.len();
            if count == 0 {
                return Ok(());
            }
            self.store.remove_receipts(tenant, &rows, false).await?;
            self.done.step(count);
            if !self.pace.pause().await || count < MAX_ROWS {
                return Ok(());
            }
        }
    }

    /// The oldest receipts of a user until `bytes` are gone.
    pub(super) async fn excess_receipts(&mut self, owner: &Owner, bytes: i64) -> Result<(), StoreError> {
        macro_rules! receipts {
            ($size:literal) => {
                concat!(
                    "SELECT skill, id, ",
                    $size,
                    " FROM receipts WHERE tenant = $1 AND user_id = $2 \
                     AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.id = receipts.task_id \
                     AND tasks.status IN ('accepted', 'running', 'needs-clarification')) ORDER BY at LIMIT $3"
                )
            };
        }
        let mut left = bytes;
        while left > 0 {
            let rows: Vec<(String, Id, i64)> = of_owner(
                Sql::each(
                    receipts!("100 + LENGTH(CAST(data AS BLOB)) + LENGTH(CAST(logs AS BLOB))"),
                    receipts!("(100 + octet_length(data::text) + octet_length(logs::text))::bigint"),
                ),
                owner,
            )
            .bind(i64::try_from(MAX_ROWS).unwrap_or(i64::MAX))
            .all(self.store.read(owner))
            .await?;
            let (mut batch, mut in_batch) = (Vec::new(), 0);
            for (skill, id, bytes) in rows {
                if left <= 0 || in_batch >= MAX_BYTES {
                    break;
                }
                left -= bytes;
                in_batch += bytes;
                batch.push((skill, id));
            }
            if batch.is_empty() {
                return Ok(());
            }
            self.store.remove_receipts(&owner.tenant, &batch, false).await?;
            self.done.step(batch.len());
            if !self.pace.pause().await {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Store {
    /// Removes receipts of a tenant, and adds what they say to the sums of their days. `forget_users`:
    /// the sums are kept for the tenant as a whole.
    pub(crate) async fn remove_receipts(
        &self,
        tenant: &TenantId,
        receipts: &[(String, Id)],
        forget_users: bool,
    ) -> Result<(), StoreError> {
        macro_rules! sums {
            ($day:literal, $which:literal) => {
                concat!(
                    "INSERT INTO usage_by_day (tenant, user_id, skill, day, invocations, cpu_us, host_calls, http_fetches, \
                     workflow_starts, llm_tokens) SELECT tenant, CASE WHEN $3 THEN '' ELSE user_id END, skill, ",
                    $day,
                    ", COUNT(*), SUM(cpu_us), SUM(host_calls), SUM(http_fetches), SUM(workflow_starts), SUM(llm_tokens) \
                     FROM receipts WHERE tenant = $1 AND (skill, id) IN ",
                    $which,
                    " GROUP BY 1, 2, 3, 4 ON CONFLICT (tenant, day, user_id, skill) DO UPDATE SET \
                     invocations = usage_by_day.invocations + excluded.invocations, \
                     cpu_us = usage_by_day.cpu_us + excluded.cpu_us, \
                     host_calls = usage_by_day.host_calls + excluded.host_calls, \
                     http_fetches = usage_by_day.http_fetches + excluded.http_fetches, \
                     workflow_starts = usage_by_day.workflow_starts + excluded.workflow_starts, \
                     llm_tokens = usage_by_day.llm_tokens + excluded.llm_tokens"
                )
            };
        }
        const SUMS: Sql = Sql::each(
            sums!(
                "at / 86400000",
                "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($2))"
            ),
            sums!(
                "floor(extract(epoch FROM at) / 86400)::bigint",
                "(SELECT value ->> 0, (value ->> 1)::uuid FROM jsonb_array_elements($2) AS pairs (value))"
            ),
        );
        let pairs: Vec<_> = receipts.iter().map(|(skill, id)| json!([skill, id.to_string()])).collect();
        let mut tx = self.begin(Scope::EveryUser(tenant.clone())).await?;
        tx.lock(LOCK).await?;
        query(SUMS).bind(tenant.as_str()).bind(to_json(&pairs)).bind(forget_users).run(&mut tx).await?;
        query(with_pairs!("DELETE FROM receipts WHERE tenant = $1 AND (skill, id)", "$2", "text", ""))
            .bind(tenant.as_str())
            .bind(to_json(&pairs))
            .run(&mut tx)
            .await?;
        tx.commit().await
    }
}
