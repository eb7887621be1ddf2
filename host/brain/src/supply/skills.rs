//! `skills`: one skill calls another, with the other's own grants.

use std::time::Instant;

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_runtime::capabilities::{Called, NestedCall, Skills};
use openanalyst_runtime::contract::{Action, Attempt, Inputs, Intent, Output, Request, Step};
use openanalyst_runtime::{Call, CallError, Tape, Waits};
use serde_json::{Value, json};

use super::journal::{EffectId, EffectState};
use super::{CallSite, HostContext, secrets_of, skill_of, store_failure};
use crate::loading;
use crate::steps::AttemptResult;
use crate::work::{Interrupt, TaskExecution};

#[async_trait]
impl Skills for HostContext {
    async fn call(&self, skill: &str, content: &str, arguments: Value, nested: NestedCall) -> Result<Called, Failure> {
        let mut change = self.change();
        if let EffectState::Settled(result) =
            self.intend(&mut change, "skills.call", &json!({ "skill": skill })).await?
        {
            return result.map(Called::Ended);
        }
        let inner = self.nested(&change);
        match inner.run_skill(skill, content, &arguments, nested).await {
            Err(NestedCallError::Waits(waits)) => Ok(Called::Waits(waits)),
            Err(NestedCallError::Failed(failure) | NestedCallError::Crashed(failure)) => {
                self.settle::<Output>(&change, &Err(failure.clone())).await?;
                Err(failure)
            }
            Ok(output) => {
                self.settle(&change, &Ok(&output)).await?;
                Ok(Called::Ended(output))
            }
        }
    }
}

/// Why a called skill gave no output.
pub(crate) enum NestedCallError {
    Waits(Waits),
    Failed(Failure),
    /// A fault of its own code stopped it.
    Crashed(Failure),
}

impl From<Failure> for NestedCallError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl HostContext {
    /// The called skill's own side, below the call. A call that is made again has another recording, and the same changes.
    fn nested(&self, change: &EffectId) -> Self {
        let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            place: format!("{}/{}", self.place, last(&change.key)),
            effects: format!("{}/{}", self.effects, last(&change.identity)),
            tape: Tape::off(),
            ..self.clone()
        }
    }

    /// Runs a skill's `run` here: with its own grants, secrets and recording.
    async fn run_skill(
        self,
        skill: &str,
        content: &str,
        arguments: &Value,
        nested: NestedCall,
    ) -> Result<Output, NestedCallError> {
        let target = skill_of(&self.brain, &self.owner, skill).await.map_err(Failure::from)?;
        let began = Instant::now();
        let loaded = loading::skill(&self.record, &target, &nested.cancel).await;
        let loaded = loaded.map_err(|error| store_failure(&error))?;
        // The wait for a compiler is not the called skill's time. Where a guest calls, its own deadline goes on.
        let deadline = nested.deadline + began.elapsed();
        let Some(loaded) = loaded else { return Err(Failure::failed("the task was cancelled").into()) };
        let loaded = loaded.map_err(|error| Failure::failed(error.to_string()))?;
        let secrets = secrets_of(&self.brain, &self.owner, &target).await.map_err(Failure::from)?;
        let this = Self { secrets: secrets.clone(), component: target.digest().to_string(), ..self };
        let this = this.with_tape().await.map_err(Failure::from)?;
        let call = Call {
            owner: this.owner.clone(),
            budget: target.budget.clone(),
            grants: target.grants.clone(),
            user_folder: this.request.user_folder.clone(),
            capabilities: this.capabilities(),
            cancel: nested.cancel,
            depth: nested.depth,
            nested_calls_left: nested.nested_calls_left,
            deadline: Some(deadline),
            tape: this.tape.clone(),
            scrubber: secrets.scrubber(),
        };
        let step = Step {
            id: "call".to_owned(),
            title: crate::context::shorten(content, 200),
            action: Action::Run(arguments.to_string()),
            expects: Vec::new(),
        };
        // The other skill gets the words that it was asked, not what the router read from the user's.
        let request = Request {
            content: content.to_owned(),
            intent: Intent { actions: Vec::new(), confidence: 1.0, slots: Vec::new() },
            ..(*this.request).clone()
        };
        let inputs =
            Inputs { request, context: (*this.context).clone(), arguments: arguments.to_string(), results: Vec::new() };
        let attempt = Attempt { number: 1, max: 1, differences: Vec::new(), learning: None };
        let invocation = this.brain.sandbox.run(&loaded, call, &step, &inputs, &attempt).await;
        this.record.receipts().take(&invocation.receipt, &invocation.logs, this.last_part(&invocation.result));
        invocation.result.map_err(|error| match error {
            CallError::Waits(waits) => NestedCallError::Waits(waits),
            error if error.is_crash() => NestedCallError::Crashed(error.as_failure()),
            error => NestedCallError::Failed(error.as_failure()),
        })
    }
}

impl TaskExecution {
    /// A step that is a call of another skill.
    pub(crate) async fn call_skill(
        &self,
        site: &CallSite,
        skill: &str,
        content: &str,
        arguments: &Value,
    ) -> Result<AttemptResult, Interrupt> {
        let nested = NestedCall {
            depth: 1,
            nested_calls_left: self.nested_calls_left.clone(),
            deadline: Instant::now() + self.skill.budget.wall(),
            cancel: self.cancel.clone(),
        };
        match self.supply(site).run_skill(skill, content, arguments, nested).await {
            Ok(output) => Ok(match serde_json::from_str(&output.result) {
                Ok(value) => AttemptResult::gave(value),
                Err(error) => AttemptResult::failed(Failure::invalid(format!(
                    "the result of the skill `{skill}` is no JSON: {error}"
                ))),
            }),
            Err(NestedCallError::Waits(waits)) => Err(Interrupt::Suspend(waits)),
            Err(NestedCallError::Failed(failure)) => AttemptResult::outcome_of(failure),
            Err(NestedCallError::Crashed(failure)) => Ok(AttemptResult::crashed(failure)),
        }
    }
}
