//! Values that outlive the task. Needs the capability `memory: user` or `memory: tenant`.
//!
//! Keys are 1 to 256 bytes; `/` is the usual separator. A value is at most 64 KiB of JSON.
//!
//! ```no_run
//! # use openanalyst_skill::prelude::*;
//! # fn count() -> Result<u32> {
//! let runs = memory::user().get::<u32>("runs")?.unwrap_or(0) + 1;
//! memory::user().put("runs", &runs)?;
//! # Ok(runs)
//! # }
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::output::to_json;
use crate::types::Failure;
use crate::{Result, sys};

pub use crate::bindings::openanalyst::skill::memory::{PutOptions, PutOutcome, Scope};

/// Values of the user who asked.
pub const fn user() -> Memory {
    Memory { scope: Scope::User }
}

/// Values of everybody in the tenant. Needs `memory: tenant`.
pub const fn tenant() -> Memory {
    Memory { scope: Scope::Tenant }
}

/// The values of one scope.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    scope: Scope,
}

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T = Value> {
    /// Its key.
    pub key: String,
    /// The value.
    pub value: T,
    /// Counts up with every put, from 1.
    pub version: u64,
    /// When it was last put, UTC.
    pub updated_at_ms: u64,
    /// When it ceases to exist, UTC.
    pub expires_at_ms: Option<u64>,
}

/// The most entries that one call of [`Memory::list`] gathers, so that a listing cannot eat the whole budget.
pub const MAX_LISTED: usize = 1_000;

const PAGE: u32 = 100;

impl Memory {
    /// Reads a value. None where there is none.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if the stored value has another shape, or what the host answers.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        Ok(self.entry(key)?.map(|entry| entry.value))
    }

    /// Reads a value with its version and times.
    ///
    /// # Errors
    /// As [`Memory::get`].
    pub fn entry<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Entry<T>>> {
        sys::memory::get(self.scope, key)?.map(Entry::read).transpose()
    }

    /// Writes a value, durably; gives its new version.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a bad key or a value over 64 KiB, or what else the host answers.
    pub fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<u64> {
        match self.put_with(key, value, PutOptions { expected_version: None, ttl_ms: None })? {
            PutOutcome::Stored(version) => Ok(version),
            PutOutcome::Conflict(version) => Err(Failure::failed(format!(
                "`{key}` was not stored: the host reports version {version} for a put without a condition"
            ))),
        }
    }

    /// Writes a value only over the version that was read; 0 only where there is none.
    ///
    /// # Errors
    /// As [`Memory::put`].
    pub fn put_if<T: Serialize + ?Sized>(&self, key: &str, value: &T, expected_version: u64) -> Result<PutOutcome> {
        self.put_with(key, value, PutOptions { expected_version: Some(expected_version), ttl_ms: None })
    }

    /// Writes a value with a condition, a time to live, or both.
    ///
    /// # Errors
    /// As [`Memory::put`].
    pub fn put_with<T: Serialize + ?Sized>(&self, key: &str, value: &T, options: PutOptions) -> Result<PutOutcome> {
        sys::memory::put(self.scope, key, &to_json(value)?, options)
    }

    /// Removes a value; says whether there was one.
    ///
    /// # Errors
    /// What the host answers.
    pub fn delete(&self, key: &str) -> Result<bool> {
        sys::memory::delete(self.scope, key)
    }

    /// Lists values by the beginning of their key, sorted by key: the first [`MAX_LISTED`] of them.
    ///
    /// # Errors
    /// What the host answers.
    pub fn list(&self, prefix: &str) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = sys::memory::list(self.scope, prefix, PAGE, cursor.as_deref())?;
            for entry in page.entries {
                entries.push(Entry::read(entry)?);
                if entries.len() == MAX_LISTED {
                    return Ok(entries);
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(entries);
            }
        }
    }

    /// Finds values by words in them, best first; at most 100.
    ///
    /// # Errors
    /// What the host answers.
    pub fn search(&self, query: &str, limit: u32) -> Result<Vec<Entry>> {
        sys::memory::search(self.scope, query, limit)?.into_iter().map(Entry::read).collect()
    }
}

impl<T: DeserializeOwned> Entry<T> {
    fn read(entry: crate::bindings::openanalyst::skill::memory::Entry) -> Result<Self> {
        let value = serde_json::from_str(&entry.value).map_err(|error| {
            Failure::invalid(format!("the stored value of `{}` has another shape: {error}", entry.key))
        })?;
        Ok(Self {
            key: entry.key,
            value,
            version: entry.version,
            updated_at_ms: entry.updated_at_ms,
            expires_at_ms: entry.expires_at_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn values_survive_in_their_scope() {
        Host::new().run(|| {
            assert_eq!(user().get::<u32>("n"), Ok(None));
            assert_eq!(user().put("n", &1_u32), Ok(1));
            assert_eq!(user().put("n", &2_u32), Ok(2));
            assert_eq!(user().get::<u32>("n"), Ok(Some(2)));
            assert_eq!(tenant().get::<u32>("n"), Ok(None));
            assert!(user().get::<String>("n").unwrap_err().detail().contains("`n`"));
            assert_eq!(user().delete("n"), Ok(true));
            assert_eq!(user().delete("n"), Ok(false));
        });
    }

    #[test]
    fn a_conditional_put_meets_a_newer_version() {
        Host::new().run(|| {
            assert_eq!(user().put_if("n", "a", 0), Ok(PutOutcome::Stored(1)));
            assert_eq!(user().put_if("n", "b", 0), Ok(PutOutcome::Conflict(1)));
            assert_eq!(user().put_if("n", "b", 1), Ok(PutOutcome::Stored(2)));
        });
    }

    #[test]
    fn a_listing_reads_all_pages_of_its_prefix() {
        Host::new().run(|| {
            for number in 0..250 {
                user().put(&format!("posts/{number:03}"), &number).unwrap();
            }
            user().put("preferences/x", &1).unwrap();
            let listed = user().list("posts/").unwrap();
            assert_eq!(listed.len(), 250);
            assert_eq!((listed[249].key.as_str(), listed[249].value.as_u64()), ("posts/249", Some(249)));
        });
    }
}
