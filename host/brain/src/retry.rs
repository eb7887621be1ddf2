//! How often what fails is tried again: the operator's settings, lowered by the tenant and by the installation of the skill.

use std::time::Duration;

use openanalyst_domain::Failure;
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
    /// Whether everybody in the tenant learns what was found on the public web.
    pub(crate) share_learnings: bool,
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
            share_learnings: of_tenant.share_learnings.unwrap_or(true) && of_skill.share_learnings.unwrap_or(true),
        }
    }

    /// The pause after attempt number `attempt`: at least as long as its failure says that waiting helps.
    pub(crate) fn delay_after(&self, attempt: u32, failure: Option<&Failure>) -> Duration {
        let hint = match failure {
            Some(Failure::Unavailable { retry_after_ms: Some(hint), .. }) => Duration::from_millis(*hint),
            _ => Duration::ZERO,
        };
        self.pause.saturating_mul(1 << attempt.saturating_sub(1).min(16)).max(hint).min(MAX_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_and_heeds_what_the_failure_says() {
        let retry = Retry { retries: 3, pause: Duration::from_millis(200), research: true, share_learnings: true };
        let ms = |attempt, hint: Option<u64>| {
            let failure = hint.map(|hint| Failure::Unavailable { detail: "busy".into(), retry_after_ms: Some(hint) });
            retry.delay_after(attempt, failure.as_ref()).as_millis()
        };
        assert_eq!([ms(1, None), ms(2, None), ms(3, None), ms(60, None)], [200, 400, 800, 60_000]);
        assert_eq!([ms(1, Some(5_000)), ms(1, Some(10)), ms(1, Some(3_600_000))], [5_000, 200, 60_000]);
    }
}
