//! The words of each language, apart from the rules.
//!
//! A language is a list of rows (words and phrases, divided by `|`, with their senses) and a voice, which writes labels,
//! notes and questions. A new language is a new list and a new voice.

mod english;
mod english_voice;
mod german;
mod german_voice;
mod voice;
pub(crate) mod zones;

use std::collections::HashMap;
use std::sync::OnceLock;

use chrono::Weekday;
use chrono_tz::Tz;

use crate::setting::Language;
pub(crate) use voice::{Ask, Note, Rule, Voice};

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    WorkDay,
    Week,
    Weekend,
    Fortnight,
    Month,
    Quarter,
    HalfYear,
    Year,
}

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Morning,
    Lunch,
    AfterLunch,
    Afternoon,
    EndOfDay,
    Evening,
    Tonight,
    Night,
}

/// A holiday, by the rule that gives its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holiday {
    /// Month and day.
    Fixed(u32, u32),
    /// Days from Easter Sunday.
    Easter(i64),
    /// Days from the first Sunday of Advent.
    Advent(i64),
    Thanksgiving,
    /// Days from Thanksgiving of the United States.
    AfterThanksgiving(i64),
    MothersDay,
    FathersDay,
    Labour,
    National,
    /// The nth weekday of a month; -1 is the last.
    Nth(i8, Weekday, u32),
}

/// What a word can mean in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sense {
    Weekday(Weekday),
    /// "Mondays", or in German "montags".
    Weekdays(Weekday),
    Month(u32),
    /// Another word in most places: "may", "sun", "second".
    Weak,
    Unit(Unit),
    Units(Unit),
    /// "daily"
    Adverb(Unit),
    /// "biweekly"
    Twofold(Unit),
    Number(u32),
    Ordinal(u32),
    /// Days from today.
    Day(i64),
    Part(Part),
    /// "mornings"
    Parts(Part),
    /// "noon" or "midnight", as an hour.
    Sharp(u32),
    /// "half past" (30), "quarter to" (-15), "past" (0 with minutes before it).
    Spoken(i32),
    /// "half" before an hour: English asks, German is half an hour before.
    HalfHour,
    /// "half an hour", in minutes.
    Minutes(u32),
    MinutesPast,
    MinutesTo,
    Am,
    Pm,
    OClock,
    Half,
    Next,
    AfterNext,
    Last,
    This,
    Past,
    Every,
    Other,
    Except,
    Not,
    In,
    On,
    At,
    By,
    Before,
    After,
    Until,
    Since,
    From,
    To,
    Between,
    And,
    Of,
    For,
    Around,
    Starting,
    The,
    A,
    Possessor,
    Ago,
    FromNow,
    Per,
    Times,
    Once,
    Twice,
    EndOf,
    StartOf,
    MiddleOf,
    ToDate,
    Holiday(Holiday),
    PublicHolidays,
    City(Tz),
    Zone(Tz),
    Abbreviation(&'static [(&'static str, Tz, &'static str)]),
    LocalTime,
    TimeWord,
    Cron,
    About,
    Action,
    Move,
    Function,
    Ish,
    /// "unless": with [`Sense::Except`] also where it stands apart.
    Condition,
    /// "sorry, I mean"
    Correction,
    /// It belongs to a time and is not read: "dawn", "business hours".
    Unread,
    /// "thrice" (3).
    Fold(u32),
    /// "second to last" (-2).
    FromEnd(i8),
    /// "sometime", "early": it says that the time is open.
    Vague,
}

type Row = (&'static str, &'static [Sense]);

#[derive(Default)]
struct Entry {
    senses: Vec<Sense>,
    phrases: Vec<(Vec<&'static str>, Vec<Sense>)>,
}

/// The words of a language, ready to look up.
pub(crate) struct Table {
    entries: HashMap<&'static str, Entry>,
    /// Long names of days and months, to which a misspelt word is compared.
    pub names: Vec<&'static str>,
    pub voice: &'static dyn Voice,
    /// Whether an hour from 1 to 6 without am, pm or a part of the day is asked about.
    pub open_hours_ask: bool,
}

impl Table {
    /// The table of a language; built once.
    pub fn of(language: Language) -> &'static Self {
        static ENGLISH: OnceLock<Table> = OnceLock::new();
        static GERMAN: OnceLock<Table> = OnceLock::new();
        match language {
            Language::English => ENGLISH.get_or_init(|| Self::build(english::ROWS, &english_voice::English, true)),
            Language::German => GERMAN.get_or_init(|| Self::build(german::ROWS, &german_voice::German, false)),
        }
    }

    fn build(rows: &'static [Row], voice: &'static dyn Voice, open_hours_ask: bool) -> Self {
        let mut table = Self { entries: HashMap::new(), names: Vec::new(), voice, open_hours_ask };
        for (words, senses) in rows {
            let name = senses
                .iter()
                .any(|sense| matches!(sense, Sense::Weekday(_) | Sense::Weekdays(_) | Sense::Month(_) | Sense::Day(1)));
            for word in words.split('|') {
                if name && word.len() > 5 && !word.contains(' ') && !senses.contains(&Sense::Weak) {
                    table.names.push(word);
                }
                table.add(word, senses);
            }
        }
        let german = !open_hours_ask;
        for (name, zone) in zones::cities() {
            table.add(name, &[Sense::City(zone)]);
            // "New Yorker Zeit"
            if german && name.ends_with(|c: char| !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')) {
                table.add(format!("{name}er").leak(), &[Sense::City(zone)]);
            }
        }
        for (name, zone) in zones::ABBREVIATIONS {
            table.add(name, &[Sense::Zone(*zone)]);
        }
        for (name, choices) in zones::AMBIGUOUS {
            table.add(name, &[Sense::Abbreviation(choices)]);
        }
        for entry in table.entries.values_mut() {
            entry.phrases.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        }
        table
    }

    fn add(&mut self, words: &'static str, senses: &[Sense]) {
        let mut parts = words.split(' ');
        let Some(first) = parts.next() else { return };
        let rest: Vec<&'static str> = parts.collect();
        let entry = self.entries.entry(first).or_default();
        if rest.is_empty() {
            entry.senses.extend_from_slice(senses);
        } else if let Some((_, known)) = entry.phrases.iter_mut().find(|(known, _)| *known == rest) {
            known.extend_from_slice(senses);
        } else {
            entry.phrases.push((rest, senses.to_vec()));
        }
    }

    /// The senses of one word in small letters.
    pub fn senses(&'static self, word: &str) -> &'static [Sense] {
        self.entries.get(word).map_or(&[], |entry| entry.senses.as_slice())
    }

    /// The phrases that begin with this word, longest first.
    pub fn phrases(&'static self, word: &str) -> &'static [(Vec<&'static str>, Vec<Sense>)] {
        self.entries.get(word).map_or(&[], |entry| entry.phrases.as_slice())
    }
}
