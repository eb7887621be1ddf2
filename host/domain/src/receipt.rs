//! What one invocation used.

use serde::{Deserialize, Serialize};

use crate::LimitReason;

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The export returned a value.
    Ok,
    /// The export returned a failure of its own.
    Failure {
        /// The failure's code.
        code: String,
    },
    /// A limit stopped it.
    Limit {
        /// Which.
        reason: LimitReason,
    },
    /// The guest trapped.
    Trap {
        /// The trap, in the engine's words.
        detail: String,
    },
    /// It waits for a job, and was put aside until that ends.
    PutAside,
    /// The caller gave up.
    Cancelled,
    /// The host could not run it.
    Host {
        /// Why.
        detail: String,
    },
}

/// What one invocation used: written for every call, failed ones too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The skill's name, or `script` for scripts of the embedded workflow engine.
    #[serde(default)]
    pub skill: String,
    /// The digest of the component that ran.
    #[serde(default)]
    pub digest: String,
    /// The export that was called.
    pub export: String,
    /// CPU time, host functions on the guest's thread included, in microseconds.
    #[serde(default)]
    pub cpu_us: u64,
    /// Wall time from the slot to the end, in microseconds.
    #[serde(default)]
    pub wall_us: u64,
    /// How long it waited for a slot, in microseconds.
    #[serde(default)]
    pub queued_us: u64,
    /// The greatest size of all linear memories together, in bytes.
    #[serde(default)]
    pub peak_memory_bytes: u64,
    /// Host calls made.
    #[serde(default)]
    pub host_calls: u32,
    /// HTTP fetches among them.
    #[serde(default)]
    pub http_fetches: u32,
    /// Workflow starts among them.
    #[serde(default)]
    pub workflow_starts: u32,
    /// Tokens that language models read.
    #[serde(default)]
    pub llm_input_tokens: u64,
    /// Tokens that language models wrote.
    #[serde(default)]
    pub llm_output_tokens: u64,
    /// Bytes of the arguments, in.
    #[serde(default)]
    pub input_bytes: u64,
    /// Bytes of the result, out.
    #[serde(default)]
    pub output_bytes: u64,
    /// Log lines kept.
    #[serde(default)]
    pub log_lines: u32,
    /// Log lines dropped.
    #[serde(default)]
    pub log_lines_dropped: u32,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Receipt {
    /// A receipt on which nothing is used yet.
    #[must_use]
    pub fn new(skill: impl Into<String>, digest: impl Into<String>, export: impl Into<String>) -> Self {
        Self {
            skill: skill.into(),
            digest: digest.into(),
            export: export.into(),
            cpu_us: 0,
            wall_us: 0,
            queued_us: 0,
            peak_memory_bytes: 0,
            host_calls: 0,
            http_fetches: 0,
            workflow_starts: 0,
            llm_input_tokens: 0,
            llm_output_tokens: 0,
            input_bytes: 0,
            output_bytes: 0,
            log_lines: 0,
            log_lines_dropped: 0,
            outcome: Outcome::Ok,
        }
    }

    /// Tokens of language models, read and written.
    #[must_use]
    pub fn llm_tokens(&self) -> u64 {
        self.llm_input_tokens.saturating_add(self.llm_output_tokens)
    }
}
