//! A request of several parts: one skill after the other, and one answer of all of them.

use openanalyst_domain::EventKind;
use openanalyst_router::Utterance;
use openanalyst_runtime::contract;
use openanalyst_store::tasks::{NewEvent, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Answer;
use crate::end::End;
use crate::numbers::unsigned;
use crate::prepare::{Prepared, decide, gone, request_of, route_event};
use crate::work::{Stop, Work};

/// What a part of a request was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DonePart {
    skill: String,
    content: String,
    data: Option<Value>,
}

impl Work {
    fn done_part(&self, content: String, data: Option<Value>) -> DonePart {
        DonePart { skill: self.skill.manifest().name.clone(), content, data }
    }

    /// The answers of all parts as one.
    pub(crate) fn together(&self, content: String, data: Option<Value>) -> End {
        let last = self.done_part(content, data);
        let all: Vec<&DonePart> = self.done.iter().chain([&last]).collect();
        let content = all.iter().map(|part| part.content.trim()).collect::<Vec<_>>().join("\n\n");
        let data = json!({ "parts": all.iter().map(|part| json!({ "skill": part.skill, "data": part.data })).collect::<Vec<_>>() });
        End::Answered { content, data: Some(data) }
    }

    /// Writes down that this part is done, and with what the next one begins.
    pub(crate) async fn next_part(&mut self, content: String, data: Option<Value>) -> Result<End, Stop> {
        let next = self.rest.remove(0);
        let catalog = self.brain.catalog.of(&self.owner().tenant).await?;
        let skill = catalog.skill(&next.skill).cloned().ok_or_else(|| gone(&next.skill))?;
        let now_ms = self.brain.clock.now_ms();
        let utterance = Utterance {
            text: &next.request,
            now_ms,
            time_zone: &self.request.time_zone,
            previous_skill: None,
            has_attachments: !self.request.attachments.is_empty(),
        };
        let route = catalog.router().route(&utterance);
        let confidence = route.ranking.first().map_or(0.0, |best| best.confidence);
        let rounds: Vec<Vec<Answer>> = serde_json::from_value(self.task.answers.clone()).unwrap_or_default();
        let request = request_of(&self.task, &next.request, &route, confidence, &rounds, &self.request.time_zone);
        let mut context = self.context.clone();
        context.messages.push(contract::Message {
            role: contract::Role::Assistant,
            content: content.clone(),
            data: data.as_ref().map(Value::to_string),
            skill: Some(self.skill.manifest().name.clone()),
            at_ms: unsigned(now_ms),
        });
        let mut done = self.done.clone();
        done.push(self.done_part(content, data));
        let prepared = Prepared { request, context, part: self.part + 1, rest: self.rest.clone(), done };
        let decided = decide(&mut self.task, &skill, confidence, &prepared);
        let mut event = route_event(&self.task, &route);
        event["part"] = json!(self.part + 2);
        let mut writing = self.record.begin().await?;
        writing.append(vec![NewEvent::new(EventKind::Routed, event)]).await?;
        writing.progress_task(
            self.owner(),
            self.task.id,
            &Progress { decision: Some(decided.row()), ..Progress::default() },
        );
        writing.clear_plan(self.task.id);
        writing.commit().await?;
        Err(Stop::NextPart)
    }
}
