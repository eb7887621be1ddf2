//! Words, pairs of words and pieces of words (2 to 5 letters, with the word's ends) as hashed numbers.

use crate::text::Words;

/// Most words of a text that are learnt from or asked about: a request says what it wants in its first sentences.
pub(super) const MAX_WORDS: usize = 96;
/// Most letters of a word that are cut into pieces.
const MAX_LETTERS: usize = 32;
/// Lengths of the pieces.
const PIECES: std::ops::RangeInclusive<usize> = 2..=5;
/// What a pair of words, and what a piece of a word counts beside a word.
const PAIR: f32 = 0.6;
const PIECE: f32 = 0.5;

/// A feature of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feature {
    /// What it is: a hash of its kind and its letters.
    pub(super) key: u64,
    /// How much it counts before it is known how rare it is.
    pub(super) weight: f32,
    /// The word where it first stands.
    pub(super) at: u32,
}

/// The features of a text, each once, by their keys.
pub(super) fn features(words: &Words<'_>) -> Vec<Feature> {
    let mut found: Vec<Feature> = Vec::with_capacity(words.tokens.len().min(MAX_WORDS) * 20);
    let mut before: Option<u64> = None;
    let mut letters: Vec<char> = Vec::with_capacity(MAX_LETTERS + 2);
    for (token, at) in words.tokens.iter().take(MAX_WORDS).zip(0_u32..) {
        let word = token.stem.chars().fold(start(1), step);
        found.push(Feature { key: word, weight: 1.0, at });
        if let Some(before) = before {
            found.push(Feature { key: mix(before ^ word.rotate_left(17)), weight: PAIR, at });
        }
        before = Some(word);
        letters.clear();
        letters.push(' ');
        letters.extend(token.lower.chars().take(MAX_LETTERS));
        letters.push(' ');
        for from in 0..letters.len() {
            let mut hash = start(3);
            for (length, letter) in (1..=*PIECES.end()).zip(&letters[from..]) {
                hash = step(hash, *letter);
                if length >= *PIECES.start() {
                    found.push(Feature { key: hash, weight: PIECE, at });
                }
            }
        }
    }
    found.sort_unstable_by_key(|feature| (feature.key, feature.at));
    let mut once: Vec<Feature> = Vec::with_capacity(found.len());
    for same in found.chunk_by(|a, b| a.key == b.key) {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
        let often = 1.0 + (same.len() as f32).ln();
        once.push(Feature { weight: same[0].weight * often, ..same[0] });
    }
    once
}

fn start(kind: u64) -> u64 {
    mix(kind)
}

fn step(hash: u64, letter: char) -> u64 {
    (hash ^ u64::from(letter)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 29)
}
