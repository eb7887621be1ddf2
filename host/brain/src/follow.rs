//! Following a task: first what is recorded, then what happens, without a gap.

use futures_util::stream::{self, BoxStream, StreamExt};
use openanalyst_domain::{Owner, TaskEvent, TaskId};

use crate::BrainError;
use crate::brain::{Brain, LOOK_AGAIN};
use crate::bus::Listener;

/// Most events that are read at once.
const EVENTS_AT_ONCE: u32 = 200;

impl Brain {
    /// The events of a task after number `after`: first what is recorded, then what happens, without a gap. Ends after the task's
    /// last event, or when the host shuts down.
    ///
    /// # Errors
    /// See [`Self::task`]. The stream itself gives the database's errors.
    pub async fn follow(
        &self,
        owner: &Owner,
        id: TaskId,
        after: i64,
    ) -> Result<BoxStream<'static, Result<TaskEvent, BrainError>>, BrainError> {
        let heard = self.inner.bus.listen(id);
        self.row(owner, id).await?;
        let follower = Follower { brain: self.clone(), owner: owner.clone(), id, after, heard, ended: false };
        let batches = stream::unfold(follower, |mut follower| async move {
            let batch = follower.next_batch().await?;
            Some((batch, follower))
        });
        let events = batches.flat_map(|batch| match batch {
            Ok(events) => stream::iter(events.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        });
        Ok(events.boxed())
    }
}

/// One who follows a task.
struct Follower {
    brain: Brain,
    owner: Owner,
    id: TaskId,
    after: i64,
    heard: Listener,
    ended: bool,
}

impl Follower {
    async fn next_batch(&mut self) -> Option<Result<Vec<TaskEvent>, BrainError>> {
        let inner = &self.brain.inner;
        while !self.ended {
            let events = match inner.store.task_events(&self.owner, self.id, self.after, EVENTS_AT_ONCE).await {
                Ok(events) => events,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error.into()));
                }
            };
            if let Some(last) = events.last() {
                self.after = last.seq;
                self.ended = last.kind.ends_stream();
                return Some(Ok(events));
            }
            tokio::select! {
                () = self.heard.changed() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = inner.closing.cancelled() => {
                    // What was written before the closing still goes out.
                    let rest = inner.store.task_events(&self.owner, self.id, self.after, EVENTS_AT_ONCE).await;
                    self.ended = true;
                    return rest.ok().filter(|events| !events.is_empty()).map(Ok);
                }
            }
        }
        None
    }
}
