//! Spans: "last week", "the past 30 days", "since March", "Q3 2025", "between 1 and 15 May".

use chrono::{DateTime, Datelike as _, Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;

use crate::calendar::{YEARS, last_of_month, monday, shift};
use crate::meaning::SpanKind;
use crate::reader::{Length, Problem, Read, Reader};
use crate::words::{Sense, Unit};

/// A span of days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Period {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub kind: SpanKind,
    /// The exact begin and end, for hours.
    pub exact: Option<(DateTime<Tz>, DateTime<Tz>)>,
    /// It ends now.
    pub until_now: bool,
}

impl Period {
    pub fn new(from: NaiveDate, to: NaiveDate, kind: SpanKind) -> Self {
        Self { from, to, kind, exact: None, until_now: false }
    }
}

/// The months from one on.
fn months(from: NaiveDate, count: u32, kind: SpanKind) -> Option<Period> {
    let last = from.checked_add_months(Months::new(count.saturating_sub(1)))?;
    Some(Period::new(from, last_of_month(last), kind))
}

/// The first day of a month so many months from another.
fn month_from(date: NaiveDate, by: i32) -> Option<NaiveDate> {
    let all = date.year() * 12 + i32::try_from(date.month0()).ok()? + by;
    let first = NaiveDate::from_ymd_opt(all.div_euclid(12), u32::try_from(all.rem_euclid(12)).ok()? + 1, 1)?;
    YEARS.contains(&first.year()).then_some(first)
}

impl Reader<'_> {
    /// The unit that holds today, moved by a number of units.
    pub fn unit_period(&self, unit: Unit, by: i32) -> Option<Period> {
        let today = self.today;
        let first_month = |size: i32| month_from(today, -(i32::try_from(today.month0()).ok()? % size) + by * size);
        match unit {
            Unit::Day => shift(today, i64::from(by)).map(|day| Period::new(day, day, SpanKind::Days)),
            Unit::Week => {
                let from = shift(monday(today), i64::from(by) * 7)?;
                Some(Period::new(from, shift(from, 6)?, SpanKind::Week))
            }
            Unit::Weekend => {
                let from = shift(monday(today), i64::from(by) * 7 + 5)?;
                Some(Period::new(from, shift(from, 1)?, SpanKind::Weekend))
            }
            Unit::Month => months(first_month(1)?, 1, SpanKind::Month),
            Unit::Quarter => months(first_month(3)?, 3, SpanKind::Quarter),
            Unit::HalfYear => months(first_month(6)?, 6, SpanKind::HalfYear),
            Unit::Year => months(first_month(12)?, 12, SpanKind::Year),
            _ => None,
        }
    }

    /// The month that is nearest, where no year is said.
    pub fn nearest_month(&self, month: u32, year: Option<i32>, kind: SpanKind, count: u32) -> Option<Period> {
        let of = |year: i32| months(NaiveDate::from_ymd_opt(year, month, 1)?, count, kind);
        if let Some(year) = year {
            return of(year);
        }
        let this = self.today.year();
        let distance = |period: &Period| {
            let ahead = (period.from - self.today).num_days();
            let behind = (self.today - period.to).num_days();
            ahead.max(behind).max(0)
        };
        [of(this - 1), of(this), of(this + 1)].into_iter().flatten().min_by_key(distance)
    }

    /// A span at this token. `led` where "in", "of", "for", "since" or the like stands before it.
    pub fn period(&self, at: usize, led: bool) -> Read<Period> {
        let start = at;
        let at = if self.has(at, Sense::The) { at + 1 } else { at };
        let (period, next) = self
            .week_beside(at, at > start)
            .or_else(|| self.counted_period(at))
            .or_else(|| self.near_period(at))
            .or_else(|| self.part_of_year(at))
            .or_else(|| self.month_period(at, led || at > start))
            .or_else(|| self.year_period(at, led))?;
        let period = match period {
            Ok(mut period) => {
                if self.has(next, Sense::ToDate) {
                    period.to = self.today;
                    period.until_now = true;
                    return Some((Ok(period), next + 1));
                }
                if period.until_now {
                    period.to = self.today;
                }
                Ok(period)
            }
            Err(problem) => Err(problem),
        };
        Some((period, next))
    }

    /// The date of the year in which it is nearest to today.
    pub fn nearest_date(&self, date: NaiveDate) -> NaiveDate {
        let back = date.with_year(date.year() - 1);
        back.filter(|back| (self.today - *back) < (date - self.today)).unwrap_or(date)
    }

    /// "the week before Christmas"
    fn week_beside(&self, at: usize, article: bool) -> Read<Period> {
        let back = self.has(at + 1, Sense::Before);
        // "the week of 16 November"
        if self.has(at, Sense::Unit(Unit::Week))
            && (self.has(at + 1, Sense::Of) || self.word(at + 1) == "vom")
            && let Some((date, next)) = self.date(at + 2 + usize::from(self.has(at + 2, Sense::The)), true)
        {
            let week = date.and_then(|date| {
                let day = if date.year_said { date.date } else { self.nearest_date(date.date) };
                let from = monday(day);
                let to = shift(from, 6).ok_or_else(|| self.out_of_range(at, next))?;
                Ok(Period::new(from, to, SpanKind::Week))
            });
            return Some((week, next));
        }
        if !article || self.unit(at) != Some(Unit::Week) || !(back || self.has(at + 1, Sense::After)) {
            return None;
        }
        let (day, next) = self.day(at + 2, true, 2)?;
        let week = day.and_then(|day| {
            let from = shift(monday(day.date), if back { -7 } else { 7 });
            let period = from.and_then(|from| Some(Period::new(from, shift(from, 6)?, SpanKind::Week)));
            period.ok_or_else(|| self.out_of_range(at, next))
        });
        Some((week, next))
    }

    /// "this week", "last month", "year to date", "the week after next".
    fn near_period(&self, at: usize) -> Read<Period> {
        // "ytd" is one word.
        if self.has(at, Sense::ToDate)
            && let Some(unit) = self.unit(at)
        {
            let mut period = self.unit_period(unit, 0)?;
            period.to = self.today;
            period.until_now = true;
            return Some((Ok(period), at + 1));
        }
        if let Some(unit) = self.unit(at) {
            if self.has(at + 1, Sense::AfterNext) {
                return Some((Ok(self.unit_period(unit, 2)?), at + 2));
            }
            let before = at > 0 && self.any(at - 1, &[Sense::The, Sense::On]);
            return (unit == Unit::Weekend && before).then(|| Some((Ok(self.unit_period(unit, 0)?), at + 1)))?;
        }
        let by = if self.has(at, Sense::This) {
            0
        } else if self.has(at, Sense::Next) {
            1
        } else if self.has(at, Sense::AfterNext) {
            2
        } else if self.has(at, Sense::Last) {
            -1
        } else {
            return None;
        };
        if let Some(month) = self.month(at + 1).filter(|_| self.day_number(at + 2).is_none_or(|(.., th)| !th)) {
            let this = self.nearest_month(month, Some(self.today.year()), SpanKind::Month, 1)?;
            let year = match by {
                0 => self.today.year(),
                -1 if this.to < self.today => self.today.year(),
                -1 => self.today.year() - 1,
                _ if this.from > self.today => self.today.year(),
                _ => self.today.year() + 1,
            };
            return Some((Ok(self.nearest_month(month, Some(year), SpanKind::Month, 1)?), at + 2));
        }
        let unit = self.unit(at + 1).filter(|unit| !matches!(unit, Unit::Day | Unit::WorkDay))?;
        if self.token(at + 1).is_some_and(|token| token.possessive && unit == Unit::Week) {
            return Some((Ok(self.unit_period(unit, by)?), at + 2));
        }
        Some((Ok(self.unit_period(unit, by)?), at + 2))
    }

    /// "the past 30 days", "the next 3 weeks", "the last 24 hours", "the past hour".
    fn counted_period(&self, at: usize) -> Read<Period> {
        let ahead = self.has(at, Sense::Next);
        if !ahead && !self.any(at, &[Sense::Last, Sense::Past]) {
            return None;
        }
        let (length, next) = match self.length(at + 1) {
            Some((Ok(length), next)) => (length, next),
            Some((Err(problem), next)) => return Some((Err(problem), next)),
            None => {
                let past = self.has(at, Sense::Past);
                let unit = self.unit(at + 1).filter(|unit| past || matches!(unit, Unit::Hour | Unit::Minute))?;
                if unit == Unit::Weekend {
                    return Some((Ok(self.unit_period(unit, -1)?), at + 2));
                }
                let one = match unit {
                    Unit::Minute => Length { seconds: 60, ..Length::default() },
                    Unit::Hour => Length { seconds: 3600, ..Length::default() },
                    Unit::Day => Length { days: 1, ..Length::default() },
                    Unit::Week => Length { days: 7, ..Length::default() },
                    Unit::Fortnight => Length { days: 14, ..Length::default() },
                    Unit::HalfYear => Length { months: 6, ..Length::default() },
                    Unit::Month => Length { months: 1, ..Length::default() },
                    Unit::Quarter => Length { months: 3, ..Length::default() },
                    Unit::Year => Length { months: 12, ..Length::default() },
                    _ => return None,
                };
                (Length { unit: Some(unit), count: 1, ..one }, at + 2)
            }
        };
        // "the last two weekends"
        if length.unit == Some(Unit::Weekend) {
            let count = i32::try_from(length.count).ok().filter(|count| (1..=520).contains(count))?;
            let (first, last) = if ahead { (1, count) } else { (-count, -1) };
            let (first, last) = (self.unit_period(Unit::Weekend, first)?, self.unit_period(Unit::Weekend, last)?);
            return Some((Ok(Period::new(first.from, last.to, SpanKind::Weekend)), next));
        }
        let too_far = || Some((Err::<Period, Problem>(self.out_of_range(at, next)), next));
        let now = self.setting.now;
        if length.is_clock() {
            let Some(by) = i64::try_from(length.seconds).ok().and_then(TimeDelta::try_seconds) else {
                return too_far();
            };
            let other = if ahead { now.checked_add_signed(by) } else { now.checked_sub_signed(by) };
            let Some(other) = other.filter(|other| YEARS.contains(&other.year())) else { return too_far() };
            let (from, to) = if ahead { (now, other) } else { (other, now) };
            let mut period = Period::new(from.date_naive(), to.date_naive(), SpanKind::Hours);
            period.exact = Some((from, to));
            period.until_now = !ahead;
            return Some((Ok(period), next));
        }
        let Some(other) = self.moved(self.today, &length, !ahead) else { return too_far() };
        let kind = match length.unit {
            Some(Unit::Week | Unit::Fortnight) => SpanKind::Week,
            Some(Unit::Month | Unit::Quarter | Unit::HalfYear) => SpanKind::Month,
            Some(Unit::Year) => SpanKind::Year,
            _ => SpanKind::Days,
        };
        let (from, to) = if ahead { (self.today, other) } else { (other, self.today) };
        let mut period = Period::new(from, to, kind);
        period.until_now = !ahead;
        Some((Ok(period), next))
    }

    /// The date so far from another.
    pub fn moved(&self, date: NaiveDate, length: &Length, back: bool) -> Option<NaiveDate> {
        let sign = if back { -1 } else { 1 };
        let count = Months::new(u32::try_from(length.months).ok()?);
        let date = if back { date.checked_sub_months(count)? } else { date.checked_add_months(count)? };
        let date = shift(date, i64::try_from(length.days).ok()? * sign)?;
        if length.working_days == 0 {
            return Some(date);
        }
        crate::calendar::shift_working(date, i64::try_from(length.working_days).ok()? * sign)
    }

    /// "Q3 2025", "H1", "the first half of 2026", "third quarter of 2025".
    fn part_of_year(&self, at: usize) -> Read<Period> {
        let short = |word: &str| match word {
            "q" => Some(3),
            "h" => Some(6),
            _ => None,
        };
        let (size, n, next) = if let Some(size) = short(self.word(at)).filter(|_| self.glued(at + 1)) {
            let (_, n) = self.digits(at + 1)?;
            (size, u32::try_from(n).ok()?, at + 2)
        } else {
            let (n, next) = match self.ordinal(at) {
                Some(found) => found,
                None if self.has(at, Sense::Last) && self.any(at + 1, &[Sense::Half]) => (2, at + 1),
                None => return None,
            };
            if self.unit(next) == Some(Unit::Quarter) {
                (3, n, next + 1)
            } else if self.any(next, &[Sense::Half, Sense::Unit(Unit::HalfYear)]) {
                (6, n, next + 1)
            } else {
                return None;
            }
        };
        if n == 0 || n > 12 / size {
            return None;
        }
        let of = usize::from(self.has(next, Sense::Of));
        let the = usize::from(of == 1 && self.any(next + 1, &[Sense::The, Sense::This]));
        let kind = if size == 3 { SpanKind::Quarter } else { SpanKind::HalfYear };
        let (year, next) = if let Some(year) = self.year(next + of) {
            (Some(year), next + of + 1)
        } else if self.has(next + of, Sense::Next) && self.unit(next + of + 1) == Some(Unit::Year) {
            (Some(self.today.year() + 1), next + of + 2)
        } else if self.has(next + of, Sense::Last) && self.unit(next + of + 1) == Some(Unit::Year) {
            (Some(self.today.year() - 1), next + of + 2)
        } else if self.unit(next + of + the) == Some(Unit::Year) && of == 1 {
            (Some(self.today.year()), next + of + the + 1)
        } else {
            (None, next)
        };
        if year.is_some_and(|year| !YEARS.contains(&year)) {
            return Some((Err(self.out_of_range(at, next)), next));
        }
        let year = year.unwrap_or(self.today.year());
        Some((Ok(self.nearest_month((n - 1) * size + 1, Some(year), kind, size)?), next))
    }

    /// "October", "October 2025".
    fn month_period(&self, at: usize, led: bool) -> Read<Period> {
        let month = self.month(at)?;
        let of = usize::from(self.has(at + 1, Sense::Of));
        let year = self.year(at + 1 + of);
        if year.is_some_and(|year| !YEARS.contains(&year)) {
            return Some((Err(self.out_of_range(at, at + 2 + of)), at + 2 + of));
        }
        if self.is_weak(at) && !led && year.is_none() {
            return None;
        }
        let next = if year.is_some() { at + 2 + of } else { at + 1 };
        Some((Ok(self.nearest_month(month, year, SpanKind::Month, 1)?), next))
    }

    /// "2024" behind a word that leads to it.
    fn year_period(&self, at: usize, led: bool) -> Read<Period> {
        // "the year 9999"
        let named = self.unit(at) == Some(Unit::Year) && self.digits(at + 1).is_some();
        let place = if named { at + 1 } else { at };
        let (length, value) = self.digits(place)?;
        if named && !(length == 4 && YEARS.contains(&i32::try_from(value).unwrap_or(0))) {
            return Some((Err(self.out_of_range(at, place + 1)), place + 1));
        }
        let year = self.year(place)?;
        if !(named || led && !self.counts_things(place + 1)) {
            return None;
        }
        if !YEARS.contains(&year) {
            let plausible = !(2201..=9998).contains(&year) && year < 1900;
            return (plausible || year == 9999).then(|| (Err(self.out_of_range(at, place + 1)), place + 1));
        }
        Some((Ok(months(NaiveDate::from_ymd_opt(year, 1, 1)?, 12, SpanKind::Year)?), place + 1))
    }
}
