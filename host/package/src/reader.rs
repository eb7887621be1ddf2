//! The keys of a front matter as values.
//!
//! `name` and `description` must be right, and so must what the skill asks for. Every other key is
//! optional: with a meaning of another program it is left out, with a warning.

mod capabilities;
mod values;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::finding::Finding;
use crate::front_matter::{FrontMatter, at_line};
use crate::identifier::{self, slug};
use values::{as_text, sentence_with_colon, split_tools, version_of};

/// Most characters of a description by the Agent Skills rule; more is a warning.
const DESCRIPTION_CHARS: usize = 1024;
/// Most characters of a description.
const MAX_DESCRIPTION_CHARS: usize = 4096;
/// Most entries of a list, and most characters of an entry.
const MAX_ENTRIES: usize = 200;
const MAX_ENTRY_CHARS: usize = 500;
/// Most findings about entries of lists.
const MAX_ENTRY_FINDINGS: usize = 20;
/// The keys that mean something here.
const KNOWN: &[&str] = &[
    "name",
    "id",
    "description",
    "version",
    "triggers",
    "examples",
    "anti-examples",
    "platforms",
    "priority",
    "requires_windmill",
    "capabilities",
    "license",
    "compatibility",
    "metadata",
    "allowed-tools",
];

pub(crate) struct Reader<'a> {
    front: &'a str,
    first_line: u32,
    keys: Map<String, Value>,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &FrontMatter<'a>, keys: Map<String, Value>, findings: Vec<Finding>) -> Self {
        let mut reader = Self { front: file.front, first_line: file.first_line, keys: Map::new(), findings };
        for (key, value) in keys {
            reader.put(key, value);
        }
        reader
    }

    /// Takes a key, also where it is written with capitals.
    fn put(&mut self, key: String, value: Value) {
        let plain = key.trim().to_ascii_lowercase();
        if plain != key && KNOWN.contains(&plain.replace('_', "-").as_str()) && !self.keys.contains_key(&plain) {
            let message = format!("`{key}` is read as `{plain}`: write it in lower case");
            self.warn(&key, "key-spelling", message);
            self.keys.insert(plain, value);
        } else {
            self.keys.insert(key, value);
        }
    }

    /// What was found; with a warning for each key that nobody took.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        for key in std::mem::take(&mut self.keys).keys() {
            let shown: String = key.chars().take(64).collect();
            let message = format!("`{shown}` is no key that this host knows; it is left out. Is it misspelled?");
            self.warn(key, "unknown-key", message);
        }
        self.findings
    }

    fn line_of(&self, key: &str) -> Option<u32> {
        let stands = |line: &str| {
            let line = line.trim_start_matches(['"', '\'']);
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
        };
        let index = self.front.lines().position(stands)?;
        Some(self.first_line.saturating_add(u32::try_from(index).ok()?))
    }

    /// The value of a key as it is written, up to the end of the line or a comment.
    fn written(&self, key: &str) -> Option<&str> {
        let line = usize::try_from(self.line_of(key)?.saturating_sub(self.first_line)).ok()?;
        let (_, value) = self.front.lines().nth(line)?.split_once(':')?;
        Some(value.split(" #").next().unwrap_or_default().trim())
    }

    fn error(&mut self, key: &str, code: &'static str, message: String) {
        let line = self.line_of(key);
        self.findings.push(at_line(Finding::error(code, message), line));
    }

    fn warn(&mut self, key: &str, code: &'static str, message: String) {
        let line = self.line_of(key);
        self.findings.push(at_line(Finding::warning(code, message), line));
    }

    /// The value has another shape than ours, so it means something to another program.
    fn foreign(&mut self, key: &str, ours: &str) {
        let message = format!("`{key}` is left out: here it is {ours}. Write that, or leave the key to other programs");
        self.warn(key, "foreign-key", message);
    }

    /// Takes the first of several spellings of a key.
    fn take(&mut self, spellings: &[&str]) -> Option<(String, Value)> {
        spellings.iter().find_map(|key| self.keys.remove_entry(*key)).filter(|(_, value)| !value.is_null())
    }

    pub(crate) fn text(&mut self, spellings: &[&str]) -> Option<String> {
        let (key, value) = self.take(spellings)?;
        let text = as_text(&value);
        if text.is_none() {
            self.foreign(&key, "a text");
        }
        text
    }

    pub(crate) fn required_text(&mut self, key: &'static str) -> String {
        match self.take(&[key]) {
            Some((_, value)) => match as_text(&value) {
                Some(text) if !text.is_empty() => return text,
                Some(_) => self.error(key, "missing-key", format!("`{key}` is empty: write a text after it")),
                None => self.error(key, "wrong-type", format!("`{key}` must be a text")),
            },
            None => {
                self.error(key, "missing-key", format!("`{key}` is missing or empty: add a line `{key}: ...`"));
            }
        }
        String::new()
    }

    /// The identifier, and whether the author wrote it down under `id`.
    pub(crate) fn name(&mut self, title: &str) -> (String, bool) {
        let most = identifier::MAX_CHARS;
        let written = self.take(&["id"]).map(|(_, value)| as_text(&value).unwrap_or_default());
        let of_title = slug(title);
        if let Some(id) = written {
            // A name that is an identifier already says which skill this is.
            if identifier::is_identifier(&id) && (title != of_title || id == of_title) {
                return (id, true);
            }
            let message = format!(
                "`id` is left out: it is no identifier of 1 to {most} lower-case letters, digits and single `-`, or it \
                 differs from a `name` that is one"
            );
            self.warn("id", "foreign-key", message);
        }
        if title.is_empty() {
            return (of_title, false);
        }
        if of_title.is_empty() || of_title.len() > most || title.chars().any(char::is_control) {
            let shown: String = title.chars().filter(|c| !c.is_control()).take(80).collect();
            let message = format!(
                "`name` \"{shown}\" gives no identifier of 1 to {most} letters a to z, digits and `-`: add a line `id: ...` \
                 with one"
            );
            self.error("name", "bad-name", message);
        }
        (of_title, false)
    }

    pub(crate) fn description(&mut self) -> String {
        let text = self.required_text("description");
        let length = text.chars().count();
        if length > MAX_DESCRIPTION_CHARS {
            let message =
                format!("`description` has {length} characters and {MAX_DESCRIPTION_CHARS} is the limit: shorten it");
            self.error("description", "description-too-long", message);
        } else if length > DESCRIPTION_CHARS {
            let message = format!(
                "`description` has {length} characters; other programs take {DESCRIPTION_CHARS} at most: shorten it"
            );
            self.warn("description", "description-long", message);
        }
        text
    }

    /// The version, or the one under `metadata`, where the Agent Skills form has it.
    pub(crate) fn version(&mut self, in_metadata: Option<&String>) -> semver::Version {
        let first = semver::Version::new(0, 1, 0);
        let Some((key, value)) = self.take(&["version"]) else {
            return in_metadata.and_then(|text| version_of(text).ok()).map_or(first, |(version, _)| version);
        };
        let Some(text) = as_text(&value) else {
            self.foreign(&key, "a semantic version, such as 1.0.0");
            return first;
        };
        let written = self.written("version").map(str::to_owned);
        if let (Value::Number(_), Some(written)) = (&value, written)
            && written != text
        {
            let message = format!(
                "YAML reads the number `{written}` as {text}: put the version in quotes if it is \"{written}\""
            );
            self.warn("version", "version-number", message);
        }
        match version_of(&text) {
            Ok((version, None)) => version,
            Ok((version, Some(note))) => {
                self.warn("version", "version-read", format!("`version` is `{text}`, {note} and is read as {version}"));
                version
            }
            Err(error) => {
                let message =
                    format!("`version` is `{text}`, which is no semantic version ({error}): write for example 1.0.0");
                self.error("version", "bad-version", message);
                first
            }
        }
    }

    pub(crate) fn priority(&mut self) -> u8 {
        const USUAL: u8 = 5;
        let Some((key, value)) = self.take(&["priority"]) else { return USUAL };
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        match number.and_then(|number| u8::try_from(number).ok()).filter(|number| (1..=10).contains(number)) {
            Some(number) => number,
            None => {
                let message = format!("`priority` is {value} and is left out: use 1 (first) to 10");
                self.warn(&key, "bad-priority", message);
                USUAL
            }
        }
    }

    pub(crate) fn flag(&mut self, spellings: &[&str]) -> bool {
        let Some((key, value)) = self.take(spellings) else { return false };
        let read = value.as_bool().or_else(|| match value.as_str()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        });
        if read.is_none() {
            self.foreign(&key, "true or false");
        }
        read.unwrap_or(false)
    }

    pub(crate) fn list(&mut self, spellings: &[&str]) -> Vec<String> {
        let Some((key, value)) = self.take(spellings) else { return Vec::new() };
        match value {
            Value::Array(items) => self.entries(&key, items),
            Value::String(text) if text.contains(',') && ["triggers", "platforms"].contains(&key.as_str()) => {
                let message = format!("`{key}` is one text and is read as a list, split at its commas: write `[a, b]`");
                self.warn(&key, "list-as-text", message);
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                let items: Vec<Value> = items.map(Value::from).collect();
                self.entries(&key, items)
            }
            Value::String(text) => self.entries(&key, vec![Value::String(text)]),
            Value::Number(_) | Value::Bool(_) => self.entries(&key, vec![value]),
            _ => {
                self.foreign(&key, "a list of texts");
                Vec::new()
            }
        }
    }

    /// The texts of a list for people and the router. What is no text is left out.
    fn entries(&mut self, key: &str, items: Vec<Value>) -> Vec<String> {
        let before = self.findings.len();
        let mut texts = Vec::with_capacity(items.len().min(MAX_ENTRIES));
        let length = items.len();
        if length > MAX_ENTRIES {
            let message = format!("`{key}` has {length} entries and {MAX_ENTRIES} is the limit: the rest is left out");
            self.warn(key, "too-many-entries", message);
        }
        let mut foreign = 0;
        for item in items.into_iter().take(MAX_ENTRIES) {
            let Some(text) = as_text(&item).or_else(|| sentence_with_colon(&item)) else {
                foreign += 1;
                continue;
            };
            if item.is_object() {
                let message = format!("YAML reads the entry \"{text}\" of `{key}` as a map: put it in quotes");
                self.warn(key, "entry-as-map", message);
            }
            if text.chars().count() > MAX_ENTRY_CHARS {
                let message =
                    format!("`{key}` has an entry of more than {MAX_ENTRY_CHARS} characters, which is left out");
                self.warn(key, "entry-too-long", message);
            } else if !text.is_empty() {
                texts.push(text);
            }
        }
        if foreign > 0 {
            let ours = format!("a list of texts of 1 to {MAX_ENTRY_CHARS} characters, and {foreign} entries are none");
            self.foreign(key, &ours);
        }
        self.findings.truncate(before + MAX_ENTRY_FINDINGS);
        texts
    }

    pub(crate) fn metadata(&mut self) -> BTreeMap<String, String> {
        match self.take(&["metadata"]) {
            None => BTreeMap::new(),
            Some((_, Value::Object(members))) => members
                .into_iter()
                .map(|(key, value)| (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect(),
            Some((key, _)) => {
                self.foreign(&key, "a list of `key: value` lines");
                BTreeMap::new()
            }
        }
    }

    pub(crate) fn tools(&mut self) -> Vec<String> {
        match self.take(&["allowed-tools", "allowed_tools"]) {
            Some((_, Value::String(text))) => split_tools(&text),
            Some((key, Value::Array(items))) => self.entries(&key, items),
            Some((key, _)) => {
                self.foreign(&key, "a list of tools");
                Vec::new()
            }
            None => Vec::new(),
        }
    }
}
