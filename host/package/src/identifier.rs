//! Identifiers of skills: from a name for people, or as the author writes them down.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Most characters of an identifier.
pub const MAX_CHARS: usize = 64;

/// Latin letters that have no form without their mark (Unicode gives them no decomposition).
const LETTERS: &[(char, &str)] = &[
    ('ß', "ss"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ø', "o"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "th"),
    ('ł', "l"),
    ('ħ', "h"),
    ('ı', "i"),
    ('ŋ', "ng"),
    ('ŧ', "t"),
];

/// Turns a name for people into an identifier: Latin letters without their marks in lower case and
/// digits, and one `-` for everything between them. Empty where the name has no Latin letter or digit.
#[must_use]
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if let Some((_, letters)) = LETTERS.iter().find(|(letter, _)| *letter == c) {
            slug.push_str(letters);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Whether a text is an identifier already: 1 to [`MAX_CHARS`] lower-case letters and digits, with
/// single `-` between them.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_CHARS && slug(text) == text
}

/// Whether two names are the same name written differently: capitals, spaces, `-`, `_` and a sign at the
/// end of a sentence do not count, everything else does. `Find Notes!` and `find-notes` are, `Büro` and
/// `Béro` are not, nor are `C++ Helper` and `C# Helper`.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    let plain = |text: &str| -> String {
        let text: String = text.nfkc().collect();
        let text = text.trim().trim_end_matches(['!', '.', '?']);
        text.chars().filter(|c| !c.is_whitespace() && !"-_".contains(*c)).flat_map(char::to_lowercase).collect()
    };
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_its_letters_without_marks() {
        for (title, expected) in [
            ("Social Media", "social-media"),
            ("  A -- B! ", "a-b"),
            ("Ünï", "uni"),
            ("Büro", "buro"),
            ("Béro", "bero"),
            ("Be\u{301}ro", "bero"),
            ("Straße & Ærø", "strasse-aero"),
            ("Łódź", "lodz"),
            ("Đặng Văn", "dang-van"),
            ("ＦＵＬＬ ｗｉｄｔｈ", "full-width"),
            ("İstanbul", "istanbul"),
            ("日本", ""),
            ("日本 Tools", "tools"),
            ("anthropic:pdf", "anthropic-pdf"),
        ] {
            assert_eq!(slug(title), expected, "{title}");
        }
    }

    #[test]
    fn an_identifier_is_its_own_slug() {
        for good in ["a", "find-notes", "7zip", &"x".repeat(64)] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "A", "a--b", "-a", "a-", "a b", "büro", "日本", &"x".repeat(65)] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn names_are_compared_by_their_letters_and_signs() {
        for (a, b, same) in [
            ("Find Notes", "find-notes", true),
            ("FIND_NOTES!", "find notes", true),
            ("Büro", "Bu\u{308}ro", true),
            ("Büro", "Béro", false),
            ("Büro", "buro", false),
            ("日本 Tools", "中国 Tools", false),
            ("Notes", "notes.", true),
            ("C++ Helper", "C# Helper", false),
            ("C++ Helper", "C Helper", false),
            ("Q&A Notes", "Q/A Notes", false),
            ("Q&A Notes", "q&a notes", true),
            ("1.0 Tools", "10 Tools", false),
        ] {
            assert_eq!(same_name(a, b), same, "{a} and {b}");
        }
    }
}
