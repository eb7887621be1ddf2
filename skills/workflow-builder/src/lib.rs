//! The bundled skill `workflow-builder`: it turns "every Monday at 9 run the analytics report" into a schedule and "make a workflow that
//! creates a post and then schedules it" into a flow of known scripts; it lists them and takes them away.
//!
//! It writes only below the user's own folder of the workflow engine, and what it makes runs only scripts that exist. It must never write
//! programs of its own.
//!
//! Begin at `wish`: what an utterance asks. `plan` makes the steps or asks, `follow` those for what is there already, `catalog` knows the scripts, `inputs` fills what they take, `flow` joins them, `job` is the
//! work of one step, `manage` lists, pauses and cancels, `refers` finds which one the words mean, `fires` reads when it runs, `change` moves it, `undo` takes back
//! the last thing, `clock` counts time, `description` lets a language model say in plain words what was made.

mod catalog;
mod change;
mod clock;
mod description;
mod fires;
mod flow;
mod follow;
mod inputs;
mod job;
mod manage;
mod plan;
mod refers;
mod text;
mod undo;
mod wish;

use openanalyst_skill::delivery::missing_channel;
use openanalyst_skill::prelude::*;

use job::Job;
use wish::Wish;

/// The skill.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkflowBuilder;

impl Skill for WorkflowBuilder {
    fn plan(&self, request: &Request, context: &Context) -> Result<Plan> {
        match wish::read(request) {
            Wish::List(kinds, show) => {
                let job = Job::List { schedules: kinds.schedules, flows: kinds.flows, show };
                Ok(Plan::of([job.into_step()?]))
            }
            Wish::Undo => follow::undo(request, context),
            Wish::Switch(on, words) => follow::switch(on, &words, request, context),
            Wish::Cancel(kinds, words) => follow::cancel(kinds, &words, request, context),
            Wish::Flow(words) => with_channel(plan::flow(&words, request, context)?, request),
            Wish::Run(words) => with_channel(plan::run(&words, request, context)?, request),
        }
    }

    fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
        match inputs.argument::<Option<Job>>("job")? {
            Some(job) => Output::of(&job.run(inputs)?),
            None => run_for_another_skill(self, inputs),
        }
    }

    fn reply(&self, request: &Request, results: &[StepResult]) -> Result<Reply> {
        let mut parts = Vec::new();
        let mut data = json!({});
        for result in results {
            if result.status != StepStatus::Met && result.output == "null" {
                parts.push(format!("**{}** did not succeed: {}", result.title, result.differences.join("; ")));
                continue;
            }
            let output = results.output(&result.id)?;
            if result.job_id.is_some() {
                data["undo"] = to_value(&[undo::Undo::cannot(format!("“{}” has run already.", result.title))])?;
            }
            match output["content"].as_str().filter(|_| result.job_id.is_none()) {
                Some(content) => parts.push(content.to_owned()),
                None => parts.push(shown(result, &output)),
            }
            for (name, value) in output.as_object().into_iter().flatten() {
                match (name.as_str(), data.get_mut(name).and_then(Value::as_array_mut), value) {
                    // What several steps did is undone together.
                    ("undo" | "subjects", Some(all), Value::Array(more)) => all.extend(more.iter().cloned()),
                    (
                        "schedule" | "flow" | "job" | "schedules" | "flows" | "cancelled" | "undo" | "undone"
                        | "subjects" | "switched" | "enabled",
                        ..,
                    ) => data[name] = value.clone(),
                    _ => {}
                }
            }
        }
        let described = match data.get("flow") {
            Some(_) => description::write(&parts.join("\n\n"), request),
            None => None,
        };
        if let Some(described) = &described {
            data["description"] = described.text.as_str().into();
            parts.push(described.text.clone());
        }
        let model = described.as_ref().map(|described| described.model.as_str());
        Reply::text(parts.join("\n\n")).with_data(&data)?.made_by(model)
    }
}

/// Says that a way of delivery which the request names does not exist. A script or flow of the user's own may well have it.
fn with_channel(mut plan: Plan, request: &Request) -> Result<Plan> {
    let Some(channel) = missing_channel(&request.content) else { return Ok(plan) };
    if let Some(question) = plan.questions.first_mut() {
        question.text = format!("{} {}", channel.sentence(), question.text);
        return Ok(plan);
    }
    let own = format!("\"{}/", request.user_folder);
    let runs_own = |step: &Step| {
        let target = step.arguments()["job"]["spec"]["target"]["path"].to_string();
        target.starts_with(&own) && !target.contains("/flows/")
    };
    if !plan.steps.iter().any(runs_own) {
        plan.steps.push(Job::Say { content: channel.sentence() }.into_step()?);
    }
    Ok(plan)
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
        let job = planned_job(step)?;
        let mut output = job.run(inputs)?;
        parts.push(output["content"].as_str().unwrap_or_default().to_owned());
        for (name, value) in output.as_object_mut().into_iter().flatten() {
            data[name] = value.take();
        }
    }
    data["content"] = parts.join("\n\n").into();
    Output::of(&data)
}

fn planned_job(step: &Step) -> Result<Job> {
    Output::of(&step.arguments()["job"])?.read().map_err(|_| {
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

openanalyst_skill::export_skill!(WorkflowBuilder);
