//! Zones behind a time: names, cities, abbreviations and offsets. One that does not exist is asked about.

use chrono_tz::Tz;

use crate::lex::Kind;
use crate::meaning::Reason;
use crate::reader::{Problem, Read, Reader};
use crate::words::{Ask, Sense, zones};

/// A zone that was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SaidZone {
    pub zone: Option<Tz>,
    /// Minutes east of UTC where no zone has the offset.
    pub offset: Option<i32>,
    /// The abbreviation, where one was said that belongs to one half of the year.
    pub abbreviation: Option<String>,
}

impl From<Tz> for SaidZone {
    fn from(zone: Tz) -> Self {
        Self { zone: Some(zone), offset: None, abbreviation: None }
    }
}

impl Reader<'_> {
    /// A zone at this token, which stands behind a time.
    pub fn zone(&self, at: usize) -> Read<SaidZone> {
        let word = self.word(at);
        if word == "z" && self.glued(at) {
            return Some((Ok(Tz::UTC.into()), at + 1));
        }
        if let Some((offset, next)) = self.offset(at, false) {
            return Some((offset, next));
        }
        if self.has(at, Sense::LocalTime) {
            return Some((Ok(self.zone.into()), at + 1));
        }
        if let Some(read) = self.iana(at) {
            return Some(read);
        }
        if let Some(zone) = self.find(at, |sense| if let Sense::Zone(zone) = sense { Some(*zone) } else { None })
            && (!matches!(word, "et" | "pt" | "wet") || self.is_upper(at))
            // "at 9 Pacific salmon" names no zone.
            && (!matches!(word, "eastern" | "pacific")
                || self.token(at).is_some_and(|token| token.span.len() > word.len())
                || self.tokens.get(at + 1).is_none_or(|next| next.kind != Kind::Word || !next.senses.is_empty()))
        {
            if let Some((offset, next)) = self.offset(at + 1, true).filter(|_| zone == Tz::UTC) {
                return Some((offset, next));
            }
            let next = if self.has(at + 1, Sense::TimeWord) { at + 2 } else { at + 1 };
            let seasonal = word.len() > 2 && (word.ends_with("st") || word.ends_with("dt"));
            let abbreviation = seasonal.then(|| word.to_owned());
            return Some((Ok(SaidZone { zone: Some(zone), offset: None, abbreviation }), next));
        }
        if let Some(choices) =
            self.find(at, |sense| if let Sense::Abbreviation(choices) = sense { Some(*choices) } else { None })
            && (self.is_upper(at) || !matches!(word, "ist" | "ast"))
        {
            let ours = choices.iter().find(|(country, ..)| Some(*country) == self.setting.country);
            return Some(match ours {
                Some((_, zone, _)) => (Ok((*zone).into()), at + 1),
                None => {
                    let mut problem = Problem::new(Reason::AmbiguousZone, Ask::WhichZone(self.said(at, at + 1)));
                    problem.cities = choices.iter().map(|(.., city)| *city).collect();
                    (Err(problem), at + 1)
                }
            });
        }
        self.city(at).or_else(|| self.unknown_zone(at))
    }

    fn is_upper(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| self.text[token.span.clone()].chars().all(|c| !c.is_lowercase()))
    }

    fn is_capital(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| self.text[token.span.clone()].starts_with(char::is_uppercase))
    }

    fn city_at(&self, at: usize) -> Option<Tz> {
        self.find(at, |sense| if let Sense::City(zone) = sense { Some(*zone) } else { None })
    }

    /// "New York time", "in Tokyo", "London".
    fn city(&self, at: usize) -> Read<SaidZone> {
        let led = self.has(at, Sense::In);
        let place = if led { at + 1 } else { at };
        let zone = self.city_at(place)?;
        if self.has(place + 1, Sense::TimeWord) {
            return Some((Ok(zone.into()), place + 2));
        }
        // "at 9 Berlin office" names an office.
        let noun = self.token(place + 1).is_some_and(|next| next.kind == Kind::Word && next.senses.is_empty());
        (self.is_capital(place) && !noun).then(|| (Ok(zone.into()), place + 1))
    }

    /// "Europe/Berlin", and "Nowhere/City" as a question.
    fn iana(&self, at: usize) -> Read<SaidZone> {
        let first = self.token(at).filter(|token| token.kind == Kind::Word)?;
        if !(self.glued_mark(at + 1, '/') && self.glued(at + 2)) {
            return None;
        }
        let mut last = at + 2;
        while last < at + 6
            && (self.glued_mark(last + 1, '/') || self.glued_mark(last + 1, '-') || self.glued_mark(last + 1, '+'))
            && self.glued(last + 2)
        {
            last += 2;
        }
        let name = &self.text[first.span.start..self.token(last)?.span.end];
        if let Some(zone) = zones::by_name(name) {
            return Some((Ok(zone.into()), last + 1));
        }
        (self.is_capital(at) && self.is_capital(at + 2))
            .then(|| (Err(Problem::new(Reason::UnknownZone, Ask::UnknownZone(name.to_owned()))), last + 1))
    }

    /// "+05:30", "-3"; where no UTC stands before it, with two or four digits only.
    fn offset(&self, at: usize, after_utc: bool) -> Read<SaidZone> {
        let sign = if self.mark(at, '+') {
            1
        } else if self.mark(at, '-') {
            -1
        } else {
            return None;
        };
        let (length, value) = self.digits(at + 1).filter(|_| self.glued(at + 1))?;
        let minutes = self
            .digits(at + 3)
            .filter(|(length, _)| *length == 2 && self.glued_mark(at + 2, ':') && self.glued(at + 3));
        let plain = sign > 0 || self.glued(at);
        let (hours, minutes, next) = match (length, minutes) {
            (1 | 2, Some((_, minutes))) => (value, minutes, at + 4),
            (4, None) if plain => (value / 100, value % 100, at + 2),
            (1 | 2, None) if after_utc || sign > 0 && length == 2 => (value, 0, at + 2),
            _ => return None,
        };
        if hours > 14 || minutes > 59 {
            return Some((Err(Problem::new(Reason::UnknownZone, Ask::UnknownZone(self.said(at, next)))), next));
        }
        let total = sign * i32::try_from(hours * 60 + minutes).ok()?;
        let zone = zones::by_offset(total);
        let offset = zone.is_none().then_some(total);
        Some((Ok(SaidZone { zone, offset, abbreviation: None }), next))
    }

    /// "Atlantis time", "XST".
    fn unknown_zone(&self, at: usize) -> Read<SaidZone> {
        let unknown = |place: usize| {
            self.token(place).is_some_and(|token| {
                token.kind == Kind::Word && token.senses.iter().all(|sense| matches!(sense, Sense::City(_)))
            })
        };
        for words in 1..=2 {
            if (at..at + words).all(unknown) && self.has(at + words, Sense::TimeWord) && self.is_capital(at) {
                let said = self.said(at, at + words + 1);
                return Some((Err(Problem::new(Reason::UnknownZone, Ask::UnknownZone(said))), at + words + 1));
            }
        }
        let word = self.word(at);
        let shaped = word.len() == 3 && (word.ends_with("st") || word.ends_with("dt")) && self.is_upper(at);
        (shaped && unknown(at))
            .then(|| (Err(Problem::new(Reason::UnknownZone, Ask::UnknownZone(self.said(at, at + 1)))), at + 1))
    }
}
