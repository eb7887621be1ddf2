//! Attached numbers as rows, one for each post, with numbers as they were meant.

use openanalyst_skill::prelude::*;
use openanalyst_tables::{Datum, File, Table};

/// Most rows that go to the script.
const MAX_ROWS: usize = 2_000;

/// What the attachments hold.
#[derive(Debug, Default)]
pub(crate) struct Posts {
    /// One object for each post.
    pub(crate) rows: Vec<Value>,
    /// What was left out of them and what was decided by a weak sign, with the file's name.
    pub(crate) notes: Vec<String>,
}

/// The rows of all attachments; or what must be asked about their numbers first.
///
/// # Errors
/// [`Failure::Invalid`], naming the file, if one cannot be read.
pub(crate) fn of(request: &Request) -> Result<std::result::Result<Posts, Vec<Question>>> {
    let mut posts = Posts::default();
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
        posts.add(&table);
    }
    Ok(if questions.is_empty() { Ok(posts) } else { Err(questions) })
}

impl Posts {
    /// Adds the rows of a table as far as there is room, and what is to be said of them.
    fn add(&mut self, table: &Table) {
        let room = MAX_ROWS - self.rows.len();
        let said = table.notes.iter().map(|note| format!("`{}`: {note}", table.file));
        self.notes.extend(said);
        if table.rows > room {
            let rows = table.rows;
            self.notes.push(format!(
                "`{}`: only {room} of its {rows} rows are counted, since {MAX_ROWS} rows are the limit of one request",
                table.file
            ));
        }
        self.rows.extend(rows_of(table).take(room));
    }
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
