//! What happens where a skill is meant that gets no requests: it is disabled, or it cannot run. Another skill takes its place only
//! where the user says so: it might post what was meant as a note.

use openanalyst_registry::UnavailableSkill;
use openanalyst_router::Decision;

use crate::api::Answer;
use crate::context::shorten;

/// Most characters of a part of a request that are repeated.
const MAX_PART_CHARS: usize = 200;

/// A plain yes to "Shall … do it instead?".
const YES: &[&str] =
    &["yes", "yes please", "y", "yeah", "yep", "ok", "okay", "sure", "do it", "ja", "ja bitte", "gerne"];

/// What happens with the request.
pub(crate) enum Substitution {
    /// The user chose this skill.
    Chosen(String),
    /// These could do it, if the user says so.
    Ask { candidates: Vec<String>, question: String },
    /// No other skill is sure enough, or the user wants none.
    Nobody(String),
}

/// The reason in a route for which the skill that is meant does not do it.
pub(crate) fn reason(skill: &UnavailableSkill) -> String {
    let too = if skill.is_tie { " too" } else { "" };
    format!("`{}` is meant{too}, and it {}.", skill.name, skill.why.reason())
}

/// The answer where only a part of a request is meant for the skill. The other parts may need what it would have given.
pub(crate) fn for_a_part(skill: &UnavailableSkill, part: &str) -> String {
    format!(
        "`{}` is the skill for “{}”, and it {}, so nothing was done: {}, or send the request without this part",
        skill.name,
        shorten(part, MAX_PART_CHARS),
        skill.why.reason(),
        skill.why.next_step()
    )
}

/// Decides with the route over the other skills, and with what the user has answered.
pub(crate) fn in_place_of(skill: &UnavailableSkill, decision: &Decision, rounds: &[Vec<Answer>]) -> Substitution {
    let candidates = match decision {
        Decision::Skill { name, .. } => vec![name.clone()],
        Decision::Ambiguous { candidates, .. } => candidates.clone(),
        Decision::Fallback { .. } | Decision::NoSkills => Vec::new(),
    };
    if let Some(chosen) = chosen_by_answer(rounds, &candidates) {
        return Substitution::Chosen(chosen);
    }
    let is_for = if skill.is_tie { "could be meant as well" } else { "is the skill for this" };
    let reason = format!("`{}` {is_for}, and it {}", skill.name, skill.why.reason());
    let is_answered = rounds.iter().flatten().any(|answer| answer.question_id == "skill" || answer.question_id == "*");
    if candidates.is_empty() || is_answered {
        return Substitution::Nobody(format!("{reason}, so nothing was done: {}", skill.why.next_step()));
    }
    let names: Vec<String> = candidates.iter().map(|name| format!("`{name}`")).collect();
    let question = format!("{reason}. Shall {} do it instead?", names.join(" or "));
    Substitution::Ask { candidates, question }
}

/// The skill among these that the user's last answer names.
pub(crate) fn chosen_by_answer(rounds: &[Vec<Answer>], candidates: &[String]) -> Option<String> {
    let said =
        rounds.iter().flatten().rev().find(|answer| answer.question_id == "skill" || answer.question_id == "*")?;
    let text = said.text.to_lowercase();
    let word = text.trim().trim_end_matches(['.', '!', ',']);
    if let ([only], true) = (candidates, YES.contains(&word)) {
        return Some(only.clone());
    }
    candidates
        .iter()
        .find(|name| text.contains(&name.to_lowercase()) || text.contains(&name.replace('-', " ")))
        .cloned()
}

#[cfg(test)]
mod tests {
    use openanalyst_registry::WhyUnavailable;

    use super::*;

    fn unavailable(why: WhyUnavailable, is_tie: bool) -> UnavailableSkill {
        UnavailableSkill { name: "notes".to_owned(), why, is_tie, is_by_name: false }
    }

    #[test]
    fn another_skill_takes_its_place_only_where_the_user_says_so() {
        let sure = Decision::Skill { name: "social-media".to_owned(), confidence: 0.8 };
        let unsure = Decision::Fallback { name: "core".to_owned(), confidence: 0.1, why: String::new() };
        let said = |text: &str| vec![vec![Answer { question_id: "skill".to_owned(), text: text.to_owned() }]];
        for (why, reason, cure) in [
            (WhyUnavailable::Disabled, "is disabled here", "ask an administrator to activate it"),
            (WhyUnavailable::CannotRun, "cannot run yet", "ask its author for a version with a component"),
        ] {
            let notes = unavailable(why, false);
            let Substitution::Ask { candidates, question } = in_place_of(&notes, &sure, &[]) else {
                panic!("it is asked")
            };
            assert_eq!(candidates, ["social-media"]);
            assert!(question.starts_with(&format!("`notes` is the skill for this, and it {reason}")), "{question}");
            assert!(question.ends_with("Shall `social-media` do it instead?"), "{question}");
            for yes in ["yes, social media", "Yes.", "ja"] {
                let chosen = in_place_of(&notes, &sure, &said(yes));
                assert!(matches!(chosen, Substitution::Chosen(name) if name == "social-media"), "{yes}");
            }
            for (decision, rounds) in [(&sure, said("no")), (&unsure, Vec::new())] {
                let Substitution::Nobody(said) = in_place_of(&notes, decision, &rounds) else {
                    panic!("nobody does it")
                };
                assert!(said.contains("`notes`") && said.contains(cure), "{said}");
            }
        }
    }

    #[test]
    fn a_tie_is_asked_about_and_a_part_is_named() {
        let sure = Decision::Skill { name: "diary".to_owned(), confidence: 0.8 };
        let notes = unavailable(WhyUnavailable::Disabled, true);
        let Substitution::Ask { question, .. } = in_place_of(&notes, &sure, &[]) else { panic!("it is asked") };
        assert_eq!(question, "`notes` could be meant as well, and it is disabled here. Shall `diary` do it instead?");
        let part = for_a_part(&unavailable(WhyUnavailable::Disabled, false), "take a note of it");
        assert!(part.contains("“take a note of it”") && part.contains("without this part"), "{part}");
    }
}
