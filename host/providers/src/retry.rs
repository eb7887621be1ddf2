//! When a request is sent again.

use std::time::Duration;

use openanalyst_domain::Failure;
use tracing::debug;

use crate::clock::Clock;
use crate::problem::Problem;

/// Longest wait between two requests that no server asked for.
const MAX_BACKOFF: Duration = Duration::from_secs(8);

/// Counts the requests of one call.
pub(crate) struct Retry<'a> {
    name: &'a str,
    clock: &'a Clock,
    left: u32,
    next: Duration,
}

impl<'a> Retry<'a> {
    /// `retries` beside the first request; `backoff` before the first of them, and twice as long before each that follows.
    pub(crate) fn new(name: &'a str, clock: &'a Clock, retries: u32, backoff: Duration) -> Self {
        Self { name, clock, left: retries, next: backoff }
    }

    /// Waits until the request may be sent again.
    ///
    /// # Errors
    /// It may not: another request would not help, there were enough of them, or the wait would end after the call does.
    pub(crate) async fn pause(&mut self, problem: Problem) -> Result<(), Failure> {
        if !problem.passes || self.left == 0 {
            return Err(problem.failure);
        }
        let wait = problem.after.unwrap_or_else(|| jittered(self.next.min(MAX_BACKOFF)));
        if wait >= self.clock.remaining() {
            return Err(problem.failure);
        }
        self.left -= 1;
        self.next = self.next.saturating_mul(2);
        debug!(provider = self.name, wait_ms = wait.as_millis(), left = self.left, reason = %problem.failure, "the request is sent again");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Half of it for sure and the rest by chance, so that those who were refused together do not come back together.
fn jittered(wait: Duration) -> Duration {
    // Without randomness it is the middle.
    let chance = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
    wait.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn clock(seconds: u64) -> Clock {
        Clock::start(Duration::from_secs(seconds), Duration::from_secs(1))
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_end() {
        let clock = clock(600);
        let mut retry = Retry::new("x", &clock, 6, Duration::from_millis(500));
        for most in [500, 1_000, 2_000, 4_000, 8_000, 8_000] {
            let before = Instant::now();
            retry.pause(Problem::passing("busy", None)).await.unwrap();
            let most = Duration::from_millis(most);
            let waited = before.elapsed();
            assert!(waited >= most / 2 && waited <= most + Duration::from_millis(2), "{waited:?} of {most:?}");
        }
        let failure = retry.pause(Problem::passing("busy", None)).await.unwrap_err();
        assert_eq!(failure, Failure::Unavailable { detail: "busy".to_owned(), retry_after_ms: Some(2_000) });
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_gets_the_time_that_it_wants_or_the_caller_hears_of_it_at_once() {
        let clock = clock(60);
        let mut retry = Retry::new("x", &clock, 9, Duration::from_millis(500));
        let before = Instant::now();
        retry.pause(Problem::passing("busy", Some(Duration::from_secs(30)))).await.unwrap();
        assert!(before.elapsed() >= Duration::from_secs(30));
        let before = Instant::now();
        let failure = retry.pause(Problem::passing("busy", Some(Duration::from_secs(31)))).await.unwrap_err();
        assert_eq!(failure, Failure::Unavailable { detail: "busy".to_owned(), retry_after_ms: Some(31_000) });
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_not_repeated() {
        let clock = clock(60);
        let mut retry = Retry::new("x", &clock, 9, Duration::from_millis(500));
        for problem in [Failure::invalid("no").into(), Problem::broken("no"), Problem::late("no")] {
            retry.pause(problem).await.unwrap_err();
        }
        assert_eq!(retry.left, 9);
    }
}
