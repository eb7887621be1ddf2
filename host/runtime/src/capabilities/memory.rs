//! `memory`: values that outlive the task. Needs `memory: user`, or `memory: tenant` for the tenant's.

use async_trait::async_trait;
use openanalyst_domain::Failure;
use openanalyst_package::MemoryScope;

use super::guard::{denied, json, unavailable};
use crate::call::Call;
use crate::contract::Failure as ContractFailure;
use crate::contract::memory::{Entry, Host, Page, PutOptions, PutOutcome, Scope};
use crate::state::State;
use crate::tape::taped;

/// Longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 256;
/// Largest value, in bytes of JSON.
pub const MAX_VALUE_BYTES: usize = 64 << 10;
/// Longest search query, in bytes.
pub const MAX_QUERY_BYTES: usize = 1 << 10;
/// Most entries of a page or a search.
pub const MAX_PAGE: u32 = 100;

/// The memory of one user and their tenant. Keys, values and limits were checked.
#[async_trait]
pub trait Memory: Send + Sync {
    /// Reads a value.
    ///
    /// # Errors
    /// As the contract says.
    async fn get(&self, scope: Scope, key: &str) -> Result<Option<Entry>, Failure>;

    /// Writes a value, durably. `value` is one JSON document.
    ///
    /// # Errors
    /// As the contract says; a version that does not match is no error but [`PutOutcome::Conflict`].
    async fn put(&self, scope: Scope, key: &str, value: &str, options: PutOptions) -> Result<PutOutcome, Failure>;

    /// Removes a value; says whether there was one.
    ///
    /// # Errors
    /// As the contract says.
    async fn delete(&self, scope: Scope, key: &str) -> Result<bool, Failure>;

    /// Lists values by the beginning of their key, `limit` (1 to 100) of them.
    ///
    /// # Errors
    /// As the contract says.
    async fn list(&self, scope: Scope, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, Failure>;

    /// Finds values by words, best first, `limit` (1 to 100) of them.
    ///
    /// # Errors
    /// As the contract says.
    async fn search(&self, scope: Scope, query: &str, limit: u32) -> Result<Vec<Entry>, Failure>;
}

fn granted(call: &Call, scope: Scope) -> Result<(), Failure> {
    match (scope, call.grants.memory) {
        (Scope::User, Some(_)) | (Scope::Tenant, Some(MemoryScope::Tenant)) => Ok(()),
        (Scope::User, None) => Err(denied("memory", "user")),
        (Scope::Tenant, _) => Err(denied("memory", "tenant")),
    }
}

fn offered(call: &Call) -> Result<&dyn Memory, Failure> {
    call.capabilities.memory.as_deref().ok_or_else(|| unavailable("memory", "its operator must configure a store"))
}

fn check_key(key: &str) -> Result<(), Failure> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(Failure::invalid(format!(
            "a memory key has 1 to {MAX_KEY_BYTES} bytes and no control characters; this one has {} bytes",
            key.len()
        )));
    }
    Ok(())
}

fn check_text(name: &str, text: &str, max_bytes: usize) -> Result<(), Failure> {
    if text.len() > max_bytes || text.chars().any(char::is_control) {
        return Err(Failure::invalid(format!("`{name}` has at most {max_bytes} bytes and no control characters")));
    }
    Ok(())
}

async fn get(call: &Call, scope: Scope, key: &str) -> Result<Option<Entry>, Failure> {
    granted(call, scope)?;
    check_key(key)?;
    offered(call)?.get(scope, key).await
}

async fn put(call: &Call, scope: Scope, key: &str, value: &str, options: PutOptions) -> Result<PutOutcome, Failure> {
    granted(call, scope)?;
    check_key(key)?;
    if value.len() > MAX_VALUE_BYTES {
        return Err(Failure::invalid(format!(
            "a memory value has at most {MAX_VALUE_BYTES} bytes and this one {}",
            value.len()
        )));
    }
    json("value", value)?;
    offered(call)?.put(scope, key, value, options).await
}

async fn delete(call: &Call, scope: Scope, key: &str) -> Result<bool, Failure> {
    granted(call, scope)?;
    check_key(key)?;
    offered(call)?.delete(scope, key).await
}

async fn list(call: &Call, scope: Scope, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, Failure> {
    granted(call, scope)?;
    check_text("prefix", prefix, MAX_KEY_BYTES)?;
    check_text("cursor", cursor.unwrap_or_default(), MAX_QUERY_BYTES)?;
    offered(call)?.list(scope, prefix, limit.clamp(1, MAX_PAGE), cursor).await
}

async fn search(call: &Call, scope: Scope, query: &str, limit: u32) -> Result<Vec<Entry>, Failure> {
    granted(call, scope)?;
    check_text("query", query, MAX_QUERY_BYTES)?;
    offered(call)?.search(scope, query, limit.clamp(1, MAX_PAGE)).await
}

impl Host for State {
    async fn get(&mut self, scope: Scope, key: String) -> wasmtime::Result<Result<Option<Entry>, ContractFailure>> {
        self.host_call("memory.get", key.len())?;
        taped(&self.call.tape, "memory.get", (scope, &key), get(&self.call, scope, &key)).await
    }

    async fn put(
        &mut self,
        scope: Scope,
        key: String,
        value: String,
        options: PutOptions,
    ) -> wasmtime::Result<Result<PutOutcome, ContractFailure>> {
        self.host_call("memory.put", key.len() + value.len())?;
        let (key, value) = (self.call.scrubber.own(key), self.call.scrubber.own(value));
        let arguments = (scope, &key, &value, options);
        taped(&self.call.tape, "memory.put", arguments, put(&self.call, scope, &key, &value, options)).await
    }

    async fn delete(&mut self, scope: Scope, key: String) -> wasmtime::Result<Result<bool, ContractFailure>> {
        self.host_call("memory.delete", key.len())?;
        taped(&self.call.tape, "memory.delete", (scope, &key), delete(&self.call, scope, &key)).await
    }

    async fn list(
        &mut self,
        scope: Scope,
        prefix: String,
        limit: u32,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<Page, ContractFailure>> {
        self.host_call("memory.list", prefix.len() + cursor.as_ref().map_or(0, String::len))?;
        let live = list(&self.call, scope, &prefix, limit, cursor.as_deref());
        taped(&self.call.tape, "memory.list", (scope, &prefix, limit, &cursor), live).await
    }

    async fn search(
        &mut self,
        scope: Scope,
        query: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<Entry>, ContractFailure>> {
        self.host_call("memory.search", query.len())?;
        let live = search(&self.call, scope, &query, limit);
        taped(&self.call.tape, "memory.search", (scope, &query, limit), live).await
    }
}
