//! What a task used and started, kept until the next transaction writes it.

use std::sync::{Arc, Mutex, PoisonError};

use openanalyst_domain::{JobId, Owner, Receipt, TaskId};
use openanalyst_providers::llm::Completion;
use openanalyst_runtime::LogLine;
use openanalyst_store::recordings::PartRow;
use openanalyst_store::{StoreError, Tx};
use serde_json::Value;

use crate::api::TaskReceipt;

/// What one invocation leaves behind.
#[derive(Debug)]
struct Left {
    receipt: Receipt,
    logs: Value,
    recording: Option<PartRow>,
}

/// Receipts and ends of recordings that are not yet written, of all invocations of a task. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receipts(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    left: Vec<Left>,
    total: TaskReceipt,
    /// Skills started jobs, whose receipts the workflow engine writes.
    started_jobs: bool,
}

impl Receipts {
    /// Takes the receipt and the log of an invocation, and the part of its recording that is not stored yet.
    pub(crate) fn take(&self, receipt: &Receipt, logs: &[LogLine], recording: Option<PartRow>) {
        let left = Left { receipt: receipt.clone(), logs: serde_json::to_value(logs).unwrap_or_default(), recording };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = &mut kept.total;
        total.invocations += 1;
        total.cpu_us += receipt.cpu_us;
        total.peak_memory_bytes = total.peak_memory_bytes.max(receipt.peak_memory_bytes);
        total.host_calls += u64::from(receipt.host_calls);
        kept.started_jobs |= receipt.workflow_starts > 0;
        kept.left.push(left);
    }

    fn drain(&self) -> Vec<Left> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).left)
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
        for Left { receipt, logs, recording } in self.receipts.drain() {
            tx.keep_receipt(owner, Some(task), None, &receipt, &logs, now_ms).await?;
            if let Some(part) = recording {
                tx.keep_recording(owner, task, &part).await?;
            }
        }
        Ok(())
    }

    /// What all invocations here used. None: jobs used something too, which stands in the record only.
    pub(crate) fn total(&self, duration_ms: i64, attempts: u32) -> Option<TaskReceipt> {
        let kept = self.receipts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = TaskReceipt { duration_ms, attempts, ..kept.total.clone() };
        (self.jobs.is_empty() && !kept.started_jobs).then_some(total)
    }
}

/// The receipt of what the host itself asked a language model for.
pub(crate) fn own_receipt(what: &str, completion: &Completion) -> Receipt {
    Receipt {
        llm_input_tokens: completion.input_tokens,
        llm_output_tokens: completion.output_tokens,
        output_bytes: completion.content.len() as u64,
        ..Receipt::new("host", "", what)
    }
}
