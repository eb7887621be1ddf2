//! Cron expressions in a text: five fields or six, and the `@daily` forms.

use crate::every::Every;
use crate::lex::Kind;
use crate::meaning::Reason;
use crate::reader::{Problem, Read, Reader};
use crate::words::{Ask, Note, Sense, Unit};

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// The least and the greatest value of each of the six fields.
const BOUNDS: [(u32, u32); 6] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

/// Whether a text has the form of a field.
fn is_field(text: &str) -> bool {
    let names = |text: &str| {
        text.split([',', '-', '/']).all(|part| {
            part.bytes().all(|byte| byte.is_ascii_digit() || b"*?#LW".contains(&byte))
                || DAYS.contains(&part.to_ascii_uppercase().as_str())
                || MONTHS.contains(&part.to_ascii_uppercase().as_str())
        })
    };
    !text.is_empty() && text.len() <= 60 && names(text)
}

/// Whether a field holds values that it can have.
fn is_valid(text: &str, field: usize) -> bool {
    let (least, greatest) = BOUNDS[field];
    let value = |text: &str| -> Option<u32> {
        let upper = text.to_ascii_uppercase();
        let named = |names: &[&str], first: u32| {
            names.iter().position(|name| *name == upper).and_then(|at| u32::try_from(at).ok()).map(|at| at + first)
        };
        let named = match field {
            4 => named(&MONTHS, 1),
            5 => named(&DAYS, 0),
            _ => None,
        };
        named.or_else(|| text.parse().ok()).filter(|value| (least..=greatest).contains(value))
    };
    text.split(',').all(|item| {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| (1..=greatest).contains(&step))) {
            return false;
        }
        if range == "*" || range == "?" && (field == 3 || field == 5) && step.is_none() {
            return true;
        }
        if step.is_none() && field == 3 && (range == "L" || range.strip_suffix('W').is_some_and(|n| value(n).is_some()))
        {
            return true;
        }
        if step.is_none() && field == 5 {
            if range.strip_suffix('L').is_some_and(|day| value(day).is_some()) {
                return true;
            }
            if let Some((day, n)) = range.split_once('#') {
                return value(day).is_some() && (matches!(n, "1" | "2" | "3" | "4" | "5" | "L"));
            }
        }
        match range.split_once('-') {
            Some((from, to)) => value(from).zip(value(to)).is_some_and(|(from, to)| from <= to),
            None => value(range).is_some(),
        }
    })
}

impl Reader<'_> {
    /// A cron expression at this token.
    pub fn cron(&self, at: usize) -> Read<Every> {
        let said = self.has(at, Sense::Cron);
        let mut place = if said { at + 1 } else { at };
        while said
            && (self.mark(place, ':') || self.mark(place, '"') || self.mark(place, '`') || self.mark(place, '\''))
        {
            place += 1;
        }
        if self.mark(place, '@') && (said || !self.glued(place)) && self.glued(place + 1) {
            let every = match self.word(place + 1) {
                "hourly" => Every::of(Unit::Hour, 1),
                "daily" | "midnight" => self.written("0 0 0 * * *"),
                "weekly" => self.written("0 0 0 * * 0"),
                "monthly" => self.written("0 0 0 1 * *"),
                "yearly" | "annually" => self.written("0 0 0 1 1 *"),
                _ => return None,
            };
            return Some((Ok(every), place + 2));
        }
        let first = self.token(place)?;
        if !(said || matches!(first.kind, Kind::Number | Kind::Mark('*')) && !first.glued) {
            return None;
        }
        let rest = &self.text[first.span.start..];
        let fields: Vec<&str> = rest
            .split_whitespace()
            .take(7)
            .map(|field| field.trim_end_matches(['.', '"', '`', '\'', '!', ';']))
            .take_while(|field| is_field(field))
            .collect();
        let starred = fields.iter().any(|field| field.contains('*'));
        if !(said || fields.len() >= 5 && starred) {
            return None;
        }
        let fields = if fields.len() > 6 { &fields[..6] } else { &fields[..] };
        let end = fields
            .last()
            .map_or(first.span.start, |last| last.as_ptr() as usize - self.text.as_ptr() as usize + last.len());
        let next =
            (place..self.tokens.len()).find(|at| self.tokens[*at].span.start >= end).unwrap_or(self.tokens.len());
        let valid = match fields.len() {
            5 => fields.iter().enumerate().all(|(at, field)| is_valid(field, at + 1)),
            6 => fields.iter().enumerate().all(|(at, field)| is_valid(field, at)),
            0 | 1 => return None,
            _ => false,
        };
        if !valid {
            let bad = Problem::new(Reason::BadCron, Ask::BadCron(fields.join(" ")));
            return Some((Err(bad), next.max(place + 1)));
        }
        let joined = fields.join(" ");
        if fields.len() == 6 {
            self.note(Note::CronAsIs);
            return Some((Ok(self.written(&joined)), next));
        }
        let cron = format!("0 {joined}");
        self.note(Note::CronNormalised(cron.clone()));
        Some((Ok(self.written(&cron)), next))
    }

    fn written(&self, cron: &str) -> Every {
        Every { cron: Some(cron.to_owned()), ..Every::of(Unit::Day, 1) }
    }
}
