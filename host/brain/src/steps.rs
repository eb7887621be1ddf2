//! The executor: runs the steps of a plan, compares each result with what was expected, and tries again knowing what was wrong.
//!
//! An attempt is journaled under `ROUND/STEP/ATTEMPT`. One that is a job: the intent with the job's id before it begins, and the verdict after; a process that takes the
//! task up again finds the intent, and awaits that job instead of starting another one. One that is the skill's own code: with the first thing that it changes outside. Where it
//! gave what was expected before that, the result of the step says all.

use std::sync::Arc;

use openanalyst_domain::{EventKind, Failure, JobId};
use openanalyst_runtime::CallError;
use openanalyst_runtime::contract::{self, Action, Check, Plan, Step, StepResult, StepStatus};
use openanalyst_store::effects::{Effect, EffectKey};
use openanalyst_store::tasks::{NewEvent, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Question;
use crate::context::shorten;
use crate::end::{self, End};
use crate::expect::{self, Outcome, Verdict};
use crate::plan;
use crate::record::{BegunAttempt, SettledStep};
use crate::supply::{ProgressChannel, Spot};
use crate::work::{PARTS, Stop, Work};

/// One step of the plan, and its place in it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) step: &'a Step,
    /// From 1.
    pub(crate) number: usize,
    pub(crate) steps: usize,
    /// From 1.
    pub(crate) attempt: u32,
    pub(crate) attempts: u32,
}

impl Place<'_> {
    /// What every event of a step says.
    pub(crate) fn event(&self) -> Value {
        json!({
            "step": self.number, "steps": self.steps, "id": self.step.id, "title": self.step.title,
            "attempt": self.attempt, "attempts": self.attempts,
        })
    }

    pub(crate) fn event_with(&self, more: &Value) -> Value {
        let mut event = self.event();
        if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
            event.extend(more.clone());
        }
        event
    }
}

/// What an attempt is going to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent {
    /// The job that does it, for scripts and flows.
    job: Option<JobId>,
}

/// What came of an attempt.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tried {
    /// What it gave; null where it failed.
    pub(crate) output: Value,
    /// Why it gave nothing.
    pub(crate) failure: Option<Failure>,
    /// How long its job ran, and how that ended.
    pub(crate) job_status: Option<String>,
    pub(crate) job_duration_ms: Option<i64>,
}

impl Tried {
    pub(crate) fn gave(output: Value) -> Self {
        Self { output, failure: None, job_status: None, job_duration_ms: None }
    }

    pub(crate) fn failed(failure: Failure) -> Self {
        Self { output: Value::Null, failure: Some(failure), job_status: None, job_duration_ms: None }
    }
}

/// The recorded end of an attempt that did not succeed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) met: bool,
    pub(crate) differences: Vec<String>,
    pub(crate) failure: Option<Failure>,
    /// What it gave, where that was not as expected.
    #[serde(default)]
    pub(crate) output: Value,
}

impl Settled {
    /// The end of an attempt that gave what was expected.
    pub(crate) fn met() -> Self {
        Self { met: true, differences: Vec::new(), failure: None, output: Value::Null }
    }
}

/// What an attempt is told of the ones before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// What was wrong with them.
    pub(crate) differences: Vec<String>,
    /// What was learned from research.
    pub(crate) learning: Option<String>,
}

impl Work {
    /// Runs all steps in order.
    pub(crate) async fn steps(&mut self, plan: &Plan) -> Result<Vec<StepResult>, Stop> {
        let recorded = match self.resumed {
            true => self.brain.store.step_results(self.owner(), self.task.id, self.round).await?,
            false => Vec::new(),
        };
        let earlier = match self.round {
            round if round < PARTS => Vec::new(),
            round => self.brain.store.step_results(self.owner(), self.task.id, round - PARTS).await?,
        };
        let mut results: Vec<StepResult> = Vec::with_capacity(plan.steps.len());
        for (index, step) in plan.steps.iter().enumerate() {
            let done = recorded.iter().find(|(id, _)| *id == step.id);
            let result = match done.and_then(|(_, result)| serde_json::from_value::<StepResult>(result.clone()).ok()) {
                Some(result) => result,
                None => match self.kept(step, &earlier, &results) {
                    Some(result) => self.keep(step, index + 1, plan.steps.len(), result, &results).await?,
                    None => self.step(step, index + 1, plan.steps.len(), &results).await?,
                },
            };
            if let Some(job) = result.job_id.as_deref().and_then(|id| id.parse().ok()) {
                self.note_job(job);
            }
            results.push(result);
        }
        Ok(results)
    }

    /// Runs one step, with its retries.
    async fn step(
        &mut self,
        step: &Step,
        number: usize,
        steps: usize,
        results: &[StepResult],
    ) -> Result<StepResult, Stop> {
        let attempts = self.retry.retries + 1 + u32::from(self.retry.research);
        let mut told = Told::default();
        let mut last = None;
        for attempt in 1..=attempts {
            self.check_cancelled()?;
            let place = Place { step, number, steps, attempt, attempts };
            if self.retry.research && attempt == attempts {
                told.learning = Box::pin(self.research(place, &told.differences)).await?;
            }
            match Box::pin(self.attempt(place, results, &told)).await? {
                Ok(result) => return Ok(result),
                Err(settled) => {
                    if let Some(failure) = &settled.failure
                        && !failure.is_retryable()
                    {
                        return Err(failure.clone().into());
                    }
                    told.differences.extend(settled.differences.iter().cloned());
                    last = Some(settled);
                }
            }
        }
        let last = last.unwrap_or_else(|| Settled {
            met: false,
            differences: Vec::new(),
            failure: Some(Failure::failed("the step was never run")),
            output: Value::Null,
        });
        self.remember_last(place_of(step, number, steps, attempts), &last).await?;
        Err(Stop::End(cannot_satisfy(step, &told.differences, &last)))
    }

    /// The result of a step that was finished before the user was asked, if this plan has the same step; or the last one, if the user takes it as it is.
    fn kept(&self, step: &Step, earlier: &[(String, Value)], results: &[StepResult]) -> Option<StepResult> {
        let (_, recorded) = earlier.iter().find(|(id, _)| *id == step.id)?;
        let result: StepResult = serde_json::from_value(recorded.clone()).ok()?;
        let question = question_of(step);
        let takes_it = self.request.answers.iter().any(|answer| {
            (answer.question_id == question || answer.question_id == "*")
                && answer.text.trim().eq_ignore_ascii_case(TAKE_IT)
        });
        let same = recorded.get(STEP).is_some_and(|recorded| *recorded == described(step, results));
        let kept = match result.status {
            StepStatus::Met => same,
            StepStatus::NotMet => takes_it,
            StepStatus::Failed => false,
        };
        kept.then_some(result)
    }

    /// Takes a result over into this round.
    async fn keep(
        &mut self,
        step: &Step,
        number: usize,
        steps: usize,
        result: StepResult,
        results: &[StepResult],
    ) -> Result<StepResult, Stop> {
        let place = place_of(step, number, steps, result.attempts);
        let kept = json!({ "met": result.status == StepStatus::Met, "kept": true, "differences": result.differences });
        let events = vec![NewEvent::new(EventKind::Evaluated, place.event_with(&kept))];
        let mut recorded = serde_json::to_value(&result).unwrap_or_default();
        recorded[STEP] = described(step, results);
        let mut writing = self.record.begin().await?;
        writing.append(events).await?;
        writing.put_step_result(self.owner(), self.task.id, self.round, &step.id, &recorded);
        writing.commit().await?;
        Ok(result)
    }

    /// Keeps what the last attempt gave, so that the user can take it as it is.
    async fn remember_last(&self, place: Place<'_>, last: &Settled) -> Result<(), Stop> {
        let result = StepResult {
            id: place.step.id.clone(),
            title: place.step.title.clone(),
            status: if last.failure.is_some() { StepStatus::Failed } else { StepStatus::NotMet },
            output: last.output.to_string(),
            attempts: place.attempt,
            job_id: None,
            differences: last.differences.clone(),
        };
        let recorded = serde_json::to_value(&result).unwrap_or_default();
        let reason = match &last.failure {
            Some(failure) => format!("the step \"{}\" failed each time: {failure}", result.title),
            None => {
                format!("the step \"{}\" never gave what was expected: {}", result.title, last.differences.join("; "))
            }
        };
        let mut writing = self.record.begin().await?;
        writing.put_step_result(self.owner(), self.task.id, self.round, &place.step.id, &recorded);
        let now_ms = self.brain.clock.now_ms();
        end::remember_failure(&mut writing, &self.task, &shorten(&reason, 600), &last.differences, now_ms);
        writing.commit().await?;
        Ok(())
    }

    /// Makes one attempt, or takes up what is recorded of it.
    async fn attempt(
        &mut self,
        place: Place<'_>,
        results: &[StepResult],
        told: &Told,
    ) -> Result<Result<StepResult, Settled>, Stop> {
        let key_text = format!("{}/{}/{}", self.round, place.step.id, place.attempt);
        let owner = self.owner().clone();
        let key = EffectKey { owner: &owner, task: self.task.id, place: &key_text };
        let job = match self.intend(&key, place).await? {
            Ok(intent) => intent.job,
            Err(settled) => return Ok(Err(settled)),
        };
        if let Some(job) = job {
            self.note_job(job);
        }
        let tried = self.try_step(place, job, results, told).await?;
        let verdict = match &tried.failure {
            Some(failure) => Verdict::failed(failure.to_string()),
            None => self.evaluate(place, &tried.output, results).await?,
        };
        self.settle(&key, place, job, tried, verdict, results).await
    }

    /// Writes what the attempt is going to do. Err: it was done before, and did not succeed.
    async fn intend(&mut self, key: &EffectKey<'_>, place: Place<'_>) -> Result<Result<Intent, Settled>, Stop> {
        let (path, operation) = match &place.step.action {
            Action::Script(call) => (Some(&call.path), "script"),
            Action::Flow(call) => (Some(&call.path), "flow"),
            Action::Skill(_) => (None, "skill"),
            Action::Run(_) => (None, "run"),
        };
        let intent = Intent { job: path.map(|_| JobId::new()) };
        let recorded = serde_json::to_value(&intent).unwrap_or_default();
        let started = NewEvent::new(EventKind::StepStarted, place.event());
        let (Some(path), Some(job)) = (path, intent.job) else {
            return self.intend_here(key, operation, recorded, started).await.map(|done| done.map(|()| intent));
        };
        let now_ms = self.brain.clock.now_ms();
        let (mut writing, earlier) = self.record.begin_for(key).await?;
        if let Some(Effect { intent: earlier, result }) = earlier {
            // It may take long.
            writing.commit().await?;
            return Ok(match settled(result) {
                Some(settled) => Err(settled),
                None => Ok(serde_json::from_value(earlier).unwrap_or(intent)),
            });
        }
        writing.intend_first(key, operation, &recorded, now_ms);
        let job = NewEvent::new(EventKind::JobStarted, place.event_with(&json!({ "jobId": job, "path": path })));
        writing.append(vec![started, job]).await?;
        writing.progress_task(self.owner(), self.task.id, &Progress { attempts: 1, ..Progress::default() });
        writing.commit().await?;
        self.attempts += 1;
        Ok(Ok(intent))
    }

    /// The same for an attempt that is made in this process: what it changes outside has intents of its own, so its beginning may be written later.
    async fn intend_here(
        &mut self,
        key: &EffectKey<'_>,
        operation: &'static str,
        intent: Value,
        started: NewEvent,
    ) -> Result<Result<(), Settled>, Stop> {
        self.record.save_what_is_late().await?;
        // Whoever made it before left something of it on record.
        if self.resumed
            && let Some(earlier) = self.brain.store.effect(key).await?
        {
            return Ok(settled(earlier.result).map_or(Ok(()), Err));
        }
        let begun = BegunAttempt { place: key.place.to_owned(), operation, intent };
        self.record
            .note(|unsaved| {
                unsaved.begin_attempt(begun);
                unsaved.events([started]);
            })
            .await;
        self.attempts += 1;
        Ok(Ok(()))
    }

    async fn try_step(
        &mut self,
        place: Place<'_>,
        job: Option<JobId>,
        results: &[StepResult],
        told: &Told,
    ) -> Result<Tried, Stop> {
        let arguments = plan::arguments(place.step).and_then(|arguments| plan::resolve(arguments, results));
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(failure) => return Ok(Tried::failed(failure)),
        };
        match (&place.step.action, job) {
            (Action::Script(call), Some(job)) => self.run_job(place, job, false, &call.path, arguments, told).await,
            (Action::Flow(call), Some(job)) => self.run_job(place, job, true, &call.path, arguments, told).await,
            (Action::Skill(call), _) => {
                let spot = self.spot(&place.step.id, place.attempt).below("skill");
                let calling = Box::pin(self.call_skill(&spot, &call.skill, &call.content, &arguments));
                let called = self.record.during(calling).await?;
                self.check_cancelled()?;
                called
            }
            (Action::Run(_), _) => {
                let spot = self.spot(&place.step.id, place.attempt).below("run");
                self.run_own(place, &arguments, results, told, &spot).await
            }
            (Action::Script(_) | Action::Flow(_), None) => {
                Ok(Tried::failed(Failure::failed("the record of this attempt names no job: the step is tried again")))
            }
        }
    }

    async fn run_own(
        &mut self,
        place: Place<'_>,
        arguments: &Value,
        results: &[StepResult],
        told: &Told,
        spot: &Spot,
    ) -> Result<Tried, Stop> {
        let attempt = contract::Attempt {
            number: place.attempt,
            max: place.attempts,
            differences: told.differences.clone(),
            learning: told.learning.clone(),
        };
        let inputs = contract::Inputs {
            request: self.request.clone(),
            context: self.context.clone(),
            arguments: arguments.to_string(),
            results: results.to_vec(),
        };
        let (progress, reports) = ProgressChannel::new();
        let (mut call, supply) = self.call(spot).await?;
        call.capabilities.progress = Some(Arc::new(progress));
        // Boxed, so that the futures around it stay small.
        let running = Box::pin(self.brain.sandbox.run(&self.loaded, call, place.step, &inputs, &attempt));
        let reported = Box::pin(self.with_reports(place, reports, running));
        let invocation = self.record.during(reported).await??;
        self.record.receipts().take(&invocation.receipt, &invocation.logs, supply.last_part());
        self.check_cancelled()?;
        Ok(match invocation.result {
            Err(CallError::Waits(waits)) => return Err(Stop::Waits(waits)),
            Ok(output) => match serde_json::from_str(&output.result) {
                Ok(value) => Tried::gave(value),
                Err(error) => Tried::failed(Failure::invalid(format!("the skill's result is no JSON: {error}"))),
            },
            Err(error) => Tried::failed(error.as_failure()),
        })
    }

    /// Awaits an invocation, and writes what it reports meanwhile. Both go on side by side: an invocation may hold what the record needs, so neither
    /// ever waits for the other.
    async fn with_reports<T>(
        &self,
        place: Place<'_>,
        mut reports: tokio::sync::mpsc::Receiver<(String, Option<u8>)>,
        running: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        // The invocation holds the other end of the channel: it closes when the invocation has ended and is dropped.
        let running = async move { Ok(running.await) };
        let writing = async {
            while let Some((message, percent)) = reports.recv().await {
                self.progress(place, &json!({ "message": message, "percent": percent })).await?;
            }
            Ok::<(), Stop>(())
        };
        futures_util::try_join!(running, writing).map(|(ended, ())| ended)
    }

    /// Compares the result with every expectation of the step.
    async fn evaluate(&mut self, place: Place<'_>, output: &Value, results: &[StepResult]) -> Result<Verdict, Stop> {
        let mut outcomes = Vec::with_capacity(place.step.expects.len());
        for (index, expectation) in place.step.expects.iter().enumerate() {
            let outcome = match (expect::compare(expectation, output), &expectation.check) {
                (Some(outcome), _) => outcome,
                (None, Check::BySkill(argument)) => {
                    let value = output.pointer(&expectation.pointer).cloned().unwrap_or_default();
                    let mut asked = serde_json::from_str::<Value>(argument).unwrap_or_else(|_| json!({}));
                    if let Some(asked) = asked.as_object_mut() {
                        asked.insert("result".to_owned(), value);
                    }
                    let spot = self.spot(&place.step.id, place.attempt).below(&format!("check-{index}"));
                    let answer = self.run_own(place, &asked, results, &Told::default(), &spot).await?;
                    match answer.failure {
                        Some(failure) => return Ok(Verdict::failed(format!("{}: {failure}", expectation.description))),
                        None => Outcome::by_skill(expectation, &answer.output),
                    }
                }
                (None, _) => continue,
            };
            outcomes.push(outcome);
        }
        Ok(Verdict::of(outcomes))
    }

    /// Writes what came of the attempt, and waits where another one follows.
    async fn settle(
        &mut self,
        key: &EffectKey<'_>,
        place: Place<'_>,
        job: Option<JobId>,
        tried: Tried,
        verdict: Verdict,
        results: &[StepResult],
    ) -> Result<Result<StepResult, Settled>, Stop> {
        let mut events = Vec::with_capacity(3);
        if let Some(job) = job {
            let finished = json!({
                "jobId": job, "path": path_of(place.step), "status": tried.job_status, "durationMs": tried.job_duration_ms,
            });
            events.push(NewEvent::new(EventKind::JobFinished, place.event_with(&finished)));
        }
        let evaluated = json!({ "met": verdict.met, "score": verdict.score, "differences": verdict.differences });
        let evaluated = place.event_with(&evaluated);
        if self.verdicts.len() < end::MAX_ATTEMPTS_KEPT {
            self.verdicts.push(end::attempt_of(&evaluated));
        }
        events.push(NewEvent::new(EventKind::Evaluated, evaluated));
        let settled = Settled {
            met: verdict.met,
            differences: verdict.differences.clone(),
            failure: tried.failure.clone(),
            output: if verdict.met { Value::Null } else { tried.output.clone() },
        };
        let again =
            !verdict.met && place.attempt < place.attempts && tried.failure.as_ref().is_none_or(Failure::is_retryable);
        let delay = self.retry.delay_after(place.attempt);
        if again {
            let next = Place { attempt: place.attempt + 1, ..place };
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            events.push(NewEvent::new(
                EventKind::Retrying,
                next.event_with(&json!({ "delayMs": delay_ms, "differences": verdict.differences })),
            ));
        }
        let result = StepResult {
            id: place.step.id.clone(),
            title: place.step.title.clone(),
            status: if verdict.met { StepStatus::Met } else { StepStatus::NotMet },
            output: tried.output.to_string(),
            attempts: place.attempt,
            job_id: job.map(|id| id.to_string()),
            differences: verdict.differences,
        };
        if verdict.met {
            let mut recorded = serde_json::to_value(&result).unwrap_or_default();
            recorded[STEP] = described(place.step, results);
            let mut step = SettledStep::new(
                self.round,
                &place.step.id,
                recorded,
                key.place,
                serde_json::to_value(&settled).unwrap_or_default(),
            );
            if self.retry.research && place.attempt == place.attempts {
                step.learned.clone_from(&self.learned);
            }
            // It is written with what comes next: done again after a crash, it comes to the same.
            self.record
                .note(|unsaved| {
                    unsaved.settle(step);
                    unsaved.events(events);
                })
                .await;
            return Ok(Ok(result));
        }
        let now_ms = self.brain.clock.now_ms();
        let mut writing = self.record.begin().await?;
        writing.append(events).await?;
        writing.settle(key, &serde_json::to_value(&settled).unwrap_or_default(), now_ms);
        writing.commit().await?;
        if again {
            self.back_off(delay).await?;
        }
        Ok(Err(settled))
    }
}

fn settled(result: Option<Value>) -> Option<Settled> {
    result.and_then(|result| serde_json::from_value(result).ok())
}

fn path_of(step: &Step) -> Option<&str> {
    match &step.action {
        Action::Script(call) | Action::Flow(call) => Some(&call.path),
        Action::Skill(_) | Action::Run(_) => None,
    }
}

/// The member of a recorded result that says of which step it is.
const STEP: &str = "step";
/// The answer of a user who takes the last result as it is.
const TAKE_IT: &str = "take it as it is";
/// The answer of a user who wants nothing changed.
const TRY_AGAIN: &str = "try again";
/// Most differences that a question names.
const MAX_DIFFERENCES_ASKED: usize = 3;

fn place_of(step: &Step, number: usize, steps: usize, attempts: u32) -> Place<'_> {
    Place { step, number, steps, attempt: attempts, attempts }
}

/// What a step does, with what it takes up from earlier results: the same means that it need not be done again.
fn described(step: &Step, results: &[StepResult]) -> Value {
    let arguments = plan::arguments(step).and_then(|arguments| plan::resolve(arguments, results)).ok();
    let action = match &step.action {
        Action::Script(call) => json!(["script", call.path]),
        Action::Flow(call) => json!(["flow", call.path]),
        Action::Skill(call) => json!(["skill", call.skill, call.content]),
        Action::Run(_) => json!(["run"]),
    };
    let text = json!([action, arguments, step.expects]).to_string();
    json!(blake3::hash(text.as_bytes()).to_hex().as_str())
}

fn question_of(step: &Step) -> String {
    format!("step-{}", step.id)
}

/// No attempt gave what was expected: the user can help. One question for what is wrong, with what can be done about it.
fn cannot_satisfy(step: &Step, differences: &[String], last: &Settled) -> End {
    let title = shorten(step.title.trim_end_matches('.'), 120);
    let said: Vec<&String> =
        if last.differences.is_empty() { differences.iter().collect() } else { last.differences.iter().collect() };
    let mut questions = Vec::new();
    let shown = |difference: &str| shorten(difference.trim_end_matches('.'), 300);
    if let Some(failure) = &last.failure {
        let text = format!(
            "\"{title}\" did not work: {}. Shall I try again, or what shall I do differently?",
            shown(&failure.to_string())
        );
        questions.push(Question { id: question_of(step), text, options: vec![TRY_AGAIN.to_owned()] });
    } else {
        let mut distinct: Vec<&String> = Vec::new();
        for difference in said {
            if !distinct.contains(&difference) {
                distinct.push(difference);
            }
        }
        let first = distinct.iter().take(MAX_DIFFERENCES_ASKED).map(|text| shown(text)).collect::<Vec<_>>().join("; ");
        let text = format!(
            "\"{title}\" did not give what was expected ({first}). Will you take the last result, or what shall be different?"
        );
        let options = vec![TAKE_IT.to_owned(), TRY_AGAIN.to_owned()];
        questions.push(Question { id: question_of(step), text, options });
        if distinct.len() > MAX_DIFFERENCES_ASKED {
            let more = distinct.iter().skip(MAX_DIFFERENCES_ASKED).take(MAX_DIFFERENCES_ASKED);
            let more = more.map(|text| shown(text)).collect::<Vec<_>>().join("; ");
            let text = format!("It was also expected: {more}. Does that matter to you?");
            questions.push(Question {
                id: format!("{}-more", question_of(step)),
                text,
                options: vec!["yes".to_owned(), "no".to_owned()],
            });
        }
    }
    End::Asked { content: end::ask_text("", &questions), questions }
}
