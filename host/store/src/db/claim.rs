//! One host for a database: processes of one data directory know of each other's life through it, and those of another would not.
//!
//! On PostgreSQL every process that runs tasks holds a session lock in the name of its data directory, and refuses to go on where one of another name is held.
//! With SQLite the database lies in the data directory, and the directory's own locks say the same.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Backend;
use crate::{Store, StoreError};

/// The class of these locks: `oan1`.
const CLASS: i32 = 0x6f61_6e31;
/// How often the session is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The right to run tasks on a database. Dropping it gives it back.
#[derive(Debug)]
pub struct Claim {
    lost: watch::Receiver<bool>,
    keeper: Option<JoinHandle<()>>,
}

impl Claim {
    /// Waits until another host has the database, which can only happen after the connection was lost for a while.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            // Nobody looks after it: with SQLite there is nothing to lose.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

impl Store {
    /// Takes the right to run tasks on this database, for the processes of a data directory, which is named by a positive number.
    ///
    /// # Errors
    /// [`StoreError::InUse`]: a host with another data directory has it.
    pub async fn claim(&self, data_dir: i32) -> Result<Claim, StoreError> {
        let (tell, lost) = watch::channel(false);
        let keeper = match &self.backend {
            Backend::Sqlite(_) => None,
            Backend::Postgres(pools) => {
                let options = pools.writes.connect_options().as_ref().clone();
                let session = claim(&options, data_dir).await?;
                Some(tokio::spawn(keep(options, data_dir, session, tell)))
            }
        };
        Ok(Claim { lost, keeper })
    }
}

async fn claim(options: &PgConnectOptions, data_dir: i32) -> Result<PgConnection, StoreError> {
    let mut session = PgConnection::connect_with(options).await?;
    // Two hosts that come at the same time both hold theirs before they look, so at least one of them sees the other.
    sqlx::query("SELECT pg_advisory_lock_shared($1, $2)").bind(CLASS).bind(data_dir).execute(&mut session).await?;
    let (others,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1::int8::oid \
         AND objid <> $2::int8::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .bind(i64::from(CLASS))
    .bind(i64::from(data_dir))
    .fetch_one(&mut session)
    .await?;
    if others > 0 { Err(StoreError::InUse) } else { Ok(session) }
}

/// Keeps the session alive, and takes a new one where it was lost.
async fn keep(options: PgConnectOptions, data_dir: i32, session: PgConnection, tell: watch::Sender<bool>) {
    let mut session = Some(session);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Some(held) = &mut session {
            match held.execute("SELECT 1").await {
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "the session that holds the database was lost: taking a new one"),
            }
        }
        session = match claim(&options, data_dir).await {
            Ok(session) => Some(session),
            Err(StoreError::InUse) => {
                tracing::error!("another host has taken the database");
                // Nobody may be waiting.
                let _ = tell.send(true);
                return;
            }
            Err(_) => None,
        };
    }
}
