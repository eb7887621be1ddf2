//! `windmill`: the workflow engine. Needs `windmill` with path globs; the user's own folder is open with any of them.
//!
//! Which path is open is decided in `paths`, once for every function. A flow that is stored is searched for the scripts it would
//! run, so that a skill cannot reach through a flow what it may not run itself.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use openanalyst_domain::{Failure, LimitReason};
use serde_json::Value;
use wasmtime::component::Resource;

use super::guard::{json, json_object, unavailable};
use super::paths::Paths;
use crate::call::Call;
use crate::contract::windmill::{
    App, FlowDefinition, Host, HostJob, JobState, Kind, Page, RunOptions, Schedule, Script,
};
use crate::contract::{Failure as ContractFailure, Weight};
use crate::invocation::Waits;
use crate::state::State;
use crate::tape::{self, taped};

/// Most lines of a listing's page.
pub const MAX_PAGE: u32 = 100;
/// Longest idempotency key, in bytes.
pub const MAX_KEY_BYTES: usize = 256;
/// Longest summary, in bytes.
pub const MAX_SUMMARY_BYTES: usize = 1 << 10;

/// A job that this invocation started: what stands behind the guest's handle.
#[derive(Debug, Clone)]
pub struct Job {
    /// The engine's id of the job, a UUID.
    pub id: String,
}

/// The workflow engine as one user sees it. Paths, documents and limits were checked.
#[async_trait]
pub trait Workflows: Send + Sync {
    /// Starts a script or flow and gives the job's id. The job is durable once this returns. `arguments` is a JSON object.
    ///
    /// # Errors
    /// As the contract says.
    async fn start(&self, path: &str, is_flow: bool, arguments: Value, options: RunOptions) -> Result<String, Failure>;

    /// Where a job stands.
    ///
    /// # Errors
    /// As the contract says.
    async fn state(&self, job: &str) -> Result<JobState, Failure>;

    /// Waits until a job ended or the guest's own `timeout` is over (none: as long as it takes), and says where it stands then; or says, while `left`
    /// of the guest's time is left, that the guest shall be put aside until then.
    ///
    /// # Errors
    /// As the contract says.
    async fn wait(&self, job: &str, timeout: Option<Duration>, left: Duration) -> Result<Waited, Failure>;

    /// Cancels a job; gives the state that it ended with if it had already ended.
    ///
    /// # Errors
    /// As the contract says.
    async fn cancel(&self, job: &str, reason: &str) -> Result<JobState, Failure>;

    /// Stores a script, or a new version of it.
    ///
    /// # Errors
    /// As the contract says.
    async fn put_script(&self, script: Script) -> Result<(), Failure>;

    /// Stores a flow, or a new version of it.
    ///
    /// # Errors
    /// As the contract says.
    async fn put_flow(&self, flow: FlowDefinition) -> Result<(), Failure>;

    /// Stores an app, or a new version of it.
    ///
    /// # Errors
    /// As the contract says.
    async fn put_app(&self, app: App) -> Result<(), Failure>;

    /// Stores a schedule, or changes it.
    ///
    /// # Errors
    /// As the contract says.
    async fn put_schedule(&self, schedule: Schedule) -> Result<(), Failure>;

    /// Lists what the user may see, newest first, `limit` (1 to 100) lines of it. The lines are filtered by the skill's grants afterwards:
    /// by their path, and jobs by the member `script_path` of their details.
    ///
    /// # Errors
    /// As the contract says.
    async fn list(&self, kind: Kind, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, Failure>;

    /// Removes a script, flow, app or schedule; says whether there was one.
    ///
    /// # Errors
    /// As the contract says.
    async fn delete(&self, kind: Kind, path: &str) -> Result<bool, Failure>;
}

/// How a wait for a job ended.
#[derive(Debug)]
pub enum Waited {
    /// With this state.
    State(JobState),
    /// Not yet: the guest is put aside.
    Waits(Waits),
}

fn offered(call: &Call) -> Result<&dyn Workflows, Failure> {
    let workflows = call.capabilities.workflows.as_deref();
    workflows.ok_or_else(|| unavailable("windmill", "its operator must configure a workflow engine"))
}

async fn start(
    call: &Call,
    starts: &mut u32,
    path: &str,
    is_flow: bool,
    arguments: &str,
    options: RunOptions,
) -> Result<String, Failure> {
    Paths::of(call).check(path)?;
    let arguments = json_object("arguments", arguments)?;
    let key = options.idempotency_key.as_deref().unwrap_or("-");
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(Failure::invalid(format!(
            "an idempotency key has 1 to {MAX_KEY_BYTES} bytes and no control characters"
        )));
    }
    let engine = offered(call)?;
    let limit = call.budget.workflow_starts;
    if *starts >= limit {
        return Err(Failure::limit(
            LimitReason::HostcallsExceeded,
            format!(
                "this invocation started {limit} jobs, which is the limit, before `{path}`: start fewer, or put them into a flow"
            ),
        ));
    }
    *starts += 1;
    engine.start(path, is_flow, arguments, options).await
}

fn check_summary(summary: &str) -> Result<(), Failure> {
    if summary.len() > MAX_SUMMARY_BYTES {
        return Err(Failure::invalid(format!(
            "a summary has at most {MAX_SUMMARY_BYTES} bytes and this one {}",
            summary.len()
        )));
    }
    Ok(())
}

async fn put_script(call: &Call, script: Script) -> Result<(), Failure> {
    let script = call.scrubber.typed(script)?;
    Paths::of(call).check(&script.path)?;
    check_summary(&script.summary)?;
    offered(call)?.put_script(script).await
}

async fn put_flow(call: &Call, flow: FlowDefinition) -> Result<(), Failure> {
    let flow = call.scrubber.typed(flow)?;
    let paths = Paths::of(call);
    paths.check(&flow.path)?;
    check_summary(&flow.summary)?;
    paths.check_flow(&json("value", &flow.value)?)?;
    offered(call)?.put_flow(flow).await
}

async fn put_app(call: &Call, app: App) -> Result<(), Failure> {
    let app = call.scrubber.typed(app)?;
    Paths::of(call).check(&app.path)?;
    check_summary(&app.summary)?;
    json("value", &app.value)?;
    offered(call)?.put_app(app).await
}

async fn put_schedule(call: &Call, schedule: Schedule) -> Result<(), Failure> {
    let schedule = call.scrubber.typed(schedule)?;
    let paths = Paths::of(call);
    paths.check(&schedule.path)?;
    paths.check(&schedule.script_path)?;
    check_summary(&schedule.summary)?;
    json_object("arguments", &schedule.arguments)?;
    offered(call)?.put_schedule(schedule).await
}

async fn list(call: &Call, kind: Kind, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, Failure> {
    let paths = Paths::of(call);
    paths.check_prefix(prefix)?;
    if cursor.is_some_and(|cursor| cursor.len() > 1024) {
        return Err(Failure::invalid("`cursor` is none that an earlier page gave: pass it on unchanged"));
    }
    let mut page = offered(call)?.list(kind, prefix, limit.clamp(1, MAX_PAGE), cursor).await?;
    page.items.retain(|item| match item.kind {
        Kind::Job => serde_json::from_str::<Value>(&item.details)
            .ok()
            .and_then(|details| details.get("script_path").and_then(Value::as_str).map(|path| paths.allows(path)))
            .unwrap_or(false),
        _ => paths.allows(&item.path),
    });
    Ok(page)
}

async fn delete(call: &Call, kind: Kind, path: &str) -> Result<bool, Failure> {
    Paths::of(call).check(path)?;
    if kind == Kind::Job {
        return Err(Failure::invalid("a job cannot be deleted: cancel it through its handle"));
    }
    offered(call)?.delete(kind, path).await
}

async fn wait(call: &Call, job: &str, timeout_ms: Option<u64>) -> Result<Waited, Failure> {
    let left = call.deadline_or_far().saturating_duration_since(Instant::now());
    offered(call)?.wait(job, timeout_ms.map(Duration::from_millis), left).await
}

async fn state(call: &Call, job: &str) -> Result<JobState, Failure> {
    offered(call)?.state(job).await
}

async fn cancel(call: &Call, job: &str, reason: &str) -> Result<JobState, Failure> {
    offered(call)?.cancel(job, reason).await
}

impl State {
    async fn start_job(
        &mut self,
        path: &str,
        is_flow: bool,
        arguments: &str,
        options: RunOptions,
    ) -> wasmtime::Result<Result<Resource<Job>, ContractFailure>> {
        let bytes = path.len() + arguments.len() + options.weight();
        self.host_call(if is_flow { "windmill.run-flow" } else { "windmill.run-script" }, bytes)?;
        let arguments = &self.call.scrubber.text(arguments);
        let function = if is_flow { "windmill.run-flow" } else { "windmill.run-script" };
        let id = match tape::begin(&self.call.tape, function, (path, arguments, &options))? {
            Ok(begun) => {
                let started =
                    start(&self.call, &mut self.counts.workflow_starts, path, is_flow, arguments, options).await;
                begun.end(&started)?;
                started
            }
            Err(played) => {
                self.counts.workflow_starts += u32::from(played.is_ok());
                self.counts.played_starts += u32::from(played.is_ok());
                played
            }
        };
        match id {
            Ok(id) => Ok(Ok(self.table.push(Job { id })?)),
            Err(failure) => Ok(Err(failure.into())),
        }
    }
}

impl HostJob for State {
    async fn id(&mut self, job: Resource<Job>) -> wasmtime::Result<String> {
        Ok(self.table.get(&job)?.id.clone())
    }

    async fn state(&mut self, job: Resource<Job>) -> wasmtime::Result<Result<JobState, ContractFailure>> {
        self.host_call("windmill.job.state", 0)?;
        let job = self.table.get(&job)?.id.clone();
        taped(&self.call.tape, "windmill.job.state", &job, state(&self.call, &job)).await
    }

    async fn wait(
        &mut self,
        job: Resource<Job>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<JobState, ContractFailure>> {
        self.host_call("windmill.job.wait", 0)?;
        let job = self.table.get(&job)?.id.clone();
        let begun = match tape::begin(&self.call.tape, "windmill.job.wait", (&job, timeout_ms))? {
            Ok(begun) => begun,
            Err(played) => return Ok(played.map_err(Into::into)),
        };
        let result = match wait(&self.call, &job, timeout_ms).await {
            Ok(Waited::State(state)) => Ok(state),
            Ok(Waited::Waits(waits)) => {
                self.call.tape.put_aside(waits.until_ms);
                return Err(waits.into());
            }
            Err(failure) => Err(failure),
        };
        begun.end(&result)?;
        Ok(result.map_err(Into::into))
    }

    async fn cancel(
        &mut self,
        job: Resource<Job>,
        reason: String,
    ) -> wasmtime::Result<Result<JobState, ContractFailure>> {
        self.host_call("windmill.job.cancel", reason.len())?;
        let job = self.table.get(&job)?.id.clone();
        let reason = crate::logs::clean(&self.call.scrubber.text(&reason), MAX_SUMMARY_BYTES);
        taped(&self.call.tape, "windmill.job.cancel", (&job, &reason), cancel(&self.call, &job, &reason)).await
    }

    async fn drop(&mut self, job: Resource<Job>) -> wasmtime::Result<()> {
        self.table.delete(job)?;
        Ok(())
    }
}

impl Host for State {
    async fn run_script(
        &mut self,
        path: String,
        arguments: String,
        options: RunOptions,
    ) -> wasmtime::Result<Result<Resource<Job>, ContractFailure>> {
        self.start_job(&path, false, &arguments, options).await
    }

    async fn run_flow(
        &mut self,
        path: String,
        arguments: String,
        options: RunOptions,
    ) -> wasmtime::Result<Result<Resource<Job>, ContractFailure>> {
        self.start_job(&path, true, &arguments, options).await
    }

    async fn create_script(&mut self, script: Script) -> wasmtime::Result<Result<(), ContractFailure>> {
        self.host_call("windmill.create-script", script.weight())?;
        let arguments = serde_json::to_value(&script).unwrap_or_default();
        taped(&self.call.tape, "windmill.create-script", arguments, put_script(&self.call, script)).await
    }

    async fn create_flow(&mut self, flow: FlowDefinition) -> wasmtime::Result<Result<(), ContractFailure>> {
        self.host_call("windmill.create-flow", flow.weight())?;
        let arguments = serde_json::to_value(&flow).unwrap_or_default();
        taped(&self.call.tape, "windmill.create-flow", arguments, put_flow(&self.call, flow)).await
    }

    async fn create_app(&mut self, app: App) -> wasmtime::Result<Result<(), ContractFailure>> {
        self.host_call("windmill.create-app", app.weight())?;
        let arguments = serde_json::to_value(&app).unwrap_or_default();
        taped(&self.call.tape, "windmill.create-app", arguments, put_app(&self.call, app)).await
    }

    async fn create_schedule(&mut self, schedule: Schedule) -> wasmtime::Result<Result<(), ContractFailure>> {
        self.host_call("windmill.create-schedule", schedule.weight())?;
        let arguments = serde_json::to_value(&schedule).unwrap_or_default();
        taped(&self.call.tape, "windmill.create-schedule", arguments, put_schedule(&self.call, schedule)).await
    }

    async fn list(
        &mut self,
        kind: Kind,
        prefix: String,
        limit: u32,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<Page, ContractFailure>> {
        self.host_call("windmill.list", prefix.len() + cursor.as_ref().map_or(0, String::len))?;
        let live = list(&self.call, kind, &prefix, limit, cursor.as_deref());
        taped(&self.call.tape, "windmill.list", (kind, &prefix, limit, &cursor), live).await
    }

    async fn delete(&mut self, kind: Kind, path: String) -> wasmtime::Result<Result<bool, ContractFailure>> {
        self.host_call("windmill.delete", path.len())?;
        taped(&self.call.tape, "windmill.delete", (kind, &path), delete(&self.call, kind, &path)).await
    }
}
