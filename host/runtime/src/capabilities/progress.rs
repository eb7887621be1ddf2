//! `progress`: live reports for the end user. Needs no grant and does not count as a host call: reports that come too fast are thinned
//! out before anybody sees them.

use std::time::{Duration, Instant};

use crate::contract::v0_1_0::openanalyst::skill::progress::Host;
use crate::logs::clean;
use crate::state::State;

/// The shortest time between two reports that go out.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long a message may be, in bytes; the rest is cut.
const MAX_MESSAGE_BYTES: usize = 500;

/// Takes reports. Called on the guest's thread: it must return at once.
pub trait Progress: Send + Sync {
    /// A report: one line of text, and a percentage of at most 100.
    fn report(&self, message: &str, percent: Option<u8>);
}

/// Thins reports out: the latest wins.
#[derive(Debug, Default)]
pub(crate) struct Thinner {
    last: Option<Instant>,
    waiting: Option<(String, Option<u8>)>,
}

impl Thinner {
    /// Takes a report; gives it back if it goes out now.
    fn take(&mut self, report: (String, Option<u8>), now: Instant) -> Option<(String, Option<u8>)> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            self.waiting = Some(report);
            return None;
        }
        self.last = Some(now);
        self.waiting = None;
        Some(report)
    }
}

impl State {
    /// Sends the report that still waits, at the end of the invocation.
    pub(crate) fn flush_progress(&mut self) {
        if let (Some((message, percent)), Some(progress)) =
            (self.progress.waiting.take(), &self.call.capabilities.progress)
        {
            progress.report(&message, percent);
        }
    }
}

impl Host for State {
    fn report(&mut self, message: String, percent: Option<u8>) -> wasmtime::Result<()> {
        self.check_bytes("progress.report", message.len())?;
        let Some(progress) = &self.call.capabilities.progress else { return Ok(()) };
        if self.call.tape.is_heard() {
            return Ok(());
        }
        let report =
            (clean(&self.call.scrubber.text(&message), MAX_MESSAGE_BYTES), percent.map(|percent| percent.min(100)));
        if let Some((message, percent)) = self.progress.take(report, Instant::now()) {
            progress.report(&message, percent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_reports_that_come_too_fast_the_latest_waits() {
        let mut thinner = Thinner::default();
        let start = Instant::now();
        assert!(thinner.take(("a".into(), None), start).is_some());
        assert!(thinner.take(("b".into(), None), start + Duration::from_millis(10)).is_none());
        assert!(thinner.take(("c".into(), Some(3)), start + Duration::from_millis(99)).is_none());
        assert_eq!(thinner.waiting, Some(("c".into(), Some(3))));
        assert!(thinner.take(("d".into(), None), start + Duration::from_millis(100)).is_some());
        assert_eq!(thinner.waiting, None);
    }
}
