//! A finished task as one file, and running it again from that file: the same component, the recorded host calls, the same result or the first difference.
//!
//! The file holds what the skill was given and told in the task's last round, and in the last part of a request that was split: its own `plan`, each attempt at a step that is its own code, and its `reply`. Jobs and
//! called skills are not run again: what they gave stands in the recording. Nothing is reached while a file is replayed.
//!
//! Before it leaves the host, names of tenant and user, e-mail addresses, tokens and keys are replaced by others of the same form and length, the same everywhere.
//! Secrets of the tenant are never in it: a skill does not get to see them. What the user wrote and what the skill was told stays: look at it before you
//! hand it on.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_domain::{Budget, Digest, EventKind, Failure, Owner, TaskId};
use openanalyst_registry::FALLBACK_SKILL;
use openanalyst_runtime::contract::{
    Action, Attempt, Context, Inputs, Plan, Reply, Request, Step, StepResult, StepStatus,
};
use openanalyst_runtime::{Call, CallError, LogLine, Recording, Sandbox, Tape};
use openanalyst_store::effects::EffectKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::api::BrainError;
use crate::brain::Brain;
use crate::end::Outcome;
use crate::prepare::Prepared;
use crate::steps::Settled;
use crate::work::PARTS;
use crate::{accept, plan};

/// What the member `format` of a file says.
pub const FORMAT: &str = "openanalyst-task-recording/1";
/// Most events of a task that are looked through for the number of attempts.
const MAX_EVENTS: u32 = 1_000;

/// A finished task, to be run again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecording {
    /// [`FORMAT`].
    pub format: String,
    /// The task's id.
    pub task_id: String,
    /// How it ended.
    pub status: String,
    /// The skill.
    pub skill: String,
    /// Its version.
    pub skill_version: Option<String>,
    /// How many texts were replaced before the file was written.
    pub replaced: usize,
    /// The limits of each invocation.
    pub budget: Budget,
    /// The component, in base64.
    pub component: String,
    /// The BLAKE3 hash of the component.
    pub component_blake3: String,
    /// What the skill was called for, in order.
    pub invocations: Vec<Invoked>,
}

/// One invocation: what it was given, what it was told, and what it gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoked {
    /// Round, step, attempt and export.
    pub place: String,
    /// What it was given.
    pub input: Input,
    /// What it asked and was told.
    pub recording: Recording,
    /// What it gave: `{"ok": …}` or `{"failed": …}`.
    pub result: Value,
}

/// What an export is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// `plan`
    Plan(Box<(Request, Context)>),
    /// `run`
    Run(Box<(Step, Inputs, Attempt)>),
    /// `reply`
    Reply(Box<(Request, Vec<StepResult>)>),
}

/// What came of running an invocation again.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// Round, step, attempt and export.
    pub place: String,
    /// How many host calls were played.
    pub host_calls: usize,
    /// What the skill logged.
    pub logs: Vec<LogLine>,
    /// The first thing that was not as recorded. None: all was.
    pub difference: Option<String>,
}

impl Brain {
    /// A finished task as a file for [`replay`].
    ///
    /// # Errors
    /// See [`Brain::task`]; [`BrainError::WrongState`] for a task that has not ended, or had no skill; the package's.
    pub async fn recording(&self, owner: &Owner, id: TaskId) -> Result<TaskRecording, BrainError> {
        let inner = &self.inner;
        let row = inner.store.task_with_documents(owner, id).await?;
        let row = row.ok_or_else(|| BrainError::NoSuchTask(id.to_string()))?;
        if !row.status.is_final() {
            return Err(BrainError::WrongState(format!(
                "only a task that has ended can be replayed: it is {}",
                row.status
            )));
        }
        let wrong = |what: &str| BrainError::WrongState(format!("the task cannot be replayed: {what}"));
        let prepared: Prepared = row
            .prepared
            .clone()
            .and_then(|prepared| serde_json::from_value(prepared).ok())
            .ok_or_else(|| wrong("it ended before a skill was asked"))?;
        let name = row.skill.clone().unwrap_or_else(|| FALLBACK_SKILL.to_owned());
        let catalog = &inner.catalog;
        let skill = catalog.version_of(&owner.tenant, &name, row.skill_digest.as_deref()).await?;
        let skill = skill.ok_or_else(|| wrong("its skill's version is not there any more"))?;
        let component = skill.version().component().await.map_err(|failure| wrong(&failure.to_string()))?;
        let request = Request { attachments: accept::for_skill(&row.attachments), ..prepared.request };
        let answers = i64::try_from(row.answers.as_array().map_or(0, Vec::len)).unwrap_or(i64::MAX);
        let round = answers.saturating_mul(PARTS).saturating_add(i64::try_from(prepared.part).unwrap_or(0));
        let told = Told { brain: self, owner, id, round, recordings: self.recordings(owner, id).await? };
        let mut invocations = Vec::new();
        let planned: Option<Plan> = row.plan.clone().and_then(|plan| serde_json::from_value(plan).ok());
        if let Some(planned) = &planned {
            told.push(&mut invocations, "plan", &json!({ "ok": planned }), || {
                Input::Plan(Box::new((request.clone(), prepared.context.clone())))
            });
            let results = told.steps(&mut invocations, planned, &request, &prepared.context).await?;
            let outcome: Outcome =
                row.outcome.clone().and_then(|outcome| serde_json::from_value(outcome).ok()).unwrap_or_default();
            if results.len() == planned.steps.len() && outcome.error.is_none() {
                let reply = json!({ "ok": { "content": outcome.content, "data": outcome.data } });
                told.push(&mut invocations, "reply", &reply, || Input::Reply(Box::new((request.clone(), results))));
            }
        }
        let mut recording = TaskRecording {
            format: FORMAT.to_owned(),
            task_id: id.to_string(),
            status: row.status.to_string(),
            skill: name,
            skill_version: row.skill_version,
            replaced: 0,
            budget: skill.budget.clone(),
            component: STANDARD.encode(&component),
            component_blake3: blake3::hash(&component).to_hex().to_string(),
            invocations,
        };
        let mut document = serde_json::to_value(&recording.invocations).unwrap_or_default();
        let mut masks = Masks::new(owner);
        masks.apply(&mut document);
        if masks.replaced > 0 {
            recording.invocations = serde_json::from_value(document)
                .map_err(|error| BrainError::Internal(format!("the recording cannot be written: {error}")))?;
            recording.replaced = masks.replaced;
        }
        Ok(recording)
    }

    async fn recordings(&self, owner: &Owner, id: TaskId) -> Result<HashMap<String, Recording>, BrainError> {
        let mut parts: HashMap<String, Vec<Recording>> = HashMap::new();
        for row in self.inner.store.recordings(owner, id, None).await? {
            if let Ok(part) = serde_json::from_value(row.part) {
                parts.entry(row.place).or_default().push(part);
            }
        }
        Ok(parts.into_iter().map(|(place, parts)| (place, Recording::of(parts))).collect())
    }
}

struct Told<'a> {
    brain: &'a Brain,
    owner: &'a Owner,
    id: TaskId,
    round: i64,
    recordings: HashMap<String, Recording>,
}

impl Told<'_> {
    /// Adds the last attempt at a stage, if it is recorded.
    fn push(&self, invocations: &mut Vec<Invoked>, stage: &str, result: &Value, input: impl FnOnce() -> Input) {
        let places = (1..100).map(|attempt| format!("{}/{stage}/{attempt}", self.round));
        let last = places.take_while(|place| self.recordings.contains_key(place)).last();
        if let Some((place, recording)) = last.and_then(|place| self.recordings.get_key_value(&place)) {
            invocations.push(Invoked {
                place: place.clone(),
                input: input(),
                recording: recording.clone(),
                result: result.clone(),
            });
        }
    }

    /// Adds each attempt at each step that is the skill's own code; gives the results of all steps.
    async fn steps(
        &self,
        invocations: &mut Vec<Invoked>,
        planned: &Plan,
        request: &Request,
        context: &Context,
    ) -> Result<Vec<StepResult>, BrainError> {
        let store = &self.brain.inner.store;
        let recorded = store.step_results(self.owner, self.id, self.round).await?;
        let events = store.task_events(self.owner, self.id, 0, MAX_EVENTS).await?;
        let mut results: Vec<StepResult> = Vec::new();
        for step in &planned.steps {
            let done = recorded.iter().find(|(id, _)| *id == step.id);
            let done = done.and_then(|(_, result)| serde_json::from_value::<StepResult>(result.clone()).ok());
            let started = |event: &&openanalyst_domain::TaskEvent| {
                event.kind == EventKind::StepStarted && event.data["id"] == step.id.as_str()
            };
            let max = events.iter().find(started).and_then(|event| event.data["attempts"].as_u64());
            let max = max.and_then(|max| u32::try_from(max).ok()).unwrap_or(1);
            let arguments = plan::arguments(step).and_then(|arguments| plan::resolve(arguments, &results));
            let mut differences = Vec::new();
            for number in 1..=max {
                let place = format!("{}/{}/{number}", self.round, step.id);
                let settled = self.settled(&place).await?.or_else(|| {
                    // One that changed nothing outside, and was met, has no entry of its own.
                    let done = done.as_ref()?;
                    (done.status == StepStatus::Met && done.attempts == number).then(Settled::met)
                });
                if let (Action::Run(_), Ok(arguments), Some(recording), Some(settled)) =
                    (&step.action, &arguments, self.recordings.get(&format!("{place}/run")), &settled)
                {
                    let learning = if number == max { self.learning(step).await? } else { None };
                    let inputs = Inputs {
                        request: request.clone(),
                        context: context.clone(),
                        arguments: arguments.to_string(),
                        results: results.clone(),
                    };
                    let attempt = Attempt { number, max, differences: differences.clone(), learning };
                    let result = match (&settled.failure, &done) {
                        (Some(failure), _) => json!({ "failed": failure }),
                        (None, Some(done)) if settled.met => json!({ "ok": parsed(&done.output) }),
                        (None, _) => json!({ "ok": settled.output }),
                    };
                    invocations.push(Invoked {
                        place: format!("{place}/run"),
                        input: Input::Run(Box::new((step.clone(), inputs, attempt))),
                        recording: recording.clone(),
                        result,
                    });
                }
                let Some(settled) = settled else { break };
                differences.extend(settled.differences);
            }
            match done {
                Some(result) => results.push(result),
                None => break,
            }
        }
        Ok(results)
    }

    async fn settled(&self, place: &str) -> Result<Option<Settled>, BrainError> {
        let key = EffectKey { owner: self.owner, task: self.id, place };
        let effect = self.brain.inner.store.effect(&key).await?;
        Ok(effect.and_then(|effect| effect.result).and_then(|result| serde_json::from_value(result).ok()))
    }

    async fn learning(&self, step: &Step) -> Result<Option<String>, BrainError> {
        let place = format!("{}/{}/research", self.round, step.id);
        let key = EffectKey { owner: self.owner, task: self.id, place: &place };
        let effect = self.brain.inner.store.effect(&key).await?;
        let found = effect.and_then(|effect| effect.result);
        Ok(found.and_then(|found| found.get("learning").and_then(Value::as_str).map(str::to_owned)))
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Runs a recorded task again: each invocation, in order. Reaches nothing.
///
/// # Errors
/// The file's format is another one, or its component cannot be loaded.
pub async fn replay(sandbox: &Sandbox, recorded: &TaskRecording) -> Result<Vec<Replayed>, Failure> {
    if recorded.format != FORMAT {
        return Err(Failure::invalid(format!(
            "the file has the format `{}`, and this program knows `{FORMAT}`: export the task again with this version",
            recorded.format
        )));
    }
    let component = STANDARD.decode(&recorded.component);
    let component =
        component.map_err(|error| Failure::invalid(format!("the component in the file is damaged: {error}")))?;
    let hash = blake3::hash(&component);
    if hash.to_hex().as_str() != recorded.component_blake3 {
        return Err(Failure::invalid("the component in the file is not the one that was recorded: its hash differs"));
    }
    let digest = Digest::from_sha256(Sha256::digest(&component).into());
    let (loader, name) = (sandbox.clone(), recorded.skill.clone());
    let loading = tokio::task::spawn_blocking(move || loader.load_skill(&name, digest, &component));
    let skill = loading.await.map_err(|error| Failure::failed(error.to_string()))?;
    let skill = skill.map_err(|error| Failure::invalid(format!("the component cannot be loaded: {error}")))?;
    let nobody = || -> Result<Owner, Failure> {
        let name = |_| Failure::failed("no name");
        Ok(Owner::new("replay".try_into().map_err(name)?, "replay".try_into().map_err(|_| Failure::failed("no name"))?))
    };
    let mut replayed = Vec::new();
    for invoked in &recorded.invocations {
        let call = Call {
            budget: recorded.budget.clone(),
            tape: Tape::played(invoked.recording.clone(), recorded.replaced > 0),
            ..Call::new(nobody()?)
        };
        let (result, logs) = match &invoked.input {
            Input::Plan(given) => {
                let (request, context) = &**given;
                let done = sandbox.plan(&skill, call, request, context).await;
                (result_of(done.result.map(|plan| json!(plan))), done.logs)
            }
            Input::Run(given) => {
                let (step, inputs, attempt) = &**given;
                let done = sandbox.run(&skill, call, step, inputs, attempt).await;
                (result_of(done.result.map(|output| parsed(&output.result))), done.logs)
            }
            Input::Reply(given) => {
                let (request, results) = &**given;
                let done = sandbox.reply(&skill, call, request, results).await;
                (result_of(done.result.map(reply_of)), done.logs)
            }
        };
        let difference = match result {
            Err(diverged) => Some(diverged),
            Ok(result) => first_difference("", &invoked.result, &result),
        };
        let host_calls = invoked.recording.calls.len();
        replayed.push(Replayed { place: invoked.place.clone(), host_calls, logs, difference });
    }
    Ok(replayed)
}

fn reply_of(reply: Reply) -> Value {
    json!({ "content": reply.content, "data": reply.data.as_deref().map(parsed) })
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

/// Replaces what should not leave the host by something of the same form, the same everywhere.
struct Masks {
    names: Vec<regex::Regex>,
    known: HashMap<String, String>,
    replaced: usize,
}

impl Masks {
    fn new(owner: &Owner) -> Self {
        let mut patterns: Vec<String> = [owner.tenant.as_str(), owner.user.as_str()]
            .iter()
            .map(|name| format!(r"\b{}\b", regex::escape(name)))
            .collect();
        patterns.extend(
            [
                // An e-mail address.
                r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}",
                // A JWT (RFC 7519): three parts in base64url, the first two of which begin as JSON does.
                r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
                // Keys as providers issue them.
                r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA|glpat)[-_A-Za-z0-9]{12,}",
                r"(?i)\bbearer [-._~+/A-Za-z0-9]{16,}=*",
            ]
            .map(str::to_owned),
        );
        // The patterns are constants around escaped names.
        let names = patterns.iter().filter_map(|pattern| regex::Regex::new(pattern).ok()).collect();
        Self { names, known: HashMap::new(), replaced: 0 }
    }

    fn apply(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for at in 0..self.names.len() {
                    let pattern = self.names[at].clone();
                    if pattern.is_match(text) {
                        *text =
                            pattern.replace_all(text, |found: &regex::Captures<'_>| self.mask(&found[0])).into_owned();
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|item| self.apply(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.apply(member)),
            _ => {}
        }
    }

    fn mask(&mut self, text: &str) -> String {
        self.replaced += 1;
        let number = self.known.len();
        let masked = self.known.entry(text.to_owned()).or_insert_with(|| {
            text.chars()
                .enumerate()
                .map(
                    |(at, c)| if c.is_ascii_alphanumeric() { char::from(b'a' + ((number + at) % 26) as u8) } else { c },
                )
                .collect()
        });
        masked.clone()
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    #[test]
    fn names_addresses_and_keys_are_replaced_the_same_everywhere() {
        let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
        let mut masks = Masks::new(&owner);
        let mut document = json!({
            "folder": "u/ada", "text": "Canada, write to ada.l@example.org with sk-1234567890abcdef",
            "again": ["ada.l@example.org", 5], "tenant": "acme",
        });
        masks.apply(&mut document);
        let text = document.to_string();
        for gone in ["u/ada", "example.org", "sk-1234567890abcdef", "acme"] {
            assert!(!text.contains(gone), "{text}");
        }
        assert!(text.contains("Canada") && masks.replaced >= 4, "{text}");
        let address = document["again"][0].as_str().unwrap();
        assert!(document["text"].as_str().unwrap().contains(address) && address.len() == "ada.l@example.org".len());
    }

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
