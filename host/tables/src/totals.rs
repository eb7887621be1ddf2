//! Rows that repeat what other rows add up to.

use std::collections::{HashMap, VecDeque};

use crate::column::Parsed;
use crate::grid::{Cell, Row};
use crate::row_names::{TotalName, names_total};
use crate::{summaries, work};

/// Rows that only look like totals are said, up to this many.
const MAX_NAMED: usize = 5;
/// How many totals above a row it may reach beyond, as the total of a region does beyond those of its cities.
const MAX_LEVELS: usize = 16;

/// The name of a total that a row has.
#[derive(Debug, Clone, Copy)]
struct Name {
    name: TotalName,
    /// Whether it stands in the first cell that has content; elsewhere the numbers must confirm it.
    is_first: bool,
}

/// Which rows are totals or other summaries: one flag for each row.
pub(crate) fn find(body: &[Row], columns: &[Parsed], notes: &mut Vec<String>) -> Vec<bool> {
    let mut known = HashMap::new();
    let names: Vec<Option<Name>> = body.iter().map(|row| name_of(row, columns, &mut known)).collect();
    let mut totals = summaries::find(body, columns, |row| names[row].is_some(), notes);
    let mut additive: Vec<Sums<'_>> = columns
        .iter()
        .filter(|column| column.is_additive || column.is_state || column.is_of_fractions)
        .map(|column| Sums::of(column, &names, &totals))
        .collect();
    let mut said = Vec::new();
    let mut counted = Vec::new();
    // Where most rows have such a name, it is no name of totals, unless the numbers say so.
    let are_most = names.iter().flatten().count() * 2 > names.len();
    for (row, name) in names.iter().enumerate() {
        let Some(Name { name, is_first }) = *name else {
            if !totals[row] {
                additive.iter_mut().for_each(|sums| sums.add(row));
            }
            continue;
        };
        let check = check(row, &additive);
        for sums in &mut additive {
            sums.below.pop();
        }
        let is_plain = name == TotalName::Plain;
        if is_plain && is_first && !are_most || check.agrees() {
            totals[row] = true;
            additive.iter_mut().for_each(Sums::end_level);
            said.push(match check.wrong {
                Some((column, is, should)) if is_plain => {
                    format!("line {} (`{column}` is {is} there and the other rows add up to {should})", body[row].line)
                }
                _ => format!("line {}", body[row].line),
            });
        } else {
            // `Total Recall` may stand anywhere; what is called `Total 2026` in the last row is hardly a film.
            if let (true, Some((column, ..))) = (is_plain || row + 1 == names.len(), check.wrong) {
                counted.push(format!("line {} (`{column}`)", body[row].line));
            }
            additive.iter_mut().for_each(|sums| sums.add(row));
        }
    }
    if !said.is_empty() {
        let what = if said.len() == 1 { "the total row" } else { "the total rows" };
        notes.push(format!("{what} left out of all numbers: {}", list(said)));
    }
    if !counted.is_empty() {
        notes.push(format!("called a total and counted, since it is not the sum of other rows: {}", list(counted)));
    }
    unnamed(body, columns, &mut totals, notes);
    totals
}

/// The first of many things that a note names.
pub(crate) fn list(mut said: Vec<String>) -> String {
    let more = if said.len() > MAX_NAMED { format!(" and {} more", said.len() - MAX_NAMED) } else { String::new() };
    said.truncate(MAX_NAMED);
    format!("{}{more}", said.join(", "))
}

/// The cells of a row that may name it: the first that has content, then those of columns of words. Says of each
/// whether it is the first.
pub(crate) fn naming_cells<'a>(row: &'a Row, columns: &'a [Parsed]) -> impl Iterator<Item = (&'a Cell, bool)> {
    let first = row.first();
    let at = first.map_or(0, |(at, _)| at);
    let others = columns
        .iter()
        .enumerate()
        .filter(move |(column, parsed)| *column > at && !parsed.is_numeric && !parsed.is_date);
    let others = others.filter_map(|(column, _)| Some((row.cell(column)?, false)));
    first.map(|(_, cell)| (cell, true)).into_iter().chain(others)
}

/// `known` holds what was found out about a cell: most words stand in many rows.
fn name_of<'a>(row: &'a Row, columns: &'a [Parsed], known: &mut HashMap<&'a str, Option<TotalName>>) -> Option<Name> {
    let mut cells = naming_cells(row, columns).filter(|(cell, _)| !cell.is_number);
    cells.find_map(|(cell, is_first)| {
        let name = *known.entry(&cell.text).or_insert_with(|| names_total(&cell.text));
        name.map(|name| Name { name, is_first })
    })
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

/// How many values, and their sum.
type Sum = (usize, f64);

/// The sums of a column's values down to a row, without the rows that are totals.
struct Sums<'a> {
    column: &'a Parsed,
    above: Sum,
    /// What `above` was at the totals above, the last one first.
    levels: VecDeque<Sum>,
    /// The sum of all rows that have no total's name.
    all: Sum,
    /// The sums from each row with such a name down to the next one; that of the next to come is the last.
    below: Vec<Sum>,
}

impl<'a> Sums<'a> {
    fn of(column: &'a Parsed, names: &[Option<Name>], left_out: &[bool]) -> Self {
        work::add(column.values.len());
        let mut sums = Self { column, above: (0, 0.0), levels: VecDeque::new(), all: (0, 0.0), below: Vec::new() };
        let mut below = (0, 0.0);
        for (row, name) in names.iter().enumerate().rev().filter(|(row, _)| !left_out[*row]) {
            if name.is_some() {
                sums.below.push(std::mem::take(&mut below));
            } else if let Some(value) = column.values[row] {
                below = (below.0 + 1, below.1 + value);
                sums.all = (sums.all.0 + 1, sums.all.1 + value);
            }
        }
        sums
    }

    fn add(&mut self, row: usize) {
        work::add(1);
        if let Some(value) = self.column.values[row] {
            self.above = (self.above.0 + 1, self.above.1 + value);
        }
    }

    fn end_level(&mut self) {
        self.levels.push_front(self.above);
        self.levels.truncate(MAX_LEVELS);
    }

    /// What a total here may be: the sum of the rows since one of the totals above, of all above, of all others,
    /// or of its group below.
    fn expected(&self) -> impl Iterator<Item = Sum> {
        let since = self.levels.iter().map(|level| (self.above.0 - level.0, self.above.1 - level.1));
        let below = self.below.last().copied().unwrap_or_default();
        since.chain([self.above, self.all, below]).filter(|(count, _)| *count > 0)
    }
}

/// Whether a row has the sums of others.
fn check(row: usize, additive: &[Sums<'_>]) -> Check {
    let mut check = Check { agreeing: 0, wrong: None };
    for sums in additive {
        work::add(sums.levels.len() + 2);
        let column = sums.column;
        let Some(value) = column.values[row] else { continue };
        if sums.expected().any(|(_, sum)| is_near(sum, value, column.places)) {
            check.agreeing += 1;
        } else if check.wrong.is_none() && column.is_additive {
            let should = sums.expected().next().map_or(0.0, |(_, sum)| sum);
            check.wrong = Some((column.name.clone(), value, rounded(should, column.places)));
        }
    }
    check
}

/// A last row that is the sum of the others. It is a total only where it has no name and all others have one: three
/// days with 1, 2 and 3 clicks are three days. Otherwise it is counted, and that is said.
fn unnamed(body: &[Row], columns: &[Parsed], totals: &mut [bool], notes: &mut Vec<String>) {
    let Some(last) = body.len().checked_sub(1).filter(|last| *last >= 2 && !totals[*last]) else { return };
    let mut example = None;
    // Balances have a sum over accounts, if nothing else has one.
    let has_value = |column: &Parsed| column.values[last].is_some();
    let are_additive = columns.iter().any(|column| column.is_additive && has_value(column));
    let is_checked =
        |column: &&Parsed| column.is_additive || !are_additive && (column.is_state || column.is_of_fractions);
    for column in columns.iter().filter(is_checked) {
        work::add(last);
        let Some(value) = column.values[last] else { continue };
        let others = (0..last).filter(|row| !totals[*row]);
        let (count, sum) =
            others.filter_map(|row| column.values[row]).fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
        if count < 2 || value == 0.0 || !is_near(sum, value, column.places) {
            return;
        }
        example.get_or_insert((column.name.as_str(), value));
    }
    let Some((column, value)) = example else { return };
    let line = body[last].line;
    if lacks_a_name(body, columns, totals, last) {
        totals[last] = true;
        notes.push(format!("the last row (line {line}) is the sum of the others, so it is left out as a total"));
    } else {
        notes.push(format!(
            "the last row (line {line}) is counted, though its `{column}` is just the sum of the others; if it is a \
             total, the sum is {value}"
        ));
    }
}

/// Whether the last row has no name, and a column has one in each of the other rows.
fn lacks_a_name(body: &[Row], columns: &[Parsed], totals: &[bool], last: usize) -> bool {
    let has = |row: usize, column: usize| !crate::words::is_missing(body[row].text(column));
    let names = columns.iter().enumerate().filter(|(_, column)| column.names_rows());
    let names: Vec<usize> = names.map(|(at, _)| at).collect();
    work::add(names.len() * last);
    names.iter().all(|column| !has(last, *column))
        && names.iter().any(|column| (0..last).filter(|row| !totals[*row]).all(|row| has(row, *column)))
}

/// Whether two numbers are the same but for rounding to so many decimal places.
pub(crate) fn is_near(sum: f64, value: f64, places: usize) -> bool {
    let unit = 10_f64.powi(-i32::try_from(places).unwrap_or(0));
    (sum - value).abs() <= (unit / 2.0).max(value.abs() * 1e-9)
}

fn rounded(value: f64, places: usize) -> f64 {
    let power = 10_f64.powi(i32::try_from(places).unwrap_or(0));
    (value * power).round() / power
}
