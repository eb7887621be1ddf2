//! The words that every crate of the host shares: ids, states, limits, receipts, failures, and the clock.
//!
//! This crate holds names and plain data. It never does I/O, never knows a database, a socket or a WebAssembly engine, and
//! depends on no other crate of the house. Begin at [`ids`], then [`budget`] and [`status`].

pub mod budget;
pub mod clock;
pub mod event;
pub mod failure;
pub mod ids;
pub mod places;
pub mod receipt;
pub mod shares;
pub mod status;
pub mod turns;
pub mod urgency;

pub use budget::{Budget, LimitReason};
pub use clock::{Clock, ManualClock, SystemClock};
pub use event::{EventKind, TaskEvent};
pub use failure::Failure;
pub use ids::{Digest, InvalidId, JobId, MessageId, NodeId, Owner, SessionKey, TaskId, TenantId, UserId};
pub use places::{Place, Places};
pub use receipt::{Outcome, Receipt};
pub use shares::{Shares, Whose};
pub use status::{JobStatus, TaskStatus};
pub use turns::Turns;
