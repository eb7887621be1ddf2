//! `web-search`, from the operator's provider. What it finds is text of strangers.

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_runtime::capabilities::WebSearch;
use openanalyst_runtime::contract::web_search::Hit;

use super::HostContext;

#[async_trait]
impl WebSearch for HostContext {
    async fn search(&self, query: &str, limit: u32) -> Result<Vec<Hit>, Failure> {
        let Some(search) = &self.brain.search else {
            return Err(Failure::unavailable(
                "this host has no web search: do without it, or ask the operator to set --search",
            ));
        };
        let hits = search.search(query, limit).await?;
        Ok(hits
            .into_iter()
            .map(|hit| Hit {
                title: hit.title,
                url: hit.url,
                snippet: hit.snippet,
                published_at_ms: hit.published_at_ms,
            })
            .collect())
    }
}
