//! Every route of the description, with the token of another tenant and of another user of the same tenant: no data, no effect.
//!
//! The walk is made from `/openapi.json`, so that a new route is in it by itself; a new kind of parameter or body makes it fail until somebody says
//! here what to send.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use openanalyst_guest_fixtures::COURIER;
use serde_json::{Value, json};

use crate::support::{Client, DataDir, Server};

/// Stands in everything that is Ada's own; what the tenant shares holds the other one.
const OWN: &str = "MARK-OF-ADA-7f3a";
const SHARED: &str = "MARK-OF-ACME-91bc";

/// What Ada has: for each parameter of a path its value, by route and name.
struct Things {
    task: String,
    conversation: String,
    skill: &'static str,
    secret: &'static str,
    memory: &'static str,
}

impl Things {
    /// The parameter of a path, as Ada would write it.
    fn value(&self, path: &str, name: &str) -> &str {
        match (path, name) {
            (path, "id") if path.starts_with("/v1/tasks/") => &self.task,
            (path, "id") if path.starts_with("/v1/conversations/") => &self.conversation,
            (path, "name") if path.starts_with("/v1/skills/") => self.skill,
            (path, "key") if path.starts_with("/v1/skills/") => self.secret,
            (path, "key") if path.starts_with("/v1/me/memory/") => self.memory,
            other => panic!("say here what {other:?} is, so that the walk can try a stranger's"),
        }
    }

    /// The same parameter, of a thing that nobody has.
    fn unknown(path: &str, name: &str) -> String {
        match (path, name) {
            (_, "id") => uuid::Uuid::now_v7().to_string(),
            (_, "name") => "nobodys-skill".to_owned(),
            _ => "nobodys-key".to_owned(),
        }
    }
}

/// A body that its owner could send.
fn body(operation: &str, things: &Things) -> Value {
    match operation {
        "createRequest" | "route" => json!({ "content": "hello", "sessionId": "walk" }),
        "cancelTask" => json!({ "reason": "walk" }),
        "answerTask" => json!({ "answers": [{ "text": "Twitter" }] }),
        "activateSkill" => json!({ "version": "1.0.0" }),
        "putGrants" => json!({ "memory": "user" }),
        "putBudget" => json!({ "daily": { "invocations": 1 } }),
        "putSecret" => json!({ "value": "the-walks-own-value", "audience": ["evil.test"] }),
        "createUser" => json!({ "email": "walk@example.com" }),
        "putContext" => json!({ "preferences": { "walk": "yes" }, "customInstructions": "walk" }),
        "putMemory" => json!({ "value": "walk" }),
        "putSettings" => json!({ "requireSignature": true }),
        "revokeTokens" => json!({ "user": "ada" }),
        other => panic!("say here what a body of {other} is ({})", things.skill),
    }
}

fn package(name: &str, about: &str) -> Vec<u8> {
    let skill_md = format!(
        "---\nname: {name}\ndescription: Carries things. {about}\nversion: 1.0.0\ntriggers: [{name}]\ncapabilities:\n  http: [\"api.test\"]\n  \
         memory: user\n  secrets: [\"api-key\"]\n---\n{about}\n"
    );
    let files =
        BTreeMap::from([("SKILL.md".to_owned(), skill_md.into_bytes()), ("skill.wasm".to_owned(), COURIER.to_vec())]);
    openanalyst_package::write_archive(&files).unwrap()
}

async fn set_up(ada: &Client) -> Things {
    let (status, uploaded) = ada.put_bytes("POST", "/v1/skills", package("courier", SHARED)).await;
    assert_eq!(status, 201, "{uploaded}");
    let grants = json!({ "http": ["api.test"], "memory": "user", "secrets": ["api-key"] });
    for (path, body) in [
        ("/v1/skills/courier/grants", grants),
        ("/v1/skills/courier/budget", json!({ "daily": { "invocations": 1_000 } })),
        (
            "/v1/skills/courier/secrets/api-key",
            json!({ "value": format!("{SHARED}-secret"), "audience": ["api.test"] }),
        ),
        ("/v1/me/memory/plans", json!({ "value": OWN })),
        ("/v1/me/context", json!({ "preferences": { "note": OWN }, "customInstructions": OWN })),
        ("/v1/tenant/settings", json!({ "publishers": [], "limits": { "daily": { "invocations": 10_000 } } })),
    ] {
        let (status, answer) = ada.put(path, &body).await;
        assert_eq!(status, 200, "{path}: {answer}");
    }
    assert_eq!(ada.post("/v1/skills/courier/activate", &json!({ "version": "1.0.0" })).await.0, 200);
    let said = ada.ask(&format!("courier {}", json!({ "do": "say", "text": SHARED })), OWN).await;
    assert_eq!(said["status"], "completed", "{said}");
    let asked = ada.ask(&format!("Create a post about {OWN}"), OWN).await;
    assert_eq!(asked["status"], "needs-clarification", "{asked}");
    let conversations = ada.get("/v1/conversations").await.1;
    Things {
        task: asked["taskId"].as_str().unwrap().to_owned(),
        conversation: conversations["conversations"][0]["id"].as_str().unwrap().to_owned(),
        skill: "courier",
        secret: "api-key",
        memory: "plans",
    }
}

/// All that Ada and her tenant's administrators can see: what must not change.
async fn everything(ada: &Client, things: &Things) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let (task, conversation) = (&things.task, &things.conversation);
    for path in [
        "/v1/tasks?limit=100".to_owned(),
        format!("/v1/tasks/{task}"),
        "/v1/skills".to_owned(),
        "/v1/skills/courier".to_owned(),
        "/v1/skills/courier/versions".to_owned(),
        "/v1/skills/courier/grants".to_owned(),
        "/v1/skills/courier/budget".to_owned(),
        "/v1/skills/courier/secrets".to_owned(),
        "/v1/skills/courier/logs".to_owned(),
        "/v1/skills/courier/receipts".to_owned(),
        "/v1/users".to_owned(),
        "/v1/me/context".to_owned(),
        "/v1/me/memory".to_owned(),
        "/v1/conversations".to_owned(),
        format!("/v1/conversations/{conversation}/messages"),
        "/v1/history?limit=100".to_owned(),
        "/v1/audit?limit=100".to_owned(),
        "/v1/tenant/settings".to_owned(),
    ] {
        let (status, answer) = ada.get(&path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        // How long an open task has taken is the only thing that changes by itself.
        let mut answer = answer;
        forget(&mut answer, "durationMs");
        seen.insert(path, answer.to_string());
    }
    assert!(seen.values().any(|text| text.contains(OWN)) && seen.values().any(|text| text.contains(SHARED)));
    seen
}

fn forget(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            members.remove(name);
            members.values_mut().for_each(|value| forget(value, name));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| forget(value, name)),
        _ => {}
    }
}

/// Calls every route with the owner's ids, and says of each what came; the marks must never be in it.
async fn walk(
    document: &Value,
    stranger: &Client,
    things: &Things,
    forbidden: &[&str],
) -> BTreeMap<String, (u16, String)> {
    let mut outcomes = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            let names: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let send = async |with: &dyn Fn(&str) -> String| {
                let filled =
                    names.iter().fold(path.clone(), |path, name| path.replace(&format!("{{{name}}}"), &with(name)));
                let content = operation["requestBody"]["content"].as_object();
                match content.and_then(|content| content.keys().next()).map(String::as_str) {
                    Some("application/json") => stranger.call(method, &filled, Some(&body(id, things))).await,
                    // The stranger's own upload: their tenant's alone.
                    Some(_) => stranger.put_bytes("POST", &filled, package("eves-own", "Hers.")).await,
                    None => stranger.call(method, &filled, None).await,
                }
            };
            let answer = send(&|name| things.value(path, name).to_owned()).await;
            let text = answer.1.to_string();
            for mark in forbidden {
                assert!(!text.contains(mark), "{method} {path} ({id}) shows {mark}: {text}");
            }
            if !names.is_empty() {
                // Exactly what a thing that nobody has would give: that it exists is no information either.
                let nobodys = send(&|name| Things::unknown(path, name)).await;
                assert_eq!(
                    (answer.0, &answer.1["code"]),
                    (nobodys.0, &nobodys.1["code"]),
                    "{method} {path} ({id}) tells a stranger's thing from nothing: {} / {}",
                    answer.1,
                    nobodys.1
                );
            }
            outcomes.insert(id.to_owned(), (answer.0, answer.1["code"].as_str().unwrap_or_default().to_owned()));
        }
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_gives_anything_to_a_stranger() {
    let data = DataDir::new();
    let ada = data.token("acme", "ada");
    let server = Server::start(&data);
    let ada = server.client(&ada);
    let things = set_up(&ada).await;
    let document = ada.get("/openapi.json").await.1;
    let routes: usize =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert!(routes >= 42, "the description has {routes} routes");
    let before = everything(&ada, &things).await;

    // Another tenant, whose user may do everything there, and tries to end the tokens of an "ada".
    let eve = server.client(&data.token("other", "eve"));
    let outcomes = walk(&document, &eve, &things, &[OWN, SHARED, "acme"]).await;
    for (id, (status, code)) in &outcomes {
        let whose = document_path(&document, id);
        // A stranger puts and forgets in a memory of their own.
        let own = whose.starts_with("/v1/me/memory/");
        if whose.contains('{') && !own {
            assert_eq!(*status, 404, "{id} {code}: never 403, never 200");
        }
    }
    assert_eq!(outcomes["uploadSkill"].0, 201, "the stranger's own upload is theirs: {outcomes:?}");
    assert_eq!(everything(&ada, &things).await, before, "another tenant changed something");

    // Another user of the same tenant, without any right over what the tenant shares.
    let bob =
        data.run(&["token", "--tenant", "acme", "--user", "bob", "--scope", "requests", "--scope", "history:read"]);
    let bob = server.client(String::from_utf8(bob.stdout).unwrap().trim());
    let outcomes = walk(&document, &bob, &things, &[OWN, SHARED]).await;
    for id in ["showTask", "cancelTask", "answerTask", "taskEvents", "listMessages"] {
        assert_eq!(outcomes[id].0, 404, "{id}: {outcomes:?}");
    }
    for id in
        ["uploadSkill", "putGrants", "putSecret", "removeSkill", "audit", "putSettings", "revokeTokens", "createUser"]
    {
        assert_eq!(outcomes[id], (403, "missing-scope".to_owned()), "{id}");
    }
    assert_eq!(everything(&ada, &things).await, before, "another user changed something");

    // An administrator of the tenant sees what it shares, and nothing that is Ada's own.
    let root = server.client(&data.token("acme", "root"));
    for (path, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_some() && path != "/v1/ws" {
            let filled = ["id", "name", "key"]
                .iter()
                .filter(|name| path.contains(&format!("{{{name}}}")))
                .fold(path.clone(), |filled, name| filled.replace(&format!("{{{name}}}"), things.value(path, name)));
            let (_, answer) = root.get(&filled).await;
            assert!(!answer.to_string().contains(OWN), "GET {path} shows an administrator what is Ada's own: {answer}");
        }
    }

    // How long the answer takes says nothing either: the same class of time, whether the thing is somebody's or nobody's.
    let (mut theirs, mut nobodys) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        theirs.push(timed(&eve, &format!("/v1/tasks/{}", things.task)).await);
        nobodys.push(timed(&eve, &format!("/v1/tasks/{}", uuid::Uuid::now_v7())).await);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (theirs, nobodys) = (median(&mut theirs), median(&mut nobodys));
    assert!(theirs < nobodys * 3 && nobodys < theirs * 3, "{theirs:?} and {nobodys:?}");
}

async fn timed(client: &Client, path: &str) -> Duration {
    let began = Instant::now();
    assert_eq!(client.get(path).await.0, 404);
    began.elapsed()
}

fn document_path(document: &Value, id: &str) -> String {
    let paths = document["paths"].as_object().unwrap();
    let (path, _) = paths
        .iter()
        .find(|(_, item)| item.as_object().unwrap().values().any(|operation| operation["operationId"] == id))
        .unwrap();
    path.clone()
}

/// Text that is SQL, a path or a template elsewhere is text here.
#[tokio::test(flavor = "multi_thread")]
async fn injection_finds_nothing_to_inject_into() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let ada = server.client(&data.token("acme", "ada"));
    let things = set_up(&ada).await;
    let before = everything(&ada, &things).await;
    let eve = server.client(&data.token("other", "eve"));
    for text in [
        "'; DROP TABLE tasks; --",
        "' OR '1'='1",
        "\" OR \"\"=\"",
        "%' UNION SELECT * FROM secrets --",
        "$1",
        "\\'; SET ROLE postgres; --",
        "../../acme/plans",
        "..%2f..%2facme",
        "%252e%252e%252f",
        "u/ada/../../f",
        "{{secret:api-key}}",
        "${jndi:ldap://127.0.0.1/a}",
        "\u{0}",
        "a\u{202e}b",
    ] {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            format!("/v1/tasks/{escaped}"),
            format!("/v1/tasks?cursor={escaped}"),
            format!("/v1/tasks?status={escaped}"),
            format!("/v1/conversations/{escaped}/messages"),
            format!("/v1/history?kind={escaped}"),
            format!("/v1/history?query={escaped}"),
            format!("/v1/history?skill={escaped}"),
            format!("/v1/skills/{escaped}"),
            format!("/v1/skills/{escaped}/grants"),
            format!("/v1/me/memory/{escaped}"),
            format!("/v1/me/memory?prefix={escaped}"),
            format!("/v1/me/memory?query={escaped}"),
            format!("/v1/audit?cursor={escaped}"),
        ] {
            let (status, answer) = eve.get(&path).await;
            assert!(status < 500, "{path}: {status} {answer}");
            let shown = answer.to_string();
            assert!(!shown.contains(OWN) && !shown.contains(SHARED), "{path}: {shown}");
        }
        for (method, path, body) in [
            ("POST", "/v1/requests?wait=0", json!({ "content": format!("{text} hello"), "sessionId": text })),
            ("POST", "/v1/route", json!({ "content": text })),
            ("PUT", "/v1/me/context", json!({ "preferences": { text: text }, "customInstructions": text })),
            ("PUT", "/v1/me/memory/note", json!({ "value": text })),
            ("POST", "/v1/users", json!({ "email": text, "displayName": text })),
            ("POST", "/v1/tokens/revoke", json!({ "tokenId": text })),
            ("PUT", "/v1/skills/core/grants", json!({ "http": [text], "windmill": [text] })),
            ("PUT", "/v1/skills/core/secrets/x", json!({ "value": text, "audience": [text] })),
            ("POST", "/v1/skills/core/activate", json!({ "version": text })),
        ] {
            let (status, answer) = eve.call(method, path, Some(&body)).await;
            assert!(status < 500, "{method} {path} with {text:?}: {status} {answer}");
        }
    }
    assert_eq!(everything(&ada, &things).await, before);
}
