//! Hints between the processes of one PostgreSQL database (`LISTEN`, `NOTIFY`): that there is something to look at in the record. They come after the commit of what
//! they are about. One that is lost costs time and nothing else: whoever listens looks from time to time anyway.

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::sql::query;
use crate::{StoreError, Tx};

use super::TxInner;

/// Somebody wants a task to end that another process works on.
const CANCELLED: &str = "openanalyst_cancelled";

/// What other processes say. On SQLite, where processes do not share a record for long, nothing.
#[derive(Debug)]
pub struct Hints(Option<PgListener>);

impl Hints {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) async fn on_postgres(options: PgConnectOptions) -> Result<Self, StoreError> {
        // A connection of its own: it is held for as long as somebody listens.
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CANCELLED).await?;
        Ok(Self(Some(listener)))
    }

    /// Waits until a task was cancelled through any process of the database. Never returns where there is nothing to hear.
    ///
    /// # Errors
    /// The connection broke, and a new one could not be made.
    pub async fn cancelled(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Some(listener) => Ok(listener.recv().await.map(drop)?),
            None => std::future::pending().await,
        }
    }
}

impl Tx {
    /// Says to the other processes, once this transaction is committed, that a task was cancelled.
    pub(crate) async fn hint_cancelled(&mut self) -> Result<(), StoreError> {
        if let TxInner::Postgres(_) = self.inner {
            query("SELECT pg_notify($1, '')").bind(CANCELLED).run(self).await?;
        }
        Ok(())
    }
}
