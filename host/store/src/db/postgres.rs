//! PostgreSQL: many tenants, guarded by row-level security.
//!
//! Three roles. The **login** of the URL opens connections. Every connection then becomes `openanalyst_app`, which owns nothing, cannot bypass
//! row-level security, and sees the rows of the tenant and user that its transaction names. Looking for open work of all tenants is done as
//! `openanalyst_worker`, which may read ids and times and nothing else. If the login owns the tables, it also brings the schema up; a stricter installation gives `serve` a
//! login that is only a member of the two roles, and runs `openanalyst migrate` as the owner.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use openanalyst_domain::{Place, Places};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Postgres, Transaction};

use super::migrations::OF_POSTGRES;
use super::{Schema, check_room, known_version};
use crate::{Scope, StoreError};

/// The oldest version of PostgreSQL that works, as `server_version_num` says it.
const OLDEST_SERVER: i32 = 150_000;
/// How long a call waits for a connection before it says that the database cannot be reached.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a PostgreSQL server is, and as whom to connect. Its password shows nowhere.
#[derive(Clone)]
pub struct PostgresUrl(PgConnectOptions);

impl PostgresUrl {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    ///
    /// # Errors
    /// [`StoreError::Url`], without the URL: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let refused = |reason: String| StoreError::Url { reason };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("postgres" | "postgresql")) {
            return Err(refused("it does not begin with `postgres://`".to_owned()));
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| refused(error.to_string()))?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(refused("it names no database".to_owned()));
        }
        Ok(Self(options))
    }

    /// The same with this password, instead of one that it may have.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        Self(self.0.password(password))
    }

    fn shown(&self) -> String {
        let database = self.0.get_database().unwrap_or_default();
        match self.0.get_socket() {
            Some(socket) => format!("{database} at {}", socket.display()),
            None => format!("{database} at {}:{}", self.0.get_host(), self.0.get_port()),
        }
    }

    /// Settings that every connection has, whoever's it is.
    fn options(&self) -> PgConnectOptions {
        self.0.clone().application_name("openanalyst").options([
            ("standard_conforming_strings", "on"),
            ("timezone", "UTC"),
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            // Every statement here looks up few rows by an index, whatever its values are, so it is planned once for each connection. Planned anew each time, the context of a
            // request takes ten times as long to plan as to run. (For SQLite: `.cargo/config.toml`.)
            ("plan_cache_mode", "force_generic_plan"),
            // A process that freezes in a transaction holds rows that others need: after as long as it takes until it counts as gone (`sessions::SILENCE`).
            ("idle_in_transaction_session_timeout", "10s"),
        ])
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({})", self.shown())
    }
}

/// The connections to a server. Reads have some of their own: a write that waits for a read would otherwise wait for itself.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    pub(super) reads: PgPool,
    pub(super) writes: PgPool,
    /// Tenants take turns at the connections, and one tenant has at most half of each kind.
    read_places: Places,
    write_places: Places,
}

impl Pools {
    /// Begins a transaction on a connection that reads, in the turn of its tenant.
    pub(super) async fn begin_to_read(&self, scope: &Scope) -> Result<Begun, StoreError> {
        begin_in_turn(&self.reads, &self.read_places, scope, scope.begin()).await
    }

    /// The same on one that writes, with further words.
    pub(super) async fn begin_to_write(&self, scope: &Scope, words: String) -> Result<Begun, StoreError> {
        begin_in_turn(&self.writes, &self.write_places, scope, words).await
    }

    pub(super) async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }
}

/// A transaction, and the place of its connection.
pub(super) struct Begun {
    pub(super) tx: Transaction<'static, Postgres>,
    pub(super) place: Place,
}

async fn begin_in_turn(pool: &PgPool, places: &Places, scope: &Scope, words: String) -> Result<Begun, StoreError> {
    let (all, of_tenant) = places.waiting(scope.tenant());
    check_room(all, || of_tenant)?;
    let waiting = places.place(scope.tenant(), scope.user());
    let place = tokio::time::timeout(ACQUIRE_TIMEOUT, waiting).await;
    let Ok(Some(place)) = place else { return Err(StoreError::Busy) };
    Ok(Begun { tx: begin(pool, words).await?, place })
}

pub(super) async fn open(url: &PostgresUrl, connections: u32, schema: Schema) -> Result<Pools, StoreError> {
    let failed = |error: sqlx::Error| open_error(url, &error);
    let mut first = PgConnection::connect_with(&url.options()).await.map_err(failed)?;
    let (version,): (i32,) = sqlx::query_as("SELECT current_setting('server_version_num')::int4")
        .fetch_one(&mut first)
        .await
        .map_err(failed)?;
    if version < OLDEST_SERVER {
        return Err(StoreError::OldServer { found: version / 10_000 });
    }
    migrate(&mut first, url, schema).await?;
    first.close().await.map_err(failed)?;
    let pool = |connections: u32| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute("SET ROLE openanalyst_app").await.map(drop) })
            })
            .connect_with(url.options())
    };
    let half = (connections / 2).max(1);
    let places = || {
        let all = usize::try_from(half).unwrap_or(usize::MAX);
        Places::new(all, all.div_ceil(2))
    };
    let pools = Pools {
        reads: pool(half).await.map_err(failed)?,
        writes: pool(half).await.map_err(failed)?,
        read_places: places(),
        write_places: places(),
    };
    check(&pools.reads).await?;
    Ok(pools)
}

/// Begins a transaction with these words: such that the server refuses none of them and waits for nothing, or sqlx would give the connection back in the middle of it.
/// The connections are not asked whether they still live each time that they are lent: where one does not, the next one is taken, since nothing has happened yet.
pub(super) async fn begin(pool: &PgPool, words: String) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let most = pool.options().get_max_connections();
    for _ in 0..most {
        match pool.begin_with(AssertSqlSafe(words.clone())).await {
            Err(error) if is_gone(&error) => tracing::debug!(%error, "a connection to the database is gone"),
            begun => return begun,
        }
    }
    pool.begin_with(AssertSqlSafe(words)).await
}

/// Whether the connection is of no use any more: broken, or ended by the server (SQLSTATE class 08, and 57P for shutdowns).
fn is_gone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(error, sqlx::Error::Io(_)) || code.is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
}

async fn migrate(connection: &mut PgConnection, url: &PostgresUrl, schema: Schema) -> Result<(), StoreError> {
    let known = known_version(&OF_POSTGRES);
    let failed = |error: sqlx::Error| open_error(url, &error);
    let mut found_version = 0;
    let (there,): (bool,) = sqlx::query_as("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if there {
        let (readable,): (bool,) = sqlx::query_as("SELECT has_table_privilege('_sqlx_migrations', 'SELECT')")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if !readable {
            connection.execute("SET ROLE openanalyst_app").await.map_err(failed)?;
        }
        let (found,): (Option<i64>,) = sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        connection.execute("RESET ROLE").await.map_err(failed)?;
        found_version = found.unwrap_or(0);
        match found_version {
            found if found == known => return Ok(()),
            found if found > known => return Err(StoreError::NewerSchema { found, known }),
            _ => {}
        }
    }
    if schema == Schema::AsItIs {
        return Err(StoreError::OlderSchema { found: found_version, known });
    }
    // The statement limit is for requests; a migration of a large table may take its time.
    connection.execute("SET statement_timeout = 0; SET lock_timeout = 0").await.map_err(failed)?;
    match OF_POSTGRES.run(connection).await {
        Ok(()) => Ok(()),
        Err(sqlx::migrate::MigrateError::VersionMissing(found)) => Err(StoreError::NewerSchema { found, known }),
        Err(sqlx::migrate::MigrateError::Execute(error) | sqlx::migrate::MigrateError::ExecuteMigration(error, _)) => {
            let denied = error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "42501");
            if denied {
                let reason = error.to_string();
                return Err(StoreError::NeedsMigration { known, reason });
            }
            Err(open_error(url, &error))
        }
        Err(error) => Err(StoreError::Server {
            server: url.shown(),
            reason: error.to_string(),
            next: "Run `openanalyst migrate` as the owner of the database and read its answer",
        }),
    }
}

/// Proves that this program is held by row-level security on every table.
pub(super) async fn check(pool: &PgPool) -> Result<(), StoreError> {
    let (role, above): (String, bool) =
        sqlx::query_as("SELECT rolname::text, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            .fetch_one(pool)
            .await?;
    if above {
        return Err(StoreError::Unsafe {
            reason: format!("the role {role} is above row-level security (SUPERUSER or BYPASSRLS)"),
        });
    }
    let (is_worker,): (bool,) =
        sqlx::query_as("SELECT pg_has_role(session_user, 'openanalyst_worker', 'MEMBER')").fetch_one(pool).await?;
    if !is_worker {
        let reason = "the login is no member of the role openanalyst_worker, which finds open work: run \
                      `GRANT openanalyst_worker TO LOGIN` as the owner";
        return Err(StoreError::Unsafe { reason: reason.to_owned() });
    }
    let open: Vec<(String,)> = sqlx::query_as(
        "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') \
         AND relname <> '_sqlx_migrations' \
         AND (NOT relrowsecurity OR NOT relforcerowsecurity OR pg_get_userbyid(relowner) = current_user) ORDER BY relname",
    )
    .fetch_all(pool)
    .await?;
    match open.first() {
        None => Ok(()),
        Some((table,)) => Err(StoreError::Unsafe {
            reason: format!("row-level security is not forced on the table {table}, or {role} owns it"),
        }),
    }
}

/// A connection as the login itself, which may see what its other sessions are called.
pub(super) async fn as_login(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect_with(pool.connect_options().as_ref()).await
}

pub(super) async fn ping_writable(pool: &PgPool) -> Result<(), StoreError> {
    let mut tx = begin(pool, Scope::Worker.begin()).await?;
    let (read_only, has_temporary): (String, bool) = sqlx::query_as(
        "SELECT current_setting('transaction_read_only'), has_database_privilege(current_database(), 'TEMP')",
    )
    .fetch_one(&mut *tx)
    .await?;
    if read_only == "on" {
        return Err(StoreError::ReadOnlyServer);
    }
    // A row in a table of this session, which is empty again after the commit: the server has to find room for
    // its page each time, as it has to for a new row of any table. And a record in the log, which the commit
    // makes durable (PostgreSQL documentation, "Generic WAL messages").
    if has_temporary {
        tx.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS openanalyst_ready (filler text) ON COMMIT DELETE ROWS; \
             INSERT INTO pg_temp.openanalyst_ready VALUES (repeat('x', 1000))",
        )
        .await?;
    }
    tx.execute("SELECT pg_logical_emit_message(true, 'openanalyst', 'ready')").await?;
    Ok(tx.commit().await?)
}

fn open_error(url: &PostgresUrl, error: &sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code());
    let next = match code.as_deref() {
        Some("28P01" | "28000") => "Check the user and the password in the URL",
        Some("3D000") => "Make the database (`createdb`), or name another one",
        Some("42501") => "Make the login a member of `openanalyst_app` and `openanalyst_worker`, or use the owner's",
        _ => "Check that the server runs and that the URL names it; `openanalyst doctor` looks again",
    };
    StoreError::Server { server: url.shown(), reason: error.to_string(), next }
}
