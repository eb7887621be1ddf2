//! Deleting all data of a user or a tenant. The tests look at every table that the schema has, so that
//! a new table which a deletion does not know makes them fail.

use std::sync::atomic::{AtomicU32, Ordering};

use openanalyst_domain::TenantId;
use openanalyst_store::Store;
use openanalyst_store::deletion::Subject;
use openanalyst_store::retention::{AtOnce, Pace};
use openanalyst_test_postgres::{name_of, shared};
use sqlx::{Column as _, ConnectOptions as _, Row as _, ValueRef as _};
use uuid::Uuid;

use crate::support::{Place, both, owner};

const TENANT: &str = "acme-of-the-mark";
const USER: &str = "ada-of-the-mark";
/// The audit log stays; the others are the databases' own.
const NOT_LOOKED_AT: [&str; 2] = ["audit", "_sqlx_migrations"];
/// Those to which others refer come first.
const FIRST: [&str; 4] = ["tasks", "conversations", "skills", "installations"];

both! {
    nothing_is_left_of_a_user,
    nothing_is_left_of_a_tenant,
    a_deletion_that_was_interrupted_is_continued,
    others_keep_what_they_have,
}

/// The database without the program in front of it.
struct Raw<'a>(&'a Place);

struct ColumnOf {
    table: String,
    name: String,
    kind: String,
}

impl Raw<'_> {
    async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self.0 {
            Place::Sqlite(_) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.0.path()).foreign_keys(true);
                let mut connection = options.connect().await.unwrap();
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                    .fetch_all(&mut connection)
                    .await
                    .unwrap_or_else(|error| panic!("{sql}: {error}"));
                let text = |row: &sqlx::sqlite::SqliteRow, at: usize| {
                    if row.try_get_raw(at).unwrap().is_null() {
                        return String::new();
                    }
                    assert!(!row.column(at).name().is_empty());
                    row.try_get::<String, _>(at).or_else(|_| row.try_get::<i64, _>(at).map(|n| n.to_string())).unwrap()
                };
                rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect()
            }
            Place::Postgres(url) => {
                let found = shared().unwrap().sql(name_of(url), sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
                found.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
            }
        }
    }

    fn is_sqlite(&self) -> bool {
        matches!(self.0, Place::Sqlite(_))
    }

    /// Every column that is written, of every table with a tenant.
    async fn columns(&self) -> Vec<ColumnOf> {
        let sql = if self.is_sqlite() {
            "SELECT m.name, c.name, c.type FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'memory_words%' \
             AND m.name <> 'memory_rows' ORDER BY m.name, c.cid"
        } else {
            "SELECT table_name, column_name, data_type FROM information_schema.columns \
             WHERE table_schema = 'public' AND is_generated = 'NEVER' ORDER BY table_name, ordinal_position"
        };
        let rows = self.rows(sql).await.into_iter().map(|row| {
            let [table, name, kind] = row.try_into().unwrap();
            ColumnOf { table, name, kind: kind.to_lowercase() }
        });
        rows.filter(|column| !NOT_LOOKED_AT.contains(&column.table.as_str())).collect()
    }

    /// Puts a row of the user into every table.
    async fn fill(&self, tenant: &str, user: &str) {
        let columns = self.columns().await;
        let mut tables: Vec<&str> = columns.iter().map(|column| column.table.as_str()).collect();
        tables.dedup();
        tables.sort_by_key(|table| FIRST.iter().position(|first| first == table).unwrap_or(FIRST.len()));
        let (task, conversation) = (Uuid::now_v7(), Uuid::now_v7());
        for table in tables {
            let of_table: Vec<&ColumnOf> = columns.iter().filter(|column| column.table == table).collect();
            let is_personal = of_table.iter().any(|column| column.name == "user_id");
            let value = |column: &ColumnOf| {
                let quoted = |text: &str| format!("'{text}'");
                match (table, column.name.as_str(), column.kind.as_str()) {
                    (_, "tenant", _) => quoted(tenant),
                    (_, "user_id", _) => quoted(user),
                    (_, name, _) if name.ends_with("_by") => quoted(user),
                    ("tasks", "id", _) | (_, "task_id", _) => quoted(&task.to_string()),
                    ("conversations", "id", _) | (_, "conversation_id", _) => quoted(&conversation.to_string()),
                    (_, "id" | "parent_job" | "job_id" | "waits_for", _) => quoted(&Uuid::now_v7().to_string()),
                    ("skills", "name", _) | (_, "skill", _) => quoted("greeter"),
                    (_, "status", _) => quoted("completed"),
                    (_, "digest", _) => quoted(&format!("digest of {tenant}")),
                    (_, _, "boolean") => "false".to_owned(),
                    (_, _, "integer" | "bigint" | "real" | "double precision") => "1".to_owned(),
                    (_, _, "timestamp with time zone") => "to_timestamp(1)".to_owned(),
                    (_, _, "blob") => "x'00'".to_owned(),
                    (_, _, "bytea") => "'\\x00'".to_owned(),
                    (_, _, "uuid") => quoted(&Uuid::now_v7().to_string()),
                    (_, _, "jsonb") if is_personal => format!("'{{\"note\": \"{user}\"}}'"),
                    (_, _, "jsonb") => "'{}'".to_owned(),
                    _ if is_personal => quoted(&format!("text of {user}")),
                    (_, name, _) => quoted(name),
                }
            };
            let names: Vec<&str> = of_table.iter().map(|column| column.name.as_str()).collect();
            let values: Vec<String> = of_table.iter().map(|column| value(column)).collect();
            let sql = format!(
                "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
                names.join(", "),
                values.join(", ")
            );
            self.rows(&sql).await;
        }
    }

    /// The columns in which a text stands, each with how many rows have it.
    async fn where_is(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for ColumnOf { table, name, .. } in self.columns().await {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE CAST({name} AS TEXT) LIKE '%{text}%'");
            let count = self.rows(&sql).await.remove(0).remove(0);
            if count != "0" {
                found.push(format!("{table}.{name}: {count}"));
            }
        }
        if self.is_sqlite() {
            for table in ["memory_words", "memory_rows"] {
                let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant || user_id LIKE '%{text}%'");
                let count = self.rows(&sql).await.remove(0).remove(0);
                if count != "0" {
                    found.push(format!("{table}: {count}"));
                }
            }
        }
        found
    }
}

fn of_user() -> Subject {
    Subject::User(owner(TENANT, USER))
}

fn of_tenant() -> Subject {
    Subject::Tenant(TENANT.try_into().unwrap())
}

async fn delete(store: &Store, subject: &Subject) {
    let deletion = store.request_deletion(subject, "operator", "local", 1_000).await.unwrap();
    store.refuse_earlier_tokens(&deletion).await.unwrap();
    assert!(store.remove_all_of(&deletion, &AtOnce).await.unwrap());
}

async fn filled(place: &Place) -> Store {
    let store = place.open().await.unwrap();
    let raw = Raw(place);
    raw.fill(TENANT, USER).await;
    // The filling itself leaves none of them: deletions go on for as long as they have a row.
    raw.rows("DELETE FROM deletions").await;
    let tables: std::collections::BTreeSet<String> = raw.columns().await.into_iter().map(|of| of.table).collect();
    let found = raw.where_is(TENANT).await;
    for table in tables.iter().filter(|table| *table != "deletions" && *table != "storage_changes") {
        assert!(
            found.iter().any(|column| column.starts_with(&format!("{table}."))),
            "{table} is not filled: {found:?}"
        );
    }
    store
}

async fn nothing_is_left_of_a_user(place: Place) {
    let store = filled(&place).await;
    let before = store.usage_by_day(&TENANT.try_into().unwrap(), None, 0).await.unwrap();
    delete(&store, &of_user()).await;
    let left = Raw(&place).where_is(USER).await;
    assert!(left.is_empty(), "the user is still named: {left:?}");
    let packages = store.packages_of(&TENANT.try_into().unwrap()).await.unwrap();
    assert_eq!(packages.len(), 1, "what belongs to the tenant stays");
    let after = store.usage_by_day(&TENANT.try_into().unwrap(), None, 0).await.unwrap();
    assert_eq!(after, before, "what the tenant used stays the same");
    assert!(store.deletions_of_all_tenants().await.unwrap().is_empty());
    let (rows, _) = store.verify_audit(&TENANT.try_into().unwrap()).await.unwrap();
    assert_eq!(rows, 1);
    let said = store.audit_log(&TENANT.try_into().unwrap(), None, 10).await.unwrap().remove(0);
    assert_eq!(said.action, "user.delete");
    assert!(!format!("{said:?}").contains(USER), "{said:?}");
    let refused = store.revocations_of_all_tenants(2_000).await.unwrap();
    assert_eq!(refused.len(), 1, "earlier tokens are refused");
    assert_eq!(refused[0].issued_before_ms, Some(1_001));
}

async fn nothing_is_left_of_a_tenant(place: Place) {
    let store = filled(&place).await;
    Raw(&place).fill(TENANT, "bob").await;
    Raw(&place).rows("DELETE FROM deletions").await;
    delete(&store, &of_tenant()).await;
    let left = Raw(&place).where_is(TENANT).await;
    assert!(left.is_empty(), "the tenant is still named: {left:?}");
    assert_eq!(store.verify_audit(&TENANT.try_into().unwrap()).await.unwrap().0, 1);
    assert_eq!(store.revocations_of_all_tenants(2_000).await.unwrap().len(), 1);
}

/// Lets some steps happen, and no more.
struct Only(AtomicU32);

impl Pace for Only {
    async fn pause(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) > 1
    }
}

async fn a_deletion_that_was_interrupted_is_continued(place: Place) {
    let store = filled(&place).await;
    let deletion = store.request_deletion(&of_user(), "operator", "local", 1_000).await.unwrap();
    assert!(store.is_deleting(&owner(TENANT, USER)).await.unwrap());
    assert!(!store.remove_all_of(&deletion, &Only(AtomicU32::new(3))).await.unwrap());
    assert!(!Raw(&place).where_is(USER).await.is_empty());
    // As after a process that ended in the middle of it: another one finds it.
    store.close().await;
    let store = place.open().await.unwrap();
    let pending = store.deletions_of_all_tenants().await.unwrap();
    assert_eq!(pending, std::slice::from_ref(&deletion));
    let again = store.request_deletion(&of_user(), "operator", "local", 5_000).await.unwrap();
    assert_eq!(again, deletion, "asked for once more it is the same");
    assert!(store.remove_all_of(&pending[0], &AtOnce).await.unwrap());
    assert!(Raw(&place).where_is(USER).await.is_empty());
    assert!(!store.is_deleting(&owner(TENANT, USER)).await.unwrap());
    assert_eq!(store.verify_audit(&TENANT.try_into().unwrap()).await.unwrap().0, 1, "it is written down once");
}

async fn others_keep_what_they_have(place: Place) {
    let store = filled(&place).await;
    let raw = Raw(&place);
    raw.fill(TENANT, "bob-of-the-mark").await;
    raw.fill("other-of-all", "eve-of-the-mark").await;
    raw.rows("DELETE FROM deletions").await;
    let (bob, eve) = (raw.where_is("bob-of-the-mark").await, raw.where_is("eve-of-the-mark").await);
    delete(&store, &of_user()).await;
    assert_eq!(raw.where_is("bob-of-the-mark").await, bob);
    delete(&store, &of_tenant()).await;
    assert_eq!(raw.where_is("eve-of-the-mark").await, eve);
    let tenant: TenantId = "other-of-all".try_into().unwrap();
    assert!(store.package_is_used("digest of other-of-all", None).await.unwrap());
    assert!(!store.package_is_used("digest of other-of-all", Some(&tenant)).await.unwrap());
    assert!(!store.package_is_used(&format!("digest of {TENANT}"), None).await.unwrap());
}
