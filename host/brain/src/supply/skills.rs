//! `skills`: one skill calls another, with the other's own grants.

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_runtime::Call;
use openanalyst_runtime::capabilities::{NestedCall, Skills};
use openanalyst_runtime::contract::{Action, Attempt, Inputs, Intent, Output, Request, Step};
use serde_json::Value;

use super::{Supply, secrets_of, skill_of, store_failure};
use crate::work::Work;

#[async_trait]
impl Skills for Supply {
    async fn call(&self, skill: &str, content: &str, arguments: Value, nested: NestedCall) -> Result<Output, Failure> {
        let place = self.next_place("skills.call", &format!("{skill} {content} {arguments}"));
        if let Some(done) = self.recorded(&place).await? {
            return Ok(done);
        }
        let target = skill_of(&self.brain, &self.owner, skill).await?;
        let loaded = target.load(&self.brain.sandbox).await?;
        let secrets = secrets_of(&self.brain, &self.owner, &target).await?;
        let inner = Self {
            place: place.clone(),
            calls: std::sync::Arc::default(),
            requests: std::sync::Arc::default(),
            secrets: secrets.clone(),
            ..self.clone()
        };
        let call = Call {
            owner: self.owner.clone(),
            budget: target.budget.clone(),
            grants: target.grants.clone(),
            user_folder: self.request.user_folder.clone(),
            capabilities: inner.capabilities(),
            cancel: nested.cancel,
            depth: nested.depth,
            nested_calls_left: nested.nested_calls_left,
            deadline: Some(nested.deadline),
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
            ..(*self.request).clone()
        };
        let inputs =
            Inputs { request, context: (*self.context).clone(), arguments: arguments.to_string(), results: Vec::new() };
        let attempt = Attempt { number: 1, max: 1, differences: Vec::new(), learning: None };
        let invocation = self.brain.sandbox.run(&loaded, call, &step, &inputs, &attempt).await;
        self.receipts.take(&invocation.receipt, &invocation.logs);
        let output = invocation.result.map_err(|error| error.as_failure())?;
        self.record(&place, &output).await?;
        Ok(output)
    }
}

impl Supply {
    async fn recorded(&self, place: &str) -> Result<Option<Output>, Failure> {
        let effect = self.brain.store.effect(&self.key(place)).await.map_err(|error| store_failure(&error))?;
        Ok(effect.and_then(|effect| effect.result).and_then(|result| serde_json::from_value(result).ok()))
    }

    async fn record(&self, place: &str, output: &Output) -> Result<(), Failure> {
        let now_ms = self.brain.clock.now_ms();
        let result = serde_json::to_value(output).unwrap_or_default();
        let written = async {
            let mut tx = self.brain.store.begin(&self.owner).await?;
            tx.intend(&self.key(place), "skills.call", &Value::Null, now_ms).await?;
            tx.settle(&self.key(place), &result, now_ms).await?;
            tx.commit().await
        };
        written.await.map_err(|error| store_failure(&error))
    }
}

impl Work {
    /// A step that is a call of another skill.
    pub(crate) async fn call_skill(
        &self,
        place: &str,
        skill: &str,
        content: &str,
        arguments: &Value,
    ) -> Result<Value, Failure> {
        let nested = NestedCall {
            depth: 1,
            nested_calls_left: self.nested_calls_left.clone(),
            deadline: std::time::Instant::now() + self.skill.budget.wall(),
            cancel: self.cancel.clone(),
        };
        let output = self.supply(&format!("{place}/skill")).call(skill, content, arguments.clone(), nested).await?;
        serde_json::from_str(&output.result)
            .map_err(|error| Failure::invalid(format!("the result of the skill `{skill}` is no JSON: {error}")))
    }
}
