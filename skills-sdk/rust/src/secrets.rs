//! Secrets of the tenant: whether one exists. A skill can never read one.
//!
//! Needs the capability `secrets` with their names.

use crate::{Result, sys};

/// Whether the tenant has set the secret.
///
/// # Errors
/// [`Failure::Denied`](crate::Failure) without the grant, [`Failure::Unavailable`](crate::Failure) on a host without a secret store.
pub fn exists(name: &str) -> Result<bool> {
    sys::secrets::exists(name)
}
