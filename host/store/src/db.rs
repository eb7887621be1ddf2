//! Opening, migrating and writing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite};

use crate::StoreError;
use crate::error::sqlite_code;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// How long a write waits for another process's write before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A database up to this size is read and checked as a whole when it is opened.
const CHECKED_AT_START_BYTES: u64 = 64 << 20;

/// How many reads run side by side. Reads of SQLite are short; more connections only cost memory.
const READERS: u32 = 4;

/// Where the database is.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The file. Its folder must exist.
    pub path: PathBuf,
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    reads: SqlitePool,
    writes: SqlitePool,
    path: PathBuf,
}

/// A write transaction. Dropped without [`Tx::commit`] it leaves no trace.
#[derive(Debug)]
pub struct Tx {
    inner: sqlx::Transaction<'static, Sqlite>,
}

impl Tx {
    pub(crate) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }

    /// Makes everything since [`Store::begin`] durable. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ReadOnly`], …: nothing of the transaction happened.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }
}

impl Store {
    /// Opens the database, makes it if it is not there, and brings its schema up.
    ///
    /// # Errors
    /// Each names the file, the reason and the next step.
    pub async fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let connect = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON");
        // One connection first: its error tells most, and the schema must be up before anybody reads.
        let mut first =
            SqliteConnection::connect_with(&connect).await.map_err(|error| open_error(&options.path, &error))?;
        // Reading all of a large database would keep everybody waiting: `doctor` does that.
        let small = std::fs::metadata(&options.path).is_ok_and(|file| file.len() <= CHECKED_AT_START_BYTES);
        let check =
            if small { "PRAGMA quick_check(1)" } else { "SELECT 'ok' FROM (SELECT COUNT(*) FROM sqlite_schema)" };
        let checked: Result<(String,), _> = sqlx::query_as(check).fetch_one(&mut first).await;
        match checked {
            Ok((verdict,)) if verdict == "ok" => {}
            Ok((verdict,)) => {
                return Err(StoreError::Corrupt { path: options.path.clone(), reason: verdict });
            }
            Err(error) => return Err(open_error(&options.path, &error)),
        }
        migrate(&mut first, &options.path).await?;
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
            .map_err(|error| open_error(&options.path, &error))?;
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(connect);
        Ok(Self { reads, writes, path: options.path.clone() })
    }

    /// Begins a write. Writes wait for each other in the order in which they came.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process holds the write lock for longer than ten seconds.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx { inner: self.writes.begin_with("BEGIN IMMEDIATE").await? })
    }

    pub(crate) fn reads(&self) -> &SqlitePool {
        &self.reads
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks the database for an answer, for `/ready` and `doctor`.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.reads).await?;
        Ok(())
    }

    /// Whether the database takes writes: begins a transaction, writes nothing, ends it.
    ///
    /// # Errors
    /// The database's.
    pub async fn ping_writable(&self) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        Ok(tx.inner.rollback().await?)
    }

    /// Reads the whole database and compares it with its indexes. Takes as long as reading it takes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first thing that is wrong.
    pub async fn check(&self) -> Result<(), StoreError> {
        let (found,): (String,) = sqlx::query_as("PRAGMA quick_check(1)").fetch_one(&self.reads).await?;
        if found == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: self.path.clone(), reason: found }) }
    }

    /// The version of the schema: the number of the last migration that was applied.
    ///
    /// # Errors
    /// The database's.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        let (version,): (Option<i64>,) =
            sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&self.reads).await?;
        Ok(version.unwrap_or(0))
    }

    /// Writes the log back into the database file and closes it.
    pub async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    match MIGRATIONS.run(connection).await {
        Ok(()) => Ok(()),
        Err(sqlx::migrate::MigrateError::VersionMissing(found)) => {
            let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
            Err(StoreError::NewerSchema { found, known })
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
