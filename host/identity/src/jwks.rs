//! Keys of other issuers, as they publish them: JSON Web Key Sets (RFC 7517), fetched rarely and never on a stranger's demand.
//!
//! | when | what happens |
//! |---|---|
//! | the set is fresh (`max-age`, at least 5 minutes, at most a day) | nothing is fetched |
//! | it is stale | one call fetches, the others go on with what is there |
//! | fetching fails | the next try waits 1 s, 2 s, 4 s … up to 5 minutes; the last good set is used for a day |
//! | a token names an unknown key | one fetch for all of them, at most every 30 seconds for an issuer |

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use crate::token::Key;

/// Most bytes of a key set.
pub const MAX_JWKS_BYTES: usize = 256 << 10;
/// Most keys of a set that are looked at.
const MAX_KEYS: usize = 64;
/// Fewest bytes of an RSA modulus: 2048 bits (NIST SP 800-131A).
const MIN_RSA_BYTES: usize = 256;
const MIN_FRESH_MS: i64 = 5 * 60 * 1_000;
const MAX_FRESH_MS: i64 = 24 * 60 * 60 * 1_000;
const MAX_STALE_MS: i64 = 24 * 60 * 60 * 1_000;
const FIRST_PAUSE_MS: i64 = 1_000;
const MAX_PAUSE_MS: i64 = 5 * 60 * 1_000;
const UNKNOWN_EVERY_MS: i64 = 30_000;

/// A fetched key set.
#[derive(Debug, Clone)]
pub struct JwksDocument {
    /// The body.
    pub bytes: Vec<u8>,
    /// `max-age` of the answer's `Cache-Control`.
    pub max_age: Option<Duration>,
}

/// Fetches key sets. Does its own limits of time and size.
#[async_trait]
pub trait JwksFetch: Send + Sync {
    /// Gives the document at a URL, or why not.
    async fn fetch(&self, url: &str) -> Result<JwksDocument, String>;
}

/// What is known of the keys behind a URL.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) url: String,
    /// Held while somebody fetches.
    pub(crate) gate: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    fetched_at_ms: Option<i64>,
    fresh_until_ms: i64,
    tried_at_ms: i64,
    not_before_ms: i64,
    failures: u32,
    fetches: u64,
}

/// Whether a fetch may begin now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// No.
    No,
    /// Yes, and there is something to go on with until it ends.
    Refresh,
    /// Yes, and nothing can be said before it ended.
    Wait,
}

impl Remote {
    pub(crate) fn new(url: String) -> Self {
        let state = State {
            fetched_at_ms: None,
            fresh_until_ms: i64::MIN,
            tried_at_ms: i64::MIN / 2,
            not_before_ms: i64::MIN,
            failures: 0,
            fetches: 0,
        };
        Self { url, gate: tokio::sync::Mutex::default(), state: Mutex::new(state) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn due(&self, now_ms: i64) -> Due {
        let state = self.state();
        if now_ms < state.fresh_until_ms || now_ms < state.not_before_ms {
            return Due::No;
        }
        if state.fetched_at_ms.is_some() { Due::Refresh } else { Due::Wait }
    }

    /// Whether an unknown key may cause a fetch.
    pub(crate) fn due_for_unknown(&self, now_ms: i64) -> bool {
        let state = self.state();
        now_ms >= state.not_before_ms && now_ms - state.tried_at_ms >= UNKNOWN_EVERY_MS
    }

    /// How many fetches have ended: who waited at the gate sees whether another one did the work.
    pub(crate) fn fetches(&self) -> u64 {
        self.state().fetches
    }

    /// Whether what was fetched last is too old to be believed.
    pub(crate) fn is_too_old(&self, now_ms: i64) -> bool {
        let state = self.state();
        state.fetched_at_ms.is_some() && now_ms - state.fresh_until_ms > MAX_STALE_MS
    }

    pub(crate) fn succeeded(&self, max_age: Option<Duration>, now_ms: i64) {
        let max_age = max_age.map_or(MIN_FRESH_MS, |age| i64::try_from(age.as_millis()).unwrap_or(MAX_FRESH_MS));
        let mut state = self.state();
        state.fetched_at_ms = Some(now_ms);
        state.fresh_until_ms = now_ms + max_age.clamp(MIN_FRESH_MS, MAX_FRESH_MS);
        state.tried_at_ms = now_ms;
        state.not_before_ms = now_ms;
        state.failures = 0;
        state.fetches += 1;
    }

    pub(crate) fn failed(&self, now_ms: i64) {
        let mut state = self.state();
        let pause = FIRST_PAUSE_MS.saturating_mul(1 << state.failures.min(20)).min(MAX_PAUSE_MS);
        state.failures += 1;
        state.tried_at_ms = now_ms;
        state.not_before_ms = now_ms + pause;
        state.fetches += 1;
    }
}

/// The keys of a set that can verify a signature here. Others are left out: encryption keys, secrets (`oct`), small RSA keys, unknown kinds.
///
/// # Errors
/// It is no key set, or too large.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Key>, String> {
    if bytes.len() > MAX_JWKS_BYTES {
        return Err(format!("the key set has more than {MAX_JWKS_BYTES} bytes"));
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|error| format!("the key set is no JSON: {error}"))?;
    let keys = document.get("keys").and_then(Value::as_array).ok_or("the key set has no `keys`")?;
    Ok(keys.iter().take(MAX_KEYS).filter_map(key).collect())
}

fn key(jwk: &Value) -> Option<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    if let Some(operations) = jwk.get("key_ops").and_then(Value::as_array)
        && !operations.iter().any(|operation| operation == "verify")
    {
        return None;
    }
    let (algorithm, name, decoding) = match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let modulus = URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
            let length = modulus.iter().skip_while(|byte| **byte == 0).count();
            if length < MIN_RSA_BYTES {
                return None;
            }
            (Algorithm::RS256, "RS256", DecodingKey::from_rsa_components(text("n")?, text("e")?).ok()?)
        }
        ("EC", Some("P-256")) => {
            (Algorithm::ES256, "ES256", DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
        }
        ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, "EdDSA", DecodingKey::from_ed_components(text("x")?).ok()?),
        _ => return None,
    };
    if text("alg").is_some_and(|said| said != name) {
        return None;
    }
    Some(Key { id: text("kid").unwrap_or_default().to_owned(), algorithm, decoding })
}
