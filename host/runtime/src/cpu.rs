//! CPU time of one invocation, by the clock of the thread that polls it.
//!
//! A guest moves between threads from poll to poll, so each poll adds what it took on its own thread. Host functions that run
//! on the guest's thread count too: a guest that makes the host work pays for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of the current thread.
fn thread_cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    // A thread's CPU time is never negative, and 2^64 nanoseconds are 584 years.
    (now.tv_sec.unsigned_abs()) * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// Adds up the CPU time of all polls of one invocation.
///
/// One thread writes at a time (the one that polls), so relaxed order is enough: the executor's own hand-over between threads orders
/// the rest.
#[derive(Debug, Default)]
pub(crate) struct CpuMeter {
    used_ns: AtomicU64,
    poll_began_ns: AtomicU64,
}

impl CpuMeter {
    /// A poll begins on this thread.
    pub(crate) fn begin(&self) {
        self.poll_began_ns.store(thread_cpu_ns(), Ordering::Relaxed);
    }

    /// The poll that began on this thread ended.
    pub(crate) fn end(&self) {
        let took = thread_cpu_ns().saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        self.used_ns.fetch_add(took, Ordering::Relaxed);
    }

    /// What is used, the running poll included. Call it on the thread that polls.
    pub(crate) fn used_now(&self) -> Duration {
        let running = thread_cpu_ns().saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        Duration::from_nanos(self.used_ns.load(Ordering::Relaxed) + running)
    }

    /// What the finished polls used.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used_ns.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_and_is_added_up() {
        let meter = CpuMeter::default();
        for _ in 0..2 {
            meter.begin();
            let before = meter.used_now();
            while meter.used_now() < before + Duration::from_millis(2) {
                std::hint::spin_loop();
            }
            meter.end();
        }
        assert!(meter.used() >= Duration::from_millis(4), "{:?}", meter.used());
    }
}
