//! `kill -9` at random moments, many times, on one record: what was acknowledged ends once, and every effect happens once.
//!
//! A client keeps a ledger of what was acknowledged, and sends again under the same idempotency key what was not. The short form runs with all tests; the full one is
//! `OPENANALYST_CRASH_ROUNDS=200 cargo test --workspace --test end_to_end crash_rounds -- --nocapture`, and the same with
//! `OPENANALYST_TEST_DATABASE=postgres`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Json;
use axum::routing::post;
use openanalyst_store::memory::MemoryOwner;
use serde_json::{Value, json};

use crate::brain;
use crate::effects::Counted;
use crate::request::{open_store, owner};
use crate::support::{Client, DataDir, Server, assert_gapless, kinds};

const SHORT: u64 = 10;
/// Requests of each round.
const REQUESTS: u64 = 3;
/// Requests of each fifth round: so many come at once that they are written in large groups.
const CROWD: u64 = 40;
/// The largest group of these rounds has at least so many pieces of work.
const LARGE: u64 = 8;
/// The kill comes within so many milliseconds after the first request of a round, or within the time that one takes where that is longer: on a busy machine.
const WITHIN_MS: u64 = 160;

/// Numbers that look random, from one seed: a run can be repeated.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: u64) -> u64 {
        // xorshift64* (Marsaglia 2003, Vigna 2016).
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }
}

/// A task with six effects: a counter, a value, a request to a far side, an answer of a model, a job that runs at once or for which it is put aside, and a second
/// counter.
fn document(name: &str, waits: bool) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let at = u64::try_from(now).unwrap() + 250;
    json!({ "steps": [{ "id": "a", "run": { "do": [
        { "call": "clock" },
        { "call": "count", "key": format!("{name}/first") },
        { "call": "put", "key": format!("{name}/value"), "value": name },
        { "call": "post", "method": "POST", "url": format!("https://api.test/{name}"), "body": name },
        { "call": "ask", "prompt": name },
        { "call": "job", "path": "f/openanalyst/social/create_post", "at": waits.then_some(at),
          "arguments": { "platform": "twitter", "topic": name } },
        { "call": "random" },
        { "call": "count", "key": format!("{name}/second") },
    ]}}]})
}

/// The log of SQLite's writer: the size of each group.
const GROUPS: &str = "openanalyst_store::groups";

/// The sizes of the groups in a server's log.
fn groups(log: &str) -> Vec<u64> {
    let lines = log.lines().filter(|line| line.contains(GROUPS));
    lines
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            line["fields"]["pieces"].as_u64().unwrap()
        })
        .collect()
}

/// A model that says what it was asked.
async fn model() -> String {
    async fn chat(Json(body): Json<Value>) -> Json<Value> {
        let content = body["messages"].as_array().unwrap().last().unwrap()["content"].clone();
        Json(json!({ "model": "m", "choices": [{ "message": { "content": content }, "finish_reason": "stop" }] }))
    }
    format!("{}/v1", brain::serve(axum::Router::new().route("/v1/chat/completions", post(chat))).await)
}

/// Sends a request until it is acknowledged or the server is gone.
async fn send(client: &Client, name: &str, content: &str) -> Option<String> {
    client.try_accept(&json!({ "content": content, "sessionId": name }), name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_nothing_is_lost_and_nothing_happens_twice() {
    let rounds = std::env::var("OPENANALYST_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SHORT);
    let seed = std::env::var("OPENANALYST_CRASH_SEED").ok().and_then(|n| n.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()) * 7919 + 1);
    println!("{rounds} rounds, OPENANALYST_CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let far = Counted::start(|_, _| 201).await;
    let model = model().await;
    let flags = ["--park-after-ms", "60", "--retry-pause-ms", "1", "--max-open-tasks", "10000"];
    let log = format!("warn,{GROUPS}=debug");
    let flags = [&flags[..], &["--log", &log]].concat();
    let models = ["--llm", "openai", "--llm-model", "m", "--llm-url", &model];
    let far_flags = far.flags(&data);
    let flags: Vec<&str> = flags.into_iter().chain(models).chain(far_flags.iter().map(String::as_str)).collect();
    let server = Server::start_with(&data, &flags);
    let client = server.client(&token);
    brain::install(&client).await;
    let began = std::time::Instant::now();
    client.ask(&format!("trier document {}", document("before", false)), "before").await;
    let within_ms = WITHIN_MS.max(u64::try_from(began.elapsed().as_millis()).unwrap());
    server.kill();

    let mut ledger: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut contents: BTreeMap<String, String> = BTreeMap::new();
    let mut crowded: Vec<u64> = Vec::new();
    for round in 0..rounds {
        let server = Server::start_with(&data, &flags);
        let client = server.client(&token);
        let unsure: Vec<String> =
            ledger.iter().filter(|(_, task)| task.is_none()).map(|(name, _)| name.clone()).collect();
        let requests = if round % 5 == 2 { CROWD } else { REQUESTS };
        let fresh = (0..requests).map(|n| format!("r{round}-{n}"));
        let names: Vec<String> = unsure.into_iter().chain(fresh).collect();
        // Now and then it lives for longer, so that what was put aside comes back and is killed there too.
        let within = if round % 5 == 4 { 10 * within_ms } else { within_ms };
        let kill_after = Duration::from_millis(dice.throw(within));
        for name in &names {
            let content = || format!("trier document {}", document(name, name.ends_with("-0")));
            contents.entry(name.clone()).or_insert_with(content);
        }
        let acks = tokio::sync::Semaphore::new(0);
        let sending = async {
            let sent = names.iter().map(|name| {
                let (client, content) = (client.clone(), &contents[name]);
                let acks = &acks;
                async move {
                    let task = send(&client, name, content).await;
                    acks.add_permits(usize::from(task.is_some()));
                    (name.clone(), task)
                }
            });
            futures_util::future::join_all(sent).await
        };
        tokio::pin!(sending);
        // The kill itself comes at a moment of its own; nothing is waited for. Where many requests come at
        // once, some of them are acknowledged before: the others are in the middle of it then.
        let first_acks = if requests == CROWD { 1 + u32::try_from(dice.throw(CROWD)).unwrap() } else { 0 };
        let kill = async {
            // Closed: everything was answered.
            drop(acks.acquire_many(first_acks).await);
            tokio::time::sleep(kill_after).await;
        };
        tokio::pin!(kill);
        let (sent, log) = tokio::select! {
            sent = &mut sending => {
                acks.close();
                kill.await;
                (sent, server.kill())
            }
            () = &mut kill => {
                let log = server.kill();
                (sending.await, log)
            }
        };
        if requests == CROWD {
            crowded.extend(groups(&log));
        }
        for (name, task) in sent {
            let known = ledger.entry(name.clone()).or_default();
            if let (Some(known), Some(task)) = (&known, &task) {
                assert_eq!(known, task, "{name}: one key, one task");
            }
            *known = known.take().or(task);
        }
    }

    let server = Server::start_with(&data, &flags);
    let client = server.client(&token);
    // A client that got no answer asks once more, as clients do.
    for (name, task) in ledger.iter_mut().filter(|(_, task)| task.is_none()) {
        *task = send(&client, name, &contents[name]).await;
    }
    for status in ["accepted", "running"] {
        loop {
            let open = client.get(&format!("/v1/tasks?status={status}&limit=20")).await.1;
            let open = open["tasks"].as_array().unwrap().clone();
            if open.is_empty() {
                break;
            }
            for task in open {
                drop(client.events(task["taskId"].as_str().unwrap()).await);
            }
        }
    }
    server.kill();
    let store = open_store(&data).await;
    let ada = owner("acme", "ada");
    let mut recovered = 0;
    let mut parked = 0;
    for (name, task) in &ledger {
        let Some(task) = task else { continue };
        let events = store.task_events(&ada, task.parse().unwrap(), 0, 1_000).await.unwrap();
        let events: Vec<Value> = events.into_iter().map(|event| json!(event)).collect();
        assert_gapless(&events);
        let found = kinds(&events);
        let ends: Vec<&&str> =
            found.iter().filter(|kind| ["completed", "failed", "cancelled", "asked"].contains(kind)).collect();
        assert_eq!(ends, [&"completed"], "{name}: {found:?} {:?}", events.last());
        recovered += usize::from(found.contains(&"recovered"));
        parked += usize::from(found.contains(&"parked"));
    }

    // The far sides: the memory counts how often it was written, the workflow engine its jobs.
    let memory = MemoryOwner::User(ada.clone());
    let mut jobs: BTreeMap<String, u32> = BTreeMap::new();
    let mut before = None;
    loop {
        let page = store.jobs(&ada, "", before, 100).await.unwrap().rows;
        for job in &page {
            let topic = job.args["topic"].as_str().unwrap_or_default().to_owned();
            *jobs.entry(topic).or_default() += 1;
        }
        match page.last() {
            Some(last) => before = Some(last.id),
            None => break,
        }
    }
    let mut acknowledged = BTreeSet::new();
    let mut sent_again = 0;
    for (name, task) in ledger {
        assert!(task.is_some(), "{name} is acknowledged at last");
        for key in ["first", "value", "second"] {
            let row = store.memory(&memory, &format!("{name}/{key}"), 0).await.unwrap();
            let row = row.unwrap_or_else(|| panic!("{name}/{key} was not written"));
            assert_eq!(row.version, 1, "{name}/{key} was written {} times", row.version);
        }
        assert_eq!(jobs.get(&name), Some(&1), "{name}: one job");
        let (keys, requests) = far.done(&format!("/{name}"));
        assert_eq!(keys, 1, "{name}: the far side did it once, whatever was sent again");
        sent_again += requests - 1;
        acknowledged.insert(name);
    }
    println!(
        "{} tasks, {recovered} of them recovered, {parked} put aside, each effect once; {sent_again} requests reached the far side again, under the same key",
        acknowledged.len()
    );
    if data.has_a_file() {
        let largest = crowded.iter().max().copied().unwrap_or(0);
        // What a piece of work meets on average: the size of its own group.
        let (sum, squares) = crowded.iter().fold((0, 0), |(sum, squares), n| (sum + n, squares + n * n));
        println!("groups of the crowded rounds: {} with {sum} pieces, at most {largest}", crowded.len());
        assert!(largest >= LARGE, "groups were large where {CROWD} requests came at once: {crowded:?}");
        assert!(2 * squares >= 3 * sum, "a piece of work was seldom alone: {crowded:?}");
    }
    assert!(acknowledged.len() as u64 >= rounds * REQUESTS, "each request was acknowledged once");
    assert!(recovered > 0, "the kills came while something ran");
}
