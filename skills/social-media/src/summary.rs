//! A post that sums up what another skill answered: what it is about, and its text where no language model writes it. It says nothing but what stands there.

use crate::wish::Material;

/// What it is called where it has no heading.
const UNTITLED: &str = "Summary";
/// Most characters of a title.
const MAX_TITLE_CHARS: usize = 60;

/// What the material is about: its heading.
pub(crate) fn title(material: &Material) -> String {
    let heading = material.text.lines().find_map(|line| line.trim().strip_prefix("# "));
    let title: String = heading.unwrap_or(UNTITLED).trim().chars().take(MAX_TITLE_CHARS).collect();
    if title.is_empty() { UNTITLED.to_owned() } else { title }
}

/// The title and as many of the figures or sentences as fit into so many characters, in their order.
pub(crate) fn text(material: &Material, limit: usize) -> String {
    let mut text = title(material);
    let mut length = text.chars().count();
    let facts = figures(&material.text);
    let facts = if facts.is_empty() { sentences(&material.text) } else { facts };
    for (index, fact) in facts.iter().enumerate() {
        let gap = if index == 0 { ": " } else { "; " };
        let more = gap.len() + fact.chars().count();
        if length + more < limit {
            text.push_str(gap);
            text.push_str(fact);
            length += more;
        }
    }
    text.push('.');
    text
}

/// The rows of the tables, as `name value`.
fn figures(markdown: &str) -> Vec<String> {
    let mut figures = Vec::new();
    let mut lines = markdown.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let is_header = lines.peek().is_some_and(|next| next.starts_with('|') && next.contains("---"));
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if !line.starts_with('|') || line.contains("---") || is_header || cells.len() < 2 {
            continue;
        }
        let (name, value) = (plain(cells[0]), plain(cells[1]));
        if !name.is_empty() && !value.is_empty() {
            figures.push(format!("{name} {value}"));
        }
    }
    figures
}

/// The sentences of its paragraphs.
fn sentences(markdown: &str) -> Vec<String> {
    let paragraphs =
        markdown.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '|', '>']));
    let sentences = paragraphs.flat_map(|line| line.split_inclusive(['.', '!', '?']));
    sentences.map(|sentence| plain(sentence).trim_end_matches('.').to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Without the marks of Markdown.
fn plain(text: &str) -> String {
    text.replace(['*', '`', '_'], "").trim_start_matches("- ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(text: &str) -> Material {
        Material { text: text.to_owned() }
    }

    #[test]
    fn figures_come_first_and_only_as_many_as_fit() {
        let report = material(
            "# Report of May\n\nIntro.\n\n| measure | value | source |\n|---|---:|---|\n| **Posts** | 3 | memory |\n| Jobs | 12 | engine |\n",
        );
        assert_eq!(title(&report), "Report of May");
        assert_eq!(text(&report, 280), "Report of May: Posts 3; Jobs 12.");
        assert_eq!(text(&report, 25), "Report of May: Posts 3.");
        assert_eq!(text(&report, 14), "Report of May.");
    }

    #[test]
    fn without_tables_its_sentences_are_taken() {
        let told = material("It rained. It was *cold*!\n\n> quoted\n");
        assert_eq!(text(&told, 280), "Summary: It rained; It was cold!.");
    }
}
