//! Jobs whose time is far: all that is kept of one is its name, its owner and its time, so that many thousands of them cost little.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openanalyst_domain::{JobId, Owner};
use openanalyst_store::jobs::JobRow;
use tokio::sync::Notify;

use crate::embedded::Inner;

/// How long before its time a job is taken up, in milliseconds.
const AHEAD_MS: i64 = 10_000;

/// The jobs that wait for their time.
#[derive(Debug)]
pub(crate) struct Later {
    jobs: Mutex<HashMap<JobId, (i64, Arc<Owner>)>>,
    /// The time for which [`keep_taking`] waits.
    waits_until: AtomicI64,
    changed: Notify,
}

impl Default for Later {
    fn default() -> Self {
        Self { jobs: Mutex::default(), waits_until: AtomicI64::new(i64::MAX), changed: Notify::new() }
    }
}

impl Later {
    /// Keeps a job whose time is far. False: it is near, and the caller takes it up.
    pub(crate) fn put(&self, row: &JobRow, now_ms: i64) -> bool {
        if row.scheduled_for_ms <= now_ms.saturating_add(AHEAD_MS) {
            return false;
        }
        let mut jobs = self.lock();
        jobs.insert(row.id, (row.scheduled_for_ms, Arc::new(row.owner.clone())));
        // Whoever waits for the next one only has to know of a sooner one.
        if self.waits_until.fetch_min(row.scheduled_for_ms, Ordering::AcqRel) > row.scheduled_for_ms {
            self.changed.notify_one();
        }
        true
    }

    /// Whether it waits here.
    pub(crate) fn has(&self, job: JobId) -> bool {
        self.lock().contains_key(&job)
    }

    /// It will not come up any more.
    pub(crate) fn forget(&self, job: JobId) {
        self.lock().remove(&job);
    }

    /// Takes out those whose time is near.
    fn near(&self, now_ms: i64) -> Vec<(JobId, Arc<Owner>)> {
        let limit = now_ms.saturating_add(AHEAD_MS);
        let mut jobs = self.lock();
        jobs.extract_if(|_, (due_ms, _)| *due_ms <= limit).map(|(job, (_, owner))| (job, owner)).collect()
    }

    /// The time of the next one; the greatest number: there is none.
    fn next_ms(&self) -> i64 {
        let jobs = self.lock();
        let next_ms = jobs.values().map(|(due_ms, _)| *due_ms).min().unwrap_or(i64::MAX);
        self.waits_until.store(next_ms, Ordering::Release);
        next_ms
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, (i64, Arc<Owner>)>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes jobs up as their time comes near, for as long as the engine runs.
pub(crate) async fn keep_taking(inner: &Arc<Inner>) {
    loop {
        let next_ms = inner.later.next_ms();
        let near = async {
            match next_ms {
                i64::MAX => std::future::pending().await,
                next_ms => inner.clock.sleep_until(next_ms.saturating_sub(AHEAD_MS)).await,
            }
        };
        tokio::select! {
            () = near => {}
            () = inner.later.changed.notified() => {}
            () = inner.closing.cancelled() => return,
        }
        for (job, owner) in inner.later.near(inner.clock.now_ms()) {
            match inner.store.job(&owner, job).await {
                Ok(Some(row)) => inner.take(row),
                Ok(None) => {}
                // The server of schedules looks for open jobs again.
                Err(error) => tracing::error!(%job, %error, "a job whose time has come cannot be read now"),
            }
        }
    }
}
