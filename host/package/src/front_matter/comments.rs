//! Texts that YAML cuts off at ` #`, where a comment begins: `description: Closes issue #12`.

use super::repair::{Entry, TEXTS, entry, is_block};

/// Keys whose entries are texts.
const LISTS: &[&str] = &["triggers", "examples", "anti-examples", "anti_examples"];

/// The lines, from 0, on which a comment begins within the text of a key that people read.
pub(super) fn find(front: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut top = String::new();
    // The indentation of the key whose block text (`|`, `>`) goes on, and of the one whose plain text does.
    let (mut block, mut plain) = (None, None);
    for (at, line) in front.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() || block.is_some_and(|block| indent > block) {
            continue;
        }
        block = None;
        let Some(Entry { key, value, .. }) = entry(line, false) else {
            let text = line.trim();
            // A line that is a comment and nothing more was written as one.
            if plain.is_some_and(|plain| indent > plain) && !text.starts_with('#') && begins_comment(text) {
                found.push(at);
            }
            continue;
        };
        if indent == 0 && !key.is_empty() {
            top.clone_from(&key);
        }
        let is_text =
            if key.is_empty() { LISTS.contains(&top.as_str()) } else { indent == 0 && TEXTS.contains(&key.as_str()) };
        plain = (is_text && !value.starts_with(['"', '\'', '[', '{', '|', '>'])).then_some(indent);
        if plain.is_some() && begins_comment(&value) {
            found.push(at);
        }
        block = is_block(&value).then_some(indent);
    }
    found
}

fn begins_comment(text: &str) -> bool {
    text.starts_with('#') || text.contains(" #") || text.contains("\t#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_within_a_text_is_found_and_no_other() {
        for (front, lines) in [
            ("name: x\ndescription: Closes issue #12 and reports it\n", vec![1]),
            ("description: #1 tool\n", vec![0]),
            ("description: one\n  two #3 four\n", vec![1]),
            ("triggers:\n  - close issue #12\n  - other\n", vec![1]),
            ("description: \"Closes #12\" # a comment\n", vec![]),
            ("description: 'issue #12'\n", vec![]),
            ("description: |\n  issue #12\n  # title\nname: x\n", vec![]),
            ("description: issue#12 and C#\n", vec![]),
            ("# a comment\nname: x\n  # another\n", vec![]),
            ("version: 1.0 # the first\npriority: 3 # low\nmetadata:\n  note: a # b\n", vec![]),
            ("triggers: # words\n  - close\n", vec![]),
        ] {
            assert_eq!(find(front), lines, "{front}");
        }
    }
}
