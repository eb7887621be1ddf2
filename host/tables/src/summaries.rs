//! Rows below the data that sum it up otherwise than by a total: its average, its least and largest value.
//!
//! A word such as `Max` or `Average` may name a row of data as well, so the numbers must confirm it.

use crate::column::{Column, Kind, Parsed};
use crate::grid::Row;
use crate::row_names::{Summary, names_summary, names_total};
use crate::stats::NOT_ADDED_UP;
use crate::totals::{is_near, list, naming_cells};
use crate::{names, work};

/// Which of the last rows are called like a summary. Totals may stand among them.
fn named(body: &[Row], columns: &[Parsed], is_total: impl Fn(usize) -> bool) -> Vec<Option<Summary>> {
    let mut named = vec![None; body.len()];
    for (row, name) in named.iter_mut().enumerate().rev() {
        *name = naming_cells(&body[row], columns).find_map(|(cell, _)| names_summary(&cell.text));
        if name.is_none() && !is_total(row) {
            break;
        }
    }
    named
}

/// The rows below the data that are called like a total or another summary in their first cell, and all that are called
/// like a total: they say nothing of what a column holds. One row at least is left.
pub(crate) fn named_below(body: &[Row], named_totals: &[bool]) -> Vec<bool> {
    let mut named = named_totals.to_vec();
    for (row, is_named) in body.iter().zip(&mut named).skip(1).rev() {
        let is_summary = || row.first().is_some_and(|(_, cell)| names_summary(&cell.text).is_some());
        if !*is_named && !is_summary() {
            return named;
        }
        *is_named = true;
    }
    named_totals.to_vec()
}

/// Whether every row has the name of a summary or a total, and at least two are summaries of different kinds: a table of
/// statistics. Its rows sum up others that are not in the file, so nothing is added up, which is said once.
pub(crate) fn are_all(body: &[Row], columns: &[Parsed], notes: &mut Vec<String>) -> bool {
    let mut first = None;
    let mut has_others = false;
    for row in body {
        let mut cells = naming_cells(row, columns);
        let summary = cells.find_map(|(cell, _)| names_summary(&cell.text));
        let names_statistic = |text: &str| names_total(text).is_some() || is_percentile(text);
        if summary.is_none() && !naming_cells(row, columns).any(|(cell, _)| names_statistic(&cell.text)) {
            return false;
        }
        has_others |= summary.is_some_and(|summary| *first.get_or_insert(summary) != summary);
    }
    if has_others {
        notes.push("each row is a statistic itself (average, least, largest …), so nothing is added up".to_owned());
    }
    has_others
}

/// `25%`, `p95`, `Q3`: a part of the values lies below.
fn is_percentile(cell: &str) -> bool {
    let cell = cell.trim();
    let number = cell.strip_suffix('%').or_else(|| cell.strip_prefix(['p', 'P', 'q', 'Q']));
    number.is_some_and(|digits| (1..=4).contains(&digits.len()) && digits.parse::<f32>().is_ok())
}

/// Takes the sums out of a table whose rows are statistics.
pub(crate) fn no_sums(columns: &mut [Column]) {
    for column in columns.iter_mut().filter(|column| column.kind == Kind::Amount) {
        column.kind = Kind::Rate;
        column.numbers.iter_mut().for_each(|numbers| numbers.sum = None);
        column.shown.iter_mut().for_each(|shown| NOT_ADDED_UP.clone_into(&mut shown.sum));
    }
}

/// Which rows are summaries that the numbers confirm; says of the others that they are counted.
pub(crate) fn find(
    body: &[Row],
    columns: &[Parsed],
    is_total: impl Fn(usize) -> bool,
    notes: &mut Vec<String>,
) -> Vec<bool> {
    let mut summaries = vec![false; body.len()];
    let named = named(body, columns, &is_total);
    if named.iter().all(Option::is_none) {
        return summaries;
    }
    let measured = columns.iter().filter(|column| {
        column.is_numeric && !column.is_named_identifier && !column.holds_things && !names::names_year(&column.tokens)
    });
    let is_data = |row: usize| !is_total(row) && named[row].is_none();
    // Without other rows there is nothing that such a name could sum up.
    if !(0..body.len()).any(is_data) {
        return summaries;
    }
    let statistics: Vec<Statistics<'_>> = measured.filter_map(|column| Statistics::of(column, is_data)).collect();
    let (mut left_out, mut counted) = (Vec::new(), Vec::new());
    for (row, summary) in named.iter().enumerate() {
        let Some(summary) = summary.filter(|_| !is_total(row)) else { continue };
        let line = format!("line {}", body[row].line);
        if is_confirmed(row, summary, &statistics) {
            summaries[row] = true;
            left_out.push(line);
        } else {
            counted.push(line);
        }
    }
    if !left_out.is_empty() {
        notes
            .push(format!("left out, since it sums the other rows up (average, least, largest …): {}", list(left_out)));
    }
    if !counted.is_empty() {
        notes.push(format!(
            "called like a summary of the other rows and counted, since its numbers are not theirs: {}",
            list(counted)
        ));
    }
    summaries
}

/// Whether a column of amounts agrees and none disagrees. Means of rates may be weighted, so those may differ.
fn is_confirmed(row: usize, summary: Summary, statistics: &[Statistics<'_>]) -> bool {
    let mut agreeing = 0;
    for known in statistics {
        let Some(value) = known.column.values[row] else { continue };
        let places = known.column.places_at(row);
        if known.expected(summary).any(|expected| is_near(expected, value, places)) {
            agreeing += 1;
        } else if known.column.is_additive {
            return false;
        }
    }
    agreeing > 0
}

/// What the rows of data say of one column.
struct Statistics<'a> {
    column: &'a Parsed,
    count: f64,
    mean: f64,
    median: f64,
    min: f64,
    max: f64,
    /// Of a sample, and of all.
    deviations: [f64; 2],
}

impl<'a> Statistics<'a> {
    /// None where no row of data has a value.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    fn of(column: &'a Parsed, is_data: impl Fn(usize) -> bool) -> Option<Self> {
        work::add(column.values.len());
        let values = column.values.iter().enumerate().filter(|(row, _)| is_data(*row));
        let mut values: Vec<f64> = values.filter_map(|(_, value)| *value).collect();
        let middle = values.len() / 2;
        if values.is_empty() {
            return None;
        }
        let is_even = values.len().is_multiple_of(2);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
        let upper = *upper;
        let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| is_even).unwrap_or(upper);
        let median = f64::midpoint(lower, upper);
        Some(Self {
            column,
            count,
            mean,
            median,
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            deviations: [(squares / (count - 1.0).max(1.0)).sqrt(), (squares / count).sqrt()],
        })
    }

    fn expected(&self, summary: Summary) -> impl Iterator<Item = f64> {
        let [first, second] = match summary {
            Summary::Mean => [self.mean; 2],
            Summary::Median => [self.median; 2],
            Summary::Min => [self.min; 2],
            Summary::Max => [self.max; 2],
            Summary::Count => [self.count; 2],
            Summary::Deviation => self.deviations,
        };
        [first, second].into_iter()
    }
}
