//! SearXNG. Source: <https://docs.searxng.org/dev/search_api.html>.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::hit::Names;
use crate::server::Server;

pub(super) const NAMES: Names = Names { title: "title", snippet: "content", published: "publishedDate" };

/// It does not take the number of results.
pub(super) fn request(server: &Server, query: &str) -> RequestBuilder {
    server.request(Method::GET, &["search"], &[("q", query), ("format", "json")])
}

pub(super) fn results(body: &Value) -> Option<&Vec<Value>> {
    body.get("results")?.as_array()
}
