//! The calls of Windmill's own client, `SERVICE.METHOD` with its argument object, answered by the embedded engine.
//!
//! Shapes and statuses are those of a Windmill server. What a script may do here is what its owner may do; `workspace` in the arguments is ignored.
//!
//! One file for each service; [`call`] finds it.

mod flow_service;
mod job_service;
mod schedule_service;
mod script_service;
mod values;

use openanalyst_domain::{Failure, JobId};
use serde_json::{Value, json};

use crate::EmbeddedEngine;
use crate::engine::{ItemKind, Page, WorkflowEngine};
use crate::items;
use crate::job_writes::{JobWrite, Operation};
use crate::script_host::JobHost;

/// Most lines of a listing.
const MAX_PAGE: u32 = 100;

/// Answers a call.
pub(crate) async fn call(host: &JobHost, operation: &str, arguments: &Value) -> Result<Value, Failure> {
    let args = Args(arguments);
    let once = once(operation, args).map(|(path, answer)| {
        let name = host.operations.name(&format!("{operation} {path}"));
        Operation { name, answer }
    });
    if let Some(answer) = once.as_ref().and_then(|once| host.operations.answer(&once.name)) {
        return Ok(answer.clone());
    }
    let write = &JobWrite { job: host.job, once };
    match operation.split_once('.') {
        Some(("ScheduleService", method)) => schedule_service::call(host, write, method, args).await,
        Some(("JobService", method)) => job_service::call(host, method, args).await,
        Some(("ScriptService", method)) => script_service::call(host, write, method, args).await,
        Some(("FlowService", method)) => flow_service::call(host, write, method, args).await,
        Some(("VariableService", method)) => values::call(host, write, values::VARIABLE, method, args).await,
        Some(("ResourceService", method)) => values::call(host, write, values::RESOURCE, method, args).await,
        Some(("wmill", "getState")) => values::get_state(host, args).await,
        Some(("wmill", "setState")) => values::set_state(host, write, args).await,
        Some(("wmill", "waitJob")) => job_service::wait(host, args).await,
        _ => Err(unknown(operation)),
    }
}

/// The path and the answer of an operation that succeeds only once: a second time it finds that the
/// thing is there already, or is gone. None: the operation may be repeated.
fn once<'a>(operation: &str, args: Args<'a>) -> Option<(&'a str, Value)> {
    let (_, method) = operation.split_once('.')?;
    if !["create", "delete", "archive"].iter().any(|once| method.starts_with(once)) {
        return None;
    }
    let body = args.body().ok();
    let path = body.and_then(|body| body.optional_text("path")).or_else(|| args.optional_text("path"))?;
    let answer = match operation {
        "ScriptService.createScript" => script_service::created(body?).ok()?,
        _ => json!(path),
    };
    Some((path, answer))
}

fn unknown(operation: &str) -> Failure {
    let operation: String = operation.chars().take(80).collect();
    Failure::not_found(format!("{operation} is not available to scripts here"))
}

/// The argument object of a call.
#[derive(Clone, Copy)]
struct Args<'a>(&'a Value);

impl<'a> Args<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn value(self, name: &str) -> Value {
        self.get(name).cloned().unwrap_or_default()
    }

    fn text(self, name: &str) -> Result<&'a str, Failure> {
        self.optional_text(name).ok_or_else(|| Failure::invalid(format!("missing field `{name}`")))
    }

    fn optional_text(self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str)
    }

    fn flag(self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    fn body(self) -> Result<Self, Failure> {
        self.get("requestBody").map(Self).ok_or_else(|| Failure::invalid("missing field `requestBody`"))
    }

    fn job(self) -> Result<JobId, Failure> {
        self.text("id")?.parse().map_err(|_| Failure::invalid("UUID parsing failed: `id` is no job id"))
    }

    /// A moment, as RFC 3339.
    fn moment_ms(self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.optional_text(name) else { return Ok(None) };
        let at = chrono::DateTime::parse_from_rfc3339(text)
            .map_err(|error| Failure::invalid(format!("`{name}` is no time such as 2026-11-24T09:00:00Z: {error}")))?;
        Ok(Some(at.timestamp_millis()))
    }

    fn limit(self) -> u32 {
        let asked = self.get("perPage").and_then(Value::as_u64).unwrap_or(30);
        u32::try_from(asked).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE)
    }
}

fn engine(host: &JobHost, write: &JobWrite) -> EmbeddedEngine {
    EmbeddedEngine::of(host.inner.clone(), write.clone())
}

fn object(value: Value) -> Value {
    if value.is_null() { json!({}) } else { value }
}

fn rfc3339(at_ms: i64) -> String {
    chrono::DateTime::<chrono::Utc>::from_timestamp_millis(at_ms).map(|at| at.to_rfc3339()).unwrap_or_default()
}

async fn list(host: &JobHost, kind: ItemKind, args: Args<'_>) -> Result<Value, Failure> {
    let prefix = args.optional_text("pathStart").unwrap_or_default();
    let Page { items, .. } = items::list(&host.inner, &host.owner, kind, prefix, args.limit(), None).await?;
    Ok(items.into_iter().map(|item| json!({ "path": item.path, "summary": item.summary })).collect())
}

async fn remove(host: &JobHost, write: &JobWrite, kind: ItemKind, args: Args<'_>) -> Result<Value, Failure> {
    let path = args.text("path")?;
    if engine(host, write).delete(&host.owner, kind, path).await? {
        Ok(json!(path))
    } else {
        Err(Failure::not_found(format!("there is nothing at `{path}`")))
    }
}
