//! The journal of effects: what is about to happen is written before it happens, what came of it after.

use openanalyst_domain::{Owner, TaskId};
use serde_json::Value;

use crate::db::Source;
use crate::sql::{At, Json, Query, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What was about to happen; for a job, with the id it was to have.
    pub intent: Value,
    /// What came of it. None: unknown, the host was interrupted in between.
    pub result: Option<Value>,
}

impl Effect {
    pub(crate) fn read(intent: &Json, result: Option<&Json>) -> Result<Self, StoreError> {
        Ok(Self {
            intent: json("effect intent", intent)?,
            result: result.map(|text| json("effect result", text)).transpose()?,
        })
    }
}

/// Names an effect: the same call of the same step of the same task has the same key, also after a restart.
#[derive(Debug, Clone)]
pub struct EffectKey<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// The task.
    pub task: TaskId,
    /// The place in the task: what the change is, and of which step; without the attempt where every attempt shares it.
    pub place: &'a str,
}

impl EffectKey<'_> {
    pub(crate) fn text(&self) -> String {
        format!("{}:{}", self.task, self.place)
    }
}

fn insert(key: &EffectKey<'_>, operation: &str, intent: &Value, result: Option<&Value>, at_ms: i64) -> Query {
    query(
        "INSERT INTO effects (key, tenant, user_id, task_id, operation, intent, intent_at, result, result_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING",
    )
    .bind(key.text())
    .bind(key.owner.tenant.as_str())
    .bind(key.owner.user.as_str())
    .bind(key.task)
    .bind(operation)
    .bind(to_json(intent))
    .bind(At(at_ms))
    .bind(result.map(to_json))
    .bind(At::maybe(result.map(|_| at_ms)))
}

async fn effect(key: &EffectKey<'_>, from: impl Source) -> Result<Option<Effect>, StoreError> {
    let row: Option<(Json, Option<Json>)> =
        query("SELECT intent, result FROM effects WHERE key = $1 AND tenant = $2 AND user_id = $3")
            .bind(key.text())
            .bind(key.owner.tenant.as_str())
            .bind(key.owner.user.as_str())
            .optional(from)
            .await?;
    row.map(|(intent, result)| Effect::read(&intent, result.as_ref())).transpose()
}

impl Tx {
    /// Writes an intent, or gives what the journal already holds for this key.
    ///
    /// # Errors
    /// The database's.
    pub async fn intend(
        &mut self,
        key: &EffectKey<'_>,
        operation: &str,
        intent: &Value,
        at_ms: i64,
    ) -> Result<Option<Effect>, StoreError> {
        // Whoever writes the same key at this moment is waited for.
        let insert = insert(key, operation, intent, None, at_ms);
        let bytes = insert.bytes();
        if insert.run(&mut *self).await? == 1 {
            self.count_bytes(bytes);
            self.progresses();
            return Ok(None);
        }
        let there = self.effect(key).await?;
        there
            .map(Some)
            .ok_or_else(|| StoreError::Damaged { what: "effect", reason: format!("{} is somebody else's", key.text()) })
    }

    /// What the journal holds for this key.
    ///
    /// # Errors
    /// The database's.
    pub async fn effect(&mut self, key: &EffectKey<'_>) -> Result<Option<Effect>, StoreError> {
        effect(key, self).await
    }

    /// Writes an intent of which it is known that the journal holds nothing for its key.
    pub fn intend_first(&mut self, key: &EffectKey<'_>, operation: &str, intent: &Value, at_ms: i64) {
        self.progresses();
        insert(key, operation, intent, None, at_ms).later_counted(self);
    }

    /// Writes an effect with what came of it, where both are one transaction, and it is known that the journal holds nothing for its key.
    pub fn intend_and_settle(
        &mut self,
        key: &EffectKey<'_>,
        operation: &str,
        intent: &Value,
        result: &Value,
        at_ms: i64,
    ) {
        self.progresses();
        insert(key, operation, intent, Some(result), at_ms).later_counted(self);
    }

    /// Writes what came of an effect.
    pub fn settle(&mut self, key: &EffectKey<'_>, result: &Value, at_ms: i64) {
        self.progresses();
        query("UPDATE effects SET result = $2, result_at = $3 WHERE key = $1 AND tenant = $4 AND user_id = $5")
            .bind(key.text())
            .bind(to_json(result))
            .bind(At(at_ms))
            .bind(key.owner.tenant.as_str())
            .bind(key.owner.user.as_str())
            .later_counted(self);
    }
}

impl Store {
    /// What the journal holds for this key.
    ///
    /// # Errors
    /// The database's.
    pub async fn effect(&self, key: &EffectKey<'_>) -> Result<Option<Effect>, StoreError> {
        effect(key, self.read(key.owner)).await
    }
}
