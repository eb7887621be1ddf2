//! `task export` and `replay`: a finished task as one file, and running it again from there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_brain::replay::{RecordedSkill, TaskRecording, replay as run_again};
use openanalyst_domain::{Owner, TaskId, TenantId, UserId};
use openanalyst_runtime::{Sandbox, SandboxOptions};

use super::compile;
use crate::cli::TaskCommand;
use crate::data_dir::{DataDir, private_dir};
use crate::failure::Failure;
use crate::host::{Host, Role};
use crate::output::say;
use crate::settings::Settings;

/// Writes a finished task into a file.
///
/// # Errors
/// There is no such task, it has not ended, or the file cannot be written.
pub async fn export(command: &TaskCommand, settings: &Settings) -> Result<ExitCode, Failure> {
    let TaskCommand::Export { id, out, tenant, user } = command;
    let owner = owner(tenant, user)?;
    let id: TaskId = id.parse().map_err(|error| Failure::usage(format!("`{id}`: {error}")))?;
    DataDir::existing(&settings.data_dir.value)?;
    let host = Host::open(settings, Role::Visitor).await?;
    let recorded = host.brain.recording(&owner, id).await;
    host.close(Duration::from_secs(settings.shutdown_grace_s.value)).await;
    let recorded = recorded?;
    let file = out.clone().unwrap_or_else(|| PathBuf::from(format!("task-{id}.json")));
    let text = serde_json::to_string_pretty(&recorded).map_err(|error| Failure::failed(error.to_string()))?;
    let skills: Vec<&str> = recorded.skills.iter().map(|skill| skill.name.as_str()).collect();
    crate::private_file::write(&file, text)
        .map_err(|error| Failure::failed(format!("{} cannot be written: {error}", file.display())))?;
    say!(
        "{}: {} invocations of {}, {} texts replaced. What was asked and answered stands in it: look at it before you hand it on",
        file.display(),
        recorded.invocations.len(),
        skills.join(", "),
        recorded.replaced
    );
    Ok(ExitCode::SUCCESS)
}

/// Runs a recorded task again, and says what differs. Needs no data directory but for the cache of compiled components.
///
/// # Errors
/// The file cannot be read or used.
pub async fn replay(
    file: &Path,
    component: Option<&Path>,
    skill: Option<&str>,
    settings: &Settings,
) -> Result<ExitCode, Failure> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))
    };
    let mut recorded = TaskRecording::read(&read(file)?)
        .map_err(|failure| Failure::usage(format!("{}: {failure}", file.display())))?;
    if let Some(component) = component {
        let bytes = read(component)?;
        let other = chosen(&mut recorded.skills, skill)?;
        other.component_blake3 = blake3::hash(&bytes).to_hex().to_string();
        other.component = STANDARD.encode(bytes);
    }
    let data = DataDir::open(&settings.data_dir.value)?;
    private_dir(&settings.cache_dir.value)?;
    let mut options = SandboxOptions::new(settings.cache_dir.value.clone(), data.cache_key()?);
    options.pool_instances = 2;
    options.compiler = Some(compile::in_a_child());
    let sandbox = Sandbox::new(options)?;
    let replayed = run_again(&sandbox, &recorded).await.map_err(|failure| Failure::failed(failure.to_string()))?;
    say!("task {} ({})", recorded.task_id, recorded.status);
    let mut same = true;
    let mut of = None;
    for (one, invoked) in replayed.iter().zip(&recorded.invocations) {
        if of.replace(invoked.skill) != Some(invoked.skill)
            && let Some(skill) = recorded.skills.get(invoked.skill)
        {
            say!("skill {} {}", skill.name, skill.version.as_deref().unwrap_or_default());
        }
        let verdict = one.difference.as_deref().unwrap_or("as recorded");
        let ended = if invoked.recording.failed.is_some() { " (a failure)" } else { "" };
        say!("{:<24} {:<6} {:>4} host calls  {verdict}{ended}", invoked.place, invoked.input.export(), one.host_calls);
        for line in &one.logs {
            say!("    {:?}: {}", line.level, line.message);
        }
        same &= one.difference.is_none();
    }
    if replayed.is_empty() {
        return Err(Failure::failed("nothing of this task was run in the sandbox, so there is nothing to compare"));
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The skill whose component is replaced: the one that is named, or the only one.
fn chosen<'a>(skills: &'a mut [RecordedSkill], name: Option<&str>) -> Result<&'a mut RecordedSkill, Failure> {
    let names = skills.iter().map(|skill| format!("`{}`", skill.name)).collect::<Vec<_>>().join(", ");
    let at = match (name, skills.len()) {
        (None, 1) => Some(0),
        (None, _) => {
            return Err(Failure::usage(format!(
                "several skills worked on this task: say with --skill whose component it is, one of {names}"
            )));
        }
        (Some(name), _) => skills.iter().position(|skill| skill.name == name),
    };
    at.and_then(|at| skills.get_mut(at))
        .ok_or_else(|| Failure::usage(format!("--skill names none of the skills that worked on this task: {names}")))
}

pub(super) fn owner(tenant: &str, user: &str) -> Result<Owner, Failure> {
    Ok(Owner::new(
        TenantId::parse(tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?,
        UserId::parse(user).map_err(|error| Failure::usage(format!("--user: {error}")))?,
    ))
}
