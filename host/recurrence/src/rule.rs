//! Recurrence rules of RFC 5545, section 3.3.10.
//!
//! A rule is unrolled on the wall clock, and each wall clock time becomes a moment of the zone: so the hour stays
//! through changes of the clock, and a time in a gap is moved and not left out.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};

use crate::feasible;
use crate::interval::Interval;
use crate::zone::first_moment;
use crate::{InvalidRecurrence, Kind};

/// Most characters of a rule.
const MAX_CHARS: usize = 1_000;
/// Most firings of a rule that says how many there are.
const MAX_COUNT: u32 = 10_000;
/// The years in which a rule may begin. It is unrolled from its beginning each time.
const YEARS: std::ops::RangeInclusive<i32> = 1_970..=2_200;
/// How far ahead a firing is looked for: leap days are eight years apart at most.
const HORIZON_DAYS: i64 = 366 * 20;
/// How far a wall clock can stand from UTC.
const DAY: TimeDelta = TimeDelta::days(1);

const HINT: &str = "wanted is for example `DTSTART;TZID=Europe/Berlin:20261130T090000`, and on the next line \
                    `RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO`";

/// A rule that is unrolled on the wall clock.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its times are wall clock times, written as if they were UTC.
    set: RRuleSet,
    /// How far its beginning may be moved at once without changing what follows; None where it counts firings, or
    /// where months and years are not equally long.
    period: Option<TimeDelta>,
}

/// Reads `DTSTART` and `RRULE`.
pub(crate) fn parse(expression: &str, zone: Tz) -> Result<Kind, InvalidRecurrence> {
    let bad = |why: String| InvalidRecurrence(format!("recurrence rule: {why}; {HINT}"));
    if expression.len() > MAX_CHARS {
        return Err(bad(format!("it has {} characters and {MAX_CHARS} is the limit", expression.len())));
    }
    let (mut start, mut rule) = (None, None);
    for line in expression.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| bad(format!("`{line}` has no `:`")))?;
        let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
        let slot = match name.to_ascii_uppercase().as_str() {
            "DTSTART" => {
                let local = begin(parameters, value, zone).map_err(bad)?;
                start.replace(local).map(drop)
            }
            "RRULE" => rule.replace(value).map(drop),
            other => return Err(bad(format!("`{other}` is not supported, only DTSTART and RRULE are"))),
        };
        if slot.is_some() {
            return Err(bad(format!("`{name}` stands twice")));
        }
    }
    let start = start.ok_or_else(|| bad("`DTSTART` is missing: it says when the first firing is".to_owned()))?;
    let rule = rule.ok_or_else(|| bad("`RRULE` is missing".to_owned()))?;
    let rule: RRule<Unvalidated> = rule.parse().map_err(|error: rrule::RRuleError| bad(error.to_string()))?;
    build(rule, start, zone).map_err(bad)
}

/// The wall clock time of `DTSTART`.
fn begin(parameters: &str, value: &str, zone: Tz) -> Result<NaiveDateTime, String> {
    for parameter in parameters.split(';').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some((name, named)) if name.eq_ignore_ascii_case("TZID") => {
                if named.parse::<Tz>().ok() != Some(zone) {
                    return Err(format!("its zone is `{named}`, and that of the schedule is `{}`", zone.name()));
                }
            }
            _ => return Err(format!("`{parameter}` is not supported beside DTSTART, only `TZID=…` is")),
        }
    }
    let (digits, is_utc) = value.strip_suffix('Z').map_or((value, false), |digits| (digits, true));
    let local = NaiveDateTime::parse_from_str(digits, "%Y%m%dT%H%M%S")
        .map_err(|_| format!("`{value}` is no time such as 20261130T090000"))?;
    let local = if is_utc { local.and_utc().with_timezone(&zone).naive_local() } else { local };
    let year = chrono::Datelike::year(&local);
    if YEARS.contains(&year) {
        Ok(local)
    } else {
        Err(format!("it begins in the year {year}, and must begin in {} to {}", YEARS.start(), YEARS.end()))
    }
}

fn build(rule: RRule<Unvalidated>, start: NaiveDateTime, zone: Tz) -> Result<Kind, String> {
    let frequency = rule.get_freq();
    let interval = i64::from(rule.get_interval());
    if interval == 0 {
        return Err("INTERVAL must be at least 1".to_owned());
    }
    if rule.get_count().is_some_and(|count| count > MAX_COUNT) {
        return Err(format!("COUNT may be at most {MAX_COUNT}"));
    }
    // RFC 5545 wants UNTIL in UTC; a floating one is on the wall clock already.
    let until = rule.get_until().map(|until| match until.timezone().is_local() {
        true => until.naive_local(),
        false => until.with_timezone(&Utc).with_timezone(&zone).naive_local(),
    });
    let unit = match frequency {
        Frequency::Minutely => Some(TimeDelta::minutes(interval)),
        Frequency::Hourly => Some(TimeDelta::hours(interval)),
        Frequency::Secondly => return Err("FREQ=SECONDLY is more often than anything runs here".to_owned()),
        _ => None,
    };
    if let Some(step) = unit {
        if has_filters(&rule) {
            return Err(format!(
                "FREQ={frequency:?} takes INTERVAL, COUNT and UNTIL only; for certain hours and days use cron"
            ));
        }
        let (first_ms, step_ms) = (first_moment(zone, start).timestamp_millis(), step.num_milliseconds());
        let by_count = rule.get_count().map(|count| first_ms + i64::from(count.saturating_sub(1)) * step_ms);
        let by_until = until.map(|until| first_moment(zone, until).timestamp_millis());
        let last_ms = by_count.into_iter().chain(by_until).min();
        return Ok(Kind::Interval(Interval { first_ms, step_ms, last_ms }));
    }
    if !rule.get_by_week_no().is_empty() {
        return Err("BYWEEKNO is not supported: name the months or the days".to_owned());
    }
    if !feasible::fires(&rule, start) {
        return Err("it would never fire, or not within forty years".to_owned());
    }
    let period = match frequency {
        Frequency::Daily => Some(TimeDelta::days(interval)),
        Frequency::Weekly => Some(TimeDelta::weeks(interval)),
        _ => None,
    };
    let period = period.filter(|_| rule.get_count().is_none());
    let rule = match until {
        Some(until) => rule.until(as_utc(until)),
        None => rule,
    };
    let set = rule.build(as_utc(start)).map_err(|error| error.to_string())?;
    Ok(Kind::Rule(Box::new(Rule { set, period })))
}

/// Whether it has more than a frequency, an interval and an end.
fn has_filters(rule: &RRule<Unvalidated>) -> bool {
    let bare = RRule::new(rule.get_freq()).interval(rule.get_interval()).week_start(rule.get_week_start());
    let bare = match rule.get_count() {
        Some(count) => bare.count(count),
        None => bare,
    };
    let bare = match rule.get_until() {
        Some(until) => bare.until(*until),
        None => bare,
    };
    bare != *rule
}

fn as_utc(local: NaiveDateTime) -> DateTime<rrule::Tz> {
    local.and_utc().with_timezone(&rrule::Tz::UTC)
}

impl Rule {
    /// The moments of the firings whose wall clock time is after this one's day before, in order.
    fn around(&self, at_ms: i64, zone: Tz) -> Option<impl Iterator<Item = i64>> {
        let from = DateTime::<Utc>::from_timestamp_millis(at_ms)?.with_timezone(&zone).naive_local() - DAY;
        let end = from + TimeDelta::days(HORIZON_DAYS);
        let times = self.from(from);
        let moment = move |at: DateTime<rrule::Tz>| first_moment(zone, at.naive_utc()).timestamp_millis();
        Some(times.take_while(move |at| at.naive_utc() < end).map(moment))
    }

    /// The firings from about a wall clock time on.
    fn from(&self, from: NaiveDateTime) -> impl Iterator<Item = DateTime<rrule::Tz>> {
        let start = self.set.get_dt_start().naive_utc();
        let mut set = self.set.clone();
        if let Some(period) = self.period
            && from > start
        {
            // What lies before is not unrolled again each time.
            let whole = (from - start).num_seconds() / period.num_seconds();
            let moved = i32::try_from(whole.saturating_sub(1)).ok().and_then(|whole| period.checked_mul(whole));
            if let Some(moved) = moved.filter(|moved| *moved > TimeDelta::zero()) {
                let rules = self.set.get_rrule().clone();
                set = RRuleSet::new(as_utc(start + moved)).set_rrules(rules);
            }
        }
        let limited = set.limit();
        (&limited).into_iter().skip_while(move |at| at.naive_utc() < from)
    }

    pub(crate) fn after(&self, at_ms: i64, zone: Tz) -> Option<i64> {
        self.around(at_ms, zone)?.find(|moment| *moment > at_ms)
    }

    pub(crate) fn latest(&self, at_ms: i64, zone: Tz) -> Option<i64> {
        // The one before may lie a period back: from the beginning, or from the moved one.
        let at = DateTime::<Utc>::from_timestamp_millis(at_ms)?.with_timezone(&zone).naive_local();
        let back = self.period.map_or(at - TimeDelta::days(HORIZON_DAYS), |period| at - period * 2 - DAY);
        let moments = self.from(back).map(|at| first_moment(zone, at.naive_utc()).timestamp_millis());
        moments.take_while(|moment| *moment <= at_ms).last()
    }
}
