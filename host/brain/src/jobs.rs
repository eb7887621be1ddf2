//! Steps that are jobs of the workflow engine: started once by their journaled id, watched, awaited, cancelled with the task.

use openanalyst_domain::{EventKind, Failure, JobId, JobStatus, LimitReason};
use openanalyst_runtime::Waits;
use openanalyst_store::tasks::NewEvent;
use openanalyst_workflow::{JobState, StartJob};
use serde_json::{Value, json};

use crate::steps::{Place, Told, Tried};
use crate::work::{Stop, Work};

/// Most progress events that one job writes into the record; what comes after is dropped.
const MAX_PROGRESS_EVENTS: u32 = 100;
/// Names of errors that say that the arguments are wrong: the same arguments would fail again.
const FINAL_ERRORS: [&str; 3] = ["InvalidInput", "InvalidArgument", "ValidationError"];

impl Work {
    /// Runs a script or flow as the job `id`, or awaits it where it had been started before.
    pub(crate) async fn run_job(
        &mut self,
        place: Place<'_>,
        id: JobId,
        is_flow: bool,
        path: &str,
        arguments: Value,
        told: &Told,
    ) -> Result<Tried, Stop> {
        let start = StartJob {
            id,
            is_flow,
            path: path.to_owned(),
            args: with_told(arguments, told),
            scheduled_for_ms: None,
            task: Some(self.task.id),
        };
        let engine = self.brain.workflow.clone();
        if let Err(failure) = engine.start(self.owner(), start).await {
            return Ok(Tried { job_status: Some(JobStatus::Failed.to_string()), ..Tried::outcome_of(failure)? });
        }
        match self.await_job(place, id).await? {
            Ok(state) => Ok(tried(state)),
            // Whoever takes the task up again awaits the same job.
            Err(failure) => Tried::outcome_of(failure),
        }
    }

    async fn await_job(&mut self, place: Place<'_>, id: JobId) -> Result<Result<JobState, Failure>, Stop> {
        let engine = self.brain.workflow.clone();
        let owner = self.owner().clone();
        let mut progress = engine.watch(id);
        let mut written = 0;
        let mut watching = true;
        let wait = engine.wait(&owner, id, None);
        tokio::pin!(wait);
        let quiet = tokio::time::sleep(self.brain.settings.park_after);
        tokio::pin!(quiet);
        loop {
            tokio::select! {
                biased;
                state = &mut wait => return Ok(state),
                () = self.cancel.cancelled() => {
                    let reason = self.brain.cancel_reason(self.task.id);
                    self.brain.cancel_job(&owner, id, &reason).await;
                    return Err(Stop::End(self.cancelled()));
                }
                () = &mut quiet => {
                    return Err(Stop::Waits(Waits { job: id.to_string(), until_ms: None }));
                }
                changed = progress.changed(), if watching => {
                    quiet.as_mut().reset(tokio::time::Instant::now() + self.brain.settings.park_after);
                    let current = progress.borrow_and_update().clone();
                    watching = changed.is_ok() && written < MAX_PROGRESS_EVENTS;
                    if watching && (current.percent.is_some() || current.message.is_some()) {
                        let said = json!({ "message": current.message, "percent": current.percent, "jobId": id });
                        self.progress(place, &said).await?;
                        written += 1;
                    }
                }
            }
        }
    }

    pub(crate) async fn progress(&self, place: Place<'_>, said: &Value) -> Result<(), Stop> {
        let events = vec![NewEvent::new(EventKind::Progress, place.event_with(said))];
        let mut writing = self.record.begin().await?;
        writing.append(events).await?;
        writing.commit().await?;
        Ok(())
    }
}

/// A script that is tried again may want to know what was wrong, and what was learned; one that does not name the parameters never sees them.
fn with_told(mut arguments: Value, told: &Told) -> Value {
    if let Some(arguments) = arguments.as_object_mut() {
        if !told.differences.is_empty() {
            arguments.entry("differences").or_insert_with(|| json!(told.differences));
        }
        if let Some(learning) = &told.learning {
            arguments.entry("learning").or_insert_with(|| json!(learning));
        }
    }
    arguments
}

fn tried(state: JobState) -> Tried {
    let failure = match state.status {
        JobStatus::Done => None,
        JobStatus::Cancelled => Some(Failure::failed("the job was cancelled from outside")),
        _ => Some(failure_of(state.result.as_ref())),
    };
    let output = if failure.is_none() { state.result.unwrap_or_default() } else { Value::Null };
    Tried {
        output,
        failure,
        crashed: false,
        job_status: Some(state.status.to_string()),
        job_duration_ms: state.started_at_ms.zip(state.ended_at_ms).map(|(started, ended)| ended - started),
    }
}

/// The failure of a job from its result, `{"error": {"name", "message"}}`.
fn failure_of(result: Option<&Value>) -> Failure {
    let error = result.and_then(|result| result.get("error"));
    let text = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str);
    let message = text("message").unwrap_or("the job failed without saying why").to_owned();
    let name = text("name").unwrap_or_default();
    if let Some(reason) = LimitReason::ALL.iter().find(|reason| reason.code() == name) {
        return Failure::limit(*reason, message);
    }
    if FINAL_ERRORS.contains(&name) { Failure::invalid(message) } else { Failure::failed(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_job_says_what_kind_of_failure_it_was() {
        let failure = |name: &str| failure_of(Some(&json!({"error": {"name": name, "message": "because"}})));
        assert_eq!(failure("InvalidInput"), Failure::invalid("because"));
        assert_eq!(failure("TypeError"), Failure::failed("because"));
        assert_eq!(failure("cpu-exceeded").code(), "cpu-exceeded");
        assert!(failure_of(None).is_retryable());
    }

    #[test]
    fn differences_never_replace_an_argument() {
        let told =
            Told { differences: vec!["too long".to_owned()], learning: Some("be brief".to_owned()), ..Told::default() };
        assert_eq!(with_told(json!({"a": 1}), &Told::default()), json!({"a": 1}));
        let both = json!({"a": 1, "differences": ["too long"], "learning": "be brief"});
        assert_eq!(with_told(json!({"a": 1}), &told), both);
        let own = json!({"differences": 5, "learning": "x"});
        assert_eq!(with_told(own.clone(), &told), own);
    }
}
