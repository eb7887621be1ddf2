//! The statistics of amounts, rates and percentages, and their currencies and units.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::cells::{Cells, count, different, rows};
use crate::column::{Column, Kind, Parsed, Profile};
use crate::dividers::Divider;
use crate::stats::{Numbers, mean, show};
use crate::{amount_names, exact, words};

/// Most units of a column that are named.
const MAX_UNITS: usize = 20;

/// The statistics of amounts, rates and percentages.
pub(crate) fn measure(
    column: &mut Column,
    parsed: &Parsed,
    profile: &Profile,
    cells: &Cells<'_>,
    divider: Option<&Divider>,
    values: Vec<f64>,
    notes: &mut Vec<String>,
) {
    // A rate or a balance of money has the currency of its row as well.
    let is_divided = match column.kind {
        Kind::Amount => true,
        Kind::Rate => amount_names::names_money(&parsed.tokens),
        Kind::State => !amount_names::names_size(&parsed.tokens),
        _ => false,
    };
    let divider = divider.filter(|_| is_divided);
    let mut units = BTreeMap::<Cow<'_, str>, (usize, f64)>::new();
    let mut bare = 0;
    for (at, text) in cells.filled(profile).filter(|_| profile.census.units > 0 || divider.is_some()) {
        let Some(value) = parsed.values[at] else { continue };
        let own = if profile.census.units > 0 { profile.shape(text) } else { None };
        let own = own.and_then(|shape| match (shape.currency, shape.unit) {
            // `€5/kg` and `€5/l` are not the same.
            (Some(currency), Some(unit)) => Some(Cow::Owned(format!("{currency} {unit}"))),
            (currency, unit) => currency.or(unit).map(Cow::Borrowed),
        });
        match own.or_else(|| divider?.unit(&cells.body[at]).map(Cow::Borrowed)) {
            Some(unit) => {
                let (count, sum) = units.entry(unit).or_default();
                (*count, *sum) = (*count + 1, *sum + value);
            }
            None if value != 0.0 => bare += 1,
            None => {}
        }
    }
    // `20.5 °C` is a value at a time whatever its column is called.
    if column.kind == Kind::Amount
        && bare == 0
        && !units.is_empty()
        && units.keys().all(|unit| words::is_state_unit(unit))
    {
        column.kind = Kind::State;
    }
    let is_added_up = column.kind == Kind::Amount;
    let is_letter = |unit: &Cow<'_, str>| unit.len() == 1 && unit.chars().all(char::is_uppercase);
    let are_known = units.keys().all(|unit| words::is_unit(unit));
    let are_names = divider.is_none()
        && units.len() > 1
        && (units.keys().all(is_letter) || units.len() == values.len() && !are_known);
    if are_names && !units.keys().any(|unit| is_currency(unit)) {
        // Seats such as 12A and 14C, or a number of this and a number of that.
        column.kind = Kind::Text;
        (column.count, column.unreadable) = (column.count + column.unreadable, 0);
        column.about = Some(different(cells, profile));
        return;
    }
    if units.len() > 1 || (units.len() == 1 && bare > 0 && is_added_up && !units.keys().any(|unit| is_currency(unit))) {
        column.kind = Kind::Mixed;
        let mut sums: Vec<String> = units
            .iter()
            .take(MAX_UNITS)
            .map(|(unit, (count, sum))| match is_added_up && !words::is_state_unit(unit) {
                true => format!("{} {unit} in {}", show(*sum, parsed.places), rows(*count)),
                false => format!("a mean of {} {unit} in {}", mean(*sum, *count, parsed.places), rows(*count)),
            })
            .collect();
        if units.len() > MAX_UNITS {
            sums.push(format!("{} more units", units.len() - MAX_UNITS));
        }
        let without = if bare > 0 { format!(", and {} without a unit", count(bare, "number")) } else { String::new() };
        column.about = Some(format!("{}{without}", sums.join(", ")));
        let names = divider.map_or_else(String::new, |_| " (another column names them)".to_owned());
        notes.push(format!(
            "`{}` has several currencies or units{names}, so there is no sum over all of it",
            column.name
        ));
        return;
    }
    column.unit = match units.into_keys().next() {
        _ if profile.is_percent => Some("%".to_owned()),
        unit => unit.map(Cow::into_owned),
    };
    let is_additive = column.kind == Kind::Amount;
    let mut numbers = Numbers::of(values, is_additive, parsed.places);
    let sign = if profile.is_percent { "%" } else { "" };
    column.shown = Some(numbers.shown(parsed.places, sign));
    let rows = cells.iter().map(|(at, _)| at).filter(|at| parsed.values[*at].is_some());
    let wholes = if parsed.places == 0 { rows.map(|at| parsed.whole(at)).collect::<Option<Vec<_>>>() } else { None };
    if let Some((sum, shown)) = wholes.and_then(|wholes| exact::shown(wholes, is_additive, sign)) {
        numbers.sum = is_additive.then_some(sum);
        column.shown = Some(shown);
    }
    column.numbers = Some(numbers);
}

/// A bare number beside ones with a currency has it too; beside ones with a unit nobody knows.
fn is_currency(unit: &str) -> bool {
    words::currency_prefix(unit).is_some()
}
