//! `.skill` archives: read without trusting a byte of them, written so that the same files give the
//! same bytes.

mod survey;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};

use openanalyst_domain::Digest;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

pub(crate) use survey::Entry;
use survey::{PATH_RULE, is_safe, survey};

use crate::body::workflow_file;
use crate::finding::{Finding, Findings};
use crate::manifest::{Manifest, SKILL_MD, parse_skill_md};
use crate::{layout, private_data, secrets};

/// The name of the component.
pub const SKILL_WASM: &str = "skill.wasm";
/// Where the prompt may stand instead of a section of `SKILL.md`.
const DEFAULT_PROMPT: &str = "prompts/default.md";

/// What an archive may be.
#[derive(Debug, Clone)]
pub struct ArchiveLimits {
    /// Most bytes of the archive.
    pub archive_bytes: usize,
    /// Most bytes of the component.
    pub component_bytes: u64,
    /// Most bytes of any other file.
    pub file_bytes: u64,
    /// Most bytes of everything unpacked.
    pub total_bytes: u64,
    /// Most entries.
    pub entries: usize,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            archive_bytes: 48 << 20,
            component_bytes: 32 << 20,
            file_bytes: 8 << 20,
            total_bytes: 64 << 20,
            entries: 2_000,
        }
    }
}

/// A package that was read and checked.
#[derive(Debug, Clone)]
pub struct Package {
    /// What its `SKILL.md` says, completed from `prompts/` and `workflows/`.
    pub manifest: Manifest,
    /// The SHA-256 of the archive: the name of this version.
    pub digest: Digest,
    /// `skill.wasm`. None: a prompt skill.
    pub component: Option<Vec<u8>>,
    /// The other files, `SKILL.md` among them, by path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What is strange about it, but does not stop it.
    pub warnings: Vec<Finding>,
}

/// The digest of a package's bytes.
#[must_use]
pub fn digest(archive: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(archive).into())
}

/// Reads an archive.
///
/// Nothing is unpacked before its path and its declared size were checked, and what is unpacked is cut off at the declared size.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_archive(bytes: &[u8], limits: &ArchiveLimits) -> Result<Package, Findings> {
    let Unpacked { files, component, mut warnings } = unpack(bytes, limits)?;
    let package = assemble(files, digest(bytes))?;
    warnings.extend(package.warnings);
    Ok(Package { component, warnings, ..package })
}

/// Reads an archive that somebody hands in. Refuses more than [`read_archive`]: what holds a secret
/// or private data, and a component under another name. Where something is refused, `look` still sees the component,
/// so that an author hears of everything at once.
///
/// # Errors
/// See [`read_archive`]; with what `look` found.
pub fn read_archive_looking(
    bytes: &[u8],
    limits: &ArchiveLimits,
    look: impl FnOnce(&[u8]) -> Vec<Finding>,
) -> Result<Package, Findings> {
    let Unpacked { files, component, warnings } = unpack(bytes, limits)?;
    let all = || files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    let mut findings = warnings;
    findings.extend(secrets::find(all()));
    findings.extend(private_data::find(all()));
    if component.is_none() {
        findings.extend(layout::misnamed_component(all()));
    }
    match (assemble(files, digest(bytes)), Findings::check(findings)) {
        (Ok(package), Ok(mut warnings)) => {
            warnings.extend(package.warnings);
            Ok(Package { component, warnings, ..package })
        }
        (texts, about_files) => {
            let mut findings = texts.map_or_else(|Findings(found)| found, |package| package.warnings);
            findings.extend(about_files.unwrap_or_else(|Findings(found)| found));
            findings.extend(component.as_deref().map(look).unwrap_or_default());
            Err(Findings(findings))
        }
    }
}

struct Unpacked {
    files: BTreeMap<String, Vec<u8>>,
    component: Option<Vec<u8>>,
    warnings: Vec<Finding>,
}

fn unpack(bytes: &[u8], limits: &ArchiveLimits) -> Result<Unpacked, Findings> {
    if bytes.len() > limits.archive_bytes {
        let message = format!("the package has {} bytes and {} is the limit", bytes.len(), limits.archive_bytes);
        return Err(Finding::error("package-too-large", message).into());
    }
    let unreadable = |error: zip::result::ZipError| {
        let message = format!("the package is no zip archive that can be read: {error}. Make it with `skill pack`");
        Finding::error("not-an-archive", message)
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let (plan, warnings) = survey(bytes, &mut archive, limits)?;
    let mut files = BTreeMap::new();
    let mut findings = Vec::new();
    for entry in plan {
        let mut file = archive.by_index(entry.index).map_err(unreadable)?;
        let mut content = Vec::new();
        // One byte more than declared is enough to see that the declaration was wrong.
        match file.by_ref().take(entry.size + 1).read_to_end(&mut content) {
            Ok(_) if content.len() as u64 == entry.size => {
                files.insert(entry.path, content);
            }
            Ok(_) => {
                let size = entry.size;
                let message = format!("unpacks to another size than the {size} bytes that it declares");
                findings.push(Finding::error("size-mismatch", message).at(&entry.path, None));
            }
            Err(error) => {
                let message = format!("cannot be unpacked: {error}");
                findings.push(Finding::error("damaged-entry", message).at(&entry.path, None));
            }
        }
    }
    Findings::check(findings)?;
    let component = files.remove(SKILL_WASM);
    Ok(Unpacked { files, component, warnings })
}

fn not_utf8(path: &str, error: std::str::Utf8Error) -> Finding {
    let message = format!("is not UTF-8 after {} bytes: save it as UTF-8", error.valid_up_to());
    Finding::error("not-utf-8", message).at(path, None)
}

fn assemble(files: BTreeMap<String, Vec<u8>>, digest: Digest) -> Result<Package, Findings> {
    let Some(skill_md) = files.get(SKILL_MD) else {
        let message = "the package has no SKILL.md: put one at its top";
        return Err(Finding::error("skill-md-missing", message).into());
    };
    let text = std::str::from_utf8(skill_md).map_err(|error| not_utf8(SKILL_MD, error))?;
    let is_workflow = |path: &str| path.starts_with("workflows/") && path.ends_with(".md");
    let mut texts = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (path, bytes) in files.iter().filter(|(path, _)| *path == DEFAULT_PROMPT || is_workflow(path)) {
        match std::str::from_utf8(bytes) {
            Ok(text) => drop(texts.insert(path.as_str(), text)),
            Err(error) => unreadable.push(not_utf8(path, error)),
        }
    }
    let (mut manifest, warnings) = match parse_skill_md(text) {
        Ok(parsed) => parsed,
        Err(Findings(mut findings)) => {
            findings.extend(unreadable);
            return Err(Findings(findings));
        }
    };
    Findings::check(unreadable)?;
    if manifest.system_prompt.is_none() {
        manifest.system_prompt = texts.get(DEFAULT_PROMPT).map(|text| text.trim().to_owned());
    }
    for (path, text) in texts.iter().filter(|(path, _)| is_workflow(path)) {
        manifest.workflows.push(workflow_file(path, text));
    }
    Ok(Package { manifest, digest, component: None, files, warnings })
}

/// Packs files. The same files give the same bytes: sorted, without times, always compressed the same way.
///
/// # Errors
/// A path that [`read_archive`] would refuse.
pub fn write_archive(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Findings> {
    let unsafe_paths: Vec<Finding> = files
        .keys()
        .filter(|path| !is_safe(path))
        .map(|path| Finding::error("unsafe-path", PATH_RULE).at(path, None))
        .collect();
    Findings::check(unsafe_paths)?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let failed = |error: &dyn std::fmt::Display| Findings::from(Finding::error("cannot-pack", error.to_string()));
    for (path, content) in files {
        writer.start_file(path.as_str(), options).map_err(|error| failed(&error))?;
        writer.write_all(content).map_err(|error| failed(&error))?;
    }
    Ok(writer.finish().map_err(|error| failed(&error))?.into_inner())
}

#[cfg(test)]
mod tests;
