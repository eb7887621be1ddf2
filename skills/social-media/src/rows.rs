//! Attached numbers as rows: CSV with a header, or JSON with a list of objects.

use openanalyst_skill::prelude::*;

/// Most rows that go to the script.
const MAX_ROWS: usize = 2_000;

/// The rows of all attachments.
pub(crate) fn of(attachments: &[Attachment]) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for attachment in attachments {
        let found = if attachment.is_json() { from_json(&attachment.json::<Value>()?) } else { from_csv(attachment)? };
        rows.extend(found);
    }
    rows.truncate(MAX_ROWS);
    Ok(rows)
}

/// The first list of objects in a document.
fn from_json(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.iter().filter(|row| row.is_object()).cloned().collect(),
        Value::Object(members) => members.values().map(from_json).find(|rows| !rows.is_empty()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn from_csv(attachment: &Attachment) -> Result<Vec<Value>> {
    let text = attachment.text()?;
    let broken = |error: csv::Error| {
        Failure::invalid(format!("the file {} is no CSV that can be read: {error}", attachment.name))
    };
    let first = text.lines().next().unwrap_or_default();
    let divider = [b',', b';', b'\t'].into_iter().max_by_key(|mark| first.bytes().filter(|byte| byte == mark).count());
    let mut reader =
        csv::ReaderBuilder::new().delimiter(divider.unwrap_or(b',')).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(broken)?.clone();
    let mut rows = Vec::new();
    for record in reader.records().take(MAX_ROWS) {
        let record = record.map_err(broken)?;
        let cells = header.iter().zip(record.iter()).map(|(name, cell)| (name.trim().to_owned(), Value::from(cell)));
        rows.push(Value::Object(cells.collect()));
    }
    Ok(rows)
}
