//! `usage`: what a user or a tenant keeps, with its limits, and used by day.

use std::process::ExitCode;
use std::time::Duration;

use openanalyst_domain::{Owner, TenantId, UserId};

use crate::cli::Usage;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::{Host, Role};
use crate::output::say;
use crate::settings::Settings;

/// Runs the command.
///
/// # Errors
/// The arguments are wrong, or the host cannot be opened.
pub async fn run(usage: &Usage, settings: &Settings) -> Result<ExitCode, Failure> {
    let tenant = TenantId::parse(&usage.tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?;
    let user = usage.user.as_deref().map(UserId::parse).transpose();
    let user = user.map_err(|error| Failure::usage(format!("--user: {error}")))?;
    DataDir::existing(&settings.data_dir.value)?;
    let host = Host::open(settings, Role::Visitor).await?;
    let view = match user {
        Some(user) => host.brain.user_usage(&Owner::new(tenant, user), usage.days).await,
        None => host.brain.tenant_usage(&tenant, usage.days).await,
    };
    host.close(Duration::from_secs(settings.shutdown_grace_s.value)).await;
    let view = view?;
    if usage.json {
        say!("{}", serde_json::to_string_pretty(&view).map_err(|error| Failure::failed(error.to_string()))?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("{:<12} {:>16} {:>16}  unit", "kind", "used", "limit");
    for (kind, of) in &view.kinds {
        let limit = of.limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
        say!("{kind:<12} {:>16} {limit:>16}  {}", of.used, of.unit);
    }
    for day in &view.days {
        say!("{}: {} invocations, {} ms of CPU time, {} tokens", day.day, day.invocations, day.cpu_ms, day.llm_tokens);
    }
    Ok(ExitCode::SUCCESS)
}
