//! `http` and `secrets`: requests to granted hosts, with the tenant's secrets put in where the skill wrote their names.
//!
//! A skill writes `{{secret:NAME}}` in the value of a header or in the query of the URL. The value is put in for each hop anew, only for hosts of the
//! secret's audience, and never into a URL that a server wrote. What comes back is scrubbed before the skill sees it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_egress::{Outgoing, Policy};
use openanalyst_package::Capabilities;
use openanalyst_registry::OpenSecrets;
use openanalyst_runtime::capabilities::http::{RecordedResponse, check_url};
use openanalyst_runtime::capabilities::{Http, Secrets};
use openanalyst_runtime::contract::http::{Request, Response};
use openanalyst_runtime::tape::CallName;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::HostContext;
use super::journal::{EffectId, EffectState};

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
impl Http for HostContext {
    async fn fetch(
        &self,
        request: Request,
        grants: Arc<Capabilities>,
        call: Option<CallName>,
    ) -> Result<Response, Failure> {
        let Some(egress) = &self.brain.egress else {
            return Err(Failure::unavailable(
                "this host has no HTTP client: its operator finds the reason with `openanalyst doctor`",
            ));
        };
        let mut change = None;
        if !SAFE.contains(&request.method.as_str()) {
            let mut made = self.change_of(call);
            let host = Url::parse(&request.url).ok().and_then(|url| url.host_str().map(str::to_owned));
            let intent = json!({ "method": request.method, "host": host });
            if let EffectState::Settled(result) =
                self.intend::<RecordedResponse>(&mut made, "http.fetch", &intent).await?
            {
                return result.and_then(Response::try_from);
            }
            change = Some(made);
        }
        let mut headers = request.headers;
        if let Some(change) = &change
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(IDEMPOTENCY_KEY))
        {
            // The same for every attempt at this request: the server may have done it although its answer never came.
            let key = Sha256::new().chain_update(self.task.to_string()).chain_update([0]);
            let key = key.chain_update(&change.identity).finalize();
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
        let answered = egress.fetch(sent, &policy).await.map_err(|failure| scrub.failure(failure));
        let response = answered.map(|answered| Response {
            status: answered.status,
            headers: answered.headers.into_iter().map(|(name, value)| (name, scrub.own(value))).collect(),
            body: scrub.bytes(answered.body),
        });
        if let Some(change) = &change {
            self.note_response(change, &response).await?;
        }
        response
    }
}

impl HostContext {
    /// Writes what came of a request. One that the server refused (400 and above), or that never reached it, may be sent again by another attempt.
    async fn note_response(&self, change: &EffectId, response: &Result<Response, Failure>) -> Result<(), Failure> {
        let kept = response.as_ref().map(RecordedResponse::from).map_err(Clone::clone);
        self.settle(change, &kept).await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[async_trait]
impl Secrets for HostContext {
    async fn exists(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.secrets.has(name))
    }
}
