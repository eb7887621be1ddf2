//! `ask`: one request through the whole pipeline, without a server.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt as _;
use openanalyst_brain::{Answer, Attachment, Brain, NewRequest, TaskView};
use openanalyst_domain::{EventKind, Owner, SessionKey, TaskEvent, TaskId, TaskStatus, TenantId, UserId};
use serde_json::Value;

use crate::cli::Ask;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::{Host, Role};
use crate::output::{note, say};
use crate::settings::Settings;

/// Runs the command.
///
/// # Errors
/// The arguments are wrong, the host cannot start, or the request is not accepted.
pub async fn run(ask: &Ask, settings: &Settings) -> Result<ExitCode, Failure> {
    let wrong = |flag: &str, error: &dyn std::fmt::Display| Failure::usage(format!("{flag}: {error}"));
    let owner = Owner::new(
        TenantId::parse(&ask.tenant).map_err(|error| wrong("--tenant", &error))?,
        UserId::parse(&ask.user).map_err(|error| wrong("--user", &error))?,
    );
    let session = SessionKey::parse(&ask.session).map_err(|error| wrong("--session", &error))?;
    let continued =
        ask.task.as_deref().map(str::parse::<TaskId>).transpose().map_err(|error| wrong("--task", &error))?;
    let attachments = ask.attach.iter().map(attachment).collect::<Result<Vec<_>, _>>()?;
    if continued.is_some() && !attachments.is_empty() {
        return Err(Failure::usage("--attach goes with a new request, not with an answer (--task)"));
    }

    let host = Host::open(settings, Role::Visitor).await?;
    if let Some(warning) = DataDir::openness(&settings.data_dir.value) {
        tracing::warn!("{warning}");
    }
    let asked = converse(&host.brain, &owner, ask, session, continued, attachments).await;
    host.close(Duration::from_secs(settings.shutdown_grace_s.value)).await;
    let task = asked?;

    if ask.json {
        say!("{}", serde_json::to_string_pretty(&task).map_err(|error| Failure::failed(error.to_string()))?);
    } else if let Some(error) = &task.error {
        note!("openanalyst: {} ({})", error.message, error.code);
    } else {
        say!("{}", task.content);
    }
    if task.status == TaskStatus::NeedsClarification {
        note!("to answer: openanalyst ask --task {} \"YOUR ANSWER\"", task.task_id);
    }
    Ok(if task.status == TaskStatus::Completed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn attachment(path: &PathBuf) -> Result<Attachment, Failure> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("--attach {} cannot be read: {error}", path.display())))?;
    Ok(Attachment::from_bytes(name, &bytes))
}

async fn converse(
    brain: &Brain,
    owner: &Owner,
    ask: &Ask,
    session: SessionKey,
    continued: Option<TaskId>,
    attachments: Vec<Attachment>,
) -> Result<TaskView, Failure> {
    let mut after = 0;
    let id = match continued {
        Some(id) => {
            after = brain.task(owner, id).await?.last_seq;
            brain.answer(owner, id, vec![Answer { question_id: "*".to_owned(), text: ask.text.clone() }]).await?;
            id
        }
        None => {
            let request = NewRequest {
                content: ask.text.clone(),
                session,
                attachments,
                idempotency_key: None,
                correlation_id: None,
            };
            brain.accept(owner, request).await?.task
        }
    };
    loop {
        after = show_progress(brain, owner, id, after).await?;
        let task = brain.task(owner, id).await?;
        if task.status != TaskStatus::NeedsClarification || ask.json || !std::io::stdin().is_terminal() {
            return Ok(task);
        }
        let answers = interview(&task)?;
        if answers.is_empty() {
            return Ok(task);
        }
        brain.answer(owner, id, answers).await?;
    }
}

/// Shows what happens on stderr until the task is done or asks. A first Ctrl-C cancels the task.
async fn show_progress(brain: &Brain, owner: &Owner, id: TaskId, after: i64) -> Result<i64, Failure> {
    let mut events = brain.follow(owner, id, after).await?;
    let mut after = after;
    let mut cancelled = false;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = tokio::signal::ctrl_c(), if !cancelled => {
                cancelled = true;
                brain.cancel(owner, id, "interrupted on the command line").await?;
                continue;
            }
        };
        let Some(event) = event.transpose()? else { return Ok(after) };
        after = event.seq;
        if let Some(line) = line_of(&event) {
            // A closed stderr does not stop the work.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        if event.kind == EventKind::Asked {
            return Ok(after);
        }
    }
}

/// One line for people, where an event is worth one.
fn line_of(event: &TaskEvent) -> Option<String> {
    let text = |name: &str| event.data.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| event.data.get(name).and_then(Value::as_u64).unwrap_or_default();
    let step = || format!("[{}/{}] {}", number("step"), number("steps"), text("title"));
    let list = |name: &str| {
        let items = event.data.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
    };
    Some(match event.kind {
        EventKind::Routed => {
            let confidence = event.data.get("confidence").and_then(Value::as_f64).unwrap_or_default();
            format!("skill {} ({:.0} %): {}", text("skill"), confidence * 100.0, list("reasons"))
        }
        EventKind::Preparing => text("message").to_owned(),
        EventKind::StepStarted => step(),
        EventKind::JobStarted => format!("{}: {} as job {}", step(), text("path"), text("jobId")),
        EventKind::Progress => format!("{}: {} {}", step(), text("message"), number("percent")),
        EventKind::Evaluated if event.data.get("met") == Some(&Value::Bool(true)) => format!("{}: done", step()),
        EventKind::Evaluated => format!("{}: not yet: {}", step(), list("differences")),
        EventKind::Retrying => format!("{}: attempt {} of {}", step(), number("attempt"), number("attempts")),
        EventKind::Recovered => "taken up again".to_owned(),
        _ => return None,
    })
}

/// Asks the task's questions on the terminal. Empty: the user gave none.
fn interview(task: &TaskView) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::new();
    for question in &task.questions {
        let options =
            if question.options.is_empty() { String::new() } else { format!(" ({})", question.options.join(", ")) };
        eprint!("{}{options}\n> ", question.text);
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(Vec::new());
        }
        let text = line.trim().to_owned();
        if !text.is_empty() {
            answers.push(Answer { question_id: question.id.clone(), text });
        }
    }
    Ok(answers)
}
