//! A script that sleeps tells its host, and computes again only when the host lets it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::script::ScriptHost;

/// Why a guest gave its thread back, where that was not to wait for a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Yielded(Arc<Reasons>);

#[derive(Debug, Default)]
struct Reasons {
    /// Its time was over.
    tick: AtomicBool,
    /// It waits for a host call. The call may hold what others need, so it goes on at once when it
    /// can; calls that take long give the place back themselves.
    call: AtomicBool,
}

impl Yielded {
    /// The guest's time is over.
    pub(crate) fn note(&self) {
        self.0.tick.store(true, Ordering::Relaxed);
    }

    /// A host call begins, or ends.
    pub(crate) fn calls(&self, is_calling: bool) {
        self.0.call.store(is_calling, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.tick.swap(false, Ordering::Relaxed) || self.0.call.load(Ordering::Relaxed)
    }
}

enum Stage<'a> {
    Computes,
    Waits,
    Resumes(Pin<Box<dyn Future<Output = ()> + Send + 'a>>),
}

/// A script's future, with the host's leave to compute.
pub(crate) struct Resting<'a, G> {
    guest: Pin<&'a mut G>,
    host: &'a dyn ScriptHost,
    yielded: Yielded,
    stage: Stage<'a>,
}

impl<'a, G> Resting<'a, G> {
    /// The guest has leave to compute now.
    pub(crate) fn new(guest: Pin<&'a mut G>, host: &'a dyn ScriptHost, yielded: Yielded) -> Self {
        Self { guest, host, yielded, stage: Stage::Computes }
    }
}

impl<G: Future> Future for Resting<'_, G> {
    type Output = G::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<G::Output> {
        let this = &mut *self;
        loop {
            match &mut this.stage {
                Stage::Computes => {
                    if let Poll::Ready(output) = this.guest.as_mut().poll(context) {
                        return Poll::Ready(output);
                    }
                    if !this.yielded.take() {
                        this.host.waits();
                        this.stage = Stage::Waits;
                    }
                    return Poll::Pending;
                }
                // It was woken.
                Stage::Waits => this.stage = Stage::Resumes(this.host.resumes()),
                Stage::Resumes(resumed) => {
                    if resumed.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    this.stage = Stage::Computes;
                }
            }
        }
    }
}
