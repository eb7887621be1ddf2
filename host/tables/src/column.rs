//! One column: what its cells look like, and their values under its decimal mark.

use serde::Serialize;

use crate::date::{self, Day, Order, Reading};
use crate::grid::Row;
use crate::marks::{Clues, Evidence, Marks};
use crate::number::{self, Decimal, Shape};
use crate::stats::{Numbers, Shown};
use crate::{names, words};

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Amounts and counts: they can be added up.
    Amount,
    /// Rates, means, places in an order: numbers that must not be added up.
    Rate,
    /// Numbers with a per cent sign, never added up.
    Percent,
    /// Amounts in several currencies or units: added up for each alone.
    Mixed,
    /// Names of things in digits: ids, phone numbers, postcodes.
    Identifier,
    /// Years.
    Year,
    /// Months, weeks, days or hours by their number.
    CalendarPart,
    /// Moments as numbers, such as seconds since 1970.
    Moment,
    /// Dates.
    Date,
    /// Words.
    Text,
    /// Nothing but missing values.
    Empty,
    /// Numbers with two readings, of which nothing says which is meant.
    Undecided,
}

/// A column and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Its name; unique in its table.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// How many values it has, without missing and unreadable ones and without total rows.
    pub count: usize,
    /// How many rows have no value.
    pub missing: usize,
    /// How many cells of a numeric column cannot be read as a number.
    pub unreadable: usize,
    /// The currency or unit of all its numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its statistics, where it is numeric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
    /// The same as people read them: groups by commas, decimals by a dot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
    /// What is in it, in words, where it is not numeric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// A column whose cells were read with its decimal mark.
pub(crate) struct Parsed {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<f64>>,
    pub(crate) places: usize,
    pub(crate) is_numeric: bool,
    /// Whether a total row would have its sum.
    pub(crate) is_additive: bool,
    pub(crate) marks: Marks,
    pub(crate) is_named_identifier: bool,
    pub(crate) tokens: Vec<String>,
    pub(crate) order: Option<Order>,
}

/// What the cells of a column look like.
#[derive(Default)]
pub(crate) struct Census {
    pub(crate) filled: usize,
    pub(crate) numbers: usize,
    pub(crate) dates: usize,
    pub(crate) percents: usize,
    pub(crate) scaled: usize,
    pub(crate) brackets: usize,
    pub(crate) units: usize,
    pub(crate) zero_dashes: usize,
    pub(crate) leading_zeros: usize,
    pub(crate) long_digits: usize,
    pub(crate) orders: [usize; 2],
    pub(crate) unsure_dates: usize,
}

/// What the values of a column say of marks and dates.
pub(crate) fn evidence(body: &[Row], column: usize) -> (Evidence, Option<Order>, bool) {
    let mut evidence = Evidence::default();
    let mut orders = [0_usize; 2];
    let mut has_dots = false;
    for row in body {
        let Some(cell) = row.cells.get(column).filter(|cell| !cell.is_number) else { continue };
        if number::plain(&cell.text).is_some() {
            evidence.add_plain(cell.text.len());
        } else if date::read(&cell.text).is_some() {
            if let Some(order) = date::shown_order(&cell.text) {
                orders[usize::from(order == Order::MonthFirst)] += 1;
                has_dots |= cell.text.contains('.');
            }
        } else if let Some(shape) = number::shape(&cell.text) {
            evidence.add(&shape, &cell.text);
        }
    }
    let order = match orders {
        [(1..), 0] => Some(Order::DayFirst),
        [0, (1..)] => Some(Order::MonthFirst),
        _ => None,
    };
    (evidence, order, has_dots)
}

fn census(body: &[Row], named_totals: &[bool], column: usize) -> Census {
    let mut census = Census::default();
    for (row, _) in body.iter().zip(named_totals).filter(|(_, is_named)| !**is_named) {
        let Some(cell) = row.cells.get(column) else { continue };
        let text = cell.text.trim();
        if number::plain(text).is_some() {
            (census.filled, census.numbers) = (census.filled + 1, census.numbers + 1);
            continue;
        }
        let is_zero = words::is_accounting_zero(text);
        census.zero_dashes += usize::from(is_zero);
        if !is_zero && words::is_missing(text) {
            continue;
        }
        census.filled += 1;
        if let Some(reading) = date::read(text) {
            census.dates += 1;
            census.unsure_dates += usize::from(matches!(reading, Reading::Unsure { .. }));
            match date::shown_order(text) {
                Some(Order::DayFirst) => census.orders[0] += 1,
                Some(Order::MonthFirst) => census.orders[1] += 1,
                None => {}
            }
        } else if let Some(shape) = number::shape(text) {
            census.numbers += 1;
            census.percents += usize::from(shape.is_percent);
            census.scaled += usize::from(shape.is_scaled());
            census.brackets += usize::from(shape.in_brackets);
            census.units += usize::from(shape.currency.or(shape.unit).is_some());
            if let Some(digits) = shape.plain_digits() {
                census.leading_zeros += usize::from(digits.len() > 1 && digits.starts_with('0') && !cell.is_number);
                census.long_digits += usize::from(digits.len() >= 12);
            }
        } else if is_zero {
            census.numbers += 1;
        }
    }
    census
}

/// Whether a row has the name of a total; whether it is one is decided later.
pub(crate) fn is_named_total(row: &Row) -> bool {
    let first = row.cells.iter().find(|cell| !cell.text.trim().is_empty());
    first.is_some_and(|cell| names::names_total(&cell.text).is_some())
}

/// Reads the cells of a column with its decimal mark.
pub(crate) fn parse(
    name: &str,
    body: &[Row],
    named_totals: &[bool],
    column: usize,
    marks: Marks,
    order: Option<Order>,
) -> (Parsed, Profile) {
    let census = census(body, named_totals, column);
    let tokens = names::tokens(name);
    let is_named_identifier = names::names_identifier(&tokens);
    let is_date = census.dates > 0 && census.dates * 5 >= census.filled * 4;
    let is_numeric = !is_date
        && census.leading_zeros == 0
        && census.numbers > 0
        && census.numbers * 2 >= census.filled
        && marks != Marks::Undecided;
    let profile = Profile {
        is_percent: census.percents * 2 > census.numbers,
        has_millions: census.scaled > 0,
        has_zero_dashes: census.brackets > 0 || census.zero_dashes > 0,
        is_date,
        census,
    };
    let mut places = 0;
    let mut has_fractions = false;
    let values: Vec<Option<f64>> = body
        .iter()
        .map(|row| {
            let cell = row.cells.get(column).filter(|_| is_numeric)?;
            let text = cell.text.trim();
            if let Some(value) = number::plain(text).filter(|_| !profile.is_percent) {
                return Some(f64::from(value));
            }
            if profile.is_zero(text) {
                return Some(0.0);
            }
            let shape = profile.shape(text).filter(|shape| shape.is_percent == profile.is_percent)?;
            let decimal = if cell.is_number { Decimal::Dot } else { decimal(&marks, &shape)? };
            let value = shape.value(decimal)?;
            places = places.max(shape.places(decimal));
            has_fractions |= value.fract() != 0.0;
            Some(value)
        })
        .collect();
    let is_additive = is_numeric
        && !profile.is_percent
        && !is_named_identifier
        && !names::names_year(&tokens)
        && !names::names_rate(&tokens, has_fractions);
    let name = name.to_owned();
    (Parsed { name, values, places, is_numeric, is_additive, marks, is_named_identifier, tokens, order }, profile)
}

/// The decimal mark of one cell. None where it has two readings and nothing decides.
fn decimal(marks: &Marks, shape: &Shape<'_>) -> Option<Decimal> {
    match marks {
        Marks::Sure(decimal) | Marks::Taken(decimal, _) => Some(*decimal),
        Marks::Undecided => None,
        Marks::EachByItself => match Decimal::BOTH.map(|decimal| shape.value(decimal)) {
            [Some(_), None] => Some(Decimal::Dot),
            [None, Some(_)] => Some(Decimal::Comma),
            _ => shape.unsure_mark().is_none().then_some(Decimal::Dot),
        },
    }
}

/// What the cells have in common, for reading each of them.
pub(crate) struct Profile {
    pub(crate) is_percent: bool,
    pub(crate) has_millions: bool,
    pub(crate) has_zero_dashes: bool,
    pub(crate) is_date: bool,
    pub(crate) census: Census,
}

impl Profile {
    pub(crate) fn shape<'a>(&self, text: &'a str) -> Option<Shape<'a>> {
        let shape = number::shape(text)?;
        Some(if self.has_millions { shape.with_millions() } else { shape })
    }

    /// Whether a cell is a zero in an accountant's notation.
    pub(crate) fn is_zero(&self, text: &str) -> bool {
        words::is_accounting_zero(text) || self.has_zero_dashes && words::is_dash(text)
    }
}

/// The day of a cell. None where it is none, or has two readings and there is no order.
pub(crate) fn day(text: &str, order: Option<Order>) -> Option<Day> {
    match (date::read(text)?, order) {
        (Reading::Sure(day), _)
        | (Reading::Unsure { day_first: day, .. }, Some(Order::DayFirst))
        | (Reading::Unsure { month_first: day, .. }, Some(Order::MonthFirst)) => Some(day),
        _ => None,
    }
}

impl Parsed {
    /// The order of its dates, or the file's.
    pub(crate) fn order(&self, clues: &Clues) -> Option<Order> {
        self.order.or(clues.order)
    }
}
