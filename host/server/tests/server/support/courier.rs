//! The third party's skill, from its package to its answer.

use std::collections::BTreeMap;

use openanalyst_guest_fixtures::COURIER;
use serde_json::{Value, json};

use super::Edge;
use super::client::call;

/// Its `SKILL.md`.
pub fn skill_md(name: &str, version: &str) -> String {
    format!(
        "---\nname: {name}\ndescription: Carries things from here to there.\nversion: {version}\ntriggers: [{name}]\nexamples: [\"{name} this\"]\n\
         capabilities:\n  http: [\"api.test\", \"other.test\"]\n  memory: user\n  secrets: [\"api-key\", \"unset\"]\n---\nCarries.\n"
    )
}

pub fn package_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
    openanalyst_package::write_archive(&files).unwrap()
}

pub fn package(name: &str, version: &str) -> Vec<u8> {
    package_of(&[("SKILL.md", skill_md(name, version).as_bytes()), ("skill.wasm", COURIER)])
}

/// All that it asks for.
pub fn everything() -> Value {
    json!({"http": ["api.test", "other.test"], "memory": "user", "secrets": ["api-key", "unset"]})
}

impl Edge {
    pub async fn upload(&self, token: &str, package: Vec<u8>) -> (u16, Value) {
        call(self.request("POST", "/v1/skills").bearer_auth(token).body(package)).await
    }

    pub async fn put(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        call(self.request("PUT", path).bearer_auth(token).json(body)).await
    }

    pub async fn delete(&self, path: &str, token: &str) -> (u16, Value) {
        call(self.request("DELETE", path).bearer_auth(token)).await
    }

    pub async fn activate(&self, token: &str, name: &str, version: &str) -> (u16, Value) {
        call(self.post(&format!("/v1/skills/{name}/activate"), token, &json!({"version": version}))).await
    }

    /// Uploads it, grants everything and activates it.
    pub async fn install(&self, token: &str, name: &str, version: &str) {
        let (status, uploaded) = self.upload(token, package(name, version)).await;
        assert!(status == 201 || status == 200, "{uploaded}");
        let granted = self.put(&format!("/v1/skills/{name}/grants"), token, &everything()).await;
        assert_eq!(granted.0, 200, "{granted:?}");
        let active = self.activate(token, name, version).await;
        assert_eq!(active.0, 200, "{active:?}");
    }

    /// Has it do something, and gives the task at its end.
    pub async fn carry(&self, token: &str, name: &str, what: &Value) -> Value {
        self.ask(token, &format!("{name} {what}")).await
    }

    /// A request, as the task that it is at its end.
    pub async fn ask(&self, token: &str, content: &str) -> Value {
        let body = json!({"content": content});
        let (status, task) = call(self.post("/v1/requests?wait=60", token, &body)).await;
        assert_eq!(status, 200, "{task}");
        task
    }
}
