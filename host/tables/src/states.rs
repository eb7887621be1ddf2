//! Values at a time, such as balances: what is said of them instead of a sum.

use crate::column::{Column, Kind, Parsed, day};
use crate::date::{Day, Order};
use crate::grid::Row;
use crate::marks::Clues;
use crate::stats::show;
use crate::totals::list;

/// Most columns of dates that are asked for the latest day.
const MAX_DATE_COLUMNS: usize = 4;

/// Says of the columns of values at a time that they are not added up, and which value is the last.
pub(crate) fn say(
    columns: &mut [Column],
    parsed: &[Parsed],
    body: &[Row],
    totals: &[bool],
    clues: &Clues,
    notes: &mut Vec<String>,
) {
    let is_state = |column: &Column| column.kind == Kind::State;
    if !columns.iter().any(is_state) {
        return;
    }
    let last = last_row(columns, parsed, body, totals, clues);
    let mut said = Vec::new();
    for (column, parsed) in columns.iter_mut().zip(parsed).filter(|(column, _)| is_state(column)) {
        let value = last.and_then(|(row, day)| Some((parsed.values[row]?, day)));
        let unit = column.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let last =
            value.map(|(value, day)| format!("the last is {}{unit} of {}", show(value, parsed.places), day.in_words()));
        column.about = last.clone();
        said.push(format!("`{}`{}", column.name, last.map(|last| format!(" ({last})")).unwrap_or_default()));
    }
    notes.push(format!("values at a time are not added up; their mean is shown: {}", list(said)));
}

/// The row of the latest day, and the day. None where no column tells days, some row has none, several rows have the
/// latest, or two columns such as those of booking and value name different rows.
fn last_row(
    columns: &[Column],
    parsed: &[Parsed],
    body: &[Row],
    totals: &[bool],
    clues: &Clues,
) -> Option<(usize, Day)> {
    let dates = (0..columns.len()).filter(|at| columns[*at].kind == Kind::Date).take(MAX_DATE_COLUMNS);
    let mut latest = dates.map(|column| latest(column, parsed[column].order(clues), body, totals));
    let first = latest.next()??;
    latest.all(|other| other.is_some_and(|(row, _)| row == first.0)).then_some(first)
}

fn latest(column: usize, order: Option<Order>, body: &[Row], totals: &[bool]) -> Option<(usize, Day)> {
    let mut last: Option<(usize, Day)> = None;
    let mut is_alone = false;
    for (at, row) in body.iter().enumerate().filter(|(at, _)| !totals[*at]) {
        let day = day(row.text(column), order)?;
        match last {
            Some((_, latest)) if day < latest => {}
            Some((_, latest)) if day == latest => is_alone = false,
            _ => (last, is_alone) = (Some((at, day)), true),
        }
    }
    last.filter(|_| is_alone)
}
