//! Statistics of numbers, and how they are shown.

use serde::Serialize;

/// What can be computed of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers {
    /// All values together; none of rates and percentages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    /// The mean of the values, each counted alike.
    pub mean: f64,
    /// The value in the middle.
    pub median: f64,
    /// The least value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

/// What stands for the sum where there is none.
pub(crate) const NOT_ADDED_UP: &str = "not added up";

/// Numbers as people read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// See [`Numbers::sum`]; `not added up` where there is none.
    pub sum: String,
    /// See [`Numbers::mean`].
    pub mean: String,
    /// See [`Numbers::median`].
    pub median: String,
    /// See [`Numbers::min`].
    pub min: String,
    /// See [`Numbers::max`].
    pub max: String,
}

impl Numbers {
    /// The statistics of at least one value.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    pub(crate) fn of(mut values: Vec<f64>, is_additive: bool, places: usize) -> Self {
        let sum = sum(&values);
        let length = values.len();
        let middle = length / 2;
        let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
        let upper = *upper;
        let median = if length % 2 == 1 {
            upper
        } else {
            f64::midpoint(below.iter().copied().fold(f64::NEG_INFINITY, f64::max), upper)
        };
        Self {
            sum: is_additive.then(|| round(sum, places)),
            mean: round(sum / length as f64, places + 6),
            median: round(median, places + 1),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    pub(crate) fn shown(&self, places: usize, sign: &str) -> Shown {
        let with_sign = |text: String| format!("{text}{sign}");
        // Two places more than the values have tell a mean well enough.
        let exact = |value: f64| with_sign(trimmed(value, places, places + 2));
        Shown {
            sum: self.sum.map_or_else(|| NOT_ADDED_UP.to_owned(), |sum| with_sign(show(sum, places))),
            mean: exact(self.mean),
            median: exact(self.median),
            min: with_sign(show(self.min, places)),
            max: with_sign(show(self.max, places)),
        }
    }
}

/// The sum with the rounding errors of each addition carried along (Neumaier).
fn sum(values: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

fn round(value: f64, places: usize) -> f64 {
    let power = 10_f64.powi(i32::try_from(places).unwrap_or(12).min(12));
    let scaled = value * power;
    if scaled.abs() < 9e15 { scaled.round() / power } else { value }
}

/// A number with exactly so many decimal places, its thousands grouped by commas.
pub(crate) fn show(value: f64, places: usize) -> String {
    trimmed(value, places, places)
}

/// The mean of so many values as it is shown, with two places more than they have at most.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
pub(crate) fn mean(sum: f64, count: usize, places: usize) -> String {
    trimmed(sum / count.max(1) as f64, places, places + 2)
}

/// A number with at least and at most so many decimal places.
fn trimmed(value: f64, least: usize, most: usize) -> String {
    if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        return format!("{value:e}");
    }
    let text = format!("{value:.most$}");
    let (whole, places) = text.split_once('.').unwrap_or((&text, ""));
    let mut places = places;
    while places.len() > least && places.ends_with('0') {
        places = &places[..places.len() - 1];
    }
    let grouped = grouped(whole);
    let is_zero = whole.trim_start_matches('-') == "0" && places.bytes().all(|byte| byte == b'0');
    let grouped = if is_zero { grouped.trim_start_matches('-') } else { &grouped };
    if places.is_empty() { grouped.to_owned() } else { format!("{grouped}.{places}") }
}

/// The digits of a whole number, with its sign, in groups of three.
pub(crate) fn grouped(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_exactly_and_grouped() {
        for (value, places, shown) in [
            (1058.0, 2, "1,058.00"),
            (3_401_200.0, 0, "3,401,200"),
            (3.734, 3, "3.734"),
            (-987.65, 2, "-987.65"),
            (0.0, 0, "0"),
            (-0.001, 2, "0.00"),
            (0.000_000_1, 7, "1e-7"),
            (1e18, 0, "1,000,000,000,000,000,000"),
        ] {
            assert_eq!(show(value, places), shown);
        }
        let numbers = Numbers::of(vec![0.1, 0.2, 0.3, 1e16, -1e16], true, 1);
        assert_eq!(numbers.sum, Some(0.6));
        assert_eq!(Numbers::of(vec![4.0, 1.0, 3.0, 2.0], true, 0).median, 2.5);
    }
}
