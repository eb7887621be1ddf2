//! Who somebody is, proven.

use openanalyst_domain::{Owner, TenantId, UserId};

use crate::{Scope, ScopeSet, TokenError};

/// The holder of a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The organisation.
    pub tenant: TenantId,
    /// The person in it.
    pub user: UserId,
    /// What the token allows.
    pub scopes: ScopeSet,
    /// When it was issued (`iat`), UTC milliseconds; the beginning of all times where it does not say.
    pub issued_at_ms: i64,
    /// When the proof ends, UTC milliseconds.
    pub expires_at_ms: i64,
    /// Who issued the token (`iss`).
    pub issuer: String,
    /// The key that signed it.
    pub key_id: String,
    /// The token's own id (`jti`); where it has none, the SHA-256 of the token.
    pub token_id: String,
}

impl Principal {
    /// Whose data this principal may touch.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::new(self.tenant.clone(), self.user.clone())
    }

    /// Whether the token allows this.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }

    /// Fails where the token does not allow this.
    ///
    /// # Errors
    /// [`TokenError::MissingScope`]; [`Verifier::require`](crate::Verifier::require) says more for the
    /// token of an identity provider.
    pub fn require(&self, scope: Scope) -> Result<(), TokenError> {
        if self.has(scope) { Ok(()) } else { Err(TokenError::MissingScope(scope)) }
    }
}
