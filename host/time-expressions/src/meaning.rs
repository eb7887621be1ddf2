//! What expressions of time mean.

use std::ops::Range;

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde::Serialize;

/// All that was read in a text.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Readings {
    /// In the order of the text. No word belongs to two of them.
    pub found: Vec<Found>,
    /// Byte ranges of words that belong to a time and that no reading uses.
    pub left_over: Vec<Range<usize>>,
}

/// One expression of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Bytes from the first to the last word. Where the expression stands in two places ("every Monday run it at 9")
    /// another reading may stand between them.
    pub span: Range<usize>,
    /// The byte ranges of the words that it uses.
    pub words: Vec<Range<usize>>,
    /// What it means.
    pub meaning: Meaning,
    /// What was assumed, in the user's language, one sentence each.
    pub notes: Vec<String>,
    /// It describes a noun ("daily habits", "our 3pm webinar") and is likely no instruction.
    pub adjectival: bool,
}

/// What an expression means.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Meaning {
    /// A moment.
    Moment(Moment),
    /// Days from one to another.
    Span(Span),
    /// A length of time.
    Duration(Duration),
    /// Again and again.
    Recurrence(Recurrence),
    /// It must be asked.
    Unclear(Question),
}

/// A moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// In the user's zone, also where another zone was said.
    pub at: DateTime<Tz>,
    /// Whether a time of day was said.
    pub explicit_time: bool,
    /// Whether a day was said.
    pub explicit_day: bool,
    /// Whether the hour is a default; a note says so.
    pub assumed_hour: bool,
    /// Whether it lies behind the present moment.
    pub past: bool,
    /// Where the moment is a limit or an approximation.
    pub bound: Option<Bound>,
    /// The zone that was said, where it has a name.
    pub said_zone: Option<Tz>,
}

/// How a moment limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// "by Friday"
    By,
    /// "before 5pm"
    Before,
    /// "after 3pm"
    After,
    /// "around 9"
    Around,
    /// "until Friday"
    Until,
}

/// Days from one to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Span {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, inclusive.
    pub to: NaiveDate,
    /// The exact begin in the user's zone: midnight, except for hours and minutes ("the last 24 hours").
    pub from_at: DateTime<Tz>,
    /// The exact end, exclusive; the present moment for what lasts until now.
    pub to_at: DateTime<Tz>,
    /// What kind of span.
    pub kind: SpanKind,
    /// In words of the user's language.
    pub label: String,
}

/// The kind of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Hours or minutes until now, or from now.
    Hours,
    /// A number of days.
    Days,
    /// One or more weeks.
    Week,
    /// Saturday and Sunday.
    Weekend,
    /// One or more months.
    Month,
    /// A quarter.
    Quarter,
    /// Half a year.
    HalfYear,
    /// One or more years.
    Year,
    /// From one day to another.
    Between,
    /// From a day until now.
    Since,
}

/// A length of time: seconds, and months where it was said in months or years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Duration {
    /// Seconds.
    pub seconds: u64,
    /// Months, whose length in seconds differs.
    pub months: u32,
}

/// Again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recurrence {
    /// Six-field cron (seconds first, Monday is 1), or the text of RFC 5545: a `DTSTART` line and an `RRULE` line.
    pub expression: String,
    /// The zone in which it fires.
    pub zone: Tz,
    /// The rule in words: "every other Monday at 09:00". It can be read again.
    pub label: String,
}

/// A question to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What was understood.
    pub understood: Option<String>,
    /// The words that were not.
    pub left_over: Vec<String>,
    /// Why it is asked.
    pub reason: Reason,
    /// The whole question, in the user's language.
    pub text: String,
    /// Answers. Each can be read without a question.
    pub options: Vec<String>,
}

/// Why a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `05/06/2027` without a locale; a holiday that differs by country.
    AmbiguousDate,
    /// 31 November.
    NoSuchDay,
    /// 25:00, or an hour that the change of the clock leaves out.
    NoSuchTime,
    /// A zone that does not exist.
    UnknownZone,
    /// IST, BST.
    AmbiguousZone,
    /// Two days, two times, or a weekday that the date does not have.
    Contradiction,
    /// A word that belongs to the time was not understood.
    LeftOver,
    /// Half past six: morning or evening.
    AmbiguousClock,
    /// "biweekly", "twice a day".
    AmbiguousRecurrence,
    /// A cron expression that cannot be read.
    BadCron,
    /// A week and an hour, but no day.
    NoDay,
    /// "not on Monday": the other day is not said.
    Negation,
    /// Outside the years 1900 to 2200, or too large a number.
    OutOfRange,
    /// More expressions than are read at once.
    TooMany,
}
