//! What a request says and the router cannot read, or can read in two ways, is asked before anything is done.
//!
//! The question's id is the name of the slot. An answer is read as the request is; one that cannot be read either is asked
//! about again.

use openanalyst_registry::FALLBACK_SKILL;
use openanalyst_router::{Decision, Route, Router, Unclear, Utterance};

use crate::api::{Answer, Question};
use crate::end::{self, End};

/// Slots of which an answer about the time gives one, in place of any of the others.
const OF_TIME: [&str; 3] = ["when", "recurrence", "range"];

/// What answers say replaces what the request said of the same thing.
pub(crate) fn take_answers(route: &mut Route, router: &Router, rounds: &[Vec<Answer>], utterance: &Utterance<'_>) {
    for answer in rounds.iter().flatten() {
        let said = router.route(&Utterance { text: &answer.text, ..*utterance });
        take(route, said, &answer.question_id);
    }
}

fn take(route: &mut Route, said: Route, question_id: &str) {
    let asked_for_time = question_id == "when" || question_id == "*";
    let says_time = said.intent.slots.iter().any(|slot| OF_TIME.contains(&slot.name.as_str()));
    if asked_for_time && (says_time || !said.intent.unclear.is_empty()) {
        route.intent.slots.retain(|old| !OF_TIME.contains(&old.name.as_str()));
        route.intent.unclear = said.intent.unclear;
    }
    for slot in said.intent.slots {
        let replaces =
            |name: &str| name == slot.name || (name.ends_with("platform") && slot.name.ends_with("platform"));
        route.intent.slots.retain(|old| !replaces(&old.name));
        route.intent.slots.push(slot);
    }
}

/// What must be asked about a request that a skill gets, and about its later parts. None: all of it was read. The
/// fallback only talks, so it asks nothing.
pub(crate) fn open_question<'a>(
    skill: &str,
    route: &Route,
    router: &Router,
    rounds: &[Vec<Answer>],
    later: impl Iterator<Item = Utterance<'a>>,
) -> Option<End> {
    if skill == FALLBACK_SKILL {
        return None;
    }
    let in_later = |utterance: Utterance<'a>| {
        let mut route = router.route(&utterance);
        if !route.intent.unclear.is_empty() {
            take_answers(&mut route, router, rounds, &utterance);
        }
        route.intent.unclear.into_iter().next()
    };
    let mut later = later;
    let unclear = route.intent.unclear.first().cloned().or_else(|| later.find_map(in_later))?;
    let questions = vec![question(unclear)];
    Some(End::Asked { content: end::ask_text("", &questions), questions })
}

/// What would be asked about a route before anything is done.
pub(crate) fn question_about(route: &Route) -> Option<Question> {
    match &route.decision {
        Decision::Ambiguous { candidates, question } => {
            Some(Question { id: "skill".to_owned(), text: question.clone(), options: candidates.clone() })
        }
        Decision::Skill { .. } => route.intent.unclear.first().cloned().map(question),
        Decision::Fallback { .. } | Decision::NoSkills => None,
    }
}

fn question(unclear: Unclear) -> Question {
    Question { id: unclear.slot, text: unclear.question, options: unclear.options }
}
