//! Tokens: JWTs (RFC 7519). The host signs its own with Ed25519 (`EdDSA`, RFC 8037).

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use openanalyst_domain::{TenantId, UserId};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::issuer::{Issuer, IssuerError, IssuerOptions};
use crate::jwks::{self, Due, JwksFetch, Remote};
use crate::{ISSUER, Principal, Revocations, Scope, ScopeSet};

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
    #[error(
        "the token is signed in another way than its key is for: use the algorithm of the key (EdDSA for tokens of this host)"
    )]
    WrongAlgorithm,
    /// Its header names a key that this host does not have.
    #[error(
        "the token's key is not one that its issuer has now: sign in again, or make a new token with `openanalyst token` and the host's data directory"
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
    /// Its issuer may not speak for this tenant.
    #[error("the token's issuer may not issue tokens for this tenant: the operator names the tenants of each issuer")]
    WrongTenant,
    /// It was ended before its time.
    #[error("the token was revoked: make a new one, or ask an administrator")]
    Revoked,
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
            Self::WrongTenant => "token-wrong-tenant",
            Self::Revoked => "token-revoked",
            Self::MissingScope(_) => "missing-scope",
        }
    }
}

/// A key that can verify, with the one algorithm that it is for.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Verifies tokens. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    /// The host's own first.
    issuers: Vec<Issuer>,
    /// Where the host's own keys stand, to find one that was made by another process.
    folder: Option<PathBuf>,
    looked_at_ms: AtomicI64,
    fetch: Option<Arc<dyn JwksFetch>>,
    revocations: Revocations,
    /// Tokens whose signature was found true, by their SHA-256. Everything else is looked at again at each use.
    verified: Cache<[u8; 32], Verified>,
}

/// A token that was found true.
#[derive(Clone)]
struct Verified {
    principal: Arc<Principal>,
    /// Before this moment it is not good: the later one of `nbf` and `iat`, UTC milliseconds.
    not_before_ms: i64,
}

/// How often the folder of the host's own keys is looked at again for an unknown key.
const LOOK_EVERY_MS: i64 = 1_000;
/// How many tokens are remembered.
const REMEMBERED: usize = 10_000;
/// How long a token may wait for the keys of its issuer.
const MAX_FETCH: Duration = Duration::from_secs(5);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.inner.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
        f.debug_struct("Verifier").field("issuers", &names).finish_non_exhaustive()
    }
}

/// What a token's header says.
struct Header {
    algorithm: String,
    key_id: Option<String>,
}

impl Verifier {
    pub(crate) fn local(keys: Vec<Key>, folder: Option<PathBuf>) -> Self {
        let own = Issuer {
            name: ISSUER.to_owned(),
            audiences: vec![ISSUER.to_owned()],
            tenant_claim: "tenant".to_owned(),
            tenants: None,
            keys: RwLock::new(keys),
            remote: None,
        };
        let inner = Inner {
            issuers: vec![own],
            folder,
            looked_at_ms: AtomicI64::new(i64::MIN),
            fetch: None,
            revocations: Revocations::default(),
            verified: Cache::new(REMEMBERED),
        };
        Self { inner: Arc::new(inner) }
    }

    /// With other issuers beside the host itself. `fetch` brings their key sets.
    ///
    /// # Errors
    /// One of them cannot be configured so.
    pub fn with_issuers(&self, issuers: Vec<IssuerOptions>, fetch: Arc<dyn JwksFetch>) -> Result<Self, IssuerError> {
        let own = &self.inner.issuers[0];
        let keys = std::mem::take(&mut *own.keys.write().unwrap_or_else(PoisonError::into_inner));
        let mut inner = Inner {
            issuers: vec![Issuer {
                name: own.name.clone(),
                audiences: own.audiences.clone(),
                tenant_claim: own.tenant_claim.clone(),
                tenants: None,
                keys: RwLock::new(keys),
                remote: None,
            }],
            folder: self.inner.folder.clone(),
            looked_at_ms: AtomicI64::new(i64::MIN),
            fetch: Some(fetch),
            revocations: self.inner.revocations.clone(),
            verified: Cache::new(REMEMBERED),
        };
        for options in issuers {
            if inner.issuers.iter().any(|known| known.name == options.issuer) {
                return Err(IssuerError::Twice(options.issuer));
            }
            inner.issuers.push(Issuer::new(options)?);
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The issuers that are trusted beside the host itself.
    #[must_use]
    pub fn issuers(&self) -> Vec<String> {
        self.inner.issuers.iter().skip(1).map(|issuer| issuer.name.clone()).collect()
    }

    /// What is revoked. Whoever keeps the record fills it.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        &self.inner.revocations
    }

    /// Tells who holds a token, with the keys that are known now.
    ///
    /// Needed: `exp`, `sub` (the user), the tenant, `iss` and `aud`; `nbf` and `iat` count where they are there. Times may be off by 5 s. `scope` is a
    /// space-separated list; names in it that are not known grant nothing. The issuer is chosen by `iss`, the key by `kid` among that issuer's keys, and the algorithm by
    /// the key: the header's is only compared.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Principal, TokenError> {
        if let Some(principal) = self.remembered(token, now_ms) {
            return Ok(principal);
        }
        let (header, issuer) = self.read(token)?;
        let principal = match self.verify_as(token, &header, issuer, now_ms) {
            Err(TokenError::UnknownKey) if self.look_again(issuer, now_ms) => {
                self.verify_as(token, &header, issuer, now_ms)?
            }
            verified => verified?,
        };
        if self.inner.revocations.is_revoked(&principal) { Err(TokenError::Revoked) } else { Ok(principal) }
    }

    /// Tells who holds a token; fetches the keys of its issuer where that is due. Waits at most 5 s for them.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn verify_fetching(&self, token: &str, now_ms: i64) -> Result<Principal, TokenError> {
        let (header, issuer) = self.read(token)?;
        let Some(remote) = &issuer.remote else { return self.verify(token, now_ms) };
        match remote.due(now_ms) {
            Due::No => {}
            Due::Refresh => {
                // Whoever comes while another one fetches goes on with what is there.
                if let Ok(_held) = remote.gate.try_lock() {
                    self.fetch(issuer, remote, now_ms).await;
                }
            }
            Due::Wait => self.fetch_once(issuer, remote, now_ms).await,
        }
        if remote.is_too_old(now_ms) {
            self.replace(issuer, Vec::new());
        }
        let principal = match self.verify_as(token, &header, issuer, now_ms) {
            Err(TokenError::UnknownKey) if remote.due_for_unknown(now_ms) => {
                self.fetch_once(issuer, remote, now_ms).await;
                self.verify_as(token, &header, issuer, now_ms)?
            }
            verified => verified?,
        };
        if self.inner.revocations.is_revoked(&principal) { Err(TokenError::Revoked) } else { Ok(principal) }
    }

    /// Fetches, unless somebody else just did while this waited.
    async fn fetch_once(&self, issuer: &Issuer, remote: &Remote, now_ms: i64) {
        let before = remote.fetches();
        let waited = tokio::time::timeout(MAX_FETCH, remote.gate.lock()).await;
        if let Ok(_held) = waited
            && remote.fetches() == before
        {
            self.fetch(issuer, remote, now_ms).await;
        }
    }

    async fn fetch(&self, issuer: &Issuer, remote: &Remote, now_ms: i64) {
        let Some(fetch) = &self.inner.fetch else { return };
        let fetched = match tokio::time::timeout(MAX_FETCH, fetch.fetch(&remote.url)).await {
            Ok(Ok(document)) => jwks::parse(&document.bytes).map(|keys| (keys, document.max_age)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(format!("no answer within {} s", MAX_FETCH.as_secs())),
        };
        match fetched {
            Ok((keys, max_age)) if !keys.is_empty() => {
                self.replace(issuer, keys);
                remote.succeeded(max_age, now_ms);
            }
            Ok(_) => {
                tracing::warn!(
                    issuer = issuer.name,
                    url = remote.url,
                    "the key set holds no key that can verify a signature"
                );
                remote.failed(now_ms);
            }
            Err(error) => {
                tracing::warn!(
                    issuer = issuer.name,
                    url = remote.url,
                    error,
                    "the keys of an issuer cannot be fetched"
                );
                remote.failed(now_ms);
            }
        }
    }

    /// Reads the host's own keys again, if that is due. True: there may be other ones now.
    fn look_again(&self, issuer: &Issuer, now_ms: i64) -> bool {
        let Some(folder) = &self.inner.folder else { return false };
        if issuer.name != ISSUER {
            return false;
        }
        let looked = self.inner.looked_at_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(looked) < LOOK_EVERY_MS {
            return false;
        }
        self.inner.looked_at_ms.store(now_ms, Ordering::Relaxed);
        match crate::keys::read(folder) {
            Ok(keys) => {
                self.replace(issuer, keys);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the host's own keys cannot be read again");
                false
            }
        }
    }

    /// Whether a proof that was good still is, its expiry apart: it was not revoked, and its key is still one of its issuer's.
    #[must_use]
    pub fn still_holds(&self, principal: &Principal) -> bool {
        let issuer = self.inner.issuers.iter().find(|issuer| issuer.name == principal.issuer);
        let signed = issuer.is_some_and(|issuer| {
            issuer.keys.read().unwrap_or_else(PoisonError::into_inner).iter().any(|key| key.id == principal.key_id)
        });
        signed && !self.inner.revocations.is_revoked(principal)
    }

    /// Replaces the keys of an issuer, and tells whoever watches if one of them is gone.
    fn replace(&self, issuer: &Issuer, keys: Vec<Key>) {
        let mut there = issuer.keys.write().unwrap_or_else(PoisonError::into_inner);
        let gone = there.iter().any(|old| keys.iter().all(|new| new.id != old.id));
        *there = keys;
        drop(there);
        if issuer.remote.is_some() {
            // A provider may give a new key an old id.
            self.inner.verified.clear();
        }
        if gone {
            self.inner.revocations.tell();
        }
    }

    /// Reads the host's own keys again, so that a retired one is not believed any more.
    pub fn reload(&self) {
        self.inner.looked_at_ms.store(i64::MIN, Ordering::Relaxed);
        self.look_again(&self.inner.issuers[0], 0);
    }

    /// Header and issuer, before any cryptography.
    fn read(&self, token: &str) -> Result<(Header, &Issuer), TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > MAX_BYTES {
            return Err(TokenError::Malformed);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let object = |part: &str| -> Result<Map<String, Value>, TokenError> {
            let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
            serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
        };
        let header = object(header)?;
        let algorithm = match header.get("alg").and_then(Value::as_str) {
            Some(alg) if alg.eq_ignore_ascii_case("none") => return Err(TokenError::Unsigned),
            Some(alg) => alg.to_owned(),
            None => return Err(TokenError::Malformed),
        };
        // RFC 7515 §4.1.11: what must be understood and is not, refuses the token.
        if header.contains_key("crit") {
            return Err(TokenError::Malformed);
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(key_id)) => Some(key_id.clone()),
            Some(_) => return Err(TokenError::UnknownKey),
        };
        // Not believed yet: it only says whose keys are to be tried.
        let claims = object(claims)?;
        let name = match claims.get("iss") {
            None => return Err(TokenError::MissingClaim("iss")),
            Some(Value::String(name)) => name,
            Some(_) => return Err(TokenError::InvalidClaim("iss")),
        };
        let issuer = self.inner.issuers.iter().find(|issuer| issuer.name == *name).ok_or(TokenError::WrongIssuer)?;
        Ok((Header { algorithm, key_id }, issuer))
    }

    /// A token that was found true before, if it still is: not expired, not revoked, of a key that its issuer still has.
    fn remembered(&self, token: &str, now_ms: i64) -> Option<Principal> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let verified = self.inner.verified.get(&digest_of(token))?;
        let principal = &*verified.principal;
        let good = principal.expires_at_ms.saturating_add(LEEWAY_MS) > now_ms
            && verified.not_before_ms.saturating_sub(LEEWAY_MS) <= now_ms
            && self.still_holds(principal);
        // Whatever is wrong with it now, the full look says it.
        good.then(|| principal.clone())
    }

    fn verify_as(&self, token: &str, header: &Header, issuer: &Issuer, now_ms: i64) -> Result<Principal, TokenError> {
        if let Some(principal) = self.remembered(token, now_ms) {
            return Ok(principal);
        }
        let keys = issuer.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = match &header.key_id {
            // A shared secret has no id.
            _ if keys.len() == 1 && keys[0].id.is_empty() => &keys[0],
            Some(id) => keys.iter().find(|key| key.id == *id).ok_or(TokenError::UnknownKey)?,
            // RFC 7515 §4.1.4: the id may be left out; with one key there is no choice. The host's own tokens always have it.
            None if keys.len() == 1 && issuer.name != ISSUER => &keys[0],
            None => return Err(TokenError::UnknownKey),
        };
        if header.algorithm != format!("{:?}", key.algorithm) {
            return Err(TokenError::WrongAlgorithm);
        }
        // Only the signature is left to the library: times are compared with the caller's clock, and types exactly.
        let mut validation = Validation::new(key.algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &key.decoding, &validation);
        let claims = Claims(
            decoded
                .map_err(|error| match error.kind() {
                    jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::BadSignature,
                    _ => TokenError::Malformed,
                })?
                .claims,
        );
        let mut principal = claims.principal(issuer, now_ms)?;
        principal.key_id.clone_from(&key.id);
        let digest = digest_of(token);
        if principal.token_id.is_empty() {
            // What has no id of its own is named by itself, so that it can be revoked too.
            principal.token_id = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        }
        let not_before_ms = claims.time("nbf")?.unwrap_or(i64::MIN).max(claims.time("iat")?.unwrap_or(i64::MIN));
        self.inner.verified.insert(digest, Verified { principal: Arc::new(principal.clone()), not_before_ms });
        Ok(principal)
    }
}

fn digest_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

struct Claims(Map<String, Value>);

impl Claims {
    fn principal(&self, issuer: &Issuer, now_ms: i64) -> Result<Principal, TokenError> {
        let expires_at_ms = self.time("exp")?.ok_or(TokenError::MissingClaim("exp"))?;
        if expires_at_ms.saturating_add(LEEWAY_MS) <= now_ms {
            return Err(TokenError::Expired);
        }
        if self.time("nbf")?.is_some_and(|from| from.saturating_sub(LEEWAY_MS) > now_ms) {
            return Err(TokenError::NotYetValid);
        }
        let issued_at_ms = self.time("iat")?;
        if issued_at_ms.is_some_and(|at| at.saturating_sub(LEEWAY_MS) > now_ms) {
            return Err(TokenError::NotYetValid);
        }
        if self.text("iss")? != issuer.name {
            return Err(TokenError::WrongIssuer);
        }
        let meant = |audience: &str| issuer.audiences.iter().any(|own| own == audience);
        let audience = match self.0.get("aud") {
            None => return Err(TokenError::MissingClaim("aud")),
            Some(Value::String(audience)) => meant(audience),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(meant),
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
        let tenant = match self.0.get(&issuer.tenant_claim) {
            None => return Err(TokenError::MissingClaim("tenant")),
            Some(Value::String(tenant)) => {
                TenantId::parse(tenant.as_str()).map_err(|_| TokenError::InvalidClaim("tenant"))?
            }
            Some(_) => return Err(TokenError::InvalidClaim("tenant")),
        };
        if issuer.tenants.as_ref().is_some_and(|tenants| !tenants.contains(&tenant)) {
            return Err(TokenError::WrongTenant);
        }
        Ok(Principal {
            tenant,
            user: UserId::parse(self.text("sub")?).map_err(|_| TokenError::InvalidClaim("sub"))?,
            scopes: ScopeSet::parse(scope),
            issued_at_ms: issued_at_ms.unwrap_or(i64::MIN),
            expires_at_ms,
            issuer: issuer.name.clone(),
            key_id: String::new(),
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
