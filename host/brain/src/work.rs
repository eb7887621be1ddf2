//! The life of one task, from its start to its end: context, route, plan, steps, reply.
//!
//! A process that takes a task up again goes on where the record ends: a stage whose result is recorded is not done again, and the events of a stage are
//! written in the same transaction as its result. What a stage did waits in the [`TaskJournal`](crate::record::Record) for the next write.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use openanalyst_domain::{EventKind, Failure, JobId, MessageId, Owner, Receipt, TaskId, TaskStatus};
use openanalyst_registry::CatalogSkill;
use openanalyst_runtime::contract::{self, Plan, StepResult};
use openanalyst_runtime::{CallError, Invocation, Skill, Waits};
use openanalyst_store::StoreError;
use openanalyst_store::tasks::{NewEvent, TaskRow};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::api::{Question, TaskReceipt};
use crate::brain::Inner;
use crate::context::{ContextRead, shorten};
use crate::end::{self, CompletionRecord, TaskOutcome};
use crate::parts::FinishedPart;
use crate::plan;
use crate::prepare::{self, StartMode};
use crate::record::{AcceptanceGate, TaskJournal};
use crate::retry::Retry;
use crate::split::Part;
use crate::supply::CallSite;

/// More than there can be parts of a request.
pub(crate) const PARTS: i64 = 16;
/// The number of the first part of a round: the first round is 0, and each answer of the user begins another.
pub(crate) fn first_of_round(answers: usize) -> i64 {
    i64::try_from(answers).unwrap_or(i64::MAX).saturating_mul(PARTS)
}

/// How often a task is taken up after the process ended without notice, if it gets no further
/// between. One that ends the process by itself must not end every process to come.
pub(crate) const MAX_TAKE_UPS: i64 = 3;
/// Most events that are read at the end of a task whose work was not done here and now.
const MAX_EVENTS_READ: u32 = 2_000;
/// More than there can be attempts in one round.
const ATTEMPTS_OF_A_ROUND: u32 = 1_000;

/// A task at work, with all that its stages need.
pub(crate) struct TaskExecution {
    pub(crate) brain: Arc<Inner>,
    pub(crate) task: TaskRow,
    /// Each answer of the user begins a new round of plan, steps and reply, and so does each part of the request: [`PARTS`] numbers for each answer.
    pub(crate) round: i64,
    pub(crate) part: usize,
    pub(crate) rest: Vec<Part>,
    pub(crate) done: Vec<FinishedPart>,
    pub(crate) cancel: CancellationToken,
    /// Where what it does is written.
    pub(crate) record: TaskJournal,
    /// Whether it was worked on before: what ran then is on record.
    pub(crate) resumed: bool,
    pub(crate) skill: Arc<CatalogSkill>,
    pub(crate) loaded: Skill,
    pub(crate) request: contract::Request,
    pub(crate) context: contract::Context,
    /// The same for skills that this one calls: without the attachments, and shared by all invocations.
    pub(crate) shared_request: Arc<contract::Request>,
    pub(crate) shared_context: Arc<contract::Context>,
    pub(crate) nested_calls_left: Arc<AtomicU32>,
    /// Its jobs, in the order of their start.
    pub(crate) jobs: Vec<JobId>,
    /// How often what fails is tried again, and what happens then.
    pub(crate) retry: Retry,
    /// The id of the answer, once a part of it was shown.
    pub(crate) answer: AnswerId,
    /// The tenant's daily quota of tokens of language models.
    pub(crate) llm_tokens: Option<u64>,
    /// The learnings that the last research gave, by their ids.
    pub(crate) learned: Vec<String>,
    /// Attempts made at steps, by this process.
    pub(crate) attempts: u32,
    /// What came of them, for the history.
    pub(crate) attempt_log: Vec<Value>,
    /// Whether all that was done at the task was done here and now.
    pub(crate) alone: bool,
}

/// The id of an answer that is being written.
pub(crate) type AnswerId = Arc<OnceLock<MessageId>>;

/// Why a stage could not go on.
#[derive(Debug)]
pub(crate) enum Interrupt {
    /// The task ends so.
    Finished(TaskOutcome),
    /// It waits for a job, and need not be in memory until that ends.
    Suspend(Waits),
    /// A part of the request is done, and the next one follows.
    NextPart,
    /// The record cannot be read or written now; the task stays open, and is taken up again.
    Store(StoreError),
    /// The host shuts down while the task waits for a component; it stays open, and is taken up at the
    /// next start.
    ShuttingDown,
}

impl From<StoreError> for Interrupt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Interrupt {
    fn from(failure: Failure) -> Self {
        match failure {
            // A failure of the store is never an attempt, and never the end of a task.
            Failure::Interrupted { detail: reason } => Self::Store(StoreError::Unavailable { reason }),
            failure => Self::Finished(TaskOutcome::failed(failure)),
        }
    }
}

/// How far the work at a task came.
#[derive(Debug)]
pub(crate) enum RunOutcome {
    /// To its end, or to its questions.
    Ended,
    /// It waits for this job, until this time or the job's end.
    Suspended(JobId, Option<i64>),
    /// It has not begun: this task of its session runs first.
    YieldsTo(TaskId),
}

/// A task that was accepted a moment ago, and begun with that.
pub(crate) struct JustAccepted {
    pub(crate) accepted: AcceptanceGate,
    pub(crate) known: ContextRead,
}

/// Works on a task to its end, or to where it waits.
///
/// # Errors
/// The record cannot be read or written; the task stays open. [`StoreError::Fenced`]: it is not this process's any more.
pub(crate) async fn run(
    brain: &Arc<Inner>,
    mut task: TaskRow,
    fresh: Option<JustAccepted>,
    cancel: CancellationToken,
) -> Result<RunOutcome, StoreError> {
    let mut beginning = StartMode::First;
    let mut known = None;
    let record = match fresh {
        Some(fresh) => {
            known = Some(fresh.known);
            TaskJournal::new(brain, &task, Some(fresh.accepted))
        }
        None => {
            if let Some(reason) = task.cancel_reason.clone() {
                return finish(brain, &task, &TaskOutcome::Cancelled { reason }).await.map(|()| RunOutcome::Ended);
            }
            if task.take_ups >= MAX_TAKE_UPS {
                let failure = recovery_failed(&task);
                return finish(brain, &task, &TaskOutcome::failed(failure)).await.map(|()| RunOutcome::Ended);
            }
            beginning = StartMode::Again { resumed: task.status == TaskStatus::Running };
            prepare::start(brain, &mut task).await?
        }
    };
    loop {
        let mut work = match Box::pin(prepare::prepare(&record, &mut task, &cancel, beginning, known.take())).await {
            Ok(work) => work,
            Err(Interrupt::Finished(end)) => {
                // What was done until here comes first.
                record.save().await?;
                return finish(brain, &task, &end).await.map(|()| RunOutcome::Ended);
            }
            Err(Interrupt::Suspend(waits)) => return Err(not_a_job(&waits)),
            Err(Interrupt::NextPart) => return Err(StoreError::Fenced),
            Err(Interrupt::ShuttingDown) => return record.save().await.map(|()| RunOutcome::Ended),
            Err(Interrupt::Store(error)) => return Err(error),
        };
        match Box::pin(work.stages()).await {
            Ok(end) | Err(Interrupt::Finished(end)) => {
                let end = work.after_finished_parts(end);
                return work.finish(&end).await.map(|()| RunOutcome::Ended);
            }
            Err(Interrupt::Store(error)) => return Err(error),
            Err(Interrupt::Suspend(waits)) => return work.suspend(&waits).await,
            Err(Interrupt::NextPart) => {}
            Err(Interrupt::ShuttingDown) => return record.save().await.map(|()| RunOutcome::Ended),
        }
        task = brain.store.task_with_documents(&task.owner, task.id).await?.ok_or(StoreError::Fenced)?;
        beginning = StartMode::NextPart;
    }
}

/// Why a task is not taken up again: it may be what ended the process each time.
fn recovery_failed(task: &TaskRow) -> Failure {
    let ends = task.take_ups + 1;
    tracing::error!(
        task = %task.id,
        tenant = %task.owner.tenant,
        skill = task.skill.as_deref().unwrap_or_default(),
        ends,
        "the host ended several times while it worked on this task, which got no further meanwhile: \
         the task fails now; look into what the log says before each start"
    );
    Failure::failed(format!(
        "the host ended {ends} times while it worked on this task, so it is not tried again: send \
         it in smaller parts, or ask the operator, who finds the task in the log"
    ))
}

fn not_a_job(waits: &Waits) -> StoreError {
    StoreError::Damaged { what: "job id", reason: format!("`{}` is none", waits.job) }
}

/// Writes the end of a task at which nobody works.
pub(crate) async fn finish(brain: &Inner, task: &TaskRow, end: &TaskOutcome) -> Result<(), StoreError> {
    let RecordedAttempts { attempts, jobs } = recorded_attempts(brain, task).await?;
    if let TaskOutcome::Cancelled { reason } = end {
        // Whoever was to cancel them may not have come to it.
        for job in jobs.iter().filter_map(|job| job.parse().ok()) {
            brain.cancel_job(&task.owner, job, reason).await;
        }
    }
    let receipt = total(brain, task, jobs).await?;
    let now_ms = brain.clock.now_ms();
    let mut tx = brain.store.begin(&task.owner).await?;
    let ending = CompletionRecord { end, receipt, answer: None, attempts: &attempts };
    if let Some(ended) = end::write(&mut tx, task, ending, now_ms).await? {
        tx.commit().await?;
        brain.publish_stopped(ended);
    }
    Ok(())
}

/// What the events of a task tell of all its rounds and parts.
pub(crate) struct RecordedAttempts {
    /// What came of each attempt, for the history.
    pub(crate) attempts: Vec<Value>,
    /// The jobs of its steps, in the order of their start.
    jobs: Vec<String>,
}

/// Reads what is on record.
pub(crate) async fn recorded_attempts(brain: &Inner, task: &TaskRow) -> Result<RecordedAttempts, StoreError> {
    let events = brain.store.task_events(&task.owner, task.id, 0, MAX_EVENTS_READ).await?;
    let attempts = events.iter().filter(|event| {
        // A plan or a reply that failed has no verdict.
        event.kind == EventKind::Evaluated || event.kind == EventKind::Retrying && event.data.get("stage").is_some()
    });
    let attempts = attempts.take(end::MAX_ATTEMPTS_KEPT).map(|event| end::attempt_of(&event.data)).collect();
    let started = events.iter().filter(|event| event.kind == EventKind::JobStarted);
    let jobs = started.filter_map(|event| event.data["jobId"].as_str().map(str::to_owned)).collect();
    Ok(RecordedAttempts { attempts, jobs })
}

/// What the task used, from the receipts of all its invocations.
async fn total(brain: &Inner, task: &TaskRow, jobs: Vec<String>) -> Result<TaskReceipt, StoreError> {
    let receipts: Vec<Receipt> = brain.store.task_receipts(&task.owner, task.id).await?;
    let attempts = match brain.store.task(&task.owner, task.id).await? {
        Some(row) => u32::try_from(row.attempts).unwrap_or(u32::MAX),
        None => 0,
    };
    Ok(TaskReceipt {
        duration_ms: brain.clock.now_ms() - task.accepted_at_ms,
        invocations: u32::try_from(receipts.len()).unwrap_or(u32::MAX),
        cpu_us: receipts.iter().map(|receipt| receipt.cpu_us).sum(),
        peak_memory_bytes: receipts.iter().map(|receipt| receipt.peak_memory_bytes).max().unwrap_or(0),
        host_calls: receipts.iter().map(|receipt| u64::from(receipt.host_calls)).sum(),
        attempts,
        windmill_jobs: jobs,
    })
}

impl TaskExecution {
    pub(crate) fn owner(&self) -> &Owner {
        &self.task.owner
    }

    /// Writes the end of the task.
    async fn finish(&mut self, end: &TaskOutcome) -> Result<(), StoreError> {
        if let TaskOutcome::Cancelled { reason } = end {
            for job in self.record.awaited() {
                self.brain.cancel_job(self.owner(), job, reason).await;
            }
        }
        let duration_ms = self.brain.clock.now_ms() - self.task.accepted_at_ms;
        let here_and_now = self.alone && self.jobs.is_empty();
        let own = self.record.receipts().total(duration_ms, self.attempts).filter(|_| here_and_now);
        let (receipt, attempts) = match own {
            Some(receipt) => (receipt, std::mem::take(&mut self.attempt_log)),
            None => {
                // What others did for the task stands in the record only.
                self.record.save().await?;
                let RecordedAttempts { attempts, mut jobs } = recorded_attempts(&self.brain, &self.task).await?;
                let own: Vec<String> = self.jobs.iter().map(ToString::to_string).collect();
                jobs.extend(own.into_iter().filter(|job| !jobs.contains(job)).collect::<Vec<_>>());
                (total(&self.brain, &self.task, jobs).await?, attempts)
            }
        };
        let now_ms = self.brain.clock.now_ms();
        let mut batch = self.record.begin().await?;
        batch.append(Vec::new()).await?;
        let ending = CompletionRecord { end, receipt, answer: self.answer.get().copied(), attempts: &attempts };
        if let Some(ended) = end::write(&mut batch, &self.task, ending, now_ms).await? {
            batch.ends_with(ended);
            batch.commit().await?;
        }
        Ok(())
    }

    /// Leaves the task until a job ends: everything is written down, and nothing of it stays in memory.
    async fn suspend(&mut self, waits: &Waits) -> Result<RunOutcome, StoreError> {
        let job: JobId = waits.job.parse().map_err(|_| not_a_job(waits))?;
        let event = NewEvent::new(EventKind::Parked, json!({ "jobId": job, "untilMs": waits.until_ms }));
        let mut batch = self.record.begin().await?;
        batch.append(vec![event]).await?;
        batch.put_task_aside(self.task.id, job, waits.until_ms);
        batch.commit().await?;
        Ok(RunOutcome::Suspended(job, waits.until_ms))
    }

    /// Fails with the task's end if the user cancelled it.
    pub(crate) fn check_cancelled(&self) -> Result<(), Interrupt> {
        if self.cancel.is_cancelled() { Err(Interrupt::Finished(self.cancelled())) } else { Ok(()) }
    }

    pub(crate) fn cancelled(&self) -> TaskOutcome {
        let reason = self.brain.cancel_reason(self.task.id);
        TaskOutcome::Cancelled { reason }
    }

    /// Waits before another attempt; a cancellation ends the wait.
    pub(crate) async fn back_off(&self, delay: Duration) -> Result<(), Interrupt> {
        let until = self.brain.clock.now_ms() + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        tokio::select! {
            () = self.brain.clock.sleep_until(until) => Ok(()),
            () = self.cancel.cancelled() => Err(Interrupt::Finished(self.cancelled())),
        }
    }

    /// The task's skill with the grants and limits of this moment: what an administrator takes away
    /// holds from the next invocation on.
    ///
    /// # Errors
    /// The skill was disabled or removed; the record cannot be read.
    pub(crate) async fn current_skill(&self) -> Result<Arc<CatalogSkill>, Interrupt> {
        let name = &self.skill.manifest().name;
        let digest = self.skill.digest().as_str();
        let found = self.brain.catalog.version_of(&self.owner().tenant, name, Some(digest)).await?;
        prepare::available(found, name)
    }

    async fn stages(&mut self) -> Result<TaskOutcome, Interrupt> {
        let plan = self.plan().await?;
        if !plan.questions.is_empty() {
            let questions = questions(plan.questions);
            return Ok(TaskOutcome::Asked { content: end::ask_text("", &questions), questions });
        }
        let results = Box::pin(self.steps(&plan)).await?;
        match self.reply(&results).await? {
            TaskOutcome::Answered { content, data } if !self.rest.is_empty() => self.next_part(content, data).await,
            TaskOutcome::Answered { content, data } if !self.done.is_empty() => Ok(self.combined_answer(content, data)),
            end => Ok(end),
        }
    }

    /// The skill's plan, or the one that is recorded.
    async fn plan(&mut self) -> Result<Plan, Interrupt> {
        if let Some(plan) = &self.task.plan
            && let Ok(plan) = serde_json::from_value::<Plan>(plan.clone())
        {
            return Ok(plan);
        }
        let (plan, receipt) = self
            .call_with_retry("plan", |work, call| {
                Box::pin(work.brain.sandbox.plan(&work.loaded, call, &work.request, &work.context))
            })
            .await?;
        plan::check(&plan, &self.current_skill().await?.grants, &self.request.user_folder)?;
        Box::pin(self.check_expectations(&plan)).await?;
        let steps: Vec<Value> = plan
            .steps
            .iter()
            .map(|step| json!({ "id": step.id, "title": shorten(&step.title, 200), "action": action_name(step) }))
            .collect();
        let events = vec![
            NewEvent::new(EventKind::Admitted, json!({ "queuedMs": receipt.queued_us / 1_000 })),
            NewEvent::new(EventKind::Planned, json!({ "steps": steps, "questions": plan.questions.len() })),
        ];
        let recorded = serde_json::to_value(&plan).unwrap_or_default();
        self.record
            .stage(|pending| {
                pending.plan(recorded);
                pending.events(events);
            })
            .await;
        Ok(plan)
    }

    async fn reply(&mut self, results: &[StepResult]) -> Result<TaskOutcome, Interrupt> {
        let results: Arc<[StepResult]> = results.into();
        let (reply, _) = self
            .call_with_retry("reply", move |work, call| {
                let results = results.clone();
                Box::pin(async move { work.brain.sandbox.reply(&work.loaded, call, &work.request, &results).await })
            })
            .await?;
        if reply.questions.len() > plan::MAX_QUESTIONS {
            let (asked, most) = (reply.questions.len(), plan::MAX_QUESTIONS);
            return Err(
                Failure::invalid(format!("the skill's reply asks {asked} questions and {most} is the limit")).into()
            );
        }
        let data = match reply.data.as_deref().map(serde_json::from_str::<Value>) {
            Some(Ok(data)) => Some(data),
            Some(Err(error)) => {
                return Err(Failure::invalid(format!("the data of the skill's reply is no JSON: {error}")).into());
            }
            None => None,
        };
        if reply.questions.is_empty() {
            return Ok(TaskOutcome::Answered { content: reply.content, data });
        }
        let questions = questions(reply.questions);
        let content = if reply.content.trim().is_empty() { end::ask_text("", &questions) } else { reply.content };
        Ok(TaskOutcome::Asked { content, questions })
    }

    /// Calls an export, and again after a failure that may pass; the failure that stays is the task's.
    async fn call_with_retry<T>(
        &mut self,
        export: &str,
        call: impl for<'a> Fn(&'a TaskExecution, openanalyst_runtime::Call) -> BoxFuture<'a, Invocation<T>>,
    ) -> Result<(T, Receipt), Interrupt> {
        let attempts = self.retry.retries + 1;
        let mut attempt = 1;
        let mut crashed = false;
        loop {
            self.check_cancelled()?;
            let site = self.site(export, attempt);
            let (given, supply) = self.call(&site).await?;
            let invocation = self.record.during(call(self, given)).await?;
            let receipt = invocation.receipt.clone();
            self.record.receipts().take(&invocation.receipt, &invocation.logs, supply.last_part(&invocation.result));
            match invocation.result {
                Ok(value) => return Ok((value, receipt)),
                Err(CallError::Waits(waits)) => return Err(Interrupt::Suspend(waits)),
                Err(error) => {
                    self.check_cancelled()?;
                    let failure = error.as_failure();
                    let crashed_again = error.is_crash() && std::mem::replace(&mut crashed, true);
                    let is_final = failure.is_interrupted() || !failure.is_retryable();
                    if is_final || crashed_again || attempt >= attempts {
                        return Err(failure.into());
                    }
                    let delay = self.retry.delay_after(attempt, Some(&failure));
                    attempt += 1;
                    self.stage_failed_call(export, attempt, attempts, delay, &failure).await;
                    self.record.during(self.back_off(delay)).await??;
                }
            }
        }
    }

    /// Notes that a plan or a reply failed and is tried again, as attempt number `next`.
    async fn stage_failed_call(&mut self, stage: &str, next: u32, attempts: u32, delay: Duration, failure: &Failure) {
        let event = json!({
            "stage": stage, "id": stage, "title": if stage == "plan" { "Make the plan" } else { "Write the answer" },
            "attempt": next, "attempts": attempts, "delayMs": u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "differences": [failure.to_string()],
            "failure": { "code": failure.code(), "retryable": failure.is_retryable() },
        });
        if self.attempt_log.len() < end::MAX_ATTEMPTS_KEPT {
            self.attempt_log.push(end::attempt_of(&event));
        }
        self.record.stage(|pending| pending.events([NewEvent::new(EventKind::Retrying, event)])).await;
    }

    /// Where an invocation of this stage stands.
    pub(crate) fn site(&self, stage: &str, attempt: u32) -> CallSite {
        let round = u32::try_from(self.round).unwrap_or(u32::MAX);
        CallSite {
            place: format!("{}/{stage}/{attempt}", self.round),
            // Two parts may name their steps alike.
            effects: if self.part == 0 { stage.to_owned() } else { format!("part-{}/{stage}", self.part + 1) },
            attempt: round.saturating_mul(ATTEMPTS_OF_A_ROUND).saturating_add(attempt),
        }
    }

    pub(crate) fn add_job(&mut self, job: JobId) {
        if !self.jobs.contains(&job) {
            self.jobs.push(job);
        }
    }
}

fn action_name(step: &contract::Step) -> String {
    match &step.action {
        contract::Action::Script(call) => format!("script {}", call.path),
        contract::Action::Flow(call) => format!("flow {}", call.path),
        contract::Action::Skill(call) => format!("skill {}", call.skill),
        contract::Action::Run(_) => "run".to_owned(),
    }
}

fn questions(asked: Vec<contract::Question>) -> Vec<Question> {
    asked.into_iter().map(Question::from).collect()
}
