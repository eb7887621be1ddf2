//! Brings notifications to a connection: those that wait for the user, then those that come.
//!
//! A notification counts as delivered once a socket of its user took it. One that is delivered to several connections at once reaches each of
//! them; the first one marks it.

use std::collections::VecDeque;
use std::sync::Arc;

use openanalyst_brain::{Brain, Notice};
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::connection::Speaker;
use super::envelope::Kind;
use super::outbox::Closed;

/// How many ids of notifications a connection remembers, so that it tells none twice.
const REMEMBERED: usize = 1024;

/// Brings them until the connection closes. Listening begins with the call and not with the first poll, so that none falls between the
/// handshake and the reading of those that wait.
pub(super) fn bring(speaker: Arc<Speaker>) -> impl Future<Output = ()> {
    let coming = speaker.app.brain.notices();
    let mut told = Told { speaker, ids: VecDeque::new() };
    async move {
        // A closed connection is the way this ends.
        let _ = told.run(coming).await;
    }
}

struct Told {
    speaker: Arc<Speaker>,
    ids: VecDeque<String>,
}

impl Told {
    async fn run(&mut self, mut coming: Receiver<Notice>) -> Result<(), Closed> {
        self.tell_waiting().await?;
        loop {
            match coming.recv().await {
                Ok(notice) if notice.owner == self.speaker.caller.owner => self.tell(&notice).await?,
                Ok(_) => {}
                // Some were missed: they are on record.
                Err(RecvError::Lagged(_)) => self.tell_waiting().await?,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    async fn tell_waiting(&mut self) -> Result<(), Closed> {
        loop {
            // Boxed, because a connection mostly waits, and then this takes no memory.
            let waiting = match Box::pin(self.brain().waiting_notices(&self.speaker.caller.owner)).await {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(%error, "the waiting notifications cannot be read: they wait for the next connection");
                    return Ok(());
                }
            };
            let owner = &self.speaker.caller.owner;
            let new: Vec<Notice> = waiting
                .into_iter()
                .filter(|one| !self.ids.contains(&one.id))
                .map(|notification| Notice { owner: owner.clone(), notification })
                .collect();
            if new.is_empty() {
                return Ok(());
            }
            for notice in &new {
                self.tell(notice).await?;
            }
        }
    }

    async fn tell(&mut self, Notice { owner, notification }: &Notice) -> Result<(), Closed> {
        if self.ids.contains(&notification.id) {
            return Ok(());
        }
        let payload = json!({
            "taskId": null,
            "messageId": notification.id,
            "content": notification.content,
            "done": true,
            "metadata": {
                "notification": { "id": notification.id, "title": notification.title, "level": notification.level },
                "windmillJob": notification.job_id,
            },
        });
        self.speaker.tell_and_wait(Kind::AssistantResponse, &payload).await?;
        self.ids.push_back(notification.id.clone());
        if self.ids.len() > REMEMBERED {
            self.ids.pop_front();
        }
        if let Err(error) = Box::pin(self.brain().notice_delivered(owner, &notification.id)).await {
            tracing::warn!(%error, "a delivered notification cannot be marked: it will be told again");
        }
        Ok(())
    }

    fn brain(&self) -> &Brain {
        &self.speaker.app.brain
    }
}
