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
//! | `delimiter`, `spaces` | what divides the cells |
//! | `delimited`, `json`, `grid` | the records; where the rows of a JSON document are |
//! | `markdown`, `reports` | tables drawn with bars; reports of an analytics service in JSON |
//! | `no_table` | what a text looks like that is no table |
//! | `header`, `keys`, `layout` | the header and what stands above it; what stands below the data, rows of other lengths |
//! | `number`, `date` | the readings of one cell |
//! | `marks` | the decimal mark of a column |
//! | `column`, `describe` | the values of a column; its kind, and what can be said of it |
//! | `measure`, `stats`, `exact`, `dividers` | its statistics, with currencies and units, which another column may name |
//! | `totals`, `summaries` | rows that repeat what others add up to, or sum them up otherwise |
//! | `states` | the last of values at a time, such as balances |
//! | `words`, `names`, `amount_names`, `rate_names`, `row_names` | the words in cells and in names that all this goes by |
//! | `periods` | whether each row is a day, a month or another time |
//! | `rate_values` | the values that tell a rate: fractions of one, answers on a scale |
//! | `cells`, `work` | the cells of a column; a count of steps for a test |
//!
//! Begin at [`read`], then `marks`.

mod amount_names;
mod cells;
mod column;
#[cfg(test)]
mod cost;
mod date;
mod delimited;
mod delimiter;
mod describe;
mod dividers;
mod exact;
mod grid;
mod header;
mod json;
mod keys;
mod layout;
mod markdown;
mod marks;
mod measure;
mod names;
mod no_table;
mod number;
mod periods;
mod rate_names;
mod rate_values;
mod reports;
mod row_names;
mod spaces;
mod states;
mod stats;
mod summaries;
mod table;
mod text;
mod totals;
mod words;
mod work;

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
