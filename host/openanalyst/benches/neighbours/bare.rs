//! The bare server: one route that does nothing but one durable insert into SQLite. It says what
//! the disk, the HTTP library and the clients of this bench allow on this machine.
//!
//! With `group` 1 each insert is a transaction of its own: the floor. With more, all inserts that
//! wait go into one transaction, which is flushed once: the peer.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};

/// Inserts that wait for the writer before further requests wait too.
const QUEUE: usize = 1_024;

/// A body to be inserted, and where its commit is told.
struct Insert {
    body: String,
    committed: oneshot::Sender<()>,
}

/// Serves until it is ended.
pub fn serve(dir: &Path, group: usize) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.expect("a runtime can be made").block_on(run(dir, group));
    if let Err(error) = served {
        eprintln!("the bare server: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn run(dir: &Path, group: usize) -> Result<(), Box<dyn std::error::Error>> {
    // As host/store opens its file.
    let options = SqliteConnectOptions::new()
        .filename(dir.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await?;
    sqlx::query("CREATE TABLE requests (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        .execute(&mut connection)
        .await?;
    let (inserts, waiting) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        if let Err(error) = write(connection, waiting, group).await {
            eprintln!("the bare server cannot write: {error}");
        }
    });
    let router = Router::new().route("/", post(insert)).with_state(inserts);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "ready http://{}", listener.local_addr()?)?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn insert(State(inserts): State<mpsc::Sender<Insert>>, body: String) -> StatusCode {
    let (committed, commit) = oneshot::channel();
    let queued = inserts.send(Insert { body, committed }).await;
    match queued.is_ok() && commit.await.is_ok() {
        true => StatusCode::OK,
        false => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Writes what waits, at most `group` inserts in one transaction.
async fn write(
    mut connection: SqliteConnection,
    mut waiting: mpsc::Receiver<Insert>,
    group: usize,
) -> Result<(), sqlx::Error> {
    const INSERT: &str = "INSERT INTO requests (body) VALUES ($1)";
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, group).await > 0 {
        if let [one] = &batch[..] {
            sqlx::query(INSERT).bind(&one.body).execute(&mut connection).await?;
        } else {
            let mut transaction = connection.begin().await?;
            for insert in &batch {
                sqlx::query(INSERT).bind(&insert.body).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        for insert in batch.drain(..) {
            // Its client may have gone.
            let _ = insert.committed.send(());
        }
    }
    Ok(())
}
