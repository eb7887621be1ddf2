//! What is learnt from a catalogue and from what users said about earlier routes.

use openanalyst_router::{
    Correction, Decision, EvidenceKind, MAX_CORRECTIONS, Route, Router, RouterOptions, SkillProfile, Utterance,
};

fn skill(name: &str, examples: &[&str]) -> SkillProfile {
    SkillProfile {
        name: name.to_owned(),
        examples: examples.iter().map(|example| (*example).to_owned()).collect(),
        priority: 5,
        is_fallback: name == "core",
        ..SkillProfile::default()
    }
}

fn skills() -> Vec<SkillProfile> {
    vec![
        skill("core", &["hello", "what can you do"]),
        skill(
            "returns",
            &["I want to send this back", "print a return label", "the shoes do not fit", "start a refund"],
        ),
        skill("tracking", &["where is my parcel", "when will my delivery arrive", "has my shipment left the depot"]),
        skill("billing", &["explain my invoice", "why is my bill so high", "I was charged twice", "pay my invoice"]),
    ]
}

fn ask(router: &Router, text: &str) -> Route {
    router.route(&Utterance {
        text,
        now_ms: 0,
        time_zone: "UTC",
        locale: None,
        previous_skill: None,
        has_attachments: false,
        vectors: None,
    })
}

fn first(route: &Route) -> Option<&str> {
    route.ranking.first().map(|ranked| ranked.skill.as_str())
}

fn correction(utterance: &str, skill: &str, belongs: bool) -> Correction {
    Correction { utterance: utterance.to_owned(), skill: skill.to_owned(), belongs }
}

/// Words that no example has, by their letters and neighbours.
#[test]
fn other_forms_of_known_words_count_and_the_words_are_told() {
    let router = Router::build(&skills(), RouterOptions::default());
    for (text, expected, word) in [
        ("refundable?", "returns", "refundable"),
        ("parcels whereabouts", "tracking", "parcels"),
        ("re-invoicing", "billing", "invoicing"),
        ("overcharged", "billing", "overcharged"),
    ] {
        let route = ask(&router, text);
        assert_eq!(first(&route), Some(expected), "{text}: {route:#?}");
        let learnt = route.ranking[0].evidence.iter().find(|evidence| evidence.kind == EvidenceKind::Learnt);
        assert!(learnt.is_some_and(|learnt| learnt.text.contains(word) && learnt.weight > 0.0), "{text}: {learnt:?}");
    }
}

#[test]
fn what_has_nothing_in_common_teaches_nothing_and_is_not_taken() {
    let router = Router::build(&skills(), RouterOptions::default());
    for text in ["zzyzx qqq", "how tall is Mount Kilimanjaro", "12345", "ñandú", "?", ""] {
        let route = ask(&router, text);
        assert!(matches!(&route.decision, Decision::Fallback { name, .. } if name == "core"), "{text}: {route:#?}");
    }
}

#[test]
fn a_correction_is_an_example_of_its_skill() {
    let text = "the gizmo went astray";
    let before = Router::build(&skills(), RouterOptions::default());
    assert!(matches!(ask(&before, text).decision, Decision::Fallback { .. }));
    let said = [correction(text, "tracking", true)];
    let after = Router::build_with_corrections(&skills(), &said, RouterOptions::default());
    for text in [text, "a gizmo has gone astray"] {
        let route = ask(&after, text);
        assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "tracking"), "{text}: {route:#?}");
    }
    // What it does not speak of stays where it was.
    let route = ask(&after, "print a return label");
    assert!(matches!(&route.decision, Decision::Skill { name, .. } if name == "returns"), "{route:#?}");
}

#[test]
fn later_corrections_win_and_bad_ones_count_for_nothing() {
    let text = "the gizmo went astray";
    let table: [(&[Correction], Option<&str>); 6] = [
        (&[correction(text, "tracking", true), correction(text, "returns", true)], Some("returns")),
        (
            &[correction(text, "returns", true), correction(" The GIZMO went astray", "tracking", true)],
            Some("tracking"),
        ),
        (&[correction(text, "tracking", true), correction(text, "tracking", false)], None),
        (&[correction(text, "tracking", false), correction(text, "tracking", true)], Some("tracking")),
        (&[correction(text, "gone", true)], None),
        (&[correction("  ", "tracking", true)], None),
    ];
    for (corrections, expected) in table {
        let router = Router::build_with_corrections(&skills(), corrections, RouterOptions::default());
        let route = ask(&router, text);
        let taken = match &route.decision {
            Decision::Skill { name, .. } => Some(name.as_str()),
            _ => None,
        };
        assert_eq!(taken, expected, "{corrections:?}: {route:#?}");
    }
}

#[test]
fn a_request_that_does_not_belong_to_a_skill_is_kept_from_it() {
    let text = "explain my invoice";
    let said = [correction(text, "billing", false)];
    let router = Router::build_with_corrections(&skills(), &said, RouterOptions::default());
    let route = ask(&router, text);
    assert!(!matches!(&route.decision, Decision::Skill { name, .. } if name == "billing"), "{route:#?}");
}

#[test]
fn only_the_last_corrections_count() {
    let mut said = vec![correction("the gizmo went astray", "tracking", true)];
    said.extend((0..MAX_CORRECTIONS).map(|number| correction(&format!("code {number}"), "gone", true)));
    let router = Router::build_with_corrections(&skills(), &said, RouterOptions::default());
    assert!(matches!(ask(&router, "the gizmo went astray").decision, Decision::Fallback { .. }));
}

/// Neither the order of the skills nor building twice changes anything, to the last digit.
#[test]
fn the_same_catalogue_teaches_the_same() {
    let forward = Router::build(&skills(), RouterOptions::default());
    let mut reversed = skills();
    reversed.reverse();
    let backward = Router::build(&reversed, RouterOptions::default());
    for text in ["refunds please", "where are the parcels", "invoice", "hello there", "send it back"] {
        assert_eq!(ask(&forward, text), ask(&backward, text), "{text}");
    }
    assert!(forward.learnt_bytes() > 0 && forward.learnt_bytes() < 1 << 20, "{}", forward.learnt_bytes());
}
