//! Which of dot and comma is the decimal mark of a column, by what all its values say, then by what the rest
//! of the file says. Where nothing decides, or two signs disagree, nobody guesses: it is asked.

use crate::date::Order;
use crate::number::{Decimal, Shape};

/// What the values of one column say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// Values that only the dot, only the comma as decimal mark can explain.
    only: [usize; 2],
    /// Values that both explain, with different results, by the mark that they have.
    unsure: [usize; 2],
    /// The first of them.
    pub(crate) example: Option<String>,
    /// Whole numbers without any mark, of up to three digits and of more.
    short: usize,
    long: usize,
}

fn at(decimal: Decimal) -> usize {
    usize::from(decimal == Decimal::Comma)
}

impl Evidence {
    pub(crate) fn add(&mut self, shape: &Shape<'_>, cell: &str) {
        match Decimal::BOTH.map(|decimal| shape.fits(decimal)) {
            [true, false] => self.only[0] += 1,
            [false, true] => self.only[1] += 1,
            _ => {
                if let Some(mark) = shape.unsure_mark() {
                    self.unsure[at(mark)] += 1;
                    self.example.get_or_insert_with(|| cell.trim().to_owned());
                } else if let Some(digits) = shape.unmarked_digits() {
                    *(if digits <= 3 { &mut self.short } else { &mut self.long }) += 1;
                }
            }
        }
    }

    /// Counts a value of so many digits without any mark.
    pub(crate) fn add_plain(&mut self, digits: usize) {
        *(if digits <= 3 { &mut self.short } else { &mut self.long }) += 1;
    }

    /// The decimal mark that the values alone prove.
    pub(crate) fn proven(&self) -> Option<Decimal> {
        match self.only {
            [0, 0] => None,
            [_, 0] => Some(Decimal::Dot),
            [0, _] => Some(Decimal::Comma),
            _ => None,
        }
    }

    /// Whether some values prove the one and some the other.
    pub(crate) fn is_mixed(&self) -> bool {
        self.only[0] > 0 && self.only[1] > 0
    }

    fn is_unsure(&self) -> bool {
        self.unsure[0] + self.unsure[1] > 0
    }

    /// Whether the mark groups thousands: every number of four and more digits has one, and no smaller one does.
    fn pattern(&self) -> Option<Decimal> {
        let mark = match self.unsure {
            [0, 0] => return None,
            [_, 0] => Decimal::Dot,
            [0, _] => Decimal::Comma,
            _ => return None,
        };
        match (self.short, self.long) {
            (_, 1..) => Some(mark),
            (1.., 0) => Some(mark.other()),
            (0, 0) => None,
        }
    }
}

/// What the rest of a file says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clues {
    pub(crate) delimiter: Option<u8>,
    pub(crate) is_json: bool,
    /// What the columns prove, if all that prove anything agree.
    pub(crate) proven: Option<Decimal>,
    /// Dates such as 19.02.2026, which go with a decimal comma.
    pub(crate) has_dotted_dates: bool,
    /// The order of dates that some column proves.
    pub(crate) order: Option<Order>,
    /// What the user answered.
    pub(crate) answer: Option<Decimal>,
}

/// The reading of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Marks {
    /// All values agree on it, or have no marks.
    Sure(Decimal),
    /// Each value by itself; those with two readings are left out.
    EachByItself,
    /// Taken for this reason, which must be said.
    Taken(Decimal, &'static str),
    /// Nothing decides.
    Undecided,
}

/// Decides for one column.
pub(crate) fn decide(evidence: &Evidence, clues: &Clues) -> Marks {
    if evidence.is_mixed() {
        return Marks::EachByItself;
    }
    if let Some(proven) = evidence.proven() {
        return Marks::Sure(proven);
    }
    if !evidence.is_unsure() {
        return Marks::Sure(clues.proven.unwrap_or(Decimal::Dot));
    }
    if let Some(answer) = clues.answer {
        return Marks::Taken(answer, "you said so");
    }
    if let Some(proven) = clues.proven {
        return Marks::Taken(proven, "other columns show it");
    }
    let habit = match clues.delimiter {
        _ if clues.is_json => Some((Decimal::Dot, "JSON is written so")),
        Some(b';') => Some((Decimal::Comma, "semicolons divide the cells, as where the comma is the decimal mark")),
        Some(b',') => Some((Decimal::Dot, "commas divide the cells, as where the dot is the decimal mark")),
        _ => None,
    };
    let dates = clues.has_dotted_dates.then_some((Decimal::Comma, "its dates are written with dots"));
    let pattern =
        evidence.pattern().map(|decimal| (decimal, "the numbers beside it have or lack the mark accordingly"));
    let mut signs = [habit, dates, pattern].into_iter().flatten();
    match signs.next() {
        Some((decimal, reason)) if signs.all(|(other, _)| other == decimal) => Marks::Taken(decimal, reason),
        _ => Marks::Undecided,
    }
}
