//! The connections that read: some threads, each with a connection, in turns of the tenants.
//!
//! One tenant has at most half of the threads at a time, one user at most one, and long reads never
//! have the last: another one's read does not wait for long searches. A read whose asker has gone is
//! ended, and one that takes too long.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use openanalyst_domain::urgency::Urgent;
use openanalyst_domain::{Shares, TenantId, Turns, UserId, Whose};
use tokio::sync::oneshot;

use super::connection::{BUSY_TIMEOUT, Connection};
use crate::db::check_room;
use crate::sql::{Page, Query, Row};
use crate::{Scope, StoreError};

/// How many reads run side by side, and how many of one tenant, and of one user.
const THREADS: usize = 4;
const OF_TENANT: usize = THREADS / 2;
const OF_USER: usize = 1;
/// How many long ones.
const LONG: usize = THREADS - 1;
/// How long a read in the name of a tenant or user may take.
const MOST_TIME: Duration = Duration::from_secs(10);
/// Between so many of SQLite's instructions it is asked whether to go on: some tenths of a millisecond.
const LOOK_AFTER: i32 = 20_000;
/// Threads for urgent reads only: what everybody waits for never waits for a long search.
const URGENT_THREADS: usize = 1;
/// What a reader keeps of the file: the pages of one question. After the next write it reads them
/// anew, since its copies are of the past.
const CACHE_KIB: i64 = 512;

type Run = Box<dyn FnOnce(Result<&mut Connection, StoreError>) + Send>;

/// A read, which tells by itself what it found.
struct Read {
    run: Run,
    watch: Watch,
    whose: Whose,
    is_long: bool,
}

/// When a read ends before it is through.
#[derive(Debug, Clone, Default)]
struct Watch {
    /// Nobody waits for it any more.
    is_left: Arc<AtomicBool>,
    most: Option<Duration>,
}

thread_local! {
    /// What this thread reads now, and since when.
    static WATCHED: RefCell<Option<(Watch, Instant)>> = const { RefCell::new(None) };
}

/// SQLite's question in between: whether to stop.
fn is_to_stop() -> bool {
    WATCHED.with_borrow(|watched| {
        watched.as_ref().is_some_and(|(watch, since)| {
            watch.is_left.load(Ordering::Relaxed) || watch.most.is_some_and(|most| since.elapsed() > most)
        })
    })
}

/// Says so when the one who asked has gone.
struct Asking(Arc<AtomicBool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

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
    waiting: Turns<Read>,
    /// Long ones wait by themselves: they run only while there is more than one free thread.
    waiting_long: Turns<Read>,
    running: Shares,
    running_long: usize,
    is_closed: bool,
}

impl Queue {
    /// The next read that may run.
    fn pop(&mut self) -> Option<Read> {
        let running = &self.running;
        let may = |tenant: &Option<TenantId>, user: &Option<UserId>| {
            running.of_tenant(tenant) < OF_TENANT && running.of_user(tenant, user) < OF_USER
        };
        let long = self.running_long < LONG;
        let read = self.waiting.pop_if(may).or_else(|| if long { self.waiting_long.pop_if(may) } else { None })?;
        self.running.add(&read.whose);
        self.running_long += usize::from(read.is_long);
        Some(read)
    }

    fn ended(&mut self, whose: &Whose, was_long: bool) {
        self.running.remove(whose);
        self.running_long -= usize::from(was_long);
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
    /// [`StoreError::Busy`]: too much waits already. [`StoreError::TooLong`]. The database's.
    pub(crate) async fn page<T: Row>(&self, scope: &Scope, query: Query) -> Result<Page<T>, StoreError> {
        let (tell, told) = oneshot::channel();
        let is_long = query.most_bytes < usize::MAX;
        let run = Box::new(move |connection: Result<&mut Connection, StoreError>| {
            if tell.is_closed() {
                return;
            }
            let found = connection.and_then(|connection| match connection.run(&query) {
                Ok(done) => Ok(done.page),
                Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => {
                    Err(StoreError::TooLong { seconds: MOST_TIME.as_secs() })
                }
                Err(error) => Err(error.into()),
            });
            // Nobody may wait any more.
            let _ = tell.send(found);
        });
        let whose = (scope.tenant().cloned(), scope.user().cloned());
        let watch = Watch { is_left: Arc::default(), most: scope.tenant().map(|_| MOST_TIME) };
        let _asking = Asking(watch.is_left.clone());
        let read = Read { run, watch, whose, is_long };
        let closed = || StoreError::Unavailable { reason: "the database is closed".to_owned() };
        let is_urgent = Urgent::is_now();
        {
            let mut queue = self.shared.lock();
            if queue.is_closed {
                return Err(closed());
            }
            let queue = &mut *queue;
            let waiting = if is_long { &mut queue.waiting_long } else { &mut queue.waiting };
            check_room(waiting.len(), || waiting.len_of(scope.tenant()))?;
            match is_urgent {
                true => queue.urgent.push_back(read),
                false => waiting.push(scope.tenant(), scope.user(), read),
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

fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path, CACHE_KIB, BUSY_TIMEOUT)?;
    connection.ask_in_between(LOOK_AFTER, is_to_stop)?;
    Ok(connection)
}

/// A thread's life. It opens its connection when it is needed first.
fn live(shared: &Shared, path: &Path, is_for_urgent: bool) {
    let mut connection = None;
    let mut queue = shared.lock();
    loop {
        let (next, is_counted) = match queue.urgent.pop_front() {
            None if !is_for_urgent => (queue.pop(), true),
            urgent => (urgent, false),
        };
        let Some(Read { run, watch, whose, is_long }) = next else {
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
            None => open(path),
        };
        WATCHED.set(Some((watch, Instant::now())));
        match opened {
            Ok(mut opened) => {
                let read = std::panic::AssertUnwindSafe(|| run(Ok(&mut opened)));
                // After a panic in a read the connection is opened anew.
                if std::panic::catch_unwind(read).is_ok() {
                    connection = Some(opened);
                }
            }
            Err(error) => run(Err(error)),
        }
        WATCHED.set(None);
        queue = shared.lock();
        if is_counted {
            queue.ended(&whose, is_long);
        }
        if !queue.waiting.is_empty() || !queue.waiting_long.is_empty() {
            // One that had to wait for this tenant's place may run now.
            shared.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use openanalyst_domain::Owner;

    use super::*;
    use crate::sql::query;

    const FOR_EVER: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT MAX(x) FROM n";

    fn reads() -> (tempfile::TempDir, Reads) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a INTEGER)").unwrap();
        let reads = Reads::start(&path).unwrap();
        (dir, reads)
    }

    fn scope(tenant: &str, user: &str) -> Scope {
        Scope::User(Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap()))
    }

    /// Begins reads that never end by themselves, and gives what stands for those who asked.
    fn begin<'a>(reads: &'a Reads, scopes: &'a [Scope], is_long: bool) -> Vec<impl Future + 'a> {
        let asked = scopes.iter().map(|scope| {
            let mut endless = query(FOR_EVER);
            if is_long {
                endless.most_bytes = 1;
            }
            let mut asking = Box::pin(reads.page::<(i64,)>(scope, endless));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(asking.as_mut().poll(&mut context).is_pending());
            asking
        });
        asked.collect()
    }

    async fn short(reads: &Reads, scope: &Scope) {
        let read = reads.page::<(i64,)>(scope, query("SELECT 1"));
        let page = tokio::time::timeout(Duration::from_secs(20), read).await.expect("it waits for none of those");
        assert_eq!(page.unwrap().rows, [(1,)]);
    }

    #[tokio::test]
    async fn a_user_with_long_reads_leaves_threads_to_the_others() {
        let (_dir, reads) = reads();
        let x = [scope("a", "x"), scope("a", "x"), scope("a", "x")];
        let of_x = begin(&reads, &x, false);
        short(&reads, &scope("a", "y")).await;
        let y = [scope("a", "y")];
        let of_y = begin(&reads, &y, false);
        short(&reads, &scope("b", "z")).await;
        drop((of_x, of_y));
        // Their threads are free again, although none of them would have ended.
        short(&reads, &x[0]).await;
        reads.close().await;
    }

    #[tokio::test]
    async fn long_reads_of_several_tenants_leave_a_thread_to_short_ones() {
        let (_dir, reads) = reads();
        let scopes = ["a", "b", "c", "d"].map(|tenant| scope(tenant, "x"));
        let long = begin(&reads, &scopes, true);
        short(&reads, &scope("e", "x")).await;
        drop(long);
        reads.close().await;
    }
}
