//! One connection, from its handshake to its end.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::SplitStream;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use openanalyst_domain::MessageId;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::Socket;
use super::envelope::{self, Header, Kind, Outgoing};
use super::follow::{Address, Followers};
use super::frame_meter::Metered;
use super::notices;
use super::outbox::{self, CloseReason, Closed, Outbox, Writer};
use crate::app::App;
use crate::auth::{Caller, ProofEnd};
use crate::rate::{Allowed, FrameRate};

/// How far over its limit a message is still read, so that the connection can be closed in order.
const READ_OVER_BYTES: usize = 64 << 10;
/// Bytes of a connection's read buffer, which lives as long as the connection. Larger messages get
/// a larger one.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// Bytes of a connection's write buffer. One message at a time goes into it, so this is the largest
/// message, escaped.
const MAX_WRITE_BUFFER_BYTES: usize = 16 << 20;

/// Says things on one connection, in the name of the host.
pub(super) struct Speaker {
    pub(super) app: App,
    pub(super) caller: Caller,
    outbox: Outbox,
}

impl Speaker {
    /// A message about a task.
    pub(super) async fn about(&self, to: &Address, kind: Kind, payload: &Value) -> Result<(), Closed> {
        self.outbox.send(self.text(kind, to.session.as_str(), to.correlation.as_deref(), payload)).await
    }

    /// The answer to a message of the client.
    pub(super) async fn answer(&self, header: &Header, kind: Kind, payload: &Value) -> Result<(), Closed> {
        let session = header.session.as_ref().map_or("", |session| session.as_str());
        self.outbox.send(self.text(kind, session, header.correlation(), payload)).await
    }

    /// A message that belongs to no session; returns once the socket took it.
    pub(super) async fn tell_and_wait(&self, kind: Kind, payload: &Value) -> Result<(), Closed> {
        self.outbox.send_and_wait(self.text(kind, "", None, payload)).await
    }

    /// The payload of a `TASK_ERROR`.
    pub(super) fn error_payload(code: &str, message: &str, retryable: bool) -> Value {
        json!({ "code": code, "message": message, "retryable": retryable })
    }

    fn text(&self, kind: Kind, session_id: &str, correlation_id: Option<&str>, payload: &Value) -> String {
        let message = Outgoing {
            kind,
            user_id: self.caller.owner.user.as_str(),
            session_id,
            payload,
            timestamp: self.app.clock.now_ms(),
            message_id: MessageId::new(),
            correlation_id,
        };
        message.text()
    }
}

/// A connection at work.
pub(super) struct Connection {
    pub(super) speaker: Arc<Speaker>,
    pub(super) followers: Followers,
    rate: Arc<FrameRate>,
}

impl Connection {
    /// Serves a socket until it is closed from either side.
    pub(super) async fn run(app: App, caller: Caller, upgraded: Upgraded) {
        let (outbox, queue) = outbox::queue(&app.limits);
        let rate = Arc::new(FrameRate::new(&app.limits));
        let most = app.limits.ws_message_bytes + READ_OVER_BYTES;
        let reserved = app.bodies.reserve(&caller.owner);
        let stream = Metered::new(TokioIo::new(upgraded), rate.clone(), reserved, most, outbox.clone());
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let socket: Socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        let (sink, frames) = socket.split();
        let writer = tokio::spawn(Writer::new(outbox.clone(), queue, sink, &app.limits).run());
        let speaker = Arc::new(Speaker { app, caller, outbox });
        let notices = AbortOnDrop(tokio::spawn(notices::bring(speaker.clone())));
        let mut connection = Self { followers: Followers::new(speaker.clone()), speaker, rate };
        let frames = connection.serve(frames).await;
        drop(notices);
        connection.close(frames, writer).await;
    }

    /// Handles frames until there is a reason to close. Gives the frames back if the client may still answer the closing.
    async fn serve(&mut self, mut frames: SplitStream<Socket>) -> Option<SplitStream<Socket>> {
        let speaker = self.speaker.clone();
        let (app, outbox) = (&speaker.app, &speaker.outbox);
        let proof = speaker.caller.clone();
        let mut ended = std::pin::pin!(proof.proof_ends(app));
        let silent = sleep_until(Instant::now() + app.limits.ws_idle_timeout);
        tokio::pin!(silent);
        loop {
            let frame = tokio::select! {
                biased;
                _ = outbox.closing() => return Some(frames),
                () = app.shutdown.cancelled() => {
                    // The brain closes too, so the followers bring what there is and end; a task that goes on does not hold the door.
                    let _ = timeout(app.limits.drain, self.followers.ended()).await;
                    outbox.close(CloseReason::GoingAway);
                    return Some(frames);
                }
                end = &mut ended => {
                    outbox.close(match end {
                        ProofEnd::Expired => CloseReason::Expired,
                        ProofEnd::Revoked => CloseReason::Revoked,
                    });
                    return Some(frames);
                }
                () = &mut silent => {
                    outbox.close(CloseReason::Silent);
                    return Some(frames);
                }
                frame = frames.next() => frame,
            };
            silent.as_mut().reset(Instant::now() + app.limits.ws_idle_timeout);
            match frame {
                Some(Ok(Message::Close(_))) | None => {
                    // The library answers the closing of the client by itself, once it is asked for more.
                    let _ = timeout(app.limits.ws_close_timeout, frames.next()).await;
                    outbox.close(CloseReason::Gone);
                    return None;
                }
                Some(Ok(frame)) => {
                    if self.take(frame).await.is_err() {
                        return Some(frames);
                    }
                }
                Some(Err(error)) => {
                    outbox.close(why(&error));
                    return None;
                }
            }
        }
    }

    /// Counts a frame, and handles it.
    async fn take(&mut self, frame: Message) -> Result<(), Closed> {
        match self.rate.count() {
            Allowed::Yes => {}
            Allowed::Refused => {
                let why = "you send more messages than you may: send fewer, or the connection is closed";
                let payload = Speaker::error_payload("rate-limited", why, true);
                return self.speaker.answer(&Header::default(), Kind::TaskError, &payload).await;
            }
            Allowed::TooOften => return self.end(CloseReason::TooOften),
        }
        match frame {
            Message::Text(text) if text.len() > self.speaker.app.limits.ws_message_bytes => {
                self.end(CloseReason::TooLarge)
            }
            Message::Binary(bytes) if bytes.len() > self.speaker.app.limits.ws_message_bytes => {
                self.end(CloseReason::TooLarge)
            }
            Message::Text(text) => match envelope::read(&text) {
                // Most of the time there is no message, and then its work takes no memory.
                Ok(incoming) => Box::pin(self.handle(incoming)).await,
                Err((header, why)) => self.invalid(&header, &why).await,
            },
            Message::Binary(_) => {
                self.invalid(&Header::default(), "this is a binary frame: send messages as JSON in text frames").await
            }
            // The library answers pings; a pong was a sign of life, which has been counted.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        }
    }

    /// Says that a message cannot be understood. The connection stays.
    pub(super) async fn invalid(&self, header: &Header, why: &str) -> Result<(), Closed> {
        let shown: String = why.chars().take(500).collect();
        let payload = Speaker::error_payload("invalid-message", &shown, false);
        self.speaker.answer(header, Kind::TaskError, &payload).await
    }

    fn end(&self, reason: CloseReason) -> Result<(), Closed> {
        self.speaker.outbox.close(reason);
        Err(Closed)
    }

    /// Lets the writer end, and the client answer the closing frame: who drops a socket with unread bytes in it resets the connection,
    /// and the client may then lose the reason.
    async fn close(self, frames: Option<SplitStream<Socket>>, writer: JoinHandle<()>) {
        drop(self.followers);
        let limit = self.speaker.app.limits.ws_close_timeout;
        // The writer keeps its own time.
        let _ = writer.await;
        if let Some(mut frames) = frames {
            let _ = timeout(limit, async { while let Some(Ok(_)) = frames.next().await {} }).await;
        }
    }
}

/// Why a socket that cannot be read any more is closed.
fn why(error: &WsError) -> CloseReason {
    match error {
        WsError::Capacity(_) => CloseReason::TooLarge,
        WsError::Utf8(_) => CloseReason::NotUtf8,
        WsError::Protocol(error) if !is_broken_off(error) => CloseReason::Protocol,
        _ => CloseReason::Gone,
    }
}

fn is_broken_off(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError as E;
    matches!(error, E::ResetWithoutClosingHandshake | E::ReceivedAfterClosing | E::SendAfterClosing)
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
