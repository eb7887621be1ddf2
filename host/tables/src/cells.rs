//! The cells of one column, and how they are named in sentences.

use std::collections::HashSet;

use crate::column::Profile;
use crate::grid::Row;
use crate::words;

/// Cells of one column without the total rows.
pub(crate) struct Cells<'a> {
    pub(crate) body: &'a [Row],
    pub(crate) column: usize,
    pub(crate) totals: &'a [bool],
}

impl<'a> Cells<'a> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        let rows = self.body.iter().enumerate().filter(|(at, _)| !self.totals[*at]);
        rows.map(|(at, row)| (at, row.text(self.column).trim()))
    }

    pub(crate) fn filled(&self, profile: &Profile) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        let zero = profile.has_zero_dashes;
        self.iter().filter(move |(_, text)| {
            !words::is_missing(text) || words::is_accounting_zero(text) || zero && words::is_dash(text)
        })
    }
}

/// `2 different values: DE, FR`.
pub(crate) fn different(cells: &Cells<'_>, profile: &Profile) -> String {
    const EXAMPLES: usize = 3;
    let mut seen = HashSet::new();
    let mut examples = Vec::new();
    for (_, text) in cells.filled(profile) {
        if seen.insert(text) && examples.len() < EXAMPLES {
            examples.push(short(text));
        }
    }
    let what = if seen.len() == 1 { "1 value".to_owned() } else { format!("{} different values", seen.len()) };
    format!("{what} ({}{})", examples.join(", "), if seen.len() > EXAMPLES { ", …" } else { "" })
}

pub(crate) fn rows(number: usize) -> String {
    count(number, "row")
}

pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

pub(crate) fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'");
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
