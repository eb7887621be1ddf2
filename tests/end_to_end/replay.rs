//! A finished task as a file, run again in another folder with nothing but the file.

use serde_json::{Value, json};

use crate::brain::{attempt, events_of, id, start};
use crate::support::{Client, DataDir, kinds};

/// `replay` in a folder of its own, with nothing but the file.
fn replay(file: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let elsewhere = DataDir::with_a_file();
    let output = elsewhere.run(&[&["replay", file.to_str().unwrap()], arguments].concat());
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_task_is_run_again_offline_with_the_same_result() {
    let (data, server, client) = start(&["--research", "false"]).await;
    let run = json!({ "do": [
        { "call": "clock" }, { "call": "random" }, { "call": "count", "key": "n" }, { "call": "log", "text": "here I am" },
        { "call": "job", "path": "f/openanalyst/social/create_post", "arguments": { "platform": "twitter", "topic": "AI" } },
        { "call": "put", "key": "mail", "value": "ada.lovelace@example.org" }, { "call": "attempt" },
    ]});
    let expects = json!([{ "pointer": "/gave/6", "exact": 2 }]);
    let task = attempt(&client, &json!({ "steps": [{ "id": "a", "run": run, "expects": expects }] }), "s").await;
    assert_eq!(task["status"], "completed", "{task}");
    let (status, recording) = client.get(&format!("/v1/tasks/{}/recording", id(&task))).await;
    assert_eq!(status, 200, "{recording}");
    server.kill();

    let file = data.path().join("task.json");
    let file_name = file.to_str().unwrap();
    let exported = data.run(&["task", "export", id(&task), "--out", file_name, "--tenant", "acme", "--user", "ada"]);
    assert!(exported.status.success(), "{exported:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), recording, "the same over HTTP");
    for gone in ["ada.lovelace@example.org", "\"acme\"", "u/ada"] {
        assert!(!text.contains(gone), "{gone} stands in the file");
    }
    let (same, said) = replay(&file, &[]);
    assert!(same, "{said}");
    assert_eq!(said.matches("as recorded").count(), 4, "plan, two attempts, reply: {said}");
    assert!(said.contains("here I am"), "{said}");

    // Another recorded time: the skill gives another result. Another argument: it asks for something else.
    let change = |from: &str, to: &str| {
        let mut changed: Value = serde_json::from_str(&text).unwrap();
        let inner = changed["invocations"].to_string();
        assert!(inner.contains(from), "{inner}");
        changed["invocations"] = serde_json::from_str(&inner.replacen(from, to, 1)).unwrap();
        let file = data.path().join("changed.json");
        std::fs::write(&file, changed.to_string()).unwrap();
        replay(&file, &[])
    };
    let (same, said) = change("\"function\":\"memory.get\"", "\"function\":\"memory.got\"");
    assert!(!same && said.contains("host call 1 differs from the recording: recorded was memory.got"), "{said}");
    let (same, said) = change("\"result\":{\"ok\":{\"attempt\":1", "\"result\":{\"ok\":{\"attempt\":7");
    assert!(!same && said.contains("the result differs at `/ok/attempt`: recorded was 7, now it is 1"), "{said}");
    let other = data.path().join("other.wasm");
    std::fs::write(&other, openanalyst_guest_fixtures::COURIER).unwrap();
    let (same, said) = replay(&file, &["--component", other.to_str().unwrap()]);
    assert!(!same && said.contains("differs"), "another component does something else: {said}");
    let (same, said) = replay(&other, &[]);
    assert!(!same && said.contains("is no recorded task"), "{said}");
}

/// A step that is over before anything of it had to be written has no entry in the journal, and is there all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_quick_step_can_be_replayed() {
    let (_data, _server, client) = start(&[]).await;
    let task = attempt(&client, &json!({ "steps": [{ "id": "a", "run": { "give": ["quick"] } }] }), "s").await;
    assert_eq!(task["status"], "completed", "{task}");
    let recording = client.get(&format!("/v1/tasks/{}/recording", id(&task))).await.1;
    let places: Vec<&str> =
        recording["invocations"].as_array().unwrap().iter().map(|one| one["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["0/plan/1", "0/a/1/run", "0/reply/1"]);
}

/// The file of a finished task, written into the data directory.
async fn exported(data: &DataDir, client: &Client, task: &Value) -> (std::path::PathBuf, Value) {
    let (status, recording) = client.get(&format!("/v1/tasks/{}/recording", id(task))).await;
    assert_eq!(status, 200, "{recording}");
    let file = data.path().join(format!("{}.json", id(task)));
    std::fs::write(&file, recording.to_string()).unwrap();
    (file, recording)
}

fn places(recording: &Value) -> Vec<&str> {
    recording["invocations"].as_array().unwrap().iter().map(|one| one["place"].as_str().unwrap()).collect()
}

/// What went before the user's answer is in the file too, and the answer reaches the attempt again.
#[tokio::test(flavor = "multi_thread")]
async fn every_round_is_replayed() {
    let (data, _server, client) = start(&["--research", "false", "--retries", "1"]).await;
    let document = json!({ "steps": [
        { "id": "first", "run": { "do": [{ "call": "count", "key": "n" }] } },
        { "id": "second", "run": { "do": [{ "call": "differences" }] },
          "expects": [{ "pointer": "/gave/0/1", "exact": "the user says: be brief", "description": "it is brief" }] },
    ]});
    let task = attempt(&client, &document, "s").await;
    let answer = json!({ "answers": [{ "text": "be brief" }] });
    client.post(&format!("/v1/tasks/{}/answers", id(&task)), &answer).await;
    assert_eq!(kinds(&events_of(&client, &task).await).last(), Some(&"completed"));
    let (file, recording) = exported(&data, &client, &task).await;
    assert_eq!(
        places(&recording),
        ["0/plan/1", "0/first/1/run", "0/second/1/run", "0/second/2/run", "16/plan/1", "16/second/1/run", "16/reply/1",]
    );
    let (same, said) = replay(&file, &[]);
    assert!(same && said.matches("as recorded").count() == 7, "{said}");
}

/// A task that failed is what an author wants to see most: each attempt at its plan, and why it gave nothing.
#[tokio::test(flavor = "multi_thread")]
async fn failures_are_replayed() {
    let (data, _server, client) = start(&["--retries", "1", "--research", "false"]).await;
    for (name, document, attempts) in [
        ("plan", json!({ "failPlan": 9, "steps": [] }), &["0/plan/1", "0/plan/2"][..]),
        ("reply", json!({ "failReply": 9, "steps": [] }), &["0/plan/1", "0/reply/1", "0/reply/2"]),
        ("step", json!({ "steps": [{ "id": "a", "run": { "fail": ["invalid"] } }] }), &["0/plan/1", "0/a/1/run"]),
    ] {
        let task = attempt(&client, &document, name).await;
        assert_eq!(task["status"], "failed", "{name}: {task}");
        let (file, recording) = exported(&data, &client, &task).await;
        assert_eq!(places(&recording), attempts, "{name}");
        let (same, said) = replay(&file, &[]);
        assert!(same, "{name}: {said}");
        assert!(said.contains("as recorded (a failure)"), "{name}: {said}");
    }
}

/// A request for two skills has two of them in its file.
#[tokio::test(flavor = "multi_thread")]
async fn every_part_is_replayed_by_its_own_skill() {
    let (data, _server, client) = start(&[]).await;
    let task = client.ask("Analyse my posts of last week and then create a Twitter post about AI trends", "s").await;
    assert_eq!(task["status"], "completed", "{task}");
    let (file, recording) = exported(&data, &client, &task).await;
    let names: Vec<&str> =
        recording["skills"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["analytics", "social-media"]);
    let (same, said) = replay(&file, &[]);
    assert!(same && said.contains("skill analytics") && said.contains("skill social-media"), "{said}");
    let other = data.path().join("other.wasm");
    std::fs::write(&other, openanalyst_guest_fixtures::COURIER).unwrap();
    let (same, said) = replay(&file, &["--component", other.to_str().unwrap()]);
    assert!(!same && said.contains("--skill"), "it must be said whose component it is: {said}");
    let (same, said) = replay(&file, &["--component", other.to_str().unwrap(), "--skill", "social-media"]);
    assert!(!same && said.matches("as recorded").count() >= 3, "only the other skill's part differs: {said}");
}
