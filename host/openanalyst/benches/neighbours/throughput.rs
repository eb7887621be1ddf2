//! Requests per second, and what each costs, beside a bare server in the same run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::{Client, Tally, asks};
use crate::one::Bench;
use crate::report::{markdown_head, markdown_line};
use crate::server::{DataDir, GRACE_AND_DRAIN, Process};
use crate::victim::{PATIENCE, Times};

/// Connections, each of which asks again when it has its answer.
const CONNECTIONS: [usize; 2] = [1, 64];
/// Tenants and their users, who ask in turns: so many that nobody comes near a limit of their own.
const TENANTS: usize = 8;
const USERS: usize = 32;
/// Time before the first figure.
const WARM_UP: Duration = Duration::from_secs(2);
/// Most inserts in one transaction of the peer: all that wait.
const GROUP: usize = 1_024;

const HEAD: &[&str] = &[
    "server",
    "connections",
    "requests/s",
    "p50, ms",
    "p99, ms",
    "CPU for a request, ms",
    "requests/s as a share of one insert each",
    "of group commit",
    "other answers",
];

/// One measurement.
struct Row {
    server: String,
    connections: usize,
    per_second: f64,
    times: Times,
    cpu_ms: f64,
    other: Vec<(String, u64)>,
}

/// Asks one server.
enum Target {
    Program { client: Client, tokens: Vec<String> },
    Bare { client: reqwest::Client, url: String },
}

/// Measures, and gives the table.
pub async fn measure(bench: &Bench) -> Result<String, String> {
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        for (name, group) in [("bare, one insert each", 1), ("bare, group commit", GROUP)] {
            eprintln!("{name}, {connections} connections");
            let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
            let (mut process, url) = bare(dir.path(), group)?;
            let client = openanalyst_egress::client(PATIENCE).map_err(|error| error.to_string())?;
            let target = Target::Bare { client, url };
            rows.push(row(bench, name.to_owned(), &mut process, target, connections).await);
        }
        for program in bench.options.programs() {
            eprintln!("{}, {connections} connections", program.display());
            let data = DataDir::new(bench.cache.path(), bench.databases.make().await?);
            let mut server = data.serve(&program, &bench.options.serve_flags)?;
            let users = (0..USERS).flat_map(|user| (0..TENANTS).map(move |tenant| (tenant, user)));
            let tokens = users.map(|(tenant, user)| {
                data.token(&format!("tenant{tenant}"), &format!("user{user}"))
            });
            let target = Target::Program {
                client: Client::new(&server.base, PATIENCE),
                tokens: tokens.collect(),
            };
            let name = match bench.options.programs().len() {
                1 => "openanalyst, `hello`".to_owned(),
                _ => program.display().to_string(),
            };
            rows.push(row(bench, name, &mut server.process, target, connections).await);
        }
    }
    let shares = rows.iter().map(|row| {
        let of = |name: &str| {
            let same = |other: &&Row| other.connections == row.connections && other.server == name;
            let floor = rows.iter().find(same).map_or(f64::NAN, |floor| floor.per_second);
            format!("{:.3}", row.per_second / floor)
        };
        cells(row, of("bare, one insert each"), of("bare, group commit"))
    });
    let seconds = bench.options.time().as_secs();
    let heading = format!("{}, each figure over {seconds} s", bench.databases.name());
    let lines: Vec<String> = shares.map(|cells| markdown_line(&cells)).collect();
    Ok(format!("{heading}\n\n{}\n{}", markdown_head(HEAD), lines.join("\n")))
}

fn cells(row: &Row, of_floor: String, of_peer: String) -> Vec<String> {
    let other: Vec<String> =
        row.other.iter().map(|(label, count)| format!("{count} × {label}")).collect();
    vec![
        row.server.clone(),
        row.connections.to_string(),
        format!("{:.0}", row.per_second),
        format!("{:.2}", row.times.ms(500)),
        format!("{:.2}", row.times.ms(990)),
        format!("{:.2}", row.cpu_ms),
        of_floor,
        of_peer,
        other.join("; "),
    ]
}

/// Starts this bench as the bare server.
fn bare(dir: &Path, group: usize) -> Result<(Process, String), String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(this);
    command.arg("--bare-server").arg(dir).args(["--group", &group.to_string()]);
    let process = command.stdout(Stdio::piped()).spawn();
    let mut process = Process(process.map_err(|error| error.to_string())?);
    let base = process.ready_at().ok_or("the bare server did not start")?;
    Ok((process, format!("{base}/")))
}

async fn row(
    bench: &Bench,
    server: String,
    process: &mut Process,
    target: Target,
    connections: usize,
) -> Row {
    let target = Arc::new(target);
    load(&target, connections, WARM_UP).await;
    let (cpu, began) = (process.cpu(), Instant::now());
    let (times, other) = load(&target, connections, bench.options.time()).await;
    let (cpu, took) = (process.cpu() - cpu, began.elapsed());
    process.terminate(GRACE_AND_DRAIN);
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let requests = times.len() as f64;
    Row {
        server,
        connections,
        per_second: requests / took.as_secs_f64(),
        cpu_ms: cpu.as_secs_f64() * 1e3 / requests,
        times,
        other: other.counts(),
    }
}

/// Asks on so many connections for so long: how long right answers took, and all others.
async fn load(target: &Arc<Target>, connections: usize, time: Duration) -> (Times, Arc<Tally>) {
    let (other, until) = (Arc::new(Tally::default()), Instant::now() + time);
    let mut clients = JoinSet::new();
    for connection in 0..connections {
        let (target, other) = (target.clone(), other.clone());
        clients.spawn(async move {
            let mut times = Vec::new();
            let mut turn = connection;
            while Instant::now() < until {
                let (label, took) = target.ask(turn).await;
                turn += connections;
                if ["completed", "200"].contains(&label.as_str()) {
                    times.push(took);
                } else {
                    other.count(&label);
                }
            }
            times
        });
    }
    let mut times = Vec::new();
    while let Some(client) = clients.join_next().await {
        times.extend(client.expect("a client does not panic"));
    }
    (Times::of(times), other)
}

impl Target {
    async fn ask(&self, turn: usize) -> (String, Duration) {
        match self {
            Self::Program { client, tokens } => {
                let token = &tokens[turn % tokens.len()];
                let answer = client.ask(token, asks("hello"), PATIENCE.as_secs() - 1).await;
                (answer.label, answer.took)
            }
            Self::Bare { client, url } => {
                let began = Instant::now();
                let sent = async {
                    let answer = client.post(url).json(&asks("hello")).send().await?;
                    let status = answer.status().as_u16();
                    answer.bytes().await.map(|_| status.to_string())
                };
                let label = sent.await.unwrap_or_else(|error| error.to_string());
                (label, began.elapsed())
            }
        }
    }
}
