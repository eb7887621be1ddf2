//! Text with a delimiter: which one it is, and its records.

use crate::Unreadable;
use crate::grid::{Cell, Grid, Row};

/// The delimiters that exports use.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much of a file the delimiter is chosen by.
const SAMPLE_BYTES: usize = 64 << 10;
/// A quote that is never closed takes the rest of the file into one cell; no real cell has as many lines.
const MAX_LINES_IN_A_CELL: usize = 200;

/// The records of a file, with the lines where they begin.
pub(crate) fn read(text: &str) -> Result<Grid, Unreadable> {
    let (text, said, first_line) = separator_line(text);
    let delimiter = said.or_else(|| choose(text));
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

/// The delimiter that cuts the lines most evenly. None where the file has one column.
fn choose(text: &str) -> Option<u8> {
    let mut end = text.len().min(SAMPLE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // A record that the sample cuts says nothing.
    let sample = if end < text.len() { text[..end].rfind('\n').map_or(&text[..end], |at| &text[..at]) } else { text };
    let scored = CANDIDATES.iter().filter_map(|mark| Some((score(sample, *mark)?, *mark)));
    // The first of equals: candidates stand in the order of how usual they are.
    let mut best: Option<(f64, u8)> = None;
    for (score, mark) in scored {
        if best.is_none_or(|(least, _)| score > least) {
            best = Some((score, mark));
        }
    }
    best.map(|(_, mark)| mark)
}

/// How evenly a delimiter cuts: the share of records that have the most frequent number of cells, weighed
/// against records that it does not cut at all. None where it cuts nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of records")]
fn score(sample: &str, mark: u8) -> Option<f64> {
    let rows = records(sample, Some(mark), true).ok()?;
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for row in &rows {
        *counts.entry(row.cells.len()).or_default() += 1;
    }
    let (width, at_width) =
        counts.iter().filter(|(width, _)| **width > 1).max_by_key(|(width, count)| (**count, **width))?;
    let even = *at_width as f64 / rows.len() as f64;
    // Cells that are numbers or words speak for a delimiter; ones that begin with a space speak for text with commas.
    let cells = rows.iter().flat_map(|row| &row.cells).filter(|cell| !cell.text.is_empty());
    let (mut all, mut spaced) = (0_usize, 0_usize);
    for cell in cells {
        all += 1;
        spaced += usize::from(cell.text.starts_with(' ') && mark == b',');
    }
    let spaced = if all == 0 { 0.0 } else { spaced as f64 / all as f64 };
    Some(even * (1.0 - spaced * 0.3) + (*width as f64).ln() * 0.02)
}

fn records(text: &str, delimiter: Option<u8>, quoting: bool) -> Result<Vec<Row>, Unreadable> {
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
        _ => "its own delimiter",
    }
}
