//! The vectors of a catalogue's texts: asked for in the background when the catalogue is used, and again later after a
//! failure.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openanalyst_router::SkillTexts;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::catalog::{Known, TenantCatalog};
use crate::embeddings::Embeddings;

/// The pause after the first failed attempt; it doubles with each one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The texts of a catalogue, and the attempts to get their vectors.
#[derive(Debug)]
pub(crate) struct TextsToEmbed {
    texts: Vec<SkillTexts>,
    attempts: Mutex<Attempts>,
    /// How many attempts ended.
    ended: watch::Sender<u32>,
}

#[derive(Debug, Default)]
struct Attempts {
    is_running: bool,
    failures: u32,
    not_before: Option<Instant>,
}

impl TextsToEmbed {
    pub(crate) fn new(texts: Vec<SkillTexts>) -> Self {
        Self { texts, attempts: Mutex::default(), ended: watch::Sender::new(0) }
    }

    /// Waits until an attempt has ended. At once where there is nothing to attempt.
    pub(crate) async fn attempted(&self) {
        if !self.texts.is_empty() {
            // The sender lives as long as this does.
            let _ = self.ended.subscribe().wait_for(|ended| *ended > 0).await;
        }
    }

    /// Begins an attempt, unless one runs or the pause after the last one is not over.
    fn begin(&self) -> bool {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_paused = attempts.not_before.is_some_and(|until| Instant::now() < until);
        if self.texts.is_empty() || attempts.is_running || is_paused {
            return false;
        }
        attempts.is_running = true;
        true
    }

    fn end(&self, is_done: bool) {
        {
            let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
            attempts.is_running = false;
            attempts.failures = if is_done { 0 } else { attempts.failures.saturating_add(1) };
            let pause = FIRST_PAUSE.saturating_mul(1 << attempts.failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
            attempts.not_before = (!is_done).then(|| Instant::now() + pause);
        }
        self.ended.send_modify(|ended| *ended += 1);
    }
}

/// Ends the attempt also where its task is dropped or panics.
struct Attempt {
    texts: Arc<TextsToEmbed>,
    is_done: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.texts.end(self.is_done);
    }
}

/// Asks for the vectors of a catalogue that has none, or has those of a model that has changed since, and puts the
/// catalogue with them in its place. Does not wait.
pub(crate) fn look_after(embeddings: &Arc<Embeddings>, catalog: &Arc<TenantCatalog>, known: &Arc<Mutex<Known>>) {
    let dimension = embeddings.dimension();
    let is_current = |of: usize| dimension.is_none_or(|now| now == of);
    let texts = catalog.texts();
    if catalog.router().vectors().is_some_and(|vectors| is_current(vectors.dimension())) || !texts.begin() {
        return;
    }
    let mut attempt = Attempt { texts: texts.clone(), is_done: false };
    let (embeddings, catalog, known) = (embeddings.clone(), catalog.clone(), known.clone());
    tokio::spawn(async move {
        match embeddings.of_skills(&attempt.texts.texts).await {
            Ok(vectors) => {
                let new = Arc::new(catalog.with_vectors(&Arc::new(vectors)));
                known.lock().unwrap_or_else(PoisonError::into_inner).replace(&catalog, &new);
                attempt.is_done = true;
            }
            Err(reason) => tracing::warn!(reason, "the skills of a catalogue have no embeddings: routes do without"),
        }
        drop(attempt);
    });
}
