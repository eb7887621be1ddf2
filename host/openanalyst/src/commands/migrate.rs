//! `migrate`: brings the database to this version's schema.

use std::process::ExitCode;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::open_store;
use crate::settings::Settings;

/// Runs the command.
///
/// # Errors
/// The database cannot be opened or brought up; it is as it was then.
pub async fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    DataDir::open(&settings.data_dir.value)?;
    let store = open_store(settings).await?;
    println!("{} has the schema version {}", store.path().display(), store.schema_version().await?);
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
