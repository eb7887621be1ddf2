//! What can be said of a column: its kind, its statistics, and what was left out of them.

use crate::cells::{Cells, count, different, short};
use crate::column::{Column, Kind, Parsed, Profile, day};
use crate::date::Day;
use crate::dividers::Divider;
use crate::marks::{Clues, Marks};
use crate::measure::measure;
use crate::{amount_names, names, rate_names, words};

/// Says what a column is, with its statistics.
pub(crate) fn describe(
    parsed: &Parsed,
    profile: &Profile,
    cells: &Cells<'_>,
    divider: Option<&Divider>,
    clues: &Clues,
    notes: &mut Vec<String>,
) -> Column {
    let rows = cells.iter().count();
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
        return dates(result, parsed, profile, cells, clues, notes);
    }
    if parsed.marks == Marks::Undecided {
        result.kind = Kind::Undecided;
        return result;
    }
    if !parsed.is_numeric {
        return words_of(result, parsed, profile, cells, notes);
    }
    let values: Vec<f64> = cells.iter().filter_map(|(at, _)| parsed.values[at]).collect();
    result.count = values.len();
    result.unreadable = filled - values.len();
    if values.is_empty() {
        return words_of(result, parsed, profile, cells, notes);
    }
    result.kind = numeric_kind(parsed, profile, &values);
    if result.kind == Kind::Rate && parsed.is_of_fractions && !rate_names::names_rate(&parsed.tokens, true) {
        notes.push(format!(
            "all values of `{}` lie between 0 and 1, so it is read as a rate and not added up",
            result.name
        ));
    }
    unreadable(&result, parsed, profile, cells, notes);
    if profile.has_zero_dashes && profile.census.zero_dashes == 0 && cells.iter().any(|(_, text)| words::is_dash(text))
    {
        notes.push(format!("a dash in `{}` is read as zero, as accountants write it", result.name));
    }
    match result.kind {
        Kind::Identifier => {
            result.about = Some(format!("{}: names of things, not added up", different(cells, profile)));
            if parsed.holds_things && !parsed.is_named_identifier {
                notes.push(format!(
                    "`{}` is read as numbers that name things, so it is not added up; if it counts things, let its name \
                     say so, as in `number of orders`",
                    result.name
                ));
            }
        }
        Kind::Year | Kind::CalendarPart | Kind::Moment => {
            let (least, most) = (
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            );
            result.about = Some(format!("{least} to {most}, not added up"));
        }
        _ => measure(&mut result, parsed, profile, cells, divider, values, notes),
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
    let is_amount = amount_names::names_payment(tokens) || amount_names::names_count(tokens);
    if whole
        && (parsed.is_named_identifier
            || parsed.holds_things
            || census.long_digits * 2 > values.len() && !is_amount
            || is_numbering(&parsed.name, values))
    {
        return Kind::Identifier;
    }
    let is_ladder = values.len() >= 3 && values.windows(2).all(|pair| (pair[1] - pair[0]).abs() == 1.0);
    // `Jahrgang 10`, and `23` for 2023.
    let is_year = names::names_year(tokens) && within(0.0, 2999.0) && !within(0.0, 999.0)
        || names::names_calendar_year(tokens) && within(0.0, 99.0)
        || is_ladder && within(1900.0, 2100.0);
    if whole && is_year {
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
    match rate_names::names_rate(tokens, !whole) {
        _ if parsed.is_state => Kind::State,
        false if !parsed.is_of_fractions && !parsed.is_on_scale => Kind::Amount,
        _ => Kind::Rate,
    }
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
