//! What can be said of a column: its kind, its statistics, and what was left out of them.

use std::collections::{BTreeMap, HashSet};

use crate::column::{Column, Kind, Parsed, Profile, day};
use crate::date::Day;
use crate::grid::Row;
use crate::marks::{Clues, Marks};
use crate::stats::Numbers;
use crate::{names, words};

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
    if whole && (names::names_year(tokens) && within(1000.0, 2999.0) || is_ladder && within(1900.0, 2100.0)) {
        return Kind::Year;
    }
    if whole && names::names_calendar_part(tokens).is_some_and(|most| within(0.0, most)) {
        return Kind::CalendarPart;
    }
    let is_moment = within(1e9, 1e19)
        || within(19_000_101.0, 21_001_231.0)
        || within(20_000.0, 60_000.0) && tokens.iter().any(|token| token == "date" || token == "datum");
    if is_moment && names::names_moment(tokens) {
        return Kind::Moment;
    }
    if names::names_rate(tokens, !whole) { Kind::Rate } else { Kind::Amount }
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
