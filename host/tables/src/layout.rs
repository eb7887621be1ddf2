//! The names of the columns, and which records are no data: lines below it, repeated headers, rows of other lengths.

use std::collections::{HashMap, HashSet};

use crate::grid::{Grid, Row};
use crate::header::{self, Divided, is_value};
use crate::keys::{is_apart, is_same, names_rows};
use crate::row_names;

/// Most lines that a note names.
const MAX_NAMED_LINES: usize = 5;

/// The names of the columns, and the records of the data.
pub(crate) struct Layout {
    pub(crate) names: Vec<String>,
    pub(crate) body: Vec<Row>,
}

/// Divides a grid into header and data; says in the notes what it left out.
pub(crate) fn divide(mut grid: Grid, notes: &mut Vec<String>) -> Layout {
    notes.append(&mut grid.notes);
    let is_json = grid.is_json;
    let Divided { names, above, header, mut body } = match grid.header.take() {
        Some(names) => Divided { names, above: Vec::new(), header: Vec::new(), body: grid.rows },
        None => header::find(grid.rows, notes),
    };
    let mut names = named(names, notes);
    drop_footers(&mut body, names.len(), notes);
    drop_repeated_headers(&mut body, &above, &header, notes);
    if !is_json {
        drop_second_table(&mut body, &names, notes);
    }
    fit(&mut names, &mut body, is_json, notes);
    Layout { names, body }
}

/// Names without line breaks, none empty, none twice.
fn named(names: Vec<String>, notes: &mut Vec<String>) -> Vec<String> {
    let mut seen = HashMap::<String, usize>::new();
    let mut doubled = Vec::new();
    let mut result: Vec<String> = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let mut name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            name = format!("column {}", at + 1);
        }
        let count = seen.entry(name.to_lowercase()).or_default();
        *count += 1;
        if *count > 1 {
            let other = format!("{name} ({count})");
            doubled.push(format!("`{other}`"));
            name = other;
        }
        result.push(name);
    }
    if !doubled.is_empty() {
        notes.push(format!("a header stands there more than once; the later ones are called {}", doubled.join(", ")));
    }
    result
}

/// Sentences below the data: a source, a remark.
fn drop_footers(body: &mut Vec<Row>, width: usize, notes: &mut Vec<String>) {
    let is_remark = |row: &Row| {
        let text = row.text(0).trim();
        row.filled() == 1
            && !is_value(text)
            && row_names::names_total(text).is_none()
            && row_names::names_summary(text).is_none()
            && (text.chars().count() >= 12 && text.contains(' ') || text.starts_with(['*', '#']))
    };
    let mut dropped = Vec::new();
    while width >= 2 && body.len() > 1 && body.last().is_some_and(is_remark) {
        dropped.extend(body.pop());
    }
    if let Some(last) = dropped.last() {
        notes.push(format!("{} below the data left out (`{}`)", lines(dropped.len()), excerpt(last)));
    }
}

/// Headers in the middle of files that were put together, with the lines above them where those are the same or have
/// the same key.
fn drop_repeated_headers(body: &mut Vec<Row>, above: &[Row], header: &[Row], notes: &mut Vec<String>) {
    let Some(first) = header.first().filter(|row| row.filled() >= 2) else { return };
    let is_first: Vec<bool> = body.iter().map(|row| is_same(row, first)).collect();
    let count = is_first.iter().filter(|is_first| **is_first).count();
    if count == 0 {
        return;
    }
    let mut is_left_out = vec![false; body.len()];
    let mut lines_above = 0;
    for at in (0..body.len()).filter(|at| is_first[*at]) {
        for (row, header) in (at..body.len()).zip(header) {
            is_left_out[row] |= is_same(&body[row], header);
        }
        for (row, above) in (0..at).rev().zip(above.iter().rev()) {
            let has_its_key = body[row].filled() <= 2 && body[row].text(0).trim() == above.text(0).trim();
            if is_left_out[row] || !has_its_key && !is_same(&body[row], above) {
                break;
            }
            is_left_out[row] = true;
            lines_above += 1;
        }
    }
    let mut left_out = is_left_out.iter();
    body.retain(|_| !left_out.next().copied().unwrap_or(false));
    let with = if lines_above > 0 { format!(", with {} above it", lines(lines_above)) } else { String::new() };
    let times = if count == 1 { "once more".to_owned() } else { format!("{count} more times") };
    notes.push(format!("the header stands there {times} between the data{with}; left out"));
}

/// Another table below the first: a row of words that begins with a name of the header, or looks like a header below an
/// empty line, between rows with values. Its values belong to other columns.
fn drop_second_table(body: &mut Vec<Row>, names: &[String], notes: &mut Vec<String>) {
    let known: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let has_values = |row: &Row| row.cells.iter().any(|cell| is_value(&cell.text));
    // A line with one cell above the header is its title.
    let is_title = |at: usize| body[at].filled() == 1 && !has_values(&body[at]);
    let is_second = |at: usize| {
        let row = &body[at];
        let begins = || known.contains(&row.text(0).trim().to_lowercase());
        let (has_name, has_measure) = (|| names_rows(row), || header::names_measure(row));
        let is_like_header = || match is_title(at - 1) {
            true => has_name() || has_measure(),
            // An empty line may stand between rows of data as well.
            false => is_apart(&body[at - 1], row) && has_name() && has_measure(),
        };
        let last = if is_title(at - 1) { at.checked_sub(2) } else { Some(at - 1) };
        row.filled() >= 2
            && row.filled() == row.end()
            && !has_values(row)
            && (begins() || is_like_header())
            && has_values(&body[at + 1])
            && last.is_some_and(|last| has_values(&body[last]))
    };
    let Some(mut at) = (1..body.len().saturating_sub(1)).find(|at| is_second(*at)) else { return };
    let (line, words, rows) = (body[at].line, excerpt(&body[at]), body.len() - at - 1);
    at -= usize::from(is_title(at - 1));
    body.truncate(at);
    notes.push(format!(
        "another table begins in line {line} (`{words}`); it is not read, with {} below it: send it as a file of its own",
        lines(rows)
    ));
}

/// Makes room for cells beyond the header, and says which rows have more or fewer.
fn fit(names: &mut Vec<String>, body: &mut [Row], is_json: bool, notes: &mut Vec<String>) {
    let width = names.len();
    let longer: Vec<&Row> = body.iter().filter(|row| row.end() > width).collect();
    let most = longer.iter().map(|row| row.end()).max().unwrap_or(width);
    if !longer.is_empty() {
        let added = (width + 1..=most).map(|at| format!("`column {at}`")).collect::<Vec<_>>();
        notes.push(format!(
            "{} more cells than the header's {width} ({}); they are in {}",
            have(longer.len()),
            named_lines(&longer),
            added.join(", ")
        ));
    }
    let shorter: Vec<&Row> = body.iter().filter(|row| row.cells.len() < width).collect();
    if !shorter.is_empty() && !is_json {
        notes.push(format!(
            "{} fewer cells than the header's {width} ({}); the rest of each counts as missing",
            have(shorter.len()),
            named_lines(&shorter)
        ));
    }
    names.extend((width + 1..=most).map(|at| format!("column {at}")));
    // Columns that trailing delimiters make.
    while names.len() > 1 && *names.last().unwrap_or(&String::new()) == format!("column {}", names.len()) {
        let last = names.len() - 1;
        if body.iter().any(|row| !row.text(last).trim().is_empty()) {
            break;
        }
        names.pop();
    }
}

fn have(count: usize) -> String {
    if count == 1 { "1 row has".to_owned() } else { format!("{count} rows have") }
}

pub(crate) fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn named_lines(rows: &[&Row]) -> String {
    let mut numbers: Vec<String> = rows.iter().take(MAX_NAMED_LINES).map(|row| row.line.to_string()).collect();
    if rows.len() > MAX_NAMED_LINES {
        numbers.push("…".to_owned());
    }
    format!("line {}", numbers.join(", "))
}

/// The beginning of a row, for a note.
pub(crate) fn excerpt(row: &Row) -> String {
    let text =
        row.cells.iter().map(|cell| cell.text.trim()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
