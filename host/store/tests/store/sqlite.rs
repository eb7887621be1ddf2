//! What only a file can suffer.

use crate::support::{Place, accept, owner, task};
use openanalyst_domain::{MessageId, Receipt, TaskId};
use openanalyst_store::StoreError;
use serde_json::json;

#[tokio::test]
async fn a_file_that_is_no_database_stays_as_it_is() {
    let place = Place::sqlite();
    std::fs::write(place.path(), vec![b'x'; 8192]).unwrap();
    let error = place.open().await.unwrap_err();
    assert!(error.to_string().contains("test.db") && error.to_string().contains("backup"), "{error}");
    assert_eq!(std::fs::read(place.path()).unwrap(), vec![b'x'; 8192]);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let place = Place::sqlite();
    place.open().await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    let error = place.open().await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
    assert!(error.to_string().contains("newer program"), "{error}");
}

#[tokio::test]
async fn what_an_older_program_wrote_is_there_after_the_tables_were_made_anew() {
    let place = Place::sqlite();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path()).create_if_missing(true);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    // As sqlx itself reads them. The host then goes on with those that it embeds: they have the same numbers and checksums.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    sqlx::migrate::Migrator::new(folder).await.unwrap().run_to(5, &mut connection).await.unwrap();
    let (conversation, task) = (MessageId::new(), TaskId::new());
    let receipt = json!(Receipt { cpu_us: 7, ..Receipt::new("s", "", "run") });
    for text in [
        format!("INSERT INTO conversations VALUES ('{conversation}', 't', 'ada', 's', 'title', 1, 1)"),
        format!(
            "INSERT INTO messages VALUES ('{}', '{conversation}', 't', 'ada', '{task}', 'user', 'first', NULL, NULL, 1)",
            MessageId::new()
        ),
        format!(
            "INSERT INTO messages VALUES ('{}', '{conversation}', 't', 'ada', '{task}', 'assistant', 'second', '[2]', 's', 2)",
            MessageId::new()
        ),
        format!(
            "INSERT INTO history VALUES ('{}', 't', 'ada', 'session', '{task}', 's', 'a', 'b', '{{}}', 1, '')",
            MessageId::new()
        ),
        format!(
            "INSERT INTO history VALUES ('{}', 't', 'ada', 'failure', '{task}', 's', 'a', 'b', '{{}}', 2, '0/a')",
            MessageId::new()
        ),
        format!(
            "INSERT INTO receipts VALUES ('{}', 't', 'ada', '{task}', NULL, 's', '{receipt}', '[]', 5, '', 7, 1, 2, 3, 4)",
            MessageId::new()
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    }
    sqlx::Connection::close(connection).await.unwrap();

    let (store, ada) = (place.open().await.unwrap(), owner("t", "ada"));
    let messages = store.conversation_messages(&ada, conversation, None, 10).await.unwrap().unwrap().rows;
    let said: Vec<_> =
        messages.iter().map(|said| (said.role.as_str(), said.content.as_str(), said.data.clone())).collect();
    assert_eq!(said, [("user", "first", None), ("assistant", "second", Some(json!([2])))]);
    let history = store.history(&ada, None, 10).await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["failure", "session"]);
    assert_eq!(store.task_receipts(&ada, task).await.unwrap().len(), 1);
    let usage = store.usage_since(&ada.tenant, Some("s"), 5).await.unwrap();
    assert_eq!((usage.invocations, usage.cpu_us, usage.llm_tokens), (1, 7, 4));
    assert_eq!(store.usage_since(&ada.tenant, None, 6).await.unwrap().invocations, 0);
    assert!(store.open_tasks_of_all_tenants().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_audit_log_is_append_only_for_everybody() {
    let place = Place::sqlite();
    place.open().await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("INSERT INTO audit VALUES ('t', 1, 1, 'ada', '', 'a', 's', '{}', '', 'h')")
        .execute(&mut connection)
        .await
        .unwrap();
    for statement in ["UPDATE audit SET actor = 'bob'", "DELETE FROM audit"] {
        let error = sqlx::query(statement).execute(&mut connection).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn a_statement_is_planned_once() {
    let options = sqlx::sqlite::SqliteConnectOptions::new().in_memory(true);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let options: Vec<(String,)> = sqlx::query_as("PRAGMA compile_options").fetch_all(&mut connection).await.unwrap();
    assert!(
        options.iter().any(|(option,)| option == "ENABLE_QPSG"),
        "SQLite was built without .cargo/config.toml: every statement is planned anew each time that it runs"
    );
}

/// `serve` and `ask` on one data directory: two processes, one file.
#[tokio::test]
async fn a_held_lock_is_held_against_every_other_process() {
    let place = Place::sqlite();
    let (one, other) = (place.open().await.unwrap(), place.open().await.unwrap());
    let ada = owner("t", "ada");
    let mut first = one.begin(&ada).await.unwrap();
    first.hold("workflow").await.unwrap();
    assert_eq!(first.count_items(&ada, "script").await.unwrap(), 0);
    let put = async {
        let mut second = other.begin(&ada).await.unwrap();
        second.hold("workflow").await.unwrap();
        second.count_items(&ada, "script").await.unwrap()
    };
    let mut put = std::pin::pin!(put);
    assert!(futures_util::poll!(&mut put).is_pending(), "the other process waits");
    first.put_item(&ada, "script", "u/ada/x", "", None, "", 1).await.unwrap();
    let (seen, committed) = tokio::join!(put, first.commit());
    committed.unwrap();
    assert_eq!(seen, 1, "it reads what the first one wrote while it held the lock");
}

#[tokio::test]
async fn the_file_is_its_owners_alone_and_what_only_looks_makes_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::sqlite();
    let options = openanalyst_store::StoreOptions::sqlite(place.path());
    assert!(openanalyst_store::Store::open_as_it_is(&options).await.is_err());
    assert!(!place.path().exists());
    place.open().await.unwrap().close().await;
    assert_eq!(std::fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let store = openanalyst_store::Store::open_as_it_is(&options).await.unwrap();
    store.ping_writable().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_copy_is_whole_while_others_write() {
    let place = Place::sqlite();
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    for _ in 0..40 {
        accept(&store, &task(&ada, None, "d")).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("copy.db");
    let writing = async {
        for _ in 0..10 {
            accept(&store, &task(&ada, None, "d")).await;
        }
    };
    let (copied, ()) = tokio::join!(store.copy_into(&file), writing);
    copied.unwrap();
    let error = store.copy_into(&file).await.unwrap_err().to_string();
    assert!(error.contains("copy.db"), "{error}");
    let copy = openanalyst_store::Store::open_as_it_is(&openanalyst_store::StoreOptions::sqlite(&file)).await.unwrap();
    let found = copy.tasks(&ada, None, None, 100).await.unwrap().rows.len();
    assert!((40..=50).contains(&found), "{found}");
    copy.check().await.unwrap();
}

#[tokio::test]
async fn a_task_that_cannot_be_read_back_keeps_nobody_from_the_others() {
    let place = Place::sqlite();
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let (one, other) = (task(&ada, None, "d"), task(&ada, None, "e"));
    for new in [&one, &other] {
        accept(&store, new).await;
    }
    store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let damage = "UPDATE tasks SET outcome = '{', answers = '{' WHERE id = (SELECT MIN(id) FROM tasks)";
    let damaged = sqlx::query(damage).execute(&mut connection).await.unwrap().rows_affected();
    assert_eq!(damaged, 1);
    sqlx::Connection::close(connection).await.unwrap();
    let store = place.open().await.unwrap();
    let rows = store.tasks(&ada, None, None, 10).await.unwrap().rows;
    let listed: Vec<_> = rows.iter().map(|(row, damage)| (row.id, damage.is_some())).collect();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed.iter().filter(|(_, is_damaged)| *is_damaged).count(), 1, "{listed:?}");
    // Alone it is an error, and no task without an answer.
    let id = listed.iter().find(|(_, is_damaged)| *is_damaged).unwrap().0;
    let error = store.task(&ada, id).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn disk_space_is_given_back() {
    let place = Place::sqlite();
    let store = place.open().await.unwrap();
    let ada = openanalyst_store::memory::MemoryOwner::User(owner("t", "ada"));
    let put = async |number: usize| {
        let mut tx = store.begin(ada.scope()).await.unwrap();
        let value = format!("\"{}\"", "x".repeat(60_000));
        tx.put_memory(&ada, &format!("k{number}"), &value, None, Some(5), 1).await.unwrap();
        tx.commit().await.unwrap();
    };
    for number in 0..200 {
        put(number).await;
    }
    let size = || std::fs::metadata(place.path()).unwrap().len() + std::fs::metadata(log_of(&place)).unwrap().len();
    let before = size();
    let retention = openanalyst_store::retention::Retention::default();
    store.prune(&retention, 10, &openanalyst_store::retention::AtOnce).await.unwrap();
    let pages = store.give_space_back(&openanalyst_store::retention::AtOnce).await.unwrap();
    assert!(pages > 2_000, "{pages} pages went");
    assert_eq!(store.give_space_back(&openanalyst_store::retention::AtOnce).await.unwrap(), 0, "the rest is spare");
    store.close().await;
    let after = std::fs::metadata(place.path()).unwrap().len();
    assert!(after < before / 4, "{after} of {before} bytes are left");
}

fn log_of(place: &Place) -> std::path::PathBuf {
    place.path().with_file_name("test.db-wal")
}

#[tokio::test]
async fn a_file_of_an_earlier_version_learns_to_give_space_back() {
    let place = Place::sqlite();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path()).create_if_missing(true);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("CREATE TABLE earlier (x TEXT)").execute(&mut connection).await.unwrap();
    let mode = async |connection: &mut sqlx::sqlite::SqliteConnection| {
        let (mode,): (i64,) = sqlx::query_as("PRAGMA auto_vacuum").fetch_one(connection).await.unwrap();
        mode
    };
    assert_eq!(mode(&mut connection).await, 0);
    sqlx::Connection::close(connection).await.unwrap();
    let store = place.open().await.unwrap();
    assert!(!store.rebuild().await.unwrap(), "a small file is written anew when it is opened");
    store.close().await;
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    assert_eq!(mode(&mut connection).await, 2);
}
