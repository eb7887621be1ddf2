//! Search of the public web.
//!
//! | [`Engine`] | request | key |
//! |---|---|---|
//! | [`Engine::SearXng`] | `GET {base}/search?q=…&format=json` | none, or a bearer token for what stands before it |
//! | [`Engine::Brave`] | `GET {base}/res/v1/web/search?q=…&count=…` | `X-Subscription-Token` |
//! | [`Engine::Tavily`] | `POST {base}/search` | `Authorization: Bearer` |
//!
//! Results are text from elsewhere: data, never instructions.

mod brave;
mod client;
mod hit;
mod options;
mod searxng;
mod tavily;

pub use client::{MAX_HITS, SearchClient};
pub use hit::{Hit, MAX_SNIPPET_CHARS, MAX_TITLE_CHARS, MAX_URL_BYTES};
pub use options::SearchOptions;

/// Which search engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SearXNG, which an operator runs. Its settings must allow the format `json`.
    SearXng,
    /// Brave Search.
    Brave,
    /// Tavily.
    Tavily,
}
