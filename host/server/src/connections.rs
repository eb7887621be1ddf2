//! The open connections: how many there may be, in all and from one address, and which one makes
//! room for a new one.
//!
//! A connection is idle while no request of it is under way: before its first request, between two
//! requests, and while the headers of a request arrive. An open WebSocket or event stream is a
//! request under way. When all places are taken, a new connection takes the place of the one that
//! has been idle for the longest time, so clients that open connections and send nothing keep
//! nobody out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use ipnet::IpNet;
use tokio::task::AbortHandle;

use crate::limits::ServerLimits;
use crate::problem::Problem;

/// When a client that was refused may connect again.
const RETRY_AFTER_MS: u64 = 1_000;
/// How often the log says that connections are refused.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// The connections of one server.
pub(crate) struct Connections {
    max: usize,
    per_address: usize,
    trusted: Vec<IpNet>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Slot>,
    /// Idle connections in the order in which they became idle.
    idle: BTreeMap<u64, u64>,
    per_source: HashMap<Source, usize>,
    /// The next connection's id, and the next place in the order of `idle`.
    next: u64,
    warned: Option<Instant>,
}

struct Slot {
    /// None: connections of this address are not counted.
    source: Option<Source>,
    /// Its key in `idle`.
    idle: Option<u64>,
    /// Requests under way.
    active: usize,
    used: bool,
    task: Served,
}

/// By which task a connection is served.
enum Served {
    NotYet,
    By(AbortHandle),
    /// The task has ended. A WebSocket goes on without it, and the handle would keep its memory.
    NoLonger,
}

/// What counts as one client: an IPv4 address, or the /64 that a customer gets at least (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its address has as many as it may have.
    Address { limit: usize },
    /// All places are taken, and a request is under way on each.
    Full { limit: usize },
}

impl Refusal {
    pub(crate) fn problem(self) -> Problem {
        let (status, code, detail) = match self {
            Self::Address { limit } => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-connections",
                format!(
                    "your address has {limit} open connections and that is the limit: \
                     close some, or send several requests over one connection"
                ),
            ),
            Self::Full { limit } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                format!("all {limit} connections of this host are in use: connect again later"),
            ),
        };
        Problem::new(status, code, detail).retry_after_ms(RETRY_AFTER_MS)
    }
}

/// One open connection. Dropping it frees its place.
pub(crate) struct OpenConnection {
    connections: Arc<Connections>,
    id: u64,
}

/// A request under way. When the last one of a connection is dropped, the connection is idle.
pub(crate) struct ActiveRequest {
    connection: Arc<OpenConnection>,
}

impl Connections {
    pub(crate) fn new(limits: &ServerLimits, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            max: limits.max_connections.max(1),
            per_address: limits.connections_per_address.max(1),
            trusted,
            state: Mutex::default(),
        })
    }

    /// Takes a place for a new connection, if need be that of the longest idle one.
    ///
    /// # Errors
    /// The connection is to be refused.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Arc<OpenConnection>, Refusal> {
        let canonical = peer.to_canonical();
        let trusted = self.trusted.iter().any(|network| network.contains(&canonical));
        let source = (!trusted).then(|| Source::of(peer));
        let evicted;
        let id = {
            let mut state = self.state();
            let of_source = source.and_then(|source| state.per_source.get(&source).copied()).unwrap_or_default();
            if of_source >= self.per_address {
                state.warn(|| {
                    tracing::warn!(
                        %peer,
                        limit = self.per_address,
                        "further connections of this address are refused: \
                         if it is your proxy, name it with --trusted-proxy"
                    );
                });
                return Err(Refusal::Address { limit: self.per_address });
            }
            evicted = if state.open.len() >= self.max { state.evict_oldest_idle() } else { None };
            if state.open.len() >= self.max {
                state.warn(|| tracing::warn!(limit = self.max, "all connections are in use: new ones are refused"));
                return Err(Refusal::Full { limit: self.max });
            }
            state.open(source)
        };
        if let Some(Slot { task: Served::By(task), .. }) = evicted {
            task.abort();
        }
        Ok(Arc::new(OpenConnection { connections: self.clone(), id }))
    }

    /// Closes the connection that has been idle for the longest time. False: none is idle.
    pub(crate) fn evict(&self) -> bool {
        let evicted = self.state().evict_oldest_idle();
        let found = evicted.is_some();
        if let Some(Slot { task: Served::By(task), .. }) = evicted {
            task.abort();
        }
        found
    }

    /// Cuts all connections off.
    pub(crate) fn abort_all(&self) {
        for slot in self.state().open.values() {
            if let Served::By(task) = &slot.task {
                task.abort();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(&mut self, source: Option<Source>) -> u64 {
        let id = self.number();
        if let Some(source) = source {
            *self.per_source.entry(source).or_default() += 1;
        }
        self.open.insert(id, Slot { source, idle: None, active: 0, used: false, task: Served::NotYet });
        self.becomes_idle(id);
        id
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn becomes_idle(&mut self, id: u64) {
        let order = self.number();
        if let Some(slot) = self.open.get_mut(&id) {
            slot.idle = Some(order);
            self.idle.insert(order, id);
        }
    }

    fn request_ends(&mut self, id: u64) {
        let Some(slot) = self.open.get_mut(&id) else { return };
        slot.active = slot.active.saturating_sub(1);
        if slot.active == 0 {
            self.becomes_idle(id);
        }
    }

    fn close(&mut self, id: u64) -> Option<Slot> {
        let slot = self.open.remove(&id)?;
        if let Some(order) = slot.idle {
            self.idle.remove(&order);
        }
        if let Some(source) = slot.source {
            match self.per_source.get_mut(&source) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.per_source.remove(&source)),
            }
        }
        Some(slot)
    }

    fn evict_oldest_idle(&mut self) -> Option<Slot> {
        let (_, id) = self.idle.pop_first()?;
        self.close(id)
    }

    fn warn(&mut self, say: impl FnOnce()) {
        if self.warned.is_none_or(|last| last.elapsed() >= WARN_EVERY) {
            self.warned = Some(Instant::now());
            say();
        }
    }
}

impl OpenConnection {
    /// Says which task serves the connection: it is aborted when the connection has to make room.
    pub(crate) fn served_by(&self, task: AbortHandle) {
        if let Some(slot) = self.connections.state().open.get_mut(&self.id)
            && matches!(slot.task, Served::NotYet)
        {
            slot.task = Served::By(task);
        }
    }

    /// Says that the task ends.
    pub(crate) fn no_longer_served(&self) {
        if let Some(slot) = self.connections.state().open.get_mut(&self.id) {
            slot.task = Served::NoLonger;
        }
    }

    /// Begins a request. None: the connection has just lost its place and must be closed.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Arc<ActiveRequest>> {
        let state = &mut *self.connections.state();
        let slot = state.open.get_mut(&self.id)?;
        slot.used = true;
        slot.active += 1;
        if let Some(order) = slot.idle.take() {
            state.idle.remove(&order);
        }
        Some(Arc::new(ActiveRequest { connection: self.clone() }))
    }

    /// Whether no request has begun yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.connections.state().open.get(&self.id).is_some_and(|slot| !slot.used)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let closed = self.connections.state().close(self.id);
        drop(closed);
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.connection.connections.state().request_ends(self.connection.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: [u8; 4] = [192, 0, 2, 1];

    fn connections(max: usize, per_address: usize, trusted: &[&str]) -> Arc<Connections> {
        let limits =
            ServerLimits { max_connections: max, connections_per_address: per_address, ..ServerLimits::default() };
        Connections::new(&limits, trusted.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_limit_and_a_v6_client_is_its_network() {
        let connections = connections(100, 2, &["10.0.0.0/8"]);
        let mut kept = Vec::new();
        for (from, allowed) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
            ("2001:db8:0:1::1", true),
            ("2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::3", false),
            ("2001:db8:0:2::1", true),
            ("10.1.2.3", true),
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
        ] {
            let admitted = connections.admit(address(from));
            assert_eq!(admitted.is_ok(), allowed, "{from}");
            if let Err(refusal) = &admitted {
                let problem = refusal.problem();
                assert_eq!((problem.status.as_u16(), problem.code), (429, "too-many-connections"));
                assert!(problem.is_retryable());
            }
            kept.extend(admitted.ok());
        }
        kept.clear();
        let state = connections.state();
        assert!(state.open.is_empty() && state.idle.is_empty() && state.per_source.is_empty());
    }

    #[test]
    fn the_longest_idle_connection_makes_room() {
        let connections = connections(3, 100, &[]);
        let admit = || connections.admit(HOME.into());
        let busy = admit().unwrap();
        let request = busy.begin().unwrap();
        let (older, newer) = (admit().unwrap(), admit().unwrap());
        // A request makes it the connection that was used last.
        drop(older.begin().unwrap());
        let fourth = admit().unwrap();
        assert!(newer.begin().is_none(), "it lost its place");
        assert!(!newer.is_unused() && fourth.is_unused());
        let (_first, _second) = (older.begin().unwrap(), fourth.begin().unwrap());
        assert_eq!(admit().err(), Some(Refusal::Full { limit: 3 }));
        assert_eq!(Refusal::Full { limit: 3 }.problem().status, StatusCode::SERVICE_UNAVAILABLE);
        drop(request);
        let fifth = admit().unwrap();
        assert!(busy.begin().is_none(), "idle again, it made room");
        assert!(fifth.begin().is_some());
    }

    #[test]
    fn a_connection_that_lost_its_place_frees_no_other() {
        let connections = connections(1, 100, &[]);
        let first = connections.admit(HOME.into()).unwrap();
        let second = connections.admit(HOME.into()).unwrap();
        drop(first);
        let _under_way = second.begin().unwrap();
        assert!(connections.admit(HOME.into()).is_err());
        assert!(!connections.evict(), "nothing is idle");
    }
}
