//! What a request says and the router cannot read, or can read in two ways, is asked before anything is done.
//!
//! The question's id is the name of the slot. An answer is read as the request is; one that cannot be read either is asked
//! about again.

use openanalyst_registry::FALLBACK_SKILL;
use openanalyst_router::{Decision, Route, Router, Unclear, Utterance};
use serde_json::Value;

use crate::api::{Answer, Question};
use crate::context::shorten;
use crate::end::{self, TaskOutcome};

/// Most characters of an answer that are repeated.
const MAX_REPEATED: usize = 60;
/// Slots of time: an answer to a question about one of them gives one of them.
const OF_TIME: [&str; 3] = ["when", "recurrence", "range"];

/// A request with what was answered to the questions about its words.
pub(crate) struct ClarifiedRoute {
    /// How it is read now.
    pub(crate) route: Route,
    /// The last answer, where it could not be used.
    pub(crate) unread: Option<String>,
}

/// Reads a request with the answers. Where words of it had to be asked about, the answer takes their place together with what had
/// been understood of them, and the request is read anew: so the answer also decides which skill is meant. Any other answer that
/// says something of a slot replaces what the request said of it.
pub(crate) fn clarify(router: &Router, rounds: &[Vec<Answer>], utterance: &Utterance<'_>) -> ClarifiedRoute {
    let mut texts = vec![utterance.text.to_owned()];
    let read = |text: &str| router.route(&Utterance { text, ..*utterance });
    let unclear = |text: &str| read(text).intent.unclear.into_iter().next();
    let mut open = unclear(utterance.text).map(|unclear| (0, unclear));
    let mut unread = None;
    for answer in rounds.iter().flatten() {
        let is_of_time = answer.question_id == "*" || OF_TIME.contains(&answer.question_id.as_str());
        unread = None;
        if let Some((at, asked)) = open.clone().filter(|_| is_of_time) {
            match resolve(&asked, &answer.text, &read) {
                Some(resolved) => {
                    texts[at] = texts[at].replacen(&asked.text, &resolved, 1);
                    open = unclear(&texts[at]).map(|unclear| (at, unclear));
                }
                None => unread = Some(answer.text.clone()),
            }
            continue;
        }
        texts.push(answer.text.clone());
        if is_of_time && open.is_none() {
            open = unclear(&answer.text).map(|unclear| (texts.len() - 1, unclear));
        }
    }
    let mut route = read(&texts[0]);
    for text in &texts[1..] {
        take(&mut route, read(text));
    }
    if let Some((_, asked)) = open
        && route.intent.unclear.is_empty()
    {
        route.intent.unclear.push(asked);
    }
    ClarifiedRoute { route, unread }
}

/// What stands in place of the words that were asked about. None: the answer says nothing of it.
fn resolve(asked: &Unclear, answer: &str, read: &impl Fn(&str) -> Route) -> Option<String> {
    let said = answer.trim().trim_end_matches(['.', '!']);
    if let Some(option) = chosen(&asked.options, said, read) {
        return Some(option);
    }
    let times = |text: &str| -> Option<Vec<Value>> {
        let intent = read(text).intent;
        let of_time = intent.slots.into_iter().filter(|slot| OF_TIME.contains(&slot.name.as_str()));
        intent.unclear.is_empty().then(|| of_time.map(|slot| slot.value).collect())
    };
    let is_whole = |value: &Value| {
        let says = |name: &str| value[name] != false;
        value.get("atMs").is_none() || says("explicitTime") && says("explicitDay")
    };
    let joined = |known: &str| -> Option<String> {
        let joined = [
            format!("{known} {said}"),
            format!("{known} at {said}"),
            format!("{said} {known}"),
            format!("{said} at {known}"),
        ];
        let names_all = |text: &String| matches!(times(text).unwrap_or_default().as_slice(), [only] if is_whole(only));
        joined.into_iter().filter(|_| !known.is_empty()).find(names_all)
    };
    let alone = times(said).unwrap_or_default();
    if alone.is_empty() {
        return None;
    }
    // "18:30" to "tomorrow at half past six": the day stays; "Friday at 9" to "next week": the week stays.
    joined(asked.understood.as_deref().unwrap_or_default())
        .or_else(|| alone.first().filter(|only| alone.len() == 1 && is_whole(only)).map(|_| said.to_owned()))
        .or_else(|| joined(&asked.text))
        .or_else(|| (alone.len() == 1).then(|| said.to_owned()))
}

/// The option that an answer names: by its place, by words that stand in it alone, or by the half of the day.
fn chosen(options: &[String], said: &str, read: &impl Fn(&str) -> Route) -> Option<String> {
    const PLACES: [&[&str]; 3] = [
        &["1", "first", "the first", "the first one", "first one", "das erste", "die erste"],
        &["2", "second", "the second", "the second one", "second one", "das zweite", "die zweite"],
        &["3", "third", "the third", "the third one", "third one", "das dritte", "die dritte"],
    ];
    let lower = said.to_lowercase();
    let place = PLACES.iter().position(|words| words.contains(&lower.as_str()));
    if let Some(option) = place.and_then(|place| options.get(place)) {
        return Some(option.clone());
    }
    let words = |text: &str| -> Vec<String> {
        let lower = text.to_lowercase();
        lower.split(|letter: char| !letter.is_alphanumeric() && letter != ':').map(str::to_owned).collect()
    };
    let mut telling = words(said);
    telling.retain(|word| {
        !["", "the", "one", "in", "on", "please", "i", "mean", "it", "bitte", "den", "im"].contains(&word.as_str())
    });
    let only = |mut found: Vec<&String>| if found.len() == 1 { found.pop().cloned() } else { None };
    if !telling.is_empty() {
        let has_all = |option: &&String| telling.iter().all(|word| words(option).contains(word));
        if let Some(option) = only(options.iter().filter(has_all).collect()) {
            return Some(option);
        }
    }
    let is_late = match telling.as_slice() {
        [word] if ["pm", "evening", "afternoon", "night", "abends", "nachmittags"].contains(&word.as_str()) => true,
        [word] if ["am", "morning", "morgens", "vormittags", "früh"].contains(&word.as_str()) => false,
        _ => return None,
    };
    let hour = |option: &str| -> Option<u32> {
        let slots = read(option).intent.slots;
        let local = slots.iter().find_map(|slot| slot.value["local"].as_str())?;
        local.get(11..13)?.parse().ok()
    };
    only(options.iter().filter(|option| hour(option).is_some_and(|hour| (hour >= 12) == is_late)).collect())
}

/// What an answer says replaces what the request said of the same thing.
fn take(route: &mut Route, said: Route) {
    let says_time = said.intent.slots.iter().any(|slot| OF_TIME.contains(&slot.name.as_str()));
    if says_time || !said.intent.unclear.is_empty() {
        route.intent.slots.retain(|old| !OF_TIME.contains(&old.name.as_str()));
        route.intent.unclear = said.intent.unclear;
    }
    let platforms = said.intent.slots.iter().any(|slot| slot.name == "platform");
    route.intent.slots.retain(|old| !platforms || !old.name.ends_with("platform"));
    for slot in said.intent.slots {
        let replaces = |name: &str| {
            name == slot.name && name != "platform"
                || name != slot.name && name.ends_with("platform") && slot.name.ends_with("platform")
        };
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
pub(crate) fn dropped(rounds: &[Vec<Answer>], asked_by_host: bool) -> Option<TaskOutcome> {
    let answers = rounds.last().filter(|answers| !answers.is_empty())?;
    let is_dropped = answers.iter().all(|answer| {
        let lower = answer.text.to_lowercase();
        let words = lower.trim().trim_end_matches(['.', '!']);
        DROPPED.contains(&words) || asked_by_host && DROPPED_BEFORE_IT_BEGAN.contains(&words)
    });
    let content = if asked_by_host { "All right, nothing was done." } else { "All right, nothing more is done." };
    is_dropped.then(|| TaskOutcome::Answered { content: content.to_owned(), data: None })
}

/// What must be asked about a request that a skill gets, and about its later parts. None: all of it was read. The
/// fallback only talks, so it asks nothing.
pub(crate) fn open_question<'a>(
    skill: &str,
    clarified: &ClarifiedRoute,
    router: &Router,
    rounds: &[Vec<Answer>],
    later: impl Iterator<Item = Utterance<'a>>,
) -> Option<TaskOutcome> {
    if skill == FALLBACK_SKILL {
        return None;
    }
    let mut later = later;
    let in_later =
        |utterance: Utterance<'a>| clarify(router, rounds, &utterance).route.intent.unclear.into_iter().next();
    let unclear = clarified.route.intent.unclear.first().cloned().or_else(|| later.find_map(in_later))?;
    let mut question = question(unclear);
    if let Some(unread) = &clarified.unread {
        question.text = format!(
            "I could not read \u{201c}{}\u{201d} as an answer. {}",
            shorten(unread, MAX_REPEATED),
            question.text
        );
    }
    let questions = vec![question];
    Some(TaskOutcome::Asked { content: end::ask_text("", &questions), questions })
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

    /// The time that a request with its answers says, or `ask`, or `unread` where the last answer says nothing.
    fn time_after(request: &str, answers: &[&str]) -> String {
        let router = Router::build(&[], openanalyst_router::RouterOptions::default());
        let utterance = Utterance {
            text: request,
            // Monday, 23 November 2026, 10:00 in Berlin.
            now_ms: 1_795_424_400_000,
            time_zone: "Europe/Berlin",
            locale: None,
            previous_skill: None,
            has_attachments: false,
            vectors: None,
        };
        let answer = |text: &&str| vec![Answer { question_id: "when".to_owned(), text: (*text).to_owned() }];
        let rounds: Vec<Vec<Answer>> = answers.iter().map(answer).collect();
        let ClarifiedRoute { route, unread } = clarify(&router, &rounds, &utterance);
        match (unread, route.intent.unclear.is_empty()) {
            (Some(_), _) => return "unread".to_owned(),
            (None, false) => return "ask".to_owned(),
            (None, true) => {}
        }
        let slots = route.intent.slots;
        let text = |name: &str, member: &str| {
            slots.iter().find(|slot| slot.name == name).and_then(|slot| slot.value[member].as_str().map(str::to_owned))
        };
        text("when", "local").or_else(|| text("recurrence", "cron")).unwrap_or_else(|| "nothing".to_owned())
    }

    #[test]
    fn an_answer_takes_the_place_of_what_was_unclear_and_the_rest_stays() {
        let half_past = "schedule it for tomorrow at half past six";
        let numbers = "schedule it for 05/06/2027 at 9";
        let wrong: Vec<String> = [
            (half_past, &[][..], "ask"),
            (half_past, &["18:30"][..], "2026-11-24T18:30"),
            (half_past, &["6:30pm"], "2026-11-24T18:30"),
            (half_past, &["in the evening, please"], "2026-11-24T18:30"),
            (half_past, &["pm"], "2026-11-24T18:30"),
            (half_past, &["the first one"], "2026-11-24T06:30"),
            (half_past, &["Friday at 7"], "2026-11-27T07:00"),
            (half_past, &["I don't know"], "unread"),
            (half_past, &["I don't know", "the second one"], "2026-11-24T18:30"),
            (numbers, &["June"], "2027-06-05T09:00"),
            (numbers, &["6 May 2027"], "2027-05-06T09:00"),
            (numbers, &["31 November at 9"], "unread"),
            ("schedule it for next week", &["Friday at 9"], "2026-12-04T09:00"),
            ("schedule it for Friday at 9 and for Monday at 10", &["Monday"], "2026-11-30T10:00"),
            // An answer to a skill's own question, which cannot be read either.
            ("schedule it", &["31 November at 9"], "ask"),
            ("schedule it", &["31 November at 9", "30 November at 9"], "2026-11-30T09:00"),
            ("schedule it", &["Friday at 9"], "2026-11-27T09:00"),
        ]
        .into_iter()
        .map(|(request, answers, wanted)| (request, answers, wanted, time_after(request, answers)))
        .filter(|(_, _, wanted, got)| wanted != got)
        .map(|(request, answers, wanted, got)| format!("{request} {answers:?}: {got}, wanted {wanted}"))
        .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

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
