//! A host in memory, and requests to try, for native tests of a skill. Not there on WebAssembly.
//!
//! Imports called natively outside of [`Host::run`] panic, except `log` (standard error) and `progress` (nothing).
//!
//! ```
//! use openanalyst_skill::{prelude::*, testing};
//!
//! let host = testing::Host::new();
//! host.run(|| memory::user().put("preferences/display-name", "Ada"))?;
//! assert_eq!(host.memory("preferences/display-name"), Some(json!("Ada")));
//! # Ok::<(), Failure>(())
//! ```

mod host;
mod make;
mod memory;
pub(crate) mod sys;
mod windmill;

pub use host::Host;
pub use make::{attempt, context, inputs, request, result};
