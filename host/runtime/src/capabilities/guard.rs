//! What every host function checks before it does anything.

use openanalyst_domain::{Failure, LimitReason};

use crate::limits::LimitHit;
use crate::state::State;

/// A refusal that ends the call with a limit's reason, not just the host function: the guest could go on asking for ever.
fn stop(reason: LimitReason, detail: String) -> wasmtime::Error {
    LimitHit::new(reason, detail).into()
}

impl State {
    /// Counts a host call and the bytes of its arguments.
    ///
    /// # Errors
    /// Ends the invocation: too many calls, or too many bytes in one.
    pub(crate) fn host_call(&mut self, function: &str, bytes: usize) -> wasmtime::Result<()> {
        self.check_bytes(function, bytes)?;
        if self.counts.host_calls >= self.call.budget.host_calls {
            let limit = self.call.budget.host_calls;
            let detail = format!(
                "the skill made {limit} host calls, which is the limit, before it called {function}: call less, or ask the operator to raise the budget's hostCalls"
            );
            return Err(stop(LimitReason::HostcallsExceeded, detail));
        }
        self.counts.host_calls += 1;
        Ok(())
    }

    /// Checks the bytes of a host call's arguments.
    ///
    /// # Errors
    /// Ends the invocation: too many bytes.
    pub(crate) fn check_bytes(&self, function: &str, bytes: usize) -> wasmtime::Result<()> {
        let limit = self.call.budget.hostcall_bytes;
        if bytes > limit {
            let detail = format!(
                "the skill gave {bytes} bytes to {function} and {limit} is the limit of one host call: give less at a time"
            );
            return Err(stop(LimitReason::HostcallTooLarge, detail));
        }
        Ok(())
    }
}

/// The failure for a grant that is missing.
pub(crate) fn denied(capability: &str, target: &str) -> Failure {
    let target = shown(target);
    let grant = if target.is_empty() { format!("`{capability}`") } else { format!("`{capability}` for `{target}`") };
    Failure::denied(format!(
        "the capability {grant} is not granted to this skill: its SKILL.md must ask for it under `capabilities`, and an administrator of \
         the tenant must grant it"
    ))
}

/// The failure for a capability that the host does not offer.
pub(crate) fn unavailable(capability: &str, what_to_do: &str) -> Failure {
    Failure::unavailable(format!("this host offers no `{capability}`: {what_to_do}"))
}

/// A text of the guest's, short and harmless enough to stand in a message.
pub(crate) fn shown(text: &str) -> String {
    crate::logs::clean(text, 200)
}

/// Checks that a text is one JSON document, and gives it.
///
/// # Errors
/// [`Failure::Invalid`], naming the argument and the place of the mistake.
pub(crate) fn json(argument: &str, text: &str) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::invalid(format!("`{argument}` is no JSON document ({error}): give one document of RFC 8259"))
    })
}

/// Like [`json`], for arguments: an object, and nothing stands for an empty one.
///
/// # Errors
/// [`Failure::Invalid`].
pub(crate) fn json_object(argument: &str, text: &str) -> Result<serde_json::Value, Failure> {
    if text.trim().is_empty() {
        return Ok(serde_json::Value::Object(serde_json::Map::new()));
    }
    match json(argument, text)? {
        serde_json::Value::Null => Ok(serde_json::Value::Object(serde_json::Map::new())),
        object @ serde_json::Value::Object(_) => Ok(object),
        _ => Err(Failure::invalid(format!("`{argument}` must be a JSON object with one member for each parameter"))),
    }
}
