//! Flows: Windmill's flow value, one job for each step.
//!
//! Steps run one after the other. A step is a script by path, a script in the flow itself, or `identity`; its inputs are fixed values or JavaScript expressions over
//! `flow_input`, `results.STEP` and `previous_result`, evaluated in the sandbox. Loops,
//! branches, retries and the like are refused by name.

use std::collections::HashSet;
use std::sync::Arc;

use openanalyst_domain::{Failure, JobStatus, Owner};
use openanalyst_runtime::Interrupted;
use openanalyst_store::jobs::JobRow;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::access;
use crate::dispatch::priority;
use crate::embedded::{Inner, store_failure};
use crate::engine::{JobProgress, StartJob};
use crate::job_writes::{Operations, child_id};
use crate::jobs::{Ended, check_language, check_source, run_source};
use crate::outbox::Outbox;

/// Most steps of a flow.
const MAX_MODULES: usize = 100;

/// Settings of a flow or step that would change what it does, and that this engine does not have. The others (`summary`, `tag`, `cache_ttl`, …) change
/// nothing that a user sees, and are passed over.
const REFUSED: [&str; 14] = [
    "continue_on_error",
    "early_return",
    "failure_module",
    "mock",
    "preprocessor_module",
    "retry",
    "skip_expr",
    "skip_if",
    "sleep",
    "stop_after_all_iters_if",
    "stop_after_if",
    "suspend",
    "timeout",
    "concurrent_limit",
];

/// A flow that can be run.
#[derive(Debug, Deserialize)]
pub(crate) struct Flow {
    modules: Vec<Module>,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Module {
    id: String,
    value: ModuleValue,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

/// Refuses what would silently be done otherwise than it says.
fn check_settings(settings: &Map<String, Value>, whose: &str) -> Result<(), Failure> {
    let is_set = |name: &&&str| !matches!(settings.get(**name), None | Some(Value::Null | Value::Bool(false)));
    match REFUSED.iter().find(is_set) {
        None => Ok(()),
        Some(name) => Err(Failure::invalid(format!(
            "{whose} has `{name}`, which the embedded engine does not have: remove it, or connect a Windmill server"
        ))),
    }
}

#[derive(Debug, Deserialize)]
struct ModuleValue {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    input_transforms: Map<String, Value>,
}

/// What a step runs.
enum Work<'a> {
    Script(&'a str),
    Raw(&'a str),
    Identity,
}

impl Module {
    fn work(&self) -> Result<Work<'_>, Failure> {
        match (self.value.kind.as_str(), &self.value.path, &self.value.content) {
            ("script", Some(path), _) => Ok(Work::Script(path)),
            ("rawscript", _, Some(content)) => {
                check_language(self.value.language.as_deref())?;
                Ok(Work::Raw(content))
            }
            ("identity", _, _) => Ok(Work::Identity),
            (kind, _, _) => Err(Failure::invalid(format!(
                "step `{}` of the flow is a `{kind}`: the embedded engine runs `script` (with `path`), `rawscript` (with `content`) and `identity`",
                self.id
            ))),
        }
    }

    /// The inputs as one script: fixed values are its arguments, expressions its code.
    fn inputs_script(&self) -> Result<String, Failure> {
        let mut members = String::new();
        for (name, transform) in &self.value.input_transforms {
            let bad = |why: &str| Failure::invalid(format!("input `{name}` of step `{}` of the flow {why}", self.id));
            let value = match transform.get("type").and_then(Value::as_str) {
                Some("static") => transform.get("value").cloned().unwrap_or_default().to_string(),
                Some("javascript") => {
                    let expression = transform.get("expr").and_then(Value::as_str);
                    format!("({}\n)", expression.ok_or_else(|| bad("has no `expr`"))?)
                }
                _ => return Err(bad("has no type `static` or `javascript`")),
            };
            members.push_str(&format!("  {}: {value},\n", Value::from(name.as_str())));
        }
        Ok(format!(
            "export function main(flow_input: any, results: any, previous_result: any) {{\n return {{\n{members} }};\n}}\n"
        ))
    }
}

impl Flow {
    /// Reads a flow's value.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let flow: Self = serde_json::from_str(text).map_err(|error| {
            Failure::invalid(format!("the flow is not as Windmill has it, {{\"modules\": [...]}}: {error}"))
        })?;
        if flow.modules.is_empty() || flow.modules.len() > MAX_MODULES {
            let length = flow.modules.len();
            return Err(Failure::invalid(format!("the flow has {length} steps: give 1 to {MAX_MODULES}")));
        }
        check_settings(&flow.settings, "the flow")?;
        let mut ids = HashSet::new();
        for module in &flow.modules {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if module.id.is_empty() || module.id.len() > 64 || !module.id.chars().all(plain) || !ids.insert(&module.id)
            {
                let id: String = module.id.chars().take(64).collect();
                return Err(Failure::invalid(format!(
                    "the flow's step id `{id}` is taken twice or has more than letters, digits and `_`"
                )));
            }
            check_settings(&module.settings, &format!("step `{}` of the flow", module.id))?;
            module.work()?;
            module.inputs_script()?;
        }
        Ok(flow)
    }

    /// Checks that all scripts are there, and that all expressions parse.
    pub(crate) async fn check(&self, inner: &Arc<Inner>, owner: &Owner) -> Result<(), Failure> {
        for module in &self.modules {
            match module.work()? {
                Work::Script(path) => {
                    access::readable(owner, path)?;
                    if !inner.is_runnable(owner, path, false).await? {
                        return Err(Failure::not_found(format!(
                            "step `{}` of the flow names `{path}`: there is no such script",
                            module.id
                        )));
                    }
                }
                Work::Raw(content) => check_source(inner, owner, &format!("flow step {}", module.id), content).await?,
                Work::Identity => {}
            }
            check_source(inner, owner, &format!("inputs of flow step {}", module.id), &module.inputs_script()?).await?;
        }
        Ok(())
    }
}

/// Runs a flow's job.
///
/// # Errors
/// The record could not be reached while it ran. Run again, it finds the jobs that it started.
pub(crate) async fn run(
    inner: &Arc<Inner>,
    row: &JobRow,
    cancel: &CancellationToken,
    operations: Arc<Operations>,
) -> Result<Ended, Interrupted> {
    let mut run = Run { inner, row, cancel, operations, left: Ended::done(Value::Null) };
    match run.steps().await {
        Ok(result) => Ok(Ended { result, ..run.left }),
        Err(Stop::Ended(ended)) => Ok(Ended { status: ended.status, result: ended.result, ..run.left }),
        Err(Stop::Interrupted(interrupted)) => Err(interrupted),
    }
}

/// Why a flow does not get to its last step.
enum Stop {
    /// It ends so.
    Ended(Box<Ended>),
    /// The record could not be reached.
    Interrupted(Interrupted),
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(Box::new(ended))
    }
}

impl From<Interrupted> for Stop {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Ended::of_failure(&failure).map_or_else(Self::Interrupted, Self::from)
    }
}

/// One run of a flow.
struct Run<'a> {
    inner: &'a Arc<Inner>,
    row: &'a JobRow,
    cancel: &'a CancellationToken,
    operations: Arc<Operations>,
    /// Logs, receipts and messages of what ran under the flow's own job: expressions, and scripts that stand in the flow.
    left: Ended,
}

impl Run<'_> {
    async fn steps(&mut self) -> Result<Value, Stop> {
        let item = self.inner.store.item(&self.row.owner.tenant, "flow", &self.row.path).await;
        let item = item.map_err(|error| store_failure(&error))?;
        let gone = || Ended::failed("NotFound", format!("there is no flow at `{}` any more", self.row.path));
        let flow = Flow::parse(&item.ok_or_else(gone)?.value)?;
        let mut results = Map::new();
        let mut previous = self.row.args.clone();
        for (done, module) in flow.modules.iter().enumerate() {
            self.progress(done, flow.modules.len(), &module.id);
            let inputs = self.inputs(module, &results, &previous).await?;
            previous = self.step(module, inputs).await?;
            results.insert(module.id.clone(), previous.clone());
        }
        Ok(previous)
    }

    fn progress(&self, done: usize, steps: usize, id: &str) {
        if let Some(active) = self.inner.active().get(&self.row.id) {
            let percent = u8::try_from(done * 100 / steps.max(1)).ok();
            active.progress.send_replace(JobProgress { message: Some(format!("step {id}")), percent });
        }
    }

    async fn inputs(&mut self, module: &Module, results: &Map<String, Value>, previous: &Value) -> Result<Value, Stop> {
        let source = module.inputs_script()?;
        if module.value.input_transforms.is_empty() {
            return Ok(json!({}));
        }
        let arguments = json!({ "flow_input": self.row.args, "results": results, "previous_result": previous });
        self.source(module, source, arguments).await
    }

    async fn step(&mut self, module: &Module, inputs: Value) -> Result<Value, Stop> {
        match module.work()? {
            Work::Identity => Ok(inputs),
            Work::Raw(content) => self.source(module, content.to_owned(), inputs).await,
            Work::Script(path) => self.script(module, path, inputs).await,
        }
    }

    /// Runs a source under the flow's own job.
    async fn source(&mut self, module: &Module, source: String, arguments: Value) -> Result<Value, Stop> {
        let place = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(Ended::cancelled(&self.row.owner, "cancelled").into()),
            place = self.inner.place(&self.row.owner, priority(self.row)) => place,
        };
        let place = place.ok_or_else(|| Ended::failed("InternalError", "the host has no places for scripts"))?;
        let operations = self.operations.clone();
        let mut ended = run_source(self.inner, self.row, self.cancel, place, operations, source, arguments).await?;
        self.left.logs.append(&mut ended.logs);
        self.left.receipts.append(&mut ended.receipts);
        self.left.outbox.append(Outbox::take(&mut ended.result));
        if ended.status == JobStatus::Done { Ok(ended.result) } else { Err(in_step(module, ended).into()) }
    }

    /// Runs a script by path, as a job of its own.
    async fn script(&self, module: &Module, path: &str, inputs: Value) -> Result<Value, Stop> {
        let (inner, row) = (self.inner, self.row);
        let id = child_id(row.id, &module.id);
        let start = StartJob {
            id,
            is_flow: false,
            path: path.to_owned(),
            args: inputs,
            scheduled_for_ms: None,
            task: row.task,
        };
        let failed = |failure: Failure| match Stop::from(failure) {
            Stop::Ended(ended) => in_step(module, *ended).into(),
            interrupted @ Stop::Interrupted(_) => interrupted,
        };
        inner.start(&row.owner, start, Some(row.id)).await.map_err(failed)?;
        // Cancelling the flow cancels the step's job too, so waiting for it is enough.
        let state = inner.wait(&row.owner, id, None).await.map_err(failed)?;
        if self.cancel.is_cancelled() {
            return Err(Ended::cancelled(&row.owner, "cancelled").into());
        }
        if state.status == JobStatus::Done {
            return Ok(state.result.unwrap_or_default());
        }
        let result =
            state.result.unwrap_or_else(|| json!({ "error": { "name": "Error", "message": "no reason given" } }));
        // A step that was cancelled by itself is a failure of the flow.
        Err(in_step(module, Ended { status: JobStatus::Failed, ..Ended::done(result) }).into())
    }
}

/// Names the step in the error.
fn in_step(module: &Module, mut ended: Ended) -> Ended {
    if let Some(error) = ended.result.get_mut("error").and_then(Value::as_object_mut) {
        error.entry("step_id").or_insert_with(|| json!(module.id));
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(modules: Value) -> Result<Flow, Failure> {
        Flow::parse(&json!({ "modules": modules }).to_string())
    }

    #[test]
    fn what_is_refused_is_named() {
        let script = json!({"id": "a", "value": {"type": "script", "path": "f/x/y"}});
        assert!(flow(json!([script])).is_ok());
        let table = [
            (json!([]), "0 steps"),
            (json!([script, script]), "twice"),
            (json!([{"id": "a", "value": {"type": "forloopflow"}}]), "forloopflow"),
            (json!([{"id": "a b", "value": {"type": "identity"}}]), "a b"),
            (json!([{"id": "a", "value": {"type": "script"}}]), "path"),
            (
                json!([{"id": "a", "value": {"type": "rawscript", "language": "python3", "content": "def main(): pass"}}]),
                "python3",
            ),
            (json!([{"id": "a", "retry": {"constant": {"attempts": 3}}, "value": {"type": "identity"}}]), "`retry`"),
            (json!([{"id": "a", "stop_after_if": {"expr": "true"}, "value": {"type": "identity"}}]), "`stop_after_if`"),
            (
                json!([{"id": "a", "value": {"type": "identity", "input_transforms": {"x": {"type": "javascript"}}}}]),
                "`x`",
            ),
        ];
        for (modules, expected) in table {
            let failure = flow(modules).unwrap_err().to_string();
            assert!(failure.contains(expected), "{failure} does not say {expected}");
        }
        assert!(Flow::parse("nonsense").is_err());
        let handler =
            json!({ "modules": [script], "failure_module": { "id": "failure", "value": { "type": "identity" } } });
        assert!(Flow::parse(&handler.to_string()).unwrap_err().to_string().contains("failure_module"));
    }

    #[test]
    fn what_changes_nothing_is_passed_over() {
        let step = json!({"id": "a", "summary": "x", "cache_ttl": 5, "retry": null, "continue_on_error": false, "value": {"type": "identity"}});
        assert!(flow(json!([step])).is_ok());
    }
}
