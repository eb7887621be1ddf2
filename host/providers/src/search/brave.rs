//! Brave Search. Source: <https://api-dashboard.search.brave.com/app/documentation/web-search>.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::hit::Names;
use crate::server::Server;

pub(super) const NAMES: Names = Names { title: "title", snippet: "description", published: "page_age" };

pub(super) fn request(server: &Server, query: &str, limit: usize) -> RequestBuilder {
    server.request(Method::GET, &["res", "v1", "web", "search"], &[("q", query), ("count", &limit.to_string())])
}

/// A search that found nothing has no `web`.
pub(super) fn results(body: &Value) -> Option<&Vec<Value>> {
    static NONE: Vec<Value> = Vec::new();
    match body.get("web") {
        None | Some(Value::Null) if body.get("type").and_then(Value::as_str) == Some("search") => Some(&NONE),
        web => web?.get("results")?.as_array(),
    }
}
