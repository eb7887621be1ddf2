//! What a file must give, worked out by hand.

use openanalyst_tables::{File, Kind, Table, read};

/// One thing that must hold of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// So many rows of data.
    Rows(usize),
    /// The names of all columns.
    Names(&'static [&'static str]),
    /// A column with this sum.
    Sum(&'static str, f64),
    /// A column that is never added up, with its kind.
    NoSum(&'static str, Kind),
    /// A rate or a percentage with this mean.
    Mean(&'static str, f64),
    /// The currency or unit of a column.
    Unit(&'static str, &'static str),
    /// A part of what is said in words of a column.
    About(&'static str, &'static str),
    /// A part of the notes.
    Said(&'static str),
    /// Nothing is said.
    Silent,
    /// It is asked which reading of this column is meant, and no number is given before.
    Asks(&'static str),
}

/// A file, what is odd in it, and what must hold.
pub(crate) struct Case {
    pub(crate) odd: &'static str,
    pub(crate) bytes: &'static [u8],
    pub(crate) expect: &'static [Expect],
}

pub(crate) const fn case(odd: &'static str, text: &'static str, expect: &'static [Expect]) -> Case {
    Case { odd, bytes: text.as_bytes(), expect }
}

/// Checks all files and says all that is wrong, not only the first of it.
pub(crate) fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let text = String::from_utf8_lossy(case.bytes);
        match read(&File { name: "f.csv", media_type: "", bytes: case.bytes }, None) {
            Ok(table) => {
                let failed = case.expect.iter().filter(|expect| !holds(&table, expect));
                wrong.extend(failed.map(|expect| format!("{}: {expect:?}\n{text}\n{}", case.odd, shown(&table))));
            }
            Err(error) => wrong.push(format!("{}: {error}\n{text}", case.odd)),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n\n{}", wrong.len(), wrong.join("\n"));
}

fn holds(table: &Table, expect: &Expect) -> bool {
    let near = |found: Option<f64>, right: f64| found.is_some_and(|found| (found - right).abs() < 1e-9);
    let numbers = |column: &str| table.column(column).and_then(|column| column.numbers.as_ref());
    let notes = table.notes.join("; ");
    match *expect {
        Expect::Rows(rows) => table.rows == rows,
        Expect::Names(names) => table.columns.iter().map(|column| column.name.as_str()).eq(names.iter().copied()),
        Expect::Sum(column, sum) => near(numbers(column).and_then(|numbers| numbers.sum), sum),
        Expect::NoSum(column, kind) => table.column(column).is_some_and(|column| {
            column.kind == kind && column.numbers.as_ref().is_none_or(|numbers| numbers.sum.is_none())
        }),
        Expect::Mean(column, mean) => near(numbers(column).map(|numbers| numbers.mean), mean),
        Expect::Unit(column, unit) => table.column(column).is_some_and(|column| column.unit.as_deref() == Some(unit)),
        Expect::About(column, part) => {
            table.column(column).and_then(|column| column.about.as_ref()).is_some_and(|about| about.contains(part))
        }
        Expect::Said(part) => notes.contains(part),
        Expect::Silent => notes.is_empty(),
        Expect::Asks(column) => {
            numbers(column).is_none()
                && table.questions.iter().any(|question| question.columns.iter().any(|asked| asked == column))
        }
    }
}

fn shown(table: &Table) -> String {
    let columns = table.columns.iter().map(|column| {
        let sum = column.numbers.as_ref().map(|numbers| (numbers.sum, numbers.mean));
        format!("  {} {:?} {sum:?} {:?} {:?}", column.name, column.kind, column.unit, column.about)
    });
    let columns: Vec<String> = columns.collect();
    format!("  {} rows, {}\n{}\n  {:?}\n", table.rows, table.format, columns.join("\n"), table.notes)
}
