//! Text with a delimiter: its records.

use crate::grid::{Cell, Grid, Row};
use crate::{Unreadable, delimiter, spaces};

/// A quote that is never closed takes the rest of the file into one cell; no real cell has as many lines.
const MAX_LINES_IN_A_CELL: usize = 200;

/// The records of a file, with the lines where they begin.
pub(crate) fn read(text: &str) -> Result<Grid, Unreadable> {
    let (text, said, first_line) = separator_line(text);
    let delimiter = said.or_else(|| delimiter::choose(text));
    if delimiter.is_none()
        && let Some(rows) = spaces::read(text)?
    {
        return Ok(Grid { rows, delimiter: Some(b' '), is_json: false, header: None, notes: Vec::new() });
    }
    let mut rows = records(text, delimiter, true)?;
    let mut notes = Vec::new();
    let runaway = rows.iter().find(|row| {
        row.cells.iter().any(|cell| cell.text.bytes().filter(|byte| *byte == b'\n').count() > MAX_LINES_IN_A_CELL)
    });
    if let Some(row) = runaway {
        notes.push(format!(
            "a quotation mark in line {} is never closed, so quotation marks were read as text",
            row.line + first_line
        ));
        rows = records(text, delimiter, false)?;
    }
    for row in &mut rows {
        row.line += first_line;
    }
    Ok(Grid { rows, delimiter, is_json: false, header: None, notes })
}

/// `sep=;` in the first line, which Excel writes and reads, and the rest.
fn separator_line(text: &str) -> (&str, Option<u8>, u64) {
    let first = text.lines().next().unwrap_or_default();
    let plain = first.trim().trim_matches('"');
    let said = plain.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &plain[4..]);
    // `sep=` and a tab lose the tab when the line is trimmed.
    let said = said.map(|mark| if mark.is_empty() && first.contains('\t') { "\t" } else { mark });
    match said.map(str::as_bytes) {
        Some([mark]) => (text[first.len()..].trim_start_matches(['\r', '\n']), Some(*mark), 1),
        _ => (text, None, 0),
    }
}

/// The records of a text. Without a delimiter each line is one cell.
pub(crate) fn records(text: &str, delimiter: Option<u8>, quoting: bool) -> Result<Vec<Row>, Unreadable> {
    let mut reader = csv::ReaderBuilder::new();
    // A file of one column has no delimiter: a character that no text has stands in for it.
    reader.has_headers(false).flexible(true).quoting(quoting).delimiter(delimiter.unwrap_or(0x1f));
    let mut reader = reader.from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    let broken = |error: csv::Error| Unreadable::new(format!("it cannot be read: {error}"));
    while reader.read_record(&mut record).map_err(broken)? {
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        rows.push(Row { line, cells: record.iter().map(Cell::text).collect() });
    }
    Ok(rows)
}

/// The name of a delimiter.
pub(crate) fn name(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "commas",
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "bars (|)",
        b' ' => "spaces",
        _ => "its own delimiter",
    }
}
