//! The steps of a pass: what may go is read first, and removed in small transactions.

use openanalyst_domain::{JobId, MessageId, Owner, TaskId, TenantId};
use serde_json::json;

use super::{MAX_BYTES, MAX_ROWS, Pace, Pruned};
use crate::sql::{At, Id, Sql, query};
use crate::{Scope, Store, StoreError, Tx, to_json};

/// Most tasks that a step removes: each has some dozen rows.
const MAX_TASKS: usize = 16;
/// How many things are looked at with one question.
const LOOKED_AT: i64 = 200;
/// Of a large task, a step removes so many rows of a table; a row has at most about 1 MiB.
const ROWS_OF_LARGE: i64 = 4;
/// No two steps of different nodes run at the same time.
const LOCK: &str = "prune";

/// One pass.
pub(super) struct Pass<'a, P> {
    pub(super) store: &'a Store,
    pub(super) now_ms: i64,
    pub(super) pace: &'a P,
    pub(super) done: &'a mut Pruned,
}

/// A task, as far as its removal needs it.
pub(crate) struct OldTask {
    pub(crate) id: TaskId,
    pub(crate) session: String,
    pub(crate) bytes: i64,
}

/// A statement with a list of ids, which stands in a parameter as a JSON list.
macro_rules! with_ids {
    ($before:literal, $parameter:literal) => {
        Sql::each(
            concat!($before, " IN (SELECT value FROM json_each(", $parameter, "))"),
            concat!(
                $before,
                " IN (SELECT value::uuid FROM jsonb_array_elements_text(",
                $parameter,
                ") AS ids (value))"
            ),
        )
    };
}

/// The same with pairs; the second of a pair is an id.
macro_rules! with_pairs {
    ($before:literal, $parameter:literal, $first:literal, $after:literal) => {
        Sql::each(
            concat!(
                $before,
                " IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(",
                $parameter,
                "))",
                $after
            ),
            concat!(
                $before,
                " IN (SELECT (value ->> 0)::",
                $first,
                ", (value ->> 1)::uuid FROM jsonb_array_elements(",
                $parameter,
                ") AS pairs (value))",
                $after
            ),
        )
    };
}

/// Some rows (`$4`) of one task (`$3`) of a user.
macro_rules! some_of_task {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE tenant = $1 AND user_id = $2 AND task_id = $3 LIMIT $4)"
        )
    };
}

/// The tables with rows of large tasks.
const SOME_OF_TASK: [&str; 5] = [
    some_of_task!("task_events", "task_id, seq"),
    some_of_task!("step_results", "task_id, round, step_id"),
    some_of_task!("task_rounds", "task_id, round"),
    some_of_task!("recordings", "tenant, user_id, task_id, place, number"),
    some_of_task!("effects", "key"),
];

/// All rows of some tasks (`$3`) of a user, but for their messages and the tasks themselves.
const ALL_OF_TASKS: [Sql; 7] = [
    with_ids!("DELETE FROM task_events WHERE tenant = $1 AND user_id = $2 AND task_id", "$3"),
    with_ids!("DELETE FROM step_results WHERE tenant = $1 AND user_id = $2 AND task_id", "$3"),
    with_ids!("DELETE FROM task_rounds WHERE tenant = $1 AND user_id = $2 AND task_id", "$3"),
    with_ids!("DELETE FROM task_documents WHERE tenant = $1 AND user_id = $2 AND task_id", "$3"),
    with_ids!("DELETE FROM recordings WHERE tenant = $1 AND user_id = $2 AND task_id", "$3"),
    with_ids!("DELETE FROM effects WHERE tenant = $1 AND user_id = $2 AND task_id", "$3"),
    with_ids!(
        "DELETE FROM history WHERE tenant = $1 AND user_id = $2 AND kind IN ('session', 'success', 'failure') AND task_id",
        "$3"
    ),
];
const TASKS: Sql = with_ids!("DELETE FROM tasks WHERE tenant = $1 AND user_id = $2 AND id", "$3");

impl Store {
    /// The messages of some tasks, each with its conversation.
    async fn messages_of(&self, owner: &Owner, tasks: &[OldTask]) -> Result<Vec<(Id, Id)>, StoreError> {
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let sessions: Vec<&str> = tasks.iter().map(|task| task.session.as_str()).collect();
        query(Sql::each(
            "SELECT messages.conversation_id, messages.id FROM conversations \
             JOIN messages ON messages.conversation_id = conversations.id \
             WHERE conversations.tenant = $1 AND conversations.user_id = $2 \
             AND conversations.session IN (SELECT value FROM json_each($3)) \
             AND messages.task_id IN (SELECT value FROM json_each($4))",
            "SELECT messages.conversation_id, messages.id FROM conversations \
             JOIN messages ON messages.conversation_id = conversations.id \
             WHERE conversations.tenant = $1 AND conversations.user_id = $2 \
             AND conversations.session IN (SELECT jsonb_array_elements_text($3)) \
             AND messages.task_id IN (SELECT value::uuid FROM jsonb_array_elements_text($4) AS ids (value))",
        ))
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(to_json(&sessions))
        .bind(to_json(&ids))
        .all(self.read(owner))
        .await
    }

    /// Removes some tasks of a user with all that belongs to them, in one transaction. Of a task that
    /// has more than [`MAX_BYTES`] some rows go first, a few in each transaction. Gives how many
    /// transactions it took.
    pub(crate) async fn remove_tasks(
        &self,
        owner: &Owner,
        tasks: &[OldTask],
        pace: &impl Pace,
    ) -> Result<u64, StoreError> {
        let mut steps = 0;
        for task in tasks.iter().filter(|task| task.bytes > MAX_BYTES) {
            for sql in SOME_OF_TASK {
                loop {
                    let mut tx = self.begin(owner).await?;
                    tx.lock(LOCK).await?;
                    let gone = query(sql)
                        .bind(owner.tenant.as_str())
                        .bind(owner.user.as_str())
                        .bind(task.id)
                        .bind(ROWS_OF_LARGE)
                        .run(&mut tx)
                        .await?;
                    tx.commit().await?;
                    steps += 1;
                    if !pace.pause().await {
                        // The rest goes another time: the task is still there.
                        return Ok(steps);
                    }
                    if i64::try_from(gone).unwrap_or(i64::MAX) < ROWS_OF_LARGE {
                        break;
                    }
                }
            }
        }
        let messages = self.messages_of(owner, tasks).await?;
        let pairs: Vec<[String; 2]> =
            messages.iter().map(|(conversation, id)| [conversation.to_string(), id.to_string()]).collect();
        let conversations: std::collections::BTreeSet<&str> = pairs.iter().map(|[of, _]| of.as_str()).collect();
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let mut tx = self.begin(owner).await?;
        tx.lock(LOCK).await?;
        for sql in ALL_OF_TASKS {
            of_owner(sql, owner).bind(to_json(&ids)).later(&mut tx);
        }
        of_owner(
            with_pairs!(
                "DELETE FROM messages WHERE tenant = $1 AND user_id = $2 AND (conversation_id, id)",
                "$3",
                "uuid",
                ""
            ),
            owner,
        )
        .bind(to_json(&pairs))
        .later(&mut tx);
        tx.flush().await?;
        of_owner(
            Sql::each(
                "DELETE FROM conversations WHERE tenant = $1 AND user_id = $2 AND id IN (SELECT value FROM json_each($3)) \
                 AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.conversation_id = conversations.id)",
                "DELETE FROM conversations WHERE tenant = $1 AND user_id = $2 \
                 AND id IN (SELECT value::uuid FROM jsonb_array_elements_text($3) AS ids (value)) \
                 AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.conversation_id = conversations.id)",
            ),
            owner,
        )
        .bind(to_json(&conversations))
        .later(&mut tx);
        of_owner(TASKS, owner).bind(to_json(&ids)).later(&mut tx);
        tx.commit().await?;
        Ok(steps + 1)
    }
}

fn of_owner(sql: impl Into<Sql>, owner: &Owner) -> crate::sql::Query {
    query(sql).bind(owner.tenant.as_str()).bind(owner.user.as_str())
}

/// Takes what may go: what is old, and what is too much. Things come oldest first.
struct Excess {
    cutoff_ms: i64,
    bytes: i64,
}

impl Excess {
    /// Whether a thing goes that ended then and has so many bytes.
    fn takes(&mut self, ended_ms: i64, bytes: i64) -> bool {
        let goes = ended_ms <= self.cutoff_ms || self.bytes > 0;
        if goes {
            self.bytes -= bytes;
        }
        goes
    }

    /// Whether anything that began then, or later, can go.
    fn ends_at(&self, began_ms: i64) -> bool {
        began_ms > self.cutoff_ms && self.bytes <= 0
    }
}

impl<P: Pace> Pass<'_, P> {
    /// Begins a step.
    async fn begin(&self, scope: impl Into<Scope>) -> Result<Tx, StoreError> {
        let mut tx = self.store.begin(scope).await?;
        tx.lock(LOCK).await?;
        Ok(tx)
    }

    /// Tasks that have ended: those that are old, and of the others the oldest until `bytes` are gone.
    pub(super) async fn tasks(&mut self, owner: &Owner, cutoff_ms: i64, bytes: i64) -> Result<(), StoreError> {
        let mut excess = Excess { cutoff_ms, bytes };
        let mut after = TaskId(uuid::Uuid::nil());
        loop {
            let rows: Vec<(Id, At, Option<At>, String, i64)> = of_owner(
                "SELECT id, accepted_at, ended_at, session, bytes FROM tasks \
                 WHERE tenant = $1 AND user_id = $2 AND id > $3 ORDER BY id LIMIT $4",
                owner,
            )
            .bind(after)
            .bind(LOOKED_AT)
            .all(self.store.read(owner))
            .await?;
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            after = TaskId(last.0);
            let mut batch = Vec::new();
            let mut in_batch = 0;
            for (id, accepted, ended, session, bytes) in rows {
                if excess.ends_at(accepted.0) {
                    self.remove(owner, &mut batch).await?;
                    return Ok(());
                }
                // Only what has ended has this moment.
                let Some(ended) = ended else { continue };
                if !excess.takes(ended.0, bytes) {
                    continue;
                }
                batch.push(OldTask { id: TaskId(id.0), session, bytes });
                in_batch += bytes;
                if batch.len() >= MAX_TASKS || in_batch >= MAX_BYTES {
                    in_batch = 0;
                    if !self.remove(owner, &mut batch).await? {
                        return Ok(());
                    }
                }
            }
            if !self.remove(owner, &mut batch).await? {
                return Ok(());
            }
        }
    }

    async fn remove(&mut self, owner: &Owner, batch: &mut Vec<OldTask>) -> Result<bool, StoreError> {
        if batch.is_empty() {
            return Ok(true);
        }
        let steps = self.store.remove_tasks(owner, batch, self.pace).await?;
        self.done.step(batch.len());
        self.done.steps += steps - 1;
        batch.clear();
        Ok(self.pace.pause().await)
    }

    /// Old entries of the history.
    pub(super) async fn entries(&mut self, owner: &Owner, cutoff_ms: i64) -> Result<(), StoreError> {
        loop {
            let rows: Vec<(Id, At)> =
                of_owner("SELECT id, at FROM history WHERE tenant = $1 AND user_id = $2 ORDER BY id LIMIT $3", owner)
                    .bind(i64::try_from(MAX_ROWS).unwrap_or(i64::MAX))
                    .all(self.store.read(owner))
                    .await?;
            let sql = with_ids!("DELETE FROM history WHERE tenant = $1 AND user_id = $2 AND id", "$3");
            if !self.old_rows(owner, sql, rows, cutoff_ms).await? {
                return Ok(());
            }
        }
    }

    /// Old notifications.
    pub(super) async fn notices(&mut self, owner: &Owner, cutoff_ms: i64) -> Result<(), StoreError> {
        loop {
            let rows: Vec<(Id, At)> = of_owner(
                "SELECT id, created_at FROM notifications WHERE tenant = $1 AND user_id = $2 ORDER BY id LIMIT $3",
                owner,
            )
            .bind(i64::try_from(MAX_ROWS).unwrap_or(i64::MAX))
            .all(self.store.read(owner))
            .await?;
            let sql = with_ids!("DELETE FROM notifications WHERE tenant = $1 AND user_id = $2 AND id", "$3");
            if !self.old_rows(owner, sql, rows, cutoff_ms).await? {
                return Ok(());
            }
        }
    }

    /// Removes those of some rows that are old. Says whether all of them were, so that there may be more.
    async fn old_rows(
        &mut self,
        owner: &Owner,
        sql: Sql,
        rows: Vec<(Id, At)>,
        cutoff_ms: i64,
    ) -> Result<bool, StoreError> {
        let all = rows.len();
        let old: Vec<MessageId> =
            rows.into_iter().filter(|(_, at)| at.0 <= cutoff_ms).map(|(id, _)| MessageId(id.0)).collect();
        if old.is_empty() {
            return Ok(false);
        }
        let mut tx = self.begin(owner).await?;
        of_owner(sql, owner).bind(to_json(&old)).later(&mut tx);
        tx.commit().await?;
        self.done.step(old.len());
        Ok(self.pace.pause().await && old.len() == all && all >= MAX_ROWS)
    }

    /// Recordings of tasks that have ended: those of old ones, and the oldest until `bytes` are gone.
    pub(super) async fn recordings(&mut self, owner: &Owner, cutoff_ms: i64, bytes: i64) -> Result<(), StoreError> {
        let mut excess = Excess { cutoff_ms, bytes };
        let mut after = TaskId(uuid::Uuid::nil());
        loop {
            let rows: Vec<(Id, At, Option<At>, i64)> = of_owner(
                Sql::each(
                    "SELECT recorded.task_id, accepted_at, ended_at, recorded.bytes FROM \
                     (SELECT task_id, SUM(100 + LENGTH(CAST(part AS BLOB))) AS bytes FROM recordings \
                     WHERE tenant = $1 AND user_id = $2 AND task_id > $3 GROUP BY task_id ORDER BY task_id LIMIT $4) \
                     AS recorded JOIN tasks ON tasks.id = recorded.task_id ORDER BY 1",
                    "SELECT recorded.task_id, accepted_at, ended_at, recorded.bytes FROM \
                     (SELECT task_id, SUM(100 + octet_length(part))::bigint AS bytes FROM recordings \
                     WHERE tenant = $1 AND user_id = $2 AND task_id > $3 GROUP BY task_id ORDER BY task_id LIMIT $4) \
                     AS recorded JOIN tasks ON tasks.id = recorded.task_id ORDER BY 1",
                ),
                owner,
            )
            .bind(after)
            .bind(i64::try_from(MAX_ROWS).unwrap_or(i64::MAX))
            .all(self.store.read(owner))
            .await?;
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            after = TaskId(last.0);
            let (mut batch, mut in_batch, mut ended_early) = (Vec::new(), 0, false);
            for (id, accepted, ended, bytes) in rows {
                if excess.ends_at(accepted.0) {
                    ended_early = true;
                    break;
                }
                if ended.is_some_and(|ended| excess.takes(ended.0, bytes)) {
                    batch.push(TaskId(id.0));
                    in_batch += bytes;
                }
                if in_batch >= MAX_BYTES || batch.len() >= MAX_TASKS {
                    in_batch = 0;
                    if !self.remove_recordings(owner, &mut batch).await? {
                        return Ok(());
                    }
                }
            }
            if !self.remove_recordings(owner, &mut batch).await? || ended_early {
                return Ok(());
            }
        }
    }

    async fn remove_recordings(&mut self, owner: &Owner, batch: &mut Vec<TaskId>) -> Result<bool, StoreError> {
        if batch.is_empty() {
            return Ok(true);
        }
        let mut tx = self.begin(owner).await?;
        let sql = with_ids!("DELETE FROM recordings WHERE tenant = $1 AND user_id = $2 AND task_id", "$3");
        of_owner(sql, owner).bind(to_json(&batch)).later(&mut tx);
        tx.commit().await?;
        self.done.step(batch.len());
        batch.clear();
        Ok(self.pace.pause().await)
    }

    /// Jobs that have ended: old ones, and the oldest until `bytes` are gone. Those stay that an open
    /// task or an open job started.
    pub(super) async fn jobs(&mut self, owner: &Owner, cutoff_ms: i64, bytes: i64) -> Result<(), StoreError> {
        macro_rules! jobs {
            ($size:literal) => {
                concat!(
                    "SELECT id, created_at, ended_at, ",
                    $size,
                    ", EXISTS (SELECT 1 FROM tasks WHERE tasks.id = jobs.task_id \
                     AND tasks.status IN ('accepted', 'running', 'needs-clarification')) \
                     OR EXISTS (SELECT 1 FROM jobs AS above WHERE above.id = jobs.parent_job \
                     AND above.status IN ('queued', 'running')) FROM jobs \
                     WHERE tenant = $1 AND user_id = $2 AND id > $3 ORDER BY id LIMIT $4"
                )
            };
        }
        let mut excess = Excess { cutoff_ms, bytes };
        let mut after = JobId(uuid::Uuid::nil());
        loop {
            let rows: Vec<(Id, At, Option<At>, i64, bool)> = of_owner(
                Sql::each(
                    jobs!(
                        "100 + LENGTH(CAST(args AS BLOB)) + LENGTH(CAST(logs AS BLOB)) \
                         + COALESCE(LENGTH(CAST(result AS BLOB)), 0)"
                    ),
                    jobs!(
                        "(100 + octet_length(args::text) + octet_length(logs) \
                         + COALESCE(octet_length(result::text), 0))::bigint"
                    ),
                ),
                owner,
            )
            .bind(after)
            .bind(LOOKED_AT)
            .all(self.store.read(owner))
            .await?;
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            after = JobId(last.0);
            let (mut batch, mut in_batch, mut ended_early) = (Vec::new(), 0, false);
            for (id, created, ended, bytes, needed) in rows {
                if excess.ends_at(created.0) {
                    ended_early = true;
                    break;
                }
                if !needed && ended.is_some_and(|ended| excess.takes(ended.0, bytes)) {
                    batch.push(JobId(id.0));
                    in_batch += bytes;
                }
                if in_batch >= MAX_BYTES || batch.len() >= MAX_ROWS {
                    in_batch = 0;
                    if !self.remove_jobs(owner, &mut batch).await? {
                        return Ok(());
                    }
                }
            }
            if !self.remove_jobs(owner, &mut batch).await? || ended_early {
                return Ok(());
            }
        }
    }

    async fn remove_jobs(&mut self, owner: &Owner, batch: &mut Vec<JobId>) -> Result<bool, StoreError> {
        if batch.is_empty() {
            return Ok(true);
        }
        let mut tx = self.begin(owner).await?;
        let sql = with_ids!("DELETE FROM jobs WHERE tenant = $1 AND user_id = $2 AND id", "$3");
        of_owner(sql, owner).bind(to_json(&batch)).later(&mut tx);
        tx.commit().await?;
        self.done.step(batch.len());
        batch.clear();
        Ok(self.pace.pause().await)
    }

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

    /// Values of the memory whose time is over.
    pub(super) async fn expired_memory(&mut self, owner: &Owner) -> Result<(), StoreError> {
        loop {
            let keys: Vec<(String,)> = of_owner(
                "SELECT key FROM memory WHERE tenant = $1 AND user_id = $2 AND expires_at <= $3 ORDER BY expires_at LIMIT $4",
                owner,
            )
            .bind(At(self.now_ms))
            .bind(i64::try_from(MAX_ROWS).unwrap_or(i64::MAX))
            .all(self.store.read(owner))
            .await?;
            if keys.is_empty() {
                return Ok(());
            }
            let count = keys.len();
            let keys: Vec<String> = keys.into_iter().map(|(key,)| key).collect();
            let mut tx = self.begin(owner).await?;
            // It may have been put anew since.
            of_owner(
                Sql::each(
                    "DELETE FROM memory WHERE tenant = $1 AND user_id = $2 AND expires_at <= $3 \
                     AND key IN (SELECT value FROM json_each($4))",
                    "DELETE FROM memory WHERE tenant = $1 AND user_id = $2 AND expires_at <= $3 \
                     AND key IN (SELECT jsonb_array_elements_text($4))",
                ),
                owner,
            )
            .bind(At(self.now_ms))
            .bind(to_json(&keys))
            .later(&mut tx);
            tx.commit().await?;
            self.done.step(count);
            if !self.pace.pause().await || count < MAX_ROWS {
                return Ok(());
            }
        }
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
