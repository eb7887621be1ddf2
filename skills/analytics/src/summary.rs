//! A summary of the report in words, from a language model, where there is one. Every number in it must stand in the report.

use openanalyst_skill::llm::{self, Checked, Draft, Facts, Written};
use openanalyst_skill::prelude::*;
use openanalyst_skill::types::Learning;

/// The prompt of the package.
const PROMPT: &str = include_str!("../prompts/default.md");
const TASK: &str = "Summarize the report in one paragraph of two to four plain sentences, in the language of the request: what stands out, \
                    and what is missing. Write numbers in digits and copy them exactly as they stand in the report, with their unit: do not \
                    round, add up, compare by factors or compute anything. Say nothing of causes. Plain text without Markdown.";
const MAX_CHARS: usize = 700;

/// Has the summary written. None without a model, without numbers to speak of, or where a number in it is not in the report.
pub(crate) fn write(report: &str, request: &Request, lessons: &Value) -> Option<Written> {
    // What stands in tables are the numbers; a report without one says that there are none.
    if !report.contains("\n|") {
        return None;
    }
    let facts = Facts::of([report]);
    let draft = Draft::of(format!("{}\n\n{TASK}", PROMPT.trim()))
        .with_data("report", report)
        .with_data("request", &request.content)
        .with_learnings(&learnings_of(lessons))
        .with_max_chars(MAX_CHARS);
    draft.write(|text| check(text, &facts))
}

/// As much of what the host knows of such requests as a prompt holds, as a value that a step can hand on.
pub(crate) fn lessons(context: &Context) -> Value {
    let kept = |is_failure: bool| {
        let of = context.learnings.iter().filter(move |learning| (learning.source == "failure") == is_failure);
        of.take(llm::MAX_LESSONS)
    };
    let lesson = |learning: &Learning| json!({ "content": learning.content, "source": learning.source });
    kept(true).chain(kept(false)).map(lesson).collect()
}

fn learnings_of(lessons: &Value) -> Vec<Learning> {
    let text = |lesson: &Value, name: &str| lesson[name].as_str().unwrap_or_default().to_owned();
    let learning =
        |lesson: &Value| Learning { content: text(lesson, "content"), source: text(lesson, "source"), at_ms: 0 };
    lessons.as_array().into_iter().flatten().map(learning).collect()
}

fn check(text: &str, facts: &Facts) -> Checked {
    llm::no_refusal(text)?;
    llm::plain(text, &[])?;
    llm::one_paragraph(text)?;
    facts.about(text)?;
    facts.numbers(text)?;
    facts.number_words(text)
}

/// The report with the summary below its heading.
pub(crate) fn above(summary: &str, report: &str) -> String {
    match report.split_once('\n') {
        Some((heading, rest)) => format!("{heading}\n\n{summary}\n{rest}"),
        None => format!("{report}\n\n{summary}\n"),
    }
}
