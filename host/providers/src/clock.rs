//! How long a call may still take.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// More than anybody waits, and little enough to be added to any time.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The end of a call with all its repetitions, and the longest silence within it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    until: Instant,
    total: Duration,
    idle: Duration,
}

/// The time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Late {
    Total(Duration),
    Idle(Duration),
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total(time) => write!(f, "did not finish within {} ms", time.as_millis()),
            Self::Idle(time) => write!(f, "sent nothing for {} ms", time.as_millis()),
        }
    }
}

impl Clock {
    /// Starts now.
    pub(crate) fn start(total: Duration, idle: Duration) -> Self {
        let total = total.min(FOREVER);
        Self { until: Instant::now() + total, total, idle: idle.min(FOREVER) }
    }

    /// What remains.
    pub(crate) fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Waits until the end of the call at most.
    pub(crate) async fn until_end<T>(&self, wait: impl Future<Output = T>) -> Result<T, Late> {
        self.wait(wait, None).await
    }

    /// Waits for the next sign of life.
    pub(crate) async fn next<T>(&self, wait: impl Future<Output = T>) -> Result<T, Late> {
        self.wait(wait, Some(self.idle)).await
    }

    async fn wait<T>(&self, wait: impl Future<Output = T>, idle: Option<Duration>) -> Result<T, Late> {
        let now = Instant::now();
        // A server that always has something ready would never let the timer look.
        if now >= self.until {
            return Err(Late::Total(self.total));
        }
        let (end, late) = match idle {
            Some(idle) if now + idle < self.until => (now + idle, Late::Idle(idle)),
            _ => (self.until, Late::Total(self.total)),
        };
        timeout_at(end, wait).await.map_err(|_| late)
    }
}
