//! What a skill may import, one file each: the trait that the host implements, the glue to the WIT interface, and the check
//! of the grant.
//!
//! The order of the checks is the same everywhere: counts and sizes, then the grant (`denied`), then whether the input makes sense
//! (`invalid`), then whether the host offers it (`unavailable`). An implementation of a trait is made for one invocation
//! or one user and knows itself for whom it works; it is never asked for what the skill may not have.
//!
//! An implementation must be safe to drop at any await point: that is how an invocation is cancelled and how its deadline ends it.

mod guard;
pub mod http;
pub mod llm;
mod log;
pub mod memory;
mod paths;
pub mod progress;
pub mod secrets;
pub mod skills;
pub mod web_search;
pub mod windmill;

pub use http::Http;
pub use llm::Llm;
pub use memory::Memory;
pub use progress::Progress;
pub use secrets::Secrets;
pub use skills::{Called, NestedCall, Skills};
pub use web_search::WebSearch;
pub use windmill::{Waited, Workflows};
