//! The front matter of a `SKILL.md`: where it stands, and what its YAML says.
//!
//! Authors write YAML by hand, and many programs read it with a few regular expressions. What is no
//! YAML for one common reason, such as an unquoted `:` in a text, is read as it was meant, with a
//! warning that says what to write.

mod comments;

use serde_json::{Map, Value};

use crate::finding::{Finding, Findings};
use crate::manifest::SKILL_MD;

/// Most bytes of the file.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// Most lines that are repaired: a file with more of them was not written for this.
const MAX_REPAIRS: usize = 50;
/// Keys whose text may begin with a sign that means something in YAML.
const TEXTS: &[&str] = &["name", "description", "license", "compatibility", "title", "author", "when_to_use"];

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
    let warning = |(line, code, why): (usize, &'static str, &str)| {
        let line = file.first_line.saturating_add(number(line));
        at_line(Finding::warning(code, why), Some(line))
    };
    let comments = |front: &str| comments::find(front).into_iter().map(|line| (line, "yaml-comment", COMMENT));
    let broken = match parse(file.front) {
        Ok(value) => {
            let warnings = comments(file.front).map(warning).collect();
            return members(value, file).map(|members| (members, warnings));
        }
        Err(broken) => broken,
    };
    let (repaired, repairs) = repair(file.front);
    if !repairs.is_empty()
        && repairs.len() <= MAX_REPAIRS
        && let Ok(value) = parse(&repaired)
    {
        let comments = comments(&repaired);
        let repairs = repairs.into_iter().map(|(line, why)| (line, "yaml-repaired", why));
        return members(value, file).map(|members| (members, repairs.chain(comments).map(warning).collect()));
    }
    let line = broken.line.map(|line| file.first_line.saturating_add(line.saturating_sub(1)));
    let message =
        format!("the front matter is no YAML that can be read: {}. Put texts with `:` or `#` in quotes", broken.reason);
    Err(at_line(Finding::error("front-matter-broken", message), line).into())
}

fn members(value: Value, file: &FrontMatter<'_>) -> Result<Map<String, Value>, Findings> {
    match value {
        Value::Object(keys) => Ok(keys),
        _ => {
            let message = "the front matter must be a list of `key: value` lines";
            let line = Some(file.first_line);
            Err(at_line(Finding::error("front-matter-broken", message), line).into())
        }
    }
}

struct Broken {
    reason: String,
    /// From 1, in the front matter.
    line: Option<u32>,
}

fn parse(front: &str) -> Result<Value, Broken> {
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
        // YAML 1.2: `yes`, `no` and `on` are texts.
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(front, options).map_err(|error| {
        let reason = error.to_string().lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
        Broken { reason, line: error.location().and_then(|at| u32::try_from(at.line()).ok()) }
    })
}

const TAB: &str = "a tab indents this line, which YAML forbids; it is read as two spaces: write spaces";
const COMMENT: &str = "YAML reads a comment from ` #` to the end of this line, which is left out: put the text in quotes if it belongs to it";
const QUOTES: &str =
    "the text has signs that mean something in YAML, such as `: `; it is read as a whole: put it in quotes";
const SPACE: &str = "YAML needs a space after `key:`; it is read as if there were one: write it";

/// Mends what authors commonly get wrong, line by line; the number of lines stays. Gives the changed
/// lines, from 0, each with the reason.
fn repair(front: &str) -> (String, Vec<(usize, &'static str)>) {
    let mut repairs = Vec::new();
    let mut mended: Vec<String> = Vec::new();
    let mut block = None;
    let mut lines = front.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let line = spaces(line, at, &mut repairs);
        let indent = line.len() - line.trim_start().len();
        if block.is_some_and(|block| indent > block || line.trim().is_empty()) {
            mended.push(line);
            continue;
        }
        block = None;
        let Some(Entry { head, key, mut value, glued }) = entry(&line) else {
            mended.push(line);
            continue;
        };
        if glued {
            repairs.push((at, SPACE));
        }
        if is_block(&value) {
            block = Some(indent);
            mended.push(format!("{head} {value}"));
            continue;
        }
        // A plain text goes on in the lines below that are indented more.
        let mut below = 0;
        let plain = !value.is_empty() && !value.starts_with(['"', '\'', '[', '{', '#']);
        while plain
            && let Some((_, next)) = lines.peek()
            && !next.trim().is_empty()
            && next.len() - next.trim_start().len() > indent
        {
            value.push(' ');
            value.push_str(next.trim());
            below += 1;
            lines.next();
        }
        if needs_quotes(&value, &key) {
            repairs.push((at, QUOTES));
            value = format!("'{}'", value.replace('\'', "''"));
        }
        mended.push(if value.is_empty() { head } else { format!("{head} {value}") });
        mended.extend(std::iter::repeat_n(String::new(), below));
    }
    (mended.join("\n") + "\n", repairs)
}

/// The line with its indentation in spaces.
fn spaces(line: &str, at: usize, repairs: &mut Vec<(usize, &'static str)>) -> String {
    let text = line.trim_start();
    let indentation = &line[..line.len() - text.len()];
    if !indentation.contains('\t') {
        return line.to_owned();
    }
    repairs.push((at, TAB));
    format!("{}{text}", indentation.replace('\t', "  "))
}

struct Entry {
    /// Up to and with `key:` or `-`.
    head: String,
    /// Empty for an entry of a list.
    key: String,
    value: String,
    /// Whether the space after `key:` is missing.
    glued: bool,
}

/// A line `key: value` or `- value`.
fn entry(line: &str) -> Option<Entry> {
    let text = line.trim_start();
    let indentation = &line[..line.len() - text.len()];
    if text.starts_with('#') {
        return None;
    }
    if let Some(value) = text.strip_prefix("- ") {
        let head = format!("{indentation}-");
        return Some(Entry { head, key: String::new(), value: value.trim().to_owned(), glued: false });
    }
    let (key, value) = text.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_key {
        return None;
    }
    let glued = !value.is_empty() && !value.starts_with([' ', '\t']);
    // `https://host` is a text, and `name:x` is a key only where it is one that is known.
    if glued && !(indentation.is_empty() && TEXTS.contains(&key)) {
        return None;
    }
    let head = format!("{indentation}{key}:");
    Some(Entry { head, key: key.to_owned(), value: value.trim().to_owned(), glued })
}

fn is_block(value: &str) -> bool {
    value.strip_prefix(['|', '>']).is_some_and(|rest| {
        let rest = rest.split('#').next().unwrap_or_default().trim();
        rest.chars().all(|c| "+-0123456789".contains(c))
    })
}

/// Whether a value is no YAML as it stands, and is one text in quotes.
fn needs_quotes(value: &str, key: &str) -> bool {
    let Some(first) = value.chars().next() else { return false };
    let last = value.chars().next_back();
    match first {
        // Quotes around a part of the text only. One that is never closed is a mistake of another kind.
        '"' | '\'' => {
            // Quotes within the text are written as `\"`, and as `''`.
            let inside = value.get(1..value.len() - 1).unwrap_or_default();
            let inside = inside.replace(if first == '"' { "\\\"" } else { "''" }, "");
            value.matches(first).count() > 1 && (last != Some(first) || inside.contains(first))
        }
        '[' => TEXTS.contains(&key) && value.contains(']') && last != Some(']'),
        '{' => TEXTS.contains(&key) && value.contains('}') && (last != Some('}') || value.starts_with("{{")),
        '@' | '`' | '%' => true,
        '*' | '&' | '!' | '|' | '>' => TEXTS.contains(&key),
        // `- x: y` is a map, which the list decides about; `- x: y: z` is nothing.
        _ if key.is_empty() => value.matches(": ").count() > 1,
        _ => value.contains(": ") || value.contains(":\t") || value.ends_with(':') || value.starts_with("- "),
    }
}

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
