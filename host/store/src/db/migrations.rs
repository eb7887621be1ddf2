//! The migrations of both databases, as the build script embeds them.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Those of SQLite.
pub(super) static OF_SQLITE: LazyLock<Migrator> = LazyLock::new(|| migrator(SQLITE));
/// Those of PostgreSQL.
pub(super) static OF_POSTGRES: LazyLock<Migrator> = LazyLock::new(|| migrator(POSTGRES));

fn migrator(files: &'static [(i64, &'static str, &'static str)]) -> Migrator {
    let migration = |&(number, description, statements): &(i64, &'static str, &'static str)| {
        // The words with which sqlx's own files ask for no transaction.
        let alone = statements.starts_with("-- no-transaction");
        Migration::new(number, description.into(), MigrationType::Simple, statements.into_sql_str(), alone)
    };
    Migrator::with_migrations(files.iter().map(migration).collect())
}
