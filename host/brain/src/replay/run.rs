//! Runs a recorded task again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_domain::{Digest, Failure, Owner};
use openanalyst_runtime::contract::Reply;
use openanalyst_runtime::{Call, CallError, LogLine, Sandbox, Skill, Tape};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Input, RecordedSkill, Replayed, TaskRecording};
use crate::api::Question;
use crate::end;

/// Runs a recorded task again: each invocation, in order, and says what came of each. Reaches nothing.
///
/// # Errors
/// A component in it is damaged or cannot be loaded.
pub async fn replay(sandbox: &Sandbox, recorded: &TaskRecording) -> Result<Vec<Replayed>, Failure> {
    let mut loaded = Vec::with_capacity(recorded.skills.len());
    for skill in &recorded.skills {
        loaded.push(load(sandbox, skill).await?);
    }
    let mut replayed = Vec::with_capacity(recorded.invocations.len());
    for invoked in &recorded.invocations {
        let (Some(skill), Some(of)) = (loaded.get(invoked.skill), recorded.skills.get(invoked.skill)) else {
            return Err(Failure::invalid(format!("the file names no skill for {}", invoked.place)));
        };
        let call = Call {
            budget: of.budget.clone(),
            tape: Tape::played(invoked.recording.clone(), recorded.replaced > 0)
                .map_err(|error| Failure::failed(error.to_string()))?,
            ..Call::new(nobody()?)
        };
        let (result, logs) = run(sandbox, skill, call, &invoked.input).await;
        let difference = match result {
            Err(diverged) => Some(diverged),
            Ok(result) => first_difference("", &invoked.result, &result),
        };
        replayed.push(Replayed { host_calls: invoked.recording.calls.len(), logs, difference });
    }
    Ok(replayed)
}

async fn load(sandbox: &Sandbox, recorded: &RecordedSkill) -> Result<Skill, Failure> {
    let name = recorded.name.clone();
    let component = STANDARD.decode(&recorded.component);
    let component = component
        .map_err(|error| Failure::invalid(format!("the component of `{name}` in the file is damaged: {error}")))?;
    if blake3::hash(&component).to_hex().as_str() != recorded.component_blake3 {
        return Err(Failure::invalid(format!(
            "the component of `{name}` in the file is not the one that was recorded: its hash differs"
        )));
    }
    let digest = Digest::from_sha256(Sha256::digest(&component).into());
    let loader = sandbox.clone();
    let loading = tokio::task::spawn_blocking(move || {
        loader
            .load_skill(&name, digest, &component)
            .map_err(|error| Failure::invalid(format!("the component of `{name}` cannot be loaded: {error}")))
    });
    loading.await.map_err(|error| Failure::failed(error.to_string()))?
}

fn nobody() -> Result<Owner, Failure> {
    let (tenant, user) = ("replay".try_into(), "replay".try_into());
    match (tenant, user) {
        (Ok(tenant), Ok(user)) => Ok(Owner::new(tenant, user)),
        _ => Err(Failure::failed("there is no name for nobody")),
    }
}

async fn run(sandbox: &Sandbox, skill: &Skill, call: Call, input: &Input) -> (Result<Value, String>, Vec<LogLine>) {
    match input {
        Input::Plan(given) => {
            let (request, context) = &**given;
            let done = sandbox.plan(skill, call, request, context).await;
            (result_of(done.result.map(|plan| json!(plan))), done.logs)
        }
        Input::Run(given) => {
            let (step, inputs, attempt) = &**given;
            let done = sandbox.run(skill, call, step, inputs, attempt).await;
            (result_of(done.result.map(|output| parsed(&output.result))), done.logs)
        }
        Input::Reply(given) => {
            let (request, results) = &**given;
            let done = sandbox.reply(skill, call, request, results).await;
            (result_of(done.result.map(reply_of)), done.logs)
        }
    }
}

/// A reply as far as a task keeps it.
fn reply_of(reply: Reply) -> Value {
    let questions: Vec<Question> = reply.questions.into_iter().map(Question::from).collect();
    answer(&reply.content, reply.data.as_deref().map(parsed), &questions)
}

/// What a task keeps of an answer: with questions, the text around them and no data.
pub(super) fn answer(content: &str, data: Option<Value>, questions: &[Question]) -> Value {
    if questions.is_empty() {
        return json!({ "content": content.trim(), "data": data });
    }
    let content = if content.trim().is_empty() { end::ask_text("", questions) } else { content.to_owned() };
    json!({ "content": content.trim(), "questions": questions })
}

pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// What an invocation gave; or that it did something else.
fn result_of(result: Result<Value, CallError>) -> Result<Value, String> {
    match result {
        Ok(value) => Ok(json!({ "ok": value })),
        Err(CallError::Diverged(diverged)) => Err(diverged.to_string()),
        Err(error) => Ok(json!({ "failed": error.as_failure() })),
    }
}

/// The first place at which two documents differ, in words.
fn first_difference(at: &str, recorded: &Value, now: &Value) -> Option<String> {
    let said = |value: &Value| crate::context::shorten(&value.to_string(), 200);
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => {
            let names = recorded.keys().chain(now.keys().filter(|name| !recorded.contains_key(*name)));
            names.into_iter().find_map(|name| {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                first_difference(&at, recorded.get(name).unwrap_or(&Value::Null), now.get(name).unwrap_or(&Value::Null))
            })
        }
        (Value::Array(recorded), Value::Array(now)) if recorded.len() == now.len() => recorded
            .iter()
            .zip(now)
            .enumerate()
            .find_map(|(index, (recorded, now))| first_difference(&format!("{at}/{index}"), recorded, now)),
        _ if recorded == now => None,
        _ => Some(format!("the result differs at `{at}`: recorded was {}, now it is {}", said(recorded), said(now))),
    }
}

/// What was recorded that an invocation gave.
pub(super) fn recorded_result(invoked: &openanalyst_runtime::Recording, given: impl FnOnce() -> Value) -> Value {
    match &invoked.failed {
        Some(failure) => json!({ "failed": failure }),
        None => json!({ "ok": given() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_by_its_place() {
        let same = json!({"a": [1, {"b": 2}]});
        assert_eq!(first_difference("", &same, &same), None);
        let other = json!({"a": [1, {"b": 3}]});
        assert!(first_difference("", &same, &other).unwrap().contains("`/a/1/b`: recorded was 2, now it is 3"));
        assert!(first_difference("", &same, &json!({})).unwrap().contains("`/a`"));
        assert!(first_difference("", &json!({}), &json!({"x": 1})).unwrap().contains("`/x`"));
    }
}
