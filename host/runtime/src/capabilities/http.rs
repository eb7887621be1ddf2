//! `http`: requests to granted hosts. Needs `http` with host names.
//!
//! This file decides whether a URL may be asked at all. What stands behind the trait must in addition pin the resolved address, refuse
//! private ones, and check redirects with [`check_url`] again.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_domain::{Failure, LimitReason};
use openanalyst_package::Capabilities;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;
use url::{Host as UrlHost, Url};
use wasmtime::component::Resource;

use super::guard::{denied, shown, unavailable};
use crate::call::Call;
use crate::contract::http::{Host, HostPending, Request, Response};
use crate::contract::{Failure as ContractFailure, Weight};
use crate::state::State;
use crate::tape::{self, BODY_HASH, CallName};

/// Longest URL, in bytes.
pub const MAX_URL_BYTES: usize = 8 << 10;
/// Most headers of a request.
pub const MAX_HEADERS: usize = 100;
/// Largest body of a response, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 1 << 20;
/// Headers that the host sets itself, or that would speak to the next hop.
const OWN_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// An HTTP client.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends a request and gives the response, whatever its status; the body is at most [`MAX_RESPONSE_BYTES`]. `grants` is for redirects:
    /// each of them must pass [`check_url`]. `call` names the host call that
    /// asked for it, which may have ended by now.
    ///
    /// # Errors
    /// As the contract says.
    async fn fetch(
        &self,
        request: Request,
        grants: Arc<Capabilities>,
        call: Option<CallName>,
    ) -> Result<Response, Failure>;
}

/// A request under way: what stands behind the guest's handle. Dropping it ends the request.
pub struct Pending(Underway);

enum Underway {
    /// It was sent.
    Sent(AbortOnDropHandle<Result<Response, Failure>>),
    /// It was sent when the guest ran before. Should the recording end before its response came, it is sent again.
    Played(Box<(Request, CallName)>),
    /// The response was taken.
    Taken,
}

/// Reads a URL and checks it against the grants.
///
/// # Errors
/// [`Failure::Invalid`] for what is no plain `https` URL with a host name, [`Failure::Denied`] for a host that is not granted.
pub fn check_url(grants: &Capabilities, text: &str) -> Result<Url, Failure> {
    if text.len() > MAX_URL_BYTES {
        return Err(Failure::invalid(format!("a URL has at most {MAX_URL_BYTES} bytes and this one {}", text.len())));
    }
    let invalid = |why: &str| Failure::invalid(format!("`{}` cannot be fetched: {why}", shown(text)));
    let url = Url::parse(text).map_err(|error| invalid(&format!("it is no URL ({error})")))?;
    if url.scheme() != "https" {
        return Err(invalid("only `https://` is allowed"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("a URL may not carry a name or password"));
    }
    if url.port().is_some() {
        return Err(invalid("only the default port is allowed"));
    }
    // Numbers in any spelling (decimal, octal, hexadecimal, IPv6) are read as addresses here, and addresses are never granted.
    let Some(UrlHost::Domain(host)) = url.host() else {
        return Err(invalid("an address instead of a host name is never allowed"));
    };
    if !grants.allows_host(host) {
        return Err(denied("http", host));
    }
    Ok(url)
}

fn check(call: &Call, request: &Request) -> Result<Arc<dyn Http>, Failure> {
    if call.grants.http.is_empty() {
        return Err(denied("http", &request.url));
    }
    if !METHODS.contains(&request.method.as_str()) {
        let methods = METHODS.join(", ");
        return Err(Failure::invalid(format!(
            "`{}` is no method that is allowed: use one of {methods}",
            shown(&request.method)
        )));
    }
    check_url(&call.grants, &request.url)?;
    if request.headers.len() > MAX_HEADERS {
        return Err(Failure::invalid(format!("a request has at most {MAX_HEADERS} headers")));
    }
    for (name, value) in &request.headers {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.chars().all(token) || OWN_HEADERS.contains(&lower.as_str()) {
            return Err(Failure::invalid(format!(
                "the header `{}` is the host's own, or no header name: leave it out",
                shown(name)
            )));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(Failure::invalid(format!("the header `{}` has control characters in its value", shown(name))));
        }
    }
    let http = call.capabilities.http.clone();
    http.ok_or_else(|| unavailable("http", "do without it, or ask the operator to configure a client"))
}

impl State {
    /// Takes secrets that the guest got hold of out of a request.
    fn without_secrets(&self, request: Request) -> Request {
        let scrub = &self.call.scrubber;
        Request {
            url: scrub.own(request.url),
            headers: request.headers.into_iter().map(|(name, value)| (name, scrub.own(value))).collect(),
            body: request.body.map(|body| scrub.bytes(body)),
            ..request
        }
    }

    /// Checks a request and counts it.
    fn begin_fetch(&mut self, request: Request) -> Result<(Arc<dyn Http>, Request), Failure> {
        let http = check(&self.call, &request)?;
        let limit = self.call.budget.http_concurrent;
        if self.counts.http_waiting >= limit {
            let detail = format!("{limit} HTTP requests are under way, which is the limit: wait for one of them first");
            return Err(Failure::limit(LimitReason::HostcallsExceeded, detail));
        }
        let limit = self.call.budget.http_fetches;
        if self.counts.http_fetches >= limit {
            return Err(Failure::limit(
                LimitReason::HostcallsExceeded,
                format!("this invocation made {limit} HTTP requests, which is the limit: make fewer"),
            ));
        }
        self.counts.http_fetches += 1;
        Ok((http, request))
    }
}

fn capped(result: Result<Response, Failure>) -> Result<Response, Failure> {
    let response = result?;
    if response.body.len() > MAX_RESPONSE_BYTES {
        let bytes = response.body.len();
        return Err(Failure::failed(format!("the response has {bytes} bytes and {MAX_RESPONSE_BYTES} is the limit")));
    }
    Ok(response)
}

/// A response as it is recorded: its body in base64.
#[derive(Serialize, Deserialize)]
pub struct RecordedResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl From<&Response> for RecordedResponse {
    fn from(response: &Response) -> Self {
        let body = STANDARD.encode(&response.body);
        Self { status: response.status, headers: response.headers.clone(), body }
    }
}

impl TryFrom<RecordedResponse> for Response {
    type Error = Failure;
    fn try_from(recorded: RecordedResponse) -> Result<Self, Failure> {
        let body = STANDARD.decode(&recorded.body);
        let body = body.map_err(|error| Failure::failed(format!("the recorded response is damaged: {error}")))?;
        Ok(Self { status: recorded.status, headers: recorded.headers, body })
    }
}

/// A request as it stands on the tape: its body as a hash. A secret stands in it by its name only.
fn described(request: &Request) -> Value {
    let body = request.body.as_ref().map(|body| blake3::hash(body).to_hex().to_string());
    json!({
        "method": request.method, "url": request.url, "headers": request.headers, (BODY_HASH): body,
        "timeoutMs": request.timeout_ms,
    })
}

impl HostPending for State {
    async fn wait(&mut self, pending: Resource<Pending>) -> wasmtime::Result<Result<Response, ContractFailure>> {
        self.host_call("http.pending.wait", 0)?;
        let underway = std::mem::replace(&mut self.table.get_mut(&pending)?.0, Underway::Taken);
        if !matches!(underway, Underway::Taken) {
            self.counts.http_waiting = self.counts.http_waiting.saturating_sub(1);
        }
        let begun = match tape::begin::<RecordedResponse>(&self.call.tape, "http.pending.wait", pending.rep())? {
            Ok(begun) => begun,
            Err(played) => return Ok(played.and_then(Response::try_from).map_err(Into::into)),
        };
        let result = match underway {
            Underway::Sent(handle) => {
                handle.await.unwrap_or_else(|_| Err(Failure::failed("the request ended without a response")))
            }
            Underway::Played(played) => match check(&self.call, &played.0) {
                Ok(http) => http.fetch(played.0, self.call.grants.clone(), Some(played.1)).await,
                Err(failure) => Err(failure),
            },
            Underway::Taken => Err(Failure::invalid("this response was already taken: `wait` works once")),
        };
        let result = capped(result);
        begun.end(&result.as_ref().map(RecordedResponse::from).map_err(Clone::clone))?;
        Ok(result.map_err(Into::into))
    }

    async fn drop(&mut self, pending: Resource<Pending>) -> wasmtime::Result<()> {
        if !matches!(self.table.delete(pending)?.0, Underway::Taken) {
            self.counts.http_waiting = self.counts.http_waiting.saturating_sub(1);
        }
        Ok(())
    }
}

impl Host for State {
    async fn fetch(&mut self, request: Request) -> wasmtime::Result<Result<Response, ContractFailure>> {
        self.host_call("http.fetch", request.weight())?;
        let request = self.without_secrets(request);
        let arguments = described(&request);
        let begun = match tape::begin::<RecordedResponse>(&self.call.tape, "http.fetch", arguments)? {
            Ok(begun) => begun,
            Err(played) => {
                self.counts.http_fetches += 1;
                self.counts.played_fetches += 1;
                return Ok(played.and_then(Response::try_from).map_err(Into::into));
            }
        };
        let name = self.call.tape.current();
        let result = match self.begin_fetch(request) {
            Ok((http, request)) => capped(http.fetch(request, self.call.grants.clone(), name).await),
            Err(failure) => Err(failure),
        };
        begun.end(&result.as_ref().map(RecordedResponse::from).map_err(Clone::clone))?;
        Ok(result.map_err(Into::into))
    }

    async fn start(&mut self, request: Request) -> wasmtime::Result<Result<Resource<Pending>, ContractFailure>> {
        self.host_call("http.start", request.weight())?;
        let request = self.without_secrets(request);
        let begun = match tape::begin::<()>(&self.call.tape, "http.start", described(&request))? {
            Ok(begun) => begun,
            Err(Ok(())) => {
                self.counts.http_fetches += 1;
                self.counts.played_fetches += 1;
                self.counts.http_waiting += 1;
                let underway = match self.call.tape.current() {
                    Some(name) => Underway::Played(Box::new((request, name))),
                    None => Underway::Taken,
                };
                return Ok(Ok(self.table.push(Pending(underway))?));
            }
            Err(Err(failure)) => return Ok(Err(failure.into())),
        };
        let name = self.call.tape.current();
        let (http, request) = match self.begin_fetch(request) {
            Ok(sending) => sending,
            Err(failure) => {
                begun.end::<()>(&Err(failure.clone()))?;
                return Ok(Err(failure.into()));
            }
        };
        begun.end(&Ok(()))?;
        let grants = self.call.grants.clone();
        let handle: JoinHandle<_> = tokio::spawn(async move { http.fetch(request, grants, name).await });
        self.counts.http_waiting += 1;
        Ok(Ok(self.table.push(Pending(Underway::Sent(AbortOnDropHandle::new(handle))))?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_plain_https_to_granted_names() {
        let grants: Capabilities = serde_json::from_value(json!({ "http": ["api.example.com"] })).unwrap();
        assert!(check_url(&grants, "https://api.example.com/v1?x=1").is_ok());
        assert!(check_url(&grants, "https://API.example.com/").is_ok());
        for refused in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://user:pw@api.example.com/",
            "https://api.example.com@evil.org/",
            "https://evil.org/",
            "https://api.example.com.evil.org/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "//api.example.com/",
            "",
        ] {
            assert!(check_url(&grants, refused).is_err(), "{refused}");
        }
    }
}
