//! What only a server can suffer: tenants that are kept apart by the database itself, roles, and a server that goes away.

use crate::support::{accept, owner, task};
use openanalyst_store::{Store, StoreError, StoreOptions};
use openanalyst_test_postgres::{Server, name_of, shared};

async fn open(url: &str) -> Result<Store, StoreError> {
    Store::open(&StoreOptions::postgres(url)?).await
}

/// A new table without a policy, without force, or with rights beyond the table's purpose fails here.
#[tokio::test]
async fn every_table_is_under_forced_row_level_security() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let store = open(&url).await.unwrap();
    let database = name_of(&url);
    let tables = server
        .sql(database, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1")
        .unwrap();
    let tables: Vec<&str> = tables.lines().filter(|table| *table != "_sqlx_migrations").collect();
    for expected in [
        "tenants",
        "users",
        "conversations",
        "messages",
        "user_context",
        "memory",
        "tasks",
        "task_events",
        "effects",
        "skills",
        "skill_versions",
        "installations",
        "grants",
        "secrets",
        "receipts",
        "history",
        "learnings",
        "schedules",
        "jobs",
        "audit",
    ] {
        assert!(tables.contains(&expected), "there is no table {expected}");
    }
    for table in tables {
        let ask = |what: &str| server.sql(database, what).unwrap();
        let guarded = ask(&format!(
            "SELECT relkind = 'r' AND relrowsecurity AND relforcerowsecurity AND pg_get_userbyid(relowner) <> 'openanalyst_app' \
             FROM pg_class WHERE oid = '{table}'::regclass"
        ));
        assert_eq!(guarded, "t", "{table} is not under forced row-level security, or is not owned by the owner");
        let policies = ask(&format!(
            "SELECT count(*) FROM pg_policies WHERE tablename = '{table}' AND roles = '{{openanalyst_app}}' AND cmd = 'ALL' \
             AND qual LIKE '%tenant = current_setting(''openanalyst.tenant''%' AND with_check LIKE '%tenant = current_setting(''openanalyst.tenant''%'"
        ));
        assert_eq!(policies, "1", "{table} has no policy with USING and WITH CHECK on its tenant");
        let others = ask(&format!(
            "SELECT string_agg(policyname, ', ') FROM pg_policies WHERE tablename = '{table}' AND NOT (roles = '{{openanalyst_app}}' \
             OR roles = '{{openanalyst_worker}}' AND cmd = 'SELECT')"
        ));
        assert_eq!(others, "", "{table} has a policy that opens it to somebody else");
        let columns = ask(&format!(
            "SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped \
             AND has_column_privilege('openanalyst_worker', '{table}'::regclass, attnum, 'SELECT') \
             AND attname NOT IN ('id', 'tenant', 'user_id', 'session', 'status', 'node', 'scheduled_for', 'path', 'enabled', 'next_at', \
             'token_id', 'issued_before', 'expires_at', 'waits_for', 'waits_until', 'cancelling', 'digest')"
        ));
        assert_eq!(columns, "", "the worker can read contents of {table}");
        let writes = ask(&format!(
            "SELECT has_table_privilege('openanalyst_worker', '{table}', 'INSERT, UPDATE, DELETE, TRUNCATE') \
             OR has_table_privilege('openanalyst_app', '{table}', 'TRUNCATE, REFERENCES, TRIGGER') \
             OR has_table_privilege('public', '{table}', 'SELECT, INSERT, UPDATE, DELETE')"
        ));
        assert_eq!(writes, "f", "somebody may do to {table} what nobody should");
    }
    let audit =
        server.sql(database, "SELECT has_table_privilege('openanalyst_app', 'audit', 'UPDATE, DELETE')").unwrap();
    assert_eq!(audit, "f", "the audit log is append-only");
    let roles = server
        .sql(database, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'openanalyst%' AND NOT (rolsuper OR rolbypassrls OR rolinherit OR rolcanlogin)")
        .unwrap();
    assert_eq!(roles, "2");
    store.check().await.unwrap();
}

/// What the application role sees with plain SQL: nothing without a tenant, its own with one, and it cannot write for others.
#[tokio::test]
async fn a_query_that_forgot_its_tenant_returns_nothing() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let store = open(&url).await.unwrap();
    for (tenant, user) in [("a", "ada"), ("a", "bob"), ("b", "ada")] {
        accept(&store, &task(&owner(tenant, user), None, "d")).await;
    }
    let database = name_of(&url);
    let count = |settings: &str| {
        server
            .sql(
                database,
                &format!("BEGIN; SET LOCAL ROLE openanalyst_app; {settings} SELECT count(*) FROM tasks; COMMIT"),
            )
            .unwrap()
    };
    let table = [
        ("", "0"),
        ("SET LOCAL openanalyst.tenant = 'a';", "0"),
        ("SET LOCAL openanalyst.user_id = 'ada';", "0"),
        ("SET LOCAL openanalyst.every_user = 'on';", "0"),
        ("SET LOCAL openanalyst.tenant = 'a'; SET LOCAL openanalyst.user_id = 'ada';", "1"),
        ("SET LOCAL openanalyst.tenant = 'a'; SET LOCAL openanalyst.every_user = 'on';", "2"),
        ("SET LOCAL openanalyst.tenant = 'c'; SET LOCAL openanalyst.every_user = 'on';", "0"),
    ];
    for (settings, expected) in table {
        assert_eq!(count(settings), expected, "{settings}");
    }
    let ada =
        "SET LOCAL ROLE openanalyst_app; SET LOCAL openanalyst.tenant = 'a'; SET LOCAL openanalyst.user_id = 'ada';";
    for (statement, word) in [
        (
            "INSERT INTO memory (tenant, user_id, key, value, version, updated_at) VALUES ('b', 'ada', 'k', '1', 1, now())",
            "row-level security",
        ),
        ("UPDATE tasks SET tenant = 'b'", "row-level security"),
        ("UPDATE tasks SET user_id = 'bob'", "row-level security"),
        ("DELETE FROM audit", "permission denied"),
        ("UPDATE audit SET actor = 'x'", "permission denied"),
        ("TRUNCATE tasks", "permission denied"),
        ("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY", "must be owner"),
        ("SELECT openanalyst_guard(ARRAY['tasks'], 'user', 'SELECT')", "permission denied"),
    ] {
        let error = server.sql(database, &format!("BEGIN; {ada} {statement}; COMMIT")).unwrap_err().to_string();
        assert!(error.contains(word), "{statement}: {error}");
    }
    let worker = |statement: &str| {
        server.sql(database, &format!("BEGIN; SET LOCAL ROLE openanalyst_worker; {statement}; COMMIT"))
    };
    assert_eq!(worker("SELECT count(id) FROM tasks").unwrap(), "3");
    for statement in [
        "SELECT content FROM tasks",
        "UPDATE tasks SET status = 'failed'",
        "SELECT * FROM secrets",
        "SELECT * FROM memory",
    ] {
        assert!(worker(statement).unwrap_err().to_string().contains("permission denied"), "{statement}");
    }
}

#[tokio::test]
async fn a_login_without_rights_serves_what_the_owner_migrated() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let database = name_of(&url);
    let login = format!("login_{database}");
    server.sql(database, &format!("CREATE ROLE {login} LOGIN NOINHERIT")).unwrap();
    let as_login = server.url(database, &login);
    let error = open(&as_login).await.unwrap_err();
    assert!(matches!(error, StoreError::NeedsMigration { .. }), "{error}");
    assert!(error.to_string().contains("openanalyst migrate"), "{error}");
    open(&url).await.unwrap().close().await;
    let error = open(&as_login).await.unwrap_err();
    assert!(error.to_string().contains("openanalyst_app"), "{error}");
    server.sql(database, &format!("GRANT openanalyst_app, openanalyst_worker TO {login}")).unwrap();
    let store = open(&as_login).await.unwrap();
    accept(&store, &task(&owner("a", "ada"), None, "d")).await;
    assert_eq!(store.open_tasks_of_all_tenants().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_and_no_password_shown() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let database = name_of(&url).to_owned();
    let missing = url.replace(&database, "no_such_database");
    let refused = "postgres://me:hunter2@127.0.0.1:1/db";
    for (url, word) in [
        (missing.as_str(), "no_such_database"),
        (refused, "127.0.0.1:1"),
        ("postgres://me:hunter2@db/", "no database"),
        ("mysql://me:hunter2@x/y", "postgres://"),
    ] {
        let error = open(url).await.unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains("hunter2"), "{error}");
    }
    assert!(!format!("{:?}", StoreOptions::postgres(refused).unwrap()).contains("hunter2"));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let Some(server) = shared() else { return };
    let url = server.database();
    open(&url).await.unwrap().close().await;
    server
        .sql(name_of(&url), "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', true, '', 0)")
        .unwrap();
    let error = open(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
}

#[tokio::test]
async fn a_table_that_lost_its_guard_stops_the_start() {
    let Some(server) = shared() else { return };
    let url = server.database();
    open(&url).await.unwrap().close().await;
    server.sql(name_of(&url), "ALTER TABLE memory NO FORCE ROW LEVEL SECURITY").unwrap();
    let error = open(&url).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unsafe { reason } if reason.contains("memory")), "{error}");
    server.sql(name_of(&url), "ALTER TABLE memory FORCE ROW LEVEL SECURITY; CREATE TABLE leak (tenant text)").unwrap();
    let error = open(&url).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unsafe { reason } if reason.contains("leak")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_and_comes_back_loses_nothing() {
    let Some(server) = Server::start() else { return };
    let url = server.database();
    let store = open(&url).await.unwrap();
    let ada = owner("a", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let mut open = store.begin(&ada).await.unwrap();
    open.accept_task(&task(&ada, None, "d"), 100).await.unwrap();
    server.stop().unwrap();
    let error = open.commit().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    let gone = store.task(&ada, new.id).await.unwrap_err();
    assert!(gone.is_transient() && gone.to_string().contains("Try again"), "{gone}");
    server.resume().unwrap();
    // Connections that broke are replaced: one call may still meet one.
    let mut found = store.task(&ada, new.id).await;
    for _ in 0..64 {
        match found {
            Err(ref error) if error.is_transient() => found = store.task(&ada, new.id).await,
            _ => break,
        }
    }
    assert!(found.unwrap().is_some());
    assert_eq!(store.tasks(&ada, None, None, 10).await.unwrap().rows.len(), 1, "what was not committed is not there");
    accept(&store, &task(&ada, None, "d")).await;
}

/// Nodes see each other while they live, whatever their ids are, and no longer once they are gone.
#[tokio::test]
async fn nodes_see_each_other_for_as_long_as_they_live() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let (seen_by_one, first) = one.join(dir.path()).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(two.join(dir.path()).await.unwrap());
    }
    seen_by_one.look().await.unwrap();
    for (seen, node) in &others {
        assert!(seen_by_one.is_alive(&node.id().to_string()), "{} lives", node.id());
        seen.look().await.unwrap();
        assert!(seen.is_alive(&first.id().to_string()) && seen.is_alive(&node.id().to_string()));
    }
    assert!(!seen_by_one.is_alive(&openanalyst_domain::NodeId::new().to_string()), "nobody has this id");
    assert!(!seen_by_one.is_alive("../../etc/passwd"));
    let (_, gone) = others.pop().unwrap();
    let id = gone.id().to_string();
    drop(gone);
    // The server notices the end of a connection soon, and says so in its own time.
    while seen_by_one.is_alive(&id) {
        seen_by_one.look().await.unwrap();
    }
    let other = open(&server.database()).await.unwrap();
    let (elsewhere, _node) = other.join(dir.path()).await.unwrap();
    assert!(!elsewhere.is_alive(&first.id().to_string()), "another database is another world");
}

/// Who listens hears once that a task is to end, and not again for what was said already.
#[tokio::test]
async fn a_cancellation_is_heard_by_the_other_processes() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let (here, there) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&here, &new).await;
    let mut hints = there.hints().await.unwrap();
    for (reason, first) in [("enough", true), ("really", false)] {
        let mut tx = here.begin(&ada).await.unwrap();
        assert_eq!(tx.request_cancel(&ada, new.id, reason).await.unwrap(), first);
        tx.commit().await.unwrap();
    }
    hints.cancelled().await.unwrap();
    let waiting = there.cancelled_tasks_of(&new.node).await.unwrap();
    assert_eq!(waiting.len(), 1);
    // Another one is the next that is heard: the second wish said nothing new.
    let next = task(&ada, None, "d");
    accept(&here, &next).await;
    let mut tx = here.begin(&ada).await.unwrap();
    tx.request_cancel(&ada, next.id, "too").await.unwrap();
    tx.commit().await.unwrap();
    hints.cancelled().await.unwrap();
    assert!(futures_util::FutureExt::now_or_never(hints.cancelled()).is_none(), "two hints, not three");
}

/// The statements of the documentation, in their order.
fn documented() -> Vec<&'static str> {
    let text = include_str!("../../../../docs/operating.md");
    text.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// What the documentation says, line by line, on a server of its own: made, served by a login with no rights but two roles, dumped whole, and restored.
#[tokio::test]
async fn the_documented_statements_make_serve_dump_and_restore_a_database() {
    let Some(server) = Server::start() else { return };
    let [make, strict, backup] = documented()[..] else { panic!("the documentation has three blocks of SQL") };
    for block in [make, strict, backup] {
        assert!(block.contains("PASSWORD"), "no role without a password: {block}");
    }
    // Other tests' helpers have made a role of that name already.
    server.sql("postgres", "DROP ROLE owner").unwrap();
    for statement in make.lines() {
        server.sql("postgres", statement).unwrap();
    }
    let as_owner = server.url_with_password("openanalyst", "owner", "CHANGE-ME");
    open(&as_owner).await.unwrap().close().await;
    for statement in strict.lines() {
        server.sql_as("openanalyst", "owner", statement).unwrap();
    }
    let store = open(&server.url_with_password("openanalyst", "serving", "CHANGE-ME")).await.unwrap();
    for tenant in ["a", "b"] {
        accept(&store, &task(&owner(tenant, "ada"), None, "d")).await;
    }
    store.check().await.unwrap();
    for statement in backup.lines() {
        server.sql("openanalyst", statement).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("openanalyst.dump");
    assert!(server.dump("openanalyst", "owner", &file, &[]).is_err(), "the owner is under row-level security too");
    server.dump("openanalyst", "openanalyst_backup", &file, &[]).unwrap();
    let restored = server.restore(&file).unwrap();
    store.close().await;
    let store = open(&restored).await.unwrap();
    for tenant in ["a", "b"] {
        let owner = owner(tenant, "ada");
        assert_eq!(store.tasks(&owner, None, None, 10).await.unwrap().rows.len(), 1, "{tenant}: every row is there");
    }
    store.check().await.unwrap();
    let refused = server.sql_as("openanalyst", "openanalyst_backup", "DELETE FROM tasks");
    assert!(refused.is_err(), "the backup's role changes nothing");
}

#[tokio::test]
async fn a_login_without_one_of_its_roles_is_named() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let database = name_of(&url);
    open(&url).await.unwrap().close().await;
    let login = format!("half_{database}");
    server.sql(database, &format!("CREATE ROLE {login} LOGIN NOINHERIT; GRANT openanalyst_app TO {login}")).unwrap();
    let error = open(&server.url(database, &login)).await.unwrap_err().to_string();
    assert!(error.contains("openanalyst_worker") && error.contains("GRANT"), "{error}");
}

#[tokio::test]
async fn what_only_looks_leaves_the_schema_as_it_is() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let options = StoreOptions::postgres(&url).unwrap();
    let error = Store::open_as_it_is(&options).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { found: 0, .. }), "{error}");
    assert!(error.to_string().contains("openanalyst migrate"), "{error}");
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    assert_eq!(server.sql(name_of(&url), tables).unwrap(), "0", "the owner's URL migrated nothing");
    open(&url).await.unwrap().close().await;
    Store::open_as_it_is(&options).await.unwrap().ping_writable().await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_no_writes_says_so_in_its_own_words() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let database = name_of(&url);
    open(&url).await.unwrap().close().await;
    server.sql(database, &format!("ALTER DATABASE {database} SET default_transaction_read_only = on")).unwrap();
    let store = Store::open_as_it_is(&StoreOptions::postgres(&url).unwrap()).await.unwrap();
    let error = store.ping_writable().await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnlyServer) && error.is_transient(), "{error}");
    assert!(!error.to_string().contains("data directory"), "{error}");
}

/// What says nothing about a statement may pass: a task waits for it, and no attempt failed.
#[tokio::test]
async fn what_a_server_says_of_itself_is_transient() {
    let Some(server) = shared() else { return };
    let url = server.database();
    let store = open(&url).await.unwrap();
    for code in ["08006", "53100", "53300", "57P01", "57014", "58030", "40001", "25006"] {
        let refuse = format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$; \
             DROP TRIGGER IF EXISTS refuse ON tasks; CREATE TRIGGER refuse BEFORE INSERT ON tasks EXECUTE FUNCTION refuse();"
        );
        server.sql(name_of(&url), &refuse).unwrap();
        let task = task(&owner("a", "ada"), None, "d");
        let mut tx = store.begin(&task.owner).await.unwrap();
        let refused = match tx.accept_task(&task, 100).await {
            Ok(_) => tx.commit().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(refused.is_transient(), "{code}: {refused:?}");
    }
}
