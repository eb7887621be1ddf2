//! How often what fails is tried again: the operator's settings, lowered by the tenant and by the installation of the skill.

use std::time::Duration;

use openanalyst_registry::{CatalogSkill, TenantCatalog};

use crate::settings::BrainSettings;

/// What holds for one task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    /// Retries after the first run.
    pub(crate) retries: u32,
    /// The pause before the first of them; it doubles with each one.
    pub(crate) pause: Duration,
    /// Whether it is looked up what went wrong, once they are used up.
    pub(crate) research: bool,
}

/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(60);

impl Retry {
    pub(crate) fn of(settings: &BrainSettings, tenant: &TenantCatalog, skill: &CatalogSkill) -> Self {
        let (of_tenant, of_skill) = (tenant.retry, skill.retry);
        let lowest = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
        let retries = lowest(of_tenant.retries, of_skill.retries).unwrap_or(u32::MAX).min(settings.retries);
        let pause_ms = of_skill.pause_ms.or(of_tenant.pause_ms);
        Self {
            retries,
            pause: pause_ms.map_or(settings.retry_pause, Duration::from_millis).min(MAX_PAUSE),
            research: settings.research && of_tenant.research.unwrap_or(true) && of_skill.research.unwrap_or(true),
        }
    }

    /// The pause after attempt number `attempt`.
    pub(crate) fn delay_after(&self, attempt: u32) -> Duration {
        self.pause.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(MAX_PAUSE)
    }
}
