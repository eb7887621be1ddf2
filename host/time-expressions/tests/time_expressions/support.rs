//! The setting of the tests, and readings written as one line.

use std::ops::Range;

use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use openanalyst_time_expressions::{DateOrder, Found, Language, Meaning, Setting, read};

/// Monday 23 November 2026, 10:00, Berlin.
pub fn clock() -> DateTime<Tz> {
    at("2026-11-23T10:00", Tz::Europe__Berlin)
}

/// A moment as the clock of a zone shows it.
pub fn at(local: &str, zone: Tz) -> DateTime<Tz> {
    let local = chrono::NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M").expect("a test writes ISO");
    zone.from_local_datetime(&local).earliest().expect("a test names a time that exists")
}

pub fn setting() -> Setting<'static> {
    Setting { now: clock(), date_order: None, country: None, language: Language::English, protected: &[] }
}

pub fn german() -> Setting<'static> {
    Setting { language: Language::German, date_order: Some(DateOrder::DayFirst), country: Some("DE"), ..setting() }
}

/// All readings of a text in one line; "-" for none.
///
/// A moment is its local time, with `~` for an assumed hour, `<` for the past, and its bound; a span is `from..to`; a
/// length is seconds and months; a recurrence is its expression with its zone where it is another; a question is `?`
/// and its reason. What describes a noun stands in brackets.
pub fn line(text: &str, setting: &Setting<'_>) -> String {
    let readings = read(text, setting);
    let lines: Vec<String> = readings.found.iter().map(|found| one(found, setting)).collect();
    if lines.is_empty() { "-".to_owned() } else { lines.join(" & ") }
}

fn one(found: &Found, setting: &Setting<'_>) -> String {
    let line = match &found.meaning {
        Meaning::Moment(moment) => {
            let bound = moment.bound.map(|bound| format!(" {bound:?}")).unwrap_or_default();
            let assumed = if moment.assumed_hour { "~" } else { "" };
            let past = if moment.past { "<" } else { "" };
            format!("{}{assumed}{past}{bound}", moment.at.format("%Y-%m-%dT%H:%M"))
        }
        Meaning::Span(span) => format!("{}..{}", span.from, span.to),
        Meaning::Duration(length) => format!("{}s{}m", length.seconds, length.months),
        Meaning::Recurrence(recurrence) => {
            let expression = recurrence.expression.replace('\n', " ");
            if recurrence.zone == setting.now.timezone() {
                expression
            } else {
                format!("{expression} {}", recurrence.zone)
            }
        }
        Meaning::Unclear(question) => format!("? {:?}", question.reason),
    };
    if found.adjectival { format!("[{line}]") } else { line }
}

/// Checks a table; all rows that differ are told at once. Options and labels must be readable, words must not overlap.
pub fn check(rows: &[(&str, &str)], setting: &Setting<'_>) {
    let mut wrong = Vec::new();
    for (text, expected) in rows {
        let got = line(text, setting);
        if got != *expected {
            wrong.push(format!("{text:?}\n    expected {expected}\n    got      {got}"));
        }
        wrong.extend(faults(text, setting));
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// What must hold for every text.
pub fn faults(text: &str, setting: &Setting<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let readings = read(text, setting);
    let mut words: Vec<Range<usize>> = readings.found.iter().flat_map(|found| found.words.clone()).collect();
    words.sort_by_key(|range| range.start);
    if words.windows(2).any(|pair| pair[0].end > pair[1].start) {
        faults.push(format!("{text:?}: words overlap: {words:?}"));
    }
    if words.iter().any(|range| text.get(range.clone()).is_none()) {
        faults.push(format!("{text:?}: a range is not of the text"));
    }
    let plain = Setting { protected: &[], ..*setting };
    for found in &readings.found {
        match &found.meaning {
            Meaning::Unclear(question) => {
                if question.text.is_empty() {
                    faults.push(format!("{text:?}: an empty question"));
                }
                for option in &question.options {
                    let again = read(option, &plain);
                    let clear = again.found.iter().all(|found| !matches!(found.meaning, Meaning::Unclear(_)));
                    if again.found.len() != 1 || !clear || again.found[0].adjectival {
                        faults.push(format!("{text:?}: option {option:?} is {}", line(option, &plain)));
                    }
                }
            }
            Meaning::Recurrence(recurrence) => {
                // What is read must be what fires.
                match openanalyst_recurrence::Recurrence::parse(&recurrence.expression, recurrence.zone.name()) {
                    Ok(fires) if fires.after(setting.now.timestamp_millis()).is_some() => {}
                    Ok(_) => faults.push(format!("{text:?}: {:?} never fires", recurrence.expression)),
                    Err(error) => faults.push(format!("{text:?}: {error}")),
                }
                let again = read(&recurrence.label, &plain);
                let same = matches!(again.found.as_slice(),
                    [Found { meaning: Meaning::Recurrence(other), .. }] if other.expression == recurrence.expression);
                if !same {
                    faults.push(format!(
                        "{text:?}: label {:?} is {}, and not {}",
                        recurrence.label,
                        line(&recurrence.label, &plain),
                        recurrence.expression
                    ));
                }
            }
            _ => {}
        }
    }
    faults
}
