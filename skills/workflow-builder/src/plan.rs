//! Makes the steps for a wish, or asks for what is not clear. It reads what is there; it changes nothing.

use openanalyst_skill::Recurrence;
use openanalyst_skill::prelude::*;

use crate::catalog::{self, Fits, Found};
use crate::flow as joined;
use crate::job::{FlowSpec, Job, ScheduleSpec, Target, capital};
use crate::text::{has_any, has_word, path_part};
use crate::wish::Kinds;
use crate::{inputs, manage};

/// The identifier of this skill, under which its earlier answers stand in the context.
const NAME: &str = "workflow-builder";
/// Nothing runs more often than this.
const SHORTEST_INTERVAL_MS: u64 = 60_000;

const WHEN: &str = "when";
const WHICH_SCRIPT: &str = "script";
const WHICH_STEPS: &str = "steps";
const WHICH_THING: &str = "which";
const CONFIRM: &str = "confirm";

/// Steps for something that runs again and again, once later, or now.
///
/// # Errors
/// What the host answers while it is looked for.
pub(crate) fn run(words: &str, request: &Request, context: &Context) -> Result<Plan> {
    if let Some(spec) = moved(words, request, context) {
        return schedule(spec, context);
    }
    let Some(found) = find(words, request)? else {
        let question =
            Question::new(WHICH_SCRIPT, "What shall run? Name one of these, or a script or workflow of your own.");
        return Ok(Plan::ask(question.options(catalog::schedulable().map(capital))));
    };
    let (before, target) = match prepared(&found, request) {
        Ok(prepared) => prepared,
        Err(questions) => return Ok(Plan::ask_all(questions)),
    };
    let mut plan = at_its_time(words, target, request, context)?;
    if let Some(job) = before
        && plan.questions.is_empty()
    {
        plan.steps.insert(0, job.into_step()?);
    }
    Ok(plan)
}

/// What is to be run, with its arguments, and what must be stored before; or the questions for what is missing.
///
/// A post alone on a schedule would reach nobody: it becomes a flow that also sends it to the user.
fn prepared(found: &Found, request: &Request) -> std::result::Result<(Option<Job>, Target), Vec<Question>> {
    let arguments = inputs::arguments(found.inputs(), request)?;
    if found.path() != catalog::CREATE_POST {
        let is_flow = found.is_flow();
        return Ok((None, Target { path: found.path().into(), title: found.title().into(), is_flow, arguments }));
    }
    let mut steps = vec![found.clone()];
    steps.extend(catalog::shared("send a message", Fits::Flow));
    let title =
        format!("{} for {} about {}", found.title(), text_of(&arguments, "platform"), text_of(&arguments, "topic"));
    let spec = flow_spec(&steps, request, capital(&format!("{title}, then send it to you")));
    let target = Target { path: spec.path.clone(), title, is_flow: true, arguments: json!({}) };
    Ok((Some(Job::Flow { spec }), target))
}

fn text_of<'a>(arguments: &'a Value, name: &str) -> &'a str {
    arguments[name].as_str().unwrap_or_default()
}

/// The step that runs it again and again, once later, or now.
fn at_its_time(words: &str, target: Target, request: &Request, context: &Context) -> Result<Plan> {
    if let Some(recurrence) = request.recurrence() {
        let path = schedule_path(&request.user_folder, &target, &recurrence.label);
        return schedule(schedule_spec(path, recurrence, target), context);
    }
    let said = request.answer(WHEN).unwrap_or(words);
    if has_any(said, &["now", "immediately", "right away", "at once"]) {
        let (id, title) = ("run", format!("Run {}", target.title));
        let mut step =
            if target.is_flow { Step::flow(id, title, &target.path) } else { Step::script(id, title, &target.path) };
        for (name, value) in target.arguments.as_object().into_iter().flatten() {
            step = step.arg(name, value.clone());
        }
        return Ok(Plan::of([step.expect(expect::present("", "It gave a result."))]));
    }
    match request.when() {
        Some(when) if when.past || when.at_ms <= context.now_ms => Ok(Plan::ask(Question::new(
            WHEN,
            format!("{} has passed. When shall it be instead: {}?", when.local.replace('T', " at "), target.title),
        ))),
        Some(when) => Ok(Plan::of([Job::Once { target, at_ms: when.at_ms, time_zone: when.time_zone }.into_step()?])),
        None => {
            let question = Question::new(WHEN, format!("When shall it run: {}?", target.title));
            Ok(Plan::ask(question.options(["every Monday at 9", "every day at 9", "now"])))
        }
    }
}

/// The flow of these steps, ready to be stored. The same steps about the same thing are the same flow.
fn flow_spec(steps: &[Found], request: &Request, summary: String) -> FlowSpec {
    let flow = joined::build(steps, request);
    let titles: Vec<String> = steps.iter().map(|step| step.title().to_owned()).collect();
    let said =
        |slot: Option<String>, id: &str| slot.or_else(|| request.answer(id).map(str::to_owned)).unwrap_or_default();
    let about = steps.iter().any(|step| step.path() == catalog::CREATE_POST);
    let subject = match about {
        true => {
            format!("{} {} {}", titles.join(" "), said(request.platform(), "platform"), said(request.topic(), "topic"))
        }
        false => titles.join(" "),
    };
    let path = format!("{}/flows/{}", request.user_folder, path_part(&subject, "workflow"));
    FlowSpec { path, summary, value: flow.value, needs: flow.needs, steps: titles }
}

/// "make it Tuesdays at 10 instead": the schedule of the last answer at another time, in its place.
fn moved(words: &str, request: &Request, context: &Context) -> Option<ScheduleSpec> {
    #[derive(serde::Deserialize)]
    struct Last {
        schedule: ScheduleSpec,
    }
    let recurrence = request.recurrence()?;
    let refers = has_word(words, "instead") || has_word(words, "it") || has_word(words, "that");
    if !refers || alone(words).is_some() {
        return None;
    }
    let last: Last = context.last_data(NAME)?;
    Some(schedule_spec(last.schedule.path, recurrence, last.schedule.target))
}

fn schedule_spec(path: String, recurrence: Recurrence, target: Target) -> ScheduleSpec {
    let Recurrence { cron, time_zone, label, next_ms, notes } = recurrence;
    ScheduleSpec { path, cron, time_zone, label, target, next_ms, notes }
}

/// A schedule that fires at all, and not too often.
fn schedule(spec: ScheduleSpec, context: &Context) -> Result<Plan> {
    let next: Vec<u64> = spec.next_ms.iter().copied().filter(|at_ms| *at_ms > context.now_ms).collect();
    let too_often = next.windows(2).any(|pair| pair[1] - pair[0] < SHORTEST_INTERVAL_MS);
    if too_often {
        let question =
            Question::new(WHEN, "That is more than once a minute, which I do not schedule. How often shall it run?");
        return Ok(Plan::ask(question.options(["every minute", "every hour", "every day at 9"])));
    }
    if next.is_empty() {
        let text =
            format!("{} has no time left at which it would run. When shall it run instead?", capital(&spec.label));
        return Ok(Plan::ask(Question::new(WHEN, text)));
    }
    Ok(Plan::of([Job::Schedule { spec }.into_step()?]))
}

/// The same script at the same time with the same subject is the same schedule.
fn schedule_path(user_folder: &str, target: &Target, label: &str) -> String {
    let mut subject = target.path.rsplit('/').next().unwrap_or_default().to_owned();
    for name in ["platform", "topic"] {
        if let Some(value) = target.arguments[name].as_str() {
            subject.push(' ');
            subject.push_str(value);
        }
    }
    format!("{user_folder}/schedules/{}_{}", path_part(&subject, "run"), path_part(label, "recurring"))
}

/// The script or flow that is meant: by the answer to the question for it, or else by the request.
fn find(words: &str, request: &Request) -> Result<Option<Found>> {
    let said = [request.answer(WHICH_SCRIPT), Some(words)];
    for words in said.into_iter().flatten() {
        let prefers_own = has_any(words, &["workflow", "flow", "automation"]) || words.contains("u/");
        if prefers_own && let Some(found) = catalog::own(words, &request.user_folder)? {
            return Ok(Some(found));
        }
        if let Some(found) = alone(words) {
            return Ok(Some(found));
        }
        if !prefers_own && let Some(found) = catalog::own(words, &request.user_folder)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The shared script that these words put on a schedule: one that stands alone, or a post.
fn alone(words: &str) -> Option<Found> {
    let post = || catalog::shared(words, Fits::Flow).filter(|found| found.path() == catalog::CREATE_POST);
    catalog::shared(words, Fits::Alone).or_else(post)
}

/// Steps for a workflow of these clauses.
///
/// # Errors
/// As [`run`], and [`Failure::Invalid`] for too many steps.
pub(crate) fn flow(words: &str, request: &Request, context: &Context) -> Result<Plan> {
    let words = if words.trim().is_empty() { request.answer(WHICH_STEPS).unwrap_or_default() } else { words };
    let clauses = joined::clauses(words);
    if clauses.is_empty() {
        let text = "What shall the workflow do, step by step? For example: “creates a post and then schedules it”.";
        return Ok(Plan::ask(Question::new(WHICH_STEPS, text)));
    }
    let mut steps: Vec<Found> = Vec::new();
    let mut questions = Vec::new();
    for (index, clause) in clauses.iter().enumerate() {
        let id = format!("step-{}", index + 1);
        let answer =
            request.answers.iter().rev().find(|answer| answer.question_id == id).map(|answer| answer.text.as_str());
        let clause = answer.unwrap_or(clause);
        let found = match catalog::shared(clause, Fits::Flow) {
            Some(found) => Some(found),
            // A flow inside of a flow is more than every engine runs.
            None => catalog::own(clause, &request.user_folder)?.filter(|found| !found.is_flow()),
        };
        match found {
            Some(found) => steps.push(found),
            // "about cats and dogs" is one clause, and so is "every Monday and Friday".
            None if answer.is_none() && !steps.is_empty() && !begins_with_verb(clause) => {}
            None => {
                let options =
                    catalog::KNOWN.iter().filter(|known| known.fits != Fits::Alone).map(|known| capital(known.title));
                let text = format!("I know no script that does “{clause}”. Which one shall do it?");
                questions.push(Question::new(id, text).options(options));
            }
        }
    }
    if !questions.is_empty() {
        return Ok(Plan::ask_all(questions));
    }
    if steps.len() > joined::MAX_STEPS {
        return Err(Failure::invalid(format!(
            "the workflow has {} steps; at most {} fit into one. Make two workflows of it",
            steps.len(),
            joined::MAX_STEPS
        )));
    }
    if request.when().is_some_and(|when| when.past)
        && steps.iter().any(|step| step.inputs().iter().any(|input| input.name == "atMs"))
    {
        return Ok(Plan::ask(Question::new(
            WHEN,
            "That time has passed. For when shall the workflow schedule the post instead?",
        )));
    }
    let titles: Vec<&str> = steps.iter().map(Found::title).collect();
    let spec = flow_spec(&steps, request, capital(&titles.join(", then ")));
    let path = spec.path.clone();
    let recurring = match request.recurrence() {
        Some(_) if !spec.needs.is_empty() => {
            let needs = spec.needs.iter().map(|name| match name.as_str() {
                "platform" => Question::new("platform", "For which platform?"),
                "topic" => Question::new("topic", "What shall the post be about?"),
                _ => Question::new(
                    WHEN,
                    "For when shall each run schedule its post? A recurring workflow needs one moment.",
                ),
            });
            let mut questions: Vec<Question> = needs.collect();
            questions.dedup_by(|one, other| one.id == other.id);
            return Ok(Plan::ask_all(questions));
        }
        recurrence => recurrence,
    };
    let mut plan = Plan::of([Job::Flow { spec }.into_step()?]);
    if let Some(recurrence) = recurring {
        let target = Target { path, title: "the workflow".into(), is_flow: true, arguments: json!({}) };
        let schedule_path = schedule_path(&request.user_folder, &target, &recurrence.label);
        let second = schedule(schedule_spec(schedule_path, recurrence, target), context)?;
        if !second.questions.is_empty() {
            return Ok(second);
        }
        plan.steps.extend(second.steps);
    }
    Ok(plan)
}

fn begins_with_verb(clause: &str) -> bool {
    const VERBS: &[&str] = &[
        "create",
        "write",
        "make",
        "draft",
        "schedule",
        "post",
        "publish",
        "send",
        "notify",
        "tell",
        "log",
        "record",
        "fetch",
        "get",
        "analyze",
        "analyse",
        "report",
        "generate",
        "run",
        "check",
        "compute",
        "email",
        "upload",
        "download",
        "translate",
        "delete",
        "paint",
        "call",
        "ask",
        "wait",
        "store",
        "save",
        "read",
        "update",
        "import",
        "export",
        "search",
        "summarize",
        "summarise",
    ];
    clause.split_whitespace().next().is_some_and(|first| has_any(first, VERBS))
}

/// Steps for taking something away.
///
/// # Errors
/// As [`run`].
pub(crate) fn cancel(kinds: Kinds, words: &str, request: &Request) -> Result<Plan> {
    let things = manage::things(kinds, &request.user_folder)?;
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
    if has_any(words, &["all", "everything"]) {
        return match request.answer(CONFIRM) {
            None => {
                let text = format!("Shall I cancel all {} of them? {}", things.len(), labels(&things).join("; "));
                Ok(Plan::ask(Question::new(CONFIRM, text).options(["Yes, cancel all", "No, keep them"])))
            }
            Some(answer) if has_any(answer, &["yes", "sure", "ok", "okay", "confirm"]) => {
                Ok(Plan::of([Job::Cancel { things }.into_step()?]))
            }
            Some(_) => Ok(Plan::of([Job::Say { content: "Then everything stays as it is.".into() }.into_step()?])),
        };
    }
    let by_answer = request
        .answer(WHICH_THING)
        .and_then(|answer| manage::matching(&things, answer))
        .filter(|found| !found.is_empty());
    let found = by_answer.or_else(|| manage::matching(&things, words));
    let mut chosen = match (found, things.as_slice()) {
        (Some(found), _) if found.len() == 1 => found,
        // "cancel my schedule" is clear where there is one.
        (None, [only]) => vec![only.clone()],
        (Some(found), _) if found.len() > 1 => return Ok(Plan::ask(which("Which one shall I cancel?", &found))),
        (Some(_), _) => return Ok(Plan::ask(which("None of yours is called so. Which one shall I cancel?", &things))),
        (None, _) => return Ok(Plan::ask(which("Which one shall I cancel?", &things))),
    };
    if chosen[0].is_flow {
        // A schedule of a flow that is gone would fail for ever.
        let schedules = manage::things(Kinds { schedules: true, flows: false }, &request.user_folder)?;
        let flow = chosen[0].path.clone();
        chosen.extend(schedules.into_iter().filter(|schedule| schedule.script_path == flow));
    }
    Ok(Plan::of([Job::Cancel { things: chosen }.into_step()?]))
}

fn which(text: &str, things: &[manage::Thing]) -> Question {
    Question::new(WHICH_THING, text).options(labels(things))
}

fn labels(things: &[manage::Thing]) -> Vec<String> {
    things.iter().map(manage::Thing::label).collect()
}
