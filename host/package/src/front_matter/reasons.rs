//! Why a front matter is no YAML, in the words of its author and not of the parser: the thing, the
//! reason, and what to write.

use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

/// Most levels of lists and maps in one another.
pub(super) const MAX_DEPTH: usize = 8;
/// Most characters of a line that are shown.
const SHOWN_CHARS: usize = 40;
/// What may stand behind `\\` within double quotes (YAML 1.2.2, section 5.7).
const ESCAPES: &str = "0abtnvfre \"/\\N_LPxuU\t";

/// Why the YAML cannot be read.
pub(super) struct Broken {
    pub(super) reason: String,
    /// From 0, in the front matter.
    pub(super) line: usize,
}

pub(super) fn explain(error: &Error, front: &str) -> Broken {
    let located = error.location().and_then(|at| usize::try_from(at.line()).ok());
    let last = front.lines().count().saturating_sub(1);
    let line = located.unwrap_or(1).saturating_sub(1).min(last);
    let error = error.without_snippet();
    let text = front.lines().nth(line).unwrap_or_default();
    let reason = match error {
        Error::DuplicateMappingKey { key, .. } => twice(key.as_deref()),
        Error::Budget { breach, .. } => too_much(breach),
        Error::UnknownAnchor { .. } => "`*` refers to a value by a name that no value has: put the text in quotes if \
                                        it is one, or write the value out"
            .to_owned(),
        other => return by_message(&other.to_string(), front, line, text),
    };
    Broken { reason, line }
}

fn twice(key: Option<&str>) -> String {
    let key: String = key.unwrap_or("a key").chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect();
    format!("`{key}` stands here for the second time, and only one value can count: take one of the two out")
}

fn too_much(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. } => {
            "`&name` and `*name` give a value a name and refer to it, which this host does not read: write the value \
             out at each place, or put the text in quotes if it is one"
                .to_owned()
        }
        BudgetBreach::Depth { .. } => {
            format!("lists and maps stand in one another at more than {MAX_DEPTH} levels: use fewer")
        }
        BudgetBreach::Documents { .. } => "it has a second part behind `---`: keep one".to_owned(),
        _ => "it has more values or longer ones than this host reads: shorten it".to_owned(),
    }
}

/// What the parser tells only in words; what these do not say, the lines themselves do.
fn by_message(message: &str, front: &str, line: usize, text: &str) -> Broken {
    let at = |line: usize, reason: String| Broken { reason, line };
    if message.contains("escape") || message.contains("hexadecimal") {
        let from = front.lines().enumerate().skip(line);
        let found = from.take(32).find_map(|(at, text)| bad_escape(text).map(|sign| (at, sign)));
        let (line, shown) = found.map_or((line, "`\\`".to_owned()), |(at, sign)| (at, format!("`\\{sign}`")));
        let reason = format!(
            "{shown} within double quotes is no sign that YAML knows: put the text in single quotes (`'`), in which \
             `\\` is only itself"
        );
        return at(line, reason);
    }
    if message.contains("quote") {
        let value = text.split_once(": ").map_or(text, |(_, value)| value).trim_start_matches(['-', ' ']);
        let quote = value.chars().find(|c| matches!(c, '"' | '\'')).unwrap_or('"');
        return at(
            line,
            format!("the quote `{quote}` is opened on this line and never closed: write `{quote}` at its end"),
        );
    }
    if let Some((opened, bracket, closing)) = open_bracket(front, line) {
        return at(opened, format!("the `{bracket}` of this line is never closed: write `{closing}` at its end"));
    }
    let shown: String = text.trim().chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect();
    let is_pair = text.contains(": ") || text.trim_end().ends_with(':') || text.trim_start().starts_with("- ");
    if message.contains("simple key") && !is_pair {
        let reason = format!(
            "`{shown}` is no `key: value` line: write a key and `: ` before it, or indent it if it goes on with the \
             text above"
        );
        return at(line, reason);
    }
    let reason = format!(
        "`{shown}` does not fit to the lines above: indent it as the others of its list or map, with spaces, and put \
         texts with `: ` or ` #` in quotes"
    );
    at(line, reason)
}

/// The first sign behind `\\` that is no escape.
fn bad_escape(text: &str) -> Option<char> {
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        if sign == '\\'
            && let Some(next) = signs.next()
            && !ESCAPES.contains(next)
        {
            return Some(next);
        }
    }
    None
}

/// The last line up to this one whose value opens a bracket that it does not close.
fn open_bracket(front: &str, line: usize) -> Option<(usize, char, char)> {
    let mut open = None;
    for (at, text) in front.lines().enumerate().take(line + 1) {
        let value = text.split_once(": ").map_or(text, |(_, value)| value).trim();
        for (bracket, closing) in [('[', ']'), ('{', '}')] {
            if value.starts_with(bracket) {
                open =
                    (value.matches(bracket).count() > value.matches(closing).count()).then_some((at, bracket, closing));
            } else if open.is_some_and(|(_, sign, _)| sign == bracket) && value.ends_with(closing) {
                open = None;
            }
        }
    }
    open
}
