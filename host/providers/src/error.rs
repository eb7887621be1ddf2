//! Why a client cannot be made.

/// The options of a client are wrong. Holds no value that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The base URL cannot be used.
    #[error("the base URL of {what} is wrong: {why}; give one such as {example}")]
    BaseUrl {
        /// Which provider.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
        /// One that would be right.
        example: &'static str,
    },
    /// The key cannot be put into a header.
    #[error(
        "the API key of {what} is empty, or has spaces, line ends or letters outside ASCII; give it as it was issued"
    )]
    Key {
        /// Which provider.
        what: &'static str,
    },
    /// Something that the provider needs is missing or has no meaning.
    #[error("the settings of {what} are wrong: {why}")]
    Setting {
        /// Which provider.
        what: &'static str,
        /// What is wrong, and what would be right.
        why: &'static str,
    },
    /// There is nothing to check certificates with.
    #[error(
        "no HTTP client can be made for {what}: {why}; install the package ca-certificates, or name a file with certificates"
    )]
    Client {
        /// Which provider.
        what: &'static str,
        /// What the library says.
        why: String,
    },
}
