//! Statistics of whole numbers that a double cannot hold exactly: those above 2^53, and sums of such.

use crate::stats::{NOT_ADDED_UP, Shown, grouped};

/// The first whole number whose successor a double has not: 2^53.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a double may stand for several whole numbers.
pub(crate) fn is_inexact(value: f64) -> bool {
    value.abs() >= FIRST_INEXACT
}

/// The whole number that a double stands for. None for fractions, and where it may stand for several.
#[expect(clippy::cast_possible_truncation, reason = "below 2^53")]
pub(crate) fn whole(value: f64) -> Option<i128> {
    (value.fract() == 0.0 && !is_inexact(value)).then_some(value as i128)
}

/// The statistics as they are shown, where all values are whole and some number among them or their sum is too large
/// for a double. None for all others, and where a sum leaves 128 bits.
pub(crate) fn shown(mut values: Vec<i128>, is_additive: bool, sign: &str) -> Option<(f64, Shown)> {
    let sum = values.iter().try_fold(0_i128, |sum, value| sum.checked_add(*value))?;
    let largest = values.iter().map(|value| value.unsigned_abs()).max()?;
    if !is_inexact(to_double(sum)) && largest < 1 << 53 {
        return None;
    }
    let (least, most) = (*values.iter().min()?, *values.iter().max()?);
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable(middle);
    let upper = *upper;
    let median = match below.iter().max().filter(|_| is_even) {
        Some(lower) => quotient(lower.checked_add(upper)?, 2)?,
        None => grouped(&upper.to_string()),
    };
    let with_sign = |text: String| format!("{text}{sign}");
    let shown = Shown {
        sum: if is_additive { with_sign(grouped(&sum.to_string())) } else { NOT_ADDED_UP.to_owned() },
        mean: with_sign(quotient(sum, i128::try_from(values.len()).ok()?)?),
        median: with_sign(median),
        min: with_sign(grouped(&least.to_string())),
        max: with_sign(grouped(&most.to_string())),
    };
    Some((to_double(sum), shown))
}

#[expect(clippy::cast_precision_loss, reason = "the nearest double, beside the exact number in words")]
fn to_double(value: i128) -> f64 {
    value as f64
}

/// A quotient rounded to two decimal places, without zeros at its end.
fn quotient(sum: i128, count: i128) -> Option<String> {
    let hundredths = sum.checked_abs()?.checked_mul(200)?.checked_add(count)? / (2 * count);
    let sign = if sum < 0 && hundredths > 0 { "-" } else { "" };
    let whole = grouped(&(hundredths / 100).to_string());
    let places = format!(".{:02}", hundredths % 100);
    Some(format!("{sign}{whole}{}", places.trim_end_matches('0').trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_beyond_doubles_are_exact() {
        let large = 9_007_199_254_740_993;
        for (values, sum, mean, median) in [
            (vec![large], "9,007,199,254,740,993", "9,007,199,254,740,993", "9,007,199,254,740,993"),
            (vec![large, 2], "9,007,199,254,740,995", "4,503,599,627,370,497.5", "4,503,599,627,370,497.5"),
            (vec![-large, 0, 0], "-9,007,199,254,740,993", "-3,002,399,751,580,331", "0"),
        ] {
            let shown = shown(values, true, "").map(|(_, shown)| (shown.sum, shown.mean, shown.median));
            assert_eq!(shown, Some((sum.to_owned(), mean.to_owned(), median.to_owned())));
        }
        assert_eq!(shown(vec![1, 2], true, ""), None);
        assert_eq!(shown(vec![i128::MAX, 2], true, ""), None);
    }
}
