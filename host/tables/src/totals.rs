//! Rows that repeat what other rows add up to.

use crate::column::Parsed;
use crate::grid::Row;
use crate::names::{TotalName, names_total};

/// Rows that only look like totals are said, up to this many.
const MAX_NAMED: usize = 5;

/// Which rows are totals: one flag for each row.
pub(crate) fn find(body: &[Row], columns: &[Parsed], notes: &mut Vec<String>) -> Vec<bool> {
    let names: Vec<Option<TotalName>> = body.iter().map(name_of).collect();
    let additive: Vec<(&Parsed, RunningSum)> = columns
        .iter()
        .filter(|column| column.is_additive)
        .map(|column| (column, RunningSum::of(column, &names)))
        .collect();
    let mut totals = vec![false; body.len()];
    let mut said = Vec::new();
    // Where most rows have such a name, it is no name of totals, unless the numbers say so.
    let are_most = names.iter().flatten().count() * 2 > names.len();
    let mut start = 0;
    for (row, name) in names.iter().enumerate() {
        let Some(name) = name else { continue };
        let check = check(start..row, body.len(), &additive);
        start = row + 1;
        if *name == TotalName::Plain && !are_most || check.agrees() {
            totals[row] = true;
            said.push(match check.wrong {
                Some((column, is, should)) if *name == TotalName::Plain => {
                    format!("line {} (`{column}` is {is} there and the other rows add up to {should})", body[row].line)
                }
                _ => format!("line {}", body[row].line),
            });
        }
    }
    if !said.is_empty() {
        let more = if said.len() > MAX_NAMED { format!(" and {} more", said.len() - MAX_NAMED) } else { String::new() };
        said.truncate(MAX_NAMED);
        let what = if totals.iter().filter(|is| **is).count() == 1 { "the total row" } else { "the total rows" };
        notes.push(format!("{what} left out of all numbers: {}{more}", said.join(", ")));
    }
    unnamed(body, &names, columns, &mut totals, notes);
    totals
}

/// The name in the first cell that has content.
fn name_of(row: &Row) -> Option<TotalName> {
    let cell = row.cells.iter().find(|cell| !cell.text.trim().is_empty())?;
    if cell.is_number { None } else { names_total(&cell.text) }
}

struct Check {
    agreeing: usize,
    wrong: Option<(String, f64, f64)>,
}

impl Check {
    fn agrees(&self) -> bool {
        self.agreeing > 0 && self.wrong.is_none()
    }
}

/// The sums of a column's values down to each row, without the rows that have a total's name.
struct RunningSum(Vec<(usize, f64)>);

impl RunningSum {
    fn of(column: &Parsed, names: &[Option<TotalName>]) -> Self {
        let mut sums = Vec::with_capacity(names.len() + 1);
        let (mut count, mut sum) = (0, 0.0);
        sums.push((count, sum));
        for (value, name) in column.values.iter().zip(names) {
            if let (Some(value), None) = (value, name) {
                (count, sum) = (count + 1, sum + value);
            }
            sums.push((count, sum));
        }
        Self(sums)
    }

    fn between(&self, from: usize, to: usize) -> (usize, f64) {
        let (from, to) = (self.0[from], self.0[to]);
        (to.0 - from.0, to.1 - from.1)
    }
}

/// Whether the row after these has their sums, or those of all rows above it, or of all others.
fn check(above: std::ops::Range<usize>, rows: usize, additive: &[(&Parsed, RunningSum)]) -> Check {
    let mut check = Check { agreeing: 0, wrong: None };
    for (column, running) in additive {
        let Some(value) = column.values[above.end] else { continue };
        let sums = [running.between(above.start, above.end), running.between(0, above.end), running.between(0, rows)];
        let is_sum = |(count, sum): &(usize, f64)| *count >= 1 && is_near(*sum, value, column.places);
        if sums.iter().any(is_sum) {
            check.agreeing += 1;
        } else if check.wrong.is_none() {
            let should = sums.iter().find(|(count, _)| *count > 0).map_or(0.0, |(_, sum)| *sum);
            check.wrong = Some((column.name.clone(), value, rounded(should, column.places)));
        }
    }
    check
}

/// A last row without a name, or with any name, that is the sum of the others.
fn unnamed(
    body: &[Row],
    names: &[Option<TotalName>],
    columns: &[Parsed],
    totals: &mut [bool],
    notes: &mut Vec<String>,
) {
    let Some(last) = body.len().checked_sub(1).filter(|last| *last >= 2 && !totals[*last]) else { return };
    let mut agreeing = 0;
    let mut example = None;
    for column in columns.iter().filter(|column| column.is_additive) {
        let Some(value) = column.values[last] else { continue };
        let others = (0..last).filter(|row| !totals[*row] && names[*row].is_none());
        let (count, sum) =
            others.filter_map(|row| column.values[row]).fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
        if count < 2 || value == 0.0 || !is_near(sum, value, column.places) {
            return;
        }
        agreeing += 1;
        example.get_or_insert((column.name.clone(), value));
    }
    let Some((column, value)) = example else { return };
    let line = body[last].line;
    let has_own_name = columns
        .iter()
        .enumerate()
        .any(|(at, column)| !column.is_numeric && !crate::words::is_missing(body[last].text(at)));
    if !has_own_name || agreeing >= 2 {
        totals[last] = true;
        notes.push(format!("the last row (line {line}) is the sum of the others, so it is left out as a total"));
    } else {
        notes.push(format!(
            "the last row (line {line}) is counted, though its `{column}` is just the sum of the others; if it is a \
             total, the sum is {value}"
        ));
    }
}

fn is_near(sum: f64, value: f64, places: usize) -> bool {
    let unit = 10_f64.powi(-i32::try_from(places).unwrap_or(0));
    (sum - value).abs() <= (unit / 2.0).max(value.abs() * 1e-9)
}

fn rounded(value: f64, places: usize) -> f64 {
    let power = 10_f64.powi(i32::try_from(places).unwrap_or(0));
    (value * power).round() / power
}
