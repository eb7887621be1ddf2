//! Which embedding model, where it is, and how long to wait for it.

use std::time::Duration;

use reqwest::Certificate;
use url::Url;

use crate::error::ProviderError;
use crate::key::ApiKey;

/// How the client names the server.
pub(super) const WHAT: &str = "the embeddings server";
/// Where the provider that defined the protocol has its server.
pub(super) const USUAL_BASE_URL: &str = "https://api.openai.com/v1";

/// Which embedding model, where it is, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct EmbeddingsOptions {
    /// What `/embeddings` follows, such as `http://127.0.0.1:11434/v1`. Any address is allowed.
    /// It holds no user, password, `?` or `#`.
    pub base_url: Url,
    /// The model's name, as its provider writes it.
    pub model: String,
    /// The key, if the server needs one.
    pub api_key: Option<ApiKey>,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long one call may take with its repetitions and waits.
    pub timeout: Duration,
    /// How often a request is sent again.
    pub retries: u32,
    /// The wait before the first repetition, if the server asks for no other; it doubles with each.
    pub backoff: Duration,
    /// Certificates of authorities beside the machine's own, as
    /// [`openanalyst_egress::read_certificates`] gives them.
    pub ca: Vec<Certificate>,
}

impl EmbeddingsOptions {
    /// A model at OpenAI's server, without a key: 5 s to connect, 30 s in all, 2 repetitions.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            base_url: Url::parse(USUAL_BASE_URL).expect("the constant is a URL"),
            model: model.into(),
            api_key: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
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
        if self.connect_timeout.is_zero() || self.timeout.is_zero() {
            return wrong("a timeout is zero; every timeout is at least a millisecond");
        }
        Ok(())
    }
}
