//! `skill pack`: a folder as a package.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use openanalyst_package::{ArchiveLimits, Findings, Package, SigningKey};

use super::selection::Selection;
use crate::failure::Failure;
use crate::output::{note, say};
use crate::settings::Settings;

/// Makes the `.skill` of a folder, signed where there is a key. Prints each file of it, and what of
/// the folder is left out.
///
/// # Errors
/// The folder is no package, holds a secret, or the file cannot be written.
pub(super) fn run(
    dir: &Path,
    out: Option<&Path>,
    key: Option<&Path>,
    settings: &Settings,
) -> Result<ExitCode, Failure> {
    let (mut archive, package, selection) = packed(dir, key, settings)?;
    for warning in &package.warnings {
        note!("warning: {warning}");
    }
    if let Some(key) = key {
        let key = signing_key(key)?;
        archive =
            openanalyst_package::sign(&archive, &key).map_err(|findings| Failure::failed(findings.to_string()))?;
        note!("signed by {}", key.publisher());
    }
    let out = out.map_or_else(
        || PathBuf::from(format!("{}-{}.skill", package.manifest.name, package.manifest.version)),
        Path::to_owned,
    );
    fs::write(&out, &archive)
        .map_err(|error| Failure::failed(format!("{} cannot be written: {error}", out.display())))?;
    for (path, why) in &selection.left_out {
        note!("left out: {path} ({why})");
    }
    for (path, content) in &selection.files {
        say!("{path} {}", content.len());
    }
    say!("{} sha256:{}", out.display(), openanalyst_package::digest(&archive));
    Ok(ExitCode::SUCCESS)
}

/// The package of a folder, in memory.
///
/// # Errors
/// See [`run`].
pub(super) fn packed(
    dir: &Path,
    key: Option<&Path>,
    settings: &Settings,
) -> Result<(Vec<u8>, Package, Selection), Failure> {
    let selection = Selection::of(dir, key, settings)?;
    let refused = |findings: Findings| Failure::failed(findings.to_string());
    let archive = openanalyst_package::write_archive(&selection.files).map_err(refused)?;
    let package = openanalyst_package::read_archive_looking(&archive, &ArchiveLimits::default(), |_| Vec::new())
        .map_err(refused)?;
    Ok((archive, package, selection))
}

/// The key in a file (PKCS#8 PEM, mode 0600), which is made if it is not there.
fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::failed(format!("the key {} cannot be used: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(pem) => {
            let mode = fs::metadata(path)?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(failed(&format!("others can read it (mode {mode:03o}): run chmod 600 on it")));
            }
            SigningKey::from_pem(&pem).map_err(|_| failed(&"it holds no Ed25519 key in PKCS#8 PEM"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|error| failed(&error))?;
            let key = SigningKey::from_seed(&seed);
            let pem = key.to_pem().map_err(|error| failed(&error))?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(|error| failed(&error))?;
            file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| failed(&error))?;
            note!("made the key {}: keep it, and give its public half to those who shall trust you", path.display());
            Ok(key)
        }
        Err(error) => Err(failed(&error)),
    }
}
