//! What the first words of a row tell: the names of totals and of other summaries, in the languages that exports mostly have.

const TOTALS: &[&str] = &[
    "total",
    "totals",
    "grand total",
    "grand totals",
    "sum",
    "sums",
    "subtotal",
    "sub total",
    "sub-total",
    "summe",
    "summen",
    "gesamt",
    "gesamtsumme",
    "insgesamt",
    "zwischensumme",
    "endsumme",
    "gesamtergebnis",
    "total général",
    "total general",
    "sous-total",
    "somme",
    "totale",
    "totali",
    "totaal",
    "eindtotaal",
    "suma",
    "soma",
    "razem",
    "overall",
    "overall total",
    "sum total",
    "all total",
    "итого",
    "всего",
    "合計",
    "总计",
    "總計",
    "합계",
    "totalt",
    "toplam",
    "celkem",
    "összesen",
    "summa",
    "i alt",
    "ialt",
    "totalsumma",
    "total geral",
    "yhteensä",
    "сумма",
    "sous total",
    "ukupno",
    "spolu",
    "jumlah",
    "σ",
];

/// How much a cell looks like the name of a row of totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TotalName {
    /// The word alone: `Total`.
    Plain,
    /// The word with others: `Total 2025`, `Total Recall`. The numbers must confirm it.
    WithOthers,
}

/// Whether a cell names a row of totals.
pub(crate) fn names_total(cell: &str) -> Option<TotalName> {
    let lower = trimmed(cell)?.to_lowercase();
    if TOTALS.contains(&lower.as_str()) {
        return Some(TotalName::Plain);
    }
    let divides = |c: char| c.is_whitespace() || matches!(c, ':' | '(' | ')' | ',' | '-');
    let mut words = lower.split(divides).filter(|word| !word.is_empty());
    words.any(|word| TOTALS.contains(&word)).then_some(TotalName::WithOthers)
}

/// What a row at the end of a table sums up beside totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summary {
    /// The mean of the rows.
    Mean,
    /// The value in the middle.
    Median,
    /// The least value.
    Min,
    /// The largest value.
    Max,
    /// The standard deviation.
    Deviation,
    /// The number of rows.
    Count,
}

const SUMMARIES: &[(Summary, &[&str])] = &[
    (
        Summary::Mean,
        &[
            "average",
            "averages",
            "avg",
            "mean",
            "durchschnitt",
            "mittelwert",
            "mittel",
            "schnitt",
            "ø",
            "moyenne",
            "promedio",
            "media",
            "média",
            "gemiddelde",
            "gemiddeld",
            "genomsnitt",
            "medelvärde",
            "gennemsnit",
            "snitt",
            "średnia",
            "keskiarvo",
            "ortalama",
            "среднее",
            "平均",
            "평균",
        ],
    ),
    (Summary::Median, &["median", "médiane", "mediana", "mediane", "zentralwert"]),
    (Summary::Min, &["min", "minimum", "mínimo", "minimo", "lowest", "least", "kleinster wert"]),
    (Summary::Max, &["max", "maximum", "máximo", "massimo", "highest", "größter wert"]),
    (
        Summary::Deviation,
        &["std", "stdev", "std dev", "stddev", "std. dev", "sd", "standard deviation", "standardabweichung"],
    ),
    (Summary::Count, &["count", "anzahl", "number of rows"]),
];

/// Which summary a cell names, if it names one.
pub(crate) fn names_summary(cell: &str) -> Option<Summary> {
    let cell = trimmed(cell)?.to_lowercase();
    SUMMARIES.iter().find(|(_, names)| names.contains(&cell.as_str())).map(|(summary, _)| *summary)
}

/// A cell without the marks that stand around such words. None where it is too long for one.
fn trimmed(cell: &str) -> Option<&str> {
    let cell = cell.trim().trim_matches(|c: char| matches!(c, ':' | '*' | '=' | '-' | '(' | ')' | '.' | ' '));
    (!cell.is_empty() && cell.len() <= 60).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_have_names() {
        for cell in [
            "Total",
            "TOTAL:",
            "Grand total",
            "Summe",
            "Gesamt",
            "Total général",
            "合計",
            "Subtotal",
            "Summa",
            "I alt",
            "Σ",
        ] {
            assert_eq!(names_total(cell), Some(TotalName::Plain), "{cell}");
        }
        for cell in ["Total 2025", "Total Recall", "Subtotal (north)"] {
            assert_eq!(names_total(cell), Some(TotalName::WithOthers), "{cell}");
        }
        for cell in ["Totally", "A", "", "Summer"] {
            assert_eq!(names_total(cell), None, "{cell}");
        }
    }

    #[test]
    fn summaries_have_names() {
        for (cell, summary) in [
            ("Average", Summary::Mean),
            ("Ø", Summary::Mean),
            ("Durchschnitt:", Summary::Mean),
            ("MAX", Summary::Max),
            ("Minimum", Summary::Min),
            ("Std. Dev.", Summary::Deviation),
        ] {
            assert_eq!(names_summary(cell), Some(summary), "{cell}");
        }
        for cell in ["Average speed", "Maxine", "Meaning", ""] {
            assert_eq!(names_summary(cell), None, "{cell}");
        }
    }
}
