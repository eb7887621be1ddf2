//! The features of a catalogue's texts as numbers from 0. The pieces of a word are numbered once, where the word first stands.

use std::collections::HashMap;

use super::features::{Kind, MAX_WORDS, often, pair_key, pieces, word_key};
use super::model::ByKey;
use crate::text::{Token, Words};

/// A word: its key and the numbers of its own feature and of its pieces.
#[derive(Debug, Clone, Copy)]
struct Word {
    key: u64,
    number: u32,
    /// Where its pieces stand in `pieces`.
    first: u32,
    end: u32,
}

/// All features so far.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    numbers: ByKey<u32>,
    kinds: Vec<Kind>,
    /// In how many texts that count each stands.
    counts: Vec<u32>,
    words: HashMap<String, Word>,
    pieces: Vec<u32>,
    /// For each feature, its place in the text that is read now, from 1.
    places: Vec<u32>,
    letters: Vec<char>,
}

impl Vocabulary {
    /// The features of a text, each once with what it counts, in the order in which they first stand. `counts`: whether the text makes its features known.
    pub(super) fn read(&mut self, words: &Words<'_>, counts: bool) -> Vec<(u32, f32)> {
        let mut found: Vec<(u32, u32)> = Vec::with_capacity(words.tokens.len().min(MAX_WORDS) * 32);
        let mut before: Option<u64> = None;
        for token in words.tokens.iter().take(MAX_WORDS) {
            let word = self.word(token);
            self.note(&mut found, word.number);
            if let Some(before) = before {
                let pair = self.number(pair_key(before, word.key), Kind::Pair);
                self.note(&mut found, pair);
            }
            before = Some(word.key);
            for at in word.first..word.end {
                let piece = self.pieces[at as usize];
                self.note(&mut found, piece);
            }
        }
        let weigh = |(number, times): (u32, u32)| {
            let place = number as usize;
            self.places[place] = 0;
            self.counts[place] += u32::from(counts);
            (number, self.kinds[place].weight() * often(times as usize))
        };
        found.into_iter().map(weigh).collect()
    }

    /// In how many texts that count each feature stands.
    pub(super) fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The key of each feature with its number.
    pub(super) fn into_numbers(self) -> ByKey<u32> {
        self.numbers
    }

    fn note(&mut self, found: &mut Vec<(u32, u32)>, number: u32) {
        let place = &mut self.places[number as usize];
        if *place == 0 {
            found.push((number, 1));
            *place = u32::try_from(found.len()).unwrap_or(u32::MAX);
        } else {
            found[*place as usize - 1].1 += 1;
        }
    }

    fn word(&mut self, token: &Token) -> Word {
        if let Some(word) = self.words.get(&token.lower) {
            return *word;
        }
        let key = word_key(&token.stem);
        let number = self.number(key, Kind::Word);
        let first = self.pieces.len();
        let mut letters = std::mem::take(&mut self.letters);
        pieces(&token.lower, &mut letters, |piece| {
            let number = self.number(piece, Kind::Piece);
            self.pieces.push(number);
        });
        self.letters = letters;
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let word = Word { key, number, first: place(first), end: place(self.pieces.len()) };
        self.words.insert(token.lower.clone(), word);
        word
    }

    fn number(&mut self, key: u64, kind: Kind) -> u32 {
        let next = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.kinds.push(kind);
            self.counts.push(0);
            self.places.push(0);
        }
        number
    }
}
