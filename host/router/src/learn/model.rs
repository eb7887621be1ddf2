//! The weights, and what they say of an utterance.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::features::{Feature, MAX_WORDS, features};
use crate::text::Words;

/// A weight is kept as a whole number of these parts of one.
pub(super) const PARTS: f32 = 8_192.0;
/// Most words that are told of what speaks for a skill.
const MAX_WORDS_TOLD: usize = 3;

/// Keys are hashes already.
#[derive(Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

pub(super) type ByKey<T> = HashMap<u64, T, BuildHasherDefault<AsItIs>>;

/// What a feature says of a skill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    pub(super) skill: u16,
    pub(super) parts: i16,
}

/// What is known of a feature: how rare it is, and where its weights stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) rarity: f32,
    pub(super) first: u32,
    /// How many weights it has, or [`ROW`].
    pub(super) count: u32,
}

/// The weights of a feature are a row with one for each skill, of which `first` is the number.
pub(super) const ROW: u32 = u32::MAX;

/// A linear model over a catalogue's skills.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(super) known: ByKey<Known>,
    /// The weights of features that speak for few skills, by their skills.
    pub(super) weights: Vec<Weight>,
    /// Those of features that speak for many: one for each skill.
    pub(super) rows: Vec<i16>,
    /// How rare a feature is that stands in no text.
    pub(super) unseen: f32,
    pub(super) skills: usize,
}

/// What the model says of one utterance.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    model: &'a Model,
    /// For each skill, about 0 for "nothing in common" to about 1 for "one of its own texts".
    scores: Vec<f32>,
    /// The features that are known, how much each counts in this utterance, and its word.
    active: Vec<(Known, f32, u32)>,
}

impl Model {
    /// Asks the model. Costs a few microseconds for each word, at most 96 words.
    pub(crate) fn ask(&self, words: &Words<'_>) -> Said<'_> {
        let found = features(words);
        let mut scores = vec![0.0_f32; self.skills];
        let mut active = self.active(&found);
        for (known, value, _) in &mut active {
            *value /= PARTS;
            if known.count == ROW {
                let parts = self.row(*known);
                scores.iter_mut().zip(parts).for_each(|(score, parts)| *score += *value * f32::from(*parts));
            } else {
                for weight in self.weights_of(*known) {
                    if let Some(score) = scores.get_mut(usize::from(weight.skill)) {
                        *score += *value * f32::from(weight.parts);
                    }
                }
            }
        }
        Said { model: self, scores, active }
    }

    /// The features that are known, with values that make the text one of the length one.
    fn active(&self, found: &[Feature]) -> Vec<(Known, f32, u32)> {
        let mut square = 0.0_f32;
        let mut active = Vec::with_capacity(found.len());
        for feature in found {
            let known = self.known.get(&feature.key);
            // What no skill ever said counts as well: a text of strange words is like none of them.
            let value = feature.weight * known.map_or(self.unseen, |known| known.rarity);
            square += value * value;
            if let Some(known) = known {
                active.push((*known, value, feature.at));
            }
        }
        let norm = if square > 0.0 { square.sqrt().recip() } else { 0.0 };
        active.iter_mut().for_each(|(_, value, _)| *value *= norm);
        active
    }

    fn weights_of(&self, known: Known) -> &[Weight] {
        let first = known.first as usize;
        self.weights.get(first..first + known.count as usize).unwrap_or(&[])
    }

    fn row(&self, known: Known) -> &[i16] {
        let first = known.first as usize * self.skills;
        self.rows.get(first..first + self.skills).unwrap_or(&[])
    }

    /// What a feature says of a skill.
    fn parts(&self, known: Known, skill: u32) -> i16 {
        if known.count == ROW {
            return self.row(known).get(skill as usize).copied().unwrap_or(0);
        }
        let weights = self.weights_of(known);
        let found = weights.binary_search_by_key(&skill, |weight| u32::from(weight.skill));
        found.ok().and_then(|found| weights.get(found)).map_or(0, |weight| weight.parts)
    }

    /// How many bytes it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        let entry = size_of::<u64>() + size_of::<Known>() + 1;
        let weights = self.weights.capacity() * size_of::<Weight>() + self.rows.capacity() * size_of::<i16>();
        self.known.capacity() * entry + weights
    }
}

impl Said<'_> {
    /// What speaks for a skill.
    pub(crate) fn score(&self, skill: u32) -> f64 {
        self.scores.get(skill as usize).copied().map_or(0.0, f64::from)
    }

    /// The skills that it speaks for most, above a bound, best first.
    pub(crate) fn best(&self, most: usize, above: f64) -> Vec<u32> {
        let mut best: Vec<(f32, u32)> = self
            .scores
            .iter()
            .zip(0_u32..)
            .filter(|(score, _)| f64::from(**score) > above)
            .map(|(s, n)| (*s, n))
            .collect();
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if best.len() > most {
            best.select_nth_unstable_by(most, order);
            best.truncate(most);
        }
        best.sort_unstable_by(order);
        best.into_iter().map(|(_, skill)| skill).collect()
    }

    /// The words that speak for a skill most, in their order in the text.
    pub(crate) fn words(&self, skill: u32, words: &Words<'_>) -> Vec<usize> {
        let mut of_word = [0.0_f32; MAX_WORDS];
        for (known, value, at) in &self.active {
            if let Some(sum) = of_word.get_mut(*at as usize) {
                *sum += value * f32::from(self.model.parts(*known, skill));
            }
        }
        let mut told: Vec<(u32, f32)> = (0..).zip(of_word).filter(|(_, value)| *value > 0.0).collect();
        told.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        told.truncate(MAX_WORDS_TOLD);
        let mut told: Vec<usize> = told.into_iter().map(|(at, _)| at as usize).collect();
        told.sort_unstable();
        told.retain(|at| *at < words.tokens.len());
        told
    }
}
