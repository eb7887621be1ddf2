//! How a call ended, read out of what the engine gives back: one typed reason for every ending.

use openanalyst_domain::{Failure, LimitReason};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::call::Call;
use crate::drive::Stopped;
use crate::invocation::{CallError, Interrupted, Waits};
use crate::limits::LimitHit;
use crate::load::network::NetworkRefused;
use crate::logs::clean;
use crate::tape::Diverged;

/// Longest detail of a trap, in bytes.
const MAX_DETAIL_BYTES: usize = 600;
/// What the engine says where it has no type for it. A test beside each limit fails if the words change.
const HANDLES_TEXT: &str = "store handle limit exceeded";
const FUEL_TEXT: &str = "fuel allocated for hostcalls has been exhausted";

/// The ending behind an error of the engine.
pub(crate) fn of_error(error: &wasmtime::Error, call: &Call) -> CallError {
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        return CallError::Limit { reason: hit.reason, detail: hit.detail.clone() };
    }
    if let Some(waits) = error.downcast_ref::<Waits>() {
        return CallError::Waits(waits.clone());
    }
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        return CallError::Interrupted(interrupted.clone());
    }
    if let Some(diverged) = error.downcast_ref::<Diverged>() {
        return CallError::Diverged(diverged.clone());
    }
    if let Some(refused) = error.downcast_ref::<NetworkRefused>() {
        return CallError::Failure(Failure::denied(refused.to_string()));
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return CallError::Trap { detail: format!("it ended itself with status {} before it returned", exit.0) };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        let detail = "the pool of instances is exhausted: try again in a moment".to_owned();
        return CallError::Limit { reason: LimitReason::Busy, detail };
    }
    let root = error.root_cause().to_string();
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) || root.contains(HANDLES_TEXT) {
        let detail = format!(
            "the skill held {} handles at once, which is the limit: drop what is no longer used",
            call.budget.handles
        );
        return CallError::Limit { reason: LimitReason::HandlesExceeded, detail };
    }
    if root.contains(FUEL_TEXT) {
        // What a guest hands over in a host call has guest code below it on the stack; a result has none.
        return if error.downcast_ref::<WasmBacktrace>().is_some() {
            let limit = call.budget.hostcall_bytes;
            let detail = format!("the skill gave more than {limit} bytes to one host call: give less at a time");
            CallError::Limit { reason: LimitReason::HostcallTooLarge, detail }
        } else {
            output_too_large(None, call)
        };
    }
    let what = error.downcast_ref::<Trap>().map_or(root, ToString::to_string);
    CallError::Trap { detail: clean(&format!("{what}{}", place(error)), MAX_DETAIL_BYTES) }
}

/// The ending of a guest that was stopped from outside.
pub(crate) fn of_stop(stopped: Stopped, call: &Call) -> CallError {
    match stopped {
        Stopped::Cancelled => CallError::Cancelled,
        Stopped::Deadline => {
            let limit = call.budget.wall_ms;
            let detail = format!(
                "the skill had not ended when its time was over (at most {limit} ms, host calls included): start long work as a job and wait for it in a step of its own"
            );
            CallError::Limit { reason: LimitReason::DeadlineExceeded, detail }
        }
        Stopped::Cpu => cpu_exceeded(call.budget.cpu_ms),
        Stopped::Panicked(words) => {
            CallError::Host(clean(&format!("a host function panicked: {words}"), MAX_DETAIL_BYTES))
        }
    }
}

/// The ending of a guest that computed for too long.
pub(crate) fn cpu_exceeded(limit_ms: u64) -> CallError {
    let detail = format!(
        "the skill used more than {limit_ms} ms of CPU time: compute less, or ask the operator to raise the budget's cpuMs"
    );
    CallError::Limit { reason: LimitReason::CpuExceeded, detail }
}

/// The ending of a guest whose result is too large.
pub(crate) fn output_too_large(bytes: Option<usize>, call: &Call) -> CallError {
    let limit = call.budget.output_bytes;
    let found = bytes.map_or_else(|| "more bytes than can be handed over".to_owned(), |bytes| format!("{bytes} bytes"));
    let detail =
        format!("the skill's result has {found} and {limit} is the limit: return less, or store it and return where");
    CallError::Limit { reason: LimitReason::OutputTooLarge, detail }
}

/// Where it happened: the innermost functions that have a name.
fn place(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names: Vec<&str> = backtrace.frames().iter().filter_map(wasmtime::FrameInfo::func_name).take(3).collect();
    if names.is_empty() { String::new() } else { format!(" (in {})", names.join(", called by ")) }
}
