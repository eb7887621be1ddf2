//! The loop that works on tasks: those of one session one after the other, over all nodes, and so many at once as there are places.

use std::sync::Arc;
use std::time::Duration;

use openanalyst_domain::{Failure, JobId, Owner, Place, SessionKey, TaskId, TaskStatus};
use openanalyst_store::StoreError;
use openanalyst_store::tasks::TaskRow;
use openanalyst_worker_pool::Priority;
use tokio_util::sync::CancellationToken;

use crate::brain::{Brain, EarlyStart};
use crate::end::TaskOutcome;
use crate::parked::SuspendedTask;
use crate::work::{self, JustAccepted, RunOutcome};

/// How soon a task looks again whether another one of its session still runs on another node; each time it waits twice as long, up to the second.
const SESSION_LOOK: Duration = Duration::from_millis(50);
const LONGEST_SESSION_LOOK: Duration = Duration::from_secs(2);
/// How long the host waits before it takes up a task whose record could not be read or written.
const RECORD_RETRY: Duration = Duration::from_secs(2);
/// How long the host waits before it takes up a task again at which processes ended, for each time.
/// One that is ended for another reason soon after its start blames no task that way, and others
/// are served for a while in any case.
const SUSPECT_PAUSE: Duration = Duration::from_secs(2);

impl Brain {
    /// Puts a task into its session, and starts the session if it rests.
    pub(crate) fn take(&self, owner: &Owner, session: &SessionKey, task: TaskId) {
        self.inner.claim(task);
        if self.inner.sessions.enter(owner, session, task) {
            self.start_session(owner, session, task, None);
        }
    }

    pub(crate) fn start_session(&self, owner: &Owner, session: &SessionKey, task: TaskId, begun: Option<EarlyStart>) {
        let (brain, owner, session) = (self.clone(), owner.clone(), session.clone());
        self.work(&owner.clone(), async move {
            brain.run_session(&owner, &session, task, begun).await;
        });
    }

    /// Begins work in the turns of its user, on the threads that are there for that.
    fn work(&self, owner: &Owner, work: impl Future<Output = ()> + Send + 'static) {
        let tracked = self.inner.tracker.track_future(work);
        self.inner.pool.spawn(owner, Priority::Interactive, tracked);
    }

    /// Goes on with a task that waited, and with its session.
    pub(crate) fn resume(&self, waiter: SuspendedTask) {
        let brain = self.clone();
        let owner = waiter.owner.clone();
        self.work(&owner, async move {
            brain.run_session(&waiter.owner, &waiter.session, waiter.task, None).await;
        });
    }

    /// Takes over a task that waits for a job: its session waits with it.
    pub(crate) async fn enqueue_suspended(
        &self,
        owner: &Owner,
        session: &SessionKey,
        task: TaskId,
        job: JobId,
        until_ms: Option<i64>,
    ) {
        self.inner.claim(task);
        if self.inner.sessions.enter(owner, session, task) {
            let waiter = SuspendedTask { owner: Arc::new(owner.clone()), session: session.clone(), task, until_ms };
            self.park(job, waiter).await;
        }
    }

    async fn run_session(&self, owner: &Owner, session: &SessionKey, first: TaskId, mut begun: Option<EarlyStart>) {
        let mut next = Some(first);
        while let Some(task) = next {
            let worked = tokio::select! {
                worked = self.run_task(owner, session, task, begun.take()) => worked,
                () = self.inner.stopping.cancelled() => return,
            };
            if let RunOutcome::YieldsTo(first) = worked {
                next = Some(first);
                continue;
            }
            if let RunOutcome::Suspended(job, until_ms) = worked {
                let cancelled = self.inner.taken().get_mut(&task).is_none_or(|taken| {
                    taken.started = false;
                    taken.leased = None;
                    // It is on record.
                    taken.accepted = None;
                    taken.cancel.is_cancelled()
                });
                if cancelled {
                    let reason = self.inner.cancel_reason(task);
                    self.inner.cancel_job(owner, job, &reason).await;
                    // Its record says that it was cancelled: taken up again, it ends.
                    continue;
                }
                let waiter = SuspendedTask { owner: Arc::new(owner.clone()), session: session.clone(), task, until_ms };
                // The session goes on when the job has ended.
                return self.park(job, waiter).await;
            }
            // One that was left at shutdown stays known: its record says so then.
            if !self.inner.closing.is_cancelled() {
                self.inner.taken().remove(&task);
            }
            next = self.inner.sessions.next(owner, session);
            if let Some(next) = next {
                // It may be the same task, answered between its end and now.
                self.inner.claim(next);
            }
        }
    }

    async fn run_task(&self, owner: &Owner, session: &SessionKey, id: TaskId, begun: Option<EarlyStart>) -> RunOutcome {
        let inner = &self.inner;
        let (mut begun, place) = match begun {
            Some(EarlyStart { row, place, known }) => (Some((row, known)), Some(place)),
            None => {
                let turn = async {
                    self.wait_for_session_turn(owner, session, id).await?;
                    Ok(inner.place(owner).await)
                };
                tokio::select! {
                    turn = turn => match turn {
                        Ok(place) => (None, place),
                        Err(first) => return RunOutcome::YieldsTo(first),
                    },
                    () = inner.closing.cancelled() => return RunOutcome::Ended,
                }
            }
        };
        if place.is_none() {
            return RunOutcome::Ended;
        }
        let mut place = place;
        while !inner.closing.is_cancelled() {
            let (cancel, mut accepted) = match inner.taken().get_mut(&id) {
                Some(taken) => {
                    taken.started = true;
                    (taken.cancel.clone(), taken.accepted.clone())
                }
                None => return RunOutcome::Ended,
            };
            // Boxed, so that what waits here is small.
            let worked = match (begun.take(), &mut accepted) {
                (Some((row, known)), Some(accepted)) => {
                    let fresh = JustAccepted { accepted: accepted.clone(), known };
                    let worked = Box::pin(work::run(inner, row, Some(fresh), cancel)).await;
                    if *accepted.borrow() != Some(true) {
                        // Its work ended before anybody was told that it is accepted. If it is on record all the same, it is done.
                        if let Err(error) = worked {
                            tracing::warn!(task = %id, %error, "a task is looked at again once its acceptance is written");
                        }
                        continue;
                    }
                    worked
                }
                (_, accepted) => {
                    if let Some(accepted) = accepted {
                        // Whatever came of that: the record knows.
                        drop(accepted.wait_for(Option::is_some).await);
                    }
                    match inner.store.task_with_documents(owner, id).await {
                        // Somebody took it up while this process was thought dead.
                        Ok(Some(row)) if self.works_elsewhere(&row) => return RunOutcome::Ended,
                        Ok(Some(row)) if matches!(row.status, TaskStatus::Accepted | TaskStatus::Running) => {
                            self.run_recovered(row, cancel, &mut place).await
                        }
                        Ok(_) => return RunOutcome::Ended,
                        Err(error) => Err(error),
                    }
                }
            };
            match worked {
                Ok(worked) => return worked,
                Err(StoreError::Fenced) => {
                    tracing::info!(task = %id, "the task is not this process's any more: it is left");
                    return RunOutcome::Ended;
                }
                Err(error) if error.is_transient() => {
                    tracing::error!(task = %id, %error, "the record cannot be written now: the task is taken up again");
                    tokio::time::sleep(RECORD_RETRY).await;
                }
                Err(error) => {
                    tracing::error!(task = %id, %error, "the record of a task is damaged: the task ends");
                    let failure = Failure::failed(format!("the host could not go on: {error}"));
                    self.give_up(owner, id, failure).await;
                    return RunOutcome::Ended;
                }
            }
        }
        RunOutcome::Ended
    }

    /// Works on a task that is on record. One that was taken up before, and got no further, waits
    /// for a while, and until no other such task is at work.
    async fn run_recovered(
        &self,
        mut row: TaskRow,
        cancel: CancellationToken,
        place: &mut Option<Place>,
    ) -> Result<RunOutcome, StoreError> {
        let inner = &self.inner;
        let mut alone = None;
        if row.take_ups > 0 {
            // Meanwhile others have its place.
            *place = None;
            let pause = SUSPECT_PAUSE * u32::try_from(row.take_ups).unwrap_or(1);
            let turn = async {
                tokio::time::sleep(pause).await;
                inner.suspects.acquire().await
            };
            alone = tokio::select! {
                alone = turn => alone.ok(),
                // It ends, which takes no time.
                () = cancel.cancelled() => None,
                () = inner.closing.cancelled() => return Ok(RunOutcome::Ended),
            };
            *place = inner.place(&row.owner).await;
            match inner.store.task_with_documents(&row.owner, row.id).await? {
                Some(now) if now.lease == row.lease => row = now,
                _ => return Ok(RunOutcome::Ended),
            }
        }
        let worked = Box::pin(work::run(inner, row, None, cancel)).await;
        drop(alone);
        worked
    }

    /// Waits until no other task of the session comes before this one. Err: the one on this node that goes first.
    ///
    /// On one node tasks are begun in the order of their acceptance, and others may have been sent to other nodes. Who was accepted later waits, so nobody waits in a circle;
    /// nobody waits for a node that is gone, whose tasks come to this one.
    async fn wait_for_session_turn(&self, owner: &Owner, session: &SessionKey, id: TaskId) -> Result<(), TaskId> {
        let inner = &self.inner;
        // It may still be on its way to the disk.
        let accepted = inner.taken().get(&id).and_then(|taken| taken.accepted.clone());
        if let Some(mut accepted) = accepted {
            drop(accepted.wait_for(Option::is_some).await);
        }
        let ours = inner.node.to_string();
        let mut pause = SESSION_LOOK;
        loop {
            match inner.store.before_in_session(owner, session, id).await {
                Ok(None) => return Ok(()),
                Ok(Some(nodes)) => {
                    if let Some(first) = inner.sessions.give_way(owner, session, id) {
                        return Err(first);
                    }
                    let others: Vec<&String> = nodes.iter().filter(|node| **node != ours).collect();
                    // One may have come a moment ago.
                    if others.is_empty()
                        || inner.nodes.look().await.is_ok() && !others.iter().any(|node| inner.nodes.is_alive(node))
                    {
                        return Ok(());
                    }
                }
                Err(error) => {
                    tracing::warn!(task = %id, %error, "whether a task has to wait in its session is not known now: it is looked at again");
                }
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_SESSION_LOOK);
        }
    }

    /// Ends a task whose record stops the usual way.
    async fn give_up(&self, owner: &Owner, id: TaskId, failure: Failure) {
        let ours = self.inner.node.to_string();
        let ended = match self.inner.store.task(owner, id).await {
            // Somebody else may have taken it up meanwhile.
            Ok(Some(row)) if row.node.as_deref() == Some(ours.as_str()) => {
                work::finish(&self.inner, &row, &TaskOutcome::failed(failure)).await
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::error!(task = %id, %error, "a task could not be ended: it is looked at again at the next start");
        }
    }
}
