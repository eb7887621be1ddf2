//! Cells in rows, as a file has them, before anything is decided about them.

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
        self.cells.iter().filter(|cell| !cell.text.trim().is_empty()).count()
    }

    pub(crate) fn text(&self, column: usize) -> &str {
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
