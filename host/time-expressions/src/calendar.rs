//! Dates that are computed: Easter, nth weekdays, working days, holidays by country, and what the clock of a zone shows.

use chrono::{DateTime, Datelike as _, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Weekday};
use chrono_tz::Tz;

use crate::words::Holiday;

/// The years that are read.
pub(crate) const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm, Meeus/Jones/Butcher).
pub(crate) fn easter(year: i32) -> Option<NaiveDate> {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let of_march = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(of_march / 31).ok()?, u32::try_from(of_march % 31 + 1).ok()?)
}

/// The nth weekday of a month; -1 is the last.
pub(crate) fn nth(year: i32, month: u32, n: i8, day: Weekday) -> Option<NaiveDate> {
    if n > 0 {
        return NaiveDate::from_weekday_of_month_opt(year, month, day, u8::try_from(n).ok()?);
    }
    let last = last_of_month(NaiveDate::from_ymd_opt(year, month, 1)?);
    let back = (7 + last.weekday().num_days_from_monday() - day.num_days_from_monday()) % 7;
    last.checked_sub_days(Days::new(u64::from(back)))
}

/// The last day of the month of a date.
pub(crate) fn last_of_month(date: NaiveDate) -> NaiveDate {
    (28..=31).rev().find_map(|day| date.with_day(day)).unwrap_or(date)
}

/// The Monday of the date's week.
pub(crate) fn monday(date: NaiveDate) -> NaiveDate {
    shift(date, -i64::from(date.weekday().num_days_from_monday())).unwrap_or(date)
}

/// The date so many days later.
pub(crate) fn shift(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    date.checked_add_signed(TimeDelta::try_days(days)?).filter(|date| YEARS.contains(&date.year()))
}

/// The date so many working days (Monday to Friday) later.
pub(crate) fn shift_working(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    let step = days.signum();
    let whole = days.abs() / 5;
    let mut date = shift(date, whole * 7 * step)?;
    let mut left = days.abs() % 5;
    while left > 0 || is_weekend(date) {
        date = shift(date, if step == 0 { 1 } else { step })?;
        if !is_weekend(date) {
            left -= 1;
        }
        if left < 0 {
            break;
        }
    }
    Some(date)
}

/// Saturday or Sunday.
pub(crate) fn is_weekend(date: NaiveDate) -> bool {
    date.weekday().num_days_from_monday() > 4
}

/// The date of a holiday in a year. The error says the dates of which one must be chosen.
pub(crate) fn holiday(holiday: Holiday, year: i32, country: Option<&str>) -> Option<Result<NaiveDate, Vec<NaiveDate>>> {
    let fixed = |month, day| NaiveDate::from_ymd_opt(year, month, day);
    let one = |date: Option<NaiveDate>| date.map(Ok);
    let thanksgiving = || nth(year, 11, 4, Weekday::Thu);
    match holiday {
        Holiday::Fixed(month, day) => one(fixed(month, day)),
        Holiday::Easter(days) => one(easter(year).and_then(|date| shift(date, days))),
        Holiday::Advent(days) => {
            // The fourth Sunday of Advent is the last one before Christmas.
            let eve = fixed(12, 24)?;
            let fourth = shift(eve, -i64::from(eve.weekday().num_days_from_sunday()))?;
            one(shift(fourth, days - 21))
        }
        Holiday::AfterThanksgiving(days) => one(shift(thanksgiving()?, days)),
        Holiday::Nth(n, day, month) => one(nth(year, month, n, day)),
        Holiday::Thanksgiving => match country {
            Some("CA") => one(nth(year, 10, 2, Weekday::Mon)),
            // Only the United States and Canada have one that is widely meant.
            _ => one(thanksgiving()),
        },
        Holiday::MothersDay => {
            let british = shift(easter(year)?, -21);
            let may = nth(year, 5, 2, Weekday::Sun);
            match country {
                Some("GB" | "IE") => one(british),
                Some("FR") => one(nth(year, 5, -1, Weekday::Sun)),
                Some("ES" | "PT") => one(nth(year, 5, 1, Weekday::Sun)),
                Some("PL") => one(fixed(5, 26)),
                Some(_) => one(may),
                None => Some(Err([british, may].into_iter().flatten().collect())),
            }
        }
        Holiday::FathersDay => {
            let june = nth(year, 6, 3, Weekday::Sun);
            let ascension = shift(easter(year)?, 39);
            match country {
                Some("DE") => one(ascension),
                Some("ES" | "IT" | "PT") => one(fixed(3, 19)),
                Some("AU" | "NZ") => one(nth(year, 9, 1, Weekday::Sun)),
                Some("AT") => one(nth(year, 6, 2, Weekday::Sun)),
                Some(_) => one(june),
                None => Some(Err([ascension, june].into_iter().flatten().collect())),
            }
        }
        Holiday::Labour => match country {
            Some("US" | "CA") => one(nth(year, 9, 1, Weekday::Mon)),
            Some("NZ") => one(nth(year, 10, 4, Weekday::Mon)),
            Some("AU") => Some(Err([fixed(5, 1), nth(year, 10, 1, Weekday::Mon)].into_iter().flatten().collect())),
            Some(_) => one(fixed(5, 1)),
            None => Some(Err([fixed(5, 1), nth(year, 9, 1, Weekday::Mon)].into_iter().flatten().collect())),
        },
        Holiday::National => match country {
            Some("US") => one(fixed(7, 4)),
            Some("DE") => one(fixed(10, 3)),
            Some("FR") => one(fixed(7, 14)),
            Some("CH") => one(fixed(8, 1)),
            Some("AT") => one(fixed(10, 26)),
            Some("CA") => one(fixed(7, 1)),
            Some("AU") => one(fixed(1, 26)),
            Some("IN") => one(fixed(8, 15)),
            Some("IT") => one(fixed(6, 2)),
            Some("ES") => one(fixed(10, 12)),
            Some("IE") => one(fixed(3, 17)),
            Some("PL") => one(fixed(11, 11)),
            Some("BR") => one(fixed(9, 7)),
            Some("MX") => one(fixed(9, 16)),
            Some("SE") => one(fixed(6, 6)),
            Some("NO") => one(fixed(5, 17)),
            Some("BE") => one(fixed(7, 21)),
            Some("NL") => one(fixed(4, 27)),
            _ => Some(Err(Vec::new())),
        },
    }
}

/// A time of the clock in a zone.
pub(crate) enum Instant {
    At(DateTime<Tz>),
    /// The clock shows it twice; the first.
    Twice(DateTime<Tz>),
    /// The clock leaves it out; the last moment before and the first after, as the clock shows them.
    Gap(NaiveDateTime, NaiveDateTime),
}

/// The moment at which the clock of a zone shows this time.
pub(crate) fn instant(zone: Tz, local: NaiveDateTime) -> Instant {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Instant::At(at),
        LocalResult::Ambiguous(first, _) => Instant::Twice(first),
        LocalResult::None => {
            // Gaps are of 30 minutes to a day; the times beside this one are found in steps of 15 minutes.
            let beside = |sign: i64| {
                (1..=100)
                    .map(|steps| local + TimeDelta::minutes(15 * steps * sign))
                    .find(|local| !matches!(zone.from_local_datetime(local), LocalResult::None))
            };
            Instant::Gap(beside(-1).unwrap_or(local), beside(1).unwrap_or(local))
        }
    }
}

/// Midnight of a date in a zone, or the first moment of that day.
pub(crate) fn begin(zone: Tz, date: NaiveDate) -> DateTime<Tz> {
    let local = date.and_time(chrono::NaiveTime::MIN);
    match instant(zone, local) {
        Instant::At(at) | Instant::Twice(at) => at,
        Instant::Gap(_, after) => match instant(zone, after) {
            Instant::At(at) | Instant::Twice(at) => at,
            Instant::Gap(..) => zone.from_utc_datetime(&local),
        },
    }
}
