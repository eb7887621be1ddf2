//! What went wrong on the way, in the words of the contract, without the URL: its query may hold a secret.

use std::error::Error;

use openanalyst_domain::Failure;

use crate::resolve::Refused;

/// When trying again may help.
const RETRY_MS: u64 = 2_000;

/// The last cause of an error, which is what a person can do something about. Never holds the URL.
#[must_use]
pub fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut last: &(dyn Error + 'static) = &error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

pub(crate) fn of(error: reqwest::Error, host: &str) -> Failure {
    let error = error.without_url();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    let mut last = error.to_string();
    while let Some(now) = cause {
        if let Some(refused) = now.downcast_ref::<Refused>() {
            return Failure::denied(refused.to_string());
        }
        last = now.to_string();
        cause = now.source();
    }
    let unavailable = |detail: String| Failure::Unavailable { detail, retry_after_ms: Some(RETRY_MS) };
    if error.is_timeout() {
        return unavailable(format!("`{host}` did not answer in time"));
    }
    if error.is_connect() {
        return unavailable(format!("`{host}` cannot be connected to: {last}"));
    }
    if error.is_decode() || error.is_body() {
        return Failure::failed(format!("the answer of `{host}` cannot be read: {last}"));
    }
    if error.is_builder() {
        return Failure::invalid(format!("the request cannot be sent: {last}"));
    }
    unavailable(format!("the request to `{host}` failed: {last}"))
}
