//! Starting, watching, awaiting and cancelling jobs: which jobs this process has taken, and who may take one.
//!
//! A job that nobody has is taken by the process that queued it, or after its death by the one that runs the schedules. What a job does is in [`crate::jobs`].

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use openanalyst_domain::{Failure, JobId, JobStatus, Owner};
use openanalyst_store::StoreError;
use openanalyst_store::jobs::{JobEnd, JobRow, NewJob};
use openanalyst_worker_pool::Priority;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::embedded::{Inner, store_failure};
use crate::engine::{JobProgress, JobState, StartJob};
use crate::{access, jobs, quota};

/// How often a job of another process is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Most bytes of a job's arguments.
pub(crate) const MAX_ARGS_BYTES: usize = 1 << 20;
/// Most characters of the reason of a cancellation.
const MAX_REASON_CHARS: usize = 500;

/// A job that this process has taken.
pub(crate) struct Active {
    parent: Option<JobId>,
    pub(crate) cancel: CancellationToken,
    pub(crate) reason: Option<String>,
    /// Whether this process wrote that this node runs it.
    pub(crate) is_begun: bool,
    pub(crate) progress: watch::Sender<JobProgress>,
    pub(crate) last_log: Option<String>,
    ended: watch::Sender<bool>,
}

/// A user waits for the jobs of a task. Nobody waits for those of a schedule.
pub(crate) fn priority(row: &JobRow) -> Priority {
    match row.task {
        Some(_) if row.schedule_path.is_none() => Priority::Interactive,
        _ => Priority::Background,
    }
}

/// Takes a job out of the active ones when it leaves, however it does, and wakes who waits for it.
struct Leaving {
    inner: Arc<Inner>,
    job: JobId,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(active) = self.inner.active().remove(&self.job) {
            active.ended.send_replace(true);
            // Nobody may be listening.
            let _ = self.inner.ended.send(self.job);
        }
    }
}

impl Inner {
    pub(crate) fn active(&self) -> MutexGuard<'_, HashMap<JobId, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a job that this process has taken began here.
    pub(crate) fn is_begun(&self, row: &JobRow) -> bool {
        self.active().get(&row.id).is_some_and(|active| active.is_begun)
    }

    /// Starts a job, with a parent if it has one.
    pub(crate) async fn start(
        self: &Arc<Self>,
        owner: &Owner,
        job: StartJob,
        parent: Option<JobId>,
    ) -> Result<JobId, Failure> {
        access::readable(owner, &job.path)?;
        if !job.args.is_object() {
            return Err(Failure::invalid(format!("the arguments of `{}` must be a JSON object", job.path)));
        }
        let size = job.args.to_string().len();
        if size > MAX_ARGS_BYTES {
            return Err(Failure::invalid(format!(
                "the arguments of `{}` have {size} bytes and {MAX_ARGS_BYTES} is the limit",
                job.path
            )));
        }
        if self.closing.is_cancelled() {
            return Err(Failure::interrupted("the host is shutting down"));
        }
        // Where the id was there before, this is that job; it is taken up if the process that had it is gone.
        if let Some(row) = self.store.job(owner, job.id).await.map_err(|error| store_failure(&error))? {
            self.take(row);
            return Ok(job.id);
        }
        let kind = if job.is_flow { "flow" } else { "script" };
        if !self.is_runnable(owner, &job.path, job.is_flow).await? {
            return Err(Failure::not_found(format!(
                "there is no {kind} at `{}`: list what there is, or store it first",
                job.path
            )));
        }
        if let Some(parent) = parent {
            quota::one_level_deeper(self, owner, parent).await?;
        }
        quota::one_more_job(self, owner).await?;
        // What a task needs is not refused: it was checked when its request was accepted, and ends in order.
        let _turn = match job.task {
            None => Some(quota::room(self, owner, &quota::OF_JOBS).await?),
            Some(_) => None,
        };
        let now_ms = self.clock.now_ms();
        let new = NewJob {
            id: job.id,
            owner: owner.clone(),
            task: job.task,
            parent,
            is_flow: job.is_flow,
            path: job.path,
            args: job.args,
            scheduled_for_ms: job.scheduled_for_ms.unwrap_or(now_ms),
            node: self.node.to_string(),
            schedule: None,
            at_ms: now_ms,
        };
        let queued = async {
            let mut tx = self.store.begin(&new.owner).await?;
            let queued = tx.queue_job(&new).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(queued)
        };
        queued.await.map_err(|error| store_failure(&error))?;
        let row = self.row(owner, job.id).await?;
        self.take(row);
        Ok(job.id)
    }

    pub(crate) async fn row(&self, owner: &Owner, id: JobId) -> Result<JobRow, Failure> {
        let row = self.store.job(owner, id).await.map_err(|error| store_failure(&error))?;
        row.ok_or_else(|| Failure::not_found(format!("there is no job {id} of yours")))
    }

    /// Takes a job, if nobody has it.
    pub(crate) fn take(self: &Arc<Self>, row: JobRow) {
        if row.status.is_final() {
            return;
        }
        let elsewhere =
            row.node.as_deref().is_some_and(|node| node != self.node.to_string() && self.nodes.is_alive(node));
        if elsewhere || self.later.put(&row, self.clock.now_ms()) {
            return;
        }
        let cancel = CancellationToken::new();
        {
            let mut active = self.active();
            if active.contains_key(&row.id) {
                return;
            }
            let taken = Active {
                parent: row.parent,
                cancel: cancel.clone(),
                reason: None,
                is_begun: false,
                progress: watch::Sender::new(JobProgress::default()),
                last_log: None,
                ended: watch::Sender::new(false),
            };
            active.insert(row.id, taken);
        }
        let leaving = Leaving { inner: self.clone(), job: row.id };
        self.tracker.spawn(async move {
            let inner = &leaving.inner;
            let row = Arc::new(row);
            // On the threads for guests. A panic ends this job and nothing else.
            let job = jobs::run(inner.clone(), row.clone(), cancel);
            let mut running = inner.pool.run(&row.owner, priority(&row), job);
            tokio::select! {
                ended = &mut running => {
                    if ended.is_err() {
                        // Boxed, so that a job that waits for its time is small.
                        Box::pin(jobs::crashed(inner, &row)).await;
                    }
                }
                () = inner.stopping.cancelled() => {
                    let _ = running.cancel().await;
                    Box::pin(jobs::leave(inner, &row)).await;
                }
            }
        });
    }

    /// Cancels a job and everything that it started, as far as it runs here. False: it does not.
    fn cancel_active(&self, id: JobId, reason: &str) -> bool {
        let mut active = self.active();
        let mut found = false;
        let mut ids = vec![id];
        while let Some(id) = ids.pop() {
            if let Some(job) = active.get_mut(&id) {
                found = true;
                job.reason.get_or_insert_with(|| reason.to_owned());
                job.cancel.cancel();
            }
            let open = |job: &Active| job.parent == Some(id) && !job.cancel.is_cancelled();
            ids.extend(active.iter().filter(|(_, job)| open(job)).map(|(id, _)| *id));
        }
        found
    }

    /// Whether the job that started this one was cancelled.
    pub(crate) async fn is_parent_cancelled(&self, row: &JobRow) -> bool {
        let Some(parent) = row.parent else { return false };
        if let Some(parent) = self.active().get(&parent) {
            return parent.cancel.is_cancelled();
        }
        // A parent that cannot be read is no reason to stop its child.
        self.row(&row.owner, parent).await.is_ok_and(|parent| parent.status == JobStatus::Cancelled)
    }

    pub(crate) async fn state(&self, owner: &Owner, id: JobId) -> Result<JobState, Failure> {
        let row = self.row(owner, id).await?;
        let mut state = state_of(row);
        if let Some(active) = self.active().get(&id).filter(|_| !state.status.is_final()) {
            state.percent = active.progress.borrow().percent;
            state.last_log.clone_from(&active.last_log);
        }
        Ok(state)
    }

    pub(crate) async fn wait(&self, owner: &Owner, id: JobId, timeout: Option<Duration>) -> Result<JobState, Failure> {
        let deadline = timeout.map(|timeout| tokio::time::Instant::now() + timeout);
        loop {
            let ended = self.active().get(&id).map(|active| active.ended.subscribe());
            let state = self.state(owner, id).await?;
            if state.status.is_final() || deadline.is_some_and(|deadline| tokio::time::Instant::now() >= deadline) {
                return Ok(state);
            }
            if self.closing.is_cancelled() && ended.is_none() {
                let detail = format!("the host is shutting down; job {id} continues at its next start");
                return Err(Failure::interrupted(detail));
            }
            let changed = async {
                match ended {
                    // The sender goes with the job's end, so an error says the same as a change.
                    Some(mut ended) => drop(ended.wait_for(|ended| *ended).await),
                    None => tokio::time::sleep(LOOK_AGAIN).await,
                }
            };
            match deadline {
                Some(deadline) => drop(tokio::time::timeout_at(deadline, changed).await),
                None => changed.await,
            }
        }
    }

    pub(crate) async fn cancel(&self, owner: &Owner, id: JobId, reason: &str) -> Result<JobState, Failure> {
        let row = self.row(owner, id).await?;
        if row.status.is_final() {
            return Ok(state_of(row));
        }
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        if self.cancel_active(id, &reason) {
            return self.wait(owner, id, None).await;
        }
        if row.node.as_deref().is_some_and(|node| node != self.node.to_string() && self.nodes.is_alive(node)) {
            return Err(Failure::unavailable(format!(
                "job {id} runs in another process of this host: cancel it there"
            )));
        }
        let result = jobs::cancelled_result(owner, &reason);
        let ended = async {
            let mut tx = self.store.begin(&row.owner).await?;
            let end =
                JobEnd { status: JobStatus::Cancelled, result: &result, logs: &row.logs, cancel_reason: Some(&reason) };
            tx.end_job(id, &end, None, self.clock.now_ms()).await?;
            tx.commit().await
        };
        ended.await.map_err(|error| store_failure(&error))?;
        self.later.forget(id);
        // Nobody may be listening.
        let _ = self.ended.send(id);
        self.state(owner, id).await
    }
}

pub(crate) fn state_of(row: JobRow) -> JobState {
    JobState {
        id: row.id,
        path: row.path,
        status: row.status,
        percent: if row.status == JobStatus::Done {
            Some(100)
        } else {
            row.percent.and_then(|percent| u8::try_from(percent).ok())
        },
        last_log: row.logs.lines().last().map(str::to_owned),
        result: row.result,
        started_at_ms: row.started_at_ms,
        ended_at_ms: row.ended_at_ms,
    }
}
