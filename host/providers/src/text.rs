//! Text that others wrote, made fit to be shown.

use crate::key::ApiKey;

/// Longest message of a provider that is repeated, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// Characters that nobody sees: controls, marks that reverse the direction of writing, marks without width.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// On one line, without control characters, each run of spaces as one, and at most so many characters; what was cut ends with `…`.
pub(crate) fn clean(text: &str, max_chars: usize) -> String {
    let mut cleaned = String::new();
    let (mut chars, mut space, mut last) = (0, false, 0);
    for c in text.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if unseen(c) {
            continue;
        }
        let wanted = 1 + usize::from(space && chars > 0);
        if chars + wanted > max_chars {
            cleaned.truncate(if chars == max_chars { last } else { cleaned.len() });
            cleaned.push('…');
            return cleaned;
        }
        if wanted == 2 {
            cleaned.push(' ');
        }
        last = cleaned.len();
        cleaned.push(c);
        chars += wanted;
        space = false;
    }
    cleaned
}

/// A provider's own message: [`clean`], and without the key if the provider repeats it.
pub(crate) fn message(text: &str, key: Option<&ApiKey>) -> String {
    match key {
        Some(key) => clean(&text.replace(key.reveal(), "***"), MAX_MESSAGE_CHARS),
        None => clean(text, MAX_MESSAGE_CHARS),
    }
}

/// Plain text of a piece of HTML: tags and comments go, entities become what they stand for. It is text, not HTML: whoever shows it in a page
/// escapes it.
pub(crate) fn plain(html: &str, max_chars: usize) -> String {
    // Long enough for any markup around what is kept.
    let html = &html[..html.floor_char_boundary(max_chars.saturating_mul(16))];
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        text.push_str(before);
        if !tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            text.push('<');
            rest = &tag[1..];
            continue;
        }
        let Some(end) = tag.find('>') else {
            // Nothing after this closes a tag either.
            rest = tag;
            break;
        };
        rest = &tag[end + 1..];
    }
    text.push_str(rest);
    clean(&html_escape::decode_html_entities(&text), max_chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_one_clean_line() {
        let table = [
            ("plain", "plain"),
            ("  two\r\n\t lines  ", "two lines"),
            ("bell\u{7} esc\u{1b}[31m", "bell esc[31m"),
            ("\u{202e}desrever\u{2066}\u{feff}", "desrever"),
            ("", ""),
            ("\u{0}\n", ""),
        ];
        for (dirty, cleaned) in table {
            assert_eq!(clean(dirty, 100), cleaned);
        }
    }

    #[test]
    fn a_cut_text_has_exactly_the_limit() {
        assert_eq!(clean("abcde", 5), "abcde");
        assert_eq!(clean("abcdef", 5), "abcd…");
        assert_eq!(clean("abcd ef", 5), "abcd…");
        assert_eq!(clean("äöüäöü", 5), "äöüä…");
        assert_eq!(clean("abcde \n", 5), "abcde");
        assert_eq!(clean(&"x ".repeat(1_000), 500).chars().count(), 500);
    }

    #[test]
    fn markup_goes_and_text_stays() {
        let table = [
            ("a <strong>b</strong> c", "a b c"),
            ("1 &lt; 2 &amp;&amp; 3 &#62; 2 &eacute;", "1 < 2 && 3 > 2 é"),
            ("a < b and c > d", "a < b and c > d"),
            ("<!-- hidden -->shown<br/>", "shown"),
            ("cut <str", "cut <str"),
            ("<a href=\"x\">link</a>", "link"),
            ("no entity &nope; &", "no entity &nope; &"),
            ("bell &#7;", "bell &#7;"),
        ];
        for (html, text) in table {
            assert_eq!(plain(html, 100), text, "{html}");
        }
        assert!(plain(&"<a".repeat(1 << 20), 300).chars().count() <= 300);
    }

    #[test]
    fn a_message_does_not_repeat_the_key() {
        let key = ApiKey::from("sk-hush");
        assert_eq!(message("the key sk-hush is wrong", Some(&key)), "the key *** is wrong");
        assert_eq!(message(&"é".repeat(600), None).chars().count(), 500);
    }
}
