//! Moments in the user's words.

use chrono::{DateTime, Datelike, TimeZone};
use chrono_tz::Tz;
use openanalyst_skill::prelude::*;

/// The zone with this IANA name.
///
/// # Errors
/// [`Failure::Invalid`] naming it.
pub(crate) fn zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| Failure::invalid(format!("`{name}` is no time zone; name it as Europe/Berlin is named")))
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

    #[test]
    fn a_moment_is_told_in_its_zone() {
        // Monday, 30 November 2026, 08:00 UTC.
        let at = 1_796_025_600_000;
        assert_eq!(in_words(at, "Europe/Berlin").unwrap(), "Monday, 30 November 2026, 09:00 (Europe/Berlin)");
        assert_eq!(in_words(at, "UTC").unwrap(), "Monday, 30 November 2026, 08:00 (UTC)");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(in_words(0, "Moon/Base").unwrap_err().detail().contains("`Moon/Base`"));
        assert!(in_words(u64::MAX, "UTC").is_err());
    }
}
