//! Wall clock times of a zone.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// The moment of a wall clock time in a zone. One that does not exist (the clock goes forward) is the first moment
/// after it that does; one that exists twice (the clock goes back) is the first of the two.
#[must_use]
pub fn first_moment(zone: Tz, local: NaiveDateTime) -> DateTime<Tz> {
    let mut candidate = local;
    // Gaps begin and end on whole minutes; the longest, on the date line, is a day.
    for _ in 0..=24 * 60 {
        match zone.from_local_datetime(&candidate) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return at,
            LocalResult::None => candidate += TimeDelta::minutes(1),
        }
    }
    Utc.from_utc_datetime(&local).with_timezone(&zone)
}
