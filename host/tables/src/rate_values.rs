//! Columns whose values, with the name, tell that they must not be added up: answers on a scale, and fractions of one.

use crate::{amount_names, words};

/// Names of amounts that may all be below one.
const SMALL_AMOUNTS: &[&str] = &[
    "paid",
    "refund",
    "refunds",
    "discount",
    "discounts",
    "commission",
    "commissions",
    "bonus",
    "tip",
    "tips",
    "charge",
    "charges",
    "bid",
    "debit",
    "credit",
    "deposit",
    "withdrawal",
    "withdrawals",
    "deposits",
    "interest",
    "dividend",
    "dividends",
    "rabatt",
    "provision",
    "zinsen",
    "soll",
    "haben",
    "eingang",
    "ausgang",
    "gutschrift",
    "rückerstattung",
    "débit",
    "crédit",
    "remise",
    "descuento",
    "sconto",
    "btc",
    "eth",
    "coins",
    "usage",
    "consumption",
    "verbrauch",
    "consommation",
    "consumo",
    "liters",
    "litres",
    "liter",
    "tons",
    "tonnes",
    "tonnen",
    "grams",
    "gram",
    "gramm",
    "dose",
    "fte",
    "loss",
    "gain",
    "verlust",
    "gewinn",
    "time",
    "zeit",
    "dauer",
    "h",
    "kg",
    "g",
    "t",
    "l",
    "m",
    "s",
];

/// Whether values are fractions of one under a name that is none of money, of sizes or of counts: a rate, such as
/// `bounce` with 0.9. At least one of them is no whole number.
pub(crate) fn are_fractions(tokens: &[String], values: impl IntoIterator<Item = f64>) -> bool {
    let is_small = |token: &String| SMALL_AMOUNTS.contains(&token.as_str()) || words::is_unit(token);
    let mut has_fractions = false;
    for value in values {
        if !(0.0..=1.0).contains(&value) {
            return false;
        }
        has_fractions |= value.fract() != 0.0;
    }
    has_fractions
        && !amount_names::names_payment(tokens)
        && !amount_names::names_size(tokens)
        && !amount_names::names_count(tokens)
        && !tokens.iter().any(is_small)
}

/// Whether a name ends with the scale that its answers are on, as `Q1 (1-5)` does, and the values are on it.
pub(crate) fn are_on_scale(name: &str, values: impl IntoIterator<Item = f64>) -> bool {
    let Some((_, scale)) = name.trim().trim_end_matches([')', ']']).rsplit_once(['(', '[']) else { return false };
    let ends: Vec<&str> = scale.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let [least, most] = ends.as_slice() else { return false };
    let is_scale =
        matches!(*least, "0" | "1") && matches!(*most, "3" | "4" | "5" | "6" | "7" | "9" | "10" | "11" | "100");
    // `(1-5)`, `(1 to 5)`, `(0 … 10)`; `(2 of 5)` is something else.
    let between = scale.split_once(least).and_then(|(before, rest)| Some((before, rest.split_once(most)?)));
    let is_range = between.is_some_and(|(before, (between, _))| {
        before.trim().is_empty()
            && matches!(between.trim(), "-" | "–" | "—" | "to" | "bis" | "..." | "…" | ".." | "à" | "a")
    });
    let (least, most) = (f64::from(u8::from(*least == "1")), most.parse().unwrap_or(0.0));
    is_scale && is_range && values.into_iter().all(|value| (least..=most).contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tokens;

    #[test]
    fn fractions_of_one_are_rates_but_under_names_of_amounts() {
        for (name, values) in [("bounce", &[0.9][..]), ("x", &[0.0, 0.25, 1.0]), ("loyalty", &[0.02, 0.03])] {
            assert!(are_fractions(&tokens(name), values.iter().copied()), "{name}");
        }
        for (name, values) in [
            ("x", &[0.0, 1.0][..]),
            ("x", &[0.5, 1.5]),
            ("x", &[0.5, -0.5]),
            ("price", &[0.5, 0.25]),
            ("weight", &[0.5]),
            ("amount", &[0.5]),
            ("hours", &[0.5]),
            ("rain mm", &[0.2]),
            ("debit", &[0.5]),
        ] {
            assert!(!are_fractions(&tokens(name), values.iter().copied()), "{name}");
        }
    }

    #[test]
    fn scales_of_answers_stand_at_the_end() {
        for (name, values) in
            [("Q1 (1-5)", &[4.0, 5.0][..]), ("Ease [0 – 10]", &[0.0, 10.0]), ("Note (1 bis 6)", &[2.5])]
        {
            assert!(are_on_scale(name, values.iter().copied()), "{name}");
        }
        for (name, values) in [
            ("Q1 (1-5)", &[4.0, 50.0][..]),
            ("clicks (2 of 5)", &[1.0]),
            ("days (1-31)", &[2.0]),
            ("sales (2024-2025)", &[2.0]),
            ("Q1", &[1.0]),
            ("Q1 1-5", &[1.0]),
        ] {
            assert!(!are_on_scale(name, values.iter().copied()), "{name}");
        }
    }
}
