//! Whether a rule fires at all: looked up day by day, so that one that never does is refused when it is stored, and
//! is not searched for again each time.

use std::collections::HashMap;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Weekday};
use rrule::{Frequency, NWeekday, RRule, Unvalidated};

/// How many days are looked at: a rule that fires less often is refused.
const DAYS: usize = 366 * 40;

/// Whether some day within forty years of its beginning is one of the rule's. Its hours are not looked at: they
/// exist on every day.
pub(crate) fn fires(rule: &RRule<Unvalidated>, start: NaiveDateTime) -> bool {
    let start = start.date();
    let times = [rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second()];
    let times: usize = times.iter().map(|list| list.len().max(1)).product();
    let wanted: Vec<usize> = rule.get_by_set_pos().iter().map(|place| place.unsigned_abs() as usize).collect();
    let Some(least) = wanted.iter().min() else {
        return start.iter_days().take(DAYS).any(|day| matches(rule, start, day));
    };
    // Of each period one day or some are chosen by their place: it must have as many.
    let mut found: HashMap<i64, usize> = HashMap::new();
    start.iter_days().take(DAYS).filter(|day| matches(rule, start, *day)).any(|day| {
        let of_period = found.entry(period(rule, start, day)).or_default();
        *of_period += times;
        *of_period >= *least
    })
}

/// Which day, week, month or year after the beginning it is.
fn period(rule: &RRule<Unvalidated>, start: NaiveDate, day: NaiveDate) -> i64 {
    match rule.get_freq() {
        Frequency::Yearly => i64::from(day.year() - start.year()),
        Frequency::Monthly => {
            i64::from(day.year() - start.year()) * 12 + i64::from(day.month()) - i64::from(start.month())
        }
        Frequency::Weekly => {
            let into_week = start.weekday().days_since(rule.get_week_start());
            ((day - start).num_days() + i64::from(into_week)) / 7
        }
        _ => (day - start).num_days(),
    }
}

fn matches(rule: &RRule<Unvalidated>, start: NaiveDate, day: NaiveDate) -> bool {
    let is_one_of = |allowed: &[i64], forward: i64, backward: i64| {
        allowed.iter().any(|place| *place == forward || *place == backward)
    };
    if period(rule, start, day) % i64::from(rule.get_interval()) != 0 {
        return false;
    }
    let months = rule.get_by_month();
    if !months.is_empty() && !months.iter().any(|month| u32::from(*month) == day.month()) {
        return false;
    }
    let (of_month, of_year) = (days_of_month(day), if is_leap(day.year()) { 366 } else { 365 });
    let (in_month, in_year) = (i64::from(day.day()), i64::from(day.ordinal()));
    let month_days: Vec<i64> = rule.get_by_month_day().iter().map(|place| i64::from(*place)).collect();
    if !month_days.is_empty() && !is_one_of(&month_days, in_month, in_month - of_month - 1) {
        return false;
    }
    let year_days: Vec<i64> = rule.get_by_year_day().iter().map(|place| i64::from(*place)).collect();
    if !year_days.is_empty() && !is_one_of(&year_days, in_year, in_year - of_year - 1) {
        return false;
    }
    let weekdays = rule.get_by_weekday();
    let by_month = rule.get_freq() == Frequency::Monthly || !months.is_empty();
    let (place, length) = if by_month { (in_month, of_month) } else { (in_year, of_year) };
    if !weekdays.is_empty() && !weekdays.iter().any(|wanted| is_weekday(wanted, day.weekday(), place, length)) {
        return false;
    }
    // Where the rule names no day, it is that of the beginning.
    let names_day = !month_days.is_empty() || !year_days.is_empty() || !weekdays.is_empty();
    match rule.get_freq() {
        Frequency::Yearly if !names_day => {
            day.day() == start.day() && (!months.is_empty() || day.month() == start.month())
        }
        Frequency::Monthly if !names_day => day.day() == start.day(),
        Frequency::Weekly if !names_day => day.weekday() == start.weekday(),
        _ => true,
    }
}

/// "Monday", "the second Monday", "the last Monday" of a month or year; the place counts its days.
fn is_weekday(wanted: &NWeekday, weekday: Weekday, place: i64, length: i64) -> bool {
    match wanted {
        NWeekday::Every(day) => *day == weekday,
        NWeekday::Nth(nth, day) => {
            *day == weekday && (i64::from(*nth) == (place + 6) / 7 || i64::from(*nth) == -((length - place) / 7 + 1))
        }
    }
}

fn is_leap(year: i32) -> bool {
    NaiveDate::from_ymd_opt(year, 2, 29).is_some()
}

fn days_of_month(day: NaiveDate) -> i64 {
    (28..=31).rev().find(|last| day.with_day(*last).is_some()).map_or(28, i64::from)
}
