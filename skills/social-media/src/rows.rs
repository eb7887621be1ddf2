//! Attached numbers as rows, one for each post, with numbers as they were meant.

use openanalyst_skill::prelude::*;
use openanalyst_tables::{Datum, File, Table};

/// Most rows that go to the script.
const MAX_ROWS: usize = 2_000;

/// The rows of all attachments; or what must be asked about their numbers first.
///
/// # Errors
/// [`Failure::Invalid`], naming the file, if one cannot be read.
pub(crate) fn of(request: &Request) -> Result<std::result::Result<Vec<Value>, Vec<Question>>> {
    let mut rows = Vec::new();
    let mut questions = Vec::new();
    for (at, attachment) in request.attachments.iter().enumerate() {
        let file = File { name: &attachment.name, media_type: &attachment.media_type, bytes: &attachment.content };
        let read = |decimal| {
            openanalyst_tables::read(&file, decimal)
                .map_err(|error| Failure::invalid(format!("the file {} gave no numbers: {error}", attachment.name)))
        };
        let mut table = read(None)?;
        if let Some(question) = table.questions.first() {
            let id = format!("decimal-mark-{}", at + 1);
            match request.answer(&id).and_then(|answer| question.decimal(answer)) {
                Some(decimal) => table = read(Some(decimal))?,
                None => questions.push(Question::new(id, question.text(&attachment.name)).options(question.options())),
            }
        }
        rows.extend(rows_of(&table).take(MAX_ROWS));
    }
    rows.truncate(MAX_ROWS);
    Ok(if questions.is_empty() { Ok(rows) } else { Err(questions) })
}

fn rows_of(table: &Table) -> impl Iterator<Item = Value> + '_ {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    table.records().map(move |cells| {
        let cells = names.iter().zip(cells).filter_map(|(name, cell)| {
            let value = match cell {
                Datum::Number(number) => json!(number),
                Datum::Date(date) => json!(date),
                Datum::Text(text) => json!(text),
                Datum::Missing => return None,
            };
            Some(((*name).to_owned(), value))
        });
        Value::Object(cells.collect())
    })
}
