//! One job, from its queue to its end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use openanalyst_domain::{Failure, JobStatus, Owner, Place, Receipt};
use openanalyst_runtime::{CallError, Interrupted, LogLine, ScriptCall, ScriptError, ScriptRunner};
use openanalyst_store::StoreError;
use openanalyst_store::jobs::{JobEnd, JobRow};
use openanalyst_worker_pool::Priority;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::dispatch::priority;
use crate::embedded::{EngineError, Inner, store_failure};
use crate::engine::{Item, ItemKind, JobProgress};
use crate::flows;
use crate::job_writes::Operations;
use crate::outbox::Outbox;
use crate::script_host::{JobHost, NoHost};

/// Most bytes of a job's log.
const MAX_LOG_BYTES: usize = 256 << 10;
/// Most bytes of a result, as on a Windmill server.
const MAX_RESULT_BYTES: usize = 2 << 20;
/// How long a job waits for the script runner before it says so. From the cache it takes some milliseconds.
const SAY_AFTER: Duration = Duration::from_millis(500);
/// How long the engine waits before it reaches for the record again: to run a job whose record
/// could not be reached, or to write the end of one.
const RECORD_RETRY: Duration = Duration::from_secs(2);

/// How often a job is taken up after the process ended without notice: one that ends the process by
/// itself must not end every process to come.
const MAX_TAKE_UPS: i64 = 3;

/// Why a job has no result yet.
pub(crate) enum Unfinished {
    /// The host shuts down, or the job had ended before. Its record says where it stands.
    Left,
    /// The record could not be reached: the job is run again from its start, as after a crash.
    Interrupted(String),
}

impl From<Interrupted> for Unfinished {
    fn from(Interrupted(detail): Interrupted) -> Self {
        Self::Interrupted(detail)
    }
}

/// How a job ended.
pub(crate) struct Ended {
    pub(crate) status: JobStatus,
    pub(crate) result: Value,
    pub(crate) logs: Vec<LogLine>,
    /// What each run of the script runner used: one for a script, several for a flow.
    pub(crate) receipts: Vec<Receipt>,
    /// What steps of a flow left behind that are no jobs of their own.
    pub(crate) outbox: Outbox,
}

impl Ended {
    pub(crate) fn done(result: Value) -> Self {
        Self { status: JobStatus::Done, result, logs: Vec::new(), receipts: Vec::new(), outbox: Outbox::default() }
    }

    pub(crate) fn failed(name: &str, message: impl Into<String>) -> Self {
        Self {
            status: JobStatus::Failed,
            result: json!({ "error": { "name": name, "message": message.into() } }),
            logs: Vec::new(),
            receipts: Vec::new(),
            outbox: Outbox::default(),
        }
    }

    /// The end of a job that met a failure.
    ///
    /// # Errors
    /// The record could not be reached, which is no end.
    pub(crate) fn of_failure(failure: &Failure) -> Result<Self, Interrupted> {
        let name = match failure {
            Failure::Interrupted { detail } => return Err(Interrupted(detail.clone())),
            Failure::Invalid { .. } => "InvalidInput",
            Failure::NotFound { .. } => "NotFound",
            other => other.code(),
        };
        Ok(Self::failed(name, failure.to_string()))
    }

    pub(crate) fn cancelled(owner: &Owner, reason: &str) -> Self {
        Self {
            status: JobStatus::Cancelled,
            result: cancelled_result(owner, reason),
            logs: Vec::new(),
            receipts: Vec::new(),
            outbox: Outbox::default(),
        }
    }
}

/// The result of a cancelled job, as a Windmill server words it.
pub(crate) fn cancelled_result(owner: &Owner, reason: &str) -> Value {
    json!({ "error": { "name": "Canceled", "reason": reason, "message": format!("Job canceled: {reason}"), "canceler": owner.user } })
}

/// Takes up the open jobs of processes that are gone.
pub(crate) async fn take_over(inner: &Arc<Inner>) -> Result<(), StoreError> {
    let open = inner.store.open_jobs_of_all_tenants().await?;
    let own = inner.node.to_string();
    let theirs = |node: Option<&str>| node.is_some_and(|node| node != own);
    if open.iter().any(|job| theirs(job.node.as_deref())) {
        // After the jobs were read: a node that has one was there before.
        inner.nodes.look().await?;
    }
    for open in open {
        let alive = theirs(open.node.as_deref()) && inner.nodes.is_alive(open.node.as_deref().unwrap_or_default());
        if alive || inner.active().contains_key(&open.id) || inner.later.has(open.id) {
            continue;
        }
        if let Some(row) = inner.store.job(&open.owner, open.id).await? {
            inner.take(row);
        }
    }
    Ok(())
}

/// Runs a job to its end.
pub(crate) async fn run(inner: Arc<Inner>, row: Arc<JobRow>, cancel: CancellationToken) {
    // A job may wait for its time for days, and thousands of them: what comes after is made only then.
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        () = inner.closing.cancelled() => return,
        () = inner.clock.sleep_until(row.scheduled_for_ms) => {}
    }
    Box::pin(async move {
        let mut row = row;
        loop {
            match work(&inner, &row, &cancel).await {
                Ok(ended) => return write_end(&inner, &row, ended).await,
                Err(Unfinished::Left) => return,
                Err(Unfinished::Interrupted(reason)) => {
                    tracing::warn!(job = %row.id, reason, "a job is run again once its record can be reached");
                }
            }
            match read_again(&inner, &row).await {
                Some(now) => row = now,
                None => return,
            }
        }
    })
    .await;
}

/// Says that the job was left in order, as far as the record can be reached: it ended no process.
pub(crate) async fn leave(inner: &Inner, row: &JobRow) {
    let left = async {
        let mut tx = inner.store.begin(&row.owner).await?;
        tx.leave_job(row.id, &inner.node.to_string()).await?;
        tx.commit().await
    };
    if let Err(error) = left.await {
        tracing::warn!(job = %row.id, %error, "that a job was left could not be written: the next start runs it again all the same");
    }
}

/// Why a job is not run again: it may be what ended the process each time.
fn ended_the_host(row: &JobRow) -> Ended {
    let ends = row.take_ups + 1;
    tracing::error!(
        job = %row.id,
        tenant = %row.owner.tenant,
        path = row.path,
        ends,
        "the host ended several times while it ran this job: the job fails now; look into what the log says before each start"
    );
    let message = format!(
        "the host ended {ends} times while it ran this job, so it is not run again: give it less to do at once, \
         or ask the operator, who finds the job in the log"
    );
    Ended::failed("HostEnded", message)
}

/// The job as its record has it, as soon as that can be read. None: the job has ended or is another
/// process's, or the host shuts down.
async fn read_again(inner: &Inner, row: &JobRow) -> Option<Arc<JobRow>> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RECORD_RETRY) => {}
            () = inner.closing.cancelled() => return None,
        }
        match inner.store.job(&row.owner, row.id).await {
            Ok(now) => {
                let now = now.filter(|now| !now.status.is_final())?;
                let own = inner.node.to_string();
                // Another process may have taken it while this one seemed dead.
                let is_own = now.node.as_deref() == Some(own.as_str());
                let moved = !is_own && (inner.is_begun(row) || now.node != row.node);
                return (!moved).then(|| Arc::new(now));
            }
            Err(error) => tracing::warn!(job = %row.id, %error, "the record of a job cannot be read now"),
        }
    }
}

/// Ends a job during which this program panicked.
pub(crate) async fn crashed(inner: &Inner, row: &JobRow) {
    tracing::error!(job = %row.id, path = row.path, "the engine panicked in a job: this is a fault of the host");
    write_end(inner, row, Ended::failed("InternalError", "the workflow engine failed in this job: see the host's log"))
        .await;
}

/// Runs the job as far as it gets.
async fn work(inner: &Arc<Inner>, row: &JobRow, cancel: &CancellationToken) -> Result<Ended, Unfinished> {
    let cancelled = || {
        let active = inner.active();
        let reason = active.get(&row.id).and_then(|job| job.reason.clone());
        Ended::cancelled(&row.owner, reason.as_deref().unwrap_or("cancelled"))
    };
    if cancel.is_cancelled() {
        return Ok(cancelled());
    }
    if row.take_ups >= MAX_TAKE_UPS {
        return Ok(ended_the_host(row));
    }
    let _living = if row.is_flow || row.parent.is_some() {
        None
    } else {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(cancelled()),
            () = inner.closing.cancelled() => return Err(Unfinished::Left),
            living = inner.place_to_live(&row.owner, priority(row)) => Some(living.ok_or(Unfinished::Left)?),
        }
    };
    // A flow only waits for its steps, each of which takes a place of its own.
    let place = if row.is_flow {
        None
    } else {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(cancelled()),
            () = inner.closing.cancelled() => return Err(Unfinished::Left),
            place = inner.place(&row.owner, priority(row)) => Some(place.ok_or(Unfinished::Left)?),
        }
    };
    if inner.is_parent_cancelled(row).await {
        return Ok(Ended::cancelled(&row.owner, "the job that started it was cancelled"));
    }
    let operations = match begin(inner, row).await {
        Ok(Some(operations)) => Arc::new(operations),
        Ok(None) => return Err(Unfinished::Left),
        Err(error) => {
            tracing::error!(job = %row.id, %error, "a job cannot be started now");
            return Ok(Ended::of_failure(&store_failure(&error))?);
        }
    };
    let ended = match place {
        Some(place) => {
            // The compiler may take long. A host that shuts down meanwhile leaves the job to the next start.
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(cancelled()),
                () = inner.closing.cancelled() => {
                    leave(inner, row).await;
                    return Err(Unfinished::Left);
                }
                loaded = runner_for(inner, row) => {
                    if let Err(error) = loaded {
                        return Ok(Ended::failed("InternalError", error.to_string()));
                    }
                }
            }
            run_script(inner, row, cancel, place, operations).await?
        }
        None => flows::run(inner, row, cancel, operations).await?,
    };
    if ended.status != JobStatus::Cancelled {
        return Ok(ended);
    }
    Ok(Ended { result: cancelled().result, ..ended })
}

/// Takes the job for this node, with what its earlier runs did. None: another node has it.
async fn begin(inner: &Inner, row: &JobRow) -> Result<Option<Operations>, StoreError> {
    let mut tx = inner.store.begin(&row.owner).await?;
    let begun = tx.start_job(row.id, &inner.node.to_string(), row.node.as_deref(), inner.clock.now_ms()).await?;
    if !begun {
        return Ok(None);
    }
    let done = tx.operations_of_job(row.id).await?;
    tx.commit().await?;
    if let Some(active) = inner.active().get_mut(&row.id) {
        active.is_begun = true;
    }
    Ok(Some(Operations::new(done)))
}

async fn run_script(
    inner: &Arc<Inner>,
    row: &JobRow,
    cancel: &CancellationToken,
    place: Place,
    operations: Arc<Operations>,
) -> Result<Ended, Interrupted> {
    let source = match inner.source(&row.owner, &row.path).await {
        Ok(Some(source)) => source,
        Ok(None) => return Ok(Ended::failed("NotFound", format!("there is no script at `{}` any more", row.path))),
        Err(error) => return Ended::of_failure(&store_failure(&error)),
    };
    run_source(inner, row, cancel, place, operations, source, row.args.clone()).await
}

/// Runs a source under a job's name.
///
/// # Errors
/// The record could not be reached while it ran.
pub(crate) async fn run_source(
    inner: &Arc<Inner>,
    row: &JobRow,
    cancel: &CancellationToken,
    place: Place,
    operations: Arc<Operations>,
    source: String,
    arguments: Value,
) -> Result<Ended, Interrupted> {
    let runner = match cancel.run_until_cancelled(runner_for(inner, row)).await {
        Some(Ok(runner)) => runner,
        Some(Err(error)) => return Ok(Ended::failed("InternalError", error.to_string())),
        None => return Ok(Ended::cancelled(&row.owner, "cancelled")),
    };
    let script = ScriptCall {
        owner: row.owner.clone(),
        budget: inner.budget.clone(),
        cancel: cancel.clone(),
        path: row.path.clone(),
        source,
        arguments,
        environment: environment(row),
        host: Arc::new(JobHost::new(inner.clone(), row, operations, place)),
    };
    let invocation = inner.sandbox.run_script(runner, script).await;
    let (status, result) = match invocation.result {
        Ok(Ok(value)) => (JobStatus::Done, value),
        Ok(Err(error)) => (JobStatus::Failed, error_result(error)),
        Err(CallError::Interrupted(interrupted)) => return Err(interrupted),
        Err(CallError::Cancelled) => (JobStatus::Cancelled, Value::Null),
        Err(CallError::Limit { reason, detail }) => (JobStatus::Failed, named(reason.code(), &detail)),
        // The words of a trap help nobody who reads the result; they stand in the job's logs.
        Err(CallError::Trap { .. }) => {
            let message =
                "the script crashed: a fault in what it does to its runner stopped it; the job's logs say where";
            (JobStatus::Failed, named("Trap", message))
        }
        Err(error) => (JobStatus::Failed, named("InternalError", &error.as_failure().to_string())),
    };
    let (logs, receipts) = (invocation.logs, vec![invocation.receipt]);
    Ok(Ended { status, result, logs, receipts, outbox: Outbox::default() })
}

/// The script runner. A job that waits for its compiler says so in its progress.
async fn runner_for<'a>(inner: &'a Inner, row: &JobRow) -> Result<&'a ScriptRunner, EngineError> {
    let mut loading = pin!(inner.runner());
    if let Ok(loaded) = tokio::time::timeout(SAY_AFTER, loading.as_mut()).await {
        return loaded;
    }
    let say = |progress: JobProgress| {
        inner.active().get(&row.id).map(|active| active.progress.send_replace(progress)).unwrap_or_default()
    };
    let message = Some("preparing the script runner, which is compiled once and then kept".to_owned());
    let percent = inner.active().get(&row.id).and_then(|active| active.progress.borrow().percent);
    let before = say(JobProgress { message, percent });
    let loaded = loading.await;
    say(before);
    loaded
}

fn named(name: &str, message: &str) -> Value {
    json!({ "error": { "name": name, "message": message } })
}

fn error_result(error: ScriptError) -> Value {
    let mut result = named(&error.name, &error.message);
    if let Some(stack) = error.stack {
        result["error"]["stack"] = json!(stack);
    }
    if let Some(line) = error.line {
        result["error"]["line"] = json!(line);
    }
    result
}

/// Where a script keeps its state: one place for each user and script, however long the script's path is.
fn state_path(owner: &Owner, path: &str) -> String {
    let state = format!("{}/state/{}", owner.user.folder(), path.replace('/', "_"));
    if openanalyst_package::glob::is_path(&state) {
        return state;
    }
    format!("{}/state/{}", owner.user.folder(), Uuid::new_v5(&Uuid::NAMESPACE_URL, path.as_bytes()).simple())
}

/// A moment as Windmill writes it.
fn rfc3339(at_ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(at_ms).map(|at| at.to_rfc3339()).unwrap_or_default()
}

/// What Windmill tells a script of itself. There is no token: the client's calls go to the host directly.
fn environment(row: &JobRow) -> Vec<(String, String)> {
    let state = state_path(&row.owner, &row.path);
    [
        ("WM_WORKSPACE", row.owner.tenant.to_string()),
        ("WM_USERNAME", row.owner.user.to_string()),
        ("WM_PERMISSIONED_AS", row.owner.user.folder()),
        ("WM_JOB_ID", row.id.to_string()),
        ("WM_JOB_PATH", row.path.clone()),
        ("WM_SCHEDULED_FOR", rfc3339(row.due_at_ms.unwrap_or(row.scheduled_for_ms))),
        ("WM_SCHEDULE_PATH", row.schedule_path.clone().unwrap_or_default()),
        ("WM_STATE_PATH", state.clone()),
        ("WM_STATE_PATH_NEW", state),
        ("WM_TOKEN", String::new()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Writes the end of a job with all that it leaves behind, in one transaction. Tries again until it is written or the host shuts down.
async fn write_end(inner: &Inner, row: &JobRow, mut ended: Ended) {
    let size = ended.result.to_string().len();
    if size > MAX_RESULT_BYTES {
        let message = format!("the result has {size} bytes and {MAX_RESULT_BYTES} is the limit");
        ended = Ended { result: named("output-too-large", &message), status: JobStatus::Failed, ..ended };
    }
    let last = Outbox::take(&mut ended.result);
    ended.outbox.append(last);
    let logs = log_text(&ended.logs);
    loop {
        match try_write_end(inner, row, &ended, &logs).await {
            Ok(notifications) => {
                for notification in notifications {
                    (inner.on_notification)(row.owner.clone(), notification);
                }
                return;
            }
            Err(error) => {
                tracing::error!(job = %row.id, %error, "the end of a job cannot be written now: it is tried again")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RECORD_RETRY) => {}
            () = inner.closing.cancelled() => return,
        }
    }
}

async fn try_write_end(
    inner: &Inner,
    row: &JobRow,
    ended: &Ended,
    logs: &str,
) -> Result<Vec<openanalyst_store::notifications::Notification>, StoreError> {
    let now_ms = inner.clock.now_ms();
    let mut tx = inner.store.begin(&row.owner).await?;
    let reason = ended.result.pointer("/error/reason").and_then(Value::as_str);
    let reason = reason.filter(|_| ended.status == JobStatus::Cancelled);
    // Until it begins here, the record names the node that had it before.
    let node = inner.node.to_string();
    let by = row.node.as_deref().filter(|_| !inner.is_begun(row)).unwrap_or(&node);
    let end = JobEnd { status: ended.status, result: &ended.result, logs, cancel_reason: reason };
    if !tx.end_job(row.id, &end, Some(by), now_ms).await? {
        return Ok(Vec::new());
    }
    let notifications = ended.outbox.write(&mut tx, &row.owner, row.id, row.task, now_ms);
    // The log belongs to the job; with the first receipt it stands where the logs of skills stand.
    let mut lines = serde_json::to_value(&ended.logs).unwrap_or_default();
    for receipt in &ended.receipts {
        tx.keep_receipt(&row.owner, row.task, Some(row.id), receipt, &lines, now_ms);
        lines = json!([]);
    }
    tx.commit().await?;
    Ok(notifications)
}

fn log_text(lines: &[LogLine]) -> String {
    let mut text = String::new();
    for line in lines {
        if text.len() + line.message.len() + 1 > MAX_LOG_BYTES {
            text.push_str("[the rest of the log was dropped]\n");
            break;
        }
        text.push_str(&line.message);
        text.push('\n');
    }
    text
}

/// Checks that a script is in a language that runs here.
pub(crate) fn check_language(language: Option<&str>) -> Result<(), Failure> {
    match language {
        None | Some("bun" | "bunnative" | "nativets" | "deno") => Ok(()),
        Some(other) => {
            let other: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
            Err(Failure::invalid(format!(
                "the embedded engine runs TypeScript (`bun`), not `{other}`: write the script in TypeScript, or connect a Windmill server"
            )))
        }
    }
}

/// Checks that a source parses and has a `main`.
pub(crate) async fn check_source(inner: &Inner, owner: &Owner, path: &str, source: &str) -> Result<(), Failure> {
    let runner = inner.runner().await.map_err(|error| Failure::unavailable(error.to_string()))?;
    let script = ScriptCall {
        owner: owner.clone(),
        budget: inner.budget.clone(),
        cancel: CancellationToken::new(),
        path: path.to_owned(),
        source: source.to_owned(),
        arguments: Value::Null,
        environment: Vec::new(),
        host: Arc::new(NoHost),
    };
    let (sandbox, runner) = (inner.sandbox.clone(), runner.clone());
    let check = async move { sandbox.check_script(&runner, script).await };
    let checked = inner.pool.run(owner, Priority::Interactive, check).await;
    let checked = checked.map_err(|error| Failure::failed(format!("checking `{path}`: {error}")))?;
    match checked.result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let line = error.line.map(|line| format!(" in line {line}")).unwrap_or_default();
            Err(Failure::invalid(format!("the script `{path}` has an error{line}: {}: {}", error.name, error.message)))
        }
        Err(error) => Err(error.as_failure()),
    }
}

/// A job in a listing.
pub(crate) fn item(row: JobRow) -> Item {
    Item {
        kind: ItemKind::Job,
        path: row.id.to_string(),
        summary: row.path.clone(),
        updated_at_ms: row.created_at_ms,
        details: json!({
            "script_path": row.path, "status": row.status, "created_at_ms": row.created_at_ms, "scheduled_for_ms": row.scheduled_for_ms,
            "started_at_ms": row.started_at_ms, "ended_at_ms": row.ended_at_ms, "schedule_path": row.schedule_path,
            "success": row.status == JobStatus::Done,
        }),
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    #[test]
    fn every_script_has_a_place_for_its_state() {
        let ada = Owner::new(TenantId::parse("t").unwrap(), UserId::parse("ada").unwrap());
        assert_eq!(state_path(&ada, "f/team/report"), "u/ada/state/f_team_report");
        let long = format!("f/team/{}", "x".repeat(248));
        assert!(openanalyst_package::glob::is_path(&state_path(&ada, &long)));
        assert_ne!(state_path(&ada, &long), state_path(&ada, &long.replace("team", "meat")));
    }
}
