//! Threads for work that needs the CPU: guests, routing, and everything else of a task or a job.
//!
//! The asynchronous runtime's own threads serve sockets, timers and the database. They never run
//! such work, so that no tenant can keep them from answering another one. A future that is spawned
//! here is polled by a [`WorkerPool`]; it may use timers, sockets and channels of the runtime.
//!
//! The pool gives each tenant, and within it each user, the same share of CPU time. Work in short
//! pieces has threads of its own. A piece that took long continues on threads of a lower priority
//! (Linux: `nice` 5). Guests are cut into pieces by the epoch of the sandbox; host code in a piece
//! must be short by itself.
//!
//! It knows nothing about tasks, skills or the database. Start with [`WorkerPool`]; `fair` decides
//! which work is next.

mod fair;
mod pool;

pub use pool::{Ended, Priority, Stats, Work, WorkerPool};
