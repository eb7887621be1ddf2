//! SQLite: one file, one writer, some readers.
//!
//! Each connection of sqlx is a thread, and each statement a way there and back. sqlx's own pool asks a connection whether it still lives whenever it lends it and
//! whenever it gets it back, which is right for a server at the other end of a wire and would double the ways here. So connections to the file are lent
//! by [`Connections`], a transaction begins with its first statement, and ends with its last one ([`super::Tx::flush`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::known_version;
use super::migrations::OF_SQLITE;
use crate::StoreError;
use crate::error::sqlite_code;
use crate::sql::{Query, Row, query};
use crate::together::Done;

/// How long a write waits for another process's write before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A database up to this size is read and checked as a whole when it is opened.
const CHECKED_AT_START_BYTES: u64 = 64 << 20;

/// How many reads run side by side. Reads of SQLite are short; more connections only cost memory.
const READERS: u32 = 4;

/// What the writer keeps of the file, in KiB (SQLite documentation, `PRAGMA cache_size`: negative for KiB).
const WRITER_CACHE: &str = "-4096";

/// What a reader keeps, likewise: the pages of one question. After the next write it reads them anew, since its copies are of the past.
const READER_CACHE: &str = "-512";

/// How long a call waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);

/// The connections to a file: reads run side by side, writes queue for one connection.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    pub(super) reads: Arc<Connections>,
    pub(super) writes: Arc<Connections>,
    pub(super) path: PathBuf,
}

/// Some connections, lent one after the other in the order in which they are asked for. They are made when they are needed first.
#[derive(Debug)]
pub(crate) struct Connections {
    options: SqliteConnectOptions,
    most: u32,
    free: Mutex<Vec<SqliteConnection>>,
    places: Arc<Semaphore>,
}

impl Connections {
    fn new(options: SqliteConnectOptions, most: u32) -> Arc<Self> {
        let places = Semaphore::new(usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS));
        Arc::new(Self { options, most, free: Mutex::default(), places: Arc::new(places) })
    }

    /// Lends a connection.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<Lent, sqlx::Error> {
        let place = tokio::time::timeout(TURN_TIMEOUT, self.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let free = self.free().pop();
        let connection = match free {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        Ok(Lent { connection: Some(connection), from: self.clone(), _place: place })
    }

    fn free(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all are back, and closes them.
    async fn close(&self) {
        drop(self.places.acquire_many(self.most).await);
        self.places.close();
        let free = std::mem::take(&mut *self.free());
        for connection in free {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the database could not be closed");
            }
        }
    }
}

/// A connection that is lent. Dropped, it goes back.
#[derive(Debug)]
pub(crate) struct Lent {
    connection: Option<SqliteConnection>,
    from: Arc<Connections>,
    _place: OwnedSemaphorePermit,
}

impl Lent {
    /// Sends statements in one go.
    pub(super) async fn send<T: Row>(&mut self, queries: Vec<Query>) -> Result<Done<T>, sqlx::Error> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        let done = Done::of(queries, connection).await;
        if matches!(done, Err(sqlx::Error::WorkerCrashed)) {
            self.discard();
        }
        done
    }

    /// It does not go back, and is closed.
    fn discard(&mut self) {
        self.connection = None;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.from.free().push(connection);
        }
    }
}

/// A transaction, open from its first statement on, which is `BEGIN`. Dropped before its commit it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction {
    lent: Option<Lent>,
    /// Something was sent, and the end was not.
    open: bool,
}

impl Transaction {
    pub(super) async fn begin(connections: &Arc<Connections>) -> Result<Self, sqlx::Error> {
        Ok(Self { lent: Some(connections.lend().await?), open: false })
    }

    /// Sends what was left for later, and then a statement.
    pub(super) async fn send<T: Row>(
        &mut self,
        mut later: Vec<Query>,
        statement: Option<Query>,
    ) -> Result<Done<T>, sqlx::Error> {
        later.extend(statement);
        if later.is_empty() {
            return Ok(Done::default());
        }
        let lent = self.lent.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        self.open = true;
        lent.send(later).await
    }

    pub(super) async fn commit(mut self, later: Vec<Query>) -> Result<(), sqlx::Error> {
        self.send::<()>(later, Some(query("COMMIT"))).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let (Some(mut lent), true) = (self.lent.take(), self.open) else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    // On a full disk SQLite has ended it by itself: then there is none, and the connection is as good as new.
                    if let Err(error) = lent.send::<()>(vec![query("ROLLBACK")]).await
                        && sqlite_code(&error) != Some(1)
                    {
                        tracing::warn!(%error, "a transaction could not be rolled back: its connection is closed");
                        lent.discard();
                    }
                });
            }
            // Closing it rolls back too.
            Err(_) => lent.discard(),
        }
    }
}

impl Pools {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON");
        // One connection first: its error tells most, and the schema must be up before anybody reads.
        let mut first = SqliteConnection::connect_with(&connect).await.map_err(|error| open_error(path, &error))?;
        // Reading all of a large database would keep everybody waiting: `doctor` does that.
        let small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_AT_START_BYTES);
        let check =
            if small { "PRAGMA quick_check(1)" } else { "SELECT 'ok' FROM (SELECT COUNT(*) FROM sqlite_schema)" };
        let checked: Result<(String,), _> = sqlx::query_as(check).fetch_one(&mut first).await;
        match checked {
            Ok((verdict,)) if verdict == "ok" => {}
            Ok((verdict,)) => return Err(StoreError::Corrupt { path: path.to_owned(), reason: verdict }),
            Err(error) => return Err(open_error(path, &error)),
        }
        migrate(&mut first, path).await?;
        first.close().await?;

        // The writer touches some dozens of pages for each request, all over the file: they stay at hand.
        let writing = connect.clone().optimize_on_close(true, None).pragma("cache_size", WRITER_CACHE);
        let writes = Connections::new(writing, 1);
        let reads = Connections::new(connect.pragma("cache_size", READER_CACHE), READERS);
        // The writer is there before anybody waits for it.
        drop(writes.lend().await.map_err(|error| open_error(path, &error))?);
        Ok(Self { reads, writes, path: path.to_owned() })
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let checked: Done<(String,)> = self.reads.lend().await?.send(vec![query("PRAGMA quick_check(1)")]).await?;
        let found = checked.rows.into_iter().next().map_or_else(String::new, |(found,)| found);
        if found == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: self.path.clone(), reason: found }) }
    }

    /// Writes the log back into the database file and closes it.
    pub(super) async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    match OF_SQLITE.run(connection).await {
        Ok(()) => Ok(()),
        Err(sqlx::migrate::MigrateError::VersionMissing(found)) => {
            Err(StoreError::NewerSchema { found, known: known_version(&OF_SQLITE) })
        }
        Err(sqlx::migrate::MigrateError::Execute(error)) => Err(open_error(path, &error)),
        Err(sqlx::migrate::MigrateError::ExecuteMigration(error, _)) => Err(open_error(path, &error)),
        Err(error) => Err(StoreError::Open {
            path: path.to_owned(),
            reason: error.to_string(),
            next: "Run `openanalyst migrate` and read its answer",
        }),
    }
}

fn open_error(path: &Path, error: &sqlx::Error) -> StoreError {
    match sqlite_code(error) {
        Some(11 | 26) => StoreError::Corrupt { path: path.to_owned(), reason: error.to_string() },
        Some(8) => StoreError::ReadOnly,
        Some(13) => StoreError::Full,
        Some(5 | 6) => StoreError::Locked,
        _ => StoreError::Open {
            path: path.to_owned(),
            reason: error.to_string(),
            next: "Check that the folder exists and that this program may write in it",
        },
    }
}
