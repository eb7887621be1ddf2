//! Dates: which order day, month and year have, by what all values of a column say.

use crate::words;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// The year, with its century.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31; 0 where the cell names a month only.
    pub day: u8,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Day {
    /// `3 February 2026`.
    pub fn in_words(self) -> String {
        let month = MONTHS[usize::from(self.month.clamp(1, 12)) - 1];
        match self.day {
            0 => format!("{month} {}", self.year),
            day => format!("{day} {month} {}", self.year),
        }
    }

    /// `2026-02-03`, or `2026-02` of a month.
    pub fn iso(self) -> String {
        match self.day {
            0 => format!("{:04}-{:02}", self.year, self.month),
            day => format!("{:04}-{:02}-{day:02}", self.year, self.month),
        }
    }

    fn new(year: u32, month: u32, day: u32, is_month: bool) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let fits = (1000..=2999).contains(&year) && (is_month && day == 0 || (1..=days).contains(&day));
        fits.then_some(Self {
            year: u16::try_from(year).ok()?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
        })
    }
}

/// The order of day and month where both are digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// 3 February is `03/02/2026`.
    DayFirst,
    /// 3 February is `02/03/2026`.
    MonthFirst,
}

/// A cell that may be a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It can be read in one way.
    Sure(Day),
    /// Day and month could change places.
    Unsure { day_first: Day, month_first: Day },
}

/// Reads a cell as a date, with or without a time of day after it.
pub(crate) fn read(cell: &str) -> Option<Reading> {
    let cell = cell.trim();
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let may_be = (6..=40).contains(&cell.len())
        && (3..cell.len()).contains(&digits)
        && cell.starts_with(char::is_alphanumeric)
        && !cell.ends_with('%');
    if !may_be {
        return None;
    }
    let date = without_time(cell)?;
    let divides = |c: char| matches!(c, '-' | '/' | '.' | ' ' | ',');
    let parts: Vec<&str> = date.split(divides).filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| part.chars().any(char::is_alphabetic)) {
        return with_month_name(&parts).map(Reading::Sure);
    }
    let number = |part: &str| (part.len() <= 4).then(|| part.parse::<u32>().ok()).flatten();
    match parts.as_slice() {
        [year, month] if year.len() == 4 && month.len() <= 2 && !date.contains(['.', ' ', ',']) => {
            Day::new(number(year)?, number(month)?, 0, true).map(Reading::Sure)
        }
        [month, year] if year.len() == 4 && month.len() <= 2 && !date.contains(['.', ' ', ',']) => {
            Day::new(number(year)?, number(month)?, 0, true).map(Reading::Sure)
        }
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 && !date.contains([' ', ',']) => {
            Day::new(number(year)?, number(month)?, number(day)?, false).map(Reading::Sure)
        }
        [first, second, year]
            if first.len() <= 2 && second.len() <= 2 && matches!(year.len(), 2 | 4) && !date.contains([' ', ',']) =>
        {
            let (first, second) = (number(first)?, number(second)?);
            let year = full_year(year)?;
            let day_first = Day::new(year, second, first, false);
            // Nobody writes the month first between dots.
            let month_first = if date.contains('.') { None } else { Day::new(year, first, second, false) };
            match (day_first, month_first) {
                (Some(day_first), Some(month_first)) if day_first != month_first => {
                    Some(Reading::Unsure { day_first, month_first })
                }
                (Some(day), _) | (None, Some(day)) => Some(Reading::Sure(day)),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

/// Which order a sure date in digits shows, if it shows one.
pub(crate) fn shown_order(cell: &str) -> Option<Order> {
    let date = without_time(cell.trim())?;
    let mut parts = date.split(['-', '/', '.']);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if first.len() > 2 || third.is_empty() {
        return None;
    }
    let (first, second) = (first.parse::<u32>().ok()?, second.parse::<u32>().ok()?);
    match (first > 12, second > 12) {
        (true, false) => Some(Order::DayFirst),
        (false, true) => Some(Order::MonthFirst),
        _ if date.contains('.') => Some(Order::DayFirst),
        _ => None,
    }
}

/// The date before a time of day. None where what follows is no time.
fn without_time(cell: &str) -> Option<&str> {
    let Some(colon) = cell.find(':') else {
        return Some(cell);
    };
    let start = cell[..colon].rfind(|c: char| !c.is_ascii_digit())?;
    let (date, time) = cell.split_at(start);
    let is_time = time.chars().all(|c| {
        c.is_ascii_digit()
            || matches!(
                c,
                ':' | '.'
                    | ','
                    | ' '
                    | '+'
                    | '-'
                    | 'T'
                    | 'Z'
                    | 'A'
                    | 'P'
                    | 'M'
                    | 'a'
                    | 'p'
                    | 'm'
                    | 'U'
                    | 'C'
                    | 'G'
                    | '\u{202f}'
                    | '\u{a0}'
            )
    });
    (is_time && !date.is_empty()).then(|| date.trim_end_matches([',', ' ']))
}

/// `3 Feb 2026`, `Feb 3, 2026`, `Tuesday, 3 February 2026`, `Feb 2026`.
fn with_month_name(parts: &[&str]) -> Option<Day> {
    if parts.len() > 4 {
        return None;
    }
    let mut month = None;
    let mut numbers = Vec::new();
    for part in parts {
        let lower = part.to_lowercase();
        if let Some(found) = words::month(&lower) {
            if month.replace(u32::from(found)).is_some() {
                return None;
            }
        } else if lower.starts_with(|c: char| c.is_ascii_digit()) {
            let digits = lower.trim_end_matches(|c: char| c.is_alphabetic());
            if !matches!(&lower[digits.len()..], "" | "st" | "nd" | "rd" | "th") {
                return None;
            }
            numbers.push(digits.to_owned());
        } else if !(parts.len() > 2 && month.is_none() && numbers.is_empty()) {
            // Only a weekday may stand before it.
            return None;
        }
    }
    let month = month?;
    match numbers.as_slice() {
        [year] if year.len() == 4 => Day::new(year.parse().ok()?, month, 0, true),
        [year, day] if year.len() == 4 => Day::new(year.parse().ok()?, month, day.parse().ok()?, false),
        [day, year] => Day::new(full_year(year)?, month, day.parse().ok()?, false),
        _ => None,
    }
}

fn full_year(year: &str) -> Option<u32> {
    let number: u32 = year.parse().ok()?;
    Some(match year.len() {
        4 => number,
        2 if number < 70 => 2000 + number,
        2 => 1900 + number,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_each_notation() {
        for (cell, iso) in [
            ("2026-11-03", "2026-11-03"),
            ("2026/11/3", "2026-11-03"),
            ("2026-11-03T09:15:00Z", "2026-11-03"),
            ("2026-11-03 09:15", "2026-11-03"),
            ("03.11.2026", "2026-11-03"),
            ("3.11.26", "2026-11-03"),
            ("19/02/2026", "2026-02-19"),
            ("02/19/2026", "2026-02-19"),
            ("02/19/2026, 9:15 PM", "2026-02-19"),
            ("3 Feb 2026", "2026-02-03"),
            ("Feb 3, 2026", "2026-02-03"),
            ("3. Februar 2026", "2026-02-03"),
            ("Tuesday, 3 February 2026", "2026-02-03"),
            ("3rd February 2026", "2026-02-03"),
            ("03-Feb-26", "2026-02-03"),
            ("Feb 2026", "2026-02"),
            ("2026-02", "2026-02"),
            ("02/2026", "2026-02"),
            ("05/05/2026", "2026-05-05"),
        ] {
            match read(cell) {
                Some(Reading::Sure(day)) => assert_eq!(day.iso(), iso, "{cell}"),
                other => panic!("{cell}: {other:?}"),
            }
        }
        assert!(matches!(read("03/02/2026"), Some(Reading::Unsure { .. })));
        for cell in
            ["31/02/2026", "1.234", "12.05", "2026", "1.2.3", "abc", "10.0.0.1", "555-1234", "2026-13-01", "1-2-3"]
        {
            assert_eq!(read(cell), None, "{cell}");
        }
    }
}
