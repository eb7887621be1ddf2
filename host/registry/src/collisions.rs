//! What a new version would change in the routing: which examples of other skills would reach it, and which of its own would not.

use openanalyst_package::Manifest;
use openanalyst_router::{Decision, Router, RouterOptions, SkillProfile, Utterance};
use serde::Serialize;

/// An example that would change hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Collision {
    /// The utterance.
    pub example: String,
    /// The skill whose example it is.
    pub of: String,
    /// Who answers it today. None: nobody, or the user is asked.
    pub today: Option<String>,
    /// Who would answer it.
    pub then: Option<String>,
}

/// Most examples that are tried, and most that are reported.
const MAX_TRIED: usize = 2_000;
const MAX_REPORTED: usize = 50;

/// Compares the routing without and with a skill. `others` are the tenant's active skills; an earlier version of the same skill counts as today's.
pub(crate) fn collisions(others: &[SkillProfile], new: &Manifest) -> Vec<Collision> {
    let new = crate::catalog::profile(new);
    let mut then: Vec<SkillProfile> = others.iter().filter(|profile| profile.name != new.name).cloned().collect();
    let examples: Vec<(String, String)> = then
        .iter()
        .chain([&new])
        .flat_map(|profile| profile.examples.iter().map(|example| (profile.name.clone(), example.clone())))
        .take(MAX_TRIED)
        .collect();
    then.push(new.clone());
    let before = Router::build(others, RouterOptions::default());
    let after = Router::build(&then, RouterOptions::default());
    let mut found = Vec::new();
    for (of, example) in examples {
        let (today, then) = (winner(&before, &example), winner(&after, &example));
        let lost = of != new.name && today != then;
        // An example of its own that somebody else would answer helps nobody.
        let useless = of == new.name && then.as_deref() != Some(new.name.as_str());
        if (lost || useless) && found.len() < MAX_REPORTED {
            found.push(Collision { example, of, today, then });
        }
    }
    found
}

fn winner(router: &Router, text: &str) -> Option<String> {
    let utterance = Utterance { text, now_ms: 0, time_zone: "UTC", previous_skill: None, has_attachments: false };
    match router.route(&utterance).decision {
        Decision::Skill { name, .. } | Decision::Fallback { name, .. } => Some(name),
        Decision::Ambiguous { .. } | Decision::NoSkills => None,
    }
}

impl std::fmt::Display for Collision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whom = |name: &Option<String>| {
            name.as_ref().map_or("a question to the user".to_owned(), |name| format!("`{name}`"))
        };
        write!(
            f,
            "\"{}\" is an example of `{}` and reaches {} today; with this version it would reach {}: change the triggers or examples, or accept it",
            self.example,
            self.of,
            whom(&self.today),
            whom(&self.then)
        )
    }
}
