//! More of what people say: clock changes, dates, zones and spans, and what goes on from an answer.

use openanalyst_router::{Router, RouterOptions, SkillProfile, Unclear, Utterance};
use serde_json::{Value, json};

/// Monday, 23 November 2026, 10:00 in Berlin.
const NOW_MS: i64 = 1_795_424_400_000;

fn slot_in(zone: &str, now_ms: i64, text: &str, name: &str) -> Value {
    let core = SkillProfile { name: "core".to_owned(), is_fallback: true, ..SkillProfile::default() };
    let router = Router::build(&[core], RouterOptions::default());
    let utterance = Utterance {
        text,
        now_ms,
        time_zone: zone,
        locale: None,
        previous_skill: None,
        has_attachments: false,
        vectors: None,
    };
    let slots = router.route(&utterance).intent.slots;
    slots.into_iter().find(|slot| slot.name == name).map(|slot| slot.value).unwrap_or_default()
}

fn unclear_in(zone: &str, text: &str) -> Vec<Unclear> {
    let router = Router::build(&[], RouterOptions::default());
    let utterance = Utterance {
        text,
        now_ms: NOW_MS,
        time_zone: zone,
        locale: None,
        previous_skill: None,
        has_attachments: false,
        vectors: None,
    };
    router.route(&utterance).intent.unclear
}

fn slot(text: &str, name: &str) -> Value {
    slot_in("Europe/Berlin", NOW_MS, text, name)
}

/// A wall clock time that the clock jumps over is asked about; one that comes twice is the first of both.
#[test]
fn clock_changes() {
    let hour = 3_600_000_i64;
    // 2027-03-28 01:00 UTC: Berlin goes from 02:00 to 03:00. 2027-10-31 01:00 UTC: it goes from 03:00 back to 02:00.
    let (spring, autumn) = (1_806_195_600_000_i64, 1_824_944_400_000_i64);
    for clock in ["2:00", "2:20", "2:30", "2:59"] {
        let unclear = unclear_in("Europe/Berlin", &format!("post it on 2027-03-28 at {clock}"));
        assert_eq!(unclear.len(), 1, "{clock}");
    }
    let when = slot("post it on 2027-10-31 at 2:30", "when");
    assert_eq!(when["atMs"].as_i64(), Some(autumn - hour / 2), "the first of both");
    // "tomorrow" is a wall clock day, 23 hours long in spring.
    let before = spring - 16 * hour;
    let when = slot_in("Europe/Berlin", before, "post it tomorrow at 10", "when");
    assert_eq!(when["local"], "2027-03-28T10:00");
    assert_eq!(when["atMs"].as_i64(), Some(spring + 7 * hour));
    // Half an hour of gap, on Lord Howe.
    assert_eq!(unclear_in("Australia/Lord_Howe", "post it on 2027-10-03 at 2:10").len(), 1);
}

#[test]
fn dates_and_times() {
    for (text, local, explicit) in [
        ("post it on 2026-12-24T08:15", "2026-12-24T08:15", true),
        ("post it on 2026-12-24", "2026-12-24T09:00", false),
        ("post it on 3 December 2026", "2026-12-03T09:00", false),
        ("post it on December 3, 2026 at noon", "2026-12-03T12:00", true),
        ("post it at 9:30 pm", "2026-11-23T21:30", true),
        ("post it at 9:30 p.m.", "2026-11-23T21:30", true),
        ("post it in Spanish in 3 hours", "2026-11-23T13:00", true),
        ("post it in English tomorrow", "2026-11-24T09:00", false),
        ("post it in 45 minutes", "2026-11-23T10:45", true),
        ("post it Wednesday morning", "2026-11-25T09:00", false),
        ("post it on Monday", "2026-11-30T09:00", false),
        ("post it this Friday at 17:45", "2026-11-27T17:45", true),
    ] {
        let when = slot(text, "when");
        assert_eq!((&when["local"], &when["explicitTime"]), (&json!(local), &json!(explicit)), "{text}");
    }
    // An unknown zone is read as UTC.
    let when = slot_in("Mars/Olympus", NOW_MS, "post it tomorrow", "when");
    assert_eq!((&when["timeZone"], &when["local"]), (&json!("UTC"), &json!("2026-11-24T09:00")));
}

#[test]
fn zones() {
    for (text, zone) in [
        ("my time zone is America/New_York", json!("America/New_York")),
        ("set my timezone to New York", json!("America/New_York")),
        ("my time zone is los angeles", json!("America/Los_Angeles")),
        ("schedule it for 9 in Berlin time", json!("Europe/Berlin")),
        ("I use UTC as my time zone", Value::Null),
        ("my time zone is UTC", json!("UTC")),
        ("it is lunch time", Value::Null),
    ] {
        assert_eq!(slot(text, "time-zone"), zone, "{text}");
    }
}

#[test]
fn spans_of_the_past() {
    let (hour, day) = (3_600_000_i64, 86_400_000_i64);
    let midnight = NOW_MS - 10 * hour;
    for (text, from, to) in [
        ("analyze last week", midnight - 7 * day, midnight),
        // Summer time ended in between: 30 midnights back is an hour further.
        ("analyze the past 30 days", midnight - 30 * day - hour, NOW_MS),
        ("report on this month", midnight - 22 * day, NOW_MS),
        ("analyze yesterday", midnight - day, midnight),
        ("metrics since Monday", midnight, NOW_MS),
        ("metrics since yesterday", midnight - day, NOW_MS),
        ("metrics since 2026-11-20", midnight - 3 * day, NOW_MS),
        ("show the numbers of the last 24 hours", NOW_MS - day, NOW_MS),
    ] {
        let range = slot(text, "range");
        assert_eq!((range["fromMs"].as_i64(), range["toMs"].as_i64()), (Some(from), Some(to)), "{text}: {range}");
    }
    assert_eq!(slot("schedule it for yesterday", "range"), Value::Null);
}

#[test]
fn recurrences() {
    for (text, cron) in [
        ("hourly", json!("0 0 * * * *")),
        ("run it weekly", json!("0 0 9 * * 1")),
        ("every weekday at 9:30 pm", json!("0 30 21 * * 1-5")),
        ("on weekdays at 8", json!("0 0 8 * * 1-5")),
        ("every 2 hours", json!("0 0 */2 * * *")),
        ("every weekend", json!("0 0 9 * * 0,6")),
        ("on the 15th of every month at noon", json!("0 0 12 15 * *")),
        ("run it monthly", json!("0 0 9 1 * *")),
        ("every 0 minutes", Value::Null),
        ("every 99999 minutes", Value::Null),
    ] {
        assert_eq!(slot(text, "recurrence").get("cron").cloned().unwrap_or_default(), cron, "{text}");
    }
}
