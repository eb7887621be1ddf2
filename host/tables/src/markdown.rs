//! Tables drawn with bars and lines, as in Markdown and the output of database shells: their lines are no rows.

/// What a line of such a table is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// A line drawn between rows: `|---|---|`, `+---+---+`, `----+----`.
    Drawn,
    /// Cells between bars.
    Cells,
    /// Anything else.
    Other,
}

/// The text with cells divided by bars and nothing else of the drawing, if it holds such a table. Each row stays in its
/// line, but for the header: it takes the place of the line drawn below it, so that nothing stands between it and its rows.
pub(crate) fn plain(text: &str) -> Option<String> {
    if !text.contains('|') || !text.contains('-') {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    let kinds: Vec<Line> = lines.iter().map(|line| kind(line)).collect();
    let is_cells = |at: Option<usize>| at.and_then(|at| kinds.get(at)) == Some(&Line::Cells);
    // Without cells above it or below it, a line is drawn for something else.
    let is_drawn = |at: usize| {
        kinds[at] == Line::Drawn && (is_cells(at.checked_sub(1)) || lines[at].contains('+') && is_cells(Some(at + 1)))
    };
    let header = (1..lines.len()).find(|at| is_drawn(*at) && is_cells(at.checked_sub(1)))?;
    let mut result = String::with_capacity(text.len());
    for (at, line) in lines.iter().enumerate() {
        if at == header {
            put_cells(lines[at - 1], &mut result);
        } else if at + 1 == header || is_drawn(at) || line.trim_start().starts_with("```") {
            // An empty line keeps the numbers of the others.
        } else if kinds[at] == Line::Cells {
            put_cells(line, &mut result);
        } else {
            result.push_str(line);
        }
        result.push('\n');
    }
    Some(result)
}

fn kind(line: &str) -> Line {
    let line = line.trim();
    let is_drawing = line.chars().all(|c| matches!(c, '|' | '-' | ':' | '+' | '=' | ' '));
    let is_long = line.contains("---") || line.contains("===");
    let cells = || line.trim_matches('|').split('|').map(str::trim);
    // `- | -` is a row without values; `|-|-|` and `| :-- | -: |` are none.
    let is_tight = line.starts_with('|') && !line.contains(' ');
    let is_short = || cells().all(|cell| cell.contains('-') && (is_tight || cell.len() > 1) && !cell.contains(' '));
    if is_drawing && line.contains(['|', '+']) && (is_long || is_short()) {
        Line::Drawn
    } else if line.contains('|') {
        Line::Cells
    } else {
        Line::Other
    }
}

/// Writes the cells of a line as a delimited record, without the bars at its ends and without marks of bold type.
fn put_cells(line: &str, result: &mut String) {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').filter(|rest| !rest.ends_with('\\')).unwrap_or(line);
    let mut cell = String::new();
    let mut chars = line.chars().peekable();
    let mut is_first = true;
    loop {
        match chars.next() {
            Some('\\') if chars.peek() == Some(&'|') => cell.extend(chars.next()),
            Some(c) if c != '|' => cell.push(c),
            end => {
                if !std::mem::take(&mut is_first) {
                    result.push('|');
                }
                put_cell(&cell, result);
                cell.clear();
                if end.is_none() {
                    return;
                }
            }
        }
    }
}

fn put_cell(cell: &str, result: &mut String) {
    let cell = cell.trim();
    let inside = |mark: &str| cell.strip_prefix(mark)?.strip_suffix(mark).filter(|cell| !cell.is_empty());
    let cell = inside("**").or_else(|| inside("__")).or_else(|| inside("`")).unwrap_or(cell);
    if cell.starts_with('"') || cell.contains('|') {
        result.push('"');
        result.push_str(&cell.replace('"', "\"\""));
        result.push('"');
    } else {
        result.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_lines_are_taken_out() {
        for (text, right) in [
            ("| a | b |\n|---|:-:|\n| 1 | **2** |\n", "\na|b\n1|2\n"),
            ("a | b\n--- | ---\n1 | x\\|y\n", "\na|b\n1|\"x|y\"\n"),
            ("|a|b|\n|-|-|\n|1|2|\n", "\na|b\n1|2\n"),
            ("+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n+---+---+\n", "\n\na|b\n1|2\n\n"),
            (" a | b\n---+---\n 1 | 2\n", "\na|b\n1|2\n"),
            ("# T\n\n| a |\n|---|\n| 1 |\n", "# T\n\n\na\n1\n"),
        ] {
            assert_eq!(plain(text).as_deref(), Some(right), "{text}");
        }
        for text in ["a|b\n1|2\n", "a|b\n-|-\n1|2\n", "a,b\n---,5\n", "a - b\n---\nc | d\n", "|---|\n|1|\n"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
