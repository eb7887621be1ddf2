//! A grammar of time: what moments, spans, lengths and recurrences a text speaks of, and what must be asked.
//!
//! It takes a text, the present moment, a zone and a locale. Each word that belongs to a time is used by exactly one
//! reading; where one is left over, the reading becomes a question that says what was understood and what was not.
//! Nothing that was said is replaced by a default; what is assumed is said in a note.
//!
//! Pure: it has no clock, no I/O and no threads; its work is linear in the text. It never knows what a time is for.
//!
//! | module | reads |
//! |---|---|
//! | `lex` | words, numbers and marks, with their senses |
//! | `words` | the table of each language, and its voice |
//! | `reader` | numbers, units, lengths |
//! | `clock`, `zone`, `date`, `day`, `period`, `range`, `every`, `cron` | pieces |
//! | `frame` | the pieces of one expression |
//! | `moment`, `recur` | what they mean together |
//! | `beside` | words beside an expression that change it |
//! | `calendar` | Easter, nth weekdays, holidays, the clock of a zone |
//!
//! Begin at [`read`], then `frame`.

mod beside;
mod calendar;
mod clock;
mod cron;
mod date;
mod day;
mod every;
mod frame;
mod lex;
mod meaning;
mod moment;
mod period;
mod range;
mod reader;
mod recur;
mod setting;
mod text;
mod words;
mod zone;

pub use meaning::{Bound, Duration, Found, Meaning, Moment, Question, Readings, Reason, Recurrence, Span, SpanKind};
pub use setting::{DateOrder, Language, Setting, country_of_locale};
pub use text::read;
