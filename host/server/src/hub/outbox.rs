//! The bounded queue in front of a socket, and how the socket is closed.
//!
//! A writer that finds the queue full waits a little; a reader that stays slower than that is disconnected with 1013, because its tasks
//! are on record and `RESUME` brings what it missed. So the memory of a connection is bounded, and a short pause hurts nobody.

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};

use crate::limits::ServerLimits;

/// Why a socket is closed by the host. The codes are those of RFC 6455 §7.4.1 and its registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// The host shuts down.
    GoingAway,
    /// The client broke the protocol.
    Protocol,
    /// A text frame was not UTF-8.
    NotUtf8,
    /// The token expired.
    Expired,
    /// The client sends too much, and does not listen.
    TooOften,
    /// A message was too large.
    TooLarge,
    /// The client reads too slowly.
    SlowReader,
    /// The client gives no sign of life.
    Silent,
    /// The client closed, or is gone: there is nobody to tell.
    Gone,
}

impl CloseReason {
    /// Whether what is queued still goes out. Not to a client that takes nothing.
    fn sends_the_queue(self) -> bool {
        !matches!(self, Self::SlowReader | Self::Gone)
    }

    fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::GoingAway => (1001, "the host shuts down: connect again, and RESUME your tasks"),
            Self::Silent => (1001, "no sign of life: connect again, and RESUME your tasks"),
            Self::Protocol => (1002, "a frame broke RFC 6455"),
            Self::NotUtf8 => (1007, "a text frame was not UTF-8"),
            Self::Expired => (1008, "token-expired: connect again with a fresh token"),
            Self::TooOften => (1008, "rate-limited: send fewer messages"),
            Self::TooLarge => (1009, "the message is too large: send larger files over POST /v1/requests"),
            Self::SlowReader => (1013, "you read too slowly: connect again, and RESUME your tasks"),
            Self::Gone => return None,
        };
        Some(CloseFrame { code, reason: reason.into() })
    }
}

/// The connection is closing: nothing more goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

struct Queued {
    text: String,
    /// Told once the socket took the message.
    taken: Option<oneshot::Sender<()>>,
}

/// Where messages are put. Cheap to clone.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Queued>,
    closing: watch::Sender<Option<CloseReason>>,
    patience: std::time::Duration,
}

impl Outbox {
    /// Queues a message.
    ///
    /// # Errors
    /// The connection is closing, or was closed just now because its reader is too slow.
    pub(super) async fn send(&self, text: String) -> Result<(), Closed> {
        self.put(Queued { text, taken: None }).await
    }

    /// Queues a message and waits until the socket took it.
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(super) async fn send_and_wait(&self, text: String) -> Result<(), Closed> {
        let (taken, told) = oneshot::channel();
        self.put(Queued { text, taken: Some(taken) }).await?;
        told.await.map_err(|_| Closed)
    }

    async fn put(&self, message: Queued) -> Result<(), Closed> {
        if self.closing.borrow().is_some() {
            return Err(Closed);
        }
        let mut closing = self.closing.subscribe();
        tokio::select! {
            sent = timeout(self.patience, self.queue.send(message)) => match sent {
                Ok(sent) => sent.map_err(|_| Closed),
                Err(_) => {
                    self.close(CloseReason::SlowReader);
                    Err(Closed)
                }
            },
            _ = closing.wait_for(Option::is_some) => Err(Closed),
        }
    }

    /// Closes the connection. Only the first reason counts.
    pub(super) fn close(&self, reason: CloseReason) {
        self.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            closing.get_or_insert(reason);
            first
        });
    }

    /// Why the connection is closing. Waits until it is.
    pub(super) async fn closing(&self) -> CloseReason {
        let mut closing = self.closing.subscribe();
        // The sender lives in `self`, so the wait ends only with a reason.
        closing.wait_for(Option::is_some).await.ok().and_then(|reason| *reason).unwrap_or(CloseReason::Gone)
    }
}

/// Empties the queue into the socket, pings, and closes.
pub(super) struct Writer {
    queue: mpsc::Receiver<Queued>,
    socket: SplitSink<WebSocket, Message>,
    outbox: Outbox,
    limits: ServerLimits,
}

/// An outbox and its writer.
pub(super) fn open(socket: SplitSink<WebSocket, Message>, limits: &ServerLimits) -> (Outbox, Writer) {
    let (sender, queue) = mpsc::channel(limits.ws_queue.max(1));
    let outbox = Outbox { queue: sender, closing: watch::Sender::new(None), patience: limits.ws_slow_reader };
    let writer = Writer { queue, socket, outbox: outbox.clone(), limits: limits.clone() };
    (outbox, writer)
}

impl Writer {
    /// Runs until the connection is closed from either side.
    pub(super) async fn run(mut self) {
        let pause = self.limits.ws_ping_interval;
        let mut ping = interval_at(Instant::now() + pause, pause);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outbox = self.outbox.clone();
        let limit = self.limits.ws_close_timeout;
        let (reason, until) = loop {
            let message = tokio::select! {
                biased;
                reason = outbox.closing() => break (reason, Instant::now() + limit),
                Some(message) = self.queue.recv() => Some(message),
                _ = ping.tick() => None,
            };
            let writing = write(&mut self.socket, message);
            tokio::pin!(writing);
            let written = tokio::select! {
                written = &mut writing => written,
                reason = outbox.closing() => {
                    let until = Instant::now() + limit;
                    if reason.sends_the_queue() {
                        // This message is the first of what is queued. Cut off, it is followed by the end all the same.
                        let _ = timeout_at(until, writing).await;
                    }
                    break (reason, until);
                }
            };
            if !written {
                outbox.close(CloseReason::Gone);
            }
        };
        // A client that takes nothing, not even this, is dropped.
        if timeout_at(until, self.end(reason)).await.is_err() {
            tracing::debug!(?reason, "a client did not take the end of its connection");
        }
    }

    async fn end(&mut self, reason: CloseReason) {
        self.queue.close();
        if reason.sends_the_queue() {
            while let Some(message) = self.queue.recv().await {
                if !write(&mut self.socket, Some(message)).await {
                    return;
                }
            }
        }
        if let Some(frame) = reason.frame() {
            // It fails where the client is gone, which is what was to be reached.
            let _ = self.socket.send(Message::Close(Some(frame))).await;
        }
    }
}

/// Writes a message, or a ping where there is none.
async fn write(socket: &mut SplitSink<WebSocket, Message>, message: Option<Queued>) -> bool {
    let (frame, taken) = match message {
        Some(Queued { text, taken }) => (Message::Text(text.into()), taken),
        None => (Message::Ping(Vec::new().into()), None),
    };
    let written = socket.send(frame).await.is_ok();
    if let Some(taken) = taken.filter(|_| written) {
        // Who asked may be gone.
        let _ = taken.send(());
    }
    written
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outbox() -> (Outbox, mpsc::Receiver<Queued>) {
        let (queue, reader) = mpsc::channel(1);
        let outbox = Outbox { queue, closing: watch::Sender::new(None), patience: Duration::from_millis(1) };
        (outbox, reader)
    }

    #[tokio::test]
    async fn a_queue_that_stays_full_closes_with_1013() {
        let (outbox, _reader) = outbox();
        outbox.send("first".to_owned()).await.unwrap();
        assert_eq!(outbox.send("second".to_owned()).await, Err(Closed));
        assert_eq!(outbox.closing().await, CloseReason::SlowReader);
        assert_eq!(CloseReason::SlowReader.frame().unwrap().code, 1013);
        assert_eq!(outbox.send("third".to_owned()).await, Err(Closed), "and nothing more goes in");
    }

    #[tokio::test]
    async fn the_first_reason_counts() {
        let (outbox, _reader) = outbox();
        outbox.close(CloseReason::Expired);
        outbox.close(CloseReason::GoingAway);
        assert_eq!(outbox.closing().await, CloseReason::Expired);
    }

    #[tokio::test]
    async fn a_message_counts_as_taken_only_when_the_socket_took_it() {
        let (outbox, mut reader) = outbox();
        let waiting = tokio::spawn(async move { outbox.send_and_wait("x".to_owned()).await });
        drop(reader.recv().await.unwrap());
        assert_eq!(waiting.await.unwrap(), Err(Closed), "it was thrown away");
    }
}
