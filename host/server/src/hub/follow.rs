//! Brings the events of tasks to a connection.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use openanalyst_brain::{BrainError, TaskView};
use openanalyst_domain::{SessionKey, TaskId};
use serde_json::json;
use tokio::task::{AbortHandle, JoinSet};

use super::connection::Speaker;
use super::envelope::Kind;
use super::mapping;
use super::outbox::Closed;
use crate::problem::Problem;

/// What every message about a task carries.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) task: TaskId,
    pub(super) session: SessionKey,
    pub(super) correlation: Option<String>,
}

impl Address {
    /// The task's own correlation id, or else that of the message which brought the connection to it.
    pub(super) fn of(view: &TaskView, otherwise: Option<&str>) -> Self {
        Self {
            task: view.task_id,
            session: view.session_id.clone(),
            correlation: view.correlation_id.clone().or_else(|| otherwise.map(str::to_owned)),
        }
    }
}

/// The tasks that a connection follows. Dropping it ends them all.
pub(super) struct Followers {
    speaker: Arc<Speaker>,
    running: JoinSet<()>,
    tasks: HashMap<TaskId, AbortHandle>,
}

impl Followers {
    pub(super) fn new(speaker: Arc<Speaker>) -> Self {
        Self { speaker, running: JoinSet::new(), tasks: HashMap::new() }
    }

    /// Whether there is room for another task.
    pub(super) fn has_room(&mut self) -> bool {
        self.forget_ended();
        self.tasks.len() < self.speaker.app.limits.ws_followed_tasks
    }

    /// Whether the task is followed now.
    pub(super) fn follows(&self, task: TaskId) -> bool {
        self.tasks.get(&task).is_some_and(|running| !running.is_finished())
    }

    /// Follows a task from what comes after event number `after`, instead of any earlier following of the same task.
    pub(super) fn follow(&mut self, address: Address, after: i64) {
        self.forget_ended();
        let task = address.task;
        let running = self.running.spawn(follow(self.speaker.clone(), address, after));
        if let Some(before) = self.tasks.insert(task, running) {
            before.abort();
        }
    }

    /// Waits until all have ended by themselves.
    pub(super) async fn ended(&mut self) {
        while self.running.join_next().await.is_some() {}
    }

    fn forget_ended(&mut self) {
        while self.running.try_join_next().is_some() {}
        self.tasks.retain(|_, running| !running.is_finished());
    }
}

/// Ends with the task, with the connection, or when the host shuts down.
async fn follow(speaker: Arc<Speaker>, address: Address, after: i64) {
    if let Ok(Err(error)) = bring(&speaker, &address, after).await {
        // The client can go on with RESUME.
        let _ = speaker.task_error(&address, &Problem::from(error)).await;
    }
}

async fn bring(speaker: &Speaker, address: &Address, after: i64) -> Result<Result<(), BrainError>, Closed> {
    let (brain, owner) = (&speaker.app.brain, &speaker.caller.owner);
    let mut events = match brain.follow(owner, address.task, after).await {
        Ok(events) => events,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => return Ok(Err(error)),
        };
        let view = if mapping::wants_task(event.kind) { brain.task(owner, address.task).await.ok() } else { None };
        for (kind, payload) in mapping::messages(&event, view.as_ref()) {
            speaker.about(address, kind, &payload).await?;
        }
    }
    Ok(Ok(()))
}

impl Speaker {
    /// Says that a task is being worked on.
    pub(super) async fn typing(&self, address: &Address) -> Result<(), Closed> {
        self.about(address, Kind::AssistantTyping, &json!({ "taskId": address.task })).await
    }

    /// Tells of an error that concerns a task.
    async fn task_error(&self, address: &Address, problem: &Problem) -> Result<(), Closed> {
        let mut payload = Self::error_payload(problem.code, problem.detail(), problem.is_retryable());
        payload["taskId"] = json!(address.task);
        self.about(address, Kind::TaskError, &payload).await
    }
}
