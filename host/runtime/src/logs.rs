//! The log of one invocation: captured with a cap on lines and on their length, and without anything that could move a terminal's
//! cursor or forge a second line.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use openanalyst_domain::Budget;
use serde::{Deserialize, Serialize};

use crate::Scrubber;

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Detail for debugging.
    Debug,
    /// What happened.
    Info,
    /// Something unexpected that was dealt with.
    Warn,
    /// Something that went wrong.
    Error,
}

/// One line of a skill's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// What it says: one line, control characters replaced.
    pub message: String,
    /// When it was written, UTC milliseconds.
    pub at_ms: i64,
}

/// Collects the lines of one invocation. Clones share the same lines, so that standard output can write into them.
#[derive(Debug, Clone)]
pub(crate) struct Logs(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    kept: Vec<LogLine>,
    dropped: u32,
    max_lines: usize,
    max_line_bytes: usize,
    scrubber: Scrubber,
}

impl Logs {
    pub(crate) fn new(budget: &Budget, scrubber: Scrubber) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            kept: Vec::new(),
            dropped: 0,
            max_lines: usize::try_from(budget.log_lines).unwrap_or(usize::MAX),
            max_line_bytes: budget.log_line_bytes,
            scrubber,
        })))
    }

    /// Keeps a line, or counts it once there are too many; says whether it was kept.
    pub(crate) fn write(&self, level: LogLevel, message: &str) -> bool {
        let mut lines = self.lines();
        if lines.kept.len() >= lines.max_lines {
            lines.dropped = lines.dropped.saturating_add(1);
            return false;
        }
        let message = clean(&lines.scrubber.text(message), lines.max_line_bytes);
        lines.kept.push(LogLine { level, message, at_ms: now_ms() });
        true
    }

    /// Keeps a line of the host's own about the end of the invocation, also where the guest used up
    /// the number of lines.
    pub(crate) fn write_last(&self, level: LogLevel, message: &str) {
        let mut lines = self.lines();
        let message = clean(&lines.scrubber.text(message), lines.max_line_bytes);
        lines.kept.push(LogLine { level, message, at_ms: now_ms() });
    }

    /// How long a line may be, in bytes.
    pub(crate) fn max_line_bytes(&self) -> usize {
        self.lines().max_line_bytes
    }

    /// The lines, and how many were not kept.
    pub(crate) fn take(&self) -> (Vec<LogLine>, u32) {
        let mut lines = self.lines();
        (std::mem::take(&mut lines.kept), lines.dropped)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Nothing under the lock leaves the lines half written, so a panic elsewhere spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Cuts a text at `max_bytes` and replaces every control character, so that it is one harmless line.
///
/// A cut text ends with `…` and still fits. Bidirectional overrides are replaced too: they make a line read differently from
/// what it says.
pub(crate) fn clean(text: &str, max_bytes: usize) -> String {
    const CUT: &str = "…";
    let harmless = |c: char| {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        if c == '\t' {
            ' '
        } else if c.is_control() || turns {
            '\u{fffd}'
        } else {
            c
        }
    };
    let mut line = String::with_capacity(text.len().min(max_bytes));
    for c in text.chars().map(harmless) {
        if line.len() + c.len_utf8() > max_bytes {
            while line.len() + CUT.len() > max_bytes {
                if line.pop().is_none() {
                    return line;
                }
            }
            line.push_str(CUT);
            return line;
        }
        line.push(c);
    }
    line
}

/// Cuts a text of several lines at `max_bytes`, at a character; control characters other than line ends and tabs are replaced.
pub(crate) fn clean_text(text: &str, max_bytes: usize) -> String {
    let mut cut = text.len().min(max_bytes);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let keep = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    let mut kept: String = text[..cut].chars().filter(|c| *c != '\r').map(keep).collect();
    if cut < text.len() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(log_lines: u32, log_line_bytes: usize) -> Logs {
        Logs::new(&Budget { log_lines, log_line_bytes, ..Budget::default() }, Scrubber::none())
    }

    #[test]
    fn nothing_moves_the_cursor_or_forges_a_line() {
        let logs = logs(10, 100);
        logs.write(LogLevel::Info, "a\x1b[2Jb\r\nERROR forged\u{202e}x\u{9b}1m");
        let (lines, _) = logs.take();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].message.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{:?}", lines[0].message);
    }

    #[test]
    fn lines_over_the_cap_are_counted() {
        let logs = logs(2, 100);
        for n in 0..5 {
            logs.write(LogLevel::Info, &n.to_string());
        }
        let (lines, dropped) = logs.take();
        assert_eq!((lines.len(), dropped), (2, 3));
    }

    #[test]
    fn a_long_line_is_cut_within_its_bytes_and_at_a_character() {
        for max in 0..20 {
            let cut = clean("ééééééééééé", max);
            assert!(cut.len() <= max, "{max}: {cut}");
        }
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abc…");
    }

    #[test]
    fn a_text_keeps_its_lines_and_loses_the_rest() {
        assert_eq!(clean_text("a\r\nb\x1b[1m", 100), "a\nb\u{fffd}[1m");
        assert_eq!(clean_text("ééé", 3), "é…");
    }
}
