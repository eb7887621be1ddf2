//! The words that carry meaning in cells: markers of missing values, currencies, scales and months,
//! in the languages that exports mostly have.

/// What stands for a missing value, in lower case.
const MISSING: &[&str] = &[
    "n/a",
    "na",
    "#n/a",
    "n.a.",
    "n. a.",
    "n.a",
    "null",
    "(null)",
    "none",
    "nil",
    "nan",
    "-",
    "--",
    "---",
    "–",
    "—",
    "−",
    ".",
    "..",
    "...",
    "…",
    "?",
    "missing",
    "(missing)",
    "unknown",
    "(not set)",
    "not set",
    "not available",
    "k.a.",
    "k. a.",
    "k.a",
    "n/d",
    "n.d.",
    "nd",
    "s/d",
    "s.o.",
    "<na>",
    "\\n",
    "undefined",
    "tbd",
    "#div/0!",
    "#ref!",
    "#value!",
    "#name?",
    "#null!",
    "#num!",
    "(blank)",
    "blank",
    "empty",
    "(empty)",
];

/// Whether a cell says that its value is missing.
pub(crate) fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    let Some(first) = cell.chars().next() else { return true };
    // Most cells are numbers or other words, and the first character tells.
    let may_be =
        !first.is_alphanumeric() || matches!(first.to_ascii_lowercase(), 'n' | 'm' | 'u' | 'k' | 's' | 't' | 'b' | 'e');
    may_be && cell.len() <= 16 && MISSING.contains(&cell.to_lowercase().as_str())
}

/// A dash, which accountants write for zero.
pub(crate) fn is_dash(cell: &str) -> bool {
    matches!(cell.trim(), "-" | "–" | "—" | "−")
}

/// `$ -`: a currency and a dash, which is zero.
pub(crate) fn is_accounting_zero(cell: &str) -> bool {
    let cell = cell.trim();
    let rest = currency_prefix(cell).map(|(_, rest)| rest);
    rest.is_some_and(is_dash)
        || cell
            .strip_prefix(['-', '–'])
            .is_some_and(|rest| currency_suffix(rest.trim()).is_some_and(|(_, end)| end.trim().is_empty()))
}

/// Signs of currencies and what they are called here; longer ones first.
const SIGNS: &[(&str, &str)] = &[
    ("US$", "USD"),
    ("AU$", "AUD"),
    ("NZ$", "NZD"),
    ("HK$", "HKD"),
    ("CA$", "CAD"),
    ("MX$", "MXN"),
    ("A$", "AUD"),
    ("C$", "CAD"),
    ("S$", "SGD"),
    ("R$", "BRL"),
    ("Fr.", "CHF"),
    ("Rs.", "INR"),
    ("Rs", "INR"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("kr.", "kr"),
    ("kr", "kr"),
    ("€", "€"),
    ("$", "$"),
    ("£", "£"),
    ("¥", "¥"),
    ("₹", "INR"),
    ("₽", "RUB"),
    ("₩", "KRW"),
    ("₺", "TRY"),
    ("₴", "UAH"),
    ("₫", "VND"),
    ("฿", "THB"),
    ("₪", "ILS"),
    ("₦", "NGN"),
];

/// Codes of currencies (ISO 4217) that tables have most, and what they are called here.
const CODES: &[(&str, &str)] = &[
    ("EUR", "€"),
    ("USD", "USD"),
    ("GBP", "£"),
    ("CHF", "CHF"),
    ("JPY", "JPY"),
    ("CNY", "CNY"),
    ("INR", "INR"),
    ("AUD", "AUD"),
    ("CAD", "CAD"),
    ("NZD", "NZD"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("PLN", "PLN"),
    ("CZK", "CZK"),
    ("HUF", "HUF"),
    ("RON", "RON"),
    ("BGN", "BGN"),
    ("TRY", "TRY"),
    ("RUB", "RUB"),
    ("UAH", "UAH"),
    ("BRL", "BRL"),
    ("MXN", "MXN"),
    ("ARS", "ARS"),
    ("CLP", "CLP"),
    ("COP", "COP"),
    ("ZAR", "ZAR"),
    ("KRW", "KRW"),
    ("SGD", "SGD"),
    ("HKD", "HKD"),
    ("THB", "THB"),
    ("IDR", "IDR"),
    ("MYR", "MYR"),
    ("PHP", "PHP"),
    ("VND", "VND"),
    ("ILS", "ILS"),
    ("AED", "AED"),
    ("SAR", "SAR"),
    ("EGP", "EGP"),
    ("NGN", "NGN"),
    ("KES", "KES"),
    ("BTC", "BTC"),
    ("Euro", "€"),
    ("euro", "€"),
    ("euros", "€"),
];

/// Whether a name such as `Revenue (USD)` or `Umsatz €` names a currency.
pub(crate) fn names_currency(name: &str) -> bool {
    name.contains(['€', '$', '£', '¥', '₹'])
        || name
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| matches!(word, "eur" | "usd" | "gbp" | "chf") || CODES.iter().any(|(code, _)| *code == word))
}

/// What a cell names that is nothing but a currency: its sign or its code.
pub(crate) fn currency(cell: &str) -> Option<&'static str> {
    let cell = cell.trim();
    let is_it = |(sign, _): &&(&str, &str)| sign.eq_ignore_ascii_case(cell);
    SIGNS.iter().chain(CODES).find(is_it).map(|(_, name)| *name)
}

fn is_word_end(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_alphabetic())
}

/// A currency at the beginning of a text, and what follows it.
pub(crate) fn currency_prefix(text: &str) -> Option<(&'static str, &str)> {
    if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '%' | ')' | '(' | '-' | '.' | ',')) {
        return None;
    }
    let signs = SIGNS.iter().chain(CODES).filter_map(|(sign, name)| Some((*name, text.strip_prefix(sign)?)));
    signs.into_iter().find(|(_, rest)| is_word_end(rest))
}

/// A currency at the beginning of what follows the digits, and what follows it.
pub(crate) fn currency_suffix(text: &str) -> Option<(&'static str, &str)> {
    currency_prefix(text)
}

/// The power of ten of a suffix such as `k`, `Mio` or `crore`, which is no unit.
pub(crate) fn scale(word: &str, is_spaced: bool) -> Option<u8> {
    Some(match word {
        // `293 K` are kelvins.
        "K" if is_spaced => return None,
        "k" | "K" | "Tsd" | "tsd" | "thousand" => 3,
        "lakh" | "lakhs" | "lac" => 5,
        "M" | "mn" | "Mn" | "mio" | "Mio" | "million" | "millions" | "Millionen" => 6,
        "crore" | "crores" => 7,
        "bn" | "Bn" | "mrd" | "Mrd" | "billion" | "billions" | "Md" | "Mrds" => 9,
        "tn" | "trn" | "trillion" | "trillions" => 12,
        _ => return None,
    })
}

/// The power of ten of a suffix that is as well a unit: metres, millimetres, bits, bytes, kelvins.
pub(crate) fn scale_or_unit(word: &str) -> Option<u8> {
    Some(match word {
        "K" => 3,
        "m" | "mm" | "MM" => 6,
        "b" | "B" => 9,
        "T" => 12,
        _ => return None,
    })
}

/// Units that tables have most, in lower case.
const UNITS: &[&str] = &[
    "kg", "g", "mg", "t", "lb", "lbs", "oz", "l", "ml", "cl", "hl", "gal", "km", "m", "cm", "mm", "mi", "ft", "in",
    "yd", "m2", "m²", "m3", "m³", "h", "hr", "hrs", "hour", "hours", "min", "s", "sec", "ms", "day", "days", "kwh",
    "mwh", "gj", "w", "kw", "°c", "°f", "c", "f", "k", "%", "b", "kb", "mb", "gb", "tb", "pc", "pcs", "piece",
    "pieces", "each", "ea", "stk", "stück", "box", "boxes", "pack", "packs", "pallet", "bottle", "bottles", "can",
    "cans",
];

/// Units of values at a time, in lower case: temperatures, pressures, voltages, shares.
const STATE_UNITS: &[&str] =
    &["°c", "°f", "℃", "hpa", "mbar", "kpa", "bar", "ppm", "v", "mv", "db", "%", "km/h", "m/s", "mph", "bpm"];

/// Whether amounts of a unit are never added up: degrees, hectopascals.
pub(crate) fn is_state_unit(unit: &str) -> bool {
    STATE_UNITS.contains(&unit.trim().to_lowercase().as_str())
}

/// Whether a cell is nothing but a usual unit.
pub(crate) fn is_unit(cell: &str) -> bool {
    UNITS.contains(&cell.trim().to_lowercase().as_str())
}

const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "jänner", "janvier", "janv", "enero", "gennaio", "januari"],
    &["february", "feb", "februar", "février", "févr", "febrero", "febbraio", "februari"],
    &["march", "mar", "märz", "mär", "mrz", "mars", "marzo", "maart"],
    &["april", "apr", "avril", "avr", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio", "mei"],
    &["june", "jun", "juni", "juin", "junio", "giugno"],
    &["july", "jul", "juli", "juillet", "juil", "julio", "luglio"],
    &["august", "aug", "août", "agosto", "augustus"],
    &["september", "sep", "sept", "septembre", "septiembre", "settembre"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre"],
    &["november", "nov", "novembre", "noviembre"],
    &["december", "dec", "dezember", "dez", "décembre", "déc", "diciembre", "dicembre"],
];

/// The month of a word in lower case, 1 to 12.
pub(crate) fn month(word: &str) -> Option<u8> {
    let word = word.trim_end_matches('.');
    let at = MONTHS.iter().position(|names| names.contains(&word))?;
    u8::try_from(at + 1).ok()
}
