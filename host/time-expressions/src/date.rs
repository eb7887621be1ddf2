//! Dates in numbers and with the name of a month.

use chrono::{Datelike as _, NaiveDate};

use crate::calendar::{YEARS, last_of_month, shift};
use crate::clock::Clock;
use crate::lex::Kind;
use crate::meaning::Reason;
use crate::reader::{Problem, Read, Reader};
use crate::setting::DateOrder;
use crate::words::{Ask, Sense};

/// A date, and the time and zone of an ISO timestamp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Date {
    pub date: NaiveDate,
    pub clock: Option<Clock>,
    pub year_said: bool,
}

impl Reader<'_> {
    /// "24 December 2026", "24.12.", "2026-12-24T08:15". `led` where a word before it says that a date follows.
    pub fn date(&self, at: usize, led: bool) -> Read<Date> {
        self.named_date(at, led).or_else(|| self.numeric_date(at, led))
    }

    /// The date of a day and a month; without a year the next one.
    pub fn dated(&self, day: u32, month: u32, year: Option<i32>, from: usize, to: usize) -> Result<NaiveDate, Problem> {
        let no_such = || {
            let this = self.today.year();
            let over = NaiveDate::from_ymd_opt(this, month, 1).is_some_and(|first| last_of_month(first) < self.today);
            let of = year.unwrap_or(if over { this + 1 } else { this });
            let near = NaiveDate::from_ymd_opt(of, month, 1).map(|first| {
                let last = last_of_month(first);
                let mut near = vec![last];
                near.extend(shift(last, 1));
                near
            });
            Problem::new(Reason::NoSuchDay, Ask::NoSuchDay(self.said(from, to))).dates(near.unwrap_or_default())
        };
        if let Some(year) = year {
            if !YEARS.contains(&year) {
                return Err(self.out_of_range(from, to));
            }
            return NaiveDate::from_ymd_opt(year, month, day).ok_or_else(no_such);
        }
        match NaiveDate::from_ymd_opt(self.today.year(), month, day) {
            Some(date) if date >= self.today => Ok(date),
            _ => NaiveDate::from_ymd_opt(self.today.year() + 1, month, day).ok_or_else(no_such),
        }
    }

    /// A year of four digits at this token. The error is one that is not read.
    pub fn year(&self, at: usize) -> Option<i32> {
        let (length, value) = self.digits(at)?;
        let glued = self.glued(at + 1)
            && (self.mark(at + 1, ':')
                || self.mark(at + 1, '-') && self.glued(at + 2) && self.digits(at + 2).is_some());
        (length == 4 && !glued).then(|| i32::try_from(value).ok()).flatten()
    }

    fn named_date(&self, at: usize, led: bool) -> Read<Date> {
        let sure = |month: usize| {
            !self.is_weak(month)
                || led
                || self.token(month).is_some_and(|token| self.text[token.span.clone()].starts_with(char::is_uppercase))
        };
        let (day, month, mut next, sure) = if let Some(month) = self.month(at) {
            // "Dec. 24"
            let place = if self.glued_mark(at + 1, '.') { at + 2 } else { at + 1 };
            let place = if self.has(place, Sense::The) { place + 1 } else { place };
            let (day, next, suffix) = self.day_number(place)?;
            let clock = self.has(next, Sense::Am) || self.has(next, Sense::Pm) || self.glued_mark(next, ':');
            let counted = self.counts_things(next) || self.unit(next).is_some();
            if clock || !suffix && (counted || self.month(next).is_some()) {
                return None;
            }
            (day, month, next, sure(at) || suffix)
        } else {
            let (day, next, suffix) = self.day_number(at)?;
            let of = usize::from(self.has(next, Sense::Of));
            let month_at = next + of;
            let month = self.month(month_at)?;
            let dot = usize::from(self.glued_mark(month_at + 1, '.') && self.year(month_at + 2).is_some());
            (day, month, month_at + 1 + dot, sure(month_at) || suffix || of == 1)
        };
        if !sure {
            return None;
        }
        let comma = usize::from(self.mark(next, ',') && self.year(next + 1).is_some());
        let mut year = None;
        if let Some(said) = self.year(next + comma)
            && !(self.word(next + comma + 1).starts_with("hour") || self.word(next + comma + 1) == "uhr")
        {
            year = Some(said);
            next += comma + 1;
        } else if self.digits(next).is_some_and(|(length, _)| length > 4) {
            return Some((Err(self.out_of_range(at, next + 1)), next + 1));
        }
        let date = self.dated(day, month, year, at, next);
        Some((date.map(|date| Date { date, clock: None, year_said: year.is_some() }), next))
    }

    fn numeric_date(&self, at: usize, led: bool) -> Read<Date> {
        let (length, first) = self.digits(at)?;
        // "v1.2.2026", "10.0.0.1"
        let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        // "1.11.-15.11."
        let range = at > 1 && self.glued_mark(at - 1, '-') && self.mark(at - 2, '.');
        if self.glued(at)
            && !range
            && before.is_some_and(|token| !matches!(token.kind, Kind::Mark('(' | '"' | '\'' | '[')))
        {
            return None;
        }
        if length == 8 && (19_000_101..=22_001_231).contains(&first) {
            let (year, month, day) = (first / 10_000, first / 100 % 100, first % 100);
            if (1..=12).contains(&month) && (1..=31).contains(&day) {
                return self.with_clock(at, at + 1, self.by_numbers(year, month, day, at, at + 1)?);
            }
        }
        let mark = ['-', '/', '.'].into_iter().find(|mark| self.glued_mark(at + 1, *mark))?;
        let (second_length, second) = self.digits(at + 2).filter(|_| self.glued(at + 2))?;
        let third = self.digits(at + 4).filter(|_| self.glued_mark(at + 3, mark) && self.glued(at + 4));
        // A fourth number makes it an address or a version.
        if third.is_some() && self.glued_mark(at + 5, mark) && self.glued(at + 6) && self.digits(at + 6).is_some() {
            return None;
        }
        if second_length > 2 {
            return None;
        }
        match third {
            Some((third_length, third)) if length == 4 && third_length <= 2 => {
                self.with_clock(at, at + 5, self.by_numbers(first, second, third, at, at + 5)?)
            }
            Some((third_length, third)) if length <= 2 && (third_length == 4 || third_length == 2) => {
                let plausible = (1..=31).contains(&first) && (1..=31).contains(&second) && first.min(second) <= 12;
                if third_length == 2 && !plausible {
                    return None;
                }
                let year = if third_length == 2 { 2000 + third } else { third };
                let date = self.ordered(first, second, Some(year), mark, at, at + 5);
                self.with_clock(at, at + 5, date)
            }
            Some(_) => None,
            None => {
                let dotted = mark == '.' && self.glued_mark(at + 3, '.');
                let next = if dotted { at + 4 } else { at + 3 };
                let plausible = (1..=31).contains(&first) && (1..=31).contains(&second) && first.min(second) <= 12;
                let at_follows = self.has(next, Sense::At) && self.clock(next + 1, true).is_some();
                let whole = at == 0 && next >= self.tokens.len();
                let sure = match mark {
                    '/' => led || at_follows || whole && plausible && (first, second) != (24, 7),
                    '.' => dotted && (led || self.glued(at + 3)) && plausible || led && plausible && second_length == 2,
                    _ => false,
                };
                let sentence_end = dotted && !led && !at_follows && next >= self.tokens.len() && second_length == 1;
                if length > 2 || !sure || sentence_end || self.half_follows(at + 3) {
                    return None;
                }
                let date = self.ordered(first, second, None, mark, at, next);
                Some((date.map(|date| Date { date, clock: None, year_said: false }), next))
            }
        }
    }

    fn half_follows(&self, at: usize) -> bool {
        self.any(at, &[Sense::Am, Sense::Pm, Sense::OClock])
    }

    fn by_numbers(
        &self,
        year: u64,
        month: u64,
        day: u64,
        from: usize,
        to: usize,
    ) -> Option<Result<NaiveDate, Problem>> {
        let year = i32::try_from(year).ok()?;
        Some(self.dated(u32::try_from(day).ok()?, u32::try_from(month).ok()?, Some(year), from, to))
    }

    /// Two numbers of which one is the day and one the month.
    fn ordered(
        &self,
        first: u64,
        second: u64,
        year: Option<u64>,
        mark: char,
        from: usize,
        to: usize,
    ) -> Result<NaiveDate, Problem> {
        let number = |value: u64| u32::try_from(value).unwrap_or(99);
        let year = year.map(|year| i32::try_from(year).unwrap_or(0));
        let (first, second) = (number(first), number(second));
        let day_first = || self.dated(first, second, year, from, to);
        let month_first = || self.dated(second, first, year, from, to);
        // Dots are of countries that put the day first.
        if mark == '.' || first > 12 {
            return day_first();
        }
        if second > 12 {
            return month_first();
        }
        if first == second {
            return day_first();
        }
        match self.setting.date_order {
            Some(DateOrder::DayFirst) => day_first(),
            Some(DateOrder::MonthFirst) => month_first(),
            None => {
                let dates: Vec<NaiveDate> = [day_first(), month_first()].into_iter().flatten().collect();
                let problem = Problem::new(Reason::AmbiguousDate, Ask::WhichDate(self.said(from, to)));
                Err(problem.dates(dates))
            }
        }
    }

    /// The time of an ISO timestamp: "T08:15", "T081500".
    fn with_clock(&self, from: usize, next: usize, date: Result<NaiveDate, Problem>) -> Read<Date> {
        let date = match date {
            Ok(date) => date,
            // The time belongs to the day that cannot be read.
            Err(problem) => {
                let timed = self.word(next) == "t" && self.glued(next);
                let end = self.clock(next + 1, true).filter(|_| timed).map_or(next, |(_, end)| end);
                let zulu = end > next && self.word(end) == "z" && self.glued(end);
                return Some((Err(problem), end + usize::from(zulu)));
            }
        };
        let mut read = Date { date, clock: None, year_said: true };
        if self.word(next) == "t"
            && self.glued(next)
            && let Some((length, value)) = self.digits(next + 1).filter(|_| self.glued(next + 1))
        {
            let (result, mut end) = match length {
                4 | 6 => {
                    let value = if length == 6 { value / 100 } else { value };
                    let (hour, minute) = (value / 100, value % 100);
                    if hour > 23 || minute > 59 {
                        return Some((Err(self.out_of_range(from, next + 2)), next + 2));
                    }
                    (Ok(Clock::at(u32::try_from(hour).ok()?, u32::try_from(minute).ok()?)), next + 2)
                }
                _ => self.clock(next + 1, true)?,
            };
            if self.glued_mark(end, '.') && self.glued(end + 1) && self.digits(end + 1).is_some() {
                end += 2;
            }
            return match result {
                Ok(clock) => {
                    read.clock = Some(Clock::at(clock.hour, clock.minute));
                    Some((Ok(read), end))
                }
                Err(problem) => Some((Err(problem), end)),
            };
        }
        Some((Ok(read), next))
    }
}
