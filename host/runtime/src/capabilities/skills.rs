//! `skills`: calls of other skills. Needs `skills` with the name of the other one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use openanalyst_domain::{Failure, LimitReason};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::guard::{denied, json_object, unavailable};
use crate::call::Call;
use crate::contract::v0_1_0::openanalyst::skill::skills::Host;
use crate::contract::{Failure as ContractFailure, Output};
use crate::invocation::Waits;
use crate::state::State;
use crate::tape;

/// What a nested invocation takes over from its caller: the fields of [`Call`] with the same names.
#[derive(Debug, Clone)]
pub struct NestedCall {
    /// One more than the caller's.
    pub depth: u32,
    /// Shared with the caller; this call is already taken from it.
    pub nested_calls_left: Arc<AtomicU32>,
    /// The caller's own deadline.
    pub deadline: Instant,
    /// Cancelled with the caller.
    pub cancel: CancellationToken,
}

/// Runs other skills of the same tenant for the same user, each with its own grants.
#[async_trait]
pub trait Skills: Send + Sync {
    /// Calls `run` of a skill. `arguments` is a JSON object.
    ///
    /// # Errors
    /// The other skill's failure, or as the contract says.
    async fn call(&self, skill: &str, content: &str, arguments: Value, nested: NestedCall) -> Result<Called, Failure>;
}

/// How a call of another skill came back.
#[derive(Debug)]
pub enum Called {
    /// With its output.
    Ended(Output),
    /// Not yet: it was put aside, and so is its caller.
    Waits(Waits),
}

async fn run(call: &Call, skill: &str, content: &str, arguments: &str) -> Result<Called, Failure> {
    if !call.grants.allows_skill(skill) {
        return Err(denied("skills", skill));
    }
    let arguments = json_object("arguments", arguments)?;
    let Some(skills) = &call.capabilities.skills else {
        return Err(unavailable("skills", "other skills cannot be called from here"));
    };
    let (depth, deepest) = (call.depth.saturating_add(1), call.budget.nesting_depth);
    if depth > deepest {
        return Err(Failure::limit(
            LimitReason::NestingExceeded,
            format!(
                "calling `{skill}` would be {depth} skills deep and {deepest} is the limit: call it from a plan's step instead"
            ),
        ));
    }
    let left = &call.nested_calls_left;
    if left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_err() {
        return Err(Failure::limit(
            LimitReason::NestingExceeded,
            format!("this task has used up its calls of other skills before it called `{skill}`: do with fewer calls"),
        ));
    }
    let nested = NestedCall {
        depth,
        nested_calls_left: left.clone(),
        deadline: call.deadline_or_far(),
        cancel: call.cancel.clone(),
    };
    skills.call(skill, content, arguments, nested).await
}

impl Host for State {
    async fn call(
        &mut self,
        skill: String,
        content: String,
        arguments: String,
    ) -> wasmtime::Result<Result<Output, ContractFailure>> {
        self.host_call("skills.call", skill.len() + content.len() + arguments.len())?;
        let (content, arguments) = (self.call.scrubber.own(content), self.call.scrubber.own(arguments));
        let begun = match tape::begin(&self.call.tape, "skills.call", (&skill, &content, &arguments))? {
            Ok(begun) => begun,
            Err(played) => return Ok(played.map_err(Into::into)),
        };
        let result = match run(&self.call, &skill, &content, &arguments).await {
            Ok(Called::Ended(output)) => Ok(output),
            Ok(Called::Waits(waits)) => {
                self.call.tape.put_aside(waits.until_ms);
                return Err(waits.into());
            }
            Err(failure) => Err(failure),
        };
        begun.end(&result)?;
        Ok(result.map_err(Into::into))
    }
}
