//! Requests that once froze the whole host for a minute, and again after each start: it answers meanwhile, ends when it is asked to, and nothing of them is left.
//!
//! Times here are those of a program without optimisation beside other tests; `docs/performance.md` has the real ones.
#![cfg(unix)]

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{DataDir, Server, assert_gapless};

/// Most bytes of a request.
const CONTENT_BYTES: usize = 64 << 10;
/// What `/health` may take here. Before, it was 41 s.
const HEALTH: Duration = Duration::from_secs(2);
/// What the end may take: longer than a task at work may take to stop, and shorter than what the requests took before.
const END: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_once_froze_the_host_hold_up_nobody() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let ada = server.client(&data.token("acme", "ada"));
    let bob = server.client(&data.token("other", "bob"));
    assert_eq!(bob.ask("hello", "before").await["status"], "completed");
    let mut tasks = Vec::new();
    for (name, part) in [("and", "and "), ("parts", "analyse my posts; then create a tweet. ")] {
        for n in 0..4 {
            let name = format!("{name}-{n}");
            let body = json!({ "content": part.repeat(CONTENT_BYTES / part.len()), "sessionId": name });
            tasks.push(ada.try_accept(&body, &name).await.expect("it is accepted"));
        }
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(bob.get("/health").await.0, 200);
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < HEALTH, "/health took {slowest:?}");
    assert_eq!(bob.ask("hello", "meanwhile").await["status"], "completed");

    server.ask_to_end();
    let asked = Instant::now();
    assert!(server.wait().success());
    assert!(asked.elapsed() < END, "the end took {:?}", asked.elapsed());

    let server = Server::start(&data);
    let ada = server.client(&data.token("acme", "ada"));
    for task in &tasks {
        let mut events = Vec::new();
        ada.each_event(task, 0, |event| {
            let is_last = matches!(event["kind"].as_str(), Some("completed" | "failed" | "asked"));
            events.push(event);
            !is_last
        })
        .await;
        assert_gapless(&events);
        assert!(!events.is_empty(), "{task}");
    }
    let (_, open) = ada.get("/v1/tasks?status=running").await;
    assert_eq!(open["tasks"], json!([]));
}
