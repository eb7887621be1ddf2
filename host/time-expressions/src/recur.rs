//! Recurrences as cron where cron can say them truly, and as text of RFC 5545 where it cannot.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc, Weekday};
use chrono_tz::Tz;

use crate::calendar::{is_weekend, last_of_month, shift, shift_working};
use crate::clock::default_hour;
use crate::every::Every;
use crate::frame::Frame;
use crate::meaning::{Reason, Recurrence};
use crate::moment::{DEFAULT_HOUR, settled};
use crate::reader::{Problem, Reader};
use crate::words::{Ask, Note, Rule, Unit};

/// How far ahead the first firing is looked for, in days.
const HORIZON: i64 = 366 * 9;

fn codes(days: &[Weekday]) -> String {
    let names: Vec<&str> = days
        .iter()
        .map(|day| ["MO", "TU", "WE", "TH", "FR", "SA", "SU"][day.num_days_from_monday() as usize])
        .collect();
    names.join(",")
}

/// Weekdays as cron writes them: runs as ranges, Monday is 1 and Sunday is 0.
fn cron_days(days: &[Weekday]) -> String {
    if days.is_empty() || days.len() == 7 {
        return "*".to_owned();
    }
    let numbers: Vec<u32> = days.iter().map(|day| day.num_days_from_monday() + 1).collect();
    let run = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    if run && numbers.len() > 2 && numbers[numbers.len() - 1] < 7 {
        return format!("{}-{}", numbers[0], numbers[numbers.len() - 1]);
    }
    let mut numbers: Vec<u32> = numbers.into_iter().map(|n| n % 7).collect();
    numbers.sort_unstable();
    join(&numbers)
}

fn join<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// What a rule consists of once all is settled.
struct Plan<'f> {
    every: &'f Every,
    rule: Rule,
    zone: Tz,
    now: NaiveDateTime,
    limited: bool,
}

impl Reader<'_> {
    /// The recurrence of a frame.
    pub fn recurrence(&self, frame: &Frame) -> Result<Recurrence, Problem> {
        let Some(every) = &frame.every else { return Err(self.unfit(frame)) };
        if frame.period.is_some() || !frame.listed.is_empty() || !frame.days.is_empty() {
            return Err(self.unfit(frame));
        }
        if frame.zones.iter().any(|zone| zone.zone.is_none()) {
            return Err(Problem::new(Reason::UnknownZone, Ask::UnknownZone(self.said(frame.first, frame.next))));
        }
        let zone = frame.zones.first().and_then(|zone| zone.zone).unwrap_or(self.zone);
        if zone != self.zone {
            self.note(Note::InZone(zone));
        }
        if let Some(cron) = &every.cron {
            if !frame.clocks.is_empty() || frame.until.is_some() || frame.count.is_some() || frame.window.is_some() {
                return Err(self.unfit(frame));
            }
            let label = format!("cron {cron}");
            return Ok(Recurrence { expression: cron.clone(), zone, label: self.zoned(label, zone) });
        }
        let mut every = every.clone();
        if every.unit == Unit::Quarter {
            every.unit = Unit::Month;
            every.interval *= 3;
        }
        if !frame.except.is_empty() {
            if every.days.is_empty() {
                every.days = (0..7).filter_map(|n| Weekday::try_from(n).ok()).collect();
            }
            every.days.retain(|day| !frame.except.contains(day));
            if every.days.is_empty() || every.nth.is_some() || !every.month_days.is_empty() {
                return Err(self.unfit(frame));
            }
        }
        let clocked = matches!(every.unit, Unit::Minute | Unit::Hour | Unit::Second);
        if clocked && (!frame.clocks.is_empty() && frame.start.is_none() || frame.part.is_some()) {
            return Err(self.unfit(frame));
        }
        if !clocked && frame.window.is_some() {
            let mut problem =
                Problem::new(Reason::AmbiguousClock, Ask::BetweenTimes(self.said(frame.first, frame.next)));
            problem.times = frame.window.iter().flat_map(|(a, b)| [(a.hour, a.minute), (b.hour, b.minute)]).collect();
            return Err(problem);
        }
        let times = self.times(frame, &every, clocked)?;
        self.default_day(&mut every, frame.start);
        let now = self.setting.now.with_timezone(&zone).naive_local();
        let until = match &frame.lasts {
            Some(length) if !length.is_clock() => {
                let first = frame.start.unwrap_or_else(|| {
                    let later = times.iter().any(|(hour, minute)| (*hour, *minute) > (now.hour(), now.minute()));
                    if later || clocked { now.date() } else { shift(now.date(), 1).unwrap_or(now.date()) }
                });
                self.moved(first, length, false).and_then(|end| shift(end, -1))
            }
            Some(_) => return Err(self.unfit(frame)),
            None => frame.until,
        };
        let count = match frame.count {
            Some(count) => Some(
                u32::try_from(count)
                    .ok()
                    .filter(|count| (1..=10_000).contains(count))
                    .ok_or_else(|| self.out_of_range(frame.first, frame.next))?,
            ),
            None => None,
        };
        if let Some(until) = until {
            self.note(Note::UntilInclusive(until));
        }
        for day in every.month_days.iter().filter(|day| **day > 28) {
            if every.months.is_empty() {
                self.note(Note::DayOfMonth31(*day as u32));
            } else if every.months.contains(&2) {
                self.note(Note::LeapDay);
            }
        }
        let window = frame.window.map(|(first, last)| ((first.hour, first.minute), (last.hour, last.minute)));
        let rule = Rule {
            unit: Some(every.unit),
            interval: every.interval,
            days: every.days.clone(),
            nth: every.nth,
            also: every.also.clone(),
            working: every.working,
            minute: every.minute,
            month_days: every.month_days.clone(),
            months: every.months.clone(),
            times,
            window,
            start: frame.start,
            until,
            count,
        };
        let limited = frame.start.is_some() || until.is_some() || count.is_some();
        let plan = Plan { every: &every, rule, zone, now, limited };
        let expression = match self.cron_of(&plan) {
            Some(cron) => cron,
            None => self.rfc5545(&plan).ok_or_else(|| self.unfit(frame))?,
        };
        let label = self.voice.rule(&plan.rule);
        Ok(Recurrence { expression, zone, label: self.zoned(label, zone) })
    }

    /// The label with the city of a zone that is not the user's.
    fn zoned(&self, label: String, zone: Tz) -> String {
        if zone == self.zone {
            return label;
        }
        let name = zone.name();
        if name == "UTC" || name.starts_with("Etc/") {
            format!("{label} {name}")
        } else {
            let city = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
            self.voice.at_zone(&label, &city)
        }
    }

    fn unfit(&self, frame: &Frame) -> Problem {
        Problem::new(Reason::LeftOver, Ask::NotTogether(self.said(frame.first, frame.next)))
    }

    fn times(&self, frame: &Frame, every: &Every, clocked: bool) -> Result<Vec<(u32, u32)>, Problem> {
        let said = frame.clock_words.map(|(from, to)| self.said(from, to)).unwrap_or_default();
        let mut times = Vec::new();
        let part = frame.part.or(every.part);
        for clock in &frame.clocks {
            let (hour, minute, later) = self.settle(*clock, part, &said)?;
            let midnight = clock.midnight && every.days.is_empty();
            if later != 0 && !midnight {
                return Err(self.unfit(frame));
            }
            times.push((hour, minute));
        }
        if times.is_empty() && !clocked {
            let (hour, minute) = part.map_or((DEFAULT_HOUR, 0), default_hour);
            self.note(Note::AssumedHour(hour, minute));
            times.push((hour, minute));
        }
        times.sort_unstable();
        times.dedup();
        Ok(times)
    }

    /// The day where none was said: Monday, the first, 1 January.
    fn default_day(&self, every: &mut Every, start: Option<NaiveDate>) {
        let none = every.days.is_empty() && every.nth.is_none() && every.month_days.is_empty();
        // "weekly starting next Friday" is on Fridays.
        if let Some(start) = start.filter(|_| none) {
            match every.unit {
                Unit::Week => every.days = vec![start.weekday()],
                Unit::Month => every.month_days = vec![start.day() as i32],
                Unit::Year => {
                    every.month_days = vec![start.day() as i32];
                    every.months = vec![start.month()];
                }
                _ => {}
            }
            return;
        }
        match every.unit {
            Unit::Week if none => {
                every.days = vec![Weekday::Mon];
                self.note(Note::AssumedDay(Weekday::Mon));
            }
            Unit::Month if none => {
                every.month_days = vec![1];
                self.note(Note::AssumedFirst);
            }
            Unit::Year if none => {
                every.month_days = vec![1];
                if every.months.is_empty() {
                    every.months = vec![1];
                }
                self.note(Note::AssumedNewYear);
            }
            _ => {}
        }
    }

    /// The rule as cron, if cron can say it truly.
    fn cron_of(&self, plan: &Plan<'_>) -> Option<String> {
        if plan.limited {
            return None;
        }
        let Plan { every, rule, .. } = plan;
        let n = every.interval;
        let days = cron_days(&every.days);
        let month = if every.months.is_empty() { "*".to_owned() } else { join(&every.months) };
        let step = |n: u32| if n == 1 { "*".to_owned() } else { format!("*/{n}") };
        match every.unit {
            Unit::Second if 60 % n == 0 && rule.window.is_none() => Some(format!("{} * * * {month} {days}", step(n))),
            Unit::Minute | Unit::Hour => {
                let minutes = every.unit == Unit::Minute;
                let whole = if minutes { n < 60 && 60 % n == 0 } else { n < 24 && 24 % n == 0 };
                let minute = every.minute;
                if minute > 0 && rule.window.is_some() {
                    return None;
                }
                let Some((from, to)) = rule.window else {
                    return whole.then(|| match minutes {
                        true => format!("0 {} * * {month} {days}", step(n)),
                        false => format!("0 {minute} {} * {month} {days}", step(n)),
                    });
                };
                // "between 22 and 6" goes beyond midnight.
                if from > to && minutes && whole && from.1 == 0 && to.1 == 0 && every.days.is_empty() && to.0 > 0 {
                    let hours: Vec<u32> = (from.0..24).chain(0..to.0).collect();
                    self.note(Note::WindowEnd(to.0 - 1, 60 - n));
                    return Some(format!("0 {} {} * {month} *", step(n), join(&hours)));
                }
                if from >= to {
                    return None;
                }
                if minutes {
                    if !whole || from.1 != 0 || to.1 != 0 {
                        return None;
                    }
                    self.note(Note::WindowEnd(to.0 - 1, 60 - n));
                    let hours =
                        if to.0 - 1 == from.0 { from.0.to_string() } else { format!("{}-{}", from.0, to.0 - 1) };
                    return Some(format!("0 {} {hours} * {month} {days}", step(n)));
                }
                let hours: Vec<u32> = (from.0..=to.0).step_by(n as usize).filter(|hour| (*hour, from.1) < to).collect();
                let last = *hours.last()?;
                self.note(Note::WindowEnd(last, from.1));
                let hours = if n == 1 && hours.len() > 1 { format!("{}-{last}", hours[0]) } else { join(&hours) };
                Some(format!("0 {} {hours} * {month} {days}", from.1))
            }
            Unit::Second => None,
            _ => {
                let minute = rule.times[0].1;
                if rule.times.iter().any(|time| time.1 != minute) {
                    return None;
                }
                let hours = join(&rule.times.iter().map(|time| time.0).collect::<Vec<_>>());
                let clock = format!("0 {minute} {hours}");
                match every.unit {
                    Unit::Day | Unit::Week if n == 1 => Some(format!("{clock} * {month} {days}")),
                    Unit::Month | Unit::Year => {
                        let months = match (every.months.is_empty(), n) {
                            (false, 1) => month,
                            (true, n) if every.unit == Unit::Month && 12 % n == 0 => {
                                if n == 12 {
                                    "1".to_owned()
                                } else {
                                    step(n)
                                }
                            }
                            _ => return None,
                        };
                        if let Some(nth) = every.nth {
                            let day = every.days.first().map(|day| (day.num_days_from_monday() + 1) % 7);
                            return match (every.working, nth) {
                                (true, 1) => Some(format!("{clock} 1W {months} *")),
                                (true, _) => None,
                                (false, _) => {
                                    let day = day?;
                                    if nth < -1 || every.also.iter().any(|nth| *nth < -1) {
                                        return None;
                                    }
                                    let one = |nth: &i8| match nth {
                                        -1 => format!("{day}L"),
                                        nth => format!("{day}#{nth}"),
                                    };
                                    let all: Vec<String> = std::iter::once(&nth).chain(&every.also).map(one).collect();
                                    Some(format!("{clock} * {months} {}", all.join(",")))
                                }
                            };
                        }
                        if every.month_days.iter().any(|day| *day < -1) {
                            return None;
                        }
                        let mut days: Vec<String> = every.month_days.iter().map(ToString::to_string).collect();
                        if let Some(last) = days.iter_mut().find(|day| *day == "-1") {
                            *last = "L".to_owned();
                        }
                        Some(format!("{clock} {} {months} *", days.join(",")))
                    }
                    _ => None,
                }
            }
        }
    }

    /// The rule as text of RFC 5545. `DTSTART` is the first firing after now.
    fn rfc5545(&self, plan: &Plan<'_>) -> Option<String> {
        let Plan { every, rule, zone, now, .. } = plan;
        if every.minute > 0 {
            return None;
        }
        let n = every.interval;
        let mut parts: Vec<String> = Vec::new();
        let interval = |parts: &mut Vec<String>| {
            if n > 1 {
                parts.push(format!("INTERVAL={n}"));
            }
        };
        let start;
        if matches!(every.unit, Unit::Minute | Unit::Hour | Unit::Second) && rule.window.is_none() {
            let (name, step) = match every.unit {
                Unit::Second => ("SECONDLY", TimeDelta::seconds(i64::from(n))),
                Unit::Minute => ("MINUTELY", TimeDelta::minutes(i64::from(n))),
                _ => ("HOURLY", TimeDelta::hours(i64::from(n))),
            };
            parts.push(format!("FREQ={name}"));
            interval(&mut parts);
            let whole = now.with_second(0)?.with_nanosecond(0)?;
            let real = settled(*zone, whole)?.checked_add_signed(step)?.naive_local();
            start = match rule.start {
                Some(date) => {
                    let (hour, minute) = rule.times.first().copied().unwrap_or((0, 0));
                    let at = date.and_hms_opt(hour, minute, 0)?;
                    if at <= *now { real } else { at }
                }
                None => real,
            };
            if !every.days.is_empty() && every.days.len() < 7 {
                parts.push(format!("BYDAY={}", codes(&every.days)));
            }
        } else {
            let times = match rule.window {
                Some((from, to)) => {
                    let step = if every.unit == Unit::Hour { n.checked_mul(60)? } else { n };
                    let (from, to) = (from.0 * 60 + from.1, to.0 * 60 + to.1);
                    let times: Vec<(u32, u32)> =
                        (from..to).step_by(step as usize).map(|minute| (minute / 60, minute % 60)).collect();
                    let last = times.last()?;
                    self.note(Note::WindowEnd(last.0, last.1));
                    times
                }
                None => rule.times.clone(),
            };
            let daily =
                matches!(every.unit, Unit::Minute | Unit::Hour | Unit::Day) || every.unit == Unit::Week && n == 1;
            let (name, interval_said) = match every.unit {
                _ if daily => ("DAILY", every.unit == Unit::Day),
                Unit::Week => ("WEEKLY", true),
                Unit::Month => ("MONTHLY", true),
                Unit::Year => ("YEARLY", true),
                _ => return None,
            };
            let weekly = daily && !every.days.is_empty() && every.days.len() < 7 && times.len() == 1 && n == 1;
            parts.push(format!("FREQ={}", if weekly { "WEEKLY" } else { name }));
            if interval_said {
                interval(&mut parts);
            }
            if !every.months.is_empty() {
                parts.push(format!("BYMONTH={}", join(&every.months)));
            }
            match every.nth {
                Some(nth) if every.working => parts.push(format!("BYDAY=MO,TU,WE,TH,FR;BYSETPOS={nth}")),
                Some(nth) => {
                    let day = codes(&every.days);
                    let all: Vec<String> =
                        std::iter::once(&nth).chain(&every.also).map(|nth| format!("{nth}{day}")).collect();
                    parts.push(format!("BYDAY={}", all.join(",")));
                }
                None if !every.month_days.is_empty() => {
                    parts.push(format!("BYMONTHDAY={}", join(&every.month_days)));
                }
                None if !every.days.is_empty() && every.days.len() < 7 => {
                    parts.push(format!("BYDAY={}", codes(&every.days)));
                }
                None => {}
            }
            if times.len() > 1 {
                let mut hours: Vec<u32> = times.iter().map(|time| time.0).collect();
                hours.dedup();
                let mut minutes: Vec<u32> = times.iter().map(|time| time.1).collect();
                minutes.sort_unstable();
                minutes.dedup();
                parts.push(format!("BYHOUR={};BYMINUTE={}", join(&hours), join(&minutes)));
                if hours.len() * minutes.len() != times.len() {
                    // Of all pairs of hours and minutes, those that were said.
                    if !daily {
                        return None;
                    }
                    let pairs = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute)));
                    let positions: Vec<usize> =
                        pairs.enumerate().filter(|(_, pair)| times.contains(pair)).map(|(at, _)| at + 1).collect();
                    parts.push(format!("BYSETPOS={}", join(&positions)));
                }
                if every.working {
                    return None;
                }
            }
            let from = rule.start.unwrap_or(now.date()).max(now.date());
            start = (0..HORIZON).filter_map(|by| shift(from, by)).find_map(|date| {
                let first = times.iter().find_map(|(hour, minute)| {
                    let at = date.and_time(NaiveTime::from_hms_opt(*hour, *minute, 0)?);
                    (at > *now).then_some(at)
                })?;
                self.fires_on(every, date).then_some(first)
            })?;
        }
        if let Some(count) = rule.count {
            parts.push(format!("COUNT={count}"));
        }
        if let Some(until) = rule.until {
            let end = settled(*zone, until.and_hms_opt(23, 59, 59)?)?;
            if until < start.date() {
                return None;
            }
            let end: DateTime<Utc> = end.with_timezone(&Utc);
            // COUNT and UNTIL exclude each other (RFC 5545, 3.3.10).
            if rule.count.is_some() {
                return None;
            }
            parts.push(format!("UNTIL={}", end.format("%Y%m%dT%H%M%SZ")));
        }
        Some(format!("DTSTART;TZID={zone}:{}\nRRULE:{}", start.format("%Y%m%dT%H%M%S"), parts.join(";")))
    }

    /// Whether a rule can fire on this date, whatever its interval.
    fn fires_on(&self, every: &Every, date: NaiveDate) -> bool {
        if !every.months.is_empty() && !every.months.contains(&date.month()) {
            return false;
        }
        let last = last_of_month(date);
        if let Some(nth) = every.nth {
            if every.working {
                let first = date.with_day(1).and_then(|first| shift(first, -1));
                let wanted = if nth < 0 {
                    shift(last, 1).and_then(|next| shift_working(next, i64::from(nth)))
                } else {
                    first.and_then(|before| shift_working(before, i64::from(nth)))
                };
                return !is_weekend(date) && wanted == Some(date);
            }
            let is = |nth: &i8| {
                let n = if *nth < 0 { (last.day() - date.day()) / 7 + 1 } else { (date.day() - 1) / 7 + 1 };
                n == u32::from(nth.unsigned_abs())
            };
            return every.days.contains(&date.weekday()) && (is(&nth) || every.also.iter().any(is));
        }
        if !every.month_days.is_empty() {
            let day = date.day() as i32;
            return every
                .month_days
                .iter()
                .any(|wanted| *wanted == day || *wanted < 0 && last.day() as i32 + 1 + *wanted == day);
        }
        every.days.is_empty() || every.days.contains(&date.weekday())
    }
}
