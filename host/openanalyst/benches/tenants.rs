//! What many tenants cost, and what an uploaded skill costs: `cargo bench -p openanalyst --bench tenants`.
//!
//! The host is the built binary in a process of its own, on a data directory that is made first: 1,000 tenants with 10 installations each, of 40 distinct
//! components. Beside every figure stands its floor or peer from the same run: the same host on an empty directory, the compiler alone, the same
//! upload where the component is known, a bundled skill. Exit status 1 if a bound is missed, unless `-- --only-print` is given.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{CommandFactory as _, FromArgMatches as _};
use openanalyst::cli::Cli;
use openanalyst::commands::compile;
use openanalyst::host::Workshop;
use openanalyst::settings::Settings;
use openanalyst_domain::{Clock as _, SystemClock, TenantId, UserId};
use openanalyst_guest_fixtures::COURIER;
use openanalyst_identity::{LocalKeys, Scope, TokenRequest};
use openanalyst_package::Capabilities;
use openanalyst_registry::{Actor, to_rows};
use openanalyst_runtime::{Sandbox, SandboxOptions};
use openanalyst_store::Store;
use openanalyst_store::audit::NewDeed;
use openanalyst_store::skills::{InstallationRow, NewVersion, VersionRow};
use serde_json::{Value, json};

const TENANTS: usize = 1_000;
/// Installations of each tenant.
const EACH: usize = 10;
/// Distinct components of all tenants together.
const COMPONENTS: usize = 40;
/// How often each host is started.
const STARTS: usize = 5;
/// Tenants that send a request which an uploaded skill serves. More than there are components, so that every one is loaded.
const ASKING: usize = 50;
/// Components that nobody has seen before.
const FRESH: usize = 10;
/// Warm calls of each of the two skills, and the calls before that are not counted.
const CALLS: usize = 200;
const WARM_UP: usize = 20;
/// Users who share the warm calls, so that nobody's history grows long and nobody calls too often.
const USERS: usize = 20;

const MAX_READY: Duration = Duration::from_secs(2);
const MAX_RESIDENT_MB: f64 = 400.0;
const MAX_UPLOAD_TO_REPLY: Duration = Duration::from_millis(500);
/// A warm call of an uploaded skill against one of a bundled skill, medians: the same, and what two measurements differ by.
const MAX_WARM_RATIO: f64 = 1.25;

/// The key of the cache, the same for all directories, so that they can share it.
const CACHE_KEY: [u8; 32] = [7; 32];
const PATIENCE: Duration = Duration::from_secs(60);
/// What the uploaded skill is asked, after its name.
const SAY: &str = r#"{"do":"say","text":"x"}"#;

fn main() -> ExitCode {
    // This program is the compiler of its own registry, as the host is of its.
    if let Some(code) = compile::called() {
        return code;
    }
    let only_print = std::env::args().any(|argument| argument == "--only-print");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    let missed = runtime.block_on(run());
    if missed.is_empty() || only_print {
        return ExitCode::SUCCESS;
    }
    eprintln!("missed: {}", missed.join(", "));
    ExitCode::FAILURE
}

async fn run() -> Vec<&'static str> {
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let full = Folder::new(root.path(), "full");
    let empty = Folder::new(root.path(), "empty");
    let began = Instant::now();
    prepare(&full).await;
    let database = std::fs::metadata(full.database()).expect("the database is there").len();
    println!(
        "prepared in {:.1} s: {TENANTS} tenants, {EACH} installations each, {COMPONENTS} components of {} kB; database {:.1} MB",
        began.elapsed().as_secs_f64(),
        COURIER.len() / 1000,
        database as f64 / 1e6,
    );
    let mut report = Report::default();
    let server = many_tenants(&full, &empty, &mut report).await;
    upload_to_reply(&full, &server, root.path(), &mut report).await;
    warm_calls(&full, &server, &mut report).await;
    server.stop();
    report.missed
}

/// Figure 1. Gives the host of the full directory, which goes on.
async fn many_tenants(full: &Folder, empty: &Folder, report: &mut Report) -> Server {
    // Compiles what comes with the host, and makes the empty record.
    empty.serve().stop();
    let (mut of_full, mut of_empty) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..STARTS {
        for (folder, times) in [(empty, &mut of_empty), (full, &mut of_full)] {
            let server = folder.serve();
            times.push(server.ready_after);
            if times.len() == STARTS {
                last = Some(server);
            } else {
                server.stop();
            }
        }
    }
    let server = last.expect("the full directory's host was started last");
    // The floor gets a start of its own, so that at each moment one host only does something.
    let idle = empty.serve();
    let floor = use_it(empty, &idle, |_| ("hello".to_owned(), "hello".to_owned(), "core".to_owned())).await;
    idle.stop();
    let loaded = use_it(full, &server, |tenant| {
        let name = name_of(tenant);
        (format!("{name} this"), format!("{name} {SAY}"), name)
    })
    .await;

    let (full_ready, empty_ready) = (sorted(of_full), sorted(of_empty));
    println!("\n1. {TENANTS} tenants, {EACH} installations each ({STARTS} starts in turns, warm cache)");
    println!("                                          floor (empty)      tenants      bound");
    println!("   ready, median                            {} {}", ms(at(&empty_ready, 500)), ms(at(&full_ready, 500)));
    let slowest = at(&full_ready, 1000);
    let verdict = report.check("ready", slowest < MAX_READY);
    println!(
        "   ready, slowest                           {} {}   < {} ms  {verdict}",
        ms(at(&empty_ready, 1000)),
        ms(slowest),
        MAX_READY.as_millis()
    );
    for (place, when) in ["after ready", "after a route for every tenant", "after 50 requests"].into_iter().enumerate()
    {
        let (floor, loaded) = (floor.memory[place], loaded.memory[place]);
        let verdict = report.check("resident memory", loaded.resident < MAX_RESIDENT_MB);
        println!(
            "   resident, {when:<31} {:>8.1} MB {:>9.1} MB   < {MAX_RESIDENT_MB} MB   {verdict}",
            floor.resident, loaded.resident
        );
        println!(
            "     of it not backed by a file             {:>8.1} MB {:>9.1} MB",
            floor.anonymous, loaded.anonymous
        );
    }
    println!(
        "   a tenant's first route, p50 / p99        {} / {}   {} / {}",
        ms(at(&floor.routes, 500)).trim(),
        ms(at(&floor.routes, 990)).trim(),
        ms(at(&loaded.routes, 500)).trim(),
        ms(at(&loaded.routes, 990)).trim(),
    );
    println!(
        "   a tenant's first request, p50 / max      {} / {}   {} / {}",
        ms(at(&floor.requests, 500)).trim(),
        ms(at(&floor.requests, 1000)).trim(),
        ms(at(&loaded.requests, 500)).trim(),
        ms(at(&loaded.requests, 1000)).trim(),
    );
    server
}

/// What a host needed.
struct Usage {
    memory: [Memory; 3],
    routes: Vec<Duration>,
    requests: Vec<Duration>,
}

/// One route for every tenant, then requests for some. `words` gives a tenant's words for both, and the skill that must be meant.
async fn use_it(folder: &Folder, server: &Server, words: impl Fn(usize) -> (String, String, String)) -> Usage {
    let client = Client::new(folder, server);
    let after_ready = server.memory();
    let (mut routes, mut requests) = (Vec::new(), Vec::new());
    for tenant in 0..TENANTS {
        let (content, _, skill) = words(tenant);
        let (status, route, took) = client.post(tenant, "ada", "/v1/route", &json!({"content": content})).await;
        assert!(status == 200 && route["decision"].to_string().contains(&skill), "{skill}: {status} {route}");
        routes.push(took);
    }
    let after_routes = server.memory();
    for tenant in 0..ASKING {
        let (_, content, skill) = words(tenant);
        requests.push(client.ask(tenant, "ada", &content, &skill).await);
    }
    Usage { memory: [after_ready, after_routes, server.memory()], routes: sorted(routes), requests: sorted(requests) }
}

/// Figure 2, first half.
async fn upload_to_reply(full: &Folder, server: &Server, root: &Path, report: &mut Report) {
    let client = Client::new(full, server);
    let (mut fresh, mut known) = (Vec::new(), Vec::new());
    for number in 0..FRESH {
        let name = format!("fresh{number:02}");
        let package = package(&name, COMPONENTS + number);
        // Two tenants that have their ten skills and none of these.
        fresh.push(client.install_and_ask(100 + number, &name, package.clone()).await);
        known.push(client.install_and_ask(150 + number, &name, package).await);
    }
    let mut options = SandboxOptions::new(root.join("cache-of-the-floor"), CACHE_KEY);
    options.compiler = Some(compile::in_a_child());
    let sandbox = Sandbox::new(options).expect("the sandbox starts");
    let alone = (0..FRESH).map(|number| {
        let component = component(COMPONENTS + FRESH + number);
        let began = Instant::now();
        let digest = openanalyst_package::digest(&component);
        sandbox.load_skill("floor", digest, &component).expect("the component compiles");
        began.elapsed()
    });
    let alone = sorted(alone.collect());
    let part = |runs: &[[Duration; 3]], part: usize| sorted(runs.iter().map(|run| run[part]).collect());
    let whole = |runs: &[[Duration; 3]]| sorted(runs.iter().map(|run| run.iter().sum()).collect());
    println!("\n2. from upload to the first reply, {FRESH} components of {} kB", COURIER.len() / 1000);
    println!("                                            median          max      bound");
    println!("   floor: scan and compile alone        {} {}", ms(at(&alone, 500)), ms(at(&alone, 1000)));
    println!(
        "   peer: the component is known         {} {}",
        ms(at(&whole(&known), 500)),
        ms(at(&whole(&known), 1000))
    );
    let (median, slowest) = (at(&whole(&fresh), 500), at(&whole(&fresh), 1000));
    let verdict = report.check("upload to reply", median < MAX_UPLOAD_TO_REPLY);
    println!(
        "   never seen before                    {} {}   < {} ms  {verdict}",
        ms(median),
        ms(slowest),
        MAX_UPLOAD_TO_REPLY.as_millis()
    );
    for (place, name) in ["POST /v1/skills", "POST .../activate", "POST /v1/requests"].into_iter().enumerate() {
        let times = part(&fresh, place);
        println!("     {name:<34} {} {}", ms(at(&times, 500)), ms(at(&times, 1000)));
    }
}

/// Figure 2, second half.
async fn warm_calls(full: &Folder, server: &Server, report: &mut Report) {
    const TENANT: usize = 200;
    let client = Client::new(full, server);
    let uploaded = name_of(TENANT);
    let calls = [(uploaded.as_str(), format!("{uploaded} {SAY}")), ("core", "hello".to_owned())];
    let mut took = [Vec::new(), Vec::new()];
    for round in 0..WARM_UP + CALLS {
        let user = format!("user{}", round % USERS);
        // Each goes first in every other round.
        for turn in 0..calls.len() {
            let place = (round / USERS + round + turn) % calls.len();
            let (skill, content) = &calls[place];
            let time = client.ask(TENANT, &user, content, skill).await;
            if round >= WARM_UP {
                took[place].push(time);
            }
        }
    }
    let [of_uploaded, of_bundled] = took.map(sorted);
    println!("\n   a warm call, {CALLS} of each in turns: POST /v1/requests until its answer");
    println!("                                               p50          p99      bound");
    println!("   peer: bundled `core`, \"hello\"        {} {}", ms(at(&of_bundled, 500)), ms(at(&of_bundled, 990)));
    println!("   uploaded                             {} {}", ms(at(&of_uploaded, 500)), ms(at(&of_uploaded, 990)));
    let ratio = at(&of_uploaded, 500).as_secs_f64() / at(&of_bundled, 500).as_secs_f64();
    let verdict = report.check("warm call", ratio <= MAX_WARM_RATIO);
    println!("   ratio of the p50s                    {ratio:>9.2}                <= {MAX_WARM_RATIO}  {verdict}");
    for (skill, _) in &calls {
        let [wall, cpu, queued, invocations] = client.receipts(TENANT, skill, CALLS).await;
        println!(
            "   receipts of a task of {skill:<10} p50: sandbox {wall} us, CPU {cpu} us, queued {queued} us, invocations {invocations}"
        );
    }
}

/// A data directory.
struct Folder {
    dir: PathBuf,
    cache: PathBuf,
}

impl Folder {
    fn new(root: &Path, name: &str) -> Self {
        let dir = root.join(name);
        std::fs::create_dir_all(dir.join("keys")).expect("a folder can be made");
        std::fs::write(dir.join("keys/cache.key"), CACHE_KEY).expect("a file can be written");
        Self { dir, cache: root.join("cache") }
    }

    fn database(&self) -> PathBuf {
        self.dir.join("openanalyst.db")
    }

    fn flags(&self) -> Vec<String> {
        let url = format!("sqlite://{}", self.database().display());
        let flags =
            [("--data-dir", self.dir.as_path()), ("--cache-dir", &self.cache), ("--database-url", url.as_ref())];
        flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), value.display().to_string()]).collect()
    }

    fn settings(&self) -> Settings {
        let arguments = ["openanalyst".to_owned(), "migrate".to_owned()].into_iter().chain(self.flags());
        let matches = Cli::command().get_matches_from(arguments);
        let cli = Cli::from_arg_matches(&matches).expect("the arguments are right");
        Settings::load(&cli.settings, &matches).expect("the settings are right")
    }

    /// Starts the host, and waits until it says that it is ready.
    fn serve(&self) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openanalyst"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OPENANALYST_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(self.flags()).current_dir(&self.dir);
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the host can be started");
        let lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        let ready = lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("ready ")?.to_owned()));
        let ready_after = began.elapsed();
        Server { child, base: ready.expect("the host starts"), ready_after }
    }
}

/// A running host. Dropping it kills it.
struct Server {
    child: Child,
    base: String,
    ready_after: Duration,
}

/// Megabytes of a process.
#[derive(Clone, Copy)]
struct Memory {
    resident: f64,
    anonymous: f64,
}

impl Server {
    fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the host runs");
        let mb = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("Linux says it");
            let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("it is a number");
            kib * 1024.0 / 1e6
        };
        Memory { resident: mb("VmRSS:"), anonymous: mb("RssAnon:") }
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("there is `kill`").success());
        assert!(self.child.wait().expect("it is a child").success(), "the host ends well");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of all users of all tenants.
struct Client {
    http: reqwest::Client,
    base: String,
    keys: LocalKeys,
}

impl Client {
    fn new(folder: &Folder, server: &Server) -> Self {
        let keys = LocalKeys::open_or_create(&folder.dir.join("keys")).expect("the host's keys can be read");
        Self {
            http: openanalyst_egress::client(PATIENCE).expect("a client can be made"),
            base: server.base.clone(),
            keys,
        }
    }

    fn token(&self, tenant: usize, user: &str) -> String {
        let request = TokenRequest {
            tenant: tenant_id(tenant),
            user: UserId::parse(user).expect("it is a name"),
            scopes: Scope::ALL.to_vec(),
            ttl: Duration::from_secs(3_600),
            now_ms: SystemClock.now_ms(),
        };
        self.keys.sign(&request).expect("the key signs")
    }

    /// A call, and how long it took from its first byte to the last one of its answer.
    async fn send(&self, tenant: usize, user: &str, request: reqwest::RequestBuilder) -> (u16, Value, Duration) {
        let request = request.bearer_auth(self.token(tenant, user));
        let began = Instant::now();
        let answer = request.send().await.expect("the host answers");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("the answer is whole");
        let took = began.elapsed();
        (status, serde_json::from_slice(&body).unwrap_or_default(), took)
    }

    async fn post(&self, tenant: usize, user: &str, path: &str, body: &Value) -> (u16, Value, Duration) {
        self.send(tenant, user, self.http.post(format!("{}{path}", self.base)).json(body)).await
    }

    /// Asks, and checks who answered.
    async fn ask(&self, tenant: usize, user: &str, content: &str, skill: &str) -> Duration {
        let (status, task, took) = self.post(tenant, user, "/v1/requests?wait=60", &json!({"content": content})).await;
        let answered = status == 200 && task["status"] == "completed" && task["metadata"]["skill"] == *skill;
        assert!(answered, "{skill}: {status} {task}");
        took
    }

    /// Uploads, activates, asks: how long each took.
    async fn install_and_ask(&self, tenant: usize, name: &str, package: Vec<u8>) -> [Duration; 3] {
        let upload = self.http.post(format!("{}/v1/skills", self.base)).body(package);
        let (status, uploaded, upload) = self.send(tenant, "ada", upload).await;
        assert_eq!(status, 201, "{uploaded}");
        let path = format!("/v1/skills/{name}/activate");
        let (status, active, activate) = self.post(tenant, "ada", &path, &json!({"version": "1.0.0"})).await;
        assert_eq!(status, 200, "{active}");
        [upload, activate, self.ask(tenant, "ada", &format!("{name} {SAY}"), name).await]
    }

    /// Medians of wall time, CPU time, waiting (microseconds) and invocations of the newest tasks of a skill.
    async fn receipts(&self, tenant: usize, skill: &str, tasks: usize) -> [u64; 4] {
        let mut used: BTreeMap<String, [u64; 4]> = BTreeMap::new();
        let mut cursor = String::new();
        // The page on which one more task begins shows that the newest ones are whole.
        while used.len() <= tasks {
            let path = format!("{}/v1/skills/{skill}/receipts?limit=100{cursor}", self.base);
            let (status, page, _) = self.send(tenant, "ada", self.http.get(path)).await;
            assert_eq!(status, 200, "{page}");
            for row in page["receipts"].as_array().expect("a page has receipts") {
                let task = used.entry(row["taskId"].as_str().unwrap_or_default().to_owned()).or_default();
                for (sum, name) in task.iter_mut().zip(["wallUs", "cpuUs", "queuedUs"]) {
                    *sum += row["receipt"][name].as_u64().unwrap_or_default();
                }
                task[3] += 1;
            }
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        // Ids sort by time.
        let newest: Vec<[u64; 4]> = used.into_values().rev().take(tasks).collect();
        std::array::from_fn(|place| {
            let mut values: Vec<u64> = newest.iter().map(|task| task[place]).collect();
            values.sort_unstable();
            values[values.len() / 2]
        })
    }
}

/// Fills the record: the first tenants go the whole way through the registry, so that every component is uploaded and compiled once; the others get
/// the rows that the same calls would have written for them, in one transaction each.
async fn prepare(folder: &Folder) {
    let workshop = Workshop::open(&folder.settings(), Arc::new(SystemClock)).await.expect("the workshop opens");
    let (store, registry) = (&workshop.store, &workshop.registry);
    let actor = Actor { name: "ada".to_owned(), origin: "local".to_owned() };
    let grants: Capabilities = serde_json::from_value(everything()).expect("the grants are right");
    let first = |tenant: &usize| *tenant < COMPONENTS && tenant.is_multiple_of(EACH);
    let mut models = BTreeMap::new();
    for tenant in (0..TENANTS).filter(first) {
        let id = tenant_id(tenant);
        for number in skills_of(tenant) {
            let name = name_of(number);
            registry.upload(&id, package(&name, number).into(), &actor).await.expect("the package is taken");
            registry.grant(&id, &name, &grants, &actor).await.expect("the grants are taken");
            registry.activate(&id, &name, None, &actor).await.expect("the version is activated");
        }
        let installations = store.installations(&id).await.expect("the record can be read");
        for version in store.skill_versions(&id, None).await.expect("the record can be read") {
            let installation = installations.iter().find(|row| row.skill == version.skill).expect("it is installed");
            models.insert(version.skill.clone(), (version, installation.clone()));
        }
    }
    assert_eq!(models.len(), COMPONENTS);
    for tenant in (0..TENANTS).filter(|tenant| !first(tenant)) {
        let rows = skills_of(tenant).map(|number| &models[&name_of(number)]);
        copy(store, &tenant_id(tenant), rows, &to_rows(&grants), &json!({"grants": grants})).await;
    }
    store.close().await;
}

/// What uploads, grants and activations write.
async fn copy<'a>(
    store: &Store,
    tenant: &TenantId,
    rows: impl Iterator<Item = &'a (VersionRow, InstallationRow)>,
    grants: &[(String, String)],
    granted: &Value,
) {
    let mut tx = store.begin(tenant).await.expect("the record can be written");
    for (row, installation) in rows {
        let at_ms = row.uploaded_at_ms;
        let version = NewVersion {
            skill: &row.skill,
            digest: &row.digest,
            version: &row.version,
            component_digest: row.component_digest.as_deref(),
            package_bytes: row.package_bytes,
            manifest: &row.manifest,
            findings: &row.findings,
            publisher: None,
            uploaded_by: &row.uploaded_by,
            at_ms,
        };
        tx.add_version(tenant, &version).await.expect("a version is written");
        tx.put_installation(tenant, installation, at_ms).await.expect("an installation is written");
        tx.put_grants(tenant, &row.skill, grants, "ada", at_ms).await.expect("grants are written");
        let subject = format!("skill:{}", row.skill);
        for (action, data) in [
            ("skill.upload", json!({"version": row.version, "digest": row.digest, "bytes": row.package_bytes})),
            ("skill.grant", granted.clone()),
            ("skill.activate", json!({"version": row.version, "digest": row.digest, "before": row.digest})),
        ] {
            let deed = NewDeed { actor: "ada", origin: "local", action, subject: &subject, data, at_ms };
            tx.audit(tenant, deed).await.expect("the audit log is written");
            tx.touch_skills(tenant, at_ms).await.expect("the change is counted");
        }
    }
    tx.commit().await.expect("the transaction is committed");
}

fn tenant_id(number: usize) -> TenantId {
    TenantId::parse(format!("tenant{number}")).expect("it is a name")
}

/// The skills of a tenant. Its first one has the tenant's own number, and no two neighbours have the same ten.
fn skills_of(tenant: usize) -> impl Iterator<Item = usize> {
    (0..EACH).map(move |place| (tenant + place) % COMPONENTS)
}

fn name_of(number: usize) -> String {
    format!("courier{:02}", number % COMPONENTS)
}

/// All that the skill asks for.
fn everything() -> Value {
    json!({"http": ["api.test", "other.test"], "memory": "user", "secrets": ["api-key", "unset"]})
}

/// About as long as the texts of the bundled skills.
fn skill_md(name: &str) -> String {
    let capabilities = everything();
    let about = "Takes what it is given, carries it to where it belongs, and says what became of it. ".repeat(8);
    format!(
        "---\nname: {name}\ndescription: Carries letters, parcels and orders for {name} from here to there, and says what became of them.\n\
         version: 1.0.0\ntriggers: [{name}, carry with {name}, deliver by {name}, courier service {name}, ask {name}]\n\
         examples: [\"{name} this\", \"Please deliver the parcel with {name}\", \"Where is the order that {name} carries?\", \"Send it by {name}\"]\n\
         anti-examples: [\"Write a letter about {name}\"]\ncapabilities: {capabilities}\n---\n# {name}\n\n{about}\n"
    )
}

fn package(name: &str, number: usize) -> Vec<u8> {
    let files = BTreeMap::from([
        ("SKILL.md".to_owned(), skill_md(name).into_bytes()),
        ("skill.wasm".to_owned(), component(number)),
    ]);
    openanalyst_package::write_archive(&files).expect("the paths are safe")
}

/// The courier with a custom section that holds a number: the same code under another digest, which no cache knows.
fn component(number: usize) -> Vec<u8> {
    // Component Model, Binary.md: a section is its id, its size as LEB128, its content; a custom one's id is 0, and its content begins with a name.
    let name = b"number";
    let number = number.to_le_bytes();
    let content = [&[one_byte(name.len())][..], name, &number].concat();
    [COURIER, &[0, one_byte(content.len())], &content].concat()
}

/// A number under 128 is one byte of LEB128.
fn one_byte(number: usize) -> u8 {
    u8::try_from(number).ok().filter(|byte| *byte < 128).expect("the section is short")
}

/// Which bounds were missed.
#[derive(Default)]
struct Report {
    missed: Vec<&'static str>,
}

impl Report {
    fn check(&mut self, name: &'static str, holds: bool) -> &'static str {
        if holds {
            return "holds";
        }
        if !self.missed.contains(&name) {
            self.missed.push(name);
        }
        "MISSED"
    }
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn at(sorted: &[Duration], per_mille: usize) -> Duration {
    sorted[(sorted.len() - 1) * per_mille / 1000]
}

fn ms(time: Duration) -> String {
    format!("{:>9.1} ms", time.as_secs_f64() * 1e3)
}
