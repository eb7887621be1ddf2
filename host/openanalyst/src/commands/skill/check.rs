//! `skill check`: what an upload would say of a folder or a package, by the upload's own code.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use openanalyst_domain::{SystemClock, TenantId};
use openanalyst_registry::RegistryError;

use super::pack;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::Workshop;
use crate::output::{note, say};
use crate::settings::Settings;

/// Runs the command. Exit status 1 if the package is refused.
///
/// Where there is a data directory, what `tenant` has counts too: its skills, settings and versions.
/// Where there is none, nothing is made: the check runs in a temporary one.
///
/// # Errors
/// The folder or file cannot be read or packed; a part of the host cannot be opened.
pub(super) async fn run(path: &Path, tenant: &str, settings: &Settings) -> Result<ExitCode, Failure> {
    let tenant = TenantId::parse(tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?;
    let archive = if path.is_dir() {
        pack::packed(path, None, settings)?.0
    } else {
        std::fs::read(path).map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?
    };
    let temporary;
    let settings = if DataDir::is_one(&settings.data_dir.value) {
        settings
    } else {
        temporary = settings.in_a_temporary_directory()?;
        &temporary.0
    };
    let workshop = Workshop::open(settings, Arc::new(SystemClock)).await?;
    let checked = workshop.registry.check(&tenant, archive.into()).await;
    workshop.store.close().await;
    let checked = match checked {
        Ok(checked) => checked,
        Err(RegistryError::Refused(findings)) => {
            let errors = findings.iter().filter(|finding| finding.is_error()).count();
            for finding in &findings {
                note!("{}: {finding}", if finding.is_error() { "error" } else { "warning" });
            }
            say!("refused: {errors} errors, {} warnings", findings.len() - errors);
            return Ok(ExitCode::FAILURE);
        }
        Err(error @ (RegistryError::WrongState(_) | RegistryError::QuotaExceeded(_))) => {
            note!("error: {error}");
            say!("refused: 1 errors, 0 warnings");
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    for warning in &checked.warnings {
        note!("warning: {warning}");
    }
    say!("{} {}: 0 errors, {} warnings", checked.name, checked.version, checked.warnings.len());
    Ok(ExitCode::SUCCESS)
}
