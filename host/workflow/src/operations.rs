//! The calls of Windmill's own client, `SERVICE.METHOD` with its argument object, answered by the embedded engine.
//!
//! Shapes and statuses are those of a Windmill server. What a script may do here is what its owner may do; `workspace` in the arguments is ignored.

use std::time::Duration;

use openanalyst_domain::{Failure, JobId, JobStatus};
use openanalyst_store::StoreError;
use openanalyst_store::jobs::JobRow;
use serde_json::{Value, json};

use crate::access;
use crate::cron::Timer;
use crate::embedded::store_failure;
use crate::engine::{ItemKind, NewItem, NewSchedule, Page, StartJob, WorkflowEngine};
use crate::script_host::JobHost;
use crate::{EmbeddedEngine, schedules};

/// The longest that one call waits for a job; the client asks again.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Most lines of a listing.
const MAX_PAGE: u32 = 100;
/// Most bytes of a variable, a resource or a state.
const MAX_VALUE_BYTES: usize = 256 << 10;

/// Answers a call.
pub(crate) async fn call(host: &JobHost, operation: &str, arguments: &Value) -> Result<Value, Failure> {
    let args = Args(arguments);
    match operation.split_once('.') {
        Some(("ScheduleService", method)) => schedule(host, method, args).await,
        Some(("JobService", method)) => job(host, method, args).await,
        Some(("ScriptService", method)) => script(host, method, args).await,
        Some(("FlowService", method)) => flow(host, method, args).await,
        Some(("VariableService", method)) => value(host, "variable", method, args).await,
        Some(("ResourceService", method)) => value(host, "resource", method, args).await,
        Some(("wmill", "getState")) => {
            Ok(read(host, "state", args.text("path")?).await?.map_or(Value::Null, |value| parsed(&value)))
        }
        Some(("wmill", "setState")) => {
            write(host, "state", args.text("path")?, &args.value("value")).await?;
            Ok(Value::Null)
        }
        Some(("wmill", "waitJob")) => {
            let id = args.job()?;
            let state = host.inner.wait(&host.owner, id, Some(MAX_WAIT)).await?;
            Ok(json!({
                "completed": state.status.is_final(), "success": state.status == JobStatus::Done, "result": state.result,
            }))
        }
        _ => Err(unknown(operation)),
    }
}

fn unknown(operation: &str) -> Failure {
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

    fn limit(self) -> u32 {
        let asked = self.get("perPage").and_then(Value::as_u64).unwrap_or(30);
        u32::try_from(asked).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE)
    }
}

fn engine(host: &JobHost) -> EmbeddedEngine {
    EmbeddedEngine::of(host.inner.clone())
}

async fn schedule(host: &JobHost, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let owner = &host.owner;
    let find = async |path: &str| {
        access::readable(owner, path)?;
        host.inner.store.schedule(&owner.tenant, path).await.map_err(|error| store_failure(&error))
    };
    let missing = |path: &str| Failure::not_found(format!("Schedule not found at name {path}"));
    match method {
        "createSchedule" => {
            let body = args.body()?;
            let path = body.text("path")?;
            if find(path).await?.is_some() {
                return Err(Failure::invalid(format!("Schedule already exists at path {path}")));
            }
            let new = NewSchedule {
                path: path.to_owned(),
                summary: body.optional_text("summary").unwrap_or_default().to_owned(),
                cron: body.text("schedule")?.to_owned(),
                time_zone: body.text("timezone")?.to_owned(),
                script_path: body.text("script_path")?.to_owned(),
                is_flow: body.flag("is_flow").ok_or_else(|| Failure::invalid("missing field `is_flow`"))?,
                args: object(body.value("args")),
                enabled: body.flag("enabled").unwrap_or(true),
            };
            schedules::put(&host.inner, owner, new).await?;
            Ok(json!(path))
        }
        "updateSchedule" => {
            let (path, body) = (args.text("path")?, args.body()?);
            let row = find(path).await?.ok_or_else(|| missing(path))?;
            let changed = NewSchedule {
                path: path.to_owned(),
                summary: body.optional_text("summary").map_or(row.summary, str::to_owned),
                cron: body.text("schedule")?.to_owned(),
                time_zone: body.text("timezone")?.to_owned(),
                script_path: row.script_path,
                is_flow: row.is_flow,
                args: object(body.value("args")),
                enabled: row.enabled,
            };
            schedules::put(&host.inner, owner, changed).await?;
            Ok(json!(path))
        }
        "existsSchedule" => Ok(json!(find(args.text("path")?).await?.is_some())),
        "getSchedule" => {
            let path = args.text("path")?;
            find(path).await?.map(|row| schedules::details(&row)).ok_or_else(|| missing(path))
        }
        "listSchedules" => {
            let prefix = args.optional_text("pathStart").or(args.optional_text("path")).unwrap_or_default();
            let page = engine(host).list(owner, ItemKind::Schedule, prefix, args.limit(), None).await?;
            Ok(page.items.into_iter().map(|item| item.details).collect())
        }
        "setScheduleEnabled" => {
            let path = args.text("path")?;
            let enabled = args.body()?.flag("enabled").ok_or_else(|| Failure::invalid("missing field `enabled`"))?;
            if schedules::set_enabled(&host.inner, owner, path, enabled).await? { Ok(json!(path)) } else { Err(missing(path)) }
        }
        "deleteSchedule" => {
            let path = args.text("path")?;
            if engine(host).delete(owner, ItemKind::Schedule, path).await? { Ok(json!(path)) } else { Err(missing(path)) }
        }
        "previewSchedule" => {
            let body = args.body()?;
            let timer = Timer::parse(body.text("schedule")?, body.text("timezone")?)?;
            let mut at = host.inner.clock.now_ms();
            let mut times = Vec::new();
            while let Some(next) = timer.after(at).filter(|_| times.len() < 5) {
                at = next;
                times.push(rfc3339(next));
            }
            Ok(json!(times))
        }
        _ => Err(unknown(method)),
    }
}

fn object(value: Value) -> Value {
    if value.is_null() { json!({}) } else { value }
}

fn rfc3339(at_ms: i64) -> String {
    chrono::DateTime::<chrono::Utc>::from_timestamp_millis(at_ms).map(|at| at.to_rfc3339()).unwrap_or_default()
}

async fn job(host: &JobHost, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let owner = &host.owner;
    match method {
        "runScriptByPath" | "runFlowByPath" | "runWaitResultScriptByPath" | "runWaitResultFlowByPath" => {
            let id = match args.optional_text("jobId") {
                Some(id) => id.parse().map_err(|_| Failure::invalid("UUID parsing failed: `jobId`"))?,
                None => JobId::new(),
            };
            let now_ms = host.inner.clock.now_ms();
            let in_s = args.get("scheduledInSecs").and_then(Value::as_i64);
            let start = StartJob {
                id,
                is_flow: method.contains("Flow"),
                path: args.text("path")?.to_owned(),
                args: object(args.value("requestBody")),
                scheduled_for_ms: in_s.map(|in_s| now_ms.saturating_add(in_s.saturating_mul(1_000))),
                task: host.task,
            };
            let id = host.inner.start(owner, start, Some(host.job)).await?;
            if !method.contains("Wait") {
                return Ok(json!(id));
            }
            let state = host.inner.wait(owner, id, None).await?;
            Ok(state.result.unwrap_or_default())
        }
        "getJob" | "getCompletedJob" => {
            let row = host.inner.row(owner, args.job()?).await?;
            if method == "getCompletedJob" && !row.status.is_final() {
                return Err(Failure::not_found(format!("completed job {} not found", row.id)));
            }
            Ok(job_object(&row))
        }
        "getJobLogs" => Ok(json!(host.inner.row(owner, args.job()?).await?.logs)),
        "getJobProgress" => Ok(json!(host.inner.state(owner, args.job()?).await?.percent)),
        "getCompletedJobResult" => {
            let row = host.inner.row(owner, args.job()?).await?;
            row.result.ok_or_else(|| Failure::not_found(format!("completed job {} not found", row.id)))
        }
        "getCompletedJobResultMaybe" => {
            let row = host.inner.row(owner, args.job()?).await?;
            let (done, success) = (row.status.is_final(), row.status == JobStatus::Done);
            Ok(json!({
                "completed": done, "success": done.then_some(success), "started": row.started_at_ms.is_some(), "result": row.result,
            }))
        }
        "listJobs" | "listQueue" | "listCompletedJobs" => {
            let prefix = args.optional_text("scriptPathExact").or(args.optional_text("scriptPathStart")).unwrap_or_default();
            let rows = host.inner.store.jobs(owner, prefix, None, MAX_PAGE).await;
            let rows = rows.map_err(|error| store_failure(&error))?;
            let wanted = |row: &JobRow| {
                let done = row.status.is_final();
                let exact = args.optional_text("scriptPathExact").is_none_or(|path| path == row.path);
                let success = args.flag("success").is_none_or(|success| done && success == (row.status == JobStatus::Done));
                let running = args.flag("running").is_none_or(|running| running == (row.status == JobStatus::Running));
                let kind = match method {
                    "listQueue" => !done,
                    "listCompletedJobs" => done,
                    _ => true,
                };
                exact && success && running && kind
            };
            let most = usize::try_from(args.limit()).unwrap_or(usize::MAX);
            Ok(rows.iter().filter(|row| wanted(row)).take(most).map(job_object).collect())
        }
        "cancelQueuedJob" => {
            let id = args.job()?;
            let reason = args.get("requestBody").and_then(|body| body.get("reason")).and_then(Value::as_str);
            host.inner.cancel(owner, id, reason.unwrap_or("cancelled by a script")).await?;
            Ok(json!(id))
        }
        _ => Err(unknown(method)),
    }
}

/// A job as a Windmill server shows it.
fn job_object(row: &JobRow) -> Value {
    let mut job = json!({
        "id": row.id, "script_path": row.path, "args": row.args, "created_at": rfc3339(row.created_at_ms),
        "scheduled_for": rfc3339(row.scheduled_for_ms), "started_at": row.started_at_ms.map(rfc3339), "workspace_id": row.owner.tenant,
        "permissioned_as": row.owner.user.folder(), "job_kind": if row.is_flow { "flow" } else { "script" },
        "schedule_path": row.schedule_path,
    });
    let more = if row.status.is_final() {
        json!({
            "type": "CompletedJob", "success": row.status == JobStatus::Done, "canceled": row.status == JobStatus::Cancelled,
            "canceled_reason": row.cancel_reason, "result": row.result, "logs": row.logs,
            "completed_at": row.ended_at_ms.map(rfc3339),
            "duration_ms": row.started_at_ms.zip(row.ended_at_ms).map(|(started, ended)| ended - started),
        })
    } else {
        json!({ "type": "QueuedJob", "running": row.status == JobStatus::Running, "logs": row.logs })
    };
    if let (Some(job), Some(more)) = (job.as_object_mut(), more.as_object()) {
        job.extend(more.clone());
    }
    job
}

async fn script(host: &JobHost, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let owner = &host.owner;
    let find = async |path: &str| {
        access::readable(owner, path)?;
        host.inner.source(owner, path).await.map_err(|error| store_failure(&error))
    };
    match method {
        "existsScriptByPath" => Ok(json!(find(args.text("path")?).await?.is_some())),
        "getScriptByPath" => {
            let path = args.text("path")?;
            let source = find(path).await?.ok_or_else(|| Failure::not_found(format!("Script not found at path {path}")))?;
            Ok(json!({ "path": path, "content": source, "language": "bun", "archived": false }))
        }
        "createScript" => {
            let body = args.body()?;
            let item = NewItem {
                path: body.text("path")?.to_owned(),
                summary: body.text("summary")?.to_owned(),
                language: Some(body.text("language")?.to_owned()),
                value: body.text("content")?.to_owned(),
            };
            let path = item.path.clone();
            engine(host).put_script(owner, item).await?;
            Ok(json!(path))
        }
        "listScripts" => list(host, ItemKind::Script, args).await,
        "archiveScriptByPath" | "deleteScriptByPath" => remove(host, ItemKind::Script, args).await,
        _ => Err(unknown(method)),
    }
}

async fn flow(host: &JobHost, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let owner = &host.owner;
    let find = async |path: &str| {
        access::readable(owner, path)?;
        host.inner.store.item(&owner.tenant, "flow", path).await.map_err(|error| store_failure(&error))
    };
    match method {
        "existsFlowByPath" => Ok(json!(find(args.text("path")?).await?.is_some())),
        "getFlowByPath" => {
            let path = args.text("path")?;
            let item = find(path).await?.ok_or_else(|| Failure::not_found(format!("Flow not found at path {path}")))?;
            Ok(json!({ "path": path, "summary": item.summary, "value": parsed(&item.value) }))
        }
        "createFlow" | "updateFlow" => {
            let body = args.body()?;
            let path = body.optional_text("path").or(args.optional_text("path"));
            let path = path.ok_or_else(|| Failure::invalid("missing field `path`"))?;
            if method == "createFlow" && find(path).await?.is_some() {
                return Err(Failure::invalid(format!("Flow {path} already exists")));
            }
            let item = NewItem {
                path: path.to_owned(),
                summary: body.text("summary")?.to_owned(),
                language: None,
                value: body.value("value").to_string(),
            };
            engine(host).put_flow(owner, item).await?;
            Ok(json!(path))
        }
        "listFlows" => list(host, ItemKind::Flow, args).await,
        "archiveFlowByPath" | "deleteFlowByPath" => remove(host, ItemKind::Flow, args).await,
        _ => Err(unknown(method)),
    }
}

async fn list(host: &JobHost, kind: ItemKind, args: Args<'_>) -> Result<Value, Failure> {
    let prefix = args.optional_text("pathStart").unwrap_or_default();
    let Page { items, .. } = engine(host).list(&host.owner, kind, prefix, args.limit(), None).await?;
    Ok(items.into_iter().map(|item| json!({ "path": item.path, "summary": item.summary })).collect())
}

async fn remove(host: &JobHost, kind: ItemKind, args: Args<'_>) -> Result<Value, Failure> {
    let path = args.text("path")?;
    if engine(host).delete(&host.owner, kind, path).await? {
        Ok(json!(path))
    } else {
        Err(Failure::not_found(format!("there is nothing at `{path}`")))
    }
}

/// Variables and resources.
async fn value(host: &JobHost, kind: &str, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let missing = |path: &str| Failure::not_found(format!("{kind} not found at path {path}"));
    let method = method.replace("Variable", "").replace("Resource", "");
    match method.as_str() {
        "exists" => Ok(json!(read(host, kind, args.text("path")?).await?.is_some())),
        "get" | "getValue" | "getValueInterpolated" => {
            let path = args.text("path")?;
            let value = parsed(&read(host, kind, path).await?.ok_or_else(|| missing(path))?);
            Ok(if method == "get" { json!({ "path": path, "value": value }) } else { value })
        }
        "create" => {
            let body = args.body()?;
            let path = body.text("path")?;
            if read(host, kind, path).await?.is_some() {
                return Err(Failure::invalid(format!("{kind} {path} already exists")));
            }
            write(host, kind, path, &body.value("value")).await?;
            Ok(json!(path))
        }
        "update" | "updateValue" => {
            let path = args.text("path")?;
            read(host, kind, path).await?.ok_or_else(|| missing(path))?;
            write(host, kind, path, &args.body()?.value("value")).await?;
            Ok(json!(path))
        }
        _ => Err(unknown(&method)),
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

async fn read(host: &JobHost, kind: &str, path: &str) -> Result<Option<String>, Failure> {
    access::readable(&host.owner, path)?;
    host.inner.store.value(&host.owner.tenant, kind, path).await.map_err(|error| store_failure(&error))
}

async fn write(host: &JobHost, kind: &str, path: &str, value: &Value) -> Result<(), Failure> {
    access::writable(&host.owner, path)?;
    let text = value.to_string();
    if text.len() > MAX_VALUE_BYTES {
        let length = text.len();
        return Err(Failure::invalid(format!("the {kind} `{path}` has {length} bytes and {MAX_VALUE_BYTES} is the limit")));
    }
    let now_ms = host.inner.clock.now_ms();
    let stored = async {
        let mut tx = host.inner.store.begin().await?;
        tx.put_value(&host.owner, kind, path, &text, now_ms).await?;
        tx.commit().await
    };
    stored.await.map_err(|error: StoreError| store_failure(&error))
}
