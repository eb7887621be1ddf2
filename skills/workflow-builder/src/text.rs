//! Words of an utterance, reduced so that "creates" and "creating" meet "create", and names for paths.

/// Longest part of a path that is made of words.
const MAX_SLUG: usize = 60;

/// The words of a text: lower case, reduced to their stem.
pub(crate) fn stems(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(stem)
        .collect()
}

/// Without the common English endings. Crude, but the same on both sides of every comparison.
fn stem(word: &str) -> String {
    let mut word = word.replace("ys", "yz").replace("is", "iz");
    for ending in ["ing", "ies", "es", "s", "ed", "e", "y"] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.chars().count() >= 3
        {
            word = rest.to_owned();
            break;
        }
    }
    word
}

/// Whether the words of the phrase stand in the text in this order, other words between them or not.
pub(crate) fn holds(text: &[String], phrase: &[String]) -> bool {
    let mut words = text.iter();
    phrase.iter().all(|wanted| words.any(|word| word == wanted))
}

/// Whether the text has this word, in any form of it.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    holds(&stems(text), &stems(word))
}

/// Whether the text has one of these words.
pub(crate) fn has_any(text: &str, words: &[&str]) -> bool {
    let text = stems(text);
    words.iter().any(|word| holds(&text, &stems(word)))
}

/// A part of a path: ASCII letters, digits and `_`. What does not fit into that is told apart by a few digits at the end, so that two
/// texts never share a path by what was left out. `nothing` where the text has no letters at all.
pub(crate) fn path_part(text: &str, nothing: &str) -> String {
    let mut part = String::new();
    let text = text.to_lowercase();
    let mut is_whole = text.is_ascii();
    for word in text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if part.len() + word.len() + 1 > MAX_SLUG {
            is_whole = false;
            break;
        }
        if !part.is_empty() {
            part.push('_');
        }
        part.push_str(word);
    }
    if part.is_empty() {
        part.push_str(nothing);
    }
    if is_whole { part } else { format!("{part}_{:08x}", fnv1a(&text)) }
}

/// FNV-1a, 32 bits: the same on every machine and in every version, unlike the standard library's hash.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            ["create", "creates", "creating"],
            ["schedule", "schedules", "scheduling"],
            ["analyse", "analyzes", "analysing"],
            ["post", "posts", "posting"],
            ["summary", "summaries", "summary"],
        ] {
            assert!(forms.iter().all(|form| stems(form) == stems(forms[0])), "{forms:?} {:?}", forms.map(stems));
        }
        assert!(has_word("It creates a Twitter post", "create post"));
        assert!(!has_word("a post is created", "create post"));
        assert!(!has_word("compost", "post"));
    }

    #[test]
    fn path_parts_are_plain_and_short() {
        assert_eq!(path_part("Every Monday at 09:00", "x"), "every_monday_at_09_00");
        assert_eq!(path_part("!", "flow"), "flow");
        assert_ne!(path_part("日本", "flow"), path_part("中国", "flow"));
        let long = "word ".repeat(100);
        assert_ne!(path_part(&format!("{long} a"), "x"), path_part(&format!("{long} b"), "x"));
        assert!(path_part(&long, "x").len() <= MAX_SLUG + 9);
    }
}
