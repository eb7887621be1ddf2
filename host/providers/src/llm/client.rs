//! The client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use openanalyst_domain::Failure;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::options::WHAT;
use super::sse::{Begun, Broken, begin};
use super::wire::{Partial, Wrong};
use super::{Api, Completion, LlmOptions, Prompt, anthropic, openai};
use crate::clock::Clock;
use crate::error::ProviderError;
use crate::problem::Problem;
use crate::retry::Retry;
use crate::server::{MAX_BODY_BYTES, Server, Setup};

/// A language model at a server. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct LlmClient(Arc<Inner>);

struct Inner {
    server: Server,
    options: LlmOptions,
}

impl fmt::Debug for LlmClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LlmClient").field(&self.0.options).finish()
    }
}

impl LlmClient {
    /// Makes the client. Asks nobody.
    ///
    /// # Errors
    /// The options are wrong, or there is nothing to check certificates with.
    pub fn new(options: LlmOptions) -> Result<Self, ProviderError> {
        options.check()?;
        let server = Server::new(Setup {
            what: WHAT,
            base_url: &options.base_url,
            example: options.api.usual_base_url(),
            key: options.api_key.as_ref(),
            key_header: match options.api {
                Api::Anthropic => HeaderName::from_static("x-api-key"),
                Api::OpenAi => AUTHORIZATION,
            },
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

    /// Asks, and waits for the whole answer. The call takes at most `deadline`, and at most [`LlmOptions::total_timeout`].
    ///
    /// # Errors
    /// - [`Failure::Invalid`]: the prompt is wrong, or its provider says so.
    /// - [`Failure::Unavailable`]: the server cannot be reached, is slow, overloaded, broken, or does not accept the key.
    /// - [`Failure::Failed`]: it answered with a status that is not known, or with a redirect.
    pub async fn complete(&self, prompt: &Prompt, deadline: Option<Duration>) -> Result<Completion, Failure> {
        let inner = &*self.0;
        let body = inner.body(prompt, false)?;
        let clock = inner.clock(deadline);
        let mut retry = inner.retry(&clock);
        loop {
            match inner.complete_once(&body, &clock).await {
                Ok(partial) => return Ok(partial.finish(prompt, &inner.options.model)),
                Err(problem) => retry.pause(problem).await?,
            }
        }
    }

    /// Asks, and calls `on_delta` with each piece of text as it arrives, in order. The pieces together are the content of the completion. No piece is
    /// empty, and none comes twice: after the first one the request is not sent again. Time is as for [`Self::complete`].
    ///
    /// # Errors
    /// As [`Self::complete`]. If the stream ends too early it is [`Failure::Unavailable`], which says how much arrived; pieces that were handed on are
    /// not taken back.
    pub async fn stream(
        &self,
        prompt: &Prompt,
        deadline: Option<Duration>,
        on_delta: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Completion, Failure> {
        let inner = &*self.0;
        let body = inner.body(prompt, true)?;
        let clock = inner.clock(deadline);
        let mut retry = inner.retry(&clock);
        loop {
            let mut partial = Partial::default();
            match inner.stream_once(&body, &clock, &mut partial, on_delta).await {
                Ok(()) => return Ok(partial.finish(prompt, &inner.options.model)),
                Err(problem) if partial.content.is_empty() => retry.pause(problem).await?,
                Err(problem) => return Err(problem.failure),
            }
        }
    }

    /// Asks for the list of models: proves the address and the key, and costs no tokens. One request, which is not repeated; it takes at most
    /// [`LlmOptions::total_timeout`], and [`LlmOptions::idle_timeout`] of silence.
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub async fn check(&self) -> Result<(), Failure> {
        let inner = &*self.0;
        let clock = inner.clock(None);
        let models: &[&str] = match inner.options.api {
            Api::Anthropic => &["v1", "models"],
            Api::OpenAi => &["models"],
        };
        let request =
            inner.versioned(inner.server.request(Method::GET, models, &[])).header(ACCEPT, "application/json");
        let body = inner.server.json(request, &clock, true).await.map_err(|problem| problem.failure)?;
        if !body.get("data").is_some_and(Value::is_array) {
            return Err(inner.server.not_understood("it is no list of models").failure);
        }
        Ok(())
    }
}

impl Inner {
    fn clock(&self, deadline: Option<Duration>) -> Clock {
        let total = self.options.total_timeout;
        Clock::start(deadline.map_or(total, |deadline| deadline.min(total)), self.options.idle_timeout)
    }

    fn retry<'a>(&'a self, clock: &'a Clock) -> Retry<'a> {
        Retry::new(&self.server.name, clock, self.options.retries, self.options.backoff)
    }

    /// The body of every request of one call.
    fn body(&self, prompt: &Prompt, stream: bool) -> Result<Bytes, Failure> {
        if prompt.messages.is_empty() {
            return Err(Failure::invalid("a prompt without messages asks nothing: give at least one message"));
        }
        if prompt.temperature.is_some_and(|temperature| !temperature.is_finite()) {
            return Err(Failure::invalid("`temperature` is no number: give one from 0 to 1, or none"));
        }
        let max_tokens = prompt.max_tokens.unwrap_or(self.options.max_tokens);
        if max_tokens == 0 {
            return Err(Failure::invalid("an answer of no tokens is none: `max_tokens` is at least 1"));
        }
        let model = &self.options.model;
        let body = match self.options.api {
            Api::Anthropic => anthropic::request(prompt, model, max_tokens, stream),
            Api::OpenAi => {
                let openai = self.options.base_url.host_str() == Some("api.openai.com");
                openai::request(prompt, model, max_tokens, stream, openai)
            }
        };
        body.map(Bytes::from).map_err(|error| Failure::failed(format!("the prompt cannot be written as JSON: {error}")))
    }

    fn versioned(&self, request: RequestBuilder) -> RequestBuilder {
        match self.options.api {
            Api::Anthropic => request.header(anthropic::VERSION.0, anthropic::VERSION.1),
            Api::OpenAi => request,
        }
    }

    fn ask(&self, body: &Bytes, accept: &'static str) -> RequestBuilder {
        let path: &[&str] = match self.options.api {
            Api::Anthropic => &["v1", "messages"],
            Api::OpenAi => &["chat", "completions"],
        };
        let request = self.server.request(Method::POST, path, &[]).header(CONTENT_TYPE, "application/json");
        self.versioned(request).header(ACCEPT, accept).body(body.clone())
    }

    async fn complete_once(&self, body: &Bytes, clock: &Clock) -> Result<Partial, Problem> {
        let answer = self.server.json(self.ask(body, "application/json"), clock, false).await?;
        self.whole(answer)
    }

    fn whole(&self, answer: Value) -> Result<Partial, Problem> {
        let partial = match self.options.api {
            Api::Anthropic => anthropic::whole(answer),
            Api::OpenAi => openai::whole(answer),
        };
        partial.map_err(|wrong| self.wrong(wrong))
    }

    fn wrong(&self, wrong: Wrong) -> Problem {
        match wrong {
            Wrong::NotUnderstood(why) => self.server.not_understood(why),
            Wrong::Said(body) => Problem::said(&self.server.name, &self.server.said(&body)),
        }
    }

    async fn stream_once(
        &self,
        body: &Bytes,
        clock: &Clock,
        partial: &mut Partial,
        on_delta: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), Problem> {
        let response = self.server.send(self.ask(body, "text/event-stream"), clock, true).await?;
        let mut events = match begin(response, clock).await.map_err(|broken| self.broken(&broken, partial))? {
            Begun::Stream(events) => events,
            Begun::Nothing => return Err(self.stopped(partial)),
            // Some servers have no streams, and give the whole answer.
            Begun::Whole(head, response) => {
                let bytes = self.server.rest(response, head, clock).await?;
                *partial = self.whole(self.server.parse(&bytes)?)?;
                if !partial.content.is_empty() {
                    on_delta(&partial.content);
                }
                return Ok(());
            }
        };
        while !partial.ended {
            let event = match events.next().await {
                Some(Ok(event)) => event,
                Some(Err(broken)) => return Err(self.broken(&broken, partial)),
                None => return Err(self.stopped(partial)),
            };
            let Some(data) = event.data.filter(|data| !data.is_empty()) else { continue };
            let text = match self.options.api {
                Api::Anthropic => anthropic::event(partial, event.event.as_deref(), &data),
                Api::OpenAi => openai::event(partial, &data),
            };
            if let Some(text) = text.map_err(|wrong| self.wrong(wrong))? {
                if partial.content.len() > MAX_BODY_BYTES {
                    return Err(self.server.too_large());
                }
                on_delta(&text);
            }
        }
        Ok(())
    }

    /// The stream ended before its last event.
    fn stopped(&self, partial: &Partial) -> Problem {
        let arrived = arrived(partial);
        Problem::passing(format!("the answer of {} stopped before its end; {arrived}", self.server.name), None)
    }

    fn broken(&self, broken: &Broken, partial: &Partial) -> Problem {
        let (name, arrived) = (&self.server.name, arrived(partial));
        match broken {
            Broken::Late(late) => Problem::late(format!("{name} {late}: try again later; {arrived}")),
            Broken::Cut(_) => {
                Problem::passing(format!("the answer of {name} stopped before its end: {broken}; {arrived}"), None)
            }
            Broken::TooLarge(..) | Broken::NotText => {
                Problem::broken(format!("the answer of {name} is not taken: {broken}; {arrived}"))
            }
        }
    }
}

fn arrived(partial: &Partial) -> String {
    format!("{} characters of it had arrived", partial.content.chars().count())
}
