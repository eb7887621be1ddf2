//! Where the numbers come from: the user's own memory, the workflow engine, earlier requests, and attached files.

use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::Kind;

use crate::{files, question};

/// Most posts and jobs that are read.
const MOST: usize = 500;

/// Words for the user's own records here.
const OWN_RECORDS: [&str; 4] = ["my jobs", "my schedules", "my requests", "my posts"];

/// Whether the user's own records are wanted: not beside a file, unless they are named.
pub(crate) fn wants_own_records(request: &Request) -> bool {
    let said = request.content.to_lowercase();
    request.attachments.is_empty() || OWN_RECORDS.iter().any(|words| said.contains(words))
}

/// Reads everything.
pub(crate) fn collect(request: &Request, context: &Context) -> Result<Value> {
    let (tables, problems) = files::tables(request)?;
    let mut collected = json!({
        "posts": [], "schedules": [], "jobs": [], "tasks": [],
        "tables": tables.iter().map(files::as_value).collect::<Vec<_>>(),
        "problems": problems,
        "answers": question::answers(&request.content, &tables),
    });
    if wants_own_records(request) {
        collected["posts"] = posts()?.into();
        collected["schedules"] = schedules(&request.user_folder)?.into();
        collected["jobs"] = jobs()?.into();
        collected["tasks"] = tasks(context).into();
    }
    Ok(collected)
}

fn posts() -> Result<Vec<Value>> {
    let entries = memory::user().list("posts/")?;
    Ok(entries.into_iter().take(MOST).map(|entry| entry.value).collect())
}

fn schedules(user_folder: &str) -> Result<Vec<Value>> {
    let items = windmill::list(Kind::Schedule, &format!("{user_folder}/"))?;
    Ok(items.iter().map(windmill::Item::details).collect())
}

fn jobs() -> Result<Vec<Value>> {
    let items = windmill::list(Kind::Job, "")?;
    Ok(items
        .iter()
        .take(MOST)
        .map(|item| json!({ "path": item.summary, "status": item.details()["status"], "createdAtMs": item.updated_at_ms }))
        .collect())
}

fn tasks(context: &Context) -> Vec<Value> {
    let task = |task: &openanalyst_skill::types::TaskSummary| {
        json!({
            "status": task.status, "skill": task.skill, "acceptedAtMs": task.accepted_at_ms, "durationMs": task.duration_ms,
        })
    };
    context.recent_tasks.iter().map(task).collect()
}
