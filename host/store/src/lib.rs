//! The durable record: everything the host has accepted is here, or it was not accepted.
//!
//! On SQLite, reads go through some threads and writes through exactly one, which commits all that
//! waits at once: SQLite has one writer, and a queue in front of it is kinder than a lock inside it.
//! WAL and `synchronous=FULL`: a commit that returned is on the disk. What costs is the way to the
//! database and back, so writes that nobody waits for go together, and what a request needs is
//! asked for in one question ([`known`]).
//! This crate never decides anything about a task; it never starts work, and never knows HTTP or WebAssembly.
//!
//! Every function takes an [`Owner`] or a tenant: a query without one does not compile. The few that look across tenants are for
//! recovery and the scheduler, and their names say so (`*_of_all_tenants`).
//!
//! Begin at [`Store`], then [`tasks`].

pub mod audit;
pub mod conversations;
mod db;
pub mod deletion;
pub mod effects;
pub mod error;
pub mod history;
pub mod jobs;
pub mod known;
pub mod learnings;
pub mod memory;
pub mod nodes;
pub mod notifications;
pub mod quotas;
pub mod receipts;
pub mod recordings;
pub mod retention;
pub mod rounds;
pub mod schedules;
mod scope;
pub mod secrets;
pub mod skills;
mod sql;
pub mod storage;
pub mod tasks;
pub mod tenants;
mod together;
pub mod users;
pub mod workflow_items;
pub mod workflow_values;

pub use db::{Hints, POSTGRES_CONNECTIONS, PostgresUrl, Store, StoreOptions, Tx};
pub use error::StoreError;
pub use scope::Scope;
pub use sql::Page;

use openanalyst_domain::{Owner, TenantId, UserId};
use sql::Json;

/// JSON from a column. A document that this host wrote and cannot read back is damage, not data.
///
/// # Errors
/// [`StoreError::Damaged`] names the column and the reason.
pub fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: impl AsRef<str>) -> Result<T, StoreError> {
    serde_json::from_str(text.as_ref())
        .map_err(|source| StoreError::Damaged { what: column, reason: source.to_string() })
}

/// JSON for a column.
fn to_json<T: serde::Serialize>(value: &T) -> Json {
    // Every type that is stored has string keys and no failing Serialize, so this cannot fail; null is never read back as one.
    Json::new(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
}

fn tenant_of(tenant: String) -> Result<TenantId, StoreError> {
    TenantId::parse(tenant).map_err(|error| StoreError::Damaged { what: "tenant", reason: error.to_string() })
}

fn owner_of(tenant: String, user: String) -> Result<Owner, StoreError> {
    let user = UserId::parse(user).map_err(|error| StoreError::Damaged { what: "user", reason: error.to_string() })?;
    Ok(Owner::new(tenant_of(tenant)?, user))
}
