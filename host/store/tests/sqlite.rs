//! What only a file can suffer.

mod support;

use openanalyst_store::StoreError;
use support::Place;

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
