//! JSON Schema, draft 2020-12.

use jsonschema::{PatternOptions, Validator, draft202012};
use serde_json::Value;

use crate::text::shorten;

/// Most problems of a value that are told.
const MAX_PROBLEMS: usize = 5;

/// Compiles a schema.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn validator(schema: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(schema).map_err(|error| format!("the schema is no JSON: {error}"))?;
    let linear = draft202012::options().with_pattern_options(PatternOptions::regex());
    linear
        .build(&schema)
        // The engine of linear time knows neither look-around nor back references. The other one
        // does, and gives a match up after a million steps.
        .or_else(|_| draft202012::options().build(&schema))
        .map_err(|error| format!("the schema cannot be used: {error}"))
}

/// How the value at a pointer differs from what a schema says. None: it satisfies the schema.
pub(crate) fn difference(schema: &str, pointer: &str, value: &Value) -> Option<String> {
    let validator = match validator(schema) {
        Ok(validator) => validator,
        Err(error) => return Some(error),
    };
    // Much cheaper than a list of problems, which most values do not have.
    if validator.is_valid(value) {
        return None;
    }
    let problems: Vec<String> = validator
        .iter_errors(value)
        .take(MAX_PROBLEMS)
        .map(|error| {
            let said = shorten(&error.to_string());
            format!("at `{pointer}{}`: {said}", error.instance_path())
        })
        .collect();
    Some(problems.join("; "))
}
