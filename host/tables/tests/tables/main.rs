//! Files and columns as people have them, each with what is right.

mod columns;
mod documents;
mod expect;
mod exports;
mod files;
mod headers;
mod large;
mod last_rows;
mod meanings;
mod never_added;
mod rates;
mod shapes;

use openanalyst_tables::{Column, Decimal, File, Kind, Table, read};

fn table_of(name: &str, bytes: &[u8], answer: Option<Decimal>) -> Table {
    match read(&File { name, media_type: "", bytes }, answer) {
        Ok(table) => table,
        Err(error) => panic!("{name} {:?}: {error}", String::from_utf8_lossy(bytes)),
    }
}

fn table(name: &str, text: &str) -> Table {
    table_of(name, text.as_bytes(), None)
}

fn kind(column: &Column) -> Kind {
    column.kind
}
