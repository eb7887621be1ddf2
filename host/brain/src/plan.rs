//! The planner's rules: which plans are accepted, and how a step's arguments take up earlier results.
//!
//! Pure. A plan comes from a skill, so nothing in it is believed before it was checked.

use std::collections::{HashMap, HashSet};

use openanalyst_domain::Failure;
use openanalyst_package::Capabilities;
use openanalyst_runtime::contract::{Action, Plan, Step, StepResult};
use serde_json::{Map, Value};

use crate::expect;

/// Most steps of a plan.
const MAX_STEPS: usize = 32;
/// Most expectations of a step.
const MAX_EXPECTATIONS: usize = 32;
/// Most questions of a plan or a reply.
pub(crate) const MAX_QUESTIONS: usize = 10;
/// Most bytes of a step's arguments once earlier results stand in them, as JSON text: what one host
/// call may carry.
pub(crate) const MAX_ARGUMENT_BYTES: usize = 1 << 20;
/// The member that refers to an earlier result.
const REFERENCE: &str = "$from";
/// The argument of a script or flow that says whether a retry may run it again although it ended well.
const RETRYABLE: &str = "$retryable";

/// Checks a plan: sizes, ids, documents, references, and that each step is within the skill's grants.
/// Whether its schemas and patterns can be used, the checker says afterwards.
///
/// # Errors
/// [`Failure::Invalid`] or [`Failure::Denied`], naming the step and what is wrong with it.
pub(crate) fn check(plan: &Plan, grants: &Capabilities, user_folder: &str) -> Result<(), Failure> {
    if plan.steps.len() > MAX_STEPS {
        return Err(invalid(&format!("has {} steps and {MAX_STEPS} is the limit", plan.steps.len())));
    }
    if plan.questions.len() > MAX_QUESTIONS {
        return Err(invalid(&format!("asks {} questions and {MAX_QUESTIONS} is the limit", plan.questions.len())));
    }
    if !plan.questions.is_empty() && !plan.steps.is_empty() {
        return Err(invalid("has both questions and steps: it may have either"));
    }
    let mut earlier = HashSet::new();
    for step in &plan.steps {
        let id = &step.id;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            return Err(invalid(&format!("has the step id `{id}`: use 1 to 64 letters, digits, `-` and `_`")));
        }
        may_run_again(step)?;
        for reference in references(&arguments(step)?) {
            if !earlier.contains(reference.step.as_str()) {
                let what = format!("refers in step `{id}` to `{}`, which is no earlier step", reference.step);
                return Err(invalid(&what));
            }
        }
        if step.expects.len() > MAX_EXPECTATIONS {
            let many = step.expects.len();
            return Err(invalid(&format!(
                "has {many} expectations in step `{id}` and {MAX_EXPECTATIONS} is the limit"
            )));
        }
        for expectation in &step.expects {
            expect::check(expectation).map_err(|what| untestable(id, &what))?;
        }
        if !earlier.insert(id.as_str()) {
            return Err(invalid(&format!("has two steps with the id `{id}`")));
        }
        allowed(step, grants, user_folder)?;
    }
    Ok(())
}

/// A plan that has, in a step, an expectation with which nothing can be tested.
pub(crate) fn untestable(step: &str, what: &str) -> Failure {
    invalid(&format!("has in step `{step}` an expectation that cannot be tested: {what}"))
}

fn invalid(what: &str) -> Failure {
    Failure::invalid(format!("the skill's plan {what}"))
}

/// Checks that a step is within the grants.
///
/// # Errors
/// The missing grant.
pub(crate) fn allowed(step: &Step, grants: &Capabilities, user_folder: &str) -> Result<(), Failure> {
    let denied = |capability: &str, target: &str| {
        Err(Failure::denied(format!(
            "step `{}` needs the capability `{capability}` for `{target}`, which is not granted to this skill: an administrator of the \
             tenant can grant it",
            step.id
        )))
    };
    match &step.action {
        Action::Script(call) | Action::Flow(call) => {
            let own = !grants.windmill.is_empty()
                && call.path.strip_prefix(user_folder).is_some_and(|rest| rest.starts_with('/'));
            if own || grants.allows_path(&call.path) { Ok(()) } else { denied("windmill", &call.path) }
        }
        Action::Skill(call) if !grants.allows_skill(&call.skill) => denied("skills", &call.skill),
        Action::Skill(_) | Action::Run(_) => Ok(()),
    }
}

/// Whether a retry may run the step again although it did what it does, and only its result is not as expected. The changes of a skill's own code and of a called
/// skill are journaled one by one, so they always may; what a script or flow changes nobody can see, so the plan must say so.
///
/// # Errors
/// The plan says something else than true or false.
pub(crate) fn may_run_again(step: &Step) -> Result<bool, Failure> {
    let (Action::Script(call) | Action::Flow(call)) = &step.action else { return Ok(true) };
    match document(step, &call.arguments, true)?.get(RETRYABLE) {
        None => Ok(false),
        Some(Value::Bool(may)) => Ok(*may),
        Some(other) => {
            Err(invalid(&format!("gives step `{}` a `{RETRYABLE}` of {other}: it is true or false", step.id)))
        }
    }
}

/// The arguments of a step's action, references not yet replaced.
///
/// # Errors
/// They are no JSON object.
pub(crate) fn arguments(step: &Step) -> Result<Value, Failure> {
    match &step.action {
        Action::Script(call) | Action::Flow(call) => {
            let mut arguments = document(step, &call.arguments, true)?;
            if let Some(arguments) = arguments.as_object_mut() {
                arguments.remove(RETRYABLE);
            }
            Ok(arguments)
        }
        Action::Skill(call) => document(step, &call.arguments, true),
        Action::Run(arguments) => document(step, arguments, false),
    }
}

fn document(step: &Step, text: &str, must_be_object: bool) -> Result<Value, Failure> {
    let empty = || Value::Object(Map::new());
    let value = if text.trim().is_empty() { Ok(empty()) } else { serde_json::from_str::<Value>(text) };
    match value {
        Ok(Value::Null) if must_be_object => Ok(empty()),
        Ok(value) if must_be_object && !value.is_object() => {
            Err(invalid(&format!("gives step `{}` arguments that are no JSON object", step.id)))
        }
        Ok(value) => Ok(value),
        Err(error) => Err(invalid(&format!("gives step `{}` arguments that are no JSON: {error}", step.id))),
    }
}

struct Reference {
    step: String,
    pointer: String,
}

impl Reference {
    /// `{"$from": "STEP#POINTER"}` and nothing else in the object.
    fn of(value: &Value) -> Option<Self> {
        let object = value.as_object().filter(|object| object.len() == 1)?;
        let text = object.get(REFERENCE)?.as_str()?;
        let (step, pointer) = text.split_once('#').unwrap_or((text, ""));
        Some(Self { step: step.to_owned(), pointer: pointer.to_owned() })
    }
}

fn references(value: &Value) -> Vec<Reference> {
    if let Some(reference) = Reference::of(value) {
        return vec![reference];
    }
    match value {
        Value::Array(list) => list.iter().flat_map(references).collect(),
        Value::Object(members) => members.values().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Replaces every reference by the value that it names. The size of what comes of it is counted
/// before a value is copied, so that a plan cannot fill the memory.
///
/// # Errors
/// [`Failure::Invalid`] where the named value is not there, or the arguments get larger than
/// [`MAX_ARGUMENT_BYTES`]: the same plan would come to the same place again.
pub(crate) fn resolve(value: Value, results: &[StepResult]) -> Result<Value, Failure> {
    let references = references(&value);
    if references.is_empty() {
        return Ok(value);
    }
    // Each result that is referred to is read once.
    let mut outputs: HashMap<&str, Value> = HashMap::new();
    for Reference { step, .. } in &references {
        if let Some(result) = results.iter().find(|result| result.id == *step)
            && !outputs.contains_key(result.id.as_str())
            && let Ok(output) = serde_json::from_str(&result.output)
        {
            outputs.insert(&result.id, output);
        }
    }
    // Many references often name the same value: it is measured once.
    let mut sizes: HashMap<(&str, &str), usize> = HashMap::new();
    let mut bytes = value.to_string().len();
    for Reference { step, pointer } in &references {
        let size = match sizes.get(&(step.as_str(), pointer.as_str())) {
            Some(size) => *size,
            None => {
                let size = named(&outputs, step, pointer)?.to_string().len();
                sizes.insert((step, pointer), size);
                size
            }
        };
        bytes = bytes.saturating_add(size);
        if bytes > MAX_ARGUMENT_BYTES {
            return Err(invalid(&format!(
                "makes arguments of more than {MAX_ARGUMENT_BYTES} bytes of its references to \
                 earlier results: refer to the parts that the step needs"
            )));
        }
    }
    replace(value, &outputs)
}

fn named<'a>(outputs: &'a HashMap<&str, Value>, step: &str, pointer: &str) -> Result<&'a Value, Failure> {
    outputs.get(step).and_then(|output| output.pointer(pointer)).ok_or_else(|| {
        invalid(&format!(
            "refers to `{pointer}` of step `{step}`, whose result has nothing there: expect it \
             there, so that step `{step}` is tried again where it is missing"
        ))
    })
}

fn replace(value: Value, outputs: &HashMap<&str, Value>) -> Result<Value, Failure> {
    if let Some(Reference { step, pointer }) = Reference::of(&value) {
        return named(outputs, &step, &pointer).cloned();
    }
    match value {
        Value::Array(list) => {
            list.into_iter().map(|item| replace(item, outputs)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| Ok((name, replace(member, outputs)?)))
            .collect::<Result<_, _>>()
            .map(Value::Object),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_runtime::contract::{ScriptCall, SkillCall, StepStatus};
    use serde_json::json;

    use super::*;

    fn script(id: &str, path: &str, arguments: &Value) -> Step {
        let call = ScriptCall { path: path.to_owned(), arguments: arguments.to_string() };
        Step { id: id.to_owned(), title: id.to_owned(), action: Action::Script(call), expects: Vec::new() }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan { steps, questions: Vec::new() }
    }

    fn grants() -> Capabilities {
        Capabilities { windmill: vec!["f/social/*".parse().unwrap()], ..Capabilities::none() }
    }

    #[test]
    fn a_plan_is_not_believed() {
        let ok = script("a", "f/social/post", &json!({}));
        let then = script("b", "f/social/post", &json!({"deep": [{"$from": "a#/x"}]}));
        assert_eq!(check(&plan(vec![ok.clone(), then.clone()]), &grants(), "u/ada"), Ok(()));
        let skill = Action::Skill(SkillCall { skill: "other".into(), content: String::new(), arguments: "{}".into() });
        let table = [
            (vec![then.clone(), ok.clone()], "no earlier step"),
            (vec![ok.clone(), ok.clone()], "two steps"),
            (vec![script("a b", "f/social/post", &json!({}))], "step id"),
            (vec![script("", "f/social/post", &json!({}))], "step id"),
            (vec![script("a", "f/social/post", &json!([1]))], "no JSON object"),
            (vec![script("a", "f/other/post", &json!({}))], "windmill"),
            (vec![script("a", "u/bob/post", &json!({}))], "windmill"),
            (vec![script("a", "u/adam/post", &json!({}))], "windmill"),
            (vec![script("a", "f/social/post", &json!({"$retryable": "yes"}))], "it is true or false"),
            (vec![Step { action: skill, ..ok.clone() }], "skills"),
            ((0..33).map(|n| script(&format!("s{n}"), "f/social/post", &json!({}))).collect(), "33 steps"),
        ];
        for (steps, expected) in table {
            let failure = check(&plan(steps), &grants(), "u/ada").unwrap_err();
            assert!(failure.to_string().contains(expected), "{failure} does not say {expected}");
        }
        assert_eq!(check(&plan(vec![script("a", "u/ada/mine", &json!({}))]), &grants(), "u/ada"), Ok(()));
        let nothing = check(&plan(vec![script("a", "u/ada/mine", &json!({}))]), &Capabilities::none(), "u/ada");
        assert!(nothing.is_err(), "without any windmill grant the own folder is closed too");
    }

    #[test]
    fn a_script_runs_again_only_where_the_plan_says_so() {
        let step = |arguments: &Value| script("a", "f/social/post", arguments);
        assert_eq!(may_run_again(&step(&json!({"topic": "AI"}))), Ok(false));
        assert_eq!(may_run_again(&step(&json!({"topic": "AI", "$retryable": false}))), Ok(false));
        let told = step(&json!({"topic": "AI", "$retryable": true}));
        assert_eq!(may_run_again(&told), Ok(true));
        assert_eq!(arguments(&told), Ok(json!({"topic": "AI"})), "the script does not get to see it");
        let own = Step { action: Action::Run("[1]".to_owned()), ..step(&json!({})) };
        assert_eq!(may_run_again(&own), Ok(true));
    }

    #[test]
    fn references_are_counted_before_they_are_copied() {
        let result = |bytes: usize| StepResult {
            id: "a".into(),
            title: String::new(),
            status: StepStatus::Met,
            output: json!({ "big": "x".repeat(bytes) }).to_string(),
            attempts: 1,
            job_id: None,
            differences: Vec::new(),
        };
        let many = |count: usize| json!(vec![json!({ "$from": "a#/big" }); count]);
        let refused = resolve(many(1_000), &[result(900_000)]).unwrap_err();
        assert!(refused.to_string().contains("1048576 bytes"), "{refused}");
        let within = resolve(many(1_000), &[result(1_000)]).unwrap();
        assert_eq!(within.as_array().map(Vec::len), Some(1_000));
        assert!(resolve(many(1_100), &[result(1_000)]).is_err());
    }

    #[test]
    fn references_take_up_results() {
        let results = [StepResult {
            id: "a".into(),
            title: String::new(),
            status: StepStatus::Met,
            output: r#"{"post": {"content": "hello"}}"#.into(),
            attempts: 1,
            job_id: None,
            differences: Vec::new(),
        }];
        let arguments = json!({"text": {"$from": "a#/post/content"}, "all": [{"$from": "a#"}], "plain": {"$from": 1}});
        let resolved = resolve(arguments, &results).unwrap();
        assert_eq!(resolved, json!({"text": "hello", "all": [{"post": {"content": "hello"}}], "plain": {"$from": 1}}));
        let missing = resolve(json!({"$from": "a#/none"}), &results).unwrap_err();
        assert!(missing.to_string().contains("/none"));
    }
}
