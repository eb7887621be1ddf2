//! Words, pairs of words and pieces of words (2 to 5 letters, with the word's ends) as hashed numbers.

use std::ops::RangeInclusive;

use crate::text::Words;

/// Most words of a text that are learnt from or asked about: a request says what it wants in its first sentences.
pub(super) const MAX_WORDS: usize = 96;
/// Most letters of a word that are cut into pieces.
const MAX_LETTERS: usize = 32;
/// Lengths of the pieces.
const PIECES: RangeInclusive<usize> = 2..=5;

/// What kind of feature it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Pair,
    Piece,
}

impl Kind {
    /// What a pair of words, and what a piece of a word, counts beside a word.
    pub(super) fn weight(self) -> f32 {
        match self {
            Self::Word => 1.0,
            Self::Pair => 0.6,
            Self::Piece => 0.5,
        }
    }
}

/// A feature of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feature {
    /// A hash of its kind and its letters.
    pub(super) key: u64,
    /// How much it counts before it is known how rare it is.
    pub(super) weight: f32,
    /// The word where it first stands.
    pub(super) at: u32,
}

/// Where a key's hash ends: below stand kind and place, so that one sort of plain numbers does it all.
const BELOW: u32 = 9;

/// The features of a text, each once, by their keys.
pub(super) fn features(words: &Words<'_>) -> Vec<Feature> {
    let mut found: Vec<u64> = Vec::with_capacity(words.tokens.len().min(MAX_WORDS) * 32);
    let mut letters: Vec<char> = Vec::with_capacity(MAX_LETTERS + 2);
    let mut before: Option<u64> = None;
    for (token, at) in words.tokens.iter().take(MAX_WORDS).zip(0_u64..) {
        let word = word_key(&token.stem);
        found.push(word | at);
        if let Some(before) = before {
            found.push(pair_key(before, word) | (1 << 7) | at);
        }
        before = Some(word);
        pieces(&token.lower, &mut letters, |piece| found.push(piece | (2 << 7) | at));
    }
    found.sort_unstable();
    let mut once: Vec<Feature> = Vec::with_capacity(found.len());
    for same in found.chunk_by(|a, b| a >> BELOW == b >> BELOW) {
        let kind = match (same[0] >> 7) & 3 {
            0 => Kind::Word,
            1 => Kind::Pair,
            _ => Kind::Piece,
        };
        let at = (same[0] & 127) as u32;
        once.push(Feature { key: same[0] >> BELOW << BELOW, weight: kind.weight() * often(same.len()), at });
    }
    once
}

/// What a feature counts that stands so often in a text.
#[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
pub(super) fn often(times: usize) -> f32 {
    if times == 1 { 1.0 } else { 1.0 + (times as f32).ln() }
}

/// The key of a word, by its stem.
pub(super) fn word_key(stem: &str) -> u64 {
    ended(stem.chars().fold(mix(1), step))
}

/// The key of two neighbours, by their keys.
pub(super) fn pair_key(first: u64, second: u64) -> u64 {
    ended(mix(first ^ second.rotate_left(17)))
}

/// The keys of a word's pieces. `letters` is room to work in.
pub(super) fn pieces(lower: &str, letters: &mut Vec<char>, mut found: impl FnMut(u64)) {
    letters.clear();
    letters.push(' ');
    letters.extend(lower.chars().take(MAX_LETTERS));
    letters.push(' ');
    for from in 0..letters.len() {
        let mut hash = mix(3);
        for (length, letter) in (1..=*PIECES.end()).zip(&letters[from..]) {
            hash = step(hash, *letter);
            if length >= *PIECES.start() {
                found(ended(hash));
            }
        }
    }
}

fn ended(hash: u64) -> u64 {
    hash >> BELOW << BELOW
}

fn step(hash: u64, letter: char) -> u64 {
    (hash ^ u64::from(letter)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 29)
}
