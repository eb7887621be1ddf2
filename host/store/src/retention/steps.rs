//! The steps of a pass: what may go is read first, and removed in small transactions.

use openanalyst_domain::{JobId, MessageId, Owner, TaskId};

use super::{MAX_BYTES, MAX_ROWS, OldTask, Pace, Pruned};
use crate::sql::{At, Id, Sql, query};
use crate::{Scope, Store, StoreError, Tx, to_json};

/// Most tasks that a step removes: each has some dozen rows.
const MAX_TASKS: usize = 16;
/// How many things are looked at with one question.
const LOOKED_AT: i64 = 200;
/// No two steps of different nodes run at the same time.
pub(super) const LOCK: &str = "prune";

/// One pass.
pub(super) struct Pass<'a, P> {
    pub(super) store: &'a Store,
    pub(super) now_ms: i64,
    pub(super) pace: &'a P,
    pub(super) done: &'a mut Pruned,
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

pub(super) use {with_ids, with_pairs};

/// A statement of a user: `$1` and `$2`.
pub(super) fn of_owner(sql: impl Into<Sql>, owner: &Owner) -> crate::sql::Query {
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
