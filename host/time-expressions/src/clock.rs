//! Times of day: "9", "5.30pm", "17h30", "half past six", "noon"; and what a part of the day makes of them.

use crate::lex::Kind;
use crate::meaning::Reason;
use crate::reader::{Problem, Read, Reader};
use crate::words::{Ask, Note, Part, Sense};

/// How sure the half of the day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// With am or pm, or beyond 12, or with a leading zero.
    Said,
    /// "5:30", read on the clock of 24 hours.
    Digital,
    /// "6", "half past six".
    Open,
    /// "half six", which is always asked about.
    Asked,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    pub hour: u32,
    pub minute: u32,
    pub half: Half,
    pub midnight: bool,
    pub around: bool,
}

impl Clock {
    pub fn at(hour: u32, minute: u32) -> Self {
        Self { hour, minute, half: Half::Said, midnight: false, around: false }
    }
}

/// A clock on a day: the hour, the minute, and how many days later.
pub(crate) type Settled = (u32, u32, i64);

/// The default hour of a part of the day.
pub(crate) fn default_hour(part: Part) -> (u32, u32) {
    match part {
        Part::Morning => (9, 0),
        Part::Lunch => (12, 0),
        Part::AfterLunch => (13, 30),
        Part::Afternoon => (15, 0),
        Part::EndOfDay => (17, 0),
        Part::Evening => (18, 0),
        Part::Tonight => (20, 0),
        Part::Night => (21, 0),
    }
}

impl Reader<'_> {
    fn no_such_time(&self, from: usize, to: usize) -> Problem {
        Problem::new(Reason::NoSuchTime, Ask::NoSuchTime(self.said(from, to)))
    }

    /// A time of day at this token; `led` where a word before it says that one follows.
    pub fn clock(&self, at: usize, led: bool) -> Read<Clock> {
        let (result, mut next) = self.clock_words(at, led).or_else(|| self.clock_digits(at, led))?;
        let mut result = result;
        if let Ok(clock) = &mut result {
            if self.has(next, Sense::Ish) || self.mark(next, '-') && self.has(next + 1, Sense::Ish) {
                clock.around = true;
                next += if self.mark(next, '-') { 2 } else { 1 };
            }
            if matches!(self.word(next), "sharp" | "exactly") {
                next += 1;
            }
        }
        Some((result, next))
    }

    /// "noon", "half past six", "ten to five", "halb sieben".
    fn clock_words(&self, at: usize, led: bool) -> Read<Clock> {
        if let Some(hour) = self.find(at, |sense| if let Sense::Sharp(hour) = sense { Some(*hour) } else { None }) {
            return Some((Ok(Clock { midnight: hour == 0, ..Clock::at(hour, 0) }), at + 1));
        }
        let german = self.setting.language == crate::setting::Language::German;
        let (shift, half, place) =
            if let Some(shift) = self.find(at, |sense| if let Sense::Spoken(n) = sense { Some(*n) } else { None }) {
                (shift, Half::Open, at + 1)
            } else if self.has(at, Sense::HalfHour)
                && self.hour_name(at + 1).is_some()
                && (german || led || self.stands_alone(at + 2))
            {
                if german { (-30, Half::Open, at + 1) } else { (30, Half::Asked, at + 1) }
            } else {
                let (minutes, place) = self.count(at).filter(|(n, _)| (1..30).contains(n))?;
                let unit = matches!(self.unit(place), Some(crate::words::Unit::Minute));
                let place = if unit { place + 1 } else { place };
                let spelled = self.token(at).is_some_and(|token| token.kind == Kind::Word);
                let past = self.has(place, Sense::MinutesPast) && !german;
                if !(unit || led || spelled || past)
                    || !(unit || minutes % 5 == 0)
                    || at > 0 && self.has(at - 1, Sense::From)
                {
                    return None;
                }
                let minutes = i32::try_from(minutes).ok()?;
                if self.has(place, Sense::MinutesPast) {
                    (minutes, Half::Open, place + 1)
                } else if self.has(place, Sense::MinutesTo) && (spelled || unit || led) {
                    (-minutes, Half::Open, place + 1)
                } else {
                    return None;
                }
            };
        let (hour, next) = self.hour_name(place)?;
        let (half, next, hour) = match self.half_of_day(next) {
            Some((pm, end)) => (Half::Said, end, hour % 12 + if pm { 12 } else { 0 }),
            None => (half, next, hour),
        };
        let next = if self.has(next, Sense::OClock) { next + 1 } else { next };
        let minutes = i64::from(hour) * 60 + i64::from(shift);
        let minutes = if half == Half::Said { minutes.rem_euclid(1440) } else { minutes };
        let minutes = if minutes < 60 && half != Half::Said { minutes + 720 } else { minutes };
        let (hour, minute) = (u32::try_from(minutes / 60).ok()?, u32::try_from(minutes % 60).ok()?);
        Some((Ok(Clock { hour, minute, half, midnight: false, around: false }), next))
    }

    /// Whether no word of another kind follows.
    fn stands_alone(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_none_or(|token| token.kind != Kind::Word || self.any(at, &[Sense::Action, Sense::Function]))
    }

    /// An hour from 1 to 12 in a word or digits; also "noon" and "midnight".
    fn hour_name(&self, at: usize) -> Option<(u32, usize)> {
        if let Some(hour) = self.find(at, |sense| if let Sense::Sharp(hour) = sense { Some(*hour) } else { None }) {
            return Some((if hour == 0 { 24 } else { hour }, at + 1));
        }
        let (hour, next) = self.count(at)?;
        (1..=12).contains(&hour).then_some((u32::try_from(hour).ok()?, next))
    }

    /// "am", "p.m.", and whether it is pm.
    fn half_of_day(&self, at: usize) -> Option<(bool, usize)> {
        if self.has(at, Sense::Am) {
            return Some((false, at + 1));
        }
        if self.has(at, Sense::Pm) {
            return Some((true, at + 1));
        }
        let word = self.word(at);
        if (word == "a" || word == "p")
            && self.glued_mark(at + 1, '.')
            && self.word(at + 2) == "m"
            && self.glued(at + 2)
        {
            let end = if self.glued_mark(at + 3, '.') { at + 4 } else { at + 3 };
            return Some((word == "p", end));
        }
        None
    }

    /// "an hour before midnight", "half an hour before 9".
    pub fn offset_clock(&self, at: usize) -> Read<Clock> {
        let (length, place) = self.length(at)?;
        let length = length.ok().filter(crate::reader::Length::is_clock)?;
        let back = self.has(place, Sense::Before);
        if !back && !self.has(place, Sense::After) || self.setting.language != crate::setting::Language::English {
            return None;
        }
        let (clock, next) = self.clock(place + 1, true)?;
        let clock = match clock {
            Ok(clock) => clock,
            Err(problem) => return Some((Err(problem), next)),
        };
        let by = i64::try_from(length.seconds / 60).ok()?;
        let start = i64::from(clock.hour * 60 + clock.minute);
        let start = if clock.midnight && back { 1440 } else { start };
        let minutes = if back { start - by } else { start + by };
        if !(0..1440).contains(&minutes) || length.seconds % 60 != 0 {
            return Some((Err(self.no_such_time(at, next)), next));
        }
        let (hour, minute) = (u32::try_from(minutes / 60).ok()?, u32::try_from(minutes % 60).ok()?);
        Some((Ok(Clock { hour, minute, midnight: false, ..clock }), next))
    }

    fn clock_digits(&self, at: usize, led: bool) -> Read<Clock> {
        let (length, value) = match self.digits(at) {
            Some(digits) => digits,
            None => {
                let (hour, _) = self.count(at).filter(|(n, next)| *n <= 24 && *next == at + 1)?;
                // A spelled number is an hour only where something says so.
                let minutes = self.count(at + 1).is_some_and(|(_, next)| self.half_of_day(next).is_some());
                let day = self.any(at + 2, &[Sense::Day(0), Sense::Day(1)]) || self.weekday(at + 2).is_some();
                let minutes = minutes || day && self.count(at + 1).is_some_and(|(n, _)| (10..60).contains(&n));
                let follows = self.has(at + 1, Sense::OClock) || self.half_of_day(at + 1).is_some() || minutes;
                let plain = !self.counts_things(at + 1) && !self.has(at, Sense::A);
                if !(follows || led && plain) {
                    return None;
                }
                // "nine thirty"
                if !self.has(at + 1, Sense::OClock)
                    && let Some((minute, next)) = self.count(at + 1).filter(|(n, _)| (10..60).contains(n) && n % 5 == 0)
                    && self.digits(at + 1).is_none()
                    && self.unit(next).is_none()
                {
                    let (hour, minute) = (u32::try_from(hour).ok()?, u32::try_from(minute).ok()?);
                    let (half, hour, next) = match self.half_of_day(next) {
                        Some((pm, end)) => (Half::Said, hour % 12 + if pm { 12 } else { 0 }, end),
                        None => (Half::Open, hour, next),
                    };
                    return Some((Ok(Clock { hour, minute, half, midnight: false, around: false }), next));
                }
                (1, hour)
            }
        };
        // "630pm"
        if (3..=4).contains(&length)
            && self.glued(at + 1)
            && let Some((pm, next)) = self.half_of_day(at + 1)
        {
            let (hour, minute) = (u32::try_from(value / 100).ok()?, u32::try_from(value % 100).ok()?);
            if !(1..=12).contains(&hour) || minute > 59 {
                return Some((Err(self.no_such_time(at, next)), next));
            }
            return Some((Ok(Clock::at(hour % 12 + if pm { 12 } else { 0 }, minute)), next));
        }
        if length == 4 && !self.glued_mark(at + 1, ':') {
            let hours = self.word(at + 1).starts_with("hour") || matches!(self.word(at + 1), "hrs" | "h" | "uhr");
            let zulu = self.glued(at + 1) && self.word(at + 1) == "z";
            if !(led || hours || zulu) || self.glued_mark(at + 1, '-') || self.glued_mark(at + 1, '/') {
                return None;
            }
            let next = if hours { at + 2 } else { at + 1 };
            let (hour, minute) = (u32::try_from(value / 100).ok()?, u32::try_from(value % 100).ok()?);
            if hour > 23 || minute > 59 {
                return Some((Err(self.no_such_time(at, next)), next));
            }
            return Some((Ok(Clock::at(hour, minute)), next));
        }
        if length > 2 {
            // "at 999…9" is refused.
            return (led && length > 8).then(|| (Err(self.out_of_range(at, at + 1)), at + 1));
        }
        let mut hour = u32::try_from(value).ok()?;
        let mut minute = 0;
        let mut next = at + 1;
        let mut divided = false;
        let mut colon = false;
        let two = |place: usize| self.digits(place).filter(|(length, _)| *length == 2 && self.glued(place));
        for mark in [':', '.'] {
            if self.glued_mark(next, mark)
                && let Some((_, minutes)) = two(next + 1)
                && !(mark == '.' && self.glued_mark(next + 2, '.') && self.glued(next + 3) && !self.is_half(next + 3))
            {
                minute = u32::try_from(minutes).ok()?;
                divided = true;
                colon = mark == ':';
                next += 2;
                // Seconds are read and left out.
                if colon && self.glued_mark(next, ':') && two(next + 1).is_some() {
                    next += 2;
                }
                break;
            }
        }
        let mut said = divided && colon;
        let mut certain = value == 0 || value > 12 || length == 2 && self.word(at).starts_with('0');
        if !divided && self.glued(next) && self.word(next) == "h" {
            certain = true;
            said = self.glued(next + 1) && two(next + 1).is_some() || led || value > 12;
            next += 1;
            if let Some((_, minutes)) = two(next) {
                minute = u32::try_from(minutes).ok()?;
                next += 1;
            }
        }
        if let Some((pm, end)) = self.half_of_day(next) {
            next = end;
            if !(1..=12).contains(&hour) && (hour > 0 || pm) {
                return Some((Err(self.no_such_time(at, next)), next));
            }
            hour = hour % 12 + if pm { 12 } else { 0 };
            certain = true;
            said = true;
        } else if self.has(next, Sense::OClock) {
            // "17 Uhr 30"
            let german = self.setting.language == crate::setting::Language::German;
            next += 1;
            said = true;
            certain |= german;
            if german && let Some((2, minutes)) = self.digits(next).filter(|(_, n)| *n < 60) {
                minute = u32::try_from(minutes).ok()?;
                next += 1;
            }
        }
        if !said && (!led || !divided && self.counts_things(next)) {
            return None;
        }
        let german = self.setting.language == crate::setting::Language::German;
        if hour == 24 && minute == 0 && german && said && !divided {
            return Some((Ok(Clock::at(24, 0)), next));
        }
        if hour > 23 || minute > 59 {
            return (led || said && !divided).then(|| (Err(self.no_such_time(at, next)), next));
        }
        let half = match (certain, divided) {
            (true, _) => Half::Said,
            (false, true) => Half::Digital,
            (false, false) => Half::Open,
        };
        Some((Ok(Clock { hour, minute, half, midnight: false, around: false }), next))
    }

    fn is_half(&self, at: usize) -> bool {
        self.half_of_day(at).is_some()
    }

    /// Whether a number before this token counts things ("at 3 places", "at 20 %") and is no hour.
    pub fn counts_things(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        match token.kind {
            Kind::Mark(mark) => {
                matches!(mark, '%' | '€' | '$' | '£' | '°')
                    || token.glued
                        && matches!(mark, '.' | ',' | '/' | ':' | '-' | '#')
                        && self.tokens.get(at + 1).is_some_and(|next| next.glued && next.kind == Kind::Number)
            }
            Kind::Number => token.glued,
            Kind::Word => {
                let small = self.text[token.span.clone()].starts_with(char::is_lowercase);
                let plural = small && token.senses.is_empty() && token.lower.ends_with('s') && token.lower.len() > 3;
                let unit = self.unit(at).is_some() && self.weekday(at).is_none();
                plural || unit || token.glued && token.senses.is_empty() || token.lower == "percent"
            }
        }
    }

    /// The clock with what the part of the day says about it.
    pub fn settle(&self, clock: Clock, part: Option<Part>, said: &str) -> Result<Settled, Problem> {
        let Clock { hour, minute, half, .. } = clock;
        let wrong = || Problem::new(Reason::Contradiction, Ask::NotTogether(said.to_owned()));
        let open = half != Half::Said;
        // "24 Uhr" is the end of the day.
        if hour == 24 {
            return if part.is_none() { Ok((0, minute, 1)) } else { Err(wrong()) };
        }
        if let Some(part) = part {
            return match part {
                Part::Morning if open && hour == 12 => Ok((0, minute, 0)),
                Part::Morning if hour < 12 => Ok((hour, minute, 0)),
                Part::Lunch | Part::AfterLunch | Part::Afternoon | Part::EndOfDay if open && hour < 12 => {
                    Ok((if hour < 8 { hour + 12 } else { hour }, minute, 0))
                }
                Part::Lunch | Part::AfterLunch if (11..=15).contains(&hour) => Ok((hour, minute, 0)),
                Part::Afternoon | Part::EndOfDay if (12..20).contains(&hour) => Ok((hour, minute, 0)),
                Part::Evening if open && (4..12).contains(&hour) => Ok((hour + 12, minute, 0)),
                Part::Evening if hour >= 16 => Ok((hour, minute, 0)),
                Part::Evening | Part::Night | Part::Tonight if clock.midnight || open && hour == 12 => {
                    Ok((0, minute, 1))
                }
                Part::Tonight | Part::Night if open && (5..12).contains(&hour) => Ok((hour + 12, minute, 0)),
                Part::Tonight | Part::Night if hour >= 17 => Ok((hour, minute, 0)),
                _ => Err(wrong()),
            };
        }
        let both = |first: u32| {
            let mut problem = Problem::new(Reason::AmbiguousClock, Ask::Half(said.to_owned()));
            problem.times = vec![(first, minute), ((first + 12) % 24, minute)];
            problem
        };
        match half {
            Half::Asked => Err(both(hour)),
            Half::Open if (1..=6).contains(&hour) && self.table.open_hours_ask => Err(both(hour)),
            Half::Open | Half::Digital if (1..=6).contains(&hour) => {
                self.note(Note::Clock24(hour, minute));
                Ok((hour, minute, 0))
            }
            _ => Ok((hour, minute, 0)),
        }
    }
}
