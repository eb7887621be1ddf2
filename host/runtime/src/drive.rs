//! Polls a guest under its limits: CPU time at every poll, the deadline and a cancellation whenever it waits, a panic of a host function caught.
//!
//! The call stays in its caller's task. As long as the guest never waits, no timer is made and nobody is woken.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::cpu::CpuMeter;

/// What a guest runs under, seen from outside.
pub(crate) struct Reins<'a> {
    pub(crate) meter: &'a CpuMeter,
    pub(crate) cpu_limit: Duration,
    pub(crate) deadline: Instant,
    pub(crate) cancel: &'a CancellationToken,
}

/// Why a guest was stopped from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stopped {
    Cancelled,
    Deadline,
    Cpu,
    /// A host function panicked, with these words.
    Panicked(String),
}

impl Reins<'_> {
    /// Runs the guest to its end, or stops it.
    ///
    /// # Errors
    /// Why it was stopped. The guest's future is dropped by then.
    pub(crate) async fn drive<G: Future>(&self, guest: G) -> Result<G::Output, Stopped> {
        let mut guest = pin!(guest);
        let mut cancelled = pin!(self.cancel.cancelled());
        let mut timer = pin!(tokio::time::sleep_until(self.deadline.into()));
        poll_fn(|context| {
            self.meter.begin();
            // The guest is never polled again after a panic, and its store is dropped with everything in it.
            let polled = catch_unwind(AssertUnwindSafe(|| guest.as_mut().poll(context)));
            self.meter.end();
            match polled {
                Err(panic) => return Poll::Ready(Err(Stopped::Panicked(words(panic.as_ref())))),
                Ok(Poll::Ready(output)) => return Poll::Ready(Ok(output)),
                Ok(Poll::Pending) => {}
            }
            if cancelled.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Stopped::Cancelled));
            }
            if Instant::now() >= self.deadline || timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Stopped::Deadline));
            }
            if self.meter.used() > self.cpu_limit {
                return Poll::Ready(Err(Stopped::Cpu));
            }
            Poll::Pending
        })
        .await
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a host function panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reins<'a>(meter: &'a CpuMeter, cancel: &'a CancellationToken, wall: Duration) -> Reins<'a> {
        Reins { meter, cpu_limit: Duration::from_secs(1), deadline: Instant::now() + wall, cancel }
    }

    #[tokio::test]
    async fn a_waiting_guest_ends_at_its_deadline_or_with_its_caller() {
        let (meter, cancel) = (CpuMeter::default(), CancellationToken::new());
        let ended = reins(&meter, &cancel, Duration::from_millis(20)).drive(std::future::pending::<()>()).await;
        assert_eq!(ended, Err(Stopped::Deadline));
        cancel.cancel();
        let ended = reins(&meter, &cancel, Duration::from_secs(60)).drive(std::future::pending::<()>()).await;
        assert_eq!(ended, Err(Stopped::Cancelled));
    }

    #[tokio::test]
    async fn a_panic_ends_the_guest_and_nothing_else() {
        let (meter, cancel) = (CpuMeter::default(), CancellationToken::new());
        let guest = async { panic!("in the host") };
        let ended: Result<(), _> = reins(&meter, &cancel, Duration::from_secs(60)).drive(guest).await;
        assert_eq!(ended, Err(Stopped::Panicked("in the host".to_owned())));
    }
}
