//! A server that a test writes byte by byte: HTTP/1.1, one request for each connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openanalyst_domain::Failure;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// The sizes of the pieces into which a stream is cut.
pub const SIZES: [usize; 5] = [1, 2, 3, 7, 4096];
/// The key in all tests.
pub const KEY: &str = "sk-hush-hush";

/// A request that the server got.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
enum End {
    Close,
    /// The connection stays open and silent.
    Hang,
    /// The connection is closed before anything is read.
    Slam,
    /// After the bytes these again and again.
    Drip(&'static [u8], Duration),
}

/// What it answers.
#[derive(Clone)]
pub struct Reply {
    bytes: Vec<u8>,
    end: End,
}

fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    head.into_bytes()
}

impl Reply {
    /// A whole answer.
    pub fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::with(status, &[], body)
    }

    /// A whole answer with headers.
    pub fn with(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len().to_string();
        let mut bytes = head(status, &[headers, &[("content-length", &length)]].concat());
        bytes.extend_from_slice(body.as_ref());
        Self { bytes, end: End::Close }
    }

    /// A stream in pieces of this size: a client that reads HTTP sees each of them on its own.
    pub fn stream(body: impl AsRef<[u8]>, size: usize) -> Self {
        let mut reply = Self::open(body, size);
        reply.bytes.extend_from_slice(b"0\r\n\r\n");
        reply.end = End::Close;
        reply
    }

    /// A stream that is not ended, and whose connection is closed.
    pub fn cut(body: impl AsRef<[u8]>) -> Self {
        Self { end: End::Close, ..Self::open(body, 4096) }
    }

    /// A stream that goes silent.
    pub fn open(body: impl AsRef<[u8]>, size: usize) -> Self {
        let mut bytes = head(200, &[("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]);
        for piece in body.as_ref().chunks(size) {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        Self { bytes, end: End::Hang }
    }

    /// An answer that has no length and ends with its connection.
    pub fn unframed(headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let mut bytes = head(200, headers);
        bytes.extend_from_slice(body.as_ref());
        Self { bytes, end: End::Close }
    }

    /// The connection is closed without an answer.
    pub fn nothing() -> Self {
        Self { bytes: Vec::new(), end: End::Close }
    }

    /// The connection is closed at once.
    pub fn slam() -> Self {
        Self { bytes: Vec::new(), end: End::Slam }
    }

    /// The connection stays open without an answer.
    pub fn never() -> Self {
        Self { bytes: Vec::new(), end: End::Hang }
    }

    /// Then the same bytes again and again.
    pub fn then_drip(mut self, bytes: &'static [u8], every: Duration) -> Self {
        self.end = End::Drip(bytes, every);
        self
    }
}

/// A server. It ends with its runtime.
pub struct Server {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers each request in turn; the last answer holds for all that follow.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server =
            Self { port: listener.local_addr().unwrap().port(), connections: Arc::default(), seen: Arc::default() };
        let (connections, seen) = (server.connections.clone(), server.seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let turn = connections.fetch_add(1, Ordering::SeqCst);
                let reply = replies[turn.min(replies.len() - 1)].clone();
                tokio::spawn(answer(stream, reply, seen.clone()));
            }
        });
        server
    }

    /// Its address with a path.
    pub fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests, in order.
    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<Seen>>>) {
    if matches!(reply.end, End::Slam) {
        return;
    }
    let Some(request) = read(&mut stream).await else { return };
    seen.lock().unwrap().push(request);
    // A client that has seen enough closes early.
    let _ = stream.write_all(&reply.bytes).await;
    match reply.end {
        End::Close | End::Slam => {
            let _ = stream.shutdown().await;
        }
        End::Hang => {
            let _ = stream.read(&mut [0]).await;
        }
        End::Drip(bytes, every) => {
            let mut turns = tokio::time::interval(every);
            while stream.write_all(bytes).await.is_ok() {
                turns.tick().await;
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { method, path, headers, body })
}

/// The text of an `unavailable`, and when to try again.
#[track_caller]
pub fn unavailable(failure: Failure) -> (String, Option<u64>) {
    let text = failure.to_string();
    assert!(!text.contains(KEY), "the key is shown: {text}");
    match failure {
        Failure::Unavailable { detail, retry_after_ms } => (detail, retry_after_ms),
        other => panic!("{other:?}"),
    }
}

/// The text of an `invalid`.
#[track_caller]
pub fn invalid(failure: Failure) -> String {
    assert!(!failure.to_string().contains(KEY), "the key is shown: {failure}");
    match failure {
        Failure::Invalid { detail } => detail,
        other => panic!("{other:?}"),
    }
}

/// The text of a `failed`.
#[track_caller]
pub fn failed(failure: Failure) -> String {
    assert!(!failure.to_string().contains(KEY), "the key is shown: {failure}");
    match failure {
        Failure::Failed { detail } => detail,
        other => panic!("{other:?}"),
    }
}
