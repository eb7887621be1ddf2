//! Words between quotes.

use crate::text::Words;

/// Pairs of marks; the same mark twice opens and closes.
const PAIRS: &[(char, char)] = &[('"', '"'), ('“', '”'), ('«', '»'), ('„', '“'), ('‘', '’'), ('\'', '\'')];
/// Most quotes of an utterance that are read.
const MAX_QUOTES: usize = 32;

/// Words between quotes: the first and the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) first: usize,
    pub(super) last: usize,
    /// Between single marks, which are apostrophes too.
    pub(super) is_single: bool,
}

/// All quotes, in their order; those within others are part of them.
pub(super) fn all(words: &Words<'_>) -> Vec<Quote> {
    let text = words.text;
    let mut found = Vec::new();
    let mut open: Option<(char, usize)> = None;
    let mut tries = 0;
    let mut previous = ' ';
    let end = words.tokens.last().map_or(0, |token| token.end);
    let mut rest = text.char_indices().peekable();
    while let Some((at, mark)) = rest.next() {
        let next = rest.peek().map_or(' ', |(_, next)| *next);
        let is_single = |mark: char| matches!(mark, '\'' | '‘' | '’');
        match open {
            Some((close, begin)) if mark == close && (!is_single(mark) || ends_word(previous, next)) => {
                open = None;
                let first = words.tokens.partition_point(|token| token.start < begin);
                let last = words.tokens.partition_point(|token| token.end <= at);
                if first < last {
                    found.push(Quote { first, last: last - 1, is_single: is_single(mark) });
                }
            }
            Some(_) => {}
            None => {
                let pair = PAIRS.iter().find(|(opens, _)| *opens == mark);
                let begins = !previous.is_alphanumeric() && !next.is_whitespace();
                if let Some((_, close)) = pair.filter(|_| (!is_single(mark) || begins) && tries < 2 * MAX_QUOTES) {
                    tries += 1;
                    // One that is closed nowhere is no quote: "the '90s".
                    let begin = at + mark.len_utf8();
                    open = closes(text, begin, *close).then_some((*close, begin));
                }
            }
        }
        if found.len() >= MAX_QUOTES || at > end {
            break;
        }
        previous = mark;
    }
    found
}

/// A single mark closes behind a word, and not within one.
fn ends_word(previous: char, next: char) -> bool {
    !previous.is_whitespace() && !next.is_alphanumeric()
}

/// Most bytes from the mark that opens to the one that closes.
const MAX_QUOTE_BYTES: usize = 2_000;

fn closes(text: &str, begin: usize, close: char) -> bool {
    let mut previous = ' ';
    let mut rest = text[begin..].char_indices().peekable();
    while let Some((at, mark)) = rest.next() {
        let next = rest.peek().map_or(' ', |(_, next)| *next);
        if mark == close && (!matches!(close, '\'' | '’') || ends_word(previous, next)) {
            return true;
        }
        if at > MAX_QUOTE_BYTES {
            return false;
        }
        previous = mark;
    }
    false
}
