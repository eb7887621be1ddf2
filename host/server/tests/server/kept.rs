//! What users keep: quotas, how much of them is used, and deleting all of it.

use openanalyst_domain::EventKind;
use openanalyst_identity::Scope;
use openanalyst_store::quotas::OperatorQuotas;
use openanalyst_store::storage::StorageKind;
use serde_json::json;

use crate::support::client::call;
use crate::support::{Edge, code, owner};

#[tokio::test]
async fn a_request_over_the_quota_is_refused_and_says_what_is_used() {
    let mut quotas = OperatorQuotas::default();
    quotas.user.insert(StorageKind::History, 4_000);
    let edge = Edge::start_with_quotas(quotas).await;
    let (ada, bob) = (edge.token("ada"), edge.token("bob"));
    let first = edge.post("/v1/requests?wait=0", &ada, &json!({"content": "x".repeat(3_000)}));
    let (status, accepted) = call(first.header("idempotency-key", "k")).await;
    assert!(matches!(status, 200 | 202), "{accepted}");

    let answer = call(edge.post("/v1/requests?wait=0", &ada, &json!({"content": "one more"}))).await;
    assert_eq!(code(&answer), (429, "quota-exceeded"));
    let quota = &answer.1["quota"];
    assert_eq!((&quota["kind"], &quota["of"], &quota["limit"]), (&json!("history"), &json!("user"), &json!(4_000)));
    assert!(quota["used"].as_i64().unwrap() >= 4_000, "{quota}");
    assert!(answer.1["detail"].as_str().unwrap().contains("GET /v1/usage"), "{}", answer.1);

    let again = edge.post("/v1/requests?wait=0", &ada, &json!({"content": "x".repeat(3_000)}));
    let (status, repeated) = call(again.header("idempotency-key", "k")).await;
    assert!(matches!(status, 200 | 202), "what was accepted is answered all the same: {repeated}");
    assert_eq!(repeated["taskId"], accepted["taskId"]);
    let (status, _) = call(edge.post("/v1/requests?wait=0", &bob, &json!({"content": "hello"}))).await;
    assert!(matches!(status, 200 | 202), "one user's quota is nobody else's");
    assert_eq!(call(edge.get("/v1/tasks", &ada)).await.0, 200, "what is there can be read");
}

#[tokio::test]
async fn usage_is_the_users_own_and_the_tenants_for_its_administrators() {
    let edge = Edge::start().await;
    let task = edge.open_task("ada").await;
    edge.happens("ada", task, &[EventKind::Completed]).await;
    edge.open_task("bob").await;
    let asks = edge.token_for("ada", &[Scope::Requests]);
    let (status, usage) = call(edge.get("/v1/usage", &asks)).await;
    assert_eq!((status, &usage["user"]), (200, &json!("ada")));
    let history = &usage["kinds"]["history"];
    assert_eq!((&history["entries"], &history["unit"]), (&json!(1), &json!("bytes")));
    assert!(history["used"].as_i64().unwrap() > 100 && history["limit"].as_i64().unwrap() > 1_000, "{history}");
    assert_eq!(usage["kinds"]["open-tasks"]["used"], 0);
    assert_eq!(usage["kinds"]["open-tasks"]["unit"], "entries");

    for path in ["/v1/usage?of=tenant", "/v1/usage?user=bob"] {
        assert_eq!(code(&call(edge.get(path, &asks)).await), (403, "missing-scope"), "{path}");
    }
    let admin = edge.token("root");
    let (_, of_tenant) = call(edge.get("/v1/usage?of=tenant", &admin)).await;
    assert_eq!(of_tenant["kinds"]["history"]["entries"], 2);
    assert_eq!(of_tenant["kinds"]["open-tasks"]["used"], 1);
    let (_, of_bob) = call(edge.get("/v1/usage?user=bob&days=30", &admin)).await;
    assert_eq!((&of_bob["user"], &of_bob["kinds"]["open-tasks"]["used"]), (&json!("bob"), &json!(1)));
    for path in ["/v1/usage?days=0", "/v1/usage?days=367", "/v1/usage?of=everybody", "/v1/usage?of=tenant&user=bob"] {
        assert_eq!(code(&call(edge.get(path, &admin)).await), (400, "invalid"), "{path}");
    }
}

#[tokio::test]
async fn an_administrator_lowers_quotas_and_says_how_long_history_is_kept() {
    let edge = Edge::start().await;
    let admin = edge.token("root");
    for wrong in [
        json!({"quotas": {"user": {"history": 1_u64 << 50}}}),
        json!({"quotas": {"user": {"histroy": 1}}}),
        json!({"retention": {"historyDays": 0}}),
        json!({"retention": {"receiptsDays": 1_000}}),
    ] {
        let answer = edge.put("/v1/tenant/settings", &admin, &wrong).await;
        assert_eq!(code(&answer), (400, "invalid"), "{wrong}");
    }
    let settings = json!({"quotas": {"user": {"history": 2_000}}, "retention": {"historyDays": 7}});
    let (status, stored) = edge.put("/v1/tenant/settings", &admin, &settings).await;
    assert_eq!((status, &stored["retention"]["historyDays"]), (200, &json!(7)));
    let ada = edge.token("ada");
    assert_eq!(call(edge.get("/v1/usage", &ada)).await.1["kinds"]["history"]["limit"], 2_000);
    let (status, _) = call(edge.post("/v1/requests?wait=0", &ada, &json!({"content": "x".repeat(2_000)}))).await;
    assert!(matches!(status, 200 | 202));
    let answer = call(edge.post("/v1/requests?wait=0", &ada, &json!({"content": "more"}))).await;
    assert_eq!(code(&answer), (429, "quota-exceeded"));
}

#[tokio::test]
async fn a_memory_over_the_quota_takes_nothing_new() {
    let mut quotas = OperatorQuotas::default();
    quotas.user.insert(StorageKind::Memory, 100);
    let edge = Edge::start_with_quotas(quotas).await;
    let ada = edge.token("ada");
    let put =
        async |key: &str| edge.put(&format!("/v1/me/memory/{key}"), &ada, &json!({"value": "x".repeat(200)})).await;
    assert_eq!(put("a").await.0, 200);
    assert_eq!(code(&put("b").await), (429, "quota-exceeded"));
    assert_eq!(edge.request("DELETE", "/v1/me/memory/a").bearer_auth(&ada).send().await.unwrap().status(), 204);
    assert_eq!(put("b").await.0, 200, "what was deleted makes room");
}

#[tokio::test]
async fn who_deletes_their_data_leaves_nothing_and_comes_back_with_a_new_token_only() {
    let edge = Edge::start().await;
    let (ada, root) = (edge.token("ada"), edge.token("root"));
    let open = edge.open_task("ada").await;
    edge.open_task("bob").await;
    let put = edge.put("/v1/me/memory/a", &ada, &json!({"value": 1})).await;
    assert_eq!(put.0, 200);
    let delete = |path: &str, token: &str| edge.request("DELETE", path).bearer_auth(token);
    for path in ["/v1/me/data", "/v1/me/data?confirm=", "/v1/me/data?confirm=bob", "/v1/me/data?confirm=ADA"] {
        assert_eq!(code(&call(delete(path, &ada)).await), (400, "invalid"), "{path}");
    }
    // The task belongs to another node, which lives and never ends it: its rows go all the same.
    edge.happens("ada", open, &[EventKind::Completed]).await;
    assert_eq!(call(delete("/v1/me/data?confirm=ada", &ada)).await, (200, json!({"status": "deleted"})));
    assert_eq!(code(&call(edge.get("/v1/tasks", &ada)).await).0, 401, "the token has ended");
    assert!(edge.store.tasks(&owner("ada"), None, None, 10).await.unwrap().rows.is_empty());
    assert_eq!(edge.store.tasks(&owner("bob"), None, None, 10).await.unwrap().rows.len(), 1);
    edge.clock.advance(std::time::Duration::from_secs(5));
    let new = edge.token("ada");
    let (status, usage) = call(edge.get("/v1/usage", &new)).await;
    assert_eq!((status, &usage["kinds"]["memory"]["used"]), (200, &json!(0)), "{usage}");
    let (_, log) = call(edge.get("/v1/audit", &root)).await;
    assert_eq!(log["entries"][0]["action"], "user.delete");
    edge.store.verify_audit(&owner("ada").tenant).await.unwrap();
}

#[tokio::test]
async fn an_administrator_deletes_a_user() {
    let edge = Edge::start().await;
    let (bob, root) = (edge.token("bob"), edge.token("root"));
    assert_eq!(edge.put("/v1/me/memory/a", &bob, &json!({"value": 1})).await.0, 200);
    let delete = |path: &str, token: &str| edge.request("DELETE", path).bearer_auth(token);
    let asks = edge.token_for("ada", &[Scope::Requests, Scope::UsersWrite]);
    assert_eq!(code(&call(delete("/v1/users?user=bob&confirm=bob", &asks)).await), (403, "missing-scope"));
    assert_eq!(code(&call(delete("/v1/users?user=bob&confirm=ada", &root)).await), (400, "invalid"));
    assert_eq!(code(&call(delete("/v1/users", &root)).await), (400, "invalid"));
    assert_eq!(call(delete("/v1/users?user=bob&confirm=bob", &root)).await.0, 200);
    assert_eq!(code(&call(edge.get("/v1/me/memory/a", &bob)).await).0, 401);
    let stranger = edge.token_of("other", "root", Scope::ALL);
    assert_eq!(call(delete("/v1/users?user=ada&confirm=ada", &stranger)).await.0, 200, "of their own tenant");
    assert_eq!(call(edge.get("/v1/usage", &edge.token("ada"))).await.0, 200);
}
