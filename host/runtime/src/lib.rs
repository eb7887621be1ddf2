//! The sandbox: loads WebAssembly components from strangers, and calls them under budgets.
//!
//! It knows no HTTP and no database: what a guest reaches are the traits in [`capabilities`], and the caller supplies them, bound to
//! one user. Each call gets a fresh instance that nobody used before and nobody uses after. Every limit is on by default
//! ([`Budget`](openanalyst_domain::Budget)), every ending has one typed reason ([`CallError`]), and every call leaves a receipt.
//!
//! | module | holds |
//! |---|---|
//! | `sandbox` | [`Sandbox`]: loading and calling |
//! | `call`, `invocation` | what a call is given, what comes back |
//! | `engine` | the one engine: every setting beside its reason |
//! | `load` | scan, compiler, the cache of compiled components, imports |
//! | `admission` | the fair queue in front of the pool |
//! | `invoke`, `drive`, `ending` | one call from place to receipt; polling it under its limits; the reason why it ended |
//! | `limits`, `cpu`, `logs` | memory and tables; CPU time; log lines |
//! | `scrub` | secrets out of whatever leaves a guest |
//! | [`tape`] | what a guest asked and was told, recorded and played |
//! | `state` | what a store holds |
//! | [`capabilities`] | one file for each interface of the contract: trait, glue, grant check |
//! | [`contract`] | the contract as Rust types |
//! | `script`, `resting` | the script runner's side; scripts that wait |
//! | `checker` | loading and asking the checker of expectations |
//! | `wasi` | the part of WASI 0.2 that is linked |
//!
//! Begin at [`Sandbox`], then `invoke`.

mod admission;
mod call;
pub mod capabilities;
mod checker;
pub mod contract;
mod cpu;
mod drive;
mod ending;
mod engine;
mod error;
mod invocation;
mod invoke;
mod limits;
mod load;
mod logs;
mod resting;
mod sandbox;
mod script;
mod scrub;
mod state;
pub mod tape;
mod wasi;

pub use call::{Call, HostCapabilities};
pub use checker::{CheckOf, CheckOutcome, CheckQuestion, Checked, Checker, CostlyCheck, WantedSimilarity};
pub use error::{LoadError, SandboxError};
pub use invocation::{CallError, Interrupted, Invocation, Waits};
pub use load::child::{ChildCompiler, CompileLimits, compile_child};
pub use load::inspect_component;
pub use logs::{LogLevel, LogLine};
pub use sandbox::{Sandbox, SandboxOptions, ScriptRunner, Skill, Stats};
pub use script::{ScriptCall, ScriptCallError, ScriptError, ScriptHost};
pub use scrub::Scrubber;
pub use tape::{NoRandomness, Recording, Tape};
