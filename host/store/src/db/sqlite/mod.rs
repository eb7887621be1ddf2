//! SQLite: one file, one writer, some readers, each with a thread and a connection of its own.
//!
//! `writer` has the group commit, `reads` the turns of those who read. The schema is brought up over
//! a connection of sqlx, which knows the migrations; everything else goes directly to SQLite, since
//! each way to another thread and back costs more than most statements.

mod connection;
mod reads;
mod space;
mod writer;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use openanalyst_domain::urgency::Urgent;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::oneshot;

use self::reads::Reads;
use self::writer::Session;
use super::migrations::OF_SQLITE;
use super::{Schema, known_version};
use crate::error::sqlite_code;
use crate::sql::{Query, Row, query};
use crate::{Scope, StoreError};

pub(crate) use self::connection::{Connection, Done};
pub(crate) use self::writer::Writer;

/// A database up to this size is read and checked as a whole when it is opened.
const CHECKED_AT_START_BYTES: u64 = 64 << 20;

/// The threads of a file.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    pub(super) reads: Reads,
    pub(super) writer: Writer,
    pub(super) path: PathBuf,
}

/// A transaction. It begins with its first statement that somebody waits for; where there is none,
/// all of it is one piece of work for the writer. Dropped before its commit it leaves no trace.
#[derive(Debug)]
pub(crate) struct Transaction {
    writer: Writer,
    session: Option<Session>,
    /// Everybody who writes waits for it, from the moment at which its turn may come.
    urgent: Option<Urgent>,
}

impl Transaction {
    pub(super) fn new(writer: &Writer) -> Self {
        Self { writer: writer.clone(), session: None, urgent: None }
    }

    /// Begins it now. `alone`: what others wrote before is committed, so that it is seen by reads
    /// outside of the transaction too, and stays true until the end.
    pub(super) async fn begin(&mut self, scope: &Scope, alone: bool) -> Result<(), StoreError> {
        match self.session {
            Some(_) => Ok(()),
            None => self.begin_with(scope, alone, |_| Ok(())).await,
        }
    }

    async fn begin_with<T: Send + 'static>(
        &mut self,
        scope: &Scope,
        alone: bool,
        first: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.urgent = Some(Urgent::mark());
        let (session, result) = self.writer.session(scope, alone, first).await?;
        self.session = Some(session);
        result
    }

    /// Runs what was left for later, and then a statement.
    pub(super) async fn send<T: Row>(
        &mut self,
        scope: &Scope,
        later: Vec<Query>,
        statement: Option<Query>,
    ) -> Result<Done<T>, StoreError> {
        let step = move |connection: &mut Connection| {
            connection.run_all(&later)?;
            match statement {
                Some(statement) => connection.run(&statement),
                None => Ok(Done::nothing()),
            }
        };
        match &self.session {
            Some(session) => session.step(step).await,
            None => self.begin_with(scope, false, step).await,
        }
    }

    /// Runs the rest, and makes all of it durable.
    pub(super) async fn commit(self, scope: &Scope, later: Vec<Query>) -> Result<(), StoreError> {
        let is_empty = later.is_empty();
        let work = Box::new(move |connection: &mut Connection| Ok(connection.run_all(&later)?));
        match self.session {
            Some(session) => session.commit(work).await,
            None if is_empty => Ok(()),
            None => committed(self.writer.write(scope, work)?).await,
        }
    }
}

/// Makes the file for its owner alone, where it is not there: the files that SQLite puts beside it get
/// the same rights. Where that fails, opening it says why.
fn make_private(path: &Path) {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    drop(made);
}

/// Waits until some work is durable.
pub(crate) async fn committed(told: oneshot::Receiver<Result<(), StoreError>>) -> Result<(), StoreError> {
    let closed = || StoreError::Unavailable { reason: "the database is closed".to_owned() };
    told.await.map_err(|_| closed())?
}

impl Pools {
    pub(super) async fn open(path: &Path, schema: Schema) -> Result<Self, StoreError> {
        let is_made = schema == Schema::BroughtUp;
        if is_made {
            make_private(path);
        }
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(is_made)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
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
        if is_made {
            space::prepare(&mut first, path).await;
            migrate(&mut first, path).await?;
        } else {
            check_version(&mut first).await?;
        }
        first.close().await?;

        Ok(Self { reads: Reads::start(path)?, writer: Writer::start(path.to_owned())?, path: path.to_owned() })
    }

    /// Writes the whole file anew where it was made by a version that could not give pages back.
    pub(super) async fn rebuild(&self) -> Result<bool, StoreError> {
        let connect = SqliteConnectOptions::new().filename(&self.path);
        let failed = |error: sqlx::Error| open_error(&self.path, &error);
        let mut connection = SqliteConnection::connect_with(&connect).await.map_err(failed)?;
        let rebuilt = space::rebuild(&mut connection).await.map_err(failed)?;
        connection.close().await?;
        Ok(rebuilt)
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let check = query("PRAGMA quick_check(1)");
        let found = self.reads.page::<(String,)>(&Scope::Worker, check).await?.rows;
        let found = found.into_iter().next().map_or_else(String::new, |(found,)| found);
        if found == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: self.path.clone(), reason: found }) }
    }

    /// Writes the log back into the database file and closes it.
    pub(super) async fn close(&self) {
        self.reads.close().await;
        self.writer.close().await;
    }
}

/// Checks that the schema is this program's.
async fn check_version(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = known_version(&OF_SQLITE);
    let there: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_optional(&mut *connection)
        .await?;
    let (found,): (Option<i64>,) = match there {
        Some(_) => {
            sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations WHERE success").fetch_one(connection).await?
        }
        None => (None,),
    };
    match found.unwrap_or(0) {
        found if found < known => Err(StoreError::OlderSchema { found, known }),
        found if found > known => Err(StoreError::NewerSchema { found, known }),
        _ => Ok(()),
    }
}

/// Writes a copy of the database into a new file (SQLite documentation, `VACUUM INTO`): of one moment, and
/// compact. A copy made with the means of the file system misses what is still in the log.
pub(super) async fn copy_into(path: &Path, file: &Path) -> Result<(), StoreError> {
    let failed = |reason: String| StoreError::Open {
        path: file.to_owned(),
        reason,
        next: "Name a file that is not there, in a folder that can be written, on a disk with room for it",
    };
    let Some(name) = file.to_str() else { return Err(failed("its name is no UTF-8".to_owned())) };
    // SQLite takes a file that is empty. It is made here, so that nobody else can ever read it.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(|error| failed(error.to_string()))?;
    let copied = async {
        let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await?;
        sqlx::query("VACUUM INTO ?").bind(name).execute(&mut connection).await?;
        connection.close().await
    };
    copied.await.map_err(|error| {
        // Half a copy is worse than none.
        let _ = std::fs::remove_file(file);
        failed(error.to_string())
    })
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
