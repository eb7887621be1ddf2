//! One server that the operator named: its address, its key, and what its answers mean.

use std::time::Duration;

use openanalyst_domain::Failure;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Certificate, Method, RequestBuilder, Response};
use serde_json::Value;
use url::{Host, Url};

use crate::clock::{Clock, Late};
use crate::error::ProviderError;
use crate::key::ApiKey;
use crate::problem::{Problem, Said, passes, wanted_wait};
use crate::text;

/// Most bytes of an answer that comes at once, and of the text of a streamed one.
pub const MAX_BODY_BYTES: usize = 4 << 20;
/// Most bytes of an answer with a bad status that are looked at.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// What a server is made of.
pub(crate) struct Setup<'a> {
    /// What it is, such as `the language model`.
    pub(crate) what: &'static str,
    pub(crate) base_url: &'a Url,
    /// A base URL as it should be.
    pub(crate) example: &'static str,
    pub(crate) key: Option<&'a ApiKey>,
    /// The header that takes the key; `authorization` takes it as a bearer token.
    pub(crate) key_header: HeaderName,
    pub(crate) connect_timeout: Duration,
    pub(crate) certificates: &'a [Certificate],
    /// What the operator should look at beside the key if the server refuses it.
    pub(crate) hint: &'static str,
}

/// A server, and the connections to it.
pub(crate) struct Server {
    client: reqwest::Client,
    /// Such as ``the language model at `api.example.com` ``.
    pub(crate) name: String,
    base_url: Url,
    key: Option<ApiKey>,
    key_header: Option<(HeaderName, HeaderValue)>,
    hint: &'static str,
}

impl Server {
    /// Checks what can be checked without asking anybody, and makes the client.
    pub(crate) fn new(setup: Setup<'_>) -> Result<Self, ProviderError> {
        let what = setup.what;
        check(setup.base_url).map_err(|why| ProviderError::BaseUrl { what, why, example: setup.example })?;
        let key_header = setup.key.map(|key| header(key, &setup.key_header).ok_or(ProviderError::Key { what }));
        let key_header = key_header.transpose()?.map(|value| (setup.key_header, value));
        let here = is_here(setup.base_url);
        let host = setup.base_url.host_str().unwrap_or_default();
        let name = match setup.base_url.port() {
            Some(port) => format!("{what} at `{host}:{port}`"),
            None => format!("{what} at `{host}`"),
        };
        if key_header.is_some() && setup.base_url.scheme() == "http" && !here {
            tracing::warn!(provider = name, "the API key travels without encryption: use an https URL if there is one");
        }
        let client = client(setup.connect_timeout, setup.certificates, here)
            .map_err(|error| ProviderError::Client { what, why: openanalyst_egress::reason(error) })?;
        let (base_url, key) = (setup.base_url.clone(), setup.key.cloned());
        Ok(Self { client, name, base_url, key, key_header, hint: setup.hint })
    }

    /// A request with the key; `path` follows the base URL.
    pub(crate) fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.request(method, url);
        match &self.key_header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// Sends a request and gives its answer if the status is good. `quick`: silence before the answer counts, and not only the end of the call.
    pub(crate) async fn send(&self, request: RequestBuilder, clock: &Clock, quick: bool) -> Result<Response, Problem> {
        let sent = request.send();
        let sent = if quick { clock.next(sent).await } else { clock.until_end(sent).await };
        let response = sent.map_err(|late| self.late(late))?.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response, clock).await)
    }

    /// Reads the rest of an answer, of which `bytes` came already.
    pub(crate) async fn rest(
        &self,
        mut response: Response,
        mut bytes: Vec<u8>,
        clock: &Clock,
    ) -> Result<Vec<u8>, Problem> {
        loop {
            if bytes.len() > MAX_BODY_BYTES {
                return Err(self.too_large());
            }
            match clock.next(response.chunk()).await.map_err(|late| self.late(late))? {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Ok(bytes),
                Err(error) => return Err(self.cut(error, bytes.len())),
            }
        }
    }

    /// Sends a request and reads its answer as JSON.
    pub(crate) async fn json(&self, request: RequestBuilder, clock: &Clock, quick: bool) -> Result<Value, Problem> {
        let response = self.send(request, clock, quick).await?;
        let bytes = self.rest(response, Vec::new(), clock).await?;
        self.parse(&bytes)
    }

    /// Reads JSON that came with a good status, and may be an error all the same.
    pub(crate) fn parse(&self, bytes: &[u8]) -> Result<Value, Problem> {
        let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
            let page = bytes.trim_ascii_start().starts_with(b"<");
            return Err(self.not_understood(if page { "it is a web page" } else { "it is no JSON" }));
        };
        if body.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Problem::said(&self.name, &self.said(&body)));
        }
        Ok(body)
    }

    /// What the server says about an error.
    pub(crate) fn said(&self, body: &Value) -> Said {
        Said::read(body, |text| text::message(text, self.key.as_ref()))
    }

    /// The time is over.
    pub(crate) fn late(&self, late: Late) -> Problem {
        Problem::late(format!("{} {late}: try again later", self.name))
    }

    /// The answer is larger than anything that can be meant.
    pub(crate) fn too_large(&self) -> Problem {
        Problem::broken(format!(
            "the answer of {} has more than {MAX_BODY_BYTES} bytes, which is the limit: ask for less",
            self.name
        ))
    }

    /// The answer is not what its protocol says.
    pub(crate) fn not_understood(&self, why: &str) -> Problem {
        Problem::broken(format!(
            "the answer of {} is not understood: {why}; the operator must check that the base URL leads to the right API",
            self.name
        ))
    }

    /// The connection ended in the middle of an answer.
    fn cut(&self, error: reqwest::Error, arrived: usize) -> Problem {
        let why = openanalyst_egress::reason(error);
        Problem::passing(format!("the answer of {} stopped after {arrived} bytes: {why}", self.name), None)
    }

    /// There was no answer.
    fn unreachable(&self, error: reqwest::Error) -> Problem {
        let (name, builder, connect) = (&self.name, error.is_builder(), error.is_connect());
        let why = openanalyst_egress::reason(error);
        match (builder, connect) {
            (true, _) => Failure::failed(format!("the request to {name} cannot be made: {why}")).into(),
            (_, true) => Problem::passing(
                format!(
                    "{name} cannot be connected to: {why}; the operator must check that it runs and can be reached"
                ),
                None,
            ),
            _ => Problem::passing(format!("the connection to {name} broke before the answer: {why}"), None),
        }
    }

    /// What a bad status means.
    async fn refused(&self, mut response: Response, clock: &Clock) -> Problem {
        let status = response.status().as_u16();
        let after = wanted_wait(response.headers());
        let mut body = Vec::new();
        // What came is enough: this is only for the words of the message.
        while body.len() < MAX_ERROR_BYTES
            && let Ok(Ok(Some(chunk))) = clock.next(response.chunk()).await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(MAX_ERROR_BYTES - body.len())]);
        }
        let said = self.said(&read_error(&body));
        let (name, words, kind) = (&self.name, said.suffix(), said.kind());
        match status {
            401 | 403 => Problem::broken(match self.key {
                // Its own words may repeat a part of the key.
                Some(_) => format!(
                    "{name} does not accept the API key ({status}{kind}): the operator must check the API key{}",
                    self.hint
                ),
                None => format!(
                    "{name} lets nobody in without an API key ({status}{kind}), and none is configured: the operator must check the API key{}",
                    self.hint
                ),
            }),
            400 | 404 | 413 | 422 if said.is_silent() => Failure::invalid(format!(
                "{name} refuses the request ({status}) and does not say why: change the request, or ask the operator to check the base URL"
            ))
            .into(),
            400 | 404 | 413 | 422 => Failure::invalid(format!("{name} refuses the request ({status}){words}")).into(),
            300..400 => Failure::failed(format!(
                "{name} sends this program elsewhere ({status}), and redirects are not followed, as the API key would travel with them: the operator \
                 must check the base URL"
            ))
            .into(),
            429 => Problem::passing(format!("{name} takes no more requests for now ({status}){words}"), after),
            _ if passes(status) => Problem::passing(format!("{name} is overloaded or has a fault ({status}){words}"), after),
            _ => Failure::failed(format!("{name} answered with the status {status}{words}")).into(),
        }
    }
}

/// The body of an error as JSON: plain text is a message, a web page is none.
fn read_error(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| match String::from_utf8_lossy(body) {
        page if page.trim_start().starts_with('<') => Value::Null,
        text => serde_json::json!({ "message": text }),
    })
}

fn check(url: &Url) -> Result<(), &'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it does not begin with http: or https:");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or a password, which would end up in logs");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a `?` or a `#`");
    }
    Ok(())
}

fn header(key: &ApiKey, name: &HeaderName) -> Option<HeaderValue> {
    let key = key.reveal();
    // A line end comes with a file that was read whole.
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let value = if *name == AUTHORIZATION { &format!("Bearer {key}") } else { key };
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost",
        None => false,
    }
}

/// As `openanalyst_egress::client`, with certificates and a timeout of its own for connections. The end of a call is that of its clock.
fn client(connect: Duration, certificates: &[Certificate], here: bool) -> Result<reqwest::Client, reqwest::Error> {
    // A second time says that it was done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("openanalyst/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .tls_certs_merge(certificates.iter().cloned());
    if here {
        builder = builder.no_proxy();
    }
    builder.build()
}
