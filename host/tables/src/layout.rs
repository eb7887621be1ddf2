//! Which records are the header, which come before it, and which after the data.

use std::collections::HashMap;

use crate::grid::{Grid, Row};
use crate::{date, names, number, words};

/// How many records the columns' types are guessed by, for finding the header.
const SAMPLE_ROWS: usize = 500;
/// Most rows that a header has.
const MAX_HEADER_ROWS: usize = 3;
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
    let (names, mut body) = match grid.header.take() {
        Some(names) => (names, grid.rows),
        None => find_header(grid.rows, notes),
    };
    let mut names = named(names, notes);
    drop_footers(&mut body, names.len(), notes);
    drop_repeated_headers(&mut body, &names, notes);
    fit(&mut names, &mut body, is_json, notes);
    Layout { names, body }
}

fn is_value(text: &str) -> bool {
    number::shape(text).is_some() || date::read(text).is_some()
}

/// The number of cells that most records have; the larger of equals. Records of one cell are remarks where others have more.
fn usual_width(rows: &[Row]) -> usize {
    let mut counts = HashMap::<usize, usize>::new();
    let has_columns = rows.iter().any(|row| row.cells.len() > 1);
    for row in rows.iter().filter(|row| row.cells.len() > 1 || !has_columns) {
        *counts.entry(row.cells.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
}

/// Which columns hold numbers or dates, by the later part of the records.
fn typed_columns(rows: &[Row], width: usize) -> Vec<bool> {
    let start = (rows.len() * 2 / 5).max(1).min(rows.len());
    let sample = &rows[start..rows.len().min(start + SAMPLE_ROWS)];
    let is_typed = |column: usize| {
        let cells = sample.iter().map(|row| row.text(column)).filter(|text| !words::is_missing(text));
        let (all, values) = cells.fold((0, 0), |(all, values), text| (all + 1, values + usize::from(is_value(text))));
        values > 0 && values * 5 >= all * 3
    };
    (0..width).map(is_typed).collect()
}

fn find_header(rows: Vec<Row>, notes: &mut Vec<String>) -> (Vec<String>, Vec<Row>) {
    let width = usual_width(&rows);
    let typed = typed_columns(&rows, width);
    let is_full = |row: &Row| width < 2 || row.filled() >= 2.max((width * 3).div_ceil(5));
    let mut first = rows.iter().position(is_full).unwrap_or(0);
    // A row of group names has gaps, and nothing above the names of the rows.
    if let Some(above) = first.checked_sub(1).and_then(|at| rows.get(at))
        && above.cells.len() >= width
        && above.filled() >= 2
        && above.text(0).trim().is_empty()
    {
        first -= 1;
    }
    let length = header_rows(&rows[first..], &typed);
    if first > 0 {
        let what = if first == 1 { "1 line".to_owned() } else { format!("{first} lines") };
        notes.push(format!("{what} above the header left out (`{}`)", excerpt(&rows[0])));
    }
    let mut rest = rows.into_iter().skip(first);
    let header: Vec<Row> = rest.by_ref().take(length).collect();
    let names = match header.as_slice() {
        [] => {
            notes.push("it has no header, so its columns are numbered".to_owned());
            vec![String::new(); width]
        }
        [only] => only.cells.iter().map(|cell| cell.text.to_string()).collect(),
        several => {
            notes.push(format!("{} rows make the header", several.len()));
            joined(several)
        }
    };
    (names, rest.collect())
}

/// How many of the first rows are header.
fn header_rows(rows: &[Row], typed: &[bool]) -> usize {
    let typed_cells = |row: &Row| -> Vec<String> {
        let cells = typed.iter().enumerate().filter(|(_, is_typed)| **is_typed);
        cells.map(|(column, _)| row.text(column).trim().to_owned()).filter(|text| !text.is_empty()).collect()
    };
    let is_text = |text: &String| !is_value(text) && !words::is_missing(text);
    let is_words = |row: &Row| {
        let cells = typed_cells(row);
        !cells.is_empty() && cells.iter().all(is_text)
    };
    let Some(first) = rows.first() else { return 0 };
    if !typed.contains(&true) {
        return usize::from(rows.len() > 1 || !first.cells.iter().any(|cell| is_value(&cell.text)));
    }
    let has_gaps = |row: &Row| (0..typed.len()).any(|column| row.text(column).trim().is_empty());
    let is_units = |row: &Row| {
        let others = typed.iter().enumerate().filter(|(_, is_typed)| !**is_typed);
        let mut others = others.peekable();
        others.peek().is_some() && others.all(|(column, _)| row.text(column).trim().is_empty())
    };
    let mut length = if is_words(first) || names_periods(rows, typed) {
        1
    } else if has_gaps(first) && rows.get(1).is_some_and(is_words) {
        2
    } else {
        return 0;
    };
    while length < MAX_HEADER_ROWS.min(rows.len().saturating_sub(1)) {
        let next = &rows[length];
        let continues = has_gaps(&rows[length - 1]) && length == 1 || is_units(next);
        if !(continues && is_words(next)) {
            break;
        }
        length += 1;
    }
    length
}

/// Whether the first row has years or dates above columns of other values: `country,2024,2025`.
fn names_periods(rows: &[Row], typed: &[bool]) -> bool {
    let is_period = |text: &str| {
        let text = text.trim();
        (text.len() == 4 && text.parse::<u16>().is_ok_and(|year| (1900..=2100).contains(&year)))
            || date::read(text).is_some()
    };
    let Some((first, body)) = rows.split_first() else { return false };
    let columns = || typed.iter().enumerate().filter(|(_, is_typed)| **is_typed).map(|(column, _)| column);
    let has_words =
        typed.iter().enumerate().any(|(column, is_typed)| !is_typed && !first.text(column).trim().is_empty());
    let above = columns().map(|column| first.text(column)).filter(|text| !text.trim().is_empty());
    let mut above = above.peekable();
    let below = || body.iter().take(SAMPLE_ROWS).flat_map(|row| columns().map(|column| row.text(column)));
    has_words
        && above.peek().is_some()
        && above.all(is_period)
        && below().filter(|text| is_period(text)).count() * 2 < below().count()
}

/// The names of several header rows in one: a group's name counts for the gaps after it.
fn joined(rows: &[Row]) -> Vec<String> {
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let mut names = vec![String::new(); width];
    for (at, row) in rows.iter().enumerate() {
        let mut group = String::new();
        for (column, name) in names.iter_mut().enumerate() {
            let mut text = row.text(column).trim().to_owned();
            if at + 1 < rows.len() {
                if text.is_empty() && column > 0 {
                    text.clone_from(&group);
                } else {
                    group.clone_from(&text);
                }
            }
            if !text.is_empty() && *name != text {
                if !name.is_empty() {
                    name.push(' ');
                }
                name.push_str(&text);
            }
        }
    }
    names
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
            && names::names_total(text).is_none()
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

/// Headers in the middle of files that were put together.
fn drop_repeated_headers(body: &mut Vec<Row>, names: &[String], notes: &mut Vec<String>) {
    if names.len() < 2 {
        return;
    }
    let before = body.len();
    body.retain(|row| {
        !(row.cells.len() >= names.len()
            && names.iter().enumerate().all(|(column, name)| row.text(column).trim().eq_ignore_ascii_case(name)))
    });
    if body.len() < before {
        notes.push(format!("the header stands there {} more times between the data; left out", before - body.len()));
    }
}

/// Makes room for cells beyond the header, and says which rows have more or fewer.
fn fit(names: &mut Vec<String>, body: &mut [Row], is_json: bool, notes: &mut Vec<String>) {
    let width = names.len();
    let end = |row: &Row| row.cells.iter().rposition(|cell| !cell.text.trim().is_empty()).map_or(0, |at| at + 1);
    let longer: Vec<&Row> = body.iter().filter(|row| end(row) > width).collect();
    let most = longer.iter().map(|row| end(row)).max().unwrap_or(width);
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

fn lines(count: usize) -> String {
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
fn excerpt(row: &Row) -> String {
    let text =
        row.cells.iter().map(|cell| cell.text.trim()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
