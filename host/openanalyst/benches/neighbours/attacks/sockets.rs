//! Attacks on connections, by hand over TCP: no library would send these bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::{Attackers, PAUSE};

/// What is done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A package that comes slowly.
    SlowUpload,
    /// Headers that do not end.
    HalfHeaders,
    /// A body that misses its last byte.
    HalfBody,
    /// A WebSocket message in frames without content, without an end.
    EmptyFrames,
    /// A WebSocket that says nothing.
    Idle,
}

/// Files that are left for everything else.
const OTHER_FILES: u64 = 500;
/// Addresses that connections with a token come from, in turns.
const MACHINES: usize = 8;
/// The length of a half-sent body: the limit of a body (docs/limits.md).
const BODY_BYTES: usize = 2 << 20;
/// The length that a slow upload announces: less than the limit of a package.
const PACKAGE_BYTES: usize = 40 << 20;
/// What it sends at once, each [`PAUSE`].
const PART_BYTES: usize = 64 << 10;
/// Frames that are written at once: 64 KiB of them.
const FRAMES_AT_ONCE: usize = (64 << 10) / EMPTY_FRAME.len();
/// The first frame of a text message of one byte, masked with zeros (RFC 6455 §5.2): not its last.
const FIRST_FRAME: [u8; 7] = [0x01, 0x81, 0, 0, 0, 0, b'x'];
/// A continuation frame without content, masked: not the last.
const EMPTY_FRAME: [u8; 6] = [0x00, 0x80, 0, 0, 0, 0];

/// Takes as many files as the system lets this process and its children have.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, `at_most` opens fewer.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// As many connections as the limit of open files lets this process and the server hold.
pub fn at_most(count: usize) -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    count.min(files)
}

/// Opens connections, each again when the server has closed it.
pub fn open(spawn: &mut JoinSet<()>, attackers: &Arc<Attackers>, count: usize, kind: Kind) {
    for client in 0..count {
        let attackers = attackers.clone();
        spawn.spawn(async move {
            let attack = async {
                loop {
                    let label = one(&attackers, client, kind).await;
                    attackers.tally.count(&label.unwrap_or_else(|error| error.kind().to_string()));
                    tokio::time::sleep(PAUSE).await;
                }
            };
            attackers.cancel.clone().run_until_cancelled(attack).await;
        });
    }
}

/// Counts a connection as open for as long as it lives.
struct Open<'a>(&'a Attackers);

impl<'a> Open<'a> {
    fn new(attackers: &'a Attackers) -> Self {
        attackers.open.fetch_add(1, Ordering::Relaxed);
        Self(attackers)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Connects from another address than the victim has, as another machine would. Whoever needs no
/// token has one address.
async fn connect(address: SocketAddr, client: usize, kind: Kind) -> std::io::Result<TcpStream> {
    let SocketAddr::V4(host) = address else { return TcpStream::connect(address).await };
    if !host.ip().is_loopback() {
        return TcpStream::connect(address).await;
    }
    let machine = if kind == Kind::HalfHeaders { 0 } else { client % MACHINES };
    let socket = TcpSocket::new_v4()?;
    let last = u8::try_from(2 + machine).unwrap_or(2);
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0)))?;
    socket.connect(address).await
}

/// One connection from its start to its end. Gives the label of the end.
async fn one(attackers: &Attackers, client: usize, kind: Kind) -> std::io::Result<String> {
    let mut stream = connect(attackers.address, client, kind).await?;
    let address = attackers.address;
    match kind {
        Kind::HalfHeaders => {
            let half = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nX-Half: ");
            stream.write_all(half.as_bytes()).await?;
        }
        Kind::HalfBody => {
            let head = head(attackers, client, "/v1/requests", "application/json", BODY_BYTES);
            stream.write_all(head.as_bytes()).await?;
            let mut body = vec![b' '; BODY_BYTES - 1];
            body[0] = b'{';
            if let Err(error) = stream.write_all(&body).await {
                // It may have said why before it closed.
                return answer(&mut stream).await.or(Err(error));
            }
        }
        Kind::SlowUpload => {
            let head = head(attackers, client, "/v1/skills", "application/zip", PACKAGE_BYTES);
            stream.write_all(head.as_bytes()).await?;
            let _open = Open::new(attackers);
            attackers.tally.count("sent the head of an upload");
            let (mut said, mut body) = stream.split();
            return tokio::select! {
                sent = send_slowly(&mut body) => sent.map(|()| "sent a package".to_owned()),
                label = answer(&mut said) => label,
            };
        }
        Kind::EmptyFrames | Kind::Idle => {
            let status = handshake(&mut stream, address, attackers.token(client)).await?;
            if status != "101" {
                return Ok(status);
            }
        }
    }
    let _open = Open::new(attackers);
    if kind == Kind::EmptyFrames {
        stream.write_all(&FIRST_FRAME).await?;
        let frames = EMPTY_FRAME.repeat(FRAMES_AT_ONCE);
        loop {
            stream.write_all(&frames).await?;
            attackers.tally.add("sent frames", FRAMES_AT_ONCE as u64);
        }
    }
    attackers.tally.count("held");
    answer(&mut stream).await
}

/// The head of a request whose body is announced with its length.
fn head(attackers: &Attackers, client: usize, path: &str, content: &str, bytes: usize) -> String {
    let (address, token) = (attackers.address, attackers.token(client));
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {content}\r\nContent-Length: {bytes}\r\n\r\n"
    )
}

/// Opens a WebSocket. Gives the status.
async fn handshake(
    stream: &mut TcpStream,
    address: SocketAddr,
    token: &str,
) -> std::io::Result<String> {
    let request = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    answer(stream).await
}

/// Sends all of a package but its end.
async fn send_slowly(stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
    let part = vec![0; PART_BYTES];
    for _ in 1..PACKAGE_BYTES / PART_BYTES {
        stream.write_all(&part).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The status of what the server says next; `closed` where it says nothing more.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut said = Vec::new();
    let mut part = [0; 4096];
    while !said.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part).await?;
        if read == 0 {
            return Ok("closed by the host".to_owned());
        }
        said.extend_from_slice(&part[..read]);
        if !said.starts_with(&b"HTTP/"[..said.len().min(5)]) {
            // A frame of a WebSocket: a ping, or its end.
            said.clear();
        }
    }
    let head = String::from_utf8_lossy(&said);
    Ok(head.split_whitespace().nth(1).unwrap_or("no status").to_owned())
}
