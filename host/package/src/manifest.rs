//! `SKILL.md`: front matter in either accepted form, then Markdown.
//!
//! The forms differ in how a skill is named (an identifier, or a display name whose slug is the identifier) and in which keys they use; both are read by
//! the same rules. Every finding is reported, not only the first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::body::{self, Workflow};
use crate::capabilities::{Capabilities, MemoryScope};
use crate::finding::{Finding, Findings};

/// The name of the file.
pub const SKILL_MD: &str = "SKILL.md";
/// Most characters of a description (the Agent Skills rule).
const MAX_DESCRIPTION_CHARS: usize = 1024;
/// Most entries of a list, and most characters of an entry.
const MAX_ENTRIES: usize = 200;
const MAX_ENTRY_CHARS: usize = 500;
/// Most bytes of the file.
const MAX_BYTES: usize = 1 << 20;
/// Most characters of an identifier.
const MAX_NAME_CHARS: usize = 64;

/// What `SKILL.md` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The identifier: lower-case letters, digits and `-`, at most 64.
    pub name: String,
    /// The name as written.
    pub title: String,
    /// One paragraph for people and the router.
    pub description: String,
    /// The version.
    pub version: semver::Version,
    /// Words and phrases that speak for this skill.
    pub triggers: Vec<String>,
    /// Utterances that should reach it.
    pub examples: Vec<String>,
    /// Utterances that should not.
    pub anti_examples: Vec<String>,
    /// Platforms that it knows.
    pub platforms: Vec<String>,
    /// 1 first to 10.
    pub priority: u8,
    /// Whether it is of no use without a workflow engine.
    pub requires_windmill: bool,
    /// What the component needs.
    pub capabilities: Capabilities,
    /// An SPDX expression or a file's name.
    pub license: Option<String>,
    /// What it needs of its surroundings, in words.
    pub compatibility: Option<String>,
    /// Anything else that the author wrote down.
    pub metadata: BTreeMap<String, String>,
    /// Tools that the Agent Skills form names. Kept, not used.
    pub allowed_tools: Vec<String>,
    /// The section `System Prompt`.
    pub system_prompt: Option<String>,
    /// The paths in the section `Windmill Scripts`.
    pub scripts: Vec<String>,
    /// The section `Workflows`.
    pub workflows: Vec<Workflow>,
}

/// Reads a `SKILL.md`; gives it with its warnings.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn parse_skill_md(text: &str) -> Result<(Manifest, Vec<Finding>), Findings> {
    if text.len() > MAX_BYTES {
        let length = text.len();
        return Err(at_line(
            Finding::error("skill-md-too-large", format!("it has {length} bytes and {MAX_BYTES} is the limit")),
            None,
        )
        .into());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let (front, body) = split(&text)?;
    let mut reader = Reader { front, keys: keys(front)?, findings: Vec::new() };
    let title = reader.required_text("name");
    let name = reader.name(&title);
    let manifest = Manifest {
        name,
        title,
        description: reader.description(),
        version: reader.version(),
        triggers: reader.list(&["triggers"]),
        examples: reader.list(&["examples"]),
        anti_examples: reader.list(&["anti-examples", "anti_examples"]),
        platforms: reader.list(&["platforms"]),
        priority: reader.priority(),
        requires_windmill: reader.flag(&["requires_windmill", "requires-windmill"]),
        capabilities: reader.capabilities(),
        license: reader.text(&["license"]),
        compatibility: reader.text(&["compatibility"]),
        metadata: reader.metadata(),
        allowed_tools: reader.tools(),
        system_prompt: body::section(body, "System Prompt").map(|section| section.trim().to_owned()),
        scripts: body::scripts(body),
        workflows: body::workflows(body),
    };
    reader.unknown();
    let warnings = Findings::check(reader.findings)?;
    Ok((manifest, warnings))
}

fn at_line(finding: Finding, line: Option<u32>) -> Finding {
    finding.at(SKILL_MD, line)
}

/// The front matter, and the Markdown after it.
fn split(text: &str) -> Result<(&str, &str), Findings> {
    let missing =
        |message: &str, line| Findings::from(at_line(Finding::error("front-matter-missing", message), Some(line)));
    let Some(rest) = text.strip_prefix("---\n") else {
        return Err(missing("it must begin with a line `---`, the front matter, and another line `---`", 1));
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
    }
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    Err(missing("the front matter has no end: add a line `---` after it", lines))
}

fn keys(front: &str) -> Result<Map<String, Value>, Findings> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_anchors: 0,
            max_aliases: 0,
            max_depth: 8,
            max_nodes: 10_000,
            max_documents: 1,
            max_total_scalar_bytes: MAX_BYTES,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
    };
    let value: Value = serde_saphyr::from_str_with_options(front, options).map_err(|error| {
        // The first line of the front matter is the second one of the file.
        let line = error.location().and_then(|at| u32::try_from(at.line()).ok()).map(|line| line + 1);
        let reason = error.to_string();
        let reason = reason.lines().next().unwrap_or_default();
        at_line(
            Finding::error("front-matter-broken", format!("the front matter is no YAML that can be read: {reason}")),
            line,
        )
    })?;
    match value {
        Value::Object(keys) => Ok(keys),
        _ => Err(at_line(
            Finding::error("front-matter-broken", "the front matter must be a list of `key: value` lines"),
            Some(2),
        )
        .into()),
    }
}

/// Turns a name for people into an identifier: lower-case letters and digits, everything else one `-`.
#[must_use]
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

struct Reader<'a> {
    front: &'a str,
    keys: Map<String, Value>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn line_of(&self, key: &str) -> Option<u32> {
        let stands = |line: &str| {
            let line = line.trim_start_matches(['"', '\'']);
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
        };
        let index = self.front.lines().position(stands)?;
        u32::try_from(index + 2).ok()
    }

    fn error(&mut self, key: &str, code: &'static str, message: String) {
        let line = self.line_of(key);
        self.findings.push(at_line(Finding::error(code, message), line));
    }

    /// Takes the first of several spellings of a key.
    fn take(&mut self, spellings: &[&str]) -> Option<(String, Value)> {
        spellings.iter().find_map(|key| self.keys.remove_entry(*key)).filter(|(_, value)| !value.is_null())
    }

    fn text(&mut self, spellings: &[&str]) -> Option<String> {
        let (key, value) = self.take(spellings)?;
        match value {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                self.error(&key, "wrong-type", format!("`{key}` must be a text"));
                None
            }
        }
    }

    fn required_text(&mut self, key: &'static str) -> String {
        match self.text(&[key]) {
            Some(text) if !text.is_empty() => text,
            _ => {
                if !self.findings.iter().any(|finding| finding.message.contains(&format!("`{key}`"))) {
                    self.error(key, "missing-key", format!("`{key}` is missing or empty: add a line `{key}: ...`"));
                }
                String::new()
            }
        }
    }

    fn name(&mut self, title: &str) -> String {
        let slug = slug(title);
        if !title.is_empty() && (slug.is_empty() || slug.len() > MAX_NAME_CHARS || title.chars().any(char::is_control))
        {
            self.error(
                "name",
                "bad-name",
                format!(
                    "`name` gives the identifier `{slug}`: it must have 1 to {MAX_NAME_CHARS} letters, digits and `-`"
                ),
            );
        }
        slug
    }

    fn description(&mut self) -> String {
        let text = self.required_text("description");
        let length = text.chars().count();
        if length > MAX_DESCRIPTION_CHARS {
            let message =
                format!("`description` has {length} characters and {MAX_DESCRIPTION_CHARS} is the limit: shorten it");
            self.error("description", "description-too-long", message);
        }
        text
    }

    fn version(&mut self) -> semver::Version {
        let first = semver::Version::new(0, 1, 0);
        let Some(text) = self.text(&["version"]) else { return first };
        text.parse().unwrap_or_else(|error| {
            let message =
                format!("`version` is `{text}`, which is no semantic version ({error}): write for example 1.0.0");
            self.error("version", "bad-version", message);
            first
        })
    }

    fn priority(&mut self) -> u8 {
        let Some((key, value)) = self.take(&["priority"]) else { return 5 };
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        match number.and_then(|number| u8::try_from(number).ok()).filter(|number| (1..=10).contains(number)) {
            Some(number) => number,
            None => {
                self.error(&key, "bad-priority", format!("`priority` is {value}: use 1 (first) to 10"));
                5
            }
        }
    }

    fn flag(&mut self, spellings: &[&str]) -> bool {
        let Some((key, value)) = self.take(spellings) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.error(&key, "wrong-type", format!("`{key}` must be true or false"));
            false
        })
    }

    fn list(&mut self, spellings: &[&str]) -> Vec<String> {
        let Some((key, value)) = self.take(spellings) else { return Vec::new() };
        self.strings(&key, &key, value)
    }

    /// A list of texts; one text is a list of one.
    fn strings(&mut self, key: &str, shown: &str, value: Value) -> Vec<String> {
        let items = match value {
            Value::Array(items) => items,
            Value::String(text) => vec![Value::String(text)],
            _ => {
                self.error(key, "wrong-type", format!("`{shown}` must be a list of texts"));
                return Vec::new();
            }
        };
        if items.len() > MAX_ENTRIES {
            let length = items.len();
            self.error(
                key,
                "too-many-entries",
                format!("`{shown}` has {length} entries and {MAX_ENTRIES} is the limit"),
            );
            return Vec::new();
        }
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::String(text) if !text.trim().is_empty() && text.chars().count() <= MAX_ENTRY_CHARS => {
                    texts.push(text.trim().to_owned());
                }
                Value::Number(number) => texts.push(number.to_string()),
                _ => {
                    let message =
                        format!("`{shown}` has an entry that is no text of 1 to {MAX_ENTRY_CHARS} characters");
                    self.error(key, "wrong-type", message);
                }
            }
        }
        texts
    }

    fn metadata(&mut self) -> BTreeMap<String, String> {
        match self.take(&["metadata"]) {
            None => BTreeMap::new(),
            Some((_, Value::Object(members))) => members
                .into_iter()
                .map(|(key, value)| (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect(),
            Some((key, _)) => {
                self.error(&key, "wrong-type", "`metadata` must be a list of `key: value` lines".to_owned());
                BTreeMap::new()
            }
        }
    }

    fn tools(&mut self) -> Vec<String> {
        match self.take(&["allowed-tools", "allowed_tools"]) {
            Some((_, Value::String(text))) => {
                text.split([' ', ',']).filter(|tool| !tool.is_empty()).map(str::to_owned).collect()
            }
            Some((key, value)) => self.strings(&key, &key, value),
            None => Vec::new(),
        }
    }

    fn capabilities(&mut self) -> Capabilities {
        const KEY: &str = "capabilities";
        let mut found = Capabilities::none();
        let members = match self.take(&[KEY]) {
            None => return found,
            Some((_, Value::Object(members))) => members,
            // `capabilities: [llm, web-search]`: those that need no target.
            Some((_, Value::Array(names))) => {
                names.into_iter().filter_map(|name| Some((name.as_str()?.to_owned(), Value::Bool(true)))).collect()
            }
            Some(_) => {
                self.error(
                    KEY,
                    "wrong-type",
                    "`capabilities` must be a list of `capability: targets` lines".to_owned(),
                );
                return found;
            }
        };
        for (name, value) in members {
            let shown = format!("capabilities.{name}");
            match (name.replace('_', "-").as_str(), value) {
                ("memory", Value::String(scope)) if scope == "user" => found.memory = Some(MemoryScope::User),
                ("memory", Value::String(scope)) if scope == "tenant" => found.memory = Some(MemoryScope::Tenant),
                ("memory", Value::Bool(false)) => {}
                ("memory", _) => self.error(KEY, "bad-capability", format!("`{shown}` must be `user` or `tenant`")),
                ("web-search", Value::Bool(on)) => found.web_search = on,
                ("llm", Value::Bool(on)) => found.llm = on,
                ("web-search" | "llm", _) => self.error(KEY, "bad-capability", format!("`{shown}` must be true or false")),
                ("windmill", value) => found.windmill = self.patterns(&shown, value),
                ("http", value) => found.http = self.patterns(&shown, value),
                ("skills", value) => found.skills = self.strings(KEY, &shown, value),
                ("secrets", value) => found.secrets = self.strings(KEY, &shown, value),
                _ => self.error(
                    KEY,
                    "unknown-capability",
                    format!("`{name}` is no capability: there are windmill, memory, web-search, llm, http, skills and secrets"),
                ),
            }
        }
        found
    }

    fn patterns<T: std::str::FromStr<Err = crate::glob::BadPattern>>(&mut self, shown: &str, value: Value) -> Vec<T> {
        let texts = self.strings("capabilities", shown, value);
        let mut patterns = Vec::with_capacity(texts.len());
        for text in texts {
            match text.parse() {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.error("capabilities", "bad-capability", format!("`{shown}`: {error}")),
            }
        }
        patterns
    }

    fn unknown(&mut self) {
        for key in std::mem::take(&mut self.keys).keys() {
            let line = self.line_of(key);
            let shown: String = key.chars().take(64).collect();
            let message = format!("`{shown}` is no key that this host knows; it is left out. Is it misspelled?");
            self.findings.push(at_line(Finding::warning("unknown-key", message), line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "---\nname: Social Media\ndescription: Writes posts.\nversion: 1.2.0\ntriggers: [post, \"a tweet\"]\n\
        examples:\n  - Write a post\nanti-examples: Cook\nplatforms: [twitter]\npriority: 2\nrequires_windmill: true\n\
        capabilities:\n  windmill: [\"f/openanalyst/social/*\"]\n  memory: user\n  llm: true\nlicense: MIT\n\
        metadata:\n  author: me\nallowed-tools: Read, Write\n---\n# Text\n## System Prompt\nBe kind.\n";

    #[test]
    fn both_forms_are_read() {
        let (manifest, warnings) = parse_skill_md(GOOD).unwrap();
        assert_eq!(warnings, []);
        assert_eq!((manifest.name.as_str(), manifest.title.as_str()), ("social-media", "Social Media"));
        assert_eq!(manifest.version.to_string(), "1.2.0");
        assert_eq!(manifest.triggers, ["post", "a tweet"]);
        assert_eq!(manifest.anti_examples, ["Cook"]);
        assert_eq!((manifest.priority, manifest.requires_windmill), (2, true));
        assert!(manifest.capabilities.allows_path("f/openanalyst/social/create_post") && manifest.capabilities.llm);
        assert_eq!(manifest.allowed_tools, ["Read", "Write"]);
        assert_eq!(manifest.system_prompt.as_deref(), Some("Be kind."));

        let public = "---\nname: pdf-tools\ndescription: Works on PDFs.\ncompatibility: any\n---\nText";
        let (manifest, _) = parse_skill_md(public).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.version.to_string().as_str()), ("pdf-tools", "0.1.0"));
        assert_eq!(manifest.capabilities, Capabilities::none());
        assert!(parse_skill_md(&format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).is_ok(), "a BOM and CRLF are fine");
    }

    #[test]
    fn each_fault_has_its_code_and_line() {
        let front = |lines: &str| format!("---\nname: x\ndescription: what it does\n{lines}\n---\n");
        let deep = format!("metadata: {}1{}", "[".repeat(50), "]".repeat(50));
        let table: Vec<(String, &str, Option<u32>)> = vec![
            ("# no front matter".into(), "front-matter-missing", Some(1)),
            ("---\nname: x\n".into(), "front-matter-missing", Some(2)),
            (front("triggers: [a"), "front-matter-broken", None),
            (front("name: again"), "front-matter-broken", Some(4)),
            (front("a: &a [1]\nb: *a"), "front-matter-broken", None),
            (front(&deep), "front-matter-broken", None),
            ("---\n- a\n---\n".into(), "front-matter-broken", Some(2)),
            ("---\ndescription: what it does\n---\n".into(), "missing-key", None),
            ("---\nname: x\n---\n".into(), "missing-key", None),
            ("---\nname: \"!!!\"\ndescription: what it does\n---\n".into(), "bad-name", Some(2)),
            (format!("---\nname: x\ndescription: {}\n---\n", "y".repeat(1025)), "description-too-long", Some(3)),
            (front("version: one"), "bad-version", Some(4)),
            (front("priority: 11"), "bad-priority", Some(4)),
            (front("requires_windmill: perhaps"), "wrong-type", Some(4)),
            (front("triggers: {a: b}"), "wrong-type", Some(4)),
            (front("capabilities:\n  windmill: [\"../x\"]"), "bad-capability", Some(4)),
            (front("capabilities:\n  http: [\"127.0.0.1\"]"), "bad-capability", Some(4)),
            (front("capabilities:\n  memory: everybody"), "bad-capability", Some(4)),
            (front("capabilities:\n  files: true"), "unknown-capability", Some(4)),
        ];
        for (text, code, line) in table {
            let findings = parse_skill_md(&text).unwrap_err().0;
            let found = findings.iter().find(|finding| finding.code == code);
            let found = found.unwrap_or_else(|| panic!("{text} gave {findings:?} and not {code}"));
            if line.is_some() {
                assert_eq!(found.line, line, "{text}");
            }
            assert_eq!(found.file.as_deref(), Some(SKILL_MD));
        }
    }

    #[test]
    fn all_faults_come_at_once_and_unknown_keys_only_warn() {
        let bad = "---\nname: \"!\"\nversion: x\npriority: 0\nsurprise: 1\n---\n";
        let codes: Vec<&str> = parse_skill_md(bad).unwrap_err().0.iter().map(|finding| finding.code).collect();
        for code in ["bad-name", "missing-key", "bad-version", "bad-priority", "unknown-key"] {
            assert!(codes.contains(&code), "{codes:?} lacks {code}");
        }
        let (_, warnings) = parse_skill_md("---\nname: x\ndescription: what it does\nsurprise: 1\n---\n").unwrap();
        assert_eq!((warnings[0].code, warnings[0].line), ("unknown-key", Some(4)));
    }

    #[test]
    fn slugs() {
        for (title, expected) in [("Social Media", "social-media"), ("  A -- B! ", "a-b"), ("Ünï", "n"), ("日本", "")]
        {
            assert_eq!(slug(title), expected);
        }
    }
}
