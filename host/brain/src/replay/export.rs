//! Makes a file of a finished task.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_domain::{EventKind, Owner, TaskEvent, TaskId};
use openanalyst_registry::{Availability, FALLBACK_SKILL};
use openanalyst_runtime::Recording;
use openanalyst_runtime::contract::{Action, Attempt, Inputs, Plan, Request, Step, StepResult, StepStatus};
use openanalyst_store::StoreError;
use openanalyst_store::effects::EffectKey;
use openanalyst_store::recordings::PartRow;
use openanalyst_store::rounds::RoundRow;
use openanalyst_store::tasks::TaskRow;
use serde_json::{Value, json};

use super::masks::Masks;
use super::run::{answer, parsed, recorded_result};
use super::{FORMAT, Input, Invoked, RecordedSkill, TaskRecording};
use crate::api::BrainError;
use crate::asked::{answers_of, decode_document, earlier_results, feedback_before};
use crate::brain::Brain;
use crate::parts::{OWN, own_answer_of_last_part};
use crate::prepare::PreparedRequest;
use crate::steps::{RecordedAttempt, settled};
use crate::work::{PARTS, first_of_round};
use crate::{accept, plan, supply, view};

/// Most events of a task that are looked through for the number of attempts.
const MAX_EVENTS: u32 = 2_000;
/// More than there can be attempts at a plan or a reply.
const MAX_STAGE_ATTEMPTS: u32 = 100;

impl Brain {
    /// A finished task as a file for [`replay`](super::replay).
    ///
    /// # Errors
    /// See [`Brain::task`]; [`BrainError::WrongState`] for a task that has not ended, or had no skill; the package's.
    pub async fn recording(&self, owner: &Owner, id: TaskId) -> Result<TaskRecording, BrainError> {
        let store = &self.inner.store;
        let row = store.task_with_documents(owner, id).await?;
        let row = row.ok_or_else(|| BrainError::NoSuchTask(id.to_string()))?;
        if !row.status.is_final() {
            return Err(BrainError::WrongState(format!(
                "only a task that has ended can be replayed: it is {}",
                row.status
            )));
        }
        let mut rounds = store.rounds(owner, id).await?;
        rounds.extend(last_round(&row));
        if rounds.is_empty() {
            return Err(cannot("it ended before a skill was asked"));
        }
        let mut parts: HashMap<String, Vec<PartRow>> = HashMap::new();
        for part in store.recordings(owner, id, None).await? {
            parts.entry(part.place.clone()).or_default().push(part);
        }
        let recordings: Result<HashMap<String, Recording>, StoreError> =
            parts.into_iter().map(|(place, parts)| Ok((place, supply::journal::recording(parts)?))).collect();
        let recordings = recordings?;
        let events = store.task_events(owner, id, 0, MAX_EVENTS).await?;
        let mut export = Export {
            brain: self,
            row: &row,
            recordings,
            events,
            skills: Vec::new(),
            invocations: Vec::new(),
            plans: 0,
        };
        for round in rounds {
            export.round(round).await?;
        }
        let Export { skills, mut invocations, .. } = export;
        let mut masks = Masks::new(owner);
        for invoked in &mut invocations {
            masks
                .invoked(invoked)
                .map_err(|error| BrainError::Internal(format!("the recording cannot be written: {error}")))?;
        }
        Ok(TaskRecording {
            format: FORMAT.to_owned(),
            task_id: id.to_string(),
            status: row.status.to_string(),
            replaced: masks.replaced,
            skills,
            invocations,
        })
    }
}

fn cannot(what: &str) -> BrainError {
    BrainError::WrongState(format!("the task cannot be replayed: {what}"))
}

/// The round that stands with the task itself.
fn last_round(row: &TaskRow) -> Option<RoundRow> {
    let prepared = row.prepared.clone()?;
    let part = prepared.get("part").and_then(Value::as_i64).unwrap_or(0);
    Some(RoundRow {
        round: first_of_round(row.answers.as_array().map_or(0, Vec::len)).saturating_add(part),
        skill: row.skill.clone().unwrap_or_else(|| FALLBACK_SKILL.to_owned()),
        version: row.skill_version.clone(),
        digest: row.skill_digest.clone(),
        prepared,
        plan: row.plan.clone(),
        outcome: row.outcome.clone().unwrap_or_default(),
    })
}

/// The plan of one round, and who made it.
struct Round<'a> {
    number: i64,
    /// How many plans there are, with this one.
    plans: usize,
    skill: usize,
    plan: &'a Plan,
    request: &'a Request,
    prepared: &'a PreparedRequest,
}

struct Export<'a> {
    brain: &'a Brain,
    row: &'a TaskRow,
    recordings: HashMap<String, Recording>,
    events: Vec<TaskEvent>,
    skills: Vec<RecordedSkill>,
    invocations: Vec<Invoked>,
    /// How many plans were looked at.
    plans: usize,
}

impl Export<'_> {
    async fn round(&mut self, round: RoundRow) -> Result<(), BrainError> {
        let RoundRow { round: number, skill, version, digest, prepared, plan, outcome } = round;
        if prepared.is_null() {
            return Ok(());
        }
        let prepared: PreparedRequest = decode_document("prepared request", &prepared)?;
        let skill = self.skill(&skill, version, digest.as_deref()).await?;
        let request = Request { attachments: accept::for_skill(&self.row.attachments)?, ..prepared.request.clone() };
        let plan: Option<Plan> = plan.map(|plan| decode_document("plan", &plan)).transpose()?;
        self.stage(number, "plan", skill, plan.as_ref().map(|plan| json!(plan)), || {
            Input::Plan(Box::new((request.clone(), prepared.context.clone())))
        });
        let Some(plan) = plan else { return Ok(()) };
        self.plans += 1;
        let round = Round { number, plans: self.plans, skill, plan: &plan, request: &request, prepared: &prepared };
        let results = self.steps(&round).await?;
        if results.len() == plan.steps.len() {
            let done = if outcome.get(OWN).is_some() { &[] } else { prepared.done.as_slice() };
            let outcome = view::outcome_of(Some(&outcome))?;
            let said = own_answer_of_last_part(done, &outcome.content, outcome.data.as_ref());
            let given = outcome.error.is_none().then(|| answer(&said.0, said.1, &outcome.questions));
            self.stage(number, "reply", skill, given, || Input::Reply(Box::new((request.clone(), results))));
        }
        Ok(())
    }

    /// The place of a skill among those of the file.
    async fn skill(&mut self, name: &str, version: Option<String>, digest: Option<&str>) -> Result<usize, BrainError> {
        let known = |skill: &RecordedSkill| skill.name == name && skill.version == version;
        if let Some(at) = self.skills.iter().position(known) {
            return Ok(at);
        }
        let catalog = &self.brain.inner.catalog;
        let skill = catalog.version_of(&self.row.owner.tenant, name, digest).await?;
        let Availability::Available(skill) = skill else {
            return Err(cannot("its skill's version is not there any more, or out of use"));
        };
        let component = skill.version().component().await.map_err(|failure| cannot(&failure.to_string()))?;
        self.skills.push(RecordedSkill {
            name: name.to_owned(),
            version,
            budget: skill.budget.clone(),
            component: STANDARD.encode(&component),
            component_blake3: blake3::hash(&component).to_hex().to_string(),
        });
        Ok(self.skills.len() - 1)
    }

    /// Adds each attempt at a stage whose end is known: those that failed, and the one that gave something.
    fn stage(
        &mut self,
        round: i64,
        stage: &str,
        skill: usize,
        mut given: Option<Value>,
        input: impl FnOnce() -> Input,
    ) {
        let places = (1..MAX_STAGE_ATTEMPTS).map(|attempt| format!("{round}/{stage}/{attempt}"));
        let attempts: Vec<(String, Recording)> =
            places.map_while(|place| self.recordings.remove_entry(&place)).collect();
        if attempts.is_empty() {
            return;
        }
        let input = input();
        for (place, recording) in attempts {
            // One that neither failed nor gave anything was cut off.
            let Some(given) = (match &recording.failed {
                Some(_) => Some(Value::Null),
                None => given.take(),
            }) else {
                continue;
            };
            let result = recorded_result(&recording, || given);
            self.invocations.push(Invoked { place, skill, input: input.clone(), recording, result });
        }
    }

    /// Adds each attempt at each step that is the skill's own code; gives the results of all steps.
    async fn steps(&mut self, round: &Round<'_>) -> Result<Vec<StepResult>, BrainError> {
        let store = &self.brain.inner.store;
        let (owner, id) = (&self.row.owner, self.row.id);
        let recorded = store.step_results(owner, id, round.number).await?;
        let earlier = earlier_results(store, owner, id, round.number).await?;
        let rounds = answers_of(self.row)?;
        let answers = usize::try_from(round.number / PARTS - 1).ok().and_then(|at| rounds.get(at));
        let mut results: Vec<StepResult> = Vec::new();
        for step in &round.plan.steps {
            let done = recorded.iter().find(|(id, _)| *id == step.id);
            let done: Option<StepResult> =
                done.map(|(_, result)| decode_document("step result", result)).transpose()?;
            if matches!(step.action, Action::Run(_)) {
                let told = feedback_before(step, &earlier, answers.map_or(&[], Vec::as_slice))?;
                self.attempts(round, step, &results, done.as_ref(), told.differences).await?;
            }
            match done {
                Some(result) => results.push(result),
                None => break,
            }
        }
        Ok(results)
    }

    /// Adds each attempt at a step.
    async fn attempts(
        &mut self,
        round: &Round<'_>,
        step: &Step,
        results: &[StepResult],
        done: Option<&StepResult>,
        mut differences: Vec<String>,
    ) -> Result<(), BrainError> {
        let Ok(arguments) = plan::arguments(step).and_then(|arguments| plan::resolve(arguments, results)) else {
            return Ok(());
        };
        let max = self.attempts_of(round, step);
        for number in 1..=max {
            let place = format!("{}/{}/{number}", round.number, step.id);
            let settled = self.settled(&place).await?.or_else(|| {
                // One that changed nothing outside, and was met, has no entry of its own.
                let done = done?;
                (done.status == StepStatus::Met && done.attempts == number).then(RecordedAttempt::met)
            });
            let recording = self.recordings.remove_entry(&format!("{place}/run"));
            let Some(settled) = settled else { break };
            // One that the machine or the moment ended would not end so again.
            let is_cut_off = |recording: &Recording| {
                recording.failed.is_none() && settled.failure.is_some() && settled.output.is_null()
            };
            if let Some((place, recording)) = recording.filter(|(_, recording)| !is_cut_off(recording)) {
                let learning = if number == max { self.learning(round.number, step).await? } else { None };
                let inputs = Inputs {
                    request: round.request.clone(),
                    context: round.prepared.context.clone(),
                    arguments: arguments.to_string(),
                    results: results.to_vec(),
                };
                let attempt = Attempt { number, max, differences: differences.clone(), learning };
                let result = recorded_result(&recording, || match done {
                    Some(done) if settled.met => parsed(&done.output),
                    _ => settled.output.clone(),
                });
                let input = Input::Run(Box::new((step.clone(), inputs, attempt)));
                self.invocations.push(Invoked { place, skill: round.skill, input, recording, result });
            }
            differences.extend(settled.differences);
        }
        Ok(())
    }

    /// How many attempts there could be at a step of a round: each begins with its plan.
    fn attempts_of(&self, round: &Round<'_>, step: &Step) -> u32 {
        let mut plans = 0;
        let of_round = self.events.iter().filter(|event| {
            plans += usize::from(event.kind == EventKind::Planned);
            plans == round.plans
        });
        let started = |event: &&TaskEvent| event.kind == EventKind::StepStarted && event.data["id"] == step.id.as_str();
        let max = of_round.into_iter().find(started).and_then(|event| event.data["attempts"].as_u64());
        max.and_then(|max| u32::try_from(max).ok()).unwrap_or(1)
    }

    async fn settled(&self, place: &str) -> Result<Option<RecordedAttempt>, BrainError> {
        Ok(settled(self.effect(place).await?)?)
    }

    async fn learning(&self, round: i64, step: &Step) -> Result<Option<String>, BrainError> {
        let found = self.effect(&format!("{round}/{}/research", step.id)).await?;
        Ok(found.and_then(|found| found.get("learning").and_then(Value::as_str).map(str::to_owned)))
    }

    async fn effect(&self, place: &str) -> Result<Option<Value>, BrainError> {
        let key = EffectKey { owner: &self.row.owner, task: self.row.id, place };
        Ok(self.brain.inner.store.effect(&key).await?.and_then(|effect| effect.result))
    }
}
