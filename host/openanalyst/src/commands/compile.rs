//! `compile`: fills the cache of compiled components in a process of its own.
//!
//! A compiler takes hundreds of MiB and gives few of them back; in a child they go with it, and the server stays small.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use openanalyst_domain::Budget;
use openanalyst_registry::Catalog;
use openanalyst_runtime::{Sandbox, SandboxOptions};

use crate::data_dir::{DataDir, private_dir};
use crate::failure::Failure;
use crate::host::bundled_skills;
use crate::settings::Settings;

/// Runs the command: in the child.
///
/// # Errors
/// A component cannot be compiled.
pub async fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let data = DataDir::open(&settings.data_dir.value)?;
    private_dir(&settings.cache_dir.value)?;
    let sandbox = Sandbox::new(SandboxOptions::new(settings.cache_dir.value.clone(), data.cache_key()?))?;
    Catalog::bundled(bundled_skills(), Budget::default())?.warm(&sandbox).await?;
    openanalyst_workflow::self_check(&sandbox).await.map_err(Failure::failed)?;
    Ok(ExitCode::SUCCESS)
}

/// Has a child fill the cache, once for each build of this program. Where that fails the server compiles by itself: slower, never wrong.
pub(crate) async fn in_a_child(settings: &Settings) {
    let Some((program, mark)) = mark(settings) else { return };
    if mark.exists() {
        return;
    }
    tracing::info!("compiling the bundled components: this happens once");
    let mut child = Command::new(program);
    child.arg("compile").arg("--data-dir").arg(&settings.data_dir.value);
    child.arg("--cache-dir").arg(&settings.cache_dir.value);
    child.stdin(Stdio::null()).stdout(Stdio::null());
    let status = tokio::task::spawn_blocking(move || child.status()).await.unwrap_or_else(|ended| Err(ended.into()));
    match status {
        Ok(status) if status.success() => {
            if let Err(error) = std::fs::write(&mark, "") {
                tracing::warn!(file = %mark.display(), %error, "the next start looks at the compiled components again");
            }
        }
        Ok(status) => {
            tracing::warn!(%status, "the child that compiles components failed: the server compiles them itself")
        }
        Err(error) => {
            tracing::warn!(%error, "no child could be started to compile components: the server compiles them itself")
        }
    }
}

/// The program, and the file that says that this build of it has filled the cache.
fn mark(settings: &Settings) -> Option<(PathBuf, PathBuf)> {
    let program = std::env::current_exe().ok()?;
    let about = program.metadata().ok()?;
    let built = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let name = format!("compiled-{}-{}-{built}", env!("CARGO_PKG_VERSION"), about.len());
    Some((program, settings.cache_dir.value.join(name)))
}
