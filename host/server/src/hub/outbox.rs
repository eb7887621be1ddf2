//! The bounded queue in front of a socket, and how the socket is closed.
//!
//! A writer that finds the queue full waits a little; a reader that stays slower than that is disconnected with 1013, because its tasks
//! are on record and `RESUME` brings what it missed. So the memory of a connection is bounded, and a short pause hurts nobody.

use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::Socket;
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
    /// The token, or its key, is not good any more.
    Revoked,
    /// The client sends too much, and does not listen.
    TooOften,
    /// A message was too large.
    TooLarge,
    /// The host has no memory for the client's message now.
    Busy,
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
            Self::Revoked => (1008, "token-revoked: connect again with another token"),
            Self::TooOften => (1008, "rate-limited: send fewer messages"),
            Self::TooLarge => (1009, "the message is too large: send larger files over POST /v1/requests"),
            Self::Busy => (1013, "busy: too many messages are being sent, connect again later"),
            Self::SlowReader => (1013, "you read too slowly: connect again, and RESUME your tasks"),
            Self::Gone => return None,
        };
        Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() })
    }
}

/// The connection is closing: nothing more goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

struct Queued {
    text: String,
    /// Told once the socket took the message.
    taken: Option<oneshot::Sender<()>>,
    /// Its bytes' part of the queue. None until it is queued.
    room: Option<OwnedSemaphorePermit>,
}

/// Where messages are put. Cheap to clone.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Queued>,
    /// The bytes that the queue has room for.
    room: Arc<Semaphore>,
    most_bytes: u32,
    closing: watch::Sender<Option<CloseReason>>,
    patience: Duration,
}

impl Outbox {
    /// Queues a message.
    ///
    /// # Errors
    /// The connection is closing, or was closed just now because its reader is too slow.
    pub(super) async fn send(&self, text: String) -> Result<(), Closed> {
        self.put(Queued { text, taken: None, room: None }).await
    }

    /// Queues a message and waits until the socket took it.
    ///
    /// # Errors
    /// See [`Self::send`].
    pub(super) async fn send_and_wait(&self, text: String) -> Result<(), Closed> {
        let (taken, told) = oneshot::channel();
        self.put(Queued { text, taken: Some(taken), room: None }).await?;
        told.await.map_err(|_| Closed)
    }

    async fn put(&self, message: Queued) -> Result<(), Closed> {
        if self.is_closing() {
            return Err(Closed);
        }
        let mut closing = self.closing.subscribe();
        tokio::select! {
            sent = timeout(self.patience, self.queue_up(message)) => match sent {
                Ok(sent) => sent,
                Err(_) => {
                    self.close(CloseReason::SlowReader);
                    Err(Closed)
                }
            },
            _ = closing.wait_for(Option::is_some) => Err(Closed),
        }
    }

    async fn queue_up(&self, mut message: Queued) -> Result<(), Closed> {
        // One that is larger than the queue takes all of it.
        let bytes = u32::try_from(message.text.len()).unwrap_or(u32::MAX).min(self.most_bytes);
        message.room = Some(self.room.clone().acquire_many_owned(bytes).await.map_err(|_| Closed)?);
        self.queue.send(message).await.map_err(|_| Closed)
    }

    /// Whether the connection is closing.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.borrow().is_some()
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
    socket: SplitSink<Socket, Message>,
    outbox: Outbox,
    ping_interval: Duration,
    close_timeout: Duration,
}

/// What the writer takes messages from.
pub(super) struct Queue(mpsc::Receiver<Queued>);

/// An outbox, and the other end of its queue.
pub(super) fn queue(limits: &ServerLimits) -> (Outbox, Queue) {
    let (sender, queue) = mpsc::channel(limits.ws_queue.max(1));
    let most_bytes = limits.ws_queue_bytes.max(1);
    let outbox = Outbox {
        queue: sender,
        room: Arc::new(Semaphore::new(most_bytes as usize)),
        most_bytes,
        closing: watch::Sender::new(None),
        patience: limits.ws_slow_reader,
    };
    (outbox, Queue(queue))
}

impl Writer {
    pub(super) fn new(
        outbox: Outbox,
        Queue(queue): Queue,
        socket: SplitSink<Socket, Message>,
        limits: &ServerLimits,
    ) -> Self {
        let (ping_interval, close_timeout) = (limits.ws_ping_interval, limits.ws_close_timeout);
        Self { queue, socket, outbox, ping_interval, close_timeout }
    }

    /// Runs until the connection is closed from either side.
    pub(super) async fn run(mut self) {
        let pause = self.ping_interval;
        let mut ping = interval_at(Instant::now() + pause, pause);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outbox = self.outbox.clone();
        let limit = self.close_timeout;
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
async fn write(socket: &mut SplitSink<Socket, Message>, message: Option<Queued>) -> bool {
    let (frame, taken, _room) = match message {
        Some(Queued { text, taken, room }) => (Message::Text(text.into()), taken, room),
        None => (Message::Ping(Vec::new().into()), None, None),
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
    use super::*;

    fn outbox() -> (Outbox, mpsc::Receiver<Queued>) {
        outbox_for(1, 1 << 20)
    }

    fn outbox_for(messages: usize, bytes: u32) -> (Outbox, mpsc::Receiver<Queued>) {
        let (outbox, Queue(reader)) = queue(&ServerLimits {
            ws_queue: messages,
            ws_queue_bytes: bytes,
            ws_slow_reader: Duration::from_millis(1),
            ..ServerLimits::default()
        });
        (outbox, reader)
    }

    #[tokio::test]
    async fn a_queue_that_stays_full_closes_with_1013() {
        let (outbox, _reader) = outbox();
        outbox.send("first".to_owned()).await.unwrap();
        assert_eq!(outbox.send("second".to_owned()).await, Err(Closed));
        assert_eq!(outbox.closing().await, CloseReason::SlowReader);
        assert_eq!(u16::from(CloseReason::SlowReader.frame().unwrap().code), 1013);
        assert_eq!(outbox.send("third".to_owned()).await, Err(Closed), "and nothing more goes in");
    }

    #[tokio::test]
    async fn the_bytes_of_the_queue_are_bounded_too() {
        let (outbox, mut reader) = outbox_for(100, 10);
        outbox.send("x".repeat(10)).await.unwrap();
        drop(reader.recv().await.unwrap());
        outbox.send("larger than the queue".to_owned()).await.unwrap();
        assert_eq!(outbox.send("x".to_owned()).await, Err(Closed));
        assert_eq!(outbox.closing().await, CloseReason::SlowReader);
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
