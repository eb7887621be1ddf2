//! Numbers in one spelling, however they were written: `1,000`, `1.000`, `1000`, `1k`, `five`, `fünf`.

use crate::language::Language;

/// A figure in one spelling: `1000`, `4.5`, `-3`. What is no decimal number (a date, a time, a version) stays as it is written.
///
/// A single comma or point before exactly three digits groups them where the language writes thousands so: `,` in English and where the
/// language is not known, `.` in German. Every other single separator is the decimal one.
pub(crate) fn figure(written: &str, language: Option<Language>) -> String {
    value(written, language).map_or_else(|| written.to_owned(), spelled)
}

/// The figure times a scale word that stands behind it (`2.5 million`). None where either is no number.
pub(crate) fn scaled(written: &str, word: &str, language: Option<Language>) -> Option<String> {
    let scale = match word {
        "k" | "thousand" | "tausend" => 1e3,
        "million" | "millions" | "millionen" | "mio" => 1e6,
        "billion" | "billions" | "milliarde" | "milliarden" | "mrd" => 1e9,
        _ => return None,
    };
    value(written, language).map(|value| spelled(value * scale))
}

/// The number that a word names, from two to twelve and the tens; `one` is left out, it is more often a pronoun.
pub(crate) fn number_word(lower: &str) -> Option<&'static str> {
    Some(match lower {
        "two" | "zwei" => "2",
        "three" | "drei" => "3",
        "four" | "vier" => "4",
        "five" | "fünf" => "5",
        "six" | "sechs" => "6",
        "seven" | "sieben" => "7",
        "eight" | "acht" => "8",
        "nine" | "neun" => "9",
        "ten" | "zehn" => "10",
        "eleven" | "elf" => "11",
        "twelve" | "zwölf" => "12",
        "twenty" | "zwanzig" => "20",
        "thirty" | "dreißig" => "30",
        "forty" | "vierzig" => "40",
        "fifty" | "fünfzig" => "50",
        "sixty" | "sechzig" => "60",
        "seventy" | "siebzig" => "70",
        "eighty" | "achtzig" => "80",
        "ninety" | "neunzig" => "90",
        "hundred" | "hundert" => "100",
        _ => return None,
    })
}

/// Days and months, and days by their distance: like numbers they are values, and none is nearly another. `may`, `march`, `sat` and the
/// German `morgen` are left out, they are other words too.
pub(crate) fn is_calendar_word(lower: &str) -> bool {
    const WORDS: &[&str] = &[
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "today",
        "tomorrow",
        "yesterday",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonnabend",
        "sonntag",
        "januar",
        "februar",
        "märz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "heute",
        "gestern",
        "übermorgen",
    ];
    WORDS.contains(&lower)
}

/// Whether a word in lower case names a month, in full or cut, in English or German.
pub(crate) fn is_month(lower: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "jan", "feb", "mar", "mär", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct", "okt", "nov", "dec", "dez",
    ];
    let known =
        |month: &str| is_calendar_word(month) && BEGINNINGS.iter().any(|beginning| month.starts_with(beginning));
    BEGINNINGS.contains(&lower) || lower == "march" || known(lower)
}

fn value(written: &str, language: Option<Language>) -> Option<f64> {
    let (sign, digits) = written.strip_prefix('-').map_or((1.0, written), |digits| (-1.0, digits));
    let digits = digits.replace(['\'', '’'], "");
    let (commas, points) = (digits.matches(',').count(), digits.matches('.').count());
    let group = match (commas, points) {
        (0, 0) => None,
        (0, 1) => grouped(&digits, '.').filter(|_| language == Some(Language::German)),
        (1, 0) => grouped(&digits, ',').filter(|_| language != Some(Language::German)),
        (_, 0) => Some(grouped(&digits, ',')?),
        (0, _) => Some(grouped(&digits, '.')?),
        _ if digits.rfind(',') < digits.rfind('.') => Some(','),
        _ => Some('.'),
    };
    let plain: String = digits.chars().filter(|c| Some(*c) != group).collect();
    plain.replace(',', ".").parse::<f64>().ok().map(|value| sign * value)
}

/// The separator, if it stands before groups of three digits only.
fn grouped(digits: &str, separator: char) -> Option<char> {
    let mut groups = digits.split(separator);
    let first = groups.next().unwrap_or_default();
    let fits = (1..=3).contains(&first.len()) && first != "0" && groups.all(|group| group.len() == 3);
    fits.then_some(separator)
}

fn spelled(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_one_spelling() {
        let german = Some(Language::German);
        for (written, language, wanted) in [
            ("1,000", None, "1000"),
            ("1.000", german, "1000"),
            ("1.000", None, "1"),
            ("4,5", german, "4.5"),
            ("4,5", None, "4.5"),
            ("1,234,567.5", None, "1234567.5"),
            ("1.234.567,5", german, "1234567.5"),
            ("1'000", None, "1000"),
            ("0.125", german, "0.125"),
            ("-3", None, "-3"),
            ("007", None, "7"),
            ("0", None, "0"),
            ("9:30", None, "9:30"),
            ("2026-12-24", None, "2026-12-24"),
            ("1.2.3", None, "1.2.3"),
            ("24.12.2026", german, "24.12.2026"),
        ] {
            assert_eq!(figure(written, language), wanted, "{written} {language:?}");
        }
    }

    #[test]
    fn months() {
        assert!(["may", "Mai", "september", "dez", "märz", "march"].iter().all(|it| is_month(&it.to_lowercase())));
        assert!(!["monday", "mayor", "today", "donnerstag"].iter().any(|it| is_month(it)));
    }

    #[test]
    fn scale_words() {
        assert_eq!(scaled("2.5", "million", None).as_deref(), Some("2500000"));
        assert_eq!(scaled("2,5", "mio", Some(Language::German)).as_deref(), Some("2500000"));
        assert_eq!(scaled("9:30", "k", None), None);
        assert_eq!(scaled("5", "apples", None), None);
    }
}
