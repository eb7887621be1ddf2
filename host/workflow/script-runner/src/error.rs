//! Why a script did not end well, as its author and the job's result see it.

use std::fmt;

/// An error of a script or in it. See `script-error` in `wit/script.wit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// What kind of error, such as `TypeError` or `NeverSettled`.
    pub name: String,
    /// What happened, in a sentence.
    pub message: String,
    /// One line for each call, innermost first, in lines of the TypeScript source.
    pub stack: Option<String>,
    /// Line in the script, counted from 1.
    pub line: Option<u32>,
}

impl ScriptError {
    pub(crate) fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), message: message.into(), stack: None, line: None }
    }

    pub(crate) fn at_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.message)
    }
}

impl std::error::Error for ScriptError {}
