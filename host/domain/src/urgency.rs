//! Work that others wait for.
//!
//! Whoever holds what everybody needs, such as the turn to write, must not wait in the queues of its
//! user. Threads that poll work in turns say which work they poll ([`polling`]); the work says for
//! how long it is urgent ([`Urgent::mark`]), and is polled before all other work meanwhile.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many reasons some work has to be urgent. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Urgency(Arc<AtomicU32>);

impl Urgency {
    /// Whether the work is urgent now.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

thread_local! {
    static POLLED: RefCell<Option<Urgency>> = const { RefCell::new(None) };
}

/// Says that this thread polls some work until what is returned is dropped.
#[must_use]
pub fn polling(work: &Urgency) -> Polling {
    POLLED.with_borrow_mut(|polled| *polled = Some(work.clone()));
    Polling(())
}

/// See [`polling`].
#[derive(Debug)]
pub struct Polling(());

impl Drop for Polling {
    fn drop(&mut self) {
        POLLED.with_borrow_mut(|polled| *polled = None);
    }
}

/// The work that this thread polls is urgent, until this is dropped.
#[derive(Debug)]
pub struct Urgent(Option<Urgency>);

impl Urgent {
    /// Marks the work that this thread polls. Nothing happens where it polls none.
    #[must_use]
    pub fn mark() -> Self {
        let polled = POLLED.with_borrow(Clone::clone);
        if let Some(work) = &polled {
            work.0.fetch_add(1, Ordering::Relaxed);
        }
        Self(polled)
    }

    /// Whether the work that this thread polls is urgent.
    #[must_use]
    pub fn is_now() -> bool {
        POLLED.with_borrow(|polled| polled.as_ref().is_some_and(Urgency::is_urgent))
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        if let Some(work) = &self.0 {
            work.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_urgent_for_as_long_as_a_mark_lives() {
        let work = Urgency::default();
        drop(Urgent::mark());
        assert!(!work.is_urgent(), "nothing is polled here");
        let polling = polling(&work);
        let (first, second) = (Urgent::mark(), Urgent::mark());
        drop(first);
        assert!(work.is_urgent() && Urgent::is_now());
        drop(polling);
        assert!(!Urgent::is_now() && work.is_urgent());
        drop(second);
        assert!(!work.is_urgent());
    }
}
