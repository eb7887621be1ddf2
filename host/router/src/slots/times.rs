//! Times of the utterance as slots: `when`, `range`, `recurrence`; and as questions.

use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use openanalyst_recurrence::{Recurrence as Timer, first_moment};
use openanalyst_time_expressions::{self as expressions, DateOrder, Found, Language, Meaning, Moment, Reason, Span};
use serde_json::{Value, json};

use super::{Reading, clip};
use crate::route::{Unclear, Utterance};
use crate::text::{MAX_TOKENS, Words};

/// How many of the next firings are told.
const NEXT: usize = 3;

/// Something of the utterance that tells a time.
pub(super) struct Time {
    /// Its words, from the first to the last.
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) meaning: Meaning,
    pub(super) notes: Vec<String>,
    /// It stands before a noun ("our 3pm webinar"), and tells of it.
    pub(super) adjectival: bool,
}

impl Time {
    pub(super) fn is_moment(&self) -> bool {
        matches!(self.meaning, Meaning::Moment(_) | Meaning::Recurrence(_) | Meaning::Unclear(_))
    }

    /// Whether it tells at the end of a topic when something is done, and not what it is about. `schedules`: the
    /// utterance wants something to be done at a time.
    pub(super) fn says_when(&self, words: &Words<'_>, schedules: bool) -> bool {
        if self.adjectival {
            return false;
        }
        match &self.meaning {
            Meaning::Moment(moment) => {
                // "our plans for Christmas": a feast by its name is as likely what it is about.
                let is_date = words.span(self.first, self.last).contains(|letter: char| letter.is_ascii_digit());
                let is_near = (self.first..=self.last).any(|at| is_near(words.lower(at)));
                schedules || moment.explicit_time || !moment.past && (is_date || is_near)
            }
            Meaning::Recurrence(_) | Meaning::Unclear(_) => true,
            Meaning::Span(_) | Meaning::Duration(_) => false,
        }
    }
}

/// By what times are read.
pub(super) struct Setting {
    now: DateTime<Tz>,
    date_order: Option<DateOrder>,
    country: Option<String>,
    language: Language,
}

impl Setting {
    pub(super) fn of(utterance: &Utterance<'_>, words: &Words<'_>, now: DateTime<Tz>) -> Self {
        let locale = utterance.locale.unwrap_or_default();
        Self {
            now,
            date_order: DateOrder::of_locale(locale),
            country: expressions::country_of_locale(locale),
            language: language_of(words).unwrap_or_else(|| Language::of_locale(locale)),
        }
    }

    /// What the text says of time, where it is not protected.
    pub(super) fn read(&self, words: &Words<'_>, protected: &[Range<usize>]) -> Vec<Time> {
        let setting = expressions::Setting {
            now: self.now,
            date_order: self.date_order,
            country: self.country.as_deref(),
            language: self.language,
            protected,
        };
        // As far as words are read; of a text that is read whole, with the marks behind its last word ("0 9 * * *").
        let is_whole = words.tokens.len() < MAX_TOKENS;
        let end = words.tokens.last().filter(|_| !is_whole).map_or(words.text.len(), |token| token.end);
        let text = words.text.get(..end).unwrap_or(words.text);
        expressions::read(text, &setting).found.into_iter().filter_map(|found| time(words, found)).collect()
    }
}

/// The language that the words are written in, where they show it.
fn language_of(words: &Words<'_>) -> Option<Language> {
    const GERMAN: &[&str] = &[
        "und",
        "oder",
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "einen",
        "für",
        "über",
        "um",
        "uhr",
        "am",
        "im",
        "jeden",
        "jede",
        "jedes",
        "nächsten",
        "nächste",
        "nächster",
        "letzten",
        "letzte",
        "morgen",
        "heute",
        "übermorgen",
        "ich",
        "den",
        "dem",
        "des",
        "zum",
        "vom",
        "beim",
        "zur",
        "statt",
        "lass",
        "plane",
        "erstelle",
        "schreibe",
        "mir",
        "mich",
        "bitte",
        "auf",
        "mit",
        "ist",
        "nicht",
        "von",
        "zu",
        "ab",
        "bis",
        "alle",
        "werktags",
    ];
    const ENGLISH: &[&str] = &[
        "and", "or", "the", "a", "an", "for", "about", "at", "on", "in", "every", "each", "next", "last", "tomorrow",
        "today", "i", "me", "my", "please", "with", "is", "not", "of", "to", "until", "from", "it", "this", "that",
        "schedule", "create", "post", "run", "when", "what",
    ];
    let (mut german, mut english) = (0_u32, 0_u32);
    for token in words.tokens.iter().take(64) {
        german += u32::from(GERMAN.contains(&token.lower.as_str()));
        english += u32::from(ENGLISH.contains(&token.lower.as_str()));
    }
    match german.cmp(&english) {
        std::cmp::Ordering::Greater => Some(Language::German),
        std::cmp::Ordering::Less => Some(Language::English),
        std::cmp::Ordering::Equal => None,
    }
}

fn time(words: &Words<'_>, found: Found) -> Option<Time> {
    let first = words.tokens.partition_point(|token| token.end <= found.span.start);
    let last = words.tokens.partition_point(|token| token.start < found.span.end).checked_sub(1)?;
    (first <= last).then_some(Time {
        first,
        last,
        meaning: found.meaning,
        notes: found.notes,
        adjectival: found.adjectival,
    })
}

/// Keeps what was read: at most one of each kind. Of two moments, or a moment beside a recurrence, one would be
/// dropped, so they are a question and no slot.
pub(super) fn keep(reading: &mut Reading<'_>) {
    let times = std::mem::take(&mut reading.times);
    let mut main: Option<&Time> = None;
    let mut ahead: Option<&Time> = None;
    for time in &times {
        if time.adjectival || is_replaced(reading, time) {
            continue;
        }
        match &time.meaning {
            Meaning::Unclear(question) => {
                let is_recurrence = matches!(question.reason, Reason::AmbiguousRecurrence | Reason::BadCron);
                reading.unclear.push(Unclear {
                    slot: if is_recurrence { "recurrence" } else { "when" }.to_owned(),
                    text: clip(reading.words.span(time.first, time.last)).to_owned(),
                    understood: question.understood.clone(),
                    left_over: question.left_over.clone(),
                    question: question.text.clone(),
                    options: question.options.clone(),
                });
                reading.take(time.first, time.last);
            }
            Meaning::Moment(moment) if moment.past && looks_back(reading) => keep_past(reading, time, moment),
            Meaning::Moment(_) | Meaning::Recurrence(_) => match main {
                Some(first) => {
                    let unclear = two(reading, first, time);
                    reading.unclear.push(unclear);
                }
                None => main = Some(time),
            },
            Meaning::Span(span) if span.to_at > reading.now && wants_a_moment(reading) => ahead = ahead.or(Some(time)),
            Meaning::Span(span) => keep_span(reading, time, span),
            Meaning::Duration(_) => {}
        }
    }
    match (main, ahead) {
        // What stands in a question is not settled.
        (Some(main), _) if reading.unclear.is_empty() => keep_main(reading, main),
        (None, Some(ahead)) if reading.unclear.is_empty() => {
            let unclear = only_a_span(reading, ahead);
            reading.unclear.push(unclear);
        }
        _ => {}
    }
    reading.times = times;
}

/// Whether something shall be done at a moment, for which days or weeks are too little.
fn wants_a_moment(reading: &Reading<'_>) -> bool {
    reading.does(&["schedule", "publish", "move"])
}

/// "next week": the day is missing.
fn only_a_span(reading: &Reading<'_>, time: &Time) -> Unclear {
    let said = clip(reading.words.span(time.first, time.last)).to_owned();
    let days = match &time.meaning {
        Meaning::Span(span) if span.from == span.to => day_in_words(span.from),
        Meaning::Span(span) => format!("{} to {}", day_in_words(span.from), day_in_words(span.to)),
        _ => said.clone(),
    };
    Unclear {
        slot: "when".to_owned(),
        question: format!("\u{201c}{said}\u{201d} is {days}. On which day, and at what time?"),
        text: said.clone(),
        understood: Some(said),
        left_over: Vec::new(),
        options: Vec::new(),
    }
}

fn day_in_words(day: NaiveDate) -> String {
    day.format("%A %-d %B %Y").to_string()
}

/// The days of the week, in full.
pub(super) const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
];

/// Words of days that are counted from today.
fn is_near(word: &str) -> bool {
    const NEAR: &[&str] = &[
        "today",
        "tomorrow",
        "tonight",
        "next",
        "this",
        "in",
        "week",
        "weekend",
        "month",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "heute",
        "morgen",
        "übermorgen",
        "end",
    ];
    NEAR.contains(&word) || WEEKDAYS.contains(&word)
}

/// Where words stand that say what something is in place of: "on Thursday instead of Friday at 9". They are no time
/// of what is asked for.
pub(super) fn replaced(words: &Words<'_>) -> Vec<Range<usize>> {
    let leads = |at: usize| match words.lower(at) {
        "instead" | "anstelle" => words.at(at + 1, &["of"]) || words.at(at + 1, &["von"]),
        "rather" => words.at(at + 1, &["than"]),
        "and" => words.at(at + 1, &["not"]),
        _ => false,
    };
    let mut found = Vec::new();
    for at in 0..words.tokens.len() {
        let is_one_word = matches!(words.lower(at), "statt" | "anstatt");
        if !is_one_word && !leads(at) {
            continue;
        }
        let first = at + if is_one_word { 1 } else { 2 };
        let mut last = first;
        // The hour behind it is that of what is wanted: "Saturday instead of Friday at 9".
        while last + 1 < words.tokens.len()
            && last < first + 5
            && !matches!(words.lower(last + 1), "at" | "um" | "and" | "und")
            && !words.gap_after(last).contains([',', '.', ';', '!', '?'])
        {
            last += 1;
        }
        if let (Some(begin), Some(end)) = (words.tokens.get(first), words.tokens.get(last)) {
            found.push(begin.start..end.end);
        }
    }
    found
}

/// What stands between double quotes: a text that is spoken of, and no time of what is asked for. Quotes around
/// all of it mean nothing.
pub(super) fn quoted(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<(usize, char)> = None;
    for (at, letter) in text.char_indices() {
        match (open, letter) {
            (Some((begin, close)), letter) if letter == close => {
                found.push(begin..at);
                open = None;
            }
            (None, '"') => open = Some((at + 1, '"')),
            (None, '“') => open = Some((at + letter.len_utf8(), '”')),
            (None, '„') => open = Some((at + letter.len_utf8(), '“')),
            (None, '«') => open = Some((at + letter.len_utf8(), '»')),
            _ => {}
        }
    }
    let is_all = |range: &Range<usize>| range.len() + 4 >= text.trim().len();
    found.retain(|range| !range.is_empty() && !is_all(range));
    found
}

/// "from Monday to Tuesday" where something is moved: what was before.
fn is_replaced(reading: &Reading<'_>, time: &Time) -> bool {
    let before = time.first.checked_sub(1).map_or("", |at| reading.words.lower(at));
    (before == "from" || reading.words.lower(time.first) == "from") && reading.does(&["move"])
}

fn looks_back(reading: &Reading<'_>) -> bool {
    let reports = ["report", "engagement", "metrics", "analytics", "numbers", "performance"];
    (reading.does(&["analyze", "report", "list", "search"])
        || reading.words.tokens.iter().any(|token| reports.contains(&token.lower.as_str())))
        && !reading.does(&["schedule"])
}

fn two(reading: &Reading<'_>, first: &Time, second: &Time) -> Unclear {
    let said = |time: &Time| clip(reading.words.span(time.first, time.last)).to_owned();
    // Each option says all of it, so that it can be read alone.
    let whole = |time: &Time| match &time.meaning {
        Meaning::Moment(moment) => {
            let at = moment.at.with_timezone(&reading.now.timezone());
            format!("{} at {}", day_in_words(at.date_naive()), at.format("%H:%M"))
        }
        Meaning::Recurrence(recurrence) => recurrence.label.clone(),
        _ => said(time),
    };
    let (one, other) = (said(first), said(second));
    Unclear {
        slot: "when".to_owned(),
        text: clip(reading.words.span(first.first, second.last)).to_owned(),
        question: format!(
            "I read two times, \u{201c}{one}\u{201d} and \u{201c}{other}\u{201d}, and can use one. Which one is meant?"
        ),
        understood: Some(one),
        left_over: vec![other],
        options: vec![whole(first), whole(second)],
    }
}

fn keep_main(reading: &mut Reading<'_>, time: &Time) {
    match &time.meaning {
        Meaning::Moment(moment) => {
            let value = when(reading.now, moment, &time.notes);
            reading.keep("when", value, time.first, time.last);
        }
        Meaning::Recurrence(recurrence) => {
            let zone = recurrence.zone.name();
            let timer = Timer::parse(&recurrence.expression, zone);
            let next = timer.map(|timer| timer.next(reading.now.timestamp_millis(), NEXT)).unwrap_or_default();
            let value = json!({
                "cron": recurrence.expression, "timeZone": zone, "label": recurrence.label,
                "nextMs": next, "notes": time.notes,
            });
            reading.keep("recurrence", value, time.first, time.last);
        }
        _ => {}
    }
}

fn when(now: DateTime<Tz>, moment: &Moment, notes: &[String]) -> Value {
    // In the user's zone, whichever one was said.
    let at = moment.at.with_timezone(&now.timezone());
    let mut value = json!({
        "atMs": at.timestamp_millis(),
        "local": at.format("%Y-%m-%dT%H:%M").to_string(),
        "timeZone": at.timezone().name(),
        "explicitTime": moment.explicit_time,
        "explicitDay": moment.explicit_day,
        "past": at <= now,
        "notes": notes,
    });
    if let Some(bound) = moment.bound {
        value["bound"] = json!(format!("{bound:?}").to_lowercase());
    }
    value
}

/// A day that has passed, where numbers of it are wanted, is the span of that day.
fn keep_past(reading: &mut Reading<'_>, time: &Time, moment: &Moment) {
    let day = moment.at.with_timezone(&reading.now.timezone()).date_naive();
    let zone = reading.now.timezone();
    let begin = first_moment(zone, day.and_time(NaiveTime::MIN));
    let end =
        day.checked_add_days(Days::new(1)).map_or(begin, |next| first_moment(zone, next.and_time(NaiveTime::MIN)));
    keep_range(reading, time, begin, end);
}

fn keep_span(reading: &mut Reading<'_>, time: &Time, span: &Span) {
    // What has not happened yet is in no numbers.
    let end = span.to_at.min(reading.now.max(span.from_at));
    keep_range(reading, time, span.from_at, end);
}

fn keep_range(reading: &mut Reading<'_>, time: &Time, begin: DateTime<Tz>, end: DateTime<Tz>) {
    if reading.has("range") {
        return;
    }
    let small =
        |at: &usize| matches!(reading.words.lower(*at), "of" | "for" | "in" | "over" | "during" | "within" | "the");
    let first = (time.first..time.last).find(|at| !small(at)).unwrap_or(time.last);
    let value = json!({
        "fromMs": begin.timestamp_millis(),
        "toMs": end.timestamp_millis(),
        "label": clip(reading.words.span(first, time.last)),
    });
    reading.keep("range", value, time.first, time.last);
}
