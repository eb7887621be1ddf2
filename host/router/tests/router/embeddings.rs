//! Embeddings as evidence: what they add, what they cannot do, and that everything works without them.

use std::collections::HashMap;
use std::sync::Arc;

use openanalyst_router::{
    BACKGROUND, Correction, Decision, EvidenceKind, MAX_VECTORS, Route, Router, RouterOptions, SkillProfile,
    SkillTexts, SkillVectors, TextVectors, Utterance, Vector, texts_to_embed,
};

/// A skill about one thing, which has a direction of its own.
fn skill(name: &str, examples: &[&str]) -> SkillProfile {
    SkillProfile {
        name: name.to_owned(),
        description: format!("All about {name}."),
        examples: examples.iter().map(|text| (*text).to_owned()).collect(),
        priority: 5,
        is_fallback: name == "core",
        ..SkillProfile::default()
    }
}

fn skills() -> Vec<SkillProfile> {
    vec![
        skill("core", &["hello there", "what can you do"]),
        skill("returns", &["send an article back", "get my money back", "print a return label", "refund my order"]),
        skill(
            "tracking",
            &["where is my parcel", "when does the order arrive", "follow my delivery", "locate the box"],
        ),
        skill("billing", &["explain my invoice", "pay the bill", "change my payment method", "I was charged twice"]),
    ]
}

const DIMENSION: usize = 64;

/// A vector that is mostly of one direction: a model that understands, as far as the test says so.
fn towards(direction: usize, share: f32) -> Vector {
    mixed(direction, share, DIMENSION - 1)
}

fn mixed(direction: usize, share: f32, other: usize) -> Vector {
    let mut numbers = vec![0.02_f32; DIMENSION];
    numbers[direction] = share;
    numbers[other] = (1.0 - share * share).max(0.0).sqrt();
    Vector::new(&numbers).unwrap()
}

/// Each skill has a direction, and each of its texts something of its own; sentences about other things have other directions.
fn vectors(texts: &[SkillTexts]) -> SkillVectors {
    let mut known: HashMap<String, Arc<Vector>> = HashMap::new();
    for (direction, of) in texts.iter().enumerate() {
        for (number, text) in of.own.iter().chain(&of.learnt).enumerate() {
            known.insert(text.clone(), Arc::new(mixed(direction, 0.8, 8 + direction * 8 + number)));
        }
    }
    for (number, text) in BACKGROUND.iter().enumerate() {
        known.insert((*text).to_owned(), Arc::new(towards(42 + number % 20, 0.9)));
    }
    SkillVectors::build(texts, |text| known.get(text).cloned()).unwrap()
}

fn router() -> Router {
    let texts = texts_to_embed(&skills(), &[]);
    Router::build(&skills(), RouterOptions::default()).with_vectors(Arc::new(vectors(&texts)))
}

fn ask(router: &Router, text: &str, vector: Option<Vector>) -> Route {
    let vectors = vector.map(|vector| TextVectors::new(vector, HashMap::new()));
    ask_with(router, text, vectors.as_ref())
}

fn ask_with(router: &Router, text: &str, vectors: Option<&TextVectors>) -> Route {
    router.route(&Utterance {
        text,
        now_ms: 0,
        time_zone: "UTC",
        locale: None,
        previous_skill: None,
        has_attachments: false,
        vectors,
    })
}

fn taken(route: &Route) -> Option<&str> {
    match &route.decision {
        Decision::Skill { name, .. } => Some(name),
        _ => None,
    }
}

/// No word of it stands in any text of the skill.
const PARAPHRASE: &str = "these shoes pinch, I regret buying them";

#[test]
fn a_paraphrase_that_no_word_betrays_is_understood_with_embeddings_only() {
    let router = router();
    let without = ask(&router, PARAPHRASE, None);
    assert!(matches!(&without.decision, Decision::Fallback { name, .. } if name == "core"), "{without:#?}");
    let with = ask(&router, PARAPHRASE, Some(towards(1, 0.95)));
    assert_eq!(taken(&with), Some("returns"), "{with:#?}");
    let evidence = &with.ranking[0].evidence[0];
    assert_eq!(evidence.kind, EvidenceKind::Embedding);
    let texts = texts_to_embed(&skills(), &[]);
    assert!(texts[1].own.contains(&evidence.text) && evidence.weight > 1.0, "{evidence:?}");
    assert!(with.reasons.iter().any(|reason| reason.contains("near in meaning")), "{:?}", with.reasons);
}

#[test]
fn what_is_far_from_every_skill_stays_with_the_fallback() {
    let route = ask(&router(), PARAPHRASE, Some(towards(62, 0.9)));
    assert!(matches!(route.decision, Decision::Fallback { .. }), "{route:#?}");
    assert!(route.ranking.iter().all(|ranked| ranked.confidence < 0.5), "{route:#?}");
}

#[test]
fn without_vectors_or_with_those_of_another_model_the_route_is_that_of_the_words() {
    let plain = Router::build(&skills(), RouterOptions::default());
    let router = router();
    let other_model = Vector::new(&[0.5; 24]).unwrap();
    for text in ["where is my parcel", "refund the order please", PARAPHRASE, "", "?"] {
        let expected = ask(&plain, text, None);
        assert_eq!(ask(&router, text, None), expected, "{text}");
        assert_eq!(ask(&router, text, Some(other_model.clone())), expected, "{text}");
        assert_eq!(ask(&plain, text, Some(towards(1, 0.95))), expected, "{text}");
    }
}

#[test]
fn a_part_has_its_own_vector_and_any_other_text_that_of_the_request() {
    let router = router();
    let parts = HashMap::from([("it never came".to_owned(), towards(2, 0.95))]);
    let vectors = TextVectors::new(towards(1, 0.95), parts);
    assert_eq!(taken(&ask_with(&router, " it never came ", Some(&vectors))), Some("tracking"));
    assert_eq!(taken(&ask_with(&router, "they pinch", Some(&vectors))), Some("returns"));
}

#[test]
fn embeddings_and_words_add_up_and_neither_decides_alone() {
    let router = router();
    // The words say tracking in so many words; the vector says billing a little.
    let route = ask(&router, "where is my parcel", Some(towards(3, 0.5)));
    assert_eq!(taken(&route), Some("tracking"), "{route:#?}");
}

#[test]
fn the_texts_of_a_skill_are_its_own_and_what_users_taught() {
    let said = |utterance: &str, skill: &str, belongs: bool| Correction {
        utterance: utterance.to_owned(),
        skill: skill.to_owned(),
        belongs,
    };
    let corrections = [said("the gizmo went astray", "tracking", true), said("refund my order", "returns", false)];
    let mut profiles = skills();
    profiles[1].triggers = vec!["refund".to_owned(), "give back".to_owned()];
    let texts = texts_to_embed(&profiles, &corrections);
    assert_eq!(texts[2].learnt, ["the gizmo went astray"]);
    assert!(texts[1].own.iter().any(|text| text == "returns: All about returns."), "{texts:?}");
    assert!(!texts[1].own.iter().any(|text| text == "refund my order"), "it is none of its examples any more");
    assert!(texts[1].own.iter().any(|text| text == "give back") && !texts[1].own.iter().any(|text| text == "refund"));
}

#[test]
fn the_number_of_vectors_is_bounded() {
    let examples: Vec<String> = (0..500).map(|number| format!("draw picture number {number}")).collect();
    let examples: Vec<&str> = examples.iter().map(String::as_str).collect();
    let count = |skills: usize| {
        let profiles: Vec<SkillProfile> =
            (0..skills).map(|number| skill(&format!("skill-{number}"), &examples[..10])).collect();
        texts_to_embed(&profiles, &[]).iter().map(|of| of.own.len()).sum::<usize>()
    };
    assert_eq!(texts_to_embed(&[skill("paint", &examples)], &[])[0].own.len(), 64);
    assert_eq!(count(100), 1_100);
    assert!((1_000..=MAX_VECTORS).contains(&count(1_000)), "{}", count(1_000));
    assert_eq!(count(MAX_VECTORS), MAX_VECTORS);
    assert_eq!(count(MAX_VECTORS + 1), 0);
}

#[test]
fn vectors_that_tell_nothing_are_refused_with_the_reason() {
    let texts = texts_to_embed(&skills(), &[]);
    let same = Arc::new(towards(0, 0.9));
    let why = SkillVectors::build(&texts, |_| Some(same.clone())).unwrap_err();
    assert!(why.contains("does not tell"), "{why}");
    assert!(SkillVectors::build(&texts, |_| None).unwrap_err().contains("no vectors"));
    let other = Arc::new(Vector::new(&[1.0, 2.0]).unwrap());
    let mixed = |text: &str| Some(if text == "pay the bill" { other.clone() } else { same.clone() });
    assert!(SkillVectors::build(&texts, mixed).unwrap_err().contains("dimensions"));
    let few = vec![SkillTexts { skill: "one".to_owned(), own: vec!["a b".to_owned()], learnt: Vec::new() }];
    assert!(SkillVectors::build(&few, |_| Some(same.clone())).unwrap_err().contains("too few texts"));
    assert!(SkillVectors::build(&[], |_| Some(same.clone())).is_err());
}
