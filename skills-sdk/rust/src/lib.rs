//! What the author of an OpenAnalyst skill depends on: the WIT contract `openanalyst:skill@0.1.0` as Rust types, with typed
//! helpers for everything a skill may ask its host for.
//!
//! A skill is a WebAssembly component. Give the crate `crate-type = ["cdylib", "rlib"]`, build it for `wasm32-wasip2`, and put a
//! `SKILL.md` beside it. The same code compiles natively, so its logic is tested with a plain `cargo test`: see [`testing`].
//!
//! # The smallest skill
//! ```
//! use openanalyst_skill::prelude::*;
//!
//! fn hello(request: &Request, context: &Context) -> Result<Reply> {
//!     let name = context.display_name.as_deref().unwrap_or("whoever you are");
//!     Ok(Reply::text(format!("Hello, {name}! You said: {}", request.content)))
//! }
//!
//! openanalyst_skill::export_skill!(OneFunction(hello));
//! # fn main() {}
//! ```
//!
//! # The full form
//! A [`Skill`] makes a [`Plan`], runs the steps that are its own, and writes the [`Reply`]. Steps that are scripts, flows or other
//! skills are run by the host, which checks each result against the step's expectations and tries again where they are not met.
//! ```
//! use openanalyst_skill::prelude::*;
//!
//! struct Poster;
//!
//! impl Skill for Poster {
//!     fn plan(&self, request: &Request, _context: &Context) -> Result<Plan> {
//!         let Some(topic) = request.topic() else {
//!             return Ok(Plan::ask(Question::new("topic", "What shall the post be about?")));
//!         };
//!         let create = Step::script("create", "Write the post", "f/openanalyst/social/create_post")
//!             .retryable() // it changes nothing
//!             .arg("platform", "mastodon")
//!             .arg("topic", topic)
//!             .expect(expect::present("/post/content", "The post has a text."))
//!             .expect(expect::within("/post/length", 1..=500, "The post fits Mastodon's 500 characters."));
//!         let store = Step::run("store", "Remember the post").arg_from("content", "create#/post/content");
//!         Ok(Plan::of([create, store]))
//!     }
//!
//!     fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
//!         let content: String = inputs.argument("content")?;
//!         memory::user().put(&format!("posts/{}", inputs.request.task_id), &content)?;
//!         Output::of(&json!({ "stored": true }))
//!     }
//!
//!     fn reply(&self, _request: &Request, results: &[StepResult]) -> Result<Reply> {
//!         let content: String = results.value("create", "/post/content")?;
//!         Ok(Reply::text(content))
//!     }
//! }
//!
//! openanalyst_skill::export_skill!(Poster);
//! # fn main() {}
//! ```
//!
//! Three rules. A fresh instance serves every call: keep what must last in [`memory`]. Only what the code calls is imported: a skill
//! that never names [`http`] does not ask for it. Every limit has a reason code ([`Failure::Limit`]), and every failure of the host
//! can be handed on with `?`.
//!
//! This crate must never do the host's work: no policy, no retries, no limits live here.

/// The generated form of the contract. Prefer the modules and re-exports of this crate; this is for what they do not cover.
#[allow(missing_docs, clippy::all)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "skill",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_generated",
        default_bindings_module: "openanalyst_skill::bindings",
    });
}

mod context;
pub mod delivery;
mod export;
mod failure;
mod output;
mod plan;
mod request;
mod results;
mod skill;
mod step;

pub mod expect;
pub mod http;
pub mod llm;
pub mod log;
pub mod memory;
pub mod progress;
pub mod secrets;
pub mod skills;
pub mod turns;
pub mod web_search;
pub mod windmill;

#[cfg(not(target_family = "wasm"))]
pub mod testing;

/// The imports as functions: the host's on WebAssembly, the test host's elsewhere. Both have the same signatures, so the modules
/// above are compiled and tested exactly as they ship.
pub(crate) mod sys {
    #[cfg(target_family = "wasm")]
    pub(crate) use crate::bindings::openanalyst::skill::{
        http, llm, log, memory, progress, secrets, skills, web_search, windmill,
    };
    #[cfg(not(target_family = "wasm"))]
    pub(crate) use crate::testing::sys::*;
}

/// The types of the contract that every skill meets. Their documentation is the contract's own.
pub mod types {
    pub use crate::bindings::openanalyst::skill::types::*;
}

pub use failure::Result;
pub use output::{to_json, to_value};
pub use request::{Range, Recurrence, When};
pub use results::Results;
pub use serde_json::{Value, json};
pub use skill::{OneFunction, Skill};
pub use types::{
    Action, Answer, Attachment, Attempt, Check, Context, Expectation, Failure, Inputs, Output, Plan, Question, Reply,
    Request, Slot, Step, StepResult, StepStatus,
};

#[doc(hidden)]
pub use export::__private;

/// Everything a skill usually names.
pub mod prelude {
    pub use crate::types::Role;
    pub use crate::{
        Action, Answer, Attachment, Attempt, Context, Expectation, Failure, Inputs, OneFunction, Output, Plan,
        Question, Reply, Request, Result, Results, Skill, Slot, Step, StepResult, StepStatus, Value, expect, http,
        json, llm, log, memory, progress, secrets, skills, to_value, web_search, windmill,
    };
}
