//! Opening, migrating, reading and writing.

mod hints;
mod migrations;
mod postgres;
pub(crate) mod sessions;
mod sqlite;

use std::mem::take;
use std::path::{Path, PathBuf};

use sqlx::Postgres;

use openanalyst_domain::{NodeId, Place};

use crate::StoreError;
use crate::nodes::{AliveNode, Nodes};
use crate::scope::{Scope, try_lock};
use crate::sql::{Page, Query, Row, query};
use crate::tasks::Held;
use crate::together::Joined;

pub(crate) use self::sqlite::{Connection, Writer, committed};
pub use hints::Hints;
pub use postgres::PostgresUrl;

/// Where the database is.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one of them in a process")]
pub enum StoreOptions {
    /// A file, for one machine. Its folder must exist.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A PostgreSQL server, version 15 or later.
    Postgres {
        /// Where and as whom.
        url: PostgresUrl,
        /// Most connections at once.
        connections: u32,
    },
}

/// What opening a database does with a schema that is older than this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// It is brought up; a database that is not there is made.
    BroughtUp,
    /// It is left as it is, and refused.
    AsItIs,
}

/// Stands before the id of its signing key in the name that a host's session has.
const SIGNS_WITH: &str = "openanalyst key ";

/// Most reads that wait, and most writes: of all, and of one tenant.
const MAX_WAITING: usize = 16_384;
const MAX_WAITING_OF_TENANT: usize = 4_096;

/// Refuses to let more wait than there is room for: `all` wait, and so many `of_tenant`.
fn check_room(all: usize, of_tenant: impl FnOnce() -> usize) -> Result<(), StoreError> {
    let is_full = all >= MAX_WAITING || all >= MAX_WAITING_OF_TENANT && of_tenant() >= MAX_WAITING_OF_TENANT;
    if is_full { Err(StoreError::Busy) } else { Ok(()) }
}

/// How many connections to PostgreSQL a host has, unless it is told otherwise.
pub const POSTGRES_CONNECTIONS: u32 = 16;

impl StoreOptions {
    /// A file.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite { path: path.into() }
    }

    /// A server, with the usual number of connections.
    ///
    /// # Errors
    /// [`StoreError::Url`].
    pub fn postgres(url: &str) -> Result<Self, StoreError> {
        Ok(Self::Postgres { url: PostgresUrl::parse(url)?, connections: POSTGRES_CONNECTIONS })
    }
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Sqlite(sqlite::Pools),
    Postgres(postgres::Pools),
}

/// A write transaction. Dropped without [`Tx::commit`] it leaves no trace.
///
/// What nobody needs an answer to is not sent at once (`Query::later`): it goes out in order, before the next statement that is, or with the commit.
#[derive(Debug)]
pub struct Tx {
    pub(crate) inner: TxInner,
    pub(crate) later: Vec<Query>,
    /// The task that is held until the end.
    pub(crate) held: Option<Held>,
    scope: Scope,
    /// The place of its connection, on PostgreSQL.
    _place: Option<Place>,
}

#[derive(Debug)]
pub(crate) enum TxInner {
    Sqlite(sqlite::Transaction),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Reads in the name of somebody.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    store: &'a Store,
    scope: Scope,
}

/// What rows can be read from.
pub(crate) trait Source {
    /// The rows of a query, until they have as many bytes as it says.
    fn page<T: Row>(self, query: Query) -> impl Future<Output = Result<Page<T>, StoreError>> + Send;
}

impl Source for &mut Tx {
    async fn page<T: Row>(self, query: Query) -> Result<Page<T>, StoreError> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => Ok(tx.send(&self.scope, take(&mut self.later), Some(query)).await?.page),
            TxInner::Postgres(tx) => {
                run_all(&mut self.later, tx).await?;
                Box::pin(query.on_postgres(&mut **tx)).await
            }
        }
    }
}

impl Source for Reader<'_> {
    async fn page<T: Row>(self, query: Query) -> Result<Page<T>, StoreError> {
        match &self.store.backend {
            Backend::Sqlite(pools) => pools.reads.page(&self.scope, query).await,
            Backend::Postgres(pools) => {
                // Boxed, so that the futures around it stay small.
                let mut begun = Box::pin(pools.begin_to_read(&self.scope)).await?;
                // It reads and nothing else, so nobody waits for its end.
                Box::pin(query.on_postgres(&mut *begun.tx)).await
            }
        }
    }
}

async fn run_all(later: &mut Vec<Query>, tx: &mut sqlx::Transaction<'static, Postgres>) -> Result<(), StoreError> {
    for joined in Joined::of(take(later)) {
        joined.run(tx).await?;
    }
    Ok(())
}

impl Tx {
    /// Makes everything since [`Store::begin`] durable. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ReadOnly`], …: nothing of the transaction happened. [`StoreError::Unavailable`]: the connection broke, and
    /// whether it happened is not known. [`StoreError::Fenced`]: see [`Tx::hold_task`].
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.later.extend(self.held.as_mut().and_then(Held::update));
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit(&self.scope, self.later).await?,
            TxInner::Postgres(mut tx) => {
                run_all(&mut self.later, &mut tx).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Sends what was left for later, so that nothing but the commit itself is left.
    ///
    /// # Errors
    /// The database's.
    pub async fn flush(&mut self) -> Result<(), StoreError> {
        self.later.extend(self.held.as_mut().and_then(Held::update));
        match &mut self.inner {
            TxInner::Sqlite(tx) => {
                tx.send::<()>(&self.scope, take(&mut self.later), None).await.map(drop)?;
            }
            TxInner::Postgres(tx) => run_all(&mut self.later, tx).await?,
        }
        Ok(())
    }

    /// Runs a statement; gives how many rows it changed.
    pub(crate) async fn run(&mut self, query: Query) -> Result<u64, StoreError> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => Ok(tx.send::<()>(&self.scope, take(&mut self.later), Some(query)).await?.changed),
            TxInner::Postgres(tx) => {
                let mut changed = 0;
                for joined in Joined::of(take(&mut self.later).into_iter().chain([query])) {
                    changed = joined.run(tx).await?;
                }
                Ok(changed)
            }
        }
    }

    /// In whose name it writes.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Waits until no other transaction holds the lock of this name, which belongs to the tenant,
    /// and holds it until the end. What is read meanwhile, also outside of this transaction, stays
    /// true until then. To be called first.
    ///
    /// # Errors
    /// [`StoreError::Locked`] after ten seconds.
    pub async fn hold(&mut self, name: &str) -> Result<(), StoreError> {
        let tenant = self.scope.tenant().map_or("", |tenant| tenant.as_str()).to_owned();
        self.hold_of_all(&format!("{name} {tenant}")).await
    }

    /// The same with a lock that belongs to no tenant.
    pub(crate) async fn hold_of_all(&mut self, name: &str) -> Result<(), StoreError> {
        if let TxInner::Sqlite(tx) = &mut self.inner {
            // Its first step has begun the transaction when this returns: against other processes too.
            return tx.begin(&self.scope, true).await;
        }
        self.lock(name).await.map(drop)
    }

    /// Waits until no other transaction holds the lock of this name, and holds it until the end. For what is read and then written: SQLite has one writer, so
    /// there it is held from the beginning, and this is false.
    pub(crate) async fn lock(&mut self, name: &str) -> Result<bool, StoreError> {
        let TxInner::Postgres(_) = self.inner else { return Ok(false) };
        query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(name).run(self).await?;
        Ok(true)
    }
}

impl Store {
    /// Opens the database, makes it if it is not there, and brings its schema up.
    ///
    /// # Errors
    /// Each names the database, the reason and the next step.
    pub async fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        Self::open_with(options, Schema::BroughtUp).await
    }

    /// Opens a database that is there, and leaves its schema as it is: for commands that look only.
    ///
    /// # Errors
    /// [`StoreError::OlderSchema`]; [`StoreError::Open`] where there is none; as [`Self::open`].
    pub async fn open_as_it_is(options: &StoreOptions) -> Result<Self, StoreError> {
        Self::open_with(options, Schema::AsItIs).await
    }

    async fn open_with(options: &StoreOptions, schema: Schema) -> Result<Self, StoreError> {
        let backend = match options {
            StoreOptions::Sqlite { path } => Backend::Sqlite(sqlite::Pools::open(path, schema).await?),
            StoreOptions::Postgres { url, connections } => {
                Backend::Postgres(postgres::open(url, *connections, schema).await?)
            }
        };
        Ok(Self { backend })
    }

    /// Begins a write in somebody's name. On SQLite writes wait for each other in the order in which they came.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process holds SQLite's write lock for longer than ten seconds, [`StoreError::Unavailable`] if there is no
    /// connection to PostgreSQL for that long.
    pub async fn begin(&self, scope: impl Into<Scope>) -> Result<Tx, StoreError> {
        self.begin_trying(scope.into(), None).await
    }

    /// The same; on PostgreSQL it tries, in the same way to the server, for the lock of this name ([`Tx::lock`]). Whether it has it, the setting `openanalyst.has_lock`
    /// says to the statements of the transaction.
    pub(crate) async fn begin_trying(&self, scope: Scope, lock: Option<&str>) -> Result<Tx, StoreError> {
        let (inner, place) = match &self.backend {
            Backend::Sqlite(pools) => (TxInner::Sqlite(sqlite::Transaction::new(&pools.writer)), None),
            Backend::Postgres(pools) => {
                let words = scope.begin() + &lock.map(try_lock).unwrap_or_default();
                // Boxed, so that the futures around it stay small.
                let begun = Box::pin(pools.begin_to_write(&scope, words)).await?;
                (TxInner::Postgres(begun.tx), Some(begun.place))
            }
        };
        Ok(Tx { inner, later: Vec::new(), held: None, scope, _place: place })
    }

    /// Gives this process a node id and holds its sign of life: on SQLite a locked file in the folder `run` beside the database, on PostgreSQL a session of the server.
    ///
    /// # Errors
    /// The file cannot be made or locked; the server cannot be reached.
    pub async fn join(&self, dir: &Path) -> Result<(Nodes, AliveNode), StoreError> {
        self.join_as(dir, "").await
    }

    /// The same for a host that signs tokens with the key of this id: [`Self::signing_keys_in_use`] tells.
    ///
    /// # Errors
    /// See [`Self::join`].
    pub async fn join_as(&self, dir: &Path, signing_key: &str) -> Result<(Nodes, AliveNode), StoreError> {
        match &self.backend {
            Backend::Sqlite(pools) => {
                // Beside the database, so that whoever uses the file sees it.
                let beside = pools.path.parent().map(|folder| folder.join("run"));
                let dir = beside.as_deref().unwrap_or(dir);
                let failed = |error: std::io::Error| StoreError::Open {
                    path: dir.to_owned(),
                    reason: error.to_string(),
                    next: "Make the data directory writable for this program",
                };
                let nodes = Nodes::open(dir).map_err(failed)?;
                let node = nodes.join().map_err(failed)?;
                Ok((nodes, node))
            }
            Backend::Postgres(pools) => {
                let node = NodeId::new();
                let mut options = pools.writes.connect_options().as_ref().clone();
                if !signing_key.is_empty() {
                    options = options.application_name(&format!("{SIGNS_WITH}{signing_key}"));
                }
                let (seen, heart) = sessions::Seen::begin(options, node).await?;
                Ok((Nodes::of_sessions(seen), AliveNode::of_session(node, heart)))
            }
        }
    }

    /// The ids of the keys with which the hosts sign that use this database now. On SQLite none: they have one
    /// data directory, and one key.
    ///
    /// # Errors
    /// The database's.
    pub async fn signing_keys_in_use(&self) -> Result<Vec<String>, StoreError> {
        let Backend::Postgres(pools) = &self.backend else { return Ok(Vec::new()) };
        let names: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name IS NOT NULL ORDER BY 1",
        )
        .fetch_all(&mut postgres::as_login(&pools.reads).await?)
        .await?;
        Ok(names.iter().filter_map(|(name,)| name.strip_prefix(SIGNS_WITH)).map(str::to_owned).collect())
    }

    /// Listens to what other processes of the database say.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn hints(&self) -> Result<Hints, StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(Hints::none()),
            Backend::Postgres(pools) => Hints::on_postgres(pools.writes.connect_options().as_ref().clone()).await,
        }
    }

    /// The writer of SQLite. None on PostgreSQL.
    pub(crate) fn writer(&self) -> Option<&Writer> {
        match &self.backend {
            Backend::Sqlite(pools) => Some(&pools.writer),
            Backend::Postgres(_) => None,
        }
    }

    /// Reads in somebody's name.
    pub(crate) fn read(&self, scope: impl Into<Scope>) -> Reader<'_> {
        Reader { store: self, scope: scope.into() }
    }

    /// The database file. None where the database is a server.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.backend {
            Backend::Sqlite(pools) => Some(&pools.path),
            Backend::Postgres(_) => None,
        }
    }

    /// `SQLite` or `PostgreSQL`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.backend {
            Backend::Sqlite(_) => "SQLite",
            Backend::Postgres(_) => "PostgreSQL",
        }
    }

    /// Asks the database for an answer, for `/ready` and `doctor`.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(pools) => {
                pools.reads.page::<()>(&Scope::Worker, query("SELECT 1")).await.map(drop)?;
            }
            Backend::Postgres(pools) => drop(postgres::begin(&pools.reads, Scope::Worker.begin()).await?),
        }
        Ok(())
    }

    /// Whether the database takes writes: writes something small, and waits until it is durable. Nothing
    /// of it stays.
    ///
    /// # Errors
    /// The database's.
    pub async fn ping_writable(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => {
                // SQLite keeps this number for the program, which has no other use for it: setting it writes the
                // first page anew, also where it stays the same (SQLite documentation, `PRAGMA user_version`).
                let mut tx = self.begin(Scope::Worker).await?;
                tx.later.push(query("PRAGMA user_version = 1"));
                tx.commit().await
            }
            Backend::Postgres(pools) => postgres::ping_writable(&pools.writes).await,
        }
    }

    /// Writes a copy of the whole database into a new file, as it is at one moment, while others read and
    /// write. Only SQLite: PostgreSQL has its own programs for that.
    ///
    /// # Errors
    /// [`StoreError::Open`]: the file is there already, cannot be written, or the database is a server.
    pub async fn copy_into(&self, file: &Path) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(pools) => sqlite::copy_into(&pools.path, file).await,
            Backend::Postgres(_) => Err(StoreError::Open {
                path: file.to_owned(),
                reason: "the database is a PostgreSQL server".to_owned(),
                next: "Use pg_dump, as docs/operating.md says",
            }),
        }
    }

    /// SQLite: reads the whole database and compares it with its indexes, which takes as long as reading it takes. PostgreSQL: proves that row-level security
    /// is forced on every table, and that this program is neither their owner nor above it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::Unsafe`] with the first thing that is wrong.
    pub async fn check(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(pools) => pools.check().await,
            Backend::Postgres(pools) => postgres::check(&pools.reads).await,
        }
    }

    /// Gives disk space back to the file system, in small steps. On PostgreSQL autovacuum does that
    /// work, and this does nothing. Gives how many pages went.
    ///
    /// # Errors
    /// The database's.
    pub async fn give_space_back(&self, pace: &impl crate::retention::Pace) -> Result<u64, StoreError> {
        match &self.backend {
            Backend::Sqlite(pools) => pools.give_space_back(pace).await,
            Backend::Postgres(_) => Ok(0),
        }
    }

    /// Writes a file of SQLite anew, where it was made by a version whose files could not give disk
    /// space back. Nobody else may have it open. Says whether it did.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while somebody else has it open, [`StoreError::Full`] where the disk has
    /// no room for a second file of this size.
    pub async fn rebuild(&self) -> Result<bool, StoreError> {
        match &self.backend {
            Backend::Sqlite(pools) => pools.rebuild().await,
            Backend::Postgres(_) => Ok(false),
        }
    }

    /// The version of the schema: the number of the last migration that was applied.
    ///
    /// # Errors
    /// The database's.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        const NEWEST: &str = "SELECT MAX(version) FROM _sqlx_migrations";
        let newest: Option<(Option<i64>,)> = match &self.backend {
            Backend::Sqlite(pools) => pools.reads.page(&Scope::Worker, query(NEWEST)).await?.rows.pop(),
            Backend::Postgres(pools) => sqlx::query_as(NEWEST).fetch_optional(&pools.reads).await?,
        };
        Ok(newest.and_then(|(version,)| version).unwrap_or(0))
    }

    /// Writes what is left and closes all connections.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(pools) => pools.close().await,
            Backend::Postgres(pools) => pools.close().await,
        }
    }
}

/// The newest migration that this program knows, and the check that the database knows none above it.
fn known_version(migrations: &sqlx::migrate::Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}
