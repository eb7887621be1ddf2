//! Cells in rows, as a file has them, before anything is decided about them.

use crate::work;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: Box<str>,
    /// Whether the file itself says that it is a number, as JSON can: its mark is then a dot.
    pub(crate) is_number: bool,
}

impl Cell {
    pub(crate) fn text(text: &str) -> Self {
        Self { text: text.into(), is_number: false }
    }

    pub(crate) fn number(text: &str) -> Self {
        Self { text: text.into(), is_number: true }
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line where it begins, from 1; of JSON the number of the row.
    pub(crate) line: u64,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// How many cells have content.
    pub(crate) fn filled(&self) -> usize {
        work::add(self.cells.len());
        self.cells.iter().filter(|cell| !cell.text.trim().is_empty()).count()
    }

    /// Where the last cell with content ends.
    pub(crate) fn end(&self) -> usize {
        work::add(self.cells.len());
        self.cells.iter().rposition(|cell| !cell.text.trim().is_empty()).map_or(0, |at| at + 1)
    }

    /// A cell. None where the row is shorter.
    pub(crate) fn cell(&self, column: usize) -> Option<&Cell> {
        work::add(1);
        self.cells.get(column)
    }

    /// The first cell that has content, and its column.
    pub(crate) fn first(&self) -> Option<(usize, &Cell)> {
        let first = self.cells.iter().position(|cell| !cell.text.trim().is_empty());
        work::add(first.map_or(self.cells.len(), |at| at + 1));
        first.map(|at| (at, &self.cells[at]))
    }

    /// The text of a cell; empty where the row is shorter.
    pub(crate) fn text(&self, column: usize) -> &str {
        work::add(1);
        self.cells.get(column).map_or("", |cell| &cell.text)
    }
}

/// All records of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) rows: Vec<Row>,
    pub(crate) delimiter: Option<u8>,
    pub(crate) is_json: bool,
    /// The names of the columns, where the file says them itself.
    pub(crate) header: Option<Vec<String>>,
    pub(crate) notes: Vec<String>,
}
