//! Promises that hold for every input: bounded time, bounded answers, no panic, and the rules by which near-equal skills are told apart.

use std::time::{Duration, Instant};

use openanalyst_router::{Decision, EvidenceKind, Route, Router, RouterOptions, SkillProfile, Utterance};

/// Monday, 23 November 2026, 10:00 in Berlin.
const NOW_MS: i64 = 1_795_424_400_000;

fn skill(name: &str, trigger: &str, priority: u8) -> SkillProfile {
    SkillProfile {
        name: name.to_owned(),
        triggers: vec![trigger.to_owned()],
        priority,
        is_fallback: name == "core",
        ..SkillProfile::default()
    }
}

fn ask(router: &Router, text: &str, now_ms: i64, previous_skill: Option<&str>) -> Route {
    router.route(&Utterance {
        text,
        now_ms,
        time_zone: "Europe/Berlin",
        locale: None,
        previous_skill,
        has_attachments: false,
        vectors: None,
    })
}

#[test]
fn equal_skills_are_a_question_and_priority_answers_it() {
    let equal = [skill("core", "hello", 5), skill("paint", "draw a house", 5), skill("plot", "draw a house", 5)];
    let route = ask(&Router::build(&equal, RouterOptions::default()), "draw a house", NOW_MS, None);
    let Decision::Ambiguous { candidates, question } = &route.decision else { panic!("{route:#?}") };
    assert_eq!(candidates, &["paint", "plot"]);
    assert!(question.contains("paint") && question.contains("plot"), "{question}");

    let ranked = [skill("core", "hello", 5), skill("paint", "draw a house", 5), skill("plot", "draw a house", 2)];
    let route = ask(&Router::build(&ranked, RouterOptions::default()), "draw a house", NOW_MS, None);
    assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "plot"), "{route:#?}");
}

#[test]
fn priority_decides_between_nearly_equal_skills_and_only_between_those() {
    // `alpha` is a little ahead by one more known word, `beta` comes first by its priority.
    let mut alpha = skill("alpha", "draw a house", 5);
    alpha.description = "Also in watercolour.".to_owned();
    let skills = [skill("core", "hello", 5), alpha, skill("beta", "draw a house", 1)];
    let wide = RouterOptions { ambiguity_margin: 0.2, ..RouterOptions::default() };
    let route = ask(&Router::build(&skills, wide.clone()), "draw a house in watercolour", NOW_MS, None);
    assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "beta"), "{route:#?}");
    assert_eq!(route.ranking[0].skill, "beta", "the chosen one leads the ranking");
    let narrow = RouterOptions { ambiguity_margin: 0.0, ..RouterOptions::default() };
    let route = ask(&Router::build(&skills, narrow), "draw a house in watercolour", NOW_MS, None);
    assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "alpha"), "{route:#?}");
    // A short ranking hides nothing from the decision.
    let short = RouterOptions { max_ranking: 1, ..wide };
    let equal = [skill("core", "hello", 5), skill("paint", "draw a house", 5), skill("plot", "draw a house", 5)];
    let route = ask(&Router::build(&equal, short), "draw a house", NOW_MS, None);
    assert!(matches!(&route.decision, Decision::Ambiguous { .. }), "{route:#?}");
    assert_eq!(route.ranking.len(), 1);
}

#[test]
fn a_skill_that_is_gone_gets_no_session_bonus() {
    let skills = [skill("core", "hello", 5), skill("paint", "draw a house", 5)];
    let router = Router::build(&skills, RouterOptions::default());
    for previous in [None, Some("gone"), Some("")] {
        let route = ask(&router, "move it", NOW_MS, previous);
        assert!(matches!(&route.decision, Decision::Fallback { .. }), "{previous:?}: {route:#?}");
    }
    let route = ask(&router, "thanks, that is great", NOW_MS, Some("paint"));
    assert!(matches!(&route.decision, Decision::Fallback { .. }), "small talk asks for nothing: {route:#?}");
    let route = ask(&router, "post it on LinkedIn instead", NOW_MS, Some("paint"));
    assert!(matches!(&route.decision, Decision::Fallback { .. }), "a platform that it does not know: {route:#?}");
    let route = ask(&router, "move it", NOW_MS, Some("paint"));
    assert_eq!(route.ranking[0].evidence[0].kind, EvidenceKind::Session);
}

/// Sentences put together at random from the readers' own words, in zones with odd clocks. The seed is fixed.
#[test]
fn no_order_of_the_words_that_mean_something_is_too_much() {
    let router =
        Router::build(&[skill("core", "hello", 5), skill("paint", "draw a house", 5)], RouterOptions::default());
    let words: Vec<&str> = "every each monday and friday at 9 9:30 p . m pm noon in half an hour 3 days ago next last week month year since \
        2026-12-24 2026-12-24T08:15 9999-12-31 Dec 31 February 29 2027 of the first 15th daily weekly on X Frobster post to about a \
        \" “ ” call me Ada my time zone is Berlin New York America/New_York funny tone tonight yesterday tomorrow 10000 minutes it ñandú"
        .split_whitespace()
        .collect();
    let zones = ["UTC", "Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns", "Africa/Monrovia", "", "no/where"];
    let mut state: u64 = 7;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..4_000 {
        let text: Vec<&str> = (0..1 + next(14)).map(|_| words[next(words.len())]).collect();
        let (text, zone) = (text.join(" "), zones[next(zones.len())]);
        // Any hour from 1970 to 2130.
        let now_ms = i64::try_from(next(1_400_000)).unwrap() * 3_600_000;
        let utterance = Utterance {
            text: &text,
            now_ms,
            time_zone: zone,
            locale: None,
            previous_skill: Some("paint"),
            has_attachments: true,
            vectors: None,
        };
        let route = router.route(&utterance);
        assert_eq!(route, router.route(&utterance), "{text}");
        for slot in &route.intent.slots {
            assert!(text.contains(&slot.text), "{text}: {slot:?}");
            let (from, to) = (slot.value["fromMs"].as_i64(), slot.value["toMs"].as_i64());
            assert!(from <= to, "{text} at {now_ms} in {zone}: {slot:?}");
            if slot.name == "when" {
                assert_eq!(slot.value["past"], slot.value["atMs"].as_i64().unwrap() <= now_ms, "{text}: {slot:?}");
            }
            if slot.name == "recurrence" {
                let (cron, zone) = (slot.value["cron"].as_str().unwrap(), slot.value["timeZone"].as_str().unwrap());
                assert!(openanalyst_recurrence::Recurrence::parse(cron, zone).is_ok(), "{text}: {slot:?}");
            }
        }
    }
}

/// A word that very many skills know is looked up among a part of them: those that come first by their priority.
#[test]
fn what_everybody_knows_keeps_those_of_the_best_priority() {
    let mut skills: Vec<SkillProfile> = (0..1_000).map(|n| skill(&format!("many-{n:04}"), "draw a house", 5)).collect();
    skills.push(skill("zebra", "draw a house", 1));
    let route = ask(&Router::build(&skills, RouterOptions::default()), "draw a house", NOW_MS, None);
    assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "zebra"), "{:?}", route.decision);
}

#[test]
fn no_skill_at_all_is_said() {
    let route = ask(&Router::build(&[], RouterOptions::default()), "hello", NOW_MS, None);
    assert_eq!(route.decision, Decision::NoSkills);
}

#[test]
fn any_clock_is_survived() {
    let router = Router::build(&[skill("core", "hello", 5)], RouterOptions::default());
    let texts = [
        "post it today",
        "tomorrow",
        "yesterday",
        "next week",
        "next month",
        "next Friday",
        "last Friday",
        "tonight",
        "in 10000 months",
        "10000 weeks ago",
        "in 10000 hours",
        "report of last week",
        "report of last year",
        "report of the past 10000 years",
        "metrics since Monday",
        "on 31 December",
        "on 9999-12-31 at 23:59",
        "at 9",
    ];
    for now_ms in [i64::MIN, -62_200_000_000_000, -1, 0, NOW_MS, 253_402_300_799_999, 8_210_266_876_799_999, i64::MAX] {
        for text in texts {
            let route = ask(&router, text, now_ms, None);
            assert!(!route.reasons.is_empty(), "{text} at {now_ms}");
        }
    }
}

/// Texts made to hit whatever looks back, or looks a word up in a long table, for each word again.
#[test]
fn hostile_texts_stay_cheap_and_their_answers_small() {
    let router =
        Router::build(&[skill("core", "hello", 5), skill("paint", "draw a house", 5)], RouterOptions::default());
    let words = [
        "on ",
        "at ",
        "Berlin time ",
        "my time zone is a/b ",
        "a/b ",
        "a Frobster ",
        "to Frobster ",
        "draw ",
        "a house ",
        "every ",
        "in 3 ",
        "last ",
        "call me ",
        "\" ",
        "“",
        "about ",
        "ä",
        "A",
        "9:",
        "Zz ",
        "hello it ",
        "monday and ",
    ];
    for word in words {
        let text = word.repeat(65_536 / word.len());
        let lead = format!("call me {}", text);
        for text in [&text, &lead] {
            let began = Instant::now();
            let route = ask(&router, text, NOW_MS, Some("paint"));
            let took = began.elapsed();
            // Hundreds of times what it takes, also unoptimised and on a busy machine; quadratic readers took longer.
            assert!(took < Duration::from_secs(6), "{word:?} took {took:?}");
            for slot in &route.intent.slots {
                assert!(
                    slot.text.len() <= 1_024 && slot.value.to_string().len() <= 2_048,
                    "{word:?}: a slot of {}",
                    slot.text.len()
                );
            }
            let evidence = route.ranking.iter().flat_map(|ranked| &ranked.evidence);
            assert!(evidence.clone().all(|evidence| evidence.text.len() <= 1_024), "{word:?}");
        }
    }
}
