//! Spans from one day to another: "since March", "between 1 and 15 May", "May 1-15", "from Monday to Friday".

use chrono::{Datelike as _, NaiveDate};

use crate::calendar::shift;
use crate::meaning::{Reason, SpanKind};
use crate::period::Period;
use crate::reader::{Problem, Read, Reader};
use crate::words::{Ask, Sense};

impl Reader<'_> {
    /// "since Monday", "since March", "since 2024".
    pub fn since(&self, at: usize) -> Read<Period> {
        if !self.has(at, Sense::Since) {
            return None;
        }
        let place = at + 1 + usize::from(self.has(at + 1, Sense::On));
        let day = self.day(place, true, 0);
        let period = self.period(place, true);
        let day_end = day.as_ref().map_or(0, |(_, next)| *next);
        let (from, next) = match (day, period) {
            (_, Some((period, next))) if next > day_end => {
                let start = match period {
                    Ok(period) => period.from,
                    Err(problem) => return Some((Err(problem), next)),
                };
                (start, next)
            }
            (Some((Ok(day), next)), _) => {
                if day.exact.is_some() {
                    return None;
                }
                let named = self.weekday(place).is_some() && day.bare_weekday;
                let back = if named { shift(day.date, -7) } else { day.date.with_year(day.date.year() - 1) };
                // "since Monday" on a Monday is since today.
                let date = if day.date > self.today { back.unwrap_or(day.date) } else { day.date };
                (date, next)
            }
            (Some((Err(problem), next)), _) => return Some((Err(problem), next)),
            (None, Some((_, next))) => return Some((Err(self.out_of_range(at, next)), next)),
            (None, None) => return None,
        };
        let mut from = from;
        if from > self.today && self.year(next.saturating_sub(1)).is_none() {
            from = from.with_year(from.year() - 1).unwrap_or(from);
        }
        if from > self.today {
            let problem = Problem::new(Reason::Contradiction, Ask::NotTogether(self.said(at, next)));
            return Some((Err(problem), next));
        }
        let mut period = Period::new(from, self.today, SpanKind::Since);
        period.until_now = true;
        Some((Ok(period), next))
    }

    /// From one day to another.
    pub fn between_days(&self, at: usize) -> Read<Period> {
        let between = self.has(at, Sense::Between);
        let from = self.has(at, Sense::From);
        let place = if between || from { at + 1 } else { at };
        // "move it from Friday to Monday" names two days.
        if from && (1..=4).any(|back| at >= back && self.has(at - back, Sense::Move)) {
            return None;
        }
        let joins = |next: usize| {
            if between {
                self.has(next, Sense::And)
            } else {
                self.mark(next, '-') || self.any(next, &[Sense::To, Sense::Until])
            }
        };
        // "1 and 15 May", "1-15 May"
        let place = place + usize::from(self.has(place, Sense::The));
        if let Some((day, next, _)) = self.day_number(place).filter(|(_, next, _)| joins(*next)) {
            let second = next + 1 + usize::from(self.has(next + 1, Sense::The));
            if let Some((last, end)) =
                self.date(second, true).filter(|(_, end)| (second..*end).any(|at| self.month(at).is_some()))
            {
                return Some((last.and_then(|last| self.same_month(day, last.date, last.year_said, at, end)), end));
            }
        }
        // "May 1-15"
        if let Some(month) = self.month(place)
            && let Some((first, next, _)) = self.day_number(place + 1).filter(|(_, next, _)| joins(*next))
            && let Some((last, end, _)) = self.day_number(next + 1)
            && self.month(end).is_none()
        {
            let comma = usize::from(self.mark(end, ',') && self.year(end + 1).is_some());
            let year = self.year(end + comma);
            let end = if year.is_some() { end + comma + 1 } else { end };
            let last = self.dated(last, month, year, at, end);
            return Some((last.and_then(|last| self.same_month(first, last, year.is_some(), at, end)), end));
        }
        if !between && !from && !self.starts_range(place) {
            return None;
        }
        let (first, next) = self.edge(place, false)?;
        if !joins(next) {
            return None;
        }
        let (last, end) = self.edge(next + 1, true)?;
        let pair = match (first, last) {
            (Ok(first), Ok(last)) => Ok((first, last)),
            (Err(problem), _) | (_, Err(problem)) => Err(problem),
        };
        Some((
            pair.and_then(|(first, mut last)| {
                if last < first && self.weekday(next + 1).is_some() {
                    last = shift(last, 7).unwrap_or(last);
                }
                let mut first = first;
                let dated = self.weekday(next + 1).is_none() && self.year(end - 1).is_none();
                if dated && first <= last && self.month_in(at, end) && self.nearest_date(last) < last {
                    first = first.with_year(first.year() - 1).unwrap_or(first);
                    last = self.nearest_date(last);
                }
                if last < first {
                    // "from 20 December to 10 January", "between October and March"
                    first = first.with_year(first.year() - 1).unwrap_or(first);
                }
                self.checked(first, last, at, end)
            }),
            end,
        ))
    }

    /// Whether a month, or a date in numbers, is among these tokens.
    fn month_in(&self, from: usize, to: usize) -> bool {
        (from..to).any(|at| self.month(at).is_some() || self.mark(at, '.') || self.mark(at, '/'))
    }

    fn starts_range(&self, at: usize) -> bool {
        self.weekday(at).is_some() || self.month(at).is_some() || self.digits(at).is_some()
    }

    /// One end of a range.
    fn edge(&self, at: usize, last: bool) -> Read<NaiveDate> {
        let day = self.day(at, true, 0);
        let period = self.period(at, true);
        let day_end = day.as_ref().map_or(0, |(_, next)| *next);
        match (day, period) {
            (_, Some((period, next))) if next > day_end => {
                Some((period.map(|period| if last { period.to } else { period.from }), next))
            }
            (Some((day, next)), _) if day.as_ref().map_or(true, |day| day.exact.is_none()) => {
                Some((day.map(|day| day.date), next))
            }
            _ => None,
        }
    }

    fn same_month(
        &self,
        day: u32,
        last: NaiveDate,
        year_said: bool,
        from: usize,
        to: usize,
    ) -> Result<Period, Problem> {
        // Without a year, the nearest one: in November, "1-15 November" is over.
        let last = if year_said { last } else { self.nearest_date(last) };
        let first = self.dated(day, last.month(), Some(last.year()), from, to)?;
        self.checked(first, last, from, to)
    }

    fn checked(&self, first: NaiveDate, last: NaiveDate, from: usize, to: usize) -> Result<Period, Problem> {
        if first <= last {
            return Ok(Period::new(first, last, SpanKind::Between));
        }
        let problem = Problem::new(Reason::Contradiction, Ask::NotTogether(self.said(from, to)));
        Err(problem.dates(vec![first, last]))
    }
}
