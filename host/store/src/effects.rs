//! The journal of effects: what is about to happen is written before it happens, what came of it after.

use openanalyst_domain::{Owner, TaskId};
use serde_json::Value;

use crate::sql::{At, Json, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What was about to happen; for a job, with the id it was to have.
    pub intent: Value,
    /// What came of it. None: unknown, the host was interrupted in between.
    pub result: Option<Value>,
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
    fn text(&self) -> String {
        format!("{}:{}", self.task, self.place)
    }
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
        let written = query(
            "INSERT INTO effects (key, tenant, user_id, task_id, operation, intent, intent_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key) DO NOTHING",
        )
        .bind(key.text())
        .bind(key.owner.tenant.as_str())
        .bind(key.owner.user.as_str())
        .bind(key.task)
        .bind(operation)
        .bind(to_json(intent))
        .bind(At(at_ms))
        .run(&mut *self)
        .await?;
        if written == 1 {
            return Ok(None);
        }
        let (intent, result): (Json, Option<Json>) =
            query("SELECT intent, result FROM effects WHERE key = $1 AND tenant = $2 AND user_id = $3")
                .bind(key.text())
                .bind(key.owner.tenant.as_str())
                .bind(key.owner.user.as_str())
                .optional(self)
                .await?
                .ok_or_else(|| StoreError::Damaged {
                    what: "effect",
                    reason: format!("{} is somebody else's", key.text()),
                })?;
        Ok(Some(Effect {
            intent: json("effect intent", &intent)?,
            result: result.map(|text| json("effect result", &text)).transpose()?,
        }))
    }

    /// Writes what came of an effect.
    ///
    /// # Errors
    /// The database's.
    pub async fn settle(&mut self, key: &EffectKey<'_>, result: &Value, at_ms: i64) -> Result<(), StoreError> {
        query("UPDATE effects SET result = $2, result_at = $3 WHERE key = $1 AND tenant = $4 AND user_id = $5")
            .bind(key.text())
            .bind(to_json(result))
            .bind(At(at_ms))
            .bind(key.owner.tenant.as_str())
            .bind(key.owner.user.as_str())
            .run(self)
            .await?;
        Ok(())
    }
}

impl Store {
    /// What the journal holds for this key.
    ///
    /// # Errors
    /// The database's.
    pub async fn effect(&self, key: &EffectKey<'_>) -> Result<Option<Effect>, StoreError> {
        let row: Option<(Json, Option<Json>)> =
            query("SELECT intent, result FROM effects WHERE key = $1 AND tenant = $2 AND user_id = $3")
                .bind(key.text())
                .bind(key.owner.tenant.as_str())
                .bind(key.owner.user.as_str())
                .optional(self.read(key.owner))
                .await?;
        row.map(|(intent, result)| {
            Ok(Effect {
                intent: json("effect intent", &intent)?,
                result: result.map(|text| json("effect result", &text)).transpose()?,
            })
        })
        .transpose()
    }
}
