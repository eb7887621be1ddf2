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
    /// Anything else the database said.
    #[error("the database answered: {0}")]
    Database(sqlx::Error),
}

impl StoreError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full | Self::ReadOnly | Self::Locked)
    }
}

/// Primary result codes of SQLite (<https://www.sqlite.org/rescode.html>).
pub(crate) fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|extended| extended & 0xff)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match sqlite_code(&error) {
            Some(5 | 6) => Self::Locked,
            Some(8) => Self::ReadOnly,
            Some(13) => Self::Full,
            Some(11 | 26) => Self::Damaged {
                what: "page",
                reason: format!("{error}; run `openanalyst doctor`, then restore a backup"),
            },
            _ => Self::Database(error),
        }
    }
}
