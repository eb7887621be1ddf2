//! Text with a delimiter: its records.

use std::borrow::Cow;

use crate::grid::{Cell, Grid, Row};
use crate::keys::is_sentence;
use crate::{Unreadable, delimiter, markdown, number, spaces};

/// A quote that is never closed takes the rest of the file into one cell; no real cell has as many lines.
const MAX_LINES_IN_A_CELL: usize = 200;

/// The records of a file, with the lines where they begin.
pub(crate) fn read(text: &str) -> Result<Grid, Unreadable> {
    let (text, said, first_line) = separator_line(text);
    let drawn = if said.is_none() { markdown::plain(text) } else { None };
    let said = said.or_else(|| drawn.is_some().then_some(b'|'));
    let text = drawn.as_deref().unwrap_or(text);
    let delimiter = said.or_else(|| delimiter::choose(text));
    if delimiter.is_none()
        && let Some(rows) = spaces::read(text)?
    {
        return Ok(Grid { rows, delimiter: Some(b' '), is_json: false, header: None, notes: Vec::new() });
    }
    let mut rows = records(text, delimiter, true)?;
    if delimiter == Some(b',') {
        rejoin(&mut rows);
    }
    unpad(&mut rows);
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
        unpad(&mut rows);
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

/// Puts numbers together that a comma without a space cuts, where only a comma with a space divides: `id, clicks` above
/// `1, 1,234`.
fn rejoin(rows: &mut [Row]) {
    let continues = |row: &Row, at: usize| at > 0 && !row.cells[at].text.starts_with(' ');
    let width = |row: &Row| (0..row.cells.len()).filter(|at| !continues(row, *at)).count();
    let Some(first) = rows.first().filter(|row| is_sentence(row)).map(width) else { return };
    let is_number = |row: &Row, at: usize| {
        let number = format!("{},{}", row.cells[at - 1].text, row.cells[at].text);
        !continues(row, at) || number::shape(&number).is_some()
    };
    let is_cut = |row: &Row| (1..row.cells.len()).all(|at| is_number(row, at));
    if rows.iter().all(|row| row.cells.len() == first) || !rows.iter().all(|row| width(row) == first && is_cut(row)) {
        return;
    }
    for row in rows {
        let mut joined: Vec<Cell> = Vec::with_capacity(first);
        for (at, cell) in std::mem::take(&mut row.cells).into_iter().enumerate() {
            match joined.last_mut() {
                Some(last) if at > 0 && !cell.text.starts_with(' ') => {
                    last.text = format!("{},{}", last.text, cell.text).into();
                }
                _ => joined.push(cell),
            }
        }
        row.cells = joined;
    }
}

/// Takes the spaces around the cells away where most records have one after each delimiter: they are no sentences.
fn unpad(rows: &mut [Row]) {
    let is_padded = |row: &&Row| is_sentence(row);
    if rows.iter().filter(is_padded).count() * 2 > rows.iter().filter(|row| row.cells.len() > 1).count() {
        for cell in rows.iter_mut().flat_map(|row| &mut row.cells) {
            if cell.text.starts_with(' ') || cell.text.ends_with(' ') {
                cell.text = cell.text.trim_matches(' ').into();
            }
        }
    }
}

/// The text without the spaces between a delimiter and the quotation mark that opens a cell, as `a, "b, c"` has them:
/// only beside a delimiter does a mark quote. Lines whose marks do not close are left as they are.
fn unspaced(text: &str, delimiter: u8) -> Cow<'_, str> {
    let mark = char::from(delimiter);
    if !text.contains(&format!("{mark} \"")) && !text.contains("  \"") {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n');
    Cow::Owned(lines.map(|line| unspaced_line(line, mark).map_or(Cow::Borrowed(line), Cow::Owned)).collect())
}

fn unspaced_line(line: &str, mark: char) -> Option<String> {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    loop {
        let cell = rest.trim_start_matches(' ');
        if cell.starts_with('"') {
            let (quoted, after) = cell.split_at(closing(cell)?);
            rest = after.trim_start_matches(' ');
            if !rest.is_empty() && !rest.starts_with([mark, '\r', '\n']) {
                return None;
            }
            result.push_str(quoted);
        } else {
            let (plain, after) = rest.split_at(rest.find(mark).unwrap_or(rest.len()));
            result.push_str(plain);
            rest = after;
        }
        match rest.strip_prefix(mark) {
            Some(after) => rest = after,
            None => {
                result.push_str(rest);
                return Some(result);
            }
        }
        result.push(mark);
    }
}

/// Where the quotation mark that closes a cell ends; the cell begins with the one that opens it. Two of them stand for
/// one.
fn closing(cell: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += cell.get(at..)?.find('"')? + 1;
        if !cell[at..].starts_with('"') {
            return Some(at);
        }
        at += 1;
    }
}

/// The records of a text. Without a delimiter each line is one cell.
pub(crate) fn records(text: &str, delimiter: Option<u8>, quoting: bool) -> Result<Vec<Row>, Unreadable> {
    let mut reader = csv::ReaderBuilder::new();
    // A file of one column has no delimiter: a character that no text has stands in for it.
    reader.has_headers(false).flexible(true).quoting(quoting).delimiter(delimiter.unwrap_or(0x1f));
    let text = match delimiter {
        Some(delimiter) if quoting => unspaced(text, delimiter),
        _ => Cow::Borrowed(text),
    };
    let mut reader = reader.from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    let mut rows = Vec::new();
    let broken = |error: csv::Error| Unreadable::new(format!("it cannot be read: {error}"));
    while reader.read_record(&mut record).map_err(broken)? {
        let start = record.position().map_or(0, csv::Position::byte);
        let line = lines.at(usize::try_from(start).unwrap_or(usize::MAX));
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        rows.push(Row { line, cells: record.iter().map(Cell::text).collect() });
    }
    Ok(rows)
}

/// Counts lines down a text. The reader counts a record that follows empty lines as if it began with them.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first record that begins here or below empty lines from here; each call with a later place.
    fn at(&mut self, place: usize) -> u64 {
        let rest = self.text.get(place..).unwrap_or_default();
        let place = place + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        while self.at < place.min(self.text.len()) {
            // `\r\n` is one break, and so is a lone `\r`.
            let is_break = match self.text[self.at] {
                b'\n' => true,
                b'\r' => self.text.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(is_break);
            self.at += 1;
        }
        self.line
    }
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
