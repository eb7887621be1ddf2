//! Effects happen once, counted by the far side, over retries and calls of other skills; and whatever waits ends when its task is cancelled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use openanalyst_test_https::{Answer, Seen, Server as FarSide};
use serde_json::{Value, json};

use crate::brain::{FAST, attempt, events_of, id, install, seen};
use crate::support::{Client, DataDir, Server, kinds};

/// A server far away that counts what it is asked to do, by the key that the host gives it: the same key again is the same thing again.
pub struct Counted {
    server: FarSide,
    by_key: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    asked: Arc<tokio::sync::Notify>,
}

impl Counted {
    /// Answers the request number `n` of each path, from 1, with this status.
    pub async fn start(status: impl Fn(&str, usize) -> u16 + Send + Sync + 'static) -> Self {
        let by_key: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
        let (noted, asked) = (by_key.clone(), Mutex::new(BTreeMap::<String, usize>::new()));
        let notify = Arc::new(tokio::sync::Notify::new());
        let heard = notify.clone();
        let server = FarSide::start(&["api.test"], move |request: &Seen| {
            let number = {
                let mut asked = asked.lock().unwrap();
                let number = asked.entry(request.path.clone()).or_default();
                *number += 1;
                *number
            };
            let status = status(&request.path, number);
            if status < 400 {
                let key = request.headers.get("idempotency-key").cloned().unwrap_or_default();
                noted.lock().unwrap().entry(request.path.clone()).or_default().push(key);
            }
            heard.notify_one();
            Answer { status, ..Answer::ok("done") }
        })
        .await;
        Self { server, by_key, asked: notify }
    }

    /// Waits until something was asked of it.
    pub async fn was_asked(&self) {
        self.asked.notified().await;
    }

    /// The flags with which a host finds it.
    pub fn flags(&self, data: &DataDir) -> Vec<String> {
        let authority = data.path().join("authority.pem");
        std::fs::write(&authority, &self.server.authority).unwrap();
        vec![
            "--http-resolve".to_owned(),
            format!("api.test={}", self.server.address),
            "--http-allow-network".to_owned(),
            "127.0.0.0/8".to_owned(),
            "--http-ca-file".to_owned(),
            authority.to_str().unwrap().to_owned(),
        ]
    }

    /// How often a thing was done, by different keys; and how often it was asked for.
    pub fn done(&self, path: &str) -> (usize, usize) {
        let by_key = self.by_key.lock().unwrap();
        let keys = by_key.get(path).cloned().unwrap_or_default();
        let distinct: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert!(keys.iter().all(|key| !key.is_empty()), "{path}: each has a key");
        (distinct.len(), keys.len())
    }
}

pub fn post(path: &str) -> Value {
    json!({ "call": "post", "method": "POST", "url": format!("https://api.test{path}"), "body": "{}" })
}

async fn start_with(far: &Counted) -> (DataDir, Server, Client) {
    let data = DataDir::new();
    let flags = far.flags(&data);
    let flags: Vec<&str> = FAST.into_iter().chain(flags.iter().map(String::as_str)).collect();
    let server = Server::start_with(&data, &flags);
    let client = server.client(&data.token("acme", "ada"));
    install(&client).await;
    (data, server, client)
}

/// What failed is done again by the next attempt, and what succeeded then is not, however many attempts follow.
#[tokio::test(flavor = "multi_thread")]
async fn what_succeeded_at_last_is_not_done_again() {
    let far = Counted::start(|path, number| if path == "/flaky" && number == 1 { 503 } else { 201 }).await;
    let (_data, _server, client) = start_with(&far).await;
    let run = json!({ "do": [post("/flaky"), post("/sure"), { "call": "attempt" }] });
    let expects = json!([
        { "pointer": "/gave/0/status", "exact": 201, "description": "it was stored" },
        { "pointer": "/gave/2", "exact": 4, "description": "it is the fourth attempt" },
    ]);
    let task = attempt(&client, &json!({ "steps": [{ "id": "a", "run": run, "expects": expects }] }), "s").await;
    assert_eq!((&task["status"], &task["data"]["attempts"]), (&json!("completed"), &json!([4])), "{task}");
    assert_eq!((far.done("/flaky"), far.done("/sure")), ((1, 1), (1, 1)));
}

/// A called skill that fails is called again; what it had changed is not changed again.
#[tokio::test(flavor = "multi_thread")]
async fn a_called_skill_that_fails_changes_things_once() {
    let far = Counted::start(|_, _| 201).await;
    let (_data, _server, client) = start_with(&far).await;
    let inner = json!({ "do": [
        post("/inner"), { "call": "put", "key": "inner", "value": "same" }, { "call": "fail-first", "key": "failed-once" },
    ]});
    let run = json!({ "do": [{ "call": "skill", "skill": "trier", "content": "inner", "arguments": inner }] });
    let task = attempt(&client, &json!({ "steps": [{ "id": "a", "run": run }] }), "s").await;
    assert_eq!((&task["status"], &task["data"]["attempts"]), (&json!("completed"), &json!([2])), "{task}");
    assert_eq!(far.done("/inner"), (1, 1));
    assert_eq!(client.get("/v1/me/memory/inner").await.1["version"], 1);
}

/// A task is cancelled wherever it waits, and what it waited for with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_reaches_every_wait() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let llm = format!("http://{}/v1", silent.local_addr().unwrap());
    let data = DataDir::new();
    let flags = [
        "--llm",
        "openai",
        "--llm-model",
        "m",
        "--llm-url",
        &llm,
        "--retry-pause-ms",
        "60000",
        "--park-after-ms",
        "20000",
    ];
    let server = Server::start_with(&data, &flags);
    let client = server.client(&data.token("acme", "ada"));
    install(&client).await;
    let store = crate::request::open_store(&data).await;
    let ada = crate::request::owner("acme", "ada");
    let hour = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() + 3_600_000;
    let job = json!({ "call": "job", "path": "f/openanalyst/social/create_post", "at": u64::try_from(hour).unwrap(), "arguments": {} });
    let wrong = json!([{ "exact": "right" }]);
    for (name, step, sign) in [
        ("model", json!({ "id": "a", "run": { "do": [{ "call": "ask", "prompt": "Hi" }] } }), "step-started"),
        ("back-off", json!({ "id": "a", "run": { "give": ["wrong"] }, "expects": wrong }), "retrying"),
        ("job", json!({ "id": "a", "run": { "do": [job] } }), "step-started"),
        (
            "nested",
            json!({ "id": "a", "run": { "do": [{ "call": "skill", "skill": "trier", "content": "x",
                "arguments": { "do": [{ "call": "spin" }] } }] } }),
            "step-started",
        ),
    ] {
        let body = json!({ "content": format!("trier document {}", json!({ "steps": [step] })), "sessionId": name });
        let task = client.post("/v1/requests?wait=0", &body).await.1;
        seen(&client, id(&task), sign).await;
        // The step is on record a moment before its job is.
        while name == "job" && store.jobs(&ada, "", None, 10).await.unwrap().rows.is_empty() {
            tokio::task::yield_now().await;
        }
        // Each of them waits for longer than the test has patience.
        client.post(&format!("/v1/tasks/{}/cancel", id(&task)), &json!({})).await;
        assert_eq!(kinds(&events_of(&client, &task).await).last(), Some(&"cancelled"), "{name}");
    }
    server.kill();
    let jobs = store.jobs(&ada, "", None, 10).await.unwrap().rows;
    let states: Vec<String> = jobs.iter().map(|job| job.status.to_string()).collect();
    assert_eq!(states, ["cancelled"], "the job that was awaited is cancelled too");
}
