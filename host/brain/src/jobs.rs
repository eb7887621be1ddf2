//! Steps that are jobs of the workflow engine: started once by their journaled id, watched, awaited, cancelled with the task.

use openanalyst_domain::{EventKind, Failure, JobId, JobStatus, LimitReason};
use openanalyst_runtime::Waits;
use openanalyst_store::tasks::NewEvent;
use openanalyst_workflow::{JobState, StartJob};
use serde_json::{Value, json};

use crate::steps::{AttemptResult, Feedback, StepAttempt};
use crate::work::{Interrupt, TaskExecution};

/// Most progress events that one job writes into the record; what comes after is dropped.
const MAX_PROGRESS_EVENTS: u32 = 100;
/// Names of errors that say that the arguments are wrong: the same arguments would fail again.
const FINAL_ERRORS: [&str; 3] = ["InvalidInput", "InvalidArgument", "ValidationError"];

impl TaskExecution {
    /// Runs a script or flow as the job `id`, or awaits it where it had been started before.
    pub(crate) async fn run_job(
        &mut self,
        current: StepAttempt<'_>,
        id: JobId,
        is_flow: bool,
        path: &str,
        arguments: Value,
        feedback: &Feedback,
    ) -> Result<AttemptResult, Interrupt> {
        let start = StartJob {
            id,
            is_flow,
            path: path.to_owned(),
            args: with_feedback(arguments, feedback),
            scheduled_for_ms: None,
            task: Some(self.task.id),
        };
        let engine = self.brain.workflow.clone();
        if let Err(failure) = engine.start(self.owner(), start).await {
            return Ok(AttemptResult {
                job_status: Some(JobStatus::Failed.to_string()),
                ..AttemptResult::outcome_of(failure)?
            });
        }
        match self.await_job(current, id).await? {
            Ok(state) => Ok(tried(state)),
            // Whoever takes the task up again awaits the same job.
            Err(failure) => AttemptResult::outcome_of(failure),
        }
    }

    async fn await_job(&mut self, current: StepAttempt<'_>, id: JobId) -> Result<Result<JobState, Failure>, Interrupt> {
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
                    return Err(Interrupt::Finished(self.cancelled()));
                }
                () = &mut quiet => {
                    return Err(Interrupt::Suspend(Waits { job: id.to_string(), until_ms: None }));
                }
                changed = progress.changed(), if watching => {
                    quiet.as_mut().reset(tokio::time::Instant::now() + self.brain.settings.park_after);
                    let latest = progress.borrow_and_update().clone();
                    watching = changed.is_ok() && written < MAX_PROGRESS_EVENTS;
                    if watching && (latest.percent.is_some() || latest.message.is_some()) {
                        let said = json!({ "message": latest.message, "percent": latest.percent, "jobId": id });
                        self.progress(current, &said).await?;
                        written += 1;
                    }
                }
            }
        }
    }

    pub(crate) async fn progress(&self, current: StepAttempt<'_>, said: &Value) -> Result<(), Interrupt> {
        let events = vec![NewEvent::new(EventKind::Progress, current.event_with(said))];
        let mut batch = self.record.begin().await?;
        batch.append(events).await?;
        batch.commit().await?;
        Ok(())
    }
}

/// A script that is tried again may want to know what was wrong, and what was learned; one that does not name the parameters never sees them.
fn with_feedback(mut arguments: Value, feedback: &Feedback) -> Value {
    if let Some(arguments) = arguments.as_object_mut() {
        if !feedback.differences.is_empty() {
            arguments.entry("differences").or_insert_with(|| json!(feedback.differences));
        }
        if let Some(learning) = &feedback.learning {
            arguments.entry("learning").or_insert_with(|| json!(learning));
        }
    }
    arguments
}

fn tried(state: JobState) -> AttemptResult {
    let failure = match state.status {
        JobStatus::Done => None,
        JobStatus::Cancelled => Some(Failure::failed("the job was cancelled from outside")),
        _ => Some(failure_of(state.result.as_ref())),
    };
    let output = if failure.is_none() { state.result.unwrap_or_default() } else { Value::Null };
    AttemptResult {
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
        let feedback = Feedback {
            differences: vec!["too long".to_owned()],
            learning: Some("be brief".to_owned()),
            ..Feedback::default()
        };
        assert_eq!(with_feedback(json!({"a": 1}), &Feedback::default()), json!({"a": 1}));
        let both = json!({"a": 1, "differences": ["too long"], "learning": "be brief"});
        assert_eq!(with_feedback(json!({"a": 1}), &feedback), both);
        let own = json!({"differences": 5, "learning": "x"});
        assert_eq!(with_feedback(own.clone(), &feedback), own);
    }
}
