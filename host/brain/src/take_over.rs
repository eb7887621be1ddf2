//! Tasks of processes that are gone: found, and taken up.

use std::time::Duration;

use openanalyst_store::StoreError;

use crate::brain::Brain;

/// How often the host looks for them.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(5);

impl Brain {
    /// Takes up the open tasks of processes that are gone.
    pub(crate) async fn take_over(&self) -> Result<(), StoreError> {
        let inner = &self.inner;
        for row in inner.store.open_tasks_of_all_tenants().await? {
            let node = row.node.as_deref().unwrap_or_default();
            let ours = node == inner.node.to_string() || inner.taken().contains_key(&row.id);
            if !ours && !inner.nodes.is_alive(node) {
                tracing::info!(task = %row.id, from = node, "taking up a task of a process that is gone");
                match row.waits_for {
                    Some(job) => {
                        self.take_parked(&row.owner, &row.session, row.id, job, row.waits_until_ms).await;
                    }
                    None => self.take(&row.owner, &row.session, row.id),
                }
            }
        }
        Ok(())
    }

    /// Looks for them for as long as the host runs.
    pub(crate) async fn keep_taking_over(&self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(TAKE_OVER_EVERY) => {}
                () = self.inner.closing.cancelled() => return,
            }
            if let Err(error) = self.take_over().await {
                tracing::warn!(%error, "looking for tasks of processes that are gone failed");
            }
        }
    }
}
