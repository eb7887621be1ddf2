//! Embeddings for routing: the skills' texts in the background, a request's text within a short time.
//!
//! Nothing here fails a request. Without vectors the router goes by its other evidence, and the route says why.
//!
//! | module | holds |
//! |---|---|
//! | `service` | asks the model: batches, limits, pauses after failures, counts |
//! | `cache` | the vectors of skills' texts, in memory and on disk |
//! | `file` | the file of the cache |

mod cache;
mod file;
mod service;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::Failure;

pub use self::service::{EmbeddingCounts, Embeddings, EmbeddingsOptions, RequestVectors};

/// What turns texts into vectors.
#[async_trait]
pub trait Embedder: fmt::Debug + Send + Sync {
    /// Server and model: vectors of different sources are never compared.
    fn source(&self) -> String;

    /// Most texts of one call.
    fn most_texts(&self) -> usize;

    /// One vector for each text, in their order.
    ///
    /// # Errors
    /// The server's; also when it takes longer than `deadline`.
    async fn embed(&self, texts: &[String], deadline: Option<Duration>) -> Result<Vec<Vec<f32>>, Failure>;
}
