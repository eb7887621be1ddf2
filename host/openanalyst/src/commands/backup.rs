//! `backup`: the data directory as it is at one moment, while the host runs.
//!
//! The database first, then the packages, then the keys: a package that comes between is one too many, and none is missing.

use std::path::Path;
use std::process::ExitCode;

use openanalyst_store::{Store, StoreOptions};

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::output::say;
use crate::private_file;
use crate::settings::Settings;

/// Writes the backup into a new folder, which can be used as a data directory.
///
/// # Errors
/// The folder is there already and not empty, or cannot be written; the database is a server.
pub async fn run(dir: &Path, settings: &Settings) -> Result<ExitCode, Failure> {
    let options = settings.database()?;
    if let StoreOptions::Postgres { .. } = options {
        return Err(Failure::usage(
            "the database is a PostgreSQL server: back it up with pg_dump and a role that may read every tenant's rows, as \
             docs/operating.md says, and copy the folders `keys` and `packages` of the data directory",
        ));
    }
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::failed(format!("the backup {} cannot be written: {error}", path.display()))
    };
    let data = DataDir::existing(&settings.data_dir.value)?;
    private_file::create_dir(dir).map_err(|error| failed(dir, &error))?;
    if std::fs::read_dir(dir).map_err(|error| failed(dir, &error))?.next().is_some() {
        return Err(Failure::usage(format!("the folder {} is not empty: name a new one", dir.display())));
    }
    let store = Store::open_as_it_is(&options).await?;
    let copied = store.copy_into(&dir.join("openanalyst.db")).await;
    store.close().await;
    copied?;
    let mut files = 1;
    for (from, name) in [(data.packages(), "packages"), (data.keys(), "keys")] {
        files += copy(&from, &dir.join(name)).map_err(|error| failed(&dir.join(name), &error))?;
    }
    let secrets = settings.secrets_key(&data);
    if secrets != data.secrets_key() && secrets.exists() {
        let text = std::fs::read(&secrets).map_err(|error| failed(&secrets, &error))?;
        private_file::write(&dir.join("keys/secrets.key"), text).map_err(|error| failed(dir, &error))?;
        files += 1;
    }
    say!(
        "{}: {files} files. It holds the keys: keep it as safe as the data directory. To restore it, use a copy of it with --data-dir",
        dir.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Copies a folder; gives how many files it had. One that is not there has none.
fn copy(from: &Path, to: &Path) -> std::io::Result<usize> {
    if !from.exists() {
        return Ok(0);
    }
    private_file::create_dir(to)?;
    let mut files = 0;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            files += copy(&entry.path(), &target)?;
        } else if entry.path().extension().is_none_or(|extension| extension != "new") {
            // What ends so is being written at this moment.
            private_file::write(&target, std::fs::read(entry.path())?)?;
            files += 1;
        }
    }
    Ok(files)
}
