//! Embeddings: vectors of texts, from every server that speaks `POST {base}/embeddings` as OpenAI does.
//! Source: <https://platform.openai.com/docs/api-reference/embeddings>.
//!
//! | module | holds |
//! |---|---|
//! | `options` | which model, where it is, how long to wait |
//! | `client` | the calls |
//! | `wire` | the request's body, and what an answer must be |
//!
//! An answer is used only as a whole: one vector for each text, all of one length, all numbers finite.

mod client;
mod options;
mod wire;

pub use client::EmbeddingsClient;
pub use options::EmbeddingsOptions;

/// Most texts of one call.
pub const MAX_TEXTS: usize = 32;
/// Most bytes of a text that are sent; the rest is cut off.
pub const MAX_TEXT_BYTES: usize = 8 << 10;
/// Most numbers of a vector.
pub const MAX_DIMENSION: usize = 4_096;
