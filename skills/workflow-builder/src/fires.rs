//! When a schedule fires, read from its expression: a cron expression of six fields, or a recurrence rule of RFC 5545. For finding "the
//! Monday one", for saying the rule in words, and for moving it to another day or hour.
//!
//! The engine alone decides when something really fires; what cannot be read here is told as it stands and never guessed at.

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Weekday};
use chrono_tz::Tz;
use openanalyst_skill::turns::weekday_name;

/// Every day of the week.
const ALL_DAYS: u8 = 0b111_1111;
/// How far ahead a firing is looked for.
const MAX_DAYS_AHEAD: i64 = 800;
/// Most expressions that are read are far shorter.
const MAX_CHARS: usize = 1_000;

/// Which days of the month, of those that a rule names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fires {
    /// The days of the week that the expression names, Monday is bit 0. None: it names none.
    pub(crate) weekdays: Option<u8>,
    /// Only the first (1), second, ... or last (-1) such day of the month.
    pub(crate) ordinal: Option<i8>,
    /// The days of the month that it names; -1 is the last.
    pub(crate) month_days: Vec<i8>,
    /// The months that it names; empty for all.
    pub(crate) months: Vec<u8>,
    /// The hours; empty for every hour.
    pub(crate) hours: Vec<u8>,
    /// The minutes; empty for every minute.
    pub(crate) minutes: Vec<u8>,
    /// Every so many weeks, days, hours or minutes, counted from a beginning; for rules only.
    pub(crate) every: Option<(u32, Unit)>,
    /// Where a rule begins.
    start: Option<NaiveDateTime>,
}

/// What an interval counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

/// How well a schedule fits a day of the week that somebody named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OnDay {
    /// It fires on these days of the week and no other.
    Only,
    /// It names this day among others.
    Among,
    /// It names no days, and so it fires on this one too.
    Also,
}

impl Fires {
    /// Reads an expression. None: it has a form that is not known here.
    pub(crate) fn read(expression: &str) -> Option<Self> {
        if expression.len() > MAX_CHARS {
            return None;
        }
        let start = expression.trim_start();
        if start.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("DTSTART")) {
            return rule(start);
        }
        cron(expression)
    }

    /// Whether it fires on one date of the year only: what is scheduled once.
    pub(crate) fn date(&self) -> Option<(u8, u8)> {
        match (self.months.as_slice(), self.month_days.as_slice(), self.weekdays) {
            ([month], [day], None) => Some((*month, u8::try_from(*day).ok()?)),
            _ => None,
        }
    }

    /// How it fits these days of the week. None: it never fires on one of them, or names other days than days of the week.
    pub(crate) fn on(&self, wanted: u8) -> Option<OnDay> {
        match self.weekdays {
            Some(named) if named == wanted => Some(OnDay::Only),
            Some(named) if named & wanted == wanted => Some(OnDay::Among),
            Some(_) => None,
            None if self.month_days.is_empty() && self.months.is_empty() => Some(OnDay::Also),
            None => None,
        }
    }

    /// Whether it fires on this date. None: that depends on more than what is read here.
    pub(crate) fn on_date(&self, date: NaiveDate) -> Option<bool> {
        let mut days_between = 0;
        if let (Some((count, unit)), Some(start)) = (self.every, self.start) {
            days_between = (date - start.date()).num_days();
            let steps = match unit {
                Unit::Days => days_between,
                Unit::Weeks => (monday(date) - monday(start.date())).num_days() / 7,
                Unit::Minutes | Unit::Hours if count > 1 => return None,
                Unit::Minutes | Unit::Hours => 0,
                Unit::Months | Unit::Years if count > 1 => return None,
                Unit::Months | Unit::Years => 0,
            };
            if steps % i64::from(count.max(1)) != 0 {
                return Some(false);
            }
        }
        if days_between < 0 {
            return Some(false);
        }
        let day = i8::try_from(date.day()).ok()?;
        let last = i8::try_from(last_day(date)).ok()?;
        let month = u8::try_from(date.month()).ok()?;
        if !self.months.is_empty() && !self.months.contains(&month) {
            return Some(false);
        }
        let in_days = self.month_days.iter().any(|named| *named == day || (*named < 0 && last + 1 + named == day));
        let in_week = self.weekdays.map(|named| {
            named & bit(date.weekday()) != 0
                && match self.ordinal {
                    None => true,
                    Some(nth) if nth > 0 => (day - 1) / 7 + 1 == nth,
                    Some(nth) => (last - day) / 7 + 1 == -nth,
                }
        });
        Some(match (self.month_days.is_empty(), in_week) {
            (true, None) => true,
            (true, Some(in_week)) => in_week,
            (false, None) => in_days,
            // Cron's own rule: either is enough.
            (false, Some(in_week)) => in_days || in_week,
        })
    }

    /// The one time of day at which it fires. None: there are several.
    pub(crate) fn clock(&self) -> Option<(u8, u8)> {
        match (self.hours.as_slice(), self.minutes.as_slice()) {
            ([hour], [minute]) => Some((*hour, *minute)),
            _ => None,
        }
    }

    /// The next firings after a moment, UTC milliseconds. Empty where they cannot be computed here.
    pub(crate) fn next(&self, after_ms: u64, zone: Tz, count: usize) -> Vec<u64> {
        let mut found = Vec::new();
        let after = i64::try_from(after_ms).ok().and_then(|ms| zone.timestamp_millis_opt(ms).single());
        let (Some(after), false) = (after, self.hours.is_empty() || self.minutes.is_empty()) else { return found };
        for ahead in 0..=MAX_DAYS_AHEAD {
            let date = after.date_naive() + Duration::days(ahead);
            match self.on_date(date) {
                Some(true) => {}
                Some(false) => continue,
                None => break,
            }
            for (hour, minute) in
                self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (hour, minute)))
            {
                let at = date.and_hms_opt(u32::from(*hour), u32::from(*minute), 0).and_then(|at| moment(at, zone));
                let at = at.filter(|at| *at > after).and_then(|at| u64::try_from(at.timestamp_millis()).ok());
                found.extend(at);
                if found.len() >= count {
                    return found;
                }
            }
        }
        found
    }

    /// The rule in words: `every Monday at 09:00`. None for what has no plain words here.
    pub(crate) fn in_words(&self) -> Option<String> {
        let days = self.days_in_words()?;
        let times = match (self.hours.as_slice(), self.minutes.as_slice()) {
            _ if matches!(self.every, Some((_, Unit::Minutes | Unit::Hours))) => String::new(),
            ([], [minute]) => format!(", every hour at minute {minute}"),
            ([], []) => ", every minute".to_owned(),
            ([], minutes) => format!(", {}", in_steps(minutes)?),
            (hours, [minute]) => {
                let all: Vec<String> = hours.iter().map(|hour| format!("{hour:02}:{minute:02}")).collect();
                if all.len() > 6 {
                    let (first, last) = (all.first()?, all.last()?);
                    format!(", {} times from {first} to {last}", all.len())
                } else {
                    format!(" at {}", listed(&all))
                }
            }
            (hours, minutes) => {
                let (first, last) = (hours.first()?, hours.last()?);
                format!(", {} from {first:02}:00 to {:02}:00", in_steps(minutes)?, last + 1)
            }
        };
        Some(format!("{days}{times}"))
    }

    fn days_in_words(&self) -> Option<String> {
        if let Some((month, day)) = self.date() {
            let month = NaiveDate::from_ymd_opt(2_024, u32::from(month), 1)?.format("%B");
            return Some(format!("on {day} {month}"));
        }
        if !self.months.is_empty() {
            return None;
        }
        let count = self.every.map_or(1, |(count, _)| count);
        let of_weekdays = |named: u8| match named {
            ALL_DAYS => "day".to_owned(),
            0b001_1111 => "weekday".to_owned(),
            0b110_0000 => "Saturday and Sunday".to_owned(),
            named => listed(
                &(0..7)
                    .filter(|day| named & (1 << day) != 0)
                    .map(|day| weekday_name(day).to_owned())
                    .collect::<Vec<_>>(),
            ),
        };
        Some(match (self.weekdays, self.ordinal, self.month_days.as_slice(), self.every.map(|(_, unit)| unit)) {
            (None, _, [], Some(Unit::Minutes)) => format!("every {count} minutes"),
            (None, _, [], Some(Unit::Hours)) => format!("every {count} hours"),
            (Some(named), Some(nth), [], _) if count == 1 => {
                let what = if named.count_ones() == 5 { "working day".to_owned() } else { of_weekdays(named) };
                format!("on the {} {what} of every month", nth_in_words(nth))
            }
            (Some(named), None, [], _) if count == 1 => format!("every {}", of_weekdays(named)),
            (Some(named), None, [], Some(Unit::Weeks)) if count == 2 => format!("every other {}", of_weekdays(named)),
            (Some(named), None, [], Some(Unit::Weeks)) => format!("every {count} weeks on {}", of_weekdays(named)),
            (None, _, [], Some(Unit::Days)) if count == 2 => "every other day".to_owned(),
            (None, _, [], Some(Unit::Days)) if count > 2 => format!("every {count} days"),
            (None, _, [], Some(Unit::Weeks)) => format!("every {count} weeks"),
            (None, _, [], _) if count == 1 => "every day".to_owned(),
            (None, _, days, _) if !days.is_empty() && count == 1 => {
                let days: Vec<String> =
                    days.iter().map(|day| if *day < 0 { "last day".to_owned() } else { ordinal(*day) }).collect();
                format!("on the {} of every month", listed(&days))
            }
            _ => return None,
        })
    }
}

/// The wall clock time in the zone; a time that does not exist is the first one after it that does, one that exists twice the first of both.
pub(crate) fn moment(mut at: NaiveDateTime, zone: Tz) -> Option<DateTime<Tz>> {
    // The longest gap, on the date line, is a day.
    for _ in 0..=24 * 4 {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => return Some(found),
            LocalResult::None => at += Duration::minutes(15),
        }
    }
    None
}

/// The bit of a day of the week.
pub(crate) fn bit(day: Weekday) -> u8 {
    1 << day.num_days_from_monday()
}

fn monday(date: NaiveDate) -> NaiveDate {
    date - Duration::days(i64::from(date.weekday().num_days_from_monday()))
}

fn last_day(date: NaiveDate) -> u32 {
    let next = if date.month() == 12 { (date.year() + 1, 1) } else { (date.year(), date.month() + 1) };
    NaiveDate::from_ymd_opt(next.0, next.1, 1).and_then(|first| first.pred_opt()).map_or(31, |last| last.day())
}

fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `every 15 minutes`, where the minutes have one distance around the hour.
fn in_steps(minutes: &[u8]) -> Option<String> {
    let step = minutes.get(1)?.checked_sub(*minutes.first()?)?;
    let even = minutes.windows(2).all(|pair| pair[1] - pair[0] == step) && usize::from(step) * minutes.len() == 60;
    even.then(|| format!("every {step} minutes"))
}

fn ordinal(day: i8) -> String {
    let ending = match (day % 10, day / 10) {
        (1, tens) if tens != 1 => "st",
        (2, tens) if tens != 1 => "nd",
        (3, tens) if tens != 1 => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

fn nth_in_words(nth: i8) -> &'static str {
    match nth {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        5 => "fifth",
        -2 => "second to last",
        _ => "last",
    }
}

fn cron(expression: &str) -> Option<Fires> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let [_, minute, hour, day, month, weekday] = fields[..] else { return None };
    let mut fires = Fires {
        minutes: numbers(minute, 0, 59, &[])?,
        hours: numbers(hour, 0, 23, &[])?,
        months: numbers(month, 1, 12, &MONTHS)?,
        ..Fires::default()
    };
    if !matches!(day, "*" | "?") {
        for part in day.split(',') {
            match part.to_ascii_uppercase().as_str() {
                "L" | "LW" => fires.month_days.push(-1),
                part => {
                    let part = part.strip_suffix('W').unwrap_or(part);
                    fires
                        .month_days
                        .extend(numbers(part, 1, 31, &[])?.into_iter().filter_map(|day| i8::try_from(day).ok()));
                }
            }
        }
    }
    if !matches!(weekday, "*" | "?") {
        let mut named = 0;
        for part in weekday.split(',') {
            let (part, nth) = match (part.split_once('#'), part.strip_suffix(['L', 'l'])) {
                (Some((day, nth)), _) => (day, Some(nth.parse::<i8>().ok().filter(|nth| (1..=5).contains(nth))?)),
                (None, Some(day)) => (day, Some(-1)),
                (None, None) => (part, None),
            };
            if nth.is_some() && fires.ordinal.is_some_and(|known| Some(known) != nth) {
                return None;
            }
            fires.ordinal = fires.ordinal.or(nth);
            // Sunday is 0 and 7; Monday is bit 0.
            named |= numbers(part, 0, 7, &WEEKDAYS)?.into_iter().fold(0, |bits, day| bits | 1 << ((day + 6) % 7));
        }
        fires.weekdays = Some(if named == 0 { ALL_DAYS } else { named }).filter(|named| *named != ALL_DAYS);
    }
    Some(fires)
}

const MONTHS: [&str; 13] = ["", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The numbers that a field of cron names, in order; none for `*`. None for what is not understood.
fn numbers(field: &str, low: u8, high: u8, names: &[&str]) -> Option<Vec<u8>> {
    if matches!(field, "*" | "?") {
        return Some(Vec::new());
    }
    let number = |text: &str| {
        let named = names.iter().position(|name| !name.is_empty() && name.eq_ignore_ascii_case(text));
        let number = named.and_then(|at| u8::try_from(at).ok()).or_else(|| text.parse().ok())?;
        (low..=high).contains(&number).then_some(number)
    };
    let mut found = std::collections::BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None if matches!(range, "*" | "?") => (low, high),
            None if step > 1 => (number(range)?, high),
            None => (number(range)?, number(range)?),
        };
        if from <= to {
            found.extend((from..=to).step_by(step));
        } else {
            // "FRI-MON" goes around the end.
            found.extend((from..=high).chain(low..=to));
        }
    }
    Some(found.into_iter().collect())
}

/// `DTSTART` and `RRULE` on two lines.
fn rule(text: &str) -> Option<Fires> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (_, start) = lines.next()?.rsplit_once(':')?;
    let start = NaiveDateTime::parse_from_str(start.trim_end_matches('Z'), "%Y%m%dT%H%M%S").ok()?;
    let (_, rule) = lines.next()?.split_once(':')?;
    let mut fires = Fires { start: Some(start), ..Fires::default() };
    let (mut interval, mut unit, mut position) = (1, None, None);
    let (mut hours, mut minutes) = (None, None);
    for part in rule.split(';') {
        let (name, value) = part.split_once('=')?;
        let all = |low: u8, high: u8| numbers(value, low, high, &[]);
        match name.to_ascii_uppercase().as_str() {
            "FREQ" => {
                unit = Some(match value.to_ascii_uppercase().as_str() {
                    "MINUTELY" => Unit::Minutes,
                    "HOURLY" => Unit::Hours,
                    "DAILY" => Unit::Days,
                    "WEEKLY" => Unit::Weeks,
                    "MONTHLY" => Unit::Months,
                    "YEARLY" => Unit::Years,
                    _ => return None,
                });
            }
            "INTERVAL" => interval = value.parse().ok().filter(|count| *count > 0)?,
            "BYDAY" => {
                let mut named = 0;
                for day in value.split(',') {
                    let (nth, day) = day.split_at(day.len().checked_sub(2).filter(|at| day.is_char_boundary(*at))?);
                    let at = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
                        .iter()
                        .position(|name| day.eq_ignore_ascii_case(name))?;
                    named |= 1 << at;
                    if !nth.is_empty() {
                        fires.ordinal = Some(nth.parse().ok()?);
                    }
                }
                fires.weekdays = Some(named).filter(|named| *named != ALL_DAYS);
            }
            "BYMONTHDAY" => fires.month_days = value.split(',').map(|day| day.parse().ok()).collect::<Option<_>>()?,
            "BYMONTH" => fires.months = all(1, 12)?,
            "BYHOUR" => hours = Some(all(0, 23)?),
            "BYMINUTE" => minutes = Some(all(0, 59)?),
            "BYSETPOS" => position = Some(value.parse::<i8>().ok()?),
            // How often and until when it fires is the engine's to say.
            "COUNT" | "UNTIL" | "WKST" | "BYSECOND" => {}
            _ => return None,
        }
    }
    let unit = unit?;
    fires.ordinal = fires.ordinal.or(position);
    let of_start = |number: u32| u8::try_from(number).ok().map(|number| vec![number]);
    use chrono::Timelike;
    if !matches!(unit, Unit::Minutes | Unit::Hours) {
        hours = hours.or_else(|| of_start(start.hour()));
        minutes = minutes.or_else(|| of_start(start.minute()));
    }
    (fires.hours, fires.minutes) = (hours.unwrap_or_default(), minutes.unwrap_or_default());
    match unit {
        Unit::Weeks if fires.weekdays.is_none() => fires.weekdays = Some(bit(start.weekday())),
        Unit::Months if fires.weekdays.is_none() && fires.month_days.is_empty() => {
            fires.month_days = vec![i8::try_from(start.day()).ok()?];
        }
        Unit::Years if fires.months.is_empty() => {
            fires.months = of_start(start.month())?;
            fires.month_days = vec![i8::try_from(start.day()).ok()?];
        }
        _ => {}
    }
    fires.every = Some((interval, unit));
    Some(fires)
}

#[cfg(test)]
#[path = "fires_tests.rs"]
mod tests;
