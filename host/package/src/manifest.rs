//! `SKILL.md`: front matter in either accepted form, then Markdown.
//!
//! The forms differ in how a skill is named (an identifier, or a display name whose slug is the
//! identifier) and in which keys they use; both are read by the same rules. Every finding is
//! reported, not only the first. A key that other programs use for something else never stops a
//! skill: it is left out, with a warning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::body::{self, Workflow};
use crate::capabilities::Capabilities;
use crate::finding::{Finding, Findings};
use crate::front_matter::{self, MAX_BYTES, at_line};
use crate::reader::Reader;

/// The name of the file.
pub const SKILL_MD: &str = "SKILL.md";

/// What `SKILL.md` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The identifier: lower-case letters, digits and `-`, at most 64.
    pub name: String,
    /// The name as written.
    pub title: String,
    /// Whether the author wrote the identifier down, under `id`.
    #[serde(default)]
    pub explicit_id: bool,
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
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let file = front_matter::split(&text)?;
    let (keys, repaired) = front_matter::keys(&file)?;
    let mut reader = Reader::new(&file, keys, repaired);
    let title = reader.required_text("name");
    let (name, explicit_id) = reader.name(&title);
    let metadata = reader.metadata();
    let body = file.body;
    let manifest = Manifest {
        name,
        title,
        explicit_id,
        description: reader.description(),
        version: reader.version(metadata.get("version")),
        triggers: reader.list(&["triggers"]),
        examples: reader.list(&["examples"]),
        anti_examples: reader.list(&["anti-examples", "anti_examples"]),
        platforms: reader.list(&["platforms"]),
        priority: reader.priority(),
        requires_windmill: reader.flag(&["requires_windmill", "requires-windmill"]),
        capabilities: reader.capabilities(),
        license: reader.text(&["license"]),
        compatibility: reader.text(&["compatibility"]),
        metadata,
        allowed_tools: reader.tools(),
        system_prompt: body::section(body, "System Prompt").map(|section| section.trim().to_owned()),
        scripts: body::scripts(body),
        workflows: body::workflows(body),
    };
    let warnings = Findings::check(reader.finish())?;
    Ok((manifest, warnings))
}

#[cfg(test)]
mod tests;
