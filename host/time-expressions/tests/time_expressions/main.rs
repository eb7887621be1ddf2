//! Expressions of time, by kind. The clock stands at Monday 23 November 2026, 10:00, Berlin, unless a row says otherwise.

mod beside;
mod hostile;
mod in_german;
mod locales;
mod moments;
mod no_time;
mod questions;
mod recurrences;
mod spans;
mod support;
mod wording;
