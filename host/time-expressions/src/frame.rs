//! One expression is a row of pieces: days, times of day, parts of the day, zones, limits, the core of a recurrence and
//! its restrictions. A frame collects them, and says which words it uses; `compose` makes the meaning.

use chrono::{NaiveDate, Weekday};

use crate::clock::Clock;
use crate::day::Day;
use crate::every::{Every, WORKING};
use crate::meaning::{Bound, Reason};
use crate::period::Period;
use crate::reader::{Length, Problem, Reader};
use crate::words::{Ask, Note, Part, Sense, Unit};
use crate::zone::SaidZone;

/// The pieces of one expression.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    /// The first token, and the one behind the last.
    pub first: usize,
    pub next: usize,
    /// Token ranges of other places that were joined.
    pub joined: Vec<(usize, usize)>,
    pub days: Vec<Day>,
    pub clocks: Vec<Clock>,
    pub clock_words: Option<(usize, usize)>,
    pub part: Option<Part>,
    pub zones: Vec<SaidZone>,
    pub bound: Option<Bound>,
    pub period: Option<Period>,
    pub since: bool,
    pub length: Option<Length>,
    pub every: Option<Every>,
    /// Weekdays that were listed without "every".
    pub listed: Vec<Weekday>,
    pub window: Option<(Clock, Clock)>,
    pub except: Vec<Weekday>,
    pub start: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub count: Option<u64>,
    pub lasts: Option<Length>,
    pub negated: bool,
    /// A preposition or "every" stands before the first piece.
    pub led: bool,
    pub pieces: u32,
    pub problem: Option<Problem>,
    pub notes: Vec<Note>,
}

/// Pieces of one expression, at most.
const MAX_PIECES: u32 = 24;

impl Frame {
    fn fail(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
    }

    /// Whether it says a time of day and nothing else.
    pub fn is_clock_only(&self) -> bool {
        !self.clocks.is_empty()
            && self.days.is_empty()
            && self.every.is_none()
            && self.period.is_none()
            && self.length.is_none()
            && self.window.is_none()
            && self.listed.is_empty()
            && !self.negated
    }

    /// Whether a time of day that stands elsewhere can belong to it.
    pub fn wants_clock(&self) -> bool {
        let clock_every =
            |every: &Every| every.cron.is_some() || matches!(every.unit, Unit::Minute | Unit::Hour | Unit::Second);
        self.clocks.is_empty()
            && self.problem.is_none()
            && !self.negated
            && self.period.is_none()
            && match &self.every {
                Some(every) => !clock_every(every),
                None => self.days.len() == 1 && self.days[0].exact.is_none() && self.days[0].clock.is_none(),
            }
    }
}

impl Reader<'_> {
    /// The expression that begins at this token.
    pub fn frame(&self, at: usize) -> Option<Frame> {
        self.notes.borrow_mut().clear();
        let mut frame = Frame { first: at, next: at, ..Frame::default() };
        while frame.pieces < MAX_PIECES {
            let Some(next) = self.next_piece(&mut frame) else { break };
            if next <= frame.next {
                break;
            }
            frame.pieces += 1;
            frame.next = next;
        }
        frame.notes = self.notes.borrow().clone();
        (frame.pieces > 0).then_some(frame)
    }

    fn next_piece(&self, frame: &mut Frame) -> Option<usize> {
        let at = frame.next;
        if frame.pieces == 0 {
            return self.piece(frame, at, false);
        }
        if self.token(at)?.new_line {
            return None;
        }
        if let Some(next) = self.piece(frame, at, false) {
            return Some(next);
        }
        // A comma, a bracket, "and" or an article between two pieces.
        let glue = match self.token(at)?.kind {
            crate::lex::Kind::Mark(',' | '(' | ')' | '@') => true,
            crate::lex::Kind::Mark('/') => !frame.clocks.is_empty() && self.clock(at + 1, true).is_some(),
            _ => self.any(at, &[Sense::And, Sense::The, Sense::Of, Sense::For]),
        };
        if !glue {
            return None;
        }
        let and = self.has(at, Sense::And) || self.mark(at, '/');
        let clocks = frame.clocks.len();
        let place = if self.mark(at, ',') && self.has(at + 1, Sense::And) { at + 2 } else { at + 1 };
        let next = self.piece(frame, place, and || place > at + 1)?;
        // "at 9 or 10"
        let or = matches!(self.word(place.wrapping_sub(1)), "or" | "oder");
        if or && clocks > 0 && frame.clocks.len() > clocks {
            let mut problem = Problem::new(Reason::Contradiction, Ask::TwoTimes);
            problem.times = frame.clocks.iter().take(4).map(|clock| (clock.hour, clock.minute)).collect();
            frame.fail(problem);
        }
        let bracket = self.mark(at, '(') && self.mark(next, ')');
        Some(next + usize::from(bracket))
    }

    /// One piece at this token; what it says goes into the frame.
    fn piece(&self, frame: &mut Frame, at: usize, after_and: bool) -> Option<usize> {
        self.token(at)?;
        self.negation(frame, at)
            .or_else(|| self.core(frame, at, after_and))
            .or_else(|| self.restriction(frame, at))
            .or_else(|| self.window(frame, at))
            .or_else(|| self.range(frame, at))
            .or_else(|| self.limited(frame, at))
            .or_else(|| self.point(frame, at, after_and))
    }

    /// "not on Monday", "except Sunday", "without weekends".
    fn negation(&self, frame: &mut Frame, at: usize) -> Option<usize> {
        // "every day but Friday"
        let but = self.word(at) == "but"
            && frame.every.is_some()
            && frame.clocks.is_empty()
            && (self.weekday_list(at + 1).is_some() || self.unit(at + 1) == Some(Unit::Weekend));
        let except = but || self.has(at, Sense::Except) && !self.has(at, Sense::Condition);
        // "not before 9" is after 9.
        if self.has(at, Sense::Not)
            && frame.every.is_none()
            && let Some(bound) = [
                (Sense::Before, Bound::After),
                (Sense::Until, Bound::After),
                (Sense::After, Bound::By),
                (Sense::By, Bound::After),
            ]
            .iter()
            .find(|(sense, _)| self.has(at + 1, *sense))
            .map(|(_, bound)| *bound)
        {
            let next = self.limited(frame, at + 1)?;
            frame.bound = Some(bound);
            return Some(next);
        }
        if !except && !self.has(at, Sense::Not) {
            return None;
        }
        let place = at + 1 + usize::from(self.any(at + 1, &[Sense::On, Sense::Every, Sense::The]));
        let days = match self.unit(place) {
            Some(Unit::Weekend) => Some((vec![Weekday::Sat, Weekday::Sun], place + 1)),
            Some(Unit::WorkDay) => Some((WORKING.to_vec(), place + 1)),
            _ => self.weekday_list(place),
        };
        if frame.every.is_some() || !frame.listed.is_empty() {
            if let Some((days, next)) = days {
                frame.except.extend(days);
                return Some(next);
            }
            if self.token(place).is_some() && (except || self.has(place, Sense::PublicHolidays)) {
                let end = self.day(place, true, 0).map_or(place + 1, |(_, next)| next);
                frame.fail(Problem::new(Reason::LeftOver, Ask::LeftOver(self.said(at, end))));
                return Some(end);
            }
            return None;
        }
        let lead = self.lead(place);
        let next = match (days, self.day(lead, true, 0), self.clock(lead, lead > place)) {
            (Some((_, next)), ..) | (None, Some((_, next)), _) | (None, None, Some((_, next))) => next,
            _ => return None,
        };
        // "not Friday but Saturday": the other day is read.
        let comma = usize::from(self.mark(next, ','));
        if !except && matches!(self.word(next + comma), "but" | "sondern") {
            return Some(next + comma + 1);
        }
        frame.negated = true;
        let said = self.said(at, next);
        frame.fail(Problem::new(Reason::Negation, Ask::Not(said)));
        Some(next)
    }

    /// Behind the prepositions that lead to a time.
    fn lead(&self, at: usize) -> usize {
        at + usize::from(self.any(at, &[Sense::On, Sense::At, Sense::In, Sense::For]))
    }

    /// The core of a recurrence, and weekdays and dates that belong to one.
    fn core(&self, frame: &mut Frame, at: usize, after_and: bool) -> Option<usize> {
        // "summarize the last 7 days every Friday" holds two expressions.
        if frame.period.is_some_and(|period| period.until_now)
            || frame.period.is_some() && !self.has(frame.first, Sense::For)
        {
            return None;
        }
        if let Some((every, next)) = self.every(at) {
            match every {
                Err(problem) => frame.fail(problem),
                Ok(every) => self.merge(frame, every, at, next),
            }
            frame.led = true;
            return Some(next);
        }
        let led = self.any(at, &[Sense::On, Sense::In]);
        let place = if led { at + 1 } else { at };
        if let Some(every) = &mut frame.every {
            // "every hour at :30"
            if every.unit == Unit::Hour
                && every.minute == 0
                && self.has(at, Sense::At)
                && self.mark(at + 1, ':')
                && let Some((2, minute)) = self.digits(at + 2).filter(|(_, minute)| *minute < 60)
            {
                every.minute = u32::try_from(minute).unwrap_or(0);
                return Some(at + 3);
            }
            let date_follows = self.weekday(place).is_some() && self.date(place + 1, false).is_some();
            if !date_follows
                && let Some((days, next)) = self.weekday_list(place)
                && every.nth.is_none()
                && every.month_days.is_empty()
            {
                if after_and && !every.days.is_empty() && !frame.clocks.is_empty() {
                    // "every Monday at noon and Friday at 5pm" is two rules.
                    let said = self.said(frame.first, next);
                    frame.fail(Problem::new(Reason::Contradiction, Ask::NotTogether(said)));
                } else if every.days.is_empty() || after_and || led && every.days.len() > 1 {
                    if led && every.days.len() > 1 && !after_and {
                        every.days.clear();
                    }
                    every.days.extend(days);
                    every.days.sort_by_key(Weekday::num_days_from_monday);
                    every.days.dedup();
                    if let Some(part) = self.part(place) {
                        frame.part.get_or_insert(part);
                    }
                } else if every.days != days {
                    let problem = Problem::new(Reason::Contradiction, Ask::NotTogether(self.said(frame.first, next)));
                    frame.fail(problem);
                }
                return Some(next);
            }
            let the = place + usize::from(self.has(place, Sense::The));
            if matches!(every.unit, Unit::Month | Unit::Quarter)
                && every.month_days.is_empty()
                && every.nth.is_none()
                && every.days.is_empty()
            {
                let unit = every.unit;
                let (n, end) = if self.has(the, Sense::Last) {
                    (-1, the + 1)
                } else if let Some(n) = self.counted_back(the) {
                    (i32::from(n), the + 1)
                } else {
                    self.ordinal(the).map_or((0, the), |(n, end)| (n as i32, end))
                };
                if let Some((all, end)) = self.nth_list(the).filter(|(all, _)| all.len() > 1)
                    && let Some(weekday) = self.weekday(end)
                {
                    every.nth = i8::try_from(all[0]).ok();
                    every.also = all[1..].iter().filter_map(|n| i8::try_from(*n).ok()).collect();
                    every.days = vec![weekday];
                    return Some(end + 1);
                }
                if n != 0
                    && let Some(weekday) = self.weekday(end)
                {
                    every.nth = i8::try_from(n).ok();
                    every.days = vec![weekday];
                    return Some(end + 1);
                }
                if n != 0
                    && let Some(of @ (Unit::Day | Unit::WorkDay)) = self.unit(end)
                {
                    if of == Unit::Day {
                        every.month_days = vec![n];
                    } else {
                        every.nth = i8::try_from(n).ok();
                        every.working = true;
                    }
                    if unit == Unit::Quarter && n < 0 {
                        every.months = vec![3, 6, 9, 12];
                        (every.unit, every.interval) = (Unit::Month, 1);
                    }
                    return Some(end + 1);
                }
                if n > 0 && self.month(end).is_none() {
                    let (days, next) = self.ordinal_list(the)?;
                    match self.month_days(days, the, next) {
                        Ok(read) => every.month_days = read.month_days,
                        Err(problem) => frame.fail(problem),
                    }
                    return Some(next);
                }
            }
            if every.unit == Unit::Year && every.months.is_empty() {
                let dated = self.date(the, true).map(|(date, next)| (date.map(|date| date.date), next));
                let day = dated.or_else(|| {
                    self.day(the, true, 0)
                        .filter(|(day, _)| day.as_ref().is_ok_and(|day| day.holiday))
                        .map(|(day, next)| (day.map(|day| day.date), next))
                });
                if let Some((day, next)) = day {
                    match day {
                        Ok(date) => {
                            use chrono::Datelike as _;
                            every.month_days = vec![date.day() as i32];
                            every.months = vec![date.month()];
                        }
                        Err(problem) => frame.fail(problem),
                    }
                    return Some(next);
                }
            }
            if led
                && let Some(month) = self.month(place)
                && every.months.is_empty()
                && self.year(place + 1).is_none()
            {
                every.months.push(month);
                return Some(place + 1);
            }
            return None;
        }
        // "Monday, Wednesday and Friday": once, or each week?
        if let Some((days, next)) = self.weekday_list(place).filter(|(days, _)| days.len() > 1)
            && frame.days.is_empty()
            && frame.pieces == 0
            && !(self.mark(place + 1, ',') && self.date(place + 2, true).is_some())
        {
            frame.led |= led;
            frame.listed = days;
            return Some(next);
        }
        None
    }

    fn merge(&self, frame: &mut Frame, every: Every, from: usize, to: usize) {
        use chrono::Datelike as _;
        if let Some(part) = every.part {
            frame.part.get_or_insert(part);
        }
        // "Monday at 9 every week", "on the 15th every month", "on 24 December every year"
        let mut every = every;
        if !frame.listed.is_empty() && every.days.is_empty() {
            every.days = std::mem::take(&mut frame.listed);
        }
        if frame.every.is_none() && frame.days.len() == 1 && frame.days[0].exact.is_none() {
            let day = frame.days[0].clone();
            match every.unit {
                Unit::Week if day.bare_weekday && every.days.is_empty() => every.days = vec![day.date.weekday()],
                // "Monday mornings"
                Unit::Day if day.bare_weekday && every.part.is_some() => {
                    every.unit = Unit::Week;
                    every.days = vec![day.date.weekday()];
                }
                Unit::Month if !day.bare_weekday && every.month_days.is_empty() && every.nth.is_none() => {
                    every.month_days = vec![day.date.day() as i32];
                }
                Unit::Year if every.months.is_empty() => {
                    every.month_days = vec![day.date.day() as i32];
                    every.months = vec![day.date.month()];
                }
                // "from tomorrow, every day": where it starts.
                _ => frame.start = Some(day.date),
            }
            frame.days.clear();
        }
        // "for the next 10 days every day"
        if let Some(period) = frame.period.take() {
            if period.until_now || period.exact.is_some() {
                frame.fail(Problem::new(Reason::Contradiction, Ask::NotTogether(self.said(frame.first, to))));
            }
            frame.start = Some(period.from);
            frame.until = Some(period.to);
        }
        if let Some(length) = frame.length.take() {
            frame.lasts = Some(length);
        }
        let Some(known) = &mut frame.every else {
            frame.every = Some(every);
            return;
        };
        let plain_days = every.unit == Unit::Week && every.interval == 1 && every.nth.is_none() && every.cron.is_none();
        let only_days = plain_days && !every.days.is_empty();
        // "Mondays at 9 and Thursdays at 14" is two rules.
        if only_days && !known.days.is_empty() && !frame.clocks.is_empty() && known.days != every.days {
            let said = self.said(frame.first.min(from), to);
            frame.fail(Problem::new(Reason::Contradiction, Ask::NotTogether(said)));
            return;
        }
        if only_days
            && known.days.is_empty()
            && known.nth.is_none()
            && known.month_days.is_empty()
            && known.cron.is_none()
        {
            known.days = every.days;
        } else if known.unit == Unit::Month && known.interval == 1 && every.unit == Unit::Month && known.nth.is_none() {
            let interval = known.interval;
            *known = Every { interval, ..every };
        } else if known.unit == Unit::Week && known.interval == 1 && every.unit == Unit::Week && every.days.is_empty() {
            known.interval = every.interval;
        } else if only_days && known.unit == Unit::Week && known.interval == 1 {
            known.days.extend(every.days);
            known.days.sort_by_key(Weekday::num_days_from_monday);
            known.days.dedup();
        } else if *known == every || every.unit == Unit::Day && every.interval == 1 && every.part.is_some() {
        } else {
            let said = self.said(frame.first.min(from), to);
            frame.fail(Problem::new(Reason::Contradiction, Ask::NotTogether(said)));
        }
    }

    /// "until Christmas", "starting next Monday", "for 10 days", "5 times".
    fn restriction(&self, frame: &mut Frame, at: usize) -> Option<usize> {
        let recurs = frame.every.is_some();
        let from = recurs && self.has(at, Sense::From) && self.clock(at + 1, true).is_none();
        if self.has(at, Sense::Starting) || from {
            let place = self.lead(at + 1);
            let (day, next) = self.day(place, true, 0)?;
            if let Some((period, end)) = self.period(place, true).filter(|(_, end)| *end > next) {
                frame.start = period.ok().map(|period| period.from);
                return Some(end);
            }
            match day {
                Ok(day) if recurs => frame.start = Some(day.date),
                Ok(day) => frame.days.push(day),
                Err(problem) => frame.fail(problem),
            }
            return Some(next);
        }
        if self.has(at, Sense::Starting) {
            return None;
        }
        if !recurs {
            return None;
        }
        if self.has(at, Sense::Until) {
            let place = self.lead(at + 1);
            let (date, next) = match (self.day(place, true, 0), self.period(place, true)) {
                (Some((day, next)), period) if period.as_ref().is_none_or(|(_, end)| *end <= next) => {
                    (day.map(|day| day.date), next)
                }
                (_, Some((period, next))) => {
                    let period = self.month_or_period(place).map_or(period, |(period, _)| Ok(period));
                    (period.map(|period| period.from.pred_opt().unwrap_or(period.from)), next)
                }
                _ => return None,
            };
            match date {
                Ok(date) => frame.until = Some(date),
                Err(problem) => frame.fail(problem),
            }
            return Some(next);
        }
        let led = self.has(at, Sense::For);
        let place = if led { at + 1 } else { at };
        if let Some((count, next)) = self.count(place)
            && self.has(next, Sense::Times)
            && !self.any(next + 1, &[Sense::A, Sense::Per])
        {
            frame.count = Some(count);
            return Some(next + 1);
        }
        if !led {
            return None;
        }
        let place = place + usize::from(self.has(place, Sense::The));
        let place = place + usize::from(self.has(place, Sense::Next));
        let (length, next) = self.length(place)?;
        match length {
            Ok(length) => frame.lasts = Some(length),
            Err(problem) => frame.fail(problem),
        }
        Some(next)
    }

    /// "between 9 and 17", "from 9 to 5pm", "9-17".
    fn window(&self, frame: &mut Frame, at: usize) -> Option<usize> {
        let between = self.has(at, Sense::Between);
        let from = self.has(at, Sense::From);
        let place = if between || from { at + 1 } else { at + usize::from(self.has(at, Sense::At)) };
        let place = place + usize::from(between && self.has(place, Sense::At));
        let bare = (frame.pieces > 0 || from) && self.glued_mark(place + 1, '-') && self.glued(place + 2);
        let led = between || from || place > at || bare;
        let digits = self.digits(place).filter(|(length, hour)| bare && *length < 3 && *hour < 25);
        let first = digits.and_then(|(_, hour)| {
            let hour = u32::try_from(hour).ok()?;
            let half = if hour > 12 { crate::clock::Half::Said } else { crate::clock::Half::Open };
            Some((Ok(Clock { half, ..Clock::at(hour, 0) }), place + 1))
        });
        let (first, next) = first.or_else(|| self.clock(place, led))?;
        let dash = self.mark(next, '-');
        let joins =
            if between { self.has(next, Sense::And) } else { dash || self.any(next, &[Sense::To, Sense::Until]) };
        if !joins || !(led || frame.every.is_some() || dash) {
            return None;
        }
        let (last, end) = self.clock(next + 1, true)?;
        // "from 1 to 15 May" is of days.
        if self.month(end).is_some() {
            return None;
        }
        match (first, last) {
            (Ok(mut first), Ok(mut last)) => {
                use crate::clock::Half;
                if last.half == Half::Said
                    && first.half != Half::Said
                    && last.hour > 12
                    && first.hour + 12 < last.hour
                    && self.has(end - 1, Sense::Pm)
                    && first.hour < 7
                {
                    first.hour += 12;
                }
                if last.half != Half::Said && last.hour < first.hour && last.hour + 12 > first.hour {
                    last.hour += 12;
                }
                (first.half, last.half) = (Half::Said, Half::Said);
                if frame.window.is_some() {
                    frame.fail(Problem::new(Reason::Contradiction, Ask::TwoTimes));
                }
                frame.window = Some((first, last));
            }
            (Err(problem), _) | (_, Err(problem)) => frame.fail(problem),
        }
        frame.clock_words = Some((at, end));
        Some(end)
    }

    /// "since March", "between 1 and 15 May", "from Monday to Friday".
    fn range(&self, frame: &mut Frame, at: usize) -> Option<usize> {
        if frame.pieces > 0 {
            return None;
        }
        let (result, next) =
            self.since(at).map(|read| (read, true)).or_else(|| self.between_days(at).map(|read| (read, false))).map(
                |((result, next), since)| {
                    frame.since = since;
                    (result, next)
                },
            )?;
        match result {
            Ok(period) => frame.period = Some(period),
            Err(problem) => frame.fail(problem),
        }
        frame.led = true;
        Some(next)
    }

    /// "by Friday", "before 5pm", "after 3pm", "around 9", "until noon".
    fn limited(&self, frame: &mut Frame, at: usize) -> Option<usize> {
        let bounds = [
            (Sense::By, Bound::By),
            (Sense::Before, Bound::Before),
            (Sense::After, Bound::After),
            (Sense::Around, Bound::Around),
            (Sense::Until, Bound::Until),
        ];
        let (_, bound) = bounds.iter().find(|(sense, _)| self.has(at, *sense))?;
        let place = self.lead(at + 1);
        let around = *bound == Bound::Around;
        // "about 9": only behind "at", or with the form of a time.
        let led = !around || place > at + 1 || !self.has(at, Sense::About) || frame.pieces > 0;
        let next = if around && !led {
            let (clock, next) = self.clock(place, false)?;
            self.take_clock(frame, clock, at, next);
            next
        } else {
            self.anchor(frame, place, at)?
        };
        if frame.every.is_some() {
            match frame.clocks.as_slice() {
                [clock] if around && frame.problem.is_none() => self.note(Note::Exactly(clock.hour, clock.minute)),
                _ => frame.fail(Problem::new(Reason::LeftOver, Ask::LeftOver(self.said(at, next)))),
            }
            return Some(next);
        }
        let by = Bound::By;
        let german = self.setting.language == crate::setting::Language::German;
        let bound = if german && *bound == Bound::Until { &by } else { bound };
        if frame.bound.is_some_and(|known| known != *bound) {
            frame.fail(Problem::new(Reason::Contradiction, Ask::NotTogether(self.said(frame.first, next))));
        }
        frame.bound = Some(*bound);
        frame.led = true;
        Some(next)
    }

    /// A clock or a day behind a word that leads to it.
    fn anchor(&self, frame: &mut Frame, place: usize, at: usize) -> Option<usize> {
        let day = self.day(place, true, 0);
        let clock = self.clock(place, true);
        match (day, clock) {
            (Some((day, next)), clock) if clock.as_ref().is_none_or(|(_, end)| *end <= next) => {
                self.take_day(frame, day, at, next);
                Some(next)
            }
            (_, Some((clock, next))) => {
                self.take_clock(frame, clock, at, next);
                Some(next)
            }
            _ => {
                if let Some(part) = self.part(place) {
                    self.take_part(frame, part);
                    return Some(place + 1);
                }
                let (period, next) = self.period(place, true)?;
                match period {
                    Ok(period) if self.has(at, Sense::Before) => {
                        self.take_day(frame, Ok(Day::of(period.from)), at, next)
                    }
                    Ok(period) => self.take_day(frame, Ok(Day::of(period.to)), at, next),
                    Err(problem) => frame.fail(problem),
                }
                Some(next)
            }
        }
    }

    fn take_day(&self, frame: &mut Frame, day: Result<Day, Problem>, from: usize, to: usize) {
        match day {
            Ok(day) => {
                if let Some(part) = day.part {
                    self.take_part(frame, part);
                }
                if day.around {
                    frame.bound.get_or_insert(Bound::Around);
                }
                if let Some(clock) = day.clock {
                    frame.clocks.push(clock);
                }
                if frame.every.is_some() {
                    frame.fail(Problem::new(Reason::LeftOver, Ask::LeftOver(self.said(from, to))));
                    return;
                }
                frame.days.push(day);
            }
            Err(problem) => frame.fail(problem),
        }
    }

    fn take_clock(&self, frame: &mut Frame, clock: Result<Clock, Problem>, from: usize, to: usize) {
        match clock {
            Ok(clock) => {
                if clock.around {
                    frame.bound.get_or_insert(Bound::Around);
                }
                frame.clocks.push(clock);
                frame.clock_words = Some(frame.clock_words.map_or((from, to), |(first, _)| (first, to)));
            }
            Err(problem) => frame.fail(problem),
        }
    }

    fn take_part(&self, frame: &mut Frame, part: Part) {
        match frame.part {
            Some(known) if known != part && !(known == Part::Evening && part == Part::Tonight) => {
                frame.fail(Problem::new(Reason::Contradiction, Ask::TwoTimes));
            }
            _ => frame.part = Some(part),
        }
    }

    /// A day, a clock, a part of the day, a zone, a span or a length.
    fn point(&self, frame: &mut Frame, at: usize, after_and: bool) -> Option<usize> {
        // A zone follows a time, or a recurrence with one.
        let timed =
            !frame.clocks.is_empty() || frame.window.is_some() || frame.days.iter().any(|day| day.clock.is_some());
        if timed || frame.every.is_some() && frame.pieces > 0 {
            let iana = self.mark(at + 1, '/');
            if (timed || iana || self.zone_is_named(at))
                && let Some((zone, next)) = self.zone(at)
            {
                match zone {
                    Ok(zone) => {
                        if frame.zones.iter().any(|known| *known != zone) {
                            frame.fail(Problem::new(Reason::Contradiction, Ask::TwoZones));
                        }
                        frame.zones.push(zone);
                    }
                    Err(problem) => frame.fail(problem),
                }
                return Some(next);
            }
        }
        let german = self.setting.language == crate::setting::Language::German;
        // "the night before Christmas"
        let the = at + usize::from(self.has(at, Sense::The));
        if let Some(part) = self.part(the)
            && self.any(the + 1, &[Sense::Before, Sense::After])
            && frame.days.is_empty()
            && let Some((Ok(day), next)) = self.day(the + 2, true, 1).filter(|_| self.clock(the + 2, true).is_none())
        {
            let by = if self.has(the + 1, Sense::After) { 1 } else { -1 };
            let date = crate::calendar::shift(day.date, by)?;
            frame.led = true;
            self.take_part(frame, part);
            self.take_day(frame, Ok(Day::of(date)), at, next);
            return Some(next);
        }
        // "in the evening", "this afternoon", "Friday morning"
        let this = usize::from(self.has(at, Sense::This));
        let on = usize::from(self.has(at, Sense::On));
        let the = usize::from(self.has(at + on, Sense::The));
        let place = at + this + on + the;
        if let Some(part) = self.part(place)
            && self
                .find(place, |sense| if let Sense::Day(n) = sense { Some(*n) } else { None })
                .is_none_or(|_| german && self.is_weak(place) && (!frame.days.is_empty() || on > 0))
            && self.weekday(place).is_none()
        {
            let phrase = self.token(place).is_some_and(|token| token.span.len() > token.lower.len());
            let exact = matches!(part, Part::EndOfDay | Part::AfterLunch);
            if this == 1 {
                frame.days.push(Day::of(self.today));
            } else if frame.pieces == 0 && !(phrase || exact || on > 0 || self.word(place) == "eod") {
                return None;
            }
            frame.led |= phrase || this == 1 || on == 1;
            self.take_part(frame, part);
            return Some(place + 1);
        }
        if let Some((clock, next)) = self.offset_clock(at) {
            frame.led = true;
            self.take_clock(frame, clock, at, next);
            return Some(next);
        }
        let at_word = self.has(at, Sense::At);
        if at_word {
            let around = usize::from(self.has(at + 1, Sense::Around));
            let place = at + 1 + around;
            if let Some((clock, next)) = self.clock(place, true) {
                let day = self.day(place, true, 0).filter(|(_, end)| *end > next);
                if day.is_none() {
                    if around == 1 {
                        frame.bound.get_or_insert(Bound::Around);
                    }
                    frame.led = true;
                    self.take_clock(frame, clock, place, next);
                    return Some(next);
                }
            }
            if let Some(part) = self.part(place).filter(|_| self.is_day_end(place) || frame.pieces > 0) {
                self.take_part(frame, part);
                return Some(place + 1);
            }
            if self.unit(place + usize::from(self.has(place, Sense::The))) == Some(Unit::Weekend)
                && let Some((Ok(period), next)) = self.period(place, true)
            {
                frame.period = Some(period);
                return Some(next);
            }
            // "at Christmas", "at the end of the month"
            let (day, next) = self.day(place, true, 0)?;
            if day.as_ref().is_ok_and(|day| day.bare_weekday) {
                return None;
            }
            frame.led = true;
            self.take_day(frame, day, at, next);
            return Some(next);
        }
        // "9 and 17", "tomorrow 9"
        let bare = !frame.clocks.is_empty() && after_and && !self.counts_things(at + 1)
            || frame.clocks.is_empty() && frame.pieces > 0 && !after_and && self.ends_after_number(at);
        let clock = self.clock(at, bare || !frame.clocks.is_empty() && self.mark(at.wrapping_sub(1), ','));
        let led = self.any(at, &[Sense::On, Sense::In, Sense::For, Sense::Of, Sense::From]);
        let place = if led { at + 1 } else { at };
        if led && frame.every.is_none() && self.has(at, Sense::In) && self.part(place).is_some() {
            return None;
        }
        let day = self.day(at, led, 0).or_else(|| if led { self.day(place, true, 0) } else { None });
        let period = self.period(place, led);
        let clock_end = clock.as_ref().map_or(0, |(_, next)| *next);
        let day_end = day.as_ref().map_or(0, |(_, next)| *next);
        let period_end = period.as_ref().map_or(0, |(_, next)| *next);
        let longest = clock_end.max(day_end).max(period_end);
        if longest == 0 || after_and && clock_end < longest && frame.every.is_none() {
            return self.lasting(frame, at);
        }
        if clock_end == longest
            && clock_end > day_end
            && let Some((clock, next)) = clock
        {
            self.take_clock(frame, clock, at, next);
            return Some(next);
        }
        frame.led |= led;
        if day_end >= period_end {
            let (day, next) = day?;
            self.take_day(frame, day, at, next);
            return Some(next);
        }
        let (period, next) = period?;
        match period {
            // "every day this week"
            Ok(period)
                if frame.every.is_some()
                    && self.has(at, Sense::This)
                    && !period.until_now
                    && frame.until.is_none()
                    && (period.from..=period.to).contains(&self.today) =>
            {
                frame.until = Some(period.to);
            }
            Ok(period) if frame.every.is_some() && (period.until_now || period.from <= self.today) => return None,
            Ok(period) if frame.every.is_some() => {
                frame.fail(Problem::new(Reason::LeftOver, Ask::LeftOver(self.said(at, next))));
                frame.period = Some(period);
            }
            Ok(period) => {
                if frame.period.is_some_and(|known| known != period) {
                    frame.fail(Problem::new(Reason::Contradiction, Ask::NotTogether(self.said(frame.first, next))));
                }
                frame.period = Some(period);
            }
            Err(problem) => frame.fail(problem),
        }
        Some(next)
    }

    fn zone_is_named(&self, at: usize) -> bool {
        let place = at + usize::from(self.has(at, Sense::In));
        self.find(place, |sense| match sense {
            Sense::City(_) => Some(()),
            Sense::Zone(_) | Sense::Abbreviation(_) => Some(()),
            _ => None,
        })
        .is_some()
            || self.has(at, Sense::LocalTime)
    }

    fn is_day_end(&self, at: usize) -> bool {
        matches!(self.part(at), Some(Part::EndOfDay | Part::Lunch | Part::Night))
    }

    /// Whether the number at this token is followed by the end, a mark, or a word of time or action.
    fn ends_after_number(&self, at: usize) -> bool {
        // "tomorrow 1730", where it is no year.
        let whole = |length: usize, value: u64| {
            length == 4 && value / 100 < 24 && value % 100 < 60 && !(1900..=2100).contains(&value)
        };
        if self.digits(at).is_none_or(|(length, value)| (length > 2 || value > 23) && !whole(length, value)) {
            return false;
        }
        match self.tokens.get(at + 1) {
            None => true,
            Some(token) => match token.kind {
                crate::lex::Kind::Mark(mark) => !token.glued || matches!(mark, '.' | ',' | '!' | '?' | ')'),
                crate::lex::Kind::Number => false,
                crate::lex::Kind::Word => {
                    self.any(at + 1, &[Sense::Action, Sense::Function]) && self.month(at + 1).is_none()
                        || self
                            .find(at + 1, |sense| match sense {
                                Sense::City(_) | Sense::Zone(_) | Sense::Abbreviation(_) => Some(()),
                                _ => None,
                            })
                            .is_some()
                }
            },
        }
    }

    /// "for two hours".
    fn lasting(&self, frame: &mut Frame, at: usize) -> Option<usize> {
        if frame.pieces > 0 {
            return None;
        }
        let led = self.has(at, Sense::For);
        let place = if led { at + 1 } else { at };
        let spelled = self.digits(place).is_some() || self.count(place).is_some_and(|(count, _)| count > 1);
        let (length, next) = self.length(place)?;
        if !led && (!spelled || self.has(place, Sense::A)) {
            return None;
        }
        match length {
            Ok(length) => frame.length = Some(length),
            Err(problem) => frame.fail(problem),
        }
        frame.led |= led;
        Some(next)
    }
}
