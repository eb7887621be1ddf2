//! What the names of columns tell of their kind, in the languages that exports mostly have.

use crate::amount_names;

/// Most words of a name that count. What has more is a sentence.
const MAX_TOKENS: usize = 24;

/// The words of a column's name, in lower case, up to [`MAX_TOKENS`]; a change from small to capital letters divides
/// them too.
pub(crate) fn tokens(name: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if tokens.len() >= MAX_TOKENS {
            return tokens;
        }
        if !c.is_alphanumeric() {
            if !token.is_empty() {
                tokens.push(std::mem::take(&mut token));
            }
            was_lower = false;
            if matches!(c, '#' | '%') {
                tokens.push(c.to_string());
            }
            continue;
        }
        if c.is_uppercase() && was_lower && !token.is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
        was_lower = c.is_lowercase();
        token.extend(c.to_lowercase());
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens
}

const ID_ANYWHERE: &[&str] = &["id", "ids", "uuid", "guid", "iban", "isbn", "ean", "gtin", "sku", "asin", "vat", "bic"];
const ID_LAST: &[&str] = &[
    "no",
    "nr",
    "zip",
    "zipcode",
    "plz",
    "postcode",
    "postleitzahl",
    "postal",
    "code",
    "phone",
    "telephone",
    "telefon",
    "tel",
    "mobile",
    "mobil",
    "handy",
    "fax",
    "ssn",
    "acct",
    "konto",
    "index",
    "idx",
    "#",
    "number",
    "nummer",
    "numero",
    "número",
    "numéro",
    "key",
    "serial",
    "barcode",
    "pin",
    "imei",
    "cap",
    "cp",
    "hash",
];
/// Things whose number is a name: `order number`, `userid`.
const NUMBERED: &[&str] = &[
    "user",
    "post",
    "order",
    "tweet",
    "customer",
    "client",
    "product",
    "item",
    "campaign",
    "ad",
    "account",
    "transaction",
    "session",
    "video",
    "page",
    "media",
    "author",
    "thread",
    "record",
    "row",
    "employee",
    "student",
    "invoice",
    "ticket",
    "group",
    "event",
    "member",
    "parent",
    "store",
    "message",
    "channel",
    "line",
    "case",
    "phone",
    "respondent",
    "participant",
    "subject",
    "interview",
    "proband",
];

/// The same in other languages, and things that [`NUMBERED`] would find in too many names.
const THINGS: &[&str] = &[
    "document",
    "receipt",
    "contract",
    "shipment",
    "delivery",
    "reference",
    "policy",
    "patient",
    "rechnung",
    "kunde",
    "auftrag",
    "bestellung",
    "vertrag",
    "beleg",
    "artikel",
    "código",
    "codigo",
    "cliente",
    "pedido",
    "factura",
    "fattura",
    "ordine",
    "facture",
    "commande",
    "factuur",
    "klant",
    "faktura",
    "kund",
    "sprint",
    "episode",
    "chapter",
    "kapitel",
    "round",
    "runde",
    "spieltag",
];

/// Whether a column is called like a thing, which may have numbers for names: `invoice`, `customer`.
pub(crate) fn names_thing(tokens: &[String]) -> bool {
    matches!(tokens, [only] if NUMBERED.contains(&only.as_str()) || THINGS.contains(&only.as_str()))
}

/// Whether a column of this name holds names of things and not amounts.
pub(crate) fn names_identifier(tokens: &[String]) -> bool {
    let is = |token: &String, list: &[&str]| list.contains(&token.as_str());
    let joined = |token: &String| {
        let stem = |end: &str| token.strip_suffix(end).is_some_and(|thing| NUMBERED.contains(&thing));
        stem("id")
            || stem("ids")
            || stem("no")
            || stem("number")
            || (token.len() > 6 && token.ends_with("nummer"))
            || (token.len() > 4 && token.ends_with("nr"))
    };
    if tokens.iter().any(|token| is(token, ID_ANYWHERE) || joined(token)) {
        return true;
    }
    match tokens {
        [only] => is(only, ID_LAST) && !matches!(only.as_str(), "number" | "nummer" | "numero" | "número" | "numéro"),
        [.., last] => is(last, ID_LAST),
        [] => false,
    }
}

const YEARS: &[&str] = &[
    "year",
    "yr",
    "fy",
    "jahr",
    "gj",
    "wj",
    "jg",
    "jahrgang",
    "jahrgänge",
    "année",
    "annee",
    "exercice",
    "millésime",
    "an",
    "año",
    "ano",
    "ejercicio",
    "anno",
    "esercizio",
    "jaar",
    "boekjaar",
    "rok",
    "år",
    "年",
    "年度",
    "会計年度",
    "西暦",
];

/// Things that happened in a year.
const EVENTS: &[&str] = &["founded", "established", "born", "gegründet", "vintage"];
/// Names that end like a year and hold what that year had.
const AMOUNTS_OF_YEARS: &[&str] = &["vorjahr", "folgejahr", "halbjahr"];
/// Words beside a year that make an amount of it: `sales last year`, `cost per year`.
const OF_A_YEAR: &[&str] = &[
    "last", "this", "previous", "prior", "next", "per", "pro", "to", "current", "par", "por", "vs", "growth", "total",
];

/// Whether a column of this name holds years.
pub(crate) fn names_year(tokens: &[String]) -> bool {
    let is_event = |token: &String| EVENTS.contains(&token.as_str());
    names_calendar_year(tokens) || tokens.len() <= 3 && tokens.iter().any(is_event) && !names_amount_of_year(tokens)
}

/// Whether a column of this name holds years and nothing else: `fiscal year`, `Jahrgang`. What is called `founded` may
/// as well be a number of firms.
pub(crate) fn names_calendar_year(tokens: &[String]) -> bool {
    let ends_like_a_year = |token: &String| {
        ["jahr", "year", "année", "annee", "år", "jahrgang", "年度"].iter().any(|end| token.ends_with(end))
            && token.chars().count() >= 4
            && !AMOUNTS_OF_YEARS.contains(&token.as_str())
    };
    let is_year = |token: &String| YEARS.contains(&token.as_str()) || ends_like_a_year(token);
    tokens.len() <= 3 && tokens.iter().any(is_year) && !names_amount_of_year(tokens)
}

/// Whether a name with a year in it names what that year had: `revenue FY`, `Year 2024`, `Umsatz Geschäftsjahr`.
fn names_amount_of_year(tokens: &[String]) -> bool {
    let is_number = |token: &String| token.bytes().all(|byte| byte.is_ascii_digit());
    tokens.iter().any(|token| OF_A_YEAR.contains(&token.as_str()) || is_number(token))
        || amount_names::names_money(tokens)
        || amount_names::names_count(tokens)
        || amount_names::names_value(tokens)
}

/// The largest value of a part of the calendar that a column of this name holds: 12 for a month.
pub(crate) fn names_calendar_part(tokens: &[String]) -> Option<f64> {
    let name = tokens.iter().filter(|token| {
        !matches!(token.as_str(), "number" | "no" | "nr" | "of" | "num" | "the" | "fiscal" | "calendar" | "iso")
    });
    let name: Vec<&str> = name.map(String::as_str).collect();
    Some(match name.as_slice() {
        ["month" | "monat" | "mois" | "mes" | "mese" | "maand"] => 12.0,
        ["week" | "woche" | "kw" | "semaine" | "semana" | "settimana" | "kalenderwoche" | "cw"] => 53.0,
        ["quarter" | "quartal" | "trimestre"] => 4.0,
        ["day" | "tag" | "jour" | "dia" | "día" | "giorno" | "dag" | "weekday" | "wochentag"]
        | ["day", "week" | "month" | "year"] => 366.0,
        ["hour" | "stunde" | "heure" | "hora" | "ora" | "uur"] | ["hour", "day"] => 24.0,
        _ => return None,
    })
}

/// Whether a column of this name holds moments.
pub(crate) fn names_moment(tokens: &[String]) -> bool {
    const MOMENTS: &[&str] = &["timestamp", "epoch", "date", "datum", "fecha", "data", "datetime", "unixtime", "time"];
    tokens.iter().any(|token| MOMENTS.contains(&token.as_str()) && token != "data")
        || tokens.last().is_some_and(|last| last == "at")
}

/// Whether a column of this name holds latitudes.
pub(crate) fn names_latitude(tokens: &[String]) -> bool {
    tokens.iter().any(|token| matches!(token.as_str(), "lat" | "latitude" | "breitengrad"))
}

/// Beside a latitude, `long` is short for the longitude.
pub(crate) fn longitude(tokens: &mut [String]) {
    for token in tokens.iter_mut().filter(|token| *token == "long") {
        "longitude".clone_into(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_tell_what_is_in_them() {
        for name in [
            "id",
            "ID",
            "userId",
            "user_id",
            "Post ID",
            "tweetid",
            "Order No",
            "Order number",
            "zip",
            "ZIP code",
            "Kundennummer",
            "Rechnungsnr",
            "Phone",
            "#",
            "account_no",
            "EAN",
            "PLZ",
            "data.id",
            "author_id",
        ] {
            assert!(names_identifier(&tokens(name)), "{name}");
        }
        for name in [
            "paid",
            "clicks",
            "Number of clicks",
            "number",
            "grid",
            "valid",
            "bid",
            "video views",
            "covid",
            "no of posts",
        ] {
            assert!(!names_identifier(&tokens(name)), "{name}");
        }
        for name in [
            "year",
            "Baujahr",
            "Geburtsjahr",
            "birthyear",
            "birth year",
            "Year of birth",
            "founded",
            "Födelseår",
            "Geschäftsjahr",
            "fiscal year",
            "FY",
            "fiscalYear",
            "Jahrgang",
            "GJ",
            "年度",
        ] {
            assert!(names_year(&tokens(name)), "{name}");
        }
        for name in [
            "Vorjahr",
            "Umsatz Vorjahr",
            "sales last year",
            "cost per year",
            "revenue",
            "Jahresumsatz",
            "FY revenue",
            "Umsatz Geschäftsjahr",
            "Year 2024",
            "years",
            "Jahre",
            "YTD",
        ] {
            assert!(!names_year(&tokens(name)), "{name}");
        }
    }
}
