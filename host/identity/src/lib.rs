//! Identity: keys, tokens, principals, scopes.
//!
//! A [`Principal`] can only come from [`Verifier::verify`]: whoever holds one knows that a key of this host vouched for it. The algorithm belongs to the
//! key; what a token's header says of it is only compared. Time is given by the caller, so nothing here reads a clock. This crate knows no HTTP.
//!
//! Begin at [`Verifier`], then [`LocalKey`].

mod claims;
mod error;
mod issuer;
mod jwks;
mod key;
mod keys;
mod principal;
mod revocation;
mod scope;
mod token;

pub use claims::ClaimRules;
pub use error::TokenError;
pub use issuer::{IssuerError, IssuerKeys, IssuerOptions, MIN_SECRET_BYTES};
pub use jwks::{JwksDocument, JwksFetch, MAX_JWKS_BYTES};
pub use key::{KeyError, LocalKey, TokenRequest};
pub use keys::LocalKeys;
pub use principal::Principal;
pub use revocation::{Revocation, Revocations};
pub use scope::{Scope, ScopeSet, UnknownScope};
pub use token::Verifier;

/// Who issues the local tokens, and whom they are for: the `iss` and the `aud` of RFC 7519.
pub const ISSUER: &str = "openanalyst";
