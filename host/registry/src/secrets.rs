//! Secrets of skills: set, listed by name, removed. Nothing here gives a value back but to the host itself.

use openanalyst_domain::{Failure, TenantId};
use openanalyst_package::HostPattern;
use openanalyst_runtime::Scrubber;
use openanalyst_store::audit::NewDeed;
use openanalyst_store::secrets::SecretRow;
use serde::Serialize;
use serde_json::json;

use crate::RegistryError;
use crate::registry::{Actor, Registry};
use crate::vault::{Binding, SecretValue};

/// Most secrets of a skill.
const MAX_SECRETS: usize = 100;
/// Most hosts of an audience.
const MAX_AUDIENCE: usize = 20;
/// Most characters of a name.
const MAX_KEY_CHARS: usize = 64;

/// A secret as its tenant sees it: everything but the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretView {
    /// Its name.
    pub key: String,
    /// The hosts that it may be sent to.
    pub audience: Vec<String>,
    /// Who set it.
    pub set_by: String,
    /// When, UTC milliseconds.
    pub set_at_ms: i64,
}

/// The opened secrets of a skill, for one request of the host.
#[derive(Debug, Default)]
pub struct OpenSecrets {
    /// By name: the audience and the value.
    pub secrets: Vec<(String, Vec<String>, SecretValue)>,
}

impl OpenSecrets {
    /// What takes them out of whatever leaves the guest.
    #[must_use]
    pub fn scrubber(&self) -> Scrubber {
        Scrubber::new(self.secrets.iter().map(|(key, _, value)| (key.as_str(), value.expose())))
    }

    /// Whether a secret is set.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.secrets.iter().any(|(name, _, _)| name == key)
    }

    /// The value of a secret for a request to a host.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where it is not set: no other secret takes its place; [`Failure::Denied`] where the host is not its audience.
    pub fn for_host(&self, key: &str, host: &str) -> Result<&SecretValue, Failure> {
        let Some((_, audience, value)) = self.secrets.iter().find(|(name, _, _)| name == key) else {
            return Err(Failure::not_found(format!(
                "the secret `{key}` is not set for this skill: an administrator sets it with PUT /v1/skills/NAME/secrets/{key}"
            )));
        };
        let meant =
            audience.iter().any(|pattern| pattern.parse::<HostPattern>().is_ok_and(|pattern| pattern.matches(host)));
        if meant {
            Ok(value)
        } else {
            Err(Failure::denied(format!(
                "the secret `{key}` may not be sent to `{host}`: its audience is {}; an administrator sets another",
                audience.join(", ")
            )))
        }
    }
}

impl Registry {
    /// Sets a secret of a skill; what was set before is gone.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; [`RegistryError::Invalid`] for the name, value or audience; the stores'.
    pub async fn set_secret(
        &self,
        tenant: &TenantId,
        skill: &str,
        key: &str,
        value: String,
        audience: Vec<String>,
        actor: &Actor,
    ) -> Result<SecretView, RegistryError> {
        self.show(tenant, skill).await?;
        check_key(key)?;
        let value = SecretValue::new(value).map_err(RegistryError::Invalid)?;
        if audience.is_empty() || audience.len() > MAX_AUDIENCE {
            return Err(RegistryError::Invalid(format!(
                "`audience` must name 1 to {MAX_AUDIENCE} hosts that the secret may be sent to, for example [\"api.example.com\"]"
            )));
        }
        for host in &audience {
            host.parse::<HostPattern>().map_err(|error| RegistryError::Invalid(format!("`audience`: {error}")))?;
        }
        let now_ms = self.now_ms();
        let sealed = self
            .vault()
            .seal(&Binding { tenant, skill, key, audience: &audience }, &value)
            .map_err(RegistryError::Internal)?;
        let there = self.store().secrets(tenant, skill).await?;
        if there.len() >= MAX_SECRETS && !there.iter().any(|row| row.key == key) {
            return Err(RegistryError::WrongState(format!(
                "the skill `{skill}` has {} secrets and {MAX_SECRETS} is the limit: remove one first",
                there.len()
            )));
        }
        let row = SecretRow { key: key.to_owned(), audience, sealed, set_by: actor.name.clone(), set_at_ms: now_ms };
        let mut tx = self.store().begin(tenant).await?;
        tx.put_secret(tenant, skill, &row).await?;
        let data = json!({ "audience": row.audience });
        let subject = format!("secret:{skill}/{key}");
        tx.audit(
            tenant,
            NewDeed {
                actor: &actor.name,
                origin: &actor.origin,
                action: "secret.set",
                subject: &subject,
                data,
                at_ms: now_ms,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(view(row))
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; [`RegistryError::NoSuchSecret`]; the stores'.
    pub async fn remove_secret(
        &self,
        tenant: &TenantId,
        skill: &str,
        key: &str,
        actor: &Actor,
    ) -> Result<(), RegistryError> {
        self.show(tenant, skill).await?;
        let mut tx = self.store().begin(tenant).await?;
        if !tx.delete_secret(tenant, skill, key).await? {
            return Err(RegistryError::NoSuchSecret(
                key.chars().filter(|c| !c.is_control()).take(MAX_KEY_CHARS).collect(),
            ));
        }
        let subject = format!("secret:{skill}/{key}");
        let deed = NewDeed {
            actor: &actor.name,
            origin: &actor.origin,
            action: "secret.remove",
            subject: &subject,
            data: json!({}),
            at_ms: self.now_ms(),
        };
        tx.audit(tenant, deed).await?;
        Ok(tx.commit().await?)
    }

    /// The names of a skill's secrets.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchSkill`]; the stores'.
    pub async fn secrets(&self, tenant: &TenantId, skill: &str) -> Result<Vec<SecretView>, RegistryError> {
        self.show(tenant, skill).await?;
        Ok(self.store().secrets(tenant, skill).await?.into_iter().map(view).collect())
    }

    /// Opens the secrets of a skill, for the host.
    ///
    /// # Errors
    /// [`RegistryError::Internal`] where one cannot be opened; the stores'.
    pub async fn open_secrets(&self, tenant: &TenantId, skill: &str) -> Result<OpenSecrets, RegistryError> {
        let rows = self.store().secrets(tenant, skill).await?;
        let mut secrets = Vec::with_capacity(rows.len());
        for row in rows {
            let binding = Binding { tenant, skill, key: &row.key, audience: &row.audience };
            let value =
                self.vault().open(&binding, &row.sealed).map_err(|error| RegistryError::Internal(error.to_string()))?;
            secrets.push((row.key, row.audience, value));
        }
        Ok(OpenSecrets { secrets })
    }
}

fn view(row: SecretRow) -> SecretView {
    SecretView { key: row.key, audience: row.audience, set_by: row.set_by, set_at_ms: row.set_at_ms }
}

fn check_key(key: &str) -> Result<(), RegistryError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let begins = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && key.len() <= MAX_KEY_CHARS && key.chars().all(good) {
        return Ok(());
    }
    Err(RegistryError::Invalid(format!(
        "a secret's name has 1 to {MAX_KEY_CHARS} lower-case letters, digits, `.`, `_` and `-`, and begins with a letter or digit"
    )))
}
