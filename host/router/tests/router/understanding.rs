//! What people really say: moments, recurrences, topics, platforms and tones are read as they are meant, or asked.

use openanalyst_router::{Intent, Router, RouterOptions, SkillProfile, Utterance};
use serde_json::Value;

/// Monday, 23 November 2026, 10:00 in Berlin.
const NOW_MS: i64 = 1_795_424_400_000;

fn read_by(locale: Option<&str>, text: &str) -> Intent {
    let core = SkillProfile { name: "core".to_owned(), is_fallback: true, ..SkillProfile::default() };
    let router = Router::build(&[core], RouterOptions::default());
    let utterance = Utterance {
        text,
        now_ms: NOW_MS,
        time_zone: "Europe/Berlin",
        locale,
        previous_skill: None,
        has_attachments: false,
        vectors: None,
    };
    router.route(&utterance).intent
}

fn read(text: &str) -> Intent {
    read_by(None, text)
}

fn slot(intent: &Intent, name: &str) -> Value {
    intent.slots.iter().find(|slot| slot.name == name).map(|slot| slot.value.clone()).unwrap_or_default()
}

fn all(intent: &Intent, name: &str) -> Vec<String> {
    let values = intent.slots.iter().filter(|slot| slot.name == name).map(|slot| slot.value.clone());
    values.map(|value| value.as_str().unwrap_or_default().to_owned()).collect()
}

/// What is said of time: the local moment, the cron expression or rule, or `ask`.
fn time_of(intent: &Intent) -> String {
    if !intent.unclear.is_empty() {
        return "ask".to_owned();
    }
    let when = slot(intent, "when");
    let recurrence = slot(intent, "recurrence");
    match (when["local"].as_str(), recurrence["cron"].as_str()) {
        (Some(local), None) => local.to_owned(),
        (None, Some(cron)) => cron.to_owned(),
        (None, None) => "nothing".to_owned(),
        (Some(local), Some(cron)) => format!("{local} and {cron}"),
    }
}

fn check(rows: &[(&str, String)], wanted: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .zip(wanted)
        .filter(|((_, got), (_, wanted))| got != wanted)
        .map(|((text, got), (_, wanted))| format!("{text}\n  got    {got}\n  wanted {wanted}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), wanted.len(), wrong.join("\n"));
}

fn check_times(before: &str, after: &str, wanted: &[(&str, &str)]) {
    let rows: Vec<(&str, String)> =
        wanted.iter().map(|(text, _)| (*text, time_of(&read(&format!("{before}{text}{after}"))))).collect();
    check(&rows, wanted);
}

#[test]
fn one_moment() {
    check_times(
        "Create a Twitter post about AI trends and schedule it for ",
        "",
        &[
            ("24.12.2026 at 10:00", "2026-12-24T10:00"),
            ("24/12/2026 at 10:00", "2026-12-24T10:00"),
            ("24.12. at 10:00", "2026-12-24T10:00"),
            ("05/06/2027 at 9", "ask"),
            ("in 2 weeks at 2pm", "2026-12-07T14:00"),
            ("in 3 days at 9", "2026-11-26T09:00"),
            ("Sunday 14 March 2027 at 9", "2027-03-14T09:00"),
            ("Friday, 24 December at 10:00", "ask"),
            ("next week Friday at 9", "2026-12-04T09:00"),
            ("Friday next week at 9", "2026-12-04T09:00"),
            ("a week from tomorrow at 9", "2026-12-01T09:00"),
            ("a week on Tuesday at 9", "2026-12-01T09:00"),
            ("the 15th at 9am", "2026-12-15T09:00"),
            ("tomorrow at 9am New York time", "2026-11-24T15:00"),
            ("tomorrow at 3pm EST", "2026-11-24T21:00"),
            ("tomorrow at 14:00 UTC", "2026-11-24T15:00"),
            ("tonight at 8", "2026-11-23T20:00"),
            ("this afternoon at 3", "2026-11-23T15:00"),
            ("tomorrow at half past six", "ask"),
            ("tomorrow at 17h30", "2026-11-24T17:30"),
            ("5 Sept 2027 at 9", "2027-09-05T09:00"),
            ("31 November at 9", "ask"),
            ("30 February at 9", "ask"),
            ("in 1 hour and 30 minutes", "2026-11-23T11:30"),
            ("in 1.5 hours", "2026-11-23T11:30"),
            ("10 minutes from now", "2026-11-23T10:10"),
            ("2026-12-24T08:15Z", "2026-12-24T09:15"),
            ("last day of next month at 9", "2026-12-31T09:00"),
            ("next Friday at 9", "2026-12-04T09:00"),
            ("Christmas Eve at 18:00", "2026-12-24T18:00"),
            ("New Year's Day at noon", "2027-01-01T12:00"),
            ("the day before Christmas at 9", "2026-12-24T09:00"),
            ("9:00 Nowhere/City", "ask"),
        ],
    );
    for (text, day) in
        [("end of the month", "2026-11-30"), ("end of next week", "2026-12-04"), ("tomorrow night", "2026-11-24")]
    {
        let intent = read(&format!("Create a Twitter post about AI trends and schedule it for {text}"));
        let time = time_of(&intent);
        assert!(time.starts_with(day), "{text}: {time}");
        assert!(!slot(&intent, "when")["notes"].as_array().unwrap().is_empty(), "{text}: the hour is said");
    }
}

#[test]
fn numeric_dates_are_read_by_the_locale() {
    let text = "Create a Twitter post about AI trends and schedule it for 05/06/2027 at 9";
    assert_eq!(time_of(&read_by(Some("en-GB"), text)), "2027-06-05T09:00");
    assert_eq!(time_of(&read_by(Some("en-US"), text)), "2027-05-06T09:00");
    let asked = &read(text).unclear[0];
    assert_eq!(asked.options.len(), 2, "{asked:?}");
    for option in &asked.options {
        assert!(read(option).unclear.is_empty(), "{option} is an answer");
    }
}

#[test]
fn recurrences() {
    check_times(
        "",
        ", run the analytics report",
        &[
            ("Every Mon-Fri at 18:00", "0 0 18 * * 1-5"),
            ("Every Monday through Friday at 9", "0 0 9 * * 1-5"),
            ("On the first Monday of every month at 9", "0 0 9 * * 1#1"),
            ("On the last Friday of every month at 17:00", "0 0 17 * * 5L"),
            ("Monthly on the 15th at 9", "0 0 9 15 * *"),
            ("On Mondays at 9", "0 0 9 * * 1"),
            ("Every week on Monday and Thursday at 9", "0 0 9 * * 1,4"),
            ("Every 15 minutes between 9 and 17 on weekdays", "0 */15 9-16 * * 1-5"),
            ("Every month on the 31st at 9", "0 0 9 31 * *"),
            ("Every day except Sunday at 9", "0 0 9 * * 1-6"),
            ("Twice a day", "ask"),
            ("On the last day of every month at 9", "0 0 9 L * *"),
        ],
    );
    check_times(
        "Run the analytics report ",
        "",
        &[
            ("every Monday at 9", "0 0 9 * * 1"),
            ("with cron 0 9 * * 1", "0 0 9 * * 1"),
            ("every day at 8:30", "0 30 8 * * *"),
        ],
    );
    for (text, rule) in [
        ("Every second day at 9", "FREQ=DAILY;INTERVAL=2"),
        ("Every other Monday at 9", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"),
        ("Every 45 minutes", "FREQ=MINUTELY;INTERVAL=45"),
        ("Every 13 hours", "FREQ=HOURLY;INTERVAL=13"),
    ] {
        let intent = read(&format!("{text} run the analytics report"));
        let cron = time_of(&intent);
        assert!(cron.starts_with("DTSTART") && cron.contains(rule), "{text}: {cron}");
        assert_eq!(slot(&intent, "recurrence")["nextMs"].as_array().map(Vec::len), Some(3), "{text}");
    }
    let short = read("Every month on the 31st at 9 run the analytics report");
    assert!(!slot(&short, "recurrence")["notes"].as_array().unwrap().is_empty(), "short months are said");
}

#[test]
fn topics() {
    let wanted: &[(&str, &str)] = &[
        (
            "Create a Twitter post about Black Friday deals and schedule it for Monday at 9",
            "Black Friday deals | 2026-11-30T09:00",
        ),
        (
            "Create a Twitter post about our 3pm webinar and schedule it for tomorrow at 9",
            "our 3pm webinar | 2026-11-24T09:00",
        ),
        ("Create a Twitter post about daily habits and schedule it for Friday at 9", "daily habits | 2026-11-27T09:00"),
        (
            "Create a Twitter post about Node.js performance and schedule it for Friday at 9",
            "Node.js performance | 2026-11-27T09:00",
        ),
        (
            "Create a Twitter post about Dr. Smith's talk and schedule it for Friday at 9",
            "Dr. Smith's talk | 2026-11-27T09:00",
        ),
        ("Create a Twitter post about a new kind of coffee", "a new kind of coffee | nothing"),
        ("Create a Twitter post about AI trends tomorrow at 9", "AI trends | 2026-11-24T09:00"),
        ("Create a Twitter post about AI trends on Friday at 9", "AI trends | 2026-11-27T09:00"),
        ("Write a LinkedIn post about Monday motivation", "Monday motivation | nothing"),
        ("Write a LinkedIn post about our plans for Christmas", "our plans for Christmas | nothing"),
        ("Write a tweet about what happened last week", "what happened last week | nothing"),
        (
            "Write a tweet about version 2.0 of our app, then schedule it for Friday at 9",
            "version 2.0 of our app | 2026-11-27T09:00",
        ),
        ("Write a tweet about time and money", "time and money | nothing"),
        ("Write a tweet about how to plan and share a roadmap", "how to plan and share a roadmap | nothing"),
        ("Write a tweet about rock and roll. Schedule it for Friday at 9.", "rock and roll | 2026-11-27T09:00"),
        ("Write a tweet about the U.S. economy and post it on Friday at 9", "the U.S. economy | 2026-11-27T09:00"),
        ("Tweet about our new oat milk latte", "our new oat milk latte | nothing"),
        ("Write a tweet about \"Tuesday at 9\" and schedule it for Friday at 10", "Tuesday at 9 | 2026-11-27T10:00"),
        ("Write a tweet about AI in a funny tone", "AI | nothing"),
        ("Write a tweet about AI with a link to https://example.com", "AI | nothing"),
        ("Write a tweet about 5 tips for 2027 and schedule it for tomorrow at 9", "5 tips for 2027 | 2026-11-24T09:00"),
    ];
    let said = |text: &str| {
        let intent = read(text);
        format!("{} | {}", slot(&intent, "topic").as_str().unwrap_or("none"), time_of(&intent))
    };
    let rows: Vec<(&str, String)> = wanted.iter().map(|(text, _)| (*text, said(text))).collect();
    check(&rows, wanted);
}

#[test]
fn platforms_and_tones() {
    let wanted: &[(&str, &str)] = &[
        ("Write a post about how Facebook changed its feed for LinkedIn", "linkedin | | how Facebook changed its feed"),
        ("Create a post about AI trends for Twitter and LinkedIn", "twitter,linkedin | | AI trends"),
        ("Create a post about AI trends for Twitter, LinkedIn and Threads", "twitter,linkedin,threads | | AI trends"),
        ("Create a Twitter post about LinkedIn's new feed", "twitter | | LinkedIn's new feed"),
        ("Create a post about AI on Twitter and LinkedIn but not on Facebook", "twitter,linkedin | facebook | AI"),
        ("Create a post about LinkedIn", " | | LinkedIn"),
        ("Create a LinkedIn post about AI trends tomorrow at 9", "linkedin | | AI trends"),
        ("Post about AI trends on X and schedule it for tomorrow", "twitter | | AI trends"),
    ];
    let said = |text: &str| {
        let intent = read(text);
        let topic = slot(&intent, "topic");
        let (named, excluded) = (all(&intent, "platform").join(","), all(&intent, "platform-excluded").join(","));
        format!(
            "{named} | {excluded}{}| {}",
            if excluded.is_empty() { "" } else { " " },
            topic.as_str().unwrap_or("none")
        )
    };
    let rows: Vec<(&str, String)> = wanted.iter().map(|(text, _)| (*text, said(text))).collect();
    check(&rows, wanted);
    for (text, tone) in [
        ("Create a Twitter post about a new kind of coffee", ""),
        ("Create a funny Twitter post about coffee", "funny"),
        ("Create a Twitter post about coffee in a friendly tone", "friendly"),
        ("Create a Twitter post about funny cats", ""),
        ("make it funnier", "funny"),
        ("make it more formal", "professional"),
        ("Create a Twitter post about coffee in a sarcastic tone", "sarcastic"),
        ("make it not funny", "not funny"),
    ] {
        assert_eq!(slot(&read(text), "tone").as_str().unwrap_or_default(), tone, "{text}");
    }
}

/// The topic and the time, or `none` and `nothing`.
fn topic_and_time(text: &str) -> String {
    let intent = read(text);
    format!("{} | {}", slot(&intent, "topic").as_str().unwrap_or("none"), time_of(&intent))
}

fn check_topics(wanted: &[(&str, &str)]) {
    let rows: Vec<(&str, String)> = wanted.iter().map(|(text, _)| (*text, topic_and_time(text))).collect();
    check(&rows, wanted);
}

#[test]
fn a_time_that_may_be_the_topics_is_not_scheduled() {
    check_topics(&[
        // Names with a day.
        ("Write a tweet about Casual Friday", "Casual Friday | nothing"),
        ("Write a tweet about Super Bowl Sunday", "Super Bowl Sunday | nothing"),
        ("Write a tweet about 2 for 1 Mondays", "2 for 1 Mondays | nothing"),
        ("Write a tweet about the movie Midnight in Paris", "the movie Midnight in Paris | nothing"),
        ("Write a tweet about Taco Tuesday at 9", "Taco Tuesday at 9 | nothing"),
        ("Write a tweet about coffee friday", "coffee friday | nothing"),
        ("Schedule a tweet about Taco Tuesday for tomorrow at 9", "Taco Tuesday | 2026-11-24T09:00"),
        ("Write a tweet about Meatless Monday on Monday at 9", "Meatless Monday | 2026-11-30T09:00"),
        ("Write a tweet about AI trends Friday at 9", "AI trends | 2026-11-27T09:00"),
        // What lasts, and what someone does.
        ("Write a tweet about 50% off everything until Sunday", "50% off everything until Sunday | nothing"),
        (
            "Schedule a tweet about 50% off everything until Sunday for tomorrow at 9",
            "50% off everything until Sunday | 2026-11-24T09:00",
        ),
        ("Write a tweet about working from 9 to 5", "working from 9 to 5 | nothing"),
        ("Write a tweet about how I wake up at 5am every day", "how I wake up at 5am every day | nothing"),
        ("Write a tweet about how we work tomorrow at 9", "how we work | 2026-11-24T09:00"),
        // What takes place.
        ("Write a tweet about our Christmas party on Friday", "our Christmas party on Friday | nothing"),
        ("Write a tweet about our event in Paris on 5 March at 6pm", "our event in Paris on 5 March at 6pm | nothing"),
        ("Write a tweet about flight LH 1234 at 9", "flight LH 1234 at 9 | nothing"),
        ("Schedule a tweet about our Christmas party on Friday", "our Christmas party | 2026-11-27T09:00"),
        ("Write a tweet about our party and post it on Friday at 9", "our party | 2026-11-27T09:00"),
        ("Write a post about our summer sale on Instagram at 5 pm", "our summer sale | 2026-11-23T17:00"),
        ("Write a tweet about the best coffee in town on Friday at 9", "the best coffee in town | 2026-11-27T09:00"),
        // The last of two days is the time.
        ("Write a tweet about Christmas for Christmas Eve at 9", "Christmas | 2026-12-24T09:00"),
        ("Schedule a tweet about Black Friday on Black Friday at 9", "Black Friday | 2026-11-27T09:00"),
        ("Search the web for Black Friday deals", "none | nothing"),
        ("search the web for news tomorrow at 9", "none | 2026-11-24T09:00"),
        ("Every Monday at 9 search the web for Black Friday deals", "none | 0 0 9 * * 1"),
    ]);
}

#[test]
fn topics_keep_their_marks_and_what_is_quoted() {
    check_topics(&[
        (
            "Write a tweet. It's about our new pricing (starts at $9/month). Put it out on Monday",
            "our new pricing (starts at $9/month) | 2026-11-30T09:00",
        ),
        (
            "Write a tweet about \"Good morning\" signs and \"Welcome\" mats",
            "\"Good morning\" signs and \"Welcome\" mats | nothing",
        ),
        ("Write a tweet about \"AI\" tomorrow at 9", "AI | 2026-11-24T09:00"),
        ("Write a tweet about the film '12 Angry Men'", "the film '12 Angry Men' | nothing"),
        ("Write a tweet about the '90s music", "the '90s music | nothing"),
        ("Write a tweet about the teachers' strike", "the teachers' strike | nothing"),
        ("Tweet 'see you on Friday at 5pm' tomorrow at 8", "see you on Friday at 5pm | 2026-11-24T08:00"),
        ("Write a tweet about Yahoo!", "Yahoo! | nothing"),
        ("Write a tweet about our bake sale!", "our bake sale | nothing"),
        ("Write a tweet about .NET 9", ".NET 9 | nothing"),
        ("Write a tweet about Acme Inc. Schedule it for tomorrow at 9.", "Acme Inc. | 2026-11-24T09:00"),
        ("Tweet: Doors open at 10 tomorrow", "Doors open at 10 tomorrow | nothing"),
        ("Tweet: AI is here. Schedule it for tomorrow at 9", "AI is here. | 2026-11-24T09:00"),
        ("Post the following on Twitter tomorrow at 9: Doors open at 10!", "Doors open at 10! | 2026-11-24T09:00"),
        ("Task: write a tweet about AI", "AI | nothing"),
    ]);
}

#[test]
fn topics_without_about() {
    check_topics(&[
        ("Write a tweet re: budget cuts", "budget cuts | nothing"),
        ("LinkedIn post, AI trends, tomorrow 9", "AI trends | 2026-11-24T09:00"),
        ("Write a tweet, make it funny", "none | nothing"),
        ("Delete the post, it is wrong", "none | nothing"),
        ("Announce our new CTO Jane Doe on LinkedIn", "our new CTO Jane Doe | nothing"),
        ("Announce it on LinkedIn", "none | nothing"),
        ("Announce that we open at 10 on Twitter", "we open at 10 | nothing"),
        ("Facebook post - bake sale - Saturday 10am", "bake sale | 2026-11-28T10:00"),
        ("Tweet re the new law", "the new law | nothing"),
        ("Write a tweet about Who's Afraid of Virginia Woolf?", "Who's Afraid of Virginia Woolf? | nothing"),
        (
            "Schreibe einen Post über unser Sommerfest am 4. Juli um 18 Uhr",
            "unser Sommerfest am 4. Juli um 18 Uhr | nothing",
        ),
        ("Write a caption for my photo of a sunset", "my photo of a sunset | nothing"),
        ("Write a caption for Instagram", "none | nothing"),
        ("Schreibe einen Tweet zum Thema KI", "KI | nothing"),
        ("Schreibe einen Beitrag zu unserem neuen Produkt", "unserem neuen Produkt | nothing"),
        ("Schreibe einen Tweet über den 4. Dezember", "den 4. Dezember | nothing"),
        (
            "Schreibe einen Tweet über unsere 2. Filiale. Plane ihn für morgen um 9",
            "unsere 2. Filiale | 2026-11-24T09:00",
        ),
        ("Write a tweet about Windows 11. Schedule it for tomorrow at 9", "Windows 11 | 2026-11-24T09:00"),
    ]);
}

#[test]
fn names_are_read_where_nothing_is_written_about_them() {
    for (text, slot_name, wanted, topic) in [
        ("Write a tweet about call me maybe", "name", "", "call me maybe"),
        ("Write a tweet about my name is Earl", "name", "", "my name is Earl"),
        ("Write a tweet about New York time zones", "time-zone", "", "New York time zones"),
        ("Call me Ada", "name", "Ada", ""),
        ("Write a tweet about AI. My name is Ada", "name", "Ada", ""),
        ("My time zone is New York", "time-zone", "America/New_York", ""),
    ] {
        let intent = read(text);
        assert_eq!(slot(&intent, slot_name).as_str().unwrap_or_default(), wanted, "{text}");
        assert_eq!(slot(&intent, "topic").as_str().unwrap_or_default(), topic, "{text}");
    }
}

#[test]
fn platforms_as_people_name_them() {
    let wanted: &[(&str, &str)] = &[
        ("Don't post about our bake sale on Twitter, only on Mastodon", "mastodon | twitter | | our bake sale"),
        ("Write a post about AI on Twitter/LinkedIn", "twitter,linkedin | | | AI"),
        ("Write a post about AI on LinkedIn not Twitter", "linkedin | twitter | | AI"),
        ("Write a post about AI on LinkedIn instead of Twitter", "linkedin | twitter | | AI"),
        ("Write a post about AI on Twitter and tell Bob", "twitter | | | AI"),
        ("Write a post about moving from Twitter to Bluesky", " | | | moving from Twitter to Bluesky"),
        ("Write a post about why we left Twitter for Bluesky", " | | | why we left Twitter for Bluesky"),
        ("Write a post about Twitter vs Mastodon for LinkedIn", "linkedin | | | Twitter vs Mastodon"),
        ("Write an FB post about AI", "facebook | | | AI"),
        ("Write a post about AI on LI and YT", "linkedin,youtube | | | AI"),
        ("Write a post about Li Wei's talk", " | | | Li Wei's talk"),
        ("Write a post about AI on x.com", "twitter | | | AI"),
        ("Write a post about AI for the X platform", "twitter | | | AI"),
        ("Write a post about our bake sale on Snapchat", " | | Snapchat | our bake sale"),
        ("Write a post about our bake sale on myspace", " | | myspace | our bake sale"),
        ("Write a post about Telegram on Mastodon", "mastodon | | | Telegram"),
        ("Write a Truth Social post about our bake sale", " | | Truth Social | our bake sale"),
        ("Write two posts about coffee, one for Twitter and one for LinkedIn", "twitter,linkedin | | | coffee"),
        ("Create a Twitter post about how LinkedIn works on Twitter", "twitter | | | how LinkedIn works"),
        ("Don't use Twitter, post about AI on Mastodon", "mastodon | twitter | | AI"),
        ("Write a post about switching from X to Threads on LinkedIn", "linkedin | | | switching from X to Threads"),
        ("Write a post about migrating from Mailchimp to Substack", " | | | migrating from Mailchimp to Substack"),
        ("Post about our bake sale on Discord and Twitter", "twitter | | Discord | our bake sale"),
        ("Write a tweet about remote work everywhere", "twitter | | | remote work everywhere"),
        ("Write a tweet about coffee. Use emojis everywhere", "twitter | | | coffee"),
    ];
    let said = |text: &str| {
        let intent = read(text);
        let (named, out) = (all(&intent, "platform").join(","), all(&intent, "platform-excluded").join(","));
        let other = all(&intent, "unknown-platform").join(",");
        let topic = slot(&intent, "topic");
        let shown = [out, other].map(|value| if value.is_empty() { value } else { format!("{value} ") });
        format!("{named} | {}| {}| {}", shown[0], shown[1], topic.as_str().unwrap_or("none"))
    };
    let rows: Vec<(&str, String)> = wanted.iter().map(|(text, _)| (*text, said(text))).collect();
    check(&rows, wanted);
    for (text, out) in [
        ("Post about our bake sale everywhere except Facebook", vec!["facebook"]),
        ("Post about our bake sale on all platforms", vec![]),
    ] {
        let intent = read(text);
        let named = all(&intent, "platform");
        assert_eq!(all(&intent, "platform-excluded"), out, "{text}");
        assert!(named.len() >= 10 && out.iter().all(|name| !named.iter().any(|other| other == name)), "{text}");
        assert_eq!(slot(&intent, "topic"), "our bake sale", "{text}");
    }
}

#[test]
fn tones_are_no_part_of_the_topic() {
    for (text, topic, tone) in [
        ("Write a tweet about tax - make it witty", "tax", "funny"),
        ("Write a tweet about tax, funny but respectful", "tax", "funny but respectful"),
        ("Write a casual but professional tweet about tax", "tax", "casual but professional"),
        ("Write a tweet about coffee but make it sound professional", "coffee", "professional"),
        ("Write a tweet about coffee, not too serious", "coffee", "not serious"),
        ("Write a tweet about coffee, max 100 characters, no hashtags", "coffee", ""),
        ("Write a tweet about coffee (max. 200 characters)", "coffee", ""),
        ("Write a tweet about taxes, tone: friendly", "taxes", "friendly"),
        ("Write a tweet about bread, butter and jam", "bread, butter and jam", ""),
        ("Write a tweet about coffee in pirate style", "coffee", "pirate"),
        ("Write a tweet about cathedrals in Gothic style", "cathedrals in Gothic style", ""),
        ("Write a tweet about tax in plain English", "tax", "plain English"),
        ("Write a sarcastic tweet about tax", "tax", "sarcastic"),
        ("Write an angry tweet about tax", "tax", "angry"),
        ("Write a tweet about angry customers", "angry customers", ""),
        ("Schreibe einen lockeren Tweet über Kaffee", "Kaffee", "casual"),
        ("Schreibe einen Beitrag über Kaffee in lustigem Ton", "Kaffee", "funny"),
    ] {
        let intent = read(text);
        assert_eq!(slot(&intent, "topic").as_str().unwrap_or_default(), topic, "{text}");
        assert_eq!(slot(&intent, "tone").as_str().unwrap_or_default(), tone, "{text}");
    }
}

#[test]
fn two_times_are_a_question_and_what_is_replaced_is_not() {
    for (text, wanted) in [
        ("schedule it for Friday at 9 and for Monday at 10", "ask"),
        ("schedule it on Thursday instead of Friday", "2026-11-26T09:00"),
        ("move it from Monday to Tuesday", "2026-11-24T09:00"),
    ] {
        assert_eq!(time_of(&read(text)), wanted, "{text}");
    }
}

#[test]
fn german() {
    for (text, wanted) in [
        ("Erstelle einen Twitter-Beitrag über KI und plane ihn für morgen um 9", "2026-11-24T09:00"),
        ("Lass den Bericht jeden Montag um 9 Uhr laufen", "0 0 9 * * 1"),
        ("plane es für nächsten Freitag um 9 Uhr", "2026-12-04T09:00"),
    ] {
        assert_eq!(time_of(&read(text)), wanted, "{text}");
    }
}

#[test]
fn what_stands_in_quotes_is_no_time_of_the_request() {
    for (text, wanted) in [
        (r#"keep this: {"notes": "cats sleep all day", "due": "30 February", "every": "other Monday"}"#, "nothing"),
        (r#"say “see you on Friday at 9” tomorrow at 10"#, "2026-11-24T10:00"),
        (r#""Friday at 9""#, "2026-11-27T09:00"),
    ] {
        assert_eq!(time_of(&read(text)), wanted, "{text}");
    }
}
