//! Identity: keys, tokens, principals, scopes.
//!
//! A [`Principal`] can only come from [`Verifier::verify`]: whoever holds one knows that a key of this host vouched for it. The algorithm belongs to the
//! key; what a token's header says of it is only compared. Time is given by the caller, so nothing here reads a clock. This crate knows no HTTP.
//!
//! Begin at [`Verifier`], then [`LocalKey`].

mod key;
mod principal;
mod scope;
mod token;

pub use key::{KeyError, LocalKey, TokenRequest};
pub use principal::Principal;
pub use scope::{Scope, ScopeSet, UnknownScope};
pub use token::{TokenError, Verifier};

/// Who issues the local tokens, and whom they are for: the `iss` and the `aud` of RFC 7519.
pub const ISSUER: &str = "openanalyst";
