//! The embedding model that the operator named, as the registry wants it.

use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_providers::embeddings::{EmbeddingsClient, MAX_TEXTS};
use openanalyst_registry::Embedder;

/// A client as the registry's [`Embedder`].
#[derive(Debug)]
pub struct ProviderEmbedder(pub EmbeddingsClient);

#[async_trait]
impl Embedder for ProviderEmbedder {
    fn source(&self) -> String {
        self.0.source()
    }

    fn most_texts(&self) -> usize {
        MAX_TEXTS
    }

    async fn embed(&self, texts: &[String], deadline: Option<Duration>) -> Result<Vec<Vec<f32>>, Failure> {
        self.0.embed(texts, deadline).await
    }
}
