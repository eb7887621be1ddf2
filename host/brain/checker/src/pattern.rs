//! Regular expressions.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::text::{as_text, quote, shorten};

/// Most memory of a compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;

/// Compiles a pattern.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn compiled(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
    built.map_err(|error| format!("`{}` is not a usable pattern: {error}", shorten(pattern)))
}

/// How a value, as text, differs from what a pattern matches. None: it matches.
pub(crate) fn difference(pattern: &str, value: &Value) -> Option<String> {
    match compiled(pattern) {
        Ok(regex) if regex.is_match(&as_text(value)) => None,
        Ok(_) => Some(format!("{} does not match `{pattern}`", quote(value))),
        Err(error) => Some(error),
    }
}
