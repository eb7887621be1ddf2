//! Words beside a time that change it: what is not used is asked about, what changes nothing is left alone.

use openanalyst_time_expressions::{Meaning, read};

use crate::support::{check, german, setting};

const ROWS: &[(&str, &str)] = &[
    // Negation.
    ("Don't run the analytics report on Mondays at 9", "? Negation"),
    ("please do not send the weekly summary on Fridays at 9", "[0 0 9 * * 1] & ? Negation"),
    ("no longer on Mondays", "? Negation"),
    ("never touch it on Sunday", "? Negation"),
    ("Don't forget to post on Friday at 9", "2026-11-27T09:00"),
    ("Do not mention prices, post on Friday at 9", "2026-11-27T09:00"),
    ("don't worry and post on Friday at 9", "2026-11-27T09:00"),
    ("don't use hashtags and post on Monday at 9", "2026-11-30T09:00"),
    ("do not touch it on Monday", "? Negation"),
    ("I can't post on Friday", "? Negation"),
    ("I can't wait until Friday at 9", "2026-11-27T09:00 Until"),
    ("Friday at 9, not 10", "2026-11-27T09:00"),
    // Condition.
    ("every Monday at 9 but skip the first", "? LeftOver"),
    ("every Monday at 9 unless it's a holiday", "? LeftOver"),
    ("every Monday run the report at 9 unless it's a holiday", "? LeftOver"),
    ("every Monday at 9 until it's done", "? LeftOver"),
    ("tomorrow at 9 unless it rains", "? LeftOver"),
    ("Friday at 9 if nothing else is scheduled", "? LeftOver"),
    ("Friday at 9, but only if it is ready", "? LeftOver"),
    ("Friday at 9 and tell me if it worked", "2026-11-27T09:00"),
    ("tell me if a post is scheduled for Friday at 9", "2026-11-27T09:00"),
    // Correction.
    ("Friday at 9, sorry I mean 10", "? LeftOver"),
    ("Friday at 9, no, Saturday", "? LeftOver & 2026-11-28T09:00~"),
    ("Friday at 9, actually 10", "? LeftOver"),
    ("Friday at 9, sorry for the delay", "2026-11-27T09:00"),
    // Words of time that are not read.
    ("tomorrow after work", "? LeftOver"),
    ("tomorrow after the meeting", "? LeftOver"),
    ("tomorrow at dawn", "? LeftOver"),
    ("tomorrow at breakfast", "? LeftOver"),
    ("dinner on Friday at 7pm", "2026-11-27T19:00"),
    ("post about our office hours at 9 tomorrow", "2026-11-24T09:00"),
    ("a cake for my birthday on Friday at 9", "2026-11-27T09:00"),
    ("run it even on Monday at 9", "2026-11-30T09:00"),
    ("tomorrow at the office", "2026-11-24T09:00~"),
    ("the same time tomorrow", "? LeftOver"),
    ("my birthday at 9", "? LeftOver"),
    ("every 10 minutes during business hours", "? LeftOver"),
    ("even weeks on Monday", "? LeftOver"),
    ("week 3 at 9", "? LeftOver"),
    ("calendar week 2, Tuesday 10:00", "? LeftOver"),
    ("weekday nearest to the 15th", "? LeftOver"),
    ("on the 32nd at 9", "? NoSuchDay"),
    ("MWF 9am", "? LeftOver"),
    // Counts and second rules.
    ("Friday at 9 once it's approved", "? LeftOver"),
    ("every Monday at 9 only when it rains", "? LeftOver"),
    ("first day of spring at 9", "? LeftOver"),
    ("last 2 Fridays", "? LeftOver"),
    ("twice tomorrow", "? LeftOver"),
    ("3 times tomorrow", "? LeftOver"),
    ("on the 3rd and 4th", "? LeftOver"),
    ("on the 1st, 10th and 20th at 9", "? LeftOver"),
    ("now and every Monday at 9", "? Contradiction"),
    ("thrice tomorrow", "? LeftOver"),
    ("every odd day", "? LeftOver"),
    ("Friday at 9 and skip hashtags", "2026-11-27T09:00"),
    ("run it on Mondays at 9 anymore", "? Negation"),
    ("3 days before the end of every month", "259200s0m & ? LeftOver"),
    // Misspelt names.
    ("Wensday at 9", "? LeftOver"),
    ("post it on Wensday", "? LeftOver"),
    ("fridya at 9", "? LeftOver"),
    ("every Tuseday at 9", "? LeftOver"),
    ("next Thrusday", "? LeftOver"),
    ("on sundry topics", "-"),
    ("every moneybag", "-"),
];

const GERMAN: &[(&str, &str)] = &[
    ("morgen um 9, nein, um 10", "? LeftOver & 2026-11-24T10:00"),
    ("morgen um 9, falls es regnet", "? LeftOver"),
    ("jeden Montag um 9, es sei denn, es ist ein Feiertag", "? LeftOver"),
    ("am Mitwoch um 9", "? LeftOver"),
    ("führe den Bericht montags nicht aus", "? Negation"),
    ("am Montag nicht um 9 sondern um 10", "2026-11-30T10:00"),
    ("morgen um 9, außer es regnet", "? LeftOver"),
    ("Woche vom 16. November", "2026-11-16..2026-11-22"),
    ("morgen um 9 bitte", "2026-11-24T09:00"),
];

/// A misspelt name is offered as it should be.
const OFFERED: &[(&str, &str)] = &[
    ("Wensday at 9", "Wednesday at 9"),
    ("please post on Wensday at 9 sharp", "on Wednesday at 9 sharp"),
    ("every Tuseday at 9", "every Tuesday at 9"),
    ("on fridya", "on Friday"),
    ("Febuary 12 at 9", "February 12 at 9"),
    ("12 Febuary at 9", "12 February at 9"),
];

#[test]
fn words_beside_are_asked_about() {
    check(ROWS, &setting());
    check(GERMAN, &german());
}

#[test]
fn misspelt_names_are_offered() {
    for (text, offered) in OFFERED {
        let readings = read(text, &setting());
        let options = match readings.found.as_slice() {
            [found] => match &found.meaning {
                Meaning::Unclear(question) => question.options.clone(),
                other => panic!("{text:?} is {other:?}"),
            },
            other => panic!("{text:?} is {other:?}"),
        };
        assert_eq!(options, [*offered], "{text:?}");
    }
}
