//! The contract with skills as Rust types, generated from the WIT package.
//!
//! One file for each version of the package; what stands directly in this module is the newest one, which the rest of the host
//! speaks. A component built against an older version will be translated at this border, and nowhere else.
//!
//! The types serialise with the field names of the WIT files in snake case, so that a recorded plan can be read back.

pub mod checker;
mod convert;
pub mod script;
pub mod v0_1_0;
mod weight;

pub use v0_1_0::openanalyst::skill::types::{
    Action, Answer, Attachment, Attempt, Check, Context, Expectation, Failure, Inputs, Intent, Learning, Limit,
    Message, NumericRange, Output, Plan, Question, Reply, Request, Role, ScriptCall, Similarity, SkillCall, Slot, Step,
    StepResult, StepStatus, TaskSummary, Unavailable,
};
pub use v0_1_0::openanalyst::skill::{http, llm, log, memory, web_search, windmill};
pub(crate) use weight::Weight;
