//! Skills that mean harm, and every limit of the budget from both sides.
//!
//! Each case says how the call must end. Around every case stands the [`lab`]: another tenant's calls go on beside it and must all succeed, and
//! afterwards no place is taken, no memory is in use and the same sandbox still works. How long the
//! calls beside each attack took is printed: `cargo test --workspace --test hostile -- --nocapture`.
//!
//! | file | family |
//! |---|---|
//! | `time` | loops, waits |
//! | `memory` | growth, recursion |
//! | `boundary` | lies about pointers, lengths, texts, handles |
//! | `floods` | logs, progress, host calls, jobs, nested calls |
//! | `load` | what is no component, what is too large, forbidden proposals, imports |
//! | `reach` | paths, memory, hosts and secrets that were not granted; what of the machine can be seen |
//! | `lifecycle` | cancellation, panics of the host, crowds |
//! | `leftovers` | bytes of one tenant in another one's memory |
//! | `limits` | each limit from both sides |

mod boundary;
mod doubles;
mod floods;
mod lab;
mod leftovers;
mod lifecycle;
mod limits;
mod load;
mod memory;
mod reach;
mod time;
