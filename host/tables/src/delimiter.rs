//! Which delimiter a text has.
//!
//! A comma also stands inside numbers: `1,5;2,5` has two cells and three pieces between its commas. So a comma
//! between two pieces that make one number says nothing where another mark cuts the records as evenly.

use std::collections::BTreeMap;

use crate::delimited::records;
use crate::grid::Row;
use crate::{date, number, spaces};

/// The delimiters beside the comma. Tabs come first: they stand in hardly any text.
const OTHERS: [u8; 3] = [b'\t', b';', b'|'];
/// How much of a file the delimiter is chosen by.
const SAMPLE_BYTES: usize = 64 << 10;
/// How much of another mark's evenness the comma has to exceed where it stands inside numbers.
const COMMA_IN_NUMBERS: f64 = 0.95;

/// The delimiter of a text. None where it has one column, or its cells are divided by spaces.
pub(crate) fn choose(text: &str) -> Option<u8> {
    let mut end = text.len().min(SAMPLE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // A record that the sample cuts says nothing.
    let sample = if end < text.len() { text[..end].rfind('\n').map_or(&text[..end], |at| &text[..at]) } else { text };
    let mut other: Option<Cut> = None;
    for cut in OTHERS.iter().filter_map(|mark| Cut::of(sample, *mark)) {
        let is_better = |best: &Cut| cut.even > best.even || (cut.even >= best.even && cut.width > best.width);
        if other.as_ref().is_none_or(is_better) {
            other = Some(cut);
        }
    }
    match (other, Cut::of(sample, b',')) {
        (None, None) => None,
        (None, Some(comma)) => (!stands_in_numbers_only(&comma, sample)).then_some(b','),
        (Some(other), Some(comma)) if comma_is_better(&comma, &other) => Some(b','),
        (Some(other), _) => Some(other.mark),
    }
}

/// The records that a mark makes.
struct Cut {
    mark: u8,
    rows: Vec<Row>,
    /// The most frequent number of cells above one.
    width: usize,
    /// The share of records that have it.
    even: f64,
}

impl Cut {
    /// None where the mark cuts nothing.
    fn of(sample: &str, mark: u8) -> Option<Self> {
        let rows = records(sample, Some(mark), true).ok()?;
        let (width, even) = most_frequent(rows.iter().map(|row| row.cells.len()))?;
        Some(Self { mark, rows, width, even })
    }
}

/// The most frequent width above one, the larger of equals, and the share of records that have it.
#[expect(clippy::cast_precision_loss, reason = "counts of records")]
fn most_frequent(widths: impl Iterator<Item = usize>) -> Option<(usize, f64)> {
    let mut counts = BTreeMap::<usize, usize>::new();
    let mut all = 0_usize;
    for width in widths {
        all += 1;
        *counts.entry(width).or_default() += 1;
    }
    let cuts = counts.into_iter().filter(|(width, _)| *width > 1);
    cuts.max_by_key(|(width, count)| (*count, *width)).map(|(width, count)| (width, count as f64 / all as f64))
}

/// How many cells a record has if commas inside numbers cut nothing.
fn free_width(row: &Row) -> usize {
    let divides = |c: char| matches!(c, ';' | '\t' | '|' | ' ');
    let is_free = |pair: &[crate::grid::Cell]| {
        let left = pair[0].text.trim().rsplit(divides).next().unwrap_or_default();
        // A space after a comma is one of a sentence.
        let right = pair[1].text.split(divides).next().unwrap_or_default();
        number::shape(&format!("{left},{right}")).is_none()
    };
    1 + row.cells.windows(2).filter(|pair| is_free(pair)).count()
}

fn comma_is_better(comma: &Cut, other: &Cut) -> bool {
    if heads(comma, other) {
        return true;
    }
    let free = most_frequent(comma.rows.iter().map(free_width)).map(|(width, even)| (width, even * spaced(comma)));
    let is_even = free.is_some_and(|(width, even)| even > other.even || (even >= other.even && width > other.width));
    is_even || comma.even * spaced(comma) * COMMA_IN_NUMBERS > other.even
}

/// Whether only the comma cuts the record above those that the other mark cuts: a header such as `id,tags` above `7,red;blue`.
fn heads(comma: &Cut, other: &Cut) -> bool {
    let Some(first) = other.rows.iter().position(|row| row.cells.len() == other.width) else { return false };
    let Some(above) = first.checked_sub(1).map(|at| &other.rows[at]) else { return false };
    let by_comma = |line: u64| {
        let at = comma.rows.partition_point(|row| row.line < line);
        comma.rows.get(at).filter(|row| row.line == line)
    };
    let is_cut = |row: &Row| row.cells.len() == comma.width;
    above.cells.len() == 1
        && by_comma(other.rows[first].line).is_some_and(is_cut)
        && by_comma(above.line).is_some_and(|row| is_cut(row) && free_width(row) == comma.width)
}

/// Less than one where cells begin with a space, as in sentences.
#[expect(clippy::cast_precision_loss, reason = "counts of cells")]
fn spaced(comma: &Cut) -> f64 {
    let cells = || comma.rows.iter().flat_map(|row| &row.cells).filter(|cell| !cell.text.is_empty());
    let all = cells().count().max(1) as f64;
    1.0 - cells().filter(|cell| cell.text.starts_with(' ')).count() as f64 / all * 0.3
}

/// Whether columns that spaces align have a comma between all of their cells as well.
fn commas_divide(rows: &[Row]) -> bool {
    let is_divided = |pair: &[crate::grid::Cell]| {
        pair[0].text.trim_end().ends_with(',') || pair[1].text.trim_start().starts_with(',')
    };
    rows.iter().all(|row| row.cells.windows(2).all(is_divided))
}

/// Whether the commas are those of numbers under a header of one column, or of columns that spaces align.
fn stands_in_numbers_only(comma: &Cut, sample: &str) -> bool {
    let Some((first, rest)) = comma.rows.split_first() else { return false };
    let is_name = |text: &str| number::shape(text).is_none() && date::read(text).is_none();
    let heads_one_column = first.cells.len() == 1 && is_name(first.text(0)) && !rest.is_empty();
    comma.rows.iter().all(|row| free_width(row) == 1) && heads_one_column
        || spaces::aligned(sample).is_some_and(|rows| !commas_divide(&rows))
}
