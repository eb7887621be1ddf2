//! Secrets of the tenant: whether one exists. A skill can never read one.
//!
//! Needs the capability `secrets` with their names.

use crate::{Result, sys};

/// Stands for the secret in the value of a header or in the query of a URL; the host puts the value in on the way out.
///
/// ```
/// # use openanalyst_skill::prelude::*;
/// # use openanalyst_skill::secrets;
/// let request = http::get("https://api.example.com/me").header("authorization", format!("Bearer {}", secrets::named("x-api-key")));
/// assert_eq!(request.headers[0].1, "Bearer {{secret:x-api-key}}");
/// ```
#[must_use]
pub fn named(name: &str) -> String {
    format!("{{{{secret:{name}}}}}")
}

/// Whether the tenant has set the secret.
///
/// # Errors
/// [`Failure::Denied`](crate::Failure) without the grant, [`Failure::Unavailable`](crate::Failure) on a host without a secret store.
pub fn exists(name: &str) -> Result<bool> {
    sys::secrets::exists(name)
}
