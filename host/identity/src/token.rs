//! Tokens: JWTs (RFC 7519), signed with Ed25519 (`EdDSA`, RFC 8037).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use openanalyst_domain::{TenantId, UserId};
use serde_json::{Map, Value};

use crate::{ISSUER, Principal, Scope, ScopeSet};

/// Most bytes of a token.
const MAX_BYTES: usize = 8 << 10;
/// How much the clocks of issuer and verifier may differ.
const LEEWAY_MS: i64 = 5_000;

/// Why a token is not accepted. Never holds the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("a token is needed: send `Authorization: Bearer TOKEN`; `openanalyst token` makes one")]
    Missing,
    /// It is no JWT.
    #[error("the token cannot be read: send the whole JWT, three parts divided by dots")]
    Malformed,
    /// Its header says that it is not signed.
    #[error("the token is not signed: only signed tokens are accepted")]
    Unsigned,
    /// Its header names another algorithm than the key's.
    #[error("the token is signed in another way than this host accepts: use a key of this host (EdDSA)")]
    WrongAlgorithm,
    /// Its header names a key that this host does not have.
    #[error(
        "the token's key is not one of this host: make a new token with `openanalyst token` and the host's data directory"
    )]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature does not hold: make a new token")]
    BadSignature,
    /// It was valid once.
    #[error("the token has expired: make a new one")]
    Expired,
    /// It will be valid later.
    #[error("the token is not valid yet: wait, or check the clock of whoever issued it")]
    NotYetValid,
    /// Somebody else issued it.
    #[error("the token's issuer (`iss`) is not one that this host trusts")]
    WrongIssuer,
    /// It is for somebody else.
    #[error("the token's audience (`aud`) is not this host")]
    WrongAudience,
    /// A claim that is needed is not there.
    #[error("the token has no claim `{0}`: whoever issues it must add it")]
    MissingClaim(&'static str),
    /// A claim has a value that cannot be.
    #[error("the token's claim `{0}` has a wrong value or type")]
    InvalidClaim(&'static str),
    /// It does not allow this.
    #[error("the token lacks the scope `{0}`: make one with `--scope {0}`")]
    MissingScope(Scope),
}

impl TokenError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Malformed => "token-malformed",
            Self::Unsigned => "token-unsigned",
            Self::WrongAlgorithm => "token-wrong-algorithm",
            Self::UnknownKey => "token-unknown-key",
            Self::BadSignature => "token-bad-signature",
            Self::Expired => "token-expired",
            Self::NotYetValid => "token-not-yet-valid",
            Self::WrongIssuer => "token-wrong-issuer",
            Self::WrongAudience => "token-wrong-audience",
            Self::MissingClaim(_) => "token-missing-claim",
            Self::InvalidClaim(_) => "token-invalid-claim",
            Self::MissingScope(_) => "missing-scope",
        }
    }
}

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    key_id: String,
    key: DecodingKey,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("key_id", &self.inner.key_id).finish_non_exhaustive()
    }
}

impl Verifier {
    pub(crate) fn new(key_id: String, key: DecodingKey) -> Self {
        Self { inner: Arc::new(Inner { key_id, key }) }
    }

    /// Tells who holds a token.
    ///
    /// Needed: `exp`, `sub` (the user), `tenant`, `iss` and `aud`; `nbf` counts where it is there. Times may be off by 5 s. `scope` is a space-separated
    /// list; names in it that are not known grant nothing.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Principal, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > MAX_BYTES || token.split('.').count() != 3 {
            return Err(TokenError::Malformed);
        }
        self.check_header(token)?;
        // Only the signature is left to the library: times are compared with the caller's clock, and types exactly.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &self.inner.key, &validation);
        let claims = Claims(
            decoded
                .map_err(|error| match error.kind() {
                    jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::BadSignature,
                    _ => TokenError::Malformed,
                })?
                .claims,
        );
        claims.principal(now_ms)
    }

    /// Compares the header with the key, before any cryptography.
    fn check_header(&self, token: &str) -> Result<(), TokenError> {
        let encoded = token.split('.').next().unwrap_or_default();
        let header = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError::Malformed)?;
        let header: Map<String, Value> = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        match header.get("alg").and_then(Value::as_str) {
            Some("EdDSA") => {}
            Some(alg) if alg.eq_ignore_ascii_case("none") => return Err(TokenError::Unsigned),
            Some(_) => return Err(TokenError::WrongAlgorithm),
            None => return Err(TokenError::Malformed),
        }
        // RFC 7515 §4.1.11: what must be understood and is not, refuses the token.
        if header.contains_key("crit") {
            return Err(TokenError::Malformed);
        }
        match header.get("kid") {
            Some(Value::String(kid)) if *kid == self.inner.key_id => Ok(()),
            _ => Err(TokenError::UnknownKey),
        }
    }
}

struct Claims(Map<String, Value>);

impl Claims {
    fn principal(&self, now_ms: i64) -> Result<Principal, TokenError> {
        let expires_at_ms = self.time("exp")?.ok_or(TokenError::MissingClaim("exp"))?;
        if expires_at_ms.saturating_add(LEEWAY_MS) <= now_ms {
            return Err(TokenError::Expired);
        }
        if self.time("nbf")?.is_some_and(|from| from.saturating_sub(LEEWAY_MS) > now_ms) {
            return Err(TokenError::NotYetValid);
        }
        if self.text("iss")? != ISSUER {
            return Err(TokenError::WrongIssuer);
        }
        let audience = match self.0.get("aud") {
            None => return Err(TokenError::MissingClaim("aud")),
            Some(Value::String(audience)) => audience == ISSUER,
            Some(Value::Array(list)) => list.iter().any(|audience| audience == ISSUER),
            Some(_) => return Err(TokenError::InvalidClaim("aud")),
        };
        if !audience {
            return Err(TokenError::WrongAudience);
        }
        let scope = match self.0.get("scope") {
            None => "",
            Some(Value::String(scope)) => scope,
            Some(_) => return Err(TokenError::InvalidClaim("scope")),
        };
        Ok(Principal {
            tenant: TenantId::parse(self.text("tenant")?).map_err(|_| TokenError::InvalidClaim("tenant"))?,
            user: UserId::parse(self.text("sub")?).map_err(|_| TokenError::InvalidClaim("sub"))?,
            scopes: ScopeSet::parse(scope),
            expires_at_ms,
            token_id: self.0.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }

    fn text(&self, name: &'static str) -> Result<&str, TokenError> {
        match self.0.get(name) {
            None => Err(TokenError::MissingClaim(name)),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(TokenError::InvalidClaim(name)),
        }
    }

    /// Seconds since 1970 as a whole number, and nothing else: no text, no fraction.
    fn time(&self, name: &'static str) -> Result<Option<i64>, TokenError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => {
                let seconds = value.as_i64().filter(|seconds| (0..=253_402_300_799).contains(seconds));
                seconds.map(|seconds| Some(seconds * 1_000)).ok_or(TokenError::InvalidClaim(name))
            }
        }
    }
}
