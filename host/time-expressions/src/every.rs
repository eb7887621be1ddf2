//! The core of a recurrence: "every other Monday", "daily", "the last Friday of every month", "twice a day", cron.

use chrono::{Datelike as _, Weekday};

use crate::meaning::Reason;
use crate::reader::{Problem, Read, Reader};
use crate::words::{Ask, Holiday, Note, Part, Sense, Unit};

/// A recurrence without its times of day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Every {
    pub unit: Unit,
    pub interval: u32,
    pub days: Vec<Weekday>,
    pub nth: Option<i8>,
    /// Further ones of the same weekday: "the first and third Monday".
    pub also: Vec<i8>,
    pub working: bool,
    pub month_days: Vec<i32>,
    /// The minute of each hour.
    pub minute: u32,
    pub months: Vec<u32>,
    pub part: Option<Part>,
    /// A cron expression of six fields.
    pub cron: Option<String>,
}

impl Every {
    pub fn of(unit: Unit, interval: u32) -> Self {
        let (unit, interval) = match unit {
            Unit::Fortnight => (Unit::Week, interval.saturating_mul(2)),
            Unit::HalfYear => (Unit::Month, interval.saturating_mul(6)),
            unit => (unit, interval),
        };
        let mut every = Self {
            unit,
            interval,
            days: Vec::new(),
            nth: None,
            also: Vec::new(),
            working: false,
            month_days: Vec::new(),
            minute: 0,
            months: Vec::new(),
            part: None,
            cron: None,
        };
        match unit {
            Unit::WorkDay => {
                every.unit = Unit::Week;
                every.days = WORKING.to_vec();
            }
            Unit::Weekend => {
                every.unit = Unit::Week;
                every.days = vec![Weekday::Sat, Weekday::Sun];
            }
            _ => {}
        }
        every
    }

    fn on(days: Vec<Weekday>, interval: u32) -> Self {
        Self { days, ..Self::of(Unit::Week, interval) }
    }

    fn nth(n: i8, weekday: Option<Weekday>) -> Self {
        Self {
            nth: Some(n),
            working: weekday.is_none(),
            days: weekday.into_iter().collect(),
            ..Self::of(Unit::Month, 1)
        }
    }

    fn on_month_days(days: Vec<i32>) -> Self {
        Self { month_days: days, ..Self::of(Unit::Month, 1) }
    }
}

/// Monday to Friday.
pub(crate) const WORKING: [Weekday; 5] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];

/// How many weekdays or days of the month one list has.
const MAX_LIST: usize = 31;

impl Reader<'_> {
    /// A recurrence at this token.
    pub fn every(&self, at: usize) -> Read<Every> {
        if let Some(read) = self.cron(at) {
            return Some(read);
        }
        let start = at;
        let at = if self.has(at, Sense::On) { at + 1 } else { at };
        if let Some(read) = self.edge_of_every(start + usize::from(self.any(start, &[Sense::On, Sense::At]))) {
            return Some(read);
        }
        if let Some(read) = self.past_every_hour(start + usize::from(self.has(start, Sense::At))) {
            return Some(read);
        }
        // "on day 10 of every month"
        let numbered = at + usize::from(self.has(at, Sense::The));
        if self.unit(numbered) == Some(Unit::Day)
            && let Some((_, day)) = self.digits(numbered + 1).filter(|(length, _)| *length < 3)
            && let Some((true, Unit::Month, next)) = self.of_month(numbered + 2)
        {
            return Some((self.month_days(vec![i32::try_from(day).ok()?], at, next), next));
        }
        // "any day but Friday"
        if self.word(at) == "any"
            && matches!(self.unit(at + 1), Some(Unit::Day | Unit::WorkDay))
            && (self.word(at + 2) == "but" || self.has(at + 2, Sense::Except))
        {
            return Some((Ok(Every::of(self.unit(at + 1)?, 1)), at + 2));
        }
        // "halbstündlich"
        if self.word(at) == "halbstündlich" {
            return Some((Ok(Every::of(Unit::Minute, 30)), at + 1));
        }
        // "on alternate Fridays"
        if self.has(at, Sense::Other) && self.weekdays(at + 1).is_some() {
            let (days, next) = self.weekday_list(at + 1)?;
            return Some((Ok(Every::on(days, 2)), next));
        }
        if let Some(read) = self.nth_of_every(at) {
            return Some(read);
        }
        let at = if at > start && self.has(at, Sense::The) { at + 1 } else { at };
        let adverb = |at| self.find(at, |sense| if let Sense::Adverb(unit) = sense { Some(*unit) } else { None });
        if let Some(unit) = adverb(at) {
            let part = self.part(at);
            return Some((Ok(Every { part, ..Every::of(unit, 1) }), at + 1));
        }
        if let Some(unit) = self.find(at, |sense| if let Sense::Twofold(unit) = sense { Some(*unit) } else { None }) {
            return Some((Err(self.how_often(at, at + 1, unit)), at + 1));
        }
        if let Some(read) = self.times_per(at) {
            return Some(read);
        }
        if self.has(at, Sense::Every) {
            let place =
                if matches!(self.word(at + 1), "single" | "full" | "volle" | "vollen") { at + 2 } else { at + 1 };
            return self.after_every(at, place);
        }
        if self.weekdays(at).is_some() {
            let (days, next) = self.weekday_list(at)?;
            return Some((Ok(Every { part: self.part(at), ..Every::on(days, 1) }), next));
        }
        if let Some(unit @ (Unit::WorkDay | Unit::Weekend)) =
            self.find(at, |sense| if let Sense::Units(unit) = sense { Some(*unit) } else { None })
            && !self.any(at.wrapping_sub(1), &[Sense::Next, Sense::Last])
        {
            return Some((Ok(Every::of(unit, 1)), at + 1));
        }
        // "weekday mornings"
        if let Some(unit @ (Unit::WorkDay | Unit::Weekend)) = self.unit(at)
            && let Some(part) = self.parts(at + 1)
        {
            return Some((Ok(Every { part: Some(part), ..Every::of(unit, 1) }), at + 2));
        }
        let part = self.parts(at)?;
        Some((Ok(Every { part: Some(part), ..Every::of(Unit::Day, 1) }), at + 1))
    }

    /// "quarter past every hour", "15 minutes past every hour".
    fn past_every_hour(&self, at: usize) -> Read<Every> {
        let spoken = self.find(at, |sense| if let Sense::Spoken(n) = sense { Some(*n) } else { None });
        let (minute, place) = match spoken {
            Some(minute) => (u32::try_from(minute).ok()?, at + 1),
            None => {
                let (minute, next) = self.count(at).filter(|(minute, _)| (1..60).contains(minute))?;
                let next = next + usize::from(self.unit(next) == Some(Unit::Minute));
                let past = self.any(next, &[Sense::MinutesPast, Sense::After]);
                (u32::try_from(minute).ok().filter(|_| past)?, next + 1)
            }
        };
        let hour = self.has(place, Sense::Every) && self.unit(place + 1) == Some(Unit::Hour);
        hour.then(|| (Ok(Every { minute, ..Every::of(Unit::Hour, 1) }), place + 2))
    }

    /// "at the end of every month, "at the start of each week".
    fn edge_of_every(&self, at: usize) -> Read<Every> {
        let end = self.has(at, Sense::EndOf);
        if !end && !self.has(at, Sense::StartOf) {
            return None;
        }
        let place = at + 1 + usize::from(self.has(at + 1, Sense::Of));
        if !self.has(place, Sense::Every) {
            return None;
        }
        let of_quarter = || if end { vec![3, 6, 9, 12] } else { vec![1, 4, 7, 10] };
        let every = match self.unit(place + 1)? {
            Unit::Month => Every::on_month_days(vec![if end { -1 } else { 1 }]),
            Unit::Quarter => Every { months: of_quarter(), ..Every::on_month_days(vec![if end { -1 } else { 1 }]) },
            Unit::Week => Every::on(vec![if end { Weekday::Fri } else { Weekday::Mon }], 1),
            Unit::Year => {
                if end {
                    self.yearly(31, 12)
                } else {
                    self.yearly(1, 1)
                }
            }
            Unit::Day | Unit::WorkDay => {
                let part = if end { Part::EndOfDay } else { Part::Morning };
                Every { part: Some(part), ..Every::of(self.unit(place + 1)?, 1) }
            }
            _ => return None,
        };
        Some((Ok(every), place + 2))
    }

    fn how_often(&self, from: usize, to: usize, unit: Unit) -> Problem {
        let mut problem = Problem::new(Reason::AmbiguousRecurrence, Ask::HowOften(self.said(from, to)));
        problem.answers = self.voice.twofold(unit);
        problem
    }

    /// "once a week", "twice a day", "three times per month".
    fn times_per(&self, at: usize) -> Read<Every> {
        let fold = self.find(at, |sense| if let Sense::Fold(n) = sense { Some(u64::from(*n)) } else { None });
        let (count, place) = if let Some(count) = fold {
            (count, at + 1)
        } else if self.has(at, Sense::Once) {
            (1, at + 1)
        } else if self.has(at, Sense::Twice) {
            (2, at + 1)
        } else {
            let (count, next) = self.count(at).filter(|(_, next)| self.has(*next, Sense::Times))?;
            (count, next + 1)
        };
        let adverb = self.find(place, |sense| if let Sense::Adverb(unit) = sense { Some(*unit) } else { None });
        let (unit, next) = match adverb {
            Some(unit) => (unit, place + 1),
            None if self.any(place, &[Sense::A, Sense::Per, Sense::Every, Sense::In, Sense::On]) => {
                (self.unit(place + 1)?, place + 2)
            }
            None => return None,
        };
        if count == 1 {
            return Some((Ok(Every::of(unit, 1)), next));
        }
        let mut problem = self.how_often(at, next, unit);
        if count > 2 {
            problem.answers = self.voice.times_a(count, unit);
        }
        Some((Err(problem), next))
    }

    /// Weekdays with "and", "or", commas and ranges.
    pub fn weekday_list(&self, at: usize) -> Option<(Vec<Weekday>, usize)> {
        let day = |place: usize| self.weekday(place).or_else(|| self.weekdays(place));
        let mut days = vec![day(at)?];
        let mut next = at + 1;
        while days.len() < MAX_LIST {
            let dash = self.mark(next, '-') || self.any(next, &[Sense::To, Sense::Until]);
            if dash && let Some(last) = day(next + 1) {
                let mut from = days[days.len() - 1];
                while from != last {
                    from = from.succ();
                    days.push(from);
                }
                next += 2;
                continue;
            }
            let comma = self.mark(next, ',') || self.mark(next, '/');
            let place = next + usize::from(comma);
            let place = place + usize::from(self.has(place, Sense::And));
            let place = if place > next && self.any(place, &[Sense::On, Sense::Every]) { place + 1 } else { place };
            match day(place).filter(|_| place > next) {
                Some(day) => days.push(day),
                None => break,
            }
            next = place + 1;
        }
        days.sort_by_key(Weekday::num_days_from_monday);
        days.dedup();
        Some((days, next))
    }

    /// "of the month", "of every month", "im Monat": where it ends, and whether "every" is said.
    fn of_month(&self, at: usize) -> Option<(bool, Unit, usize)> {
        // "jedes Monats" needs no word before it.
        let german = self.setting.language == crate::setting::Language::German;
        if german
            && self.has(at, Sense::Every)
            && let Some(unit @ (Unit::Month | Unit::Quarter | Unit::Year)) = self.unit(at + 1)
        {
            return Some((true, unit, at + 2));
        }
        if !self.any(at, &[Sense::Of, Sense::In]) {
            return None;
        }
        let every = self.any(at + 1, &[Sense::Every, Sense::A]);
        let place = if every || self.has(at + 1, Sense::The) { at + 2 } else { at + 1 };
        let unit = self.unit(place).filter(|unit| matches!(unit, Unit::Month | Unit::Quarter | Unit::Year))?;
        Some((every, unit, place + 1))
    }

    /// "the first Monday of every month", "the 1st and 15th of each month", "last day of every month".
    fn nth_of_every(&self, at: usize) -> Read<Every> {
        let at = if self.has(at, Sense::The) { at + 1 } else { at };
        let (ns, place) = self.nth_list(at)?;
        let n = ns[0];
        let also: Vec<i8> = ns[1..].iter().filter_map(|n| i8::try_from(*n).ok()).collect();
        if !also.is_empty() && (self.weekday(place).is_none() || ns.iter().any(|n| !(-3..=5).contains(n))) {
            // A list of days of the month is read below.
            let (days, next) = self.ordinal_list(at)?;
            let (every, unit, next) = self.of_month(next)?;
            return (every && unit == Unit::Month).then(|| (self.month_days(days, at, next), next));
        }
        let weekday = self.weekday(place);
        let unit = self.unit(place);
        if let Some(weekday) = weekday {
            // "the last Monday of every May"
            let of = self.any(place + 1, &[Sense::Of, Sense::In]) && self.has(place + 2, Sense::Every);
            if let Some(month) = self.month(place + 3).filter(|_| of && (-3..=5).contains(&n)) {
                let every = Every::nth(i8::try_from(n).ok()?, Some(weekday));
                return Some((Ok(Every { months: vec![month], also, ..every }), place + 4));
            }
            let (every, unit, next) = self.of_month(place + 1)?;
            if unit != Unit::Month || !(-3..=5).contains(&n) {
                return None;
            }
            if !every {
                self.note(Note::EveryMonth);
            }
            let every = Every::nth(i8::try_from(n).ok()?, Some(weekday));
            return Some((Ok(Every { also, ..every }), next));
        }
        if let Some(unit @ (Unit::Day | Unit::WorkDay)) = unit {
            let (every, of, next) = self.of_month(place + 1)?;
            if !every {
                return None;
            }
            let months = if n < 0 { vec![3, 6, 9, 12] } else { vec![1, 4, 7, 10] };
            let months = if of == Unit::Quarter { months } else { Vec::new() };
            let every = match unit {
                Unit::WorkDay => Every::nth(i8::try_from(n).ok()?, None),
                _ => Every::on_month_days(vec![n]),
            };
            return (of != Unit::Year && (1..=31).contains(&n.abs())).then_some((Ok(Every { months, ..every }), next));
        }
        if n < 0 {
            return None;
        }
        let (days, next) = self.ordinal_list(at)?;
        let (every, unit, next) = self.of_month(next)?;
        (every && unit == Unit::Month).then(|| (self.month_days(days, at, next), next))
    }

    /// "second to last" as -2.
    pub fn counted_back(&self, at: usize) -> Option<i8> {
        self.find(at, |sense| if let Sense::FromEnd(n) = sense { Some(*n) } else { None })
    }

    /// "first and third", "first and last".
    pub fn nth_list(&self, at: usize) -> Option<(Vec<i32>, usize)> {
        let number = |place: usize| match self.has(place, Sense::Last) {
            true => Some((-1, place + 1)),
            false if self.counted_back(place).is_some() => self.counted_back(place).map(|n| (i32::from(n), place + 1)),
            false => self.ordinal(place).map(|(n, next)| (n as i32, next)),
        };
        let (first, mut next) = number(at)?;
        let mut all = vec![first];
        while all.len() < 5 {
            let place = next + usize::from(self.mark(next, ','));
            let place = place + usize::from(self.has(place, Sense::And));
            let place = place + usize::from(place > next && self.has(place, Sense::The));
            let Some((n, end)) = number(place).filter(|_| place > next) else { break };
            all.push(n);
            next = end;
        }
        Some((all, next))
    }

    /// "1st and 15th".
    pub fn ordinal_list(&self, at: usize) -> Option<(Vec<i32>, usize)> {
        let number = |place: usize| self.ordinal(place).map(|(n, next)| (n as i32, next));
        let (first, mut next) = number(at)?;
        let mut days = vec![first];
        while days.len() < MAX_LIST {
            let place = next + usize::from(self.mark(next, ','));
            let place = place + usize::from(self.has(place, Sense::And));
            let place = place + usize::from(place > next && self.has(place, Sense::The));
            let Some((day, end)) = number(place).filter(|_| place > next) else { break };
            days.push(day);
            next = end;
        }
        Some((days, next))
    }

    pub fn month_days(&self, days: Vec<i32>, from: usize, to: usize) -> Result<Every, Problem> {
        if days.iter().all(|day| (1..=31).contains(day)) {
            return Ok(Every::on_month_days(days));
        }
        Err(Problem::new(Reason::NoSuchDay, Ask::NoSuchDay(self.said(from, to))))
    }

    /// What stands behind "every".
    fn after_every(&self, start: usize, at: usize) -> Read<Every> {
        if self.has(at, Sense::Other) {
            if self.weekday(at + 1).is_some() {
                let (days, next) = self.weekday_list(at + 1)?;
                return Some((Ok(Every::on(days, 2)), next));
            }
            let unit = self.unit(at + 1)?;
            return Some((self.counted(unit, 2, start, at + 2), at + 2));
        }
        if self.has(at, Sense::Last) {
            if let Some(weekday) = self.weekday(at + 1) {
                let next = self.of_month(at + 2).map_or(at + 2, |(.., next)| next);
                return Some((Ok(Every::nth(-1, Some(weekday))), next));
            }
            let (_, _, next) = self.of_month(at + 2)?;
            return match self.unit(at + 1)? {
                Unit::Day => Some((Ok(Every::on_month_days(vec![-1])), next)),
                Unit::WorkDay => Some((Ok(Every::nth(-1, None)), next)),
                _ => None,
            };
        }
        // "every 24 December"
        if let Some((date, next)) = self.date(at, true)
            && (self.month(at).is_some() || self.month(next - 1).is_some())
        {
            return Some((date.map(|date| self.yearly(date.date.day(), date.date.month())), next));
        }
        if let Some((all, next)) = self.nth_list(at).filter(|(all, _)| all.len() > 1)
            && let Some(weekday) = self.weekday(next)
            && all.iter().all(|n| (-3..=5).contains(n))
        {
            let end = self.of_month(next + 1).map_or(next + 1, |(.., end)| end);
            let also = all[1..].iter().filter_map(|n| i8::try_from(*n).ok()).collect();
            return Some((Ok(Every { also, ..Every::nth(i8::try_from(all[0]).ok()?, Some(weekday)) }), end));
        }
        if let Some((n, next)) = self.ordinal(at) {
            return self.every_ordinal(start, at, n, next);
        }
        if self.weekday(at).is_some() || self.weekdays(at).is_some() {
            let (days, next) = self.weekday_list(at)?;
            return Some((Ok(Every { part: self.part(at), ..Every::on(days, 1) }), next));
        }
        if let Some(month) = self.month(at) {
            self.note(Note::AssumedFirst);
            return Some((Ok(self.yearly(1, month)), at + 1));
        }
        if let Some(which) = self.find(at, |sense| if let Sense::Holiday(h) = sense { Some(*h) } else { None }) {
            let next = at + 1;
            return Some(match which {
                Holiday::Fixed(month, day) => (Ok(self.yearly(day, month)), next),
                Holiday::Nth(n, day, month) => (Ok(Every { months: vec![month], ..Every::nth(n, Some(day)) }), next),
                _ => (Err(Problem::new(Reason::AmbiguousRecurrence, Ask::HowOften(self.said(start, next)))), next),
            });
        }
        if let Some(part) = self.part(at).or_else(|| self.parts(at)) {
            return Some((Ok(Every { part: Some(part), ..Every::of(Unit::Day, 1) }), at + 1));
        }
        if self.find(at, |sense| if let Sense::Sharp(hour) = sense { Some(*hour) } else { None }).is_some() {
            return Some((Ok(Every::of(Unit::Day, 1)), at));
        }
        if let Some(unit) = self.unit(at) {
            return Some((self.counted(unit, 1, start, at + 1), at + 1));
        }
        // "every two Mondays"
        if let Some((count, place)) = self.count(at)
            && (1..=52).contains(&count)
            && self.weekdays(place).is_some()
        {
            let (days, next) = self.weekday_list(place)?;
            return Some((Ok(Every::on(days, u32::try_from(count).ok()?)), next));
        }
        let (length, next) = self.length(at)?;
        let length = match length {
            Ok(length) => length,
            Err(problem) => return Some((Err(problem), next)),
        };
        let unit = length.unit?;
        let every = if length.is_clock() {
            let seconds = length.seconds;
            match (seconds % 3600, seconds % 60) {
                (0, _) => self.counted(Unit::Hour, seconds / 3600, start, next),
                (_, 0) => self.counted(Unit::Minute, seconds / 60, start, next),
                _ => self.counted(Unit::Second, seconds, start, next),
            }
        } else {
            let one_unit = (length.days > 0) as u8 + (length.months > 0) as u8 + (length.seconds > 0) as u8;
            if one_unit > 1 {
                return Some((Err(Problem::new(Reason::LeftOver, Ask::LeftOver(self.said(start, next)))), next));
            }
            self.counted(unit, length.count, start, next)
        };
        Some((every, next))
    }

    fn yearly(&self, day: u32, month: u32) -> Every {
        Every { month_days: vec![day as i32], months: vec![month], ..Every::of(Unit::Year, 1) }
    }

    fn counted(&self, unit: Unit, count: u64, from: usize, to: usize) -> Result<Every, Problem> {
        let count = u32::try_from(count).ok().filter(|count| (1..=10_000).contains(count));
        let Some(count) = count else {
            return Err(Problem::new(Reason::OutOfRange, Ask::BadCount(self.said(from, to))));
        };
        if count > 1 && matches!(unit, Unit::WorkDay | Unit::Weekend) {
            return Err(Problem::new(Reason::AmbiguousRecurrence, Ask::HowOften(self.said(from, to))));
        }
        Ok(Every::of(unit, count))
    }

    fn every_ordinal(&self, start: usize, at: usize, n: u32, place: usize) -> Read<Every> {
        if let Some(weekday) = self.weekday(place) {
            let of = self.of_month(place + 1).filter(|(_, unit, _)| *unit == Unit::Month);
            let nth = i8::try_from(n).ok().filter(|n| (1..=5).contains(n))?;
            if let Some((.., next)) = of {
                return Some((Ok(Every::nth(nth, Some(weekday))), next));
            }
            return Some(match n {
                1 => {
                    self.note(Note::EveryMonth);
                    (Ok(Every::nth(1, Some(weekday))), place + 1)
                }
                2 => {
                    self.note(Note::SecondIsOther);
                    (Ok(Every::on(vec![weekday], 2)), place + 1)
                }
                n => {
                    let ask = Ask::HowOften(self.said(start, place + 1));
                    let mut problem = Problem::new(Reason::AmbiguousRecurrence, ask);
                    problem.answers = self.voice.every_nth(n, weekday).to_vec();
                    (Err(problem), place + 1)
                }
            });
        }
        match self.unit(place) {
            Some(Unit::WorkDay) => {
                let (_, _, next) = self.of_month(place + 1)?;
                return Some((Ok(Every::nth(i8::try_from(n).ok()?, None)), next));
            }
            Some(Unit::Day) if self.of_month(place + 1).is_some() => {
                let (_, _, next) = self.of_month(place + 1)?;
                return Some((self.month_days(vec![n as i32], at, next), next));
            }
            Some(unit) => return Some((self.counted(unit, u64::from(n), start, place + 1), place + 1)),
            None => {}
        }
        let (days, next) = self.ordinal_list(at)?;
        let next = self.of_month(next).map_or(next, |(.., end)| end);
        Some((self.month_days(days, at, next), next))
    }
}
