//! The database fails under load, and the host lives on: killed and started again, its sessions ended, its writes refused.
//!
//! A failure of the store is never an attempt: nothing is tried again for it, no effect happens twice, and of each step one job at most is done. The short form runs with all tests; the full one is
//! `OPENANALYST_CHAOS_ROUNDS=20 cargo test --workspace --test end_to_end database_chaos -- --nocapture`.
#![cfg(unix)]

use std::collections::BTreeMap;

use openanalyst_domain::JobStatus;
use openanalyst_store::memory::MemoryOwner;
use openanalyst_test_postgres::{Server as Database, name_of};
use serde_json::{Value, json};

use crate::brain::install;
use crate::effects::Counted;
use crate::request::{open_store, owner};
use crate::support::{Client, DataDir, POST_AND_SCHEDULE, Server, assert_gapless, kinds};

/// Rounds of each kind of failure.
const SHORT: u32 = 1;
/// Requests of each round.
const REQUESTS: u32 = 8;

/// What happens to the database.
#[derive(Debug, Clone, Copy)]
enum Failure {
    /// It is killed, and started again.
    Killed,
    /// All its sessions are ended.
    SessionsEnded,
    /// Its disk is full: each write is refused for a while.
    WritesRefused,
}

/// Each write of these tables asks `chaos()`. Made once, before the load: a trigger that comes or goes locks its table, and three of them
/// at once can meet the host's transactions in a deadlock.
const WATCH: &str = "CREATE FUNCTION chaos() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; \
     CREATE TRIGGER chaos BEFORE INSERT OR UPDATE ON effects FOR EACH ROW EXECUTE FUNCTION chaos(); \
     CREATE TRIGGER chaos BEFORE INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION chaos(); \
     CREATE TRIGGER chaos BEFORE INSERT OR UPDATE ON memory FOR EACH ROW EXECUTE FUNCTION chaos();";
const REFUSE: &str = "CREATE OR REPLACE FUNCTION chaos() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$";
const ALLOW: &str =
    "CREATE OR REPLACE FUNCTION chaos() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$";
const END_SESSIONS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

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

/// Breaks the database, waits until the host has met that, and repairs it.
async fn fail(database: &Database, name: &str, failure: Failure, far: &Counted) {
    match failure {
        Failure::Killed => {
            database.stop().unwrap();
            database.resume().unwrap();
        }
        Failure::SessionsEnded => {
            for _ in 0..3 {
                database.sql(name, END_SESSIONS).unwrap();
            }
        }
        Failure::WritesRefused => {
            database.sql(name, REFUSE).unwrap();
            // Work that comes this far meets it with its next write.
            far.was_asked().await;
            database.sql(name, ALLOW).unwrap();
        }
    }
}

async fn accept(client: &Client, name: &str, content: &str) -> String {
    let body = json!({ "content": content, "sessionId": name });
    client.try_accept(&body, name).await.expect("it is accepted before the database fails")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_database_is_never_an_attempt() {
    let Some(database) = Database::start() else { return };
    let rounds = std::env::var("OPENANALYST_CHAOS_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SHORT);
    let url = database.database();
    let data = DataDir::on_postgres(url.clone());
    let token = data.token("acme", "ada");
    let far = Counted::start(|_, _| 201).await;
    let far_flags = far.flags(&data);
    let flags = ["--retry-pause-ms", "1", "--max-open-tasks", "10000"];
    let flags: Vec<&str> = flags.into_iter().chain(far_flags.iter().map(String::as_str)).collect();
    let server = Server::start_with(&data, &flags);
    let client = server.client(&token);
    install(&client).await;
    database.sql(name_of(&url), WATCH).unwrap();

    let mut tasks: BTreeMap<String, String> = BTreeMap::new();
    let mut posts: Vec<String> = Vec::new();
    for round in 0..rounds {
        for failure in [Failure::Killed, Failure::SessionsEnded, Failure::WritesRefused] {
            let mut last = String::new();
            for n in 0..REQUESTS {
                let name = format!("{failure:?}-{round}-{n}");
                if n % 4 == 3 {
                    posts.push(accept(&client, &name, POST_AND_SCHEDULE).await);
                } else {
                    last = accept(&client, &name, &format!("trier document {}", document(&name))).await;
                    tasks.insert(name, last.clone());
                }
            }
            fail(&database, name_of(&url), failure, &far).await;
            drop(client.events(&last).await);
        }
    }
    let mut recovered = 0;
    for task in tasks.values().chain(&posts) {
        let events = client.events(task).await;
        assert_gapless(&events);
        let found = kinds(&events);
        assert_eq!(found.last(), Some(&"completed"), "{task}: {found:?} {:?}", events.last());
        assert!(!found.contains(&"retrying"), "{task}: no attempt failed: {events:?}");
        recovered += usize::from(found.contains(&"recovered"));
    }
    server.kill();

    let store = open_store(&data).await;
    let ada = owner("acme", "ada");
    let memory = MemoryOwner::User(ada.clone());
    // The far sides: the memory counts how often it was written, the far server its keys, the engine its jobs.
    let mut jobs: BTreeMap<String, usize> = BTreeMap::new();
    let mut before = None;
    loop {
        let page = store.jobs(&ada, "", before, 100).await.unwrap().rows;
        for job in page.iter().filter(|job| job.status == JobStatus::Done) {
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
    for name in tasks.keys() {
        for key in ["first", "value", "second"] {
            let row = store.memory(&memory, &format!("{name}/{key}"), 0).await.unwrap();
            let row = row.unwrap_or_else(|| panic!("{name}/{key} was not written"));
            assert_eq!(row.version, 1, "{name}/{key} was written {} times", row.version);
        }
        assert_eq!(far.done(&format!("/{name}")).0, 1, "{name}: the far side did it once");
    }
    println!("{} tasks, {recovered} of them resumed, each effect once", tasks.len() + posts.len());
    assert!(recovered > 0, "the failures came while something ran");
}
