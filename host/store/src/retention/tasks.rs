//! Removing tasks with all that belongs to them.

use openanalyst_domain::{Owner, TaskId};

use super::steps::{LOCK, of_owner, with_ids, with_pairs};
use super::{MAX_BYTES, Pace};
use crate::sql::{Id, Sql, query};
use crate::{Store, StoreError, to_json};

/// Of a large task, a step removes so many rows of a table; a row has at most about 1 MiB.
const ROWS_OF_LARGE: i64 = 4;

/// A task, as far as its removal needs it.
pub(crate) struct OldTask {
    pub(crate) id: TaskId,
    pub(crate) session: String,
    pub(crate) bytes: i64,
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
