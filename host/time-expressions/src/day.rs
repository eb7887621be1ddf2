//! One day: a weekday, a date, a holiday, an anchor with a distance ("a week on Tuesday"), and how they compose.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Timelike as _, Weekday};
use chrono_tz::Tz;

use crate::calendar::{YEARS, holiday, last_of_month, monday, nth, shift, shift_working};
use crate::clock::Clock;
use crate::meaning::Reason;
use crate::period::Period;
use crate::reader::{Length, Problem, Read, Reader};
use crate::words::{Ask, Note, Part, Sense, Unit};

/// A day that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Day {
    pub date: NaiveDate,
    pub part: Option<Part>,
    pub clock: Option<Clock>,
    /// An exact moment ("in 45 minutes").
    pub exact: Option<DateTime<Tz>>,
    /// Without an hour, the present time of day is kept ("in 2 weeks").
    pub keeps_time: bool,
    /// It is only a weekday's name.
    pub bare_weekday: bool,
    pub holiday: bool,
    /// "in about 2 hours"
    pub around: bool,
}

impl Day {
    pub fn of(date: NaiveDate) -> Self {
        Self {
            date,
            part: None,
            clock: None,
            exact: None,
            keeps_time: false,
            bare_weekday: false,
            holiday: false,
            around: false,
        }
    }
}

/// How deep anchors nest ("two days after the Monday before Easter").
const MAX_DEPTH: u32 = 3;

impl Reader<'_> {
    /// A day at this token. `led` where a preposition stands before it.
    pub fn day(&self, at: usize, led: bool, depth: u32) -> Read<Day> {
        if depth > MAX_DEPTH {
            return None;
        }
        let article = self.has(at, Sense::The);
        let place = if article { at + 1 } else { at };
        self.relative(at, depth)
            .or_else(|| self.near_weekday(place, depth))
            .or_else(|| self.day_of_period(place))
            .or_else(|| self.simple_date(place, led || article))
            .or_else(|| self.holiday_day(place))
            .or_else(|| self.weekday_day(place, led, depth))
            .or_else(|| self.month_day(place, led || article, article))
            .or_else(|| self.week_then_weekday(place))
            .or_else(|| self.month_then_day(place))
    }

    fn far(&self, from: usize, to: usize) -> Read<Day> {
        Some((Err(self.out_of_range(from, to)), to))
    }

    fn simple_date(&self, at: usize, led: bool) -> Read<Day> {
        let (date, next) = self.date(at, led)?;
        let date = match date {
            Ok(date) => date,
            Err(problem) => return Some((Err(problem), next)),
        };
        let day = Day { clock: date.clock, ..Day::of(date.date) };
        // "24 December (Thursday)", "24.12., Donnerstag"
        let place = if self.mark(next, ',') || self.mark(next, '(') { next + 1 } else { next };
        if let Some(said) = self.weekday(place)
            && !self.is_weak(place)
            && self.unit(place + 1).is_none()
            && self.day_number(place + 1).is_none()
        {
            let end = if self.mark(next, '(') && self.mark(place + 1, ')') { place + 2 } else { place + 1 };
            return Some((self.agrees(day, said), end));
        }
        Some((Ok(day), next))
    }

    /// The day, if it is of the weekday that was said.
    fn agrees(&self, day: Day, said: Weekday) -> Result<Day, Problem> {
        if day.date.weekday() == said {
            return Ok(day);
        }
        let mut dates = vec![day.date];
        dates.extend((1..=6).filter_map(|by| shift(day.date, by)).find(|date| date.weekday() == said));
        Err(Problem::new(Reason::Contradiction, Ask::OtherWeekday(day.date, said)).dates(dates))
    }

    /// "tomorrow", "in 3 days", "2 days ago", "a week on Tuesday", "the day before Christmas".
    fn relative(&self, at: usize, depth: u32) -> Read<Day> {
        if let Some(days) = self.find(at, |sense| if let Sense::Day(n) = sense { Some(*n) } else { None }) {
            let mut day = Day::of(shift(self.today, days)?);
            day.part = if self.is_weak(at) { None } else { self.part(at) };
            // "heute in 2 Wochen"
            if self.has(at + 1, Sense::In)
                && let Some((Ok(length), next)) = self.length(at + 2)
                && !length.is_clock()
            {
                let Some(date) = self.moved(day.date, &length, false) else { return self.far(at, next) };
                return Some((Ok(Day { date, ..day }), next));
            }
            return Some((Ok(day), at + 1));
        }
        let now = self.setting.now;
        let german = self.setting.language == crate::setting::Language::German;
        let inside = self.has(at, Sense::In);
        let ago_first = german && self.has(at, Sense::Ago);
        let begin = if inside || ago_first { at + 1 } else { at };
        // "in two Fridays"
        if inside
            && let Some((count, place)) = self.count(begin).filter(|(count, _)| (1..=60).contains(count))
            && let Some(weekday) = self.weekdays(place).or_else(|| self.weekday(place))
            && self.day_number(place + 1).is_none()
        {
            let date = shift(self.coming(weekday), (i64::try_from(count).ok()? - 1) * 7)?;
            return Some((Ok(Day::of(date)), place + 1));
        }
        let begin = if self.any(begin, &[Sense::The]) { begin + 1 } else { begin };
        let around = inside && self.has(begin, Sense::Around);
        let begin = begin + usize::from(around);
        let article = begin > at && self.has(begin - 1, Sense::The);
        let (length, next) = match self.length(begin) {
            Some((Ok(length), next)) => (length, next),
            Some((Err(problem), next)) => {
                let led = inside || ago_first || self.any(next, &[Sense::Ago, Sense::FromNow, Sense::From]);
                return led.then_some((Err(problem), next));
            }
            // "the day before Christmas"
            None if (article || german && begin > 0 && self.has(begin - 1, Sense::On))
                && self.unit(begin) == Some(Unit::Day) =>
            {
                let days = 1;
                if !self.any(begin + 1, &[Sense::Before, Sense::After]) {
                    return None;
                }
                (Length { days, unit: self.unit(begin), count: 1, ..Length::default() }, begin + 1)
            }
            None => return None,
        };
        // "in a second" means soon.
        if length.unit == Some(Unit::Second) && length.count < 2 {
            return None;
        }
        let signed = i64::try_from(length.seconds).ok().and_then(TimeDelta::try_seconds)?;
        let from_now = |back: bool, next: usize| -> Read<Day> {
            if length.is_clock() || length.seconds > 0 {
                let date = self.moved(self.today, &Length { seconds: 0, ..length }, back);
                let base = date.and_then(|date| {
                    let local = date.and_time(now.time());
                    crate::moment::settled(self.zone, local)
                });
                let at_moment =
                    base.and_then(
                        |base| {
                            if back { base.checked_sub_signed(signed) } else { base.checked_add_signed(signed) }
                        },
                    );
                let Some(exact) = at_moment.filter(|at| YEARS.contains(&at.year())) else { return self.far(at, next) };
                let exact = exact.with_second(0).and_then(|at| at.with_nanosecond(0)).unwrap_or(exact);
                return Some((Ok(Day { exact: Some(exact), around, ..Day::of(exact.date_naive()) }), next));
            }
            let Some(date) = self.moved(self.today, &length, back) else { return self.far(at, next) };
            Some((Ok(Day { keeps_time: true, around, ..Day::of(date) }), next))
        };
        if self.has(next, Sense::FromNow) {
            return from_now(false, next + 1);
        }
        if !german && self.has(next, Sense::Ago) {
            return from_now(true, next + 1);
        }
        if inside {
            // "in two days' time"
            let time = usize::from(self.has(next, Sense::TimeWord));
            let quote = usize::from(self.mark(next, '\'') && self.has(next + 1, Sense::TimeWord)) * 2;
            let next = next + time.max(quote);
            // "in 2 weeks on Friday"
            if length.unit == Some(Unit::Week) && length.months == 0 {
                let place = if self.has(next, Sense::On) { next + 1 } else { next };
                if let Some(weekday) = self.weekday(place) {
                    let week = monday(self.moved(self.today, &length, false)?);
                    let date = shift(week, i64::from(weekday.num_days_from_monday()))?;
                    return Some((Ok(Day::of(date)), place + 1));
                }
            }
            return from_now(false, next);
        }
        if ago_first {
            // "vor 9 Uhr" is a bound, and no length.
            return from_now(true, next);
        }
        let (back, place) = if self.has(next, Sense::From) || self.has(next, Sense::After) {
            (false, next + 1)
        } else if self.has(next, Sense::Before) {
            (true, next + 1)
        } else if length.unit == Some(Unit::Week) && length.days > 0 {
            (false, if self.has(next, Sense::On) { next + 1 } else { next })
        } else {
            return None;
        };
        let (anchor, end) = self.day(place, true, depth + 1)?;
        let anchor = match anchor {
            Ok(anchor) if !length.is_clock() && anchor.exact.is_none() => anchor,
            Ok(_) => return None,
            Err(problem) => return Some((Err(problem), end)),
        };
        let Some(date) = self.moved(anchor.date, &length, back) else { return self.far(at, end) };
        Some((Ok(Day { date, bare_weekday: false, holiday: false, ..anchor }), end))
    }

    /// The next day of this weekday, after today.
    pub fn coming(&self, weekday: Weekday) -> NaiveDate {
        (1..=7).filter_map(|by| shift(self.today, by)).find(|date| date.weekday() == weekday).unwrap_or(self.today)
    }

    /// "this Friday", "next Friday", "last Friday".
    fn near_weekday(&self, at: usize, depth: u32) -> Read<Day> {
        let by = |sense: Sense| self.has(at, sense);
        let weekday = self.weekday(at + 1)?;
        let week = monday(self.today);
        let in_week = |weeks: i64| shift(week, weeks * 7 + i64::from(weekday.num_days_from_monday()));
        // "last Sunday before Christmas"
        if by(Sense::Last) && self.has(at + 2, Sense::Before) {
            return self.weekday_day(at + 1, true, depth + 1);
        }
        let coming_word = matches!(self.word(at), "coming" | "upcoming") || self.word(at).starts_with("kommend");
        let date = if by(Sense::This) {
            let this = in_week(0)?;
            if this < self.today {
                let coming = self.coming(weekday);
                self.note(Note::Date(coming));
                coming
            } else {
                this
            }
        } else if coming_word {
            self.coming(weekday)
        } else if by(Sense::Next) {
            let date = in_week(1)?;
            self.note(Note::Date(date));
            date
        } else if by(Sense::AfterNext) {
            in_week(2)?
        } else if by(Sense::Last) && self.has(at + 2, Sense::Of) || by(Sense::Last) && self.has(at + 2, Sense::In) {
            return None;
        } else if by(Sense::Last) {
            (1..=7).filter_map(|back| shift(self.today, -back)).find(|date| date.weekday() == weekday)?
        } else {
            return None;
        };
        let day = Day { part: self.part(at + 1), ..Day::of(date) };
        // "next Friday, 4 December"
        let place = if self.mark(at + 2, ',') { at + 3 } else { at + 2 };
        let place = if self.has(place, Sense::The) { place + 1 } else { place };
        if let Some((other, next)) = self.date(place, true) {
            return Some(match other {
                Ok(other) if other.date == date => (Ok(Day { clock: other.clock, ..day }), next),
                Ok(other) => {
                    let problem = Problem::new(Reason::Contradiction, Ask::TwoDays(date, other.date));
                    (Err(problem.dates(vec![date, other.date])), next)
                }
                Err(problem) => (Err(problem), next),
            });
        }
        Some((Ok(day), at + 2))
    }

    /// "Friday", "Friday next week", "Friday week", "Friday, 4 December", "the Monday after Easter".
    fn weekday_day(&self, at: usize, led: bool, depth: u32) -> Read<Day> {
        let weekday = self.weekday(at)?;
        let in_week = |week: NaiveDate| shift(monday(week), i64::from(weekday.num_days_from_monday())).map(Day::of);
        let dot = usize::from(self.glued_mark(at + 1, '.') && self.digits(at + 2).is_some());
        let next = at + 1 + dot;
        let comma = usize::from(self.mark(next, ','));
        // A date, with or without a comma.
        let place = next + comma;
        let place = if self.any(place, &[Sense::The, Sense::On]) { place + 1 } else { place };
        if let Some((date, end)) = self.date(place, true) {
            return Some(match date {
                Ok(date) => (self.agrees(Day { clock: date.clock, ..Day::of(date.date) }, weekday), end),
                Err(problem) => (Err(problem), end),
            });
        }
        if let Some((Ok(day), end)) = self.month_day(place, true, place > next + comma) {
            return Some((self.agrees(day, weekday), end));
        }
        if self.is_weak(at) && !led {
            let clock = self.has(next, Sense::At) || self.clock(next, false).is_some();
            if !clock {
                return None;
            }
        }
        // The week.
        let of = usize::from(self.any(next, &[Sense::Of, Sense::In]));
        let the = next + of + usize::from(self.has(next + of, Sense::The));
        let week = |by: i64| shift(self.today, by * 7).and_then(in_week);
        if self.unit(the) == Some(Unit::Week) && self.has(the + 1, Sense::AfterNext) {
            return Some((Ok(week(2)?), the + 2));
        }
        if self.unit(the + 1) == Some(Unit::Week) {
            let by = [(Sense::Next, 1), (Sense::This, 0), (Sense::Last, -1), (Sense::AfterNext, 2)];
            if let Some((_, by)) = by.iter().find(|(sense, _)| self.has(the, *sense)) {
                return Some((Ok(week(*by)?), the + 2));
            }
        }
        if self.has(next, Sense::In)
            && let Some((Ok(length), end)) = self.length(next + 1)
            && length.unit == Some(Unit::Week)
        {
            return Some((Ok(in_week(self.moved(self.today, &length, false)?)?), end));
        }
        if self.has(next, Sense::AfterNext) {
            return Some((Ok(week(2)?), next + 1));
        }
        let week_word = self.has(next, Sense::Unit(Unit::Week));
        if week_word || self.has(next, Sense::Unit(Unit::Fortnight)) {
            let days = if week_word { 7 } else { 14 };
            return Some((Ok(Day::of(shift(self.coming(weekday), days)?)), next + 1));
        }
        // "the Monday after Easter"
        let after = self.has(next, Sense::After);
        if (after || self.has(next, Sense::Before))
            && self.clock(next + 1, true).is_none()
            && let Some((anchor, end)) = self.day(next + 1, true, depth + 1)
        {
            let anchor = match anchor {
                Ok(anchor) => anchor.date,
                Err(problem) => return Some((Err(problem), end)),
            };
            let sign = if after { 1 } else { -1 };
            let date = (1..=7).filter_map(|by| shift(anchor, by * sign)).find(|date| date.weekday() == weekday)?;
            return Some((Ok(Day::of(date)), end));
        }
        let day = Day { bare_weekday: true, part: self.part(at), ..Day::of(self.coming(weekday)) };
        Some((Ok(day), at + 1))
    }

    /// "next week Friday", "next week on Friday".
    fn week_then_weekday(&self, at: usize) -> Read<Day> {
        let (period, next) = self.period(at, false)?;
        let period = period.ok().filter(|period| period.kind == crate::meaning::SpanKind::Week && !period.until_now)?;
        let place = if self.mark(next, ',') { next + 1 } else { next };
        let place = if self.has(place, Sense::On) { place + 1 } else { place };
        let weekday = self.weekday(place)?;
        let date = shift(monday(period.from), i64::from(weekday.num_days_from_monday()))?;
        Some((Ok(Day::of(date)), place + 1))
    }

    /// "next month on the 5th".
    fn month_then_day(&self, at: usize) -> Read<Day> {
        if !self.any(at, &[Sense::Next, Sense::This]) {
            return None;
        }
        let (month, next) = self.month_said(at)?;
        let place = next + usize::from(self.mark(next, ','));
        if !self.has(place, Sense::On) {
            return None;
        }
        let place = place + 1 + usize::from(self.has(place + 1, Sense::The));
        let (number, end) = self.ordinal(place)?;
        if self.month(end).is_some() || self.has(end, Sense::Of) {
            return None;
        }
        Some((self.dated(number, month.month(), Some(month.year()), at, end).map(Day::of), end))
    }

    /// "the 15th", "the 15th of next month".
    fn month_day(&self, at: usize, led: bool, article: bool) -> Read<Day> {
        let (number, next) = self.ordinal(at)?;
        let digits = self.digits(at).is_some();
        let of_month = self.has(next, Sense::Of) && self.month_said(next + 1).is_some();
        if !led || !(digits || article && (number > 4 || of_month)) || !(1..=31).contains(&number) {
            return None;
        }
        // "the first of the month" is the next one.
        let plain = of_month && self.has(next + 1, Sense::The) && self.unit(next + 2) == Some(Unit::Month);
        let noun = self.token(next).is_some_and(|token| {
            token.kind == crate::lex::Kind::Word && token.senses.is_empty() && !token.lower.ends_with('s')
        });
        if noun && !digits || self.unit(next).is_some() || self.weekday(next).is_some() {
            return None;
        }
        let of = usize::from(self.any(next, &[Sense::Of, Sense::In]));
        let next = if plain { next + 3 } else { next };
        if let Some((month, end)) = self.month_said(next + of).filter(|_| of == 1 && !plain) {
            return Some((self.dated(number, month.month(), Some(month.year()), at, end).map(Day::of), end));
        }
        let mut month = self.today.with_day(1)?;
        for _ in 0..3 {
            if let Some(date) = month.with_day(number).filter(|date| *date >= self.today) {
                return Some((Ok(Day::of(date)), next));
            }
            month = shift(last_of_month(month), 1)?;
        }
        Some((Err(Problem::new(Reason::NoSuchDay, Ask::NoSuchDay(self.said(at, next)))), next))
    }

    /// The first day of "December", "next month", "the month", "this month".
    fn month_said(&self, at: usize) -> Option<(NaiveDate, usize)> {
        let (period, next) = self.month_or_period(at)?;
        (period.kind == crate::meaning::SpanKind::Month).then_some((period.from, next))
    }

    /// A month, quarter, week or year behind "of" or "in".
    pub fn month_or_period(&self, at: usize) -> Option<(Period, usize)> {
        let place = if self.has(at, Sense::The) { at + 1 } else { at };
        if let Some(unit) = self.unit(place).filter(|_| self.token(place).is_some_and(|token| !token.possessive))
            && !self.has(place + 1, Sense::AfterNext)
            && !self.has(place, Sense::ToDate)
        {
            return Some((self.unit_period(unit, 0)?, place + 1));
        }
        let month = self.month(place);
        if let Some(month) = month
            && self.year(place + 1).is_none()
        {
            // The next one that is not over.
            let this = self.nearest_month(month, Some(self.today.year()), crate::meaning::SpanKind::Month, 1)?;
            let year = if this.to >= self.today { self.today.year() } else { self.today.year() + 1 };
            return Some((self.nearest_month(month, Some(year), crate::meaning::SpanKind::Month, 1)?, place + 1));
        }
        let (period, next) = self.period(place, true)?;
        Some((period.ok().filter(|period| !period.until_now)?, next))
    }

    /// "end of the month", "the last day of next month", "the first Monday in December".
    fn day_of_period(&self, at: usize) -> Read<Day> {
        let edge = [(Sense::EndOf, 1), (Sense::StartOf, -1), (Sense::MiddleOf, 0)];
        if let Some((_, edge)) = edge.iter().find(|(sense, _)| self.has(at, *sense) && !self.has(at, Sense::Vague)) {
            let of = usize::from(self.has(at + 1, Sense::Of));
            let (period, next) = self.month_or_period(at + 1 + of)?;
            if self.day_number(next).is_some() && self.month(next - 1).is_some() {
                return None;
            }
            let week = period.kind == crate::meaning::SpanKind::Week;
            let date = match (edge, week) {
                (1, true) => shift(period.from, 4)?,
                (1, false) => period.to,
                (-1, _) => period.from,
                _ if week => shift(period.from, 2)?,
                _ => shift(period.from, (period.to - period.from).num_days() / 2)?,
            };
            self.note(Note::Date(date));
            return Some((Ok(Day::of(date)), next));
        }
        let (n, place) = if self.has(at, Sense::Last) {
            (-1, at + 1)
        } else {
            let (n, next) = self.ordinal(at)?;
            (i8::try_from(n).ok()?, next)
        };
        let weekday = self.weekday(place);
        let unit = self.unit(place).filter(|unit| matches!(unit, Unit::Day | Unit::WorkDay));
        let of = self.any(place + 1, &[Sense::Of, Sense::In]);
        // "on the third Friday": of which month?
        if let Some(weekday) = weekday.filter(|_| n > 0 && !(of && self.month_or_period(place + 2).is_some())) {
            let mut dates = Vec::new();
            let mut month = self.today.with_day(1)?;
            for _ in 0..3 {
                dates.extend(nth(month.year(), month.month(), n, weekday).filter(|date| *date > self.today));
                month = shift(last_of_month(month), 1)?;
            }
            dates.truncate(2);
            let ask = Ask::WhichDate(self.said(at, place + 1));
            return Some((Err(Problem::new(Reason::AmbiguousDate, ask).dates(dates)), place + 1));
        }
        if weekday.is_none() && unit.is_none() || !of {
            return None;
        }
        let (period, next) = self.month_or_period(place + 2)?;
        let no_such = || {
            let last = vec![period.to];
            Problem::new(Reason::NoSuchDay, Ask::NoSuchDay(self.said(at, next))).dates(last)
        };
        let pick = |period: &Period| match (weekday, unit) {
            (Some(weekday), _) if period.kind == crate::meaning::SpanKind::Month => {
                nth(period.from.year(), period.from.month(), n, weekday)
            }
            (Some(weekday), _) if n < 0 => {
                (0..7).filter_map(|by| shift(period.to, -by)).find(|date| date.weekday() == weekday)
            }
            (Some(weekday), _) => (0..7)
                .filter_map(|by| shift(period.from, by))
                .find(|date| date.weekday() == weekday)
                .and_then(|first| shift(first, (i64::from(n) - 1) * 7)),
            (None, Some(Unit::WorkDay)) if n < 0 => shift(period.to, 1).and_then(|end| shift_working(end, -1)),
            (None, Some(Unit::WorkDay)) => shift(period.from, -1).and_then(|start| shift_working(start, i64::from(n))),
            _ if n < 0 => Some(period.to),
            _ => shift(period.from, i64::from(n) - 1),
        };
        let mut date = pick(&period).filter(|date| (period.from..=period.to).contains(date));
        // "the first Monday of the year" is the next one.
        let plain = self.has(place + 2, Sense::The).then(|| self.unit(place + 3)).flatten();
        if let Some(unit) = plain
            && date.is_some_and(|date| date < self.today)
            && weekday.is_some()
        {
            let period = self.unit_period(unit, 1)?;
            date = pick(&period).filter(|date| (period.from..=period.to).contains(date));
        }
        Some((date.map(Day::of).ok_or_else(no_such), next))
    }

    /// "Christmas Eve", "Easter 2027", "last Christmas".
    fn holiday_day(&self, at: usize) -> Read<Day> {
        let by = if self.has(at, Sense::Last) {
            -1
        } else if self.any(at, &[Sense::Next, Sense::This]) {
            1
        } else {
            0
        };
        let place = if by == 0 { at } else { at + 1 };
        let which =
            self.find(place, |sense| if let Sense::Holiday(holiday) = sense { Some(*holiday) } else { None })?;
        let mut next = place + 1;
        let year = self.year(next).or_else(|| self.year(next + 1).filter(|_| self.any(next, &[Sense::In, Sense::Of])));
        let this = self.today.year();
        let mut years = vec![this, this + 1];
        if let Some(year) = year {
            next += if self.year(next).is_some() { 1 } else { 2 };
            if !YEARS.contains(&year) {
                return self.far(at, next);
            }
            years = vec![year];
        } else if by < 0 {
            years = vec![this, this - 1];
        }
        for of in years {
            let in_time =
                |date: &NaiveDate| year.is_some() || if by < 0 { *date < self.today } else { *date >= self.today };
            match holiday(which, of, self.setting.country)? {
                Ok(date) if in_time(&date) => return Some((Ok(Day { holiday: true, ..Day::of(date) }), next)),
                Ok(_) => {}
                Err(dates) if dates.is_empty() || dates.iter().all(in_time) || dates.iter().any(in_time) => {
                    let ask = Ask::HolidayOfCountry(self.said(place, place + 1));
                    let later = |date: NaiveDate| {
                        let month_day = NaiveDate::from_ymd_opt(of + 1, date.month(), date.day());
                        if in_time(&date) { Some(date) } else { month_day }
                    };
                    let dates = dates.into_iter().filter_map(later).collect();
                    return Some((Err(Problem::new(Reason::AmbiguousDate, ask).dates(dates)), next));
                }
                Err(_) => {}
            }
        }
        None
    }
}
