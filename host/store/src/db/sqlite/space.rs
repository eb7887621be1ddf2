//! Giving disk space back: free pages go from the end of the file in small steps, and the log is cut.

use std::path::Path;
use std::time::Duration;

use rusqlite::OpenFlags;
use sqlx::sqlite::SqliteConnection;

use super::{CHECKED_AT_START_BYTES, Pools, Writer, committed};
use crate::retention::Pace;
use crate::sql::query;
use crate::{Scope, StoreError};

/// One step gives 64 pages of 4 KiB back.
const STEP: &str = "PRAGMA incremental_vacuum(64)";
/// Free pages that stay, for the next writes: so many, or one of so many.
const SPARE_PAGES: i64 = 256;
const SPARE_SHARE: i64 = 50;
/// The log is cut to this size when it begins anew.
pub(super) const LOG_BYTES: i64 = 64 << 20;

/// `PRAGMA auto_vacuum`: pages are given back by `incremental_vacuum`.
const INCREMENTAL: i64 = 2;

/// Lets a database give pages back, where that costs little: a new one, and a small one that was made
/// by an earlier version. Another one is left as it is until `openanalyst migrate`.
pub(super) async fn prepare(connection: &mut SqliteConnection, path: &Path) {
    let small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_AT_START_BYTES);
    if !small {
        return;
    }
    // Another process may have it open: then it happens at another start.
    if let Err(error) = rebuild(connection).await {
        tracing::debug!(%error, "the database cannot be prepared to give disk space back now");
    }
}

/// Writes the whole file anew where it cannot give pages back yet. Says whether it did.
pub(super) async fn rebuild(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let (mode,): (i64,) = sqlx::query_as("PRAGMA auto_vacuum").fetch_one(&mut *connection).await?;
    if mode == INCREMENTAL {
        return Ok(false);
    }
    sqlx::query("PRAGMA auto_vacuum = 2").execute(&mut *connection).await?;
    sqlx::query("VACUUM").execute(&mut *connection).await?;
    Ok(true)
}

impl Pools {
    /// Gives free pages back, step by step; each step is a piece of work of the writer. Gives how many
    /// pages went.
    pub(in crate::db) async fn give_space_back(&self, pace: &impl Pace) -> Result<u64, StoreError> {
        let number = async |pragma: &'static str| {
            let found = self.reads.page::<(i64,)>(&Scope::Worker, query(pragma)).await?;
            Ok::<_, StoreError>(found.rows.first().map_or(0, |(number,)| *number))
        };
        if number("PRAGMA auto_vacuum").await? != INCREMENTAL {
            return Ok(0);
        }
        let spare = SPARE_PAGES.max(number("PRAGMA page_count").await? / SPARE_SHARE);
        let mut free = number("PRAGMA freelist_count").await?;
        let mut given = 0;
        while free > spare {
            step(&self.writer).await?;
            let left = number("PRAGMA freelist_count").await?;
            // Writes may have used some, or another process holds them.
            if left >= free || !pace.pause().await {
                break;
            }
            given += u64::try_from(free - left).unwrap_or_default();
            free = left;
        }
        self.cut_log().await;
        Ok(given)
    }

    /// Cuts the log, where it is long and nobody reads from it at this moment.
    async fn cut_log(&self) {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let long =
            std::fs::metadata(&log).is_ok_and(|file| i64::try_from(file.len()).is_ok_and(|bytes| bytes > LOG_BYTES));
        if !long {
            return;
        }
        let path = self.path.clone();
        let cut = tokio::task::spawn_blocking(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = rusqlite::Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(Duration::ZERO)?;
            let checkpoint = |how| connection.query_row(how, [], |_| Ok(()));
            // The first copies pages while others write, so that the second has little left to do.
            checkpoint("PRAGMA wal_checkpoint(PASSIVE)").and_then(|()| checkpoint("PRAGMA wal_checkpoint(TRUNCATE)"))
        });
        match cut.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the log of the database cannot be cut now"),
            Err(error) => tracing::warn!(%error, "cutting the log of the database ended early"),
        }
    }
}

async fn step(writer: &Writer) -> Result<(), StoreError> {
    let work = |connection: &mut super::Connection| {
        connection.run::<()>(&query(STEP))?;
        Ok(())
    };
    committed(writer.write(&Scope::Worker, Box::new(work))?).await
}
