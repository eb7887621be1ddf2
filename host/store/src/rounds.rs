//! What the planner was given in earlier rounds and parts of a task, and what came of them. The last one stands with the task itself.

use openanalyst_domain::{Owner, TaskId};
use serde_json::Value;

use crate::sql::{Json, from_row, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// A round or part of a task that is over, while the task goes on.
#[derive(Debug, Clone, Copy)]
pub struct EndedRound<'a> {
    /// The task.
    pub task: TaskId,
    /// The number of its first part.
    pub first: i64,
    /// The skill that did it.
    pub skill: &'a str,
    /// The skill's version.
    pub version: Option<&'a str>,
    /// The digest of that version.
    pub digest: Option<&'a str>,
    /// What came of it: the answer, or what was asked.
    pub outcome: &'a Value,
}

/// One as it is stored.
#[derive(Debug, Clone)]
pub struct RoundRow {
    /// Its number.
    pub round: i64,
    /// The skill that did it.
    pub skill: String,
    /// The skill's version.
    pub version: Option<String>,
    /// The digest of that version.
    pub digest: Option<String>,
    /// What the planner was given.
    pub prepared: Value,
    /// What it planned. None: it gave no plan.
    pub plan: Option<Value>,
    /// What came of it.
    pub outcome: Value,
}

struct Raw {
    round: i64,
    skill: String,
    version: Option<String>,
    digest: Option<String>,
    prepared: Json,
    plan: Option<Json>,
    outcome: Json,
}

from_row!(Raw { round, skill, version, digest, prepared, plan, outcome });

impl Tx {
    /// Keeps what stands with a task of its current round, before that is replaced. Nothing happens where no skill was asked yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_round(&mut self, owner: &Owner, round: EndedRound<'_>) -> Result<(), StoreError> {
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct Prepared {
            part: i64,
        }
        let prepared: Option<(Option<Json>,)> =
            query("SELECT prepared FROM task_documents WHERE task_id = $1 AND tenant = $2 AND user_id = $3")
                .bind(round.task)
                .bind(owner.tenant.as_str())
                .bind(owner.user.as_str())
                .optional(&mut *self)
                .await?;
        let Some((Some(prepared),)) = prepared else { return Ok(()) };
        let Prepared { part } = json("what was prepared", &prepared)?;
        query(
            "INSERT INTO task_rounds (task_id, round, tenant, user_id, skill, version, digest, prepared, plan, outcome) \
             SELECT task_id, $4, $2, $3, $5, $6, $7, prepared, plan, $8 FROM task_documents \
             WHERE task_id = $1 AND tenant = $2 AND user_id = $3 ON CONFLICT (task_id, round) DO NOTHING",
        )
        .bind(round.task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(round.first + part)
        .bind(round.skill)
        .bind(round.version)
        .bind(round.digest)
        .bind(to_json(round.outcome))
        .run(self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The rounds and parts of a task that are over, in their order; without the last one, which stands with the task.
    ///
    /// # Errors
    /// The database's.
    pub async fn rounds(&self, owner: &Owner, task: TaskId) -> Result<Vec<RoundRow>, StoreError> {
        let rows: Vec<Raw> = query(
            "SELECT round, skill, version, digest, prepared, plan, outcome FROM task_rounds \
             WHERE task_id = $1 AND tenant = $2 AND user_id = $3 ORDER BY round",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .all(self.read(owner))
        .await?;
        rows.into_iter()
            .map(|raw| {
                Ok(RoundRow {
                    round: raw.round,
                    skill: raw.skill,
                    version: raw.version,
                    digest: raw.digest,
                    prepared: json("what was prepared", &raw.prepared)?,
                    plan: raw.plan.as_ref().map(|plan| json("plan", plan)).transpose()?,
                    outcome: json("outcome", &raw.outcome)?,
                })
            })
            .collect()
    }
}
