//! What a task used and started, kept until the next transaction writes it.

use std::sync::{Arc, Mutex, PoisonError};

use openanalyst_domain::{JobId, Owner, Receipt, TaskId};
use openanalyst_runtime::LogLine;
use openanalyst_store::tasks::TaskRow;
use openanalyst_store::{StoreError, Tx};
use serde_json::Value;

use crate::brain::Inner;

/// Receipts that are not yet written, of all invocations of a task. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receipts(Arc<Mutex<Vec<(Receipt, Value)>>>);

impl Receipts {
    /// Takes the receipt and the log of an invocation.
    pub(crate) fn take(&self, receipt: &Receipt, logs: &[LogLine]) {
        let logs = serde_json::to_value(logs).unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((receipt.clone(), logs));
    }

    fn drain(&self) -> Vec<(Receipt, Value)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The receipts, and the jobs of the task in the order of their start.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    receipts: Receipts,
    jobs: Vec<JobId>,
}

impl Ledger {
    /// The receipts, to be filled by whoever calls the sandbox.
    pub(crate) fn receipts(&self) -> Receipts {
        self.receipts.clone()
    }

    /// Takes a job that was started.
    pub(crate) fn note_job(&mut self, job: JobId) {
        if !self.jobs.contains(&job) {
            self.jobs.push(job);
        }
    }

    /// The ids of the jobs.
    pub(crate) fn jobs(&self) -> Vec<String> {
        self.jobs.iter().map(ToString::to_string).collect()
    }

    /// Writes the receipts into a transaction that the caller commits.
    pub(crate) async fn write(&self, tx: &mut Tx, owner: &Owner, task: TaskId, now_ms: i64) -> Result<(), StoreError> {
        for (receipt, logs) in self.receipts.drain() {
            tx.keep_receipt(owner, Some(task), None, &receipt, &logs, now_ms).await?;
        }
        Ok(())
    }

    /// Writes what is left in a transaction of its own.
    pub(crate) async fn flush(&self, brain: &Inner, task: &TaskRow) -> Result<(), StoreError> {
        let mut tx = brain.store.begin(&task.owner).await?;
        self.write(&mut tx, &task.owner, task.id, brain.clock.now_ms()).await?;
        tx.commit().await
    }
}
