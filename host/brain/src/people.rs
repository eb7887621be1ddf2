//! Sign-up: a person, and their workspace in the workflow engine. Both are made once, however often it is asked.

use openanalyst_domain::{Failure, Owner, TenantId, UserId};
use openanalyst_store::StoreError;
use openanalyst_store::audit::NewDeed;
use openanalyst_store::users::{Added, UserRow};
use openanalyst_workflow::NewItem;
use serde_json::{Value, json};

use crate::api::BrainError;
use crate::brain::Brain;

/// Most characters of an email (RFC 5321 §4.5.3.1.3, without the angle brackets).
const MAX_EMAIL_CHARS: usize = 254;
/// Most characters of a name.
const MAX_NAME_CHARS: usize = 128;
/// The scripts that every workspace begins with.
const TEMPLATES: &[&str] = &["social_post", "analytics_report", "scheduler"];

/// Somebody who signs up.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Their email.
    pub email: String,
    /// The `sub` of their tokens. None: the email.
    pub user: Option<UserId>,
    /// How they are called.
    pub display_name: Option<String>,
}

impl Brain {
    /// Adds a person to a tenant and makes their workspace; a second time gives what is there. Says whether they are new.
    ///
    /// # Errors
    /// [`BrainError::Invalid`] for the email or name; [`BrainError::WrongState`] where somebody else has the email; the database's.
    pub async fn sign_up(
        &self,
        tenant: &TenantId,
        new: NewUser,
        actor: &str,
        origin: &str,
    ) -> Result<(UserRow, bool), BrainError> {
        let email = checked_email(&new.email)?;
        if new
            .display_name
            .as_ref()
            .is_some_and(|name| name.chars().count() > MAX_NAME_CHARS || name.contains(char::is_control))
        {
            return Err(BrainError::Invalid(format!(
                "`displayName` has at most {MAX_NAME_CHARS} characters and no control characters"
            )));
        }
        let user = match new.user {
            Some(user) => user,
            None => UserId::parse(email.clone()).map_err(|error| BrainError::Invalid(format!("`email`: {error}")))?,
        };
        let owner = Owner::new(tenant.clone(), user);
        let inner = &self.inner;
        let now_ms = inner.clock.now_ms();
        let mut tx = inner.store.begin(&owner).await?;
        let added = tx.add_user(&owner, Some(&email), new.display_name.as_deref(), now_ms).await?;
        match added {
            Added::Conflict => {
                return Err(BrainError::WrongState(
                    "this email, or this user, belongs to somebody else of the organisation: sign up with another one"
                        .to_owned(),
                ));
            }
            Added::New => {
                let subject = format!("user:{}", owner.user);
                let data = json!({ "folder": owner.user.folder() });
                tx.audit(
                    tenant,
                    NewDeed { actor, origin, action: "user.create", subject: &subject, data, at_ms: now_ms },
                )
                .await?;
            }
            Added::Known => {}
        }
        tx.commit().await?;
        self.make_workspace(&owner).await?;
        let row = inner.store.user(&owner).await?;
        let row = row.ok_or_else(|| BrainError::Internal("a user that was just added is not there".to_owned()))?;
        Ok((row, added == Added::New))
    }

    /// The people of the tenant, sorted by user.
    ///
    /// # Errors
    /// The database's.
    pub async fn people(&self, tenant: &TenantId, after: Option<&str>, limit: u32) -> Result<Vec<UserRow>, BrainError> {
        Ok(self.inner.store.users(tenant, after, limit).await?)
    }

    async fn make_workspace(&self, owner: &Owner) -> Result<(), BrainError> {
        let inner = &self.inner;
        if inner.store.user(owner).await?.is_some_and(|row| row.workspace_at_ms.is_some()) {
            return Ok(());
        }
        let folder = owner.user.folder();
        for (path, source) in &inner.workspace_templates {
            let item = NewItem {
                path: format!("{folder}/{path}"),
                summary: format!("A template of yours: change it as you like ({path})"),
                language: Some("bun".to_owned()),
                value: source.clone(),
            };
            inner.workflow.put_script(owner, item).await.map_err(not_made)?;
        }
        let app = NewItem {
            path: format!("{folder}/dashboard"),
            summary: "Your dashboard".to_owned(),
            language: None,
            value: dashboard(&folder).to_string(),
        };
        inner.workflow.put_app(owner, app).await.map_err(not_made)?;
        let mut tx = inner.store.begin(owner).await?;
        tx.workspace_made(owner, inner.clock.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// The names of the templates.
#[must_use]
pub fn template_names() -> &'static [&'static str] {
    TEMPLATES
}

fn not_made(failure: Failure) -> BrainError {
    if let Failure::Interrupted { detail: reason } = failure {
        return StoreError::Unavailable { reason }.into();
    }
    BrainError::Internal(format!("the workspace could not be made, and is tried again at the next sign-up: {failure}"))
}

/// What the dashboard shows: the user's scripts, schedules and last jobs.
fn dashboard(folder: &str) -> Value {
    json!({
        "title": "Dashboard",
        "sections": [
            { "title": "Scripts", "list": "scripts", "prefix": format!("{folder}/") },
            { "title": "Schedules", "list": "schedules", "prefix": format!("{folder}/") },
            { "title": "Jobs", "list": "jobs", "prefix": "" },
        ],
    })
}

/// An email address as far as it can be known without writing to it (RFC 5321 §4.1.2, without quoted names), in lower case.
fn checked_email(email: &str) -> Result<String, BrainError> {
    let email = email.trim().to_lowercase();
    let good = email.chars().count() <= MAX_EMAIL_CHARS
        && !email.contains(|c: char| c.is_control() || c.is_whitespace() || "<>()[],;:\\\"".contains(c))
        && email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && !host.contains('@')
                && host.split('.').count() > 1
                && host.split('.').all(|label| !label.is_empty())
        });
    if good {
        Ok(email)
    } else {
        Err(BrainError::Invalid("`email` is no email address: give one such as ada@example.com".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_looks_like_one() {
        assert_eq!(checked_email(" Ada@Example.COM ").unwrap(), "ada@example.com");
        for bad in
            ["", "ada", "ada@", "@example.com", "a@b", "a@b@c.de", "a b@c.de", "a@c..de", "<a@b.de>", &"x".repeat(300)]
        {
            assert!(checked_email(bad).is_err(), "{bad}");
        }
    }
}
