//! What is written to the user: labels, notes and questions. Each language has one voice.

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;

use super::Unit;

/// A recurrence, ready to be named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    /// None is a day.
    pub unit: Option<Unit>,
    pub interval: u32,
    pub days: Vec<Weekday>,
    /// With one weekday in `days`: the nth of the month, -1 the last. With [`Unit::WorkDay`] in `of`: the nth working day.
    pub nth: Option<i8>,
    pub also: Vec<i8>,
    /// `nth` counts working days.
    pub working: bool,
    /// The minute of each hour.
    pub minute: u32,
    /// -1 is the last day.
    pub month_days: Vec<i32>,
    pub months: Vec<u32>,
    pub times: Vec<(u32, u32)>,
    pub window: Option<((u32, u32), (u32, u32))>,
    pub start: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub count: Option<u32>,
}

/// Something that was assumed or that the user may not expect.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Note {
    AssumedHour(u32, u32),
    SameTime(u32, u32),
    /// An hour that could be of the evening, read on the clock of 24 hours.
    Clock24(u32, u32),
    MidnightStart(NaiveDate),
    Date(NaiveDate),
    TwiceShown(u32, u32),
    InZone(Tz),
    SeasonOf(String, Tz),
    DayOfMonth31(u32),
    LeapDay,
    WindowEnd(u32, u32),
    AssumedDay(Weekday),
    AssumedFirst,
    AssumedNewYear,
    EveryMonth,
    SecondIsOther,
    CronNormalised(String),
    CronAsIs,
    UntilInclusive(NaiveDate),
    /// "around 9" in a recurrence.
    Exactly(u32, u32),
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ask {
    WhichDate(String),
    NoSuchDay(String),
    NoSuchTime(String),
    GapTime(u32, u32, NaiveDate),
    UnknownZone(String),
    WhichZone(String),
    /// The date has another weekday than was said.
    OtherWeekday(NaiveDate, Weekday),
    TwoDays(NaiveDate, NaiveDate),
    TwoTimes,
    TwoZones,
    NotTogether(String),
    LeftOver(String),
    Half(String),
    HowOften(String),
    BadCron(String),
    WhichDay(String),
    Not(String),
    OutOfRange(String),
    /// A step that no recurrence has.
    BadCount(String),
    TooMany,
    HolidayOfCountry(String),
    BetweenTimes(String),
    Weekly(String),
}

/// The voice of a language.
pub(crate) trait Voice: Sync {
    fn weekday(&self, day: Weekday) -> &'static str;
    fn month(&self, month: u32) -> &'static str;
    /// "Friday 4 December 2026"
    fn date(&self, date: NaiveDate) -> String;
    /// "Friday 4 December 2026 at 09:00"
    fn moment(&self, date: NaiveDate, hour: u32, minute: u32) -> String;
    fn span(&self, from: NaiveDate, to: NaiveDate) -> String;
    fn rule(&self, rule: &Rule) -> String;
    fn at_zone(&self, what: &str, city: &str) -> String;
    fn note(&self, note: &Note) -> String;
    fn ask(&self, ask: &Ask) -> String;
    /// "I read X"
    fn understood(&self, what: &str) -> String;
    /// "A or B?"
    fn choice(&self, options: &[String]) -> String;
    /// "every 3 weeks on Friday" and "the third Friday of every month", as answers.
    fn every_nth(&self, n: u32, day: Weekday) -> [String; 2];
    /// Answers to "biweekly" and "twice a day".
    fn twofold(&self, unit: Unit) -> Vec<String>;
    /// Answers to "three times a day".
    fn times_a(&self, count: u64, of: Unit) -> Vec<String>;
    fn weekly_or_once(&self, days: &[Weekday]) -> Vec<String>;
}

/// "A, B and C"
pub(crate) fn list(items: &[String], and: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} {and} {last}", rest.join(", ")),
    }
}

/// "09:00"
pub(crate) fn clock(hour: u32, minute: u32) -> String {
    format!("{hour:02}:{minute:02}")
}
