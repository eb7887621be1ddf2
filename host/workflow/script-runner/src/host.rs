//! The runner's only door to the outside; `component` stands behind it.

/// Severity of a log line, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the author of the script.
    Debug,
    /// What happened.
    Info,
    /// Something is odd, the job goes on.
    Warn,
    /// Something failed.
    Error,
}

/// Why a call failed, with the status and text that the Windmill REST API would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// The body of the answer, in plain text.
    pub message: String,
}

/// What a running script may ask of the host; `wit/script.wit` documents each in full.
pub trait Host {
    /// Appends a line to the job's log.
    fn log(&self, level: Level, message: &str);
    /// Says how far the job is, 0 to 100.
    fn progress(&self, percent: u8, message: &str);
    /// Calls an operation of the workflow engine; arguments and result are JSON.
    ///
    /// # Errors
    /// As the Windmill REST API would answer.
    fn call(&self, operation: &str, arguments: &str) -> Result<String, CallError>;
    /// The source of another script, by path without leading slash and extension.
    fn source(&self, path: &str) -> Option<String>;
}
