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

    /// Where the last fetch failed: in how many milliseconds the next one may begin, at least one.
    pub(crate) fn retry_in_ms(&self, now_ms: i64) -> Option<u64> {
        let state = self.state();
        let wait = u64::try_from(state.not_before_ms.saturating_sub(now_ms)).unwrap_or(0);
        (state.failures > 0).then_some(wait.max(1))
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

/// What could be read of a key set.
#[derive(Debug)]
pub(crate) struct KeySet {
    /// The keys that can verify a signature here.
    pub(crate) keys: Vec<Key>,
    /// Which keys were left out, and why.
    pub(crate) left_out: Vec<String>,
}

/// The keys of a set that can verify a signature here. Others are left out: encryption keys, secrets (`oct`), small RSA keys, unknown kinds.
///
/// # Errors
/// It is no key set, or too large.
pub(crate) fn parse(bytes: &[u8]) -> Result<KeySet, String> {
    if bytes.len() > MAX_JWKS_BYTES {
        return Err(format!("the key set has more than {MAX_JWKS_BYTES} bytes"));
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|error| format!("the key set is no JSON: {error}"))?;
    let keys = document.get("keys").and_then(Value::as_array).ok_or("the key set has no `keys`")?;
    let mut set = KeySet { keys: Vec::new(), left_out: Vec::new() };
    for jwk in keys.iter().take(MAX_KEYS) {
        match key(jwk) {
            Ok(key) => set.keys.push(key),
            Err(reason) => {
                let id = jwk.get("kid").and_then(Value::as_str).unwrap_or("without `kid`");
                let id: String = id.chars().filter(|c| !c.is_control()).take(100).collect();
                set.left_out.push(format!("key {id}: {reason}"));
            }
        }
    }
    if keys.len() > MAX_KEYS {
        set.left_out.push(format!("{} keys beyond the first {MAX_KEYS}", keys.len() - MAX_KEYS));
    }
    Ok(set)
}

/// A key of a set, or why it cannot be used.
fn key(jwk: &Value) -> Result<Key, String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // RFC 7515 §2 has no padding and the alphabet for URLs; some servers write both otherwise.
    let number = |name: &str| -> Result<String, String> {
        let given = text(name).ok_or_else(|| format!("it has no `{name}`"))?;
        let plain = given.trim_end_matches('=').replace('+', "-").replace('/', "_");
        match URL_SAFE_NO_PAD.decode(&plain) {
            Ok(_) => Ok(plain),
            Err(error) => Err(format!("its `{name}` is no base64url: {error}")),
        }
    };
    if let Some(purpose) = text("use").filter(|purpose| *purpose != "sig") {
        return Err(format!("it is for `{purpose}`, not for signatures"));
    }
    if let Some(operations) = jwk.get("key_ops").and_then(Value::as_array)
        && !operations.iter().any(|operation| operation == "verify")
    {
        return Err("its `key_ops` do not name `verify`".to_owned());
    }
    let unusable = |error: jsonwebtoken::errors::Error| format!("it cannot be used: {error}");
    let (known, decoding): (&[(&str, Algorithm)], _) = match (text("kty").unwrap_or_default(), text("crv")) {
        ("RSA", _) => {
            let modulus = number("n")?;
            let bytes = URL_SAFE_NO_PAD.decode(&modulus).unwrap_or_default();
            let length = bytes.iter().skip_while(|byte| **byte == 0).count();
            if length < MIN_RSA_BYTES {
                return Err(format!("its modulus has {} bits and 2048 are the least", length * 8));
            }
            (&RSA, DecodingKey::from_rsa_components(&modulus, &number("e")?).map_err(unusable)?)
        }
        ("EC", Some("P-256")) => {
            let point = DecodingKey::from_ec_components(&number("x")?, &number("y")?);
            (&[("ES256", Algorithm::ES256)], point.map_err(unusable)?)
        }
        ("EC", Some("P-384")) => {
            let (x, y) = (number("x")?, number("y")?);
            // The library finds out at the first token only.
            if [&x, &y].iter().any(|part| URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| bytes.len() != P384_BYTES)) {
                return Err(format!("a coordinate has not the {P384_BYTES} bytes of P-384"));
            }
            (&[("ES384", Algorithm::ES384)], DecodingKey::from_ec_components(&x, &y).map_err(unusable)?)
        }
        ("OKP", Some("Ed25519")) => {
            let point = DecodingKey::from_ed_components(&number("x")?);
            (&[("EdDSA", Algorithm::EdDSA), ("Ed25519", Algorithm::EdDSA)], point.map_err(unusable)?)
        }
        (kind, curve) => {
            let said: String = format!("{kind} {}", curve.unwrap_or_default()).chars().take(60).collect();
            return Err(format!("keys of the kind `{}` are not used", said.trim()));
        }
    };
    let algorithms: Vec<Algorithm> = match text("alg") {
        Some(said) => known.iter().filter(|(name, _)| *name == said).map(|(_, algorithm)| *algorithm).collect(),
        // The key says nothing: every algorithm of its kind verifies with it.
        None => known.iter().map(|(_, algorithm)| *algorithm).collect(),
    };
    if algorithms.is_empty() {
        return Err(format!("its algorithm `{}` is not used", text("alg").unwrap_or_default()));
    }
    Ok(Key { id: text("kid").unwrap_or_default().to_owned(), algorithms, decoding })
}

/// What an RSA key can verify (RFC 7518 §3.1).
const RSA: [(&str, Algorithm); 6] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
];
/// Bytes of a coordinate on P-384.
const P384_BYTES: usize = 48;
