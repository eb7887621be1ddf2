//! When something that recurs fires: a cron expression, or a recurrence rule of RFC 5545, in a time zone.
//!
//! Cron has six fields, seconds first, Monday is 1, with `L`, `#`, `W`, ranges and lists, as Windmill's version 2
//! has them. What cron cannot say (every other Monday, every 45 minutes, the last working day) is a rule:
//!
//! ```text
//! DTSTART;TZID=Europe/Berlin:20261130T090000
//! RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO
//! ```
//!
//! Around changes of the clock both do the same: a time that does not exist on a day (spring) becomes the first
//! moment that does; one that exists twice (autumn) fires at its first coming. Intervals of minutes and hours are
//! counted in real time, through both.

mod feasible;
mod interval;
mod rule;
mod zone;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::interval::Interval;
use crate::rule::Rule;
pub use crate::zone::first_moment;

/// Most characters of a cron expression.
const MAX_CRON_CHARS: usize = 255;
/// Firings whose distance is measured: more than there are in a minute.
const FIRINGS_LOOKED_AT: usize = 61;

/// Why an expression or a zone is refused: what is wrong, and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRecurrence(String);

impl InvalidRecurrence {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// A checked expression in its time zone.
#[derive(Debug, Clone)]
pub struct Recurrence {
    zone: Tz,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Cron(Box<Cron>),
    Interval(Interval),
    Rule(Box<Rule>),
}

impl Recurrence {
    /// Checks an expression: cron with six fields, or `DTSTART` and `RRULE` on two lines. The zone is an IANA name;
    /// a `TZID` in the rule must be the same.
    ///
    /// # Errors
    /// What is wrong with it, in words for who wrote it.
    pub fn parse(expression: &str, time_zone: &str) -> Result<Self, InvalidRecurrence> {
        let zone = time_zone.parse::<Tz>().map_err(|_| {
            InvalidRecurrence(format!("failed to parse timezone: `{time_zone}` is no IANA name such as Europe/Berlin"))
        })?;
        let kind = if is_rule(expression) { rule::parse(expression, zone)? } else { cron(expression)? };
        Ok(Self { zone, kind })
    }

    /// The first firing after a moment, both in UTC milliseconds. None: there is none any more.
    #[must_use]
    pub fn after(&self, at_ms: i64) -> Option<i64> {
        match &self.kind {
            Kind::Cron(cron) => {
                let at = DateTime::<Utc>::from_timestamp_millis(at_ms)?.with_timezone(&self.zone);
                cron.find_next_occurrence(&at, false).ok().map(|next| next.timestamp_millis())
            }
            Kind::Interval(interval) => interval.after(at_ms),
            Kind::Rule(rule) => rule.after(at_ms, self.zone),
        }
    }

    /// The next firings after a moment, as many as are asked for, or fewer where it ends.
    #[must_use]
    pub fn next(&self, at_ms: i64, count: usize) -> Vec<i64> {
        std::iter::successors(self.after(at_ms), |last| self.after(*last)).take(count).collect()
    }

    /// The last firing up to a moment, that moment included. None: there was none.
    #[must_use]
    pub fn latest(&self, at_ms: i64) -> Option<i64> {
        match &self.kind {
            Kind::Cron(cron) => {
                let at = DateTime::<Utc>::from_timestamp_millis(at_ms)?.with_timezone(&self.zone);
                cron.find_previous_occurrence(&at, true).ok().map(|last| last.timestamp_millis())
            }
            Kind::Interval(interval) => interval.latest(at_ms),
            Kind::Rule(rule) => rule.latest(at_ms, self.zone),
        }
    }

    /// The shortest time between two of the next firings after a moment, as far as they are looked at (61 of
    /// them). None: it fires at most once more.
    #[must_use]
    pub fn shortest_interval_ms(&self, at_ms: i64) -> Option<i64> {
        if let Kind::Interval(interval) = &self.kind {
            let first = interval.after(at_ms)?;
            return interval.after(first).map(|second| second - first);
        }
        let mut last = self.after(at_ms)?;
        let mut shortest = None;
        for _ in 0..FIRINGS_LOOKED_AT {
            let Some(next) = self.after(last) else { break };
            shortest = Some(shortest.map_or(next - last, |shortest: i64| shortest.min(next - last)));
            last = next;
        }
        shortest
    }
}

/// Whether an expression is a rule of RFC 5545, and no cron expression.
#[must_use]
pub fn is_rule(expression: &str) -> bool {
    let start = expression.trim_start();
    ["DTSTART", "RRULE"]
        .iter()
        .any(|name| start.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)))
}

fn cron(expression: &str) -> Result<Kind, InvalidRecurrence> {
    let bad = |why: &str| InvalidRecurrence(format!("cron: `{expression}`: {why}"));
    if expression.len() > MAX_CRON_CHARS {
        return Err(InvalidRecurrence::new("cron: the expression has more than 255 characters"));
    }
    if expression.split_whitespace().count() != 6 {
        return Err(bad(
            "it must consist of six fields, seconds can not be omitted, for example `0 0 9 * * 1`; what cron cannot \
             say is a rule of RFC 5545 that begins with `DTSTART`",
        ));
    }
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
    parser.parse(expression).map(|cron| Kind::Cron(Box::new(cron))).map_err(|error| bad(&error.to_string()))
}

#[cfg(test)]
mod tests;
