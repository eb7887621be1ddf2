//! The trait that a skill implements, and the one-function form of it.

use serde::{Deserialize, Serialize};

use crate::output::to_json;
use crate::types::{
    Attempt, Context, Failure, Inputs, Output, Plan, Question, Reply, Request, Step, StepResult, StepStatus,
};
use crate::{Result, Results};

/// A skill. Only [`run`](Skill::run) or [`plan`](Skill::plan) must be written; the other parts have a sensible default.
///
/// A fresh instance serves each call, so `self` carries no state between them.
pub trait Skill {
    /// Makes the steps for a request. Called once for each request, and again when the user answered questions: look at
    /// [`Request::answer`](crate::Request) before asking.
    ///
    /// Default: one step that calls [`run`](Skill::run).
    ///
    /// # Errors
    /// [`Failure::Invalid`] ends the task; where the user can help, return [`Plan::ask`](crate::Plan) instead.
    fn plan(&self, request: &Request, context: &Context) -> Result<Plan> {
        let _ = (request, context);
        Ok(Plan::of([Step::run("answer", "Answer the request")]))
    }

    /// Runs one step whose action is `run`, or a call of this skill by another skill.
    ///
    /// Default: refuses, for skills whose steps are all scripts, flows or other skills.
    ///
    /// # Errors
    /// [`Failure::Failed`] is tried again by the host with the differences in `attempt`; the other kinds are final or wait.
    fn run(&self, step: &Step, inputs: &Inputs, attempt: &Attempt) -> Result<Output> {
        let _ = (inputs, attempt);
        Err(Failure::invalid(format!(
            "this skill has nothing to run for the step `{}`; it only plans steps for others",
            step.id
        )))
    }

    /// Writes the answer from the results, which are in the order of the plan.
    ///
    /// Default: the texts among the results, or what [`OneFunction`] gave, and the differences of the steps that ended badly.
    ///
    /// # Errors
    /// A failure ends the task with it.
    fn reply(&self, request: &Request, results: &[StepResult]) -> Result<Reply> {
        let _ = request;
        default_reply(results)
    }
}

/// A skill made of one function: request and context in, reply out.
///
/// ```
/// use openanalyst_skill::prelude::*;
///
/// fn shout(request: &Request, _context: &Context) -> Result<Reply> {
///     Ok(Reply::text(request.content.to_uppercase()))
/// }
/// openanalyst_skill::export_skill!(OneFunction(shout));
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Copy)]
pub struct OneFunction<F>(pub F);

impl<F> Skill for OneFunction<F>
where
    F: Fn(&Request, &Context) -> Result<Reply>,
{
    fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
        let reply = (self.0)(&inputs.request, &inputs.context)?;
        let carried = Carried {
            content: reply.content,
            data: reply.data.as_deref().map(serde_json::from_str).transpose()?,
            questions: reply
                .questions
                .into_iter()
                .map(|Question { id, text, options }| CarriedQuestion { id, text, options })
                .collect(),
        };
        Ok(Output { result: to_json(&carried)?, summary: None })
    }
}

/// A reply on its way from `run` to `reply`, which are calls of two instances.
#[derive(Serialize, Deserialize)]
struct Carried {
    content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    questions: Vec<CarriedQuestion>,
}

#[derive(Serialize, Deserialize)]
struct CarriedQuestion {
    id: String,
    text: String,
    #[serde(default)]
    options: Vec<String>,
}

fn default_reply(results: &[StepResult]) -> Result<Reply> {
    let mut parts = Vec::new();
    let mut data = None;
    let mut questions = Vec::new();
    for result in results {
        if result.status != StepStatus::Met {
            let why =
                if result.differences.is_empty() { "no reason given".into() } else { result.differences.join("; ") };
            parts.push(format!("**{}** did not succeed: {why}", result.title));
            continue;
        }
        let value = results.output(&result.id)?;
        if let Ok(carried) = serde_json::from_value::<Carried>(value.clone()) {
            parts.push(carried.content);
            data = carried.data.or(data);
            questions.extend(carried.questions.into_iter().map(|CarriedQuestion { id, text, options }| Question {
                id,
                text,
                options,
            }));
        } else if let serde_json::Value::String(text) = value {
            parts.push(text);
        } else {
            parts.push(format!("**{}** is done.", result.title));
        }
    }
    if parts.is_empty() {
        parts.push("There was nothing to do.".into());
    }
    let mut reply = Reply::text(parts.join("\n\n"));
    reply.data = data.map(|value| value.to_string());
    reply.questions = questions;
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn greet(request: &Request, _context: &Context) -> Result<Reply> {
        Reply::text(format!("You said {}.", request.content)).with_data(&serde_json::json!({"n": 1}))
    }

    #[test]
    fn one_function_goes_through_plan_run_and_reply() {
        let skill = OneFunction(greet);
        let request = testing::request("hi");
        let plan = skill.plan(&request, &testing::context()).unwrap();
        assert_eq!(plan.steps.len(), 1);
        let output =
            skill.run(&plan.steps[0], &testing::inputs(&request, &plan.steps[0]), &testing::attempt(1)).unwrap();
        let results = [testing::result(&plan.steps[0], &output)];
        let reply = skill.reply(&request, &results).unwrap();
        assert_eq!(reply.content, "You said hi.");
        assert_eq!(reply.data.as_deref(), Some(r#"{"n":1}"#));
    }

    #[test]
    fn the_default_reply_names_what_went_wrong() {
        let step = Step::run("a", "Count the sheep");
        let mut result = testing::result(&step, &Output::of("unused").unwrap());
        result.status = StepStatus::Failed;
        result.output = "null".into();
        result.differences = vec!["there are no sheep".into()];
        let reply = OneFunction(greet).reply(&testing::request("hi"), &[result]).unwrap();
        assert_eq!(reply.content, "**Count the sheep** did not succeed: there are no sheep");
    }
}
