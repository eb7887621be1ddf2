//! The words of a text as they are compared: each with its stem and what kind of word it is.

use crate::figures::{figure, is_calendar_word, number_word, scaled};
use crate::language::{Language, Stems, vote};
use crate::pieces::{Class, Piece, pieces};
use crate::stop_words::{is_negation, is_stop_word};

/// What kind of word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Says something about what is meant.
    Content,
    /// Holds the others together.
    Stop,
    /// Turns the statement around. All of them have one stem.
    Negation,
    /// A number, a date, a day, a code with a digit in it: equal or different, never alike.
    Value,
    /// A pair of characters.
    Pair,
}

/// A word.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) stem: String,
    pub(crate) kind: Kind,
    /// Whether it is written like a name, in a language and a text where that says something.
    pub(crate) name: bool,
    /// Where it stands in the text, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The stem of all negations.
pub(crate) const NOT: &str = "not";

/// Cuts a text and reads it in its own language.
pub(crate) fn read(text: &str, max: usize) -> Vec<Word> {
    let pieces = pieces(text, max);
    let language = language_of(&pieces);
    words(&pieces, language)
}

/// The language that the pieces vote for.
pub(crate) fn language_of(pieces: &[Piece]) -> Option<Language> {
    vote(pieces.iter().map(|piece| piece.lower.as_str()))
}

/// The words of pieces, read in a language. A piece may be two words (`don't`), and two pieces one (`5 million`, `per cent`).
pub(crate) fn words(pieces: &[Piece], language: Option<Language>) -> Vec<Word> {
    let stems = Stems::of(language);
    let names = names_are_told(pieces, language);
    let mut words = Vec::with_capacity(pieces.len());
    let mut rest = pieces.iter().peekable();
    while let Some(piece) = rest.next() {
        let lower = piece.lower.as_str();
        let next = rest.peek().map_or("", |next| next.lower.as_str());
        let mut push = |stem: String, kind: Kind, end: usize| {
            let name = names && kind == Kind::Content && piece.capital && !piece.opens;
            words.push(Word { stem, kind, name, start: piece.start, end });
        };
        match piece.class {
            Class::Pair => push(lower.to_owned(), Kind::Pair, piece.end),
            Class::Figure => match scaled(lower, next, language) {
                Some(figure) => {
                    let end = rest.next().map_or(piece.end, |scale| scale.end);
                    push(figure, Kind::Value, end);
                }
                None => push(figure(lower, language), Kind::Value, piece.end),
            },
            Class::Letters => {
                if let Some(number) = number_word(lower) {
                    push(number.to_owned(), Kind::Value, piece.end);
                } else if lower == "percent" || lower == "prozent" || (lower == "per" && next == "cent") {
                    let end = if lower == "per" { rest.next().map_or(piece.end, |cent| cent.end) } else { piece.end };
                    push("percent".to_owned(), Kind::Content, end);
                } else if is_calendar_word(lower) || lower.chars().any(|c| c.is_ascii_digit()) {
                    push(lower.to_owned(), Kind::Value, piece.end);
                } else if let Some(base) = contraction(lower) {
                    push(base.to_owned(), Kind::Stop, piece.end);
                    push(NOT.to_owned(), Kind::Negation, piece.end);
                } else if is_negation(lower) && !matches!(next, "only" | "nur") {
                    push(NOT.to_owned(), Kind::Negation, piece.end);
                } else if is_stop_word(lower, language) || is_negation(lower) {
                    push(lower.to_owned(), Kind::Stop, piece.end);
                } else {
                    push(stems.stem(lower), Kind::Content, piece.end);
                }
            }
        }
    }
    words
}

/// The verb of `don't`, `cannot` and their like.
fn contraction(lower: &str) -> Option<&str> {
    match lower {
        "can't" | "cannot" => Some("can"),
        "won't" => Some("will"),
        "shan't" => Some("shall"),
        lower => lower.strip_suffix("n't").filter(|base| !base.is_empty()),
    }
}

/// Whether a capital inside a sentence marks a name: not in German, and not in a headline with capitals everywhere.
fn names_are_told(pieces: &[Piece], language: Option<Language>) -> bool {
    let inside = || pieces.iter().filter(|piece| !piece.opens && piece.class == Class::Letters);
    let capitals = inside().filter(|piece| piece.capital).count();
    language != Some(Language::German) && capitals * 2 <= inside().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, Kind)> {
        read(text, 100).into_iter().map(|word| (word.stem, word.kind)).collect()
    }

    fn of(kind: Kind, text: &str) -> Vec<String> {
        said(text).into_iter().filter(|(_, is)| *is == kind).map(|(stem, _)| stem).collect()
    }

    #[test]
    fn kinds() {
        assert_eq!(
            of(Kind::Value, "On Monday Q3 rose five % to 2.5 million, at 9:30"),
            ["monday", "q3", "5", "2500000", "9:30"]
        );
        assert_eq!(of(Kind::Negation, "It doesn't, cannot and will never work; keine Sorge").len(), 4);
        assert!(of(Kind::Negation, "not only fast but cheap").is_empty());
        assert_eq!(of(Kind::Content, "5 per cent of the posts"), ["percent", "post"]);
    }

    #[test]
    fn names() {
        let names = |text: &str| read(text, 100).into_iter().filter(|word| word.name).count();
        assert_eq!(names("The office in Berlin opens soon"), 1);
        assert_eq!(names("The New Office In Berlin"), 0);
        assert_eq!(names("Das Büro in Berlin ist noch geschlossen"), 0);
    }
}
