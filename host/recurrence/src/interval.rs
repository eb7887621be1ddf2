//! Firings at equal distances in real time: every 45 minutes, every 13 hours.

/// See the module. All in UTC milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) first_ms: i64,
    /// Above zero.
    pub(crate) step_ms: i64,
    /// The last one, where it ends.
    pub(crate) last_ms: Option<i64>,
}

impl Interval {
    pub(crate) fn after(&self, at_ms: i64) -> Option<i64> {
        let next = if at_ms < self.first_ms {
            self.first_ms
        } else {
            let passed = (at_ms - self.first_ms) / self.step_ms + 1;
            self.first_ms.checked_add(passed.checked_mul(self.step_ms)?)?
        };
        (self.last_ms.is_none_or(|last| next <= last)).then_some(next)
    }

    pub(crate) fn latest(&self, at_ms: i64) -> Option<i64> {
        let at_ms = self.last_ms.map_or(at_ms, |last| at_ms.min(last));
        (at_ms >= self.first_ms).then(|| self.first_ms + (at_ms - self.first_ms) / self.step_ms * self.step_ms)
    }
}
