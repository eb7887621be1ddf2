//! The workflow engine: scripts and flows by path, jobs, schedules.
//!
//! [`WorkflowEngine`] is what the rest of the host sees; [`EmbeddedEngine`] is the engine inside this process. Scripts are TypeScript, and run only inside the
//! sandbox, in the script runner (`script-runner/`), under a budget like any skill. Everything accepted is durable, and belongs to one user.
//!
//! | module | holds |
//! |---|---|
//! | [`engine`] | the trait and its words |
//! | `embedded` | the embedded engine: what it is made of, its start and its end |
//! | `dispatch` | starting, awaiting and cancelling jobs; which ones this process has taken |
//! | `later` | jobs whose time is far |
//! | `jobs` | one job from its queue to its end |
//! | `flows` | the steps of a flow, each a job of its own |
//! | `items` | scripts, flows, apps, schedules by path: storing, listing, removing |
//! | `schedules` | what fires when |
//! | `script_host`, `operations` | what a running script reaches: the calls of Windmill's own client |
//! | `job_writes` | what keeps the writes of a job exact when it is run twice |
//! | `outbox` | messages and activities that a job leaves behind |
//! | `access`, `quota`, `workers` | who may see and change which path; how much one user may keep; how many scripts run at once |
//! | `cron` | cron expressions |
//!
//! What happens twice: a job whose process died runs again from its beginning, so scripts are written to be repeatable. What does not: the firing of a
//! schedule, and what a script can do only once (`job_writes`).
//!
//! Begin at [`WorkflowEngine`], then `embedded`.

mod access;
mod dispatch;
mod embedded;
pub mod engine;
mod firing;
mod flows;
mod items;
mod job_writes;
mod jobs;
mod later;
mod operations;
mod outbox;
mod quota;
mod schedules;
mod script_host;

pub use embedded::{EmbeddedEngine, EmbeddedOptions, EngineError, script_budget, self_check};
pub use engine::{Item, ItemKind, JobProgress, JobState, NewItem, NewSchedule, Page, StartJob, WorkflowEngine};

/// In a static: each crate into which the function below is inlined would have a copy of a constant.
static SCRIPT_RUNNER: &[u8] = include_bytes!(env!("SCRIPT_RUNNER_WASM"));

/// The script runner: a component for the sandbox, built from `script-runner/`.
#[must_use]
pub fn script_runner_component() -> &'static [u8] {
    SCRIPT_RUNNER
}
