//! Work in the background for the record: what nobody is to keep goes, counters are added up, disk
//! space is given back, and deletions that were interrupted are continued. One node does it at a time.

use std::time::Duration;

use openanalyst_store::StoreError;
use openanalyst_store::retention::Pace;
use tokio_util::sync::CancellationToken;

use crate::brain::Brain;

/// How often changes of counters are added up, on PostgreSQL.
const ADD_UP_EVERY: Duration = Duration::from_secs(2);
/// How long it rests between two steps: a step takes a few milliseconds, so requests have most of the
/// writer's time.
const PAUSE: Duration = Duration::from_millis(15);

/// Small steps with pauses, until the host shuts down.
pub(crate) struct BackgroundPace(pub(crate) CancellationToken);

impl Pace for BackgroundPace {
    async fn pause(&self) -> bool {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => true,
            () = self.0.cancelled() => false,
        }
    }
}

impl Brain {
    /// Does all of it, for as long as the host runs.
    pub(crate) async fn run_upkeep(&self) {
        // A pass over many users takes minutes. Counters are added up meanwhile.
        tokio::join!(self.keep_adding_up(), self.keep_pruning());
    }

    async fn keep_adding_up(&self) {
        let inner = &self.inner;
        loop {
            if inner.nodes.is_first()
                && let Err(error) = self.add_up().await
            {
                tracing::warn!(%error, "what users keep cannot be added up now");
            }
            tokio::select! {
                () = tokio::time::sleep(ADD_UP_EVERY) => {}
                () = inner.closing.cancelled() => return,
            }
        }
    }

    async fn keep_pruning(&self) {
        let inner = &self.inner;
        loop {
            let mut pause = inner.settings.prune_every;
            match inner.nodes.is_first() {
                true => self.pass().await,
                // The node that does it may have gone.
                false => pause = pause.min(ADD_UP_EVERY),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = inner.closing.cancelled() => return,
            }
        }
    }

    async fn add_up(&self) -> Result<(), StoreError> {
        while self.inner.store.add_up_storage().await? && !self.inner.closing.is_cancelled() {}
        Ok(())
    }

    async fn pass(&self) {
        let inner = &self.inner;
        if let Err(error) = self.continue_deletions().await {
            tracing::error!(%error, "the deletions that were asked for cannot be read now: it is tried again");
        }
        let pace = BackgroundPace(inner.closing.clone());
        match inner.store.prune(inner.registry.retention(), inner.clock.now_ms(), &pace).await {
            Ok(pruned) if pruned.things > 0 => {
                tracing::info!(things = pruned.things, steps = pruned.steps, "removed what is not kept any more");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "what is not kept any more cannot be removed now"),
        }
        match inner.store.give_space_back(&pace).await {
            Ok(0) => {}
            Ok(pages) => tracing::info!(pages, "gave disk space back"),
            Err(error) => tracing::warn!(%error, "disk space cannot be given back now"),
        }
    }
}
