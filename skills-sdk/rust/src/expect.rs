//! Expectations: what a step's result must be like. The host checks them, and tells the next attempt what differed.
//!
//! `pointer` is a JSON pointer (RFC 6901) into the result; `""` is the whole of it. `description` says what the expectation means,
//! in words for the user and for the next attempt.

use std::ops::{RangeFrom, RangeInclusive, RangeToInclusive};

use serde_json::Value;

use crate::types::{Check, Expectation, NumericRange, Similarity};

/// Measured on labelled pairs of texts (docs/brain.md): it tells most paraphrases from most other texts.
const USUAL_THRESHOLD: f64 = 0.7;

fn expectation(pointer: &str, check: Check, description: impl Into<String>) -> Expectation {
    Expectation { pointer: pointer.into(), check, description: description.into() }
}

/// The value is there and not null.
pub fn present(pointer: &str, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::Present, description)
}

/// The value equals this document.
pub fn exact(pointer: &str, value: impl Into<Value>, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::Exact(value.into().to_string()), description)
}

/// The value satisfies this JSON Schema (draft 2020-12).
pub fn schema(pointer: &str, schema: impl Into<Value>, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::Schema(schema.into().to_string()), description)
}

/// The value, as text, contains this text; case does not matter.
pub fn contains(pointer: &str, text: impl Into<String>, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::Contains(text.into()), description)
}

/// The value, as text, matches this regular expression (RE2 syntax).
pub fn matches(pointer: &str, pattern: impl Into<String>, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::Matches(pattern.into()), description)
}

/// The value, as text, is like this text; `threshold` is 0 to 1, usually 0.7.
pub fn similar(pointer: &str, text: impl Into<String>, threshold: f64, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::Similar(Similarity { text: text.into(), threshold }), description)
}

/// The value, as text, is as much like this text as one thing said in two ways usually is: [`similar`] with the threshold 0.7.
pub fn like(pointer: &str, text: impl Into<String>, description: impl Into<String>) -> Expectation {
    similar(pointer, text, USUAL_THRESHOLD, description)
}

/// The value is a number within these bounds, inclusive; for text and lists, their length is.
///
/// ```
/// # use openanalyst_skill::expect;
/// expect::within("/length", 1..=280, "The post fits.");
/// expect::within("/rate", 0.0..=1.0, "The rate is a share.");
/// expect::within("/rows", 1.., "There are rows.");
/// ```
pub fn within(pointer: &str, range: impl Into<NumericRange>, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::Within(range.into()), description)
}

/// The skill decides: its `run` is called with this argument, and finds the value under `result` in its arguments. It answers
/// `{"met": bool, "differences": ["..."]}`.
pub fn by_skill(pointer: &str, argument: impl Into<Value>, description: impl Into<String>) -> Expectation {
    expectation(pointer, Check::BySkill(argument.into().to_string()), description)
}

macro_rules! ranges {
    ($($number:ty),*) => {$(
        impl From<RangeInclusive<$number>> for NumericRange {
            fn from(range: RangeInclusive<$number>) -> Self {
                Self { min: Some(f64::from(*range.start())), max: Some(f64::from(*range.end())) }
            }
        }
        impl From<RangeFrom<$number>> for NumericRange {
            fn from(range: RangeFrom<$number>) -> Self {
                Self { min: Some(f64::from(range.start)), max: None }
            }
        }
        impl From<RangeToInclusive<$number>> for NumericRange {
            fn from(range: RangeToInclusive<$number>) -> Self {
                Self { min: None, max: Some(f64::from(range.end)) }
            }
        }
    )*};
}

ranges!(i32, u32, f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_keep_their_open_ends() {
        let bounds = |expectation: Expectation| match expectation.check {
            Check::Within(range) => (range.min, range.max),
            other => panic!("{other:?}"),
        };
        assert_eq!(bounds(within("", 1..=280, "")), (Some(1.0), Some(280.0)));
        assert_eq!(bounds(within("", 2.., "")), (Some(2.0), None));
        assert_eq!(bounds(within("", ..=0.5, "")), (None, Some(0.5)));
    }

    #[test]
    fn exact_carries_json() {
        assert_eq!(exact("/a", "x", "").check, Check::Exact("\"x\"".into()));
    }
}
