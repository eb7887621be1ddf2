//! Skills that a tenant has and that get no requests now. What is meant for one of them must not go to another skill without a
//! word.
//!
//! This module only says which skill is meant and why it gets nothing; what the user is asked is not decided here.

use std::collections::BTreeMap;
use std::sync::Arc;

use openanalyst_router::{
    Decision, Evidence, EvidenceKind, Router, RouterOptions, SkillProfile, SkillVectors, Utterance,
};

/// Why a skill gets no requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyUnavailable {
    /// An administrator took it out of use.
    Disabled,
    /// It has no component: a prompt skill cannot run yet.
    CannotRun,
}

impl WhyUnavailable {
    /// The reason, behind "the skill": `is disabled here`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Disabled => "is disabled here",
            Self::CannotRun => "cannot run yet, as it has no component (`skill.wasm`)",
        }
    }

    /// What makes it get requests.
    #[must_use]
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Disabled => "ask an administrator to activate it",
            Self::CannotRun => "ask its author for a version with a component, or an administrator to remove it",
        }
    }
}

/// A skill that is meant and gets no requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnavailableSkill {
    /// Its identifier.
    pub name: String,
    /// Why it gets none.
    pub why: WhyUnavailable,
    /// Whether another skill is meant as likely.
    pub is_tie: bool,
    /// Whether only its name means it: the request is its name and nothing more.
    pub is_by_name: bool,
}

/// The skills of a tenant that get no requests, and the router that knows them beside the others.
#[derive(Debug, Default)]
pub(crate) struct Unavailable {
    why: BTreeMap<String, WhyUnavailable>,
    /// None where every skill gets requests.
    router: Option<Router>,
}

impl Unavailable {
    /// `available` are the skills that get requests.
    pub(crate) fn new(available: &[SkillProfile], unavailable: Vec<(SkillProfile, WhyUnavailable)>) -> Self {
        if unavailable.is_empty() {
            return Self::default();
        }
        let why = unavailable.iter().map(|(profile, why)| (profile.name.clone(), *why)).collect();
        let all: Vec<SkillProfile> =
            available.iter().cloned().chain(unavailable.into_iter().map(|(profile, _)| profile)).collect();
        Self { why, router: Some(Router::build(&all, RouterOptions::default())) }
    }

    /// The same with the vectors of the skills' texts.
    pub(crate) fn with_vectors(&self, vectors: &Arc<SkillVectors>) -> Self {
        let router = self.router.as_ref().map(|router| router.with_vectors(vectors.clone()));
        Self { why: self.why.clone(), router }
    }

    /// The router over all skills, where some get no requests.
    pub(crate) fn router(&self) -> Option<&Router> {
        self.router.as_ref()
    }

    /// The skill with this identifier, if it gets no requests.
    pub(crate) fn get(&self, name: &str) -> Option<UnavailableSkill> {
        let why = *self.why.get(name)?;
        Some(UnavailableSkill { name: name.to_owned(), why, is_tie: false, is_by_name: false })
    }

    /// The skill that these words mean, alone or as likely as another one, if it gets no requests.
    pub(crate) fn meant_by(&self, utterance: &Utterance<'_>) -> Option<UnavailableSkill> {
        let route = self.router.as_ref()?.route(utterance);
        let is_name =
            |evidence: &Evidence| evidence.kind == EvidenceKind::Name && evidence.text == utterance.text.trim();
        let is_by_name = route.ranking.first().is_some_and(|best| best.evidence.iter().any(is_name));
        match route.decision {
            Decision::Skill { name, .. } => self.get(&name).map(|found| UnavailableSkill { is_by_name, ..found }),
            Decision::Ambiguous { candidates, .. } => {
                let is_tie = candidates.iter().any(|name| !self.why.contains_key(name));
                let found = candidates.iter().find_map(|name| self.get(name))?;
                Some(UnavailableSkill { is_tie, ..found })
            }
            Decision::Fallback { .. } | Decision::NoSkills => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str, trigger: &str) -> SkillProfile {
        SkillProfile {
            name: name.to_owned(),
            title: name.to_owned(),
            description: format!("The skill {name}."),
            triggers: vec![trigger.to_owned()],
            examples: Vec::new(),
            anti_examples: Vec::new(),
            platforms: Vec::new(),
            priority: 0,
            is_fallback: false,
        }
    }

    #[test]
    fn a_skill_that_gets_no_requests_is_found_alone_and_in_a_tie() {
        let available = [profile("diary", "take a note"), profile("weather", "will it rain")];
        let unavailable = vec![
            (profile("notes", "take a note"), WhyUnavailable::Disabled),
            (profile("haiku", "write a haiku"), WhyUnavailable::CannotRun),
        ];
        let unavailable = Unavailable::new(&available, unavailable);
        let meant = |text: &str| {
            let utterance = Utterance {
                text,
                now_ms: 0,
                time_zone: "UTC",
                locale: None,
                previous_skill: None,
                has_attachments: false,
                vectors: None,
            };
            unavailable.meant_by(&utterance).map(|skill| (skill.name, skill.why, skill.is_tie))
        };
        assert_eq!(meant("take a note"), Some(("notes".to_owned(), WhyUnavailable::Disabled, true)));
        assert_eq!(meant("write a haiku"), Some(("haiku".to_owned(), WhyUnavailable::CannotRun, false)));
        assert_eq!(meant("will it rain"), None);
        assert!(Unavailable::new(&available, Vec::new()).router().is_none());
    }
}
