//! Which tables have rows of users and tenants. A test over the whole schema finds one that is missing.

use crate::sql::Sql;

/// A table with rows of a tenant: how a few of them are removed, of a user (`$2`) or of all. `$3`: how many.
pub(super) struct Table {
    pub(super) of_user: Option<Sql>,
    pub(super) of_tenant: Sql,
}

macro_rules! some {
    ($table:literal, $key:literal, $whose:literal) => {
        Sql::each(
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE (",
                $key,
                ") IN (SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $whose,
                " LIMIT $3)"
            ),
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ",
                $table,
                " WHERE ",
                $whose,
                " LIMIT $3))"
            ),
        )
    };
}

macro_rules! personal {
    ($table:literal, $key:literal) => {
        Table {
            of_user: Some(some!($table, $key, "tenant = $1 AND user_id = $2")),
            of_tenant: some!($table, $key, "tenant = $1 AND $2 = ''"),
        }
    };
}

macro_rules! shared {
    ($table:literal, $key:literal) => {
        Table { of_user: None, of_tenant: some!($table, $key, "tenant = $1 AND $2 = ''") }
    };
}

/// Every table with rows of users or tenants, but for tasks with what belongs to them, receipts,
/// messages, and the audit log. What refers to another table stands before it.
pub(super) const TABLES: [Table; 26] = [
    personal!("recordings", "tenant, user_id, task_id, place, number"),
    personal!("effects", "key"),
    personal!("conversations", "id"),
    personal!("history", "rowid"),
    personal!("learnings", "id"),
    personal!("notifications", "id"),
    personal!("job_operations", "job_id, operation"),
    personal!("jobs", "id"),
    personal!("schedules", "tenant, path"),
    personal!("workflow_items", "tenant, kind, path"),
    personal!("workflow_values", "tenant, kind, path"),
    personal!("memory", "tenant, user_id, key"),
    personal!("user_context", "tenant, user_id"),
    personal!("users", "tenant, user_id"),
    personal!("revocations", "tenant, user_id, token_id"),
    shared!("grants", "tenant, skill, capability, target"),
    shared!("secrets", "tenant, skill, key"),
    shared!("installations", "tenant, skill"),
    shared!("skill_versions", "tenant, skill, digest"),
    shared!("skills", "tenant, name"),
    shared!("publisher_keys", "tenant, public_key"),
    personal!("usage_by_day", "tenant, day, user_id, skill"),
    personal!("memory_usage", "tenant, user_id"),
    personal!("storage_usage", "tenant, user_id, kind"),
    // On SQLite there is no such table: the counters are changed at once.
    Table {
        of_user: Some(Sql::each(
            "DELETE FROM storage_usage WHERE $3 < 0 AND tenant = $1 AND user_id = $2",
            "DELETE FROM storage_changes WHERE ctid = ANY (ARRAY(SELECT ctid FROM storage_changes \
             WHERE tenant = $1 AND user_id = $2 LIMIT $3))",
        )),
        of_tenant: Sql::each(
            "DELETE FROM storage_usage WHERE $3 < 0 AND tenant = $1 AND $2 = ''",
            "DELETE FROM storage_changes WHERE ctid = ANY (ARRAY(SELECT ctid FROM storage_changes \
             WHERE tenant = $1 AND $2 = '' LIMIT $3))",
        ),
    },
    shared!("tenants", "tenant"),
];

/// What names a user in rows that belong to the tenant. `$2` is the user, `$3` what stands there instead.
pub(super) const NAMES: [&str; 7] = [
    "UPDATE skills SET created_by = $3 WHERE tenant = $1 AND created_by = $2",
    "UPDATE skill_versions SET uploaded_by = $3 WHERE tenant = $1 AND uploaded_by = $2",
    "UPDATE installations SET activated_by = $3 WHERE tenant = $1 AND activated_by = $2",
    "UPDATE grants SET granted_by = $3 WHERE tenant = $1 AND granted_by = $2",
    "UPDATE secrets SET set_by = $3 WHERE tenant = $1 AND set_by = $2",
    "UPDATE publisher_keys SET added_by = $3 WHERE tenant = $1 AND added_by = $2",
    "UPDATE revocations SET revoked_by = $3 WHERE tenant = $1 AND revoked_by = $2",
];

/// Messages of the conversations of a user, or of all of the tenant.
pub(super) const MESSAGES: Sql = Sql::each(
    "DELETE FROM messages WHERE rowid IN (SELECT messages.rowid FROM conversations JOIN messages \
     ON messages.conversation_id = conversations.id WHERE conversations.tenant = $1 \
     AND ($2 = '' OR conversations.user_id = $2) LIMIT $3)",
    "DELETE FROM messages WHERE ctid = ANY (ARRAY(SELECT messages.ctid FROM conversations JOIN messages \
     ON messages.conversation_id = conversations.id WHERE conversations.tenant = $1 \
     AND ($2 = '' OR conversations.user_id = $2) LIMIT $3))",
);
