//! Asks the embedding model.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openanalyst_domain::Failure;
use openanalyst_router::{BACKGROUND, SkillTexts, SkillVectors, TextVectors, Vector};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Embedder;
use super::cache::Cache;

/// Catalogues that are embedded at the same time.
const CATALOGS_AT_ONCE: usize = 2;
/// Failed requests in a row after which no request waits for the server for a while, and how long that is.
const FAILURES_BEFORE_PAUSE: u32 = 3;
const PAUSE: Duration = Duration::from_secs(10);
/// Most texts of requests whose vectors are remembered, in memory only.
const MAX_REMEMBERED: usize = 256;
/// Longest text that is remembered.
const MAX_REMEMBERED_BYTES: usize = 2_048;

/// How embeddings are used.
#[derive(Debug)]
pub struct EmbeddingsOptions<'a> {
    /// The model.
    pub embedder: Arc<dyn Embedder>,
    /// The folder of the cache on disk; made if it is not there.
    pub folder: &'a Path,
    /// How long a request waits for the vector of its text.
    pub request_timeout: Duration,
}

/// How often what happened, since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EmbeddingCounts {
    /// Requests whose vectors came in time.
    pub requests: u64,
    /// Requests that were routed without, as the server failed or was too slow.
    pub requests_failed: u64,
    /// Requests that were routed without, as the server had failed before or the skills' vectors were not ready.
    pub requests_skipped: u64,
    /// Texts of skills that the server was asked for.
    pub skill_texts: u64,
    /// Catalogues whose vectors are ready.
    pub catalogs: u64,
    /// Attempts for a catalogue that failed.
    pub catalogs_failed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    requests_failed: AtomicU64,
    requests_skipped: AtomicU64,
    skill_texts: AtomicU64,
    catalogs: AtomicU64,
    catalogs_failed: AtomicU64,
}

/// What came of the embeddings for one request.
#[derive(Debug, Default)]
pub struct RequestVectors {
    /// Those of its text and its parts. None: the router goes by its other evidence.
    pub vectors: Option<TextVectors>,
    /// Why there are none, as a sentence for the route's reasons. None where no embeddings are configured either.
    pub why_not: Option<String>,
}

/// The embedding model with its cache. Shared by all tenants.
#[derive(Debug)]
pub struct Embeddings {
    embedder: Arc<dyn Embedder>,
    cache: Arc<Cache>,
    request_timeout: Duration,
    catalogs: Semaphore,
    /// The dimension of the last vectors that came; 0 before the first ones.
    dimension: AtomicUsize,
    health: Mutex<Health>,
    remembered: Mutex<Remembered>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Health {
    failures: u32,
    paused_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Remembered {
    vectors: HashMap<String, Vector>,
    order: VecDeque<String>,
}

impl Embeddings {
    /// Opens the cache. Asks nobody.
    #[must_use]
    pub fn new(options: EmbeddingsOptions<'_>) -> Self {
        Self {
            cache: Arc::new(Cache::open(options.folder, &options.embedder.source())),
            embedder: options.embedder,
            request_timeout: options.request_timeout,
            catalogs: Semaphore::new(CATALOGS_AT_ONCE),
            dimension: AtomicUsize::new(0),
            health: Mutex::default(),
            remembered: Mutex::default(),
            counters: Counters::default(),
        }
    }

    /// How often what happened.
    #[must_use]
    pub fn counts(&self) -> EmbeddingCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EmbeddingCounts {
            requests: read(&self.counters.requests),
            requests_failed: read(&self.counters.requests_failed),
            requests_skipped: read(&self.counters.requests_skipped),
            skill_texts: read(&self.counters.skill_texts),
            catalogs: read(&self.counters.catalogs),
            catalogs_failed: read(&self.counters.catalogs_failed),
        }
    }

    /// The dimension of the last vectors that came. None: none came yet.
    pub(crate) fn dimension(&self) -> Option<usize> {
        Some(self.dimension.load(Ordering::Relaxed)).filter(|dimension| *dimension > 0)
    }

    /// The vectors of a catalogue. Takes as long as the server needs: never in the way of a request.
    ///
    /// # Errors
    /// Why there are none, for the log.
    pub(crate) async fn of_skills(&self, texts: &[SkillTexts]) -> Result<SkillVectors, String> {
        let found = self.vectors_of_skills(texts).await;
        let counter = if found.is_ok() { &self.counters.catalogs } else { &self.counters.catalogs_failed };
        count(counter);
        found
    }

    async fn vectors_of_skills(&self, texts: &[SkillTexts]) -> Result<SkillVectors, String> {
        let _turn = self.catalogs.acquire().await.map_err(|error| error.to_string())?;
        let durable = texts.iter().flat_map(|of| &of.own).map(String::as_str).chain(BACKGROUND);
        let durable: Vec<String> = different(durable);
        let learnt = different(texts.iter().flat_map(|of| &of.learnt).map(String::as_str));
        let mut vectors = HashMap::new();
        // The second time is for a model whose dimension has changed since the cache was written.
        for _ in 0..2 {
            self.complete(&mut vectors, &durable, true).await?;
            self.complete(&mut vectors, &learnt, false).await?;
            let now = self.dimension();
            vectors.retain(|_, vector: &mut Arc<Vector>| now.is_none_or(|now| vector.dimension() == now));
        }
        let texts = texts.to_vec();
        let built = tokio::task::spawn_blocking(move || SkillVectors::build(&texts, |text| vectors.get(text).cloned()));
        built.await.map_err(|error| error.to_string())?
    }

    /// Adds the vectors of texts that are not there yet: from the cache, or else from the server.
    async fn complete(
        &self,
        vectors: &mut HashMap<String, Arc<Vector>>,
        texts: &[String],
        is_durable: bool,
    ) -> Result<(), String> {
        let wanted: Vec<String> = texts.iter().filter(|text| !vectors.contains_key(*text)).cloned().collect();
        let (cache, dimension) = (self.cache.clone(), self.dimension());
        let looked_up = tokio::task::spawn_blocking(move || {
            let fits = |vector: &Arc<Vector>| dimension.is_none_or(|dimension| vector.dimension() == dimension);
            let found = wanted.into_iter().map(|text| (cache.get(&text).filter(fits), text));
            found.map(|(vector, text)| (text, vector)).collect::<Vec<_>>()
        });
        let mut missing = Vec::new();
        for (text, vector) in looked_up.await.map_err(|error| error.to_string())? {
            match vector {
                Some(vector) => drop(vectors.insert(text, vector)),
                None => missing.push(text),
            }
        }
        for batch in missing.chunks(self.embedder.most_texts().max(1)) {
            let found = self.ask(batch, None).await.map_err(|failure| failure.to_string())?;
            self.counters.skill_texts.fetch_add(batch.len() as u64, Ordering::Relaxed);
            let (cache, batch) = (self.cache.clone(), batch.to_vec());
            let kept = tokio::task::spawn_blocking(move || {
                let kept = cache.add(batch.iter().map(String::as_str).zip(found).collect(), is_durable);
                batch.into_iter().zip(kept).collect::<Vec<_>>()
            });
            vectors.extend(kept.await.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// The vectors of a request's text and its parts, which are compared with vectors of this dimension.
    pub(crate) async fn of_request(&self, text: &str, parts: &[&str], dimension: usize) -> RequestVectors {
        let texts = different(std::iter::once(text).chain(parts.iter().copied()));
        let vectors = match self.of_texts(&texts).await {
            Ok(vectors) => vectors,
            Err(why_not) => return RequestVectors { vectors: None, why_not: Some(why_not) },
        };
        if vectors.first().is_none_or(|vector| vector.dimension() != dimension) {
            count(&self.counters.requests_failed);
            return RequestVectors {
                vectors: None,
                why_not: Some(without("the model has changed, and the skills are embedded anew")),
            };
        }
        count(&self.counters.requests);
        let mut all = texts.into_iter().zip(vectors);
        let whole = all.next().map(|(_, vector)| vector);
        RequestVectors { vectors: whole.map(|whole| TextVectors::new(whole, all.collect())), why_not: None }
    }

    /// No vectors for a request whose skills have none yet.
    pub(crate) fn not_ready(&self) -> RequestVectors {
        count(&self.counters.requests_skipped);
        RequestVectors { vectors: None, why_not: Some(without("those of the skills are not ready yet")) }
    }

    async fn of_texts(&self, texts: &[String]) -> Result<Vec<Vector>, String> {
        let remembered = {
            let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.dimension();
            let known = texts.iter().map(|text| remembered.vectors.get(text).cloned());
            known.collect::<Option<Vec<_>>>().filter(|all| all.iter().all(|vector| Some(vector.dimension()) == now))
        };
        if let Some(remembered) = remembered {
            return Ok(remembered);
        }
        if self.health().paused_until.is_some_and(|until| Instant::now() < until) {
            count(&self.counters.requests_skipped);
            return Err(without("their server failed a moment ago"));
        }
        let asked = self.ask(texts, Some(self.request_timeout)).await;
        let mut health = self.health();
        match asked {
            Ok(vectors) => {
                *health = Health::default();
                drop(health);
                self.remember(texts, &vectors);
                Ok(vectors)
            }
            Err(failure) => {
                count(&self.counters.requests_failed);
                health.failures += 1;
                if health.failures >= FAILURES_BEFORE_PAUSE {
                    health.paused_until = Some(Instant::now() + PAUSE);
                }
                if health.failures <= FAILURES_BEFORE_PAUSE {
                    tracing::warn!(%failure, "a request is routed without embeddings");
                }
                Err(without(&format!(
                    "their server gave no usable answer within {} ms",
                    self.request_timeout.as_millis()
                )))
            }
        }
    }

    /// Asks the server. The whole wait is bounded here too, whatever the client does.
    async fn ask(&self, texts: &[String], deadline: Option<Duration>) -> Result<Vec<Vector>, Failure> {
        let asked = self.embedder.embed(texts, deadline);
        let answer = match deadline {
            Some(deadline) => tokio::time::timeout(deadline, asked)
                .await
                .unwrap_or_else(|_| Err(Failure::unavailable("the embeddings server did not answer in time"))),
            None => asked.await,
        };
        let vectors: Option<Vec<Vector>> = answer?.iter().map(|numbers| Vector::new(numbers)).collect();
        let vectors = vectors.filter(|vectors| {
            let dimension = vectors.first().map_or(0, Vector::dimension);
            vectors.len() == texts.len() && vectors.iter().all(|vector| vector.dimension() == dimension)
        });
        let vectors =
            vectors.ok_or_else(|| Failure::unavailable("the vectors of the embeddings server cannot be used"))?;
        self.dimension.store(vectors.first().map_or(0, Vector::dimension), Ordering::Relaxed);
        Ok(vectors)
    }

    fn remember(&self, texts: &[String], vectors: &[Vector]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let short = texts.iter().zip(vectors).filter(|(text, _)| text.len() <= MAX_REMEMBERED_BYTES);
        for (text, vector) in short {
            if remembered.vectors.insert(text.clone(), vector.clone()).is_none() {
                remembered.order.push_back(text.clone());
            }
        }
        while remembered.order.len() > MAX_REMEMBERED
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.vectors.remove(&oldest);
        }
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn without(why: &str) -> String {
    format!("Embeddings were not used: {why}.")
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The texts, trimmed and each once, in their order. Empty ones are left out.
fn different<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts = texts.map(str::trim).filter(|text| !text.is_empty());
    texts.filter(|text| seen.insert(*text)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
