//! Cells that are divided by spaces: aligned columns, and one space between words and numbers.
//!
//! A space also groups thousands, so `100 200` is two cells or one number. Where nothing tells, the file is refused.

use crate::grid::{Cell, Row};
use crate::{Unreadable, date, number};

/// The records of a text whose cells are divided by spaces. None where they are not.
///
/// # Errors
/// [`Unreadable`] where each line is as well one number whose thousands are grouped by spaces.
pub(crate) fn read(text: &str) -> Result<Option<Vec<Row>>, Unreadable> {
    if let Some(rows) = aligned(text) {
        return Ok(Some(rows));
    }
    let Some(rows) = even(text, |line| line.split(' ').filter(|cell| !cell.is_empty()).collect()) else {
        return Ok(None);
    };
    let (header, body) = rows.split_at(1);
    let is_value = |text: &str| number::shape(text).is_some() || date::read(text).is_some();
    if header[0].cells.iter().any(|cell| is_value(&cell.text)) {
        return Ok(None);
    }
    let whole = |row: &Row| row.cells.iter().map(|cell| &*cell.text).collect::<Vec<_>>().join(" ");
    if body.iter().all(|row| is_value(&whole(row))) {
        let is_digits = |cell: &Cell| cell.text.bytes().all(|byte| byte.is_ascii_digit());
        if body.iter().all(|row| row.cells.iter().all(is_digits)) {
            return Err(Unreadable::new(format!(
                "its header has as many words as each line has numbers, so `{0}` is {1} cells divided by spaces, or one \
                 number with its thousands grouped: divide the cells by commas, semicolons or tabs",
                whole(&body[0]),
                body[0].cells.len()
            )));
        }
        // `5 kg` or `3 Feb 2026` is one cell.
        return Ok(None);
    }
    let has_values = (0..header[0].cells.len()).any(|at| body.iter().all(|row| is_value(row.text(at))));
    Ok(has_values.then_some(rows))
}

/// The records of a text whose columns are aligned: two spaces and more between the cells of every line.
pub(crate) fn aligned(text: &str) -> Option<Vec<Row>> {
    if !text.contains("  ") {
        return None;
    }
    even(text, |line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
}

/// The cells of each line, if there are as many in all of at least two lines, and more than one.
fn even<'a>(text: &'a str, cut: impl Fn(&'a str) -> Vec<&'a str>) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    let mut width = None;
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let cells = cut(line.trim());
        if cells.len() < 2 || *width.get_or_insert(cells.len()) != cells.len() {
            return None;
        }
        rows.push(Row { line: number, cells: cells.into_iter().map(Cell::text).collect() });
    }
    (rows.len() > 1).then_some(rows)
}
