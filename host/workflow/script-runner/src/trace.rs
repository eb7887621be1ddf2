//! Turns what a script threw into a [`ScriptError`] with positions in the TypeScript source.

use std::collections::BTreeMap;

use boa_engine::{Context, JsError, JsString, JsValue, js_string};

use crate::compile::Mapping;
use crate::error::ScriptError;
use crate::path::{CLIENT, GLOBALS};

/// Longest stack and message that are reported, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// For each loaded script, where the pieces of its JavaScript came from.
#[derive(Default)]
pub(crate) struct Positions {
    scripts: BTreeMap<String, Vec<Mapping>>,
}

impl Positions {
    pub(crate) fn add(&mut self, script_path: &str, mappings: Vec<Mapping>) {
        self.scripts.insert(script_path.to_owned(), mappings);
    }

    /// Line and column in the source, counted from 1 as the given ones are.
    fn original(&self, script_path: &str, line: u32, column: u32) -> Option<(u32, u32)> {
        let mappings = self.scripts.get(script_path)?;
        let wanted = (line.checked_sub(1)?, column.checked_sub(1)?);
        let after = mappings.partition_point(|mapping| mapping.generated <= wanted);
        // The last one before; at the beginning of a line the first one on it.
        let on_line = |mapping: &&Mapping| mapping.generated.0 == wanted.0;
        let before = after.checked_sub(1).and_then(|index| mappings.get(index)).filter(on_line);
        let (line, column) = before.or_else(|| mappings.get(after).filter(on_line))?.original;
        Some((line + 1, column + 1))
    }

    /// Rewrites the positions of a stack, whose frames look like `at name (path:line:column)`. Frames of the runner's own code say
    /// nothing to an author and are left out.
    fn rewrite(&self, stack: &str) -> Vec<Frame> {
        let frames = stack.lines().map(str::trim).filter(|line| !line.is_empty());
        frames.filter_map(|frame| self.rewrite_frame(frame)).collect()
    }

    fn rewrite_frame(&self, frame: &str) -> Option<Frame> {
        let name = frame.strip_prefix("at ").unwrap_or(frame);
        let parsed = name.strip_suffix(')').and_then(|text| text.rsplit_once(" (")).and_then(|(function, place)| {
            let (place, column) = place.rsplit_once(':')?;
            let (script, line) = place.rsplit_once(':')?;
            Some((function, script, line, column))
        });
        let Some((function, script, line, column)) = parsed else {
            return (!name.is_empty()).then(|| Frame { text: format!("at {name}"), script: None, line: None });
        };
        if script == CLIENT || script == GLOBALS {
            return None;
        }
        if script.starts_with("native at ") {
            // A place in the interpreter's own source helps nobody.
            return Some(Frame { text: format!("at {function} (native)"), script: None, line: None });
        }
        let position = line.parse().ok().zip(column.parse().ok());
        let original = position.and_then(|(line, column)| self.original(script, line, column));
        Some(match original {
            Some((line, column)) => Frame {
                text: format!("at {function} ({script}:{line}:{column})"),
                script: Some(script.to_owned()),
                line: Some(line),
            },
            None => Frame { text: format!("at {function} ({script})"), script: Some(script.to_owned()), line: None },
        })
    }
}

struct Frame {
    text: String,
    script: Option<String>,
    line: Option<u32>,
}

/// Describes what the script `script_path` threw.
pub(crate) fn describe(
    error: &JsError,
    script_path: &str,
    positions: &Positions,
    context: &mut Context,
) -> ScriptError {
    if error.as_engine().is_some() {
        // A limit of the interpreter: scripts cannot catch it, and it has no object, only a text with the stack behind it.
        let text = error.to_string();
        let (message, stack) = text.split_once('\n').unwrap_or((&text, ""));
        let message = message.strip_prefix("RuntimeLimitError: ").unwrap_or(message);
        return with_stack("RangeError".to_owned(), message.to_owned(), stack, script_path, positions);
    }
    match error.clone().into_opaque(context) {
        Ok(thrown) => describe_value(&thrown, script_path, positions, context),
        Err(_) => ScriptError::new("Error", cut(error.to_string())),
    }
}

/// Describes a thrown value, which may be anything.
pub(crate) fn describe_value(
    thrown: &JsValue,
    script_path: &str,
    positions: &Positions,
    context: &mut Context,
) -> ScriptError {
    let Some(object) = thrown.as_object() else {
        return ScriptError::new("Error", cut(thrown.display().to_string()));
    };
    // Getters of a hostile object may throw themselves; then there is nothing to read.
    let mut read = |name: JsString| -> Option<String> {
        let value = object.get(name, context).ok()?;
        value.as_string().map(|text| cut(text.to_std_string_lossy()))
    };
    let name = read(js_string!("name")).filter(|name| !name.is_empty());
    let message = read(js_string!("message"));
    let stack = read(js_string!("stack"));
    let Some(message) = message else {
        return ScriptError::new(name.as_deref().unwrap_or("Error"), cut(thrown.display().to_string()));
    };
    // The runner's own errors carry their name in front of the message (see `loader` and `jobs`).
    let (name, message) = match message.split_once(": ") {
        Some((own @ ("ImportError" | "TimerTooLong"), rest)) => (own.to_owned(), rest.to_owned()),
        _ => (name.unwrap_or_else(|| "Error".to_owned()), message),
    };
    with_stack(name, message, &stack.unwrap_or_default(), script_path, positions)
}

fn with_stack(name: String, message: String, stack: &str, script_path: &str, positions: &Positions) -> ScriptError {
    let frames = positions.rewrite(stack);
    let line = frames.iter().find(|frame| frame.script.as_deref() == Some(script_path)).and_then(|frame| frame.line);
    let stack = (!frames.is_empty()).then(|| frames.into_iter().map(|frame| frame.text).collect::<Vec<_>>().join("\n"));
    ScriptError { name, message, stack, line }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    text
}
