//! Which uploaded package is checked and compiled next: so many at once, so many of one tenant, and
//! free places go round the tenants whose packages wait.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use openanalyst_domain::TenantId;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::limits::ServerLimits;
use crate::problem::Problem;

/// When a refused upload may come again: about the time that a large component takes to compile.
const RETRY_AFTER_MS: u64 = 5_000;

/// The queue of all tenants.
pub(crate) struct UploadQueue {
    per_tenant: usize,
    waiting_per_tenant: usize,
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    free: usize,
    tenants: HashMap<TenantId, Tenant>,
    /// The tenants whose packages wait, the next one first.
    turns: VecDeque<TenantId>,
}

#[derive(Default)]
struct Tenant {
    running: usize,
    waiting: VecDeque<oneshot::Sender<UploadPlace>>,
}

/// A package that is being checked. Dropping it frees its place.
pub(crate) struct UploadPlace {
    queue: Arc<UploadQueue>,
    tenant: TenantId,
}

impl UploadQueue {
    pub(crate) fn new(limits: &ServerLimits) -> Arc<Self> {
        Arc::new(Self {
            per_tenant: limits.uploads_per_tenant.max(1),
            waiting_per_tenant: limits.uploads_waiting_per_tenant,
            patience: limits.upload_wait,
            state: Mutex::new(State {
                free: limits.uploads_at_once.max(1),
                tenants: HashMap::new(),
                turns: VecDeque::new(),
            }),
        })
    }

    /// Waits for a place. A caller that stops waiting leaves the queue.
    ///
    /// # Errors
    /// `busy`: too many packages of this tenant wait, or the place did not become free in time.
    pub(crate) async fn take(self: &Arc<Self>, tenant: &TenantId) -> Result<UploadPlace, Problem> {
        let turn = self.join(tenant)?;
        match timeout(self.patience, turn).await {
            Ok(Ok(place)) => Ok(place),
            _ => {
                let detail = format!(
                    "other packages were checked for {} s before this one: upload it again later",
                    self.patience.as_secs()
                );
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after_ms(RETRY_AFTER_MS))
            }
        }
    }

    fn join(self: &Arc<Self>, tenant: &TenantId) -> Result<oneshot::Receiver<UploadPlace>, Problem> {
        let (sender, turn) = oneshot::channel();
        {
            let state = &mut *self.state();
            let of_tenant = state.tenants.entry(tenant.clone()).or_default();
            of_tenant.waiting.retain(|waiting| !waiting.is_closed());
            let open = of_tenant.running + of_tenant.waiting.len();
            if open >= self.per_tenant + self.waiting_per_tenant {
                let detail = format!(
                    "{open} packages of this tenant are being checked or wait, and that is the limit: \
                     upload the next one when they are done"
                );
                return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).retry_after_ms(RETRY_AFTER_MS));
            }
            of_tenant.waiting.push_back(sender);
            if !state.turns.contains(tenant) {
                state.turns.push_back(tenant.clone());
            }
        }
        self.hand_out();
        Ok(turn)
    }

    /// Gives free places to those that wait.
    fn hand_out(self: &Arc<Self>) {
        loop {
            let next = self.state().next(self.per_tenant);
            let Some((tenant, waiting)) = next else { return };
            // One that has gone meanwhile drops its place, which frees it again.
            let _ = waiting.send(UploadPlace { queue: self.clone(), tenant });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place for the next package, if there is a free one.
    fn next(&mut self, per_tenant: usize) -> Option<(TenantId, oneshot::Sender<UploadPlace>)> {
        if self.free == 0 {
            return None;
        }
        for _ in 0..self.turns.len() {
            let tenant = self.turns.pop_front()?;
            let of_tenant = self.tenants.entry(tenant.clone()).or_default();
            of_tenant.waiting.retain(|waiting| !waiting.is_closed());
            if of_tenant.running >= per_tenant && !of_tenant.waiting.is_empty() {
                self.turns.push_back(tenant);
                continue;
            }
            match of_tenant.waiting.pop_front() {
                Some(waiting) => {
                    of_tenant.running += 1;
                    self.free -= 1;
                    if !of_tenant.waiting.is_empty() {
                        self.turns.push_back(tenant.clone());
                    }
                    return Some((tenant, waiting));
                }
                None => self.forget_idle(&tenant),
            }
        }
        None
    }

    fn forget_idle(&mut self, tenant: &TenantId) {
        if self.tenants.get(tenant).is_some_and(|of_tenant| of_tenant.running == 0 && of_tenant.waiting.is_empty()) {
            self.tenants.remove(tenant);
        }
    }
}

impl Drop for UploadPlace {
    fn drop(&mut self) {
        {
            let mut state = self.queue.state();
            state.free += 1;
            if let Some(of_tenant) = state.tenants.get_mut(&self.tenant) {
                of_tenant.running = of_tenant.running.saturating_sub(1);
            }
            state.forget_idle(&self.tenant);
        }
        self.queue.hand_out();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn queue(at_once: usize, per_tenant: usize, waiting: usize) -> Arc<UploadQueue> {
        UploadQueue::new(&ServerLimits {
            uploads_at_once: at_once,
            uploads_per_tenant: per_tenant,
            uploads_waiting_per_tenant: waiting,
            upload_wait: Duration::from_millis(1),
            ..ServerLimits::default()
        })
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    #[test]
    fn a_tenant_has_its_places_and_leaves_the_others_theirs() {
        let queue = queue(3, 1, 8);
        let mut first = queue.join(&tenant("a")).unwrap();
        let mut second = queue.join(&tenant("a")).unwrap();
        let mut other = queue.join(&tenant("b")).unwrap();
        let place = first.try_recv().unwrap();
        assert_eq!(second.try_recv().err(), Some(TryRecvError::Empty), "one at a time");
        other.try_recv().unwrap();
        drop(place);
        second.try_recv().unwrap();
    }

    #[test]
    fn free_places_go_round_the_tenants() {
        let queue = queue(1, 1, 8);
        let place = queue.join(&tenant("a")).unwrap().try_recv().unwrap();
        let mut waiting: Vec<_> =
            ["a", "a", "a", "b", "c", "b"].map(|name| (name, queue.join(&tenant(name)).unwrap())).into();
        let mut order = Vec::new();
        let mut held = Some(place);
        while !waiting.is_empty() {
            held.take();
            let next = waiting.iter_mut().position(|(_, turn)| match turn.try_recv() {
                Ok(place) => {
                    held = Some(place);
                    true
                }
                Err(_) => false,
            });
            order.push(waiting.remove(next.expect("somebody is next")).0);
        }
        assert_eq!(order, ["a", "b", "c", "a", "b", "a"]);
        drop(held);
        let state = queue.state();
        assert!(state.tenants.is_empty() && state.turns.is_empty() && state.free == 1, "nothing is left behind");
    }

    #[test]
    fn the_queue_of_a_tenant_is_bounded() {
        let queue = queue(1, 1, 2);
        let turns: Vec<_> = (0..3).map(|_| queue.join(&tenant("a")).unwrap()).collect();
        let refused = queue.join(&tenant("a")).err().unwrap();
        assert_eq!((refused.status.as_u16(), refused.code, refused.is_retryable()), (429, "busy", true));
        queue.join(&tenant("b")).unwrap();
        drop(turns);
        queue.join(&tenant("a")).unwrap().try_recv().unwrap();
    }

    #[test]
    fn a_caller_that_stops_waiting_holds_nothing_up() {
        let queue = queue(1, 1, 8);
        let place = queue.join(&tenant("a")).unwrap().try_recv().unwrap();
        let gone = queue.join(&tenant("b")).unwrap();
        let mut next = queue.join(&tenant("c")).unwrap();
        drop(gone);
        drop(place);
        next.try_recv().unwrap();
        let unread = queue.join(&tenant("d")).unwrap();
        drop(unread);
        queue.join(&tenant("e")).unwrap().try_recv().unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let queue = queue(1, 1, 8);
        let _place = queue.take(&tenant("a")).await.unwrap();
        let refused = queue.take(&tenant("b")).await.err().unwrap();
        assert_eq!((refused.status.as_u16(), refused.code, refused.is_retryable()), (503, "busy", true));
    }
}
