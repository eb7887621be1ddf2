//! JSON: where its rows are, in whichever of the usual shapes, and their cells.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::grid::{Cell, Grid, Row};
use crate::{Unreadable, reports};

/// A value whose members keep the order of the file. `serde_json`'s own sorts them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Text(String),
    Number(serde_json::Number),
    Bool(bool),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Node::Null, Node::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}

/// The rows of a JSON document, or of a text with one document in each line.
pub(crate) fn read(text: &str) -> Result<Grid, Unreadable> {
    let mut notes = Vec::new();
    let node = match serde_json::from_str::<Node>(text) {
        Ok(node) => node,
        Err(error) => lines(text).ok_or_else(|| Unreadable::new(format!("it is no JSON: {error}")))?,
    };
    let (header, rows) = rows_of(node, &mut notes)
        .ok_or_else(|| Unreadable::new("it holds no list of rows: send a list of objects, or columns and rows"))?;
    Ok(Grid { rows, delimiter: None, is_json: true, header, notes })
}

/// One document a line.
fn lines(text: &str) -> Option<Node> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let nodes: Result<Vec<Node>, _> = lines.map(|line| serde_json::from_str(line.trim_end_matches(','))).collect();
    nodes.ok().filter(|nodes| nodes.len() > 1).map(Node::List)
}

pub(crate) type Rows = (Option<Vec<String>>, Vec<Row>);

const HEADERS: &[&str] = &["columns", "header", "headers", "fields", "names", "cols", "columnnames", "schema"];
const BODIES: &[&str] = &["rows", "data", "values", "records", "body", "result", "results", "items"];

fn rows_of(node: Node, notes: &mut Vec<String>) -> Option<Rows> {
    if let Some(rows) = reports::rows(&node, notes) {
        return Some(rows);
    }
    let mut left_out = 0;
    let rows = match node {
        Node::List(list) => rows_of_list(list, &mut left_out),
        Node::Object(members) => {
            let rows = header_and_rows(&members).or_else(|| by_columns(&members));
            if let Some(rows) = rows.or_else(|| keyed(&members, &mut left_out)) {
                return Some(rows);
            }
            let node = Node::Object(members);
            let mut lists = Vec::new();
            find_lists(&node, String::new(), 0, &mut lists);
            // The shallowest list, and of those the longest.
            let best = lists.iter().min_by_key(|(_, depth, list)| (*depth, usize::MAX - list.len()))?;
            let others: Vec<String> = lists
                .iter()
                .filter(|(path, _, _)| *path != best.0 && !path.starts_with(&format!("{}.", best.0)))
                .map(|(path, _, list)| format!("`{path}` ({} entries)", list.len()))
                .collect();
            if !others.is_empty() {
                notes.push(format!("the rows are those of `{}`; {} was not read", best.0, others.join(", ")));
            }
            rows_of_list(best.2.to_vec(), &mut left_out)
        }
        _ => None,
    };
    if left_out > 0 {
        notes.push(format!(
            "its objects have more than {MAX_COLUMNS} different members; {left_out} values of further ones were not read"
        ));
    }
    rows
}

/// The lists of objects or lists in a document, with their paths. An object without any is a row of its own.
fn find_lists<'a>(node: &'a Node, path: String, depth: usize, found: &mut Vec<(String, usize, &'a [Node])>) {
    let Node::Object(members) = node else { return };
    for (name, member) in members {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match member {
            Node::List(list) if list.iter().any(|item| matches!(item, Node::Object(_) | Node::List(_))) => {
                found.push((path, depth, list));
            }
            Node::Object(_) if depth < 8 => find_lists(member, path, depth + 1, found),
            _ => {}
        }
    }
    if depth == 0 && found.is_empty() && members.iter().any(|(_, member)| is_scalar(member)) {
        found.push((String::new(), 0, std::slice::from_ref(node)));
    }
}

fn is_scalar(node: &Node) -> bool {
    !matches!(node, Node::List(_) | Node::Object(_))
}

fn rows_of_list(list: Vec<Node>, left_out: &mut usize) -> Option<Rows> {
    if list.iter().any(|item| matches!(item, Node::Object(_))) {
        return Some(rows_of_objects(list, left_out));
    }
    if list.iter().any(|item| matches!(item, Node::List(_))) {
        let rows = list.iter().filter_map(|item| match item {
            Node::List(cells) => Some(cells.iter().map(cell).collect::<Vec<_>>()),
            _ => None,
        });
        return Some((None, numbered(rows)));
    }
    // A bare list of values is one column.
    let is_one_column = list.len() > 1 && list.iter().all(is_scalar);
    is_one_column.then(|| (Some(vec!["value".to_owned()]), numbered(list.iter().map(|item| vec![cell(item)]))))
}

pub(crate) fn numbered(rows: impl Iterator<Item = Vec<Cell>>) -> Vec<Row> {
    rows.zip(1..).map(|(cells, line)| Row { line, cells }).collect()
}

/// `{"columns": [...], "rows": [[...]]}` under the names that are usual for the two.
fn header_and_rows(members: &[(String, Node)]) -> Option<Rows> {
    let member = |names: &[&str]| {
        let lists = members.iter().filter_map(|(name, node)| match node {
            Node::List(list) => Some((name.to_lowercase(), list)),
            _ => None,
        });
        lists.into_iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, list)| list)
    };
    let (header, body) = (member(HEADERS)?, member(BODIES)?);
    let name = |node: &Node| match node {
        Node::Text(text) => Some(text.clone()),
        Node::Number(number) => Some(number.to_string()),
        Node::Object(members) => ["name", "title", "label", "field", "id", "key"].iter().find_map(|known| {
            members
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(known))
                .map(|(_, node)| cell(node).text.to_string())
        }),
        _ => None,
    };
    let names: Option<Vec<String>> = header.iter().map(name).collect();
    if !body.iter().all(|row| matches!(row, Node::List(_))) {
        return None;
    }
    let (_, rows) = rows_of_list(body.clone(), &mut 0)?;
    Some((Some(names?), rows))
}

/// `{"day": ["a", "b"], "visits": [5, 7]}`, or the same with the rows' numbers as names.
fn by_columns(members: &[(String, Node)]) -> Option<Rows> {
    let column = |node: &Node| -> Option<Vec<Cell>> {
        match node {
            Node::List(list) if list.iter().all(is_scalar) => Some(list.iter().map(cell).collect()),
            Node::Object(rows) if !rows.is_empty() => rows
                .iter()
                .map(|(name, node)| {
                    (name.bytes().all(|byte| byte.is_ascii_digit()) && is_scalar(node)).then(|| cell(node))
                })
                .collect(),
            _ => None,
        }
    };
    let columns: Option<Vec<Vec<Cell>>> = members.iter().map(|(_, node)| column(node)).collect();
    let columns = columns?;
    let length = columns.first()?.len();
    if length == 0 || columns.iter().any(|column| column.len() != length) {
        return None;
    }
    let rows = (0..length).map(|at| columns.iter().map(|column| column[at].clone()).collect());
    Some((Some(members.iter().map(|(name, _)| name.clone()).collect()), numbered(rows)))
}

/// `{"Berlin": {"visits": 5}, "Rome": {"visits": 7}}`: rows under their names, each with the same members.
fn keyed(members: &[(String, Node)], left_out: &mut usize) -> Option<Rows> {
    let names = |node: &Node| match node {
        Node::Object(members) => {
            let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            Some(names.join("\u{1f}"))
        }
        _ => None,
    };
    let first = names(&members.first()?.1)?;
    if members.len() < 2 || first.is_empty() || !members.iter().all(|(_, node)| names(node).as_ref() == Some(&first)) {
        return None;
    }
    let rows = members.iter().map(|(key, node)| {
        let mut row = vec![("name".to_owned(), Node::Text(key.clone()))];
        if let Node::Object(members) = node {
            row.extend(members.iter().cloned());
        }
        Node::Object(row)
    });
    Some(rows_of_objects(rows.collect(), left_out))
}

/// Most members that the objects of a list have together: the columns.
const MAX_COLUMNS: usize = 1_000;

fn rows_of_objects(list: Vec<Node>, left_out: &mut usize) -> Rows {
    let mut header = Vec::<String>::new();
    let mut places = HashMap::<String, usize>::new();
    let mut rows = Vec::with_capacity(list.len());
    for (item, line) in list.iter().zip(1..) {
        let Node::Object(members) = item else { continue };
        let mut cells = Vec::new();
        flatten(members, "", 0, &mut |name, value| {
            let place = match places.get(&name) {
                Some(place) => *place,
                None if header.len() < MAX_COLUMNS => {
                    header.push(name.clone());
                    places.insert(name, header.len() - 1);
                    header.len() - 1
                }
                None => {
                    *left_out += 1;
                    return;
                }
            };
            if cells.len() <= place {
                cells.resize(place + 1, Cell::text(""));
            }
            cells[place] = value;
        });
        rows.push(Row { line, cells });
    }
    (Some(header), rows)
}

/// The cells of an object; those of objects inside under names such as `public_metrics.like_count`.
fn flatten(members: &[(String, Node)], path: &str, depth: usize, put: &mut impl FnMut(String, Cell)) {
    for (name, node) in members {
        let name = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match node {
            Node::Object(members) if depth < 8 && !members.is_empty() => flatten(members, &name, depth + 1, put),
            // `metricValues: [{"value": 1}, ...]`: each entry is a column of its own.
            Node::List(list) if depth < 8 && list.len() <= MAX_ENTRIES && is_objects(list) => {
                for (item, at) in list.iter().zip(1..) {
                    if let Node::Object(members) = item {
                        flatten(members, &format!("{name}.{at}"), depth + 1, put);
                    }
                }
            }
            node => put(name, cell(node)),
        }
    }
}

/// Longest list of objects in a row that becomes columns.
const MAX_ENTRIES: usize = 20;

fn is_objects(list: &[Node]) -> bool {
    !list.is_empty() && list.iter().all(|item| matches!(item, Node::Object(_)))
}

pub(crate) fn cell(node: &Node) -> Cell {
    match node {
        Node::Null => Cell::text(""),
        Node::Text(text) => Cell::text(text),
        // `1e3` is a whole number, which no decimal place says.
        Node::Number(number) => {
            let text = number.to_string();
            Cell::number(text.strip_suffix(".0").unwrap_or(&text))
        }
        Node::Bool(flag) => Cell::text(if *flag { "true" } else { "false" }),
        Node::List(list) if list.iter().all(is_scalar) => {
            Cell::text(&list.iter().map(|item| cell(item).text.to_string()).collect::<Vec<_>>().join(", "))
        }
        Node::List(list) => Cell::text(&format!("[{} entries]", list.len())),
        Node::Object(members) => Cell::text(&format!("{{{} members}}", members.len())),
    }
}
