//! `JobService`, and the waiting of `waitJob`.

use std::time::Duration;

use openanalyst_domain::{Failure, JobStatus};
use openanalyst_store::jobs::JobRow;
use serde_json::{Value, json};

use super::{Args, MAX_PAGE, object, rfc3339, unknown};
use crate::embedded::store_failure;
use crate::engine::StartJob;
use crate::script_host::JobHost;

/// The longest that one call waits for a job; the client asks again.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Waits for a job, for a while.
pub(super) async fn wait(host: &JobHost, args: Args<'_>) -> Result<Value, Failure> {
    let state = host.wait(args.job()?, Some(MAX_WAIT)).await?;
    Ok(json!({
        "completed": state.status.is_final(), "success": state.status == JobStatus::Done, "result": state.result,
    }))
}

pub(super) async fn call(host: &JobHost, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let owner = &host.owner;
    match method {
        "runScriptByPath" | "runFlowByPath" | "runWaitResultScriptByPath" | "runWaitResultFlowByPath" => {
            let (path, arguments) = (args.text("path")?, object(args.value("requestBody")));
            let id = match args.optional_text("jobId") {
                Some(id) => id.parse().map_err(|_| Failure::invalid("UUID parsing failed: `jobId`"))?,
                None => host.operations.child(host.job, path, &arguments),
            };
            let now_ms = host.inner.clock.now_ms();
            let in_s = args.get("scheduledInSecs").and_then(Value::as_i64);
            let in_s_ms = in_s.map(|in_s| now_ms.saturating_add(in_s.saturating_mul(1_000)));
            let start = StartJob {
                id,
                is_flow: method.contains("Flow"),
                path: path.to_owned(),
                args: arguments,
                scheduled_for_ms: args.moment_ms("scheduledFor")?.or(in_s_ms),
                task: host.task,
            };
            let id = host.start(start).await?;
            if !method.contains("Wait") {
                return Ok(json!(id));
            }
            let state = host.wait(id, None).await?;
            let result = state.result.unwrap_or_default();
            // A Windmill server answers 422 with the error as JSON.
            if state.status == JobStatus::Done { Ok(result) } else { Err(Failure::failed(result.to_string())) }
        }
        "getJob" | "getCompletedJob" => {
            let row = host.inner.row(owner, args.job()?).await?;
            if method == "getCompletedJob" && !row.status.is_final() {
                return Err(Failure::not_found(format!("completed job {} not found", row.id)));
            }
            Ok(job_object(&row))
        }
        "getJobUpdates" => {
            let row = host.inner.row(owner, args.job()?).await?;
            let offset = args.get("logOffset").and_then(Value::as_u64).and_then(|offset| usize::try_from(offset).ok());
            let new_logs = row.logs.get(offset.unwrap_or(0)..).unwrap_or_default();
            Ok(json!({
                "running": row.status == JobStatus::Running, "completed": row.status.is_final(), "new_logs": new_logs,
                "log_offset": row.logs.len(),
            }))
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
            let prefix =
                args.optional_text("scriptPathExact").or(args.optional_text("scriptPathStart")).unwrap_or_default();
            let rows = host.inner.store.jobs(owner, prefix, None, MAX_PAGE).await;
            let page = rows.map_err(|error| store_failure(&error))?;
            let (rows, is_cut) = (page.rows, page.is_cut);
            let wanted = |row: &JobRow| {
                let done = row.status.is_final();
                let exact = args.optional_text("scriptPathExact").is_none_or(|path| path == row.path);
                let success =
                    args.flag("success").is_none_or(|success| done && success == (row.status == JobStatus::Done));
                let running = args.flag("running").is_none_or(|running| running == (row.status == JobStatus::Running));
                let kind = match method {
                    "listQueue" => !done,
                    "listCompletedJobs" => done,
                    _ => true,
                };
                exact && success && running && kind
            };
            let most = usize::try_from(args.limit()).unwrap_or(usize::MAX);
            let found: Vec<Value> = rows.iter().filter(|row| wanted(row)).take(most).map(job_object).collect();
            if is_cut && found.len() < most {
                return Err(Failure::invalid(format!(
                    "your last jobs have more than 4 MiB together, and {} of them are such: ask for fewer with `perPage`",
                    found.len()
                )));
            }
            Ok(found.into())
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
        "schedule_path": row.schedule_path, "parent_job": row.parent,
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
