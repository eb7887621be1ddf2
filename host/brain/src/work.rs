//! The life of one task, from its start to its end: context, route, plan, steps, reply.
//!
//! Every stage is written down before the next one begins, so a process that takes the task up again goes on where the record
//! ends: a stage whose result is recorded is not done again, and the events of a stage are written in the same transaction as its result.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use openanalyst_domain::{EventKind, Failure, JobId, MessageId, Owner, Receipt, TaskEvent, TaskStatus};
use openanalyst_registry::{CatalogSkill, FALLBACK_SKILL};
use openanalyst_router::{Decision, Route, Utterance};
use openanalyst_runtime::contract::{self, Plan, StepResult};
use openanalyst_runtime::{CallError, Invocation, Skill, Waits};
use openanalyst_store::effects::EffectKey;
use openanalyst_store::tasks::{NewEvent, TaskRow};
use openanalyst_store::{StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::api::{Answer, Question, TaskReceipt};
use crate::brain::Inner;
use crate::context::{self, shorten};
use crate::end::{self, End};
use crate::ledger::Ledger;
use crate::numbers::unsigned;
use crate::retry::Retry;
use crate::split::{self, Part};
use crate::supply::Spot;
use crate::{accept, plan, supply};

/// More than there can be parts of a request.
pub(crate) const PARTS: i64 = 16;
/// More than there can be attempts in one round.
const ATTEMPTS_OF_A_ROUND: u32 = 1_000;
/// Most entries of the ranking in the `routed` event.
const RANKING_SHOWN: usize = 3;

/// What is recorded of the request once it was understood: a restart goes on with exactly this.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Prepared {
    pub(crate) request: contract::Request,
    pub(crate) context: contract::Context,
    /// Which part of the request this is, from 0.
    #[serde(default)]
    pub(crate) part: usize,
    /// The parts that come after it.
    #[serde(default)]
    pub(crate) rest: Vec<Part>,
    /// What the parts before it answered.
    #[serde(default)]
    pub(crate) done: Vec<DonePart>,
}

/// What a part of a request was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DonePart {
    skill: String,
    content: String,
    data: Option<Value>,
}

/// A task at work, with all that its stages need.
pub(crate) struct Work {
    pub(crate) brain: Arc<Inner>,
    pub(crate) task: TaskRow,
    /// Each answer of the user begins a new round of plan, steps and reply, and so does each part of the request: [`PARTS`] numbers for each answer.
    pub(crate) round: i64,
    part: usize,
    rest: Vec<Part>,
    done: Vec<DonePart>,
    pub(crate) cancel: CancellationToken,
    /// Under which this process works on it.
    pub(crate) lease: i64,
    /// Whether it was worked on before: what ran then is on record.
    pub(crate) resumed: bool,
    pub(crate) skill: Arc<CatalogSkill>,
    pub(crate) loaded: Skill,
    pub(crate) request: contract::Request,
    pub(crate) context: contract::Context,
    pub(crate) nested_calls_left: Arc<AtomicU32>,
    pub(crate) ledger: Ledger,
    /// How often what fails is tried again, and what happens then.
    pub(crate) retry: Retry,
    /// The id of the answer, once a part of it was shown.
    pub(crate) answer: AnswerId,
    /// The tenant's daily quota of tokens of language models.
    pub(crate) llm_tokens: Option<u64>,
    /// The learnings that the last research gave, by their ids.
    pub(crate) learned: Vec<String>,
    /// What the next transaction writes before its own.
    pub(crate) unsaved: Unsaved,
    /// Attempts made at steps, by this process.
    pub(crate) attempts: u32,
    /// Whether all that was done at the task was done here and now.
    alone: bool,
}

/// What is done and waits for the next transaction. Lost with the process it is done again, and comes to the same: what it changed outside is in the journal.
#[derive(Debug, Default)]
pub(crate) struct Unsaved {
    plan: Option<Value>,
    pub(crate) settled: Option<SettledStep>,
    pub(crate) events: Vec<NewEvent>,
}

/// A step that gave what was expected.
#[derive(Debug)]
pub(crate) struct SettledStep {
    /// The place of its attempt in the journal.
    pub(crate) place: String,
    /// The attempt's end.
    pub(crate) settled: Value,
    /// The step.
    pub(crate) step: String,
    /// Its result.
    pub(crate) result: Value,
    /// Whether a learning helped.
    pub(crate) helped: bool,
}

/// The id of an answer that is being written.
pub(crate) type AnswerId = Arc<OnceLock<MessageId>>;

/// Why a stage could not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The task ends so.
    End(End),
    /// It waits for a job, and need not be in memory until that ends.
    Waits(Waits),
    /// A part of the request is done, and the next one follows.
    NextPart,
    /// The record cannot be read or written now; the task stays open, and is taken up again.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::End(End::Failed(failure))
    }
}

/// How far the work at a task came.
#[derive(Debug)]
pub(crate) enum Worked {
    /// To its end, or to its questions.
    Ended,
    /// It waits for this job, until this time or the job's end.
    Waits(JobId, Option<i64>),
}

/// Works on a task to its end, or to where it waits.
///
/// # Errors
/// The record cannot be read or written; the task stays open. [`StoreError::Fenced`]: it is not this process's any more.
pub(crate) async fn run(brain: &Arc<Inner>, task: TaskRow, cancel: CancellationToken) -> Result<Worked, StoreError> {
    let mut task = task;
    let mut goes_on = false;
    let (mut work, end) = loop {
        let mut work = match prepare(brain, &mut task, &cancel, goes_on).await {
            Ok(work) => work,
            Err(Stop::End(end)) => return finish(brain, &task, &end, Vec::new()).await.map(|()| Worked::Ended),
            Err(Stop::Waits(waits)) => return Err(not_a_job(&waits)),
            Err(Stop::NextPart) => return Err(StoreError::Fenced),
            Err(Stop::Store(error)) => return Err(error),
        };
        match work.stages().await {
            Ok(end) | Err(Stop::End(end)) => break (work, end),
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Waits(waits)) => return work.put_aside(&waits).await,
            Err(Stop::NextPart) => {}
        }
        match brain.store.task(&task.owner, task.id).await? {
            Some(row) => task = row,
            None => return Err(StoreError::Fenced),
        }
        goes_on = true;
    };
    work.finish(&end).await.map(|()| Worked::Ended)
}

fn not_a_job(waits: &Waits) -> StoreError {
    StoreError::Damaged { what: "job id", reason: format!("`{}` is none", waits.job) }
}

/// Writes the end of a task at which nobody works.
pub(crate) async fn finish(brain: &Inner, task: &TaskRow, end: &End, jobs: Vec<String>) -> Result<(), StoreError> {
    let receipt = total(brain, task, jobs).await?;
    let now_ms = brain.clock.now_ms();
    let mut tx = brain.store.begin(&task.owner).await?;
    if let Some(seq) = end::write(&mut tx, task, end, receipt, None, now_ms).await? {
        tx.commit().await?;
        brain.bus.publish(task.id, seq, true);
    }
    Ok(())
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

/// Starts the task, builds its context and routes it, or takes up what was recorded of that.
async fn prepare(
    brain: &Arc<Inner>,
    task: &mut TaskRow,
    cancel: &CancellationToken,
    goes_on: bool,
) -> Result<Work, Stop> {
    if let Some(reason) = task.cancel_reason.clone() {
        return Err(Stop::End(End::Cancelled { reason }));
    }
    let rounds: Vec<Vec<Answer>> = serde_json::from_value(task.answers.clone()).unwrap_or_default();
    let round = i64::try_from(rounds.len()).unwrap_or(i64::MAX);
    let resumed = task.status == TaskStatus::Running && !goes_on;
    let mut events = Vec::new();
    if !goes_on {
        events.push(match task.waits_for {
            Some(job) => NewEvent::new(EventKind::Resumed, json!({ "node": brain.node, "jobId": job })),
            None if resumed => NewEvent::new(EventKind::Recovered, json!({ "node": brain.node, "from": task.node })),
            None => NewEvent::new(EventKind::Started, json!({ "node": brain.node })),
        });
    }
    let recorded = task.prepared.as_ref().and_then(|value| serde_json::from_value::<Prepared>(value.clone()).ok());
    let tenant = &task.owner.tenant;
    let catalog = brain.catalog.of(tenant).await?;
    let now_ms = brain.clock.now_ms();
    let mut fresh = None;
    let (prepared, skill) = match recorded {
        Some(prepared) => {
            let name = task.skill.clone().unwrap_or_else(|| FALLBACK_SKILL.to_owned());
            // The version that it began with, whatever is active by now.
            let skill = brain.catalog.version_of(tenant, &name, task.skill_digest.as_deref()).await?;
            (prepared, skill.ok_or_else(|| gone(&name))?)
        }
        None => {
            let zone = &brain.settings.default_time_zone;
            let built = context::build(&brain.store, &catalog, task, zone, now_ms).await?;
            events.push(NewEvent::new(EventKind::ContextBuilt, context_event(&built.context)));
            let utterance = Utterance {
                text: &task.content,
                now_ms,
                time_zone: &built.time_zone,
                previous_skill: built.previous_skill.as_deref(),
                has_attachments: task.attachments.as_array().is_some_and(|list| !list.is_empty()),
            };
            let parts = split::parts(brain, task, &catalog, &utterance).await?;
            let content = parts.first().map_or(task.content.as_str(), |part| part.request.as_str());
            let mut route = catalog.router().route(&Utterance { text: content, ..utterance });
            let (name, confidence) = match (&task.skill, &route.decision) {
                _ if !parts.is_empty() => {
                    (parts[0].skill.clone(), route.ranking.first().map_or(0.0, |best| best.confidence))
                }
                // An answered task goes on with the skill that it began with.
                (Some(name), _) => (name.clone(), task.confidence.unwrap_or(0.0)),
                (None, Decision::Skill { name, confidence }) => (name.clone(), *confidence),
                (None, Decision::Fallback { name, confidence, .. }) => (name.clone(), *confidence),
                (None, Decision::Ambiguous { candidates, question }) => {
                    let first = candidates.first().cloned().unwrap_or_else(|| FALLBACK_SKILL.to_owned());
                    let chosen = chosen_by_answer(&rounds, candidates);
                    if chosen.is_none() {
                        write_route(brain, task, events, &route, None).await?;
                        return Err(Stop::End(which_skill(candidates, question)));
                    }
                    (chosen.unwrap_or(first), route.ranking.first().map_or(0.0, |best| best.confidence))
                }
                (None, Decision::NoSkills) => {
                    return Err(
                        Failure::not_found("your organisation has no active skill: ask an administrator").into()
                    );
                }
            };
            let skill = catalog.skill(&name).cloned().ok_or_else(|| gone(&name))?;
            for answer in rounds.iter().flatten() {
                let said = Utterance { text: &answer.text, ..utterance };
                take_slots(&mut route, catalog.router().route(&said));
            }
            let request = request_of(task, content, &route, confidence, &rounds, &built.time_zone);
            if !parts.is_empty() {
                route.reasons.push(format!("the request has {} parts, for {}", parts.len(), names_of(&parts)));
            }
            let rest: Vec<Part> = parts.iter().skip(1).cloned().collect();
            task.skill = Some(name.clone());
            task.skill_version = Some(skill.manifest().version.to_string());
            task.skill_digest = Some(skill.digest().to_string());
            task.confidence = Some(confidence);
            fresh = Some(route);
            (Prepared { request, context: built.context, part: 0, rest, done: Vec::new() }, skill)
        }
    };
    let lease = if let Some(route) = &fresh {
        write_route(brain, task, events, route, Some(&prepared)).await?
    } else {
        write_start(brain, task, events).await?
    };
    supply::within_quota(brain, &task.owner, &catalog, &skill).await?;
    let loaded = skill.load(&brain.sandbox).await?;
    let Prepared { mut request, context, part, rest, done } = prepared;
    request.attachments = accept::for_skill(&task.attachments);
    Ok(Work {
        brain: brain.clone(),
        round: round.saturating_mul(PARTS).saturating_add(i64::try_from(part).unwrap_or(0)),
        part,
        rest,
        done,
        lease,
        resumed,
        cancel: cancel.clone(),
        loaded,
        request,
        context,
        nested_calls_left: Arc::new(AtomicU32::new(skill.budget.nested_calls)),
        ledger: Ledger::default(),
        retry: Retry::of(&brain.settings, &catalog, &skill),
        answer: AnswerId::default(),
        llm_tokens: catalog.daily.llm_tokens,
        learned: Vec::new(),
        unsaved: Unsaved::default(),
        attempts: 0,
        alone: !resumed && !goes_on && round == 0,
        skill,
        task: task.clone(),
    })
}

fn gone(name: &str) -> Stop {
    Failure::not_found(format!(
        "the skill `{name}` that this task began with is not there any more: send the request again"
    ))
    .into()
}

fn context_event(context: &contract::Context) -> Value {
    json!({
        "messages": context.messages.len(), "recentTasks": context.recent_tasks.len(),
        "preferences": context.preferences.len(), "learnings": context.learnings.len(),
        "skills": context.skills.len(), "omitted": context.omitted,
    })
}

fn route_event(task: &TaskRow, route: &Route) -> Value {
    let ranking: Vec<_> = route.ranking.iter().take(RANKING_SHOWN).collect();
    json!({
        "skill": task.skill, "skillVersion": task.skill_version, "confidence": task.confidence,
        "decision": route.decision, "reasons": route.reasons, "ranking": ranking,
        "actions": route.intent.actions, "slots": route.intent.slots,
    })
}

/// Which of two equally good skills is meant: the user decides.
fn which_skill(candidates: &[String], question: &str) -> End {
    let questions = vec![Question { id: "skill".to_owned(), text: question.to_owned(), options: candidates.to_vec() }];
    End::Asked { content: end::ask_text("", &questions), questions }
}

fn chosen_by_answer(rounds: &[Vec<Answer>], candidates: &[String]) -> Option<String> {
    let said =
        rounds.iter().flatten().rev().find(|answer| answer.question_id == "skill" || answer.question_id == "*")?;
    let text = said.text.to_lowercase();
    candidates
        .iter()
        .find(|name| text.contains(&name.to_lowercase()) || text.contains(&name.replace('-', " ")))
        .cloned()
}

/// What an answer says replaces what the request said of the same thing.
fn take_slots(route: &mut Route, said: Route) {
    for slot in said.intent.slots {
        let replaces =
            |name: &str| name == slot.name || (name.ends_with("platform") && slot.name.ends_with("platform"));
        route.intent.slots.retain(|old| !replaces(&old.name));
        route.intent.slots.push(slot);
    }
}

fn names_of(parts: &[Part]) -> String {
    parts.iter().map(|part| format!("`{}`", part.skill)).collect::<Vec<_>>().join(", then ")
}

fn request_of(
    task: &TaskRow,
    content: &str,
    route: &Route,
    confidence: f64,
    rounds: &[Vec<Answer>],
    time_zone: &str,
) -> contract::Request {
    let slots = route.intent.slots.iter().map(|slot| contract::Slot {
        name: slot.name.clone(),
        value: slot.value.to_string(),
        text: slot.text.clone(),
    });
    contract::Request {
        task_id: task.id.to_string(),
        session_id: task.session.to_string(),
        content: content.to_owned(),
        intent: contract::Intent { actions: route.intent.actions.clone(), confidence, slots: slots.collect() },
        attachments: Vec::new(),
        received_at_ms: unsigned(task.accepted_at_ms),
        time_zone: time_zone.to_owned(),
        user_folder: task.owner.user.folder(),
        answers: rounds
            .iter()
            .flatten()
            .map(|answer| contract::Answer { question_id: answer.question_id.clone(), text: answer.text.clone() })
            .collect(),
    }
}

async fn write_start(brain: &Inner, task: &TaskRow, events: Vec<NewEvent>) -> Result<i64, Stop> {
    let now_ms = brain.clock.now_ms();
    let mut tx = brain.store.begin(&task.owner).await?;
    let lease = tx.start_task(task.id, &brain.node.to_string(), task.lease, now_ms).await?.ok_or(StoreError::Fenced)?;
    let events = tx.append_events(&task.owner, task.id, now_ms, events).await?;
    tx.commit().await?;
    brain.publish(&events);
    Ok(lease)
}

async fn write_route(
    brain: &Inner,
    task: &TaskRow,
    mut events: Vec<NewEvent>,
    route: &Route,
    prepared: Option<&Prepared>,
) -> Result<i64, Stop> {
    events.push(NewEvent::new(EventKind::Routed, route_event(task, route)));
    let now_ms = brain.clock.now_ms();
    let mut tx = brain.store.begin(&task.owner).await?;
    let lease = tx.start_task(task.id, &brain.node.to_string(), task.lease, now_ms).await?.ok_or(StoreError::Fenced)?;
    if let (Some(prepared), Some(skill), Some(version), Some(digest)) =
        (prepared, &task.skill, &task.skill_version, &task.skill_digest)
    {
        let prepared = serde_json::to_value(prepared).unwrap_or_default();
        let confidence = task.confidence.unwrap_or(0.0);
        let decision = openanalyst_store::tasks::Decision { skill, version, digest, confidence, prepared: &prepared };
        tx.decide_task(task.id, &decision).await?;
    }
    let events = tx.append_events(&task.owner, task.id, now_ms, events).await?;
    tx.commit().await?;
    brain.publish(&events);
    Ok(lease)
}

impl Work {
    pub(crate) fn owner(&self) -> &Owner {
        &self.task.owner
    }

    /// Begins a write that holds only while this process works on the task.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.brain.begin_held(self.owner(), self.task.id, self.lease).await
    }

    /// Writes what waits to be written, and then these events.
    pub(crate) async fn write_unsaved(
        &mut self,
        tx: &mut Tx,
        events: Vec<NewEvent>,
    ) -> Result<Vec<TaskEvent>, StoreError> {
        let now_ms = self.brain.clock.now_ms();
        let unsaved = std::mem::take(&mut self.unsaved);
        let owner = self.owner().clone();
        if let Some(plan) = &unsaved.plan {
            tx.plan_task(self.task.id, plan).await?;
        }
        if let Some(SettledStep { place, settled, step, result, helped }) = &unsaved.settled {
            if *helped {
                tx.learnings_helped(&owner, &self.learned).await?;
            }
            tx.put_step_result(&owner, self.task.id, self.round, step, result).await?;
            let key = EffectKey { owner: &owner, task: self.task.id, place };
            tx.settle(&key, settled, now_ms).await?;
        }
        self.ledger.write(tx, &owner, self.task.id, now_ms).await?;
        let mut all = unsaved.events;
        all.extend(events);
        if all.is_empty() { Ok(Vec::new()) } else { tx.append_events(&owner, self.task.id, now_ms, all).await }
    }

    /// Writes what waits to be written, in a transaction of its own.
    pub(crate) async fn save(&mut self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let events = self.write_unsaved(&mut tx, Vec::new()).await?;
        tx.commit().await?;
        self.brain.publish(&events);
        Ok(())
    }

    /// Writes the end of the task.
    async fn finish(&mut self, end: &End) -> Result<(), StoreError> {
        let jobs = self.ledger.jobs();
        let duration_ms = self.brain.clock.now_ms() - self.task.accepted_at_ms;
        let own = if self.alone { self.ledger.total(duration_ms, self.attempts) } else { None };
        let receipt = match own {
            Some(receipt) => receipt,
            None => {
                // What others did for the task stands in the record only.
                self.save().await?;
                total(&self.brain, &self.task, jobs).await?
            }
        };
        let now_ms = self.brain.clock.now_ms();
        let mut tx = self.begin().await?;
        self.write_unsaved(&mut tx, Vec::new()).await?;
        let answer = self.answer.get().copied();
        if let Some(seq) = end::write(&mut tx, &self.task, end, receipt, answer, now_ms).await? {
            tx.commit().await?;
            self.brain.bus.publish(self.task.id, seq, true);
        }
        Ok(())
    }

    /// Leaves the task until a job ends: everything is written down, and nothing of it stays in memory.
    async fn put_aside(&mut self, waits: &Waits) -> Result<Worked, StoreError> {
        let job: JobId = waits.job.parse().map_err(|_| not_a_job(waits))?;
        let mut tx = self.begin().await?;
        tx.put_task_aside(self.task.id, job, waits.until_ms).await?;
        let event = NewEvent::new(EventKind::Parked, json!({ "jobId": job, "untilMs": waits.until_ms }));
        let events = self.write_unsaved(&mut tx, vec![event]).await?;
        tx.commit().await?;
        self.brain.publish(&events);
        Ok(Worked::Waits(job, waits.until_ms))
    }

    /// Fails with the task's end if the user cancelled it.
    pub(crate) fn check_cancelled(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() { Err(Stop::End(self.cancelled())) } else { Ok(()) }
    }

    pub(crate) fn cancelled(&self) -> End {
        let reason = self.brain.cancel_reason(self.task.id);
        End::Cancelled { reason }
    }

    /// Waits before another attempt; a cancellation ends the wait.
    pub(crate) async fn back_off(&self, delay: Duration) -> Result<(), Stop> {
        let until = self.brain.clock.now_ms() + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        tokio::select! {
            () = self.brain.clock.sleep_until(until) => Ok(()),
            () = self.cancel.cancelled() => Err(Stop::End(self.cancelled())),
        }
    }

    async fn stages(&mut self) -> Result<End, Stop> {
        let plan = self.plan().await?;
        if !plan.questions.is_empty() {
            let questions = questions(plan.questions);
            return Ok(End::Asked { content: end::ask_text("", &questions), questions });
        }
        let results = self.steps(&plan).await?;
        match self.reply(&results).await? {
            End::Answered { content, data } if !self.rest.is_empty() => self.next_part(content, data).await,
            End::Answered { content, data } if !self.done.is_empty() => Ok(self.together(content, data)),
            end => Ok(end),
        }
    }

    fn done_part(&self, content: String, data: Option<Value>) -> DonePart {
        DonePart { skill: self.skill.manifest().name.clone(), content, data }
    }

    /// The answers of all parts as one.
    fn together(&self, content: String, data: Option<Value>) -> End {
        let last = self.done_part(content, data);
        let all: Vec<&DonePart> = self.done.iter().chain([&last]).collect();
        let content = all.iter().map(|part| part.content.trim()).collect::<Vec<_>>().join("\n\n");
        let data = json!({ "parts": all.iter().map(|part| json!({ "skill": part.skill, "data": part.data })).collect::<Vec<_>>() });
        End::Answered { content, data: Some(data) }
    }

    /// Writes down that this part is done, and with what the next one begins.
    async fn next_part(&mut self, content: String, data: Option<Value>) -> Result<End, Stop> {
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
        self.task.skill = Some(next.skill.clone());
        self.task.skill_version = Some(skill.manifest().version.to_string());
        self.task.skill_digest = Some(skill.digest().to_string());
        self.task.confidence = Some(confidence);
        let mut event = route_event(&self.task, &route);
        event["part"] = json!(self.part + 2);
        let (version, digest) = (skill.manifest().version.to_string(), skill.digest().to_string());
        let recorded = serde_json::to_value(&prepared).unwrap_or_default();
        let decision = openanalyst_store::tasks::Decision {
            skill: &next.skill,
            version: &version,
            digest: &digest,
            confidence,
            prepared: &recorded,
        };
        let mut tx = self.begin().await?;
        let events = self.write_unsaved(&mut tx, vec![NewEvent::new(EventKind::Routed, event)]).await?;
        tx.decide_task(self.task.id, &decision).await?;
        tx.clear_plan(self.task.id).await?;
        tx.commit().await?;
        self.brain.publish(&events);
        Err(Stop::NextPart)
    }

    /// The skill's plan, or the one that is recorded.
    async fn plan(&mut self) -> Result<Plan, Stop> {
        if let Some(plan) = &self.task.plan
            && let Ok(plan) = serde_json::from_value::<Plan>(plan.clone())
        {
            return Ok(plan);
        }
        let (plan, receipt) = self
            .insistently("plan", |work, call| {
                Box::pin(work.brain.sandbox.plan(&work.loaded, call, &work.request, &work.context))
            })
            .await?;
        plan::check(&plan, &self.skill.grants, &self.request.user_folder)?;
        let steps: Vec<Value> = plan
            .steps
            .iter()
            .map(|step| json!({ "id": step.id, "title": shorten(&step.title, 200), "action": action_name(step) }))
            .collect();
        let events = vec![
            NewEvent::new(EventKind::Admitted, json!({ "queuedMs": receipt.queued_us / 1_000 })),
            NewEvent::new(EventKind::Planned, json!({ "steps": steps, "questions": plan.questions.len() })),
        ];
        self.unsaved.plan = Some(serde_json::to_value(&plan).unwrap_or_default());
        self.unsaved.events.extend(events);
        Ok(plan)
    }

    async fn reply(&mut self, results: &[StepResult]) -> Result<End, Stop> {
        if self.brain.llm.is_some() && self.skill.grants.llm {
            // It may take long, and show parts of the answer: what was done before it comes first.
            self.save().await?;
        }
        let results: Arc<[StepResult]> = results.into();
        let (reply, _) = self
            .insistently("reply", move |work, call| {
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
            return Ok(End::Answered { content: reply.content, data });
        }
        let questions = questions(reply.questions);
        let content = if reply.content.trim().is_empty() { end::ask_text("", &questions) } else { reply.content };
        Ok(End::Asked { content, questions })
    }

    /// Calls an export, and again after a failure that may pass; the failure that stays is the task's.
    async fn insistently<T>(
        &mut self,
        export: &str,
        call: impl for<'a> Fn(&'a Work, openanalyst_runtime::Call) -> BoxFuture<'a, Invocation<T>>,
    ) -> Result<(T, Receipt), Stop> {
        let attempts = self.retry.retries + 1;
        let mut attempt = 1;
        loop {
            self.check_cancelled()?;
            let spot = self.spot(export, attempt);
            let (given, supply) = self.call(&spot).await?;
            let invocation = call(self, given).await;
            let receipt = invocation.receipt.clone();
            self.ledger.receipts().take(&invocation.receipt, &invocation.logs, supply.last_part());
            match invocation.result {
                Ok(value) => return Ok((value, receipt)),
                Err(CallError::Waits(waits)) => return Err(Stop::Waits(waits)),
                Err(error) => {
                    self.check_cancelled()?;
                    let failure = error.as_failure();
                    if !failure.is_retryable() || attempt >= attempts {
                        return Err(failure.into());
                    }
                    tracing::info!(task = %self.task.id, export, attempt, %failure, "an export failed and is tried again");
                    self.back_off(self.retry.delay_after(attempt)).await?;
                    attempt += 1;
                }
            }
        }
    }

    /// Where an invocation of this stage stands.
    pub(crate) fn spot(&self, stage: &str, attempt: u32) -> Spot {
        let round = u32::try_from(self.round).unwrap_or(u32::MAX);
        Spot {
            place: format!("{}/{stage}/{attempt}", self.round),
            // Two parts may name their steps alike.
            effects: if self.part == 0 { stage.to_owned() } else { format!("part-{}/{stage}", self.part + 1) },
            attempt: round.saturating_mul(ATTEMPTS_OF_A_ROUND).saturating_add(attempt),
        }
    }

    pub(crate) fn note_job(&mut self, job: JobId) {
        self.ledger.note_job(job);
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
    asked
        .into_iter()
        .map(|question| Question { id: question.id, text: question.text, options: question.options })
        .collect()
}
