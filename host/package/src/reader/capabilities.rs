//! What a skill asks for. It decides what the skill may do, so what is written must be right: a near miss
//! is an error. A key with the meaning of another program is left out.

use serde_json::{Map, Value};

use super::values::as_text;
use super::{MAX_ENTRIES, MAX_ENTRY_CHARS, Reader};
use crate::capabilities::{Capabilities, MemoryScope};

impl Reader<'_> {
    pub(crate) fn capabilities(&mut self) -> Capabilities {
        const KEY: &str = "capabilities";
        let mut found = Capabilities::none();
        let members = match self.take(&[KEY]) {
            None => return found,
            Some((_, Value::Object(members))) if !members.is_empty() && !members.keys().any(|name| is_nearly(name)) => {
                let names =
                    members.keys().take(5).map(|name| format!("`{}`", name.chars().take(32).collect::<String>()));
                let names = names.collect::<Vec<_>>().join(", ");
                self.foreign(
                    KEY,
                    &format!(
                        "a list of `capability: targets` lines, and none of {names} is one of {}",
                        in_words(CAPABILITIES)
                    ),
                );
                return found;
            }
            Some((_, Value::Object(members))) => members,
            // `capabilities: [llm, web-search]`: those that need no target. Other words are another
            // program's.
            Some((_, Value::Array(names))) => {
                let all = names.len();
                let members: Map<String, Value> = names
                    .iter()
                    .filter_map(Value::as_str)
                    .filter(|name| is_capability(name))
                    .map(|name| (name.to_owned(), Value::Bool(true)))
                    .collect();
                if members.len() < all {
                    self.foreign(
                        KEY,
                        "a list of `capability: targets` lines; names that are no capability count for nothing",
                    );
                }
                members
            }
            Some(_) => {
                self.foreign(KEY, "a list of `capability: targets` lines");
                return found;
            }
        };
        for (name, value) in members {
            self.capability(&mut found, &name, value);
        }
        found
    }

    fn capability(&mut self, found: &mut Capabilities, name: &str, value: Value) {
        const KEY: &str = "capabilities";
        let shown = format!("capabilities.{name}");
        match (name.replace('_', "-").as_str(), value) {
            ("memory", Value::String(scope)) if scope == "user" => found.memory = Some(MemoryScope::User),
            ("memory", Value::String(scope)) if scope == "tenant" => found.memory = Some(MemoryScope::Tenant),
            ("memory", Value::Bool(false)) => {}
            ("memory", _) => self.error(KEY, "bad-capability", format!("`{shown}` must be `user` or `tenant`")),
            ("web-search", Value::Bool(on)) => found.web_search = on,
            ("llm", Value::Bool(on)) => found.llm = on,
            ("web-search" | "llm", _) => {
                self.error(KEY, "bad-capability", format!("`{shown}` must be true or false"));
            }
            ("windmill", value) => found.windmill = self.patterns(&shown, value),
            ("http", value) => found.http = self.patterns(&shown, value),
            ("skills", value) => found.skills = self.targets(&shown, value),
            ("secrets", value) => found.secrets = self.targets(&shown, value),
            _ => self.error(
                KEY,
                "unknown-capability",
                format!("`{name}` is no capability: there are {}", in_words(CAPABILITIES)),
            ),
        }
    }

    fn patterns<T: std::str::FromStr<Err = crate::glob::BadPattern>>(&mut self, shown: &str, value: Value) -> Vec<T> {
        let texts = self.targets(shown, value);
        let mut patterns = Vec::with_capacity(texts.len());
        for text in texts {
            match text.parse() {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.error("capabilities", "bad-capability", format!("`{shown}`: {error}")),
            }
        }
        patterns
    }

    /// The targets of a capability: they decide what the skill may do, so all of them must be right.
    fn targets(&mut self, shown: &str, value: Value) -> Vec<String> {
        let items = match value {
            Value::Array(items) => items,
            Value::String(text) => vec![Value::String(text)],
            _ => {
                self.error("capabilities", "wrong-type", format!("`{shown}` must be a list of texts"));
                return Vec::new();
            }
        };
        if items.len() > MAX_ENTRIES {
            let message = format!("`{shown}` has {} entries and {MAX_ENTRIES} is the limit", items.len());
            self.error("capabilities", "too-many-entries", message);
            return Vec::new();
        }
        let fits = |text: &String| !text.is_empty() && text.chars().count() <= MAX_ENTRY_CHARS;
        let texts: Vec<Option<String>> = items.iter().map(|item| as_text(item).filter(fits)).collect();
        if texts.contains(&None) {
            let message = format!("`{shown}` has an entry that is no text of 1 to {MAX_ENTRY_CHARS} characters");
            self.error("capabilities", "wrong-type", message);
        }
        texts.into_iter().flatten().collect()
    }
}

/// What a skill can ask for.
const CAPABILITIES: &[&str] = &["windmill", "memory", "web-search", "llm", "http", "skills", "secrets"];

fn is_capability(name: &str) -> bool {
    CAPABILITIES.contains(&name.replace('_', "-").as_str())
}

/// Whether a name is a capability's, or one with a letter or two wrong: that is a mistake of somebody who
/// meant ours, while `files` is another program's.
fn is_nearly(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    CAPABILITIES.iter().any(|ours| strsim::osa_distance(&name, ours) <= if ours.len() <= 4 { 1 } else { 2 })
}

/// `a, b and c`
fn in_words(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        names => names.concat(),
    }
}
