//! What the brain itself costs: `cargo bench -p openanalyst --bench brain`.
//!
//! On SQLite, and on PostgreSQL where this machine has one: the host's own share of a request, and of it the journal's; many sessions at once, each over a WebSocket to a
//! server of its own process, against a bare handler with one durable insert in the same run; how soon a cancelled task has ended; and ten thousand tasks that wait for
//! a job. The bounds are those of docs/brain.md. Exit status 1 if one is missed, unless `-- --only-print` is given; `-- --share` measures the first figure alone, `-- --parked` the last, on
//! SQLite or in the database whose URL follows.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{CommandFactory as _, FromArgMatches as _};
use futures_util::{SinkExt as _, StreamExt as _};
use openanalyst::cli::Cli;
use openanalyst::commands::compile;
use openanalyst::host::{Host, Role};
use openanalyst::settings::Settings;
use openanalyst_brain::NewRequest;
use openanalyst_domain::{
    Clock, EventKind, ManualClock, Owner, SessionKey, SystemClock, TaskId, TaskStatus, TenantId, UserId,
};
use openanalyst_guest_fixtures::TRIER;
use openanalyst_package::Capabilities;
use openanalyst_registry::Actor;
use openanalyst_runtime::tape::{HostCall, Recording};
use openanalyst_store::Store;
use openanalyst_store::effects::EffectKey;
use openanalyst_store::memory::MemoryOwner;
use openanalyst_store::recordings::PartRow;
use openanalyst_workflow::{NewItem, WorkflowEngine as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Requests that are timed one after the other, and those before that are not counted.
const REQUESTS: usize = 300;
const WARM_UP: usize = 30;
/// Tasks that are cancelled in each situation.
const CANCELS: usize = 30;
/// Pairs of writes, journaled and bare.
const WRITES: usize = 500;
/// Sessions at the same time, and for how long each goes on asking.
const SESSIONS: usize = 200;
const SUSTAINED: Duration = Duration::from_secs(15);
/// Tasks that wait.
const PARKED: usize = 10_000;
/// Tasks that are begun side by side before they wait.
const AT_ONCE: usize = 8;
/// Of them, those whose job comes up first.
const BACK: usize = 500;

const MAX_SHARE_SQLITE: Duration = Duration::from_millis(2);
const MAX_SHARE_POSTGRES: Duration = Duration::from_millis(4);
const MAX_JOURNAL: f64 = 0.15;
const MAX_CANCEL: Duration = Duration::from_millis(100);
const MAX_PARKED_MB: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    if let Some(code) = compile::called() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().collect();
    let only_print = arguments.iter().any(|argument| argument == "--only-print");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    let missed = runtime.block_on(async {
        if let Some(at) = arguments.iter().position(|argument| argument == "--parked") {
            let database = arguments.get(at + 1).filter(|next| next.starts_with("postgres"));
            return parked(database.map(String::as_str)).await;
        }
        let only_share = arguments.iter().any(|argument| argument == "--share");
        let mut missed = on("SQLite", &|| None, MAX_SHARE_SQLITE, only_share).await;
        let mut databases = vec![None];
        match openanalyst_test_postgres::shared() {
            Some(server) => {
                let fresh = || Some(server.database());
                missed.extend(on("PostgreSQL", &fresh, MAX_SHARE_POSTGRES, only_share).await);
                databases.push(fresh());
            }
            None => println!("\nPostgreSQL: not measured, because this machine has no server to start (Debian: apt-get install postgresql)"),
        }
        if only_share {
            return missed;
        }
        // In a process of its own, so that its memory is its own.
        let this = std::env::current_exe().expect("this program has a file");
        for database in databases {
            let parked =
                std::process::Command::new(&this).arg("--parked").args(database).status().expect("it can be started");
            if !parked.success() {
                missed.push("parked tasks");
            }
        }
        missed
    });
    if missed.is_empty() || only_print {
        return ExitCode::SUCCESS;
    }
    eprintln!("missed: {}", missed.join(", "));
    ExitCode::FAILURE
}

fn settings(dir: &Path, database: Option<&str>, more: &[&str]) -> Settings {
    let mut arguments: Vec<String> =
        ["openanalyst", "migrate", "--time-zone", "UTC", "--data-dir"].map(str::to_owned).into();
    arguments.push(dir.display().to_string());
    arguments.extend(["--max-open-tasks".to_owned(), "100000".to_owned()]);
    arguments.extend(database.into_iter().flat_map(|url| ["--database-url".to_owned(), url.to_owned()]));
    arguments.extend(more.iter().map(|flag| (*flag).to_owned()));
    let matches = Cli::command().get_matches_from(arguments);
    let cli = Cli::from_arg_matches(&matches).expect("the arguments are right");
    Settings::load(&cli.settings, &matches).expect("the settings are right")
}

fn owner(tenant: usize, user: usize) -> Owner {
    let tenant = TenantId::parse(format!("tenant{tenant}")).expect("it is a name");
    Owner::new(tenant, UserId::parse(format!("user{user}")).expect("it is a name"))
}

/// Installs the skill for a tenant.
async fn install(host: &Host, tenant: &TenantId) {
    let skill_md = "---\nname: trier\ndescription: Tries what the request says.\nversion: 1.0.0\ntriggers: [trier, \"trier document\", document]\n\
                    capabilities:\n  memory: user\n  llm: true\n  web-search: true\n  windmill: [\"f/openanalyst/social/*\", \"f/bench/*\"]\n  http: [\"api.test\"]\n  \
                    skills: [\"trier\"]\n---\nTries.\n";
    let files = BTreeMap::from([
        ("SKILL.md".to_owned(), skill_md.as_bytes().to_vec()),
        ("skill.wasm".to_owned(), TRIER.to_vec()),
    ]);
    let package = openanalyst_package::write_archive(&files).expect("the paths are safe");
    let actor = Actor { name: "bench".to_owned(), origin: "local".to_owned() };
    let grants: Capabilities =
        serde_json::from_value(json!({ "memory": "user", "windmill": ["f/openanalyst/social/*", "f/bench/*"] }))
            .expect("the grants are right");
    host.registry.upload(tenant, package.into(), &actor).await.expect("the package is taken");
    host.registry.grant(tenant, "trier", &grants, &actor).await.expect("the grants are taken");
    host.registry.activate(tenant, "trier", None, &actor).await.expect("the version is activated");
}

async fn accept(host: &Host, owner: &Owner, session: &str, run: &Value) -> TaskId {
    let document = json!({ "steps": [{ "id": "a", "run": run }] });
    request(host, owner, session, format!("trier document {document}")).await
}

async fn request(host: &Host, owner: &Owner, session: &str, content: String) -> TaskId {
    let request = NewRequest {
        content,
        session: SessionKey::parse(session).expect("it is a session"),
        attachments: Vec::new(),
        idempotency_key: None,
        correlation_id: None,
    };
    host.brain.accept(owner, request).await.expect("the request is accepted").task
}

/// Accepts, waits for the end, and gives how long that took beside the skill's own time.
async fn timed(host: &Host, owner: &Owner, session: &str, run: &Value) -> (Duration, Duration) {
    let began = Instant::now();
    let task = accept(host, owner, session, run).await;
    let view = host.brain.wait(owner, task, PATIENCE).await.expect("the task can be read");
    let took = began.elapsed();
    assert_eq!(view.status, TaskStatus::Completed, "{view:?}");
    let receipts = host.store.task_receipts(owner, task).await.expect("the receipts can be read");
    let guest: u64 = receipts.iter().map(|receipt| receipt.wall_us).sum();
    (took, Duration::from_micros(guest))
}

/// The figures of one kind of database.
async fn on(name: &str, fresh: &dyn Fn() -> Option<String>, bound: Duration, only_share: bool) -> Vec<&'static str> {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let settings = settings(dir.path(), fresh().as_deref(), &[]);
    let host = Host::open(&settings, Role::Server).await.expect("the host opens");
    host.warm().await.expect("the components compile");
    for tenant in 0..10 {
        install(&host, &owner(tenant, 0).tenant).await;
    }
    let mut missed = Vec::new();
    println!("\n{name}");
    let inserts = bare_inserts(&host.store).await;
    println!(
        "   floor: one durable insert                     p50 {} p99 {}",
        ms(at(&inserts, 500)),
        ms(at(&inserts, 990))
    );

    let host = Arc::new(host);
    let shares = one_by_one(&host, 1, "share", &json!({ "give": ["x"] })).await;
    let shares = shares.into_iter().map(|(took, guest)| took.saturating_sub(guest)).collect();
    let shares = sorted(shares);
    let share = at(&shares, 500);
    println!(
        "   host's share of a one-step request            p50 {} p99 {}   < {}  {}",
        ms(share),
        ms(at(&shares, 990)),
        ms(bound),
        verdict(&mut missed, "host's share", share < bound)
    );
    if only_share {
        return missed;
    }

    let effects = json!({ "do": [
        { "call": "put", "key": "a", "value": 1 }, { "call": "put", "key": "b", "value": 2 }, { "call": "put", "key": "c", "value": 3 },
    ]});
    let whole = one_by_one(&host, 2, "effects", &effects).await.into_iter().map(|(took, _)| took).collect();
    let whole = at(&sorted(whole), 500);
    let (bare, journaled) = journal(&host).await;
    let journal = 3.0 * (journaled.as_secs_f64() - bare.as_secs_f64()).max(0.0) / whole.as_secs_f64();
    println!(
        "   a request with three effects                  p50 {}; a write bare {} and journaled {}: the journal is {:.1} %   < {:.0} %  {}",
        ms(whole),
        us(bare),
        us(journaled),
        journal * 100.0,
        MAX_JOURNAL * 100.0,
        verdict(&mut missed, "journal", journal < MAX_JOURNAL)
    );
    cancels(&host, &mut missed).await;
    let floor = bare_handler(&host.store).await;
    if let Ok(host) = Arc::try_unwrap(host) {
        host.close(Duration::from_secs(10)).await;
    }
    sessions(fresh(), floor, &mut missed).await;
    missed
}

/// From the call of `cancel` to the task's end: while its guest computes, and while its job runs.
async fn cancels(host: &Arc<Host>, missed: &mut Vec<&'static str>) {
    let bob = owner(0, 5);
    let value = "import { setProgress } from 'windmill-client';
        export async function main() { await setProgress(7); for (;;) await new Promise((resolve) => setTimeout(resolve, 100)); }";
    let script = NewItem {
        path: "f/bench/endless".to_owned(),
        summary: String::new(),
        language: Some("bun".to_owned()),
        value: value.to_owned(),
    };
    host.engine.put_script(&bob, script).await.expect("the script is stored");
    for (what, begun, step) in [
        ("guest", EventKind::StepStarted, json!({ "id": "a", "run": { "do": [{ "call": "spin" }] } })),
        ("job", EventKind::Progress, json!({ "id": "a", "script": "f/bench/endless" })),
    ] {
        let mut times = Vec::new();
        for number in 0..CANCELS {
            let content = format!("trier document {}", json!({ "steps": [step] }));
            let task = request(host, &bob, &format!("cancel-{what}-{number}"), content).await;
            let mut events = host.brain.follow(&bob, task, 0).await.expect("the task can be followed");
            while let Some(Ok(event)) = events.next().await {
                if event.kind == begun {
                    break;
                }
                assert!(!event.kind.ends_stream(), "{event:?}");
            }
            let began = Instant::now();
            host.brain.cancel(&bob, task, "enough").await.expect("it can be cancelled");
            let view = host.brain.wait(&bob, task, PATIENCE).await.expect("the task can be read");
            times.push(began.elapsed());
            assert_eq!(view.status, TaskStatus::Cancelled, "{view:?}");
        }
        let times = sorted(times);
        println!(
            "   a cancelled {what:<5} has ended after               p50 {} slowest {}   < {}  {}",
            ms(at(&times, 500)),
            ms(at(&times, 1_000)),
            ms(MAX_CANCEL),
            verdict(missed, "cancel", at(&times, 1_000) < MAX_CANCEL)
        );
    }
}

/// Requests one after the other, in a task, as requests are: how long each took, and the skill's own time in that.
async fn one_by_one(host: &Arc<Host>, user: usize, name: &'static str, run: &Value) -> Vec<(Duration, Duration)> {
    let (host, run) = (host.clone(), run.clone());
    let asking = tokio::spawn(async move {
        let mut times = Vec::with_capacity(REQUESTS);
        for number in 0..WARM_UP + REQUESTS {
            // A conversation of its own for each, so that none grows long.
            let time = timed(&host, &owner(0, user), &format!("{name}-{number}"), &run).await;
            if number >= WARM_UP {
                times.push(time);
            }
        }
        times
    });
    asking.await.expect("a request does not panic")
}

/// Durable inserts, one after the other.
async fn bare_inserts(store: &Store) -> Vec<Duration> {
    let memory = MemoryOwner::User(owner(0, 0));
    let mut times = Vec::new();
    for number in 0..WRITES {
        let began = Instant::now();
        let mut tx = store.begin(memory.scope()).await.expect("a write begins");
        tx.put_memory(&memory, &format!("floor/{}", number % 1_000), "1", None, None, 0).await.expect("it is written");
        tx.commit().await.expect("it is committed");
        times.push(began.elapsed());
    }
    sorted(times)
}

/// A write of the memory, bare and as the journal makes it, in turns: medians.
async fn journal(host: &Host) -> (Duration, Duration) {
    let ada = owner(0, 3);
    // A task that is worked on for as long as this takes: it waits for a job of the next hour.
    let at_ms = SystemClock.now_ms() + 3_600_000;
    let waits = json!({ "call": "job", "path": "f/openanalyst/social/create_post", "at": at_ms, "arguments": {} });
    let task = accept(host, &ada, "journal", &json!({ "do": [waits] })).await;
    let mut events = host.brain.follow(&ada, task, 0).await.expect("the task can be followed");
    while let Some(Ok(event)) = events.next().await {
        if event.kind == EventKind::StepStarted {
            break;
        }
    }
    let memory = MemoryOwner::User(ada.clone());
    let store = &host.store;
    let (mut bare, mut journaled) = (Vec::new(), Vec::new());
    for number in 0..WRITES {
        let key = format!("journal/{}", number % 10);
        let began = Instant::now();
        let mut tx = store.begin(&ada).await.expect("a write begins");
        tx.put_memory(&memory, &key, "1", None, None, 0).await.expect("it is written");
        tx.commit().await.expect("it is committed");
        bare.push(began.elapsed());

        // What the journal adds: the lease is held, the recording's part stored, the intent written, the result settled.
        let part = Recording {
            seed: Some("0".repeat(64)),
            calls: vec![HostCall {
                function: "memory.put".to_owned(),
                arguments: json!(["user", key, "1", { "expected-version": null, "ttl-ms": null }]),
                result: json!({ "ok": { "stored": 1 } }),
            }],
            clock: vec![(1, at_ms)],
            ..Recording::default()
        };
        let part = serde_json::to_value(part).expect("a recording is JSON");
        let place = format!("0/a/{number}/run");
        let part = PartRow { place: place.clone(), number: 0, component: "x".repeat(64), part };
        let effect = EffectKey { owner: &ada, task, place: &place };
        let began = Instant::now();
        let mut tx = store.begin(&ada).await.expect("a write begins");
        tx.hold_task_for(task, 1, &effect).await.expect("it is worked on");
        tx.keep_recordings(&ada, task, &[&part]);
        tx.put_memory(&memory, &key, "1", None, None, 0).await.expect("it is written");
        let intent = json!({ "key": key, "attempt": 1 });
        tx.intend_and_settle(&effect, "memory.put", &intent, &json!({ "ok": { "Stored": 1 } }), 0);
        tx.commit().await.expect("it is committed");
        journaled.push(began.elapsed());
    }
    host.brain.cancel(&ada, task, "enough").await.expect("it can be cancelled");
    (at(&sorted(bare), 500), at(&sorted(journaled), 500))
}

/// A server in a process of its own. Dropping it ends it.
struct Served {
    process: std::process::Child,
    address: String,
}

impl Served {
    fn start(dir: &Path, database: Option<&str>) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_openanalyst"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--max-open-tasks", "100000"]).args(place(dir, database));
        let mut process = command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the server starts");
        let out = process.stdout.take().expect("its output is ours");
        let ready = std::io::BufReader::new(out).lines().map_while(Result::ok).find(|line| line.starts_with("ready "));
        let address = ready.expect("the server is ready").trim_start_matches("ready http://").to_owned();
        Self { process, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The flags that say where the data is.
fn place(dir: &Path, database: Option<&str>) -> Vec<String> {
    let mut flags = vec!["--data-dir".to_owned(), dir.display().to_string()];
    flags.extend(database.into_iter().flat_map(|url| ["--database-url".to_owned(), url.to_owned()]));
    flags
}

/// Many sessions at once, each over a WebSocket of its own, one request after the other: nothing is lost, nothing comes out of order. `floor` is what a bare handler
/// with one durable insert did.
async fn sessions(database: Option<String>, floor: f64, missed: &mut Vec<&'static str>) {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let host = Host::open(&settings(dir.path(), database.as_deref(), &[]), Role::Server).await.expect("the host opens");
    host.warm().await.expect("the components compile");
    for tenant in 0..10 {
        install(&host, &owner(tenant, 0).tenant).await;
    }
    host.close(Duration::from_secs(10)).await;
    let server = Served::start(dir.path(), database.as_deref());
    let mut sockets = Vec::new();
    for session in 0..SESSIONS {
        let Owner { tenant, user } = owner(session % 10, 100 + session);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_openanalyst"));
        command.args(["token", "--tenant", tenant.as_str(), "--user", user.as_str()]);
        let token = command.args(place(dir.path(), database.as_deref())).output().expect("a token is made").stdout;
        let token = String::from_utf8(token).expect("a token is text");
        let mut request = format!("ws://{}/v1/ws", server.address).into_client_request().expect("it is an address");
        let bearer = format!("Bearer {}", token.trim()).parse().expect("it fits into a header");
        request.headers_mut().insert("authorization", bearer);
        sockets.push(tokio_tungstenite::connect_async(request).await.expect("the hub takes it").0);
    }
    let (wrong, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let work: Vec<_> = sockets
        .into_iter()
        .map(|mut socket| {
            let wrong = wrong.clone();
            tokio::spawn(async move {
                let mut requests = 0;
                while began.elapsed() < SUSTAINED {
                    wrong.fetch_add(u64::from(!is_right(&mut socket, requests).await), Ordering::Relaxed);
                    requests += 1;
                }
                requests
            })
        })
        .collect();
    let mut requests = 0;
    for session in work {
        requests += session.await.expect("a session does not panic");
    }
    let (took, wrong) = (began.elapsed(), wrong.load(Ordering::Relaxed));
    let ours = rate(requests, took);
    println!(
        "   {SESSIONS} sessions for {:.0} s, {requests} requests       {ours:.0} requests/s; bare axum with one durable insert {floor:.0}/s, ratio {:.3}; lost or reordered {wrong}  {}",
        took.as_secs_f64(),
        ours / floor,
        verdict(missed, "sessions", wrong == 0)
    );
}

/// Asks, and reads to the end of the task: the right answer came, once, its events are in order, and nothing else came in between.
async fn is_right(socket: &mut Socket, number: usize) -> bool {
    let id = format!("m{number}");
    let content = format!("trier document {}", json!({ "steps": [{ "id": "a", "run": { "give": [number] } }] }));
    let message = json!({
        "type": "USER_REQUEST", "sessionId": "s", "messageId": id, "timestamp": 0, "payload": { "content": content },
    });
    socket.send(Message::text(message.to_string())).await.expect("the hub takes it");
    let (mut seq, mut answers) = (0, Vec::new());
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message comes in time");
        let Some(Ok(Message::Text(text))) = message else { continue };
        let message: Value = serde_json::from_str(&text).expect("the hub speaks JSON");
        if message["correlationId"] != id.as_str() {
            return false;
        }
        let payload = &message["payload"];
        if let Some(next) = payload["seq"].as_i64() {
            if next <= seq {
                return false;
            }
            seq = next;
        }
        match message["type"].as_str().unwrap_or_default() {
            "ASSISTANT_RESPONSE" => answers.push(payload["content"].clone()),
            "TASK_COMPLETE" => return payload["status"] == "completed" && answers == [json!(format!("[{number}]"))],
            "TASK_ERROR" => return false,
            _ => {}
        }
    }
}

fn rate(count: usize, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let count = count as f64;
    count / took.as_secs_f64()
}

/// As many clients as there are sessions, at a handler that does nothing but one durable insert.
async fn bare_handler(store: &Store) -> f64 {
    let (store, number) = (store.clone(), Arc::new(AtomicU64::new(0)));
    let insert = move || {
        let (store, number) = (store.clone(), number.clone());
        async move {
            let memory = MemoryOwner::User(owner(0, 4));
            let key = format!("bare/{}", number.fetch_add(1, Ordering::Relaxed) % 1_000);
            let mut tx = store.begin(memory.scope()).await.expect("a write begins");
            tx.put_memory(&memory, &key, "1", None, None, 0).await.expect("it is written");
            tx.commit().await.expect("it is committed");
            "done"
        }
    };
    let router = axum::Router::new().route("/", axum::routing::post(insert));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/", listener.local_addr().expect("it has an address"));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = openanalyst_egress::client(PATIENCE).expect("a client can be made");
    let began = Instant::now();
    let clients: Vec<_> = (0..SESSIONS)
        .map(|_| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move {
                let mut requests = 0;
                while began.elapsed() < SUSTAINED / 3 {
                    let answer = client.post(&url).body("{}").send().await.expect("it answers");
                    assert!(answer.status().is_success());
                    requests += 1;
                }
                requests
            })
        })
        .collect();
    let mut requests = 0;
    for client in clients {
        requests += client.await.expect("a client does not panic");
    }
    let took = began.elapsed();
    server.abort();
    rate(requests, took)
}

/// Ten thousand tasks wait for jobs of the next hour, in this process, and come back.
async fn parked(database: Option<&str>) -> Vec<&'static str> {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let settings = settings(dir.path(), database, &["--park-after-ms", "1"]);
    let clock = ManualClock::at(SystemClock.now_ms());
    let host = Host::open_with(&settings, Role::Server, Arc::new(clock.clone()), compile::in_a_child())
        .await
        .expect("the host opens");
    host.warm().await.expect("the components compile");
    let tenant = owner(0, 0).tenant;
    install(&host, &tenant).await;
    let before = settled_mb().await;
    let at_ms = clock.now_ms() + 3_600_000;
    let run = |number: usize| {
        let at_ms = if number < BACK { at_ms } else { at_ms + 3_600_000 };
        json!({ "do": [
            { "call": "count", "key": "n" },
            { "call": "job", "path": "f/openanalyst/social/create_post", "at": at_ms, "arguments": { "platform": "twitter", "topic": "AI" } },
        ]})
    };
    let began = Instant::now();
    let host = Arc::new(host);
    let tasks: Vec<(usize, Owner, TaskId)> = futures_util::stream::iter(0..PARKED)
        .map(|number| {
            let (host, run) = (host.clone(), run(number));
            async move {
                // No user has more than 1,000 open jobs.
                let owner = owner(0, number % 20);
                let task = accept(&host, &owner, &format!("s{number}"), &run).await;
                let mut events = host.brain.follow(&owner, task, 0).await.expect("the task can be followed");
                while let Some(Ok(event)) = events.next().await {
                    if event.kind == EventKind::Parked {
                        break;
                    }
                    assert!(!event.kind.ends_stream() && event.kind != EventKind::Asked, "{event:?}");
                }
                (number, owner, task)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let took = began.elapsed();
    // A task says that it is put aside a moment before it is.
    while host.brain.parked_tasks() < PARKED {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let waiting = host.brain.parked_tasks();
    let resident = resident_mb();
    let mut missed = Vec::new();
    println!("\nparked tasks ({})", if database.is_some() { "PostgreSQL" } else { "SQLite" });
    println!("   {waiting} of {PARKED} tasks wait for a job; put aside in {:.1} s", took.as_secs_f64());
    println!(
        "   resident before {before:.0} MB, the whole process with all of them {resident:.0} MB   < {MAX_PARKED_MB:.0} MB  {}",
        verdict(&mut missed, "parked memory", resident < MAX_PARKED_MB && waiting == PARKED)
    );
    let began = Instant::now();
    clock.set(at_ms + 1_000);
    for (_, owner, task) in tasks.iter().filter(|(number, ..)| *number < BACK) {
        let view = host.brain.wait(owner, *task, PATIENCE).await.expect("the task can be read");
        assert_eq!(view.status, TaskStatus::Completed, "{view:?}");
    }
    println!(
        "   the {BACK} whose jobs came up came back and ended in {:.1} s; {} still wait",
        began.elapsed().as_secs_f64(),
        host.brain.parked_tasks()
    );
    if let Ok(host) = Arc::try_unwrap(host) {
        host.close(Duration::from_secs(10)).await;
    }
    missed
}

/// What is resident once memory that is not needed any more has gone back to the system: when it has not become less for two seconds.
async fn settled_mb() -> f64 {
    let (mut least, mut since) = (resident_mb(), Instant::now());
    while since.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = resident_mb();
        if now < least {
            (least, since) = (now, Instant::now());
        }
    }
    least
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("it is a number");
    kib * 1024.0 / 1e6
}

fn verdict(missed: &mut Vec<&'static str>, name: &'static str, holds: bool) -> &'static str {
    if holds {
        return "holds";
    }
    missed.push(name);
    "MISSED"
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn at(sorted: &[Duration], per_mille: usize) -> Duration {
    sorted[(sorted.len() - 1) * per_mille / 1000]
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn us(time: Duration) -> String {
    format!("{:.0} us", time.as_secs_f64() * 1e6)
}
