//! What a third party's skill reaches: granted hosts with the tenant's secrets, and nothing of what it was not granted. The skill does whatever its
//! request says, so each test says it in a row.

use std::sync::Arc;
use std::time::Duration;

use openanalyst_egress::{Egress, EgressOptions};
use openanalyst_identity::Scope;
use openanalyst_test_https::{Answer, Server};
use serde_json::{Value, json};

use crate::support::client::call;
use crate::support::{Edge, code};

const SECRET: &str = "s3cr3t-of-acme-0123456789";

/// Says what it was sent, in more than one way.
async fn echo() -> Server {
    Server::start(&["api.test", "other.test", "ungranted.test"], |request| {
        let seen = json!({ "path": request.path, "headers": request.headers, "method": request.method }).to_string();
        match request.path.split('?').next().unwrap_or_default() {
            "/elsewhere" => Answer::redirect(307, "https://other.test/echo"),
            "/ungranted" => Answer::redirect(302, "https://ungranted.test/echo"),
            "/template" => Answer::redirect(302, "/echo?stolen={{secret:api-key}}"),
            // Turned round, no host can know it.
            "/turned" => Answer::ok(request.headers["authorization"].chars().rev().collect::<String>()),
            _ => Answer::ok(seen.clone()).with("x-echo", &seen),
        }
    })
    .await
}

fn egress(server: &Server) -> Egress {
    Egress::new(EgressOptions {
        resolver: Arc::new(server.names()),
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        certificates: openanalyst_egress::read_certificates(server.authority.as_bytes()).unwrap(),
        timeout: Duration::from_secs(20),
    })
    .unwrap()
}

async fn edge(server: &Server) -> (Edge, String) {
    let edge = Edge::start_with_egress(egress(server)).await;
    let token = edge.token("ada");
    edge.install(&token, "courier", "1.0.0").await;
    let secret = json!({"value": SECRET, "audience": ["api.test"]});
    let (status, view) = edge.put("/v1/skills/courier/secrets/api-key", &token, &secret).await;
    assert_eq!(status, 200, "{view}");
    assert!(!view.to_string().contains(SECRET));
    (edge, token)
}

fn failed(task: &Value) -> (&str, &str) {
    (task["error"]["code"].as_str().unwrap_or_default(), task["error"]["message"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_secret_goes_to_its_audience_and_nowhere_else() {
    let server = echo().await;
    let (edge, token) = edge(&server).await;
    let placeholder = json!({"authorization": "Bearer {{secret:api-key}}"});
    for (what, fetch, outcome) in [
        ("its audience", json!({"url": "https://api.test/echo", "headers": placeholder}), "ok"),
        ("in the query", json!({"url": "https://api.test/echo?key={{secret:api-key}}&x=1"}), "ok"),
        ("another granted host", json!({"url": "https://other.test/echo", "headers": placeholder}), "denied"),
        (
            "one that is not set",
            json!({"url": "https://api.test/echo", "headers": {"x": "{{secret:unset}}"}}),
            "not-found",
        ),
        (
            "one that is not granted",
            json!({"url": "https://api.test/echo", "headers": {"x": "{{secret:other}}"}}),
            "denied",
        ),
        (
            "an unfinished name",
            json!({"url": "https://api.test/echo", "headers": {"x": "{{secret:api-key"}}),
            "invalid",
        ),
        ("in the path", json!({"url": "https://api.test/{{secret:api-key}}"}), "invalid"),
        ("in the host", json!({"url": "https://{{secret:api-key}}.api.test/"}), "invalid"),
        (
            "a redirect to another granted host",
            json!({"url": "https://api.test/elsewhere", "headers": placeholder}),
            "stays",
        ),
        ("a redirect elsewhere", json!({"url": "https://api.test/ungranted", "headers": placeholder}), "denied"),
        ("a name that a server wrote", json!({"url": "https://api.test/template"}), "unfilled"),
    ] {
        let before = server.requests().len();
        let mut fetch = fetch;
        fetch["do"] = json!("fetch");
        let task = edge.carry(&token, "courier", &fetch).await;
        assert!(!task.to_string().contains(SECRET), "{what}: {task}");
        let seen = server.requests().split_off(before);
        let sent = |path: &str| {
            seen.iter().any(|request| {
                request.path.contains(path) || request.headers.values().any(|value| value.contains(path))
            })
        };
        match outcome {
            "ok" => {
                assert_eq!(task["status"], "completed", "{what}: {task}");
                assert!(sent(SECRET), "{what}: the server gets the value");
                assert!(task["content"].as_str().unwrap().contains("[secret api-key]"), "{what}: {task}");
            }
            "stays" => {
                assert_eq!(task["status"], "completed", "{what}: {task}");
                assert!(!seen.last().unwrap().headers.contains_key("authorization"), "{what}");
            }
            "unfilled" => {
                assert_eq!(task["status"], "completed", "{what}: {task}");
                assert!(sent("secret:api-key") || sent("%7B%7Bsecret:api-key%7D%7D"), "{what}");
                assert!(!sent(SECRET), "{what}");
            }
            refused => {
                assert_eq!(failed(&task).0, refused, "{what}: {task}");
                let beyond = seen.iter().filter(|request| request.path.contains("echo")).count();
                assert_eq!(beyond, 0, "{what}: nothing is sent");
            }
        }
    }
    // Whether it exists can be asked; another tenant's never helps.
    let task = edge.carry(&token, "courier", &json!({"do": "exists", "text": "api-key"})).await;
    assert_eq!(task["content"], "true");
    let task = edge.carry(&token, "courier", &json!({"do": "exists", "text": "unset"})).await;
    assert_eq!(task["content"], "false");
    let stranger = edge.token_of("other", "ada", Scope::ALL);
    edge.install(&stranger, "courier", "1.0.0").await;
    let fetch = json!({"do": "fetch", "url": "https://api.test/echo", "headers": {"x": "{{secret:api-key}}"}});
    assert_eq!(failed(&edge.carry(&stranger, "courier", &fetch).await).0, "not-found");
}

/// A server can hide the secret from the host; the skill that finds it again cannot let it out.
#[tokio::test]
async fn a_skill_that_gets_hold_of_a_secret_lets_none_out() {
    let server = echo().await;
    let (edge, token) = edge(&server).await;
    let spill = json!({
        "do": "spill", "url": "https://api.test/turned", "headers": {"authorization": "{{secret:api-key}}"},
    });
    let task = edge.carry(&token, "courier", &spill).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert!(task["content"].as_str().unwrap().contains("[secret api-key]"), "the skill had it: {task}");
    let mut failing = spill.clone();
    failing["fail"] = json!(true);
    let failed_task = edge.carry(&token, "courier", &failing).await;
    assert_eq!(failed(&failed_task).0, "invalid", "{failed_task}");
    let again =
        json!({"do": "fetch", "method": "POST", "url": format!("https://api.test/echo?x={SECRET}"), "body": SECRET});
    edge.carry(&token, "courier", &again).await;

    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut everywhere = vec![task.to_string(), failed_task.to_string()];
    for path in [
        "/v1/skills/courier/logs",
        "/v1/skills/courier/receipts",
        "/v1/skills/courier/secrets",
        "/v1/skills/courier",
        "/v1/me/memory",
        "/v1/audit",
        "/v1/history",
        "/v1/tasks",
        "/v1/conversations",
    ] {
        let answer = call(edge.get(path, &token)).await;
        assert_eq!(answer.0, 200, "{path}: {answer:?}");
        everywhere.push(answer.1.to_string());
    }
    for task in [&task, &failed_task] {
        let id = task["taskId"].as_str().unwrap();
        everywhere.push(call(edge.get(&format!("/v1/tasks/{id}/events"), &token)).await.1.to_string());
    }
    // The request of the last task is the user's own text, and stays what it is.
    for text in
        everywhere.iter().map(|text| text.replace(&format!("x={SECRET}"), "").replace(&format!("\\\"{SECRET}\\\""), ""))
    {
        assert!(!text.contains(SECRET) && !text.contains(&hex), "{text}");
    }
    assert!(everywhere[2].contains("[secret api-key]"), "the log says that there was one");
    assert!(everywhere[6].contains("[secret api-key]"), "and so does memory");
}

#[tokio::test]
async fn what_is_not_granted_is_denied_with_what_to_do() {
    let server = echo().await;
    let (edge, token) = edge(&server).await;
    let fetch = json!({"do": "fetch", "url": "https://api.test/echo"});
    assert_eq!(edge.carry(&token, "courier", &fetch).await["status"], "completed");
    let grants = json!({"http": ["other.test"], "memory": "user"});
    assert_eq!(edge.put("/v1/skills/courier/grants", &token, &grants).await.0, 200);
    for (what, names) in [
        (fetch.clone(), "`http` for `api.test`"),
        (json!({"do": "exists", "text": "api-key"}), "`secrets` for `api-key`"),
        (
            json!({"do": "fetch", "url": "https://other.test/echo", "headers": {"x": "{{secret:api-key}}"}}),
            "`secrets` for `api-key`",
        ),
    ] {
        let task = edge.carry(&token, "courier", &what).await;
        let (code, message) = failed(&task);
        assert_eq!(code, "denied", "{task}");
        assert!(message.contains(names) && message.contains("administrator"), "{message}");
    }
    // More than it asks for cannot be granted, and nothing of a refused grant is kept.
    let refused =
        edge.put("/v1/skills/courier/grants", &token, &json!({"http": ["api.test", "evil.test"], "llm": true})).await;
    assert!(refused.0 == 422 || refused.0 == 400, "{refused:?}");
    assert!(refused.1.to_string().contains("evil.test"), "{refused:?}");
    assert_eq!(failed(&edge.carry(&token, "courier", &fetch).await).0, "denied");
}

#[tokio::test]
async fn six_at_once_and_no_more_than_the_budget() {
    let server = echo().await;
    let (edge, token) = edge(&server).await;
    let fetch = |n: u32| json!({"do": "side-by-side", "n": n, "url": "https://api.test/echo"});
    assert_eq!(edge.carry(&token, "courier", &fetch(6)).await["content"], "[200,200,200,200,200,200]");
    assert_eq!(failed(&edge.carry(&token, "courier", &fetch(7)).await).0, "hostcalls-exceeded");
    let lower = json!({"invocation": {"httpFetches": 2}, "daily": {}});
    let (status, answer) = edge.put("/v1/skills/courier/budget", &token, &lower).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(edge.carry(&token, "courier", &fetch(2)).await["content"], "[200,200]");
    assert_eq!(failed(&edge.carry(&token, "courier", &fetch(3)).await).0, "hostcalls-exceeded");
    let higher = json!({"invocation": {"httpFetches": 1_000}});
    let refused = edge.put("/v1/skills/courier/budget", &token, &higher).await;
    assert!(code(&refused).0 >= 400, "above the operator's ceiling: {refused:?}");
}

#[tokio::test]
async fn a_day_has_its_quota_and_the_next_one_begins_anew() {
    let server = echo().await;
    let (edge, token) = edge(&server).await;
    let fetch = json!({"do": "fetch", "url": "https://api.test/echo"});
    let quota = json!({"daily": {"httpFetches": 2}});
    assert_eq!(edge.put("/v1/skills/courier/budget", &token, &quota).await.0, 200);
    for _ in 0..2 {
        assert_eq!(edge.carry(&token, "courier", &fetch).await["status"], "completed");
    }
    let task = edge.carry(&token, "courier", &fetch).await;
    assert_eq!(failed(&task).0, "quota-exceeded", "{task}");
    let used = call(edge.get("/v1/skills/courier/budget", &token)).await.1;
    assert_eq!(used["usedToday"]["httpFetches"], 2, "{used}");
    edge.clock.advance(Duration::from_secs(24 * 3_600));
    // The tokens of yesterday have expired.
    let token = edge.token("ada");
    assert_eq!(edge.carry(&token, "courier", &fetch).await["status"], "completed");
}

/// A request that changes something carries a key by which its server knows it again.
#[tokio::test]
async fn what_changes_something_can_be_recognised() {
    let server = echo().await;
    let (edge, token) = edge(&server).await;
    for (method, own, expected) in
        [("POST", None, true), ("PUT", None, true), ("GET", None, false), ("POST", Some("mine"), true)]
    {
        let mut fetch = json!({"do": "fetch", "method": method, "url": "https://api.test/echo", "headers": {}});
        if let Some(own) = own {
            fetch["headers"]["Idempotency-Key"] = json!(own);
        }
        assert_eq!(edge.carry(&token, "courier", &fetch).await["status"], "completed");
        let key = server.requests().last().unwrap().headers.get("idempotency-key").cloned();
        assert_eq!(key.is_some(), expected, "{method}");
        assert!(own.is_none() || key.as_deref() == own);
    }
}
