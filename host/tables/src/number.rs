//! One cell: whether it is a number, and which, under each reading of its marks.
//!
//! Nothing is decided here. A cell such as `1.234` has two values, one for each decimal mark;
//! `marks` decides by what the whole column says.

use crate::words;

/// The decimal mark. The other of the two groups thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// `1,234.5`
    Dot,
    /// `1.234,5`
    Comma,
}

impl Decimal {
    pub(crate) const BOTH: [Self; 2] = [Self::Dot, Self::Comma];

    pub(crate) fn mark(self) -> char {
        match self {
            Self::Dot => '.',
            Self::Comma => ',',
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Dot => Self::Comma,
            Self::Comma => Self::Dot,
        }
    }
}

/// A cell that may be a number, taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape<'a> {
    is_negative: bool,
    /// Whether brackets say so, as accountants write it.
    pub(crate) in_brackets: bool,
    pub(crate) currency: Option<&'static str>,
    pub(crate) is_percent: bool,
    /// A power of ten that a suffix stands for: `1.2k` has 3.
    scale: u8,
    /// The power of ten of a unit that may be a scale as well: `m` is metres, or millions beside a `k` or a currency.
    scale_or_unit: u8,
    pub(crate) unit: Option<&'a str>,
    digits: &'a str,
    exponent: i32,
}

/// The characters that group digits beside the two marks.
const SPACES: [char; 6] = [' ', '\u{a0}', '\u{2009}', '\u{202f}', '\u{2007}', '_'];
const APOSTROPHES: [char; 4] = ['\'', '’', 'ʼ', '´'];
/// Words after digits that make something else of them than a number.
const NO_UNITS: &[&str] = &["st", "nd", "rd", "th", "am", "pm"];

/// Takes a cell apart. None where it is no number under any reading.
pub(crate) fn shape(cell: &str) -> Option<Shape<'_>> {
    let mut shape = Shape {
        is_negative: false,
        in_brackets: false,
        currency: None,
        is_percent: false,
        scale: 0,
        scale_or_unit: 0,
        unit: None,
        digits: "",
        exponent: 0,
    };
    let mut rest = head(cell.trim(), &mut shape)?;
    let end = digits_end(rest);
    let whole = rest;
    (shape.digits, rest) = rest.split_at(end);
    if !shape.digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some((digits, tail)) = without_cents(shape.digits, whole, rest) {
        (shape.digits, rest) = (digits, tail);
    } else if let Some((exponent, tail)) = exponent(rest) {
        (shape.exponent, rest) = (exponent, tail);
    }
    tail(rest, &mut shape)?;
    let is_read = Decimal::BOTH.iter().any(|decimal| split(shape.digits, *decimal).is_some());
    is_read.then_some(shape)
}

/// The value of a cell that is nothing but a few digits, as most are: it has no marks to be read in two ways.
pub(crate) fn plain(cell: &str) -> Option<u32> {
    let is_plain = (1..=9).contains(&cell.len()) && cell.bytes().all(|byte| byte.is_ascii_digit());
    let has_leading_zero = cell.len() > 1 && cell.starts_with('0');
    if is_plain && !has_leading_zero { cell.parse().ok() } else { None }
}

/// Signs, brackets and a currency before the digits.
fn head<'a>(mut rest: &'a str, shape: &mut Shape<'_>) -> Option<&'a str> {
    let mut is_signed = false;
    loop {
        let before = rest;
        rest = rest.trim_start_matches(char::is_whitespace);
        if let Some(after) = rest.strip_prefix(['-', '−', '–', '+']) {
            if is_signed {
                return None;
            }
            is_signed = true;
            shape.is_negative = !rest.starts_with('+');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('(') {
            if shape.in_brackets || is_signed {
                return None;
            }
            (shape.in_brackets, rest) = (true, after);
        } else if shape.currency.is_none()
            && let Some((currency, after)) = words::currency_prefix(rest)
        {
            (shape.currency, rest) = (Some(currency), after);
        }
        if rest.len() == before.len() {
            return Some(rest);
        }
    }
}

/// Where the run of digits and marks between them ends.
fn digits_end(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_digit = chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        let is_mark = matches!(c, '.' | ',') || SPACES.contains(&c) || APOSTROPHES.contains(&c);
        // `5.` is a number, `5 ` and `5,` end before the mark.
        if c.is_ascii_digit() || (is_mark && next_is_digit) || (c == '.' && at > 0) {
            end = at + c.len_utf8();
        } else {
            break;
        }
    }
    end
}

/// `12,-` and `12.-`: a dash where the cents would stand. The digits with their mark, and what follows the dash.
fn without_cents<'a>(digits: &'a str, whole: &'a str, rest: &'a str) -> Option<(&'a str, &'a str)> {
    let (digits, dashes) = match rest.strip_prefix(',') {
        Some(dashes) => (&whole[..=digits.len()], dashes),
        None if digits.ends_with('.') => (digits, rest),
        None => return None,
    };
    let tail = dashes.trim_start_matches(['-', '–', '—']);
    (tail.len() < dashes.len() && !tail.starts_with(|c: char| c.is_ascii_digit())).then_some((digits, tail))
}

fn exponent(text: &str) -> Option<(i32, &str)> {
    let after = text.strip_prefix(['e', 'E'])?;
    let unsigned = after.strip_prefix(['+', '-']).unwrap_or(after);
    let end = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    let length = after.len() - unsigned.len() + end;
    if end == 0 || end > 3 {
        return None;
    }
    Some((after[..length].parse().ok()?, &after[length..]))
}

/// Per cent, currency, scale, unit, closing bracket and a sign after the digits, each at most once.
fn tail<'a>(mut rest: &'a str, shape: &mut Shape<'a>) -> Option<()> {
    let mut is_open = shape.in_brackets;
    let mut is_scaled = false;
    loop {
        let is_spaced = rest.starts_with(char::is_whitespace);
        rest = rest.trim_start_matches(char::is_whitespace);
        if rest.is_empty() {
            break;
        }
        if let Some(after) = rest.strip_prefix('%').filter(|_| !shape.is_percent) {
            (shape.is_percent, rest) = (true, after);
        } else if let Some(after) = rest.strip_prefix(')').filter(|_| is_open) {
            (is_open, rest) = (false, after);
        } else if let Some(after) = rest.strip_prefix(['-', '−']).filter(|after| after.trim().is_empty()) {
            if shape.is_negative || shape.in_brackets {
                return None;
            }
            (shape.is_negative, rest) = (true, after);
        } else if shape.currency.is_none()
            && let Some((currency, after)) = words::currency_suffix(rest)
        {
            (shape.currency, rest) = (Some(currency), after);
        } else {
            let end = rest.find(|c: char| !is_unit_char(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if let Some(scale) = words::scale(word, is_spaced).filter(|_| !is_scaled && shape.unit.is_none()) {
                (shape.scale, is_scaled) = (scale, true);
                rest = after.strip_prefix('.').unwrap_or(after);
                continue;
            }
            let lower = word.to_lowercase();
            let is_unit = (1..=16).contains(&word.chars().count())
                && shape.unit.is_none()
                && !NO_UNITS.contains(&lower.as_str())
                && words::month(&lower).is_none();
            if !is_unit {
                return None;
            }
            (shape.unit, rest) = (Some(word), after);
            shape.scale_or_unit = if is_scaled { 0 } else { words::scale_or_unit(word).unwrap_or(0) };
        }
    }
    (!is_open).then_some(())
}

fn is_unit_char(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '°' | 'µ' | '²' | '³' | '/')
}

impl Shape<'_> {
    /// The value with this decimal mark, if it can have it.
    pub(crate) fn value(&self, decimal: Decimal) -> Option<f64> {
        let mut plain = parse(self.digits, decimal)?;
        let power = self.exponent + i32::from(self.scale);
        if power != 0 {
            plain.push_str(&format!("e{power}"));
        }
        let value: f64 = plain.parse().ok()?;
        let is_negative = self.is_negative || self.in_brackets;
        value.is_finite().then_some(if is_negative && value != 0.0 { -value } else { value })
    }

    /// The value where it is a whole number of at most 128 bits.
    pub(crate) fn whole(&self, decimal: Decimal) -> Option<i128> {
        let (whole, places) = split(self.digits, decimal)?;
        let mut digits: String = whole.chars().chain(places.chars()).filter(char::is_ascii_digit).collect();
        let power = usize::try_from(self.exponent + i32::from(self.scale)).ok()?;
        let zeros = power.checked_sub(places.len()).filter(|zeros| *zeros < 40)?;
        digits.extend(std::iter::repeat_n('0', zeros));
        let value: i128 = digits.parse().ok()?;
        Some(if self.is_negative || self.in_brackets { -value } else { value })
    }

    /// Whether it can have this decimal mark.
    pub(crate) fn fits(&self, decimal: Decimal) -> bool {
        split(self.digits, decimal).is_some()
    }

    /// How many decimal places are written, after scaling.
    pub(crate) fn places(&self, decimal: Decimal) -> usize {
        let written = self.digits.rsplit_once(decimal.mark()).map_or(0, |(_, places)| places.len());
        let power = self.exponent + i32::from(self.scale);
        usize::try_from(i32::try_from(written).unwrap_or(0) - power).unwrap_or(0).min(12)
    }

    /// The digits where the cell has nothing else: no sign, mark, currency or unit.
    pub(crate) fn plain_digits(&self) -> Option<&str> {
        let is_plain = !self.is_negative
            && !self.in_brackets
            && self.currency.is_none()
            && !self.is_percent
            && self.unit.is_none()
            && (self.scale, self.exponent) == (0, 0)
            && self.digits.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then_some(self.digits)
    }

    /// Which mark it has, where both readings give a value and the values differ.
    pub(crate) fn unsure_mark(&self) -> Option<Decimal> {
        let mark = match (self.digits.contains('.'), self.digits.contains(',')) {
            (false, false) => return None,
            (true, _) => Decimal::Dot,
            (false, true) => Decimal::Comma,
        };
        // `5.` is five under both.
        let is_both = Decimal::BOTH.iter().all(|decimal| split(self.digits, *decimal).is_some());
        is_both.then_some(mark)
    }

    /// How many digits stand before any mark, where there is no mark at all.
    pub(crate) fn unmarked_digits(&self) -> Option<usize> {
        self.digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(self.digits.len())
    }

    /// Takes a unit that may be a scale as the scale: a lone `m` as millions.
    pub(crate) fn with_scale(mut self) -> Self {
        if self.scale_or_unit > 0 {
            self.unit = None;
            self.scale = std::mem::take(&mut self.scale_or_unit);
        }
        self
    }

    /// Whether a suffix scales it.
    pub(crate) fn is_scaled(&self) -> bool {
        self.scale > 0
    }
}

/// The digits as Rust writes a number, if their marks fit this decimal mark.
fn parse(digits: &str, decimal: Decimal) -> Option<String> {
    let (whole, places) = split(digits, decimal)?;
    let mut plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if plain.is_empty() {
        plain.push('0');
    }
    if !places.is_empty() {
        plain.push('.');
        plain.push_str(places);
    }
    Some(plain)
}

/// The whole part, with its marks, and the decimal places, if the marks fit this decimal mark.
fn split(digits: &str, decimal: Decimal) -> Option<(&str, &str)> {
    let (whole, places) = digits.split_once(decimal.mark()).unwrap_or((digits, ""));
    let are_digits = places.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = if whole.is_empty() { !places.is_empty() } else { is_grouped(whole, decimal) };
    (are_digits && is_grouped).then_some((whole, places))
}

/// Whether the marks of the whole part group it: in thousands, or in lakhs and crores with a comma. No mark at all groups it too.
fn is_grouped(whole: &str, decimal: Decimal) -> bool {
    let Some(mark) = whole.chars().find(|c| !c.is_ascii_digit()) else { return true };
    if mark == decimal.mark() {
        return false;
    }
    // One kind of mark groups a number; the spaces that typesetters use are one kind, and so are the apostrophes.
    let alike = |c: char| match mark {
        _ if SPACES.contains(&mark) => SPACES.contains(&c),
        _ if APOSTROPHES.contains(&mark) => APOSTROPHES.contains(&c),
        _ => c == mark,
    };
    let mut groups = whole.split(alike);
    let (Some(first), Some(last)) = (groups.next(), groups.next_back()) else { return false };
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let (mut threes, mut twos) = (true, true);
    for group in groups {
        if !is_digits(group) {
            return false;
        }
        threes &= group.len() == 3;
        twos &= group.len() == 2;
    }
    let western = (1..=3).contains(&first.len()) && threes;
    let indian = (1..=2).contains(&first.len()) && twos && mark == ',';
    is_digits(first) && is_digits(last) && !first.starts_with('0') && last.len() == 3 && (western || indian)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each cell with its value under the dot and under the comma as decimal mark.
    #[test]
    fn cells_have_a_value_for_each_decimal_mark() {
        let table: &[(&str, Option<f64>, Option<f64>)] = &[
            ("12", Some(12.0), Some(12.0)),
            ("1.234", Some(1.234), Some(1234.0)),
            ("1,234", Some(1234.0), Some(1.234)),
            ("1,234.50", Some(1234.5), None),
            ("-1.250,50", None, Some(-1250.5)),
            ("1'234.50", Some(1234.5), None),
            ("1’234", Some(1234.0), Some(1234.0)),
            ("1\u{202f}234,5", None, Some(1234.5)),
            ("2\u{a0}345", Some(2345.0), Some(2345.0)),
            ("12,34,567", Some(1_234_567.0), None),
            ("12,34,567.8", Some(1_234_567.8), None),
            ("0.123", Some(0.123), None),
            ("0,5", None, Some(0.5)),
            (".5", Some(0.5), None),
            ("5.", Some(5.0), None),
            ("(987.65)", Some(-987.65), None),
            ("($987.65)", Some(-987.65), None),
            ("$(987.65)", Some(-987.65), None),
            ("-$5.10", Some(-5.1), None),
            ("−7", Some(-7.0), Some(-7.0)),
            ("+7", Some(7.0), Some(7.0)),
            ("12.5%", Some(12.5), None),
            ("12,5 %", None, Some(12.5)),
            ("1.2k", Some(1200.0), None),
            ("3.4M", Some(3_400_000.0), None),
            ("1,5 Mio. €", None, Some(1_500_000.0)),
            ("$2bn", Some(2e9), Some(2e9)),
            ("1.5e3", Some(1500.0), None),
            ("2E-2", Some(0.02), Some(0.02)),
            ("5 kg", Some(5.0), Some(5.0)),
            ("€ 3", Some(3.0), Some(3.0)),
            ("CHF 1'000.05", Some(1000.05), None),
            ("7 EUR", Some(7.0), Some(7.0)),
            ("12,-", None, Some(12.0)),
            ("1.234,– €", None, Some(1234.0)),
            ("CHF 1'234.-", Some(1234.0), None),
            ("12.--", Some(12.0), None),
            ("12-", Some(-12.0), Some(-12.0)),
        ];
        for (cell, dot, comma) in table {
            let shape = shape(cell).unwrap_or_else(|| panic!("{cell} is a number"));
            assert_eq!((shape.value(Decimal::Dot), shape.value(Decimal::Comma)), (*dot, *comma), "{cell}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_shape() {
        for cell in [
            "",
            "-",
            "abc",
            "N/A",
            "1-2",
            "2026-11-01",
            "12:30",
            "10.0.0.1",
            "+49 30 123456",
            "555-1234",
            "1.2.3",
            "3rd",
            "9am",
            "3 Feb",
            "(5",
            "5)",
            "--5",
            "1,23,45",
            "1 2",
            "12abc34",
            "0,123,456.7.8",
            "e5",
            "$",
            "%",
        ] {
            assert_eq!(shape(cell), None, "{cell}");
        }
    }
}
