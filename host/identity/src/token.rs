//! Tokens: JWTs (RFC 7519). The host signs its own with Ed25519 (`EdDSA`, RFC 8037).

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::claims::{BEGIN_LEEWAY_MS, ClaimRules, Claims, EXPIRY_LEEWAY_MS};
use crate::error::MAX_BYTES;
use crate::issuer::{Issuer, IssuerError, IssuerOptions};
use crate::jwks::{self, Due, JwksFetch, Remote};
use crate::{ISSUER, Principal, Revocations, Scope, TokenError};

/// A key that can verify, with the algorithms that it is for: one, but for an RSA key whose set does
/// not say which.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) decoding: DecodingKey,
}

impl Key {
    /// The algorithm with this name, if the key is for it.
    fn fits(&self, name: &str) -> Option<Algorithm> {
        self.algorithms.iter().copied().find(|algorithm| name == format!("{algorithm:?}"))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
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
/// Most keys that are tried for a token: those of one id, or where the token names none, those of its algorithm.
const MAX_TRIED: usize = 4;
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
            rules: ClaimRules::default(),
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
                rules: own.rules.clone(),
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
    /// Needed: `exp`, `sub` (the user), the tenant, `iss` and the audience; `nbf` and `iat` count where
    /// they are there. A token is taken 5 s after its end and 60 s before its beginning. Scopes that are
    /// not known grant nothing. The issuer is chosen by `iss`, the keys by `kid` among that issuer's, or by the
    /// algorithm where there is no `kid`, and the algorithm by the key: the header's is only compared. The issuer's [`ClaimRules`] say under
    /// which names the rest stands.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Principal, TokenError> {
        if let Some(principal) = self.remembered(token, now_ms) {
            return Ok(principal);
        }
        let (header, issuer) = self.read(token)?;
        let principal = match self.verify_as(token, &header, issuer, now_ms) {
            Err(error) if error.is_about_keys() && self.look_again(issuer, now_ms) => {
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
        let verified = match self.verify_as(token, &header, issuer, now_ms) {
            Err(error) if error.is_about_keys() && remote.due_for_unknown(now_ms) => {
                self.fetch_once(issuer, remote, now_ms).await;
                self.verify_as(token, &header, issuer, now_ms)
            }
            verified => verified,
        };
        let principal = match (verified, remote.retry_in_ms(now_ms)) {
            // Whether the issuer has such a key is not known: it could not be asked.
            (Err(error), Some(retry_after_ms)) if error.is_about_keys() => {
                return Err(TokenError::KeysUnavailable { retry_after_ms });
            }
            (verified, _) => verified?,
        };
        if self.inner.revocations.is_revoked(&principal) { Err(TokenError::Revoked) } else { Ok(principal) }
    }

    /// Fails where a token does not allow something, and says in which claims that was looked for.
    ///
    /// # Errors
    /// [`TokenError::MissingScope`], [`TokenError::MissingForeignScope`].
    pub fn require(&self, principal: &Principal, scope: Scope) -> Result<(), TokenError> {
        principal.require(scope).map_err(|error| {
            let foreign = self.inner.issuers.iter().skip(1).find(|issuer| issuer.name == principal.issuer);
            match foreign {
                Some(issuer) => TokenError::MissingForeignScope { scope, claims: issuer.rules.scopes_in_words() },
                None => error,
            }
        })
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
            Ok(Ok(document)) => jwks::parse(&document.bytes).map(|set| {
                for reason in &set.left_out {
                    tracing::warn!(issuer = issuer.name, reason, "a key of the key set is left out");
                }
                (set.keys, document.max_age)
            }),
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
            return Err(TokenError::TooLong { bytes: token.len() });
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
            None | Some(Value::Null) => None,
            Some(Value::String(key_id)) => Some(key_id.clone()),
            Some(_) => return Err(TokenError::UnknownKey),
        };
        // Not believed yet: it only says whose keys are to be tried.
        let claims = object(claims)?;
        let name = match claims.get("iss") {
            None => return Err(TokenError::MissingClaim("iss".to_owned())),
            Some(Value::String(name)) => name,
            Some(_) => {
                let found = "not a text".to_owned();
                return Err(TokenError::InvalidClaim { claim: "iss".to_owned(), found });
            }
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
        let good = principal.expires_at_ms.saturating_add(EXPIRY_LEEWAY_MS) > now_ms
            && verified.not_before_ms.saturating_sub(BEGIN_LEEWAY_MS) <= now_ms
            && self.still_holds(principal);
        // Whatever is wrong with it now, the full look says it.
        good.then(|| principal.clone())
    }

    fn verify_as(&self, token: &str, header: &Header, issuer: &Issuer, now_ms: i64) -> Result<Principal, TokenError> {
        if let Some(principal) = self.remembered(token, now_ms) {
            return Ok(principal);
        }
        let keys = issuer.keys.read().unwrap_or_else(PoisonError::into_inner);
        // A shared secret has no id.
        let is_shared = keys.len() == 1 && keys[0].id.is_empty();
        let named: Vec<&Key> = match &header.key_id {
            _ if is_shared => vec![&keys[0]],
            // Two keys of one id are known from rotations that went wrong: either may have signed.
            Some(id) => keys.iter().filter(|key| key.id == *id).take(MAX_TRIED).collect(),
            // RFC 7515 §4.1.4: the id may be left out. The host's own tokens always have it.
            None if issuer.name == ISSUER => Vec::new(),
            None => keys.iter().filter(|key| key.fits(&header.algorithm).is_some()).take(MAX_TRIED).collect(),
        };
        let tried_keys = named.len();
        if header.key_id.is_some() && named.is_empty() {
            return Err(TokenError::UnknownKey);
        }
        let mut tried = Err(TokenError::WrongAlgorithm);
        for key in named {
            let Some(algorithm) = key.fits(&header.algorithm) else { continue };
            tried = signed_by(token, key, algorithm).map(|claims| (claims, key.id.clone()));
            if tried.is_ok() {
                break;
            }
        }
        let (claims, key_id) = match tried {
            // That no key has the token's algorithm is said as it is.
            Err(TokenError::WrongAlgorithm) if !keys.is_empty() => return Err(TokenError::WrongAlgorithm),
            Err(TokenError::BadSignature | TokenError::WrongAlgorithm) if header.key_id.is_none() && !is_shared => {
                return Err(TokenError::KeyNotNamed { tried: tried_keys });
            }
            tried => tried?,
        };
        let mut principal = claims.principal(issuer, now_ms)?;
        principal.key_id = key_id;
        let digest = digest_of(token);
        if principal.token_id.is_empty() {
            // What has no id of its own is named by itself, so that it can be revoked too.
            principal.token_id = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        }
        let not_before_ms = claims.not_before_ms()?;
        self.inner.verified.insert(digest, Verified { principal: Arc::new(principal.clone()), not_before_ms });
        Ok(principal)
    }
}

/// The claims of a token that a key has signed.
fn signed_by(token: &str, key: &Key, algorithm: Algorithm) -> Result<Claims, TokenError> {
    // Only the signature is left to the library: times are compared with the caller's clock, and types exactly.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &key.decoding, &validation);
    match decoded {
        Ok(decoded) => Ok(Claims(decoded.claims)),
        Err(error) => Err(match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::BadSignature,
            _ => TokenError::Malformed,
        }),
    }
}

fn digest_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
