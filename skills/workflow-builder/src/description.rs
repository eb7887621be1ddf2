//! What a workflow does, in plain words, from a language model, where there is one. The workflow itself is made without it.

use openanalyst_skill::llm::{self, Checked, Draft, Facts, Written};
use openanalyst_skill::prelude::*;

/// The prompt of the package for this.
const PROMPT: &str = include_str!("../prompts/describe.md");
const MAX_CHARS: usize = 600;

/// Has the description written. None without a model, or where it speaks of what is not there.
pub(crate) fn write(made: &str, request: &Request) -> Option<Written> {
    let facts = Facts::of([made, request.content.as_str()]);
    let draft =
        Draft::of(PROMPT).with_data("workflow", made).with_data("request", &request.content).with_max_chars(MAX_CHARS);
    draft.write(|text| check(text, &facts))
}

fn check(text: &str, facts: &Facts) -> Checked {
    llm::no_refusal(text)?;
    llm::plain(text, &[])?;
    llm::one_paragraph(text)?;
    // Paths are exact, and stand above.
    if text.contains('`') {
        return Err("it names paths".to_owned());
    }
    facts.about(text)?;
    facts.numbers(text)
}
