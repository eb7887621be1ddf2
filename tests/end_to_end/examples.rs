//! The examples: each is packed, installed and asked through the program, as its README says.
//!
//! `examples/build` makes them from the registries of their languages. Under CI it is called here, and a missing tool is a failure.
//! Elsewhere what it has not built yet is skipped, with the command to type.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use openanalyst_test_https::{Answer, Seen, Server as FarSide};
use serde_json::{Value, json};

use crate::support::{Client, DataDir, Server};

/// The examples, by the names that `examples/build` has for them.
const ALL: &[&str] = &[
    "tone-check",
    "exchange-rates",
    "slug-qjs",
    "frequent-words-js",
    "reading-time",
    "websocket-typescript",
    "http-python",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Where an example is built, if it is.
fn built(name: &str) -> Option<PathBuf> {
    static OUT: LazyLock<PathBuf> = LazyLock::new(|| {
        let out = std::env::var_os("EXAMPLES_OUT").map_or_else(|| folder().join("target"), PathBuf::from);
        let is_missing = |name: &&str| !out.join(name).join(".built").is_file();
        // A skill without a program needs no tools and no registry.
        let all: &[&str] = if std::env::var_os("CI").is_some() { ALL } else { &["tone-check"] };
        let names: Vec<&str> = all.iter().copied().filter(is_missing).collect();
        if names.is_empty() {
            return out;
        }
        let status = Command::new(folder().join("build")).args(&names).env("EXAMPLES_OUT", &out).status().unwrap();
        assert!(status.success(), "examples/build failed: {status}");
        out
    });
    let place = OUT.join(name);
    if place.join(".built").is_file() {
        return Some(place);
    }
    assert!(std::env::var_os("CI").is_none(), "examples/build did not make {name}");
    println!("skipped: {name} is not built. Type: examples/build {name}");
    None
}

/// Packs and installs a skill with everything that it asks for. False where it is not built.
fn install(data: &DataDir, server: &Server, name: &str) -> bool {
    let Some(place) = built(name) else { return false };
    let file = data.path().join(format!("{name}.skill"));
    let (place, file) = (place.to_str().unwrap(), file.to_str().unwrap());
    let url = format!("http://{}", server.address);
    let token = data.token("demo", "demo");
    for arguments in [
        vec!["skill", "pack", place, "--out", file],
        vec!["skill", "install", file, "--grant-all", "--server", &url, "--token", &token],
    ] {
        let output = data.run(&arguments);
        assert!(output.status.success(), "{name}: {output:?}");
    }
    true
}

async fn asked(client: &Client, skill: &str, content: &str) -> Value {
    let task = client.ask(content, content).await;
    assert_eq!(task["metadata"]["skill"], skill, "{task}");
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn skills_in_javascript_and_python_answer() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("demo", "demo"));
    for (skill, content, answer) in [
        ("slug", "Make a slug: Ten Things, Explained! Über uns", "`ten-things-explained-uber-uns`"),
        ("frequent-words", "The most frequent words of: a rose is a rose, a thorn a thorn a rose", "| rose | 3 |"),
        ("reading-time", "How long does it take to read: It was a dark and stormy night", "7 words: about 2 s"),
    ] {
        let folder = match skill {
            "slug" => "slug-qjs",
            "frequent-words" => "frequent-words-js",
            other => other,
        };
        if install(&data, &server, folder) {
            let task = asked(&client, skill, content).await;
            assert_eq!(task["status"], "completed", "{task}");
            assert!(task["content"].as_str().unwrap().contains(answer), "{task}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_skill_asks_for_its_secret_and_reaches_only_its_host() {
    // What the service was asked: the path, and the header with the key.
    let asked_of_service: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let noted = asked_of_service.clone();
    let service = FarSide::start(&["api.rates.example"], move |request: &Seen| {
        let key = request.headers.get("authorization").cloned().unwrap_or_default();
        noted.lock().unwrap().push((request.path.clone(), key));
        Answer::ok(json!({ "base": "USD", "rates": { "EUR": 0.9225 } }).to_string())
            .with("content-type", "application/json")
    })
    .await;
    let data = DataDir::new();
    let authority = data.path().join("authority.pem");
    std::fs::write(&authority, &service.authority).unwrap();
    let resolve = format!("api.rates.example={}", service.address);
    let server = Server::start_with(
        &data,
        &[
            "--retries",
            "0",
            "--research",
            "false",
            "--http-resolve",
            &resolve,
            "--http-allow-network",
            "127.0.0.0/8",
            "--http-ca-file",
            authority.to_str().unwrap(),
        ],
    );
    let client = server.client(&data.token("demo", "demo"));
    if !install(&data, &server, "exchange-rates") {
        return;
    }
    let unclear = asked(&client, "exchange-rates", "What is the exchange rate?").await;
    assert_eq!(unclear["status"], "needs-clarification", "{unclear}");
    let without = asked(&client, "exchange-rates", "Convert 100 USD in EUR").await;
    assert!(without.to_string().contains("the secret `rates-key` is not set"), "{without}");
    let secret = json!({ "value": "a-long-secret-value", "audience": ["api.rates.example"] });
    let (status, answer) = client.put("/v1/skills/exchange-rates/secrets/rates-key", &secret).await;
    assert!(status < 300, "{answer}");
    let sent = asked(&client, "exchange-rates", "Convert 200 USD in EUR").await;
    assert_eq!((&sent["status"], &sent["data"]["converted"]), (&json!("completed"), &json!(184.5)), "{sent}");
    assert_eq!(sent["content"], "200.0 USD are 184.5 EUR (rate 0.9225).");
    assert!(!sent.to_string().contains("a-long-secret"), "{sent}");
    assert_eq!(
        *asked_of_service.lock().unwrap(),
        [("/v1/latest?base=USD&symbols=EUR".to_owned(), "Bearer a-long-secret-value".to_owned())],
        "the request without the secret was not sent"
    );
}

/// This version of the host keeps a skill without a program and does not run it; nothing else does its work in its place.
#[tokio::test(flavor = "multi_thread")]
async fn the_skill_without_a_program_is_installed() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("demo", "demo"));
    assert!(install(&data, &server, "tone-check"));
    let (status, shown) = client.get("/v1/skills/tone-check").await;
    assert_eq!((status, &shown["name"]), (200, &json!("tone-check")), "{shown}");
    let task = client.ask("Check the tone of: You did not call me back", "s").await;
    assert!(task["metadata"]["windmillJobs"].as_array().is_none_or(Vec::is_empty), "{task}");
    let said = format!("{} {}", task["content"], task["error"]["message"]);
    assert!(said.contains("`tone-check`") && said.contains("cannot run yet"), "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_print_the_answer() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let token = data.token("demo", "demo");
    let csv = data.path().join("n.csv");
    std::fs::write(&csv, "product;price\nA;1,234\nB;2,500\n").unwrap();
    let table: [(&str, &[&str], &[&str], &str); 2] = [
        ("http-python", &["python3", "ask.py"], &["analyze this file", csv.to_str().unwrap()], "3.734"),
        ("websocket-typescript", &["node", "dist/ask.js"], &["what can you do?"], "social-media"),
    ];
    for (name, program, arguments, answer) in table {
        let Some(place) = built(name) else { continue };
        let output = Command::new(program[0])
            .args(&program[1..])
            .args(arguments)
            .current_dir(place)
            .env("OPENANALYST_URL", format!("http://{}", server.address))
            .env("OPENANALYST_TOKEN", &token)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(answer), "{name}: {output:?}");
    }
}
