//! `kill -9` between acceptance and end: the task ends exactly once, and there is one schedule.

use std::collections::BTreeSet;

use serde_json::json;

use crate::request::{open_store, owner};
use crate::support::{DataDir, POST_AND_SCHEDULE, Server, assert_gapless, kinds};

/// The process is killed when the follower has seen this event, counted from the acceptance.
const POINTS: [u64; 10] = [1, 2, 4, 6, 7, 8, 10, 11, 12, 14];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_ten_points_a_task_ends_exactly_once() {
    let mut last_seen = BTreeSet::new();
    for point in POINTS {
        let data = DataDir::new();
        let token = data.token("acme", "ada");
        let server = Server::start(&data);
        let client = server.client(&token);
        let (status, task) =
            client.post("/v1/requests?wait=0", &json!({"content": POST_AND_SCHEDULE, "sessionId": "s"})).await;
        assert!(status == 202 || status == 200, "{task}");
        let id = task["taskId"].as_str().unwrap().to_owned();
        client.each_event(&id, 0, |event| event["seq"].as_u64().unwrap() < point).await;
        server.kill();

        let store = open_store(&data).await;
        let owner = owner("acme", "ada");
        let before = store.task_events(&owner, id.parse().unwrap(), 0, 1000).await.unwrap();
        assert!(before.len() as u64 >= point, "what a client has seen is committed");
        last_seen.insert(before.len());
        store.close().await;

        let server = Server::start(&data);
        let client = server.client(&token);
        let events = client.events(&id).await;
        assert_gapless(&events);
        let terminal = ["completed", "failed", "cancelled"];
        let ends: Vec<&str> = kinds(&events).into_iter().filter(|kind| terminal.contains(kind)).collect();
        assert_eq!(ends, ["completed"], "killed at {point}: {:?}", kinds(&events));
        for stage in ["accepted", "routed", "planned", "replied", "recorded"] {
            let times = kinds(&events).into_iter().filter(|kind| *kind == stage).count();
            assert_eq!(times, 1, "killed at {point}: `{stage}` in {:?}", kinds(&events));
        }
        let starts = kinds(&events).into_iter().filter(|kind| *kind == "job-started").count();
        assert_eq!(starts, 2, "killed at {point}: no job is started twice: {:?}", kinds(&events));
        for (index, event) in before.iter().enumerate() {
            assert_eq!(events[index]["kind"], event.kind.as_str(), "what was recorded stays");
        }
        server.kill();

        let store = open_store(&data).await;
        let schedules = store.schedules(&owner.tenant, "", None, 10).await.unwrap().rows;
        assert_eq!(schedules.len(), 1, "killed at {point}: {schedules:?}");
        let jobs = store.jobs(&owner, "", None, 10).await.unwrap().rows;
        assert_eq!(jobs.len(), 2, "killed at {point}: one job for each step");
        let conversations = store.conversations(&owner, None, 10).await.unwrap();
        let conversation = conversations[0].id.parse().unwrap();
        let messages = store.conversation_messages(&owner, conversation, None, 10).await.unwrap().unwrap().rows;
        assert_eq!(messages.len(), 2, "killed at {point}: one question, one answer");
        let memory = openanalyst_store::memory::MemoryOwner::User(owner);
        let posts = store.list_memory(&memory, "posts/", None, 10, 0).await.unwrap();
        assert_eq!(posts.len(), 1, "killed at {point}: one remembered post");
    }
    // Events are committed in groups, so several points can leave the same number of them behind.
    assert!(last_seen.len() >= 3, "the kills must come at different points, and came after {last_seen:?} events");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_end_loses_nothing() {
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let server = Server::start(&data);
    let mut hub = server.hub(&token).await;
    hub.send("USER_REQUEST", "s", json!({"content": POST_AND_SCHEDULE})).await;
    let typing = hub.until("ASSISTANT_TYPING").await;
    let id = typing[0]["payload"]["taskId"].as_str().unwrap().to_owned();
    server.ask_to_end();
    assert_eq!(hub.close_code().await, 1001);
    assert!(server.wait().success());

    let server = Server::start(&data);
    let events = server.client(&token).events(&id).await;
    assert_gapless(&events);
    assert_eq!(kinds(&events).last(), Some(&"completed"));
}

/// A model that never answers, and says when it was asked.
async fn silent_model() -> (String, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let (asked, arrives) = tokio::sync::mpsc::unbounded_channel();
    let silent = move || {
        let asked = asked.clone();
        async move {
            asked.send(()).unwrap();
            std::future::pending::<String>().await
        }
    };
    let router = axum::Router::new().route("/v1/chat/completions", axum::routing::post(silent));
    (format!("{}/v1", crate::brain::serve(router).await), arrives)
}

const ASKS: &str = r#"trier document {"steps": [{"id": "a", "run": {"do": [{"call": "ask", "prompt": "?"}]}}]}"#;

/// It might be what ended the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_at_which_processes_end_fails_after_some_of_them() {
    let (url, mut arrives) = silent_model().await;
    let flags = ["--llm", "openai", "--llm-model", "m", "--llm-url", &url];
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let server = Server::start_with(&data, &flags);
    let client = server.client(&token);
    crate::brain::install(&client).await;
    let request = json!({"content": ASKS, "sessionId": "s"});
    let (_, task) = client.post("/v1/requests?wait=0", &request).await;
    let id = task["taskId"].as_str().unwrap().to_owned();
    arrives.recv().await.unwrap();
    server.kill();
    for _ in 0..3 {
        let server = Server::start_with(&data, &flags);
        arrives.recv().await.unwrap();
        server.kill();
    }
    let server = Server::start_with(&data, &flags);
    let events = server.client(&token).events(&id).await;
    assert_gapless(&events);
    let last = events.last().unwrap();
    assert_eq!(last["kind"], "failed", "{events:?}");
    let message = last["data"]["message"].as_str().unwrap();
    assert!(message.contains("ended 4 times"), "{message}");
    assert!(arrives.try_recv().is_err(), "it was not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_in_order_is_no_fault_of_its_tasks() {
    let (url, mut arrives) = silent_model().await;
    let models = ["--llm", "openai", "--llm-model", "m", "--llm-url", &url];
    let flags: Vec<&str> = models.into_iter().chain(["--shutdown-grace-s", "0"]).collect();
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let server = Server::start_with(&data, &flags);
    let client = server.client(&token);
    crate::brain::install(&client).await;
    let request = json!({"content": ASKS, "sessionId": "s"});
    let (_, task) = client.post("/v1/requests?wait=0", &request).await;
    let path = format!("/v1/tasks/{}", task["taskId"].as_str().unwrap());
    arrives.recv().await.unwrap();
    server.ask_to_end();
    assert!(server.wait().success());
    for _ in 0..4 {
        let server = Server::start_with(&data, &flags);
        arrives.recv().await.unwrap();
        server.ask_to_end();
        assert!(server.wait().success());
    }
    let server = Server::start_with(&data, &flags);
    arrives.recv().await.unwrap();
    let (_, task) = server.client(&token).get(&path).await;
    assert_eq!(task["status"], "running", "{task}");
}
