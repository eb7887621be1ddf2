//! Where the numbers come from: the user's own memory, the workflow engine, earlier requests, and attached files.

use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::Kind;

/// Most posts and jobs that are read.
const MOST: usize = 500;
/// Most bytes of all files together that go to the script: its arguments are limited.
const MAX_FILE_BYTES: usize = 600 << 10;

/// Reads everything.
pub(crate) fn collect(request: &Request, context: &Context) -> Result<Value> {
    Ok(json!({
        "posts": posts()?,
        "schedules": schedules(&request.user_folder)?,
        "jobs": jobs()?,
        "tasks": tasks(context),
        "files": files(&request.attachments)?,
    }))
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

fn files(attachments: &[Attachment]) -> Result<Vec<Value>> {
    let mut room = MAX_FILE_BYTES;
    let mut files = Vec::new();
    for attachment in attachments {
        let text = attachment.text()?;
        if text.len() > room {
            return Err(Failure::invalid(format!(
                "the attached files have more than {MAX_FILE_BYTES} bytes of text together, {} among them: send less at once",
                attachment.name
            )));
        }
        room -= text.len();
        files.push(json!({ "name": attachment.name, "mediaType": attachment.media_type, "text": text }));
    }
    Ok(files)
}
