//! `keys`: the keys that sign this host's tokens.

use std::process::ExitCode;

use openanalyst_identity::LocalKeys;

use crate::cli::KeysCommand;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::output::say;
use crate::settings::Settings;

/// Runs the command.
///
/// # Errors
/// A key cannot be read, made or removed.
pub fn run(command: &KeysCommand, settings: &Settings) -> Result<ExitCode, Failure> {
    let mut keys = LocalKeys::open_or_create(&DataDir::existing(&settings.data_dir.value)?.keys())?;
    match command {
        KeysCommand::List => {
            for (index, id) in keys.key_ids()?.iter().enumerate() {
                say!("{id} {}", if index == 0 { "signs" } else { "earlier" });
            }
        }
        KeysCommand::Rotate => say!("{} signs", keys.rotate()?),
        KeysCommand::Retire { key_id } => {
            keys.retire(key_id)?;
            say!("{key_id} retired: a running host stops believing it within seconds");
        }
    }
    Ok(ExitCode::SUCCESS)
}
