//! Tasks that wait for a job without being in memory: all that is kept of one is its name, its session and what it waits for.
//!
//! A job that ends here says so at once; jobs of other processes, and those that ended while nobody listened, are looked for every few seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openanalyst_domain::{JobId, Owner, SessionKey, TaskId};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use crate::brain::Brain;

/// How often the host looks for jobs that ended elsewhere.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Most jobs that are asked about at once.
const JOBS_AT_ONCE: usize = 1_000;

/// A task that waits.
#[derive(Debug, Clone)]
pub(crate) struct SuspendedTask {
    pub(crate) owner: Arc<Owner>,
    pub(crate) session: SessionKey,
    pub(crate) task: TaskId,
    /// When it goes on although the job has not ended, UTC milliseconds.
    pub(crate) until_ms: Option<i64>,
}

/// The tasks that wait, by what they wait for.
#[derive(Debug, Default)]
pub(crate) struct SuspendedTasks {
    waiters: Mutex<HashMap<JobId, Vec<SuspendedTask>>>,
    changed: Notify,
}

impl SuspendedTasks {
    pub(crate) fn add(&self, job: JobId, waiter: SuspendedTask) {
        let has_time = waiter.until_ms.is_some();
        self.lock().entry(job).or_insert_with(|| Vec::with_capacity(1)).push(waiter);
        if has_time {
            self.changed.notify_one();
        }
    }

    /// Takes out who waits for a job.
    fn take(&self, job: JobId) -> Vec<SuspendedTask> {
        self.lock().remove(&job).unwrap_or_default()
    }

    /// Takes out one task, and says for which job it waited.
    pub(crate) fn take_task(&self, task: TaskId) -> Option<(JobId, SuspendedTask)> {
        let mut waiters = self.lock();
        let (job, at) = waiters
            .iter()
            .find_map(|(job, list)| list.iter().position(|waiter| waiter.task == task).map(|at| (*job, at)))?;
        let list = waiters.get_mut(&job)?;
        let waiter = list.swap_remove(at);
        if list.is_empty() {
            waiters.remove(&job);
        }
        Some((job, waiter))
    }

    /// Takes out those whose time has come.
    fn take_due(&self, now_ms: i64) -> Vec<SuspendedTask> {
        let mut due = Vec::new();
        self.lock().retain(|_, list| {
            due.extend(list.extract_if(.., |waiter| waiter.until_ms.is_some_and(|until| until <= now_ms)));
            !list.is_empty()
        });
        due
    }

    fn next_ms(&self) -> Option<i64> {
        self.lock().values().flatten().filter_map(|waiter| waiter.until_ms).min()
    }

    fn jobs(&self) -> Vec<JobId> {
        self.lock().keys().copied().collect()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Vec<SuspendedTask>>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Brain {
    /// How many tasks wait for a job without being in memory. For metrics.
    #[must_use]
    pub fn parked_tasks(&self) -> usize {
        self.inner.parked.len()
    }

    /// Leaves a task until its job ends.
    pub(crate) async fn park(&self, job: JobId, waiter: SuspendedTask) {
        self.inner.parked.add(job, waiter);
        // It may have ended between the last look and now.
        self.wake_ended(&[job]).await;
    }

    /// Wakes tasks for as long as the host runs.
    pub(crate) async fn keep_waking(&self) {
        let inner = &self.inner;
        let mut ended = inner.workflow.ended();
        // One for all turns: jobs that end here never keep those of other processes from being looked for.
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let next_ms = inner.parked.next_ms();
            let due = async {
                match next_ms {
                    Some(next_ms) => inner.clock.sleep_until(next_ms).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                job = ended.recv() => match job {
                    Ok(job) => self.wake(inner.parked.take(job)),
                    Err(RecvError::Lagged(_)) => self.look().await,
                    Err(RecvError::Closed) => return,
                },
                () = due => self.wake(inner.parked.take_due(inner.clock.now_ms())),
                () = inner.parked.changed.notified() => {}
                _ = looks.tick() => self.look().await,
                () = inner.closing.cancelled() => return,
            }
        }
    }

    async fn look(&self) {
        for jobs in self.inner.parked.jobs().chunks(JOBS_AT_ONCE) {
            self.wake_ended(jobs).await;
        }
    }

    async fn wake_ended(&self, jobs: &[JobId]) {
        match self.inner.workflow.ended_among(jobs).await {
            Ok(ended) => ended.into_iter().for_each(|job| self.wake(self.inner.parked.take(job))),
            Err(failure) => tracing::warn!(%failure, "looking for jobs that have ended failed: it is tried again"),
        }
    }

    pub(crate) fn wake(&self, waiters: Vec<SuspendedTask>) {
        for waiter in waiters {
            self.resume(waiter);
        }
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    #[test]
    fn who_waits_is_found_by_job_by_task_and_by_time() {
        let parked = SuspendedTasks::default();
        let owner = Arc::new(Owner::new(TenantId::parse("t").unwrap(), UserId::parse("ada").unwrap()));
        let waiter = |until_ms| SuspendedTask {
            owner: owner.clone(),
            session: SessionKey::parse("s").unwrap(),
            task: TaskId::new(),
            until_ms,
        };
        let (a, b, c) = (waiter(None), waiter(Some(50)), waiter(Some(90)));
        let (first, second) = (JobId::new(), JobId::new());
        parked.add(first, a.clone());
        parked.add(first, b.clone());
        parked.add(second, c.clone());
        assert_eq!((parked.len(), parked.next_ms()), (3, Some(50)));
        assert_eq!(parked.take_due(49).len(), 0);
        assert_eq!(parked.take_due(50)[0].task, b.task);
        assert_eq!(parked.take_task(c.task).unwrap().0, second);
        assert!(parked.take_task(c.task).is_none());
        assert_eq!(parked.take(first)[0].task, a.task);
        assert_eq!(parked.len(), 0);
    }
}
