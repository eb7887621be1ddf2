//! A request of several parts: one skill after the other, and one answer of all of them.

use openanalyst_domain::EventKind;
use openanalyst_router::Utterance;
use openanalyst_runtime::contract;
use openanalyst_store::rounds::EndedRound;
use openanalyst_store::tasks::{NewEvent, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::asked::answers_of;
use crate::clarify;
use crate::end::{self, TaskOutcome};
use crate::numbers::unsigned;
use crate::prepare::{PreparedRequest, decide, gone, request_of, route_event};
use crate::work::{Interrupt, TaskExecution, first_of_round};

/// What a part of a request was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FinishedPart {
    skill: String,
    content: String,
    data: Option<Value>,
}

/// The member of a kept outcome that says that it is the part's own, and not the answer of all parts.
pub(crate) const OWN: &str = "own";

/// What the last of several parts said itself, from the answer of all of them: see [`TaskExecution::combined_answer`] and [`TaskExecution::after_finished_parts`].
pub(crate) fn own_answer_of_last_part(
    done: &[FinishedPart],
    content: &str,
    data: Option<&Value>,
) -> (String, Option<Value>) {
    if done.is_empty() {
        return (content.to_owned(), data.cloned());
    }
    let before = said(done);
    let own = content.strip_prefix(before.as_str()).unwrap_or(content);
    let parts = data.and_then(|data| data.get("parts")).and_then(Value::as_array);
    let data = parts.and_then(|parts| parts.last()).and_then(|part| part.get("data")).cloned();
    (own.to_owned(), data.filter(|data| !data.is_null()))
}

fn said(done: &[FinishedPart]) -> String {
    done.iter().map(|part| part.content.trim()).collect::<Vec<_>>().join("\n\n")
}

impl TaskExecution {
    fn done_part(&self, content: String, data: Option<Value>) -> FinishedPart {
        FinishedPart { skill: self.skill.manifest().name.clone(), content, data }
    }

    /// The answers of all parts as one.
    pub(crate) fn combined_answer(&self, content: String, data: Option<Value>) -> TaskOutcome {
        let last = self.done_part(content, data);
        let all: Vec<&FinishedPart> = self.done.iter().chain([&last]).collect();
        let content = all.iter().map(|part| part.content.trim()).collect::<Vec<_>>().join("\n\n");
        let data = json!({ "parts": all.iter().map(|part| json!({ "skill": part.skill, "data": part.data })).collect::<Vec<_>>() });
        TaskOutcome::Answered { content, data: Some(data) }
    }

    /// An end that is no answer, after the answers of the parts that were done: what they did stays done.
    pub(crate) fn after_finished_parts(&self, end: TaskOutcome) -> TaskOutcome {
        let before = said(&self.done);
        match end {
            TaskOutcome::Asked { content, questions } => {
                TaskOutcome::Asked { content: end::after(&before, &content), questions }
            }
            TaskOutcome::Failed { failure, .. } => TaskOutcome::Failed { before, failure },
            end @ (TaskOutcome::Answered { .. } | TaskOutcome::Cancelled { .. }) => end,
        }
    }

    /// Writes down that this part is done, and with what the next one begins.
    pub(crate) async fn next_part(&mut self, content: String, data: Option<Value>) -> Result<TaskOutcome, Interrupt> {
        let next = self.rest.remove(0);
        let catalog = self.brain.catalog.of(&self.owner().tenant).await?;
        let skill = catalog.skill(&next.skill).cloned().ok_or_else(|| gone(&next.skill))?;
        let now_ms = self.brain.clock.now_ms();
        let locale = self.context.preferences.iter().find(|(name, _)| name == "locale");
        let locale = locale.and_then(|(_, value)| serde_json::from_str::<String>(value).ok());
        let embedded = self.brain.catalog.vectors_of(&catalog, &next.request, &[]).await;
        let utterance = Utterance {
            text: &next.request,
            now_ms,
            time_zone: &self.request.time_zone,
            locale: locale.as_deref(),
            previous_skill: None,
            has_attachments: !self.request.attachments.is_empty(),
            vectors: embedded.vectors.as_ref(),
        };
        let mut route = catalog.router().route(&utterance);
        let confidence = route.ranking.first().map_or(0.0, |best| best.confidence);
        let rounds = answers_of(&self.task)?;
        if !route.intent.unclear.is_empty() {
            route = clarify::clarify(catalog.router(), &rounds, &utterance).route;
        }
        route.reasons.extend(embedded.why_not);
        let request = request_of(&self.task, &next.request, &route, confidence, &rounds, &self.request.time_zone);
        let mut context = self.context.clone();
        context.messages.push(contract::Message {
            role: contract::Role::Assistant,
            content: content.clone(),
            data: data.as_ref().map(Value::to_string),
            skill: Some(self.skill.manifest().name.clone()),
            at_ms: unsigned(now_ms),
        });
        let outcome = json!({ "content": content, "data": data, OWN: true });
        let mut done = self.done.clone();
        done.push(self.done_part(content, data));
        let prepared = PreparedRequest { request, context, part: self.part + 1, rest: self.rest.clone(), done };
        let ended = self.skill.clone();
        let decided = decide(&mut self.task, &skill, confidence, &prepared);
        let mut event = route_event(&self.task, &route);
        event["part"] = json!(self.part + 2);
        let mut batch = self.record.begin().await?;
        batch.append(vec![NewEvent::new(EventKind::Routed, event)]).await?;
        let (version, digest) = (ended.manifest().version.to_string(), ended.digest().to_string());
        let round = EndedRound {
            task: self.task.id,
            first: first_of_round(rounds.len()),
            skill: &ended.manifest().name,
            version: Some(&version),
            digest: Some(&digest),
            outcome: &outcome,
        };
        batch.keep_round(self.owner(), round).await?;
        batch.progress_task(
            self.owner(),
            self.task.id,
            &Progress { decision: Some(decided.row()), ..Progress::default() },
        );
        batch.clear_plan(self.task.id);
        batch.commit().await?;
        Err(Interrupt::NextPart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_part_said_is_found_in_the_answer_of_all() {
        let part = |content: &str| FinishedPart { skill: "a".to_owned(), content: content.to_owned(), data: None };
        let done = [part("one \n"), part("two")];
        let data = json!({ "parts": [{ "data": 1 }, { "data": 2 }, { "data": 3 }] });
        let (content, data) = own_answer_of_last_part(&done, "one\n\ntwo\n\nthree", Some(&data));
        assert_eq!((content.trim(), data), ("three", Some(json!(3))));
        assert_eq!(own_answer_of_last_part(&[], "alone", Some(&json!(1))), ("alone".to_owned(), Some(json!(1))));
        assert_eq!(own_answer_of_last_part(&done, "one\n\ntwo\n\nWhich one?", None).0.trim(), "Which one?");
    }
}
