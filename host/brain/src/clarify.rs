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

/// What answers a question by wanting none of it any more.
const DROPPED: &[&str] = &[
    "never mind",
    "nevermind",
    "forget it",
    "forget about it",
    "leave it",
    "drop it",
    "let it be",
    "cancel it",
    "cancel that",
    "cancel this",
    "abort",
    "vergiss es",
    "lass es",
    "egal",
    "abbrechen",
];
/// The same where the host itself asked: a skill may ask something to which these are answers.
const DROPPED_BEFORE_IT_BEGAN: &[&str] =
    &["cancel", "stop", "no", "none", "nothing", "not at all", "nein", "nichts", "stopp"];

/// The end of a task whose last question was answered with "never mind". `asked_by_host`: nothing of it had begun.
pub(crate) fn dropped(rounds: &[Vec<Answer>], asked_by_host: bool) -> Option<End> {
    let answers = rounds.last().filter(|answers| !answers.is_empty())?;
    let is_dropped = answers.iter().all(|answer| {
        let lower = answer.text.to_lowercase();
        let words = lower.trim().trim_end_matches(['.', '!']);
        DROPPED.contains(&words) || asked_by_host && DROPPED_BEFORE_IT_BEGAN.contains(&words)
    });
    let content = if asked_by_host { "All right, nothing was done." } else { "All right, nothing more is done." };
    is_dropped.then(|| End::Answered { content: content.to_owned(), data: None })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_mind_ends_a_task_and_a_no_only_where_nothing_had_begun() {
        let said = |text: &str| vec![vec![Answer { question_id: "*".to_owned(), text: text.to_owned() }]];
        for (text, by_skill, by_host) in [
            ("Never mind.", true, true),
            ("forget it!", true, true),
            ("vergiss es", true, true),
            ("no", false, true),
            ("cancel", false, true),
            ("no, keep them", false, false),
            ("Friday at 9", false, false),
            ("cancel the Monday one", false, false),
        ] {
            let ends = [dropped(&said(text), false).is_some(), dropped(&said(text), true).is_some()];
            assert_eq!(ends, [by_skill, by_host], "{text}");
        }
        assert!(dropped(&[], true).is_none() && dropped(&[Vec::new()], true).is_none());
    }
}
