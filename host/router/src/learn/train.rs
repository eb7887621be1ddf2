//! From the texts of all skills to weights.
//!
//! First each skill's weights are the middle of its texts; then a few passes of logistic regression (softmax, one text after the other) push apart
//! what is taken for something else. Two passes give within half a percent what a support vector machine gives that is solved to the end.

use std::collections::HashMap;

use super::model::{ByKey, Known, Model, PARTS, ROW, Weight};
use super::vocabulary::Vocabulary;
use crate::text::Words;

/// How steep the softmax is over scores that are cosines.
const STEEPNESS: f32 = 10.0;
/// How far one text moves the weights.
const RATE: f32 = 0.3;
/// A skill that is taken for the right one with less than this probability is left as it is.
const NEGLIGIBLE: f32 = 0.02;
/// Most weights while training, four bytes each; beyond that the middles are all that is learnt.
const MAX_CELLS: usize = 24_000_000;
/// Passes over the texts, fewer where one pass is long.
const PASSES: usize = 2;
/// Products of one pass beyond which there is only one.
const LONG_PASS: usize = 100_000_000;
/// Most weights of a feature that are kept, the strongest.
const MAX_WEIGHTS: usize = 256;
/// A weight that is smaller than this many parts is left out.
const LEAST_PARTS: i16 = 16;

/// A feature that speaks for more than this part of the skills has a row with a weight for each.
const MANY: usize = 3;

/// A text of a skill.
struct Text {
    skill: u16,
    /// How much it counts; below zero: it is none of this skill's.
    share: f32,
    /// Numbers of features, and what they count.
    features: Vec<(u32, f32)>,
}

/// The texts that are learnt from.
#[derive(Default)]
pub(crate) struct Texts {
    texts: Vec<Text>,
    vocabulary: Vocabulary,
}

/// A text as numbers of features and their values.
struct Row {
    /// The skills whose text it is: where several say the same, each of them is right.
    skills: Vec<u16>,
    share: f32,
    values: Vec<(u32, f32)>,
}

impl Texts {
    /// Adds a text of a skill that counts `share` (1: an utterance that should reach it; below zero: one that should not). Skills beyond the
    /// 65,535th are not learnt.
    pub(crate) fn add(&mut self, skill: u32, words: &Words<'_>, share: f32) {
        if let Ok(skill) = u16::try_from(skill)
            && !words.tokens.is_empty()
        {
            let features = self.vocabulary.read(words, share > 0.0);
            self.texts.push(Text { skill, share, features });
        }
    }

    /// Learns.
    pub(crate) fn train(self, skills: usize) -> Model {
        let skills = skills.min(usize::from(u16::MAX));
        let Self { texts, vocabulary } = self;
        let (rarities, unseen) = rarities(&vocabulary, texts.len());
        let rows = rows(texts, &rarities);
        let mut layout = Layout::new(skills, rarities.len());
        if skills.saturating_mul(rarities.len()) <= MAX_CELLS {
            dense(&rows, skills, rarities.len(), &mut layout);
        } else {
            middles(&rows, skills, rarities.len(), &mut layout);
        }
        let Layout { places, weights, rows, .. } = layout;
        let numbers = vocabulary.into_numbers();
        let mut known: ByKey<Known> = HashMap::with_capacity_and_hasher(numbers.len(), Default::default());
        known.extend(numbers.into_iter().filter_map(|(key, number)| {
            let (first, count) = places[number as usize];
            // Zero: it stands only in texts that are no skill's.
            let rarity = rarities[number as usize];
            (rarity > 0.0).then_some((key, Known { rarity, first, count }))
        }));
        Model { known, weights, rows, unseen, skills }
    }
}

/// How rare each feature is, 0 for one that stands in no text that counts; and how rare an unseen one.
#[expect(clippy::cast_precision_loss, reason = "counts of texts")]
fn rarities(vocabulary: &Vocabulary, texts: usize) -> (Vec<f32>, f32) {
    let all = 1.0 + texts as f32;
    let rarity = |count: &u32| if *count == 0 { 0.0 } else { (all / (1.0 + *count as f32)).ln() + 1.0 };
    (vocabulary.counts().iter().map(rarity).collect(), all.ln() + 1.0)
}

/// The texts, each of length one; the first of each skill, then the second of each, and so on.
fn rows(texts: Vec<Text>, rarities: &[f32]) -> Vec<Row> {
    let mut turns: Vec<u32> = vec![0; usize::from(u16::MAX) + 1];
    let mut rows: Vec<(u32, Row)> = Vec::with_capacity(texts.len());
    let mut same: ByKey<usize> = ByKey::default();
    for text in texts {
        if text.share > 0.0 {
            let known = *same.entry(key_of(&text.features)).or_insert(rows.len());
            if let Some((_, row)) = rows.get_mut(known) {
                // They come skill by skill.
                if row.skills.last() != Some(&text.skill) {
                    row.skills.push(text.skill);
                }
                row.share = row.share.max(text.share);
                continue;
            }
        }
        let mut values = text.features;
        values.retain_mut(|(number, value)| {
            *value *= rarities[*number as usize];
            *value > 0.0
        });
        let norm = values.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        values.iter_mut().for_each(|(_, value)| *value /= norm);
        let turn = &mut turns[usize::from(text.skill)];
        rows.push((*turn, Row { skills: vec![text.skill], share: text.share, values }));
        *turn += 1;
    }
    rows.sort_by_key(|(turn, row)| (*turn, row.skills[0]));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The weights of the model as they are found, feature by feature.
struct Layout {
    skills: usize,
    /// For each feature, where its weights stand and how many they are.
    places: Vec<(u32, u32)>,
    weights: Vec<Weight>,
    rows: Vec<i16>,
}

impl Layout {
    fn new(skills: usize, features: usize) -> Self {
        Self { skills, places: Vec::with_capacity(features), weights: Vec::new(), rows: Vec::new() }
    }

    /// Adds the weights of the next feature, of which the strongest are kept.
    fn push(&mut self, weights: impl Iterator<Item = (u16, f32)>) {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
        let parts = |weight: f32| (weight * PARTS).round().clamp(-32_767.0, 32_767.0) as i16;
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let first = self.weights.len();
        // Most are nothing: they are left out before they are rounded.
        let counts = |weight: f32| weight.abs() * PARTS >= f32::from(LEAST_PARTS) - 0.5;
        let weights = weights.filter(|(_, weight)| counts(*weight));
        let weights = weights.map(|(skill, weight)| Weight { skill, parts: parts(weight) });
        self.weights.extend(weights.filter(|weight| weight.parts.abs() >= LEAST_PARTS));
        let kept = &mut self.weights[first..];
        if kept.len() > MAX_WEIGHTS {
            // Among about equal ones those that come first by their priority stay.
            kept.sort_by_key(|weight| (weight.parts.unsigned_abs().leading_zeros(), weight.skill));
            kept[..MAX_WEIGHTS].sort_by_key(|weight| weight.skill);
            self.weights.truncate(first + MAX_WEIGHTS);
        }
        let kept = &self.weights[first..];
        if kept.len() * MANY < self.skills || kept.is_empty() {
            self.places.push((place(first), place(kept.len())));
            return;
        }
        let row = self.rows.len();
        self.rows.resize(row + self.skills, 0);
        kept.iter().for_each(|weight| self.rows[row + usize::from(weight.skill)] = weight.parts);
        self.weights.truncate(first);
        self.places.push((place(row / self.skills), ROW));
    }
}

/// The middle of each skill's texts, for each feature.
fn middles(rows: &[Row], skills: usize, features: usize, layout: &mut Layout) {
    let mut table: Vec<Vec<(u16, f32)>> = vec![Vec::new(); features];
    let texts = rows.iter().filter(|row| row.share > 0.0);
    let mut by_skill: Vec<(u16, &Row)> =
        texts.flat_map(|row| row.skills.iter().map(move |skill| (*skill, row))).collect();
    by_skill.sort_by_key(|(skill, _)| *skill);
    let mut squares = vec![0.0_f32; skills];
    for (skill, row) in by_skill {
        for (feature, value) in &row.values {
            let of_one = &mut table[*feature as usize];
            match of_one.last_mut() {
                Some((last, sum)) if *last == skill => *sum += value * row.share,
                _ => of_one.push((skill, value * row.share)),
            }
        }
    }
    for (skill, sum) in table.iter().flatten() {
        squares[usize::from(*skill)] += sum * sum;
    }
    let norms: Vec<f32> = squares.iter().map(|square| square.sqrt().max(f32::MIN_POSITIVE)).collect();
    for of_one in table {
        layout.push(of_one.into_iter().map(|(skill, sum)| (skill, sum / norms[usize::from(skill)])));
    }
}

/// Logistic regression that begins with the middles.
fn dense(rows: &[Row], skills: usize, features: usize, layout: &mut Layout) {
    let mut table = vec![0.0_f32; skills * features];
    let at = |feature: u32| feature as usize * skills;
    for row in rows.iter().filter(|row| row.share > 0.0) {
        for (feature, value) in &row.values {
            for skill in &row.skills {
                table[at(*feature) + usize::from(*skill)] += value * row.share;
            }
        }
    }
    let mut norms = vec![0.0_f32; skills];
    for of_one in table.chunks_exact(skills.max(1)) {
        norms.iter_mut().zip(of_one).for_each(|(norm, value)| *norm += value * value);
    }
    norms.iter_mut().for_each(|norm| *norm = norm.sqrt().max(f32::MIN_POSITIVE).recip());
    for of_one in table.chunks_exact_mut(skills.max(1)) {
        of_one.iter_mut().zip(&norms).for_each(|(value, norm)| *value *= norm);
    }
    let pass: usize = rows.iter().map(|row| row.values.len() * skills).sum();
    let mut scores = vec![0.0_f32; skills];
    let mut moves: Vec<(usize, f32)> = Vec::with_capacity(skills);
    for _ in 0..(if pass > LONG_PASS { 1 } else { PASSES }) {
        for row in rows {
            say(&table, skills, &row.values, &mut scores);
            softmax(&mut scores);
            moves.clear();
            if row.share > 0.0 {
                #[expect(clippy::cast_precision_loss, reason = "counts of skills")]
                let part = 1.0 / row.skills.len() as f32;
                row.skills.iter().for_each(|skill| scores[usize::from(*skill)] -= part);
                let far = scores.iter().enumerate().filter(|(_, off)| off.abs() > NEGLIGIBLE);
                moves.extend(far.map(|(skill, off)| (skill, -off * RATE * row.share)));
            } else {
                // Not this one; who else is not said.
                let not = row.skills.iter().map(|skill| usize::from(*skill));
                moves.extend(not.map(|skill| (skill, scores[skill] * RATE * row.share)));
            }
            for (feature, value) in &row.values {
                let of_one = &mut table[at(*feature)..at(*feature) + skills];
                moves.iter().for_each(|(skill, by)| of_one[*skill] += by * value);
            }
        }
    }
    for of_one in table.chunks_exact(skills.max(1)) {
        layout.push((0_u16..).zip(of_one.iter().copied()));
    }
}

/// What the weights say of a text. Four features at a time, so that the sums are read and written less often.
fn say(table: &[f32], skills: usize, values: &[(u32, f32)], scores: &mut [f32]) {
    let of = |feature: u32| &table[feature as usize * skills..][..skills];
    scores.fill(0.0);
    let (fours, rest) = values.as_chunks::<4>();
    for [a, b, c, d] in fours {
        let of_four = of(a.0).iter().zip(of(b.0)).zip(of(c.0)).zip(of(d.0));
        for (score, (((of_a, of_b), of_c), of_d)) in scores.iter_mut().zip(of_four) {
            *score += (a.1 * of_a + b.1 * of_b) + (c.1 * of_c + d.1 * of_d);
        }
    }
    for (feature, value) in rest {
        scores.iter_mut().zip(of(*feature)).for_each(|(score, weight)| *score += value * weight);
    }
}

/// One number for a text's words, whatever else is said of them.
fn key_of(features: &[(u32, f32)]) -> u64 {
    let weigh = |hash: u64, (number, weight): &(u32, f32)| {
        let one = (u64::from(*number) << 32) | u64::from(weight.to_bits());
        (hash ^ one).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
    };
    features.iter().fold(1, weigh)
}

fn softmax(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        let below = STEEPNESS * (*score - top);
        *score = if below < -12.0 { 0.0 } else { below.exp() };
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}
