//! Why a token is refused, in words for the person who sent it.

use crate::Scope;

/// Most bytes of a token. Providers that list groups and roles come near it.
pub(crate) const MAX_BYTES: usize = 16 << 10;

/// Why a token is not accepted. Never holds the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("a token is needed: send `Authorization: Bearer TOKEN`; `openanalyst token` makes one")]
    Missing,
    /// It is no JWT.
    #[error("the token cannot be read: send the whole JWT, three parts divided by dots")]
    Malformed,
    /// It is too long.
    #[error(
        "the token has {bytes} bytes and {MAX_BYTES} is the limit: let its issuer put fewer groups or roles into it"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
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
    /// Its header names no key, and its signature was made by none of the keys that were tried.
    #[error(
        "the token does not say which key signed it (it has no `kid`), and no key of its issuer fits it ({tried} tried): \
         let the issuer put `kid` into the header of its tokens, or sign in again"
    )]
    KeyNotNamed {
        /// How many keys of its issuer have its algorithm and were tried.
        tried: usize,
    },
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
    #[error(
        "the token has no claim `{0}`: its issuer must add it, or the operator names another claim in the issuers file"
    )]
    MissingClaim(String),
    /// A claim has a value that cannot be.
    #[error("the token's claim `{claim}` cannot be used: it is {found}")]
    InvalidClaim {
        /// Its name, as it was looked for.
        claim: String,
        /// What stands there, by its form only.
        found: String,
    },
    /// Its issuer may not speak for this tenant.
    #[error("the token's issuer may not issue tokens for this tenant: the operator names the tenants of each issuer")]
    WrongTenant,
    /// It was ended before its time.
    #[error("the token was revoked: make a new one, or ask an administrator")]
    Revoked,
    /// It does not allow this.
    #[error("the token lacks the scope `{0}`: make one with `--scope {0}`")]
    MissingScope(Scope),
    /// An identity provider's token does not allow this.
    #[error(
        "the token lacks the scope `{scope}`, which was looked for in its claim {claims}: let its issuer grant it, \
         or the operator sets `scope-claim` and `scopes` of the issuer"
    )]
    MissingForeignScope {
        /// The scope.
        scope: Scope,
        /// Where it was looked for.
        claims: String,
    },
    /// The keys of its issuer cannot be had now, so nothing can be said of the token.
    #[error("the keys of the token's issuer cannot be fetched now, so the token cannot be checked: try again")]
    KeysUnavailable {
        /// When the keys are fetched again, milliseconds from now.
        retry_after_ms: u64,
    },
}

impl TokenError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Malformed => "token-malformed",
            Self::TooLong { .. } => "token-too-long",
            Self::Unsigned => "token-unsigned",
            Self::WrongAlgorithm => "token-wrong-algorithm",
            Self::UnknownKey => "token-unknown-key",
            Self::KeyNotNamed { .. } => "token-key-not-named",
            Self::BadSignature => "token-bad-signature",
            Self::Expired => "token-expired",
            Self::NotYetValid => "token-not-yet-valid",
            Self::WrongIssuer => "token-wrong-issuer",
            Self::WrongAudience => "token-wrong-audience",
            Self::MissingClaim(_) => "token-missing-claim",
            Self::InvalidClaim { .. } => "token-invalid-claim",
            Self::WrongTenant => "token-wrong-tenant",
            Self::Revoked => "token-revoked",
            Self::MissingScope(_) | Self::MissingForeignScope { .. } => "missing-scope",
            Self::KeysUnavailable { .. } => "token-keys-unavailable",
        }
    }

    /// Whether other keys of the issuer could prove the token: it makes sense to fetch them anew.
    pub(crate) fn is_about_keys(&self) -> bool {
        matches!(self, Self::UnknownKey | Self::KeyNotNamed { .. })
    }
}
