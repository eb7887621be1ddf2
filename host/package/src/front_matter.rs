//! The front matter of a `SKILL.md`: where it stands, and what its YAML says.
//!
//! Authors write YAML by hand, and many programs read it with a few regular expressions. What is no
//! YAML for one common reason, such as an unquoted `:` in a text, is read as it was meant, with a
//! warning that says what to write.

mod comments;
mod quotes;
mod reasons;
mod repair;

use serde_json::{Map, Value};

use crate::finding::{Finding, Findings};
use crate::manifest::SKILL_MD;
use reasons::Broken;

/// Most bytes of the file.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// Most lines that are repaired: a file with more of them was not written for this.
const MAX_REPAIRS: usize = 50;

/// A file in its parts.
pub(crate) struct FrontMatter<'a> {
    /// The lines between the two `---`.
    pub(crate) front: &'a str,
    /// The number of the first of them in the file, from 1.
    pub(crate) first_line: u32,
    /// The Markdown.
    pub(crate) body: &'a str,
}

pub(crate) fn at_line(finding: Finding, line: Option<u32>) -> Finding {
    finding.at(SKILL_MD, line)
}

fn number(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// Finds the front matter. Empty lines and HTML comments may stand before it.
pub(crate) fn split(text: &str) -> Result<FrontMatter<'_>, Findings> {
    let missing =
        |message: String, line| Findings::from(at_line(Finding::error("front-matter-missing", message), Some(line)));
    let start = after_comments(text);
    let before = number(text[..start].matches('\n').count());
    let (opening, rest) = text[start..].split_once('\n').unwrap_or((&text[start..], ""));
    if opening.trim_end() != "---" {
        let found: String = opening.trim().chars().take(40).collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { format!("`{found}`") };
        let message = format!(
            "the line must be `---`, the beginning of the front matter, and is {found}: begin the file with a line \
             `---`, the lines `name: ...` and `description: ...`, and another line `---`"
        );
        return Err(missing(message, before + 1));
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            let (front, body) = (&rest[..at], &rest[at + line.len()..]);
            return Ok(FrontMatter { front, first_line: before + 2, body });
        }
        at += line.len();
    }
    let lines = number(text.lines().count());
    Err(missing("the front matter has no end: add a line `---` after it".to_owned(), lines))
}

/// Where the text begins that is neither an empty line nor an HTML comment.
fn after_comments(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        let comment = rest[blank..].strip_prefix("<!--").and_then(|inner| inner.find("-->"));
        match comment {
            Some(end) => at += blank + "<!--".len() + end + "-->".len(),
            None => return at + blank,
        }
    }
}

/// Reads the YAML; where it is none, reads it once more with its lines repaired.
pub(crate) fn keys(file: &FrontMatter<'_>) -> Result<(Map<String, Value>, Vec<Finding>), Findings> {
    let line_of = |line: usize| file.first_line.saturating_add(number(line));
    let warning =
        |(line, code, why): (usize, &'static str, String)| at_line(Finding::warning(code, why), Some(line_of(line)));
    let comments =
        |front: &str| comments::find(front).into_iter().map(|line| (line, "yaml-comment", COMMENT.to_owned()));
    // The typographic quotes are taken off at last: only then it is known what a text is.
    let finish = |mut members: Map<String, Value>, mut warnings: Vec<Finding>| {
        let quoted = quotes::take_off(&mut members, file.front);
        warnings.extend(quoted.into_iter().map(|line| warning((line, "yaml-repaired", quotes::WHY.to_owned()))));
        (members, warnings)
    };
    let mut broken = match parse(file.front).and_then(members) {
        Ok(members) => return Ok(finish(members, comments(file.front).map(warning).collect())),
        Err(broken) => broken,
    };
    let (repaired, repairs) = repair::repair(file.front);
    if !repairs.is_empty() && repairs.len() <= MAX_REPAIRS {
        match parse(&repaired).and_then(members) {
            Ok(members) => {
                let repairs = repairs.into_iter().map(|(line, why)| (line, "yaml-repaired", why));
                return Ok(finish(members, repairs.chain(comments(&repaired)).map(warning).collect()));
            }
            // What could be mended is not why the file is refused.
            Err(left) => broken = left,
        }
    }
    let message = format!("the front matter cannot be read: {}", broken.reason);
    Err(at_line(Finding::error("front-matter-broken", message), Some(line_of(broken.line))).into())
}

fn members(value: Value) -> Result<Map<String, Value>, Broken> {
    match value {
        Value::Object(keys) => Ok(keys),
        _ => Err(Broken { reason: "it must be a list of `key: value` lines".to_owned(), line: 0 }),
    }
}

fn parse(front: &str) -> Result<Value, Broken> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_anchors: 0,
            max_aliases: 0,
            max_depth: reasons::MAX_DEPTH,
            max_nodes: 10_000,
            max_documents: 1,
            max_total_scalar_bytes: MAX_BYTES,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        // YAML 1.2: `yes`, `no` and `on` are texts.
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(front, options).map_err(|error| reasons::explain(&error, front))
}

const COMMENT: &str = "YAML reads a comment from ` #` to the end of this line, which is left out: put the text in quotes if it belongs to it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_yaml_is_repaired() {
        let good = "name: x\ndescription: 'a: b'\nmetadata:\n  homepage: https://example.com\n";
        let file = FrontMatter { front: good, first_line: 2, body: "" };
        assert_eq!(keys(&file).unwrap().1, []);
    }

    #[test]
    fn a_repair_keeps_the_lines_and_says_which() {
        let front = "name: x\ndescription: Does: this\n  and: that\nwhen:\n\t- now\n";
        let file = FrontMatter { front, first_line: 2, body: "" };
        let (keys, warnings) = keys(&file).unwrap();
        assert_eq!(keys["description"], "Does: this and: that");
        assert_eq!(keys["when"], serde_json::json!(["now"]));
        let lines: Vec<Option<u32>> = warnings.iter().map(|warning| warning.line).collect();
        assert_eq!(lines, [Some(3), Some(6)]);
    }

    #[test]
    fn blocks_and_quotes_are_left_alone() {
        for (front, expected) in [
            ("name: x\ntext: |\n  a: b: c\n  - d\nother: e: f\n", "a: b: c\n- d\n"),
            ("text: \"a: b\"\nother: e: f\n", "a: b"),
            ("text: 'it''s: b'\nother: e: f\n", "it's: b"),
        ] {
            let file = FrontMatter { front, first_line: 2, body: "" };
            let (keys, _) = keys(&file).unwrap();
            assert_eq!(keys["text"], expected, "{front}");
            assert_eq!(keys["other"], "e: f", "{front}");
        }
    }
}
