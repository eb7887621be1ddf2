use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

use super::*;

fn ms(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

fn shown(at_ms: Option<i64>) -> String {
    at_ms.and_then(DateTime::<Utc>::from_timestamp_millis).map_or_else(|| "never".into(), |at| at.to_rfc3339())
}

#[test]
fn the_next_firing_of_cron() {
    let table = [
        ("0 0 9 * * 1", "Europe/Berlin", "2026-11-23T10:00:00+01:00", "2026-11-30T09:00:00+01:00"),
        ("0 0 9 * * 1", "Europe/Berlin", "2026-11-23T09:00:00+01:00", "2026-11-30T09:00:00+01:00"),
        ("0 0 9 24 11 *", "Europe/Berlin", "2026-11-23T10:00:00+01:00", "2026-11-24T09:00:00+01:00"),
        ("*/30 * * * * *", "UTC", "2026-11-23T10:00:10Z", "2026-11-23T10:00:30Z"),
        ("0 0 17 * * 5L", "Europe/Berlin", "2026-11-23T10:00:00+01:00", "2026-11-27T17:00:00+01:00"),
        ("0 0 9 * * 1#1", "Europe/Berlin", "2026-11-23T10:00:00+01:00", "2026-12-07T09:00:00+01:00"),
        ("0 0 9 L * *", "Europe/Berlin", "2027-02-01T10:00:00+01:00", "2027-02-28T09:00:00+01:00"),
        // The night in which 2:30 does not exist.
        ("0 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00"),
        // The night in which 2:30 comes twice: a fixed time fires at its first coming only, an interval at both.
        ("0 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("0 30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        ("0 */30 * * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00"),
    ];
    for (cron, zone, from, expected) in table {
        let next = Recurrence::parse(cron, zone).unwrap().after(ms(from));
        assert_eq!(next, Some(ms(expected)), "{cron} {zone}: got {}", shown(next));
    }
}

#[test]
fn the_next_firing_of_rules() {
    let table = [
        // The first one is the beginning itself, and no moment before.
        ("20261130T090000", "FREQ=WEEKLY;INTERVAL=2", "2026-11-23T10:00:00+01:00", "2026-11-30T09:00:00+01:00"),
        ("20261130T090000", "FREQ=WEEKLY;INTERVAL=2", "2026-11-30T09:00:00+01:00", "2026-12-14T09:00:00+01:00"),
        // Years later, and in summer.
        ("20261130T090000", "FREQ=WEEKLY;INTERVAL=2", "2036-06-01T00:00:00+02:00", "2036-06-02T09:00:00+02:00"),
        ("20261124T090000", "FREQ=DAILY;INTERVAL=2", "2027-03-27T12:00:00+01:00", "2027-03-28T09:00:00+02:00"),
        // The night in which 2:30 does not exist, and the one in which it comes twice.
        ("20260327T023000", "FREQ=DAILY", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00"),
        ("20260327T023000", "FREQ=DAILY", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("20260327T023000", "FREQ=DAILY", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        // Real time through the change of the clock.
        ("20261024T230000", "FREQ=HOURLY;INTERVAL=13", "2026-10-24T23:00:00+02:00", "2026-10-25T11:00:00+01:00"),
        ("20261123T104500", "FREQ=MINUTELY;INTERVAL=45", "2026-11-23T10:45:00+01:00", "2026-11-23T11:30:00+01:00"),
        (
            "20261123T090000",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "2027-01-01T00:00:00+01:00",
            "2027-01-29T09:00:00+01:00",
        ),
        ("20261131T090000", "FREQ=MONTHLY", "2026-11-23T10:00:00+01:00", "bad"),
        ("20261231T090000", "FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-31T09:00:00+01:00", "2027-03-31T09:00:00+02:00"),
        ("20280229T090000", "FREQ=YEARLY", "2028-02-29T09:00:00+01:00", "2032-02-29T09:00:00+01:00"),
        ("20261124T090000", "FREQ=DAILY;COUNT=3", "2026-11-26T09:00:00+01:00", "never"),
        ("20261124T090000", "FREQ=DAILY;COUNT=3", "2026-11-25T09:00:00+01:00", "2026-11-26T09:00:00+01:00"),
        (
            "20261124T090000",
            "FREQ=DAILY;UNTIL=20261225T080000Z",
            "2026-12-24T09:00:00+01:00",
            "2026-12-25T09:00:00+01:00",
        ),
        ("20261124T090000", "FREQ=DAILY;UNTIL=20261225T075959Z", "2026-12-24T09:00:00+01:00", "never"),
        (
            "20261124T090000",
            "FREQ=MINUTELY;INTERVAL=45;COUNT=2",
            "2026-11-24T09:00:00+01:00",
            "2026-11-24T09:45:00+01:00",
        ),
        ("20261124T090000", "FREQ=MINUTELY;INTERVAL=45;COUNT=2", "2026-11-24T09:45:00+01:00", "never"),
    ];
    for (start, rule, from, expected) in table {
        let expression = format!("DTSTART;TZID=Europe/Berlin:{start}\nRRULE:{rule}");
        let recurrence = Recurrence::parse(&expression, "Europe/Berlin");
        if expected == "bad" {
            assert!(recurrence.is_err(), "{expression}");
            continue;
        }
        let next = recurrence.unwrap().after(ms(from));
        let expected = if expected == "never" { None } else { Some(ms(expected)) };
        assert_eq!(next, expected, "{expression} after {from}: got {}", shown(next));
    }
}

#[test]
fn the_last_firing() {
    let fortnightly = "DTSTART:20261130T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2";
    let thirteen = "DTSTART:20261123T090000\nRRULE:FREQ=HOURLY;INTERVAL=13";
    let working = "DTSTART:20261123T090000\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1";
    let table = [
        ("0 0 9 * * *", "2026-11-23T09:00:00+01:00", Some("2026-11-23T09:00:00+01:00")),
        ("0 0 9 * * *", "2026-11-23T08:59:59+01:00", Some("2026-11-22T09:00:00+01:00")),
        ("0 0 9 24 11 *", "2026-11-25T00:00:00+01:00", Some("2026-11-24T09:00:00+01:00")),
        (fortnightly, "2026-11-30T08:59:59+01:00", None),
        (fortnightly, "2026-11-30T09:00:00+01:00", Some("2026-11-30T09:00:00+01:00")),
        (fortnightly, "2026-12-13T09:00:00+01:00", Some("2026-11-30T09:00:00+01:00")),
        (fortnightly, "2036-06-09T09:00:01+02:00", Some("2036-06-02T09:00:00+02:00")),
        (thirteen, "2026-11-23T08:00:00+01:00", None),
        (thirteen, "2026-11-23T23:00:00+01:00", Some("2026-11-23T22:00:00+01:00")),
        (working, "2027-02-01T00:00:00+01:00", Some("2027-01-29T09:00:00+01:00")),
        (working, "2026-11-29T00:00:00+01:00", None),
    ];
    for (expression, at, expected) in table {
        let latest = Recurrence::parse(expression, "Europe/Berlin").unwrap().latest(ms(at));
        assert_eq!(latest, expected.map(ms), "{expression} up to {at}: got {}", shown(latest));
    }
}

#[test]
fn what_is_refused_says_why() {
    let long = format!("DTSTART:20261130T090000\nRRULE:FREQ=DAILY;BYMONTHDAY={}1", "1,".repeat(600));
    for (expression, zone, why) in [
        ("0 9 * * 1", "UTC", "six fields"),
        ("0 0 9 * * 1 2026", "UTC", "six fields"),
        ("", "UTC", "six fields"),
        ("a b c d e f", "UTC", "cron"),
        ("0 0 25 * * *", "UTC", "cron"),
        ("0 0 9 * * *", "Mars/Olympus", "Mars/Olympus"),
        ("@daily", "UTC", "six fields"),
        ("RRULE:FREQ=DAILY", "UTC", "DTSTART"),
        ("DTSTART:20261130T090000", "UTC", "RRULE"),
        ("DTSTART:20261130T090000\nRRULE:FREQ=SECONDLY", "UTC", "SECONDLY"),
        ("DTSTART:20261130T090000\nRRULE:FREQ=HOURLY;BYDAY=MO", "UTC", "cron"),
        ("DTSTART:20261130T090000\nRRULE:FREQ=SOMETIMES", "UTC", "SOMETIMES"),
        ("DTSTART:20261130T090000\nRRULE:FREQ=DAILY;INTERVAL=0", "UTC", "INTERVAL"),
        ("DTSTART:20261130T090000\nRRULE:FREQ=DAILY;COUNT=10001", "UTC", "COUNT"),
        ("DTSTART:20261130T090000\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY", "UTC", "twice"),
        ("DTSTART:20261130T090000\nRRULE:FREQ=DAILY\nRDATE:20261201T090000", "UTC", "RDATE"),
        ("DTSTART;TZID=Europe/Berlin:20261130T090000\nRRULE:FREQ=DAILY", "UTC", "Europe/Berlin"),
        ("DTSTART:tomorrow\nRRULE:FREQ=DAILY", "UTC", "tomorrow"),
        ("DTSTART:00010101T000000\nRRULE:FREQ=DAILY", "UTC", "year"),
        (long.as_str(), "UTC", "1000"),
    ] {
        let error = Recurrence::parse(expression, zone).unwrap_err().to_string();
        assert!(error.contains(why), "{expression} {zone}: {error}");
    }
}

#[test]
fn the_shortest_interval_is_found() {
    let shortest = |expression: &str| {
        let now = ms("2026-11-23T10:00:00Z");
        Recurrence::parse(expression, "UTC").unwrap().shortest_interval_ms(now)
    };
    assert_eq!(shortest("* * * * * *"), Some(1_000));
    assert_eq!(shortest("0,59 * * * * *"), Some(1_000));
    assert_eq!(shortest("0 */30 * * * *"), Some(1_800_000));
    assert_eq!(shortest("0 0 9 * * *"), Some(86_400_000));
    assert_eq!(shortest("DTSTART:20261123T100000\nRRULE:FREQ=MINUTELY;INTERVAL=45"), Some(2_700_000));
    assert_eq!(shortest("DTSTART:20261124T100000\nRRULE:FREQ=DAILY;BYHOUR=10,11"), Some(3_600_000));
    assert_eq!(shortest("DTSTART:20261124T100000\nRRULE:FREQ=DAILY;COUNT=1"), None);
}

/// The moment of a wall clock time, found by walking through all minutes of UTC: nothing of it is shared with what
/// is tested.
fn walked(zone: Tz, local: NaiveDateTime) -> i64 {
    let mut at = local.and_utc() - TimeDelta::hours(16);
    for step in [30, 1].map(TimeDelta::minutes) {
        while (at + step).with_timezone(&zone).naive_local() < local {
            at += step;
        }
    }
    at += TimeDelta::minutes(1);
    at.timestamp_millis()
}

/// Fires a year of each kind in three zones, by asking for the next one again and again as the host does, and
/// compares with days that are counted by hand.
#[test]
fn a_year_of_firings_in_three_zones() {
    type Wanted = fn(NaiveDate) -> bool;
    let start = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    fn days_since(day: NaiveDate) -> i64 {
        (day - NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()).num_days()
    }
    fn is_working(day: NaiveDate) -> bool {
        day.weekday().number_from_monday() < 6
    }
    fn is_last_of_its_kind(day: NaiveDate) -> bool {
        day.month() != (day + Days::new(7)).month()
    }
    let kinds: &[(&str, Wanted)] = &[
        ("0 M H * * *", |_| true),
        ("0 M H * * 1-5", is_working),
        ("0 M H * * 5L", |day| day.weekday() == Weekday::Fri && is_last_of_its_kind(day)),
        ("0 M H * * 1#1", |day| day.weekday() == Weekday::Mon && day.day() <= 7),
        ("0 M H L * *", |day| day.month() != (day + Days::new(1)).month()),
        ("0 M H 31 * *", |day| day.day() == 31),
        ("FREQ=DAILY;INTERVAL=2", |day| days_since(day) % 2 == 0),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", |day| days_since(day) % 14 == 0),
        ("FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,SA", |day| matches!(days_since(day) % 21, 1 | 5)),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", |day| {
            let mut later =
                (1..31).map(|ahead| day + Days::new(ahead)).take_while(|later| later.month() == day.month());
            is_working(day) && !later.any(is_working)
        }),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=30", |day| day.day() == 30 && (day.month() + 12 - 11) % 2 == 0),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", |day| day.month() == 12 && day.day() == 24),
    ];
    // Half past two is in the gap of Berlin and New York; Lord Howe's clock moves by half an hour.
    for zone in [Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe] {
        for (hour, minute) in [(9, 0), (2, 30), (1, 45)] {
            for (form, wanted) in kinds {
                let expression = match form.starts_with("FREQ") {
                    true => format!("DTSTART;TZID={}:20261123T{hour:02}{minute:02}00\nRRULE:{form}", zone.name()),
                    false => form.replace('M', &minute.to_string()).replace('H', &hour.to_string()),
                };
                let recurrence = Recurrence::parse(&expression, zone.name()).unwrap();
                let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
                let mut now = walked(zone, start.and_hms_opt(0, 0, 0).unwrap()) - 1;
                for day in start.iter_days().take(366).filter(|day| wanted(*day)) {
                    let next = recurrence.after(now);
                    let expected = walked(zone, day.and_time(time));
                    assert_eq!(next, Some(expected), "{expression} {}: {}, wanted {day}", zone.name(), shown(next));
                    assert_eq!(recurrence.latest(expected), Some(expected), "{expression}");
                    now = expected;
                }
            }
        }
        for minutes in [45, 13 * 60, 90] {
            let expression = format!("DTSTART:20261123T100000\nRRULE:FREQ=MINUTELY;INTERVAL={minutes}");
            let recurrence = Recurrence::parse(&expression, zone.name()).unwrap();
            let first = walked(zone, start.and_hms_opt(10, 0, 0).unwrap());
            let mut now = first - 1;
            for count in 0..(366 * 24 * 60 / minutes) {
                let next = recurrence.after(now);
                assert_eq!(next, Some(first + count * minutes * 60_000), "{expression} {}", zone.name());
                now = next.unwrap();
            }
        }
    }
}

#[test]
fn a_rule_that_never_fires_is_refused_and_a_rare_one_is_found() {
    let parse = |rule: &str| Recurrence::parse(&format!("DTSTART:20000101T090000\nRRULE:{rule}"), "UTC");
    for rule in [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYMONTH=2;BYSETPOS=7",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=6",
        "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20",
        "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=2",
        "FREQ=DAILY;INTERVAL=60000;BYMONTH=6",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO",
    ] {
        assert!(parse(rule).is_err(), "{rule}");
    }
    for (rule, next) in [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU", "2032-02-29T09:00:00Z"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2027-08-13T09:00:00Z"),
        ("FREQ=MONTHLY;BYDAY=-2FR", "2026-12-18T09:00:00Z"),
        ("FREQ=YEARLY;BYDAY=1MO", "2027-01-04T09:00:00Z"),
        ("FREQ=YEARLY;BYYEARDAY=-1", "2026-12-31T09:00:00Z"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2", "2026-12-02T09:00:00Z"),
    ] {
        let found = parse(rule).unwrap().after(ms("2026-11-23T10:00:00Z"));
        assert_eq!(found, Some(ms(next)), "{rule}: got {}", shown(found));
    }
}
