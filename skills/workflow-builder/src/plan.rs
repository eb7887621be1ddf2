//! Makes the steps for a wish, or asks for what is not clear. It reads what is there; it changes nothing.

use openanalyst_skill::Recurrence;
use openanalyst_skill::prelude::*;

use crate::catalog::{self, Fits, Found};
use crate::flow as joined;
use crate::follow;
use crate::job::{FlowSpec, Job, ScheduleSpec, Target, capital};
use crate::manage::Stored;
use crate::text::{has_any, path_part};
use crate::{inputs, manage};

/// Nothing runs more often than this.
const SHORTEST_INTERVAL_MS: u64 = 60_000;

pub(crate) const WHEN: &str = "when";
const WHICH_SCRIPT: &str = "script";
const WHICH_STEPS: &str = "steps";

/// Steps for something that runs again and again, once later, or now.
///
/// # Errors
/// What the host answers while it is looked for.
pub(crate) fn run(words: &str, request: &Request, context: &Context) -> Result<Plan> {
    if let Some(plan) = follow::changed(words, request, context)? {
        return Ok(plan);
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
    if let Some(Job::Flow { spec }) = before
        && plan.questions.is_empty()
    {
        let job = flow_job(spec)?;
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
    FlowSpec { path, summary, value: flow.value, needs: flow.needs, steps: titles, is_known: false }
}

fn schedule_spec(path: String, recurrence: Recurrence, target: Target) -> ScheduleSpec {
    let Recurrence { cron, time_zone, label, next_ms, notes } = recurrence;
    ScheduleSpec { path, cron, time_zone, label, target, next_ms, notes, before: None }
}

/// A schedule that fires at all, and not too often.
pub(crate) fn schedule(mut spec: ScheduleSpec, context: &Context) -> Result<Plan> {
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
    if spec.before.is_none() {
        spec.before = manage::stored(&spec.path)?.as_ref().and_then(Stored::of).map(Box::new);
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
pub(crate) fn alone(words: &str) -> Option<Found> {
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
    let mut plan = Plan::of([flow_job(spec)?.into_step()?]);
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

/// Stores the flow, knowing whether one stands there already.
fn flow_job(mut spec: FlowSpec) -> Result<Job> {
    let listed = windmill::list(windmill::Kind::Flow, &spec.path)?;
    spec.is_known = listed.iter().any(|item| item.path == spec.path);
    Ok(Job::Flow { spec })
}
