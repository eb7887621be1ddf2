//! The executor: runs the steps of a plan, compares each result with what was expected, and tries again knowing what was wrong.
//!
//! Each attempt is journaled under `ROUND/STEP/ATTEMPT`: the intent, with the id of the job that will do it, before it begins, and the
//! verdict after. A process that takes the task up again finds the intent, and awaits that job instead of starting another one.

use std::sync::Arc;

use openanalyst_domain::{EventKind, Failure, JobId};
use openanalyst_runtime::contract::{self, Action, Check, Plan, Step, StepResult, StepStatus};
use openanalyst_store::effects::{Effect, EffectKey};
use openanalyst_store::tasks::NewEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Question;
use crate::end::{self, End};
use crate::expect::{self, Outcome, Verdict};
use crate::plan;
use crate::supply::ProgressChannel;
use crate::work::{Stop, Work};

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
struct Settled {
    met: bool,
    differences: Vec<String>,
    failure: Option<Failure>,
}

impl Work {
    /// Runs all steps in order.
    pub(crate) async fn steps(&mut self, plan: &Plan) -> Result<Vec<StepResult>, Stop> {
        let recorded = self.brain.store.step_results(self.owner(), self.task.id, self.round).await?;
        let mut results: Vec<StepResult> = Vec::with_capacity(plan.steps.len());
        for (index, step) in plan.steps.iter().enumerate() {
            let done = recorded.iter().find(|(id, _)| *id == step.id);
            let result = match done.and_then(|(_, result)| serde_json::from_value::<StepResult>(result.clone()).ok()) {
                Some(result) => result,
                None => self.step(step, index + 1, plan.steps.len(), &results).await?,
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
        let attempts = self.brain.settings.retries + 1;
        let mut differences: Vec<String> = Vec::new();
        for attempt in 1..=attempts {
            self.check_cancelled()?;
            let place = Place { step, number, steps, attempt, attempts };
            match self.attempt(place, results, &differences).await? {
                Ok(result) => return Ok(result),
                Err(settled) => {
                    if let Some(failure) = &settled.failure
                        && (!failure.is_retryable() || attempt == attempts)
                    {
                        return Err(failure.clone().into());
                    }
                    differences.extend(settled.differences);
                }
            }
        }
        Err(Stop::End(cannot_satisfy(step, &differences)))
    }

    /// Makes one attempt, or takes up what is recorded of it.
    async fn attempt(
        &mut self,
        place: Place<'_>,
        results: &[StepResult],
        differences: &[String],
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
        let tried = self.try_step(place, job, results, differences, &key_text).await?;
        let verdict = match &tried.failure {
            Some(failure) => Verdict::failed(failure.to_string()),
            None => self.evaluate(place, &tried.output, results, &key_text).await?,
        };
        self.settle(&key, place, job, tried, verdict).await
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
        let now_ms = self.brain.clock.now_ms();
        let mut tx = self.brain.store.begin(self.owner()).await?;
        let earlier = tx.intend(key, operation, &serde_json::to_value(&intent).unwrap_or_default(), now_ms).await?;
        if let Some(Effect { intent: earlier, result }) = earlier {
            drop(tx);
            if let Some(settled) = result.and_then(|result| serde_json::from_value::<Settled>(result).ok()) {
                return Ok(Err(settled));
            }
            return Ok(Ok(serde_json::from_value(earlier).unwrap_or(intent)));
        }
        let mut events = vec![NewEvent::new(EventKind::StepStarted, place.event())];
        if let (Some(path), Some(job)) = (path, intent.job) {
            events.push(NewEvent::new(EventKind::JobStarted, place.event_with(&json!({ "jobId": job, "path": path }))));
        }
        tx.count_attempt(self.task.id).await?;
        let events = tx.append_events(self.owner(), self.task.id, now_ms, events).await?;
        tx.commit().await?;
        self.brain.publish(&events);
        Ok(Ok(intent))
    }

    async fn try_step(
        &mut self,
        place: Place<'_>,
        job: Option<JobId>,
        results: &[StepResult],
        differences: &[String],
        key: &str,
    ) -> Result<Tried, Stop> {
        let arguments = plan::arguments(place.step).and_then(|arguments| plan::resolve(arguments, results));
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(failure) => return Ok(Tried::failed(failure)),
        };
        match (&place.step.action, job) {
            (Action::Script(call), Some(job)) => {
                self.run_job(place, job, false, &call.path, arguments, differences).await
            }
            (Action::Flow(call), Some(job)) => self.run_job(place, job, true, &call.path, arguments, differences).await,
            (Action::Skill(call), _) => {
                let called = self.call_skill(key, &call.skill, &call.content, &arguments).await;
                self.check_cancelled()?;
                Ok(called.map_or_else(Tried::failed, Tried::gave))
            }
            (Action::Run(_), _) => self.run_own(place, &arguments, results, differences, key).await,
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
        differences: &[String],
        key: &str,
    ) -> Result<Tried, Stop> {
        let attempt = contract::Attempt {
            number: place.attempt,
            max: place.attempts,
            differences: differences.to_vec(),
            learning: None,
        };
        let inputs = contract::Inputs {
            request: self.request.clone(),
            context: self.context.clone(),
            arguments: arguments.to_string(),
            results: results.to_vec(),
        };
        let (progress, reports) = ProgressChannel::new();
        let mut call = self.call(&format!("{key}/run")).await?;
        call.capabilities.progress = Some(Arc::new(progress));
        let running = self.brain.sandbox.run(&self.loaded, call, place.step, &inputs, &attempt);
        let invocation = self.with_reports(place, reports, running).await?;
        self.ledger.receipts().take(&invocation.receipt, &invocation.logs);
        self.check_cancelled()?;
        Ok(match invocation.result {
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
    async fn evaluate(
        &mut self,
        place: Place<'_>,
        output: &Value,
        results: &[StepResult],
        key: &str,
    ) -> Result<Verdict, Stop> {
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
                    let key = format!("{key}/check-{index}");
                    let answer = self.run_own(place, &asked, results, &[], &key).await?;
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
    ) -> Result<Result<StepResult, Settled>, Stop> {
        let mut events = Vec::with_capacity(3);
        if let Some(job) = job {
            let finished = json!({
                "jobId": job, "path": path_of(place.step), "status": tried.job_status, "durationMs": tried.job_duration_ms,
            });
            events.push(NewEvent::new(EventKind::JobFinished, place.event_with(&finished)));
        }
        let evaluated = json!({ "met": verdict.met, "score": verdict.score, "differences": verdict.differences });
        events.push(NewEvent::new(EventKind::Evaluated, place.event_with(&evaluated)));
        let settled =
            Settled { met: verdict.met, differences: verdict.differences.clone(), failure: tried.failure.clone() };
        let again =
            !verdict.met && place.attempt < place.attempts && tried.failure.as_ref().is_none_or(Failure::is_retryable);
        let delay = self.brain.settings.delay_after(place.attempt);
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
        let now_ms = self.brain.clock.now_ms();
        let mut tx = self.brain.store.begin(self.owner()).await?;
        if verdict.met {
            let recorded = serde_json::to_value(&result).unwrap_or_default();
            tx.put_step_result(self.owner(), self.task.id, self.round, &place.step.id, &recorded).await?;
        }
        tx.settle(key, &serde_json::to_value(&settled).unwrap_or_default(), now_ms).await?;
        let owner = self.owner().clone();
        self.ledger.write(&mut tx, &owner, self.task.id, now_ms).await?;
        let events = tx.append_events(&owner, self.task.id, now_ms, events).await?;
        tx.commit().await?;
        self.brain.publish(&events);
        if verdict.met {
            return Ok(Ok(result));
        }
        if again {
            self.back_off(delay).await?;
        }
        Ok(Err(settled))
    }
}

fn path_of(step: &Step) -> Option<&str> {
    match &step.action {
        Action::Script(call) | Action::Flow(call) => Some(&call.path),
        Action::Skill(_) | Action::Run(_) => None,
    }
}

/// All attempts gave something, and none gave what was expected: the user can help.
fn cannot_satisfy(step: &Step, differences: &[String]) -> End {
    let mut seen = Vec::new();
    for difference in differences {
        if !seen.contains(difference) {
            seen.push(difference.clone());
        }
    }
    let title = step.title.trim_end_matches('.');
    let text = format!("\"{title}\" did not give what was expected ({}). What shall be different?", seen.join("; "));
    let questions = vec![Question { id: format!("step-{}", step.id), text, options: Vec::new() }];
    End::Asked { content: end::ask_text("", &questions), questions }
}
