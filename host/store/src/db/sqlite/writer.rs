//! The one writer of the file, with group commit.
//!
//! A thread owns the connection that writes. Everything that waits is written in one transaction
//! and made durable with one flush, each piece of work in a savepoint of its own, so that one that
//! fails takes nothing else with it. Tenants, and users within a tenant, take turns. Work that comes
//! alone is committed at once: nothing waits for company.
//!
//! What only writes is one piece of [`Work`] that the thread runs by itself. What reads before it
//! writes may open a [`Session`], for which the thread waits between its steps: keep those short.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use openanalyst_domain::Turns;
use tokio::sync::oneshot;

use super::connection::{BUSY_TIMEOUT, Connection};
use crate::db::check_room;
use crate::{Scope, StoreError};

/// What the writer keeps of the file: it touches some dozens of pages for each request.
const CACHE_KIB: i64 = 4_096;
/// How long the writer waits for others.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For another process's write.
    locked: Duration,
    /// For the next step of a session.
    step: Duration,
    /// For a session from its first step to its last: what was written before it in the same transaction waits too.
    session: Duration,
}

const PATIENCE: Patience =
    Patience { locked: BUSY_TIMEOUT, step: Duration::from_secs(2), session: Duration::from_secs(4) };
/// Most work that goes into one transaction.
const MAX_GROUP: usize = 256;
/// How long the first work of a transaction waits for others to be written before all are committed.
const MAX_GROUP_TIME: Duration = Duration::from_millis(5);
/// How long a session waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);

/// The log of the size of each group: `--log info,openanalyst_store::groups=debug`.
const GROUPS: &str = "openanalyst_store::groups";

/// What is written in one savepoint. It runs on the writer's thread.
pub(crate) type Work = Box<dyn FnOnce(&mut Connection) -> Result<(), StoreError> + Send>;
/// Tells whether work is durable.
type Committed = oneshot::Sender<Result<(), StoreError>>;

/// See the module. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Transactions that were committed.
    commits: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Turns<Asked>,
    is_closed: bool,
}

enum Asked {
    Work { work: Work, committed: Committed },
    Session { alone: bool, steps: mpsc::Receiver<Step> },
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Work { .. } => "Work",
            Self::Session { .. } => "Session",
        })
    }
}

/// A step, which is told why the transaction could not begin where it could not.
type Run = Box<dyn FnOnce(Result<&mut Connection, StoreError>) + Send>;

enum Step {
    /// Runs, or is told why the transaction could not begin, and tells by itself what came of it.
    Run(Run),
    /// The last step.
    Commit { work: Work, committed: Committed },
}

/// A transaction in steps. Dropped before its commit, it is rolled back.
#[derive(Debug)]
pub(crate) struct Session {
    steps: mpsc::Sender<Step>,
}

fn gone() -> StoreError {
    StoreError::Unavailable { reason: "the writer of the database is closed".to_owned() }
}

fn too_late() -> StoreError {
    let Patience { step, session, .. } = PATIENCE;
    let reason = format!(
        "the transaction did nothing for {} s, or took more than {} s in all, and was rolled back",
        step.as_secs(),
        session.as_secs()
    );
    StoreError::Unavailable { reason }
}

impl Session {
    /// Runs a step, and gives what came of it.
    pub(crate) async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.send(step)?.await.map_err(|_| too_late())?
    }

    fn send<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (tell, told) = oneshot::channel();
        let run = Step::Run(Box::new(move |connection| {
            let result = connection.and_then(|connection| Ok(step(connection)?));
            // Nobody waits any more: the session ends next.
            let _ = tell.send(result);
        }));
        self.steps.send(run).map_err(|_| too_late())?;
        Ok(told)
    }

    /// Runs the last step, and makes the transaction durable.
    pub(crate) async fn commit(self, work: Work) -> Result<(), StoreError> {
        let (committed, is_committed) = oneshot::channel();
        self.steps.send(Step::Commit { work, committed }).map_err(|_| too_late())?;
        is_committed.await.map_err(|_| too_late())?
    }
}

impl Writer {
    /// Starts the thread. The file must be there.
    pub(super) fn start(path: PathBuf) -> Result<Self, StoreError> {
        Self::start_with(path, PATIENCE)
    }

    fn start_with(path: PathBuf, patience: Patience) -> Result<Self, StoreError> {
        let connection = Connection::open(&path, CACHE_KIB, patience.locked)?;
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("db-writer".to_owned())
            .spawn(move || Thread { shared: of_thread, path, patience, connection }.live())
            .map_err(|error| StoreError::Unavailable { reason: error.to_string() })?;
        Ok(Self { shared, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Writes some work, and gives what tells that it is durable. What was given once happens also
    /// if nobody waits for it.
    ///
    /// # Errors
    /// [`StoreError::Busy`]: too much waits already. The writer is closed.
    pub(crate) fn write(
        &self,
        scope: &Scope,
        work: Work,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let (committed, is_committed) = oneshot::channel();
        self.ask(scope, Asked::Work { work, committed })?;
        Ok(is_committed)
    }

    /// Opens a transaction in steps, and gives it with what came of its first step: the writer does
    /// that one as soon as it is the session's turn. `alone`: everything before it is committed first,
    /// so that other connections see what it sees.
    ///
    /// # Errors
    /// As [`Self::write`]; its turn does not come in time.
    pub(crate) async fn session<T: Send + 'static>(
        &self,
        scope: &Scope,
        alone: bool,
        first: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<(Session, Result<T, StoreError>), StoreError> {
        let (steps, from_client) = mpsc::channel();
        let session = Session { steps };
        let told = session.send(first)?;
        self.ask(scope, Asked::Session { alone, steps: from_client })?;
        match tokio::time::timeout(TURN_TIMEOUT, told).await {
            Ok(told) => Ok((session, told.map_err(|_| gone())?)),
            Err(_) => Err(StoreError::Unavailable {
                reason: format!("the turn to write did not come in {} s", TURN_TIMEOUT.as_secs()),
            }),
        }
    }

    fn ask(&self, scope: &Scope, asked: Asked) -> Result<(), StoreError> {
        let mut queue = self.shared.lock();
        if queue.is_closed {
            return Err(gone());
        }
        let (tenant, waiting) = (scope.tenant(), &mut queue.waiting);
        check_room(waiting.len(), || waiting.len_of(tenant))?;
        waiting.push(tenant, scope.user(), asked);
        drop(queue);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Writes what waits, and ends the thread.
    pub(super) async fn close(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && tokio::task::spawn_blocking(move || thread.join()).await.is_err()
        {
            tracing::warn!("the writer of the database could not be awaited");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do. None: closed, and nothing waits.
    fn next(&self) -> Option<Asked> {
        let mut queue = self.lock();
        loop {
            if let Some(asked) = queue.waiting.pop() {
                return Some(asked);
            }
            if queue.is_closed {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn next_now(&self) -> Option<Asked> {
        self.lock().waiting.pop()
    }
}

/// What the thread owns.
struct Thread {
    shared: Arc<Shared>,
    path: PathBuf,
    patience: Patience,
    connection: Connection,
}

/// The open transaction: whose work is in it.
#[derive(Default)]
struct Group {
    members: Vec<Committed>,
    is_open: bool,
}

impl Thread {
    fn live(mut self) {
        let mut left_over = None;
        while let Some(first) = left_over.take().or_else(|| self.shared.next()) {
            left_over = self.write_group(first);
        }
        if let Err(error) = self.connection.close(true) {
            tracing::warn!(%error, "the database could not be closed in order");
        }
    }

    /// Writes all that waits in one transaction. Gives what has to be in the next one.
    fn write_group(&mut self, first: Asked) -> Option<Asked> {
        let mut group = Group::default();
        let mut waits_since = None;
        let mut left_over = None;
        let mut next = Some(first);
        while let Some(asked) = next {
            let needs_own = matches!(asked, Asked::Session { alone: true, .. });
            if needs_own && !group.members.is_empty() {
                left_over = Some(asked);
                break;
            }
            self.take(&mut group, asked);
            let waits_since = waits_since.get_or_insert_with(Instant::now);
            if group.members.len() >= MAX_GROUP || waits_since.elapsed() >= MAX_GROUP_TIME {
                break;
            }
            next = self.shared.next_now();
        }
        self.commit(group);
        left_over
    }

    /// Takes work into the transaction.
    fn take(&mut self, group: &mut Group, asked: Asked) {
        match asked {
            Asked::Work { work, committed } => {
                let begun = self.begin_or_refuse(group);
                self.finish(group, begun, work, committed);
            }
            Asked::Session { steps, .. } => self.take_session(group, &steps),
        }
    }

    fn take_session(&mut self, group: &mut Group, from_client: &mpsc::Receiver<Step>) {
        let mut begun = None;
        let until = Instant::now() + self.patience.session;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let step = match from_client.recv_timeout(self.patience.step.min(left)) {
                Ok(step) => step,
                Err(error) => {
                    if error == RecvTimeoutError::Timeout {
                        tracing::error!("a transaction was idle, or open, for too long and is rolled back");
                    }
                    if begun.is_some() {
                        self.roll_back(group, None);
                    }
                    return;
                }
            };
            let result = match begun {
                None => self.begin_or_refuse(group),
                // SQLite ended the transaction by itself: another step would be one of its own.
                Some(()) if self.connection.is_at_rest() => return lose(group, None),
                Some(()) => Ok(()),
            };
            begun = Some(());
            match (step, result) {
                (Step::Run(run), Ok(())) => {
                    let connection = &mut self.connection;
                    if catch_unwind(AssertUnwindSafe(|| run(Ok(connection)))).is_err() {
                        return self.roll_back(group, None);
                    }
                }
                // Nothing was begun, so nothing is undone.
                (Step::Run(run), Err(error)) => return run(Err(error)),
                (Step::Commit { work, committed }, begun) => {
                    return self.finish(group, begun, work, committed);
                }
            }
        }
    }

    /// Does the last part of some work, or all of it, and ends it.
    fn finish(&mut self, group: &mut Group, begun: Result<(), StoreError>, work: Work, committed: Committed) {
        if let Err(error) = begun {
            // Nobody may wait any more.
            let _ = committed.send(Err(error));
            return;
        }
        let connection = &mut self.connection;
        let written = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
            let reason = "writing panicked: this is a fault of the host".to_owned();
            Err(StoreError::Unavailable { reason })
        });
        let written = written.and_then(|()| match group.members.is_empty() {
            true => Ok(()),
            false => Ok(self.connection.say("RELEASE work")?),
        });
        match written {
            Ok(()) => group.members.push(committed),
            Err(error) => {
                self.roll_back(group, Some(&error));
                let _ = committed.send(Err(error));
            }
        }
    }

    /// The same; where another process keeps the database locked, what waits is refused too. Each
    /// would wait as long again.
    fn begin_or_refuse(&mut self, group: &mut Group) -> Result<(), StoreError> {
        let begun = self.begin(group);
        if let Err(error @ StoreError::Locked) = &begun {
            // Counted once: the lock must be free again when the next is taken out.
            let waiting = self.shared.lock().waiting.len();
            for _ in 0..waiting {
                match self.shared.next_now() {
                    // Nobody may wait any more.
                    Some(Asked::Work { committed, .. }) => {
                        let _ = committed.send(Err(StoreError::of_group(error)));
                    }
                    Some(Asked::Session { steps, .. }) => {
                        if let Ok(Step::Run(first)) = steps.try_recv() {
                            first(Err(StoreError::of_group(error)));
                        }
                    }
                    None => break,
                }
            }
        }
        begun
    }

    /// Opens the transaction, or a savepoint in it.
    fn begin(&mut self, group: &mut Group) -> Result<(), StoreError> {
        if group.is_open && self.connection.is_at_rest() {
            lose(group, None);
        }
        if group.is_open {
            return Ok(self.connection.say("SAVEPOINT work")?);
        }
        if !self.connection.is_at_rest() {
            // What an earlier transaction left behind, where the file could not be opened anew.
            self.connection.say("ROLLBACK")?;
        }
        self.connection.say("BEGIN IMMEDIATE")?;
        group.is_open = true;
        Ok(())
    }

    /// Undoes the piece of work that is open, and nothing else. `error` is why.
    fn roll_back(&mut self, group: &mut Group, error: Option<&StoreError>) {
        // SQLite ends the whole transaction by itself where it must: on a full disk, for example.
        if self.connection.is_at_rest() {
            return lose(group, error);
        }
        if group.members.is_empty() {
            group.is_open = false;
            if let Err(error) = self.connection.say("ROLLBACK") {
                self.reopen(&error);
            }
            return;
        }
        let undone = self.connection.say("ROLLBACK TO work");
        if let Err(error) = undone.and_then(|()| self.connection.say("RELEASE work")) {
            self.reopen(&error);
            lose(group, None);
        }
    }

    fn commit(&mut self, mut group: Group) {
        if !group.is_open {
            return;
        }
        let committed = self.connection.say("COMMIT");
        let error = match committed {
            Ok(()) => {
                self.shared.commits.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(target: GROUPS, pieces = group.members.len(), "a group is committed");
                for member in group.members {
                    // Nobody may wait any more.
                    let _ = member.send(Ok(()));
                }
                return;
            }
            Err(error) => StoreError::from(error),
        };
        if !self.connection.is_at_rest()
            && let Err(error) = self.connection.say("ROLLBACK")
        {
            self.reopen(&error);
        }
        for member in group.members.drain(..) {
            let _ = member.send(Err(StoreError::of_group(&error)));
        }
    }

    /// The connection is in a state that nobody knows: a new one takes its place, and what was not
    /// committed is gone with the old one.
    fn reopen(&mut self, error: &rusqlite::Error) {
        tracing::error!(%error, "the connection that writes is closed, and opened anew");
        match Connection::open(&self.path, CACHE_KIB, self.patience.locked) {
            Ok(connection) => self.connection = connection,
            Err(error) => tracing::error!(%error, "the database cannot be opened anew"),
        }
    }
}

/// The whole transaction was undone.
fn lose(group: &mut Group, error: Option<&StoreError>) {
    group.is_open = false;
    for member in group.members.drain(..) {
        let error = match error {
            Some(error) => StoreError::of_group(error),
            None => StoreError::Unavailable { reason: "the transaction was undone".to_owned() },
        };
        // Nobody may wait any more.
        let _ = member.send(Err(error));
    }
}

#[cfg(test)]
mod tests;
