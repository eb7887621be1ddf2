//! Requests of skills, hop by hop.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;
use openanalyst_domain::{Failure, LimitReason};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Certificate, Method, StatusCode};
use tokio::time::Instant;
use url::{Host, Url};

use crate::failure;
use crate::resolve::{Allowed, Filtered, Resolver, SystemResolver};
use crate::tls::{EgressError, builder};

/// Most redirects of a request.
pub const MAX_REDIRECTS: usize = 5;
/// Most bytes of a body, after decompression.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// Most bytes of the headers of a response, names and values together.
pub const MAX_HEADER_BYTES: usize = 64 << 10;
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 4;
/// Headers that never follow to another host, whatever they hold.
const OF_ONE_HOST: &[&str] = &["authorization", "cookie", "proxy-authorization", "www-authenticate"];
/// Headers that speak of a body, gone when a redirect takes the body away.
const OF_THE_BODY: &[&str] = &["content-type", "content-encoding", "content-language", "content-location"];

/// What the client is made with.
#[derive(Clone)]
pub struct EgressOptions {
    /// Finds addresses.
    pub resolver: Arc<dyn Resolver>,
    /// Networks that are open although they are not public. Whoever can reach them can be reached by every skill with the grant.
    pub allowed_networks: Vec<IpNet>,
    /// Certificates of authorities beside the machine's own.
    pub certificates: Vec<Certificate>,
    /// How long a request may take with all its hops, if it does not say less.
    pub timeout: Duration,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            allowed_networks: Vec::new(),
            certificates: Vec::new(),
            timeout: Duration::from_secs(30),
        }
    }
}

/// A request, as its skill wrote it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// How long it may take with all its hops.
    pub timeout: Option<Duration>,
}

/// A response, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// What goes out in one hop.
#[derive(Clone)]
pub struct Outgoing {
    /// The URL.
    pub url: Url,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// Names of headers, in lower case, that must not follow to another host.
    pub confidential: Vec<String>,
}

/// Who may be asked what. Called at every hop.
pub trait Policy: Send + Sync {
    /// Reads a URL and says whether it may be asked.
    ///
    /// # Errors
    /// It may not.
    fn check(&self, url: &str) -> Result<Url, Failure>;

    /// Makes what goes out of what the skill wrote: here secrets are put in. `first` is false for a redirect: its URL was written by a server.
    ///
    /// # Errors
    /// Something may not be sent there, or is missing.
    fn fill(&self, url: &Url, headers: &[(String, String)], first: bool) -> Result<Outgoing, Failure>;
}

/// The client. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Egress {
    client: reqwest::Client,
    allowed: Allowed,
    timeout: Duration,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Egress {
    /// Makes the client.
    ///
    /// # Errors
    /// There is nothing to check certificates with.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        let allowed = Allowed(options.allowed_networks.into());
        let client = builder()
            // A proxy of the environment would connect where nobody looked at the address.
            .no_proxy()
            .https_only(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .http2_max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
            .tls_certs_merge(options.certificates)
            .dns_resolver(Arc::new(Filtered { resolver: options.resolver, allowed: allowed.clone() }))
            .build()
            .map_err(|error| EgressError::Client(error.to_string()))?;
        Ok(Self { client, allowed, timeout: options.timeout })
    }

    /// Sends a request and follows its redirects, each of which must pass the policy as the first URL did.
    ///
    /// # Errors
    /// `invalid`: it cannot be sent so; `denied`: the policy or the address refuses a hop; `unavailable`: nobody answers; `limit`: the answer is too
    /// large; `failed`: too many redirects, or a broken answer.
    pub async fn fetch(&self, request: Request, policy: &dyn Policy) -> Result<Response, Failure> {
        let timeout = request.timeout.map_or(self.timeout, |asked| asked.min(self.timeout));
        let url = policy.check(&request.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        match tokio::time::timeout_at(Instant::now() + timeout, self.hops(request, url, policy)).await {
            Ok(ended) => ended,
            Err(_) => Err(Failure::Unavailable {
                detail: format!("`{host}` did not answer within {} ms", timeout.as_millis()),
                retry_after_ms: Some(2_000),
            }),
        }
    }

    async fn hops(&self, request: Request, mut url: Url, policy: &dyn Policy) -> Result<Response, Failure> {
        let mut method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| Failure::invalid("the method of the request is none".to_owned()))?;
        let mut body = request.body.map(Bytes::from);
        let mut headers = request.headers;
        for hop in 0..=MAX_REDIRECTS {
            self.check_literal(&url)?;
            let filled = policy.fill(&url, &headers, hop == 0)?;
            let host = url.host_str().unwrap_or_default().to_owned();
            let mut sent = self.client.request(method.clone(), filled.url).headers(header_map(&filled.headers)?);
            if let Some(body) = &body {
                sent = sent.body(body.clone());
            }
            let response = sent.send().await.map_err(|error| failure::of(error, &host))?;
            let Some(next) = redirect(response.status(), response.headers(), &url) else {
                return read(response, &host).await;
            };
            let next = policy.check(&next?)?;
            if !same_origin(&next, &url) {
                headers.retain(|(name, _)| {
                    let name = name.to_ascii_lowercase();
                    !OF_ONE_HOST.contains(&name.as_str()) && !filled.confidential.contains(&name)
                });
            }
            let loses_body = match response.status() {
                StatusCode::SEE_OTHER => method != Method::HEAD,
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
                _ => false,
            };
            if loses_body {
                method = Method::GET;
                body = None;
                headers.retain(|(name, _)| !OF_THE_BODY.contains(&name.to_ascii_lowercase().as_str()));
            }
            url = next;
        }
        Err(Failure::failed(format!(
            "the request was redirected more than {MAX_REDIRECTS} times: fetch the last address"
        )))
    }

    /// The resolver is never asked for a literal address, so it is looked at here.
    fn check_literal(&self, url: &Url) -> Result<(), Failure> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Failure::invalid("a URL needs a host".to_owned())),
        };
        if self.allowed.allows(address) {
            return Ok(());
        }
        Err(Failure::denied(format!("`{address}` is no public address: skills reach the public internet only")))
    }
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let invalid = || {
            Failure::invalid(format!(
                "the header `{name}` cannot be sent: its name or value has a character that is not allowed"
            ))
        };
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
        map.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?, value);
    }
    Ok(map)
}

/// Where a response sends the client, if it does. A redirect without a `Location` is an ordinary response.
fn redirect(status: StatusCode, headers: &HeaderMap, url: &Url) -> Option<Result<String, Failure>> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(LOCATION)?;
    let broken = || Failure::failed("the server redirects to what is no URL".to_owned());
    Some(location.to_str().ok().and_then(|text| url.join(text).ok()).map(String::from).ok_or_else(broken))
}

async fn read(mut response: reqwest::Response, host: &str) -> Result<Response, Failure> {
    let too_large = |what: &str, limit: usize| {
        let detail = format!("the {what} of `{host}` has more than {limit} bytes, which is the limit: ask for less");
        Failure::limit(LimitReason::HostcallTooLarge, detail)
    };
    let bytes: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > MAX_HEADER_BYTES {
        return Err(too_large("header", MAX_HEADER_BYTES));
    }
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure::of(error, host))? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large("answer", MAX_BODY_BYTES));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status: response.status().as_u16(), headers, body })
}
