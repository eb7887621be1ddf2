//! Refused tokens, counted by their reason and logged once a minute: a flood of them is one line, and none goes unseen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openanalyst_identity::TokenError;

/// How often they are logged.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The counts since the last line of the log.
#[derive(Debug, Default)]
pub(crate) struct RefusedTokens {
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl RefusedTokens {
    /// Counts one. A call without any token is no refused token.
    pub(crate) fn count(&self, error: &TokenError) {
        if !matches!(error, TokenError::Missing) {
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(error.code()).or_insert(0) += 1;
        }
    }

    /// Takes the counts out: how many there were, and of which reason. None: there were none.
    fn take(&self) -> Option<(u64, String)> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let reasons: Vec<String> = counts.iter().map(|(code, count)| format!("{code} {count}")).collect();
        (!counts.is_empty()).then(|| (counts.values().sum(), reasons.join(", ")))
    }

    /// Logs what was counted since the last time.
    pub(crate) fn log(&self) {
        if let Some((refused, reasons)) = self.take() {
            tracing::info!(refused, reasons, "tokens were refused");
        }
    }

    /// Logs once a minute, for as long as it is polled.
    pub(crate) async fn keep_logging(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOG_EVERY).await;
            self.log();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_with_its_reasons() {
        let refused = RefusedTokens::default();
        for _ in 0..1_000 {
            refused.count(&TokenError::Expired);
            refused.count(&TokenError::Missing);
        }
        refused.count(&TokenError::BadSignature);
        assert_eq!(refused.take(), Some((1_001, "token-bad-signature 1, token-expired 1000".to_owned())));
        assert_eq!(refused.take(), None, "each is counted once");
    }
}
