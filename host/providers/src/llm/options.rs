//! Which model, where it is, and how long to wait for it.

use std::time::Duration;

use reqwest::Certificate;
use url::Url;

use super::Api;
use crate::error::ProviderError;
use crate::key::ApiKey;

/// How the client speaks of the server.
pub(super) const WHAT: &str = "the language model";

impl Api {
    /// Where the provider who made the protocol has its server.
    #[must_use]
    pub const fn usual_base_url(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::OpenAi => "https://api.openai.com/v1",
        }
    }
}

/// Which model, where it is, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct LlmOptions {
    /// The protocol.
    pub api: Api,
    /// What the paths of the protocol follow: `https://api.anthropic.com`, `https://api.openai.com/v1`, or a server of one's own such as
    /// `http://127.0.0.1:11434/v1`. Any address is allowed. It holds no user, password, `?` or `#`.
    pub base_url: Url,
    /// The model's name, as its provider writes it.
    pub model: String,
    /// The key, if the server wants one.
    pub api_key: Option<ApiKey>,
    /// How long an answer may be, in tokens, for prompts that do not say. At least 1.
    pub max_tokens: u32,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// The longest silence: between two bytes of any answer, and before the first byte of a streamed one. An answer that comes at once may take until
    /// the end of the call to begin, as a model is silent while it writes.
    pub idle_timeout: Duration,
    /// How long one call may take with all that it needs, repetitions and waits included. A day at most.
    pub total_timeout: Duration,
    /// How often a request is sent again.
    pub retries: u32,
    /// The wait before the first repetition, if the server does not ask for another; twice as long before each that follows, 8 s at most. Up to half
    /// of it is left to chance.
    pub backoff: Duration,
    /// Certificates of authorities beside the machine's own, as [`openanalyst_egress::read_certificates`] gives them.
    pub ca: Vec<Certificate>,
}

impl LlmOptions {
    /// A model at the protocol's usual server, without a key: 1,024 tokens, 10 s to connect, 30 s of silence, 120 s in all, 2 repetitions after 500 ms
    /// and 1 s.
    pub fn new(api: Api, model: impl Into<String>) -> Self {
        Self {
            api,
            base_url: Url::parse(api.usual_base_url()).expect("the constants are URLs"),
            model: model.into(),
            api_key: None,
            max_tokens: 1_024,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(120),
            retries: 2,
            backoff: Duration::from_millis(500),
            ca: Vec::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), ProviderError> {
        let wrong = |why| Err(ProviderError::Setting { what: WHAT, why });
        if self.model.trim().is_empty() {
            return wrong("the model has no name; give it as its provider writes it");
        }
        if self.max_tokens == 0 {
            return wrong("an answer of no tokens is none; `max_tokens` is at least 1");
        }
        if self.connect_timeout.is_zero() || self.idle_timeout.is_zero() || self.total_timeout.is_zero() {
            return wrong("a timeout is zero; every timeout is at least a millisecond");
        }
        Ok(())
    }
}
