//! Tasks of processes that are gone: found, and taken up; and what other processes want of the tasks here.

use std::time::Duration;

use openanalyst_store::StoreError;

use crate::brain::Brain;

/// How often the host looks for them.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(5);
/// How often it looks whether somebody cancelled a task through another process, where it was not told.
const CANCELLED_EVERY: Duration = Duration::from_secs(1);
/// How soon it tries to hear again what other nodes say, once it could not.
const HEAR_AGAIN: Duration = Duration::from_secs(5);

impl Brain {
    /// Takes up the open tasks at which nobody works.
    pub(crate) async fn recover_tasks(&self) -> Result<(), StoreError> {
        let inner = &self.inner;
        let open = inner.store.open_tasks_of_all_tenants().await?;
        let not_ours = |node: &str| node != inner.node.to_string();
        if open.iter().any(|row| not_ours(row.node.as_deref().unwrap_or_default())) {
            // After the tasks were read: a node that has one was there before.
            inner.nodes.look().await?;
        }
        for row in open {
            let node = row.node.as_deref().unwrap_or_default();
            // What stands in this process's name and is not in its hands has an acceptance that was written although the connection broke.
            if inner.taken().contains_key(&row.id) || (not_ours(node) && inner.nodes.is_alive(node)) {
                continue;
            }
            tracing::info!(task = %row.id, from = node, "taking up a task at which nobody works");
            match row.waits_for {
                Some(job) => self.enqueue_suspended(&row.owner, &row.session, row.id, job, row.waits_until_ms).await,
                None => self.take(&row.owner, &row.session, row.id),
            }
        }
        Ok(())
    }

    /// Looks for them for as long as the host runs.
    pub(crate) async fn keep_recovering(&self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(TAKE_OVER_EVERY) => {}
                () = self.inner.closing.cancelled() => return,
            }
            if let Err(error) = self.recover_tasks().await {
                tracing::warn!(%error, "looking for tasks of processes that are gone failed");
            }
        }
    }

    /// Cancels what other processes were asked to cancel, for as long as the host runs: what it hears of at once, and what it was not told when it looks.
    pub(crate) async fn keep_cancelling(&self) {
        let looking = async {
            loop {
                tokio::time::sleep(CANCELLED_EVERY).await;
                self.cancel_requested_tasks().await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = self.listen_for_cancellations() => {}
            () = self.inner.closing.cancelled() => {}
        }
    }

    async fn listen_for_cancellations(&self) {
        loop {
            let heard: Result<(), StoreError> = async {
                let mut hints = self.inner.store.hints().await?;
                loop {
                    hints.cancelled().await?;
                    self.cancel_requested_tasks().await;
                }
            }
            .await;
            if let Err(error) = heard {
                tracing::warn!(%error, "what other nodes say is not heard now: it is looked for instead");
            }
            tokio::time::sleep(HEAR_AGAIN).await;
        }
    }

    async fn cancel_requested_tasks(&self) {
        let inner = &self.inner;
        if inner.taken().is_empty() {
            return;
        }
        match inner.store.cancelled_tasks_of(&inner.node.to_string()).await {
            Ok(tasks) => {
                for (owner, id) in tasks {
                    // It says no more than what stands in the record already.
                    if let Err(error) = self.cancel(&owner, id, "").await {
                        tracing::warn!(task = %id, %error, "a task could not be cancelled");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "looking for cancelled tasks failed"),
        }
    }
}
