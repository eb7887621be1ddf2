//! Typographic quotes around a text, as word processors put them in the place of `"`.

use serde_json::{Map, Value};

pub(super) const WHY: &str = "typographic quotes stand around the text, which YAML does not know; it is read without \
                              them: write `\"` or nothing";
/// Most texts that are named.
const MAX_FINDINGS: usize = 20;
/// How many characters of a text find its line.
const SEARCHED_CHARS: usize = 24;
/// Opening signs, each with those that may close it, in the usage of several languages.
const PAIRS: &[(char, &[char])] = &[
    ('\u{201c}', &['\u{201d}']),
    ('\u{201d}', &['\u{201d}']),
    ('\u{201e}', &['\u{201c}', '\u{201d}']),
    ('\u{ab}', &['\u{bb}']),
    ('\u{bb}', &['\u{ab}']),
    ('\u{2018}', &['\u{2019}']),
    ('\u{201a}', &['\u{2018}', '\u{2019}']),
];

/// Takes the quotes off the texts that they stand around; gives the lines of these, from 0.
pub(super) fn take_off(members: &mut Map<String, Value>, front: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for value in members.values_mut() {
        of_value(value, front, &mut lines);
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// The depth of values is bounded by the parser.
fn of_value(value: &mut Value, front: &str, lines: &mut Vec<usize>) {
    match value {
        Value::String(text) => {
            let Some(inner) = within(text) else { return };
            if lines.len() < MAX_FINDINGS {
                let line = text.lines().next().unwrap_or_default();
                let searched: String = line.chars().take(SEARCHED_CHARS).collect();
                lines.extend(front.lines().position(|line| line.contains(&searched)));
            }
            *text = inner;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| of_value(item, front, lines)),
        Value::Object(members) => members.values_mut().for_each(|member| of_value(member, front, lines)),
        _ => {}
    }
}

/// What stands within quotes, if these are around the whole text and not around its first and its last word.
fn within(text: &str) -> Option<String> {
    let mut signs = text.trim().chars();
    let (open, close) = (signs.next()?, signs.next_back()?);
    let (_, closing) = PAIRS.iter().find(|(sign, _)| *sign == open)?;
    let inner = signs.as_str();
    // An apostrophe looks as a closing sign does: `it’s`.
    let is_inside = |sign: char| sign == open || (sign == close && sign != '\u{2019}');
    (closing.contains(&close) && !inner.contains(is_inside)).then(|| inner.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_the_whole_are_taken_off_and_no_others() {
        for (text, expected) in [
            ("\u{201c}Finds notes\u{201d}", Some("Finds notes")),
            ("\u{201e}Findet Notizen\u{201c}", Some("Findet Notizen")),
            ("\u{ab} Trouve \u{bb}", Some("Trouve")),
            ("\u{2018}It\u{2019}s here\u{2019}", Some("It\u{2019}s here")),
            ("\u{201c}A\u{201d} and \u{201c}B\u{201d}", None),
            ("\u{201c}A\u{201d} is found", None),
            ("finds \u{201c}A\u{201d}", None),
            ("\u{201c}", None),
            ("plain", None),
            ("", None),
        ] {
            assert_eq!(within(text).as_deref(), expected, "{text}");
        }
    }
}
