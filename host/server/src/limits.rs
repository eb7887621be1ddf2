//! Every limit and every timeout of the edge, in one table.

use std::num::NonZeroU32;
use std::time::Duration;

/// Connections from one address, where the operator says nothing.
pub const CONNECTIONS_PER_ADDRESS: u32 = 256;

/// What the edge allows. On by default; each value says its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Bytes of the body of one HTTP request. Room for 768 KiB of attachments in base64 and 64 KiB of content in escaped JSON.
    pub body_bytes: usize,
    /// Bytes that the bodies of one user's requests, and the unfinished WebSocket messages of this
    /// user, take in memory at the same time. Counted as they arrive.
    pub user_body_bytes: usize,
    /// The same for all users of one tenant together.
    pub tenant_body_bytes: usize,
    /// The same for all tenants together.
    pub node_body_bytes: usize,
    /// Bytes of one uploaded package.
    pub package_bytes: usize,
    /// Bytes that one user's packages take in memory at the same time, from their first byte to
    /// the end of their upload. Counted as they arrive.
    pub user_upload_bytes: usize,
    /// The same for all users of one tenant together.
    pub tenant_upload_bytes: usize,
    /// The same for all tenants together.
    pub node_upload_bytes: usize,
    /// Packages that are checked and compiled at the same time. Each is read before it takes one
    /// of these places.
    pub uploads_at_once: usize,
    /// Of those, packages of one tenant. Free places go round the tenants whose packages wait.
    pub uploads_per_tenant: usize,
    /// Packages of one tenant that wait for a place; further ones are refused.
    pub uploads_waiting_per_tenant: usize,
    /// How long a package waits for a place.
    pub upload_wait: Duration,
    /// Bytes of one WebSocket message. A larger one closes the connection with 1009.
    pub ws_message_bytes: usize,
    /// Messages that wait for a slow reader of a WebSocket.
    pub ws_queue: usize,
    /// Bytes of those messages. A larger message waits until the queue is empty.
    pub ws_queue_bytes: u32,
    /// How long that queue may stay full before the connection is closed with 1013.
    pub ws_slow_reader: Duration,
    /// Frames per second that one WebSocket connection may send, on average: parts of messages,
    /// pings and pongs included.
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
    /// Connections of all clients together. A further one takes the place of the connection that
    /// has been idle for the longest time; where none is idle, it is refused.
    pub max_connections: usize,
    /// Connections from one IPv4 address, or one /64 of IPv6; further ones are refused. Those of
    /// [trusted proxies](crate::ServerOptions::trusted_proxies) are not counted.
    pub connections_per_address: usize,
    /// Open WebSockets and event streams of one user.
    pub connections_per_user: usize,
    /// From the acceptance of a connection to the end of its first request's headers.
    pub first_header_timeout: Duration,
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
            user_body_bytes: 16 << 20,
            tenant_body_bytes: 64 << 20,
            node_body_bytes: 256 << 20,
            package_bytes: 48 << 20,
            user_upload_bytes: 64 << 20,
            tenant_upload_bytes: 96 << 20,
            node_upload_bytes: 256 << 20,
            uploads_at_once: 2,
            uploads_per_tenant: 1,
            uploads_waiting_per_tenant: 8,
            upload_wait: Duration::from_secs(120),
            ws_message_bytes: 256 << 10,
            ws_queue: 256,
            ws_queue_bytes: 1 << 20,
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
            connections_per_address: CONNECTIONS_PER_ADDRESS as usize,
            connections_per_user: 32,
            first_header_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(30),
            body_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_wait: Duration::from_secs(120),
            sse_keep_alive: Duration::from_secs(15),
            // A probe gives up after a second (Kubernetes: `timeoutSeconds`, 1 by default).
            ready_timeout: Duration::from_millis(900),
            drain: Duration::from_secs(10),
        }
    }
}
