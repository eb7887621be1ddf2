//! `migrate`: brings the database to this version's schema.

use std::process::ExitCode;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::open_store;
use crate::output::say;
use crate::settings::Settings;
use openanalyst_store::Store;

/// The database in a sentence: its file, or its kind.
fn place(store: &Store) -> String {
    store.path().map_or_else(|| format!("the {} database", store.kind()), |path| path.display().to_string())
}

/// Runs the command.
///
/// # Errors
/// The database cannot be opened or brought up; it is as it was then.
pub async fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    DataDir::open(&settings.data_dir.value)?;
    let store = open_store(settings).await?;
    say!("{} has the schema version {}", place(&store), store.schema_version().await?);
    // A file of an earlier version is written anew once, which needs its size on the disk again.
    let rebuilt = store.rebuild().await;
    store.close().await;
    if rebuilt? {
        say!("the file was written anew: from now on it gives disk space back");
    }
    Ok(ExitCode::SUCCESS)
}
