//! `web-search`: search of the public web. Needs `web-search`.

use async_trait::async_trait;
use openanalyst_domain::Failure;

use super::guard::{denied, unavailable};
use crate::call::Call;
use crate::contract::Failure as ContractFailure;
use crate::contract::web_search::{Hit, Host};
use crate::state::State;
use crate::tape::taped;

/// Longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 1 << 10;
/// Most results of a search.
pub const MAX_HITS: u32 = 20;

/// A search provider.
#[async_trait]
pub trait WebSearch: Send + Sync {
    /// Searches; `limit` is 1 to 20.
    ///
    /// # Errors
    /// As the contract says.
    async fn search(&self, query: &str, limit: u32) -> Result<Vec<Hit>, Failure>;
}

async fn search(call: &Call, query: &str, limit: u32) -> Result<Vec<Hit>, Failure> {
    if !call.grants.web_search {
        return Err(denied("web-search", ""));
    }
    if query.trim().is_empty() || query.len() > MAX_QUERY_BYTES {
        return Err(Failure::invalid(format!("a search query has 1 to {MAX_QUERY_BYTES} bytes")));
    }
    let Some(provider) = &call.capabilities.web_search else {
        return Err(unavailable("web-search", "do without it, or ask the operator to configure a provider"));
    };
    let limit = limit.clamp(1, MAX_HITS);
    let mut hits = provider.search(query, limit).await?;
    hits.truncate(limit as usize);
    Ok(hits)
}

impl Host for State {
    async fn search(&mut self, query: String, limit: u32) -> wasmtime::Result<Result<Vec<Hit>, ContractFailure>> {
        self.host_call("web-search.search", query.len())?;
        let query = self.call.scrubber.own(query);
        taped(&self.call.tape, "web-search.search", (&query, limit), search(&self.call, &query, limit)).await
    }
}
