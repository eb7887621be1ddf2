//! The brain's front: what the edge calls. The loop that works on tasks is in `at_work`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openanalyst_domain::{
    Clock, EventKind, JobId, NodeId, Owner, Place, Places, SessionKey, TaskEvent, TaskId, TaskStatus,
};
use openanalyst_egress::Egress;
use openanalyst_providers::llm::LlmClient;
use openanalyst_providers::search::SearchClient;
use openanalyst_registry::{Catalog, Registry};
use openanalyst_router::Utterance;
use openanalyst_runtime::Sandbox;
use openanalyst_store::conversations::NewMessage;
use openanalyst_store::nodes::Nodes;
use openanalyst_store::notifications::Notification;
use openanalyst_store::quotas::QuotaError;
use openanalyst_store::rounds::EndedRound;
use openanalyst_store::storage::StorageKind;
use openanalyst_store::tasks::{Accepted, FirstWords, NewEvent, NewTask, TaskRow};
use openanalyst_store::{Store, StoreError, Tx};
use openanalyst_worker_pool::{Priority, WorkerPool};
use openanalyst_workflow::WorkflowEngine;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{
    Acceptance, Answer, BrainError, MAX_CONTENT_BYTES, MAX_PAGE, NewRequest, Notice, TaskPage, TaskView, Understood,
};
use crate::asked::{answers_of, decode_document};
use crate::bus::EventBus;
use crate::checker::Checker;
use crate::context::{self, ContextRead, shorten};
use crate::detach::run_detached;
use crate::end::{StoredOutcome, TaskOutcome};
use crate::parked::SuspendedTasks;
use crate::record::AcceptanceGate;
use crate::sessions::Sessions;
use crate::settings::BrainSettings;
use crate::told::UserContextCache;
use crate::work::first_of_round;
use crate::{accept, view, work};

/// What a request adds to: with one of these quotas used up, none is accepted.
const OF_REQUESTS: [StorageKind; 5] =
    [StorageKind::History, StorageKind::Recordings, StorageKind::Receipts, StorageKind::Jobs, StorageKind::OpenTasks];
/// How often a follower looks at the record of a task that another process works on.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long it may take at shutdown to say in the records that the tasks were left.
const LEAVING: Duration = Duration::from_secs(2);
/// The lease of a task that begins with its acceptance.
const FIRST_LEASE: i64 = 1;
/// Most characters of a cancellation's reason.
const MAX_REASON_CHARS: usize = 500;

/// What the brain is made of.
pub struct BrainOptions {
    /// The record of everything.
    pub store: Store,
    /// Where skills run.
    pub sandbox: Sandbox,
    /// Where scripts, flows and schedules run.
    pub workflow: Arc<dyn WorkflowEngine>,
    /// Threads for the work at tasks, shared fairly between users.
    pub pool: WorkerPool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This process.
    pub node: NodeId,
    /// Who else is alive.
    pub nodes: Nodes,
    /// What tenants have: their skills and secrets.
    pub registry: Registry,
    /// The way to the world. None: skills get `unavailable`.
    pub egress: Option<Egress>,
    /// The language model. None is a normal state.
    pub llm: Option<LlmClient>,
    /// The web search. None is a normal state.
    pub search: Option<SearchClient>,
    /// The scripts that every new workspace begins with, by name.
    pub workspace_templates: Vec<(String, String)>,
    /// Where notifications come in from the workflow engine.
    pub notices: broadcast::Sender<Notice>,
    /// The rest.
    pub settings: BrainSettings,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) sandbox: Sandbox,
    pub(crate) checker: Checker,
    pub(crate) workflow: Arc<dyn WorkflowEngine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node: NodeId,
    pub(crate) nodes: Nodes,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) registry: Registry,
    pub(crate) egress: Option<Egress>,
    pub(crate) llm: Option<LlmClient>,
    pub(crate) search: Option<SearchClient>,
    pub(crate) workspace_templates: Vec<(String, String)>,
    pub(crate) settings: BrainSettings,
    pub(crate) bus: EventBus,
    pub(crate) told: UserContextCache,
    pub(crate) parked: SuspendedTasks,
    pub(crate) sessions: Sessions,
    /// Held while a request enters its session and is given to the record.
    entering: Mutex<()>,
    notices: broadcast::Sender<Notice>,
    pub(crate) places: Places,
    /// Tasks that were there when a process ended without notice, and got no further since: one at
    /// a time, so that the one that ends processes is found.
    pub(crate) suspects: Semaphore,
    /// Threads for the work at tasks.
    pub(crate) pool: WorkerPool,
    /// The tasks that this process has taken, each with what cancels it and why it was cancelled.
    taken: Mutex<HashMap<TaskId, Claim>>,
    /// No new work is begun.
    pub(crate) closing: CancellationToken,
    /// Work that still runs is left where it is.
    pub(crate) stopping: CancellationToken,
    pub(crate) tracker: TaskTracker,
}

pub(crate) struct Claim {
    /// Until this says so, the task may not be on record. None: it is.
    pub(crate) accepted: Option<AcceptanceGate>,
    pub(crate) cancel: CancellationToken,
    reason: Option<String>,
    pub(crate) started: bool,
    /// Whose task it is and the lease under which this process works on it, once it does.
    pub(crate) leased: Option<(Owner, i64)>,
    /// Whose task it is, where it was accepted here and has neither ended nor rested since: who waits for that need not ask the record.
    fresh_of: Option<Owner>,
}

/// A task whose work begins while its acceptance is still being written.
pub(crate) struct EarlyStart {
    pub(crate) row: TaskRow,
    pub(crate) place: Place,
    /// What is known for it.
    pub(crate) known: ContextRead,
}

impl Claim {
    fn new(accepted: Option<AcceptanceGate>) -> Self {
        Self { accepted, cancel: CancellationToken::new(), reason: None, started: false, leased: None, fresh_of: None }
    }
}

/// A request's place in its session. Dropped, it is left again.
struct SessionEntry {
    brain: Brain,
    owner: Owner,
    session: SessionKey,
    task: TaskId,
    /// Nothing runs in the session: it begins with this task.
    is_first: bool,
    stays: bool,
}

impl SessionEntry {
    fn new(brain: &Brain, task: &NewTask, accepted: AcceptanceGate) -> Self {
        let new = Claim { fresh_of: Some(task.owner.clone()), ..Claim::new(Some(accepted)) };
        brain.inner.taken().insert(task.id, new);
        let is_first = brain.inner.sessions.enter(&task.owner, &task.session, task.id);
        let (owner, session) = (task.owner.clone(), task.session.clone());
        Self { brain: brain.clone(), owner, session, task: task.id, is_first, stays: false }
    }

    /// Keeps the place, and begins with the session if it rests.
    fn stay(mut self, begun: Option<EarlyStart>) {
        self.stays = true;
        if begun.is_some()
            && let Some(taken) = self.brain.inner.taken().get_mut(&self.task)
        {
            taken.leased = Some((self.owner.clone(), FIRST_LEASE));
        }
        if self.is_first {
            self.brain.start_session(&self.owner, &self.session, self.task, begun);
        }
    }
}

impl Drop for SessionEntry {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        let inner = &self.brain.inner;
        inner.taken().remove(&self.task);
        if let Some(next) = inner.sessions.leave(&self.owner, &self.session, self.task, self.is_first) {
            self.brain.start_session(&self.owner, &self.session, next, None);
        }
    }
}

fn say(tx: &mut Tx, owner: &Owner, session: &SessionKey, task: TaskId, content: &str, at_ms: i64) {
    tx.say(&NewMessage { id: None, owner, session, task, role: "user", content, data: None, skill: None, at_ms });
}

/// What is written with the acceptance of a request.
fn acceptance_events(task: &NewTask, node: &str) -> FirstWords {
    let mut accepted = json!({
        "content": shorten(&task.content, 200), "sessionId": task.session,
        "attachments": task.attachments.as_array().map_or(0, Vec::len),
    });
    if let Some(id) = &task.correlation_id {
        accepted["correlationId"] = json!(id);
    }
    FirstWords { content: task.content.clone(), accepted, started: json!({ "node": node }) }
}

/// The places for tasks at work: one tenant has at most half of them, one user three quarters of those.
fn task_slots(most: usize) -> Places {
    Places::new(most, most.div_ceil(2))
}

impl Inner {
    /// Waits for a place for a task.
    pub(crate) async fn place(&self, owner: &Owner) -> Option<Place> {
        self.places.place(Some(&owner.tenant), Some(&owner.user)).await
    }

    /// Cancels a job of a task that is cancelled. One that cannot be cancelled keeps nobody from ending.
    pub(crate) async fn cancel_job(&self, owner: &Owner, job: JobId, reason: &str) {
        if let Err(failure) = self.workflow.cancel(owner, job, reason).await {
            tracing::warn!(%job, %failure, "a job could not be cancelled");
        }
    }

    /// Tells followers of what was committed, and is not the end.
    pub(crate) fn publish(&self, events: &[TaskEvent]) {
        if let Some(last) = events.last() {
            self.bus.publish(last.task_id, last.seq, None);
        }
    }

    /// Why a task was cancelled.
    pub(crate) fn cancel_reason(&self, task: TaskId) -> String {
        let reason = self.taken().get(&task).and_then(|taken| taken.reason.clone());
        reason.unwrap_or_else(|| "cancelled by the user".to_owned())
    }

    pub(crate) fn claim(&self, task: TaskId) {
        self.taken().entry(task).or_insert_with(|| Claim::new(None));
    }

    /// Tells followers that the task has ended, or rests, and is this now.
    pub(crate) fn publish_stopped(&self, stopped: TaskRow) {
        // Before it is told: who listens, and then sees that it has not come to this, will hear of it.
        if let Some(taken) = self.taken().get_mut(&stopped.id) {
            taken.fresh_of = None;
        }
        self.bus.publish(stopped.id, stopped.last_seq, Some(stopped));
    }

    /// Whether this task of theirs was accepted here, and has neither ended nor rested since.
    fn is_open_here(&self, owner: &Owner, task: TaskId) -> bool {
        self.taken().get(&task).is_some_and(|taken| taken.fresh_of.as_ref() == Some(owner))
    }

    pub(crate) fn taken(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, Claim>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The brain. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Brain {
    pub(crate) inner: Arc<Inner>,
}

impl Brain {
    /// Starts it, and takes up what processes that are gone left open.
    ///
    /// # Errors
    /// The database's.
    pub async fn start(options: BrainOptions) -> Result<Self, BrainError> {
        let inner = Arc::new(Inner {
            places: task_slots(options.settings.max_tasks_at_work),
            suspects: Semaphore::new(1),
            pool: options.pool,
            store: options.store,
            sandbox: options.sandbox,
            checker: Checker::new(),
            workflow: options.workflow,
            clock: options.clock,
            node: options.node,
            nodes: options.nodes,
            catalog: options.registry.shared_catalog(),
            registry: options.registry,
            egress: options.egress,
            llm: options.llm,
            search: options.search,
            workspace_templates: options.workspace_templates,
            settings: options.settings,
            bus: EventBus::default(),
            told: UserContextCache::default(),
            parked: SuspendedTasks::default(),
            sessions: Sessions::default(),
            entering: Mutex::default(),
            notices: options.notices,
            taken: Mutex::default(),
            closing: CancellationToken::new(),
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
        });
        let brain = Self { inner };
        let waking = brain.clone();
        brain.inner.tracker.spawn(async move { waking.keep_waking().await });
        let cancelling = brain.clone();
        brain.inner.tracker.spawn(async move { cancelling.keep_cancelling().await });
        if brain.inner.settings.take_over {
            brain.recover_tasks().await?;
            let watching = brain.clone();
            brain.inner.tracker.spawn(async move { watching.keep_recovering().await });
            let keeping = brain.clone();
            brain.inner.tracker.spawn(async move { keeping.run_upkeep().await });
        }
        Ok(brain)
    }

    /// Accepts a request: once this returns, it is durable.
    ///
    /// # Errors
    /// [`BrainError::Invalid`], [`BrainError::KeyReused`], [`BrainError::TooManyTasks`], [`BrainError::QuotaExceeded`], [`BrainError::ShuttingDown`],
    /// or the database's.
    pub async fn accept(&self, owner: &Owner, request: NewRequest) -> Result<Acceptance, BrainError> {
        self.check_open()?;
        let is_large = accept::is_large(&request);
        let checking = async move {
            let checked = accept::check(&request)?;
            Ok::<_, BrainError>((request, checked))
        };
        let (request, checked) = if is_large { self.in_turn(owner, checking).await?? } else { checking.await? };
        let task = NewTask {
            id: TaskId::new(),
            owner: owner.clone(),
            session: request.session,
            content: request.content,
            attachments: checked.attachments,
            idempotency_key: request.idempotency_key,
            request_digest: checked.digest,
            correlation_id: request.correlation_id,
            node: self.inner.node.to_string(),
            begun: false,
            at_ms: self.inner.clock.now_ms(),
        };
        let brain = self.clone();
        run_detached(&self.inner.tracker, async move { brain.accept_checked(task).await }).await
    }

    async fn accept_checked(&self, mut task: NewTask) -> Result<Acceptance, BrainError> {
        let inner = &self.inner;
        let id = task.id;
        let turn = match inner.registry.quotas().check(&task.owner, &OF_REQUESTS).await {
            Ok(turn) => turn,
            Err(error) => return self.answer_without_room(&task, error).await,
        };
        let most = turn.most(StorageKind::OpenTasks).and_then(|most| usize::try_from(most).ok());
        let most = most.unwrap_or(usize::MAX).min(inner.settings.max_open_tasks);
        let (written, gate) = watch::channel(None);
        let words = acceptance_events(&task, &inner.node.to_string());
        let (entered, place, accepting) = {
            // Requests of a session enter it in the order in which they are written.
            let _entering = inner.entering.lock().unwrap_or_else(PoisonError::into_inner);
            let entered = SessionEntry::new(self, &task, gate);
            let free = || inner.places.place_now(Some(&task.owner.tenant), Some(&task.owner.user));
            let place = if entered.is_first { free() } else { None };
            task.begun = place.is_some();
            (entered, place, inner.store.accept(&task, most, words, inner.clock.clone()))
        };
        drop(turn);
        // What is known for it is read meanwhile.
        let known = place.is_some().then(|| context::begin_reading(inner, &task));
        let accepting = accepting.await?;
        let other = match accepting.accepted {
            Accepted::New { begun } => {
                task.begun = begun;
                None
            }
            Accepted::Repeated(id) => Some(Ok(Acceptance { task: id, repeated: true })),
            Accepted::Conflict(id) => Some(Err(BrainError::KeyReused(id))),
            Accepted::TooMany => Some(Err(BrainError::TooManyTasks { open: most, limit: most })),
        };
        if let Some(answer) = other {
            drop(entered);
            // What it found may be on its way to the disk, in the same commit.
            accepting.committed().await?;
            return answer;
        }
        // The disk takes its time. What can be done meanwhile is done; it writes nothing before the acceptance is written.
        let events = accepting.events.clone();
        let begun = task.begun;
        let (last_seq, written_at_ms) = events.last().map_or((0, task.at_ms), |event| (event.seq, event.at_ms));
        let row = task.into_row(last_seq, written_at_ms);
        entered.stay(place.zip(known).filter(|_| begun).map(|(place, known)| EarlyStart { row, place, known }));
        let committed = accepting.committed().await;
        written.send_replace(Some(committed.is_ok()));
        committed?;
        inner.publish(&events);
        Ok(Acceptance { task: id, repeated: false })
    }

    /// What is said to a request for which a quota leaves no room. A repetition of one that was accepted
    /// gets its task all the same.
    async fn answer_without_room(&self, task: &NewTask, error: QuotaError) -> Result<Acceptance, BrainError> {
        match self.inner.store.accepted_earlier(task).await? {
            Some(Accepted::Repeated(id)) => Ok(Acceptance { task: id, repeated: true }),
            Some(Accepted::Conflict(id)) => Err(BrainError::KeyReused(id)),
            _ => Err(error.into()),
        }
    }

    /// One task.
    ///
    /// # Errors
    /// [`BrainError::NoSuchTask`], or the database's.
    pub async fn task(&self, owner: &Owner, id: TaskId) -> Result<TaskView, BrainError> {
        Ok(view::whole(self.row(owner, id).await?, self.inner.clock.now_ms())?)
    }

    pub(crate) async fn row(&self, owner: &Owner, id: TaskId) -> Result<TaskRow, BrainError> {
        self.inner.store.task(owner, id).await?.ok_or_else(|| BrainError::NoSuchTask(id.to_string()))
    }

    /// The user's tasks, newest first, at most [`MAX_PAGE`] at once.
    ///
    /// # Errors
    /// [`BrainError::Invalid`] for a cursor that this function did not give, or the database's.
    pub async fn tasks(
        &self,
        owner: &Owner,
        status: Option<TaskStatus>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<TaskPage, BrainError> {
        let before = cursor.map(str::parse::<TaskId>).transpose().map_err(|_| {
            BrainError::Invalid("`cursor` is not one of ours: take it from `nextCursor` of the page before".to_owned())
        })?;
        let limit = limit.clamp(1, MAX_PAGE);
        let (rows, more) = self.inner.store.tasks(owner, status, before, limit + 1).await?.of(limit);
        let next_cursor = rows.last().filter(|_| more).map(|(row, _)| row.id.to_string());
        let now_ms = self.inner.clock.now_ms();
        let tasks = rows.into_iter().map(|(row, damage)| view::listed(row, damage, now_ms)).collect();
        Ok(TaskPage { tasks, next_cursor })
    }

    /// Waits until the task is done, the time is over, or the host shuts down, and gives it as it is then.
    ///
    /// # Errors
    /// See [`Self::task`].
    pub async fn wait(&self, owner: &Owner, id: TaskId, timeout: Duration) -> Result<TaskView, BrainError> {
        let mut heard = self.inner.bus.listen(id);
        let timeout = tokio::time::sleep(timeout);
        tokio::pin!(timeout);
        let mut seen = 0;
        let mut ask = !self.inner.is_open_here(owner, id);
        loop {
            if ask {
                let view = self.task(owner, id).await?;
                if view.done {
                    return Ok(view);
                }
                seen = view.last_seq;
            }
            ask = true;
            tokio::select! {
                // What does not end it says nothing to who waits for the end.
                Some(row) = heard.stopped_after(seen) => {
                    return Ok(view::whole((*row).clone(), self.inner.clock.now_ms())?);
                }
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = &mut timeout => return self.task(owner, id).await,
                () = self.inner.closing.cancelled() => return self.task(owner, id).await,
            }
        }
    }

    /// Cancels a task. One that runs is told, and ends soon; one that waits ends at once; one that ended stays as it is.
    ///
    /// # Errors
    /// See [`Self::task`]; [`BrainError::Invalid`] for a reason of more than 500 characters.
    pub async fn cancel(&self, owner: &Owner, id: TaskId, reason: &str) -> Result<TaskView, BrainError> {
        if reason.chars().count() > MAX_REASON_CHARS {
            return Err(BrainError::Invalid(format!(
                "the reason has more than {MAX_REASON_CHARS} characters: shorten it"
            )));
        }
        let reason = if reason.trim().is_empty() { "cancelled by the user" } else { reason };
        let inner = &self.inner;
        let mut row = self.row(owner, id).await?;
        if row.status.is_final() {
            return self.task(owner, id).await;
        }
        let mut tx = inner.store.begin(owner).await?;
        tx.request_cancel(owner, id, reason).await?;
        tx.commit().await?;
        let here = {
            let mut taken = inner.taken();
            match taken.get_mut(&id) {
                Some(taken) => {
                    taken.reason.get_or_insert_with(|| reason.to_owned());
                    taken.cancel.cancel();
                    taken.started
                }
                None => false,
            }
        };
        // Nobody works on it: it ends here. Work that begins at this very moment either finds it ended, or finds that it was cancelled.
        if !here && (row.status != TaskStatus::Running || !self.works_elsewhere(&row)) {
            row.cancel_reason = Some(reason.to_owned());
            work::finish(inner, &row, &TaskOutcome::Cancelled { reason: reason.to_owned() }).await?;
        }
        if let Some((job, waiter)) = inner.parked.take_task(id) {
            inner.cancel_job(owner, job, reason).await;
            // The session goes on with what waits behind it.
            self.wake(vec![waiter]);
        }
        self.task(owner, id).await
    }

    pub(crate) fn works_elsewhere(&self, row: &TaskRow) -> bool {
        let node = row.node.as_deref().unwrap_or_default();
        node != self.inner.node.to_string() && self.inner.nodes.is_alive(node)
    }

    /// Answers the questions of a task that waits for its user; it goes on from there.
    ///
    /// # Errors
    /// See [`Self::task`]; [`BrainError::WrongState`] if it does not wait; [`BrainError::Invalid`] for the answers.
    pub async fn answer(&self, owner: &Owner, id: TaskId, answers: Vec<Answer>) -> Result<TaskView, BrainError> {
        self.check_open()?;
        accept::check_answers(&answers)?;
        let (brain, owner) = (self.clone(), owner.clone());
        run_detached(&self.inner.tracker, async move { brain.answer_checked(&owner, id, answers).await }).await
    }

    async fn answer_checked(
        &self,
        owner: &Owner,
        id: TaskId,
        mut answers: Vec<Answer>,
    ) -> Result<TaskView, BrainError> {
        let inner = &self.inner;
        let row = self.row(owner, id).await?;
        if row.status == TaskStatus::NeedsClarification {
            let outcome: StoredOutcome = decode_document("outcome", row.outcome.as_ref().unwrap_or(&Value::Null))?;
            accept::check_questions(&mut answers, &outcome.questions)?;
        }
        let mut rounds = answers_of(&row)?;
        let said = answers.iter().map(|answer| answer.text.as_str()).collect::<Vec<_>>().join("\n");
        let event = NewEvent::new(EventKind::Answered, json!({ "answers": answers }));
        let first = first_of_round(rounds.len());
        rounds.push(answers);
        let now_ms = inner.clock.now_ms();
        let mut tx = inner.store.begin(owner).await?;
        if let Some(skill) = &row.skill {
            let (version, digest) = (row.skill_version.as_deref(), row.skill_digest.as_deref());
            let outcome = row.outcome.as_ref().unwrap_or(&Value::Null);
            tx.keep_round(owner, EndedRound { task: id, first, skill, version, digest, outcome }).await?;
        }
        if !tx.answer_task(owner, id, &json!(rounds), &inner.node.to_string()).await? {
            let state = row.status;
            return Err(BrainError::WrongState(format!("the task does not wait for an answer: it is {state}")));
        }
        say(&mut tx, owner, &row.session, id, &said, now_ms);
        let events = tx.append_events(owner, id, now_ms, vec![event]).await?;
        tx.commit().await?;
        inner.publish(&events);
        self.take(owner, &row.session, id);
        self.task(owner, id).await
    }

    /// What the router makes of a text, and why. Runs nothing, records nothing.
    ///
    /// # Errors
    /// [`BrainError::Invalid`] for an empty or too long text; the database's.
    pub async fn route(&self, owner: &Owner, content: &str) -> Result<Understood, BrainError> {
        if content.trim().is_empty() || content.len() > MAX_CONTENT_BYTES {
            let length = content.len();
            return Err(BrainError::Invalid(format!(
                "`content` has {length} bytes: give 1 to {MAX_CONTENT_BYTES}, and more than white space"
            )));
        }
        let inner = &self.inner;
        let now_ms = inner.clock.now_ms();
        let default = &inner.settings.default_time_zone;
        let (zone, locale) = context::time_zone_and_locale(&inner.store, owner, default, now_ms).await?;
        let catalog = inner.catalog.of(&owner.tenant).await?;
        let content = content.to_owned();
        let embedded = inner.catalog.vectors_of(&catalog, &content, &[]).await;
        // A long text takes its time, which is the user's own.
        let routing = async move {
            let utterance = Utterance {
                text: &content,
                now_ms,
                time_zone: &zone,
                locale: locale.as_deref(),
                previous_skill: None,
                has_attachments: false,
                vectors: embedded.vectors.as_ref(),
            };
            let mut route = catalog.router().route(&utterance);
            route.reasons.extend(embedded.why_not);
            if let Some(unavailable) = catalog.unavailable_skill_for(&utterance) {
                route.reasons.push(crate::instead::reason(&unavailable));
            }
            let question = crate::clarify::question_about(&route);
            Understood { route, question, time_zone: zone, locale }
        };
        self.in_turn(owner, routing).await
    }

    /// Waits until routes of this tenant can use embeddings, or an attempt to get those of its skills has failed. At once where
    /// no embeddings are configured. Requests never wait for it.
    ///
    /// # Errors
    /// The database's.
    pub async fn embedded(&self, owner: &Owner) -> Result<(), BrainError> {
        Ok(self.inner.catalog.embedded(&owner.tenant).await?)
    }

    /// Does something for a user on the threads that do tasks too, in the turns of tenants and
    /// their users. Dropped, it is cancelled.
    ///
    /// # Errors
    /// [`BrainError::Internal`]: it panicked.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        owner: &Owner,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, BrainError> {
        let work = self.inner.pool.run(owner, Priority::Interactive, work);
        work.await.map_err(|error| BrainError::Internal(error.to_string()))
    }

    /// What tests expectations, to be loaded before a task needs it.
    #[must_use]
    pub fn checker(&self) -> Checker {
        self.inner.checker.clone()
    }

    /// What users are told without having asked, as it happens.
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.inner.notices.subscribe()
    }

    /// What the user was not told yet, oldest first, at most 100.
    ///
    /// # Errors
    /// The database's.
    pub async fn waiting_notices(&self, owner: &Owner) -> Result<Vec<Notification>, BrainError> {
        Ok(self.inner.store.waiting_notifications(owner, MAX_PAGE).await?)
    }

    /// Says that the user was told.
    ///
    /// # Errors
    /// The database's.
    pub async fn notice_delivered(&self, owner: &Owner, id: &str) -> Result<(), BrainError> {
        let mut tx = self.inner.store.begin(owner).await?;
        tx.delivered(owner, id, self.inner.clock.now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// Cancelled when the host shuts down.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.inner.closing.clone()
    }

    /// Begins nothing new, gives what runs `grace` to end, and leaves the rest where its record stands: the next process takes it up.
    pub async fn shutdown(&self, grace: Duration) {
        self.inner.closing.cancel();
        self.inner.tracker.close();
        if tokio::time::timeout(grace, self.inner.tracker.wait()).await.is_err() {
            tracing::warn!(grace_s = grace.as_secs(), "some tasks did not end in time: they go on at the next start");
            self.inner.stopping.cancel();
            self.inner.tracker.wait().await;
        }
        if tokio::time::timeout(LEAVING, self.leave_tasks()).await.is_err() {
            tracing::warn!("the tasks at work could not be left in time: the next start finds them");
        }
    }

    /// Says in the record of every task that was at work that this process ended in order.
    async fn leave_tasks(&self) {
        let left: Vec<(TaskId, Owner, i64)> = {
            let taken = self.inner.taken();
            let left = taken.iter().filter_map(|(id, taken)| {
                let (owner, lease) = taken.leased.clone()?;
                Some((*id, owner, lease))
            });
            left.collect()
        };
        for (task, owner, lease) in left {
            let left: Result<(), StoreError> = async {
                let mut tx = self.inner.store.begin(&owner).await?;
                tx.leave_task(task, lease).await?;
                tx.commit().await
            }
            .await;
            if let Err(error) = left {
                tracing::warn!(%task, %error, "a task could not be left in order");
            }
        }
    }

    fn check_open(&self) -> Result<(), BrainError> {
        if self.inner.closing.is_cancelled() { Err(BrainError::ShuttingDown) } else { Ok(()) }
    }
}
