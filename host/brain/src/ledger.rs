//! What a task used and started, kept until the next transaction writes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openanalyst_domain::{Owner, Receipt, TaskId};
use openanalyst_providers::llm::Completion;
use openanalyst_runtime::LogLine;
use openanalyst_store::Tx;
use openanalyst_store::recordings::PartRow;
use serde_json::Value;

use crate::api::TaskReceipt;

/// What one invocation leaves behind.
#[derive(Debug)]
struct UnwrittenReceipt {
    receipt: Receipt,
    logs: Value,
    recording: Option<PartRow>,
}

/// Receipts and ends of recordings that are not yet written, of all invocations of a task. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receipts(Arc<Mutex<ReceiptState>>);

#[derive(Debug, Default)]
struct ReceiptState {
    left: Vec<UnwrittenReceipt>,
    total: TaskReceipt,
    /// Skills started jobs, whose receipts the workflow engine writes.
    started_jobs: bool,
    /// Tokens of language models that were used and stand in no receipt that is written.
    unwritten_tokens: u64,
}

impl Receipts {
    /// Takes the receipt and the log of an invocation, and the part of its recording that is not stored yet.
    pub(crate) fn take(&self, receipt: &Receipt, logs: &[LogLine], recording: Option<PartRow>) {
        let left = UnwrittenReceipt {
            receipt: receipt.clone(),
            logs: serde_json::to_value(logs).unwrap_or_default(),
            recording,
        };
        let mut kept = self.lock();
        let total = &mut kept.total;
        total.invocations += 1;
        total.cpu_us += receipt.cpu_us;
        total.peak_memory_bytes = total.peak_memory_bytes.max(receipt.peak_memory_bytes);
        total.host_calls += u64::from(receipt.host_calls);
        kept.started_jobs |= receipt.workflow_starts > 0;
        kept.left.push(left);
    }

    /// Takes the receipt of what the host itself asked a language model for.
    pub(crate) fn take_asked(&self, what: &str, completion: &Completion) {
        self.take_own(Receipt {
            llm_input_tokens: completion.input_tokens,
            llm_output_tokens: completion.output_tokens,
            output_bytes: completion.content.len() as u64,
            ..Receipt::new("host", "", what)
        });
    }

    /// Takes a receipt in the host's own name.
    pub(crate) fn take_own(&self, receipt: Receipt) {
        self.spent(receipt.llm_tokens());
        self.take(&receipt, &[], None);
    }

    /// Writes what is left into a transaction that the caller commits, and says how much that is.
    pub(crate) fn write(&self, tx: &mut Tx, owner: &Owner, task: TaskId, now_ms: i64) -> usize {
        let kept = self.lock();
        for UnwrittenReceipt { receipt, logs, .. } in &kept.left {
            tx.keep_receipt(owner, Some(task), None, receipt, logs, now_ms);
        }
        let parts: Vec<&PartRow> = kept.left.iter().filter_map(|left| left.recording.as_ref()).collect();
        if !parts.is_empty() {
            tx.keep_recordings(owner, task, &parts);
        }
        kept.left.len()
    }

    /// Whether nothing is left to be written.
    pub(crate) fn are_written(&self) -> bool {
        self.lock().left.is_empty()
    }

    /// Forgets as much as was written.
    pub(crate) fn forget(&self, written: usize) {
        let mut kept = self.lock();
        let tokens: u64 = kept.left.drain(..written).map(|UnwrittenReceipt { receipt, .. }| receipt.llm_tokens()).sum();
        kept.unwritten_tokens = kept.unwritten_tokens.saturating_sub(tokens);
    }

    /// Notes tokens as soon as they are used: the receipt comes at the end of the invocation.
    pub(crate) fn spent(&self, tokens: u64) {
        let mut kept = self.lock();
        kept.unwritten_tokens = kept.unwritten_tokens.saturating_add(tokens);
    }

    /// Tokens that were used and do not stand in the record yet.
    pub(crate) fn unwritten_tokens(&self) -> u64 {
        self.lock().unwritten_tokens
    }

    /// What all invocations here used. None: skills started jobs, which used something too, and that stands in the record only.
    pub(crate) fn total(&self, duration_ms: i64, attempts: u32) -> Option<TaskReceipt> {
        let kept = self.lock();
        let total = TaskReceipt { duration_ms, attempts, ..kept.total.clone() };
        (!kept.started_jobs).then_some(total)
    }

    fn lock(&self) -> MutexGuard<'_, ReceiptState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
