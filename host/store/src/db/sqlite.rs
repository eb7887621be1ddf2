//! SQLite: one file, one writer, some readers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::known_version;
use crate::StoreError;
use crate::error::sqlite_code;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// How long a write waits for another process's write before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A database up to this size is read and checked as a whole when it is opened.
const CHECKED_AT_START_BYTES: u64 = 64 << 20;

/// How many reads run side by side. Reads of SQLite are short; more connections only cost memory.
const READERS: u32 = 4;

/// The connections to a file: reads run side by side, writes queue for one connection.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    pub(super) reads: SqlitePool,
    pub(super) writes: SqlitePool,
    pub(super) path: PathBuf,
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

        let writes = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .idle_timeout(None)
            .max_lifetime(None)
            // SQLite ends a transaction by itself when the disk is full, and the connection then counts one too many: it is replaced.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(connect.clone().optimize_on_close(true, None))
            .await
            .map_err(|error| open_error(path, &error))?;
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(connect);
        Ok(Self { reads, writes, path: path.to_owned() })
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let (found,): (String,) = sqlx::query_as("PRAGMA quick_check(1)").fetch_one(&self.reads).await?;
        if found == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: self.path.clone(), reason: found }) }
    }

    /// Writes the log back into the database file and closes it.
    pub(super) async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    match MIGRATIONS.run(connection).await {
        Ok(()) => Ok(()),
        Err(sqlx::migrate::MigrateError::VersionMissing(found)) => {
            Err(StoreError::NewerSchema { found, known: known_version(&MIGRATIONS) })
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
