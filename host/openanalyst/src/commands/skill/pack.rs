//! `skill pack` and `skill check`: a folder as a package, and what an upload would say of it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use openanalyst_package::{ArchiveLimits, Finding, Severity, SigningKey};

use crate::failure::Failure;

/// Folders and files that are never part of a package.
const LEFT_OUT: &[&str] = &["target", "node_modules", ".git", "Cargo.lock"];
/// Most files that are looked at.
const MAX_FILES: usize = 10_000;

/// Makes the `.skill` of a folder, signed where there is a key.
///
/// # Errors
/// The folder is no package, or the file cannot be written.
pub(super) fn run(dir: &Path, out: Option<&Path>, key: Option<&Path>) -> Result<ExitCode, Failure> {
    let (mut archive, package) = packed(dir)?;
    if let Some(key) = key {
        let key = signing_key(key)?;
        archive =
            openanalyst_package::sign(&archive, &key).map_err(|findings| Failure::failed(findings.to_string()))?;
        eprintln!("signed by {}", key.publisher());
    }
    let out = out.map_or_else(
        || PathBuf::from(format!("{}-{}.skill", package.manifest.name, package.manifest.version)),
        Path::to_owned,
    );
    fs::write(&out, &archive)
        .map_err(|error| Failure::failed(format!("{} cannot be written: {error}", out.display())))?;
    println!("{} sha256:{}", out.display(), openanalyst_package::digest(&archive));
    Ok(ExitCode::SUCCESS)
}

/// Says what an upload would say, as far as that can be known without the tenant.
///
/// # Errors
/// The folder or file is refused; the message holds every finding.
pub(super) fn check(path: &Path) -> Result<ExitCode, Failure> {
    let package = if path.is_dir() {
        packed(path)?.1
    } else {
        let archive =
            fs::read(path).map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?;
        openanalyst_package::read_archive(&archive, &ArchiveLimits::default())
            .map_err(|findings| Failure::failed(findings.to_string()))?
    };
    let mut findings = package.warnings.clone();
    if let Err(finding) = openanalyst_package::publisher_of(&package) {
        findings.push(finding);
    }
    if let Some(component) = &package.component {
        match openanalyst_runtime::inspect_component(component) {
            Ok(imports) => findings.extend(openanalyst_package::check_imports(&package.manifest, &imports)),
            Err(error) => findings.push(Finding::error(error.code(), error.to_string()).at("skill.wasm", None)),
        }
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    for finding in &findings {
        eprintln!("{}: {finding}", if finding.severity == Severity::Error { "error" } else { "warning" });
    }
    println!(
        "{} {}: {errors} errors, {} warnings",
        package.manifest.name,
        package.manifest.version,
        findings.len() - errors
    );
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn packed(dir: &Path) -> Result<(Vec<u8>, openanalyst_package::Package), Failure> {
    let mut files = BTreeMap::new();
    collect(dir, dir, &mut files)?;
    if !files.contains_key("SKILL.md") {
        return Err(Failure::usage(format!("{} holds no SKILL.md: name the folder of a skill", dir.display())));
    }
    let refused = |findings: openanalyst_package::Findings| Failure::failed(findings.to_string());
    let archive = openanalyst_package::write_archive(&files).map_err(refused)?;
    let package = openanalyst_package::read_archive(&archive, &ArchiveLimits::default()).map_err(refused)?;
    Ok((archive, package))
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    let unreadable =
        |path: &Path, error: std::io::Error| Failure::failed(format!("{} cannot be read: {error}", path.display()));
    for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, error))? {
        let entry = entry.map_err(|error| unreadable(dir, error))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // Sources and what builds them are not needed to run.
        let left_out = name.starts_with('.')
            || LEFT_OUT.contains(&name.as_str())
            || name.ends_with(".skill")
            || name.ends_with(".pem");
        let kind = entry.file_type().map_err(|error| unreadable(&path, error))?;
        if left_out || kind.is_symlink() {
            continue;
        }
        if kind.is_dir() {
            collect(root, &path, files)?;
        } else {
            let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(inside, fs::read(&path).map_err(|error| unreadable(&path, error))?);
        }
        if files.len() > MAX_FILES {
            return Err(Failure::usage(format!(
                "{} holds more than {MAX_FILES} files: name the folder of a skill",
                root.display()
            )));
        }
    }
    Ok(())
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
            eprintln!(
                "made the key {}: keep it, and give its public half to those who shall trust you",
                path.display()
            );
            Ok(key)
        }
        Err(error) => Err(failed(&error)),
    }
}
