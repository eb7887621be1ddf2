//! One column: what kind of values it has, and what can be said of them.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::date::{self, Day, Order, Reading};
use crate::grid::Row;
use crate::marks::{Clues, Evidence, Marks};
use crate::number::{self, Decimal, Shape};
use crate::stats::{Numbers, Shown};
use crate::words;

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
    is_named_identifier: bool,
    tokens: Vec<String>,
    order: Option<Order>,
}

/// What the cells of a column look like.
#[derive(Default)]
struct Census {
    filled: usize,
    numbers: usize,
    dates: usize,
    percents: usize,
    scaled: usize,
    brackets: usize,
    units: usize,
    zero_dashes: usize,
    leading_zeros: usize,
    long_digits: usize,
    orders: [usize; 2],
    unsure_dates: usize,
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
    first.is_some_and(|cell| words::names_total(&cell.text).is_some())
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
    let tokens = words::tokens(name);
    let is_named_identifier = words::names_identifier(&tokens);
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
        && !words::names_year(&tokens)
        && !words::names_rate(&tokens, has_fractions);
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
    is_percent: bool,
    has_millions: bool,
    has_zero_dashes: bool,
    is_date: bool,
    census: Census,
}

impl Profile {
    fn shape<'a>(&self, text: &'a str) -> Option<Shape<'a>> {
        let shape = number::shape(text)?;
        Some(if self.has_millions { shape.with_millions() } else { shape })
    }

    fn is_zero(&self, text: &str) -> bool {
        words::is_accounting_zero(text) || self.has_zero_dashes && words::is_dash(text)
    }
}

/// Cells of one column without the total rows.
struct Cells<'a> {
    body: &'a [Row],
    column: usize,
    totals: &'a [bool],
}

impl<'a> Cells<'a> {
    fn iter(&self) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        let rows = self.body.iter().enumerate().filter(|(at, _)| !self.totals[*at]);
        rows.map(|(at, row)| (at, row.text(self.column).trim()))
    }

    fn filled(&self, profile: &Profile) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        let zero = profile.has_zero_dashes;
        self.iter().filter(move |(_, text)| {
            !words::is_missing(text) || words::is_accounting_zero(text) || zero && words::is_dash(text)
        })
    }
}

/// Says what a column is, with its statistics.
pub(crate) fn describe(
    parsed: &Parsed,
    profile: &Profile,
    body: &[Row],
    column: usize,
    totals: &[bool],
    clues: &Clues,
    notes: &mut Vec<String>,
) -> Column {
    let cells = Cells { body, column, totals };
    let rows = totals.iter().filter(|is_total| !**is_total).count();
    let filled = cells.filled(profile).count();
    let mut result = Column {
        name: parsed.name.clone(),
        kind: Kind::Text,
        count: filled,
        missing: rows - filled,
        unreadable: 0,
        unit: None,
        numbers: None,
        shown: None,
        about: None,
    };
    if filled == 0 {
        result.kind = Kind::Empty;
        return result;
    }
    if profile.is_date {
        return dates(result, parsed, profile, &cells, clues, notes);
    }
    if parsed.marks == Marks::Undecided {
        result.kind = Kind::Undecided;
        return result;
    }
    if !parsed.is_numeric {
        return words_of(result, parsed, profile, &cells, notes);
    }
    let values: Vec<f64> = cells.iter().filter_map(|(at, _)| parsed.values[at]).collect();
    result.count = values.len();
    result.unreadable = filled - values.len();
    if values.is_empty() {
        return words_of(result, parsed, profile, &cells, notes);
    }
    result.kind = numeric_kind(parsed, profile, &values);
    unreadable(&result, parsed, profile, &cells, notes);
    if profile.has_zero_dashes && profile.census.zero_dashes == 0 && cells.iter().any(|(_, text)| words::is_dash(text))
    {
        notes.push(format!("a dash in `{}` is read as zero, as accountants write it", result.name));
    }
    match result.kind {
        Kind::Identifier => {
            result.about = Some(format!("{}: names of things, not added up", different(&cells, profile)));
        }
        Kind::Year | Kind::CalendarPart | Kind::Moment => {
            let (least, most) = (
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            );
            result.about = Some(format!("{least} to {most}, not added up"));
        }
        _ => measure(&mut result, parsed, profile, &cells, values, notes),
    }
    result
}

fn numeric_kind(parsed: &Parsed, profile: &Profile, values: &[f64]) -> Kind {
    let tokens = &parsed.tokens;
    let whole = values.iter().all(|value| value.fract() == 0.0);
    let within = |least: f64, most: f64| values.iter().all(|value| (least..=most).contains(value));
    let census = &profile.census;
    if profile.is_percent {
        return Kind::Percent;
    }
    if whole
        && (parsed.is_named_identifier || census.long_digits * 2 > values.len() || is_numbering(&parsed.name, values))
    {
        return Kind::Identifier;
    }
    let is_ladder = values.len() >= 3 && values.windows(2).all(|pair| (pair[1] - pair[0]).abs() == 1.0);
    if whole && (words::names_year(tokens) && within(1000.0, 2999.0) || is_ladder && within(1900.0, 2100.0)) {
        return Kind::Year;
    }
    if whole && words::names_calendar_part(tokens).is_some_and(|most| within(0.0, most)) {
        return Kind::CalendarPart;
    }
    let is_moment = within(1e9, 1e19)
        || within(19_000_101.0, 21_001_231.0)
        || within(20_000.0, 60_000.0) && tokens.iter().any(|token| token == "date" || token == "datum");
    if is_moment && words::names_moment(tokens) {
        return Kind::Moment;
    }
    if words::names_rate(tokens, !whole) { Kind::Rate } else { Kind::Amount }
}

/// Rows that are only numbered, under no name: the first column, or one that counts from 0 as programs do.
fn is_numbering(name: &str, values: &[f64]) -> bool {
    let is_unnamed = name.starts_with("column ") || name.to_lowercase().starts_with("unnamed");
    let counts = values.len() >= 2 && values.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
    is_unnamed && counts && (values[0] == 0.0 || values[0] == 1.0 && name == "column 1")
}

/// Says which cells of a numeric column are no numbers.
fn unreadable(column: &Column, parsed: &Parsed, profile: &Profile, cells: &Cells<'_>, notes: &mut Vec<String>) {
    if column.unreadable == 0 {
        return;
    }
    let unread = cells.filled(profile).filter(|(at, _)| parsed.values[*at].is_none());
    let examples: Vec<String> = unread.take(3).map(|(_, text)| format!("`{}`", short(text))).collect();
    let why = match parsed.marks {
        Marks::EachByItself => " (this column has both decimal marks, and these could be either)",
        _ if profile.is_percent => " (they have no per cent sign, and the others have)",
        _ => "",
    };
    let more = if column.unreadable > examples.len() { ", …" } else { "" };
    notes.push(format!(
        "{} of `{}` could not be read as a number and {} left out: {}{more}{why}",
        count(column.unreadable, "cell"),
        column.name,
        if column.unreadable == 1 { "is" } else { "are" },
        examples.join(", ")
    ));
}

/// The statistics of amounts, rates and percentages.
fn measure(
    column: &mut Column,
    parsed: &Parsed,
    profile: &Profile,
    cells: &Cells<'_>,
    values: Vec<f64>,
    notes: &mut Vec<String>,
) {
    let mut units = BTreeMap::<String, (usize, f64)>::new();
    let mut bare = 0;
    for (at, text) in cells.filled(profile).filter(|_| profile.census.units > 0) {
        let Some(value) = parsed.values[at] else { continue };
        let shape = profile.shape(text);
        match shape.as_ref().and_then(|shape| shape.currency.or(shape.unit)) {
            Some(unit) => {
                let (count, sum) = units.entry(unit.to_owned()).or_default();
                (*count, *sum) = (*count + 1, *sum + value);
            }
            None if value != 0.0 => bare += 1,
            None => {}
        }
    }
    let is_letter = |unit: &String| unit.len() == 1 && unit.chars().all(char::is_uppercase);
    let are_names = units.len() > 1 && (units.len() == values.len() || units.keys().all(is_letter));
    if are_names && !units.keys().any(|unit| is_currency(Some(unit))) {
        // Seats such as 12A and 14C, or a number of this and a number of that.
        column.kind = Kind::Text;
        (column.count, column.unreadable) = (column.count + column.unreadable, 0);
        column.about = Some(different(cells, profile));
        return;
    }
    if units.len() > 1
        || (units.len() == 1 && bare > 0 && column.kind == Kind::Amount && !is_currency(units.keys().next()))
    {
        column.kind = Kind::Mixed;
        let sums: Vec<String> = units
            .iter()
            .map(|(unit, (count, sum))| {
                format!("{} {unit} in {}", crate::stats::show(*sum, parsed.places), rows(*count))
            })
            .collect();
        let without = if bare > 0 { format!(", and {} without a unit", count(bare, "number")) } else { String::new() };
        column.about = Some(format!("{}{without}", sums.join(", ")));
        notes.push(format!("`{}` has several currencies or units, so there is no sum over all of it", column.name));
        return;
    }
    column.unit = match units.into_keys().next() {
        _ if profile.is_percent => Some("%".to_owned()),
        unit => unit,
    };
    let numbers = Numbers::of(values, column.kind == Kind::Amount, parsed.places);
    let sign = if profile.is_percent { "%" } else { "" };
    column.shown = Some(numbers.shown(parsed.places, sign));
    column.numbers = Some(numbers);
}

/// A bare number beside ones with a currency has it too; beside ones with a unit nobody knows.
fn is_currency(unit: Option<&String>) -> bool {
    unit.is_some_and(|unit| words::currency_prefix(unit).is_some() || unit == "kr")
}

fn dates(
    mut column: Column,
    parsed: &Parsed,
    profile: &Profile,
    cells: &Cells<'_>,
    clues: &Clues,
    notes: &mut Vec<String>,
) -> Column {
    column.kind = Kind::Date;
    let order = parsed.order.or(clues.order);
    let days: Vec<Day> = cells.filled(profile).filter_map(|(_, text)| day(text, order)).collect();
    column.unreadable = column.count - days.len();
    column.count = days.len();
    if parsed.order.is_none() && profile.census.unsure_dates > 0 {
        if order.is_none() {
            notes.push(format!(
                "day and month of `{}` could change places, so its dates are not read: write them as 2026-02-03",
                column.name
            ));
            column.count = column.unreadable;
            (column.unreadable, column.kind) = (0, Kind::Text);
            column.about = Some("dates with two readings".to_owned());
            return column;
        }
        notes.push(format!("the dates of `{}` are read in the order of the other dates of the file", column.name));
    } else if profile.census.orders.iter().all(|count| *count > 0) {
        notes.push(format!(
            "`{}` has dates with the day first and dates with the month first; unclear ones are left out",
            column.name
        ));
    }
    if let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) {
        column.about = Some(format!("{} to {}", first.in_words(), last.in_words()));
    }
    column
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

fn words_of(
    mut column: Column,
    parsed: &Parsed,
    profile: &Profile,
    cells: &Cells<'_>,
    notes: &mut Vec<String>,
) -> Column {
    let census = &profile.census;
    let has_digits = || cells.filled(profile).any(|(_, text)| text.contains(|c: char| c.is_ascii_digit()));
    let is_named = parsed.is_named_identifier && has_digits();
    if census.leading_zeros > 0 && census.numbers * 2 >= census.filled || is_named {
        column.kind = Kind::Identifier;
        column.about = Some(format!("{}: names of things, not added up", different(cells, profile)));
        return column;
    }
    column.about = Some(different(cells, profile));
    if census.numbers > 0 && census.numbers * 5 >= census.filled {
        notes.push(format!(
            "`{}` is read as text: only {} of its {} values are numbers",
            column.name, census.numbers, census.filled
        ));
    }
    column
}

/// `2 different values: DE, FR`.
fn different(cells: &Cells<'_>, profile: &Profile) -> String {
    const EXAMPLES: usize = 3;
    let mut seen = HashSet::new();
    let mut examples = Vec::new();
    for (_, text) in cells.filled(profile) {
        if seen.insert(text) && examples.len() < EXAMPLES {
            examples.push(short(text));
        }
    }
    let what = if seen.len() == 1 { "1 value".to_owned() } else { format!("{} different values", seen.len()) };
    format!("{what} ({}{})", examples.join(", "), if seen.len() > EXAMPLES { ", …" } else { "" })
}

fn rows(number: usize) -> String {
    count(number, "row")
}

fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'");
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
