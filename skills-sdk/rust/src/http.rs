//! HTTP requests to the hosts that the tenant granted. Needs the capability `http` with host names. At most 32 requests an
//! invocation, 6 at once; a response body is at most 1 MiB.
//!
//! ```no_run
//! # use openanalyst_skill::prelude::*;
//! # #[derive(serde::Deserialize)] struct Rate { value: f64 }
//! # fn rate() -> Result<f64> {
//! let response = http::get("https://api.example.com/rate").header("accept", "application/json").send()?;
//! Ok(response.ok()?.json::<Rate>()?.value)
//! # }
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::types::Failure;
use crate::{Result, sys};

pub use crate::bindings::openanalyst::skill::http::{Request, Response};

/// A `GET` request.
pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

/// A `POST` request; add the body with [`Request::with_json`] or [`Request::with_body`].
pub fn post(url: impl Into<String>) -> Request {
    request("POST", url)
}

/// A request with any method.
pub fn request(method: impl Into<String>, url: impl Into<String>) -> Request {
    Request { method: method.into(), url: url.into(), headers: Vec::new(), body: None, timeout_ms: None }
}

impl Request {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets a JSON body and its `content-type`.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what JSON cannot hold.
    pub fn with_json<T: Serialize + ?Sized>(self, body: &T) -> Result<Self> {
        let bytes = serde_json::to_vec(body)?;
        Ok(self.header("content-type", "application/json").with_body(bytes))
    }

    /// Gives up after this many milliseconds.
    #[must_use]
    pub fn with_timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.timeout_ms = Some(timeout_ms);
        self
    }

    /// Sends it and waits for the response. Any status is a response; see [`Response::ok`].
    ///
    /// # Errors
    /// [`Failure::Denied`] for a host without a grant, [`Failure::Unavailable`] where no response came.
    pub fn send(&self) -> Result<Response> {
        sys::http::fetch(self)
    }

    /// Sends it and returns at once, so that several run side by side.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub fn start(&self) -> Result<Pending> {
        sys::http::start(self).map(Pending)
    }
}

/// A request under way. Dropping it ends it.
#[derive(Debug)]
pub struct Pending(sys::http::Pending);

impl Pending {
    /// Waits for the response.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub fn wait(self) -> Result<Response> {
        self.0.wait()
    }
}

impl Response {
    /// The response itself if its status is 2xx.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for 404, [`Failure::Unavailable`] for 429 and 5xx, [`Failure::Failed`] for every other status.
    pub fn ok(self) -> Result<Self> {
        match self.status {
            200..=299 => Ok(self),
            404 => Err(Failure::not_found("the server answered 404: there is no such page")),
            status @ (429 | 500..=599) => Err(Failure::unavailable(format!("the server answered {status}"), None)),
            status => Err(Failure::failed(format!("the server answered {status}"))),
        }
    }

    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        Ok(std::str::from_utf8(&self.body)?)
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if it has another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
