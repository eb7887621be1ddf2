//! Certificates, and the plain client for servers that the operator named.

use std::time::Duration;

use reqwest::{Certificate, ClientBuilder};

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// There is nothing to check certificates with.
    #[error("no HTTP client can be made: {0}; install the package ca-certificates, or name a file with --http-ca-file")]
    Client(String),
    /// The file with certificates is wrong.
    #[error("the file with certificates is wrong: {0}; it must hold one or more certificates as PEM")]
    Certificates(String),
}

/// A builder that works in any process: the provider of cryptography is chosen once.
pub(crate) fn builder() -> ClientBuilder {
    // A second time says that it was done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("openanalyst/", env!("CARGO_PKG_VERSION")))
}

/// A client for servers that the operator named: their addresses are not looked at. Follows no redirects.
///
/// # Errors
/// The machine has no way to check certificates.
pub fn client(timeout: Duration) -> Result<reqwest::Client, EgressError> {
    builder().timeout(timeout).build().map_err(|error| EgressError::Client(error.to_string()))
}

/// Reads certificates in PEM.
///
/// # Errors
/// There is none, or one is broken.
pub fn read_certificates(pem: &[u8]) -> Result<Vec<Certificate>, EgressError> {
    let certificates =
        Certificate::from_pem_bundle(pem).map_err(|error| EgressError::Certificates(error.to_string()))?;
    if certificates.is_empty() {
        return Err(EgressError::Certificates("it holds none".to_owned()));
    }
    Ok(certificates)
}
