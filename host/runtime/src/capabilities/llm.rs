//! `llm`: a large language model. Needs `llm`.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use openanalyst_domain::Failure;

use super::guard::{denied, unavailable};
use crate::call::Call;
use crate::contract::llm::{Completion, Host, Prompt, Role};
use crate::contract::{Failure as ContractFailure, Weight};
use crate::state::State;
use crate::tape;

/// What is left of a call's wall time when a model has taken too long.
const KEPT_BACK: Duration = Duration::from_secs(5);
/// Most messages of one prompt.
pub const MAX_MESSAGES: usize = 1_000;

/// An answer, and whether it was written for this call.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer.
    pub completion: Completion,
    /// Whether a model was asked for it now. False: it had been asked before, and its tokens are counted there.
    pub is_new: bool,
}

/// A model provider.
#[async_trait]
pub trait Llm: Send + Sync {
    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// As the contract says.
    async fn complete(&self, prompt: &Prompt) -> Result<Answered, Failure>;

    /// Asks, and shows the answer to the user while it is written.
    ///
    /// # Errors
    /// As the contract says.
    async fn stream(&self, prompt: &Prompt) -> Result<Answered, Failure>;
}

fn check<'a>(call: &'a Call, prompt: &Prompt) -> Result<&'a dyn Llm, Failure> {
    if !call.grants.llm {
        return Err(denied("llm", ""));
    }
    if prompt.messages.len() > MAX_MESSAGES {
        return Err(Failure::invalid(format!(
            "a prompt has at most {MAX_MESSAGES} messages and this one {}",
            prompt.messages.len()
        )));
    }
    if !prompt.messages.last().is_some_and(|message| message.role == Role::User) {
        return Err(Failure::invalid("the last message of a prompt must be the user's"));
    }
    if prompt.temperature.is_some_and(|temperature| !(0.0..=1.0).contains(&temperature)) {
        return Err(Failure::invalid("`temperature` is a number from 0 to 1"));
    }
    let llm = call.capabilities.llm.as_deref();
    llm.ok_or_else(|| unavailable("llm", "do without it, or ask the operator to configure a provider"))
}

impl State {
    async fn ask(
        &mut self,
        function: &'static str,
        prompt: Prompt,
        live: bool,
    ) -> wasmtime::Result<Result<Completion, ContractFailure>> {
        self.host_call(function, prompt.weight())?;
        let prompt = match self.call.scrubber.typed(prompt) {
            Ok(prompt) => prompt,
            Err(withheld) => return Ok(Err(withheld.into())),
        };
        let begun = match tape::begin(&self.call.tape, function, &prompt)? {
            Ok(begun) => begun,
            Err(played) => return Ok(played.map_err(Into::into)),
        };
        // A model that is too slow must not take the time in which the skill could still do without it.
        let left = self.call.deadline_or_far().saturating_duration_since(Instant::now());
        let patience = left.saturating_sub(KEPT_BACK.min(left / 2));
        let asking = async {
            match check(&self.call, &prompt) {
                Ok(llm) if live => llm.stream(&prompt).await,
                Ok(llm) => llm.complete(&prompt).await,
                Err(failure) => Err(failure),
            }
        };
        let result = tokio::time::timeout(patience, asking).await.unwrap_or_else(|_| {
            Err(Failure::unavailable(format!(
                "the language model had not answered after {} ms: do without it, or ask the operator to raise the budget's wallMs",
                patience.as_millis()
            )))
        });
        let result = result.map(|Answered { completion, is_new }| {
            if is_new {
                self.counts.llm_input_tokens += completion.input_tokens;
                self.counts.llm_output_tokens += completion.output_tokens;
            }
            completion
        });
        begun.end(&result)?;
        Ok(result.map_err(Into::into))
    }
}

impl Host for State {
    async fn complete(&mut self, prompt: Prompt) -> wasmtime::Result<Result<Completion, ContractFailure>> {
        self.ask("llm.complete", prompt, false).await
    }

    async fn stream(&mut self, prompt: Prompt) -> wasmtime::Result<Result<Completion, ContractFailure>> {
        self.ask("llm.stream", prompt, true).await
    }
}
