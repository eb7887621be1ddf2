//! The one clock. Everything that depends on time asks it, so that tests can move time instead of waiting for it.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A pending wait of a [`Clock`].
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;

    /// Ends when `now_ms` is at least `at_ms`.
    fn sleep_until(&self, at_ms: i64) -> Sleep;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        // Before 1970 the difference is an error; such a clock is as good as zero.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at_ms: i64) -> Sleep {
        let clock = *self;
        Box::pin(async move {
            // The wall clock can be set while we wait, so look again at least once a minute.
            loop {
                let left_ms = at_ms.saturating_sub(clock.now_ms());
                if left_ms <= 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left_ms.unsigned_abs().min(60_000))).await;
            }
        })
    }
}

/// A clock that stands still until somebody moves it. For tests.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now_ms: watch::Sender<i64>,
}

impl ManualClock {
    /// Starts at the given time.
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms: watch::Sender::new(now_ms) }
    }

    /// Moves to a time; never back.
    pub fn set(&self, now_ms: i64) {
        self.now_ms.send_modify(|now| *now = now_ms.max(*now));
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now_ms.send_modify(|now| *now = now.saturating_add(by_ms));
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        *self.now_ms.borrow()
    }

    fn sleep_until(&self, at_ms: i64) -> Sleep {
        let mut now = self.now_ms.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= at_ms).await.is_err() {
                // The clock is gone, so its time never comes.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_those_whose_time_has_come() {
        let clock = ManualClock::at(1_000);
        let early = tokio::spawn(clock.sleep_until(2_000));
        let late = tokio::spawn(clock.sleep_until(60_000));
        clock.advance(Duration::from_secs(1));
        early.await.unwrap();
        assert!(!late.is_finished());
        late.abort();
        clock.set(5);
        assert_eq!(clock.now_ms(), 2_000, "time never goes back");
    }
}
