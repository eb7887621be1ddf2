//! Small tools on English utterances: clauses, beginnings, clean endings. No meaning lives here.

/// Beginnings that make what follows "and" a clause of its own.
const NEW_CLAUSE: &[&str] = &[
    "call me ",
    "my name ",
    "my time",
    "my timezone",
    "remember ",
    "forget ",
    "i prefer ",
    "i like ",
    "always ",
    "never ",
    "what ",
    "set my ",
    "tell me ",
    "help",
];

/// Splits an utterance into clauses, as it was written.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for (at, letter) in text.char_indices() {
        let next_is_space = bytes.get(at + letter.len_utf8()).is_none_or(u8::is_ascii_whitespace);
        let ends_sentence = matches!(letter, '!' | '?' | ';' | '\n' | '。' | '！' | '？' | '؟' | '।')
            || (letter == '.' && next_is_space && !is_abbreviation(&text[start..at]));
        if ends_sentence {
            push_joined(&mut clauses, &text[start..at]);
            start = at + letter.len_utf8();
        }
    }
    push_joined(&mut clauses, &text[start..]);
    clauses
}

/// Whether the full stop behind this text belongs to a title or an initial, as in "Dr. Ada K. King".
fn is_abbreviation(text: &str) -> bool {
    let word = text.rsplit(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    is_initial || ["Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Jr", "Sr"].contains(&word)
}

/// Splits a sentence where "and" or a comma begins another clause.
fn push_joined<'a>(clauses: &mut Vec<&'a str>, sentence: &'a str) {
    let lower = sentence.to_ascii_lowercase();
    let mut start = 0;
    for joint in [", and ", " and ", ", "].iter().flat_map(|joint| lower.match_indices(joint)).collect::<Vec<_>>() {
        let (at, joint) = joint;
        let rest = &lower[at + joint.len()..];
        if at >= start && NEW_CLAUSE.iter().any(|beginning| rest.starts_with(beginning)) {
            push(clauses, &sentence[start..at]);
            start = at + joint.len();
        }
    }
    push(clauses, &sentence[start..]);
}

fn push<'a>(clauses: &mut Vec<&'a str>, clause: &'a str) {
    let clause = clean(clause);
    if !clause.is_empty() {
        clauses.push(clause);
    }
}

/// Without surrounding space, quotes and punctuation.
pub(crate) fn clean(text: &str) -> &str {
    let trimmed = text.trim_start_matches(is_around);
    let clean = trimmed.trim_end_matches(is_around);
    // The full stop of "J.R." and "King Jr." belongs to the name.
    let with_stop = trimmed.get(..clean.len() + 1).filter(|with_stop| with_stop.ends_with('.'));
    with_stop.filter(|_| needs_stop(clean)).unwrap_or(clean)
}

fn is_around(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '"' | '“' | '”' | '„' | '«' | '»' | ',' | '.' | ':' | ';' | '!' | '?')
        || matches!(letter, '。' | '！' | '？' | '，' | '、' | '；' | '،' | '؟' | '؛' | '।')
}

/// Whether a text ends with initials or a title that keep their full stop.
fn needs_stop(clean: &str) -> bool {
    let word = clean.rsplit(char::is_whitespace).next().unwrap_or_default();
    let mut initials = word.rsplit('.');
    let is_initial = |part: &str| part.chars().count() == 1 && part.chars().all(char::is_uppercase);
    ["Jr", "Sr"].contains(&word) || (word.contains('.') && initials.all(is_initial))
}

/// What follows one of the beginnings, as it was written; case does not matter, and a word does not end in the middle.
pub(crate) fn after<'a>(clause: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    let lower = clause.to_ascii_lowercase();
    let beginning =
        beginnings.iter().filter(|beginning| lower.starts_with(**beginning)).max_by_key(|text| text.len())?;
    let rest = &clause[beginning.len()..];
    let whole_word = beginning.ends_with(' ') || rest.chars().next().is_none_or(|letter| !letter.is_alphanumeric());
    whole_word.then(|| clean(rest))
}

/// Whether the utterance has these words, one after the other, as whole words.
pub(crate) fn has_phrase(text: &str, phrase: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(phrase).any(|(at, _)| {
        let before = lower[..at].chars().next_back().is_none_or(|letter| !letter.is_alphanumeric());
        let behind = lower[at + phrase.len()..].chars().next().is_none_or(|letter| !letter.is_alphanumeric());
        before && behind
    })
}

/// Without the polite words around it.
pub(crate) fn without_politeness(clause: &str) -> &str {
    let mut clause = clean(clause);
    loop {
        let polite = [
            "please ",
            "hi ",
            "hi, ",
            "hello ",
            "hello, ",
            "hey ",
            "hey, ",
            "ok ",
            "ok, ",
            "okay ",
            "and ",
            "also ",
            "then ",
            "but ",
            "can you ",
            "could you ",
            "would you ",
            "will you ",
            "you can ",
            "i want you to ",
            "i'd like you to ",
        ];
        let Some(rest) = after(clause, &polite) else { break };
        clause = rest;
    }
    for ending in [" please", " thanks", " thank you", " from now on", " too", " for me"] {
        let lower = clause.to_ascii_lowercase();
        if lower.ends_with(ending) {
            clause = clean(&clause[..clause.len() - ending.len()]);
        }
    }
    clause
}

/// Whether an answer agrees.
pub(crate) fn is_yes(answer: &str) -> bool {
    let first = answer.split(|letter: char| !letter.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("");
    ["yes", "y", "yeah", "yep", "sure", "ok", "okay", "ja", "oui", "si", "do", "confirm", "confirmed"]
        .contains(&first.to_lowercase().as_str())
}

/// A key for memory: lower-case words of the text joined by `-`, without words that say nothing; at most 64 bytes.
pub(crate) fn slug(text: &str) -> String {
    const EMPTY: &[&str] = &[
        "a", "an", "the", "my", "i", "me", "to", "of", "is", "are", "am", "be", "that", "it", "for", "in", "and",
        "with", "s",
    ];
    let mut slug = String::new();
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let telling: Vec<&str> = words.iter().copied().filter(|word| !EMPTY.contains(word)).collect();
    for word in if telling.is_empty() { words } else { telling } {
        if slug.len() + word.len() + 1 > 64 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_utterance_splits_where_a_new_wish_begins() {
        assert_eq!(
            split("Call me Ada and remember that I like cats and dogs. My time zone is Europe/Berlin"),
            ["Call me Ada", "remember that I like cats and dogs", "My time zone is Europe/Berlin"]
        );
        assert_eq!(split("I use v1.2 of it"), ["I use v1.2 of it"]);
        assert_eq!(split(" ?! "), Vec::<&str>::new());
    }

    #[test]
    fn beginnings_end_at_a_word() {
        assert_eq!(after("Call me Ada!", &["call me"]), Some("Ada"));
        assert_eq!(after("call mercury", &["call me"]), None);
        assert_eq!(without_politeness("Hello, could you call me Ada please"), "call me Ada");
    }

    #[test]
    fn slugs_keep_the_telling_words() {
        assert_eq!(slug("the Tone of my Posts"), "tone-posts");
        assert_eq!(slug("ÜBER größe"), "über-größe");
        assert_eq!(slug("!!"), "");
        assert!(slug(&"word ".repeat(100)).len() <= 64);
    }
}
