//! Again and again: "every Monday at 9", "daily", "on the first of every month".
//!
//! The value is a cron expression of six fields, seconds first, Monday is 1 and Sunday is 0.

use chrono::Weekday;
use openanalyst_recurrence::Recurrence;
use serde_json::json;

use super::Reading;
use super::time::{clock_time, number, ordinal, weekday};

/// The hour where none is said.
const DEFAULT: (u32, u32) = (9, 0);

/// A recurrence without its time of day.
enum Every {
    Minutes(u32),
    Hours(u32),
    Days(String),
    MonthDay(u32),
}

pub(super) fn read(reading: &mut Reading<'_>) {
    let Some((every, first, mut last)) = (0..reading.words.tokens.len()).find_map(|at| find(reading, at)) else {
        return;
    };
    // The time of day may stand anywhere behind it, or before it.
    let time = (0..reading.words.tokens.len()).find_map(|at| {
        let (time, from, to) = clock_time(reading.words, at)?;
        (to < first || from > last).then_some((time, from, to))
    });
    let (hour, minute) = match (&time, part_of_day(reading, first, last)) {
        (Some(((hour, minute), ..)), _) => (*hour, *minute),
        (None, Some(hour)) => (hour, 0),
        (None, None) => DEFAULT,
    };
    let cron = match &every {
        Every::Minutes(minutes) => format!("0 */{minutes} * * * *"),
        Every::Hours(1) => "0 0 * * * *".to_owned(),
        Every::Hours(hours) => format!("0 0 */{hours} * * *"),
        Every::Days(days) => format!("0 {minute} {hour} * * {days}"),
        Every::MonthDay(day) => format!("0 {minute} {hour} {day} * *"),
    };
    let mut begin = first;
    if let Some((_, from, to)) = time {
        reading.take(from, to);
        if from == last + 1 {
            last = to;
        } else if to + 1 == first {
            begin = from;
        }
    }
    let label = reading.words.span(begin, last);
    let zone = reading.now.timezone().name();
    let next = Recurrence::parse(&cron, zone).map(|timer| timer.next(reading.now.timestamp_millis(), 3));
    let next = next.unwrap_or_default();
    let value = json!({ "cron": cron, "timeZone": zone, "label": label, "nextMs": next });
    reading.keep("recurrence", value, begin, last);
}

/// "every morning" and its like.
fn part_of_day(reading: &Reading<'_>, first: usize, last: usize) -> Option<u32> {
    (first..=last).find_map(|at| match reading.words.lower(at) {
        "morning" => Some(9),
        "noon" => Some(12),
        "afternoon" => Some(15),
        "evening" => Some(18),
        "night" => Some(21),
        _ => None,
    })
}

fn find(reading: &Reading<'_>, at: usize) -> Option<(Every, usize, usize)> {
    let words = reading.words;
    match words.lower(at) {
        "daily" => Some((Every::Days("*".to_owned()), at, at)),
        "hourly" => Some((Every::Hours(1), at, at)),
        "weekdays" => Some((Every::Days("1-5".to_owned()), at, at)),
        "weekly" => {
            let on =
                (at + 1..words.tokens.len().min(at + 4)).find_map(|on| weekday(words.lower(on)).map(|day| (day, on)));
            let (day, last) = on.unwrap_or((Weekday::Mon, at));
            // "the weekly report" names a report, not a time.
            let is_adjective =
                on.is_none() && !words.lower(at + 1).is_empty() && !["at", "on"].contains(&words.lower(at + 1));
            (!is_adjective).then(|| (Every::Days(cron_day(day)), at, last))
        }
        "monthly" if words.lower(at + 1).is_empty() || ["at", "on"].contains(&words.lower(at + 1)) => {
            Some((Every::MonthDay(1), at, at))
        }
        "every" | "each" => every(reading, at),
        _ => None,
    }
}

fn every(reading: &Reading<'_>, at: usize) -> Option<(Every, usize, usize)> {
    let words = reading.words;
    let next = words.lower(at + 1);
    if weekday(next).is_some() {
        let mut days = Vec::new();
        let mut last = at;
        let mut place = at + 1;
        while let Some(day) = weekday(words.lower(place)) {
            days.push(cron_day(day));
            last = place;
            place += if ["and", "or"].contains(&words.lower(place + 1)) { 2 } else { 1 };
        }
        return Some((Every::Days(days.join(",")), at, last));
    }
    let of_month = |last: usize| {
        // "on the 15th of every month", "every month on the 15th".
        let before =
            (at.saturating_sub(4)..at).rev().find_map(|place| ordinal(words.lower(place)).map(|day| (day, place)));
        let after = (last + 1..words.tokens.len().min(last + 4))
            .find_map(|place| ordinal(words.lower(place)).map(|day| (day, place)));
        match (before, after) {
            (Some((day, place)), _) => (Every::MonthDay(day), place, last),
            (None, Some((day, place))) => (Every::MonthDay(day), at, place),
            (None, None) => (Every::MonthDay(1), at, last),
        }
    };
    match next {
        "day" | "morning" | "afternoon" | "evening" | "night" | "noon" => {
            Some((Every::Days("*".to_owned()), at, at + 1))
        }
        "weekday" | "workday" => Some((Every::Days("1-5".to_owned()), at, at + 1)),
        "weekend" => Some((Every::Days("0,6".to_owned()), at, at + 1)),
        "hour" => Some((Every::Hours(1), at, at + 1)),
        "minute" => Some((Every::Minutes(1), at, at + 1)),
        "week" => {
            let on =
                (at + 2..words.tokens.len().min(at + 5)).find_map(|on| weekday(words.lower(on)).map(|day| (day, on)));
            let (day, last) = on.unwrap_or((Weekday::Mon, at + 1));
            Some((Every::Days(cron_day(day)), at, last))
        }
        "month" => Some(of_month(at + 1)),
        _ => {
            if let Some(day) = ordinal(next) {
                return Some((Every::MonthDay(day), at, at + 1));
            }
            let count = number(next).filter(|count| *count > 0)?;
            match words.lower(at + 2) {
                "minutes" | "minute" | "min" if count < 60 => Some((Every::Minutes(count), at, at + 2)),
                "hours" | "hour" if count < 24 => Some((Every::Hours(count), at, at + 2)),
                _ => None,
            }
        }
    }
}

fn cron_day(day: Weekday) -> String {
    (day.num_days_from_sunday()).to_string()
}
