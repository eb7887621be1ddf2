//! What a tenant decided for all its skills.

use openanalyst_domain::Budget;
use openanalyst_store::quotas::{OperatorQuotas, TenantQuotas};
use openanalyst_store::retention::{Retention, TenantRetention};
use serde::{Deserialize, Serialize};

use crate::limits::SkillLimits;

/// The settings of a tenant. Everything that is not said is off, or the operator's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TenantSettings {
    /// Whether a package must carry the signature of a trusted publisher.
    pub require_signature: bool,
    /// The publishers that are trusted.
    pub publishers: Vec<Publisher>,
    /// Whether what a user says of a wrong choice of skill ("no, that was for analytics") becomes an example of the tenant.
    pub learn_from_corrections: bool,
    /// Limits of every skill, and quotas of all of them together.
    pub limits: SkillLimits,
    /// How much is kept: of each user, and of all together.
    #[serde(skip_serializing_if = "TenantQuotas::is_empty")]
    pub quotas: TenantQuotas,
    /// How long it is kept.
    #[serde(skip_serializing_if = "TenantRetention::is_empty")]
    pub retention: TenantRetention,
}

/// A publisher whose signature is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Publisher {
    /// The key, as `ed25519:BASE64`.
    pub public_key: String,
    /// Whose it is, in words.
    #[serde(default)]
    pub label: String,
}

impl TenantSettings {
    /// Checks the limits against what the operator allows.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self, ceiling: &Budget, quotas: &OperatorQuotas, retention: &Retention) -> Result<(), String> {
        self.limits.budget(ceiling)?;
        self.quotas.check(quotas)?;
        self.retention.check(retention)
    }
}
