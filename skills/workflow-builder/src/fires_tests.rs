use super::*;

const MONDAY: u8 = 1;
const THURSDAY: u8 = 1 << 3;
const FRIDAY: u8 = 1 << 4;
const SUNDAY: u8 = 1 << 6;
/// Monday, 23 November 2026, 12:00 UTC.
const NOW_MS: u64 = 1_795_435_200_000;

fn rule_of(rule: &str) -> String {
    format!("DTSTART;TZID=UTC:20261130T090000\nRRULE:{rule}")
}

#[test]
fn the_day_is_decided_from_the_expression() {
    for (expression, day, fits) in [
        ("0 0 9 * * 1", MONDAY, Some(OnDay::Only)),
        ("0 0 9 * * MON", MONDAY, Some(OnDay::Only)),
        ("0 0 9 * * 1,4", MONDAY, Some(OnDay::Among)),
        ("0 0 9 * * 1-5", THURSDAY, Some(OnDay::Among)),
        ("0 0 9 * * 2-5", MONDAY, None),
        ("0 0 9 * * 1#1", MONDAY, Some(OnDay::Only)),
        ("0 0 17 * * 5L", FRIDAY, Some(OnDay::Only)),
        ("0 0 17 * * 0", SUNDAY, Some(OnDay::Only)),
        ("0 0 17 * * 7", SUNDAY, Some(OnDay::Only)),
        ("0 0 9 * * *", MONDAY, Some(OnDay::Also)),
        ("0 0 9 15 * *", MONDAY, None),
        ("0 0 9 24 12 *", MONDAY, None),
    ] {
        assert_eq!(Fires::read(expression).unwrap().on(day), fits, "{expression}");
    }
    for (rule, day, fits) in [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", MONDAY, Some(OnDay::Only)),
        ("FREQ=WEEKLY;BYDAY=MO,TH", THURSDAY, Some(OnDay::Among)),
        ("FREQ=MONTHLY;BYDAY=-1FR", FRIDAY, Some(OnDay::Only)),
        ("FREQ=MONTHLY;BYDAY=-1FR", MONDAY, None),
        ("FREQ=WEEKLY", MONDAY, Some(OnDay::Only)),
        ("FREQ=DAILY;INTERVAL=2", MONDAY, Some(OnDay::Also)),
        ("FREQ=MONTHLY;BYMONTHDAY=15", MONDAY, None),
    ] {
        assert_eq!(Fires::read(&rule_of(rule)).unwrap().on(day), fits, "{rule}");
    }
}

#[test]
fn rules_are_told_in_words() {
    for (expression, words) in [
        ("0 0 9 * * 1".to_owned(), "every Monday at 09:00"),
        ("0 30 17 * * 1,4".to_owned(), "every Monday and Thursday at 17:30"),
        ("0 0 9 * * 1-5".to_owned(), "every weekday at 09:00"),
        ("0 0 9 * * *".to_owned(), "every day at 09:00"),
        ("0 0 9,17 * * *".to_owned(), "every day at 09:00 and 17:00"),
        ("0 0 9 15 * *".to_owned(), "on the 15th of every month at 09:00"),
        ("0 0 9 L * *".to_owned(), "on the last day of every month at 09:00"),
        ("0 0 9 * * 1#1".to_owned(), "on the first Monday of every month at 09:00"),
        ("0 0 17 * * 5L".to_owned(), "on the last Friday of every month at 17:00"),
        ("0 0 10 24 12 *".to_owned(), "on 24 December at 10:00"),
        ("0 */15 9-16 * * 1-5".to_owned(), "every weekday, every 15 minutes from 09:00 to 17:00"),
        (rule_of("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"), "every other Monday at 09:00"),
        (rule_of("FREQ=MINUTELY;INTERVAL=45"), "every 45 minutes"),
        (rule_of("FREQ=DAILY;INTERVAL=2"), "every other day at 09:00"),
        (rule_of("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"), "on the last working day of every month at 09:00"),
    ] {
        assert_eq!(Fires::read(&expression).unwrap().in_words().as_deref(), Some(words), "{expression}");
    }
}

#[test]
fn the_next_firings_are_on_the_clock_of_the_zone() {
    let next = |expression: &str, zone: &str| {
        let zone: Tz = zone.parse().unwrap();
        let moments = Fires::read(expression).unwrap().next(NOW_MS, zone, 2);
        let local = |ms: &u64| {
            zone.timestamp_millis_opt(i64::try_from(*ms).unwrap()).unwrap().format("%a %Y-%m-%d %H:%M").to_string()
        };
        moments.iter().map(local).collect::<Vec<_>>()
    };
    for (expression, first, second) in [
        ("0 0 9 * * 1".to_owned(), "Mon 2026-11-30 09:00", "Mon 2026-12-07 09:00"),
        ("0 0 9 * * 1#1".to_owned(), "Mon 2026-12-07 09:00", "Mon 2027-01-04 09:00"),
        ("0 0 17 * * 5L".to_owned(), "Fri 2026-11-27 17:00", "Fri 2026-12-25 17:00"),
        ("0 0 9 31 * *".to_owned(), "Thu 2026-12-31 09:00", "Sun 2027-01-31 09:00"),
        (rule_of("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"), "Mon 2026-11-30 09:00", "Mon 2026-12-14 09:00"),
    ] {
        assert_eq!(next(&expression, "Europe/Berlin"), [first, second], "{expression}");
    }
    assert!(next(&rule_of("FREQ=MINUTELY;INTERVAL=45"), "UTC").is_empty(), "the engine counts these");
}

#[test]
fn what_is_no_expression_is_not_read() {
    for text in ["", "* * *", "0 0 25 * * *", "0 0 9 * * 9", "DTSTART:x\nRRULE:FREQ=DAILY", "0 0 9 * * 1#1,2#3"] {
        assert_eq!(Fires::read(text), None, "{text}");
    }
    assert_eq!(Fires::read(&"0 ".repeat(40_000)), None);
}
