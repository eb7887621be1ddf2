//! `http` and `secrets`: requests to granted hosts, with the tenant's secrets put in where the skill wrote their names.
//!
//! A skill writes `{{secret:NAME}}` in the value of a header or in the query of the URL. The value is put in for each hop anew, only for hosts of the
//! secret's audience, and never into a URL that a server wrote. What comes back is scrubbed before the skill sees it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_domain::Failure;
use openanalyst_egress::{Outgoing, Policy};
use openanalyst_package::Capabilities;
use openanalyst_registry::OpenSecrets;
use openanalyst_runtime::capabilities::http::check_url;
use openanalyst_runtime::capabilities::{Http, Secrets};
use openanalyst_runtime::contract::http::{Request, Response};
use openanalyst_store::StoreError;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Supply, store_failure};

const OPENS: &str = "{{secret:";
const CLOSES: &str = "}}";
/// Methods that change nothing: they are sent again after a crash without a thought (RFC 9110 §9.2.1).
const SAFE: &[&str] = &["GET", "HEAD", "OPTIONS"];
/// A header by which servers know a request that was sent before.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What the skill may do with which host.
struct Granted<'a> {
    grants: &'a Capabilities,
    secrets: &'a OpenSecrets,
}

impl Granted<'_> {
    /// Puts values in for names. Says whether there were any.
    fn put_in(&self, text: &str, host: &str, encode: fn(&str) -> String) -> Result<(String, bool), Failure> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        let mut any = false;
        while let Some((before, after)) = rest.split_once(OPENS) {
            let Some((name, after)) = after.split_once(CLOSES) else {
                return Err(Failure::invalid(format!("`{OPENS}` is not closed: write {OPENS}NAME{CLOSES}")));
            };
            if !self.grants.allows_secret(name) {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                return Err(Failure::denied(format!(
                    "the capability `secrets` for `{name}` is not granted to this skill: its SKILL.md must ask for it under `capabilities`, and an administrator of the tenant must grant it"
                )));
            }
            filled.push_str(before);
            filled.push_str(&encode(self.secrets.for_host(name, host)?.expose()));
            rest = after;
            any = true;
        }
        filled.push_str(rest);
        Ok((filled, any))
    }
}

impl Policy for Granted<'_> {
    fn check(&self, url: &str) -> Result<Url, Failure> {
        check_url(self.grants, url)
    }

    fn fill(&self, url: &Url, headers: &[(String, String)], first: bool) -> Result<Outgoing, Failure> {
        let host = url.host_str().unwrap_or_default();
        let mut out =
            Outgoing { url: url.clone(), headers: Vec::with_capacity(headers.len()), confidential: Vec::new() };
        if first {
            let elsewhere = [url.path(), url.fragment().unwrap_or_default()];
            if elsewhere.iter().any(|part| part.to_ascii_lowercase().replace("%7b", "{").contains(OPENS)) {
                return Err(Failure::invalid(format!(
                    "`{OPENS}NAME{CLOSES}` may stand in the value of a header or in the query of the URL only"
                )));
            }
            if let Some(query) = url.query() {
                let (query, any) = self.put_in(query, host, percent_encoded)?;
                if any {
                    out.url.set_query(Some(&query));
                }
            }
        }
        for (name, value) in headers {
            let (value, any) = self.put_in(value, host, str::to_owned)?;
            if any {
                out.confidential.push(name.to_ascii_lowercase());
            }
            out.headers.push((name.clone(), value));
        }
        Ok(out)
    }
}

/// Everything but the unreserved characters of RFC 3986 as `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[async_trait]
impl Http for Supply {
    async fn fetch(&self, request: Request, grants: Arc<Capabilities>) -> Result<Response, Failure> {
        let Some(egress) = &self.brain.egress else {
            return Err(Failure::unavailable(
                "this host has no HTTP client: its operator finds the reason with `openanalyst doctor`",
            ));
        };
        let place = (!SAFE.contains(&request.method.as_str())).then(|| self.place_of(&request));
        if let Some(place) = &place
            && let Some(done) = self.sent_before(place, &request).await?
        {
            return Ok(done);
        }
        let mut headers = request.headers;
        if let Some(place) = &place
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(IDEMPOTENCY_KEY))
        {
            let key =
                Sha256::new().chain_update(self.task.to_string()).chain_update([0]).chain_update(place).finalize();
            headers.push((IDEMPOTENCY_KEY.to_owned(), hex(&key[..16])));
        }
        let sent = openanalyst_egress::Request {
            method: request.method,
            url: request.url,
            headers,
            body: request.body,
            timeout: request.timeout_ms.map(Duration::from_millis),
        };
        let policy = Granted { grants: &grants, secrets: &self.secrets };
        let scrub = self.secrets.scrubber();
        let answered = egress.fetch(sent, &policy).await.map_err(|failure| scrub.failure(failure))?;
        let response = Response {
            status: answered.status,
            headers: answered.headers.into_iter().map(|(name, value)| (name, scrub.own(value))).collect(),
            body: scrub.bytes(answered.body),
        };
        if let Some(place) = &place {
            self.note_response(place, &response).await.map_err(|error| store_failure(&error))?;
        }
        Ok(response)
    }
}

impl Supply {
    /// The place of a request in the journal. Requests run side by side, so what counts is what it is, and how many like it were made before.
    fn place_of(&self, request: &Request) -> String {
        let mut hash = Sha256::new();
        for part in [&request.method, &request.url].into_iter().chain(request.headers.iter().flat_map(|(n, v)| [n, v]))
        {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let hash = hash.chain_update(request.body.as_deref().unwrap_or_default()).finalize();
        let name = hex(&hash[..8]);
        let mut made = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = made.entry(name.clone()).or_insert(0_u32);
        *count += 1;
        format!("{}/http-{name}-{count}", self.place)
    }

    /// Writes that the request is about to be sent; gives the response if it was sent before.
    async fn sent_before(&self, place: &str, request: &Request) -> Result<Option<Response>, Failure> {
        let now_ms = self.brain.clock.now_ms();
        let written = async {
            let mut tx = self.brain.store.begin(&self.owner).await?;
            let host = Url::parse(&request.url).ok().and_then(|url| url.host_str().map(str::to_owned));
            let intent = json!({ "method": request.method, "host": host });
            let earlier = tx.intend(&self.key(place), "http.fetch", &intent, now_ms).await?;
            tx.commit().await?;
            Ok(earlier.and_then(|effect| effect.result).and_then(|result| response_of(&result)))
        };
        written.await.map_err(|error: StoreError| store_failure(&error))
    }

    async fn note_response(&self, place: &str, response: &Response) -> Result<(), StoreError> {
        let result = json!({
            "status": response.status, "headers": response.headers, "body": STANDARD.encode(&response.body),
        });
        let mut tx = self.brain.store.begin(&self.owner).await?;
        tx.settle(&self.key(place), &result, self.brain.clock.now_ms()).await?;
        tx.commit().await
    }
}

fn response_of(result: &Value) -> Option<Response> {
    Some(Response {
        status: u16::try_from(result.get("status")?.as_u64()?).ok()?,
        headers: serde_json::from_value(result.get("headers")?.clone()).ok()?,
        body: STANDARD.decode(result.get("body")?.as_str()?).ok()?,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[async_trait]
impl Secrets for Supply {
    async fn exists(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.secrets.has(name))
    }
}
