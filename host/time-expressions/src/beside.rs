//! Words beside an expression that change it and that no piece uses: negation, condition, correction, counts, and misspelt
//! names. Each makes a question, so that the nearest reading is never taken in silence.
//!
//! All looks are bounded by [`REACH`], so that the work stays linear in the text.

use crate::frame::Frame;
use crate::lex::Kind;
use crate::meaning::Reason;
use crate::reader::{Problem, Reader};
use crate::setting::Language;
use crate::words::{Ask, Sense, Unit};

/// How many tokens are looked at on each side.
const REACH: usize = 24;

/// "don't forget to post on Monday" forbids nothing.
const NO_ORDERS: &[&str] =
    &["forget", "worry", "hesitate", "miss", "fail", "mind", "vergiss", "vergessen", "only", "nur", "later", "before"];

/// Words that name a thing where they stand before a time, and a time where they stand behind a day.
const EVENTS: &[&str] = &[
    "dawn",
    "dusk",
    "sunrise",
    "sunset",
    "breakfast",
    "brunch",
    "dinner",
    "dinnertime",
    "supper",
    "teatime",
    "bedtime",
    "business",
    "working",
    "office",
    "opening",
    "market",
    "work",
    "closing",
    "frühstück",
    "abendessen",
    "sonnenaufgang",
    "sonnenuntergang",
    "morgengrauen",
    "geschäftszeiten",
    "arbeitszeit",
    "bürozeiten",
];

/// Words and names that are spelt like a day and are none.
const OTHER_WORDS: &[&str] = &["sundry", "sundae", "frida", "monza", "mondo"];

impl Reader<'_> {
    /// The first and the last token of a frame with what was joined to it.
    fn extent(&self, frame: &Frame) -> (usize, usize) {
        let start = frame.joined.iter().map(|(from, _)| *from).fold(frame.first, usize::min);
        let end = frame.joined.iter().map(|(_, to)| *to).fold(frame.next, usize::max);
        (start, end)
    }

    fn left_over(&self, from: usize, to: usize) -> Problem {
        Problem::new(Reason::LeftOver, Ask::LeftOver(self.said(from, to)))
    }

    /// What a word beside the frame asks about. `before` ends the frame before it, `until` begins the next one.
    pub fn beside(&self, frame: &Frame, before: usize, until: usize) -> Option<Problem> {
        if self.is_forbidden(frame, before) {
            return Some(Problem::new(Reason::Negation, Ask::Not(self.said(frame.first, frame.next))));
        }
        let (start, end) = self.extent(frame);
        self.in_front(frame, start, before).or_else(|| self.behind(frame, end, until))
    }

    /// "don't post on Sunday", "don't run the analytics report on Mondays".
    fn is_forbidden(&self, frame: &Frame, before: usize) -> bool {
        for back in 1..=REACH {
            let Some(at) = frame.first.checked_sub(back).filter(|at| *at >= before) else { return false };
            if self.ends_clause(at) || self.tokens[at + 1].new_line {
                return false;
            }
            // "don't use hashtags and post on Monday": another order begins.
            if self.has(at, Sense::And) && self.has(at + 1, Sense::Action) {
                return false;
            }
            if !self.has(at, Sense::Not) {
                continue;
            }
            if (at + 1..frame.first).all(|between| self.any(between, &[Sense::Action, Sense::Function])) {
                return true;
            }
            let verb = (at + 1..frame.first).find(|place| !self.has(*place, Sense::Function)).unwrap_or(at + 1);
            if NO_ORDERS.contains(&self.word(verb)) {
                return false;
            }
            // An order begins its clause; elsewhere the word behind it must be one.
            let begins = (1..=4)
                .map_while(|by| at.checked_sub(by))
                .take_while(|place| !self.ends_clause(*place) && !self.tokens[*place + 1].new_line)
                .all(|place| self.has(place, Sense::Function));
            let order = matches!(self.word(at), "don't" | "dont" | "do" | "never") && begins;
            return order || self.has(verb, Sense::Action);
        }
        false
    }

    fn ends_clause(&self, at: usize) -> bool {
        matches!(self.tokens[at].kind, Kind::Mark(',' | ';' | '.' | '!' | '?' | ':'))
            || matches!(self.word(at), "but" | "then" | "instead" | "aber" | "sondern" | "dann")
    }

    fn ends_sentence(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        token.new_line
            || matches!(token.kind, Kind::Mark('?' | '!' | ';'))
            || token.kind == Kind::Mark('.') && self.tokens.get(at + 1).is_some_and(|next| !next.glued)
    }

    fn in_front(&self, frame: &Frame, start: usize, before: usize) -> Option<Problem> {
        let german = self.setting.language == Language::German;
        let dated = frame.period.is_none() && frame.length.is_none();
        let mut at = start;
        for back in 0..5 {
            if self.tokens[at].new_line {
                return None;
            }
            at = at.checked_sub(1).filter(|at| *at >= before)?;
            let token = self.token(at)?;
            // "dinner on Friday at 7pm" is a thing with a time; "my birthday at 9" is a day.
            let word = token.lower.as_str();
            let named_day = matches!(word, "birthday" | "anniversary" | "geburtstag");
            let thing =
                EVENTS.contains(&word) || named_day && !(frame.is_clock_only() && at > 0 && self.is_ours(at - 1));
            if token.senses.contains(&Sense::Unread) && !thing {
                return Some(self.left_over(at, start));
            }
            let number = token.kind == Kind::Number;
            // "week 3 at 9"
            if number && at > before && self.unit(at - 1) == Some(Unit::Week) && dated {
                return Some(self.left_over(at - 1, at + 1));
            }
            // "on the 32nd at 9"
            let suffix = matches!(self.word(at), "st" | "nd" | "rd" | "th") && token.glued
                || german && token.glued && token.kind == Kind::Mark('.');
            if suffix
                && at > before + 1
                && self.digits(at - 1).is_some_and(|(length, value)| length < 4 && value > 31)
                && self.any(at - 2, &[Sense::The, Sense::On])
            {
                return Some(Problem::new(Reason::NoSuchDay, Ask::NoSuchDay(self.said(at - 1, at + 1))));
            }
            if back == 0 && dated {
                let fold = self.find(at, |sense| matches!(sense, Sense::Fold(_)).then_some(())).is_some();
                let counted = (fold || self.any(at, &[Sense::Twice, Sense::Times])) && frame.count.is_none();
                let vague = matches!(self.word(at), "any" | "some" | "most") && !frame.led;
                let beside_every = frame.every.is_some()
                    && self.any(at, &[Sense::Before, Sense::After, Sense::MinutesPast, Sense::MinutesTo])
                    && !(self.has(at, Sense::To) || self.has(at, Sense::Until));
                let spoken = frame.every.is_some()
                    && self.find(at, |sense| matches!(sense, Sense::Spoken(_)).then_some(())).is_some();
                if counted || vague || beside_every || spoken {
                    return Some(self.left_over(at, start));
                }
                // "the last 2 Fridays"
                if number && at > before && self.any(at - 1, &[Sense::Last, Sense::Next, Sense::Past]) {
                    return Some(self.left_over(at - 1, frame.next));
                }
                // "now and every Monday at 9"
                if self.has(at, Sense::And)
                    && at > before
                    && matches!(self.word(at - 1), "now" | "immediately" | "jetzt" | "sofort")
                {
                    let said = self.said(at - 1, frame.next);
                    return Some(Problem::new(Reason::Contradiction, Ask::NotTogether(said)));
                }
            }
            let skip = number
                || suffix
                || token.kind == Kind::Mark(',')
                || self.unit(at).is_some()
                || self.any(at, &[Sense::The, Sense::On, Sense::At, Sense::In, Sense::By, Sense::To]);
            if !skip {
                return None;
            }
        }
        None
    }

    fn is_ours(&self, at: usize) -> bool {
        self.any(at, &[Sense::Possessor, Sense::On])
    }

    fn behind(&self, frame: &Frame, end: usize, until: usize) -> Option<Problem> {
        if frame.period.is_some() || frame.length.is_some() {
            return None;
        }
        // "run it on Mondays no more", "montags nicht"
        let german = self.setting.language == Language::German;
        let denies = self.has(end, Sense::Not)
            && (until != end + 1 || until == self.tokens.len())
            && (german || matches!(self.word(end), "anymore" | "any more" | "any longer" | "any"));
        if denies {
            return Some(Problem::new(Reason::Negation, Ask::Not(self.said(frame.first, end + 1))));
        }
        let joined = frame.joined.iter().map(|(from, _)| *from).filter(|from| *from > frame.next).min();
        if let Some(problem) = joined.and_then(|joined| self.open_end(frame, frame.next, joined)) {
            return Some(problem);
        }
        if let Some(problem) = self.open_end(frame, end, until) {
            return Some(problem);
        }
        let mut direct = true;
        for at in end..until.min(self.tokens.len()).min(end + REACH) {
            if self.ends_sentence(at) {
                return None;
            }
            let near = at < end + 4;
            if direct && near && self.has(at, Sense::Unread) {
                return Some(self.left_over(end, at + 1));
            }
            let skips = matches!(self.word(at), "skip" | "skipping" | "überspringe");
            if self.has(at, Sense::Condition)
                && (direct || self.has(at, Sense::Except))
                && (!skips || self.names_a_run(at + 1))
            {
                return Some(self.left_over(at, self.clause_end(at)));
            }
            // "tomorrow at 9, außer es regnet"
            if direct && matches!(self.word(at), "except" | "außer" | "ausser") {
                return Some(self.left_over(at, self.clause_end(at)));
            }
            if self.has(at, Sense::Correction) && self.names_a_time(at + 1) {
                return Some(self.left_over(at, self.clause_end(at)));
            }
            direct &= matches!(self.tokens[at].kind, Kind::Mark(',' | '-' | '(')) || self.has(at, Sense::Function);
        }
        // "9, no, at 10": the next expression is the correction.
        let corrects = (end..until.min(end + 4)).any(|at| self.has(at, Sense::Correction));
        (corrects && until < self.tokens.len()).then(|| self.left_over(end, until + 1))
    }

    /// What stands directly behind and goes on: "until it's done", "after work", "and 4th", ":30", "-17".
    fn open_end(&self, frame: &Frame, end: usize, until: usize) -> Option<Problem> {
        let token = self.token(end).filter(|token| !token.new_line && end < until)?;
        let german = self.setting.language == Language::German;
        let word_follows = self.token(end + 1).is_some_and(|next| next.kind == Kind::Word && !next.new_line);
        let ends = if self.has(end, Sense::Until) {
            matches!(token.lower.as_str(), "until" | "till" | "bis") && word_follows && end + 1 != until
        } else {
            !german
                && frame.clocks.is_empty()
                && self.any(end, &[Sense::After, Sense::Before])
                && word_follows
                && frame.days.iter().all(|day| day.exact.is_none())
        };
        if ends {
            return Some(self.left_over(end, self.clause_end(end)));
        }
        let comma = usize::from(self.mark(end, ','));
        let place = end + comma + usize::from(self.has(end + comma, Sense::And));
        let place = place + usize::from(place > end && self.has(place, Sense::The));
        if place > end
            && frame.days.len() == 1
            && !frame.days[0].bare_weekday
            && self.digits(place).is_some()
            && self.ordinal(place).is_some()
        {
            return Some(self.left_over(place, self.ordinal_list(place).map_or(place + 1, |(_, next)| next)));
        }
        let minutes = self.has(end, Sense::At) && self.mark(end + 1, ':') && self.digits(end + 2).is_some();
        if minutes {
            return Some(self.left_over(end + 1, end + 3));
        }
        let last_is_number = end > 0 && self.tokens[end - 1].kind == Kind::Number;
        let range = last_is_number
            && (self.glued_mark(end, '-') || self.glued_mark(end, '/'))
            && self.glued(end + 1)
            && self.digits(end + 1).is_some_and(|(length, _)| length <= 2);
        range.then(|| self.left_over(end - 1, end + 2))
    }

    fn names_a_time(&self, from: usize) -> bool {
        (from..from + 4).any(|at| {
            self.token(at).is_some_and(|token| {
                token.kind == Kind::Number
                    || token.senses.iter().any(|sense| {
                        matches!(sense, Sense::Number(_) | Sense::Weekday(_) | Sense::Day(_) | Sense::Sharp(_))
                            && !token.senses.contains(&Sense::Function)
                    })
            })
        })
    }

    /// "skip the first", "skip holidays": what is left out is a run, and no thing.
    fn names_a_run(&self, from: usize) -> bool {
        (from..from + 3).any(|at| {
            self.find(at, |sense| match sense {
                Sense::Ordinal(_) | Sense::Weekday(_) | Sense::Weekdays(_) | Sense::Month(_) | Sense::Holiday(_) => {
                    Some(())
                }
                Sense::Unit(_) | Sense::Units(_) => Some(()),
                Sense::Next | Sense::Last | Sense::This | Sense::Every | Sense::Other => Some(()),
                Sense::PublicHolidays | Sense::Once => Some(()),
                _ => None,
            })
            .is_some()
        })
    }

    fn clause_end(&self, at: usize) -> usize {
        let last = self.tokens.len().min(at + 10);
        (at + 1..last).find(|place| self.ends_sentence(*place) || self.mark(*place, ',')).unwrap_or(last)
    }

    /// The name of a weekday or a month, or "tomorrow", that a word without a sense was likely meant to be.
    pub fn misspelt(&self, at: usize) -> Option<&'static str> {
        let token = self.token(at)?;
        let length = token.lower.len();
        if token.kind != Kind::Word
            || !token.senses.is_empty()
            || !(5..=12).contains(&length)
            || OTHER_WORDS.contains(&self.word(at))
        {
            return None;
        }
        let word = token.lower.as_bytes();
        self.table
            .names
            .iter()
            .find(|name| {
                let target = name.as_bytes();
                let limit = if target.len() >= 8 { 2 } else { 1 };
                let begins = word[0] == target[0] || word[0] == target[1] && word[1] == target[0];
                begins && word.len().abs_diff(target.len()) <= limit && distance(word, target) <= limit
            })
            .copied()
    }

    /// "on Wensday at 9": a question that offers the right word.
    pub fn misspelt_frame(&self, at: usize, before: Option<&Frame>) -> Option<Frame> {
        let name = self.misspelt(at)?;
        let leads =
            [Sense::On, Sense::Next, Sense::Every, Sense::This, Sense::Last, Sense::By, Sense::Until, Sense::Since];
        let beside = before.filter(|frame| frame.next == at || frame.next + 1 == at && self.any(at - 1, &leads));
        let led = at > 0 && self.any(at - 1, &leads) && !self.tokens[at].new_line;
        // "12 Febuary", "Febuary 12"
        let short = |place: usize| self.digits(place).is_some_and(|(length, _)| length <= 2);
        let month = self.table.senses(name).iter().any(|sense| matches!(sense, Sense::Month(_)));
        let number = at > 0 && month && short(at - 1) && before.is_none_or(|frame| frame.next < at);
        if month && (number || short(at + 1)) {
            let (first, next) = if number { (at - 1, at + 1) } else { (at, at + 2) };
            let clock = if self.may_start(next) { self.frame(next).filter(Frame::is_clock_only) } else { None };
            return Some(self.offered(at, name, first, clock.map_or(next, |frame| frame.next)));
        }
        let follows = if self.may_start(at + 1) && !self.tokens[at + 1].new_line { self.frame(at + 1) } else { None };
        if beside.is_none() && !led && !follows.as_ref().is_some_and(Frame::is_clock_only) {
            return None;
        }
        let first = beside.map_or(if led { at - 1 } else { at }, |frame| frame.first);
        let next = follows.as_ref().filter(|frame| frame.is_clock_only()).map_or(at + 1, |frame| frame.next);
        Some(self.offered(at, name, first, next))
    }

    /// The question that offers a name instead of the word at a token.
    fn offered(&self, at: usize, name: &str, first: usize, next: usize) -> Frame {
        let ask = Ask::LeftOver(self.said(at, at + 1));
        let mut problem = Problem::new(Reason::LeftOver, ask);
        let span = &self.tokens[at].span;
        let from = self.tokens[first].span.start;
        let to = self.tokens[next - 1].span.end;
        if to - from > 120 {
            let problem = Some(problem);
            return Frame { first, next, led: true, pieces: 1, problem, ..Frame::default() };
        }
        let capital = name.chars().take(1).flat_map(char::to_uppercase).chain(name.chars().skip(1));
        let right: String =
            if name == "tomorrow" || name == "übermorgen" { name.to_owned() } else { capital.collect() };
        let option = format!("{}{right}{}", &self.text[from..span.start], &self.text[span.end..to]);
        if self.is_clear(&option) {
            problem.answers = vec![option];
        }
        let mut frame = Frame { first, next, led: true, pieces: 1, ..Frame::default() };
        frame.problem = Some(problem);
        frame
    }

    /// "every odd day"
    pub fn unread_every(&self, at: usize) -> Frame {
        let next = at + 2 + usize::from(self.unit(at + 2).is_some() || self.weekday(at + 2).is_some());
        let problem = Some(self.left_over(at, next));
        Frame { first: at, next, led: true, pieces: 1, problem, ..Frame::default() }
    }

    /// Whether a text is one reading without a question.
    fn is_clear(&self, text: &str) -> bool {
        let plain = crate::setting::Setting { protected: &[], ..self.setting };
        let again = crate::text::read(text, &plain);
        let [found] = again.found.as_slice() else { return false };
        !found.adjectival && !matches!(found.meaning, crate::meaning::Meaning::Unclear(_))
    }
}

/// Letters that are added, left out, changed or exchanged with their neighbour (optimal string alignment).
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut before = vec![0; other.len() + 1];
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1; other.len() + 1];
        for (j, b) in other.iter().enumerate() {
            next[j + 1] = (row[j] + usize::from(a != b)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[other.len()]
}
