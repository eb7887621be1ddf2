//! The tokens with the setting, and what every reader of them needs: senses, marks, numbers, lengths.

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;

use crate::lex::{Kind, Token};
use crate::meaning::Reason;
use crate::setting::Setting;
use crate::words::{Ask, Note, Part, Sense, Table, Unit, Voice};

/// Why something cannot be read, and what could be answered. Boxed, because most readings have none.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Detail>);

/// What a [`Problem`] holds.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    pub reason: Reason,
    pub ask: Ask,
    pub dates: Vec<NaiveDate>,
    pub times: Vec<(u32, u32)>,
    pub cities: Vec<&'static str>,
    pub answers: Vec<String>,
}

impl std::ops::Deref for Problem {
    type Target = Detail;

    fn deref(&self) -> &Detail {
        &self.0
    }
}

impl std::ops::DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Detail {
        &mut self.0
    }
}

impl Problem {
    pub fn new(reason: Reason, ask: Ask) -> Self {
        let (dates, times, cities, answers) = Default::default();
        Self(Box::new(Detail { reason, ask, dates, times, cities, answers }))
    }

    pub fn dates(mut self, dates: Vec<NaiveDate>) -> Self {
        self.dates = dates;
        self
    }
}

/// What was read at a token, and the first token behind it.
pub(crate) type Read<T> = Option<(Result<T, Problem>, usize)>;

/// A length as it was said.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Length {
    pub seconds: u64,
    pub days: u64,
    pub working_days: u64,
    pub months: u64,
    /// The last unit.
    pub unit: Option<Unit>,
    /// How many of the last unit.
    pub count: u64,
}

impl Length {
    /// Whether it is made of hours, minutes or seconds.
    pub fn is_clock(&self) -> bool {
        self.seconds > 0 && self.days == 0 && self.months == 0 && self.working_days == 0
    }
}

/// The largest number that is read.
const MAX_COUNT: u64 = 100_000;

pub(crate) struct Reader<'a> {
    pub text: &'a str,
    pub tokens: Vec<Token>,
    pub setting: Setting<'a>,
    pub table: &'static Table,
    pub voice: &'static dyn Voice,
    pub today: NaiveDate,
    pub zone: Tz,
    pub notes: std::cell::RefCell<Vec<Note>>,
}

impl<'a> Reader<'a> {
    pub fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).filter(|token| !token.barred)
    }

    pub fn word(&self, at: usize) -> &str {
        self.token(at).map_or("", |token| token.lower.as_str())
    }

    pub fn find<T>(&self, at: usize, pick: impl Fn(&Sense) -> Option<T>) -> Option<T> {
        self.token(at)?.senses.iter().find_map(pick)
    }

    pub fn has(&self, at: usize, sense: Sense) -> bool {
        self.token(at).is_some_and(|token| token.senses.contains(&sense))
    }

    pub fn any(&self, at: usize, senses: &[Sense]) -> bool {
        senses.iter().any(|sense| self.has(at, *sense))
    }

    pub fn mark(&self, at: usize, mark: char) -> bool {
        self.token(at).is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    pub fn glued(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| token.glued)
    }

    pub fn glued_mark(&self, at: usize, mark: char) -> bool {
        self.mark(at, mark) && self.glued(at)
    }

    /// The words as the user wrote them, shortened where they are long.
    pub fn said(&self, from: usize, to: usize) -> String {
        let (Some(first), Some(last)) = (self.tokens.get(from), self.tokens.get(to.saturating_sub(1))) else {
            return String::new();
        };
        let said = &self.text[first.span.start..last.span.end.max(first.span.end)];
        if said.chars().count() > 60 {
            return said.chars().take(59).chain(['…']).collect();
        }
        said.to_owned()
    }

    pub fn note(&self, note: Note) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// A run of digits: how many, and its value unless it is beyond all that is read.
    pub fn digits(&self, at: usize) -> Option<(usize, u64)> {
        let token = self.token(at).filter(|token| token.kind == Kind::Number)?;
        Some((token.lower.len(), token.lower.parse().unwrap_or(u64::MAX)))
    }

    /// A day of the month with or without a suffix: "15", "15th", "15.", "fifteenth".
    pub fn day_number(&self, at: usize) -> Option<(u32, usize, bool)> {
        if let Some(ordinal) = self.ordinal(at) {
            return Some((ordinal.0, ordinal.1, true));
        }
        let (length, value) = self.digits(at)?;
        (length <= 2 && !(self.mark(at + 1, ':') && self.glued(at + 1))).then_some((
            u32::try_from(value).ok()?,
            at + 1,
            false,
        ))
    }

    /// "15th", "third", in German "15.".
    pub fn ordinal(&self, at: usize) -> Option<(u32, usize)> {
        if let Some(n) = self.find(at, |sense| if let Sense::Ordinal(n) = sense { Some(*n) } else { None }) {
            return Some((n, at + 1));
        }
        let (length, value) = self.digits(at)?;
        if length > 2 {
            return None;
        }
        let value = u32::try_from(value).ok()?;
        if self.glued(at + 1) && matches!(self.word(at + 1), "st" | "nd" | "rd" | "th") {
            return Some((value, at + 2));
        }
        let german = self.setting.language == crate::setting::Language::German;
        let dotted = german && self.glued_mark(at + 1, '.') && !(self.glued(at + 2) && self.digits(at + 2).is_some());
        dotted.then_some((value, at + 2))
    }

    pub fn weekday(&self, at: usize) -> Option<Weekday> {
        self.find(at, |sense| if let Sense::Weekday(day) = sense { Some(*day) } else { None })
    }

    pub fn weekdays(&self, at: usize) -> Option<Weekday> {
        self.find(at, |sense| if let Sense::Weekdays(day) = sense { Some(*day) } else { None })
    }

    pub fn month(&self, at: usize) -> Option<u32> {
        self.find(at, |sense| if let Sense::Month(month) = sense { Some(*month) } else { None })
    }

    pub fn part(&self, at: usize) -> Option<Part> {
        self.find(at, |sense| if let Sense::Part(part) = sense { Some(*part) } else { None })
    }

    pub fn parts(&self, at: usize) -> Option<Part> {
        self.find(at, |sense| if let Sense::Parts(part) = sense { Some(*part) } else { None })
    }

    pub fn unit(&self, at: usize) -> Option<Unit> {
        self.find(at, |sense| match sense {
            Sense::Unit(unit) | Sense::Units(unit) => Some(*unit),
            _ => None,
        })
    }

    pub fn is_weak(&self, at: usize) -> bool {
        self.has(at, Sense::Weak)
    }

    /// A number in hundredths, so that "1.5" is one. `u64::MAX` stands for one that is too large.
    fn amount(&self, at: usize) -> Option<(u64, usize)> {
        if let Some((_, value)) = self.digits(at) {
            let fraction = (self.glued_mark(at + 1, '.') || self.glued_mark(at + 1, ','))
                .then(|| self.digits(at + 2).filter(|_| self.glued(at + 2)))
                .flatten();
            if value > MAX_COUNT {
                return Some((u64::MAX, if fraction.is_some() { at + 3 } else { at + 1 }));
            }
            // "2 and a half hours"
            if fraction.is_none() && self.has(at + 1, Sense::And) && self.half_more(at + 2) {
                return Some((value * 100 + 50, at + 4));
            }
            return Some(match fraction {
                Some((1, tenths)) => (value * 100 + tenths * 10, at + 3),
                Some((2, hundredths)) => (value * 100 + hundredths, at + 3),
                Some(_) => return None,
                None => (value * 100, at + 1),
            });
        }
        let whole = self.find(at, |sense| if let Sense::Number(n) = sense { Some(u64::from(*n)) } else { None })?;
        let (whole, next) = self.compound(at, whole);
        if self.has(next, Sense::And) && self.half_more(next + 1) {
            return Some((whole * 100 + 50, next + 3));
        }
        Some((whole * 100, next))
    }

    fn half_more(&self, at: usize) -> bool {
        self.has(at, Sense::A) && self.has(at + 1, Sense::Half)
    }

    /// "twenty-one", "one hundred and twenty".
    fn compound(&self, at: usize, first: u64) -> (u64, usize) {
        let number = |place: usize| {
            let plain = !self.has(place, Sense::A);
            self.find(place, |sense| if let Sense::Number(n) = sense { Some(u64::from(*n)) } else { None })
                .filter(|_| plain)
        };
        let (mut whole, mut next) = (first, at + 1);
        if (1..10).contains(&whole) && number(next) == Some(100) {
            (whole, next) = (whole * 100, next + 1);
        }
        if whole >= 100 && whole % 100 == 0 {
            let place = next + usize::from(self.has(next, Sense::And));
            match number(place).filter(|n| *n < 100) {
                Some(rest) => (whole, next) = (whole + rest, place + 1),
                None => return (whole, next),
            }
        }
        if (20..100).contains(&(whole % 100)) && whole % 10 == 0 {
            let place = next + usize::from(self.glued_mark(next, '-') && self.glued(next + 1));
            if let Some(one) = number(place).filter(|n| *n < 10) {
                (whole, next) = (whole + one, place + 1);
            }
        }
        (whole, next)
    }

    /// A whole number in digits or words.
    pub fn count(&self, at: usize) -> Option<(u64, usize)> {
        let (hundredths, next) = self.amount(at)?;
        (hundredths == u64::MAX || hundredths % 100 == 0)
            .then_some((if hundredths == u64::MAX { u64::MAX } else { hundredths / 100 }, next))
    }

    /// "2 weeks", "1 hour and 30 minutes", "half an hour", "1h30m"; with `bare`, "week" alone is one.
    pub fn length(&self, at: usize) -> Read<Length> {
        let mut length = Length::default();
        let mut next = at;
        while let Some((result, end)) = self.one_length(next) {
            let one = match result {
                Ok(one) => one,
                Err(problem) => return Some((Err(problem), end)),
            };
            length.seconds += one.seconds;
            length.days += one.days;
            length.working_days += one.working_days;
            length.months += one.months;
            length.unit = one.unit;
            length.count = one.count;
            next = end;
            // "2h30"
            if one.unit == Some(Unit::Hour)
                && self.word(end - 1) == "h"
                && self.glued(end)
                && let Some((2, minutes)) = self.digits(end).filter(|(_, n)| *n < 60)
            {
                length.seconds += minutes * 60;
                next = end + 1;
            }
            let joined = if self.has(next, Sense::And) || self.mark(next, ',') { next + 1 } else { next };
            // What follows must be smaller than a day, or glued ("1h30m"): "2 weeks 3 days" is read too.
            if joined - at > 12 || self.digits(joined).is_none() && self.one_length(joined).is_none() {
                break;
            }
            if self.one_length(joined).is_none() {
                break;
            }
            next = joined;
        }
        (next > at && length.unit.is_some()).then_some((Ok(length), next))
    }

    fn one_length(&self, at: usize) -> Read<Length> {
        if let Some(minutes) = self.find(at, |sense| if let Sense::Minutes(n) = sense { Some(*n) } else { None }) {
            let seconds = u64::from(minutes) * 60;
            let length = Length { seconds, unit: Some(Unit::Minute), count: u64::from(minutes), ..Length::default() };
            return Some((Ok(length), at + 1));
        }
        // "a few days": how many?
        let article = self.has(at, Sense::A) || self.word(at) == "ein";
        let few = at + usize::from(article);
        if matches!(self.word(few), "few" | "several" | "paar" | "einige" | "einigen") && self.unit(few + 1).is_some() {
            let said = self.said(at, few + 2);
            return Some((Err(Problem::new(Reason::LeftOver, Ask::LeftOver(said))), few + 2));
        }
        let (hundredths, place) = self.amount(at)?;
        let hyphen = usize::from(self.glued_mark(place, '-') && self.glued(place + 1));
        let place = place + hyphen;
        let short = self.glued(place) && self.digits(at).is_some();
        let unit = self
            .unit(place)
            .filter(|_| {
                !self.token(place).is_some_and(|token| token.possessive) || self.has(place + 1, Sense::TimeWord)
            })
            .or(match self.word(place) {
                "h" if short => Some(Unit::Hour),
                "m" if short => Some(Unit::Minute),
                "d" if short => Some(Unit::Day),
                "w" if short => Some(Unit::Week),
                "s" if short => Some(Unit::Second),
                _ => None,
            })?;
        let next = place + 1;
        if hundredths == u64::MAX {
            return Some((Err(self.out_of_range(at, next)), next));
        }
        let mut length = Length { unit: Some(unit), count: hundredths / 100, ..Length::default() };
        let whole = hundredths.is_multiple_of(100);
        match unit {
            Unit::Second => length.seconds = hundredths / 100,
            Unit::Minute => length.seconds = hundredths * 60 / 100,
            Unit::Hour => length.seconds = hundredths * 3600 / 100,
            Unit::Day | Unit::Weekend if whole => length.days = hundredths / 100,
            Unit::Day if hundredths % 50 == 0 => length.seconds = hundredths * 864,
            Unit::WorkDay if whole => length.working_days = hundredths / 100,
            Unit::Week if whole => length.days = hundredths / 100 * 7,
            Unit::Fortnight if whole => length.days = hundredths / 100 * 14,
            Unit::Month if whole => length.months = hundredths / 100,
            Unit::Quarter if whole => length.months = hundredths / 100 * 3,
            Unit::HalfYear if whole => length.months = hundredths / 100 * 6,
            Unit::Year if hundredths * 12 % 100 == 0 => length.months = hundredths * 12 / 100,
            _ => {
                let said = self.said(at, next);
                return Some((Err(Problem::new(Reason::LeftOver, Ask::LeftOver(said))), next));
            }
        }
        Some((Ok(length), next))
    }

    pub fn out_of_range(&self, from: usize, to: usize) -> Problem {
        Problem::new(Reason::OutOfRange, Ask::OutOfRange(self.said(from, to)))
    }
}
