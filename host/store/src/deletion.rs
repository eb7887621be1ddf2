//! Deleting all data of a user or a tenant.
//!
//! A deletion is recorded before it begins and goes on in small steps until nothing is left; one that
//! was interrupted is continued ([`Store::deletions_of_all_tenants`]). While it goes on nothing new is
//! accepted. What stays is the audit log, the tenant's sums of usage by day without the user's name,
//! and that tokens issued before are refused, under a digest of the name.

use openanalyst_domain::{Owner, TenantId, UserId};

mod tables;

use self::tables::{MESSAGES, NAMES, TABLES};
use crate::audit::NewDeed;
use crate::retention::{OldTask, Pace};
use crate::sql::{At, Id, query};
use crate::tenants::RevocationRow;
use crate::{Scope, Store, StoreError, owner_of, tenant_of};

/// Most rows that a step removes.
const MAX_ROWS: i64 = 200;
/// How many tasks are removed in one step.
const MAX_TASKS: usize = 16;
/// What stands in the place of a name in what a tenant keeps.
const NOBODY: &str = "deleted user";
/// How long tokens that were issued before are refused: none is valid for longer than a year.
const REFUSED_MS: i64 = 400 * 24 * 60 * 60 * 1_000;

/// Whose data goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One user's.
    User(Owner),
    /// A tenant's, with all its users.
    Tenant(TenantId),
}

impl Subject {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::User(owner) => &owner.tenant,
            Self::Tenant(tenant) => tenant,
        }
    }

    fn user(&self) -> &str {
        match self {
            Self::User(owner) => owner.user.as_str(),
            Self::Tenant(_) => "",
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::User(owner) => owner.into(),
            Self::Tenant(tenant) => Scope::EveryUser(tenant.clone()),
        }
    }

    /// In whose name tokens that were issued before are refused. No name of the subject stands in it.
    fn refused(&self) -> Owner {
        match self {
            Self::User(owner) => Owner::new(owner.tenant.clone(), owner.user.pseudonym()),
            Self::Tenant(tenant) => Owner::new(tenant.pseudonym(), UserId::everybody()),
        }
    }
}

/// A deletion that was asked for and has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Whose data goes.
    pub subject: Subject,
    /// Since when.
    pub requested_at_ms: i64,
}

impl Store {
    /// Records that all data of somebody is to go, with its row in the audit log. From now on nothing
    /// new of theirs is accepted. Again for the same: nothing changes.
    ///
    /// # Errors
    /// The database's.
    pub async fn request_deletion(
        &self,
        subject: &Subject,
        actor: &str,
        origin: &str,
        now_ms: i64,
    ) -> Result<Deletion, StoreError> {
        let mut tx = self.begin(subject.scope()).await?;
        tx.hold("deletion").await?;
        let added =
            query("INSERT INTO deletions (tenant, user_id, requested_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(subject.tenant().as_str())
                .bind(subject.user())
                .bind(At(now_ms))
                .run(&mut tx)
                .await?;
        if added == 1 {
            let (action, name) = match subject {
                Subject::User(owner) => ("user.delete", format!("user:{}", owner.user.pseudonym())),
                Subject::Tenant(_) => ("tenant.delete", "tenant".to_owned()),
            };
            // Who deletes their own data is not named anew.
            let actor = if actor == subject.user() { subject.refused().user.to_string() } else { actor.to_owned() };
            let data = serde_json::json!({});
            let deed = NewDeed { actor: &actor, origin, action, subject: &name, data, at_ms: now_ms };
            tx.audit(subject.tenant(), deed).await?;
        }
        tx.commit().await?;
        let pending = self.deletions_of(subject.tenant()).await?;
        let recorded = pending.into_iter().find(|deletion| deletion.subject == *subject);
        // It may have ended at this moment.
        Ok(recorded.unwrap_or(Deletion { subject: subject.clone(), requested_at_ms: now_ms }))
    }

    async fn deletions_of(&self, tenant: &TenantId) -> Result<Vec<Deletion>, StoreError> {
        let rows: Vec<(String, At)> = query("SELECT user_id, requested_at FROM deletions WHERE tenant = $1")
            .bind(tenant.as_str())
            .all(self.read(tenant))
            .await?;
        rows.into_iter()
            .map(|(user, at)| {
                let subject = match user.is_empty() {
                    true => Subject::Tenant(tenant.clone()),
                    false => Subject::User(owner_of(tenant.to_string(), user)?),
                };
                Ok(Deletion { subject, requested_at_ms: at.0 })
            })
            .collect()
    }

    /// The deletions that have not ended.
    ///
    /// # Errors
    /// The database's.
    pub async fn deletions_of_all_tenants(&self) -> Result<Vec<Deletion>, StoreError> {
        let tenants: Vec<(String,)> =
            query("SELECT DISTINCT tenant FROM deletions").all(self.read(Scope::Worker)).await?;
        let mut all = Vec::new();
        for (tenant,) in tenants {
            all.extend(self.deletions_of(&tenant_of(tenant)?).await?);
        }
        Ok(all)
    }

    /// Refuses tokens of somebody that were issued before their deletion. Gives the row as other
    /// processes will read it.
    ///
    /// # Errors
    /// The database's.
    pub async fn refuse_earlier_tokens(&self, deletion: &Deletion) -> Result<RevocationRow, StoreError> {
        let Owner { tenant, user } = deletion.subject.refused();
        let row = RevocationRow {
            tenant,
            user: user.to_string(),
            token_id: String::new(),
            issued_before_ms: Some(deletion.requested_at_ms + 1),
            expires_at_ms: deletion.requested_at_ms.saturating_add(REFUSED_MS),
        };
        let mut tx = self.begin(&row.tenant).await?;
        tx.revoke(&row, "host", deletion.requested_at_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// The open tasks of somebody.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_tasks_of(
        &self,
        subject: &Subject,
    ) -> Result<Vec<(Owner, openanalyst_domain::TaskId)>, StoreError> {
        let rows: Vec<(String, Id)> = query(
            "SELECT user_id, id FROM tasks WHERE tenant = $1 AND ($2 = '' OR user_id = $2) \
             AND status IN ('accepted', 'running') LIMIT 1000",
        )
        .bind(subject.tenant().as_str())
        .bind(subject.user())
        .all(self.read(subject.scope()))
        .await?;
        rows.into_iter()
            .map(|(user, id)| Ok((owner_of(subject.tenant().to_string(), user)?, openanalyst_domain::TaskId(id.0))))
            .collect()
    }

    /// The open jobs of somebody.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_jobs_of(&self, subject: &Subject) -> Result<Vec<(Owner, openanalyst_domain::JobId)>, StoreError> {
        let rows: Vec<(String, Id)> = query(
            "SELECT user_id, id FROM jobs WHERE tenant = $1 AND ($2 = '' OR user_id = $2) \
             AND status IN ('queued', 'running') LIMIT 1000",
        )
        .bind(subject.tenant().as_str())
        .bind(subject.user())
        .all(self.read(subject.scope()))
        .await?;
        rows.into_iter()
            .map(|(user, id)| Ok((owner_of(subject.tenant().to_string(), user)?, openanalyst_domain::JobId(id.0))))
            .collect()
    }

    /// Removes the schedules of somebody, so that nothing of theirs begins any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn stop_schedules_of(&self, subject: &Subject) -> Result<(), StoreError> {
        let mut tx = self.begin(subject.scope()).await?;
        query("DELETE FROM schedules WHERE tenant = $1 AND ($2 = '' OR user_id = $2)")
            .bind(subject.tenant().as_str())
            .bind(subject.user())
            .run(&mut tx)
            .await?;
        tx.commit().await
    }

    /// Removes what is there of somebody, in small steps, until a look at every table finds nothing;
    /// then the deletion has ended. False: `pace` said that the work is to end before that.
    ///
    /// # Errors
    /// The database's; what was removed until then is gone, and the deletion can be continued.
    pub async fn remove_all_of(&self, deletion: &Deletion, pace: &impl Pace) -> Result<bool, StoreError> {
        let subject = &deletion.subject;
        loop {
            let Some(removed) = self.remove_some_of(subject, pace).await? else { return Ok(false) };
            if removed > 0 {
                continue;
            }
            let mut tx = self.begin(subject.scope()).await?;
            let whose = match subject {
                Subject::User(_) => "DELETE FROM deletions WHERE tenant = $1 AND user_id = $2",
                // Deletions of its users have ended with it.
                Subject::Tenant(_) => "DELETE FROM deletions WHERE tenant = $1 AND $2 = ''",
            };
            query(whose).bind(subject.tenant().as_str()).bind(subject.user()).run(&mut tx).await?;
            tx.commit().await?;
            return Ok(true);
        }
    }

    /// One look at every table. Gives how many rows went; none where it was to end.
    async fn remove_some_of(&self, subject: &Subject, pace: &impl Pace) -> Result<Option<u64>, StoreError> {
        let (tenant, user, scope) = (subject.tenant(), subject.user(), subject.scope());
        let mut removed = 0;
        loop {
            let tasks: Vec<(String, Id, String, i64)> = query(
                "SELECT user_id, id, session, bytes FROM tasks WHERE tenant = $1 AND ($2 = '' OR user_id = $2) \
                 ORDER BY user_id, id LIMIT $3",
            )
            .bind(tenant.as_str())
            .bind(user)
            .bind(MAX_ROWS)
            .all(self.read(scope.clone()))
            .await?;
            if tasks.is_empty() {
                break;
            }
            for of_user in tasks.chunk_by(|(one, ..), (other, ..)| one == other) {
                let Some((name, ..)) = of_user.first() else { continue };
                let owner = owner_of(tenant.to_string(), name.clone())?;
                for batch in of_user.chunks(MAX_TASKS) {
                    let old: Vec<OldTask> = batch
                        .iter()
                        .map(|(_, id, session, bytes)| OldTask {
                            id: openanalyst_domain::TaskId(id.0),
                            session: session.clone(),
                            bytes: *bytes,
                        })
                        .collect();
                    self.remove_tasks(&owner, &old, pace).await?;
                    removed += old.len() as u64;
                    if !pace.pause().await {
                        return Ok(None);
                    }
                }
            }
        }
        loop {
            let receipts: Vec<(String, Id)> =
                query("SELECT skill, id FROM receipts WHERE tenant = $1 AND ($2 = '' OR user_id = $2) LIMIT $3")
                    .bind(tenant.as_str())
                    .bind(user)
                    .bind(MAX_ROWS)
                    .all(self.read(Scope::EveryUser(tenant.clone())))
                    .await?;
            if receipts.is_empty() {
                break;
            }
            self.remove_receipts(tenant, &receipts, true).await?;
            removed += receipts.len() as u64;
            if !pace.pause().await {
                return Ok(None);
            }
        }
        if let Subject::User(owner) = subject {
            removed += self.forget_name(owner).await?;
        }
        let tables = TABLES.iter().filter_map(|table| match subject {
            Subject::User(_) => table.of_user,
            Subject::Tenant(_) => Some(table.of_tenant),
        });
        for sql in std::iter::once(MESSAGES).chain(tables) {
            loop {
                let mut tx = self.begin(scope.clone()).await?;
                let gone = query(sql).bind(tenant.as_str()).bind(user).bind(MAX_ROWS).run(&mut tx).await?;
                tx.commit().await?;
                removed += gone;
                if !pace.pause().await {
                    return Ok(None);
                }
                if gone == 0 {
                    break;
                }
            }
        }
        Ok(Some(removed))
    }

    /// Takes a user's name out of what their tenant keeps. Gives how many rows had it.
    async fn forget_name(&self, owner: &Owner) -> Result<u64, StoreError> {
        let mut tx = self.begin(Scope::EveryUser(owner.tenant.clone())).await?;
        let mut changed = 0;
        for sql in NAMES {
            changed +=
                query(sql).bind(owner.tenant.as_str()).bind(owner.user.as_str()).bind(NOBODY).run(&mut tx).await?;
        }
        changed += query(
            "INSERT INTO usage_by_day (tenant, user_id, skill, day, invocations, cpu_us, host_calls, http_fetches, \
             workflow_starts, llm_tokens) SELECT tenant, '', skill, day, invocations, cpu_us, host_calls, http_fetches, \
             workflow_starts, llm_tokens FROM usage_by_day AS own WHERE own.tenant = $1 AND own.user_id = $2 \
             ON CONFLICT (tenant, day, user_id, skill) DO UPDATE SET \
             invocations = usage_by_day.invocations + excluded.invocations, \
             cpu_us = usage_by_day.cpu_us + excluded.cpu_us, \
             host_calls = usage_by_day.host_calls + excluded.host_calls, \
             http_fetches = usage_by_day.http_fetches + excluded.http_fetches, \
             workflow_starts = usage_by_day.workflow_starts + excluded.workflow_starts, \
             llm_tokens = usage_by_day.llm_tokens + excluded.llm_tokens",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.user.as_str())
        .run(&mut tx)
        .await?;
        query("DELETE FROM usage_by_day WHERE tenant = $1 AND user_id = $2")
            .bind(owner.tenant.as_str())
            .bind(owner.user.as_str())
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// The packages of a tenant by their digests, each with the digest of its component.
    ///
    /// # Errors
    /// The database's.
    pub async fn packages_of(&self, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = query("SELECT DISTINCT digest FROM skill_versions WHERE tenant = $1")
            .bind(tenant.as_str())
            .all(self.read(tenant))
            .await?;
        Ok(rows.into_iter().map(|(digest,)| digest).collect())
    }

    /// Whether any tenant but `without` has a package. For its removal, under [`crate::Tx::hold_package`].
    ///
    /// # Errors
    /// The database's.
    pub async fn package_is_used(&self, digest: &str, without: Option<&TenantId>) -> Result<bool, StoreError> {
        let (is,): (bool,) = query("SELECT EXISTS (SELECT 1 FROM skill_versions WHERE digest = $1 AND tenant <> $2)")
            .bind(digest)
            // No tenant has an empty name.
            .bind(without.map_or("", TenantId::as_str))
            .one(self.read(Scope::Worker))
            .await?;
        Ok(is)
    }
}
