//! Which search engine, where it is, and how long to wait for it.

use std::time::Duration;

use reqwest::Certificate;
use url::Url;

use super::Engine;
use crate::error::ProviderError;
use crate::key::ApiKey;

/// How the client speaks of the server.
pub(super) const WHAT: &str = "the search engine";

impl Engine {
    /// Where the engine is, if it is in one place.
    #[must_use]
    pub const fn usual_base_url(self) -> Option<&'static str> {
        match self {
            Self::SearXng => None,
            Self::Brave => Some("https://api.search.brave.com"),
            Self::Tavily => Some("https://api.tavily.com"),
        }
    }
}

/// Which search engine, where it is, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// The engine.
    pub engine: Engine,
    /// What the paths of the engine follow, such as `https://searxng.example.org`. SearXNG needs one; the others have their own. Any address is allowed.
    /// It holds no user, password, `?` or `#`.
    pub base_url: Option<Url>,
    /// The key. Brave and Tavily need one.
    pub api_key: Option<ApiKey>,
    /// How long one search may take with all that it needs, repetitions and waits included. A day at most.
    pub timeout: Duration,
    /// How often a request is sent again.
    pub retries: u32,
    /// The wait before the first repetition, if the server does not ask for another; twice as long before each that follows, 8 s at most. Up to half
    /// of it is left to chance.
    pub backoff: Duration,
    /// Certificates of authorities beside the machine's own, as [`openanalyst_egress::read_certificates`] gives them.
    pub ca: Vec<Certificate>,
}

impl SearchOptions {
    /// The engine at its usual place, without a key: 10 s in all, 2 repetitions after 300 ms and 600 ms.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            base_url: None,
            api_key: None,
            timeout: Duration::from_secs(10),
            retries: 2,
            backoff: Duration::from_millis(300),
            ca: Vec::new(),
        }
    }

    /// Where the engine is.
    pub(super) fn check(&self) -> Result<Url, ProviderError> {
        let wrong = |why| ProviderError::Setting { what: WHAT, why };
        if self.timeout.is_zero() {
            return Err(wrong("the timeout is zero; it is at least a millisecond"));
        }
        if self.api_key.is_none() && self.engine != Engine::SearXng {
            return Err(wrong("Brave and Tavily need an API key; give the one that they issued"));
        }
        let usual = || self.engine.usual_base_url().and_then(|url| Url::parse(url).ok());
        self.base_url.clone().or_else(usual).ok_or_else(|| {
            wrong("SearXNG is wherever somebody runs it, and no base URL is given; give one such as https://searxng.example.org")
        })
    }
}
