//! Bad input: long, contradicting, of other scripts. It must end, and hold what holds for every reading.

use openanalyst_time_expressions::{Meaning, Reason, read};

use crate::support::{check, faults, german, setting};

/// Enough that work that is not linear takes minutes here; the whole 64 KiB are for dates.
const SIZE: usize = 6 * 1024;

/// Texts that are repeated.
const UNITS: &[&str] = &[
    "24.12.2026 ",
    "Monday ",
    "every Monday ",
    "at 9 ",
    "1 ",
    "1.",
    "1/",
    "9:",
    "a week on ",
    "the day before ",
    "and ",
    "monday, ",
    "1st and ",
    "1-",
    "*",
    "* ",
    "0 9 ",
    "in 2 ",
    "between 1 and ",
    "cron ",
    "x",
    "é",
    "Europe/",
    "'",
    "not on ",
    "@",
    "last ",
    "9-",
    "2 weeks and ",
    "1h",
    "new york ",
    "\u{202e}tomorrow ",
    "👨‍👩‍👧‍👦",
    "明日 ",
    "غدا ",
    "Monday through ",
    "first and ",
    "don't post ",
    "\n",
    "\u{0}",
    "last sunday before ",
    "on wensday ",
    "wensday at 9 ",
    "don't run it all then ",
    "an hour before ",
    "the night before ",
    "every odd day ",
    "1.11.-",
    "twenty ",
    "3rd and 4th, ",
    "friday at 9 if ",
];

#[test]
fn long_texts_end() {
    for (at, unit) in UNITS.iter().enumerate() {
        let size = if at == 0 { 64 * 1024 } else { SIZE };
        let mut text = unit.repeat(size / unit.len());
        text.push_str(" tomorrow at 9");
        for setting in [setting(), german()] {
            let readings = read(&text, &setting);
            assert!(readings.found.len() <= 65, "{unit:?}");
            let inside =
                readings.found.iter().flat_map(|found| &found.words).all(|range| text.get(range.clone()).is_some());
            assert!(inside, "{unit:?}");
        }
    }
}

#[test]
fn too_many_are_one_question() {
    let readings = read(&"tomorrow at 9. ".repeat(200), &setting());
    assert_eq!(readings.found.len(), 65);
    let last = readings.found.last().map(|found| &found.meaning);
    assert!(matches!(last, Some(Meaning::Unclear(question)) if question.reason == Reason::TooMany));
}

#[test]
fn strange_texts() {
    let number = "9".repeat(400);
    let rows = [
        (String::new(), "-"),
        ("?!.,;:".to_owned(), "-"),
        ("\u{202e}".to_owned(), "-"),
        (format!("in {number} days"), "? OutOfRange"),
        (format!("every {number} hours"), "? OutOfRange"),
        (format!("on 24 December {number}"), "? OutOfRange"),
        (format!("at {number}"), "? OutOfRange"),
        (number, "-"),
        ("on 1 January 0001".to_owned(), "? OutOfRange"),
        ("on 31 December 9999 at 9".to_owned(), "? OutOfRange"),
        ("0001-01-01".to_owned(), "? OutOfRange"),
        ("9999-12-31T23:59Z".to_owned(), "? OutOfRange"),
        ("tomorrow yesterday".to_owned(), "? Contradiction"),
        ("on Monday on Tuesday".to_owned(), "? Contradiction"),
        ("tomorrow at 9 at 10 at 11".to_owned(), "? Contradiction"),
        ("tomorrow at 9 UTC EST".to_owned(), "? Contradiction"),
        ("every day every hour".to_owned(), "? Contradiction"),
    ];
    for (text, expected) in rows {
        check(&[(text.as_str(), expected)], &setting());
    }
}

/// All pairs and triples of words of time: nothing panics, and every option can be read.
#[test]
fn words_in_every_order() {
    let words = [
        "every",
        "next",
        "last",
        "the",
        "Monday",
        "week",
        "month",
        "at",
        "9",
        "15th",
        "of",
        "first",
        "tomorrow",
        "until",
        "not",
        "in",
        "2",
        "days",
        "before",
        "Christmas",
        "May",
        "half",
        "and",
        "other",
        "on",
        "-",
        "evening",
        "31",
    ];
    for first in words {
        for second in words {
            for third in words.iter().step_by(4) {
                let text = format!("{first} {second} {third}");
                for found in read(&text, &setting()).found {
                    assert!(text.get(found.span).is_some());
                }
            }
            let text = format!("{first} {second}");
            let wrong = faults(&text, &setting());
            assert!(wrong.is_empty(), "{wrong:?}");
        }
    }
}
