//! The queue in front of the instance pool: the pool itself answers exhaustion with an error, not with a wait.
//!
//! Fair between tenants: a place that becomes free goes to the tenant whose turn it is, so a tenant with a thousand waiting calls costs another
//! one at most one turn. Every wait is bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openanalyst_domain::{LimitReason, TenantId};
use tokio::sync::oneshot;

use crate::invocation::CallError;

/// How many calls of one tenant may wait; one more is told `busy` at once.
const MAX_WAITING: usize = 1_000;

/// Hands out the places of the pool.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    inner: Arc<Mutex<Inner>>,
    per_tenant: u32,
    wait: Duration,
    places: u32,
}

#[derive(Debug, Default)]
struct Inner {
    free: u32,
    tenants: HashMap<TenantId, Tenant>,
    /// Tenants with waiting calls that may run, in the order of their turns.
    turns: VecDeque<TenantId>,
}

#[derive(Debug, Default)]
struct Tenant {
    running: u32,
    waiting: VecDeque<oneshot::Sender<Place>>,
    /// Whether it stands in `turns`.
    queued: bool,
}

/// A place in the pool. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Admission,
    tenant: TenantId,
    /// False once it was handed back.
    held: bool,
}

impl Admission {
    pub(crate) fn new(places: u32, per_tenant: u32, wait: Duration) -> Self {
        let inner = Inner { free: places, ..Inner::default() };
        Self { inner: Arc::new(Mutex::new(inner)), per_tenant, wait, places }
    }

    /// Takes a place, or waits for one.
    ///
    /// # Errors
    /// `busy` when the wait is over.
    pub(crate) async fn enter(&self, tenant: &TenantId) -> Result<Place, CallError> {
        let waiting = {
            let mut inner = self.lock();
            let may_run = inner.free > 0 && inner.turns.is_empty();
            let state = inner.tenants.entry(tenant.clone()).or_default();
            if may_run && state.running < self.per_tenant && state.waiting.is_empty() {
                state.running += 1;
                inner.free -= 1;
                return Ok(self.place(tenant));
            }
            if state.waiting.len() >= MAX_WAITING {
                state.waiting.retain(|waiting| !waiting.is_closed());
            }
            if state.waiting.len() >= MAX_WAITING {
                let detail =
                    format!("{MAX_WAITING} calls of this tenant wait for a place already: try again in a moment");
                return Err(CallError::Limit { reason: LimitReason::Busy, detail });
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            self.queue(&mut inner, tenant);
            self.hand_out(&mut inner);
            receiver
        };
        match tokio::time::timeout(self.wait, waiting).await {
            Ok(Ok(place)) => Ok(place),
            _ => {
                let (wait_ms, places, most) = (self.wait.as_millis(), self.places, self.per_tenant);
                let detail = format!(
                    "no place in the sandbox became free within {wait_ms} ms ({places} in all, {most} for one tenant): try again in a moment"
                );
                Err(CallError::Limit { reason: LimitReason::Busy, detail })
            }
        }
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> u32 {
        self.places - self.lock().free
    }

    /// How many calls wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        let inner = self.lock();
        inner.tenants.values().map(|tenant| tenant.waiting.iter().filter(|waiting| !waiting.is_closed()).count()).sum()
    }

    fn place(&self, tenant: &TenantId) -> Place {
        Place { admission: self.clone(), tenant: tenant.clone(), held: true }
    }

    /// Puts a tenant into the turns, if it has waiting calls and room for them.
    fn queue(&self, inner: &mut Inner, tenant: &TenantId) {
        let Some(state) = inner.tenants.get_mut(tenant) else { return };
        if !state.queued && !state.waiting.is_empty() && state.running < self.per_tenant {
            state.queued = true;
            inner.turns.push_back(tenant.clone());
        }
    }

    /// Gives the free places to those whose turn it is.
    fn hand_out(&self, inner: &mut Inner) {
        while inner.free > 0 {
            let Some(tenant) = inner.turns.pop_front() else { return };
            let Some(state) = inner.tenants.get_mut(&tenant) else { continue };
            state.queued = false;
            while let Some(sender) = state.waiting.pop_front() {
                let mut place = self.place(&tenant);
                // Who gave up waiting is passed over. The place must not give itself back here: the lock is held.
                place.held = false;
                if sender.is_closed() {
                    continue;
                }
                place.held = true;
                match sender.send(place) {
                    Ok(()) => {
                        state.running += 1;
                        inner.free -= 1;
                        break;
                    }
                    Err(mut place) => place.held = false,
                }
            }
            self.queue(inner, &tenant);
        }
    }

    fn leave(&self, tenant: &TenantId) {
        let mut inner = self.lock();
        inner.free += 1;
        if let Some(state) = inner.tenants.get_mut(tenant) {
            state.running -= 1;
            if state.running == 0 && state.waiting.is_empty() && !state.queued {
                inner.tenants.remove(tenant);
            }
        }
        self.queue(&mut inner, tenant);
        self.hand_out(&mut inner);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.held {
            self.admission.leave(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn admission(places: u32, per_tenant: u32) -> Admission {
        Admission::new(places, per_tenant, Duration::from_secs(60))
    }

    #[tokio::test]
    async fn a_place_is_given_back() {
        let admission = admission(1, 1);
        let place = admission.enter(&tenant("a")).await.unwrap();
        assert_eq!(admission.taken(), 1);
        drop(place);
        assert_eq!(admission.taken(), 0);
        assert!(admission.lock().tenants.is_empty(), "no trace is left of a tenant that rests");
        drop(admission.enter(&tenant("a")).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_busy() {
        let admission = admission(1, 1);
        let held = admission.enter(&tenant("a")).await.unwrap();
        let error = admission.enter(&tenant("b")).await.unwrap_err();
        assert!(matches!(error, CallError::Limit { reason: LimitReason::Busy, .. }), "{error:?}");
        drop(held);
        assert_eq!(admission.taken(), 0, "who gave up waiting takes no place");
        drop(admission.enter(&tenant("b")).await.unwrap());
    }

    #[tokio::test]
    async fn a_busy_tenant_costs_another_one_turn() {
        let admission = admission(1, 8);
        let held = admission.enter(&tenant("greedy")).await.unwrap();
        let name = tenant("greedy");
        let mut greedy: Vec<_> = (0..5).map(|_| Box::pin(admission.enter(&name))).collect();
        for waiting in &mut greedy {
            assert!(futures_poll(waiting).is_none());
        }
        let canary_name = tenant("canary");
        let mut canary = Box::pin(admission.enter(&canary_name));
        assert!(futures_poll(&mut canary).is_none());
        drop(held);
        let first = futures_poll(&mut greedy[0]).expect("the greedy one was first").unwrap();
        assert!(futures_poll(&mut canary).is_none());
        drop(first);
        let second = futures_poll(&mut canary).expect("then it is the canary's turn").unwrap();
        assert!(futures_poll(&mut greedy[1]).is_none());
        drop(second);
        assert!(futures_poll(&mut greedy[1]).is_some());
    }

    #[tokio::test]
    async fn a_tenant_has_its_own_limit() {
        let admission = admission(4, 1);
        let held = admission.enter(&tenant("a")).await.unwrap();
        let name = tenant("a");
        let mut second = Box::pin(admission.enter(&name));
        assert!(futures_poll(&mut second).is_none());
        drop(admission.enter(&tenant("b")).await.unwrap());
        drop(held);
        assert!(futures_poll(&mut second).is_some());
    }

    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
