//! Reports of the Google Analytics Data API (`runReport`): values in lists whose names stand in lists of headers.
//!
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport>

use crate::grid::Cell;
use crate::json::{Node, Rows, cell, numbered};

/// How deep a report may lie in a document.
const MAX_DEPTH: usize = 3;

/// The rows of the first report of a document, under the names of its headers. None where it holds none.
pub(crate) fn rows(node: &Node, notes: &mut Vec<String>) -> Option<Rows> {
    let mut reports = Vec::new();
    find(node, 0, &mut reports);
    let first = reports.first()?;
    if reports.len() > 1 {
        notes.push(format!(
            "it holds {} reports, of which the first was read: send each as a file of its own",
            reports.len()
        ));
    }
    let dimensions = headers(first, "dimensionHeaders");
    let metrics = headers(first, "metricHeaders");
    let rows = list(first, "rows")?.iter().filter_map(members).map(|row| {
        let dimension = |(node, name): (&Node, &String)| Cell::text(&day(name, &value(node).text));
        let mut cells: Vec<Cell> = values(row, "dimensionValues").zip(&dimensions).map(dimension).collect();
        cells.resize(dimensions.len(), Cell::text(""));
        cells.extend(values(row, "metricValues").take(metrics.len()).map(|node| metric(value(node))));
        cells
    });
    let rows = numbered(rows);
    Some((Some(dimensions.into_iter().chain(metrics).collect()), rows))
}

fn find<'a>(node: &'a Node, depth: usize, found: &mut Vec<&'a [(String, Node)]>) {
    let inside: Vec<&Node> = match node {
        Node::Object(members) if list(members, "rows").is_some() && list(members, "metricHeaders").is_some() => {
            found.push(members);
            return;
        }
        Node::Object(members) => members.iter().map(|(_, member)| member).collect(),
        Node::List(items) => items.iter().collect(),
        _ => return,
    };
    if depth < MAX_DEPTH {
        inside.into_iter().for_each(|node| find(node, depth + 1, found));
    }
}

fn members(node: &Node) -> Option<&[(String, Node)]> {
    if let Node::Object(members) = node { Some(members) } else { None }
}

fn list<'a>(members: &'a [(String, Node)], name: &str) -> Option<&'a [Node]> {
    members.iter().find_map(|(known, node)| match node {
        Node::List(list) if known == name => Some(list.as_slice()),
        _ => None,
    })
}

fn values<'a>(row: &'a [(String, Node)], name: &str) -> impl Iterator<Item = &'a Node> {
    list(row, name).unwrap_or_default().iter()
}

fn headers(report: &[(String, Node)], name: &str) -> Vec<String> {
    values(report, name).map(|node| member(node, "name").text.to_string()).collect()
}

fn value(node: &Node) -> Cell {
    member(node, "value")
}

/// A member of an object, or the value itself where it is no object.
fn member(node: &Node, name: &str) -> Cell {
    let Some(members) = members(node) else { return cell(node) };
    members.iter().find(|(known, _)| known == name).map_or_else(|| Cell::text(""), |(_, node)| cell(node))
}

/// Metrics are numbers in quotation marks, with a dot as decimal mark.
fn metric(cell: Cell) -> Cell {
    if cell.text.parse::<f64>().is_ok_and(f64::is_finite) { Cell::number(&cell.text) } else { cell }
}

/// Days come as `20261101` and months as `202611`.
fn day(name: &str, value: &str) -> String {
    let are_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match (name, value.len()) {
        ("date" | "firstSessionDate", 8) if are_digits => format!("{}-{}-{}", &value[..4], &value[4..6], &value[6..]),
        ("yearMonth", 6) if are_digits => format!("{}-{}", &value[..4], &value[4..]),
        _ => value.to_owned(),
    }
}
