//! Embeddings for routing: a paraphrase is understood with them, and nothing fails without them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use openanalyst::host::Host;
use openanalyst_brain::{Decision, NewRequest, TaskView};
use openanalyst_domain::Owner;
use serde_json::{Value, json};

use crate::brain::serve;
use crate::request::owner;
use crate::schedule::{MONDAY, host_with};
use crate::support::{DataDir, PATIENCE};

/// None of its words stands in a text of `analytics`; it means its figures all the same.
const PARAPHRASE: &str = "did my audience like that stuff";

/// A model that knows which words belong together, and nothing else.
#[derive(Clone, Default)]
struct Model {
    asked: Arc<Mutex<Vec<String>>>,
    is_broken: Arc<AtomicBool>,
}

impl Model {
    /// Its address, as flags.
    async fn flags(&self) -> Vec<String> {
        async fn embed(State(model): State<Model>, Json(body): Json<Value>) -> Response {
            if model.is_broken.load(Ordering::SeqCst) {
                return (StatusCode::BAD_GATEWAY, "the model is gone").into_response();
            }
            let texts: Vec<String> = serde_json::from_value(body["input"].clone()).unwrap();
            let vector = |(index, text): (usize, &String)| json!({ "index": index, "embedding": direction(text) });
            let data: Vec<Value> = texts.iter().enumerate().map(vector).collect();
            model.asked.lock().unwrap().extend(texts);
            Json(json!({ "object": "list", "model": "fake", "data": data })).into_response()
        }
        let url = serve(axum::Router::new().route("/v1/embeddings", post(embed)).with_state(self.clone())).await;
        let (url, flags) = (format!("{url}/v1"), ["--embeddings-model", "fake", "--embeddings-timeout-ms", "10000"]);
        flags.into_iter().chain(["--embeddings-url", &url]).map(str::to_owned).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The sum of its words' directions: one for each group of words that belong together, and one of its own for any other word.
fn direction(text: &str) -> Vec<f32> {
    const GROUPS: [&[&str]; 4] = [
        &[
            "analytics",
            "report",
            "metrics",
            "statistics",
            "numbers",
            "data",
            "perform",
            "summarize",
            "analyse",
            "analyze",
            "audience",
            "like",
            "figures",
        ],
        &["post", "tweet", "twitter", "linkedin", "instagram", "write", "draft", "publish"],
        &["hello", "remember", "forget", "name", "help", "call", "zone"],
        &["every", "schedule", "workflow", "automate", "pause", "daily", "weekly", "job"],
    ];
    let mut vector = vec![0.0_f32; 64];
    for word in text.to_lowercase().split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 2) {
        match GROUPS.iter().position(|group| group.iter().any(|known| word.starts_with(known))) {
            Some(group) => vector[group] += 1.0,
            None => vector[4 + word.bytes().map(usize::from).sum::<usize>() % 60] += 0.3,
        }
    }
    vector[63] += 0.1;
    vector
}

async fn ask(host: &Host, owner: &Owner, session: &str, text: &str) -> TaskView {
    let request = NewRequest {
        content: text.to_owned(),
        session: session.try_into().unwrap(),
        attachments: Vec::new(),
        idempotency_key: None,
        correlation_id: None,
    };
    let task = host.brain.accept(owner, request).await.unwrap().task;
    host.brain.wait(owner, task, PATIENCE).await.unwrap()
}

async fn routed(host: &Host, owner: &Owner, text: &str) -> (Option<String>, String) {
    let understood = host.brain.route(owner, text).await.unwrap();
    let skill = match understood.route.decision {
        Decision::Skill { name, .. } => Some(name),
        _ => None,
    };
    (skill, understood.route.reasons.join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paraphrase_reaches_its_skill_with_embeddings_and_the_fallback_without() {
    let (ada, data, model) = (owner("acme", "ada"), DataDir::new(), Model::default());
    let (host, _) = host_with(&data, MONDAY, &[]).await;
    assert_eq!(ask(&host, &ada, "one", PARAPHRASE).await.metadata.skill.as_deref(), Some("core"));
    let (_, reasons) = routed(&host, &ada, PARAPHRASE).await;
    assert!(!reasons.contains("mbedding"), "none are configured, so none are missed: {reasons}");
    host.close(PATIENCE).await;

    let flags = model.flags().await;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (host, _) = host_with(&data, MONDAY, &flags).await;
    host.brain.embedded(&ada).await.unwrap();
    let (skill, reasons) = routed(&host, &ada, PARAPHRASE).await;
    assert_eq!(skill.as_deref(), Some("analytics"), "{reasons}");
    assert!(reasons.contains("near in meaning"), "{reasons}");
    let done = ask(&host, &ada, "two", PARAPHRASE).await;
    assert_eq!(done.metadata.skill.as_deref(), Some("analytics"), "{done:?}");
    // What is far from every skill stays where it was.
    let (skill, reasons) = routed(&host, &ada, "how tall is Mount Kilimanjaro").await;
    assert_ne!(skill.as_deref(), Some("analytics"), "{reasons}");
    let asked = model.texts();
    assert_eq!(asked.iter().filter(|text| *text == PARAPHRASE).count(), 1, "its vector is remembered");
    host.close(PATIENCE).await;

    // The skills' vectors are there after a restart.
    let before = model.texts().len();
    let (host, _) = host_with(&data, MONDAY, &flags).await;
    host.brain.embedded(&ada).await.unwrap();
    assert_eq!(routed(&host, &ada, PARAPHRASE).await.0.as_deref(), Some("analytics"));
    assert_eq!(model.texts()[before..], [PARAPHRASE], "only the request was asked for");
    host.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_server_costs_no_request_and_the_route_says_so() {
    let (ada, data, model) = (owner("acme", "ada"), DataDir::new(), Model::default());
    let flags = model.flags().await;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    model.is_broken.store(true, Ordering::SeqCst);
    let (host, _) = host_with(&data, MONDAY, &flags).await;
    host.brain.embedded(&ada).await.unwrap();
    let (skill, reasons) = routed(&host, &ada, "Analyse last week").await;
    assert_eq!(skill.as_deref(), Some("analytics"), "{reasons}");
    assert!(reasons.contains("Embeddings were not used: those of the skills are not ready yet."), "{reasons}");
    let done = ask(&host, &ada, "one", "Analyse last week").await;
    assert_eq!(done.metadata.skill.as_deref(), Some("analytics"), "{done:?}");
    host.close(PATIENCE).await;

    // The skills have their vectors, and then the server goes away.
    model.is_broken.store(false, Ordering::SeqCst);
    let (host, _) = host_with(&data, MONDAY, &flags).await;
    host.brain.embedded(&ada).await.unwrap();
    model.is_broken.store(true, Ordering::SeqCst);
    let (skill, reasons) = routed(&host, &ada, "Analyse last week").await;
    assert_eq!(skill.as_deref(), Some("analytics"), "{reasons}");
    assert!(reasons.contains("Embeddings were not used: their server gave no usable answer"), "{reasons}");
    let done = ask(&host, &ada, "two", PARAPHRASE).await;
    assert_eq!(done.metadata.skill.as_deref(), Some("core"), "{done:?}");
    let counts = host.registry.shared_catalog().embedding_counts().unwrap();
    assert!(counts.requests_failed >= 2 && counts.catalogs == 1, "{counts:?}");
    host.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_and_the_command_line_use_the_embeddings() {
    let (data, model) = (DataDir::new(), Model::default());
    let flags = model.flags().await;
    let run = async |arguments: &[&str]| {
        let mut command = data.command(arguments);
        command.args(&flags);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let report = run(&["doctor", "--listen", "127.0.0.1:0"]).await;
    assert!(report.contains("ok    embeddings: fake answers with 64 dimensions"), "{report}");
    assert!(run(&["serve", "--print-config"]).await.contains("embeddings-model"));
    run(&["token", "--tenant", "demo", "--user", "demo"]).await;
    let shown = run(&["route", PARAPHRASE]).await;
    assert!(shown.starts_with("skill: analytics") && shown.contains("near in meaning"), "{shown}");
    model.is_broken.store(true, Ordering::SeqCst);
    let report = run(&["doctor", "--listen", "127.0.0.1:0"]).await;
    assert!(report.contains("FAIL  embeddings: the embeddings server at"), "{report}");
}
