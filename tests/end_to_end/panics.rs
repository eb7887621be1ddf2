//! A guest that panics: its words and their place are for the skill's author, who finds them in the logs. The end user gets one
//! plain sentence, wherever the work or the answer is looked at.

use serde_json::{Value, json};

use crate::brain::{attempt, id, start};

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_panic_never_reach_the_end_user() {
    let (_data, _server, client) = start(&["--research", "false"]).await;
    let panics = json!({ "call": "panic", "text": "the index is out of its range" });
    let nested = json!({ "call": "skill", "skill": "trier", "content": "inner", "arguments": { "do": [&panics] } });
    for (place, document) in [
        ("run", json!({ "steps": [{ "id": "a", "run": { "do": [&panics] } }] })),
        ("reply", json!({ "steps": [], "reply": [&panics] })),
        ("a called skill", json!({ "steps": [{ "id": "a", "run": { "do": [nested] } }] })),
    ] {
        let task = attempt(&client, &document, place).await;
        assert_ne!(task["status"], "completed", "{place}: {task}");
        assert!(task.to_string().contains("the skill crashed"), "{place}: {task}");
        let mut events = Vec::new();
        let last = task["lastSeq"].as_i64().unwrap();
        client
            .each_event(id(&task), 0, |event| {
                let goes_on = event["seq"].as_i64().unwrap() < last;
                events.push(event);
                goes_on
            })
            .await;
        let shown = client.get(&format!("/v1/tasks/{}", id(&task))).await.1;
        let history = client.get("/v1/history").await.1;
        for (view, said) in [("answer", task), ("task", shown), ("events", Value::Array(events)), ("history", history)]
        {
            let said = said.to_string();
            for word in ["OUT OF ITS RANGE", "wasm", "panicked", "core::panicking", "unreachable", "backtrace", ".rs"] {
                assert!(!said.contains(word), "{place}: `{word}` stands in the {view}: {said}");
            }
        }
    }
    let logs = client.get("/v1/skills/trier/logs").await.1.to_string();
    assert!(
        logs.contains("THE INDEX IS OUT OF ITS RANGE") && logs.contains("trier.rs"),
        "its author finds both: {logs}"
    );
}
