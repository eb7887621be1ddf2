//! Records that stand above a table and belong to none of its columns: a key and its value, a sentence, the units
//! below the names.

use crate::grid::Row;
use crate::words;

/// Words that open a line with a key and its value above a table. They name columns as well.
const KEYS: &[&str] = &[
    "account",
    "client",
    "customer",
    "property",
    "profile",
    "currency",
    "time zone",
    "timezone",
    "filter",
    "filters",
    "konto",
    "kunde",
    "zeitraum",
    "währung",
    "filtro",
    "compte",
    "cuenta",
];
/// Words anywhere in such a key.
const IN_KEYS: &[&str] =
    &["export", "exported", "exportiert", "generated", "created", "downloaded", "printed", "erstellt", "range"];
/// Keys that name columns as well, and so count only beside a value: `Period,2026-11`.
const KEYS_OF_VALUES: &[&str] = &[
    "period", "date", "month", "week", "quarter", "rows", "records", "version", "from", "to", "stand", "periode",
    "von", "bis",
];
/// What the first column of a table is mostly called: the thing that each row is about.
const NAMES_OF_ROWS: &[&str] = &[
    "name",
    "date",
    "day",
    "id",
    "month",
    "week",
    "year",
    "time",
    "campaign",
    "product",
    "item",
    "country",
    "city",
    "region",
    "page",
    "url",
    "title",
    "keyword",
    "channel",
    "category",
    "description",
    "datum",
    "tag",
    "buchungstag",
    "monat",
    "jahr",
    "produkt",
    "artikel",
    "land",
    "stadt",
    "ort",
    "kampagne",
    "seite",
    "beschreibung",
    "bezeichnung",
    "kategorie",
    "nom",
    "produit",
    "pays",
    "ville",
    "jour",
    "mois",
    "libellé",
    "nombre",
    "producto",
    "fecha",
    "nome",
    "prodotto",
    "日付",
    "日時",
    "商品",
    "商品名",
    "名前",
    "氏名",
    "店舗",
    "キャンペーン",
    "地域",
    "都市",
];

fn is_pair(row: &Row) -> bool {
    row.filled() == 2 && row.end() == 2
}

fn key(row: &Row) -> String {
    row.text(0).trim().to_lowercase()
}

/// Whether a row begins as a line with a key and its value: `Account,Acme`, `Exported on,2026-11-03`, `Period: May, 2026`.
pub(crate) fn opens_a_key(row: &Row) -> bool {
    let key = key(row);
    key.ends_with(':')
        || key.contains(": ")
        || is_pair(row) && (KEYS.contains(&key.as_str()) || key.split_whitespace().any(|word| IN_KEYS.contains(&word)))
}

/// Whether a row is a key that names columns as well, and what may be its value or the name of a second column:
/// `Account,Acme`, `Konto;Saldo`.
pub(crate) fn may_be_key_or_header(row: &Row) -> bool {
    is_pair(row) && KEYS.contains(&key(row).as_str())
}

/// Whether a row is a key such as `Period,2026-11` where a value stands beside it.
pub(crate) fn opens_a_key_of_a_value(row: &Row) -> bool {
    is_pair(row) && KEYS_OF_VALUES.contains(&key(row).as_str())
}

/// Whether the first cell of a row is a usual name of the column that names the rows.
pub(crate) fn names_rows(row: &Row) -> bool {
    let key = key(row);
    let mut words = key.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    key.len() <= 40 && words.clone().count() <= 3 && words.any(|word| NAMES_OF_ROWS.contains(&word))
}

/// Whether each comma of a row is followed by a space, as in a sentence.
pub(crate) fn is_sentence(row: &Row) -> bool {
    row.cells.len() > 1 && row.cells[1..].iter().all(|cell| cell.text.starts_with(' '))
}

/// Whether each cell after the first is a unit or a currency: the row below the names of a table.
pub(crate) fn are_units(row: &Row) -> bool {
    let cells = || row.cells.iter().skip(1).map(|cell| cell.text.trim()).filter(|text| !text.is_empty());
    // A single letter beside a word may be anything.
    cells().count() > 1 && cells().all(|text| words::is_unit(text) || words::currency(text).is_some())
}

/// Whether two rows have the same words, whatever the case and the spaces. Empty cells at the end do not count.
pub(crate) fn is_same(one: &Row, other: &Row) -> bool {
    let is_alike = |at: usize| {
        let (mut left, mut right) = (one.text(at).split_whitespace(), other.text(at).split_whitespace());
        loop {
            match (left.next(), right.next()) {
                (None, None) => return true,
                (Some(left), Some(right)) if left == right || left.to_lowercase() == right.to_lowercase() => {}
                _ => return false,
            }
        }
    };
    // Most rows differ in the first cell.
    is_alike(0) && one.end() == other.end() && (1..one.end()).all(is_alike)
}

/// Whether empty lines stand between two records.
pub(crate) fn is_apart(above: &Row, below: &Row) -> bool {
    let breaks = above.cells.iter().map(|cell| cell.text.matches('\n').count() as u64).sum::<u64>();
    below.line > above.line + breaks + 1
}
