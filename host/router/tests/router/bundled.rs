//! The bundled skills' own `SKILL.md` files, and what people say to them.

use openanalyst_router::{Decision, Route, Router, RouterOptions, SkillProfile, Utterance};
use serde_json::{Value, json};

/// Monday, 23 November 2026, 10:00 in Berlin.
const NOW_MS: i64 = 1_795_424_400_000;
const BERLIN: &str = "Europe/Berlin";

fn profiles() -> Vec<SkillProfile> {
    ["core", "social-media", "analytics", "workflow-builder"]
        .map(|name| {
            let path = format!("{}/../../skills/{name}/SKILL.md", env!("CARGO_MANIFEST_DIR"));
            let (manifest, _) = openanalyst_package::parse_skill_md(&std::fs::read_to_string(path).unwrap()).unwrap();
            SkillProfile {
                is_fallback: manifest.name == "core",
                name: manifest.name,
                title: manifest.title,
                description: manifest.description,
                triggers: manifest.triggers,
                examples: manifest.examples,
                anti_examples: manifest.anti_examples,
                platforms: manifest.platforms,
                priority: manifest.priority,
            }
        })
        .to_vec()
}

fn route_after(router: &Router, text: &str, previous_skill: Option<&str>) -> Route {
    router.route(&Utterance {
        text,
        now_ms: NOW_MS,
        time_zone: BERLIN,
        locale: None,
        previous_skill,
        has_attachments: false,
        vectors: None,
    })
}

fn chosen(route: &Route) -> &str {
    match &route.decision {
        Decision::Skill { name, .. } | Decision::Fallback { name, .. } => name,
        Decision::Ambiguous { candidates, .. } => panic!("{candidates:?} for {route:#?}"),
        Decision::NoSkills => panic!("no skills"),
    }
}

fn slot(text: &str, name: &str) -> Value {
    let route = route_after(&Router::build(&profiles(), RouterOptions::default()), text, None);
    route.intent.slots.into_iter().find(|slot| slot.name == name).map(|slot| slot.value).unwrap_or_default()
}

#[test]
fn people_reach_the_skill_that_they_mean() {
    let router = Router::build(&profiles(), RouterOptions::default());
    let table = [
        ("Create a Twitter post about AI trends and schedule it for tomorrow", "social-media"),
        ("Write a LinkedIn post about our new product", "social-media"),
        ("Draft a funny tweet about Mondays", "social-media"),
        ("Create a post about AI trends", "social-media"),
        ("Create a Frobster post about AI trends", "social-media"),
        ("please publish something on Mastodon about remote work tonight", "social-media"),
        ("Analyze the engagement of my last posts", "social-media"),
        ("hello", "core"),
        ("Hello!", "core"),
        ("what can you do?", "core"),
        ("call me Countess", "core"),
        ("Call me Ada", "core"),
        ("remember that I prefer short posts", "core"),
        ("my time zone is Europe/Berlin", "core"),
        ("what do you remember about me?", "core"),
        ("make an analytics report of the attached numbers", "analytics"),
        ("Show me the metrics of the last 30 days", "analytics"),
        ("How many posts did I write last week?", "analytics"),
        ("Summarize the data in this CSV file", "analytics"),
        ("every Monday at 9 run the analytics report", "workflow-builder"),
        ("Run the analytics report every weekday at 8:30", "workflow-builder"),
        ("make a workflow that creates a post and then schedules it", "workflow-builder"),
        ("list my schedules", "workflow-builder"),
        ("Every day at 10 write a Twitter post about AI", "workflow-builder"),
        ("cancel the weekly report schedule", "workflow-builder"),
        ("flurbish the wombat", "core"),
        ("What is the capital of France", "core"),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(text, skill)| {
            let route = route_after(&router, text, None);
            (chosen(&route) != *skill)
                .then(|| format!("{text}: {} instead of {skill}: {:#?}", chosen(&route), route.ranking))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn their_own_examples_reach_them_and_their_anti_examples_do_not() {
    let profiles = profiles();
    let router = Router::build(&profiles, RouterOptions::default());
    for profile in &profiles {
        for example in &profile.examples {
            assert_eq!(chosen(&route_after(&router, example, None)), profile.name, "{example}");
        }
        for anti_example in profile.anti_examples.iter().filter(|_| !profile.is_fallback) {
            assert_ne!(chosen(&route_after(&router, anti_example, None)), profile.name, "{anti_example}");
        }
    }
}

#[test]
fn what_goes_on_from_the_last_answer_stays_there() {
    let router = Router::build(&profiles(), RouterOptions::default());
    for (text, previous, skill) in [
        ("schedule it for Friday instead", "social-media", "social-media"),
        ("move it to 14:00", "social-media", "social-media"),
        ("hello", "social-media", "core"),
        ("every Monday at 9 run the analytics report", "social-media", "workflow-builder"),
        ("Create a Twitter post about cats", "analytics", "social-media"),
    ] {
        let route = route_after(&router, text, Some(previous));
        assert_eq!(chosen(&route), skill, "{text}: {route:#?}");
    }
}

#[test]
fn what_no_skill_knows_falls_back_and_says_why() {
    let router = Router::build(&profiles(), RouterOptions::default());
    for text in ["flurbish the wombat", "", "🙂", "?!"] {
        let route = route_after(&router, text, None);
        assert!(matches!(&route.decision, Decision::Fallback { name, .. } if name == "core"), "{text}: {route:#?}");
        assert!(!route.reasons.is_empty());
    }
}

#[test]
fn the_order_of_the_skills_does_not_matter() {
    let forward = Router::build(&profiles(), RouterOptions::default());
    let mut reversed = profiles();
    reversed.reverse();
    let backward = Router::build(&reversed, RouterOptions::default());
    for text in ["create a post", "report", "schedule a report every day", "hello", "nothing at all"] {
        assert_eq!(route_after(&forward, text, None), route_after(&backward, text, None), "{text}");
    }
}

#[test]
fn the_request_of_the_readme() {
    let text = "Create a Twitter post about AI trends and schedule it for tomorrow";
    let route = route_after(&Router::build(&profiles(), RouterOptions::default()), text, None);
    assert_eq!(route.intent.actions, ["create", "schedule"]);
    let Decision::Skill { confidence, .. } = route.decision else { panic!("{route:#?}") };
    assert!(confidence > 0.6, "{confidence}");
    assert_eq!(slot(text, "platform"), "twitter");
    assert_eq!(slot(text, "topic"), "AI trends");
    assert_eq!(
        slot(text, "when"),
        json!({"atMs": NOW_MS + 23 * 3_600_000, "local": "2026-11-24T09:00", "timeZone": BERLIN, "explicitTime": false, "explicitDay": true, "past": false, "notes": ["No hour was said; 09:00 is assumed."]})
    );
}

#[test]
fn topics() {
    let table = [
        ("Write a post about climate change for LinkedIn", "climate change"),
        ("Tweet about \"the art of war\" tomorrow", "the art of war"),
        ("Create a Twitter post about AI trends, then schedule it for Friday at 9", "AI trends"),
        ("post about our summer sale on Instagram at 5 pm", "our summer sale"),
        ("Write an AI trends post for LinkedIn", "AI trends"),
        ("Draft a friendly post about cats and dogs.", "cats and dogs"),
        ("Create a Frobster post about AI trends", "AI trends"),
        ("Write a tweet on renewable energy", "renewable energy"),
    ];
    for (text, topic) in table {
        assert_eq!(slot(text, "topic"), topic, "{text}");
    }
    for text in ["schedule it for Friday instead", "hello", "call me Ada"] {
        assert_eq!(slot(text, "topic"), Value::Null, "{text}");
    }
}

#[test]
fn platforms_known_and_unknown() {
    let table = [
        ("post on X about cats", "platform", json!("twitter")),
        ("a LinkedIn post", "platform", json!("linkedin")),
        ("tweet this", "platform", json!("twitter")),
        ("solve for x", "platform", Value::Null),
        ("Create a Frobster post about AI trends", "unknown-platform", json!("Frobster")),
        ("Publish a post on MySpace about cats", "unknown-platform", json!("MySpace")),
        ("Create a Twitter post about Christmas on Monday", "unknown-platform", Value::Null),
        ("Create an AI post about robots", "unknown-platform", Value::Null),
    ];
    for (text, name, value) in table {
        assert_eq!(slot(text, name), value, "{text}");
    }
}

#[test]
fn moments() {
    let table = [
        ("post it today", "2026-11-23T11:00"),
        ("post it tomorrow at 14:30", "2026-11-24T14:30"),
        ("post it at 9", "2026-11-24T09:00"),
        ("post it at 5pm", "2026-11-23T17:00"),
        ("post it on Friday", "2026-11-27T09:00"),
        ("schedule it for Friday instead", "2026-11-27T09:00"),
        ("post it next Tuesday at noon", "2026-12-01T12:00"),
        ("post it in 3 hours", "2026-11-23T13:00"),
        ("post it in half an hour", "2026-11-23T10:30"),
        ("post it in two weeks", "2026-12-07T10:00"),
        ("post it tonight", "2026-11-23T20:00"),
        ("post it tomorrow evening", "2026-11-24T18:00"),
        ("post it on 2026-12-24 at 8 am", "2026-12-24T08:00"),
        ("post it on Dec 3rd at 9:15 pm", "2026-12-03T21:15"),
        ("post it on 3 January", "2027-01-03T09:00"),
        ("post it the day after tomorrow", "2026-11-25T09:00"),
        ("post it on 29 March 2027", "2027-03-29T09:00"),
        ("schedule it for yesterday", "2026-11-22T09:00"),
        ("schedule it for last Friday", "2026-11-20T09:00"),
    ];
    for (text, local) in table {
        let when = slot(text, "when");
        assert_eq!(when["local"], local, "{text}");
        assert_eq!(when["past"], json!(local < "2026-11-23T10:00"), "{text}");
    }
    for text in ["I have 3 cats", "version 2.0", "hello", "every Monday at 9 run the report"] {
        assert_eq!(slot(text, "when"), Value::Null, "{text}");
    }
}

#[test]
fn recurrences() {
    let table = [
        ("every Monday at 9 run the analytics report", "0 0 9 * * 1"),
        ("at 8:30 every weekday", "0 30 8 * * 1-5"),
        ("every day at noon", "0 0 12 * * *"),
        ("daily at 7 am", "0 0 7 * * *"),
        ("every Monday and Thursday at 18:00", "0 0 18 * * 1,4"),
        ("every Sunday", "0 0 9 * * 0"),
        ("every 15 minutes", "0 */15 * * * *"),
        ("every hour", "0 0 * * * *"),
        ("on the first of every month", "0 0 9 1 * *"),
        ("every month on the 15th at 10", "0 0 10 15 * *"),
        ("every evening", "0 0 18 * * *"),
        ("every week on Friday", "0 0 9 * * 5"),
    ];
    for (text, cron) in table {
        assert_eq!(slot(text, "recurrence")["cron"], cron, "{text}");
    }
    assert_eq!(slot("cancel the weekly report", "recurrence"), Value::Null);
}

#[test]
fn names_zones_tones_and_spans() {
    assert_eq!(slot("call me Ada", "name"), "Ada");
    assert_eq!(slot("My name is Grace Hopper and I like ships", "name"), "Grace Hopper");
    assert_eq!(slot("my time zone is Europe/Berlin", "time-zone"), "Europe/Berlin");
    assert_eq!(slot("my timezone is Tokyo", "time-zone"), "Asia/Tokyo");
    assert_eq!(slot("write a humorous post about cats", "tone"), "funny");
    let week = slot("report of last week", "range");
    assert_eq!(week["fromMs"], json!(NOW_MS - 7 * 86_400_000 - 10 * 3_600_000));
    assert_eq!(week["toMs"], json!(NOW_MS - 10 * 3_600_000));
    assert_eq!(slot("metrics of the past 30 days", "range")["label"], "past 30 days");
}

/// A generator of nonsense with a fixed seed: whatever is said, the router answers.
#[test]
fn nothing_that_is_said_is_too_much() {
    let router = Router::build(&profiles(), RouterOptions::default());
    let pieces = [
        "at",
        "in",
        "9",
        "99",
        "every",
        "-",
        "2026-99-99",
        "on",
        "“",
        "\"",
        "next",
        "ß",
        "🙂",
        "31 February",
        "of",
        "last",
        "0",
        ":",
        "25:61",
        "am",
        "about",
        "\u{0}",
        "9999999999",
        "months",
        "ago",
        "x",
    ];
    let mut state: u64 = 42;
    for _ in 0..3_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
            if state & 4 == 0 {
                text.push(' ');
            }
        }
        let route = route_after(&router, &text, Some("social-media"));
        assert!(route.ranking.iter().all(|ranked| (0.0..=1.0).contains(&ranked.confidence)), "{text}");
    }
    let long = "every Monday at 9 about ".repeat(5_000);
    route_after(&router, &long, None);
}

/// What is to be done again and again is for the skill that does so, however surely another one could do it once.
#[test]
fn recurrences_reach_the_skill_that_does_things_again() {
    let router = Router::build(&profiles(), RouterOptions::default());
    for text in [
        "Every 13 hours run the analytics report",
        "Each Tuesday and Thursday at 7:30am run the analytics report",
        "Run the analytics report weekly",
        "Run the analytics report on Mondays, Wednesdays and Fridays at 6:45",
        "Run the analytics report with cron */5 * * * *",
        "Run the analytics report twice a day",
        "Run the analytics report once a week",
        "Run the analytics report quarterly",
        "Run the analytics report at 9 o'clock each Sunday",
        "Run the analytics report on weekends at 10",
        "Lass den Analytics Report jeden Montag um 9 laufen",
    ] {
        let route = route_after(&router, text, None);
        let Decision::Skill { name, .. } = &route.decision else { panic!("{text}: {route:#?}") };
        assert_eq!(name, "workflow-builder", "{text}: {route:#?}");
    }
    for (text, skill) in [
        ("Create a Twitter post about daily habits", "social-media"),
        ("Show me the analytics report for last week", "analytics"),
    ] {
        let route = route_after(&router, text, None);
        assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == skill), "{text}: {route:#?}");
    }
}

/// The words of a question about a file are those of its columns, which no skill knows.
#[test]
fn a_question_that_comes_with_a_file_reaches_the_skill_that_reads_files() {
    let router = Router::build(&profiles(), RouterOptions::default());
    let with_file = |text: &str| {
        router.route(&Utterance {
            text,
            now_ms: NOW_MS,
            time_zone: BERLIN,
            locale: None,
            previous_skill: None,
            has_attachments: true,
            vectors: None,
        })
    };
    for text in [
        "what is the total revenue?",
        "what is the average revenue?",
        "which year had the highest revenue?",
        "what's in here?",
        "total?",
        "look at this csv",
        "chart the revenue by year",
        "how much revenue did we make?",
        "analyze this file",
    ] {
        let route = with_file(text);
        assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "analytics"), "{text}: {route:#?}");
    }
    for text in ["call me Ada", "hello", "translate it to Klingon"] {
        let route = with_file(text);
        assert!(!matches!(&route.decision, Decision::Skill { name, .. } if name == "analytics"), "{text}: {route:#?}");
    }
}

/// Long material behind the words of a skill does not make it another skill's.
#[test]
fn material_behind_a_request_is_not_the_request() {
    let mut skills = profiles();
    skills.push(SkillProfile {
        name: "trier".to_owned(),
        title: "trier".to_owned(),
        description: "Tries what the request says.".to_owned(),
        triggers: ["trier", "trier document", "document"].map(str::to_owned).to_vec(),
        priority: 5,
        ..SkillProfile::default()
    });
    let router = Router::build(&skills, RouterOptions::default());
    let material = r#"{"steps":[{"run":{"do":[{"call":"put","key":"notes/cats","value":"cats sleep all day","version":0},
        {"call":"put","key":"notes/dogs","value":"dogs bark at cats"},{"call":"put","key":"notes/cats","value":"never"},
        {"call":"put","key":"notes/cats","value":"too late","version":1},{"call":"list","key":"notes/"},
        {"call":"find","query":"sleeping cat"},{"call":"delete","key":"notes/dogs"}]}}]}"#;
    let route = route_after(&router, &format!("trier document {material}"), None);
    assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "trier"), "{route:#?}");
}
