//! Which records are the header, and which come before it.

use std::collections::HashMap;

use crate::grid::Row;
use crate::keys::{
    are_units, is_apart, is_same, is_sentence, may_be_key_or_header, names_rows, opens_a_key, opens_a_key_of_a_value,
};
use crate::layout::{excerpt, lines};
use crate::{amount_names, date, names, number, rate_names, words};

/// How many records the columns' types are guessed by.
const SAMPLE_ROWS: usize = 500;
/// Most rows that a header has.
const MAX_HEADER_ROWS: usize = 3;
/// Most full lines above a header.
const MAX_LINES_ABOVE: usize = 20;
/// Most lines above a header that look like data of it.
const MAX_LINES_LIKE_DATA: usize = 3;

/// Whether a cell is a number or a date.
pub(crate) fn is_value(text: &str) -> bool {
    number::shape(text).is_some() || date::read(text).is_some()
}

/// A file divided at its header.
pub(crate) struct Divided {
    /// The names of the columns; empty where there is no header.
    pub(crate) names: Vec<String>,
    /// The records that stand above the header.
    pub(crate) above: Vec<Row>,
    /// The records that make it.
    pub(crate) header: Vec<Row>,
    /// The records below.
    pub(crate) body: Vec<Row>,
}

/// Finds the header; what stands above it is said in the notes.
pub(crate) fn find(mut rows: Vec<Row>, notes: &mut Vec<String>) -> Divided {
    let shape = Shape::of(&rows);
    let first = shape.start(&rows);
    let length = shape.header_rows(&rows[first..]);
    let body = rows.split_off(first + length);
    let header = rows.split_off(first);
    let above = rows;
    if let Some(line) = above.first() {
        notes.push(format!("{} above the header left out (`{}`)", lines(first), excerpt(line)));
    }
    let names = match header.as_slice() {
        [] => {
            notes.push("it has no header, so its columns are numbered".to_owned());
            vec![String::new(); shape.width]
        }
        [only] => only.cells.iter().map(|cell| cell.text.to_string()).collect(),
        several => {
            notes.push(format!("{} rows make the header", several.len()));
            joined(several)
        }
    };
    Divided { names, above, header, body }
}

/// What most records have in common.
struct Shape {
    /// The number of cells.
    width: usize,
    /// Which columns hold numbers or dates.
    typed: Vec<bool>,
}

impl Shape {
    fn of(rows: &[Row]) -> Self {
        let width = usual_width(rows);
        let mut shape = Self { width, typed: vec![false; width] };
        // Lines with a key and its value say nothing about columns.
        let full: Vec<&Row> = rows.iter().filter(|row| shape.is_full(row)).collect();
        let later = &full[full.len() / 2..];
        shape.typed = typed_columns(&later[..later.len().min(SAMPLE_ROWS)], width);
        if !shape.typed.contains(&true) && full.len() > 1 {
            shape.typed = typed_columns(&full[full.len() - 1..], width);
        }
        shape
    }

    /// Whether a row is as long as the table. One with two cells is a key and its value where there are more columns.
    fn is_full(&self, row: &Row) -> bool {
        self.width < 2 || row.end() >= self.width.min(3) && row.filled() >= 2.max((self.width * 3).div_ceil(5))
    }

    /// The cells of a row that stand in columns of values and have content.
    fn typed_cells<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = &'a str> {
        let typed = self.typed.iter().enumerate().filter(|(_, is_typed)| **is_typed);
        typed.map(|(column, _)| row.text(column).trim()).filter(|text| !text.is_empty())
    }

    /// Whether a row has words above or among values, and nothing else.
    fn is_words(&self, row: &Row) -> bool {
        let mut cells = self.typed_cells(row).peekable();
        cells.peek().is_some() && cells.all(is_text)
    }

    /// Whether a row has words in some columns of values, and values in others.
    fn is_mixed(&self, row: &Row) -> bool {
        self.typed_cells(row).any(is_text) && self.typed_cells(row).any(is_value)
    }

    /// Whether a row has a usual name of a measure above a column of values.
    fn names_measures(&self, row: &Row) -> bool {
        self.typed_cells(row).any(is_measure)
    }

    /// Whether a row has what headers have and rows of data hardly: a measure's name, a name for what the rows are,
    /// or different words above several columns of values.
    fn is_like_header(&self, row: &Row) -> bool {
        let words: Vec<&str> = self.typed_cells(row).collect();
        self.names_measures(row)
            || names_rows(row)
            || words.len() > 1 && words.iter().skip(1).all(|word| *word != words[0])
    }

    /// Whether a word of a row stands in the same column of other rows as well: `closed` among numbers.
    fn recurs(&self, row: &Row, others: &[Row]) -> bool {
        let is_there = |other: &Row, column: usize| other.text(column).trim() == row.text(column).trim();
        let columns = (0..self.width).filter(|column| !row.text(*column).trim().is_empty());
        let others = &others[..others.len().min(SAMPLE_ROWS)];
        columns.into_iter().any(|column| others.iter().any(|other| is_there(other, column) && !is_same(row, other)))
    }

    /// Where the header begins, or the data of a file without one.
    fn start(&self, rows: &[Row]) -> usize {
        let Some(mut first) = rows.iter().position(|row| self.is_full(row)) else { return 0 };
        if let Some(header) = self.words_below(rows, first) {
            first = header;
        } else if let Some(above) = first.checked_sub(1).map(|at| &rows[at])
            // A header that is shorter than its rows.
            && !self.is_words(&rows[first])
            && above.filled() == above.cells.len()
            && above.cells.len() >= 2
            && self.is_words(above)
            && !opens_a_key(above)
        {
            return first - 1;
        }
        // A row of group names has gaps, and nothing above the names of the rows.
        match first.checked_sub(1).and_then(|at| rows.get(at)) {
            Some(above)
                if above.cells.len() >= self.width && above.filled() >= 2 && above.text(0).trim().is_empty() =>
            {
                first - 1
            }
            _ => first,
        }
    }

    /// The header below lines with keys and values as long as its own: the last row of words above the data.
    fn words_below(&self, rows: &[Row], first: usize) -> Option<usize> {
        let is_above = |row: &Row| {
            opens_a_key(row)
                || is_sentence(row) && !rows.last().is_some_and(is_sentence)
                || opens_a_key_of_a_value(row) && !self.is_words(row)
        };
        let is_above_measures = rows.get(first + 1).is_some_and(|row| self.is_words(row) && self.names_measures(row));
        if self.width < 2 || !is_above(&rows[first]) && !is_above_measures && self.names_periods(&rows[first..]) {
            return None;
        }
        let is_header = |row: &Row| self.is_full(row) && self.is_words(row) && !are_units(row);
        let stands_again = |at: usize| rows[at + 1..].iter().any(|row| is_same(row, &rows[at]));
        let typed = self.typed.iter().filter(|is_typed| **is_typed).count();
        let all_are_typed = typed == self.width;
        let end = rows.len().min(first + 1 + MAX_LINES_ABOVE);
        let mut found = None;
        let mut like_data = 0;
        for at in first..end.saturating_sub(1) {
            let (row, next) = (&rows[at], &rows[at + 1]);
            let is_next_header = is_header(next) && !is_same(row, next);
            let mut is_key = is_above(row) || self.is_mixed(row) || !self.is_full(row);
            if is_header(row) {
                // A header stands there again in files that were put together; so may the keys above it.
                if stands_again(at) && !(is_above(row) && is_next_header && stands_again(at + 1)) {
                    break;
                }
                // Two rows of words: the one that names a measure is the header, and the first of two that do.
                let is_named = self.names_measures(row);
                let is_next_named = is_next_header && self.names_measures(next);
                let is_apart = is_next_header
                    && is_apart(row, next)
                    && rows.get(at + 2).is_some_and(|below| !is_apart(next, below))
                    && (!is_named || self.is_like_header(next));
                is_key = is_apart
                    || is_next_named && (!is_named || opens_a_key(row))
                    || is_key && !is_named && !(may_be_key_or_header(row) && self.recurs(next, &rows[at + 2..]));
                if !is_key && !all_are_typed {
                    break;
                }
            } else if all_are_typed && !is_key && self.typed_cells(row).all(is_value) {
                // Values in all columns are data, and what comes below is no header.
                break;
            }
            like_data += usize::from(!is_key && !is_header(row));
            if is_next_header && (like_data == 0 || self.is_like_header(next)) {
                found = Some((at + 1, like_data));
            }
        }
        let (header, like_data) = found?;
        // Rows that could be data are lines above a header only if few are, and all is values below.
        let below = &rows[header + 1..rows.len().min(header + 1 + SAMPLE_ROWS)];
        let are_values = || below.iter().all(|row| !self.is_words(row) || !self.is_full(row));
        (like_data == 0 || like_data <= MAX_LINES_LIKE_DATA && like_data < below.len() && are_values())
            .then_some(header)
    }

    /// How many of the first rows are header.
    fn header_rows(&self, rows: &[Row]) -> usize {
        let typed = &self.typed;
        let Some(first) = rows.first() else { return 0 };
        if !typed.contains(&true) {
            return usize::from(rows.len() > 1 || !first.cells.iter().any(|cell| is_value(&cell.text)));
        }
        let has_gaps = |row: &Row| (0..typed.len()).any(|column| row.text(column).trim().is_empty());
        let is_units = |row: &Row| {
            let others = typed.iter().enumerate().filter(|(_, is_typed)| !**is_typed);
            let mut others = others.peekable();
            others.peek().is_some() && others.all(|(column, _)| row.text(column).trim().is_empty()) || are_units(row)
        };
        let mut length = if self.is_words(first) || self.names_periods(rows) {
            1
        } else if has_gaps(first) && rows.get(1).is_some_and(|row| self.is_words(row)) {
            2
        } else {
            return 0;
        };
        while length < MAX_HEADER_ROWS.min(rows.len().saturating_sub(1)) {
            let next = &rows[length];
            let continues = has_gaps(&rows[length - 1]) && length == 1 || is_units(next);
            if !(continues && self.is_words(next)) {
                break;
            }
            length += 1;
        }
        length
    }

    /// Whether the first row has years or dates above columns of other values, and words at most beside them:
    /// `country,2024,2025,change`.
    fn names_periods(&self, rows: &[Row]) -> bool {
        let typed = &self.typed;
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
        let below = || body.iter().take(SAMPLE_ROWS).flat_map(|row| columns().map(|column| row.text(column)));
        has_words
            && above.clone().any(is_period)
            && above.clone().all(|text| is_period(text) || is_text(text))
            && below().filter(|text| is_period(text)).count() * 2 < below().count()
    }
}

/// Whether a row has a usual name of a measure.
pub(crate) fn names_measure(row: &Row) -> bool {
    row.cells.iter().any(|cell| is_measure(&cell.text))
}

fn is_measure(name: &str) -> bool {
    let tokens = names::tokens(name);
    amount_names::names_count(&tokens)
        || amount_names::names_money(&tokens)
        || amount_names::names_value(&tokens)
        || rate_names::names_state(&tokens)
        || rate_names::names_rate(&tokens, true)
}

fn is_text(text: &str) -> bool {
    !is_value(text) && !words::is_missing(text)
}

/// The number of cells that most of the later records have; the larger of equals. Records of one cell are remarks
/// where others have more.
fn usual_width(rows: &[Row]) -> usize {
    let mut counts = HashMap::<usize, usize>::new();
    let has_columns = rows.iter().any(|row| row.cells.len() > 1);
    let counted = |row: &&Row| row.cells.len() > 1 || !has_columns;
    // Lines above the header may be as many as the rows of a short file.
    let later = rows[rows.len() / 2..].iter().filter(counted);
    let all: Vec<&Row> =
        if later.clone().next().is_some() { later.collect() } else { rows.iter().filter(counted).collect() };
    for row in all {
        *counts.entry(row.cells.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
}

/// Which columns hold numbers or dates.
fn typed_columns(sample: &[&Row], width: usize) -> Vec<bool> {
    let is_typed = |column: usize| {
        let cells = sample.iter().map(|row| row.text(column)).filter(|text| !words::is_missing(text));
        let (all, values) = cells.fold((0, 0), |(all, values), text| (all + 1, values + usize::from(is_value(text))));
        values > 0 && values * 2 >= all
    };
    (0..width).map(is_typed).collect()
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
