//! A question about a column of a file: its answer in a sentence.

use openanalyst_tables::{Column, Kind, Table};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Sum,
    Mean,
    Median,
    Least,
    Most,
}

/// Words that ask for a measure. The first that is in the question counts.
const WORDS: &[(Measure, &[&str])] = &[
    (Measure::Mean, &["average", "mean", "avg", "averages"]),
    (Measure::Median, &["median"]),
    (Measure::Least, &["lowest", "least", "minimum", "min", "smallest", "fewest"]),
    (Measure::Most, &["highest", "maximum", "max", "largest", "biggest", "peak"]),
    (Measure::Sum, &["total", "sum", "altogether", "overall", "many", "much", "all"]),
];

/// The answers to what the request asks of columns that it names.
pub(crate) fn answers(request: &str, tables: &[Table]) -> Vec<String> {
    let words = words(request);
    let asked = WORDS.iter().find(|(_, known)| words.iter().any(|word| known.contains(&word.as_str())));
    let Some((measure, _)) = asked else { return Vec::new() };
    let columns = tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    columns
        .filter(|(_, column)| is_named(column, &words))
        .filter_map(|(table, column)| Some(format!("{} ({}).", answer(column, *measure)?, table.file)))
        .collect()
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.to_lowercase()).collect()
}

/// Whether all words of the column's name stand in the request, in one number or the other.
fn is_named(column: &Column, request: &[String]) -> bool {
    let last = column.name.rsplit('.').next().unwrap_or(&column.name);
    let name = words(last);
    let stem = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    let is_said = |word: &String| request.iter().any(|said| stem(said) == stem(word));
    !name.is_empty() && name.iter().filter(|word| *word != "count").all(is_said) && name != ["count"]
}

fn answer(column: &Column, measure: Measure) -> Option<String> {
    let name = &column.name;
    let shown = column.shown.as_ref();
    let unit = column.unit.as_deref().filter(|unit| *unit != "%").map(|unit| format!(" {unit}")).unwrap_or_default();
    let is_sum = measure == Measure::Sum;
    if is_sum && matches!(column.kind, Kind::Rate | Kind::Percent) {
        return Some(format!("`{name}` is a rate and is not added up; its mean is {}{unit}", shown?.mean));
    }
    if is_sum && column.kind == Kind::State {
        let last = column.about.as_ref().map(|last| format!(", {last}")).unwrap_or_default();
        return Some(format!(
            "`{name}` is a value at a time and is not added up; its mean is {}{unit}{last}",
            shown?.mean
        ));
    }
    if is_sum && column.kind == Kind::Mixed {
        return Some(format!("`{name}` has several currencies or units: {}", column.about.as_deref()?));
    }
    let shown = shown?;
    let (what, value) = match measure {
        Measure::Sum => ("sum", &shown.sum),
        Measure::Mean => ("mean", &shown.mean),
        Measure::Median => ("median", &shown.median),
        Measure::Least => ("least value", &shown.min),
        Measure::Most => ("largest value", &shown.max),
    };
    Some(format!("The {what} of `{name}` is {value}{unit}"))
}
