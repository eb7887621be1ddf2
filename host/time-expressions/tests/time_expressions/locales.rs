//! What the locale, the country, the zone and the moment change. The dates are written by hand.

use chrono_tz::Tz;
use openanalyst_time_expressions::{DateOrder, Language, Setting, country_of_locale};

use crate::support::{at, check, line, setting};

#[test]
fn numeric_dates_follow_the_locale() {
    let day_first = Setting { date_order: Some(DateOrder::DayFirst), ..setting() };
    let month_first = Setting { date_order: Some(DateOrder::MonthFirst), ..setting() };
    let rows = [
        ("05/06/2027 at 9", "2027-06-05T09:00", "2027-05-06T09:00"),
        ("5/6/27 at 9", "2027-06-05T09:00", "2027-05-06T09:00"),
        ("on 3/4 at 9", "2027-04-03T09:00", "2027-03-04T09:00"),
        ("24/12/2026 at 9", "2026-12-24T09:00", "2026-12-24T09:00"),
        ("12/24/2026 at 9", "2026-12-24T09:00", "2026-12-24T09:00"),
        ("5.6.2027 at 9", "2027-06-05T09:00", "2027-06-05T09:00"),
        ("06/06/2027 at 9", "2027-06-06T09:00", "2027-06-06T09:00"),
        ("31/11/2026", "? NoSuchDay", "? NoSuchDay"),
    ];
    for (text, day, month) in rows {
        check(&[(text, day)], &day_first);
        check(&[(text, month)], &month_first);
    }
}

#[test]
fn holidays_follow_the_country() {
    let rows = [
        ("on Mother's Day at 9", Some("GB"), "2027-03-07T09:00"),
        ("on Mother's Day at 9", Some("DE"), "2027-05-09T09:00"),
        ("on Mother's Day at 9", Some("US"), "2027-05-09T09:00"),
        ("on Mother's Day at 9", Some("FR"), "2027-05-30T09:00"),
        ("on Mother's Day at 9", None, "? AmbiguousDate"),
        ("on Father's Day at 9", Some("DE"), "2027-05-06T09:00"),
        ("on Father's Day at 9", Some("US"), "2027-06-20T09:00"),
        ("on Labor Day at 9", Some("US"), "2027-09-06T09:00"),
        ("on Labour Day at 9", Some("DE"), "2027-05-01T09:00"),
        ("on the national day at 9", Some("CH"), "2027-08-01T09:00"),
        ("on Independence Day at 9", Some("US"), "2027-07-04T09:00"),
        ("on Independence Day at 9", Some("IN"), "2027-08-15T09:00"),
        ("on Independence Day at 9", None, "? AmbiguousDate"),
        ("on Thanksgiving at 9", Some("US"), "2026-11-26T09:00"),
        ("on Thanksgiving at 9", Some("CA"), "2027-10-11T09:00"),
        ("on Black Friday at 9", None, "2026-11-27T09:00"),
        ("on Cyber Monday at 9", None, "2026-11-30T09:00"),
    ];
    for (text, country, expected) in rows {
        check(&[(text, expected)], &Setting { country, ..setting() });
    }
}

/// Easter Sundays as the almanacs give them.
#[test]
fn easter_and_its_family() {
    let rows = [
        ("Easter 2024", "2024-03-31T09:00~<"),
        ("Easter 2025", "2025-04-20T09:00~<"),
        ("Easter 2026", "2026-04-05T09:00~<"),
        ("Easter 2027", "2027-03-28T09:00~"),
        ("Easter 2028", "2028-04-16T09:00~"),
        ("Easter 2038", "2038-04-25T09:00~"),
        ("Easter 2100", "2100-03-28T09:00~"),
        ("Good Friday 2027", "2027-03-26T09:00~"),
        ("Easter Monday 2028", "2028-04-17T09:00~"),
        ("Ascension Day 2027", "2027-05-06T09:00~"),
        ("Whit Monday 2027", "2027-05-17T09:00~"),
        ("Corpus Christi 2027", "2027-05-27T09:00~"),
        ("Ash Wednesday 2027", "2027-02-10T09:00~"),
        ("first Sunday of Advent", "2026-11-29T09:00~"),
        ("fourth Sunday of Advent", "2026-12-20T09:00~"),
        ("first Advent 2027", "2027-11-28T09:00~"),
        ("Black Friday 2027", "2027-11-26T09:00~"),
        ("last Friday of January 2027", "2027-01-29T09:00~"),
        ("last Friday of February 2027", "2027-02-26T09:00~"),
        ("last Friday of July 2027", "2027-07-30T09:00~"),
    ];
    check(&rows, &setting());
}

#[test]
fn abbreviations_follow_the_country() {
    let rows = [
        ("tomorrow at 9 IST", Some("IN"), "2026-11-24T04:30"),
        ("tomorrow at 9 IST", Some("IL"), "2026-11-24T08:00"),
        ("tomorrow at 9 BST", Some("GB"), "2026-11-24T10:00"),
        ("tomorrow at 9 CST", Some("US"), "2026-11-24T16:00"),
        ("tomorrow at 9 CST", None, "? AmbiguousZone"),
    ];
    for (text, country, expected) in rows {
        check(&[(text, expected)], &Setting { country, ..setting() });
    }
}

#[test]
fn the_clock_and_the_zone_move() {
    let rows = [
        // A Friday, before and after the hour.
        ("2026-11-27T08:00", Tz::Europe__Berlin, "Friday at 9", "2026-12-04T09:00"),
        ("2026-11-27T08:00", Tz::Europe__Berlin, "this Friday at 9", "2026-11-27T09:00"),
        ("2026-11-27T10:00", Tz::Europe__Berlin, "this Friday at 9", "2026-11-27T09:00<"),
        ("2026-11-27T08:00", Tz::Europe__Berlin, "next Friday at 9", "2026-12-04T09:00"),
        ("2026-11-29T08:00", Tz::Europe__Berlin, "next Monday at 9", "2026-11-30T09:00"),
        ("2026-11-23T23:30", Tz::Europe__Berlin, "today", "2026-11-24T00:00~"),
        ("2026-11-23T08:00", Tz::Europe__Berlin, "at 9", "2026-11-23T09:00"),
        ("2027-03-28T01:00", Tz::Europe__Berlin, "in 2 hours", "2027-03-28T04:00"),
        ("2027-10-31T01:00", Tz::Europe__Berlin, "in 2 hours", "2027-10-31T02:00"),
        ("2027-03-28T01:00", Tz::Europe__Berlin, "today at 2:30", "? NoSuchTime"),
        ("2027-03-27T01:00", Tz::Europe__Berlin, "tomorrow at 02:30", "? NoSuchTime"),
        ("2027-03-13T12:00", Tz::America__New_York, "tomorrow at 2:30 am", "? NoSuchTime"),
        ("2027-11-06T12:00", Tz::America__New_York, "tomorrow at 1:30 am", "2027-11-07T01:30"),
        ("2026-11-23T10:00", Tz::Asia__Tokyo, "tomorrow at 9am New York time", "2026-11-24T23:00"),
        ("2026-07-01T10:00", Tz::Europe__Berlin, "tomorrow at 3pm EST", "2026-07-02T21:00"),
        ("2028-02-28T10:00", Tz::Europe__Berlin, "29 February at 9", "2028-02-29T09:00"),
        ("2026-12-31T10:00", Tz::Europe__Berlin, "tomorrow at 9", "2027-01-01T09:00"),
        ("2026-01-31T10:00", Tz::Europe__Berlin, "in a month", "2026-02-28T10:00~"),
        ("2026-01-31T10:00", Tz::Europe__Berlin, "the 31st at 9", "2026-01-31T09:00<"),
        ("2026-02-01T10:00", Tz::Europe__Berlin, "the 31st at 9", "2026-03-31T09:00"),
        ("2026-11-23T10:00", Tz::Australia__Lord_Howe, "on 2027-10-03 at 2:10", "? NoSuchTime"),
    ];
    for (now, zone, text, expected) in rows {
        check(&[(text, expected)], &Setting { now: at(now, zone), ..setting() });
    }
}

#[test]
fn locales_name_order_language_and_country() {
    let rows = [
        ("en-US", Some(DateOrder::MonthFirst), Language::English, Some("US")),
        ("en_GB.UTF-8", Some(DateOrder::DayFirst), Language::English, Some("GB")),
        ("de-DE", Some(DateOrder::DayFirst), Language::German, Some("DE")),
        ("de", Some(DateOrder::DayFirst), Language::German, None),
        ("de-at", Some(DateOrder::DayFirst), Language::German, Some("AT")),
        ("zh-Hant-TW", Some(DateOrder::DayFirst), Language::English, Some("TW")),
        ("en", None, Language::English, None),
        ("en-CA", None, Language::English, Some("CA")),
        ("", None, Language::English, None),
        ("C", None, Language::English, None),
    ];
    for (locale, order, language, country) in rows {
        assert_eq!(DateOrder::of_locale(locale), order, "{locale}");
        assert_eq!(Language::of_locale(locale), language, "{locale}");
        assert_eq!(country_of_locale(locale).as_deref(), country, "{locale}");
    }
}

#[test]
fn protected_words_are_not_read() {
    let text = "post about Monday at 9 tomorrow at 10";
    let topic = text.find("Monday at 9").expect("it is there");
    let protected = topic..topic + "Monday at 9".len();
    let setting = Setting { protected: std::slice::from_ref(&protected), ..setting() };
    assert_eq!(line(text, &setting), "2026-11-24T10:00");
}
