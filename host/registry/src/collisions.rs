//! What a new version would change in the routing: which examples and triggers of other skills would
//! reach it, and which of its own examples would not.

use openanalyst_package::Manifest;
use openanalyst_router::{Decision, Router, RouterOptions, SkillProfile, Utterance};
use serde::Serialize;

use self::CollisionKind as Kind;

/// An utterance that would change hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Collision {
    /// The utterance.
    pub example: String,
    /// `example` or `trigger`: what it is of its skill.
    pub kind: CollisionKind,
    /// The skill whose example it is.
    pub of: String,
    /// Who answers it today. None: nobody, or the user is asked.
    pub today: Option<String>,
    /// Who would answer it.
    pub then: Option<String>,
}

/// What an utterance is of its skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CollisionKind {
    /// One of its examples.
    Example,
    /// One of its triggers, said alone.
    Trigger,
}

/// Most examples and triggers that are tried, and most that are reported.
const MAX_TRIED: usize = 2_000;
const MAX_REPORTED: usize = 50;

/// Compares the routing without and with a skill. `others` are the tenant's active skills; an earlier version of the same skill counts as today's.
pub(crate) fn collisions(others: &[SkillProfile], new: &Manifest) -> Vec<Collision> {
    let new = crate::catalog::profile(new);
    let mut then: Vec<SkillProfile> = others.iter().filter(|profile| profile.name != new.name).cloned().collect();
    let examples = then
        .iter()
        .chain([&new])
        .flat_map(|profile| profile.examples.iter().map(|text| (profile.name.clone(), text.clone(), Kind::Example)));
    // A trigger of its own is often a word that says too little alone, so those of others are tried.
    let triggers = then
        .iter()
        .flat_map(|profile| profile.triggers.iter().map(|text| (profile.name.clone(), text.clone(), Kind::Trigger)));
    let utterances: Vec<(String, String, Kind)> = examples.chain(triggers).take(MAX_TRIED).collect();
    then.push(new.clone());
    let before = Router::build(others, RouterOptions::default());
    let after = Router::build(&then, RouterOptions::default());
    let mut found = Vec::new();
    for (of, example, kind) in utterances {
        let (today, then) = (winner(&before, &example), winner(&after, &example));
        let lost = match kind {
            Kind::Example => of != new.name && today != then,
            // It may have been no more than a hint before.
            Kind::Trigger => today.as_ref() == Some(&of) && today != then,
        };
        // An example of its own that somebody else would answer helps nobody.
        let useless = of == new.name && then.as_deref() != Some(new.name.as_str());
        if (lost || useless) && found.len() < MAX_REPORTED {
            found.push(Collision { example, kind, of, today, then });
        }
    }
    found
}

fn winner(router: &Router, text: &str) -> Option<String> {
    let utterance = Utterance {
        text,
        now_ms: 0,
        time_zone: "UTC",
        locale: None,
        previous_skill: None,
        has_attachments: false,
        vectors: None,
    };
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
            "\"{}\" is {} of `{}` and reaches {} today; with this version it would reach {}: change the triggers or examples, or accept it",
            self.example,
            match self.kind {
                Kind::Example => "an example",
                Kind::Trigger => "a trigger",
            },
            self.of,
            whom(&self.today),
            whom(&self.then)
        )
    }
}
