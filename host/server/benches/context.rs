//! What the host adds to an HTTP call: `cargo bench -p openanalyst-server --bench context`.
//!
//! `GET /v1/me/context` (a token to verify, a row to read) against the least that can be done: an axum handler that returns the same JSON. Both servers live in
//! this process, on the same runtime with the host's settings; one thread beside it asks them in turns, over connections that stay open. Printed are the medians and
//! their ratio, and where the time goes. Exit status 1 if the ratio is under its bound, unless `-- --only-print` is given.

#[allow(dead_code, reason = "the bench uses a part of it")]
#[path = "../tests/server/support/mod.rs"]
mod support;

use std::io::stderr;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use openanalyst_domain::Clock as _;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use support::{Edge, owner};

/// Connections, each of a user of its own.
const CONNECTIONS: usize = 32;
const SLICES: usize = 10;
const SLICE: Duration = Duration::from_secs(1);
/// How often the parts are done one after the other.
const ROUNDS: u32 = 5_000;
/// The host's requests per second, at least, as a part of the bare handler's.
const MIN_RATIO: f64 = 0.5;
const PATH: &str = "/v1/me/context";

fn main() -> ExitCode {
    let only_print = std::env::args().any(|argument| argument == "--only-print");
    // As the host logs when its standard error is no terminal.
    tracing_subscriber::fmt().with_env_filter("info").with_writer(stderr).json().with_ansi(false).init();
    let servers = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    let (mut edge, answer) = servers.block_on(host());
    let bare = servers.block_on(bare(answer));
    let users = (0..CONNECTIONS).map(|user| request(PATH, Some(&edge.token(&name(user))))).collect::<Vec<_>>();
    let anybody = vec![request("/health", None); CONNECTIONS];

    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let mut rows = [(bare, &users), (edge.address, &users), (edge.address, &anybody)]
        .map(|(address, requests)| Row::new(client.block_on(connect(address, requests))));
    for slice in 0..=SLICES {
        for row in &mut rows {
            let measured = client.block_on(load(&mut row.connections));
            // The first one only warms up.
            if slice > 0 {
                row.slices.push(measured);
            }
        }
    }
    let parts = servers.block_on(parts(&edge));

    println!("GET {PATH}, {CONNECTIONS} keep-alive connections, {SLICES} slices of {SLICE:?} each in turns, medians");
    println!("                                       requests/s   CPU of the server for each");
    let names = ["peer: a bare axum handler", "host", "host, GET /health: no token, no row"];
    for (name, row) in names.iter().zip(&rows) {
        println!(
            "  {name:<36} {:>10.0}   {:>8.1} us",
            row.median(|slice| slice.per_second),
            row.median(|slice| slice.cpu_us)
        );
    }
    let [peer, host, _] = rows.each_ref().map(|row| row.median(|slice| slice.per_second));
    let ratio = host / peer;
    let holds = ratio >= MIN_RATIO;
    println!(
        "  ratio of the requests/s   {ratio:.2} (bound: at least {MIN_RATIO:.2})  {}",
        if holds { "holds" } else { "MISSED" }
    );
    println!("  one after the other, {ROUNDS} times, mean time / CPU of the process for each:");
    for (name, part) in ["verifying a token", "what the user told"].iter().zip(parts) {
        println!("    {name:<20} {:>8.1} us / {:>6.1} us", part.0, part.1);
    }
    servers.block_on(edge.end()).expect("the server ends well");
    if holds || only_print { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn name(user: usize) -> String {
    format!("user{user}")
}

/// The host, without the limit of calls per user, and what it answers. Every user has told it something.
async fn host() -> (Edge, Value) {
    let edge = Edge::start_with(|options| {
        let many = NonZeroU32::new(10_000_000).expect("it is not 0");
        (options.limits.requests_per_second, options.limits.requests_burst) = (many, many);
    })
    .await;
    let preferences =
        json!({"display-name": "Ada", "time-zone": "Europe/Berlin", "platform": "LinkedIn", "length": "short"});
    for user in 0..CONNECTIONS {
        let preferences = preferences.as_object().expect("it is an object").clone();
        let instructions = "Write in British English, and never use more than two hashtags.";
        edge.brain.put_user_context(&owner(&name(user)), preferences, instructions, None).await.expect("it is stored");
    }
    let (status, answer) = support::client::call(edge.get(PATH, &edge.token(&name(0)))).await;
    assert_eq!(status, 200, "{answer}");
    (edge, answer)
}

/// A server that does nothing but give this answer.
async fn bare(answer: Value) -> SocketAddr {
    let answer: &'static Value = Box::leak(Box::new(answer));
    let router = Router::new().route(PATH, get(async move || Json(answer)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    // As the host does.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("the option is known"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The parts of a call that the bare handler does not have: microseconds of wall time and CPU time.
async fn parts(edge: &Edge) -> [(f64, f64); 2] {
    let (verifier, token, owner) = (edge.key.verifier(), edge.token(&name(0)), owner(&name(0)));
    let now_ms = edge.clock.now_ms();
    let each = |began: Instant, cpu: Duration| {
        let us = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(ROUNDS);
        (us(began.elapsed()), us(cpu_of(ClockId::ProcessCPUTime) - cpu))
    };
    let (began, cpu) = (Instant::now(), cpu_of(ClockId::ProcessCPUTime));
    for _ in 0..ROUNDS {
        verifier.verify_fetching(&token, now_ms).await.expect("the token is good");
    }
    let verifying = each(began, cpu);
    let (began, cpu) = (Instant::now(), cpu_of(ClockId::ProcessCPUTime));
    for _ in 0..ROUNDS {
        edge.brain.user_context(&owner).await.expect("the record can be read");
    }
    [verifying, each(began, cpu)]
}

/// What is measured of one server.
struct Row {
    connections: Vec<Connection>,
    slices: Vec<Slice>,
}

struct Slice {
    per_second: f64,
    /// CPU time of everything in this process but the client, microseconds for each request.
    cpu_us: f64,
}

impl Row {
    fn new(connections: Vec<Connection>) -> Self {
        Self { connections, slices: Vec::new() }
    }

    fn median(&self, value: impl Fn(&Slice) -> f64) -> f64 {
        let mut values: Vec<f64> = self.slices.iter().map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let half = values.len() / 2;
        f64::midpoint(values[half], values[values.len() - 1 - half])
    }
}

/// A connection that stays open, with the one request that it sends. No client library: what the client takes, both servers lack.
struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

fn request(path: &str, token: Option<&str>) -> Vec<u8> {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{authorization}\r\n").into_bytes()
}

async fn connect(address: SocketAddr, requests: &[Vec<u8>]) -> Vec<Connection> {
    let mut connections = Vec::with_capacity(requests.len());
    for request in requests {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("the option is known");
        connections.push(Connection { stream, request: request.clone(), answer: Vec::with_capacity(4096) });
    }
    connections
}

impl Connection {
    async fn exchange(&mut self) {
        self.stream.write_all(&self.request).await.expect("the connection is open");
        self.answer.clear();
        while !self.is_whole() {
            let read = self.stream.read_buf(&mut self.answer).await.expect("the connection is open");
            assert!(read > 0, "the server closed the connection");
        }
    }

    fn is_whole(&self) -> bool {
        let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
        let head = std::str::from_utf8(&self.answer[..end]).expect("headers are text");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("both say the length");
        self.answer.len() == end + 4 + length.parse::<usize>().expect("it is a number")
    }
}

/// One slice: every connection asks again as soon as it has its answer.
async fn load(connections: &mut Vec<Connection>) -> Slice {
    let (process, own) = (cpu_of(ClockId::ProcessCPUTime), cpu_of(ClockId::ThreadCPUTime));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for mut connection in connections.drain(..) {
        running.spawn(async move {
            let mut answers = 0_u32;
            while began.elapsed() < SLICE {
                connection.exchange().await;
                answers += 1;
            }
            (connection, answers)
        });
    }
    let mut answers = 0;
    while let Some(ended) = running.join_next().await {
        let (connection, count) = ended.expect("no exchange fails");
        connections.push(connection);
        answers += count;
    }
    let took = began.elapsed();
    let servers = (cpu_of(ClockId::ProcessCPUTime) - process).saturating_sub(cpu_of(ClockId::ThreadCPUTime) - own);
    let answers = f64::from(answers);
    Slice { per_second: answers / took.as_secs_f64(), cpu_us: servers.as_secs_f64() * 1e6 / answers }
}

fn cpu_of(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).expect("nanoseconds of a second"))
}
