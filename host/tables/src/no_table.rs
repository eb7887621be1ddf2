//! Texts that are no tables, and what they look like: web pages, other markup, prose.

use crate::Unreadable;
use crate::column::Kind;
use crate::table::Table;

/// How much of a text is looked at for the kind of its markup.
const HEAD_BYTES: usize = 2_048;
/// How many lines are looked at for prose.
const SAMPLE_LINES: usize = 200;
/// Endings of workbooks, which prose is sometimes saved under.
const WORKBOOKS: &[&str] = &[".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".numbers"];

const SAVE_AS_CSV: &str = "open it in a spreadsheet program, save the table as CSV and send that";

/// What a text in a markup language looks like, and what to do. None for all others.
pub(crate) fn markup(text: &str) -> Option<Unreadable> {
    let text = text.trim_start();
    if text.starts_with("{\\rtf") {
        return Some(looks_like("a document (RTF)", SAVE_AS_CSV));
    }
    let mut end = text.len().min(HEAD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text[..end].to_ascii_lowercase();
    if head.starts_with("mime-version:") {
        return Some(looks_like("a saved web page (MHTML)", SAVE_AS_CSV));
    }
    // `<TICKER>,<DATE>` is a header; nothing is closed in it.
    let is_markup = head.starts_with("<!") || head.starts_with("<?xml") || head.starts_with('<') && head.contains("</");
    const HTML: &[&str] = &["<!doctype html", "<html", "<table", "<body", "<head", "<div", "<tr"];
    let is_html = HTML.iter().any(|tag| head.starts_with(tag));
    if !is_markup && !is_html {
        return None;
    }
    if head.contains("schemas-microsoft-com:office:spreadsheet") && head.starts_with("<?xml") && !head.contains("<html")
    {
        return Some(looks_like("a workbook in XML", SAVE_AS_CSV));
    }
    if is_html || HTML.iter().any(|tag| head.contains(tag)) || head.contains("<p>") {
        return Some(looks_like("a web page (HTML)", SAVE_AS_CSV));
    }
    Some(looks_like("XML", "export the table as CSV or JSON and send that"))
}

/// Whether a text with no rows below its first line is prose.
pub(crate) fn prose_alone(name: &str, text: &str) -> Option<Unreadable> {
    let lines: Vec<&str> = sample(text);
    let is_wordy = is_workbook(name) && lines.iter().all(|line| !line.contains(['\t', ';']));
    (is_wordy || lines.iter().any(|line| is_sentence(line))).then(|| prose(text))
}

/// Whether a text is prose whose lines were taken for rows: it has no numbers and no dates in columns, and most of its
/// lines are sentences; under the name of a workbook, most have several words. `is_even` says whether its lines have
/// equally many cells, and more than one.
pub(crate) fn prose_in_rows(name: &str, text: &str, table: &Table, is_even: bool) -> Option<Unreadable> {
    let is_words = |kind: Kind| matches!(kind, Kind::Text | Kind::Empty);
    if is_even || table.columns.iter().any(|column| !is_words(column.kind)) {
        return None;
    }
    let lines = sample(text);
    let most = |is: fn(&str) -> bool| lines.iter().filter(|line| is(line)).count() * 2 > lines.len();
    // A header is no sentence.
    let begins = || lines.first().is_some_and(|line| line.trim_end().ends_with(['.', '!', '?', ',', ':']));
    let is_prose = begins() && most(is_sentence) || is_workbook(name) && most(|line| words(line) >= 4);
    is_prose.then(|| prose(text))
}

fn sample(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect()
}

fn is_workbook(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORKBOOKS.iter().any(|ending| name.ends_with(ending))
}

fn words(line: &str) -> usize {
    line.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count()
}

/// Whether a line reads as a sentence: several words, with a mark at its end, or many.
fn is_sentence(line: &str) -> bool {
    let count = words(line);
    let divides = |c: char| matches!(c, '\t' | ';' | '|');
    !line.contains(divides) && (count >= 4 && line.trim_end().ends_with(['.', '!', '?', ',', ':']) || count >= 9)
}

fn prose(text: &str) -> Unreadable {
    let count = text.lines().filter(|line| !line.trim().is_empty()).count();
    let first = crate::cells::short(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    let what = format!("a text of {} (`{first}`)", crate::layout::lines(count));
    looks_like(&what, "send rows and columns, as CSV or JSON")
}

fn looks_like(what: &str, next: &str) -> Unreadable {
    Unreadable::new(format!("it is no table: it looks like {what}; {next}"))
}
