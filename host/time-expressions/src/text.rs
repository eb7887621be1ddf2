//! All expressions of a text: what stands apart is joined, what describes a noun is marked, what is left over is asked.

use std::ops::Range;

use chrono::Datelike as _;

use crate::frame::Frame;
use crate::lex::{Kind, tokens};
use crate::meaning::{Found, Meaning, Question, Readings, Reason};
use crate::reader::{Problem, Reader};
use crate::setting::Setting;
use crate::words::{Ask, Sense, Table, Unit};

/// Expressions that are read in one text; the rest is one question.
const MAX_FOUND: usize = 64;

/// Reads every expression of time in a text.
///
/// The spans are byte ranges of `text`. The work is linear in its length; after 64 expressions the rest is one
/// [`Meaning::Unclear`] with [`Reason::TooMany`].
pub fn read(text: &str, setting: &Setting<'_>) -> Readings {
    let table = Table::of(setting.language);
    let reader = Reader {
        text,
        tokens: tokens(text, table, setting.protected),
        setting: *setting,
        table,
        voice: table.voice,
        today: setting.now.date_naive(),
        zone: setting.now.timezone(),
        notes: std::cell::RefCell::default(),
    };
    reader.all()
}

impl Reader<'_> {
    fn all(&self) -> Readings {
        let mut frames: Vec<Frame> = Vec::new();
        let mut at = 0;
        let mut more = None;
        while at < self.tokens.len() {
            match self.may_start(at).then(|| self.frame(at)).flatten() {
                Some(frame) => {
                    at = frame.next.max(at + 1);
                    if frames.len() == MAX_FOUND {
                        more = Some(frame.first);
                        break;
                    }
                    frames.push(frame);
                }
                None => {
                    let wanted = frames.len() < MAX_FOUND;
                    if wanted && self.has(at, Sense::Every) && self.has(at + 1, Sense::Unread) {
                        frames.push(self.unread_every(at));
                        at += 2;
                        continue;
                    }
                    if wanted && let Some(frame) = self.misspelt_frame(at, frames.last()) {
                        if frames.last().is_some_and(|last| last.first == frame.first) {
                            frames.pop();
                        }
                        at = frame.next.max(at + 1);
                        frames.push(frame);
                        continue;
                    }
                    at += 1;
                }
            }
        }
        let mut adjectival: Vec<bool> = frames.iter().map(|frame| self.is_adjectival(frame)).collect();
        self.join_apart(&mut frames, &mut adjectival);
        self.join_days(&mut frames, &mut adjectival);
        let mut readings = Readings::default();
        let mut told = 0;
        for (at, (mut frame, adjectival)) in frames.iter().cloned().zip(adjectival).enumerate() {
            if !adjectival && frame.problem.is_none() {
                let before = at.checked_sub(1).map_or(0, |before| frames[before].next);
                let until = frames.get(at + 1).map_or(self.tokens.len(), |next| next.first);
                if let Some(problem) = self.beside(&frame, told, until) {
                    frame.problem = Some(problem);
                } else if let Some((from, to)) = self.stray(&frame, before) {
                    readings.left_over.push(self.bytes(from, to));
                    frame.problem = Some(Problem::new(Reason::LeftOver, Ask::LeftOver(self.said(from, to))));
                }
            }
            if !adjectival {
                told = frame.next;
            }
            let meaning = self.meaning(&frame);
            let notes = match &meaning {
                Meaning::Unclear(_) => Vec::new(),
                _ => self.notes.borrow().iter().map(|note| self.voice.note(note)).collect(),
            };
            let mut words = vec![self.bytes(frame.first, frame.next)];
            words.extend(frame.joined.iter().map(|(from, to)| self.bytes(*from, *to)));
            words.sort_by_key(|range| range.start);
            let span = words[0].start..words[words.len() - 1].end;
            readings.found.push(Found { span, words, meaning, notes, adjectival });
        }
        if let Some(first) = more {
            let span = self.bytes(first, self.tokens.len());
            let text = self.voice.ask(&Ask::TooMany);
            let question = Question {
                understood: None,
                left_over: Vec::new(),
                reason: Reason::TooMany,
                text,
                options: Vec::new(),
            };
            let words = vec![span.clone()];
            let meaning = Meaning::Unclear(question);
            readings.found.push(Found { span, words, meaning, notes: Vec::new(), adjectival: false });
        }
        readings.found.sort_by_key(|found| found.span.start);
        readings
    }

    /// Whether an expression can begin at this token; most tokens of most texts are told apart here.
    pub fn may_start(&self, at: usize) -> bool {
        let Some(token) = self.token(at) else { return false };
        let next = self.token(at + 1);
        match token.kind {
            Kind::Mark(mark) => matches!(mark, '@' | '*') && !token.glued,
            Kind::Number => {
                // The middle of a version, an address or a phone number.
                let inside = at > 1
                    && token.glued
                    && self.tokens[at - 1].glued
                    && matches!(self.tokens[at - 1].kind, Kind::Mark('.' | '/' | '-' | ':' | ',' | '+'));
                let follows = next.is_some_and(|next| match next.kind {
                    Kind::Word => next.glued || !next.senses.is_empty(),
                    Kind::Mark('*') => true,
                    Kind::Mark(_) => next.glued || next.kind == Kind::Mark('-'),
                    Kind::Number => (2..5).any(|by| self.mark(at + by, '*')),
                });
                !inside && (follows || matches!(token.lower.len(), 4 | 8))
            }
            Kind::Word => {
                if token.lower == "any" && next.is_some_and(|next| !next.senses.is_empty()) {
                    return true;
                }
                let quarter = matches!(token.lower.as_str(), "q" | "h") && next.is_some_and(|next| next.glued);
                let mut time = false;
                let mut leads = false;
                for sense in token.senses {
                    match sense {
                        Sense::Action
                        | Sense::Move
                        | Sense::Function
                        | Sense::Weak
                        | Sense::And
                        | Sense::To
                        | Sense::City(_)
                        | Sense::Zone(_)
                        | Sense::Abbreviation(_)
                        | Sense::Condition
                        | Sense::Correction
                        | Sense::Unread
                        | Sense::Vague
                        | Sense::About
                        | Sense::Possessor
                        | Sense::TimeWord
                        | Sense::LocalTime => {}
                        Sense::In
                        | Sense::Of
                        | Sense::On
                        | Sense::At
                        | Sense::The
                        | Sense::A
                        | Sense::For
                        | Sense::From
                        | Sense::By
                        | Sense::Before
                        | Sense::After
                        | Sense::Until
                        | Sense::Since
                        | Sense::Between
                        | Sense::Around
                        | Sense::Not
                        | Sense::Except
                        | Sense::Last
                        | Sense::Next
                        | Sense::This
                        | Sense::Past
                        | Sense::Every
                        | Sense::Starting
                        | Sense::FromEnd(_)
                        | Sense::Number(_)
                        | Sense::Ordinal(_) => leads = true,
                        _ => time = true,
                    }
                }
                let follows = || {
                    next.is_some_and(|next| {
                        let quarter = matches!(next.lower.as_str(), "q" | "h");
                        next.kind != Kind::Word || (!next.senses.is_empty() || quarter) && next.lower != token.lower
                    })
                };
                quarter || time || leads && follows()
            }
        }
    }

    fn bytes(&self, from: usize, to: usize) -> Range<usize> {
        let end = to.saturating_sub(1).max(from);
        self.tokens[from].span.start..self.tokens[end.min(self.tokens.len() - 1)].span.end
    }

    /// Joins a time of day with the day or the recurrence of the same sentence that has none.
    fn join_apart(&self, frames: &mut Vec<Frame>, adjectival: &mut Vec<bool>) {
        for at in 0..frames.len() {
            if adjectival[at] && !self.is_object(&frames[at]) || !frames[at].wants_clock() {
                continue;
            }
            let free = |other: &usize| {
                *other != at
                    && frames[*other].is_clock_only()
                    && frames[*other].problem.is_none()
                    && !adjectival[*other]
                    && frames[*other].led
                    && self.same_sentence(&frames[at], &frames[*other])
            };
            let mut clocks = (0..frames.len()).filter(free);
            let (Some(clock), None) = (clocks.next(), clocks.next()) else { continue };
            let another = (0..frames.len()).any(|other| {
                other != at
                    && !adjectival[other]
                    && frames[other].wants_clock()
                    && self.same_sentence(&frames[at], &frames[other])
            });
            if another {
                continue;
            }
            let taken = frames[clock].clone();
            let frame = &mut frames[at];
            frame.clocks = taken.clocks;
            frame.clock_words = taken.clock_words;
            frame.zones.extend(taken.zones);
            frame.bound = frame.bound.or(taken.bound);
            if frame.part.is_none() {
                frame.part = taken.part;
            }
            frame.notes.extend(taken.notes);
            frame.joined.push((taken.first, taken.next));
            adjectival[at] = false;
            frames.remove(clock);
            adjectival.remove(clock);
            return;
        }
    }

    /// Days joined by a word: "tomorrow and Friday at 9" is both at 9; "tomorrow or Friday" must be asked.
    fn join_days(&self, frames: &mut Vec<Frame>, adjectival: &mut Vec<bool>) {
        for at in (1..frames.len()).rev() {
            let (before, behind) = frames.split_at_mut(at);
            let (one, other) = (&mut before[at - 1], &mut behind[0]);
            let joined = other.first == one.next + 1 && self.has(one.next, Sense::And);
            let days = one.days.len() == 1 && other.days.len() == 1 && one.every.is_none() && other.every.is_none();
            if !joined || !days || one.problem.is_some() || other.problem.is_some() {
                continue;
            }
            // "next week on Friday and Saturday"
            let first = one.days[0].date;
            if other.days[0].bare_weekday && other.days[0].date < first {
                let weekday = other.days[0].date.weekday();
                other.days[0].date =
                    first.iter_days().skip(1).take(7).find(|date| date.weekday() == weekday).unwrap_or(first);
            }
            if one.wants_clock() && one.part.is_none() && other.clocks.len() == 1 {
                one.clocks = other.clocks.clone();
                one.clock_words = other.clock_words;
                one.zones = other.zones.clone();
                one.part = other.part;
            }
            if matches!(self.word(one.next), "or" | "oder") {
                let dates = vec![first, other.days[0].date];
                let ask = Ask::TwoDays(dates[0], dates[1]);
                one.problem = Some(Problem::new(Reason::Contradiction, ask).dates(dates));
                one.next = other.next;
                frames.remove(at);
                adjectival.remove(at);
            }
        }
    }

    fn same_sentence(&self, one: &Frame, other: &Frame) -> bool {
        let (from, to) = if one.first < other.first { (one.next, other.first) } else { (other.next, one.first) };
        // "Friday. At 9."
        if to == from + 1 && self.mark(from, '.') && !self.tokens[to].new_line {
            return true;
        }
        !(from..to).any(|at| {
            let token = &self.tokens[at];
            token.new_line
                || matches!(token.kind, Kind::Mark('?' | '!' | ';'))
                || token.kind == Kind::Mark('.') && self.tokens.get(at + 1).is_some_and(|next| !next.glued)
        })
    }

    /// "create a daily report": the adverb says how often, if a time of day follows.
    fn is_object(&self, frame: &Frame) -> bool {
        frame.every.is_some()
            && frame.first > 0
            && self.any(frame.first - 1, &[Sense::A])
            && self.has(frame.next, Sense::Action)
    }

    /// Whether the expression describes the noun behind it.
    fn is_adjectival(&self, frame: &Frame) -> bool {
        let before = frame.first.checked_sub(1);
        let before_has = |senses: &[Sense]| before.is_some_and(|before| self.any(before, senses));
        let about = before_has(&[Sense::About]) && !frame.led;
        let every_word = self.has(frame.first, Sense::Every) || self.has(frame.first, Sense::On);
        let led = frame.led && (every_word || frame.every.is_none());
        let topic_year = frame.period.is_some() && before_has(&[Sense::About]);
        if about && frame.clocks.is_empty() || topic_year {
            return true;
        }
        let possessive = self.tokens.get(frame.next - 1).is_some_and(|token| token.possessive);
        let Some(next) = self.tokens.get(frame.next).filter(|token| token.kind == Kind::Word && !token.new_line) else {
            // "2026-trends"
            return false;
        };
        let determined = before_has(&[Sense::The, Sense::A, Sense::Possessor])
            || self.any(frame.first, &[Sense::The, Sense::A, Sense::Possessor]);
        let adverb = frame.every.is_some() && !every_word;
        let is_time = next.senses.iter().any(|sense| {
            !matches!(
                sense,
                Sense::Weak
                    | Sense::Unread
                    | Sense::City(_)
                    | Sense::Action
                    | Sense::Move
                    | Sense::Function
                    | Sense::PublicHolidays
            )
        });
        let acts = next.senses.contains(&Sense::Action);
        let function = next.senses.contains(&Sense::Function);
        let noun = !function && !is_time && (!acts || determined || adverb && self.names_a_thing(frame));
        if possessive && (noun || acts) {
            return true;
        }
        if led || frame.bound.is_some() || frame.pieces > 2 {
            return false;
        }
        if frame.pieces > 1 && (!determined || frame.clocks.is_empty()) {
            return false;
        }
        let relative = frame.days.len() == 1
            && self.find(frame.first, |sense| if let Sense::Day(_) = sense { Some(()) } else { None }).is_some();
        noun && !relative
    }

    /// "weekly report": the word behind an adverb is a thing and no command.
    fn names_a_thing(&self, frame: &Frame) -> bool {
        matches!(
            self.word(frame.next),
            "report"
                | "post"
                | "tweet"
                | "summary"
                | "digest"
                | "update"
                | "email"
                | "review"
                | "plan"
                | "call"
                | "list"
        )
    }

    /// A word beside the expression that belongs to a time and that nothing uses.
    fn stray(&self, frame: &Frame, before: usize) -> Option<(usize, usize)> {
        let of_time = |at: usize| {
            let token = self.tokens.get(at).filter(|token| token.kind == Kind::Word && !token.barred)?;
            if token.new_line && at >= frame.next {
                return None;
            }
            let strong = token.senses.iter().any(|sense| {
                matches!(
                    sense,
                    Sense::Unit(_)
                        | Sense::Units(_)
                        | Sense::Weekday(_)
                        | Sense::Weekdays(_)
                        | Sense::AfterNext
                        | Sense::Ago
                        | Sense::FromNow
                        | Sense::Month(_)
                        | Sense::Part(_)
                        | Sense::OClock
                        | Sense::Am
                        | Sense::Pm
                )
            });
            if token.senses.contains(&Sense::Vague) {
                return Some((at, at + 1));
            }
            let plain = !token.senses.contains(&Sense::Weak) && !token.senses.contains(&Sense::Function);
            (strong && plain).then_some((at, at + 1))
        };
        if let Some(found) = of_time(frame.next) {
            return Some(found);
        }
        // "at 9 30"
        let number = self.token(frame.next).is_some_and(|token| token.kind == Kind::Number && token.lower.len() == 2);
        if number && !frame.clocks.is_empty() && frame.next > 0 {
            let last_is_number = self.tokens.get(frame.next - 1).is_some_and(|token| token.kind == Kind::Number);
            let ends = self
                .tokens
                .get(frame.next + 1)
                .is_none_or(|token| token.kind != Kind::Word || self.has(frame.next + 1, Sense::Function));
            if last_is_number && ends {
                return Some((frame.next, frame.next + 1));
            }
        }
        let at = frame.first.checked_sub(1).filter(|at| *at >= before)?;
        if self.any(at, &[Sense::Vague, Sense::EndOf, Sense::StartOf, Sense::MiddleOf, Sense::Other]) {
            return Some((at, at + 1));
        }
        let unit = matches!(self.unit(at), Some(Unit::Week | Unit::Weekend | Unit::Month | Unit::Day));
        let numbered =
            at > 0 && (self.has(at - 1, Sense::Next) || self.has(at - 1, Sense::This) || self.has(at - 1, Sense::Last));
        if unit && numbered || self.weekday(at).is_some() && !self.is_weak(at) { Some((at, at + 1)) } else { None }
    }
}
