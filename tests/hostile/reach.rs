//! Guests that reach for what is not theirs.

use std::sync::Arc;

use openanalyst_domain::Budget;
use openanalyst_runtime::contract::windmill::{Item, Kind};
use openanalyst_runtime::{Call, HostCapabilities};
use serde_json::{Value, json};

use crate::doubles::{Double, grants};
use crate::lab::{Lab, call, failure, value};

fn armed(double: &Arc<Double>, granted: Value) -> Call {
    let mut call = call(Budget::default());
    call.grants = grants(granted);
    call.capabilities = double.capabilities();
    call
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_machine_cannot_be_seen() {
    let lab = Lab::new();
    let probe = lab.probe();
    let seen = value(&lab.attack(&probe, call(Budget::default()), &json!({ "do": "world" })).await);
    assert_eq!(
        seen,
        json!({
            "arguments": 0, "environment": 0, "input": 0, "root": false, "here": false, "file": false, "write": false,
        })
    );
}

/// Imported and not granted: there, and denied. Granted and not configured: unavailable, and waiting does not help.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_open_without_a_grant_and_nothing_pretends() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double::default());
    let everything = json!({
        "windmill": ["f/a/**"], "memory": "tenant", "web-search": true, "llm": true, "http": ["api.example.com"],
        "skills": ["other"], "secrets": ["key"],
    });
    let cases = [
        json!({ "do": "memory-get", "text": "key" }),
        json!({ "do": "memory-get", "text": "key", "scope": "tenant" }),
        json!({ "do": "memory-put", "text": "key" }),
        json!({ "do": "memory-delete", "text": "key" }),
        json!({ "do": "memory-list", "text": "key" }),
        json!({ "do": "memory-search", "text": "key" }),
        json!({ "do": "start", "text": "f/a/b" }),
        json!({ "do": "start", "text": "u/ada/b" }),
        json!({ "do": "list", "text": "f/" }),
        json!({ "do": "delete", "text": "f/a/b" }),
        json!({ "do": "create", "text": "f/a/b", "value": "x" }),
        json!({ "do": "create", "text": "f/a/b", "value": { "modules": [] }, "kind": "flow" }),
        json!({ "do": "create", "text": "f/a/b", "value": {}, "kind": "app" }),
        json!({ "do": "create", "text": "f/a/b", "script": "f/a/c", "kind": "schedule" }),
        json!({ "do": "search", "text": "news" }),
        json!({ "do": "ask", "text": "why" }),
        json!({ "do": "fetch", "text": "https://api.example.com/" }),
        json!({ "do": "secret", "text": "key" }),
        json!({ "do": "call", "text": "other", "with": {} }),
    ];
    for arguments in &cases {
        let invocation = lab.run(&probe, armed(&double, json!({})), arguments).await;
        let (code, text) = failure(&invocation);
        assert_eq!(code, "denied", "{arguments}: {text}");
        assert!(text.contains("administrator"), "it says who can grant it: {text}");
        let unconfigured = Call { capabilities: HostCapabilities::default(), ..armed(&double, everything.clone()) };
        let invocation = lab.run(&probe, unconfigured, arguments).await;
        let Err(error) = &invocation.result else { panic!("{arguments}: {invocation:?}") };
        assert_eq!(error.as_failure().code(), "unavailable", "{arguments}");
        assert!(!error.as_failure().is_retryable());
    }
    assert!(double.seen().is_empty(), "nothing reached the host: {:?}", double.seen());
    lab.assert_quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_is_what_it_says() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double::default());
    let granted = json!({ "windmill": ["f/openanalyst/social/*", "u/bob/**"] });
    for path in [
        "u/bob/secret",
        "u/adam/x",
        "f/openanalyst/core/x",
        "f/openanalyst/social/../core/x",
        "f/openanalyst/social/..",
        "u%2fbob%2fsecret",
        "f/openanalyst/social/%252e%252e/x",
        "f/openanalyst\\social\\x",
        "hub/1/x",
        "/f/openanalyst/social/x",
        "",
    ] {
        for arguments in [
            json!({ "do": "start", "text": path }),
            json!({ "do": "cancel", "text": path }),
            json!({ "do": "delete", "text": path }),
            json!({ "do": "create", "text": path, "value": "x" }),
            json!({ "do": "create", "text": "u/ada/s", "script": path, "kind": "schedule" }),
            json!({ "do": "create", "text": "u/ada/f", "kind": "flow",
                    "value": { "modules": [{ "value": { "type": "script", "path": path } }] } }),
        ] {
            let invocation = lab.run(&probe, armed(&double, granted.clone()), &arguments).await;
            let (code, text) = failure(&invocation);
            assert!(matches!(code, "denied" | "invalid"), "{arguments}: {code} {text}");
        }
    }
    assert!(double.seen().is_empty(), "nothing reached the host: {:?}", double.seen());
    for path in ["u/ada/mine", "f/openanalyst/social/create_post"] {
        let started = lab.run(&probe, armed(&double, granted.clone()), &json!({ "do": "start", "text": path })).await;
        assert_eq!(value(&started), json!(["job"]));
    }
    lab.assert_quiet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_shows_what_is_granted() {
    let lab = Lab::new();
    let probe = lab.probe();
    let item = |kind, path: &str, details: Value| Item {
        kind,
        path: path.to_owned(),
        summary: String::new(),
        details: details.to_string(),
        updated_at_ms: 1,
    };
    let double = Arc::new(Double {
        items: vec![
            item(Kind::Script, "f/open/a", json!({})),
            item(Kind::Script, "f/closed/a", json!({})),
            item(Kind::Script, "u/ada/a", json!({})),
            item(Kind::Script, "u/bob/a", json!({})),
            item(Kind::Job, "job-1", json!({ "script_path": "f/open/a" })),
            item(Kind::Job, "job-2", json!({ "script_path": "f/closed/a" })),
            item(Kind::Job, "job-3", json!({})),
        ],
        ..Double::default()
    });
    let granted = json!({ "windmill": ["f/open/*"] });
    let listed = lab.run(&probe, armed(&double, granted.clone()), &json!({ "do": "list", "text": "" })).await;
    assert_eq!(value(&listed), json!(["f/open/a", "u/ada/a", "job-1"]));
    let other = lab.run(&probe, armed(&double, granted), &json!({ "do": "list", "text": "u/bob/" })).await;
    assert_eq!(failure(&other).0, "denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_has_a_scope_and_plain_keys() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double::default());
    let user = || armed(&double, json!({ "memory": "user" }));
    let tenant = json!({ "do": "memory-get", "text": "key", "scope": "tenant" });
    assert_eq!(failure(&lab.run(&probe, user(), &tenant).await).0, "denied");
    for key in [String::new(), "a\nb".to_owned(), "x".repeat(257)] {
        let invocation = lab.run(&probe, user(), &json!({ "do": "memory-get", "text": key })).await;
        assert_eq!(failure(&invocation).0, "invalid");
    }
    let too_large = json!({ "do": "memory-put", "text": "key", "n": 64 << 10 });
    assert_eq!(failure(&lab.run(&probe, user(), &too_large).await).0, "invalid");
    assert!(double.seen().is_empty());
    let fits = json!({ "do": "memory-put", "text": "key", "n": (64 << 10) - 2 });
    assert_eq!(value(&lab.run(&probe, user(), &fits).await), json!({ "stored": 1 }));
    let listed = lab.run(&probe, user(), &json!({ "do": "memory-list", "text": "k" })).await;
    assert!(listed.result.is_ok());
    assert_eq!(double.seen(), ["put Scope::User key", "list k 100"]);
    let all = armed(&double, json!({ "memory": "tenant" }));
    assert!(lab.run(&probe, all, &tenant).await.result.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_granted_hosts_are_fetched() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double::default());
    let call = || armed(&double, json!({ "http": ["api.example.com"] }));
    for url in [
        "http://api.example.com/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/",
        "https://api.example.com@evil.org/",
        "https://api.example.com.evil.org/",
        "file:///etc/passwd",
    ] {
        let invocation = lab.run(&probe, call(), &json!({ "do": "fetch", "text": url })).await;
        assert!(matches!(failure(&invocation).0, "denied" | "invalid"), "{url}");
    }
    assert!(double.seen().is_empty());
    let fetched = lab.run(&probe, call(), &json!({ "do": "fetch", "text": "https://api.example.com/x" })).await;
    assert_eq!(value(&fetched), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_granted_works() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = Arc::new(Double::default());
    let call = || armed(&double, json!({ "windmill": ["f/a/**"], "skills": ["other"] }));
    let waited = lab.run(&probe, call(), &json!({ "do": "wait", "text": "f/a/b", "n": 1_500 })).await;
    assert_eq!(value(&waited), json!({ "id": "job", "status": "JobStatus::Done", "result": "1" }));
    let cancelled = lab.run(&probe, call(), &json!({ "do": "cancel", "text": "f/a/b" })).await;
    assert_eq!(value(&cancelled), "JobStatus::Done");
    let called = lab.run(&probe, call(), &json!({ "do": "call", "text": "other", "with": { "a": 1 } })).await;
    assert_eq!(value(&called), json!({}));
    assert_eq!(
        double.seen(),
        [
            "start f/a/b false {\"a\":1}".replace("{\"a\":1}", "{}"),
            "wait 1500".to_owned(),
            "start f/a/b true {}".to_owned(),
            "cancel no longer needed".to_owned(),
            "call other {\"a\":1} 1".to_owned(),
        ]
    );
}
