//! The database fails under load, and the host lives on: on one node, and on three.
//!
//! A failure of the store is never an attempt: nothing is tried again for it, no effect happens twice, and of each step one job at most is done. The short form runs with all tests; the full one is
//! `OPENANALYST_CHAOS_ROUNDS=20 cargo test --workspace --test end_to_end database_chaos -- --nocapture`. There each
//! trouble lasts for up to three seconds, and `OPENANALYST_CHAOS_REQUESTS` says how many requests come before each.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::time::Duration;

use openanalyst_domain::JobStatus;
use openanalyst_store::memory::MemoryOwner;
use openanalyst_test_postgres::{Server as Database, name_of};
use serde_json::{Value, json};

use crate::brain::install;
use crate::effects::Counted;
use crate::nodes::data_of;
use crate::request::{open_store, owner};
use crate::support::{Client, POST_AND_SCHEDULE, Server, assert_gapless, kinds};

/// Rounds of all troubles.
const SHORT: u32 = 1;
/// Requests before each trouble.
const REQUESTS: u32 = 6;
/// How long a trouble lasts in the full form, each one longer than the one before it.
const LASTS: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)];

/// What happens to the database.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// It is killed, and started again.
    Killed,
    /// All its sessions are ended.
    SessionsEnded,
    /// It refuses every write.
    ReadOnly,
    /// Others have all its connections.
    ConnectionsTaken,
    /// Its disk is full: each write of a table of effects is refused.
    DiskFull,
}

const TROUBLES: [Trouble; 5] =
    [Trouble::Killed, Trouble::SessionsEnded, Trouble::ReadOnly, Trouble::ConnectionsTaken, Trouble::DiskFull];

/// Each write of these tables asks `chaos()`. Made once, before the load: a trigger that comes or goes locks its table, and some of them
/// at once can meet the host's transactions in a deadlock. A sequence counts the refusals, since it is not rolled back.
const WATCH: &str = "CREATE SEQUENCE refusals; \
     CREATE FUNCTION chaos() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN NEW; END $$; \
     CREATE TRIGGER chaos BEFORE INSERT OR UPDATE ON effects FOR EACH ROW EXECUTE FUNCTION chaos(); \
     CREATE TRIGGER chaos BEFORE INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION chaos(); \
     CREATE TRIGGER chaos BEFORE INSERT OR UPDATE ON schedules FOR EACH ROW EXECUTE FUNCTION chaos(); \
     CREATE TRIGGER chaos BEFORE INSERT OR UPDATE ON memory FOR EACH ROW EXECUTE FUNCTION chaos();";
const REFUSE: &str = "ALTER SEQUENCE refusals RESTART; CREATE OR REPLACE FUNCTION chaos() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN \
     PERFORM nextval('refusals'); RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$";
const ALLOW: &str = "CREATE OR REPLACE FUNCTION chaos() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ \
     BEGIN RETURN NEW; END $$";

/// Effects that each happen once: a counter, a value, a request to a far side, a job, and a second counter.
fn document(name: &str) -> Value {
    json!({ "steps": [{ "id": "a", "run": { "do": [
        { "call": "count", "key": format!("{name}/first") },
        { "call": "post", "method": "POST", "url": format!("https://api.test/{name}"), "body": name },
        { "call": "put", "key": format!("{name}/value"), "value": name },
        { "call": "job", "path": "f/openanalyst/social/create_post", "arguments": { "platform": "twitter", "topic": name } },
        { "call": "count", "key": format!("{name}/second") },
    ]}}]})
}

/// The database of a test, and the nodes on it.
struct Scene<'a> {
    database: &'a Database,
    name: &'a str,
    clients: &'a [Client],
}

impl Scene<'_> {
    fn sql(&self, statement: &str) -> String {
        self.database.sql(self.name, statement).unwrap()
    }

    /// Changes the database for the sessions to come, and ends those that are there: in this order, so
    /// that none comes between. Said in another database, whose sessions it does not change.
    fn change(&self, change: &str) {
        let name = self.name;
        let end = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
        if !change.is_empty() {
            self.database.sql("postgres", &format!("ALTER DATABASE {name} {change}")).unwrap();
        }
        self.database.sql("postgres", &end).unwrap();
    }

    /// Waits until each node says that it can do its work, or that it cannot.
    async fn are_ready(&self, ready: bool) {
        for client in self.clients {
            while (client.get("/ready").await.0 == 200) != ready {}
        }
    }

    /// Breaks the database, waits until the nodes have met that, lets it last, and repairs it.
    async fn meet(&self, trouble: Trouble, lasts: Duration) {
        match trouble {
            Trouble::Killed => {
                self.database.stop().unwrap();
                tokio::time::sleep(lasts).await;
                self.database.resume().unwrap();
            }
            Trouble::SessionsEnded => {
                for _ in 0..3 {
                    self.change("");
                    tokio::time::sleep(lasts / 3).await;
                }
            }
            Trouble::ReadOnly => {
                self.change("SET default_transaction_read_only = on");
                self.are_ready(false).await;
                tokio::time::sleep(lasts).await;
                self.change("RESET default_transaction_read_only");
            }
            Trouble::ConnectionsTaken => {
                self.change("CONNECTION LIMIT 0");
                self.are_ready(false).await;
                tokio::time::sleep(lasts).await;
                self.change("CONNECTION LIMIT -1");
            }
            Trouble::DiskFull => {
                // Half of the requests came when writes were refused already, so they come this far.
                while self.sql("SELECT is_called FROM refusals").trim() != "t" {}
                tokio::time::sleep(lasts).await;
                self.sql(ALLOW);
            }
        }
        self.are_ready(true).await;
    }
}

fn number(variable: &str, default: u32) -> u32 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

async fn accept(client: &Client, name: &str, content: &str) -> String {
    let body = json!({ "content": content, "sessionId": name });
    client.try_accept(&body, name).await.expect("it is accepted before the database fails")
}

/// All troubles under load, on so many nodes.
async fn each_effect_happens_once(nodes: usize) {
    let Some(database) = Database::start() else { return };
    let rounds = number("OPENANALYST_CHAOS_ROUNDS", SHORT);
    let requests = number("OPENANALYST_CHAOS_REQUESTS", REQUESTS);
    let url = database.database();
    let far = Counted::start(|_, _| 201).await;
    let data = data_of(&url, nodes);
    let servers: Vec<Server> = data
        .iter()
        .map(|data| {
            let far_flags = far.flags(data);
            let flags = ["--retry-pause-ms", "1", "--max-open-tasks", "10000"];
            let flags: Vec<&str> = flags.into_iter().chain(far_flags.iter().map(String::as_str)).collect();
            Server::start_with(data, &flags)
        })
        .collect();
    let clients: Vec<Client> =
        servers.iter().zip(&data).map(|(server, data)| server.client(&data.token("acme", "ada"))).collect();
    install(&clients[0]).await;
    let scene = Scene { database: &database, name: name_of(&url), clients: &clients };
    scene.sql(WATCH);

    let in_turn = u32::try_from(nodes).unwrap();
    let mut tasks: BTreeMap<String, String> = BTreeMap::new();
    let mut posts: Vec<String> = Vec::new();
    for round in 0..rounds {
        for (index, trouble) in TROUBLES.into_iter().enumerate() {
            for (n, client) in (0..requests).zip(clients.iter().cycle()) {
                let name = format!("{trouble:?}-{round}-{n}");
                if matches!(trouble, Trouble::DiskFull) && n == requests / 2 {
                    scene.sql(REFUSE);
                }
                // Each node gets some of both.
                if (n / in_turn) % 3 == 1 {
                    posts.push(accept(client, &name, POST_AND_SCHEDULE).await);
                } else {
                    let task = accept(client, &name, &format!("trier document {}", document(&name))).await;
                    tasks.insert(name, task);
                }
            }
            let lasts = if rounds > SHORT { LASTS[(round as usize + index) % LASTS.len()] } else { Duration::ZERO };
            scene.meet(trouble, lasts).await;
        }
    }
    let mut recovered = 0;
    for task in tasks.values().chain(&posts) {
        let events = clients[0].events(task).await;
        assert_gapless(&events);
        let found = kinds(&events);
        assert_eq!(found.last(), Some(&"completed"), "{task}: {found:?} {:?}", events.last());
        assert!(!found.contains(&"retrying"), "{task}: no attempt failed: {events:?}");
        recovered += usize::from(found.contains(&"recovered"));
    }
    for server in servers {
        server.kill();
    }

    let store = open_store(&data[0]).await;
    let ada = owner("acme", "ada");
    let memory = MemoryOwner::User(ada.clone());
    // The far sides: the memory counts how often it was written, the far server its keys, the engine its jobs.
    let mut jobs: BTreeMap<String, usize> = BTreeMap::new();
    let mut before = None;
    loop {
        let page = store.jobs(&ada, "", before, 100).await.unwrap().rows;
        for job in &page {
            assert_eq!(job.status, JobStatus::Done, "no job failed: {job:?}");
            let task = job.task.map(|task| task.to_string()).unwrap_or_default();
            *jobs.entry(format!("{task} {}", job.path)).or_default() += 1;
        }
        match page.last() {
            Some(last) => before = Some(last.id),
            None => break,
        }
    }
    assert!(jobs.values().all(|count| *count == 1), "of each step one job is done: {jobs:?}");
    assert_eq!(jobs.len(), tasks.len() + 2 * posts.len());
    let schedules = store.schedules(&ada.tenant, "", None, 10_000).await.unwrap().rows;
    assert_eq!(schedules.len(), posts.len(), "each post is scheduled once: {schedules:?}");
    for name in tasks.keys() {
        for key in ["first", "value", "second"] {
            let row = store.memory(&memory, &format!("{name}/{key}"), 0).await.unwrap();
            let row = row.unwrap_or_else(|| panic!("{name}/{key} was not written"));
            assert_eq!(row.version, 1, "{name}/{key} was written {} times", row.version);
        }
        assert_eq!(far.done(&format!("/{name}")).0, 1, "{name}: the far side did it once");
    }
    println!("{nodes} nodes: {} tasks, {recovered} of them resumed, each effect once", tasks.len() + posts.len());
    assert!(recovered > 0, "the failures came while something ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_database_is_never_an_attempt() {
    each_effect_happens_once(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_database_is_never_an_attempt_on_three_nodes() {
    each_effect_happens_once(3).await;
}
