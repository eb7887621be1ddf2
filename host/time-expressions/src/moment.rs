//! The meaning of a frame: a moment, a span, a length, or a question.

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Timelike as _};
use chrono_tz::Tz;

use crate::calendar::{Instant, YEARS, begin, instant, shift};
use crate::clock::{Settled, default_hour};
use crate::day::Day;
use crate::frame::Frame;
use crate::meaning::{Duration, Meaning, Moment, Question, Reason, Span};
use crate::period::Period;
use crate::reader::{Problem, Reader};
use crate::words::{Ask, Note, Unit};
use crate::zone::SaidZone;

/// The hour where none is said.
pub(crate) const DEFAULT_HOUR: u32 = 9;

/// The moment at which the clock shows a time; in a gap, the first one behind it.
pub(crate) fn settled(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Tz>> {
    match instant(zone, local) {
        Instant::At(at) | Instant::Twice(at) => Some(at),
        Instant::Gap(_, after) => zone.from_local_datetime(&after).earliest(),
    }
}

impl Reader<'_> {
    /// What the frame means; notes are kept in the reader.
    pub fn meaning(&self, frame: &Frame) -> Meaning {
        *self.notes.borrow_mut() = frame.notes.clone();
        match self.clear_meaning(frame) {
            Ok(meaning) => meaning,
            Err(problem) => Meaning::Unclear(self.question(frame, problem)),
        }
    }

    fn clear_meaning(&self, frame: &Frame) -> Result<Meaning, Problem> {
        if let Some(problem) = &frame.problem {
            return Err(problem.clone());
        }
        let said = || self.said(frame.first, frame.next);
        if frame.every.is_some() {
            return self.recurrence(frame).map(Meaning::Recurrence);
        }
        if !frame.listed.is_empty() {
            let mut problem = Problem::new(Reason::AmbiguousRecurrence, Ask::Weekly(said()));
            problem.answers = self.voice.weekly_or_once(&frame.listed);
            return Err(problem);
        }
        if let Some(length) = frame.length {
            if frame.pieces > 1 {
                return Err(Problem::new(Reason::Contradiction, Ask::NotTogether(said())));
            }
            let seconds = length.seconds + (length.days + length.working_days) * 86_400;
            let months = u32::try_from(length.months).map_err(|_| self.out_of_range(frame.first, frame.next))?;
            return Ok(Meaning::Duration(Duration { seconds, months }));
        }
        if let Some((first, last)) = frame.window {
            let mut problem = Problem::new(Reason::AmbiguousClock, Ask::BetweenTimes(said()));
            problem.times = vec![(first.hour, first.minute), (last.hour, last.minute)];
            return Err(problem);
        }
        if let Some(period) = frame.period {
            return self.span(frame, period).map(Meaning::Span);
        }
        self.moment(frame).map(Meaning::Moment)
    }

    fn span(&self, frame: &Frame, period: Period) -> Result<Span, Problem> {
        let said = self.said(frame.first, frame.next);
        if !frame.days.is_empty() {
            return Err(Problem::new(Reason::Contradiction, Ask::NotTogether(said)));
        }
        if !frame.clocks.is_empty() || frame.part.is_some() {
            let dates = [Some(period.from), shift(period.from, 1)].into_iter().flatten().collect();
            return Err(Problem::new(Reason::NoDay, Ask::WhichDay(said)).dates(dates));
        }
        let (from_at, to_at) = period.exact.unwrap_or_else(|| {
            let to = shift(period.to, 1).unwrap_or(period.to);
            (begin(self.zone, period.from), if period.until_now { self.setting.now } else { begin(self.zone, to) })
        });
        let label = self.voice.span(period.from, period.to);
        Ok(Span { from: period.from, to: period.to, from_at, to_at, kind: period.kind, label })
    }

    /// The one day of the frame.
    fn one_day<'d>(&self, frame: &'d Frame) -> Result<Option<&'d Day>, Problem> {
        let Some(first) = frame.days.first() else { return Ok(None) };
        for other in &frame.days[1..] {
            if other.date != first.date || other.exact != first.exact {
                let date = if first.bare_weekday { other } else { first };
                let weekday = if first.bare_weekday { first } else { other };
                let ask = if weekday.bare_weekday && !date.bare_weekday && date.date.weekday() != weekday.date.weekday()
                {
                    Ask::OtherWeekday(date.date, weekday.date.weekday())
                } else if weekday.bare_weekday && date.date.weekday() == weekday.date.weekday() {
                    return Ok(Some(date));
                } else {
                    Ask::TwoDays(first.date, other.date)
                };
                return Err(Problem::new(Reason::Contradiction, ask).dates(vec![first.date, other.date]));
            }
        }
        Ok(Some(first))
    }

    /// The one time of day of the frame.
    fn one_clock(&self, frame: &Frame) -> Result<Option<Settled>, Problem> {
        let Some(first) = frame.clocks.first() else { return Ok(None) };
        let said = frame.clock_words.map(|(from, to)| self.said(from, to)).unwrap_or_default();
        if frame.clocks.iter().any(|clock| (clock.hour, clock.minute) != (first.hour, first.minute)) {
            let mut problem = Problem::new(Reason::Contradiction, Ask::TwoTimes);
            for clock in frame.clocks.iter().take(4) {
                let time =
                    self.settle(*clock, frame.part, &said).map_or((clock.hour, clock.minute), |(h, m, _)| (h, m));
                if !problem.times.contains(&time) {
                    problem.times.push(time);
                }
            }
            return Err(problem);
        }
        self.settle(*first, frame.part, &said).map(Some)
    }

    fn moment(&self, frame: &Frame) -> Result<Moment, Problem> {
        let day = self.one_day(frame)?;
        let clock = self.one_clock(frame)?;
        let now = self.setting.now;
        let zone = frame.zones.first();
        let local_zone = zone.and_then(|zone| zone.zone).unwrap_or(self.zone);
        let finished = |at: DateTime<Tz>, explicit_time, assumed_hour| Moment {
            at,
            explicit_time,
            explicit_day: day.is_some(),
            assumed_hour,
            past: at <= now,
            bound: frame.bound,
            said_zone: zone.and_then(|zone| zone.zone),
        };
        if let Some(exact) = day.and_then(|day| day.exact) {
            if clock.is_some() || frame.part.is_some() {
                let said = self.said(frame.first, frame.next);
                return Err(Problem::new(Reason::Contradiction, Ask::NotTogether(said)));
            }
            return Ok(finished(exact, true, false));
        }
        let there = now.with_timezone(&local_zone);
        if day.is_some()
            && frame.clocks.iter().any(|clock| clock.midnight)
            && frame.part.is_none()
            && let Some(day) = day
        {
            self.note(Note::MidnightStart(day.date));
        }
        let (date, hour, minute, assumed) = match (day, clock) {
            (Some(day), Some((hour, minute, later))) => (shift(day.date, later), hour, minute, false),
            (Some(day), None) => match frame.part {
                Some(part) => {
                    let (hour, minute) = default_hour(part);
                    self.note(Note::AssumedHour(hour, minute));
                    (Some(day.date), hour, minute, true)
                }
                None if day.keeps_time => {
                    self.note(Note::SameTime(now.hour(), now.minute()));
                    (Some(day.date), now.hour(), now.minute(), true)
                }
                None if day.date == self.today && frame.bound.is_none() && now.hour() >= DEFAULT_HOUR => {
                    // Today: the next full hour; after 23:00 it is tomorrow's first.
                    let hour = now.hour() + 1;
                    let date = if hour > 23 { shift(day.date, 1) } else { Some(day.date) };
                    self.note(Note::AssumedHour(hour % 24, 0));
                    (date, hour % 24, 0, true)
                }
                None => {
                    self.note(Note::AssumedHour(DEFAULT_HOUR, 0));
                    (Some(day.date), DEFAULT_HOUR, 0, true)
                }
            },
            (None, clock) => {
                let assumed = clock.is_none();
                let (hour, minute, later) = match (clock, frame.part) {
                    (Some(clock), _) => clock,
                    (None, Some(part)) => {
                        let (hour, minute) = default_hour(part);
                        self.note(Note::AssumedHour(hour, minute));
                        (hour, minute, 0)
                    }
                    (None, None) => {
                        let said = self.said(frame.first, frame.next);
                        return Err(Problem::new(Reason::LeftOver, Ask::LeftOver(said)));
                    }
                };
                let passed = later == 0 && (hour, minute) <= (there.hour(), there.minute());
                (shift(there.date_naive(), i64::from(passed) + later), hour, minute, assumed)
            }
        };
        let date = date.filter(|date| YEARS.contains(&date.year()));
        let date = date.ok_or_else(|| self.out_of_range(frame.first, frame.next))?;
        let at = self.on_clock(date, hour, minute, zone)?;
        Ok(finished(at, !assumed, assumed))
    }

    /// The moment at which the clock of the zone shows this time on this date.
    fn on_clock(
        &self,
        date: NaiveDate,
        hour: u32,
        minute: u32,
        said: Option<&SaidZone>,
    ) -> Result<DateTime<Tz>, Problem> {
        let time = NaiveTime::from_hms_opt(hour, minute, 0);
        let bad = || Problem::new(Reason::NoSuchTime, Ask::NoSuchTime(format!("{hour}:{minute:02}")));
        let local = date.and_time(time.ok_or_else(bad)?);
        if let Some(offset) = said.and_then(|said| said.offset) {
            let offset = FixedOffset::east_opt(offset * 60).ok_or_else(bad)?;
            let at = offset.from_local_datetime(&local).earliest().ok_or_else(bad)?;
            return Ok(at.with_timezone(&self.zone));
        }
        let zone = said.and_then(|said| said.zone).unwrap_or(self.zone);
        let at = match instant(zone, local) {
            Instant::At(at) => at,
            Instant::Twice(at) => {
                self.note(Note::TwiceShown(hour, minute));
                at
            }
            Instant::Gap(before, after) => {
                let ask = Ask::GapTime(hour, minute, date);
                let mut problem = Problem::new(Reason::NoSuchTime, ask).dates(vec![date]);
                problem.times = [before, after].map(|time| (time.hour(), time.minute())).to_vec();
                return Err(problem);
            }
        };
        if zone != self.zone {
            self.note(Note::InZone(zone));
        }
        if let Some(name) = said.and_then(|said| said.abbreviation.as_ref()) {
            let shown = at.format("%Z").to_string();
            if shown.chars().all(|c| c.is_ascii_alphabetic()) && !shown.eq_ignore_ascii_case(name) && zone != Tz::UTC {
                self.note(Note::SeasonOf(name.clone(), zone));
            }
        }
        Ok(at.with_timezone(&self.zone))
    }

    /// The question with what was understood, and answers that can be read.
    fn question(&self, frame: &Frame, problem: Problem) -> Question {
        let voice = self.voice;
        let day = frame.days.first().map(|day| day.date);
        let said = frame.clock_words.map(|(from, to)| self.said(from, to)).unwrap_or_default();
        let clock = match frame.clocks.as_slice() {
            [clock] => self.settle(*clock, frame.part, &said).ok(),
            [] => frame.part.map(|part| (default_hour(part).0, default_hour(part).1, 0)),
            _ => None,
        };
        let mut options = problem.answers.clone();
        let time = clock.map(|(hour, minute, _)| (hour, minute));
        if let Some(every) = &frame.every {
            // An open hour in a recurrence.
            for time in &problem.times {
                let mut clear = frame.clone();
                clear.problem = None;
                clear.clocks = vec![crate::clock::Clock::at(time.0, time.1)];
                if every.cron.is_none()
                    && let Ok(recurrence) = self.recurrence(&clear)
                {
                    options.push(recurrence.label);
                }
            }
        } else if !problem.times.is_empty() {
            let dates =
                if problem.dates.is_empty() { vec![day] } else { problem.dates.iter().copied().map(Some).collect() };
            for date in dates {
                for (hour, minute) in &problem.times {
                    let passed = (*hour, *minute) <= (self.setting.now.hour(), self.setting.now.minute());
                    let next = shift(self.today, i64::from(passed)).unwrap_or(self.today);
                    options.push(voice.moment(date.unwrap_or(next), *hour, *minute));
                }
            }
        } else if !problem.dates.is_empty() {
            for date in problem.dates.iter().take(4) {
                options.push(match time {
                    Some((hour, minute)) => voice.moment(*date, hour, minute),
                    None => voice.date(*date),
                });
            }
        } else if !problem.cities.is_empty() {
            let (hour, minute) = time.unwrap_or((DEFAULT_HOUR, 0));
            let date = day.or_else(|| shift(self.today, 1)).unwrap_or(self.today);
            options.extend(problem.cities.iter().map(|city| voice.at_zone(&voice.moment(date, hour, minute), city)));
        }
        options.dedup();
        let understood = self.understood(frame, &problem, time);
        let left_over = match &problem.ask {
            Ask::LeftOver(words)
            | Ask::UnknownZone(words)
            | Ask::WhichZone(words)
            | Ask::NoSuchDay(words)
            | Ask::NoSuchTime(words)
            | Ask::OutOfRange(words)
            | Ask::BadCron(words)
            | Ask::HowOften(words)
            | Ask::Half(words)
            | Ask::WhichDate(words)
            | Ask::HolidayOfCountry(words) => vec![words.clone()],
            _ => Vec::new(),
        };
        let mut text = String::new();
        if let Some(understood) = &understood {
            text.push_str(&voice.understood(understood));
            text.push(' ');
        }
        text.push_str(&voice.ask(&problem.ask));
        if !options.is_empty() {
            text.push(' ');
            text.push_str(&voice.choice(&options));
        }
        Question { understood, left_over, reason: problem.reason, text, options }
    }

    /// What of the frame is clear, in words.
    fn understood(&self, frame: &Frame, problem: &Problem, time: Option<(u32, u32)>) -> Option<String> {
        let voice = self.voice;
        if frame.every.as_ref().is_some_and(|every| every.unit != Unit::Day || every.cron.is_none()) {
            let mut clear = frame.clone();
            clear.problem = None;
            clear.clocks.clear();
            if let Ok(recurrence) = self.recurrence(&clear) {
                return Some(recurrence.label);
            }
        }
        let two_days = matches!(problem.ask, Ask::TwoDays(..) | Ask::OtherWeekday(..));
        let day = frame.days.first().map(|day| day.date).filter(|_| !two_days);
        let period = frame.period.map(|period| voice.span(period.from, period.to));
        match (day, time.filter(|_| problem.times.is_empty())) {
            (Some(day), Some((hour, minute))) => Some(voice.moment(day, hour, minute)),
            (Some(day), None) => Some(voice.date(day)),
            (None, Some((hour, minute))) => {
                let clock = format!("{hour:02}:{minute:02}");
                Some(period.map_or(clock.clone(), |period| format!("{period}, {clock}")))
            }
            (None, None) => period,
        }
    }
}
