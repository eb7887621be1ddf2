//! Who may issue tokens: this host itself, and the identity providers that its operator named.

use std::sync::RwLock;

use jsonwebtoken::{Algorithm, DecodingKey};
use openanalyst_domain::TenantId;

use crate::claims::ClaimRules;
use crate::jwks::Remote;
use crate::token::Key;

/// Fewest bytes of a shared secret (RFC 7518 §3.2: as long as the hash).
pub const MIN_SECRET_BYTES: usize = 32;

/// An identity provider, as it is configured.
#[derive(Debug, Clone)]
pub struct IssuerOptions {
    /// Its `iss`, exactly.
    pub issuer: String,
    /// The `aud` that its tokens must have one of.
    pub audiences: Vec<String>,
    /// The claim that names the tenant, as in [`ClaimRules`].
    pub tenant_claim: String,
    /// Under which names its tokens say the rest.
    pub rules: ClaimRules,
    /// The tenants that it may speak for. None: every tenant. Name them wherever the provider belongs to one organisation.
    pub tenants: Option<Vec<TenantId>>,
    /// Its keys.
    pub keys: IssuerKeys,
}

/// Where the keys of an issuer come from.
#[derive(Clone)]
pub enum IssuerKeys {
    /// A key set at a URL: RSA (RS and PS, 256 to 512), ES256, ES384 and EdDSA.
    Jwks(String),
    /// A shared secret: HS256.
    Secret(Vec<u8>),
}

impl std::fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Jwks(url) => write!(f, "Jwks({url})"),
            Self::Secret(_) => f.write_str("Secret(***)"),
        }
    }
}

/// An issuer cannot be configured so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Too short a secret could be guessed.
    #[error(
        "the shared secret of the issuer `{issuer}` has {bytes} bytes and {MIN_SECRET_BYTES} are the least: make one with `openssl rand -base64 48`"
    )]
    ShortSecret {
        /// The issuer.
        issuer: String,
        /// How long it is.
        bytes: usize,
    },
    /// Keys that came over an open line could be anybody's.
    #[error("the key set of the issuer `{issuer}` must be fetched by https (http only from this machine): {url}")]
    OpenLine {
        /// The issuer.
        issuer: String,
        /// The URL.
        url: String,
    },
    /// Two issuers with one name.
    #[error("the issuer `{0}` is configured twice, or is this host's own name")]
    Twice(String),
    /// Something is missing.
    #[error("the issuer `{issuer}` needs {what}")]
    Missing {
        /// The issuer.
        issuer: String,
        /// What.
        what: &'static str,
    },
}

/// An issuer at work.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) tenant_claim: String,
    pub(crate) rules: ClaimRules,
    pub(crate) tenants: Option<Vec<TenantId>>,
    pub(crate) keys: RwLock<Vec<Key>>,
    pub(crate) remote: Option<Remote>,
}

impl Issuer {
    pub(crate) fn new(options: IssuerOptions) -> Result<Self, IssuerError> {
        let issuer = options.issuer.clone();
        let missing = |what| IssuerError::Missing { issuer: issuer.clone(), what };
        if options.issuer.is_empty() {
            return Err(missing("a name: the `iss` of its tokens"));
        }
        if options.audiences.is_empty() || options.audiences.iter().any(String::is_empty) {
            return Err(missing("an audience: the `aud` of tokens for this host"));
        }
        if options.rules.audience.is_empty() {
            return Err(missing("an `audience-claim` that is not empty: leave it out for `aud`"));
        }
        if options.rules.scopes.is_empty() || options.rules.scopes.iter().any(String::is_empty) {
            return Err(missing("a `scope-claim` that is not empty: leave it out for `scope`"));
        }
        if options.rules.tenant.is_none() && options.tenant_claim.is_empty() {
            return Err(missing("a `tenant-claim`, or `tenant` where all its tokens are of one"));
        }
        let (keys, remote) = match options.keys {
            IssuerKeys::Secret(secret) if secret.len() < MIN_SECRET_BYTES => {
                return Err(IssuerError::ShortSecret { issuer, bytes: secret.len() });
            }
            IssuerKeys::Secret(secret) => {
                let decoding = DecodingKey::from_secret(&secret);
                (vec![Key { id: String::new(), algorithms: vec![Algorithm::HS256], decoding }], None)
            }
            IssuerKeys::Jwks(url) => {
                let rest = url.strip_prefix("http://").unwrap_or_default();
                let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
                // An address in brackets is cut at its first colon, so `[::1]` is looked for whole.
                let local = host == "127.0.0.1" || host == "localhost" || rest.starts_with("[::1]");
                if !url.starts_with("https://") && (!local || rest.contains('@')) {
                    return Err(IssuerError::OpenLine { issuer, url });
                }
                (Vec::new(), Some(Remote::new(url)))
            }
        };
        Ok(Self {
            name: options.issuer,
            audiences: options.audiences,
            tenant_claim: options.tenant_claim,
            rules: options.rules,
            tenants: options.tenants,
            keys: RwLock::new(keys),
            remote,
        })
    }
}
