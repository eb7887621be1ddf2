//! Cron expressions: six fields, seconds first, Monday is 1, in a time zone, as Windmill's version 2 has them.
//!
//! Around changes of the clock: a time that does not exist on a day (spring) is skipped to the first moment that does; one that exists twice (autumn)
//! fires at its first coming. Intervals such as `0 */30 * * * *` are counted in real time, through both.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use openanalyst_domain::Failure;

/// Most characters of an expression.
const MAX_CHARS: usize = 255;
/// Firings whose distance is measured: more than there are in a minute.
const FIRINGS_LOOKED_AT: usize = 61;

/// A checked expression in its time zone.
#[derive(Debug, Clone)]
pub(crate) struct Timer {
    cron: Cron,
    zone: Tz,
}

impl Timer {
    /// Checks an expression.
    pub(crate) fn parse(cron: &str, time_zone: &str) -> Result<Self, Failure> {
        let zone = time_zone.parse::<Tz>().map_err(|_| {
            Failure::invalid(format!("failed to parse timezone: `{time_zone}` is no IANA name such as Europe/Berlin"))
        })?;
        let bad = |why: &str| Failure::invalid(format!("cron: `{cron}`: {why}"));
        if cron.len() > MAX_CHARS {
            return Err(Failure::invalid("cron: the expression has more than 255 characters"));
        }
        if cron.split_whitespace().count() != 6 {
            return Err(bad("it must consist of six fields, seconds can not be omitted, for example `0 0 9 * * 1`"));
        }
        let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
        let cron = parser.parse(cron).map_err(|error| bad(&error.to_string()))?;
        Ok(Self { cron, zone })
    }

    /// The first firing after a moment. None: there is none any more.
    pub(crate) fn after(&self, at_ms: i64) -> Option<i64> {
        let at = DateTime::<Utc>::from_timestamp_millis(at_ms)?.with_timezone(&self.zone);
        self.cron.find_next_occurrence(&at, false).ok().map(|next| next.timestamp_millis())
    }

    /// The shortest time between two of the next firings after a moment, as far as they are looked
    /// at. None: it fires at most once more.
    pub(crate) fn shortest_interval_ms(&self, at_ms: i64) -> Option<i64> {
        let mut last = self.after(at_ms)?;
        let mut shortest = None;
        for _ in 0..FIRINGS_LOOKED_AT {
            let Some(next) = self.after(last) else { break };
            shortest = Some(shortest.map_or(next - last, |shortest: i64| shortest.min(next - last)));
            last = next;
        }
        shortest
    }

    /// The last firing up to a moment, that moment included. None: there was none.
    pub(crate) fn latest(&self, at_ms: i64) -> Option<i64> {
        let at = DateTime::<Utc>::from_timestamp_millis(at_ms)?.with_timezone(&self.zone);
        self.cron.find_previous_occurrence(&at, true).ok().map(|last| last.timestamp_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    #[test]
    fn the_next_firing() {
        let table = [
            ("0 0 9 * * 1", "Europe/Berlin", "2026-11-23T10:00:00+01:00", "2026-11-30T09:00:00+01:00"),
            ("0 0 9 * * 1", "Europe/Berlin", "2026-11-23T09:00:00+01:00", "2026-11-30T09:00:00+01:00"),
            ("0 0 9 24 11 *", "Europe/Berlin", "2026-11-23T10:00:00+01:00", "2026-11-24T09:00:00+01:00"),
            ("*/30 * * * * *", "UTC", "2026-11-23T10:00:10Z", "2026-11-23T10:00:30Z"),
            // The night in which 2:30 does not exist.
            ("0 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00"),
            // The night in which 2:30 comes twice: a fixed time fires at its first coming only, an interval at both.
            ("0 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00"),
            ("0 30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
            ("0 */30 * * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00"),
        ];
        for (cron, zone, from, expected) in table {
            let next = Timer::parse(cron, zone).unwrap().after(ms(from)).unwrap();
            assert_eq!(next, ms(expected), "{cron} {zone}: got {:?}", DateTime::<Utc>::from_timestamp_millis(next));
        }
    }

    #[test]
    fn the_last_firing() {
        let table = [
            ("0 0 9 * * *", "2026-11-23T09:00:00+01:00", "2026-11-23T09:00:00+01:00"),
            ("0 0 9 * * *", "2026-11-23T08:59:59+01:00", "2026-11-22T09:00:00+01:00"),
            ("0 0 9 24 11 *", "2026-11-25T00:00:00+01:00", "2026-11-24T09:00:00+01:00"),
        ];
        for (cron, at, expected) in table {
            assert_eq!(Timer::parse(cron, "Europe/Berlin").unwrap().latest(ms(at)), Some(ms(expected)), "{cron} {at}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (cron, zone) in [
            ("0 9 * * 1", "UTC"),
            ("0 0 9 * * 1 2026", "UTC"),
            ("", "UTC"),
            ("a b c d e f", "UTC"),
            ("0 0 25 * * *", "UTC"),
            ("0 0 9 * * *", "Mars/Olympus"),
            ("@daily", "UTC"),
        ] {
            assert_eq!(Timer::parse(cron, zone).unwrap_err().code(), "invalid", "{cron} {zone}");
        }
    }

    #[test]
    fn the_shortest_interval_is_found() {
        let shortest = |cron: &str| {
            let now = ms("2026-11-23T10:00:00Z");
            Timer::parse(cron, "UTC").unwrap().shortest_interval_ms(now)
        };
        assert_eq!(shortest("* * * * * *"), Some(1_000));
        assert_eq!(shortest("0,59 * * * * *"), Some(1_000));
        assert_eq!(shortest("0 */30 * * * *"), Some(1_800_000));
        assert_eq!(shortest("0 0 9 * * *"), Some(86_400_000));
    }
}
