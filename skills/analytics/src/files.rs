//! The attached files as tables, and what must be asked about them first.

use openanalyst_skill::prelude::*;
use openanalyst_tables::{Decimal, File, Question as TableQuestion, Table, Unreadable};

/// Most rows that a chart shows.
const MAX_CHART_ROWS: usize = 50;

/// What is asked about files whose numbers have two readings.
pub(crate) fn questions(request: &Request) -> Vec<Question> {
    let tables = request.attachments.iter().enumerate();
    let asked = tables.filter_map(|(at, file)| Some((at, file, read(request, at, file).ok()?)));
    asked
        .filter_map(|(at, file, table)| {
            let question = table.questions.first()?;
            Some(Question::new(id(at), question.text(&file.name)).options(question.options()))
        })
        .collect()
}

fn id(at: usize) -> String {
    format!("decimal-mark-{}", at + 1)
}

fn read(request: &Request, at: usize, attachment: &Attachment) -> std::result::Result<Table, Unreadable> {
    let file = File { name: &attachment.name, media_type: &attachment.media_type, bytes: &attachment.content };
    let table = openanalyst_tables::read(&file, None)?;
    let answer = table.questions.first().and_then(|question| answer(request, at, question));
    if answer.is_none() { Ok(table) } else { openanalyst_tables::read(&file, answer) }
}

fn answer(request: &Request, at: usize, question: &TableQuestion) -> Option<Decimal> {
    question.decimal(request.answer(&id(at))?)
}

/// All files that can be read, and why others cannot.
///
/// # Errors
/// [`Failure::Invalid`], with the reason for each, where there are files and none can be read.
pub(crate) fn tables(request: &Request) -> Result<(Vec<Table>, Vec<String>)> {
    let mut tables = Vec::new();
    let mut problems = Vec::new();
    for (at, attachment) in request.attachments.iter().enumerate() {
        match read(request, at, attachment) {
            Ok(table) => tables.push(table),
            Err(error) => problems.push(format!("The file {} gave no numbers: {error}.", attachment.name)),
        }
    }
    if tables.is_empty() && !problems.is_empty() {
        return Err(Failure::invalid(problems.join(" ")));
    }
    Ok((tables, problems))
}

/// A table as the scripts take it.
pub(crate) fn as_value(table: &Table) -> Value {
    let mut value = to_value(table).unwrap_or_default();
    if let Some(series) = table.series(MAX_CHART_ROWS) {
        value["series"] = to_value(&series).unwrap_or_default();
    }
    value
}
