//! The bundled skill `social-media`: it writes posts by each platform's rules, schedules and reschedules them, and computes engagement from given numbers.
//!
//! The work is done by the shared scripts under `f/openanalyst/social/`; this crate decides which, with what, and what their results must be like. It remembers
//! each post in the user's memory under `posts/`. It must never publish anything by itself.
//!
//! Begin at `wish`: what the request asks. `plan` makes the steps, `text` lets a language model write where there is one, `summary` sums up what another skill
//! answered, `answer` writes the reply, `rows` reads attached numbers. `goes_on` plans turns that go on from an earlier post, `calendar` those for what is scheduled: `turns` reads them, `history` knows
//! what was answered before, `jobs` are the steps for them.

mod answer;
mod calendar;
mod goes_on;
mod history;
mod jobs;
mod plan;
mod platform;
mod rows;
mod summary;
mod text;
mod turns;
mod wish;

use openanalyst_skill::prelude::*;

use wish::Wish;

/// The skill.
#[derive(Debug, Clone, Copy, Default)]
pub struct SocialMedia;

impl Skill for SocialMedia {
    fn plan(&self, request: &Request, context: &Context) -> Result<Plan> {
        if let Some(plan) = goes_on::plan(request, context)? {
            return Ok(plan);
        }
        match wish::read(request, context) {
            Wish::Ask(questions) => Ok(Plan::ask_all(questions)),
            Wish::Create { posts, when } => plan::create(&posts, when.as_ref(), request, context),
            Wish::Move { earlier, when } => Ok(plan::reschedule(&earlier, &when, request, context)),
            Wish::Analyze => plan::analyze(request),
        }
    }

    /// A step of our own plan names its job; other skills ask for a post: `{"platform", "topic", "tone"?}`.
    fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
        if let Some(job) = inputs.argument::<Option<jobs::Job>>("job")? {
            return Output::of(&job.run(inputs)?);
        }
        let platform: String = inputs.argument("platform")?;
        let topic: String = inputs.argument("topic")?;
        let tone: Option<String> = inputs.argument("tone")?;
        let arguments = json!({ "platform": platform, "topic": topic, "tone": tone });
        Output::of(&windmill::run_script(plan::CREATE_POST, &arguments)?.wait::<Value>()?)
    }

    fn reply(&self, request: &Request, results: &[StepResult]) -> Result<Reply> {
        answer::reply(request, results)
    }
}

openanalyst_skill::export_skill!(SocialMedia);
