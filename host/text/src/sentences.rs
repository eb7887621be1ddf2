//! Cuts a text into sentences.

use crate::figures::is_month;

/// Most bytes of a text that are read.
pub(crate) const MAX_BYTES: usize = 128 * 1024;
/// Most sentences of a text.
pub(crate) const MAX_SENTENCES: usize = 500;
/// Most bytes behind a point that are looked at.
const LOOK_AHEAD_BYTES: usize = 64;
/// Most bytes of a sentence; a longer one is cut at a space.
const MAX_SENTENCE_BYTES: usize = 1_000;

/// The sentences of a text with where each begins, in bytes: without the spaces around them and the signs of list items before them.
///
/// A sentence ends at `.`, `!`, `?`, `…` and their wide forms, at an empty line, and where a list item or a row
/// of a table begins. A point does not end one
/// inside a number, an address or an abbreviation, behind an initial, behind a day before its month, or before a small letter.
pub(crate) fn sentences(text: &str) -> Vec<(usize, &str)> {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let mut found = Vec::new();
    let mut start = 0;
    let mut space = 0;
    for (at, c) in text.char_indices() {
        if at < start {
            continue;
        }
        let after = at + c.len_utf8();
        if c.is_whitespace() {
            space = after;
        }
        let ends = match c {
            '\n' | '\r' => breaks_line(&text[after..]),
            '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' => ends_sentence(&text[start..after], &text[after..]),
            _ => false,
        };
        if ends {
            // Quotes and brackets that close belong to the sentence.
            let close = |c: char| matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」' | '』' | '.' | '!' | '?');
            let end = text[after..].find(|c| !close(c)).map_or(text.len(), |length| after + length);
            push(text, start, end, &mut found);
            start = end;
        } else if after - start > MAX_SENTENCE_BYTES {
            let end = if space > start { space } else { after };
            push(text, start, end, &mut found);
            start = end;
        }
        if found.len() >= MAX_SENTENCES {
            return found;
        }
    }
    push(text, start, text.len(), &mut found);
    found
}

fn push<'a>(text: &'a str, start: usize, end: usize, found: &mut Vec<(usize, &'a str)>) {
    let Some(whole) = text.get(start..end) else { return };
    let whole = whole.trim_end();
    let body = without_bullet(whole.trim_start());
    if body.chars().any(char::is_alphanumeric) {
        found.push((start + whole.len() - body.len(), body));
    }
}

/// The line without the sign of a list item: `-`, `*`, `•`, `#`, `1.`, `2)`.
fn without_bullet(line: &str) -> &str {
    let rest = line.trim_start_matches(['-', '*', '+', '•', '–', '—', '‣', '·', '#', '>']);
    if rest.len() < line.len() && rest.starts_with(char::is_whitespace) {
        return rest.trim_start();
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match line.get(digits..).and_then(|rest| rest.strip_prefix(['.', ')'])) {
        Some(rest) if (1..=3).contains(&digits) && rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => line,
    }
}

/// Whether the line that begins here is no continuation: it is empty, a list item or a row of a table.
fn breaks_line(rest: &str) -> bool {
    let line = rest.split(['\n', '\r']).next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with('|') || without_bullet(line).len() < line.len()
}

/// Whether the sign at the end of `so_far` ends a sentence.
fn ends_sentence(so_far: &str, rest: &str) -> bool {
    let rest = &rest[..rest.floor_char_boundary(LOOK_AHEAD_BYTES)];
    let next = rest.trim_start_matches(['"', '\'', ')', ']', '”', '’', '»', '.', '!', '?']);
    if next.is_empty() {
        return true;
    }
    if !next.starts_with(char::is_whitespace) {
        return false;
    }
    let next = next.trim_start();
    if next.starts_with(char::is_lowercase) && !so_far.ends_with(['!', '?']) {
        return false;
    }
    let Some(so_far) = so_far.strip_suffix('.') else { return true };
    let word = so_far.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '“' | '„')).next().unwrap_or("");
    let next_word = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic) && word != "I";
    let is_pointed = word.contains('.')
        && word.split('.').all(|part| part.chars().count() <= 2 && !part.contains(|c: char| c.is_ascii_digit()));
    let is_number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let is_day = is_number && word.len() <= 2 && is_month(&next_word.to_lowercase());
    let is_item = is_number && so_far.trim_start().len() == word.len();
    !(is_initial || is_pointed || is_day || is_item || is_abbreviation(&word.to_lowercase(), next))
}

/// Words that stand before a point without ending a sentence. `etc` and its like are not among them: before a capital they mostly end one.
fn is_abbreviation(lower: &str, next: &str) -> bool {
    const WORDS: &[&str] = &[
        "approx", "bspw", "bzw", "ca", "capt", "cf", "dept", "dr", "eg", "evtl", "ggf", "gov", "hr", "ie", "inkl",
        "jr", "lt", "mio", "mr", "mrd", "mrs", "ms", "mt", "nr", "prof", "rev", "sen", "sog", "sr", "st", "str", "vgl",
        "vs", "zzgl",
    ];
    /// These are abbreviations before a number only; elsewhere they are words.
    const BEFORE_NUMBERS: &[&str] = &["abb", "art", "fig", "max", "min", "no", "p", "pp", "tel", "vol"];
    WORDS.contains(&lower) || BEFORE_NUMBERS.contains(&lower) && next.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|(_, sentence)| sentence).collect()
    }

    #[test]
    fn points_that_end_nothing() {
        for whole in [
            "Dr. Smith paid 3.50 at shop.example.com/a.html today.",
            "See e.g. Chapter 4 or i.e. the U.S. Senate.",
            "J. R. Tolkien met Prof. Lewis vs. St. Peter.",
            "Am 3. Mai kamen z. B. Gäste, d.h. Freunde, ca. 50.",
            "It was so... quiet.",
            "Meet at 9 a.m. in Room 3, Fig. 4.",
        ] {
            assert_eq!(of(whole), [whole]);
        }
    }

    #[test]
    fn points_that_end() {
        assert_eq!(
            of("It rained. We left! Why? (No idea.) Done"),
            ["It rained.", "We left!", "Why?", "(No idea.)", "Done"]
        );
        assert_eq!(of("The sum was 12. Then \"it ended.\" Next."), ["The sum was 12.", "Then \"it ended.\"", "Next."]);
        assert_eq!(of("Did it? No. It cost 3.5. See no. 7."), ["Did it?", "No.", "It cost 3.5.", "See no. 7."]);
        assert_eq!(of("今日は晴れ。明日は雨。"), ["今日は晴れ。", "明日は雨。"]);
    }

    #[test]
    fn lines_and_lists() {
        let text = "A title\n\nA sentence over\ntwo lines. More\n- first item\n* second item\n3. third item\n4) last";
        let wanted =
            ["A title", "A sentence over\ntwo lines.", "More", "first item", "second item", "third item", "last"];
        assert_eq!(of(text), wanted);
        for (start, sentence) in sentences(text) {
            assert_eq!(&text[start..start + sentence.len()], sentence);
        }
    }

    #[test]
    fn bounds() {
        assert!(of("… -- !!").is_empty());
        assert!(sentences(&"A b. ".repeat(10_000)).len() <= MAX_SENTENCES);
        assert!(sentences(&"word ".repeat(10_000)).iter().all(|(_, it)| it.len() <= MAX_SENTENCE_BYTES));
        // A point is judged by what is near it: a megabyte of points costs a pass, not a pass for each.
        assert!(sentences(&".".repeat(1 << 20)).is_empty());
        assert!(sentences(&"ä".repeat(100_000)).len() > 10);
    }
}
