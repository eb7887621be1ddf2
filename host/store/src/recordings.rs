//! What guests asked the host and were told: parts of tapes, in their order.

use openanalyst_domain::{Owner, TaskId};
use serde_json::Value;

use crate::sql::{Sql, query};
use crate::{Store, StoreError, Tx, to_json};

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
    /// Stores parts. One that is there already stays.
    pub fn keep_recordings(&mut self, owner: &Owner, task: TaskId, parts: &[&PartRow]) {
        let rows: Vec<_> =
            parts.iter().map(|row| (&row.place, row.number, &row.component, row.part.to_string())).collect();
        query(Sql::each(
            "INSERT INTO recordings (task_id, place, number, tenant, user_id, component, part) \
             SELECT $1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), $2, $3, json_extract(value, '$[2]'), json_extract(value, '$[3]') \
             FROM json_each($4) WHERE TRUE ON CONFLICT DO NOTHING",
            "INSERT INTO recordings (task_id, place, number, tenant, user_id, component, part) \
             SELECT $1, value ->> 0, (value ->> 1)::bigint, $2, $3, value ->> 2, value ->> 3 \
             FROM jsonb_array_elements($4) AS rows (value) ON CONFLICT DO NOTHING",
        ))
        .bind(task)
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .bind(to_json(&rows))
        .later(self);
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
