//! The bundled skill `analytics`: a report from what is really there, and only from that.
//!
//! Three steps: `collect` reads the user's own posts, schedules, jobs and requests, and the attached files; the script `fetch_metrics` computes; the script
//! `generate_report` writes. It never invents a number: each one names its source, and what is missing is said. Where there is a language model,
//! a summary in words stands above the report.
//!
//! Files are read by `openanalyst-tables`: where nothing tells how their numbers are meant, the plan asks. An answer about a
//! file is about the file: the user's own records here come after it, and only where they are named.
//!
//! Begin at `plan`; `collect` and `files` hold where the numbers come from, `question` answers what was asked of a column,
//! `summary` what a model may say of them.

mod collect;
mod files;
mod question;
mod summary;

use openanalyst_skill::delivery::missing_channel;
use openanalyst_skill::prelude::*;

const FETCH_METRICS: &str = "f/openanalyst/analytics/fetch_metrics";
const GENERATE_REPORT: &str = "f/openanalyst/analytics/generate_report";
/// The title where the user gives none.
const TITLE: &str = "Analytics report";

/// The skill.
#[derive(Debug, Clone, Copy, Default)]
pub struct Analytics;

impl Skill for Analytics {
    fn plan(&self, request: &Request, context: &Context) -> Result<Plan> {
        let questions = files::questions(request);
        if !questions.is_empty() {
            return Ok(Plan::ask_all(questions));
        }
        let collect = Step::run("collect", "Collect your numbers")
            .expect(expect::present("/posts", "your posts were read"))
            .expect(expect::present("/jobs", "your jobs were read"));
        let mut metrics = Step::script("metrics", "Compute the metrics", FETCH_METRICS).retryable();
        for source in ["posts", "schedules", "jobs", "tasks", "tables", "problems"] {
            metrics = metrics.arg_from(source, format!("collect#/{source}"));
        }
        let range =
            request.range().map(|range| json!({ "fromMs": range.from_ms, "toMs": range.to_ms, "label": range.label }));
        let metrics = metrics
            .arg_if("range", range.clone())
            .expect(expect::present("/metrics", "there are metrics"))
            .expect(expect::present("/missing", "what is missing is named"));
        let report = Step::script("report", "Write the report", GENERATE_REPORT)
            .retryable()
            .arg("title", title(request))
            .arg_from("metrics", "metrics#/metrics")
            .arg_from("tables", "metrics#/tables")
            .arg_from("missing", "metrics#/missing")
            .arg_from("answers", "collect#/answers")
            .arg_if("range", range)
            .arg_if("displayName", context.display_name.as_deref())
            .expect(expect::matches("/report/markdown", "^# ", "the report has a heading"));
        Ok(Plan::of([collect, metrics, report]))
    }

    fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
        let mut collected = collect::collect(&inputs.request, &inputs.context)?;
        // The reply has no context, and a summary shall not repeat what went wrong before.
        collected["lessons"] = summary::lessons(&inputs.context);
        Output::of(&collected)
    }

    fn reply(&self, request: &Request, results: &[StepResult]) -> Result<Reply> {
        let report = results.output("report")?["report"].clone();
        let markdown = report["markdown"].as_str().unwrap_or_default();
        let lessons = results.output("collect").map(|collected| collected["lessons"].clone()).unwrap_or_default();
        let summary = summary::write(markdown, request, &lessons);
        let mut text = match &summary {
            Some(summary) => summary::above(&summary.text, markdown),
            None => markdown.to_owned(),
        };
        if let Some(channel) = missing_channel(&request.content) {
            text.push_str(&format!("\n{}\n", channel.sentence()));
        }
        let jobs: Vec<String> =
            results.iter().filter_map(|result| result.job_id.as_ref()).map(|id| format!("`{id}`")).collect();
        if !jobs.is_empty() {
            text.push_str(&format!("\nJobs: {}.", jobs.join(", ")));
        }
        let mut data = json!({ "report": report });
        if let Some(summary) = &summary {
            data["summary"] = summary.text.as_str().into();
        }
        Reply::text(text).with_data(&data)?.made_by(summary.as_ref().map(|summary| summary.model.as_str()))
    }
}

/// The files, where there are any; else the topic, where the user names one.
fn title(request: &Request) -> String {
    let files: Vec<&str> = request.attachments.iter().map(|file| file.name.as_str()).collect();
    match (files.as_slice(), request.topic()) {
        ([file], _) => format!("{TITLE}: {file}"),
        ([_, _, ..], _) => format!("{TITLE}: {} files", files.len()),
        ([], Some(topic)) if topic.chars().count() <= 80 => format!("{TITLE}: {topic}"),
        ([], _) => TITLE.to_owned(),
    }
}

openanalyst_skill::export_skill!(Analytics);
