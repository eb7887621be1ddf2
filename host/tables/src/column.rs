//! One column: what its cells look like, and their values under its decimal mark.

use std::collections::HashMap;

use serde::Serialize;

use crate::date::{self, Day, Order, Reading};
use crate::grid::Row;
use crate::marks::{Clues, Evidence, Marks};
use crate::number::{self, Decimal, Shape};
use crate::stats::{Numbers, Shown};
use crate::{exact, names, rate_names, rate_values, row_names, words, work};

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Amounts and counts: they can be added up.
    Amount,
    /// Rates, means, places in an order: numbers that must not be added up.
    Rate,
    /// Values at a time, such as a balance, a stock or a temperature: only their last and their mean say something.
    State,
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
    /// The values that are whole numbers and too large for a double to hold, by row.
    wholes: HashMap<usize, i128>,
    /// How many decimal places each value is written with.
    places_of: Vec<u8>,
    /// The most of them; without the total rows once those are known.
    pub(crate) places: usize,
    pub(crate) is_numeric: bool,
    pub(crate) is_date: bool,
    /// Whether a total row would have its sum.
    pub(crate) is_additive: bool,
    /// Whether its name is that of values at a time, which are added up over things only, if at all.
    pub(crate) is_state: bool,
    pub(crate) has_fractions: bool,
    /// Whether its values are fractions of one, and its name is none of an amount.
    pub(crate) is_of_fractions: bool,
    /// Whether its name has the scale that its values are on.
    pub(crate) is_on_scale: bool,
    pub(crate) marks: Marks,
    pub(crate) is_named_identifier: bool,
    /// Whether it is called like a thing and holds what may be names of such: whole numbers from 1.
    pub(crate) holds_things: bool,
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
    pub(crate) currencies: usize,
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
        let Some(cell) = row.cell(column).filter(|cell| !cell.is_number) else { continue };
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
        let Some(cell) = row.cell(column) else { continue };
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
            census.currencies += usize::from(shape.currency.is_some());
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

/// Whether the first cell of a row has the name of a total; whether the row is one is decided later.
pub(crate) fn is_named_total(row: &Row) -> bool {
    row.first().is_some_and(|(_, cell)| row_names::names_total(&cell.text).is_some())
}

/// How the cells of a column are read, by what the whole table says.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) tokens: Vec<String>,
    pub(crate) marks: Marks,
    pub(crate) order: Option<Order>,
    /// Whether its name or a column beside it names a currency.
    pub(crate) has_currency: bool,
    /// Whether the first column holds the days of the rows.
    pub(crate) has_days: bool,
}

/// Reads the cells of a column.
pub(crate) fn parse(plan: Plan, body: &[Row], named_totals: &[bool], column: usize) -> (Parsed, Profile) {
    let Plan { name, tokens, marks, order, has_currency, has_days } = plan;
    let census = census(body, named_totals, column);
    let is_date = census.dates > 0 && census.dates * 5 >= census.filled * 4;
    let is_numeric = !is_date
        && census.leading_zeros == 0
        && census.numbers > 0
        && census.numbers * 2 >= census.filled
        && marks != Marks::Undecided;
    let profile = Profile {
        is_percent: census.percents * 2 > census.numbers,
        has_scales: census.scaled > 0 || census.currencies > 0 || has_currency,
        has_zero_dashes: census.brackets > 0 || census.zero_dashes > 0,
        is_date,
        census,
    };
    let mut values = vec![None; body.len()];
    let mut places_of = vec![0; body.len()];
    let mut wholes = HashMap::new();
    if is_numeric {
        for (at, row) in body.iter().enumerate() {
            let Some(cell) = row.cell(column) else { continue };
            if let Some((value, places)) = profile.value(&cell.text, cell.is_number, &marks) {
                (values[at], places_of[at]) = (Some(value), places);
                if exact::is_inexact(value) {
                    wholes.extend(profile.whole(&cell.text, cell.is_number, &marks).map(|whole| (at, whole)));
                }
            }
        }
    }
    let known = || values.iter().copied().flatten();
    let has_fractions = known().any(|value: f64| value.fract() != 0.0);
    let is_named_identifier = names::names_identifier(&tokens);
    let holds_things = names::names_thing(&tokens) && !has_fractions && known().all(|value| value >= 1.0);
    let is_state = is_numeric
        && !profile.is_percent
        && (rate_names::names_state(&tokens) || has_days && rate_names::names_audience(&tokens));
    // A total may lie beyond what it adds up.
    let rows = || values.iter().zip(named_totals).filter(|(_, is_total)| !**is_total).filter_map(|(value, _)| *value);
    let has_units = profile.census.units > 0 || has_currency;
    let is_of_fractions = is_numeric && !has_units && rate_values::are_fractions(&tokens, rows());
    let is_on_scale = is_numeric && rate_values::are_on_scale(&name, rows());
    let is_additive = is_numeric
        && !is_of_fractions
        && !is_on_scale
        && !profile.is_percent
        && !is_named_identifier
        && !holds_things
        && !names::names_year(&tokens)
        && names::names_calendar_part(&tokens).is_none_or(|most| known().any(|value| value > most))
        && !is_state
        && !rate_names::names_rate(&tokens, has_fractions);
    let places = places_of.iter().copied().max().unwrap_or(0).into();
    let parsed = Parsed {
        name,
        values,
        wholes,
        places_of,
        places,
        is_numeric,
        is_date,
        is_additive,
        is_state,
        has_fractions,
        is_of_fractions,
        is_on_scale,
        marks,
        is_named_identifier,
        holds_things,
        tokens,
        order,
    };
    (parsed, profile)
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
    pub(crate) has_scales: bool,
    pub(crate) has_zero_dashes: bool,
    pub(crate) is_date: bool,
    pub(crate) census: Census,
}

impl Profile {
    /// The value of a cell and its decimal places.
    fn value(&self, text: &str, is_number: bool, marks: &Marks) -> Option<(f64, u8)> {
        let text = text.trim();
        if let Some(value) = number::plain(text).filter(|_| !self.is_percent) {
            return Some((f64::from(value), 0));
        }
        if self.is_zero(text) {
            return Some((0.0, 0));
        }
        let shape = self.shape(text).filter(|shape| shape.is_percent == self.is_percent)?;
        let decimal = if is_number { Decimal::Dot } else { decimal(marks, &shape)? };
        Some((shape.value(decimal)?, u8::try_from(shape.places(decimal)).unwrap_or(u8::MAX)))
    }

    /// The value of a cell as a whole number.
    fn whole(&self, text: &str, is_number: bool, marks: &Marks) -> Option<i128> {
        let shape = self.shape(text.trim())?;
        shape.whole(if is_number { Decimal::Dot } else { decimal(marks, &shape)? })
    }

    pub(crate) fn shape<'a>(&self, text: &'a str) -> Option<Shape<'a>> {
        let shape = number::shape(text)?;
        Some(if self.has_scales { shape.with_scale() } else { shape })
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
    /// How many decimal places the value of a row is written with.
    pub(crate) fn places_at(&self, row: usize) -> usize {
        self.places_of[row].into()
    }

    /// The value of a row where it is a whole number.
    pub(crate) fn whole(&self, row: usize) -> Option<i128> {
        self.wholes.get(&row).copied().or_else(|| exact::whole(self.values[row]?))
    }

    /// Whether its cells name their rows: words, days, ids, years and months.
    pub(crate) fn names_rows(&self) -> bool {
        !self.is_numeric
            || self.is_named_identifier
            || self.holds_things
            || names::names_year(&self.tokens)
            || names::names_calendar_part(&self.tokens).is_some()
    }

    /// Leaves the decimal places of total rows out, which a mean among them has more of.
    pub(crate) fn leave_out(&mut self, totals: &[bool]) {
        work::add(totals.len());
        let places = self.places_of.iter().zip(totals).filter(|(_, is_total)| !**is_total).map(|(places, _)| *places);
        self.places = places.max().unwrap_or(0).into();
    }

    /// The order of its dates, or the file's.
    pub(crate) fn order(&self, clues: &Clues) -> Option<Order> {
        self.order.or(clues.order)
    }
}
