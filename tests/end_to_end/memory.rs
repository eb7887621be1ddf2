//! Memory as skills and users see it: compare and swap, time to live, search, scopes, and the limit of a value.

use serde_json::{Value, json};

use crate::brain::{attempt, grants, start};
use crate::support::Client;

/// What a step's calls gave.
async fn gave(client: &Client, session: &str, calls: Value) -> Value {
    let task = attempt(client, &json!({ "steps": [{ "id": "a", "run": { "do": calls } }] }), session).await;
    assert_eq!(task["status"], "completed", "{task}");
    task["data"]["outputs"][0]["gave"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_compares_lists_finds_and_deletes() {
    let (_data, _server, client) = start(&["--retries", "0", "--research", "false"]).await;
    let put = |key: &str, value: &str, version: Option<u64>| json!({ "call": "put", "key": key, "value": value, "version": version });
    let first = gave(
        &client,
        "s",
        json!([
            put("notes/cats", "cats sleep all day", Some(0)),
            put("notes/dogs", "dogs bark at cats", None),
            put("notes/cats", "never", Some(0)),
            put("notes/cats", "cats slept", Some(1)),
            put("notes/cats", "too late", Some(1)),
            { "call": "list", "key": "notes/" },
            { "call": "find", "query": "sleeping cat" },
            { "call": "find", "query": "barking" },
            { "call": "delete", "key": "notes/dogs" },
            { "call": "delete", "key": "notes/dogs" },
            { "call": "list", "key": "notes/" },
        ]),
    )
    .await;
    let outcome = |name: &str, version: u64| json!(format!("PutOutcome::{name}({version})"));
    assert_eq!(
        first,
        json!([
            outcome("Stored", 1),
            outcome("Stored", 1),
            outcome("Conflict", 1),
            outcome("Stored", 2),
            outcome("Conflict", 2),
            ["notes/cats", "notes/dogs"],
            ["notes/cats", "notes/dogs"],
            ["notes/dogs"],
            true,
            false,
            ["notes/cats"],
        ])
    );
    // A value over the limit is refused, with the limit, and what is there stays.
    let long = json!([{ "call": "put", "key": "notes/cats", "long": 70_000 }]);
    let task = attempt(&client, &json!({ "steps": [{ "id": "a", "run": { "do": long } }] }), "t").await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!("invalid")), "{task}");
    assert!(task["content"].as_str().unwrap().contains("65536"), "{task}");
    let (status, refused) = client.put("/v1/me/memory/notes%2Fcats", &json!({ "value": "x".repeat(70_000) })).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid")), "{refused}");
    assert_eq!(client.get("/v1/me/memory/notes%2Fcats").await.1["value"], "cats slept");
}

/// The tenant's values are everybody's in it, with the grant, and nobody's outside.
#[tokio::test(flavor = "multi_thread")]
async fn the_tenants_memory_is_shared_and_needs_its_grant() {
    let (data, server, ada) = start(&["--retries", "0", "--research", "false"]).await;
    let put = json!([{ "call": "put", "scope": "tenant", "key": "motto", "value": "slow is smooth" }]);
    let document = json!({ "steps": [{ "id": "a", "run": { "do": put } }] });
    let refused = attempt(&ada, &document, "s").await;
    assert_eq!(refused["error"]["code"], "denied", "{refused}");
    let mut wider = grants();
    wider["memory"] = json!("tenant");
    assert_eq!(ada.put("/v1/skills/trier/grants", &wider).await.0, 200);
    assert_eq!(attempt(&ada, &document, "s").await["status"], "completed");
    let bob = server.client(&data.token("acme", "bob"));
    let get = json!([{ "call": "get", "scope": "tenant", "key": "motto" }, { "call": "get", "key": "motto" }]);
    assert_eq!(gave(&bob, "s", get.clone()).await, json!(["\"slow is smooth\"", null]), "shared, and not his own");
    let stranger = server.client(&data.token("other", "ada"));
    crate::brain::install(&stranger).await;
    assert_eq!(stranger.put("/v1/skills/trier/grants", &wider).await.0, 200);
    assert_eq!(gave(&stranger, "s", get).await, json!([null, null]));
}

/// The user's own view over HTTP: versions as entity tags (RFC 9110 §13), and values that end.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_compares_and_lets_values_expire() {
    let (_data, _server, client) = start(&[]).await;
    let put = async |value: &str, header: (&str, &str)| {
        client.put_if("/v1/me/memory/color", &json!({ "value": value }), header).await.0
    };
    assert_eq!(put("red", ("if-none-match", "*")).await, 200);
    assert_eq!(put("blue", ("if-none-match", "*")).await, 412);
    assert_eq!(put("blue", ("if-match", "\"1\"")).await, 200);
    assert_eq!(put("green", ("if-match", "\"1\"")).await, 412);
    assert_eq!(client.get("/v1/me/memory/color").await.1["value"], "blue");
    let found = client.get("/v1/me/memory?query=blue").await.1;
    assert_eq!(found["values"][0]["key"], "color", "{found}");
    let (status, stored) = client.put("/v1/me/memory/short", &json!({ "value": 1, "ttlMs": 3_600_000 })).await;
    assert_eq!(status, 200, "{stored}");
    let lasts = stored["expiresAtMs"].as_i64().unwrap() - stored["updatedAtMs"].as_i64().unwrap();
    assert_eq!(lasts, 3_600_000, "{stored}");
}
