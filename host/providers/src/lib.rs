//! Clients for language models, embeddings and web search: what the host asks on behalf of its skills.
//!
//! | module | what it speaks |
//! |---|---|
//! | [`llm`] | Anthropic's Messages API, and the chat completions of OpenAI and of every server that is compatible with them |
//! | [`embeddings`] | the embeddings of OpenAI and of every server that is compatible with them |
//! | [`search`] | SearXNG, Brave Search and Tavily |
//!
//! It knows no skills, no tenants and no database. The servers are named by the operator, so their addresses are not looked at; what they answer is
//! not trusted:
//!
//! - every call ends within the time that its options allow, whatever the server does;
//! - a redirect is not followed, so the key goes only where the operator said;
//! - every body, event and text has a limit, met while it is read;
//! - what a server says about an error is shortened and cleaned before anybody sees it, and a key is never shown;
//! - a request is repeated only where that may help, and never after a piece of its answer was handed on.
//!
//! Whatever a server does wrong is [`Failure::Unavailable`](openanalyst_domain::Failure::Unavailable): a skill can then do without it. Where waiting may
//! help, it says how long.
//!
//! Begin at [`LlmClient`](llm::LlmClient), [`EmbeddingsClient`](embeddings::EmbeddingsClient) and
//! [`SearchClient`](search::SearchClient).

mod clock;
pub mod embeddings;
mod error;
mod key;
pub mod llm;
mod problem;
mod retry;
pub mod search;
mod server;
mod text;

pub use error::ProviderError;
pub use key::ApiKey;
pub use server::MAX_BODY_BYTES;
