//! `.skill` archives: read without trusting a byte of them, written so that the same files give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read as _, Write as _};

use openanalyst_domain::Digest;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::body::workflow_file;
use crate::finding::{Finding, Findings};
use crate::manifest::{Manifest, SKILL_MD, parse_skill_md};

/// The name of the component.
pub const SKILL_WASM: &str = "skill.wasm";
/// Where the prompt may stand instead of a section of `SKILL.md`.
const DEFAULT_PROMPT: &str = "prompts/default.md";
/// Most characters of a path.
const MAX_PATH_CHARS: usize = 255;
/// Most findings about entries of one archive; one more says that there are others.
const MAX_FINDINGS: usize = 50;

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
    read_archive_looking(bytes, limits, |_| Vec::new())
}

/// Reads an archive. Where its texts are refused, `look` still sees its component, so that an author hears of everything at once.
///
/// # Errors
/// See [`read_archive`]; with what `look` found.
pub fn read_archive_looking(
    bytes: &[u8],
    limits: &ArchiveLimits,
    look: impl FnOnce(&[u8]) -> Vec<Finding>,
) -> Result<Package, Findings> {
    if bytes.len() > limits.archive_bytes {
        let message = format!("the package has {} bytes and {} is the limit", bytes.len(), limits.archive_bytes);
        return Err(Finding::error("package-too-large", message).into());
    }
    let unreadable = |error: zip::result::ZipError| {
        Finding::error(
            "not-an-archive",
            format!("the package is no zip archive that can be read: {error}. Make it with `skill pack`"),
        )
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let plan = survey(&mut archive, limits)?;
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
            Ok(_) => findings.push(
                Finding::error(
                    "size-mismatch",
                    format!("unpacks to another size than the {} bytes that it declares", entry.size),
                )
                .at(&entry.path, None),
            ),
            Err(error) => {
                findings.push(
                    Finding::error("damaged-entry", format!("cannot be unpacked: {error}")).at(&entry.path, None),
                );
            }
        }
    }
    Findings::check(findings)?;
    let component = files.remove(SKILL_WASM);
    match assemble(files, digest(bytes)) {
        Ok(package) => Ok(Package { component, ..package }),
        Err(Findings(mut findings)) => {
            findings.extend(component.as_deref().map(look).unwrap_or_default());
            Err(Findings(findings))
        }
    }
}

struct Entry {
    index: usize,
    path: String,
    size: u64,
}

/// Looks at every entry's header; decides what to unpack.
fn survey(archive: &mut ZipArchive<Cursor<&[u8]>>, limits: &ArchiveLimits) -> Result<Vec<Entry>, Findings> {
    if archive.len() > limits.entries {
        let message = format!("the package has {} entries and {} is the limit", archive.len(), limits.entries);
        return Err(Finding::error("too-many-entries", message).into());
    }
    let mut findings = Vec::new();
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut ranges = Vec::new();
    for index in 0..archive.len() {
        let entry = match archive.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => {
                findings.push(Finding::error("damaged-entry", format!("entry {index} cannot be read: {error}")));
                continue;
            }
        };
        let raw = entry.name_raw().to_vec();
        let shown: String = String::from_utf8_lossy(&raw).chars().filter(|c| !c.is_control()).take(80).collect();
        let mut refuse = |code, message: &str| findings.push(Finding::error(code, message).at(&shown, None));
        let path = match std::str::from_utf8(&raw) {
            Ok(path) if is_safe(path.strip_suffix('/').unwrap_or(path)) => path.to_owned(),
            _ => {
                refuse("unsafe-path", "the path must be relative, without `..`, `\\`, `:` and control characters");
                continue;
            }
        };
        let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
        if kind != 0 && kind != 0o100_000 && kind != 0o040_000 {
            refuse("unsafe-entry", "only files and folders are allowed, no links or devices");
            continue;
        }
        if entry.encrypted() {
            refuse("encrypted", "encrypted entries cannot be read: pack it without a password");
            continue;
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            refuse("unknown-compression", "only stored and deflated entries can be read");
            continue;
        }
        ranges.push((entry.header_start(), entry.data_start().unwrap_or(0).saturating_add(entry.compressed_size())));
        if entry.is_dir() || path.ends_with('/') {
            continue;
        }
        if !seen.insert(path.to_lowercase()) {
            refuse("duplicate-entry", "stands there twice (capitals do not count): rename one");
            continue;
        }
        entries.push(Entry { index, path, size: entry.size() });
    }
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        findings
            .push(Finding::error("overlapping-entries", "entries of the archive overlap: make it with `skill pack`"));
    }
    strip_top_folder(&mut entries);
    sizes(&entries, limits, &mut findings);
    if findings.len() > MAX_FINDINGS {
        let more = findings.len() - MAX_FINDINGS;
        findings.truncate(MAX_FINDINGS);
        findings.push(Finding::error("more-findings", format!("{more} more entries are refused")));
    }
    Findings::check(findings)?;
    Ok(entries)
}

fn is_safe(path: &str) -> bool {
    !path.is_empty()
        && path.chars().count() <= MAX_PATH_CHARS
        && !path.contains(|c: char| c.is_control() || c == '\\' || c == ':')
        && path.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..")
}

/// A package zipped with its folder: the folder goes.
fn strip_top_folder(entries: &mut [Entry]) {
    if entries.iter().any(|entry| entry.path == SKILL_MD) {
        return;
    }
    let top =
        entries.iter().find_map(|entry| entry.path.strip_suffix(SKILL_MD)).filter(|top| top.matches('/').count() == 1);
    let Some(top) = top.map(str::to_owned) else { return };
    if entries.iter().all(|entry| entry.path.starts_with(&top)) {
        for entry in entries {
            entry.path.drain(..top.len());
        }
    }
}

fn sizes(entries: &[Entry], limits: &ArchiveLimits, findings: &mut Vec<Finding>) {
    let mut total: u64 = 0;
    for entry in entries {
        total = total.saturating_add(entry.size);
        let (limit, code) = if entry.path == SKILL_WASM {
            (limits.component_bytes, "component-too-large")
        } else {
            (limits.file_bytes, "file-too-large")
        };
        if entry.size > limit {
            let message = format!("has {} bytes unpacked and {limit} is the limit", entry.size);
            findings.push(Finding::error(code, message).at(&entry.path, None));
        }
    }
    if total > limits.total_bytes {
        let message = format!("the package unpacks to {total} bytes and {} is the limit", limits.total_bytes);
        findings.push(Finding::error("package-too-large", message));
    }
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
        .map(|path| {
            Finding::error("unsafe-path", "the path must be relative, without `..`, `\\`, `:` and control characters")
                .at(path, None)
        })
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
mod tests {
    use super::*;

    const GOOD: &str = "---\nname: x\ndescription: what it does\n---\n";

    fn files(extra: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
        let own = |(path, bytes): &(&str, &[u8])| ((*path).to_owned(), bytes.to_vec());
        [(SKILL_MD, GOOD.as_bytes())].iter().chain(extra).map(own).collect()
    }

    fn raw(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in entries {
            writer.start_file(*path, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn codes(bytes: &[u8], limits: &ArchiveLimits) -> Vec<&'static str> {
        read_archive(bytes, limits).unwrap_err().0.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn what_was_packed_is_read_and_packing_is_deterministic() {
        let files = files(&[
            (SKILL_WASM, b"wasm"),
            ("prompts/default.md", b"Be kind."),
            ("workflows/post.md", b"# Post\n1. Write\n"),
        ]);
        let archive = write_archive(&files).unwrap();
        assert_eq!(archive, write_archive(&files).unwrap());
        let package = read_archive(&archive, &ArchiveLimits::default()).unwrap();
        assert_eq!(package.digest, digest(&archive));
        assert_eq!(package.component.as_deref(), Some(b"wasm".as_slice()));
        assert_eq!(package.manifest.system_prompt.as_deref(), Some("Be kind."));
        assert_eq!(package.manifest.workflows[0].name, "Post");
    }

    #[test]
    fn a_folder_around_the_package_is_stripped() {
        let archive = raw(&[("top/SKILL.md", GOOD.as_bytes()), ("top/skill.wasm", b"w")]);
        let package = read_archive(&archive, &ArchiveLimits::default()).unwrap();
        assert_eq!(package.component.as_deref(), Some(b"w".as_slice()));
        let two = raw(&[("top/SKILL.md", GOOD.as_bytes()), ("other/skill.wasm", b"w")]);
        assert_eq!(codes(&two, &ArchiveLimits::default()), ["skill-md-missing"]);
    }

    #[test]
    fn hostile_archives_are_refused() {
        let limits = ArchiveLimits {
            archive_bytes: 20_000,
            component_bytes: 100,
            file_bytes: 1_000,
            total_bytes: 2_000,
            entries: 5,
        };
        let zeros = vec![0; 4_000_000];
        let long = "p/".repeat(200);
        let table: Vec<(Vec<u8>, &str)> = vec![
            (b"no zip".to_vec(), "not-an-archive"),
            (vec![0; 20_001], "package-too-large"),
            (raw(&[("../SKILL.md", b"")]), "unsafe-path"),
            (raw(&[("/etc/passwd", b"")]), "unsafe-path"),
            (raw(&[("a/../../b", b"")]), "unsafe-path"),
            (raw(&[("a\\b", b"")]), "unsafe-path"),
            (raw(&[("c:x", b"")]), "unsafe-path"),
            (raw(&[("a\0b", b"")]), "unsafe-path"),
            (raw(&[(&format!("{long}x"), b"")]), "unsafe-path"),
            (raw(&[("a", b""), ("A", b"")]), "duplicate-entry"),
            (raw(&[("1", b""), ("2", b""), ("3", b""), ("4", b""), ("5", b""), ("6", b"")]), "too-many-entries"),
            (raw(&[("bomb", &zeros)]), "file-too-large"),
            (raw(&[("bomb", &zeros)]), "package-too-large"),
            (raw(&[(SKILL_WASM, &[1; 101])]), "component-too-large"),
            (raw(&[("a", b"")]), "skill-md-missing"),
            (raw(&[(SKILL_MD, b"\xff\xfe")]), "not-utf-8"),
        ];
        for (archive, code) in table {
            let found = codes(&archive, &limits);
            assert!(found.contains(&code), "{found:?} lacks {code}");
        }
        assert!(
            read_archive(&raw(&[(SKILL_MD, GOOD.as_bytes()), (SKILL_WASM, &[1; 100])]), &limits).is_ok(),
            "the limit itself is allowed"
        );
    }

    #[test]
    fn a_link_is_refused() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let archive = writer.finish().unwrap().into_inner();
        assert_eq!(codes(&archive, &ArchiveLimits::default()), ["unsafe-entry"]);
    }

    #[test]
    fn a_header_that_lies_about_the_size_is_caught() {
        let mut archive = raw(&[(SKILL_MD, GOOD.as_bytes()), ("big", &[7; 5_000])]);
        // The declared size stands as four little-endian bytes in the local header and in the directory.
        let declared = 5_000_u32.to_le_bytes();
        let places: Vec<usize> =
            archive.windows(4).enumerate().filter(|(_, four)| *four == declared).map(|(at, _)| at).collect();
        assert!(places.len() >= 2);
        for at in places {
            archive[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
        }
        let found = codes(&archive, &ArchiveLimits::default());
        assert!(found.contains(&"size-mismatch") || found.contains(&"damaged-entry"), "{found:?}");
    }

    #[test]
    fn truncation_anywhere_is_an_error_and_no_panic() {
        let archive = write_archive(&files(&[(SKILL_WASM, &[9; 300])])).unwrap();
        for end in 0..archive.len() {
            assert!(read_archive(&archive[..end], &ArchiveLimits::default()).is_err());
        }
    }
}
