//! The entries of an archive, looked at before anything is unpacked: names, kinds, sizes.
//!
//! Tools write what the zip format allows and what it does not: folders around the package, files
//! of the operating system, `\` between folders. What has one meaning only is read so, with a
//! warning; what two programs could read differently is refused.

use std::collections::BTreeSet;
use std::io::Cursor;

use unicode_normalization::UnicodeNormalization as _;
use zip::{CompressionMethod, ZipArchive};

use super::{ArchiveLimits, SKILL_WASM};
use crate::finding::{Finding, Findings};
use crate::layout;

/// Most characters of a path.
const MAX_PATH_CHARS: usize = 255;
/// Most findings about entries of one archive; one more says that there are others.
const MAX_FINDINGS: usize = 50;
/// What every path must be.
pub(super) const PATH_RULE: &str =
    "the path must be relative, without `..`, `:` and control characters, at most 255 characters";

/// An entry that is unpacked.
pub(crate) struct Entry {
    pub(super) index: usize,
    pub(crate) path: String,
    pub(super) size: u64,
}

/// Looks at every entry's header; decides what to unpack. Gives the warnings too.
pub(super) fn survey(
    bytes: &[u8],
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    limits: &ArchiveLimits,
) -> Result<(Vec<Entry>, Vec<Finding>), Findings> {
    if archive.len() > limits.entries {
        let message = format!("the package has {} entries and {} is the limit", archive.len(), limits.entries);
        return Err(Finding::error("too-many-entries", message).into());
    }
    let mut survey = Survey::default();
    if archive.has_duplicate_names() {
        survey.name_duplicates(bytes, archive.central_directory_start());
    }
    for index in 0..archive.len() {
        survey.look_at(bytes, archive, index);
    }
    survey.overlaps();
    let Survey { mut findings, mut entries, .. } = survey;
    findings.extend(layout::find_skill(&mut entries));
    sizes(&entries, limits, &mut findings);
    if findings.len() > MAX_FINDINGS {
        let more = findings.len() - MAX_FINDINGS;
        // Errors first, so that none of them is cut off by warnings.
        findings.sort_by_key(|finding| finding.severity);
        findings.truncate(MAX_FINDINGS);
        let message = format!("there are {more} more findings about entries");
        findings.push(Finding { severity: findings[0].severity, ..Finding::error("more-findings", message) });
    }
    let warnings = Findings::check(findings)?;
    Ok((entries, warnings))
}

#[derive(Default)]
struct Survey {
    findings: Vec<Finding>,
    entries: Vec<Entry>,
    seen: BTreeSet<String>,
    ranges: Vec<(u64, u64)>,
}

impl Survey {
    fn look_at(&mut self, bytes: &[u8], archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) {
        let entry = match archive.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => {
                let message = format!("entry {index} cannot be read: {error}");
                self.findings.push(Finding::error("damaged-entry", message));
                return;
            }
        };
        let raw = entry.name_raw().to_vec();
        let shown = shown(&raw);
        let end = entry.data_start().unwrap_or(0).saturating_add(entry.compressed_size());
        self.ranges.push((entry.header_start(), end));
        // The name as the code page of old tools has it, where it is no UTF-8.
        let in_code_page = entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let Some(path) = self.path(&raw, &shown, in_code_page) else { return };
        if path.is_empty() {
            return;
        }
        if local_name(bytes, entry.header_start()).is_none_or(|local| local != raw) {
            let why = "has another name in the archive's directory than beside its content: pack it again";
            self.refuse("two-names", why, &shown);
            return;
        }
        let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
        if kind == 0o120_000 {
            let why = "is a link: a package holds files and folders only, so put the file itself there";
            self.refuse("unsafe-entry", why, &shown);
            return;
        }
        if kind != 0 && kind != 0o100_000 && kind != 0o040_000 {
            self.refuse("unsafe-entry", "only files and folders are allowed, no links or devices", &shown);
            return;
        }
        if entry.is_dir() || path.ends_with('/') {
            return;
        }
        if entry.encrypted() {
            self.refuse("encrypted", "encrypted entries cannot be read: pack it without a password", &shown);
            return;
        }
        let compression = entry.compression();
        if !matches!(compression, CompressionMethod::Stored | CompressionMethod::Deflated) {
            let why = "only stored and deflated entries can be read: pack it with `skill pack`";
            self.refuse("unknown-compression", why, &shown);
            return;
        }
        // Names that a file system may take for one another: capitals, and two forms of an accent.
        if !self.seen.insert(path.nfc().collect::<String>().to_lowercase()) {
            let why = "stands there twice (capitals do not count): remove or rename one";
            self.refuse("duplicate-entry", why, &shown);
            return;
        }
        self.entries.push(Entry { index, path, size: entry.size() });
    }

    /// The path of an entry, with `/` between folders. Empty: it is no part of the skill. None: it is refused.
    fn path(&mut self, raw: &[u8], shown: &str, in_code_page: String) -> Option<String> {
        let name = match std::str::from_utf8(raw) {
            Ok(name) => name.to_owned(),
            Err(_) => {
                let why = format!("the name is not UTF-8, and is read as `{in_code_page}`: pack it with `skill pack`");
                self.warn("name-not-utf-8", &why, shown);
                in_code_page
            }
        };
        if name.contains('\\') && !self.findings.iter().any(|finding| finding.code == "backslash-path") {
            let why = "has `\\` between folders, as old Windows tools write it; it is read as `/`. \
                       `skill pack` makes a package that every program reads the same way";
            self.warn("backslash-path", why, shown);
        }
        let name = name.replace('\\', "/");
        let mut path = name.as_str();
        while let Some(rest) = path.strip_prefix("./") {
            path = rest;
        }
        // The folder itself, which some tools list.
        if path.is_empty() || path == "." {
            return Some(String::new());
        }
        // Before the rule for paths: a Mac's names break it.
        if layout::is_left_by_a_tool(path) {
            return Some(String::new());
        }
        if !is_safe(path.strip_suffix('/').unwrap_or(path)) {
            self.refuse("unsafe-path", PATH_RULE, shown);
            return None;
        }
        Some(path.to_owned())
    }

    /// Names that stand twice in the archive's directory: programs differ in which of the two they
    /// read, so a signature or a review could see another file than the host.
    fn name_duplicates(&mut self, bytes: &[u8], start: u64) {
        let mut seen = BTreeSet::new();
        let mut twice = BTreeSet::new();
        for name in directory_names(bytes, start) {
            if !seen.insert(name) {
                twice.insert(name);
            }
        }
        for name in twice {
            let why = "stands there twice, and programs differ in which one they read: remove one";
            self.refuse("duplicate-entry", why, &shown(name));
        }
        if self.findings.is_empty() {
            let message = "two entries have the same name: make the package with `skill pack`";
            self.findings.push(Finding::error("duplicate-entry", message));
        }
    }

    fn overlaps(&mut self) {
        self.ranges.sort_unstable();
        if self.ranges.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            let message = "entries of the archive overlap: make it with `skill pack`";
            self.findings.push(Finding::error("overlapping-entries", message));
        }
    }

    fn refuse(&mut self, code: &'static str, message: &str, shown: &str) {
        self.findings.push(Finding::error(code, message).at(shown, None));
    }

    fn warn(&mut self, code: &'static str, message: &str, shown: &str) {
        self.findings.push(Finding::warning(code, message).at(shown, None));
    }
}

fn shown(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).chars().filter(|c| !c.is_control()).take(80).collect()
}

/// The names in the central directory (APPNOTE 4.3.12), repeated ones too.
fn directory_names(bytes: &[u8], start: u64) -> Vec<&[u8]> {
    const SIGNATURE: &[u8] = b"PK\x01\x02";
    const FIXED_BYTES: usize = 46;
    let mut names = Vec::new();
    let mut rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    while let Some(record) = rest.strip_prefix(SIGNATURE).and(rest.get(..FIXED_BYTES)) {
        let length = |at: usize| usize::from(u16::from_le_bytes([record[at], record[at + 1]]));
        let (name, extra, comment) = (length(28), length(30), length(32));
        let Some(text) = rest.get(FIXED_BYTES..FIXED_BYTES + name) else { break };
        names.push(text);
        rest = rest.get(FIXED_BYTES + name + extra + comment..).unwrap_or_default();
    }
    names
}

/// The name in an entry's own header (APPNOTE 4.3.7).
fn local_name(bytes: &[u8], header_start: u64) -> Option<&[u8]> {
    const FIXED_BYTES: usize = 30;
    let header = bytes.get(usize::try_from(header_start).ok()?..)?;
    let fixed = header.get(..FIXED_BYTES)?;
    let name = usize::from(u16::from_le_bytes([fixed[26], fixed[27]]));
    header.get(FIXED_BYTES..FIXED_BYTES + name)
}

pub(super) fn is_safe(path: &str) -> bool {
    !path.is_empty()
        && path.chars().count() <= MAX_PATH_CHARS
        && !path.contains(|c: char| c.is_control() || c == '\\' || c == ':')
        && path.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..")
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
