//! The sections of the Markdown that mean something.

use serde::{Deserialize, Serialize};

use crate::glob::is_path;

/// A named procedure: what the skill does, step by step, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Its steps, in order, without their numbers.
    pub steps: Vec<String>,
}

/// The text under a heading `## NAME`, up to the next heading of the same or a higher level. Headings inside code fences do not count.
pub(crate) fn section<'a>(markdown: &'a str, name: &str) -> Option<&'a str> {
    let mut start = None;
    let mut fenced = false;
    let mut at = 0;
    for line in markdown.split_inclusive('\n') {
        let text = line.trim_end();
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && (text.starts_with("# ") || text.starts_with("## ")) {
            if let Some(start) = start {
                return Some(&markdown[start..at]);
            }
            if text.strip_prefix("## ").is_some_and(|heading| heading.trim().eq_ignore_ascii_case(name)) {
                start = Some(at + line.len());
            }
        }
        at += line.len();
    }
    start.map(|start| &markdown[start..])
}

/// The workflow paths that the section `Windmill Scripts` names, each once, in order.
pub(crate) fn scripts(markdown: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let section = section(markdown, "Windmill Scripts").unwrap_or_default();
    for word in section.split(|c: char| !(c.is_ascii_alphanumeric() || "/_-".contains(c))) {
        if is_path(word) && !paths.iter().any(|path| path == word) {
            paths.push(word.to_owned());
        }
    }
    paths
}

/// The workflows in the section `Workflows`.
pub(crate) fn workflows(markdown: &str) -> Vec<Workflow> {
    parse_workflows(section(markdown, "Workflows").unwrap_or_default(), "### ")
}

/// The workflow of a file `workflows/NAME.md`: its first heading is its name.
pub(crate) fn workflow_file(path: &str, markdown: &str) -> Workflow {
    let named = parse_workflows(markdown, "# ").into_iter().find(|workflow| !workflow.steps.is_empty());
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = file.strip_suffix(".md").unwrap_or(file).to_owned();
    named.unwrap_or_else(|| Workflow { name, steps: numbered(markdown) })
}

fn parse_workflows(text: &str, heading: &str) -> Vec<Workflow> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(heading) {
            found.push((name.trim().to_owned(), String::new()));
        } else if let Some((_, body)) = found.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    found.into_iter().map(|(name, body)| Workflow { name, steps: numbered(&body) }).collect()
}

/// The lines that begin with a number and a dot; what is indented below one belongs to it.
fn numbered(text: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let step = (digits > 0 && !line.starts_with([' ', '\t']))
            .then(|| trimmed[digits..].strip_prefix(['.', ')']))
            .flatten();
        match (step, steps.last_mut()) {
            (Some(step), _) => steps.push(step.trim().to_owned()),
            (None, Some(last)) if line.starts_with([' ', '\t']) && !trimmed.is_empty() => {
                last.push(' ');
                last.push_str(trimmed);
            }
            _ => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "# Skill\n\n## System Prompt\nBe kind.\n```\n## not a heading\n```\n\n## Windmill Scripts\n- `f/a/b`: one\n- f/a/c\n- `f/a/b`\n\n## Workflows\n### Post\n1. Write\n   with care\n2. Send\n\n### Rest\nNothing.\n";

    #[test]
    fn sections() {
        assert_eq!(section(BODY, "system prompt").unwrap().trim(), "Be kind.\n```\n## not a heading\n```");
        assert_eq!(section(BODY, "Missing"), None);
        assert_eq!(scripts(BODY), ["f/a/b", "f/a/c"]);
        let steps = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            workflows(BODY),
            [
                Workflow { name: "Post".into(), steps: steps(&["Write with care", "Send"]) },
                Workflow { name: "Rest".into(), steps: Vec::new() },
            ]
        );
    }

    #[test]
    fn a_file_of_its_own() {
        let workflow = workflow_file("workflows/post.md", "# Post it\n1. Write\n2. Send\n");
        assert_eq!((workflow.name.as_str(), workflow.steps.len()), ("Post it", 2));
        assert_eq!(workflow_file("workflows/post.md", "1. Write\n").name, "post");
    }
}
