//! What came of a schedule's due moment, seen by one of the processes that try it.
//!
//! Each of them may see that a schedule is due. The database lets one fire it, and the others must not say anything of it: for
//! them nothing was left out.

use std::fmt::Display;

use openanalyst_domain::JobId;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firing<E> {
    /// Another process was faster: it fired, or left this time out.
    Lost,
    /// This time is left out, as the last job of the schedule still waits.
    StillWaiting,
    /// This time is left out, as the owner's share of jobs is used up.
    NoRoom(E),
    /// A job is to be queued.
    Due,
}

impl<E: Display> Firing<E> {
    /// Decides. `won`: the database let this process have the moment.
    pub(crate) fn of(won: bool, waits: bool, no_room: Option<E>) -> Self {
        match (won, waits, no_room) {
            (false, _, _) => Self::Lost,
            (true, _, Some(reason)) => Self::NoRoom(reason),
            (true, true, None) => Self::StillWaiting,
            (true, false, None) => Self::Due,
        }
    }

    /// Logs what came of it, once it is committed. `queued` is the job, where there is one.
    pub(crate) fn log(&self, schedule: &str, due_at_ms: i64, queued: Option<JobId>) {
        match self {
            Self::StillWaiting => tracing::warn!(
                schedule,
                due_at_ms,
                "a schedule was due while its last job still waited: this time is left out"
            ),
            Self::NoRoom(error) => {
                tracing::warn!(schedule, due_at_ms, %error, "a schedule was due: this time is left out");
            }
            Self::Due => {
                if let Some(job) = queued {
                    tracing::info!(schedule, %job, due_at_ms, "a schedule fired");
                }
            }
            Self::Lost => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Counts what is logged, at every level.
    #[derive(Clone, Default)]
    struct Counter(Arc<AtomicUsize>);

    impl Subscriber for Counter {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_process_that_lost_the_race_for_a_firing_logs_and_queues_nothing() {
        let full = || Some("the share of jobs is used up".to_owned());
        for (won, waits, no_room, expected, lines) in [
            (false, false, None, Firing::Lost, 0),
            (false, true, None, Firing::Lost, 0),
            (false, false, full(), Firing::Lost, 0),
            (false, true, full(), Firing::Lost, 0),
            (true, true, None, Firing::StillWaiting, 1),
            (true, false, full(), Firing::NoRoom("the share of jobs is used up".to_owned()), 1),
            (true, false, None, Firing::Due, 1),
        ] {
            let firing = Firing::of(won, waits, no_room);
            assert_eq!(firing, expected);
            let counter = Counter::default();
            tracing::subscriber::with_default(counter.clone(), || {
                firing.log("u/ada/daily", 1, (firing == Firing::Due).then(JobId::new));
            });
            assert_eq!(counter.0.load(Ordering::Relaxed), lines, "{expected:?}");
        }
    }
}
