//! Data files: CSV in its many forms and JSON, read into columns whose numbers are what their author meant.
//!
//! A file does not say what it means: `1.234` is a thousand and more in Berlin and little more than one in Boston, a
//! `Total` row doubles every sum, an id is no amount. So nothing is decided by one cell or by the file's first line:
//! delimiter, encoding, header, decimal mark, order of dates and kind are decided for each file and column by what all
//! values say together. What nothing decides is a [`Question`]; what was decided by a weaker sign, and everything left
//! out, is a note. Percentages, rates, ids, years, total rows and mixed currencies are never added up.
//!
//! Pure: no I/O, no clock; the work is linear in the file (the median takes a selection, and no sort). It compiles into
//! skills. It never knows where a file is from or what is done with its numbers.
//!
//! | module | decides |
//! |---|---|
//! | `text` | the encoding |
//! | `delimited`, `json`, `grid` | the delimiter and the records; where the rows of a JSON document are |
//! | `layout` | header, what stands above and below the data, rows of other lengths |
//! | `number`, `date` | the readings of one cell |
//! | `marks` | the decimal mark of a column |
//! | `column`, `describe`, `stats` | the values of a column; its kind, and what can be said of it; its statistics |
//! | `totals` | rows that repeat what others add up to |
//! | `words`, `names` | the words in cells and in names that all this goes by |
//!
//! Begin at [`read`], then `marks`.

mod column;
mod date;
mod delimited;
mod describe;
mod grid;
mod json;
mod layout;
mod marks;
mod names;
mod number;
mod stats;
mod table;
mod text;
mod totals;
mod words;

pub use column::{Column, Kind};
pub use number::Decimal;
pub use stats::{Numbers, Shown};
pub use table::{Datum, File, Question, Series, Table, read};

/// Why a file gives no table: a reason, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
