//! The bundled skill `workflow-builder`: it turns "every Monday at 9 run the analytics report" into a schedule and "make a workflow that
//! creates a post and then schedules it" into a flow of known scripts; it lists them and takes them away.
//!
//! It writes only below the user's own folder of the workflow engine, and what it makes runs only scripts that exist. It must never write
//! programs of its own.
//!
//! Begin at [`wish`]: what an utterance asks. `catalog` knows the scripts, `inputs` fills what they take, `flow` joins them, `job` is the
//! work of one step, `manage` lists and cancels, `clock` counts time.

mod catalog;
mod clock;
mod flow;
mod inputs;
mod job;
mod manage;
mod text;
mod wish;

use openanalyst_skill::prelude::*;

use catalog::{Fits, Found};
use job::{Job, ScheduleSpec, Target, capital};
use text::{has_any, has_word, path_part};
use wish::{Kinds, Wish};

/// The identifier of this skill, under which its earlier answers stand in the context.
const NAME: &str = "workflow-builder";
/// Nothing runs more often than this.
const SHORTEST_INTERVAL_MS: u64 = 60_000;

const WHEN: &str = "when";
const WHICH_SCRIPT: &str = "script";
const WHICH_STEPS: &str = "steps";
const WHICH_THING: &str = "which";
const CONFIRM: &str = "confirm";

/// The skill.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkflowBuilder;

impl Skill for WorkflowBuilder {
    fn plan(&self, request: &Request, context: &Context) -> Result<Plan> {
        match wish::read(request) {
            Wish::List(kinds) => {
                let job = Job::List { schedules: kinds.schedules, flows: kinds.flows };
                Ok(Plan::of([job.into_step()?]))
            }
            Wish::Cancel(kinds, words) => plan_cancel(kinds, &words, request),
            Wish::Flow(words) => plan_flow(&words, request, context),
            Wish::Run(words) => plan_run(&words, request, context),
        }
    }

    fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
        match inputs.argument::<Option<Job>>("job")? {
            Some(job) => Output::of(&job.run(inputs)?),
            None => run_for_another_skill(self, inputs),
        }
    }

    fn reply(&self, _request: &Request, results: &[StepResult]) -> Result<Reply> {
        let mut parts = Vec::new();
        let mut data = json!({});
        for result in results {
            if result.status != StepStatus::Met && result.output == "null" {
                parts.push(format!("**{}** did not succeed: {}", result.title, result.differences.join("; ")));
                continue;
            }
            let output = results.output(&result.id)?;
            match output["content"].as_str().filter(|_| result.job_id.is_none()) {
                Some(content) => parts.push(content.to_owned()),
                None => parts.push(shown(result, &output)),
            }
            for (name, value) in output.as_object().into_iter().flatten() {
                if matches!(name.as_str(), "schedule" | "flow" | "job" | "schedules" | "flows" | "cancelled") {
                    data[name] = value.clone();
                }
            }
        }
        Reply::text(parts.join("\n\n")).with_data(&data)
    }
}

/// Another skill asks in words; what needs an answer of the user is refused with the question.
fn run_for_another_skill(skill: &WorkflowBuilder, inputs: &Inputs) -> Result<Output> {
    let plan = skill.plan(&inputs.request, &inputs.context)?;
    if let Some(question) = plan.questions.first() {
        return Err(Failure::invalid(format!("this must be said first: {}", question.text)));
    }
    let mut data = json!({});
    let mut parts = Vec::new();
    for step in &plan.steps {
        let job: Job = serde_json_value(step, "job")?;
        let mut output = job.run(inputs)?;
        parts.push(output["content"].as_str().unwrap_or_default().to_owned());
        for (name, value) in output.as_object_mut().into_iter().flatten() {
            data[name] = value.take();
        }
    }
    data["content"] = parts.join("\n\n").into();
    Output::of(&data)
}

fn serde_json_value(step: &Step, name: &str) -> Result<Job> {
    let inputs = step.arguments();
    Output::of(&inputs[name])?.read().map_err(|_| {
        Failure::invalid("running something at once is for users; name the script as a step of your own plan instead")
    })
}

/// The result of a script that was run at once.
fn shown(result: &StepResult, output: &Value) -> String {
    for pointer in ["/report/markdown", "/post/content", "/markdown", "/content"] {
        if let Some(text) = output.pointer(pointer).and_then(Value::as_str) {
            return text.to_owned();
        }
    }
    let job = result.job_id.as_deref().map(|id| format!(" (job `{id}`)")).unwrap_or_default();
    format!("**{}** is done{job}.", result.title)
}

fn plan_run(words: &str, request: &Request, context: &Context) -> Result<Plan> {
    if let Some(spec) = moved(words, request, context) {
        return schedule(spec, context);
    }
    let Some(found) = find(words, request)? else {
        let question =
            Question::new(WHICH_SCRIPT, "What shall run? Name one of these, or a script or workflow of your own.");
        return Ok(Plan::ask(question.options(catalog::schedulable().map(capital))));
    };
    let arguments = match inputs::arguments(found.inputs(), request) {
        Ok(arguments) => arguments,
        Err(questions) => return Ok(Plan::ask_all(questions)),
    };
    let target = Target { path: found.path().into(), title: found.title().into(), is_flow: found.is_flow(), arguments };
    if let Some(recurrence) = request.recurrence() {
        let path = schedule_path(&request.user_folder, &target, &recurrence.label);
        let spec = ScheduleSpec {
            path,
            cron: recurrence.cron,
            time_zone: recurrence.time_zone,
            label: recurrence.label,
            target,
        };
        return schedule(spec, context);
    }
    let said = request.answer(WHEN).unwrap_or(words);
    if has_any(said, &["now", "immediately", "right away", "at once"]) {
        let id = "run";
        let title = format!("Run {}", target.title);
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
            format!("{} has passed. When shall {} run instead?", when.local.replace('T', " at "), target.title),
        ))),
        Some(when) => Ok(Plan::of([Job::Once { target, at_ms: when.at_ms, time_zone: when.time_zone }.into_step()?])),
        None => {
            let question = Question::new(WHEN, format!("When shall {} run?", target.title));
            Ok(Plan::ask(question.options(["every Monday at 9", "every day at 9", "now"])))
        }
    }
}

/// "make it Tuesdays at 10 instead": the schedule of the last answer at another time, in its place.
fn moved(words: &str, request: &Request, context: &Context) -> Option<ScheduleSpec> {
    #[derive(serde::Deserialize)]
    struct Last {
        schedule: ScheduleSpec,
    }
    let recurrence = request.recurrence()?;
    let refers = has_word(words, "instead") || has_word(words, "it") || has_word(words, "that");
    if !refers || catalog::shared(words, Fits::Alone).is_some() {
        return None;
    }
    let last: Last = context.last_data(NAME)?;
    Some(ScheduleSpec {
        cron: recurrence.cron,
        time_zone: recurrence.time_zone,
        label: recurrence.label,
        ..last.schedule
    })
}

/// A schedule that fires at all, and not too often.
fn schedule(spec: ScheduleSpec, context: &Context) -> Result<Plan> {
    let first = clock::next_run_ms(&spec.cron, &spec.time_zone, context.now_ms)?;
    let second = clock::next_run_ms(&spec.cron, &spec.time_zone, first).unwrap_or(u64::MAX);
    if second - first < SHORTEST_INTERVAL_MS {
        let question =
            Question::new(WHEN, "That is more than once a minute, which I do not schedule. How often shall it run?");
        return Ok(Plan::ask(question.options(["every minute", "every hour", "every day at 9"])));
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
        if let Some(found) = catalog::shared(words, Fits::Alone) {
            return Ok(Some(found));
        }
        if !prefers_own && let Some(found) = catalog::own(words, &request.user_folder)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn plan_flow(words: &str, request: &Request, context: &Context) -> Result<Plan> {
    let words = if words.trim().is_empty() { request.answer(WHICH_STEPS).unwrap_or_default() } else { words };
    let clauses = flow::clauses(words);
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
            None => catalog::own(clause, &request.user_folder)?,
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
    if steps.len() > flow::MAX_STEPS {
        return Err(Failure::invalid(format!(
            "the workflow has {} steps; at most {} fit into one. Make two workflows of it",
            steps.len(),
            flow::MAX_STEPS
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
    let flow = flow::build(&steps, request);
    let titles: Vec<String> = steps.iter().map(|step| step.title().to_owned()).collect();
    let summary = capital(&titles.join(", then "));
    let subject = format!("{} {}", titles.join(" "), request.topic().unwrap_or_default());
    let path = format!("{}/flows/{}", request.user_folder, path_part(&subject, "workflow"));
    let recurring = match request.recurrence() {
        Some(_) if !flow.needs.is_empty() => {
            let needs = flow.needs.iter().map(|name| match name.as_str() {
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
    let job =
        Job::Flow { path: path.clone(), summary: summary.clone(), value: flow.value, needs: flow.needs, steps: titles };
    let mut plan = Plan::of([job.into_step()?]);
    if let Some(recurrence) = recurring {
        let target = Target { path, title: "the workflow".into(), is_flow: true, arguments: json!({}) };
        let schedule_path = schedule_path(&request.user_folder, &target, &recurrence.label);
        let spec = ScheduleSpec {
            path: schedule_path,
            cron: recurrence.cron,
            time_zone: recurrence.time_zone,
            label: recurrence.label,
            target,
        };
        let second = schedule(spec, context)?;
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

fn plan_cancel(kinds: Kinds, words: &str, request: &Request) -> Result<Plan> {
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

openanalyst_skill::export_skill!(WorkflowBuilder);
