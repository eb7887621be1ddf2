//! The executor: runs the steps of a plan, compares each result with what was expected, and tries again knowing what was wrong.
//!
//! An attempt is journaled under `ROUND/STEP/ATTEMPT`. One that is a job: the intent with the job's id before it begins, and the verdict after; a process that takes the
//! task up again finds the intent, and awaits that job instead of starting another one. One that is the skill's own code: with the first thing that it changes outside. Where it
//! gave what was expected before that, the result of the step says all.

use std::sync::Arc;

use openanalyst_domain::{EventKind, Failure, JobId};
use openanalyst_runtime::CallError;
use openanalyst_runtime::contract::{self, Action, Expectation, Plan, Step, StepResult, StepStatus};
use openanalyst_store::StoreError;
use openanalyst_store::effects::{Effect, EffectKey};
use openanalyst_store::tasks::{NewEvent, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::asked::{
    STEP, answers_of, decode_document, described, earlier_results, feedback_before, kept, question_about_step,
};
use crate::context::shorten;
use crate::end;
use crate::expect::{self, Compared, ExpectationOutcome, Verdict};
use crate::plan;
use crate::record::{FinishedStep, StartedAttempt};
use crate::supply::{CallSite, ProgressChannel};
use crate::work::{Interrupt, TaskExecution, recorded_attempts};

/// One step of the plan, and its place in it.
#[derive(Clone, Copy)]
pub(crate) struct StepAttempt<'a> {
    pub(crate) step: &'a Step,
    /// From 1.
    pub(crate) number: usize,
    pub(crate) steps: usize,
    /// From 1.
    pub(crate) attempt: u32,
    pub(crate) attempts: u32,
}

impl StepAttempt<'_> {
    /// What every event of a step says.
    pub(crate) fn event(&self) -> Value {
        json!({
            "step": self.number, "steps": self.steps, "id": self.step.id, "title": self.step.title,
            "attempt": self.attempt, "attempts": self.attempts,
        })
    }

    /// Whether another attempt follows one that did not give what was expected, or failed so. A crash
    /// is tried once more and not again: the same code with the same input ends the same way.
    fn is_followed(&self, failure: Option<&Failure>, crashed_again: bool) -> bool {
        let may_be_repeated = match failure {
            Some(failure) => failure.is_retryable() && !crashed_again,
            // What it changed stays changed.
            None => plan::may_run_again(self.step).unwrap_or(false),
        };
        may_be_repeated && self.attempt < self.attempts
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
pub(crate) struct AttemptResult {
    /// What it gave; null where it failed.
    pub(crate) output: Value,
    /// Why it gave nothing.
    pub(crate) failure: Option<Failure>,
    /// Whether a fault of the skill's own code is the reason.
    #[serde(default)]
    pub(crate) crashed: bool,
    /// How long its job ran, and how that ended.
    pub(crate) job_status: Option<String>,
    pub(crate) job_duration_ms: Option<i64>,
}

impl AttemptResult {
    pub(crate) fn gave(output: Value) -> Self {
        Self { output, failure: None, crashed: false, job_status: None, job_duration_ms: None }
    }

    pub(crate) fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::gave(Value::Null) }
    }

    pub(crate) fn crashed(failure: Failure) -> Self {
        Self { crashed: true, ..Self::failed(failure) }
    }

    /// A failure as the outcome of an attempt.
    ///
    /// # Errors
    /// The host could not reach its record: that is no outcome, and no attempt.
    pub(crate) fn outcome_of(failure: Failure) -> Result<Self, Interrupt> {
        if failure.is_interrupted() { Err(failure.into()) } else { Ok(Self::failed(failure)) }
    }
}

/// The recorded end of an attempt that did not succeed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecordedAttempt {
    pub(crate) met: bool,
    pub(crate) differences: Vec<String>,
    pub(crate) failure: Option<Failure>,
    /// Whether a fault of the skill's own code is the reason.
    #[serde(default)]
    pub(crate) crashed: bool,
    /// What it gave, where that was not as expected.
    #[serde(default)]
    pub(crate) output: Value,
}

impl RecordedAttempt {
    /// The end of an attempt that gave what was expected.
    pub(crate) fn met() -> Self {
        Self { met: true, differences: Vec::new(), failure: None, crashed: false, output: Value::Null }
    }
}

/// Why a result could not be compared with what was expected.
struct EvaluationError {
    /// The same in words, with what was to be tested.
    said: String,
    failure: Failure,
}

/// What an attempt is told of the ones before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Feedback {
    /// What was wrong with them.
    pub(crate) differences: Vec<String>,
    /// What was learned from research.
    pub(crate) learning: Option<String>,
    /// Whether one of them crashed. The skill is not told.
    pub(crate) crashed: bool,
}

impl TaskExecution {
    /// Runs all steps in order.
    pub(crate) async fn steps(&mut self, plan: &Plan) -> Result<Vec<StepResult>, Interrupt> {
        let recorded = match self.resumed {
            true => self.brain.store.step_results(self.owner(), self.task.id, self.round).await?,
            false => Vec::new(),
        };
        let earlier = earlier_results(&self.brain.store, self.owner(), self.task.id, self.round).await?;
        let answers = answers_of(&self.task)?;
        let mut results: Vec<StepResult> = Vec::with_capacity(plan.steps.len());
        for (index, step) in plan.steps.iter().enumerate() {
            // What was kept of a step that is asked about is no result of this round.
            let done = recorded.iter().find(|(id, result)| *id == step.id && result.get(STEP).is_some());
            let result = match done {
                Some((_, result)) => decode_document("step result", result)?,
                None => match kept(step, &earlier, answers.last().map_or(&[], Vec::as_slice), &results)? {
                    Some(result) => self.keep(step, index + 1, plan.steps.len(), result, &results).await?,
                    None => {
                        let feedback = feedback_before(step, &earlier, answers.last().map_or(&[], Vec::as_slice))?;
                        self.step(step, index + 1, plan.steps.len(), &results, feedback).await?
                    }
                },
            };
            if let Some(job) = result.job_id.as_deref().and_then(|id| id.parse().ok()) {
                self.add_job(job);
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
        mut feedback: Feedback,
    ) -> Result<StepResult, Interrupt> {
        let attempts = self.retry.retries + 1 + u32::from(self.retry.research);
        let mut current = StepAttempt { step, number, steps, attempt: 1, attempts };
        let last = loop {
            self.check_cancelled()?;
            if self.retry.research && current.attempt == attempts {
                feedback.learning = Box::pin(self.research(current, &feedback.differences)).await?;
            }
            let settled = match Box::pin(self.attempt(current, results, &feedback)).await? {
                Ok(result) => return Ok(result),
                Err(settled) => settled,
            };
            let crashed_again = settled.crashed && std::mem::replace(&mut feedback.crashed, true);
            if let Some(failure) = &settled.failure
                && (!failure.is_retryable() || crashed_again)
            {
                return Err(failure.clone().into());
            }
            feedback.differences.extend(settled.differences.iter().cloned());
            if !current.is_followed(settled.failure.as_ref(), crashed_again) {
                break settled;
            }
            current.attempt += 1;
        };
        self.remember_last(current, &last).await?;
        Err(Interrupt::Finished(question_about_step(step, &feedback.differences, &last)))
    }

    /// Takes a result over into this round.
    async fn keep(
        &mut self,
        step: &Step,
        number: usize,
        steps: usize,
        result: StepResult,
        results: &[StepResult],
    ) -> Result<StepResult, Interrupt> {
        let current = kept_attempt(step, number, steps, result.attempts);
        let kept = json!({ "met": result.status == StepStatus::Met, "kept": true, "differences": result.differences });
        let events = vec![NewEvent::new(EventKind::Evaluated, current.event_with(&kept))];
        let mut recorded = serde_json::to_value(&result).unwrap_or_default();
        recorded[STEP] = described(step, results);
        let mut batch = self.record.begin().await?;
        batch.append(events).await?;
        batch.put_step_result(self.owner(), self.task.id, self.round, &step.id, &recorded);
        batch.commit().await?;
        Ok(result)
    }

    /// Keeps what the last attempt gave, so that the user can take it as it is.
    async fn remember_last(&self, current: StepAttempt<'_>, last: &RecordedAttempt) -> Result<(), Interrupt> {
        let result = StepResult {
            id: current.step.id.clone(),
            title: current.step.title.clone(),
            status: if last.failure.is_some() { StepStatus::Failed } else { StepStatus::NotMet },
            output: last.output.to_string(),
            attempts: current.attempt,
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
        let attempts = recorded_attempts(&self.brain, &self.task).await?.attempts;
        let attempts: Vec<Value> = attempts.into_iter().filter(|attempt| attempt["id"] == current.step.id).collect();
        let mut batch = self.record.begin().await?;
        batch.put_step_result(self.owner(), self.task.id, self.round, &current.step.id, &recorded);
        let now_ms = self.brain.clock.now_ms();
        let place = format!("{}/{}", self.round, current.step.id);
        let reason = shorten(&reason, 600);
        end::remember_failure(&mut batch, &self.task, &place, &reason, &last.differences, &attempts, now_ms);
        batch.commit().await?;
        Ok(())
    }

    /// Makes one attempt, or takes up what is recorded of it.
    async fn attempt(
        &mut self,
        current: StepAttempt<'_>,
        results: &[StepResult],
        feedback: &Feedback,
    ) -> Result<Result<StepResult, RecordedAttempt>, Interrupt> {
        let key_text = format!("{}/{}/{}", self.round, current.step.id, current.attempt);
        let owner = self.owner().clone();
        let key = EffectKey { owner: &owner, task: self.task.id, place: &key_text };
        self.check_grants_of_step(&key, current.step).await?;
        let job = match self.intend(&key, current).await? {
            Ok(intent) => intent.job,
            Err(settled) => return Ok(Err(settled)),
        };
        if let Some(job) = job {
            self.add_job(job);
        }
        let mut tried = self.try_step(current, job, results, feedback).await?;
        let verdict = match &tried.failure {
            Some(failure) => Verdict::failed(failure.to_string()),
            None => match self.evaluate(current, &tried.output, results).await? {
                Ok(verdict) => verdict,
                Err(EvaluationError { said, failure }) => {
                    let verdict = Verdict::failed(said);
                    // A check that may pass later says nothing of the work; one that never will ends it.
                    tried.failure = Some(failure).filter(|failure| !failure.is_retryable());
                    verdict
                }
            },
        };
        let crashed_again = tried.crashed && feedback.crashed;
        self.settle(&key, current, job, (tried, crashed_again), verdict, results).await
    }

    /// Refuses a script, flow or skill that was granted when the plan was made and is not any more.
    /// What began before goes on.
    async fn check_grants_of_step(&self, key: &EffectKey<'_>, step: &Step) -> Result<(), Interrupt> {
        let uses_grants = !matches!(step.action, Action::Run(_));
        if !uses_grants || (self.resumed && self.brain.store.effect(key).await?.is_some()) {
            return Ok(());
        }
        let skill = self.current_skill().await?;
        Ok(plan::allowed(step, &skill.grants, &self.request.user_folder)?)
    }

    /// Writes what the attempt is going to do. Err: it was done before, and did not succeed.
    async fn intend(
        &mut self,
        key: &EffectKey<'_>,
        current: StepAttempt<'_>,
    ) -> Result<Result<Intent, RecordedAttempt>, Interrupt> {
        let (path, operation) = match &current.step.action {
            Action::Script(call) => (Some(&call.path), "script"),
            Action::Flow(call) => (Some(&call.path), "flow"),
            Action::Skill(_) => (None, "skill"),
            Action::Run(_) => (None, "run"),
        };
        let intent = Intent { job: path.map(|_| JobId::new()) };
        let recorded = serde_json::to_value(&intent).unwrap_or_default();
        let started = NewEvent::new(EventKind::StepStarted, current.event());
        let (Some(path), Some(job)) = (path, intent.job) else {
            return self.intend_here(key, operation, recorded, started).await.map(|done| done.map(|()| intent));
        };
        let now_ms = self.brain.clock.now_ms();
        let (mut batch, earlier) = self.record.begin_for(key).await?;
        if let Some(Effect { intent: earlier, result }) = earlier {
            // It may take long.
            batch.commit().await?;
            return Ok(match settled(result)? {
                Some(settled) => Err(settled),
                // Another job in its place would do the work twice.
                None => Ok(decode_document("intent of a step", &earlier)?),
            });
        }
        batch.intend_first(key, operation, &recorded, now_ms);
        let job = NewEvent::new(EventKind::JobStarted, current.event_with(&json!({ "jobId": job, "path": path })));
        batch.append(vec![started, job]).await?;
        batch.progress_task(self.owner(), self.task.id, &Progress { attempts: 1, ..Progress::default() });
        batch.commit().await?;
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
    ) -> Result<Result<(), RecordedAttempt>, Interrupt> {
        self.record.save_if_overdue().await?;
        // Whoever made it before left something of it on record.
        if self.resumed
            && let Some(earlier) = self.brain.store.effect(key).await?
        {
            return Ok(settled(earlier.result)?.map_or(Ok(()), Err));
        }
        let begun = StartedAttempt { place: key.place.to_owned(), operation, intent };
        self.record
            .stage(|pending| {
                pending.begin_attempt(begun);
                pending.events([started]);
            })
            .await;
        self.attempts += 1;
        Ok(Ok(()))
    }

    async fn try_step(
        &mut self,
        current: StepAttempt<'_>,
        job: Option<JobId>,
        results: &[StepResult],
        feedback: &Feedback,
    ) -> Result<AttemptResult, Interrupt> {
        let arguments = plan::arguments(current.step).and_then(|arguments| plan::resolve(arguments, results));
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(failure) => return Ok(AttemptResult::failed(failure)),
        };
        match (&current.step.action, job) {
            (Action::Script(call), Some(job)) => {
                self.run_job(current, job, false, &call.path, arguments, feedback).await
            }
            (Action::Flow(call), Some(job)) => self.run_job(current, job, true, &call.path, arguments, feedback).await,
            (Action::Skill(call), _) => {
                let site = self.site(&current.step.id, current.attempt).below("skill");
                let calling = Box::pin(self.call_skill(&site, &call.skill, &call.content, &arguments));
                let called = self.record.during(calling).await?;
                self.check_cancelled()?;
                called
            }
            (Action::Run(_), _) => {
                let site = self.site(&current.step.id, current.attempt).below("run");
                self.run_own(current, &arguments, results, feedback, &site).await
            }
            (Action::Script(_) | Action::Flow(_), None) => Ok(AttemptResult::failed(Failure::failed(
                "the record of this attempt names no job: the step is tried again",
            ))),
        }
    }

    async fn run_own(
        &mut self,
        current: StepAttempt<'_>,
        arguments: &Value,
        results: &[StepResult],
        feedback: &Feedback,
        site: &CallSite,
    ) -> Result<AttemptResult, Interrupt> {
        let attempt = contract::Attempt {
            number: current.attempt,
            max: current.attempts,
            differences: feedback.differences.clone(),
            learning: feedback.learning.clone(),
        };
        let (progress, reports) = ProgressChannel::new();
        let (mut call, supply) = self.call(site).await?;
        call.capabilities.progress = Some(Arc::new(progress));
        let inputs = self.lend_inputs(arguments.to_string(), results.to_vec());
        // Boxed, so that the futures around it stay small.
        let running = Box::pin(self.brain.sandbox.run(&self.loaded, call, current.step, &inputs, &attempt));
        let reported = Box::pin(self.with_reports(current, reports, running));
        let reported = self.record.during(reported).await;
        (self.request, self.context) = (inputs.request, inputs.context);
        let invocation = reported??;
        self.record.receipts().take(&invocation.receipt, &invocation.logs, supply.last_part(&invocation.result));
        self.check_cancelled()?;
        Ok(match invocation.result {
            Err(CallError::Waits(waits)) => return Err(Interrupt::Suspend(waits)),
            Ok(output) => match serde_json::from_str(&output.result) {
                Ok(value) => AttemptResult::gave(value),
                Err(error) => {
                    AttemptResult::failed(Failure::invalid(format!("the skill's result is no JSON: {error}")))
                }
            },
            Err(error) if error.is_crash() => AttemptResult::crashed(error.as_failure()),
            Err(error) => AttemptResult::outcome_of(error.as_failure())?,
        })
    }

    /// The inputs of an invocation. The request, with its attachments, and the context are moved into them and
    /// not copied: whoever calls puts them back.
    fn lend_inputs(&mut self, arguments: String, results: Vec<StepResult>) -> contract::Inputs {
        let no_request = contract::Request {
            task_id: String::new(),
            session_id: String::new(),
            content: String::new(),
            intent: contract::Intent { actions: Vec::new(), confidence: 0.0, slots: Vec::new() },
            attachments: Vec::new(),
            received_at_ms: 0,
            time_zone: String::new(),
            user_folder: String::new(),
            answers: Vec::new(),
        };
        let no_context = contract::Context {
            now_ms: 0,
            display_name: None,
            preferences: Vec::new(),
            custom_instructions: None,
            messages: Vec::new(),
            recent_tasks: Vec::new(),
            learnings: Vec::new(),
            skills: Vec::new(),
            omitted: 0,
        };
        contract::Inputs {
            request: std::mem::replace(&mut self.request, no_request),
            context: std::mem::replace(&mut self.context, no_context),
            arguments,
            results,
        }
    }

    /// Awaits an invocation, and writes what it reports meanwhile. Both go on side by side: an invocation may hold what the record needs, so neither
    /// ever waits for the other.
    async fn with_reports<T>(
        &self,
        current: StepAttempt<'_>,
        mut reports: tokio::sync::mpsc::Receiver<(String, Option<u8>)>,
        running: impl Future<Output = T>,
    ) -> Result<T, Interrupt> {
        // The invocation holds the other end of the channel: it closes when the invocation has ended and is dropped.
        let running = async move { Ok(running.await) };
        let batch = async {
            while let Some((message, percent)) = reports.recv().await {
                self.progress(current, &json!({ "message": message, "percent": percent })).await?;
            }
            Ok::<(), Interrupt>(())
        };
        futures_util::try_join!(running, batch).map(|(ended, ())| ended)
    }

    /// Compares the result with every expectation of the step.
    async fn evaluate(
        &mut self,
        current: StepAttempt<'_>,
        output: &Value,
        results: &[StepResult],
    ) -> Result<Result<Verdict, EvaluationError>, Interrupt> {
        let expects = &current.step.expects;
        let compared: Vec<Compared> = expects.iter().map(|of| expect::compare(of, output)).collect();
        let for_checker = expects.iter().zip(&compared).filter(|(_, how)| **how == Compared::ByChecker);
        let for_checker: Vec<&Expectation> = for_checker.map(|(of, _)| of).collect();
        let mut tested = match self.test_expectations(current.step, &for_checker, output).await? {
            Ok(outcomes) => outcomes.into_iter(),
            Err(failure) => return Ok(Err(EvaluationError { said: failure.to_string(), failure })),
        };
        let mut outcomes = Vec::with_capacity(expects.len());
        for (index, (expectation, compared)) in expects.iter().zip(compared).enumerate() {
            let outcome = match compared {
                Compared::Done(outcome) => outcome,
                Compared::ByChecker => match tested.next() {
                    Some(outcome) => ExpectationOutcome::tested(expectation, outcome),
                    None => ExpectationOutcome::differs(expectation, "it was not tested"),
                },
                Compared::BySkill(argument) => {
                    let value = output.pointer(&expectation.pointer).cloned().unwrap_or_default();
                    let mut asked = serde_json::from_str::<Value>(&argument).unwrap_or_else(|_| json!({}));
                    if let Some(asked) = asked.as_object_mut() {
                        asked.insert("result".to_owned(), value);
                    }
                    let answer = self.ask_check(current, index, &asked, results).await?;
                    match answer.failure {
                        Some(failure) => {
                            let said = format!("{}: {failure}", expectation.description);
                            return Ok(Err(EvaluationError { said, failure }));
                        }
                        None => ExpectationOutcome::by_skill(expectation, &answer.output),
                    }
                }
            };
            outcomes.push(outcome);
        }
        Ok(Ok(Verdict::of(outcomes)))
    }

    /// Asks a check of the skill, and again after a failure that may pass: the work that it looks at is not done again for that.
    async fn ask_check(
        &mut self,
        current: StepAttempt<'_>,
        index: usize,
        asked: &Value,
        results: &[StepResult],
    ) -> Result<AttemptResult, Interrupt> {
        let mut number = 1;
        loop {
            let name = if number == 1 { format!("check-{index}") } else { format!("check-{index}-{number}") };
            let site = self.site(&current.step.id, current.attempt).below(&name);
            let answer = self.run_own(current, asked, results, &Feedback::default(), &site).await?;
            let Some(failure) = answer.failure.as_ref().filter(|failure| failure.is_retryable()) else {
                return Ok(answer);
            };
            if number > self.retry.retries || (answer.crashed && number > 1) {
                return Ok(answer);
            }
            let delay = self.retry.delay_after(number, Some(failure));
            self.record.during(self.back_off(delay)).await??;
            number += 1;
        }
    }

    /// Writes what came of the attempt, and waits where another one follows.
    async fn settle(
        &mut self,
        key: &EffectKey<'_>,
        current: StepAttempt<'_>,
        job: Option<JobId>,
        (tried, crashed_again): (AttemptResult, bool),
        verdict: Verdict,
        results: &[StepResult],
    ) -> Result<Result<StepResult, RecordedAttempt>, Interrupt> {
        let mut events = Vec::with_capacity(3);
        if let Some(job) = job {
            let finished = json!({
                "jobId": job, "path": path_of(current.step), "status": tried.job_status, "durationMs": tried.job_duration_ms,
            });
            events.push(NewEvent::new(EventKind::JobFinished, current.event_with(&finished)));
        }
        let evaluated = json!({ "met": verdict.met, "score": verdict.score, "differences": verdict.differences });
        let mut evaluated = current.event_with(&evaluated);
        if let Some(failure) = &tried.failure {
            evaluated["failure"] = json!({ "code": failure.code(), "retryable": failure.is_retryable() });
        }
        if self.attempt_log.len() < end::MAX_ATTEMPTS_KEPT {
            self.attempt_log.push(end::attempt_of(&evaluated));
        }
        events.push(NewEvent::new(EventKind::Evaluated, evaluated));
        let settled = RecordedAttempt {
            met: verdict.met,
            differences: verdict.differences.clone(),
            failure: tried.failure.clone(),
            crashed: tried.crashed,
            output: if verdict.met { Value::Null } else { tried.output.clone() },
        };
        let again = !verdict.met && current.is_followed(tried.failure.as_ref(), crashed_again);
        let delay = self.retry.delay_after(current.attempt, tried.failure.as_ref());
        if again {
            let next = StepAttempt { attempt: current.attempt + 1, ..current };
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            events.push(NewEvent::new(
                EventKind::Retrying,
                next.event_with(&json!({ "delayMs": delay_ms, "differences": verdict.differences })),
            ));
        }
        let result = StepResult {
            id: current.step.id.clone(),
            title: current.step.title.clone(),
            status: if verdict.met { StepStatus::Met } else { StepStatus::NotMet },
            output: tried.output.to_string(),
            attempts: current.attempt,
            job_id: job.map(|id| id.to_string()),
            differences: verdict.differences,
        };
        if verdict.met {
            let mut recorded = serde_json::to_value(&result).unwrap_or_default();
            recorded[STEP] = described(current.step, results);
            let mut step = FinishedStep::new(
                self.round,
                &current.step.id,
                recorded,
                key.place,
                serde_json::to_value(&settled).unwrap_or_default(),
            );
            if self.retry.research && current.attempt == current.attempts {
                step.learned.clone_from(&self.learned);
            }
            // It is written with what comes next: done again after a crash, it comes to the same.
            self.record
                .stage(|pending| {
                    pending.settle(step);
                    pending.events(events);
                })
                .await;
            return Ok(Ok(result));
        }
        let now_ms = self.brain.clock.now_ms();
        let mut batch = self.record.begin().await?;
        batch.append(events).await?;
        batch.settle(key, &serde_json::to_value(&settled).unwrap_or_default(), now_ms);
        batch.commit().await?;
        if again {
            self.back_off(delay).await?;
        }
        Ok(Err(settled))
    }
}

/// What an attempt gave. One that cannot be read is no attempt that did not end: it would be made again.
pub(crate) fn settled(result: Option<Value>) -> Result<Option<RecordedAttempt>, StoreError> {
    result.map(|result| decode_document("result of a step", &result)).transpose()
}

fn path_of(step: &Step) -> Option<&str> {
    match &step.action {
        Action::Script(call) | Action::Flow(call) => Some(&call.path),
        Action::Skill(_) | Action::Run(_) => None,
    }
}

fn kept_attempt(step: &Step, number: usize, steps: usize, attempts: u32) -> StepAttempt<'_> {
    StepAttempt { step, number, steps, attempt: attempts, attempts }
}
