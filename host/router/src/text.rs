//! Words: where they stand, and what they are when their endings are taken off.

use std::cell::RefCell;
use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

/// Most words of an utterance that are read; the rest is long material, not the request.
pub(crate) const MAX_TOKENS: usize = 2_000;
/// Most bytes of a word that are compared.
const MAX_WORD_BYTES: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Where it begins and ends in the text, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// In lower case.
    pub(crate) lower: String,
    /// Without its ending.
    pub(crate) stem: String,
    /// Whether it says nothing about what is meant.
    pub(crate) is_stop: bool,
}

/// A text and its words.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: Vec<Token>,
}

/// Splits texts. Making one costs nothing to speak of.
pub(crate) struct Splitter {
    stemmer: Stemmer,
    /// Stems of words that were split before. None: nothing is remembered.
    stems: Option<RefCell<HashMap<String, String>>>,
}

impl Splitter {
    pub(crate) fn new() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English), stems: None }
    }

    /// For many texts that share words: each word is stemmed once.
    pub(crate) fn remembering() -> Self {
        Self { stems: Some(RefCell::default()), ..Self::new() }
    }

    /// The words of a text. `'` inside a word belongs to it, everything else that is no letter or digit divides; `:` between digits does not (9:30).
    pub(crate) fn split<'a>(&self, text: &'a str) -> Words<'a> {
        let mut tokens = Vec::new();
        let mut start = None;
        let mut previous = ' ';
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let next = rest.peek().map_or(' ', |(_, next)| *next);
            let joins = match c {
                '\'' | '’' => previous.is_alphanumeric() && next.is_alphanumeric(),
                ':' | '.' | '-' => previous.is_ascii_digit() && next.is_ascii_digit(),
                '/' => previous.is_alphabetic() && next.is_alphabetic(),
                '_' => true,
                c => c.is_alphanumeric(),
            };
            match (joins, start) {
                (true, None) => start = Some(at),
                (false, Some(begin)) => {
                    tokens.push(self.token(text, begin, at));
                    start = None;
                }
                _ => {}
            }
            if tokens.len() >= MAX_TOKENS {
                return Words { text, tokens };
            }
            previous = c;
        }
        if let Some(begin) = start {
            tokens.push(self.token(text, begin, text.len()));
        }
        Words { text, tokens }
    }

    fn token(&self, text: &str, start: usize, end: usize) -> Token {
        let word = &text[start..end];
        let word = &word[..word.floor_char_boundary(MAX_WORD_BYTES)];
        let lower = if word.is_ascii() { word.to_ascii_lowercase() } else { word.to_lowercase().replace('’', "'") };
        let stem = self.stem(lower.strip_suffix("'s").unwrap_or(&lower));
        let is_stop = is_stop_word(&lower);
        Token { start, end, lower, stem, is_stop }
    }

    fn stem(&self, word: &str) -> String {
        let Some(stems) = &self.stems else { return self.stemmer.stem(word).into_owned() };
        let mut stems = stems.borrow_mut();
        if let Some(stem) = stems.get(word) {
            return stem.clone();
        }
        let stem = self.stemmer.stem(word).into_owned();
        stems.insert(word.to_owned(), stem.clone());
        stem
    }
}

impl<'a> Words<'a> {
    /// The text from the first word to the last one, both included.
    pub(crate) fn span(&self, first: usize, last: usize) -> &'a str {
        match (self.tokens.get(first), self.tokens.get(last)) {
            (Some(first), Some(last)) if first.start <= last.end => &self.text[first.start..last.end],
            _ => "",
        }
    }

    /// The word in lower case, or nothing past the end.
    pub(crate) fn lower(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &token.lower)
    }

    /// Whether these words stand at this place.
    pub(crate) fn at(&self, index: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| self.lower(index + offset) == *word)
    }

    /// What stands between a word and the next one.
    pub(crate) fn gap_after(&self, index: usize) -> &'a str {
        let start = self.tokens.get(index).map_or(self.text.len(), |token| token.end);
        let end = self.tokens.get(index + 1).map_or(self.text.len(), |token| token.start);
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Words that say nothing about what is meant, sorted.
const STOP_WORDS: &[&str] = &[
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "get", "give", "had", "has", "have", "he", "her", "here", "him", "his", "how", "i",
    "i'd", "i'll", "i'm", "if", "in", "into", "is", "it", "it's", "its", "just", "let", "let's", "like", "make", "me",
    "my", "need", "of", "on", "one", "or", "our", "out", "please", "she", "should", "so", "some", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "up", "us", "want", "was", "we",
    "were", "what", "when", "which", "who", "will", "with", "would", "you", "your",
];

/// Whether a word, in lower case, says nothing about what is meant.
pub(crate) fn is_stop_word(word: &str) -> bool {
    // None of them is longer.
    word.len() <= 6 && STOP_WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_where_they_stand() {
        let words = Splitter::new().split("Let's post—at 9:30, on 2026-12-24: “AI’s trends”!");
        let lower: Vec<&str> = words.tokens.iter().map(|token| token.lower.as_str()).collect();
        assert_eq!(lower, ["let's", "post", "at", "9:30", "on", "2026-12-24", "ai's", "trends"]);
        assert_eq!(words.span(6, 7), "AI’s trends");
        assert_eq!(words.tokens[7].stem, "trend");
        assert_eq!(words.gap_after(7), "”!");
    }

    #[test]
    fn every_stop_word_is_found() {
        assert!(STOP_WORDS.is_sorted() && STOP_WORDS.iter().all(|word| is_stop_word(word)));
        assert!(!is_stop_word("report") && !is_stop_word("") && !is_stop_word("zz"));
    }

    #[test]
    fn remembered_stems_are_the_same() {
        let text = "Analysing reports, reporting the analyses: the reports’ analysis AI’s";
        let remembering = Splitter::remembering();
        for _ in 0..2 {
            assert_eq!(remembering.split(text).tokens, Splitter::new().split(text).tokens);
        }
    }

    #[test]
    fn long_and_odd_texts_are_bounded() {
        let splitter = Splitter::new();
        assert_eq!(splitter.split(&"word ".repeat(10_000)).tokens.len(), MAX_TOKENS);
        assert!(splitter.split(&"ä".repeat(10_000)).tokens[0].lower.len() <= MAX_WORD_BYTES);
        assert!(splitter.split("🙂 — !!").tokens.is_empty());
    }
}
