//! Every limit and every timeout of the edge, in one table.

use std::num::NonZeroU32;
use std::time::Duration;

/// What the edge allows. On by default; each value says its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Bytes of the body of one HTTP request. Room for 768 KiB of attachments in base64 and 64 KiB of content in escaped JSON.
    pub body_bytes: usize,
    /// Bytes of one uploaded package.
    pub package_bytes: usize,
    /// Packages that are read and looked at at the same time; further ones wait.
    pub uploads_at_once: usize,
    /// Bytes of one WebSocket message. A larger one closes the connection with 1009.
    pub ws_message_bytes: usize,
    /// Messages that wait for a slow reader of a WebSocket.
    pub ws_queue: usize,
    /// How long that queue may stay full before the connection is closed with 1013.
    pub ws_slow_reader: Duration,
    /// Frames per second that one WebSocket connection may send, on average.
    pub ws_messages_per_second: NonZeroU32,
    /// Frames that it may send at once.
    pub ws_messages_burst: NonZeroU32,
    /// Frames over the rate that are answered with `rate-limited` before the connection is closed with 1008; as many are forgiven
    /// per minute.
    pub ws_refusals: NonZeroU32,
    /// Tasks that one WebSocket connection may follow at the same time.
    pub ws_followed_tasks: usize,
    /// How often an open WebSocket is pinged.
    pub ws_ping_interval: Duration,
    /// How long a WebSocket may give no sign of life, pongs included.
    pub ws_idle_timeout: Duration,
    /// How long the host tries to send what is queued and the end of a WebSocket; and then, how long it waits for the client's end. Twice
    /// this is less than the 5 s in which an expired token must be out.
    pub ws_close_timeout: Duration,
    /// Calls per second of one user, HTTP requests and WebSocket messages together, on average.
    pub requests_per_second: NonZeroU32,
    /// Calls that a user may make at once.
    pub requests_burst: NonZeroU32,
    /// Connections of all clients together; further ones wait in the system's queue.
    pub max_connections: usize,
    /// Open WebSockets and event streams of one user.
    pub connections_per_user: usize,
    /// From a connection's last answer to the end of its next request's headers.
    pub header_read_timeout: Duration,
    /// From the headers to the end of the body.
    pub body_read_timeout: Duration,
    /// How long a client may take nothing of what is written to it.
    pub write_timeout: Duration,
    /// The most that `?wait=` may ask for.
    pub max_wait: Duration,
    /// How often an idle event stream gets a comment, so that proxies keep it open.
    pub sse_keep_alive: Duration,
    /// How long `/ready` waits for its checks.
    pub ready_timeout: Duration,
    /// How long open connections may take to end after shutdown began.
    pub drain: Duration,
}

/// The number, or 1 for 0.
const fn nonzero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            body_bytes: 2 << 20,
            package_bytes: 48 << 20,
            uploads_at_once: 2,
            ws_message_bytes: 256 << 10,
            ws_queue: 256,
            ws_slow_reader: Duration::from_secs(5),
            ws_messages_per_second: nonzero(20),
            ws_messages_burst: nonzero(60),
            ws_refusals: nonzero(10),
            ws_followed_tasks: 128,
            ws_ping_interval: Duration::from_secs(20),
            ws_idle_timeout: Duration::from_secs(60),
            ws_close_timeout: Duration::from_secs(2),
            requests_per_second: nonzero(50),
            requests_burst: nonzero(300),
            max_connections: 4096,
            connections_per_user: 32,
            header_read_timeout: Duration::from_secs(30),
            body_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_wait: Duration::from_secs(120),
            sse_keep_alive: Duration::from_secs(15),
            ready_timeout: Duration::from_secs(5),
            drain: Duration::from_secs(10),
        }
    }
}
