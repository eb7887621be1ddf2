//! Signs of life on PostgreSQL: a node is alive for as long as it holds a session lock in its name.
//!
//! Each process keeps one connection of its own on which it holds an advisory lock named by its node id, and every [`HEARTBEAT`] it asks on that
//! connection which locks are held: the answer proves its own life, and says who else is alive. A process that ends gives its lock back at once; of one that
//! hangs (`idle_session_timeout`) or is cut off (TCP keepalive, RFC 9293 §3.8.4) the server notices after at most [`SILENCE`], and from then on others take up its tasks. Whoever comes
//! back after that finds its leases fenced ([`crate::StoreError::Fenced`]): nothing it still writes counts.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use openanalyst_domain::NodeId;
use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::StoreError;

/// How often a process shows that it lives, and looks who else does.
pub const HEARTBEAT: Duration = Duration::from_secs(2);
/// After how long the server gives up a connection that says nothing.
pub const SILENCE: Duration = Duration::from_secs(10);
/// How long an answer on the connection may take before it counts as lost.
const ANSWER: Duration = Duration::from_secs(5);

/// Who is alive, as far as was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    alive: Arc<RwLock<HashSet<i64>>>,
    session: Arc<Mutex<Option<PgConnection>>>,
    options: Arc<PgConnectOptions>,
    own: i64,
}

/// Holds a node's lock. Dropping it gives the lock back.
#[derive(Debug)]
pub(crate) struct Heart {
    beating: JoinHandle<()>,
    seen: Seen,
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.beating.abort();
        // With the connection goes the lock. Somebody may be asking on it at this moment: then it goes with the process.
        if let Ok(mut session) = self.seen.session.try_lock() {
            *session = None;
        }
    }
}

/// The name of a node's lock: the random part of its id (UUIDv7, RFC 9562 §5.7).
fn lock_of(node: NodeId) -> i64 {
    let bytes = node.0.as_bytes();
    let mut low = [0; 8];
    low.copy_from_slice(&bytes[8..]);
    i64::from_be_bytes(low)
}

impl Seen {
    /// Takes the node's lock, and begins to show that it lives.
    pub(crate) async fn begin(options: PgConnectOptions, node: NodeId) -> Result<(Self, Heart), StoreError> {
        let silence = SILENCE.as_secs();
        let options = options.options([
            ("tcp_keepalives_idle", (silence / 2).to_string()),
            ("tcp_keepalives_interval", "1".to_owned()),
            ("tcp_keepalives_count", (silence / 2).to_string()),
            ("tcp_user_timeout", (silence * 1_000).to_string()),
            ("idle_in_transaction_session_timeout", "0".to_owned()),
            // The machine of a process that hangs still answers for it, so the process itself must say something.
            ("idle_session_timeout", (silence * 1_000).to_string()),
        ]);
        let seen =
            Self { alive: Arc::default(), session: Arc::default(), options: Arc::new(options), own: lock_of(node) };
        seen.look().await?;
        let this = seen.clone();
        let beating = tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if let Err(error) = this.look().await {
                    tracing::warn!(%error, "this node cannot show that it lives: after {} s others take up its tasks", SILENCE.as_secs());
                }
            }
        });
        Ok((seen.clone(), Heart { beating, seen }))
    }

    /// Shows that this node lives, and looks who else does.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        let mut session = self.session.lock().await;
        let looked = tokio::time::timeout(ANSWER, self.look_on(&mut session)).await;
        let looked = looked.unwrap_or_else(|_| {
            Err(StoreError::Unavailable { reason: format!("no answer for {} s", ANSWER.as_secs()) })
        });
        match looked {
            Ok(alive) => {
                *self.alive.write().unwrap_or_else(PoisonError::into_inner) = alive;
                Ok(())
            }
            Err(error) => {
                // Its lock may be gone with it: a new connection takes it anew.
                *session = None;
                Err(error)
            }
        }
    }

    async fn look_on(&self, session: &mut Option<PgConnection>) -> Result<HashSet<i64>, StoreError> {
        use sqlx::Connection as _;
        let connection = match session {
            Some(connection) => connection,
            None => {
                let mut fresh = PgConnection::connect_with(&self.options).await?;
                sqlx::query("SELECT pg_advisory_lock_shared($1)").bind(self.own).execute(&mut fresh).await?;
                session.insert(fresh)
            }
        };
        connection.execute("SELECT 1").await?;
        let rows: Vec<(i64,)> = sqlx::query_as(
            "SELECT (classid::int8 << 32) | objid::int8 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
             AND mode = 'ShareLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_all(connection)
        .await?;
        Ok(rows.into_iter().map(|(lock,)| lock).collect())
    }

    /// Whether no node with a smaller number lives, as far as was seen.
    pub(crate) fn is_first(&self) -> bool {
        let alive = self.alive.read().unwrap_or_else(PoisonError::into_inner);
        alive.iter().all(|lock| *lock >= self.own)
    }

    pub(crate) fn is_alive(&self, node: NodeId) -> bool {
        let lock = lock_of(node);
        lock == self.own || self.alive.read().unwrap_or_else(PoisonError::into_inner).contains(&lock)
    }
}
