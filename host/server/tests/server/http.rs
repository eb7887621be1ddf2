//! HTTP: tokens, forms of errors, limits, tasks and event streams.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use futures_util::StreamExt as _;
use openanalyst_domain::EventKind;
use openanalyst_identity::{LocalKey, Scope};
use openanalyst_server::{ReadyCheck, ReadyReport, ServerLimits};
use serde_json::{Value, json};

use crate::support::client::call;
use crate::support::{Edge, NOON, PATIENCE, TTL, code};

#[tokio::test]
async fn only_a_token_of_this_host_comes_in() {
    let edge = Edge::start().await;
    let good = edge.token("ada");
    assert_eq!(call(edge.get("/v1/tasks", &good)).await.0, 200);

    let part = |json: Value| BASE64.encode(json.to_string());
    let claims = json!({"iss": "openanalyst", "aud": "openanalyst", "sub": "ada", "tenant": "acme", "scope": "admin", "exp": NOON / 1000 + 60});
    let unsigned = format!("{}.{}.", part(json!({"alg": "none", "typ": "JWT"})), part(claims.clone()));
    let other_audience = {
        let mut claims = claims.clone();
        claims["aud"] = json!("another host");
        let pem = std::fs::read(edge.key_file()).unwrap();
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        header.kid = Some(edge.key.key_id().to_owned());
        jsonwebtoken::encode(&header, &claims, &jsonwebtoken::EncodingKey::from_ed_pem(&pem).unwrap()).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let stranger = LocalKey::open_or_create(&dir.path().join("other.pem")).unwrap();
    let other_key = {
        let owner = crate::support::owner("ada");
        let request = openanalyst_identity::TokenRequest {
            tenant: owner.tenant,
            user: owner.user,
            scopes: Scope::ALL.to_vec(),
            ttl: TTL,
            now_ms: NOON,
        };
        stranger.sign(&request).unwrap()
    };
    for (token, expected) in [
        ("x.y.z", "token-malformed"),
        (&unsigned, "token-unsigned"),
        (&other_audience, "token-wrong-audience"),
        (&other_key, "token-unknown-key"),
    ] {
        let answer = edge.get("/v1/tasks", token).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{expected}");
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
        let text = answer.text().await.unwrap();
        assert!(!text.contains(token), "the token is never repeated");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["code"], expected);
    }
    let none = edge.request("GET", "/v1/tasks").send().await.unwrap();
    assert_eq!(
        (none.status().as_u16(), &none.headers()["www-authenticate"]),
        (401, &"Bearer realm=\"openanalyst\"".parse().unwrap())
    );

    edge.clock.advance(TTL + std::time::Duration::from_secs(6));
    assert_eq!(code(&call(edge.get("/v1/tasks", &good)).await), (401, "token-expired"));
}

#[tokio::test]
async fn each_group_of_routes_needs_its_scope() {
    let edge = Edge::start().await;
    let reader = edge.token_for("ada", &[Scope::SkillsRead]);
    let asker = edge.token_for("ada", &[Scope::Requests]);
    let body = json!({"content": "hello"});
    assert_eq!(call(edge.get("/v1/skills", &reader)).await, (200, json!({"skills": []})));
    assert_eq!(code(&call(edge.get("/v1/skills", &asker)).await), (403, "missing-scope"));
    assert_eq!(call(edge.get("/v1/tasks", &asker)).await.0, 200);
    for path in ["/v1/requests", "/v1/route"] {
        assert_eq!(code(&call(edge.post(path, &reader, &body)).await), (403, "missing-scope"), "{path}");
    }
    assert_eq!(call(edge.post("/v1/route", &asker, &body)).await.0, 200);
    for path in ["/v1/skills/nothing", "/v1/skills/nothing/versions"] {
        assert_eq!(code(&call(edge.get(path, &reader)).await), (404, "skill-not-found"), "{path}");
    }
}

#[tokio::test]
async fn every_wrong_call_gets_a_problem() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let raw = |body: &[u8], kind: &'static str| {
        let request = edge.request("POST", "/v1/requests").bearer_auth(&token).header("content-type", kind);
        request.body(body.to_vec())
    };
    let json_body = "application/json";
    let long_session = json!({"content": "hello", "sessionId": "s".repeat(10_000)});
    let content = json!({"content": "hello"});
    let table = [
        (edge.get("/v1/nowhere", &token), 404, "route-not-found"),
        (edge.request("GET", "/"), 404, "route-not-found"),
        (edge.request("DELETE", "/v1/tasks").bearer_auth(&token), 405, "method-not-allowed"),
        (raw(b"{\"content\": \"hello\"}", "text/plain"), 415, "unsupported-media-type"),
        (raw(b"{\"content\": ", json_body), 400, "invalid"),
        (raw(b"{\"content\": \"\xff\xfe\"}", json_body), 400, "invalid"),
        (raw(b"{\"text\": \"hello\"}", json_body), 400, "invalid"),
        (raw(b"", json_body), 400, "invalid"),
        (raw(&vec![b' '; 3 << 20], json_body), 413, "payload-too-large"),
        (raw(&vec![b' '; 20 << 20], json_body).header("expect", "100-continue"), 413, "payload-too-large"),
        (edge.post("/v1/requests", &token, &json!({"content": ""})), 400, "invalid"),
        (edge.post("/v1/requests", &token, &json!({"content": "x".repeat(1 << 20)})), 400, "invalid"),
        (edge.post("/v1/requests", &token, &long_session), 400, "invalid"),
        (edge.post("/v1/requests?wait=121", &token, &content), 400, "invalid"),
        (edge.post("/v1/requests?wait=soon", &token, &content), 400, "invalid"),
        (edge.post("/v1/requests", &token, &content).header("idempotency-key", "k".repeat(256)), 400, "invalid"),
        (edge.get("/v1/tasks?status=finished", &token), 400, "invalid"),
        (edge.get("/v1/tasks?limit=0", &token), 400, "invalid"),
        (edge.get("/v1/tasks?limit=101", &token), 400, "invalid"),
        (edge.get("/v1/tasks?cursor=x", &token), 400, "invalid"),
        (edge.get("/v1/tasks/%ff", &token), 400, "invalid"),
        (edge.get("/v1/tasks/not-an-id", &token), 404, "task-not-found"),
    ];
    for (index, (request, status, expected)) in table.into_iter().enumerate() {
        let answer = request.send().await.unwrap();
        let headers = answer.headers().clone();
        let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(
            (problem["status"].as_u64(), problem["code"].as_str()),
            (Some(status), Some(expected)),
            "{index}: {problem}"
        );
        assert_eq!(headers["content-type"], "application/problem+json", "{index}");
        assert_eq!(headers["x-request-id"], problem["requestId"].as_str().unwrap());
        assert_eq!(headers["x-content-type-options"], "nosniff");
        for member in ["type", "title", "detail"] {
            assert!(!problem[member].as_str().unwrap().is_empty(), "{index}: {problem}");
        }
        if status == 405 {
            assert!(headers["allow"].to_str().unwrap().contains("GET"));
        }
    }
    let (_, list) = call(edge.get("/v1/tasks", &token)).await;
    assert_eq!(list["tasks"], json!([]), "nothing of it became a task");
}

#[tokio::test]
async fn a_foreign_task_looks_like_none() {
    let edge = Edge::start().await;
    let hers = edge.open_task("ada").await.to_string();
    let unknown = openanalyst_domain::TaskId::new().to_string();
    let bob = edge.token("bob");
    for path in ["", "/events", "/cancel", "/answers"] {
        let mut answers = Vec::new();
        for id in [&hers, &unknown] {
            let path = format!("/v1/tasks/{id}{path}");
            let request = match path.ends_with("/cancel") || path.ends_with("/answers") {
                true => edge.post(&path, &bob, &json!({"content": "x"})),
                false => edge.get(&path, &bob),
            };
            let request = if path.ends_with("/cancel") { request.body("{}") } else { request };
            let (status, mut problem) = call(request.header("x-request-id", "r1")).await;
            problem["detail"] = json!(problem["detail"].as_str().unwrap().replace(id.as_str(), "ID"));
            answers.push((status, problem));
        }
        assert_eq!(code(&answers[0]), (404, "task-not-found"), "{path}");
        assert_eq!(answers[0], answers[1], "{path}");
    }
    let (status, _) = call(edge.get(&format!("/v1/tasks/{hers}"), &edge.token("ada"))).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn the_same_key_is_the_same_request() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let send = async |user: &str, key: &str, content: &str| {
        let request = edge.post("/v1/requests", &edge.token(user), &json!({"content": content}));
        let answer = request.header("idempotency-key", key).send().await.unwrap();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), location, serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap())
    };
    let (status, location, first) = send("ada", "k", "hello").await;
    // Without skills a request ends soon, and as failed.
    assert_eq!((status, &first["status"], &first["done"]), (200, &json!("failed"), &json!(true)));
    assert_eq!(location.unwrap(), format!("/v1/tasks/{}", first["taskId"].as_str().unwrap()));
    let (_, _, again) = send("ada", "k", "hello").await;
    assert_eq!((&again["taskId"], &again["sessionId"]), (&first["taskId"], &first["sessionId"]));
    let (status, _, problem) = send("ada", "k", "something else").await;
    assert_eq!((status, &problem["code"]), (409, &json!("idempotency-key-reused")));
    let (_, _, other) = send("bob", "k", "hello").await;
    assert_ne!(other["taskId"], first["taskId"], "a key belongs to its user");
    let (_, list) = call(edge.get("/v1/tasks?status=failed&limit=1", &token)).await;
    assert_eq!(list["tasks"].as_array().unwrap().len(), 1);
    assert!(list.get("nextCursor").is_none(), "{list}");
}

#[tokio::test]
async fn a_task_that_goes_on_is_answered_with_202() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let task = edge.open_task("ada").await;
    let (status, problem) =
        call(edge.post(&format!("/v1/tasks/{task}/answers"), &token, &json!({"content": "x"}))).await;
    assert_eq!((status, &problem["code"]), (409, &json!("wrong-state")), "it asked nothing");
    let (status, view) = call(edge.request("POST", &format!("/v1/tasks/{task}/cancel")).bearer_auth(&token)).await;
    assert_eq!((status, &view["status"]), (200, &json!("cancelled")), "the body may be missing");
}

#[tokio::test]
async fn an_event_stream_has_no_gap_and_ends_with_its_task() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let task = edge.open_task("ada").await;
    edge.happens("ada", task, &[EventKind::Started, EventKind::StepStarted]).await;
    let path = format!("/v1/tasks/{task}/events");
    let answer = edge.get(&path, &token).header("last-event-id", "1").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    edge.happens("ada", task, &[EventKind::Replied, EventKind::Completed]).await;
    let text = tokio::time::timeout(PATIENCE, answer.text()).await.expect("the stream ends").unwrap();
    let field = |name: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned()).collect()
    };
    assert_eq!(field("id:"), ["2", "3", "4", "5"]);
    assert_eq!(field("event:"), ["started", "step-started", "replied", "completed"]);
    let data: Vec<Value> = field("data:").iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!((&data[0]["seq"], &data[3]["kind"]), (&json!(2), &json!("completed")));

    let seen = edge.get(&path, &token).header("last-event-id", "5").send().await.unwrap();
    assert_eq!(seen.status(), 204, "nothing follows: an EventSource stops");
    for unknown in ["x", "evt-1", "99"] {
        let all = edge.get(&path, &token).header("last-event-id", unknown).send().await.unwrap();
        assert_eq!(all.status(), 200, "{unknown}");
        let text = all.text().await.unwrap();
        assert_eq!(text.matches("id:").count(), 5, "{unknown}: from the start");
    }
}

#[tokio::test]
async fn an_event_stream_ends_with_its_token() {
    let edge = Edge::start().await;
    let task = edge.open_task("ada").await;
    let answer = edge.get(&format!("/v1/tasks/{task}/events"), &edge.token("ada")).send().await.unwrap();
    let mut chunks = answer.bytes_stream();
    let first = tokio::time::timeout(PATIENCE, chunks.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("accepted"));
    edge.clock.advance(TTL);
    let rest = tokio::time::timeout(PATIENCE, chunks.next()).await.expect("the stream ends");
    assert!(rest.is_none(), "{rest:?}");
}

#[tokio::test]
async fn readiness_names_what_fails_and_nothing_more() {
    let edge = Edge::start_with(|options| {
        options.readiness = Arc::new(|| {
            Box::pin(async {
                let check = |name, ok| ReadyCheck { name, ok, detail: "/var/lib/secret is full".to_owned() };
                ReadyReport {
                    checks: vec![check("database", false), check("sandbox", true)],
                    preparing: vec!["analytics".to_owned()],
                }
            })
        });
    })
    .await;
    let (status, health) = call(edge.request("GET", "/health")).await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
    let (status, problem) = call(edge.request("GET", "/ready")).await;
    assert_eq!((status, &problem["code"]), (503, &json!("not-ready")));
    assert_eq!(problem["checks"], json!([{"name": "database", "ok": false}, {"name": "sandbox", "ok": true}]));
    assert_eq!(problem["preparing"], json!(["analytics"]));
    assert!(!problem.to_string().contains("secret"), "{problem}");
}

#[tokio::test]
async fn a_host_is_ready_while_components_are_compiled_and_names_them() {
    let ready = Edge::start().await;
    let (status, body) = call(ready.request("GET", "/ready")).await;
    assert_eq!((status, body), (200, json!({"status": "ready", "checks": [], "preparing": []})));
    let preparing = Edge::start_with(|options| {
        options.readiness = Arc::new(|| {
            let preparing = vec!["analytics".to_owned(), "script-runner".to_owned()];
            Box::pin(async { ReadyReport { checks: Vec::new(), preparing } })
        });
    })
    .await;
    let (status, body) = call(preparing.request("GET", "/ready")).await;
    assert_eq!((status, &body["status"]), (200, &json!("ready")));
    assert_eq!(body["preparing"], json!(["analytics", "script-runner"]));
}

#[tokio::test]
async fn a_user_who_calls_too_often_waits_alone() {
    let one = std::num::NonZeroU32::MIN;
    let edge = Edge::start_with(|options| {
        options.limits = ServerLimits { requests_per_second: one, requests_burst: one, ..ServerLimits::default() };
    })
    .await;
    let (ada, bob) = (edge.token("ada"), edge.token("bob"));
    assert_eq!(call(edge.get("/v1/tasks", &ada)).await.0, 200);
    let refused = edge.get("/v1/tasks", &ada).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
    assert!(problem["retryAfterMs"].as_u64().unwrap() > 0, "{problem}");
    assert_eq!(call(edge.get("/v1/tasks", &bob)).await.0, 200);
}

#[tokio::test]
async fn shutdown_ends_streams_and_answers_those_who_wait() {
    let mut edge = Edge::start().await;
    let token = edge.token("ada");
    let task = edge.open_task("ada").await;
    let answer = edge.get(&format!("/v1/tasks/{task}/events"), &token).send().await.unwrap();
    edge.end().await.unwrap();
    let text = tokio::time::timeout(PATIENCE, answer.text()).await.expect("the stream ends").unwrap();
    assert!(text.contains("accepted"), "{text}");
    assert!(tokio::net::TcpStream::connect(edge.address).await.is_err(), "nothing new is accepted");
}
