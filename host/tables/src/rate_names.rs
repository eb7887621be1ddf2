//! Names of numbers that must not be added up: rates, means, places in an order, and values at a time such as a balance.
//! Most of its lines are lists of words, one a line.

use crate::words;

const RATES: &[&str] = &[
    "rate",
    "rates",
    "ratio",
    "ctr",
    "cvr",
    "cpc",
    "cpm",
    "cpa",
    "cpl",
    "cpv",
    "roas",
    "acos",
    "roi",
    "avg",
    "average",
    "mean",
    "median",
    "ø",
    "durchschnitt",
    "mittelwert",
    "schnitt",
    "moyenne",
    "moyen",
    "promedio",
    "media",
    "percent",
    "percentage",
    "pct",
    "prozent",
    "%",
    "pourcentage",
    "porcentaje",
    "taux",
    "tasa",
    "tasso",
    "zinssatz",
    "steuersatz",
    "wechselkurs",
    "kurs",
    "rating",
    "bewertung",
    "rank",
    "ranking",
    "rang",
    "platzierung",
    "classement",
    "position",
    "grade",
    "gpa",
    "latitude",
    "lat",
    "longitude",
    "breitengrad",
    "längengrad",
    "lon",
    "lng",
    "age",
    "alter",
    "âge",
    "edad",
    "età",
    "leeftijd",
    "per",
    "pro",
    "quote",
    "growth",
    "wachstum",
    "index",
    "speed",
    "geschwindigkeit",
    "vitesse",
    "velocidad",
    "velocità",
    "einzelpreis",
    "stückpreis",
    "unitaire",
    "unitario",
    "年齢",
    "順位",
    "評価",
    "単価",
    "平均",
    "速度",
    "max",
    "maximum",
    "minimum",
    "std",
    "stdev",
    "stddev",
    "percentile",
    "p50",
    "p90",
    "p95",
    "p99",
    "bmi",
    "adr",
    "revpar",
    "arpu",
    "aov",
    "nps",
    "csat",
    "cac",
    "ltv",
    "cpi",
    "cpe",
    "cpo",
    "vtr",
    "rpm",
    "tkp",
    "velocity",
    "風速",
    "bps",
    "basispunkte",
    "score",
    "scores",
    "satisfaction",
    "zufriedenheit",
    "satisfacción",
    "soddisfazione",
    "height",
    "heights",
    "körpergröße",
    "hauteur",
    "altura",
    "altezza",
    "altitude",
    "elevation",
];
/// Names of rates where the values are no whole numbers.
const RATES_OF_FRACTIONS: &[&str] = &["share", "anteil", "margin", "marge", "frequency", "frequenz"];
/// Names of rates where they end the name: `churn`, `D7 retention`, and not `conversion value`.
const RATES_AT_END: &[&str] = &[
    "churn",
    "bounce",
    "conversion",
    "retention",
    "attrition",
    "abwanderung",
    "absprung",
    "konversion",
    "rétention",
    "retención",
    "utilization",
    "utilisation",
    "auslastung",
    "occupancy",
    "probability",
    "wahrscheinlichkeit",
    "likelihood",
    "accuracy",
    "precision",
    "uptime",
    "correlation",
    "confidence",
    "penetration",
];
/// Ends of longer names of rates.
const ENDS_OF_RATES: &[&str] = &["rate", "quote", "率", "単価", "順位", "durchschnitt", "geschwindigkeit"];
/// Words that keep a number of things a rate: `clicks per day`.
const MEANS: &[&str] = &["per", "pro", "par", "por", "avg", "average", "mean", "median", "rate", "ø"];

/// Values at a time, with the words that they end with in longer names.
const STATES: &[&str] = &[
    "balance",
    "balances",
    "saldo",
    "saldi",
    "salden",
    "solde",
    "soldes",
    "kontostand",
    "zählerstand",
    "lagerstand",
    "wasserstand",
    "füllstand",
    "akkustand",
    "temperature",
    "temperatures",
    "temperatur",
    "température",
    "temperatura",
    "temp",
    "humidity",
    "feuchte",
    "feuchtigkeit",
    "humidité",
    "humedad",
    "umidità",
    "pressure",
    "luftdruck",
    "pression",
    "presión",
    "pressione",
    "stock",
    "stocks",
    "inventory",
    "bestand",
    "bestände",
    "existencias",
    "giacenza",
    "pegel",
    "voltage",
    "spannung",
    "battery",
    "headcount",
    "残高",
    "気温",
    "温度",
    "湿度",
    "気圧",
    "水位",
    "在庫",
    "在庫数",
    "druck",
    "power",
    "tmp",
    "tmin",
    "tmax",
    "tavg",
    "tmean",
    "dewpoint",
    "taupunkt",
    "ph",
];
/// Words that make a sum so far of anything.
const SO_FAR: &[&str] =
    &["cumulative", "cumul", "cumulé", "cum", "kumuliert", "kumulativ", "kumulierte", "acumulado", "ytd", "累計"];
/// Ends of such names: `Lagerbestand`, `Lufttemperatur`.
const ENDS_OF_STATES: &[&str] = &[
    "bestand",
    "temperatur",
    "temperature",
    "feuchte",
    "feuchtigkeit",
    "saldo",
    "残高",
    "気温",
    "温度",
    "湿度",
    "在庫",
    "在庫数",
    "累計",
];
/// Values at a time where the name ends with them: `stock level`, and not `level 2 tickets`.
const STATES_AT_END: &[&str] = &["level", "levels", "niveau", "stand", "nivel", "livello"];
/// Words that make a flow of them: `balance change`, `stock sold`.
const FLOWS: &[&str] = &[
    "change",
    "changes",
    "delta",
    "diff",
    "difference",
    "differenz",
    "änderung",
    "veränderung",
    "variation",
    "movement",
    "movements",
    "sold",
    "sales",
    "verkauft",
    "orders",
    "clicks",
    "views",
    "visits",
    "revenue",
    "purchases",
    "returns",
    "transactions",
    "added",
    "removed",
    "zugang",
    "abgang",
    "transfer",
    "transfers",
    "payments",
    "増減",
];

fn has_any(tokens: &[String], list: &[&str]) -> bool {
    tokens.iter().any(|token| list.contains(&token.as_str()))
}

/// Whether values of a column of this name cannot be added up: a rate, a mean, a place in an order.
pub(crate) fn names_rate(tokens: &[String], has_fractions: bool) -> bool {
    let is = |token: &String| {
        RATES.contains(&token.as_str()) && token != "media"
            || ENDS_OF_RATES.iter().any(|end| token.ends_with(end)) && (!token.is_ascii() || token.len() > 6)
            || token.starts_with("durchschnitt")
            || token.starts_with("平均")
            || has_fractions && RATES_OF_FRACTIONS.contains(&token.as_str())
    };
    let are = |words: [&str; 2]| words.iter().all(|word| tokens.iter().any(|token| token == word));
    // `price/unit`, `Preis Einheit`, `km/h`.
    let is_of_one = are(["unit", "price"])
        || are(["rev", "par"])
        || are(["unit", "cost"])
        || are(["preis", "einheit"])
        || are(["basis", "points"])
        || tokens.iter().any(|token| token == "höhe") && !tokens.iter().any(|token| words::currency(token).is_some())
        || matches!(tokens, [.., distance, time] if matches!((&**distance, &**time), ("km", "h") | ("m", "s")));
    is_of_one || ends_as_rate(tokens) || tokens.iter().any(is) && (!counts_things(tokens) || has_any(tokens, MEANS))
}

/// Whether a name ends as that of a rate, but for the time it is of: `retention D7`, `churn (month)`.
fn ends_as_rate(tokens: &[String]) -> bool {
    let is_time = |token: &str| {
        matches!(token, "day" | "week" | "month" | "year" | "days" | "weeks" | "months" | "monthly" | "annual")
            || token.bytes().any(|byte| byte.is_ascii_digit())
    };
    let last = tokens.iter().rev().find(|token| !is_time(token));
    last.is_some_and(|last| RATES_AT_END.contains(&last.as_str())) && !has_any(&tokens[..1], &["total", "number"])
}

/// Whether a name begins or ends as that of a number of things: `number of ratings`, `rating_count`.
fn counts_things(tokens: &[String]) -> bool {
    let begins =
        tokens.len() > 1 && has_any(&tokens[..1], &["number", "no", "count", "anzahl", "nombre", "aantal", "num"]);
    let ends = tokens.len() > 1 && has_any(&tokens[tokens.len() - 1..], &["count", "counts", "anzahl"]);
    begins || ends
}

/// Whether a column of this name holds values at a time, of which only the last or the mean says something: a balance,
/// a stock, a temperature.
pub(crate) fn names_state(tokens: &[String]) -> bool {
    let is = |token: &String| STATES.contains(&token.as_str()) || ENDS_OF_STATES.iter().any(|end| token.ends_with(end));
    let ends = || {
        let words = tokens.iter().rev().skip_while(|token| words::is_unit(token) || words::currency(token).is_some());
        words.take(1).any(|last| STATES_AT_END.contains(&last.as_str()))
    };
    let runs = || has_any(tokens, &["running", "laufende"]) && has_any(tokens, &["total", "sum", "summe", "count"]);
    let is_flow = has_any(tokens, FLOWS) || tokens.last().is_some_and(|last| matches!(last.as_str(), "in" | "out"));
    // `pH` is cut at its capital letter.
    let is_acidity = matches!(tokens, [p, h, ..] if p == "p" && h == "h");
    has_any(tokens, SO_FAR) || runs() || is_acidity || (tokens.iter().any(is) || ends()) && !is_flow
}

/// What the other columns of a table tell of a name: beside a `max`, `min` is no number of minutes, and beside two of
/// `open`, `high`, `low` and `close` each is a price at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbours {
    has_max: bool,
    has_prices: bool,
}

impl Neighbours {
    const PRICES: [&str; 4] = ["open", "high", "low", "close"];

    pub(crate) fn of(names: &[Vec<String>]) -> Self {
        let has = |word: &str| names.iter().any(|tokens| tokens.iter().any(|token| token == word));
        Self {
            has_max: has("max") || has("maximum"),
            has_prices: Self::PRICES.iter().filter(|word| has(word)).count() >= 3,
        }
    }

    /// Makes the words of a name plain.
    pub(crate) fn explain(self, tokens: &mut [String]) {
        for token in tokens.iter_mut() {
            if self.has_max && token == "min" {
                "minimum".clone_into(token);
            } else if self.has_prices && Self::PRICES.contains(&token.as_str()) {
                "stock".clone_into(token);
            }
        }
    }
}

/// Whether a column of this name holds how many there are at a time, or how many different ones of a time, where each
/// row is a day or a month: `followers`, `unique users`, `reach`, `MRR`, and not `new followers`.
pub(crate) fn names_audience(tokens: &[String]) -> bool {
    const AUDIENCES: &[&str] = &[
        "followers",
        "follower",
        "subscribers",
        "fans",
        "abonnenten",
        "abonnés",
        "seguidores",
        "フォロワー",
        "フォロワー数",
    ];
    const CHANGES: &[&str] = &[
        "new",
        "gained",
        "lost",
        "net",
        "un",
        "neue",
        "nouveaux",
        "nuevos",
        "reach",
        "reached",
        "visits",
        "interactions",
        "churned",
        "expansion",
        "contraction",
        "added",
    ];
    const PEOPLE: &[&str] =
        &["users", "customers", "members", "clients", "visitors", "nutzer", "kunden", "mitglieder", "besucher"];
    /// The same people or the same money may stand in each row.
    const OF_A_TIME: &[&str] =
        &["uniques", "dau", "wau", "mau", "reach", "reichweite", "portée", "alcance", "mrr", "arr", "リーチ"];
    let different = ["active", "aktive", "actifs", "unique", "eindeutige", "distinct", "uniques", "únicos"];
    let are_people = has_any(tokens, &different) && has_any(tokens, PEOPLE);
    let is_change = has_any(tokens, CHANGES) || has_any(tokens, FLOWS);
    let other: Vec<String> = tokens.iter().filter(|token| !OF_A_TIME.contains(&token.as_str())).cloned().collect();
    let is_of_a_time = other.len() < tokens.len() && !has_any(&other, CHANGES) && !has_any(&other, FLOWS);
    (has_any(tokens, AUDIENCES) || are_people) && !is_change || is_of_a_time
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tokens;

    #[test]
    fn names_tell_what_is_not_added_up() {
        for name in [
            "CTR",
            "click rate",
            "Engagement rate",
            "clickRate",
            "avg. position",
            "Anteil %",
            "cost per click",
            "rating",
            "rank",
            "age",
            "price per unit",
            "unit price",
            "Einzelpreis",
            "Absprungrate",
            "クリック率",
            "平均単価",
            "speed km/h",
            "number of clicks per day",
            "churn",
            "D7 retention",
            "retention day 30",
            "Q2 satisfaction",
            "feedback score",
            "spread (bps)",
            "fee bps",
            "height cm",
        ] {
            assert!(names_rate(&tokens(name), false), "{name}");
        }
        for name in [
            "clicks",
            "price",
            "shares",
            "social media posts",
            "iterations",
            "rating_count",
            "number of ratings",
            "pirate",
            "conversions",
            "conversion value",
            "retention bonus",
            "bounces",
            "score count",
            "units",
            "Umsatz",
        ] {
            assert!(!names_rate(&tokens(name), false), "{name}");
        }
        for name in [
            "Saldo",
            "Balance",
            "closing_balance",
            "Kontostand",
            "Saldo nach Buchung",
            "humidity",
            "Luftfeuchtigkeit",
            "temperature",
            "Temp °C",
            "Saldo in EUR",
            "stock level",
            "water level (cm)",
            "Lagerbestand",
            "running total",
            "cumulative clicks",
            "残高",
            "気温",
            "在庫数",
            "pH",
            "pH value",
            "tmp",
        ] {
            assert!(names_state(&tokens(name)), "{name}");
        }
        for name in [
            "amount",
            "Betrag",
            "revenue",
            "clicks",
            "balance change",
            "stock sold",
            "stock in",
            "level 2 tickets",
            "Abstand",
            "total",
            "attempts",
            "running distance",
            "増減",
        ] {
            assert!(!names_state(&tokens(name)), "{name}");
        }
    }
}
