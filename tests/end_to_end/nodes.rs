//! Two nodes on one PostgreSQL database: one that freezes and comes back, what is cancelled through the other one, and the order of a session.
#![cfg(unix)]

use serde_json::json;

use crate::brain::{FAST, attempt, events_of, id, install, seen};
use crate::effects::{Counted, post};
use crate::support::{Client, DataDir, Server, assert_gapless, kinds};

/// Data directories of nodes: one database, and one folder of packages, as nodes on one machine may have it.
pub fn data_of(url: &str, nodes: usize) -> Vec<DataDir> {
    let all: Vec<DataDir> = (0..nodes).map(|_| DataDir::on_postgres(url.to_owned())).collect();
    let packages = all[0].path().join("packages");
    std::fs::create_dir(&packages).unwrap();
    for other in &all[1..] {
        std::os::unix::fs::symlink(&packages, other.path().join("packages")).unwrap();
    }
    all
}

fn two_nodes(url: &str) -> (DataDir, DataDir) {
    let [first, second] = data_of(url, 2).try_into().unwrap_or_else(|_| unreachable!());
    (first, second)
}

/// The signal goes to a process that a test started.
fn signal(server: &Server, name: &str) {
    assert!(std::process::Command::new("kill").args([name, &server.id().to_string()]).status().unwrap().success());
}

/// A node that freezes while it works loses its task to another; when it comes back, nothing that it still writes counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_freezes_and_comes_back_changes_nothing() {
    let Some(database) = openanalyst_test_postgres::shared() else { return };
    let far = Counted::start(|_, _| 201).await;
    let (first, second) = two_nodes(&database.database());
    let start = |data: &DataDir| {
        let flags = far.flags(data);
        let flags: Vec<&str> = FAST.into_iter().chain(flags.iter().map(String::as_str)).collect();
        Server::start_with(data, &flags)
    };
    let (one, two) = (start(&first), start(&second));
    let ada = one.client(&first.token("acme", "ada"));
    install(&ada).await;
    // It computes for so long that the freeze comes in the middle of it: 700 ms of CPU, in attempts that are then repeated.
    let run = json!({ "do": [post("/frozen"), { "call": "count", "key": "n" }, { "call": "work", "ms": 700 }] });
    let body = json!({ "content": format!("trier document {}", json!({ "steps": [{ "id": "a", "run": run }] })), "sessionId": "s" });
    let task = ada.post("/v1/requests?wait=0", &body).await.1;
    far.was_asked().await;
    signal(&one, "-STOP");
    let bob = two.client(&second.token("acme", "ada"));
    let events = bob.events(id(&task)).await;
    assert_gapless(&events);
    assert!(kinds(&events).contains(&"recovered"), "{:?}", kinds(&events));
    assert_eq!(kinds(&events).last(), Some(&"completed"));
    signal(&one, "-CONT");
    // It works again. What it still had in its hands comes before a request of the same session, so with that one it is over.
    let after = attempt(&ada, &json!({ "steps": [{ "id": "a", "run": { "give": ["awake"] } }] }), "s").await;
    assert_eq!(after["status"], "completed", "{after}");
    assert_eq!(bob.events(id(&task)).await.len(), events.len(), "nothing was added");
    assert_eq!(bob.get("/v1/me/memory/n").await.1["value"], 1);
    assert_eq!(far.done("/frozen").0, 1, "it may be sent again, under the same key");
}

/// Two nodes that run, with the skill, and a client of the same user at each.
struct Nodes {
    one: Server,
    two: Server,
    here: Client,
    there: Client,
    _data: (DataDir, DataDir),
}

impl Nodes {
    async fn start(url: &str) -> Self {
        let (first, second) = two_nodes(url);
        let (one, two) = (Server::start(&first), Server::start(&second));
        let here = one.client(&first.token("acme", "ada"));
        install(&here).await;
        let there = two.client(&second.token("acme", "ada"));
        Self { one, two, here, there, _data: (first, second) }
    }
}

/// What is cancelled through one node ends on the one that works on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_through_another_node_arrives() {
    let Some(database) = openanalyst_test_postgres::shared() else { return };
    let Nodes { one: _one, two: _two, here, there, _data } = Nodes::start(&database.database()).await;
    let document = json!({ "steps": [{ "id": "a", "run": { "do": [{ "call": "spin" }] } }] });
    let body = json!({ "content": format!("trier document {document}"), "sessionId": "s" });
    let task = here.post("/v1/requests?wait=0", &body).await.1;
    seen(&here, id(&task), "step-started").await;
    there.post(&format!("/v1/tasks/{}/cancel", id(&task)), &json!({})).await;
    assert_eq!(kinds(&events_of(&here, &task).await).last(), Some(&"cancelled"));
}

/// Requests of one session run in their order, whichever node they were sent to. A counter in the
/// database says so, and no clock: each counts when it begins and when it is about to end, so two that
/// ran at once would meet each other's number.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_order_over_nodes() {
    let Some(database) = openanalyst_test_postgres::shared() else { return };
    let Nodes { one: _one, two: _two, here, there, _data } = Nodes::start(&database.database()).await;
    let nodes = [here, there];
    let count = json!({ "call": "count", "key": "n" });
    let mut tasks = Vec::new();
    for number in 0..6 {
        // The earlier ones take longer, so that a later one would overtake them.
        let run = json!({ "do": [count, { "call": "work", "ms": 300 - 50 * number }, count] });
        let document = json!({ "steps": [{ "id": "a", "run": run }] });
        let body = json!({ "content": format!("trier document {document}"), "sessionId": "s" });
        let (status, task) = nodes[number % 2].post("/v1/requests?wait=0", &body).await;
        assert!(status == 200 || status == 202, "{task}");
        tasks.push(task);
    }
    for (number, task) in tasks.iter().enumerate() {
        assert_eq!(kinds(&events_of(&nodes[0], task).await).last(), Some(&"completed"));
        let done = nodes[1].get(&format!("/v1/tasks/{}", id(task))).await.1;
        let gave = &done["data"]["outputs"][0]["gave"];
        let alone = (&json!(2 * number + 1), &json!(2 * number + 2));
        assert_eq!((&gave[0], &gave[2]), alone, "{number} ran while another one did: {done}");
    }
}

/// A node that dies leaves its session to the other one, whatever waits there already.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_where_its_node_is_gone() {
    let Some(database) = openanalyst_test_postgres::shared() else { return };
    let Nodes { one, two: _two, here, there, _data } = Nodes::start(&database.database()).await;
    let request = |run: serde_json::Value| {
        let document = json!({ "steps": [{ "id": "a", "run": run }] });
        json!({ "content": format!("trier document {document}"), "sessionId": "s" })
    };
    let slow = here.post("/v1/requests?wait=0", &request(json!({ "do": [{ "call": "work", "ms": 800 }] }))).await.1;
    let behind_it = here.post("/v1/requests?wait=0", &request(json!({ "give": ["second"] }))).await.1;
    let elsewhere = there.post("/v1/requests?wait=0", &request(json!({ "give": ["third"] }))).await.1;
    seen(&here, id(&slow), "step-started").await;
    one.kill();
    for task in [&slow, &behind_it, &elsewhere] {
        assert_eq!(kinds(&events_of(&there, task).await).last(), Some(&"completed"));
    }
}
