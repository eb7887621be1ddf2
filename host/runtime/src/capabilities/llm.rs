//! `llm`: a large language model. Needs `llm`.

use async_trait::async_trait;
use openanalyst_domain::Failure;

use super::guard::{denied, unavailable};
use crate::call::Call;
use crate::contract::llm::{Completion, Host, Prompt, Role};
use crate::contract::{Failure as ContractFailure, Weight};
use crate::state::State;

/// Most messages of one prompt.
pub const MAX_MESSAGES: usize = 1_000;

/// A model provider.
#[async_trait]
pub trait Llm: Send + Sync {
    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// As the contract says.
    async fn complete(&self, prompt: &Prompt) -> Result<Completion, Failure>;

    /// Asks, and shows the answer to the user while it is written.
    ///
    /// # Errors
    /// As the contract says.
    async fn stream(&self, prompt: &Prompt) -> Result<Completion, Failure>;
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

async fn complete(call: &Call, prompt: &Prompt) -> Result<Completion, Failure> {
    check(call, prompt)?.complete(prompt).await
}

async fn stream(call: &Call, prompt: &Prompt) -> Result<Completion, Failure> {
    check(call, prompt)?.stream(prompt).await
}

impl Host for State {
    async fn complete(&mut self, prompt: Prompt) -> wasmtime::Result<Result<Completion, ContractFailure>> {
        self.host_call("llm.complete", prompt.weight())?;
        match self.call.scrubber.typed(prompt) {
            Ok(prompt) => Ok(complete(&self.call, &prompt).await.map_err(Into::into)),
            Err(withheld) => Ok(Err(withheld.into())),
        }
    }

    async fn stream(&mut self, prompt: Prompt) -> wasmtime::Result<Result<Completion, ContractFailure>> {
        self.host_call("llm.stream", prompt.weight())?;
        match self.call.scrubber.typed(prompt) {
            Ok(prompt) => Ok(stream(&self.call, &prompt).await.map_err(Into::into)),
            Err(withheld) => Ok(Err(withheld.into())),
        }
    }
}
