//! What happens to a task before its plan: it is started, its context is built, it is routed, or what was recorded of that is taken up.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use openanalyst_domain::{EventKind, Failure, TaskStatus};
use openanalyst_registry::{Availability, CatalogSkill, FALLBACK_SKILL, TenantCatalog};
use openanalyst_router::{Decision, Route, Utterance};
use openanalyst_runtime::contract;
use openanalyst_store::StoreError;
use openanalyst_store::learnings::{self, NewLearning};
use openanalyst_store::tasks::{NewEvent, TaskRow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::api::{Answer, Question};
use crate::asked::{answers_of, decode_document};
use crate::brain::Inner;
use crate::clarify::ClarifiedRoute;
use crate::context::{self, ContextRead};
use crate::correction::{self, Correction};
use crate::end::{self, TaskOutcome};
use crate::instead::{self, Substitution};
use crate::numbers::unsigned;
use crate::parts::FinishedPart;
use crate::record::{RoutingDecision, TaskJournal};
use crate::retry::Retry;
use crate::split::{self, Part};
use crate::work::{AnswerId, Interrupt, TaskExecution, first_of_round};
use crate::{accept, clarify, loading, supply};

/// Most entries of the ranking in the `routed` event.
const RANKING_SHOWN: usize = 3;

/// What is recorded of the request once it was understood: a restart goes on with exactly this.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PreparedRequest {
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
    pub(crate) done: Vec<FinishedPart>,
}

/// How the work at a task begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartMode {
    /// It was accepted a moment ago.
    First,
    /// It was accepted earlier; somebody may have worked on it.
    Again {
        /// Whether what ran before is on record.
        resumed: bool,
    },
    /// A part of it is done.
    NextPart,
}

/// Takes the task over: from now on nobody else writes its record.
///
/// # Errors
/// [`StoreError::Fenced`]: somebody else was faster; the database's.
pub(crate) async fn start(brain: &Arc<Inner>, task: &mut TaskRow) -> Result<TaskJournal, StoreError> {
    let node = &brain.node;
    let event = match task.waits_for {
        Some(job) => NewEvent::new(EventKind::Resumed, json!({ "node": node, "jobId": job })),
        None if task.status == TaskStatus::Running => {
            NewEvent::new(EventKind::Recovered, json!({ "node": node, "from": task.node }))
        }
        None => NewEvent::new(EventKind::Started, json!({ "node": node })),
    };
    let now_ms = brain.clock.now_ms();
    let mut tx = brain.store.begin(&task.owner).await?;
    task.lease = tx.start_task(task.id, &node.to_string(), task.lease, now_ms).await?.ok_or(StoreError::Fenced)?;
    let events = tx.append_events(&task.owner, task.id, now_ms, vec![event]).await?;
    tx.commit().await?;
    brain.publish(&events);
    task.last_seq = events.last().map_or(task.last_seq, |event| event.seq);
    Ok(TaskJournal::new(brain, task, None))
}

/// Builds the task's context and routes it, or takes up what was recorded of that.
pub(crate) async fn prepare(
    record: &TaskJournal,
    task: &mut TaskRow,
    cancel: &CancellationToken,
    beginning: StartMode,
    known: Option<ContextRead>,
) -> Result<TaskExecution, Interrupt> {
    let brain = record.brain();
    let rounds = answers_of(task)?;
    let first = first_of_round(rounds.len());
    let tenant = task.owner.tenant.clone();
    let recorded = task.prepared.take().filter(|value| !value.is_null());
    let recorded = recorded.map(|value| decode_document::<PreparedRequest>("prepared request", &value)).transpose()?;
    let (catalog, prepared, skill) = match recorded {
        Some(prepared) => {
            let catalog = brain.catalog.of(&tenant).await?;
            let name = task.skill.clone().unwrap_or_else(|| FALLBACK_SKILL.to_owned());
            // The version that it began with, whatever is active by now.
            let digest = task.skill_digest.as_deref();
            let skill = available(brain.catalog.version_of(&tenant, &name, digest).await?, &name)?;
            (catalog, prepared, skill)
        }
        None => Box::pin(build_and_route(record, task, &rounds, known)).await?,
    };
    supply::within_quota(brain, &task.owner, &catalog, &skill).await?;
    let loading = brain.closing.run_until_cancelled(loading::skill(record, &skill, cancel));
    let loaded = match Box::pin(loading).await.ok_or(Interrupt::ShuttingDown)?? {
        Some(loaded) => loaded?,
        None => return Err(Interrupt::Finished(TaskOutcome::Cancelled { reason: brain.cancel_reason(task.id) })),
    };
    let PreparedRequest { mut request, context, part, rest, done } = prepared;
    request.attachments = Vec::new();
    let (shared_request, shared_context) = (Arc::new(request.clone()), Arc::new(context.clone()));
    request.attachments = accept::for_skill(&task.attachments)?;
    let resumed = matches!(beginning, StartMode::Again { resumed: true });
    Ok(TaskExecution {
        brain: brain.clone(),
        record: record.clone(),
        round: first.saturating_add(i64::try_from(part).unwrap_or(0)),
        part,
        rest,
        done,
        resumed,
        cancel: cancel.clone(),
        loaded,
        request,
        context,
        shared_request,
        shared_context,
        nested_calls_left: Arc::new(AtomicU32::new(skill.budget.nested_calls)),
        jobs: Vec::new(),
        retry: Retry::of(&brain.settings, &catalog, &skill),
        answer: AnswerId::default(),
        llm_tokens: catalog.daily.llm_tokens,
        learned: Vec::new(),
        attempts: 0,
        attempt_log: Vec::new(),
        alone: !resumed && beginning != StartMode::NextPart && rounds.is_empty(),
        skill,
        task: task.clone(),
    })
}

/// Builds the context and routes.
async fn build_and_route(
    record: &TaskJournal,
    task: &mut TaskRow,
    rounds: &[Vec<Answer>],
    known: Option<ContextRead>,
) -> Result<(Arc<TenantCatalog>, PreparedRequest, Arc<CatalogSkill>), Interrupt> {
    let brain = record.brain();
    if let Some(end) = clarify::dropped(rounds, task.skill.is_none()) {
        return Err(Interrupt::Finished(end));
    }
    let now_ms = brain.clock.now_ms();
    let zone = &brain.settings.default_time_zone;
    let early = match known {
        Some(reading) => reading.await.ok(),
        None => None,
    };
    let known = match early {
        // Nothing of its session was open, so nothing of that is missing.
        Some(known) if known.open == 0 => known,
        _ => context::known(&brain.store, &task.owner, &task.session, task.id, now_ms).await?,
    };
    let catalog = brain.catalog.at(&task.owner.tenant, known.revision.unwrap_or(0)).await?;
    let built = context::build(known, &catalog, task, zone, now_ms)?;
    let understood = NewEvent::new(EventKind::ContextBuilt, context_event(&built.context, built.omitted));
    record.stage(|pending| pending.events([understood])).await;
    // What was meant for another skill is done by that one; the words of this request only say so.
    let corrected = match (&task.skill, rounds) {
        (None, []) => correction::read(&task.content, &catalog, &built.context),
        _ => None,
    };
    let text = corrected.as_ref().map_or(task.content.as_str(), |corrected| corrected.request.as_str());
    let embedded = brain.catalog.vectors_of(&catalog, text, &split::first_pieces(text)).await;
    let utterance = Utterance {
        text,
        now_ms,
        time_zone: &built.time_zone,
        locale: built.locale.as_deref(),
        previous_skill: built.previous_skill.as_deref(),
        has_attachments: task.attachments.as_array().is_some_and(|list| !list.is_empty()),
        vectors: embedded.vectors.as_ref(),
    };
    let parts = match &corrected {
        Some(_) => Vec::new(),
        None => record.during(Box::pin(split::parts(record, task, &catalog, &utterance))).await??,
    };
    let content = parts.first().map_or(utterance.text, |part| part.request.as_str());
    let ClarifiedRoute { mut route, unread } =
        clarify::clarify(catalog.router(), rounds, &Utterance { text: content, ..utterance });
    route.reasons.extend(embedded.why_not);
    let best = route.ranking.first().map_or(0.0, |best| best.confidence);
    let mut chosen_instead = None;
    if let Some(corrected) = &corrected {
        route.reasons.push(format!("You said that your request before this one is for `{}`.", corrected.skill));
    }
    if task.skill.is_none() && corrected.is_none() {
        if let Some((skill, part)) = split::unavailable_part(&catalog, &utterance, &parts) {
            return Err(Failure::not_found(instead::for_a_part(&skill, &part)).into());
        }
        let unavailable = match parts[..] {
            [] => catalog.unavailable_skill_for(&Utterance { text: content, ..utterance }),
            _ => None,
        };
        if let Some(unavailable) = &unavailable {
            route.reasons.push(instead::reason(unavailable));
            match instead::in_place_of(unavailable, &route.decision, rounds) {
                Substitution::Chosen(chosen) => chosen_instead = Some(chosen),
                Substitution::Nobody(why) => return Err(Failure::not_found(why).into()),
                Substitution::Ask { candidates, question } => {
                    let routed = NewEvent::new(EventKind::Routed, route_event(task, &route));
                    record.stage(|pending| pending.events([routed])).await;
                    return Err(Interrupt::Finished(which_skill(&candidates, &question)));
                }
            }
        }
    }
    let (name, confidence) = match (&task.skill, &route.decision) {
        _ if corrected.is_some() => {
            (corrected.as_ref().map(|corrected| corrected.skill.clone()).unwrap_or_default(), 1.0)
        }
        _ if chosen_instead.is_some() => (chosen_instead.unwrap_or_default(), best),
        _ if !parts.is_empty() => (parts[0].skill.clone(), best),
        // An answered task goes on with the skill that it began with.
        (Some(name), _) => (name.clone(), task.confidence.unwrap_or(0.0)),
        (None, Decision::Skill { name, confidence }) => (name.clone(), *confidence),
        (None, Decision::Fallback { name, confidence, .. }) => (name.clone(), *confidence),
        (None, Decision::Ambiguous { candidates, question }) => match instead::chosen_by_answer(rounds, candidates) {
            Some(chosen) => (chosen, best),
            None => {
                let routed = NewEvent::new(EventKind::Routed, route_event(task, &route));
                record.stage(|pending| pending.events([routed])).await;
                return Err(Interrupt::Finished(which_skill(candidates, question)));
            }
        },
        (None, Decision::NoSkills) => {
            return Err(Failure::not_found("your organisation has no active skill: ask an administrator").into());
        }
    };
    let skill = match catalog.skill(&name) {
        Some(skill) => skill.clone(),
        None => available(brain.catalog.version_of(&task.owner.tenant, &name, None).await?, &name)?,
    };
    let later = parts.iter().skip(1).map(|part| Utterance { text: &part.request, ..utterance });
    let clarified = ClarifiedRoute { route, unread };
    if let Some(question) = clarify::open_question(&name, &clarified, catalog.router(), rounds, later) {
        let routed = NewEvent::new(EventKind::Routed, route_event(task, &clarified.route));
        record.stage(|pending| pending.events([routed])).await;
        return Err(Interrupt::Finished(question));
    }
    let ClarifiedRoute { mut route, .. } = clarified;
    if let Some(corrected) = &corrected {
        learn(record, task, corrected, now_ms).await?;
    }
    let request = request_of(task, content, &route, confidence, rounds, &built.time_zone);
    if !parts.is_empty() {
        route.reasons.push(format!("the request has {} parts, for {}", parts.len(), names_of(&parts)));
    }
    let rest: Vec<Part> = parts.iter().skip(1).cloned().collect();
    let prepared = PreparedRequest { request, context: built.context, part: 0, rest, done: Vec::new() };
    let decided = decide(task, &skill, confidence, &prepared);
    let routed = NewEvent::new(EventKind::Routed, route_event(task, &route));
    record
        .stage(|pending| {
            pending.decide(decided);
            pending.events([routed]);
        })
        .await;
    Ok((catalog, prepared, skill))
}

/// Keeps what the user corrected as an example of the tenant, where the tenant allows it.
async fn learn(record: &TaskJournal, task: &TaskRow, corrected: &Correction, now_ms: i64) -> Result<(), Interrupt> {
    let brain = record.brain();
    let tenant = &task.owner.tenant;
    if !brain.registry.settings(tenant).await.is_ok_and(|settings| settings.learn_from_corrections) {
        return Ok(());
    }
    let content = format!("The request \"{}\" is for the skill `{}`.", corrected.request, corrected.skill);
    let tags: Vec<String> = corrected.not.iter().cloned().collect();
    let learning = NewLearning {
        owner: &task.owner,
        // It is the tenant's, and does not say whose it was.
        shared: true,
        skill: Some(&corrected.skill),
        task: None,
        title: &corrected.request,
        content: &content,
        source: learnings::CORRECTION,
        tags: &tags,
        at_ms: now_ms,
    };
    let mut batch = record.begin().await?;
    batch.learn(&learning);
    batch.touch_skills(tenant, now_ms).await?;
    batch.commit().await?;
    Ok(())
}

/// Notes in the row of a task which skill it gets, and gives what is to be written of that.
pub(crate) fn decide(
    task: &mut TaskRow,
    skill: &CatalogSkill,
    confidence: f64,
    prepared: &PreparedRequest,
) -> RoutingDecision {
    let decided = RoutingDecision {
        skill: skill.manifest().name.clone(),
        version: skill.manifest().version.to_string(),
        digest: skill.digest().to_string(),
        confidence,
        prepared: serde_json::to_string(prepared).unwrap_or_default(),
    };
    task.skill = Some(decided.skill.clone());
    task.skill_version = Some(decided.version.clone());
    task.skill_digest = Some(decided.digest.clone());
    task.confidence = Some(confidence);
    decided
}

/// The skill, if it may still run.
///
/// # Errors
/// The task's end: the skill was disabled or removed.
pub(crate) fn available(skill: Availability, name: &str) -> Result<Arc<CatalogSkill>, Interrupt> {
    match skill {
        Availability::Available(skill) => Ok(skill),
        Availability::Removed => Err(gone(name)),
        Availability::Disabled => Err(Failure::denied(format!(
            "the skill `{name}` was taken out of use by an administrator while this task was open, so the task ends here: \
             ask them to activate it, and send the request again"
        ))
        .into()),
    }
}

pub(crate) fn gone(name: &str) -> Interrupt {
    Failure::not_found(format!(
        "the skill `{name}` that this task began with is not there any more: send the request again"
    ))
    .into()
}

fn context_event(context: &contract::Context, left_out: context::Omitted) -> Value {
    json!({
        "messages": context.messages.len(), "recentTasks": context.recent_tasks.len(),
        "preferences": context.preferences.len(), "learnings": context.learnings.len(),
        "skills": context.skills.len(), "omitted": context.omitted, "leftOut": left_out,
    })
}

pub(crate) fn route_event(task: &TaskRow, route: &Route) -> Value {
    let ranking: Vec<_> = route.ranking.iter().take(RANKING_SHOWN).collect();
    json!({
        "skill": task.skill, "skillVersion": task.skill_version, "confidence": task.confidence,
        "decision": route.decision, "reasons": route.reasons, "ranking": ranking,
        "actions": route.intent.actions, "slots": route.intent.slots, "unclear": route.intent.unclear,
    })
}

/// Which of two equally good skills is meant: the user decides.
fn which_skill(candidates: &[String], question: &str) -> TaskOutcome {
    let questions = vec![Question { id: "skill".to_owned(), text: question.to_owned(), options: candidates.to_vec() }];
    TaskOutcome::Asked { content: end::ask_text("", &questions), questions }
}

fn names_of(parts: &[Part]) -> String {
    parts.iter().map(|part| format!("`{}`", part.skill)).collect::<Vec<_>>().join(", then ")
}

pub(crate) fn request_of(
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
