//! Whether the rows of a table are days, weeks, months or other times: values at a time are then not added up over them.

use crate::grid::Row;
use crate::{date, names, words};

const DAYS_OF_THE_WEEK: &[&str] = &[
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
];

/// Whether the rows are times, by the first column or by one that is called `month`, `week` and the like. `left_out` are
/// rows below the data.
pub(crate) fn name_rows(names: &[Vec<String>], body: &[Row], left_out: &[bool]) -> bool {
    let rows = || body.iter().zip(left_out).filter(|(_, is_left_out)| !**is_left_out).map(|(row, _)| row);
    let is_called = |tokens: &Vec<String>| {
        names::names_calendar_part(tokens).is_some()
            || matches!(tokens.as_slice(), [only] if matches!(only.as_str(), "period" | "zeitraum" | "periode" | "fy"))
    };
    let are_times = |column: usize| rows().all(|row| is_time(row.text(column)));
    let is_year = |tokens: &Vec<String>| names::names_calendar_year(tokens);
    rows().count() > 1 && (are_times(0) || names.first().is_some_and(is_year) || names.iter().any(is_called))
}

/// Whether a cell is a day, a month, a week or a quarter.
fn is_time(cell: &str) -> bool {
    if date::read(cell).is_some() {
        return true;
    }
    if cell.len() > 24 {
        return false;
    }
    let cell = cell.trim().to_lowercase();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = cell.split([' ', '-', '/', '.', '_']).filter(|part| !part.is_empty());
    let mut has_period = false;
    let is_part = |part: &str| {
        let is_period = words::month(part).is_some()
            || DAYS_OF_THE_WEEK.contains(&part)
            || matches!(part, "kw" | "week" | "cw" | "month" | "quarter")
            || part.strip_prefix("kw").or_else(|| part.strip_prefix(['q', 'w'])).is_some_and(is_number);
        has_period |= is_period;
        is_period || is_number(part)
    };
    parts.all(is_part) && has_period
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_times_or_not() {
        for cell in ["2026-11-01", "2026-11", "Jan", "January 2026", "Q1", "Q1 2026", "2026-W05", "KW 5", "KW5", "Mon"]
        {
            assert!(is_time(cell), "{cell}");
        }
        for cell in ["", "A", "5", "2026", "Anna", "Q", "May Smith", "Week end"] {
            assert!(!is_time(cell), "{cell}");
        }
    }
}
