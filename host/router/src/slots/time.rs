//! One moment: "tomorrow", "Friday at 9", "in 3 hours", "3 December at 14:30".
//!
//! Where no time of day is said it is 9:00 (for today: the next full hour); where no day is said, the next one on which the time is still to come.

use chrono::{DateTime, Datelike as _, Days, Month, Months, NaiveDate, NaiveTime, TimeDelta, Timelike as _, Weekday};
use chrono_tz::Tz;
use serde_json::json;

use super::{Reading, moment};
use crate::text::Words;

/// The hour where none is said.
const DEFAULT_HOUR: u32 = 9;

/// A day that was read, and where it stands.
struct Day {
    date: NaiveDate,
    first: usize,
    last: usize,
    /// The hour that the word itself means ("tonight").
    hour: Option<u32>,
    /// The time of day that is part of it ("2026-12-24T08:15").
    clock: Option<(u32, u32)>,
}

pub(super) fn read(reading: &mut Reading<'_>) {
    if reading.has("recurrence") {
        return;
    }
    if let Some((at, first, last)) = relative(reading) {
        keep(reading, at, true, first, last);
        return;
    }
    let free = |reading: &Reading<'_>, first: usize, last: usize| (first..=last).all(|at| !reading.is_taken(at));
    let count = reading.words.tokens.len();
    let day = (0..count).find_map(|at| day(reading, at).filter(|day| free(reading, day.first, day.last)));
    let time = (0..count).find_map(|at| {
        let (time, first, last) = clock_time(reading.words, at)?;
        let inside_day = day.as_ref().is_some_and(|day| first <= day.last && last >= day.first);
        (!inside_day && free(reading, first, last)).then_some((time, first, last))
    });
    let part = part_of_day(reading);
    let now = reading.now;
    let (date, clock, explicit) = match (&day, &time) {
        (None, None) => return,
        (Some(Day { date, clock: Some(clock), .. }), _) => (*date, *clock, true),
        (Some(day), Some(((hour, minute), ..))) => (day.date, (*hour, *minute), true),
        (Some(day), None) => {
            let hour = day.hour.or(part);
            let today_soon = day.date == now.date_naive() && hour.is_none();
            let hour = hour.unwrap_or(if today_soon { now.hour() + 1 } else { DEFAULT_HOUR });
            // After 23:00 the next full hour is tomorrow's first.
            let date = if hour > 23 { day.date + Days::new(1) } else { day.date };
            (date, (hour % 24, 0), false)
        }
        (None, Some(((hour, minute), ..))) => {
            let today = now.date_naive();
            let passed = (*hour, *minute) <= (now.hour(), now.minute());
            (if passed { today + Days::new(1) } else { today }, (*hour, *minute), true)
        }
    };
    let Some(clock) = NaiveTime::from_hms_opt(clock.0, clock.1, 0) else { return };
    let at = moment(now.timezone(), date.and_time(clock));
    let places = day.iter().map(|day| (day.first, day.last)).chain(time.iter().map(|(_, first, last)| (*first, *last)));
    let places: Vec<(usize, usize)> = places.collect();
    for (first, last) in &places {
        reading.take(*first, *last);
    }
    let first = places.iter().map(|(first, _)| *first).min().unwrap_or(0);
    let last = places.iter().map(|(_, last)| *last).max().unwrap_or(first);
    // Two places far apart are told by the first of them.
    let (first, last) = if last - first > 6 { places[0] } else { (first, last) };
    keep(reading, at, explicit, first, last);
}

fn keep(reading: &mut Reading<'_>, at: DateTime<Tz>, explicit: bool, first: usize, last: usize) {
    let value = json!({
        "atMs": at.timestamp_millis(),
        "local": at.format("%Y-%m-%dT%H:%M").to_string(),
        "timeZone": at.timezone().name(),
        "explicitTime": explicit,
        "past": at <= reading.now,
    });
    reading.keep("when", value, first, last);
}

/// "in 3 hours", "2 days ago".
fn relative(reading: &Reading<'_>) -> Option<(DateTime<Tz>, usize, usize)> {
    let words = reading.words;
    for at in 0..words.tokens.len() {
        let (sign, count_at) = if words.lower(at) == "in" {
            (1, at + 1)
        } else if words.lower(at + 2) == "ago" {
            (-1, at)
        } else {
            continue;
        };
        let half = words.lower(count_at) == "half" && ["an", "a"].contains(&words.lower(count_at + 1));
        let counted = if half { Some(30) } else { number(words.lower(count_at)) };
        // "in Spanish" is no time; one may still follow.
        let Some(count) = counted else { continue };
        let unit_at = count_at + if half { 2 } else { 1 };
        let unit = if half { "minutes" } else { words.lower(unit_at) };
        let amount = i64::from(count) * sign;
        let moved = match unit {
            "minute" | "minutes" | "min" | "mins" => reading.now.checked_add_signed(TimeDelta::minutes(amount)),
            "hour" | "hours" => reading.now.checked_add_signed(TimeDelta::hours(amount)),
            "day" | "days" => shift_days(reading.now, amount),
            "week" | "weeks" => shift_days(reading.now, amount.saturating_mul(7)),
            "month" | "months" => shift_months(reading.now, amount),
            _ => None,
        };
        if let Some(moved) = moved {
            let whole = moved.with_second(0).and_then(|at| at.with_nanosecond(0)).unwrap_or(moved);
            return Some((whole, at, if sign < 0 { at + 2 } else { unit_at }));
        }
    }
    None
}

fn shift_days(now: DateTime<Tz>, days: i64) -> Option<DateTime<Tz>> {
    let local = now.naive_local().checked_add_signed(TimeDelta::try_days(days)?)?;
    Some(moment(now.timezone(), local))
}

fn shift_months(now: DateTime<Tz>, months: i64) -> Option<DateTime<Tz>> {
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    let local = now.naive_local();
    let local = if months < 0 { local.checked_sub_months(count) } else { local.checked_add_months(count) };
    Some(moment(now.timezone(), local?))
}

fn part_of_day(reading: &Reading<'_>) -> Option<u32> {
    (0..reading.words.tokens.len()).find_map(|at| match reading.words.lower(at) {
        "morning" => Some(9),
        "afternoon" => Some(15),
        "evening" => Some(18),
        _ => None,
    })
}

/// A day that begins at this word.
fn day(reading: &Reading<'_>, at: usize) -> Option<Day> {
    let words = reading.words;
    let today = reading.now.date_naive();
    let single = |date: NaiveDate| Some(Day { date, first: at, last: at, hour: None, clock: None });
    match words.lower(at) {
        "today" => return single(today),
        "tonight" => return Some(Day { date: today, first: at, last: at, hour: Some(20), clock: None }),
        "tomorrow" | "tmrw" => return single(today + Days::new(1)),
        "yesterday" => return single(today - Days::new(1)),
        "day" if words.at(at, &["day", "after", "tomorrow"]) => {
            return Some(Day { date: today + Days::new(2), first: at, last: at + 2, hour: None, clock: None });
        }
        "day" if words.at(at, &["day", "before", "yesterday"]) => {
            return Some(Day { date: today - Days::new(2), first: at, last: at + 2, hour: None, clock: None });
        }
        "next" if words.lower(at + 1) == "week" => {
            return Some(Day { date: today + Days::new(7), first: at, last: at + 1, hour: None, clock: None });
        }
        "next" if words.lower(at + 1) == "month" => {
            return Some(Day {
                date: today.checked_add_months(Months::new(1))?,
                first: at,
                last: at + 1,
                hour: None,
                clock: None,
            });
        }
        _ => {}
    }
    on_weekday(words, today, at).or_else(|| by_date(words, today, at))
}

/// "Friday" is the coming one, "next Friday" the one of next week, "last Friday" the one before today.
fn on_weekday(words: &Words<'_>, today: NaiveDate, at: usize) -> Option<Day> {
    let (which, place) = match words.lower(at) {
        "next" | "last" | "this" | "on" | "coming" => (words.lower(at), at + 1),
        _ => ("", at),
    };
    let wanted = i64::from(weekday(words.lower(place))?.num_days_from_monday());
    let is = i64::from(today.weekday().num_days_from_monday());
    let days = match which {
        "next" => 7 - is + wanted,
        "last" => -((is - wanted + 6).rem_euclid(7) + 1),
        _ => (wanted - is + 6).rem_euclid(7) + 1,
    };
    let date = today.checked_add_signed(TimeDelta::try_days(days)?)?;
    Some(Day { date, first: at, last: place, hour: None, clock: None })
}

/// "2026-12-24", of the years that the readers can count with.
pub(super) fn iso_date(word: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(word.get(..10).unwrap_or(word), "%Y-%m-%d")
        .ok()
        .filter(|date| (1970..=9999).contains(&date.year()))
}

/// "2026-12-24", "24 December", "Dec 24th, 2026".
fn by_date(words: &Words<'_>, today: NaiveDate, at: usize) -> Option<Day> {
    let word = words.lower(at);
    if let Some(date) = iso_date(word) {
        let clock = word.get(11..).and_then(|clock| NaiveTime::parse_from_str(clock.get(..5)?, "%H:%M").ok());
        let clock = clock.map(|clock| (clock.hour(), clock.minute()));
        return Some(Day { date, first: at, last: at, hour: None, clock });
    }
    let (day, month, mut last) = if let Some(month) = month(word) {
        (day_of_month(words.lower(at + 1))?, month, at + 1)
    } else {
        let of = usize::from(words.lower(at + 1) == "of");
        (day_of_month(word)?, month(words.lower(at + 1 + of))?, at + 1 + of)
    };
    let said_year = words.lower(last + 1).parse::<i32>().ok().filter(|year| (1970..=9999).contains(year));
    let date = match said_year {
        Some(year) => {
            last += 1;
            NaiveDate::from_ymd_opt(year, month, day)?
        }
        None => {
            let this_year = NaiveDate::from_ymd_opt(today.year(), month, day)?;
            if this_year < today { NaiveDate::from_ymd_opt(today.year() + 1, month, day)? } else { this_year }
        }
    };
    Some(Day { date, first: at, last, hour: None, clock: None })
}

/// A time of day at this word, "at 9", "9:30 pm", "noon", and the words that it takes.
pub(super) fn clock_time(words: &Words<'_>, at: usize) -> Option<((u32, u32), usize, usize)> {
    let word = words.lower(at);
    match word {
        "noon" | "midday" => return Some(((12, 0), at, at)),
        "midnight" => return Some(((0, 0), at, at)),
        _ => {}
    }
    let led = word == "at" || word == "by";
    let place = if led { at + 1 } else { at };
    let word = words.lower(place);
    if led && ["noon", "midday", "midnight"].contains(&word) {
        return clock_time(words, place).map(|(time, _, last)| (time, at, last));
    }
    let digits = word.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b':' || *byte == b'.').count();
    let (clock, suffix) = word.split_at(digits);
    let divided = clock.split_once([':', '.']);
    let (hour, minute) = match divided {
        Some((hour, minute)) if minute.len() == 2 => (hour.parse().ok()?, minute.parse().ok()?),
        Some(_) => return None,
        None => (clock.parse::<u32>().ok()?, 0),
    };
    let next = words.lower(place + 1);
    let dotted = next.replace('.', "");
    let (half, last) = match (suffix, dotted.as_str()) {
        ("am" | "pm", _) => (Some(suffix), place),
        ("", "am" | "pm") => (Some(if dotted == "am" { "am" } else { "pm" }), place + 1),
        // "9 p.m." is three words.
        ("", half @ ("a" | "p")) if words.gap_after(place + 1) == "." && words.lower(place + 2) == "m" => {
            (Some(if half == "a" { "am" } else { "pm" }), place + 2)
        }
        ("", "o'clock") => (None, place + 1),
        ("", _) => (None, place),
        _ => return None,
    };
    // A bare number is a time only where something says so.
    let said = led || divided.is_some_and(|_| clock.contains(':')) || half.is_some() || last > place;
    let hour = match half {
        Some("am") if (1..=12).contains(&hour) => hour % 12,
        Some("pm") if (1..=12).contains(&hour) => hour % 12 + 12,
        Some(_) => return None,
        None => hour,
    };
    (said && hour < 24 && minute < 60).then_some(((hour, minute), at, last))
}

/// A weekday's name, in full or short; "mon" and "sun" alone are too short to trust only where other words would be meant.
pub(super) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word.strip_suffix("'s").unwrap_or(word) {
        "monday" | "mondays" | "mon" => Weekday::Mon,
        "tuesday" | "tuesdays" | "tue" | "tues" => Weekday::Tue,
        "wednesday" | "wednesdays" | "wed" => Weekday::Wed,
        "thursday" | "thursdays" | "thu" | "thurs" => Weekday::Thu,
        "friday" | "fridays" | "fri" => Weekday::Fri,
        "saturday" | "saturdays" | "sat" => Weekday::Sat,
        "sunday" | "sundays" | "sun" => Weekday::Sun,
        _ => return None,
    })
}

fn month(word: &str) -> Option<u32> {
    // "may" is mostly another word; it counts only beside a day, which its callers see to.
    let full = word.parse::<Month>().ok().filter(|_| word.len() >= 3)?;
    Some(full.number_from_month())
}

fn day_of_month(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let day: u32 = digits.parse().ok()?;
    let suffix = &word[digits.len()..];
    ((1..=31).contains(&day) && ["", "st", "nd", "rd", "th"].contains(&suffix)).then_some(day)
}

/// "first", "15th".
pub(super) fn ordinal(word: &str) -> Option<u32> {
    match word {
        "first" => Some(1),
        "second" => Some(2),
        "third" => Some(3),
        _ => day_of_month(word).filter(|_| word.ends_with(|c: char| c.is_ascii_alphabetic())),
    }
}

/// "3", "three", "an", "a couple" is two words and therefore none.
pub(super) fn number(word: &str) -> Option<u32> {
    const WORDS: &[&str] =
        &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if word == "a" || word == "an" {
        return Some(1);
    }
    let spelled = WORDS.iter().position(|known| *known == word).and_then(|number| u32::try_from(number).ok());
    spelled.or_else(|| word.parse().ok().filter(|number| *number <= 10_000))
}

/// Whether a word names a day or a month: no platform is called so.
pub(super) fn is_time_word(word: &str) -> bool {
    weekday(word).is_some() || month(word).is_some() || ["today", "tomorrow", "tonight"].contains(&word)
}
