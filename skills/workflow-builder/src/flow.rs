//! Turns clauses such as "creates a post and then schedules it" into a Windmill flow of known scripts.

use std::collections::BTreeSet;

use openanalyst_skill::prelude::*;

use crate::catalog::{Found, KNOWN, Source};
use crate::inputs::{Filled, fill};

/// Most steps of one flow.
pub(crate) const MAX_STEPS: usize = 16;

/// Joints between the clauses of a workflow, longest first.
const JOINTS: &[&str] = &[
    ", and then ",
    ", then ",
    " and then ",
    " and afterwards ",
    " and finally ",
    ", finally ",
    " after that ",
    "; then ",
    "; ",
    ", and ",
    " then ",
    " and ",
    ", ",
];

/// The clauses of a workflow, in order.
pub(crate) fn clauses(text: &str) -> Vec<String> {
    let mut rest = text.to_owned();
    for joint in JOINTS {
        rest = replace_ignoring_case(&rest, joint, "\n");
    }
    rest.lines()
        .map(|line| line.trim().trim_end_matches(['.', '!']).to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

fn replace_ignoring_case(text: &str, from: &str, to: &str) -> String {
    // ASCII lower case keeps every byte at its place.
    let lower = text.to_ascii_lowercase();
    let mut replaced = String::with_capacity(text.len());
    let mut start = 0;
    for (at, _) in lower.match_indices(from) {
        replaced.push_str(&text[start..at]);
        replaced.push_str(to);
        start = at + from.len();
    }
    replaced.push_str(&text[start..]);
    replaced
}

/// A flow and what it needs when it is run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flow {
    /// Windmill's flow value.
    pub(crate) value: Value,
    /// Names of the members of `flow_input` that the steps read and that must be given.
    pub(crate) needs: Vec<String>,
}

/// Makes the flow of these steps: what the request says becomes a fixed value, what an earlier step gives is taken from it, and the rest
/// becomes an input of the flow.
pub(crate) fn build(steps: &[Found], request: &Request) -> Flow {
    let mut needs = BTreeSet::new();
    let mut modules = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let mut transforms = json!({});
        for input in step.inputs() {
            let transform = match fill(input, request) {
                Filled::Value(value) => json!({ "type": "static", "value": value }),
                Filled::Missing if !input.required => continue,
                Filled::Missing => from_flow(input.name, &mut needs),
                Filled::InFlow => match input.source {
                    Source::Content => javascript(content_before(&steps[..index])),
                    Source::Now => javascript("Date.now()".into()),
                    // One post for one moment: running the flow again for it moves the schedule and makes no second one.
                    _ => javascript(key_of(request, &mut needs)),
                },
            };
            transforms[input.name] = transform;
        }
        let kind = if step.is_flow() { "flow" } else { "script" };
        modules.push(json!({
            "id": id(index),
            "summary": step.title(),
            "value": { "type": kind, "path": step.path(), "input_transforms": transforms },
        }));
    }
    Flow { value: json!({ "modules": modules }), needs: needs.into_iter().collect() }
}

fn javascript(expression: String) -> Value {
    json!({ "type": "javascript", "expr": expression })
}

fn from_flow(name: &str, needs: &mut BTreeSet<String>) -> Value {
    needs.insert(name.to_owned());
    javascript(format!("flow_input.{name}"))
}

/// What the nearest step before gives as text.
fn content_before(earlier: &[Found]) -> String {
    for (index, step) in earlier.iter().enumerate().rev() {
        if let Found::Shared(known) = step
            && !KNOWN[*known].content.is_empty()
        {
            return format!("results.{}.{}", id(index), KNOWN[*known].content);
        }
    }
    if earlier.is_empty() { "flow_input.content".into() } else { "JSON.stringify(previous_result)".into() }
}

fn key_of(request: &Request, needs: &mut BTreeSet<String>) -> String {
    match request.when() {
        Some(when) if !when.past => {
            let digits: String = when.local.chars().filter(char::is_ascii_digit).collect();
            format!("'{digits}'")
        }
        _ => {
            needs.insert("local".to_owned());
            r"flow_input.local.replace(/\D/g, '')".to_owned()
        }
    }
}

/// `a`, `b`, ... as Windmill names the steps of a flow.
fn id(index: usize) -> String {
    // At most MAX_STEPS steps, so the letters suffice.
    char::from(b'a' + u8::try_from(index).unwrap_or(25).min(25)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Fits, shared};
    use openanalyst_skill::testing;

    fn found(words: &[&str]) -> Vec<Found> {
        words.iter().map(|words| shared(words, Fits::Flow).unwrap()).collect()
    }

    #[test]
    fn clauses_are_split_at_their_joints() {
        assert_eq!(clauses("creates a post and then schedules it"), ["creates a post", "schedules it"]);
        assert_eq!(
            clauses("Creates a post, schedules it, AND sends me a message."),
            ["Creates a post", "schedules it", "sends me a message"]
        );
    }

    #[test]
    fn a_post_flows_into_its_schedule() {
        let when = json!({"atMs": 9, "local": "2026-11-24T09:00", "timeZone": "UTC"});
        let request =
            testing::request("x").with_slot("platform", "twitter").with_slot("topic", "AI").with_slot("when", when);
        let flow = build(&found(&["create a post", "schedule it"]), &request);
        assert_eq!(flow.needs, Vec::<String>::new());
        let modules = flow.value["modules"].as_array().unwrap();
        assert_eq!(modules[0]["value"]["path"], "f/openanalyst/social/create_post");
        assert_eq!(modules[0]["value"]["input_transforms"]["topic"], json!({"type": "static", "value": "AI"}));
        let schedule = &modules[1]["value"]["input_transforms"];
        assert_eq!(schedule["content"], json!({"type": "javascript", "expr": "results.a.post.content"}));
        assert_eq!(schedule["key"]["expr"], "'202611240900'");
        assert_eq!(schedule["atMs"], json!({"type": "static", "value": 9}));
    }

    #[test]
    fn what_was_not_said_becomes_an_input() {
        let flow = build(&found(&["create a post", "schedule it", "notify me"]), &testing::request("x"));
        assert_eq!(flow.needs, ["atMs", "local", "platform", "topic"]);
        let message = &flow.value["modules"][2]["value"]["input_transforms"]["content"]["expr"];
        assert_eq!(message, "results.b.schedule.path");
    }
}
