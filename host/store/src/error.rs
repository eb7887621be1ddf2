//! What can go wrong with the database, each with its next step.

use std::path::PathBuf;

/// Why a call of the store did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory or the database file cannot be made or opened.
    #[error("the database {} cannot be opened: {reason}. {next}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What to do.
        next: &'static str,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "the database {} is damaged: {reason}. Nothing was changed. Restore it from a backup, or move it away and start with an empty one",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The database was written by a newer version of the host.
    #[error(
        "the database has the schema version {found}, and this program knows versions up to {known}. Use the newer program, or restore an older backup"
    )]
    NewerSchema {
        /// What the database has.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// The disk is full, or a quota is used up.
    #[error("the disk that holds the database is full: nothing was changed. Free some space and try again")]
    Full,
    /// The database, or its folder, cannot be written.
    #[error("the database is read-only: nothing was changed. Make the data directory writable for this program")]
    ReadOnly,
    /// The server takes no writes.
    #[error(
        "the PostgreSQL server takes no writes now: nothing was changed. It is a standby, or `default_transaction_read_only` is on: connect to the primary, or switch that off"
    )]
    ReadOnlyServer,
    /// Another process holds the write lock for too long.
    #[error("the database is locked by another process: nothing was changed. Try again, or end the other process")]
    Locked,
    /// A row holds what this program cannot have written.
    #[error("the database holds an unreadable {what}: {reason}")]
    Damaged {
        /// The column.
        what: &'static str,
        /// Why it cannot be read.
        reason: String,
    },
    /// The database's URL cannot be used. Never holds the URL.
    #[error(
        "the database URL cannot be used: {reason}. Give `sqlite:///PATH` or `postgres://USER:PASSWORD@HOST:5432/DATABASE`"
    )]
    Url {
        /// Why.
        reason: String,
    },
    /// The server cannot be reached or does not let this program in.
    #[error("the database {server} cannot be opened: {reason}. {next}")]
    Server {
        /// Which, without names and passwords.
        server: String,
        /// Why.
        reason: String,
        /// What to do.
        next: &'static str,
    },
    /// The server is too old.
    #[error("the database server is PostgreSQL {found}, and 15 is the oldest that works. Use a newer one")]
    OldServer {
        /// Its major version.
        found: i32,
    },
    /// The schema is older than this program, and the login may not change it.
    #[error(
        "the database needs the schema version {known}, and this login may not bring it up ({reason}). Run `openanalyst migrate` with the URL of the database's owner"
    )]
    NeedsMigration {
        /// What this program needs.
        known: i64,
        /// What the server said.
        reason: String,
    },
    /// The schema is older than this program, and was to be left as it is.
    #[error(
        "the database has the schema version {found}, and this program needs {known}: run `openanalyst migrate`, or start `serve` as the database's owner. Nothing was changed"
    )]
    OlderSchema {
        /// What the database has; 0 where it is empty.
        found: i64,
        /// What this program needs.
        known: i64,
    },
    /// The tenants would not be kept apart.
    #[error(
        "the database does not keep tenants apart: {reason}. Nothing is served like this; run `openanalyst migrate`, or repair the role"
    )]
    Unsafe {
        /// What is wrong.
        reason: String,
    },
    /// Another process has taken up the task.
    #[error("another process has taken up this task: what this one does at it is over")]
    Fenced,
    /// There is no connection to the server at this moment.
    #[error("the database cannot be reached at this moment: {reason}. Try again")]
    Unavailable {
        /// What was noticed.
        reason: String,
    },
    /// A row of another tenant or user was about to be written.
    #[error("the database refused a row that is not the caller's: {reason}")]
    Refused {
        /// The database's words.
        reason: String,
    },
    /// More waits for the database than it can take.
    #[error("the database is busy: too many reads or writes wait for it. Try again in a moment")]
    Busy,
    /// A read took too long and was ended.
    #[error(
        "the database did not find it within {seconds} s: ask for less, a shorter time or fewer words for example, \
         or try again when less is going on"
    )]
    TooLong {
        /// How long it may take.
        seconds: u64,
    },
    /// Anything else the database said.
    #[error("the database answered: {0}")]
    Database(sqlx::Error),
    /// Anything else SQLite said.
    #[error("the database answered: {0}")]
    Sqlite(rusqlite::Error),
}

impl StoreError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Full | Self::ReadOnly | Self::ReadOnlyServer | Self::Locked | Self::Busy | Self::Unavailable { .. }
        )
    }
}

impl StoreError {
    /// The error of a transaction, for one of those whose work was in it. Where it is not certain
    /// that nothing happened, it says so.
    pub(crate) fn of_group(error: &Self) -> Self {
        match error {
            Self::Full => Self::Full,
            Self::ReadOnly => Self::ReadOnly,
            Self::Locked => Self::Locked,
            other => Self::Unavailable { reason: other.to_string() },
        }
    }
}

/// What SQLite says where a task was not as who writes it had seen it: `Held::update` has written null, or an event of that number is there.
const NOT_AS_SEEN: [&str; 2] =
    ["NOT NULL constraint failed: tasks.lease", "UNIQUE constraint failed: task_events.task_id, task_events.seq"];

/// Primary result codes of SQLite (<https://www.sqlite.org/rescode.html>).
pub(crate) fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let database = error.as_database_error()?;
    database.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    database.code()?.parse::<i32>().ok().map(|extended| extended & 0xff)
}

/// What a SQLSTATE of PostgreSQL means here (PostgreSQL documentation, appendix A).
fn of_postgres(error: &sqlx::Error) -> Option<StoreError> {
    let database = error.as_database_error()?.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    let reason = || database.message().to_owned();
    Some(match database.code() {
        "53100" => StoreError::Full,
        "25006" => StoreError::ReadOnlyServer,
        // Serialisation failure, deadlock, a lock that did not come in time.
        "40001" | "40P01" | "55P03" => StoreError::Locked,
        // The task was not as who writes it had seen it: `Held::update` has written null, or an event of that number is there.
        "23502" if database.table() == Some("tasks") && database.column() == Some("lease") => StoreError::Fenced,
        "23505" if database.constraint() == Some("task_events_pkey") => StoreError::Fenced,
        // The server ended a transaction that was idle for too long: whoever had begun it was frozen.
        "25P03" => StoreError::Unavailable { reason: reason() },
        "42501" => StoreError::Refused { reason: reason() },
        // Connection, authorisation, resources, intervention of an operator, errors of the system:
        // none of them says anything about the statement.
        code if code.get(..2).is_some_and(|class| ["08", "28", "53", "57", "58"].contains(&class)) => {
            StoreError::Unavailable { reason: reason() }
        }
        _ => return None,
    })
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(known) = of_postgres(&error) {
            return known;
        }
        match (sqlite_code(&error), &error) {
            (Some(5 | 6), _) => Self::Locked,
            (Some(8), _) => Self::ReadOnly,
            (Some(13), _) => Self::Full,
            (Some(19), sqlx::Error::Database(said)) if NOT_AS_SEEN.contains(&said.message()) => Self::Fenced,
            (Some(11 | 26), _) => Self::Damaged {
                what: "page",
                reason: format!("{error}; run `openanalyst doctor`, then restore a backup"),
            },
            (
                None,
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Tls(_),
            ) => Self::Unavailable { reason: error.to_string() },
            _ => Self::Database(error),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(code, said) = &error else {
            return Self::Sqlite(error);
        };
        match code.extended_code & 0xff {
            5 | 6 => Self::Locked,
            8 => Self::ReadOnly,
            13 => Self::Full,
            19 if said.as_deref().is_some_and(|said| NOT_AS_SEEN.contains(&said)) => Self::Fenced,
            // No memory, an error of the disk, a file that cannot be opened, a lock that is gone.
            7 | 10 | 14 | 15 => Self::Unavailable { reason: error.to_string() },
            11 | 26 => Self::Damaged {
                what: "page",
                reason: format!("{error}; run `openanalyst doctor`, then restore a backup"),
            },
            _ => Self::Sqlite(error),
        }
    }
}
