//! The client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openanalyst_domain::Failure;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use super::options::{USUAL_BASE_URL, WHAT};
use super::{EmbeddingsOptions, MAX_TEXT_BYTES, MAX_TEXTS, wire};
use crate::clock::Clock;
use crate::error::ProviderError;
use crate::problem::Problem;
use crate::retry::Retry;
use crate::server::{Server, Setup};

/// An embedding model at a server. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct EmbeddingsClient(Arc<Inner>);

struct Inner {
    server: Server,
    options: EmbeddingsOptions,
}

impl fmt::Debug for EmbeddingsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmbeddingsClient").field(&self.0.options).finish()
    }
}

impl EmbeddingsClient {
    /// Makes the client. Sends nothing.
    ///
    /// # Errors
    /// The options are wrong, or there is nothing to check certificates with.
    pub fn new(options: EmbeddingsOptions) -> Result<Self, ProviderError> {
        options.check()?;
        let server = Server::new(Setup {
            what: WHAT,
            base_url: &options.base_url,
            example: USUAL_BASE_URL,
            key: options.api_key.as_ref(),
            key_header: AUTHORIZATION,
            connect_timeout: options.connect_timeout,
            certificates: &options.ca,
            hint: ", and that it may use this model",
        })?;
        Ok(Self(Arc::new(Inner { server, options })))
    }

    /// The model's name, as it is asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.0.options.model
    }

    /// What the vectors come from, server and model: vectors of different sources cannot be compared.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{} {}", self.0.options.base_url, self.0.options.model)
    }

    /// The vectors of 1 to [`MAX_TEXTS`] texts, in their order, each of the length one. Of each text
    /// the first [`MAX_TEXT_BYTES`] bytes are sent. The call takes at most `deadline`, and at most
    /// [`EmbeddingsOptions::timeout`].
    ///
    /// # Errors
    /// - [`Failure::Invalid`]: there are no texts, too many, or the server refuses them.
    /// - [`Failure::Unavailable`]: the server cannot be reached, is slow, overloaded, does not accept
    ///   the key, or its answer cannot be used.
    /// - [`Failure::Failed`]: it answered with a status that is not known, or with a redirect.
    pub async fn embed(&self, texts: &[String], deadline: Option<Duration>) -> Result<Vec<Vec<f32>>, Failure> {
        let inner = &*self.0;
        if texts.is_empty() || texts.len() > MAX_TEXTS {
            return Err(Failure::invalid(format!(
                "{} texts cannot be embedded at once: give 1 to {MAX_TEXTS}",
                texts.len()
            )));
        }
        let cut = texts.iter().map(|text| &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]).collect();
        let body = wire::request(&inner.options.model, cut)
            .map_err(|error| Failure::failed(format!("the texts cannot be written as JSON: {error}")))?;
        let body = Bytes::from(body);
        let total = deadline.map_or(inner.options.timeout, |deadline| deadline.min(inner.options.timeout));
        let clock = Clock::start(total, total);
        let mut retry = Retry::new(&inner.server.name, &clock, inner.options.retries, inner.options.backoff);
        loop {
            match inner.embed_once(&body, texts.len(), &clock).await {
                Ok(vectors) => return Ok(vectors),
                Err(problem) => retry.pause(problem).await?,
            }
        }
    }

    /// Embeds one word: proves the address, the key and the model, and gives the number of
    /// dimensions. The request is not repeated.
    ///
    /// # Errors
    /// As [`Self::embed`].
    pub async fn check(&self) -> Result<usize, Failure> {
        let inner = &*self.0;
        let body = wire::request(&inner.options.model, vec!["openanalyst"])
            .map_err(|error| Failure::failed(format!("the text cannot be written as JSON: {error}")))?;
        let clock = Clock::start(inner.options.timeout, inner.options.timeout);
        let vectors = inner.embed_once(&Bytes::from(body), 1, &clock).await.map_err(|problem| problem.failure)?;
        Ok(vectors.first().map_or(0, Vec::len))
    }
}

impl Inner {
    async fn embed_once(&self, body: &Bytes, count: usize, clock: &Clock) -> Result<Vec<Vec<f32>>, Problem> {
        let request = self.server.request(Method::POST, &["embeddings"], &[]);
        let request = request.header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json");
        let response = self.server.send(request.body(body.clone()), clock, true).await?;
        let bytes = self.server.rest(response, Vec::new(), clock).await?;
        wire::vectors(&bytes, count).map_err(|why| match self.server.parse(&bytes) {
            Ok(_) => self.server.not_understood(&why),
            // An error that came with a good status.
            Err(problem) => problem,
        })
    }
}
