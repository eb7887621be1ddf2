//! Columns of words that say which currency or unit the numbers beside them have, or what they measure: amounts under `EUR` and `USD` in one
//! column have no sum.

use std::collections::BTreeSet;

use crate::grid::Row;
use crate::{amount_names, names, words};

/// Most dividers of a table.
const MAX_DIVIDERS: usize = 16;

/// A column that divides the numbers of others.
#[derive(Debug)]
pub(crate) struct Divider {
    /// Where it stands.
    pub(crate) column: usize,
    pub(crate) is_currency: bool,
}

impl Divider {
    /// The currency or unit of a row.
    pub(crate) fn unit<'a>(&self, row: &'a Row) -> Option<&'a str> {
        let text = row.text(self.column).trim();
        match words::currency(text).filter(|_| self.is_currency) {
            Some(name) => Some(name),
            None => (!words::is_missing(text)).then_some(text),
        }
    }

    /// Whether it says something of a column of this name: quantities, lengths and weights have no currency, and prices no unit of measure.
    pub(crate) fn divides(&self, tokens: &[String]) -> bool {
        match self.is_currency {
            true => !amount_names::names_count(tokens) && !amount_names::names_size(tokens),
            false => !amount_names::names_money(tokens) && !amount_names::names_own_unit(tokens),
        }
    }
}

/// The dividers of a table.
#[derive(Debug)]
pub(crate) struct Dividers(Vec<Divider>);

impl Dividers {
    /// The columns that name more than one currency or unit.
    pub(crate) fn find(names: &[String], body: &[Row], named_totals: &[bool]) -> Self {
        let found = names.iter().enumerate().filter_map(|(column, name)| divider(name, body, named_totals, column));
        Self(found.take(MAX_DIVIDERS).collect())
    }

    /// The nearest that says something of this column.
    pub(crate) fn of(&self, tokens: &[String], column: usize) -> Option<&Divider> {
        let dividers = self.0.iter().filter(|divider| divider.column != column && divider.divides(tokens));
        dividers.min_by_key(|divider| divider.column.abs_diff(column))
    }
}

fn divider(name: &str, body: &[Row], named_totals: &[bool], column: usize) -> Option<Divider> {
    let tokens = names::tokens(name);
    let rows = || body.iter().zip(named_totals).filter(|(_, is_total)| !**is_total).map(|(row, _)| row);
    let cells = || rows().map(|row| row.text(column).trim()).filter(|text| !words::is_missing(text));
    let has_digits = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    let is_named = amount_names::names_currencies(&tokens) && cells().all(|text| text.len() <= 12 && !has_digits(text));
    let divider = Divider { column, is_currency: is_named || cells().all(|text| words::currency(text).is_some()) };
    let units: BTreeSet<&str> = rows().filter_map(|row| divider.unit(row)).collect();
    // Under `unit` may stand the parts of a company as well.
    let are_units = || units.iter().filter(|unit| words::is_unit(unit)).count() * 2 > units.len();
    let are_measures = amount_names::names_measures(&tokens) && units.iter().all(|unit| !has_digits(unit));
    let divides = divider.is_currency || amount_names::names_units(&tokens) && are_units() || are_measures;
    (divides && units.len() > 1).then_some(divider)
}
