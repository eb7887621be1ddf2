//! The key that signs local tokens: Ed25519, in a file that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use openanalyst_domain::{TenantId, UserId};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::token::Key;
use crate::{ISSUER, Scope, ScopeSet, Verifier};

/// Most bytes of a key file.
const MAX_FILE_BYTES: u64 = 16 << 10;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file {} cannot be used: {reason}. Check the path and its owner", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Others can read the file.
    #[error("the key file {} can be read by others (mode {mode:03o}): run chmod 600 on it, or remove it to have a new key", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds no key.
    #[error("the key file {} holds no Ed25519 key (PKCS#8 PEM): restore it, or remove it to have a new key; tokens of the old one end then", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// There is no earlier key with this id.
    #[error(
        "there is no earlier key `{key_id}`: `openanalyst keys list` names them; the key that signs is rotated first"
    )]
    Unknown {
        /// What was asked for.
        key_id: String,
    },
    /// The machine gives no random numbers.
    #[error("this machine gives no random numbers: {0}")]
    Random(String),
    /// A token could not be made.
    #[error("the token cannot be signed: {0}")]
    Sign(String),
}

/// What a token shall say.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The organisation.
    pub tenant: TenantId,
    /// The person in it.
    pub user: UserId,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// How long it is valid, whole seconds.
    pub ttl: Duration,
    /// The time, UTC milliseconds.
    pub now_ms: i64,
}

/// The local signing key. Has no `Debug` output of the key itself.
pub struct LocalKey {
    key_id: String,
    encoding: EncodingKey,
    public_key: String,
}

impl std::fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl LocalKey {
    /// Reads the key, or makes one. Of two processes that make one at the same time, both get the same.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::open(path) {
            Err(KeyError::File { reason, .. }) if reason == MISSING => {
                create(path)?;
                Self::open(path)
            }
            opened => opened,
        }
    }

    pub(crate) fn open(path: &Path) -> Result<Self, KeyError> {
        let failed = |error: &std::io::Error| {
            let reason = if error.kind() == ErrorKind::NotFound { MISSING.to_owned() } else { error.to_string() };
            KeyError::File { path: path.to_owned(), reason }
        };
        let file = File::open(path).map_err(|error| failed(&error))?;
        let mode = file.metadata().map_err(|error| failed(&error))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.to_owned(), mode });
        }
        let damaged = || KeyError::Damaged { path: path.to_owned() };
        let mut pem = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut pem).map_err(|error| failed(&error))?;
        let pem = String::from_utf8(pem).map_err(|_| damaged())?;
        let signing = SigningKey::from_pkcs8_pem(&pem).map_err(|_| damaged())?;
        Self::of(&signing).map_err(|_| damaged())
    }

    fn of(signing: &SigningKey) -> Result<Self, jsonwebtoken::errors::Error> {
        let public = URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes());
        // RFC 7638 §3: the members in this order, without spaces.
        let thumbprint = Sha256::digest(format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{public}\"}}"));
        let key_id = URL_SAFE_NO_PAD.encode(thumbprint);
        let pem =
            signing.to_pkcs8_pem(LineEnding::LF).map_err(|_| jsonwebtoken::errors::ErrorKind::InvalidKeyFormat)?;
        let encoding = EncodingKey::from_ed_pem(pem.as_bytes())?;
        let public_key = public.clone();
        Ok(Self { key_id, encoding, public_key })
    }

    /// The key's id: its thumbprint (RFC 7638).
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Verifies what this key signed, and nothing else.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier::local(self.verifying().into_iter().collect(), None)
    }

    /// The half that verifies. It was read from the key itself, so it can be read again.
    pub(crate) fn verifying(&self) -> Option<Key> {
        let decoding = DecodingKey::from_ed_components(&self.public_key).ok()?;
        Some(Key { id: self.key_id.clone(), algorithms: vec![Algorithm::EdDSA], decoding })
    }

    /// Signs a token.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign(&self, request: &TokenRequest) -> Result<String, KeyError> {
        let now_s = request.now_ms.div_euclid(1_000);
        let ttl_s = i64::try_from(request.ttl.as_secs()).unwrap_or(i64::MAX);
        let scopes: ScopeSet = request.scopes.iter().copied().collect();
        let claims = json!({
            "iss": ISSUER, "aud": ISSUER, "sub": request.user, "tenant": request.tenant, "scope": scopes.to_string(),
            "iat": now_s, "nbf": now_s, "exp": now_s.saturating_add(ttl_s), "jti": Uuid::now_v7(),
        });
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|error| KeyError::Sign(error.to_string()))
    }
}

pub(crate) const MISSING: &str = "it is not there";

/// Writes a new key beside the path, and links it there if nobody else did.
pub(crate) fn create(path: &Path) -> Result<(), KeyError> {
    let failed = |error: &std::io::Error| KeyError::File { path: path.to_owned(), reason: error.to_string() };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| KeyError::Random(error.to_string()))?;
    let signing = SigningKey::from_bytes(&seed);
    let pem = signing.to_pkcs8_pem(LineEnding::LF).map_err(|error| KeyError::Random(error.to_string()))?;
    let fresh = path.with_extension(format!("{}.new", Uuid::now_v7()));
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::hard_link(&fresh, path));
    // The link is what counts.
    let _ = fs::remove_file(&fresh);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(&error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_the_same_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.pem");
        let first = LocalKey::open_or_create(&path).unwrap();
        assert_eq!(LocalKey::open_or_create(&path).unwrap().key_id(), first.key_id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn many_at_once_get_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.pem");
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || LocalKey::open_or_create(&path).unwrap().key_id().to_owned())
            })
            .collect();
        let ids: std::collections::HashSet<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 1);
    }

    #[test]
    fn a_key_that_cannot_be_trusted_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.pem");
        fs::write(&path, "no key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(LocalKey::open_or_create(&path), Err(KeyError::Open { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = LocalKey::open_or_create(&path).unwrap_err();
        assert!(error.to_string().contains("signing.pem") && error.to_string().contains("remove it"), "{error}");
        assert!(LocalKey::open_or_create(&dir.path().join("no/such/folder")).is_err());
    }
}
