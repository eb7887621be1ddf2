//! A file as a table.

use serde::Serialize;

use crate::cells::Cells;
use crate::column::{self, Column, Kind, Parsed};
use crate::date::Order;
use crate::dividers::Dividers;
use crate::grid::{Grid, Row};
use crate::marks::{self, Clues, Marks};
use crate::number::Decimal;
use crate::text::{self, Encoding};
use crate::{
    Unreadable, amount_names, delimited, describe, json, layout, names, no_table, periods, rate_names, states,
    summaries, totals, words,
};

/// Most cells of a table with all rows made as long as the longest. A file of 1 MiB has half as many at most.
const MAX_CELLS: usize = 1_000_000;
/// Most notes; a file with more to say says how many.
const MAX_NOTES: usize = 20;

/// A file as it came.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its name; the ending tells JSON.
    pub name: &'a str,
    /// Its media type, or an empty text.
    pub media_type: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What only the user can say: which decimal mark the numbers of some columns have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The columns, by name.
    pub columns: Vec<String>,
    /// The first value with two readings.
    pub example: String,
    /// The value if the dot is the decimal mark.
    pub with_dot: String,
    /// The value if the comma is the decimal mark.
    pub with_comma: String,
}

impl Question {
    /// The question in words. `file` is the file's name.
    pub fn text(&self, file: &str) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| format!("`{column}`")).collect();
        format!(
            "In `{file}` the numbers of {} can be read in two ways. Is `{}` {} or {}?",
            columns.join(", "),
            self.example,
            self.with_dot,
            self.with_comma
        )
    }

    /// The answers to choose from.
    pub fn options(&self) -> [String; 2] {
        [self.with_dot.clone(), self.with_comma.clone()]
    }

    /// The decimal mark that an answer names: one of the options, or words such as "the dot groups thousands".
    pub fn decimal(&self, answer: &str) -> Option<Decimal> {
        let answer = answer.trim().trim_matches(['`', '"', '.']).to_lowercase();
        if answer == self.with_dot || answer == self.with_comma {
            return Some(if answer == self.with_dot { Decimal::Dot } else { Decimal::Comma });
        }
        let named = match (answer.contains("dot") || answer.contains("point"), answer.contains("comma")) {
            (true, false) => Some(Decimal::Dot),
            (false, true) => Some(Decimal::Comma),
            _ => None,
        };
        let mark = named.unwrap_or(if self.example.contains('.') { Decimal::Dot } else { Decimal::Comma });
        let groups = answer.contains("thousand") || answer.contains("group");
        match (groups, answer.contains("decimal")) {
            (true, false) => Some(mark.other()),
            (false, true) => Some(mark),
            _ => None,
        }
    }
}

/// A table with what was found out about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// The name of the file.
    pub file: String,
    /// How many rows of data it has, without total rows.
    pub rows: usize,
    /// How it was read: encoding and delimiter, in words.
    pub format: String,
    /// The columns, in the order of the file.
    pub columns: Vec<Column>,
    /// What was decided by a weak sign, and everything that was left out, one sentence each.
    pub notes: Vec<String>,
    /// Columns with two readings; they have no numbers until [`read`] is given the answer.
    #[serde(skip)]
    pub questions: Vec<Question>,
    #[serde(skip)]
    body: Vec<Row>,
    #[serde(skip)]
    values: Vec<Vec<Option<f64>>>,
    #[serde(skip)]
    orders: Vec<Option<Order>>,
    #[serde(skip)]
    totals: Vec<bool>,
}

/// The values of one column beside the names of their rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The column that names the rows.
    pub label: String,
    /// The column of the values.
    pub name: String,
    /// Whether the table has more.
    pub is_part: bool,
    /// The names.
    pub names: Vec<String>,
    /// The values, one for each name.
    pub values: Vec<f64>,
}

/// One cell as it was understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'a> {
    /// A number of a numeric column.
    Number(f64),
    /// A date, as ISO 8601.
    Date(String),
    /// A cell of a column of names or words, as it stands there.
    Text(&'a str),
    /// Nothing, or nothing that could be read as a number or date where the column has such.
    Missing,
}

/// Reads a file. `answer` is the decimal mark that the user named, where [`Table::questions`] had asked.
///
/// # Errors
/// [`Unreadable`] where the file is no text, no JSON though it is called so, or has no rows.
pub fn read(file: &File<'_>, answer: Option<Decimal>) -> Result<Table, Unreadable> {
    let (text, encoding) = text::decode(file.bytes)?;
    if text.trim().is_empty() {
        return Err(Unreadable::new("it is empty"));
    }
    if let Some(reason) = no_table::markup(&text) {
        return Err(reason);
    }
    let grid = if is_json(file, &text) { json::read(&text)? } else { delimited::read(&text)? };
    let format = format_of(encoding, &grid);
    let clues = Clues { delimiter: grid.delimiter, is_json: grid.is_json, answer, ..Clues::default() };
    let mut notes = Vec::new();
    if encoding != Encoding::Utf8 {
        notes.push(format!("it is not plain UTF-8; it was read as {}", encoding.name()));
    }
    let is_even = grid.is_json || is_even(&grid);
    let layout = layout::divide(grid, &mut notes);
    if layout.body.is_empty() {
        if let Some(reason) = no_table::prose_alone(file.name, &text).filter(|_| !clues.is_json) {
            return Err(reason);
        }
        return Err(Unreadable::new("it has no rows below its header"));
    }
    let (rows, columns) = (layout.body.len(), layout.names.len());
    if rows.saturating_mul(columns) > MAX_CELLS {
        return Err(Unreadable::new(format!(
            "it has {rows} rows and {columns} columns, and {MAX_CELLS} cells are the limit: send less, or mend the rows that are too long"
        )));
    }
    let table = build(file.name, format, layout.names, layout.body, clues, notes);
    no_table::prose_in_rows(file.name, &text, &table, is_even).map_or(Ok(table), Err)
}

/// Whether most records have as many cells as the first, and more than one.
fn is_even(grid: &Grid) -> bool {
    let width = grid.rows.first().map_or(0, |row| row.cells.len());
    let same = grid.rows.iter().filter(|row| row.cells.len() == width).count();
    width > 1 && same * 5 >= grid.rows.len() * 4
}

fn is_json(file: &File<'_>, text: &str) -> bool {
    let name = file.name.to_ascii_lowercase();
    let is_called = [".json", ".ndjson", ".jsonl"].iter().any(|ending| name.ends_with(ending))
        || file.media_type.to_ascii_lowercase().contains("json");
    let begins = |marks: [char; 2]| text.trim_start().starts_with(marks);
    is_called || (begins(['{', '[']) && !name.ends_with(".csv") && !name.ends_with(".tsv"))
}

fn format_of(encoding: Encoding, grid: &Grid) -> String {
    match grid.delimiter {
        _ if grid.is_json => format!("JSON, {}", encoding.name()),
        Some(delimiter) => format!("cells divided by {}, {}", delimited::name(delimiter), encoding.name()),
        None => format!("one column, {}", encoding.name()),
    }
}

fn build(
    file: &str,
    format: String,
    names: Vec<String>,
    body: Vec<Row>,
    mut clues: Clues,
    mut notes: Vec<String>,
) -> Table {
    let said: Vec<_> = (0..names.len()).map(|at| column::evidence(&body, at)).collect();
    let mut proven = said.iter().filter_map(|(evidence, _, _)| evidence.proven());
    clues.proven = proven.next().filter(|first| proven.all(|other| other == *first));
    clues.has_dotted_dates = said.iter().any(|(_, _, has_dots)| *has_dots);
    let mut orders = said.iter().filter_map(|(_, order, _)| *order);
    clues.order = orders.next().filter(|first| orders.all(|other| other == *first));

    let named_totals: Vec<bool> = body.iter().map(column::is_named_total).collect();
    let named_below = summaries::named_below(&body, &named_totals);
    let dividers = Dividers::find(&names, &body, &named_totals);
    let tokens_of: Vec<Vec<String>> = names.iter().map(|name| names::tokens(name)).collect();
    let has_latitude = tokens_of.iter().any(|tokens| names::names_latitude(tokens));
    let neighbours = rate_names::Neighbours::of(&tokens_of);
    let has_days = periods::name_rows(&tokens_of, &body, &named_below);
    let mut questions = Questions::default();
    let mut parsed = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let (evidence, order, _) = &said[at];
        let mut tokens = tokens_of[at].clone();
        neighbours.explain(&mut tokens);
        if has_latitude {
            names::longitude(&mut tokens);
        }
        let example = evidence.example.as_deref().unwrap_or_default();
        let marks = match marks::decide(evidence, &clues) {
            // Ids have no decimals: a mark in them groups digits, and nobody need be asked.
            Marks::Undecided | Marks::Taken(..) if names::names_identifier(&tokens) => {
                Marks::Sure(if example.contains('.') { Decimal::Comma } else { Decimal::Dot })
            }
            marks => marks,
        };
        match &marks {
            Marks::Undecided => questions.add(name, example),
            Marks::Taken(decimal, reason) => notes.push(taken(name, example, *decimal, reason)),
            Marks::EachByItself => notes.push(format!(
                "`{name}` has numbers with the dot and numbers with the comma as decimal mark; each was read by itself"
            )),
            Marks::Sure(_) => {}
        }
        // `5 mm` is millions only where the name is one of money as well.
        let is_beside_currency = dividers.of(&tokens, at).is_some_and(|divider| divider.is_currency);
        let has_currency = words::names_currency(name) || is_beside_currency && amount_names::names_payment(&tokens);
        let plan = column::Plan { name: name.clone(), tokens, marks, order: *order, has_currency, has_days };
        parsed.push(column::parse(plan, &body, &named_below, at));
    }
    let mut columns: Vec<Parsed>;
    let profiles: Vec<column::Profile>;
    (columns, profiles) = parsed.into_iter().unzip();
    let are_statistics = summaries::are_all(&body, &columns, &mut notes);
    let totals = if are_statistics { vec![false; body.len()] } else { totals::find(&body, &columns, &mut notes) };
    columns.iter_mut().for_each(|column| column.leave_out(&totals));
    // Whole numbers beside money, under a name that is none of money, count things.
    let has_payments = columns.iter().any(|column| column.is_numeric && amount_names::names_payment(&column.tokens));
    let mut described: Vec<Column> = columns
        .iter()
        .zip(&profiles)
        .enumerate()
        .map(|(at, (parsed, profile))| {
            let cells = Cells { body: &body, column: at, totals: &totals };
            let divider = dividers.of(&parsed.tokens, at).filter(|divider| match divider.is_currency {
                true => {
                    // Nor do they where a column of numbers stands between them and the currency.
                    let is_beside = |at: usize| at.abs_diff(divider.column) == 1;
                    let is_taken = |(other, column): (usize, &Parsed)| {
                        is_beside(other) && column.is_numeric && divider.divides(&column.tokens)
                    };
                    let is_other = has_payments || !is_beside(at) && columns.iter().enumerate().any(is_taken);
                    !is_other || parsed.has_fractions || amount_names::names_payment(&parsed.tokens)
                }
                false => !are_statistics,
            });
            describe::describe(parsed, profile, &cells, divider, &clues, &mut notes)
        })
        .collect();
    if are_statistics {
        summaries::no_sums(&mut described);
    }
    states::say(&mut described, &columns, &body, &totals, &clues, &mut notes);
    if notes.len() > MAX_NOTES {
        let more = notes.len() - MAX_NOTES;
        notes.truncate(MAX_NOTES);
        notes.push(format!("and {more} more remarks"));
    }
    Table {
        file: file.to_owned(),
        rows: totals.iter().filter(|is_total| !**is_total).count(),
        format,
        columns: described,
        notes,
        questions: questions.0,
        orders: columns.iter().map(|column| column.order(&clues)).collect(),
        values: columns.into_iter().map(|column| column.values).collect(),
        body,
        totals,
    }
}

fn taken(name: &str, example: &str, decimal: Decimal, reason: &str) -> String {
    let (mark, role) = match example.contains('.') {
        true => ("dot", if decimal == Decimal::Dot { "is the decimal mark" } else { "groups thousands" }),
        false => ("comma", if decimal == Decimal::Comma { "is the decimal mark" } else { "groups thousands" }),
    };
    format!("in `{name}` the {mark} {role} (`{example}`), because {reason}")
}

/// One question for each mark that is unclear, whatever the number of columns.
#[derive(Default)]
struct Questions(Vec<Question>);

impl Questions {
    fn add(&mut self, column: &str, example: &str) {
        let value = |decimal| {
            let shape = crate::number::shape(example);
            shape.and_then(|shape| shape.value(decimal)).map(|value| value.to_string()).unwrap_or_default()
        };
        let mark = |text: &str| text.contains('.');
        match self.0.iter_mut().find(|question| mark(&question.example) == mark(example)) {
            Some(question) => question.columns.push(column.to_owned()),
            None => self.0.push(Question {
                columns: vec![column.to_owned()],
                example: example.to_owned(),
                with_dot: value(Decimal::Dot),
                with_comma: value(Decimal::Comma),
            }),
        }
    }
}

impl Table {
    /// The first amounts beside the words, dates or years of their rows, at most so many: what a chart shows.
    /// None where the table has no amounts, or nothing to name them by.
    pub fn series(&self, most: usize) -> Option<Series> {
        let amounts = (0..self.columns.len()).find(|column| self.columns[*column].kind == Kind::Amount)?;
        let names = |column: &usize| {
            matches!(
                self.columns[*column].kind,
                Kind::Text | Kind::Date | Kind::Year | Kind::CalendarPart | Kind::Identifier
            )
        };
        let labels = (0..self.columns.len()).find(names)?;
        let rows = self.body.iter().enumerate().filter(|(row, _)| !self.totals[*row]);
        let points = rows.filter_map(|(at, row)| Some((row.text(labels).trim().to_owned(), self.values[amounts][at]?)));
        let (names, values): (Vec<String>, Vec<f64>) = points.take(most).unzip();
        Some(Series {
            label: self.columns[labels].name.clone(),
            name: self.columns[amounts].name.clone(),
            is_part: self.columns[amounts].count > values.len(),
            names,
            values,
        })
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The rows without totals: each a cell for each column.
    pub fn records(&self) -> impl Iterator<Item = Vec<Datum<'_>>> + '_ {
        let rows = self.body.iter().enumerate().filter(|(row, _)| !self.totals[*row]);
        rows.map(|(at, row)| (0..self.columns.len()).map(|column| self.datum(at, row, column)).collect())
    }

    fn datum<'a>(&'a self, at: usize, row: &'a Row, column: usize) -> Datum<'a> {
        let text = row.text(column).trim();
        let kind = self.columns[column].kind;
        let is_name = matches!(kind, Kind::Identifier | Kind::Text | Kind::Empty);
        match self.values[column][at].filter(|_| !is_name) {
            Some(value) => Datum::Number(value),
            None if words::is_missing(text) => Datum::Missing,
            None if is_name => Datum::Text(text),
            // What was not read here, nobody else shall read.
            None => match column::day(text, self.orders[column]).filter(|_| kind == Kind::Date) {
                Some(day) => Datum::Date(day.iso()),
                None => Datum::Missing,
            },
        }
    }
}
