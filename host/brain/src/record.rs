//! The record of a task at work: what was done waits here for the next write, and a write holds only under the task's lease.
//!
//! Each write is a durable commit, and most of what a quick task does changes nothing outside. So the stages leave here what they did, and it is written before
//! or with whatever has to be written: the intent of a change, the part of an answer, the end; and at the latest after [`MAX_WRITE_DELAY`]. What is lost with the process
//! is done again, and comes to the same: what it changed outside is in the journal.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use openanalyst_domain::{JobId, Owner, TaskId};
use openanalyst_runtime::{Recording, Tape};
use openanalyst_store::effects::{Effect, EffectKey};
use openanalyst_store::tasks::{Decision, NewEvent, Progress, TaskRow};
use openanalyst_store::{StoreError, Tx};
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::brain::Inner;
use crate::detach::run_detached;
use crate::ledger::Receipts;

/// For how long something that was done may wait to be written while the task goes on.
const MAX_WRITE_DELAY: Duration = Duration::from_millis(25);

/// Becomes true when the task's acceptance is on the disk, and false when it came to nothing. Work may begin before, and writes nothing until then.
pub(crate) type AcceptanceGate = watch::Receiver<Option<bool>>;

/// The record of one task, as whoever works on it under a lease may write it. Clones are the same one.
#[derive(Clone)]
pub(crate) struct TaskJournal(Arc<Inside>);

struct Inside {
    brain: Arc<Inner>,
    owner: Owner,
    task: TaskId,
    lease: i64,
    accepted: Option<AcceptanceGate>,
    pending: Arc<Mutex<PendingWrites>>,
    receipts: Receipts,
    /// The jobs that guests await, who are dropped when the task is cancelled.
    awaited: Arc<std::sync::Mutex<Vec<JobId>>>,
}

/// A job that a guest awaits, for as long as it does. What is dropped with a guest that was cancelled stays noted.
pub(crate) struct AwaitedJob {
    awaited: Arc<std::sync::Mutex<Vec<JobId>>>,
    job: JobId,
}

impl AwaitedJob {
    /// The guest awaits it no longer.
    pub(crate) fn over(self) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = awaited.iter().position(|job| *job == self.job) {
            awaited.swap_remove(at);
        }
    }
}

/// What was done and is not written yet.
#[derive(Debug, Default)]
pub(crate) struct PendingWrites {
    /// The newest event that is written. Nobody else writes events under this lease, so nobody has to be asked.
    last_seq: i64,
    since: Option<Instant>,
    /// A commit broke off, and nobody knows whether it happened.
    is_unknown: bool,
    decided: Option<RoutingDecision>,
    plan: Option<Value>,
    begun: Option<StartedAttempt>,
    attempts: i64,
    steps: Vec<FinishedStep>,
    events: Vec<NewEvent>,
}

/// What the router decided, and what the planner is given.
#[derive(Debug)]
pub(crate) struct RoutingDecision {
    pub(crate) skill: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) confidence: f64,
    /// Request and context, as JSON.
    pub(crate) prepared: String,
}

impl RoutingDecision {
    pub(crate) fn row(&self) -> Decision<'_> {
        Decision {
            skill: &self.skill,
            version: &self.version,
            digest: &self.digest,
            confidence: self.confidence,
            prepared: &self.prepared,
        }
    }
}

/// An attempt that was begun.
#[derive(Debug)]
pub(crate) struct StartedAttempt {
    /// Its place in the journal.
    pub(crate) place: String,
    /// What it does.
    pub(crate) operation: &'static str,
    /// What it is going to do.
    pub(crate) intent: Value,
}

/// A step that gave what was expected.
#[derive(Debug)]
pub(crate) struct FinishedStep {
    pub(crate) round: i64,
    /// The step.
    pub(crate) step: String,
    /// Its result.
    pub(crate) result: Value,
    /// The place of its attempt in the journal, and the attempt's end.
    pub(crate) place: String,
    pub(crate) settled: Value,
    /// The learnings that helped.
    pub(crate) learned: Vec<String>,
    /// Whether the journal holds the attempt's intent.
    journaled: bool,
}

impl FinishedStep {
    pub(crate) fn new(round: i64, step: &str, result: Value, place: &str, settled: Value) -> Self {
        let (step, place) = (step.to_owned(), place.to_owned());
        Self { round, step, result, place, settled, learned: Vec::new(), journaled: true }
    }
}

impl PendingWrites {
    pub(crate) fn decide(&mut self, decided: RoutingDecision) {
        self.decided = Some(decided);
    }

    pub(crate) fn plan(&mut self, plan: Value) {
        self.plan = Some(plan);
    }

    pub(crate) fn events(&mut self, events: impl IntoIterator<Item = NewEvent>) {
        self.events.extend(events);
    }

    pub(crate) fn begin_attempt(&mut self, begun: StartedAttempt) {
        self.begun = Some(begun);
        self.attempts += 1;
    }

    pub(crate) fn settle(&mut self, step: FinishedStep) {
        // The result of the step says all that its attempt's entries would.
        let journaled = self.begun.take().is_none();
        self.steps.push(FinishedStep { journaled, ..step });
    }
}

impl TaskJournal {
    /// Of a task that is worked on under its lease.
    pub(crate) fn new(brain: &Arc<Inner>, task: &TaskRow, accepted: Option<AcceptanceGate>) -> Self {
        let pending = PendingWrites { last_seq: task.last_seq, ..PendingWrites::default() };
        if let Some(taken) = brain.taken().get_mut(&task.id) {
            taken.leased = Some((task.owner.clone(), task.lease));
        }
        Self(Arc::new(Inside {
            brain: brain.clone(),
            owner: task.owner.clone(),
            task: task.id,
            lease: task.lease,
            accepted,
            pending: Arc::new(Mutex::new(pending)),
            receipts: Receipts::default(),
            awaited: Arc::default(),
        }))
    }

    pub(crate) fn brain(&self) -> &Arc<Inner> {
        &self.0.brain
    }

    /// The receipts, to be filled by whoever calls the sandbox.
    pub(crate) fn receipts(&self) -> &Receipts {
        &self.0.receipts
    }

    /// Notes that a guest awaits a job.
    pub(crate) fn awaits(&self, job: JobId) -> AwaitedJob {
        self.0.awaited.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        AwaitedJob { awaited: self.0.awaited.clone(), job }
    }

    /// The jobs that guests awaited when they were dropped.
    pub(crate) fn awaited(&self) -> Vec<JobId> {
        std::mem::take(&mut *self.0.awaited.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves something to be written. Never while a [`WriteBatch`] of the same task is in hand.
    pub(crate) async fn stage(&self, what: impl FnOnce(&mut PendingWrites)) {
        let mut pending = self.0.pending.lock().await;
        what(&mut pending);
        pending.since.get_or_insert_with(Instant::now);
    }

    /// Begins a write. Whether the task is still this process's is found out with the commit: [`StoreError::Fenced`] if another one has taken it up, or it has ended.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]: it was never accepted; the database's.
    pub(crate) async fn begin(&self) -> Result<WriteBatch, StoreError> {
        let mut batch = self.open().await?;
        let last_seq = batch.pending.last_seq;
        batch.tx.hold_task(self.0.task, self.0.lease, last_seq);
        Ok(batch)
    }

    /// Begins a write, makes sure that the task is still this process's, and says what the journal holds for a key.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]: another process has taken the task up, it has ended, or it was never accepted; the database's.
    pub(crate) async fn begin_for(&self, key: &EffectKey<'_>) -> Result<(WriteBatch, Option<Effect>), StoreError> {
        let mut batch = self.open().await?;
        let effect = batch.tx.hold_task_for(self.0.task, self.0.lease, key).await?;
        Ok((batch, effect))
    }

    /// One write of a task after the other.
    async fn open(&self) -> Result<WriteBatch, StoreError> {
        let inside = &self.0;
        if let Some(accepted) = &inside.accepted {
            let accepted =
                accepted.clone().wait_for(Option::is_some).await.is_ok_and(|accepted| *accepted == Some(true));
            if !accepted {
                return Err(StoreError::Fenced);
            }
        }
        let pending = inside.pending.clone().lock_owned().await;
        if pending.is_unknown {
            let reason = "whether an earlier commit happened is not known".to_owned();
            return Err(StoreError::Unavailable { reason });
        }
        let tx = inside.brain.store.begin(&inside.owner).await?;
        Ok(WriteBatch { tx, record: self.clone(), pending, receipts: None, recorded: None, last: None, ended: None })
    }

    /// Writes what waits.
    pub(crate) async fn save(&self) -> Result<(), StoreError> {
        if self.0.pending.lock().await.since.is_none() && self.0.receipts.are_written() {
            return Ok(());
        }
        self.begin().await?.commit().await
    }

    /// Writes what waits, if it waits for long already.
    pub(crate) async fn save_if_overdue(&self) -> Result<(), StoreError> {
        match self.overdue_in().await {
            Some(Duration::ZERO) => self.save().await,
            _ => Ok(()),
        }
    }

    /// Awaits something, and writes what waits once it is late. Both go on side by side: an invocation may hold what the record needs, so neither ever waits for the other.
    pub(crate) async fn during<T>(&self, running: impl Future<Output = T>) -> Result<T, StoreError> {
        let Some(overdue_in) = self.overdue_in().await else { return Ok(running.await) };
        tokio::pin!(running);
        tokio::select! {
            biased;
            ended = &mut running => return Ok(ended),
            () = tokio::time::sleep(overdue_in) => {}
        }
        let (ended, saved) = futures_util::join!(running, self.save());
        saved.map(|()| ended)
    }

    /// How long it takes until what waits is late. None: nothing waits.
    async fn overdue_in(&self) -> Option<Duration> {
        let since = self.0.pending.lock().await.since?;
        Some(MAX_WRITE_DELAY.saturating_sub(since.elapsed()))
    }
}

/// A write that holds only under the task's lease. Dropped without [`Self::commit`] it leaves no trace, and what waits to be written goes on waiting.
pub(crate) struct WriteBatch {
    tx: Tx,
    record: TaskJournal,
    pending: OwnedMutexGuard<PendingWrites>,
    /// How many receipts are in it, once what waits is.
    receipts: Option<usize>,
    /// The part of a recording that is in it.
    recorded: Option<(Tape, Recording)>,
    /// The newest event's number.
    last: Option<i64>,
    /// The task as it is when it has ended, or rests.
    ended: Option<TaskRow>,
}

impl Deref for WriteBatch {
    type Target = Tx;
    fn deref(&self) -> &Tx {
        &self.tx
    }
}

impl DerefMut for WriteBatch {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

impl WriteBatch {
    /// Writes what waits, and then these events.
    pub(crate) async fn append(&mut self, events: Vec<NewEvent>) -> Result<(), StoreError> {
        let inside = self.record.0.clone();
        let now_ms = inside.brain.clock.now_ms();
        let Inside { owner, task, .. } = &*inside;
        let mut all = Vec::new();
        if self.receipts.is_none() {
            self.receipts = Some(inside.receipts.write(&mut self.tx, owner, *task, now_ms));
            all = self.write_pending(owner, *task, now_ms);
        }
        all.extend(events);
        if !all.is_empty() {
            let written = self.tx.append_events(owner, *task, now_ms, all).await?;
            self.last = written.last().map(|event| event.seq);
        }
        Ok(())
    }

    fn write_pending(&mut self, owner: &Owner, task: TaskId, now_ms: i64) -> Vec<NewEvent> {
        let PendingWrites { last_seq: _, since: _, is_unknown: _, decided, plan, begun, attempts, steps, events } =
            &*self.pending;
        if decided.is_some() || plan.is_some() || *attempts > 0 {
            let decision = decided.as_ref().map(RoutingDecision::row);
            self.tx.progress_task(owner, task, &Progress { decision, plan: plan.as_ref(), attempts: *attempts });
        }
        let key = |place| EffectKey { owner, task, place };
        for FinishedStep { round, step, result, place, settled, learned, journaled } in steps {
            self.tx.put_step_result(owner, task, *round, step, result);
            if *journaled {
                self.tx.settle(&key(place), settled, now_ms);
            }
            self.tx.learnings_helped(owner, learned);
        }
        if let Some(StartedAttempt { place, operation, intent }) = begun {
            self.tx.intend_first(&key(place), operation, intent, now_ms);
        }
        events.clone()
    }

    /// The task ends with it, or rests, and is this then.
    pub(crate) fn ends_with(&mut self, ended: TaskRow) {
        self.ended = Some(ended);
    }

    /// Says that this part of a recording is in it.
    pub(crate) fn records(&mut self, tape: Tape, part: Recording) {
        self.recorded = Some((tape, part));
    }

    /// Writes what still waits, makes everything durable, and tells followers. Begun, it is done to its end: a commit that was sent happens also where
    /// nobody awaits it any more, and nothing may be written twice.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.receipts.is_none() {
            self.append(Vec::new()).await?;
        }
        let tracker = self.record.0.brain.tracker.clone();
        run_detached(&tracker, self.commit_now()).await
    }

    async fn commit_now(self) -> Result<(), StoreError> {
        let Self { tx, record, mut pending, receipts, recorded, last, ended } = self;
        let inside = &record.0;
        let last_seq = tx.last_seq().unwrap_or(pending.last_seq);
        if let Err(error) = tx.commit().await {
            // Whether it happened is not known: who goes on begins with what stands in the record.
            pending.is_unknown = matches!(error, StoreError::Unavailable { .. });
            return Err(error);
        }
        *pending = PendingWrites { last_seq, ..PendingWrites::default() };
        inside.receipts.forget(receipts.unwrap_or(0));
        if let Some((tape, part)) = recorded {
            tape.stored(&part);
        }
        match (ended, last) {
            (Some(ended), _) => inside.brain.publish_stopped(ended),
            (None, Some(seq)) => inside.brain.bus.publish(inside.task, seq, None),
            (None, None) => {}
        }
        Ok(())
    }
}
