//! Who did what: append-only, and chained by hashes, so that a row that was changed, removed or put in shows.
//!
//! The chain is the tenant's own. A row's hash is the SHA-256 (FIPS 180-4) of the hash before it and of everything in the row, written as a JSON list.

use openanalyst_domain::{Digest, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use sha2::{Digest as _, Sha256};

use crate::sql::{At, Json, from_row, query};
use crate::{Store, StoreError, Tx, json, to_json};

/// Something that was done, before it is written down.
#[derive(Debug, Clone)]
pub struct NewDeed<'a> {
    /// Who did it.
    pub actor: &'a str,
    /// From where: an address, or `local` for the command line.
    pub origin: &'a str,
    /// What, for example `skill.activate`.
    pub action: &'a str,
    /// To what, for example `skill:social-media`.
    pub subject: &'a str,
    /// The particulars. Never a secret's value.
    pub data: Value,
    /// When.
    pub at_ms: i64,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// Its number, from 1 and without gaps.
    pub seq: i64,
    /// When.
    pub at_ms: i64,
    /// Who did it.
    pub actor: String,
    /// From where.
    pub origin: String,
    /// What.
    pub action: String,
    /// To what.
    pub subject: String,
    /// The particulars.
    pub data: Value,
    /// The hash of the row before; empty for the first.
    pub previous: String,
    /// The hash of this row.
    pub hash: String,
}

impl Deed {
    /// The hash that this row must have.
    #[must_use]
    pub fn expected_hash(&self, tenant: &TenantId) -> String {
        let row = value!([
            self.previous,
            tenant,
            self.seq,
            self.at_ms,
            self.actor,
            self.origin,
            self.action,
            self.subject,
            self.data
        ]);
        Digest::from_sha256(Sha256::digest(row.to_string()).into()).to_string()
    }
}

struct Raw {
    seq: i64,
    at: At,
    actor: String,
    origin: String,
    action: String,
    subject: String,
    data: Json,
    previous: String,
    hash: String,
}

from_row!(Raw { seq, at, actor, origin, action, subject, data, previous, hash });

impl TryFrom<Raw> for Deed {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            seq: raw.seq,
            at_ms: raw.at.0,
            actor: raw.actor,
            origin: raw.origin,
            action: raw.action,
            subject: raw.subject,
            data: json("audit data", &raw.data)?,
            previous: raw.previous,
            hash: raw.hash,
        })
    }
}

/// How many rows [`Store::verify_audit`] reads at once.
const VERIFIED_AT_ONCE: u32 = 1_000;

impl Tx {
    /// Writes down what was done, in the transaction that does it.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit(&mut self, tenant: &TenantId, deed: NewDeed<'_>) -> Result<Deed, StoreError> {
        self.lock(&format!("audit {tenant}")).await?;
        let last: Option<(i64, String)> =
            query("SELECT seq, hash FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT 1")
                .bind(tenant.as_str())
                .optional(&mut *self)
                .await?;
        let (seq, previous) = last.map_or((1, String::new()), |(seq, hash)| (seq + 1, hash));
        let clean = |text: &str| text.replace('\0', "\u{fffd}");
        let mut row = Deed {
            seq,
            at_ms: deed.at_ms,
            actor: clean(deed.actor),
            origin: clean(deed.origin),
            action: clean(deed.action),
            subject: clean(deed.subject),
            // As it will be read again.
            data: json("audit data", to_json(&deed.data))?,
            previous,
            hash: String::new(),
        };
        row.hash = row.expected_hash(tenant);
        query(
            "INSERT INTO audit (tenant, seq, at, actor, origin, action, subject, data, previous, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(tenant.as_str())
        .bind(row.seq)
        .bind(At(row.at_ms))
        .bind(&row.actor)
        .bind(&row.origin)
        .bind(&row.action)
        .bind(&row.subject)
        .bind(to_json(&row.data))
        .bind(&row.previous)
        .bind(&row.hash)
        .run(self)
        .await?;
        Ok(row)
    }
}

impl Store {
    /// The rows after a number, in order; with `before`, the newest ones before that number, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit_log(&self, tenant: &TenantId, before: Option<i64>, limit: u32) -> Result<Vec<Deed>, StoreError> {
        let raw: Vec<Raw> = query(
            "SELECT seq, at, actor, origin, action, subject, data, previous, hash FROM audit \
             WHERE tenant = $1 AND ($2 IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(before)
        .bind(i64::from(limit))
        .all(self.read(tenant))
        .await?;
        raw.into_iter().map(Deed::try_from).collect()
    }

    /// Computes the whole chain again. Gives how many rows there are and the hash of the last one: whoever notes it elsewhere can later prove that
    /// nothing was cut off the end.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first row that does not fit; the database's.
    pub async fn verify_audit(&self, tenant: &TenantId) -> Result<(i64, String), StoreError> {
        let (mut seq, mut hash) = (0, String::new());
        loop {
            let raw: Vec<Raw> = query(
                "SELECT seq, at, actor, origin, action, subject, data, previous, hash FROM audit \
                 WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            )
            .bind(tenant.as_str())
            .bind(seq)
            .bind(i64::from(VERIFIED_AT_ONCE))
            .all(self.read(tenant))
            .await?;
            if raw.is_empty() {
                return Ok((seq, hash));
            }
            for raw in raw {
                let deed = Deed::try_from(raw)?;
                let broken = |reason: &str| StoreError::Damaged {
                    what: "audit log",
                    reason: format!("row {} of tenant {tenant} {reason}: somebody changed the log", deed.seq),
                };
                if deed.seq != seq + 1 {
                    return Err(broken(&format!("follows row {seq}, so rows are missing")));
                }
                if deed.previous != hash {
                    return Err(broken("does not carry the hash of the row before it"));
                }
                if deed.hash != deed.expected_hash(tenant) {
                    return Err(broken("does not have the hash of what it says"));
                }
                (seq, hash) = (deed.seq, deed.hash);
            }
        }
    }
}
