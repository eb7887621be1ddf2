//! Labels, notes and questions, and what a reading says about its words.

use openanalyst_time_expressions::{Meaning, Question, read};

use crate::support::{german, setting};

fn question(text: &str) -> Question {
    match read(text, &setting()).found.into_iter().next().map(|found| found.meaning) {
        Some(Meaning::Unclear(question)) => question,
        other => panic!("{text:?} is {other:?}"),
    }
}

#[test]
fn labels_say_the_rule() {
    let rows = [
        ("every other Monday at 9", "every other Monday at 09:00"),
        ("Every Mon-Fri at 18:00", "every weekday at 18:00"),
        ("on the last Friday of every month at 17:00", "on the last Friday of every month at 17:00"),
        ("every 45 minutes", "every 45 minutes"),
        ("every month on the 31st at 9", "every month on the 31st at 09:00"),
        ("every Monday at 9 New York time", "every Monday at 09:00 New York time"),
        ("every year on 24 December at 18:00", "every year on 24 December at 18:00"),
        ("every 2 years on 1 May", "every other year on 1 May at 09:00"),
        ("every other day except weekends", "every other day except Saturday and Sunday at 09:00"),
        ("quarter past every hour", "every hour at :15"),
        ("first and third Monday of every month", "on the first and third Monday of every month at 09:00"),
    ];
    for (text, label) in rows {
        let found = read(text, &setting()).found;
        assert!(
            matches!(&found[0].meaning, Meaning::Recurrence(recurrence) if recurrence.label == label),
            "{text:?}: {found:?}"
        );
    }
    let found = read("jeden zweiten Montag um 9", &german()).found;
    assert!(matches!(&found[0].meaning, Meaning::Recurrence(rule) if rule.label == "jeden zweiten Montag um 09:00"));
}

#[test]
fn notes_say_what_was_assumed() {
    let rows = [
        ("tomorrow night", "21:00 is assumed"),
        ("every Monday", "09:00 is assumed"),
        ("weekly", "Monday is assumed"),
        ("every month on the 31st at 9", "without a 31st it does not run"),
        ("with cron 0 9 * * 1", "0 0 9 * * 1"),
        ("31 October 2027 at 02:30", "twice"),
        ("next Friday at 9", "Friday 4 December 2026"),
        ("tomorrow at midnight", "start of Tuesday 24 November 2026"),
        ("every 15 minutes between 9 and 17 on weekdays", "16:45"),
        ("every day at 9 until Christmas", "25 December 2026"),
        ("tomorrow at 9am New York time", "America/New_York"),
        ("every 2nd Tuesday", "every other"),
        ("first Monday of the month", "every month"),
        ("every day around 9", "exactly 09:00"),
    ];
    for (text, part) in rows {
        let found = read(text, &setting()).found;
        assert!(found[0].notes.iter().any(|note| note.contains(part)), "{text:?}: {:?}", found[0].notes);
    }
}

#[test]
fn questions_say_what_was_understood_and_what_was_not() {
    let asked = question("Friday 4 December week");
    assert_eq!(asked.understood.as_deref(), Some("Friday 4 December 2026"));
    assert_eq!(asked.left_over, ["week"]);
    assert!(asked.text.contains("\"week\""), "{}", asked.text);
    let asked = question("tomorrow at 9 Nowhere/City");
    assert_eq!(asked.understood.as_deref(), Some("Tuesday 24 November 2026 at 09:00"));
    assert_eq!(asked.left_over, ["Nowhere/City"]);
}

#[test]
fn options_are_whole_answers() {
    let rows: &[(&str, &[&str])] = &[
        ("05/06/2027 at 9", &["Saturday 5 June 2027 at 09:00", "Thursday 6 May 2027 at 09:00"]),
        ("tomorrow at half past six", &["Tuesday 24 November 2026 at 06:30", "Tuesday 24 November 2026 at 18:30"]),
        ("Friday, 24 December at 10:00", &["Thursday 24 December 2026", "Friday 25 December 2026"]),
        ("every Monday at 6", &["every Monday at 06:00", "every Monday at 18:00"]),
        ("every third Friday", &["every 3 weeks on Friday", "on the third Friday of every month"]),
        ("28 March 2027 at 2:30", &["Sunday 28 March 2027 at 01:45", "Sunday 28 March 2027 at 03:00"]),
    ];
    for (text, options) in rows {
        let asked = question(text);
        let begins = asked.options.len() == options.len()
            && asked.options.iter().zip(*options).all(|(option, expected)| option.starts_with(expected));
        assert!(begins, "{text:?}: {:?}", asked.options);
    }
}

#[test]
fn words_are_those_of_the_expression() {
    let text = "Every Monday run the report at 9, please";
    let found = read(text, &setting()).found;
    assert_eq!(found.len(), 1);
    let words: Vec<&str> = found[0].words.iter().map(|range| &text[range.clone()]).collect();
    assert_eq!(words, ["Every Monday", "at 9"]);
    assert_eq!(&text[found[0].span.clone()], "Every Monday run the report at 9");
}

#[test]
fn what_was_said_is_told() {
    let rows = [
        ("at 9", true, false, false),
        ("tomorrow", false, true, true),
        ("tomorrow at 9", true, true, false),
        ("tomorrow morning", false, true, true),
        ("in 2 hours", true, true, false),
    ];
    for (text, time, day, assumed) in rows {
        let found = read(text, &setting()).found;
        let Meaning::Moment(moment) = &found[0].meaning else { panic!("{text:?}: {found:?}") };
        let said = (moment.explicit_time, moment.explicit_day, moment.assumed_hour);
        assert_eq!(said, (time, day, assumed), "{text:?}");
    }
}

#[test]
fn questions_name_the_words_and_offer_days_ahead() {
    let rows = [
        ("every Monday and on the 15th", "\"on the 15th\"", ""),
        ("every Friday the 13th", "\"the 13th\"", ""),
        ("every 0 days", "from 1 to 10000", ""),
        ("three times a day", "", "every 8 hours"),
        ("4 times a day", "", "every 6 hours"),
        ("30 February", "", "Sunday 28 February 2027"),
        ("31 November", "", "Monday 30 November 2026"),
        ("every Monday at 9 or 10", "", "every Monday at 10:00"),
    ];
    for (text, part, option) in rows {
        let question = question(text);
        assert!(question.text.contains(part), "{text:?}: {}", question.text);
        assert!(option.is_empty() || question.options.iter().any(|other| other == option), "{text:?}: {question:?}");
    }
}
