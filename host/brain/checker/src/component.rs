//! Binds the tests to `wit/checker.wit`.

use std::cell::RefCell;

use openanalyst_text::similarity;
use serde::Deserialize as _;
use serde_json::Value;

use crate::text::as_text;
use crate::{pattern, schema};

mod bindings {
    #![allow(missing_docs, reason = "generated; the WIT file holds the documentation")]
    wit_bindgen::generate!({ path: "wit", world: "checker" });
}

use bindings::exports::openanalyst::checker::expectations::{Check, Guest, Outcome};

thread_local! {
    /// What was read. One instance serves one invocation.
    static DOCUMENT: RefCell<Value> = const { RefCell::new(Value::Null) };
}

struct Component;

impl Guest for Component {
    fn usable(check: Check) -> Result<(), String> {
        match check {
            Check::Schema(schema) => schema::validator(&schema).map(drop),
            Check::Matches(pattern) => pattern::compiled(&pattern).map(drop),
            Check::Similar(_) => Ok(()),
        }
    }

    fn read(document: String) -> Result<(), String> {
        let mut reader = serde_json::Deserializer::from_str(&document);
        // The host has parsed it already, and may have put it into other values since.
        reader.disable_recursion_limit();
        let value = Value::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
        DOCUMENT.set(value.map_err(|error| format!("the document is no JSON: {error}"))?);
        Ok(())
    }

    fn test(pointer: String, check: Check) -> Outcome {
        DOCUMENT.with_borrow(|document| {
            let value = document.pointer(&pointer).unwrap_or(&Value::Null);
            match check {
                Check::Schema(schema) => outcome(schema::difference(&schema, &pointer, value)),
                Check::Matches(pattern) => outcome(pattern::difference(&pattern, value)),
                Check::Similar(wanted) => {
                    let score = similarity(&wanted.text, &as_text(value));
                    let difference = (score < wanted.threshold).then(|| {
                        let threshold = wanted.threshold;
                        format!("the likeness is {score:.2} and {threshold:.2} was expected")
                    });
                    Outcome { score, difference }
                }
            }
        })
    }
}

fn outcome(difference: Option<String>) -> Outcome {
    Outcome { score: if difference.is_none() { 1.0 } else { 0.0 }, difference }
}

bindings::export!(Component with_types_in bindings);
