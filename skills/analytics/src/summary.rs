//! A summary of the report in words, from a language model, where there is one. Every number in it must stand in the report.

use openanalyst_skill::llm::{self, Checked, Draft, Facts, Written};
use openanalyst_skill::prelude::*;

/// The prompt of the package.
const PROMPT: &str = include_str!("../prompts/default.md");
const TASK: &str = "Summarize the report in one paragraph of two to four plain sentences, in the language of the request: what stands out, \
                    and what is missing. Write numbers in digits and copy them exactly as they stand in the report, with their unit: do not \
                    round, add up, compare by factors or compute anything. Say nothing of causes. Plain text without Markdown.";
const MAX_CHARS: usize = 700;

/// Has the summary written. None without a model, without numbers to speak of, or where a number in it is not in the report.
pub(crate) fn write(report: &str, request: &Request) -> Option<Written> {
    // What stands in tables are the numbers; a report without one says that there are none.
    if !report.contains("\n|") {
        return None;
    }
    let facts = Facts::of([report]);
    let draft = Draft::of(format!("{}\n\n{TASK}", PROMPT.trim()))
        .with_data("report", report)
        .with_data("request", &request.content)
        .with_max_chars(MAX_CHARS);
    draft.write(|text| check(text, &facts))
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
