//! One connection to the file, used by one thread.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::types::ValueRef;

use crate::sql::{Page, Query, Row};

/// How long a write waits for another process's write before it gives up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that stay prepared. There are about 200 in this crate.
const PREPARED: usize = 512;

/// What statements gave.
#[derive(Debug)]
pub(crate) struct Done<T> {
    /// The rows.
    pub(crate) page: Page<T>,
    /// How many rows were changed.
    pub(crate) changed: u64,
}

impl<T> Done<T> {
    pub(super) fn nothing() -> Self {
        Self { page: Page { rows: Vec::new(), is_cut: false }, changed: 0 }
    }
}

/// A connection, and the statements of this crate in SQLite's words.
#[derive(Debug)]
pub(crate) struct Connection {
    inner: rusqlite::Connection,
    /// `$1` names a parameter in SQLite, and its number comes from where it stands first; `?1` is
    /// the first one. By the address of the text, which is a constant.
    numbered: HashMap<(usize, usize), String>,
}

impl Connection {
    /// Opens the file, which must be there, with what every connection needs. `cache_kib` is how
    /// much of the file it keeps, `locked` how long it waits for another process's write.
    pub(super) fn open(path: &Path, cache_kib: i64, locked: Duration) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = rusqlite::Connection::open_with_flags(path, flags)?;
        inner.busy_timeout(locked)?;
        inner.pragma_update(None, "journal_mode", "WAL")?;
        inner.pragma_update(None, "synchronous", "FULL")?;
        inner.pragma_update(None, "foreign_keys", true)?;
        inner.pragma_update(None, "trusted_schema", false)?;
        inner.pragma_update(None, "journal_size_limit", super::space::LOG_BYTES)?;
        inner.pragma_update(None, "cell_size_check", true)?;
        // What a savepoint keeps to undo it stays in memory: in a file it took 9 % of a request's CPU.
        inner.pragma_update(None, "temp_store", "MEMORY")?;
        // Pages that are written again and again go into the file once in about 16 MB of log.
        inner.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        // SQLite documentation, `PRAGMA cache_size`: negative for KiB.
        inner.pragma_update(None, "cache_size", -cache_kib)?;
        inner.set_prepared_statement_cache_capacity(PREPARED);
        Ok(Self { inner, numbered: HashMap::new() })
    }

    /// Runs a statement without parameters, which gives no rows.
    pub(super) fn say(&self, sql: &str) -> rusqlite::Result<()> {
        self.inner.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Runs a statement, and the one before it if there is one.
    pub(crate) fn run<T: Row>(&mut self, query: &Query) -> rusqlite::Result<Done<T>> {
        if let Some(before) = query.sql.before {
            self.run_one::<()>(before.sqlite, query)?;
        }
        self.run_one(query.sql.sqlite, query)
    }

    /// Runs statements of which nobody needs to know what they gave.
    pub(crate) fn run_all(&mut self, queries: &[Query]) -> rusqlite::Result<()> {
        queries.iter().try_for_each(|query| self.run::<()>(query).map(drop))
    }

    fn run_one<T: Row>(&mut self, sql: &'static str, query: &Query) -> rusqlite::Result<Done<T>> {
        let key = (sql.as_ptr().addr(), sql.len());
        let sql = self.numbered.entry(key).or_insert_with(|| numbered(sql));
        let mut statement = self.inner.prepare_cached(sql)?;
        // A statement may use fewer parameters than the one that it belongs to.
        let count = statement.parameter_count();
        for (index, value) in query.values.iter().take(count).enumerate() {
            statement.raw_bind_parameter(index + 1, value)?;
        }
        let mut given = statement.raw_query();
        let mut done = Done::nothing();
        let mut bytes = 0_usize;
        while let Some(row) = given.next()? {
            if query.most_bytes < usize::MAX {
                bytes = bytes.saturating_add(size_of_row(row));
            }
            done.page.rows.push(T::read(row)?);
            if bytes >= query.most_bytes {
                done.page.is_cut = true;
                break;
            }
        }
        drop(given);
        drop(statement);
        done.changed = self.inner.changes();
        Ok(done)
    }

    /// Asks after about so many instructions of each statement whether to end it.
    pub(super) fn ask_in_between(&self, instructions: i32, is_to_stop: fn() -> bool) -> rusqlite::Result<()> {
        self.inner.progress_handler(instructions, Some(is_to_stop))
    }

    /// Whether no transaction is open.
    pub(super) fn is_at_rest(&self) -> bool {
        self.inner.is_autocommit()
    }

    /// Lets SQLite keep its statistics in order, and closes the connection.
    pub(super) fn close(self, optimize: bool) -> rusqlite::Result<()> {
        if optimize {
            self.inner.execute_batch("PRAGMA optimize")?;
        }
        self.inner.close().map_err(|(_, error)| error)
    }
}

fn size_of_row(row: &rusqlite::Row<'_>) -> usize {
    let size = |at| match row.get_ref(at) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => bytes.len(),
        Ok(ValueRef::Integer(_) | ValueRef::Real(_)) => size_of::<i64>(),
        Ok(ValueRef::Null) | Err(_) => 0,
    };
    (0..row.as_ref().column_count()).map(size).sum()
}

/// A statement with `?1` for `$1`. Anything else after a `$` is a path of JSON, `$.kind`.
fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        text.push(if part.starts_with(|c: char| c.is_ascii_digit()) { '?' } else { '$' });
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_their_numbers() {
        let sql = "UPDATE t SET a = $2, b = json_extract($12, '$.kind') WHERE c = $1";
        assert_eq!(numbered(sql), "UPDATE t SET a = ?2, b = json_extract(?12, '$.kind') WHERE c = ?1");
    }
}
