//! The connections that read: some threads, each with a connection, in turns of the tenants.
//!
//! One tenant has at most half of the threads at a time, so that another one's read does not wait
//! for long searches.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use openanalyst_domain::urgency::Urgent;
use openanalyst_domain::{TenantId, Turns};
use tokio::sync::oneshot;

use super::connection::{BUSY_TIMEOUT, Connection};
use crate::sql::{Page, Query, Row};
use crate::{Scope, StoreError};

/// How many reads run side by side, and how many of one tenant.
const THREADS: usize = 4;
const OF_TENANT: usize = THREADS / 2;
/// Threads for urgent reads only: what everybody waits for never waits for a long search.
const URGENT_THREADS: usize = 1;
/// What a reader keeps of the file: the pages of one question. After the next write it reads them
/// anew, since its copies are of the past.
const CACHE_KIB: i64 = 512;

/// A read, which tells by itself what it found.
type Read = Box<dyn FnOnce(Result<&mut Connection, StoreError>) + Send>;

/// See the module. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Wakes the threads for urgent reads.
    urgent: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

#[derive(Default)]
struct Queue {
    urgent: VecDeque<Read>,
    waiting: Turns<(Option<TenantId>, Read)>,
    running: HashMap<Option<TenantId>, usize>,
    is_closed: bool,
}

impl Queue {
    /// The next read that may run.
    fn pop(&mut self) -> Option<(Option<TenantId>, Read)> {
        let running = &self.running;
        let next = self.waiting.pop_if(|tenant| running.get(tenant).copied().unwrap_or_default() < OF_TENANT);
        let (tenant, read) = next?;
        *self.running.entry(tenant.clone()).or_default() += 1;
        Some((tenant, read))
    }

    fn ended(&mut self, tenant: &Option<TenantId>) {
        if let Some(running) = self.running.get_mut(tenant) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(tenant);
            }
        }
    }
}

impl Reads {
    /// Starts the threads. The file must be there.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new(), urgent: Condvar::new() });
        let mut threads = Vec::with_capacity(THREADS);
        for number in 0..THREADS + URGENT_THREADS {
            let is_for_urgent = number >= THREADS;
            let (shared, path) = (shared.clone(), path.to_owned());
            let name = format!("db-reader-{number}");
            let thread = std::thread::Builder::new()
                .name(name)
                .spawn(move || live(&shared, &path, is_for_urgent))
                .map_err(|error| StoreError::Unavailable { reason: error.to_string() })?;
            threads.push(thread);
        }
        Ok(Self { shared, threads: Arc::new(Mutex::new(threads)) })
    }

    /// The rows of a query, until they have as many bytes as it says.
    ///
    /// # Errors
    /// [`StoreError::Busy`]: too much waits already. The database's.
    pub(crate) async fn page<T: Row>(&self, scope: &Scope, query: Query) -> Result<Page<T>, StoreError> {
        let (tell, told) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            if tell.is_closed() {
                return;
            }
            let found = connection.and_then(|connection| Ok(connection.run(&query)?.page));
            // Nobody may wait any more.
            let _ = tell.send(found);
        });
        let closed = || StoreError::Unavailable { reason: "the database is closed".to_owned() };
        let is_urgent = Urgent::is_now();
        {
            let mut queue = self.shared.lock();
            if queue.is_closed {
                return Err(closed());
            }
            let queue = &mut *queue;
            let (tenant, waiting) = (scope.tenant(), &mut queue.waiting);
            super::check_room(waiting, tenant)?;
            match is_urgent {
                true => queue.urgent.push_back(read),
                false => waiting.push(tenant, scope.user(), (tenant.cloned(), read)),
            }
        }
        let changed = if is_urgent { &self.shared.urgent } else { &self.shared.changed };
        changed.notify_one();
        told.await.map_err(|_| closed())?
    }

    /// Ends the threads, once what waits is read.
    pub(super) async fn close(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        self.shared.urgent.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A thread that panicked has ended too.
                let _ = thread.join();
            }
        });
        if joined.await.is_err() {
            tracing::warn!("the readers of the database could not be awaited");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's life. It opens its connection when it is needed first.
fn live(shared: &Shared, path: &Path, is_for_urgent: bool) {
    let mut connection = None;
    let mut queue = shared.lock();
    loop {
        let next = match queue.urgent.pop_front() {
            Some(read) => Some((None, read)),
            None if is_for_urgent => None,
            None => queue.pop().map(|(tenant, read)| (Some(tenant), read)),
        };
        let Some((tenant, read)) = next else {
            if queue.is_closed {
                return;
            }
            let changed = if is_for_urgent { &shared.urgent } else { &shared.changed };
            queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(queue);
        let opened = match connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(path, CACHE_KIB, BUSY_TIMEOUT).map_err(StoreError::from),
        };
        match opened {
            Ok(mut opened) => {
                let read = std::panic::AssertUnwindSafe(|| read(Ok(&mut opened)));
                // After a panic in a read the connection is opened anew.
                if std::panic::catch_unwind(read).is_ok() {
                    connection = Some(opened);
                }
            }
            Err(error) => read(Err(error)),
        }
        queue = shared.lock();
        if let Some(tenant) = &tenant {
            queue.ended(tenant);
        }
        if !queue.waiting.is_empty() {
            // One that had to wait for this tenant's place may run now.
            shared.changed.notify_one();
        }
    }
}
