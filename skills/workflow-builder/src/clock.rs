//! When a cron expression fires next, and moments in the user's words. Pure: the time now is always given.

use chrono::{DateTime, Datelike, TimeZone};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use openanalyst_skill::prelude::*;

/// The zone with this IANA name.
///
/// # Errors
/// [`Failure::Invalid`] naming it.
pub(crate) fn zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| Failure::invalid(format!("`{name}` is no time zone; name it as Europe/Berlin is named")))
}

/// The first moment after `now_ms` at which the expression fires.
///
/// # Errors
/// [`Failure::Invalid`] for a bad expression or zone, or if it never fires again.
pub(crate) fn next_run_ms(cron: &str, time_zone: &str, now_ms: u64) -> Result<u64> {
    let parsed: Cron = CronParser::builder()
        .seconds(Seconds::Required)
        .build()
        .parse(cron)
        .map_err(|error| Failure::invalid(format!("`{cron}` is not a cron expression of six fields: {error}")))?;
    let now = local(now_ms, zone(time_zone)?)?;
    let next = parsed
        .find_next_occurrence(&now, false)
        .map_err(|error| Failure::invalid(format!("`{cron}` never fires after now: {error}")))?;
    u64::try_from(next.timestamp_millis())
        .map_err(|_| Failure::invalid(format!("`{cron}` fires before 1970, which is no time to run anything")))
}

/// A moment in words: `Monday, 30 November 2026, 09:00 (Europe/Berlin)`.
///
/// # Errors
/// [`Failure::Invalid`] for a bad zone or a moment that no calendar has.
pub(crate) fn in_words(at_ms: u64, time_zone: &str) -> Result<String> {
    let at = local(at_ms, zone(time_zone)?)?;
    Ok(format!("{}, {} {} ({time_zone})", at.format("%A"), at.day(), at.format("%B %Y, %H:%M")))
}

fn local(at_ms: u64, zone: Tz) -> Result<DateTime<Tz>> {
    i64::try_from(at_ms)
        .ok()
        .and_then(|at_ms| zone.timestamp_millis_opt(at_ms).single())
        .ok_or_else(|| Failure::invalid(format!("{at_ms} ms is no moment that a calendar has")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 23 November 2026, 12:00 UTC.
    const NOW_MS: u64 = 1_795_435_200_000;
    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn the_next_run_is_read_in_its_zone() {
        let at = next_run_ms("0 0 9 * * 1", "Europe/Berlin", NOW_MS).unwrap();
        assert_eq!(in_words(at, "Europe/Berlin").unwrap(), "Monday, 30 November 2026, 09:00 (Europe/Berlin)");
        assert_eq!(in_words(at, "UTC").unwrap(), "Monday, 30 November 2026, 08:00 (UTC)");
        assert_eq!(next_run_ms("0 0 13 * * *", "UTC", NOW_MS), Ok(NOW_MS + HOUR_MS));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(next_run_ms("0 9 * * 1", "UTC", NOW_MS).unwrap_err().detail().contains("`0 9 * * 1`"));
        assert!(next_run_ms("0 0 9 * * 1", "Moon/Base", NOW_MS).unwrap_err().detail().contains("`Moon/Base`"));
        assert!(next_run_ms("0 0 9 31 2 *", "UTC", NOW_MS).is_err());
        assert!(in_words(u64::MAX, "UTC").is_err());
    }
}
