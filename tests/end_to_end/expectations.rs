//! What a skill expects of a result comes from a stranger: it is tested in the sandbox, and whatever it
//! takes, the host goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::brain::{attempt, events_of, id, start};
use crate::support::kinds;

/// Within what time the host answers others while it tests.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A schema of some 2 kB that takes for ever: each definition names the next one twice.
fn endless() -> Value {
    let name = |n: usize| json!({ "$ref": format!("#/$defs/{n}") });
    let twice = |n: usize| (n.to_string(), json!({ "anyOf": [name(n + 1), name(n + 1)] }));
    let mut definitions: serde_json::Map<String, Value> = (0..40).map(twice).collect();
    definitions.insert("40".to_owned(), json!({ "type": "integer" }));
    json!({ "$ref": "#/$defs/0", "$defs": definitions })
}

fn plan(expects: &Value) -> Value {
    json!({ "steps": [{ "id": "a", "run": { "give": ["a text"] }, "expects": [expects] }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_that_takes_for_ever_ends_its_own_task_only() {
    let (_data, server, client) = start(&[]).await;
    let document = plan(&json!({ "schema": endless(), "description": "it has its shape" }));
    let asking = ["s", "t", "u", "v"].map(|session| {
        let (client, document) = (client.clone(), document.clone());
        tokio::spawn(async move { attempt(&client, &document, session).await })
    });
    let nobody = server.client("");
    while !asking.iter().all(tokio::task::JoinHandle::is_finished) {
        let health = tokio::time::timeout(AT_ONCE, nobody.get("/health"));
        assert_eq!(health.await.expect("the host answers").0, 200);
    }
    for task in asking {
        let task = task.await.unwrap();
        assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!("cpu-exceeded")), "{task}");
        let said = task["error"]["message"].as_str().unwrap();
        for part in ["\"it has its shape\"", "step `a`", "1 s of CPU time", "simplify the schema"] {
            assert!(said.contains(part), "`{part}` is not in {said}");
        }
        let events = events_of(&client, &task).await;
        let used = &events.last().unwrap()["data"]["receipt"]["cpuUs"];
        assert!(used.as_u64().unwrap() >= 1_000_000, "the task is charged for it: {used}");
        let started = kinds(&events).into_iter().filter(|kind| *kind == "step-started").count();
        assert_eq!(started, 1, "it would take as long again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_tests_an_expectation_can_be_asked_to_end() {
    let (_data, server, client) = start(&[]).await;
    let document = plan(&json!({ "schema": endless() }));
    let content = format!("trier document {document}");
    for session in ["s", "t"] {
        let body = json!({ "content": content, "sessionId": session });
        let task = client.post("/v1/requests?wait=0", &body).await.1;
        client.each_event(id(&task), 0, |event| event["kind"] != "step-started").await;
    }
    server.ask_to_end();
    let ended = tokio::task::spawn_blocking(|| server.wait());
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    assert!(ended.expect("it ends").unwrap().success());
}
