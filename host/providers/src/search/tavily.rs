//! Tavily. Source: <https://docs.tavily.com/documentation/api-reference/endpoint/search>.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::hit::Names;
use crate::server::Server;

pub(super) const NAMES: Names = Names { title: "title", snippet: "content", published: "published_date" };

pub(super) fn request(server: &Server, query: &str, limit: usize) -> RequestBuilder {
    server.request(Method::POST, &["search"], &[]).json(&json!({ "query": query, "max_results": limit }))
}

pub(super) fn results(body: &Value) -> Option<&Vec<Value>> {
    body.get("results")?.as_array()
}
