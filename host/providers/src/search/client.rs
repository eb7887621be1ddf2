//! The client.

use std::fmt;
use std::sync::Arc;

use openanalyst_domain::Failure;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName};

use super::hit::Hit;
use super::options::WHAT;
use super::{Engine, SearchOptions, brave, searxng, tavily};
use crate::clock::Clock;
use crate::error::ProviderError;
use crate::problem::Problem;
use crate::retry::Retry;
use crate::server::{Server, Setup};

/// Most results of a search.
pub const MAX_HITS: u32 = 20;

/// A search engine. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct SearchClient(Arc<Inner>);

struct Inner {
    server: Server,
    options: SearchOptions,
}

impl fmt::Debug for SearchClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SearchClient").field(&self.0.options).finish()
    }
}

impl SearchClient {
    /// Makes the client. Asks nobody.
    ///
    /// # Errors
    /// The options are wrong, or there is nothing to check certificates with.
    pub fn new(options: SearchOptions) -> Result<Self, ProviderError> {
        let base_url = options.check()?;
        let server = Server::new(Setup {
            what: WHAT,
            base_url: &base_url,
            example: options.engine.usual_base_url().unwrap_or("https://searxng.example.org"),
            key: options.api_key.as_ref(),
            key_header: match options.engine {
                Engine::Brave => HeaderName::from_static("x-subscription-token"),
                Engine::SearXng | Engine::Tavily => AUTHORIZATION,
            },
            connect_timeout: options.timeout,
            certificates: &options.ca,
            hint: match options.engine {
                Engine::SearXng => ", and that `json` is one of the `search.formats` in the settings of SearXNG",
                Engine::Brave | Engine::Tavily => ", and that its plan includes web search",
            },
        })?;
        Ok(Self(Arc::new(Inner { server, options })))
    }

    /// Searches. Gives at most `limit` results, best first; a limit outside 1 to [`MAX_HITS`] is taken as the nearest of them. Results without an address
    /// that a browser would open are left out.
    ///
    /// # Errors
    /// - [`Failure::Invalid`]: the query is empty, or the engine says that it is wrong.
    /// - [`Failure::Unavailable`]: the engine cannot be reached, is slow, overloaded, broken, or does not accept the key.
    /// - [`Failure::Failed`]: it answered with a status that is not known, or with a redirect.
    pub async fn search(&self, query: &str, limit: u32) -> Result<Vec<Hit>, Failure> {
        let query = query.trim();
        if query.is_empty() {
            return Err(Failure::invalid("an empty query finds nothing: say what to search for"));
        }
        let inner = &*self.0;
        let clock = inner.clock();
        let mut retry = Retry::new(&inner.server.name, &clock, inner.options.retries, inner.options.backoff);
        loop {
            match inner.search_once(query, limit.clamp(1, MAX_HITS) as usize, &clock).await {
                Ok(hits) => return Ok(hits),
                Err(problem) => retry.pause(problem).await?,
            }
        }
    }

    /// Searches for one result: proves the address and the key, and costs what one search costs. The request is not repeated.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn check(&self) -> Result<(), Failure> {
        let inner = &*self.0;
        match inner.search_once("openanalyst", 1, &inner.clock()).await {
            Ok(_) => Ok(()),
            Err(problem) => Err(problem.failure),
        }
    }
}

impl Inner {
    fn clock(&self) -> Clock {
        Clock::start(self.options.timeout, self.options.timeout)
    }

    fn request(&self, query: &str, limit: usize) -> RequestBuilder {
        let request = match self.options.engine {
            Engine::SearXng => searxng::request(&self.server, query),
            Engine::Brave => brave::request(&self.server, query, limit),
            Engine::Tavily => tavily::request(&self.server, query, limit),
        };
        request.header(ACCEPT, "application/json")
    }

    async fn search_once(&self, query: &str, limit: usize, clock: &Clock) -> Result<Vec<Hit>, Problem> {
        let body = self.server.json(self.request(query, limit), clock, true).await?;
        let (results, names) = match self.options.engine {
            Engine::SearXng => (searxng::results(&body), &searxng::NAMES),
            Engine::Brave => (brave::results(&body), &brave::NAMES),
            Engine::Tavily => (tavily::results(&body), &tavily::NAMES),
        };
        let results = results.ok_or_else(|| self.server.not_understood("it holds no list of results"))?;
        Ok(results.iter().filter_map(|result| Hit::read(result, names)).take(limit).collect())
    }
}
