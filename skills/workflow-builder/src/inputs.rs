//! Fills the inputs of a script from what the user said, and asks for what is missing.

use openanalyst_skill::prelude::*;

use crate::catalog::{Input, Source};

/// What is known about an input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filled {
    /// This value.
    Value(Value),
    /// Nothing: the user did not say.
    Missing,
    /// It is known only inside of a flow that runs.
    InFlow,
}

/// What the request says about an input.
pub(crate) fn fill(input: &Input, request: &Request) -> Filled {
    let text = |text: Option<String>| text.map_or(Filled::Missing, |text| Filled::Value(text.into()));
    let answered = |slot: Option<String>, id: &str| slot.or_else(|| named_answer(request, id));
    match input.source {
        Source::Platform => text(answered(request.platform(), "platform").map(|platform| platform.to_lowercase())),
        Source::Topic => text(answered(request.topic(), "topic")),
        Source::Tone => text(request.slot("tone")),
        Source::UserFolder => text(Some(request.user_folder.clone())),
        Source::TimeZone => text(Some(request.time_zone.clone())),
        Source::Local => text(request.when().filter(|when| !when.past).map(|when| when.local)),
        Source::AtMs => {
            request.when().filter(|when| !when.past).map_or(Filled::Missing, |when| Filled::Value(when.at_ms.into()))
        }
        Source::Given => Filled::Missing,
        Source::Fixed(fixed) => text(Some(fixed.into())),
        Source::Now | Source::Key | Source::Content => Filled::InFlow,
    }
}

/// An answer that names this question. Free text is read by the router, not taken as a platform or topic as it stands.
fn named_answer(request: &Request, id: &str) -> Option<String> {
    let answer = request.answers.iter().rev().find(|answer| answer.question_id == id)?;
    let text = answer.text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// All inputs as one object, or the questions for what is missing. For a script that stands alone.
pub(crate) fn arguments(inputs: &[Input], request: &Request) -> std::result::Result<Value, Vec<Question>> {
    let mut arguments = json!({});
    let mut questions = Vec::new();
    for input in inputs {
        match fill(input, request) {
            Filled::Value(value) => arguments[input.name] = value,
            _ if input.required => questions.push(question(input)),
            _ => {}
        }
    }
    if questions.is_empty() { Ok(arguments) } else { Err(questions) }
}

fn question(input: &Input) -> Question {
    match input.source {
        Source::Platform => Question::new("platform", "For which platform?").options([
            "twitter",
            "linkedin",
            "instagram",
            "facebook",
            "threads",
            "mastodon",
            "bluesky",
            "tiktok",
            "youtube",
            "pinterest",
            "reddit",
        ]),
        Source::Topic => Question::new("topic", "What shall it be about?"),
        Source::Local | Source::AtMs => Question::new("when", "For when?"),
        _ => Question::new(input.name, format!("What is its {}?", input.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Fits, shared};
    use openanalyst_skill::testing;

    #[test]
    fn what_was_said_fills_and_what_was_not_is_asked() {
        let inputs = shared("write a post", Fits::Flow).unwrap().inputs();
        let request = testing::request("x").with_slot("platform", "twitter");
        let questions = arguments(inputs, &request).unwrap_err();
        assert_eq!(questions.iter().map(|question| question.id.as_str()).collect::<Vec<_>>(), ["topic"]);
        let request = request.with_answer("topic", "bees");
        let expected = json!({"platform": "twitter", "topic": "bees"});
        assert_eq!(arguments(inputs, &request), Ok(expected));
    }
}
