//! All limits of one invocation, and the reason code that each of them gives. On by default.

use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)?) => {
        /// Which limit was met. The codes are stable: programs branch on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum LimitReason { $($(#[$doc])* $variant),+ }

        impl LimitReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }

        impl std::fmt::Display for LimitReason {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

reasons!(
    /// The `.skill` file is larger than allowed.
    PackageTooLarge = "package-too-large",
    /// The component, or what it compiles to, is larger than allowed.
    ComponentTooLarge = "component-too-large",
    /// All linear memories together would have grown over the limit.
    MemoryExceeded = "memory-exceeded",
    /// The guest used up its CPU time.
    CpuExceeded = "cpu-exceeded",
    /// The invocation took longer than its wall time, host waits included.
    DeadlineExceeded = "deadline-exceeded",
    /// Too many table elements or component handles.
    HandlesExceeded = "handles-exceeded",
    /// One host call carried too many bytes out of the guest.
    HostcallTooLarge = "hostcall-too-large",
    /// Too many host calls, HTTP fetches or workflow starts.
    HostcallsExceeded = "hostcalls-exceeded",
    /// The reply, or the result of a step, is larger than allowed.
    OutputTooLarge = "output-too-large",
    /// Lines of the log were dropped. Noted in the receipt; not an error.
    LogsTruncated = "logs-truncated",
    /// Skills called skills too deeply, or too often for one task.
    NestingExceeded = "nesting-exceeded",
    /// No slot became free within the bounded wait.
    Busy = "busy",
    /// A tenant's daily quota is used up.
    QuotaExceeded = "quota-exceeded",
);

/// Every limit of one invocation. A tenant may lower it, an operator may raise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Budget {
    /// All linear memories of the instance together, in bytes.
    pub memory_bytes: usize,
    /// CPU time of the guest, in milliseconds.
    pub cpu_ms: u64,
    /// Wall time with all waits, in milliseconds.
    pub wall_ms: u64,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// Component handles alive at once.
    pub handles: usize,
    /// Bytes that one host call may carry out of the guest.
    pub hostcall_bytes: usize,
    /// Host calls.
    pub host_calls: u32,
    /// HTTP fetches.
    pub http_fetches: u32,
    /// HTTP fetches at once.
    pub http_concurrent: u32,
    /// Jobs started in the workflow engine.
    pub workflow_starts: u32,
    /// Bytes of the result or reply.
    pub output_bytes: usize,
    /// Lines of the log that are kept.
    pub log_lines: u32,
    /// Bytes of one log line that are kept.
    pub log_line_bytes: usize,
    /// How deeply skills may call skills: 0 is the skill that the task began with.
    pub nesting_depth: u32,
    /// Calls of other skills in one task.
    pub nested_calls: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            cpu_ms: 1_000,
            wall_ms: 30_000,
            table_elements: 20_000,
            handles: 1_000,
            hostcall_bytes: 1 << 20,
            host_calls: 1_000,
            http_fetches: 32,
            http_concurrent: 6,
            workflow_starts: 32,
            output_bytes: 1 << 20,
            log_lines: 1_000,
            log_line_bytes: 4 << 10,
            nesting_depth: 4,
            nested_calls: 32,
        }
    }
}

impl Budget {
    /// The wall time as a duration.
    #[must_use]
    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }

    /// The CPU time as a duration.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        Duration::from_millis(self.cpu_ms)
    }

    /// The smaller of the two, limit by limit: a tenant can only lower what the operator allows.
    #[must_use]
    pub fn lowered_by(&self, other: &Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            cpu_ms: self.cpu_ms.min(other.cpu_ms),
            wall_ms: self.wall_ms.min(other.wall_ms),
            table_elements: self.table_elements.min(other.table_elements),
            handles: self.handles.min(other.handles),
            hostcall_bytes: self.hostcall_bytes.min(other.hostcall_bytes),
            host_calls: self.host_calls.min(other.host_calls),
            http_fetches: self.http_fetches.min(other.http_fetches),
            http_concurrent: self.http_concurrent.min(other.http_concurrent),
            workflow_starts: self.workflow_starts.min(other.workflow_starts),
            output_bytes: self.output_bytes.min(other.output_bytes),
            log_lines: self.log_lines.min(other.log_lines),
            log_line_bytes: self.log_line_bytes.min(other.log_line_bytes),
            nesting_depth: self.nesting_depth.min(other.nesting_depth),
            nested_calls: self.nested_calls.min(other.nested_calls),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_their_json_names() {
        for reason in LimitReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
    }

    #[test]
    fn a_tenant_lowers_and_never_raises() {
        let operator = Budget::default();
        let tenant = Budget { cpu_ms: 10, wall_ms: 1_000_000, ..Budget::default() };
        let effective = operator.lowered_by(&tenant);
        assert_eq!((effective.cpu_ms, effective.wall_ms), (10, 30_000));
    }

    #[test]
    fn a_misspelled_limit_is_refused() {
        assert!(serde_json::from_str::<Budget>(r#"{"cpuMs": 5}"#).is_ok());
        assert!(serde_json::from_str::<Budget>(r#"{"cpu_ms": 5}"#).is_err());
    }
}
