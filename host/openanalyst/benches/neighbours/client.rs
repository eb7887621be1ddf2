//! An HTTP client, and one word for each way in which a call can end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

/// How a call ended.
pub struct Answer {
    /// `completed`, `failed:CODE` or another state of a task; `running` for one that goes on;
    /// `200` where there is no task; `429 CODE` for a problem; [`NO_ANSWER`], [`BROKEN`].
    pub label: String,
    /// The body, where it is JSON.
    pub body: Value,
    /// From the first byte of the call to the last one of its answer.
    pub took: Duration,
}

/// The label of a call whose answer did not come in time.
pub const NO_ANSWER: &str = "no answer";
/// The label of a call whose connection broke.
pub const BROKEN: &str = "connection broke";
/// The label of a task that has not ended.
pub const RUNNING: &str = "running";

/// A client of one server. Calls that do not overlap share one connection.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub fn new(base: &str, patience: Duration) -> Self {
        let http = openanalyst_egress::client(patience).expect("a client can be made");
        Self { http, base: base.to_owned() }
    }

    /// Any call with JSON or without a body.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request, token).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    /// Asks, and waits so many seconds for the task's end.
    pub async fn ask(&self, token: &str, body: Value, wait_s: u64) -> Answer {
        self.post(&format!("/v1/requests?wait={wait_s}"), token, body).await
    }

    /// Sends a package.
    pub async fn upload(&self, token: &str, package: Vec<u8>) -> Answer {
        self.send(self.http.post(format!("{}/v1/skills", self.base)).body(package), token).await
    }

    /// Reads an answer of any length without keeping it. Gives its status, or how it failed.
    pub async fn read(&self, path: &str, token: &str) -> String {
        let read = async {
            let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(token);
            let mut answer = request.send().await?;
            while answer.chunk().await?.is_some() {}
            Ok::<_, reqwest::Error>(answer.status().as_u16().to_string())
        };
        match read.await {
            Ok(label) => label,
            Err(error) if error.is_timeout() => NO_ANSWER.to_owned(),
            Err(_) => BROKEN.to_owned(),
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder, token: &str) -> Answer {
        let began = Instant::now();
        let sent = async {
            let answer = request.bearer_auth(token).send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        let (label, body) = match sent.await {
            Ok((status, bytes)) => {
                let body = serde_json::from_slice(&bytes).unwrap_or_default();
                (label(status, &body), body)
            }
            Err(error) if error.is_timeout() => (NO_ANSWER.to_owned(), Value::Null),
            Err(_) => (BROKEN.to_owned(), Value::Null),
        };
        Answer { label, body, took: began.elapsed() }
    }
}

fn label(status: u16, body: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if status >= 300 {
        return format!("{status} {}", text(&body["code"])).trim().to_owned();
    }
    match (body["taskId"].is_string(), body["done"].as_bool(), body["status"].as_str()) {
        (true, Some(false), _) => RUNNING.to_owned(),
        (true, _, Some("failed")) => format!("failed:{}", text(&body["error"]["code"])),
        (true, _, Some(status)) => status.to_owned(),
        _ => status.to_string(),
    }
}

/// The body of a request.
pub fn asks(content: &str) -> Value {
    json!({ "content": content })
}

/// How often calls ended in which way.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    pub fn count(&self, label: &str) {
        self.add(label, 1);
    }

    pub fn add(&self, label: &str, times: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(label.to_owned()).or_default() += times;
    }

    /// Labels with their counts, the most frequent first.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}
