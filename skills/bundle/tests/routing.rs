//! The bundled skills' own examples reach them, and their anti-examples do not.

use openanalyst_package::{Manifest, parse_skill_md};
use openanalyst_router::{Decision, Router, RouterOptions, SkillProfile, Utterance};
use openanalyst_skills::bundled;

/// Monday, 23 November 2026, 12:00 UTC.
const NOW_MS: i64 = 1_795_435_200_000;

fn manifests() -> Vec<Manifest> {
    bundled().iter().map(|skill| parse_skill_md(skill.skill_md).unwrap().0).collect()
}

fn router(manifests: &[Manifest]) -> Router {
    let profiles: Vec<SkillProfile> = manifests
        .iter()
        .map(|manifest| SkillProfile {
            name: manifest.name.clone(),
            title: manifest.title.clone(),
            description: manifest.description.clone(),
            triggers: manifest.triggers.clone(),
            examples: manifest.examples.clone(),
            anti_examples: manifest.anti_examples.clone(),
            platforms: manifest.platforms.clone(),
            priority: manifest.priority,
            is_fallback: manifest.name == "core",
        })
        .collect();
    Router::build(&profiles, RouterOptions::default())
}

/// The skill that would be called, none where the router would ask.
fn routed(router: &Router, text: &str) -> Option<String> {
    let utterance = Utterance {
        text,
        now_ms: NOW_MS,
        time_zone: "UTC",
        locale: None,
        previous_skill: None,
        has_attachments: false,
        vectors: None,
    };
    match router.route(&utterance).decision {
        Decision::Skill { name, .. } | Decision::Fallback { name, .. } => Some(name),
        _ => None,
    }
}

#[test]
fn examples_reach_their_skill_and_anti_examples_do_not() {
    let manifests = manifests();
    let router = router(&manifests);
    let mut wrong = Vec::new();
    for manifest in &manifests {
        for example in &manifest.examples {
            let to = routed(&router, example);
            if to.as_deref() != Some(manifest.name.as_str()) {
                wrong.push(format!("“{example}” of {} goes to {to:?}", manifest.name));
            }
        }
        for anti_example in &manifest.anti_examples {
            if routed(&router, anti_example).as_deref() == Some(manifest.name.as_str()) && manifest.name != "core" {
                wrong.push(format!("“{anti_example}” must not go to {}", manifest.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
