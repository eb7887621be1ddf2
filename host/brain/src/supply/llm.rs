//! `llm`, from the operator's provider: within the tenant's daily quota of tokens, journaled, and shown to the user while it is written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::{EventKind, Failure, MessageId, Receipt, TenantId};
use openanalyst_providers::llm::{self as provider, LlmClient};
use openanalyst_registry::DailyQuota;
use openanalyst_runtime::capabilities::Llm;
use openanalyst_runtime::capabilities::llm::Answered;
use openanalyst_runtime::contract::llm::{Completion, Prompt, Role, StopReason};
use openanalyst_store::StoreError;
use openanalyst_store::tasks::NewEvent;
use serde_json::json;
use tokio::sync::mpsc;

use super::{HostContext, store_failure};
use crate::brain::Inner;
use crate::ledger::Receipts;

/// The shortest time between two parts that the user sees: each is a durable event.
const PART_EVERY: Duration = Duration::from_millis(80);

fn prompt_of(prompt: &Prompt) -> provider::Prompt {
    provider::Prompt {
        system: prompt.system.clone(),
        messages: prompt
            .messages
            .iter()
            .map(|message| provider::Message {
                role: match message.role {
                    Role::User => provider::Role::User,
                    Role::Assistant => provider::Role::Assistant,
                },
                content: message.content.clone(),
            })
            .collect(),
        max_tokens: prompt.max_tokens,
        temperature: prompt.temperature,
    }
}

fn completion_of(completion: provider::Completion) -> Completion {
    Completion {
        content: completion.content,
        model: completion.model,
        stop: match completion.stop {
            provider::Stop::End => StopReason::End,
            provider::Stop::MaxTokens => StopReason::MaxTokens,
            provider::Stop::Refusal => StopReason::Refusal,
        },
        input_tokens: completion.input_tokens,
        output_tokens: completion.output_tokens,
    }
}

/// Refuses once the tenant's tokens of the day are used up: those on record, and those that this task has used since. What other tasks are having written
/// at the same time is counted once it has ended.
pub(crate) async fn tokens_left(
    brain: &Inner,
    tenant: &TenantId,
    llm_tokens: Option<u64>,
    receipts: &Receipts,
) -> Result<(), Failure> {
    let quota = DailyQuota { llm_tokens, ..DailyQuota::default() };
    if quota.is_empty() {
        return Ok(());
    }
    let from_ms = DailyQuota::day_began_ms(brain.clock.now_ms());
    let used = brain.store.usage_since(tenant, None, from_ms).await;
    let mut used = used.map_err(|error| store_failure(&error))?;
    let unwritten = i64::try_from(receipts.unwritten_tokens()).unwrap_or(i64::MAX);
    used.llm_tokens = used.llm_tokens.saturating_add(unwritten);
    quota.check("your organisation", &used)
}

impl HostContext {
    async fn tokens_left(&self) -> Result<(), Failure> {
        tokens_left(&self.brain, &self.owner.tenant, self.llm_tokens, self.record.receipts()).await
    }

    /// Asks once: what was answered before is answered again, and costs nothing.
    async fn ask_once(
        &self,
        function: &'static str,
        asking: impl Future<Output = Result<Completion, Failure>> + Send,
    ) -> Result<Answered, Failure> {
        let is_new = AtomicBool::new(false);
        let model = self.llm()?.model().to_owned();
        let asking = async {
            self.tokens_left().await?;
            let completion = asking.await?;
            is_new.store(true, Ordering::Relaxed);
            self.record.receipts().spent(completion.input_tokens + completion.output_tokens);
            Ok(completion)
        };
        let completion = self.once(function, &json!({ "model": model }), asking).await?;
        Ok(Answered { completion, is_new: is_new.into_inner() })
    }

    fn llm(&self) -> Result<&LlmClient, Failure> {
        self.brain.llm.as_ref().ok_or_else(|| {
            Failure::unavailable("this host has no language model: do without it, or ask the operator to set --llm")
        })
    }

    /// Writes the parts of an answer into the record while they come.
    async fn show(&self, mut parts: mpsc::UnboundedReceiver<String>) -> Result<(), StoreError> {
        let mut index = 0;
        while let Some(mut text) = parts.recv().await {
            // What comes at once goes out at once.
            while let Ok(more) = parts.try_recv() {
                text.push_str(&more);
            }
            let data = json!({ "messageId": self.answer.get_or_init(MessageId::new), "index": index, "content": text });
            let mut batch = self.record.begin().await?;
            batch.append(vec![NewEvent::new(EventKind::Part, data)]).await?;
            batch.commit().await?;
            index += 1;
            tokio::time::sleep(PART_EVERY).await;
        }
        Ok(())
    }

    async fn stream_live(&self, prompt: &Prompt) -> Result<Completion, Failure> {
        let client = self.llm()?;
        let prompt = prompt_of(prompt);
        let (sender, parts) = mpsc::unbounded_channel();
        let scrub = self.secrets.scrubber();
        let mut bill = Bill::for_prompt(self.record.receipts(), &prompt);
        let asking = async move {
            // A reader that is gone means that the record cannot be written, which ends the call anyway.
            let mut on_delta = |text: &str| {
                bill.write(text);
                drop(sender.send(scrub.text(text).into_owned()));
            };
            let answered = client.stream(&prompt, None, &mut on_delta).await;
            if answered.is_ok() {
                bill.pay();
            }
            answered
        };
        let (answered, shown) = futures_util::join!(asking, self.show(parts));
        shown.map_err(|error| store_failure(&error))?;
        answered.map(completion_of)
    }
}

/// What a stream costs that does not come to its end, whether it broke off or nobody waits for it any more: it was paid for as far as it was written.
struct Bill {
    receipts: Receipts,
    /// Tokens, about.
    read: u64,
    /// Characters.
    written: usize,
    is_paid: bool,
}

impl Bill {
    fn for_prompt(receipts: &Receipts, prompt: &provider::Prompt) -> Self {
        Self { receipts: receipts.clone(), read: prompt.estimated_tokens(), written: 0, is_paid: false }
    }

    fn write(&mut self, text: &str) {
        self.written += text.chars().count();
    }

    /// It came to its end, and is counted with the invocation.
    fn pay(&mut self) {
        self.is_paid = true;
    }
}

impl Drop for Bill {
    fn drop(&mut self) {
        if !self.is_paid && self.written > 0 {
            self.receipts.take_own(Receipt {
                llm_input_tokens: self.read,
                llm_output_tokens: provider::estimated_tokens(self.written),
                ..Receipt::new("host", "", "llm.stream")
            });
        }
    }
}

#[async_trait]
impl Llm for HostContext {
    async fn complete(&self, prompt: &Prompt) -> Result<Answered, Failure> {
        let client = self.llm()?;
        let asking = async { client.complete(&prompt_of(prompt), None).await.map(completion_of) };
        self.ask_once("llm.complete", asking).await
    }

    async fn stream(&self, prompt: &Prompt) -> Result<Answered, Failure> {
        self.ask_once("llm.stream", self.stream_live(prompt)).await
    }
}
