//! The crate from outside, in one program: every test program links everything anew.

mod attacks;
mod issuers;
mod providers;

use openanalyst_identity::TokenError;

/// An error without what it found, for tables.
fn kind(error: &TokenError) -> (&'static str, String) {
    match error {
        TokenError::InvalidClaim { claim, .. } => (error.code(), claim.clone()),
        other => (other.code(), other.to_string()),
    }
}
