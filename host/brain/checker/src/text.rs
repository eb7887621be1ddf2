//! Values as text.

use std::borrow::Cow;

use serde_json::Value;

/// Most characters of a value that a difference quotes.
const QUOTE_CHARS: usize = 120;

/// The text itself, or the JSON of what is no text.
pub(crate) fn as_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// The JSON of a value, shortened.
pub(crate) fn quote(value: &Value) -> String {
    shorten(&value.to_string())
}

/// The beginning of a text.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
