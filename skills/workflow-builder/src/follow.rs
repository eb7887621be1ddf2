//! The steps for what is there already: moving it, pausing it, cancelling it, and taking the last change back. It reads what is there; it
//! changes nothing.

use openanalyst_skill::prelude::*;

use crate::change::{self, Change};
use crate::fires::Fires;
use crate::job::{Job, ScheduleSpec, Target, here};
use crate::manage::{self, Thing};
use crate::plan::{WHEN, alone, schedule};
use crate::refers::{self, Reference};
use crate::text::has_any;
use crate::undo::Undo;
use crate::wish::Kinds;

/// The identifier of this skill, under which its earlier answers stand in the context.
const NAME: &str = "workflow-builder";

/// Most bytes of what cancelled things ran with, kept to store them again.
const MAX_PLANNED_BYTES: usize = 48 * 1024;

const WHICH_THING: &str = "which";

const CONFIRM: &str = "confirm";

/// "make it Tuesdays at 10 instead", "move the Monday report to Friday": a schedule at another time, in its place. None: nothing of the
/// kind is asked for.
pub(crate) fn changed(words: &str, request: &Request, context: &Context) -> Result<Option<Plan>> {
    const CHANGES: &[&str] = &[
        "it",
        "that",
        "them",
        "instead",
        "actually",
        "rather",
        "later",
        "earlier",
        "sooner",
        "move",
        "reschedule",
        "shift",
        "postpone",
        "delay",
        "push",
        "change",
        "bring",
        "stattdessen",
        "lieber",
        "später",
        "früher",
    ];
    const MOVES: &[&str] = &["move", "reschedule", "shift", "postpone", "delay", "push", "change", "bring"];
    if !has_any(words, CHANGES) || (alone(words).is_some() && !has_any(words, MOVES)) {
        return Ok(None);
    }
    let things = manage::things(SCHEDULES, &request.user_folder)?;
    // An answer to "which one?" names it; what it shall be stands in the request.
    let chosen = request.answer(WHICH_THING).map(|answer| manage::find(&things, answer, &[], here(request, context)));
    let subjects = match chosen {
        Some(refers::Found::These(these)) if these.len() == 1 => vec![these[0].path.clone()],
        _ => subjects(context),
    };
    let is_chosen = request.answer(WHICH_THING).is_some() && subjects.len() == 1;
    let among: Vec<Thing> = things.iter().filter(|thing| !is_chosen || thing.path == subjects[0]).cloned().collect();
    let Some(change) = change::read(request, &among, &subjects, here(request, context)) else { return Ok(None) };
    Ok(Some(match change {
        Change::Say(text) => Plan::ask(Question::new(WHEN, text)),
        Change::Which(why, among) => Plan::ask(which(&with_why(&why, "Which one shall I move?"), &among)),
        Change::To { stored, cron } => {
            let zone = request.recurrence().map_or_else(|| stored.time_zone.clone(), |recurrence| recurrence.time_zone);
            let fires = Fires::read(&cron);
            let label = fires.as_ref().and_then(Fires::in_words);
            let spoken = request.recurrence().filter(|recurrence| recurrence.cron == cron);
            let computed = || {
                let zone = crate::clock::zone(&zone).ok()?;
                Some(fires.as_ref()?.next(context.now_ms, zone, 3))
            };
            let next_ms = match &spoken {
                Some(recurrence) => recurrence.next_ms.clone(),
                None => computed().unwrap_or_default(),
            };
            let mut notes = spoken.as_ref().map(|recurrence| recurrence.notes.clone()).unwrap_or_default();
            if !stored.enabled {
                notes.push("It was paused; it is switched on again.".to_owned());
            }
            let label =
                spoken.map(|recurrence| recurrence.label).or(label).unwrap_or_else(|| format!("by the rule {cron}"));
            let target = Target {
                path: stored.script_path.clone(),
                title: change::title(&stored),
                is_flow: stored.is_flow,
                arguments: stored.arguments.clone(),
            };
            let spec = ScheduleSpec {
                path: stored.path.clone(),
                cron,
                time_zone: zone,
                label,
                target,
                next_ms,
                notes,
                before: Some(Box::new(stored)),
            };
            match spec.next_ms.is_empty() {
                // The engine counts what is not counted here, and refuses what never fires.
                true => Plan::of([Job::Schedule { spec }.into_step()?]),
                false => schedule(spec, context)?,
            }
        }
    }))
}

/// The paths of what the newest answer of this skill was about.
fn subjects(context: &Context) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Last {
        subjects: Option<Vec<String>>,
        schedule: Option<Path>,
    }
    #[derive(serde::Deserialize)]
    struct Path {
        path: String,
    }
    let last =
        context.messages.iter().rev().filter(|message| message.skill.as_deref() == Some(NAME)).find_map(|message| {
            let last: Last = Output { result: message.data.clone()?, summary: None }.read().ok()?;
            last.subjects.or(last.schedule.map(|schedule| vec![schedule.path]))
        });
    last.unwrap_or_default()
}

/// Takes back what the newest answer of this skill did.
///
/// # Errors
/// [`Failure::Invalid`] for what JSON cannot hold.
pub(crate) fn undo(request: &Request, context: &Context) -> Result<Plan> {
    #[derive(serde::Deserialize)]
    struct Last {
        undo: Vec<Undo>,
    }
    let say = |content: String| Ok(Plan::of([Job::Say { content }.into_step()?]));
    let Some(last) = context.last_data::<Last>(NAME) else {
        return say("There is nothing of mine to undo in this conversation: I have changed nothing in it.".into());
    };
    if last.undo.is_empty() {
        return say("There is nothing more to undo: the last change is undone already.".into());
    }
    let whys: Vec<&str> = last
        .undo
        .iter()
        .filter_map(|undo| match undo {
            Undo::Cannot { why } => Some(why.as_str()),
            _ => None,
        })
        .collect();
    if whys.len() == last.undo.len() {
        return say(format!("That cannot be undone: {}", whys.join(" ")));
    }
    let is_older =
        context.last_answer().is_some_and(|message| message.skill.as_deref().is_some_and(|skill| skill != NAME));
    if is_older {
        match request.answer(CONFIRM) {
            None => {
                let did: Vec<String> = last.undo.iter().map(Undo::in_words).collect();
                let text = format!(
                    "The last answer was not about schedules. Before it {}. Shall I undo that?",
                    did.join("; ")
                );
                return Ok(Plan::ask(Question::new(CONFIRM, text).options(["Yes, undo it", "No, keep it"])));
            }
            Some(answer) if is_yes(answer) => {}
            Some(_) => return say("Then everything stays as it is.".into()),
        }
    }
    Ok(Plan::of([Job::Undo { steps: last.undo }.into_step()?]))
}

fn is_yes(answer: &str) -> bool {
    has_any(answer, &["yes", "sure", "ok", "okay", "confirm", "ja", "do"])
        && !has_any(answer, &["no", "not", "don't", "keep", "nein"])
}

/// Pauses schedules, or goes on with them. Both can be undone, so nothing is confirmed.
///
/// # Errors
/// What the host answers.
pub(crate) fn switch(on: bool, words: &str, request: &Request, context: &Context) -> Result<Plan> {
    let things = manage::things(SCHEDULES, &request.user_folder)?;
    let verb = if on { "switch on" } else { "pause" };
    if things.is_empty() {
        let content = format!("You have no schedules, so there is nothing to {verb}.");
        return Ok(Plan::of([Job::Say { content }.into_step()?]));
    }
    // Where one of several is meant, it is one of those that are not so already.
    let mut reference = Reference::read(words, here(request, context));
    let left: Vec<Thing> = things.iter().filter(|thing| thing.is_paused() == on).cloned().collect();
    let subjects = subjects(context);
    let answered =
        request.answer(WHICH_THING).map(|answer| manage::find(&things, answer, &subjects, here(request, context)));
    let found = match answered {
        Some(found @ refers::Found::These(_)) => found,
        _ if words.contains(&format!("{}/", request.user_folder)) => {
            manage::find(&things, words, &subjects, here(request, context))
        }
        _ => {
            reference.is_all |= !reference.filters() && words.to_lowercase().contains("schedules");
            match reference.find(&things, &subjects, here(request, context)) {
                refers::Found::Unsure(why, among) if why.is_empty() => {
                    let open: Vec<Thing> = among.iter().filter(|thing| left.contains(thing)).cloned().collect();
                    if open.len() == 1 {
                        refers::Found::These(open)
                    } else {
                        refers::Found::Unsure(why, if open.is_empty() { among } else { open })
                    }
                }
                found => found,
            }
        }
    };
    let question = format!("Which one shall I {verb}?");
    Ok(match found {
        refers::Found::These(things) => {
            let things = things.into_iter().filter(|thing| !thing.is_flow).map(slim).collect();
            Plan::of([Job::Switch { things, on }.into_step()?])
        }
        refers::Found::Unsure(why, among) => Plan::ask(which(&with_why(&why, &question), &among)),
        refers::Found::Nothing => Plan::ask(which(&with_why("None of yours is called so.", &question), &things)),
    })
}

/// Without what it runs with: that is read again when it is switched.
fn slim(mut thing: Thing) -> Thing {
    if let Some(stored) = &mut thing.stored {
        let at_ms = stored.post_at_ms();
        stored.arguments = at_ms.map_or_else(|| json!({}), |at_ms| json!({ "atMs": at_ms }));
    }
    thing
}

const SCHEDULES: Kinds = Kinds { schedules: true, flows: false };

/// Steps for taking something away.
///
/// # Errors
/// As [`run`].
pub(crate) fn cancel(kinds: Kinds, words: &str, request: &Request, context: &Context) -> Result<Plan> {
    let things = manage::things(kinds, &request.user_folder)?;
    let here = here(request, context);
    if things.is_empty() {
        let what = match (kinds.schedules, kinds.flows) {
            (true, false) => "schedules",
            (false, true) => "workflows",
            _ => "schedules or workflows",
        };
        return Ok(Plan::of([
            Job::Say { content: format!("You have no {what}, so there is nothing to cancel.") }.into_step()?
        ]));
    }
    let subjects = subjects(context);
    let found = match request.answer(WHICH_THING).map(|answer| manage::find(&things, answer, &subjects, here)) {
        Some(found @ refers::Found::These(_)) => found,
        _ => manage::find(&things, words, &subjects, here),
    };
    let question = "Which one shall I cancel?";
    let mut chosen = match found {
        refers::Found::These(these) => these,
        refers::Found::Unsure(why, among) => return Ok(Plan::ask(which(&with_why(&why, question), &among))),
        refers::Found::Nothing => {
            return Ok(Plan::ask(which(&with_why("None of yours is called so.", question), &things)));
        }
    };
    let reference = Reference::read(words, here);
    let kept: Vec<Thing> = match &reference.except {
        Some(_) => things.iter().filter(|thing| !chosen.contains(thing)).map(|thing| slim(thing.clone())).collect(),
        None => Vec::new(),
    };
    // A schedule of a flow that is gone would fail for ever.
    let flows: Vec<String> = chosen.iter().filter(|thing| thing.is_flow).map(|flow| flow.path.clone()).collect();
    if !flows.is_empty() {
        let schedules = manage::things(SCHEDULES, &request.user_folder)?;
        let runs = |schedule: &Thing| flows.contains(&schedule.script_path);
        let more: Vec<Thing> =
            schedules.into_iter().filter(|schedule| runs(schedule) && !chosen.contains(schedule)).collect();
        chosen.extend(more);
    }
    let is_one = chosen.iter().filter(|thing| thing.is_flow == chosen[0].is_flow).count() == 1;
    if !is_one || reference.is_all {
        match request.answer(CONFIRM) {
            None => {
                let stays =
                    if kept.is_empty() { String::new() } else { format!(" Kept: {}.", labels(&kept).join("; ")) };
                let text =
                    format!("Shall I cancel all {} of them? {}.{stays}", chosen.len(), labels(&chosen).join("; "));
                return Ok(Plan::ask(Question::new(CONFIRM, text).options(["Yes, cancel all", "No, keep them"])));
            }
            Some(answer) if is_yes(answer) => {}
            Some(_) => {
                return Ok(Plan::of([Job::Say { content: "Then everything stays as it is.".into() }.into_step()?]));
            }
        }
    }
    Ok(Plan::of([Job::Cancel { things: within_bounds(chosen), kept }.into_step()?]))
}

/// What is kept to store them again must fit into the plan and the answer.
fn within_bounds(mut things: Vec<Thing>) -> Vec<Thing> {
    let mut room = MAX_PLANNED_BYTES;
    for thing in &mut things {
        let of_schedule = thing.stored.as_ref().map_or(0, |stored| stored.arguments.to_string().len());
        let size = of_schedule + thing.value.as_ref().map_or(0, |value| value.to_string().len());
        match room.checked_sub(size) {
            Some(left) => room = left,
            None => (thing.stored, thing.value) = (None, None),
        }
    }
    things
}

fn with_why(why: &str, question: &str) -> String {
    if why.is_empty() { question.to_owned() } else { format!("{why} {question}") }
}

fn which(text: &str, things: &[Thing]) -> Question {
    Question::new(WHICH_THING, text).options(labels(things))
}

fn labels(things: &[Thing]) -> Vec<String> {
    things.iter().map(Thing::label).collect()
}
