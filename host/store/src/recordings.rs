//! What guests asked the host and were told: parts of tapes, in their order.

use openanalyst_domain::{Owner, TaskId};
use serde_json::Value;

use crate::sql::query;
use crate::{Store, StoreError, Tx};

/// A part of the recording of one invocation.
#[derive(Debug, Clone)]
pub struct PartRow {
    /// The invocation: round, step, attempt and export.
    pub place: String,
    /// The number of the part's first host call, from 0.
    pub number: i64,
    /// The digest of the component that ran.
    pub component: String,
    /// The part.
    pub part: Value,
}

impl Tx {
    /// Stores a part. One that is there already stays.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_recording(&mut self, owner: &Owner, task: TaskId, part: &PartRow) -> Result<(), StoreError> {
        query(
            "INSERT INTO recordings (task_id, place, number, tenant, user_id, component, part) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (task_id, place, number) DO NOTHING",
        )
        .bind(task)
        .bind(&part.place)
        .bind(part.number)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(&part.component)
        .bind(part.part.to_string())
        .run(self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The parts of one invocation, or with no place of all invocations of the task, in their order.
    ///
    /// # Errors
    /// The database's.
    pub async fn recordings(
        &self,
        owner: &Owner,
        task: TaskId,
        place: Option<&str>,
    ) -> Result<Vec<PartRow>, StoreError> {
        let rows: Vec<(String, i64, String, String)> = query(
            "SELECT place, number, component, part FROM recordings \
             WHERE task_id = $1 AND tenant = $2 AND user_id = $3 AND ($4 IS NULL OR place = $4) ORDER BY place, number",
        )
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(place)
        .all(self.read(owner))
        .await?;
        rows.into_iter()
            .map(|(place, number, component, part)| {
                Ok(PartRow { place, number, component, part: crate::json("recording", &part)? })
            })
            .collect()
    }
}
