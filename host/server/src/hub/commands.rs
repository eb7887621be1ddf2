//! What each incoming message does.

use openanalyst_brain::{Answer, BrainError, NewRequest};
use openanalyst_domain::{MessageId, TaskId};
use serde_json::json;

use super::connection::{Connection, Speaker};
use super::envelope::{Cancel, Command, Header, Incoming, Kind, Request, Resume};
use super::follow::Address;
use super::outbox::Closed;
use crate::problem::Problem;
use crate::requests::new_session;

/// Stands before the idempotency keys of the hub, so that they never meet those of HTTP.
const KEY_PREFIX: &str = "ws:";

impl Connection {
    pub(super) async fn handle(&mut self, incoming: Incoming) -> Result<(), Closed> {
        let Incoming { header, command } = incoming;
        let done = match command {
            Command::Ping => return self.speaker.answer(&header, Kind::Pong, &json!({})).await,
            Command::Pong => return Ok(()),
            Command::Request(Request { content, attachments, task_id: Some(task) }) => {
                if !attachments.is_empty() {
                    return self
                        .invalid(&header, "an answer to a task's questions takes no attachments: send text")
                        .await;
                }
                self.answer(&header, task, content).await
            }
            Command::Request(request) => self.request(&header, request).await,
            Command::Cancel(cancel) => self.cancel(&header, cancel).await,
            Command::Resume(resume) => self.resume(&header, resume).await,
        };
        match done {
            Ok(()) => Ok(()),
            Err(Refused::Closed(closed)) => Err(closed),
            Err(Refused::Problem { problem, task }) => {
                let mut payload = Speaker::error_payload(problem.code, problem.detail(), problem.is_retryable());
                if let Some(task) = task {
                    payload["taskId"] = json!(task);
                }
                self.speaker.answer(&header, Kind::TaskError, &payload).await
            }
        }
    }

    /// A new request. One that was sent before (the same message id) is the same task, and is told from its beginning.
    async fn request(&mut self, header: &Header, request: Request) -> Result<(), Refused> {
        self.count(None)?;
        self.check_room(None)?;
        let key = header.message_id.as_ref().map(|id| format!("{KEY_PREFIX}{id}"));
        let correlation = header.correlation().map_or_else(|| MessageId::new().to_string(), str::to_owned);
        let session = match header.session.clone() {
            Some(session) => session,
            None => new_session(key.as_deref())?,
        };
        let new = NewRequest {
            content: request.content,
            session: session.clone(),
            attachments: request.attachments,
            idempotency_key: key,
            correlation_id: Some(correlation.clone()),
        };
        let accepted = self.speaker.app.brain.accept(&self.speaker.caller.owner, new).await?;
        let mut address = Address { task: accepted.task, session, correlation: Some(correlation) };
        if accepted.repeated {
            // Its messages carry the correlation id that it was accepted with.
            let view = self.speaker.app.brain.task(&self.speaker.caller.owner, accepted.task).await?;
            address = Address::of(&view, header.correlation());
        }
        self.speaker.typing(&address).await?;
        if !self.followers.follows(address.task) {
            self.followers.follow(address, 0);
        }
        Ok(())
    }

    /// The answer to a task's questions.
    async fn answer(&mut self, header: &Header, task: TaskId, text: String) -> Result<(), Refused> {
        self.count(Some(task))?;
        self.check_room(Some(task))?;
        let (brain, owner) = (&self.speaker.app.brain, &self.speaker.caller.owner);
        let of_task = |error: BrainError| Refused::of(error, task);
        let before = brain.task(owner, task).await.map_err(of_task)?;
        let answers = vec![Answer { question_id: "*".to_owned(), text }];
        brain.answer(owner, task, answers).await.map_err(of_task)?;
        let address = Address::of(&before, header.correlation());
        self.speaker.typing(&address).await?;
        if !self.followers.follows(task) {
            self.followers.follow(address, before.last_seq);
        }
        Ok(())
    }

    /// Cancels a task; its end is told to this connection even if it did not follow the task.
    async fn cancel(&mut self, header: &Header, cancel: Cancel) -> Result<(), Refused> {
        let task = cancel.task_id;
        self.count(Some(task))?;
        let (brain, owner) = (&self.speaker.app.brain, &self.speaker.caller.owner);
        let of_task = |error: BrainError| Refused::of(error, task);
        let before = brain.task(owner, task).await.map_err(of_task)?;
        brain.cancel(owner, task, &cancel.reason).await.map_err(of_task)?;
        if !self.followers.follows(task) && self.followers.has_room() {
            // A task that had ended says so once more, because its last event is told again.
            let after = if before.status.is_final() { before.last_seq - 1 } else { before.last_seq };
            self.followers.follow(Address::of(&before, header.correlation()), after);
        }
        Ok(())
    }

    /// Tells what happened after an event, and goes on from there.
    async fn resume(&mut self, header: &Header, resume: Resume) -> Result<(), Refused> {
        let task = resume.task_id;
        self.count(Some(task))?;
        self.check_room(Some(task))?;
        let (brain, owner) = (&self.speaker.app.brain, &self.speaker.caller.owner);
        let view = brain.task(owner, task).await.map_err(|error| Refused::of(error, task))?;
        let after = i64::try_from(resume.after).unwrap_or(i64::MAX);
        if view.status.is_final() && after >= view.last_seq {
            // It has seen the end.
            return Ok(());
        }
        self.followers.follow(Address::of(&view, header.correlation()), after);
        Ok(())
    }

    /// Counts a call of the user, over all of the user's connections.
    fn count(&self, task: Option<TaskId>) -> Result<(), Refused> {
        let counted = self.speaker.app.rate.count(&self.speaker.caller.owner);
        counted.map_err(|problem| Refused::Problem { problem, task })
    }

    /// Looks for room before anything happens, so that nothing happens unseen.
    fn check_room(&mut self, task: Option<TaskId>) -> Result<(), Refused> {
        if task.is_some_and(|task| self.followers.follows(task)) || self.followers.has_room() {
            return Ok(());
        }
        let limit = self.speaker.app.limits.ws_followed_tasks;
        let why = format!(
            "this connection follows {limit} tasks and that is the limit: wait until one ends, or open another connection"
        );
        let problem =
            Problem::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "too-many-tasks", why).retry_after_ms(1_000);
        Err(Refused::Problem { problem, task })
    }
}

/// Why a message did nothing.
enum Refused {
    /// The sender is told.
    Problem { problem: Problem, task: Option<TaskId> },
    /// There is nobody to tell.
    Closed(Closed),
}

impl Refused {
    fn of(error: BrainError, task: TaskId) -> Self {
        Self::Problem { problem: error.into(), task: Some(task) }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem { problem, task: None }
    }
}

impl From<BrainError> for Refused {
    fn from(error: BrainError) -> Self {
        Problem::from(error).into()
    }
}

impl From<Closed> for Refused {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}
