//! From the texts of all skills to weights.
//!
//! First each skill's weights are the middle of its texts; then a few passes of logistic regression (softmax, one text after the other) push apart
//! what is taken for something else. Two passes give within half a percent what a support vector machine gives that is solved to the end.

use super::features::{Feature, features};
use super::model::{ByKey, Known, Model, PARTS, Weight};
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

/// A text of a skill.
struct Text {
    skill: u16,
    /// How much it counts; below zero: it is none of this skill's.
    share: f32,
    features: Vec<Feature>,
}

/// The texts that are learnt from.
#[derive(Default)]
pub(crate) struct Texts {
    texts: Vec<Text>,
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
            self.texts.push(Text { skill, share, features: features(words) });
        }
    }

    /// Learns.
    pub(crate) fn train(self, skills: usize) -> Model {
        let skills = skills.min(usize::from(u16::MAX));
        let (known, rarities, unseen) = self.vocabulary();
        let rows = self.rows(&known, &rarities);
        let table = if skills.saturating_mul(rarities.len()) <= MAX_CELLS {
            dense(&rows, skills, rarities.len())
        } else {
            middles(&rows, skills, rarities.len())
        };
        let mut weights = Vec::with_capacity(table.iter().map(Vec::len).sum());
        let mut ends = Vec::with_capacity(table.len());
        for of_one in &table {
            weights.extend_from_slice(of_one);
            ends.push(u32::try_from(weights.len()).unwrap_or(u32::MAX));
        }
        let place = |number: u32| {
            let number = number as usize;
            let first = number.checked_sub(1).map_or(0, |before| ends[before]);
            Known { rarity: rarities[number], first, end: ends[number] }
        };
        let known = known.into_iter().map(|(key, number)| (key, place(number))).collect();
        Model { known, weights, unseen, skills }
    }

    /// Each feature's number, how rare each is, and how rare an unseen one.
    #[expect(clippy::cast_precision_loss, reason = "counts of texts")]
    fn vocabulary(&self) -> (ByKey<u32>, Vec<f32>, f32) {
        let mut known: ByKey<u32> = ByKey::default();
        let mut counts: Vec<u32> = Vec::new();
        for feature in self.texts.iter().filter(|text| text.share > 0.0).flat_map(|text| &text.features) {
            let next = u32::try_from(counts.len()).unwrap_or(u32::MAX);
            let number = *known.entry(feature.key).or_insert(next);
            if number == next {
                counts.push(0);
            }
            counts[number as usize] += 1;
        }
        let all = 1.0 + self.texts.len() as f32;
        let rarities = counts.iter().map(|count| (all / (1.0 + *count as f32)).ln() + 1.0).collect();
        (known, rarities, all.ln() + 1.0)
    }

    /// The texts, each of length one; the first of each skill, then the second of each, and so on.
    fn rows(&self, known: &ByKey<u32>, rarities: &[f32]) -> Vec<Row> {
        let mut turns: Vec<u32> = vec![0; usize::from(u16::MAX) + 1];
        let mut rows: Vec<(u32, Row)> = Vec::with_capacity(self.texts.len());
        let mut same: ByKey<usize> = ByKey::default();
        for text in &self.texts {
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
            let mut values: Vec<(u32, f32)> = text
                .features
                .iter()
                .filter_map(|feature| known.get(&feature.key).map(|number| (*number, feature.weight)))
                .map(|(number, weight)| (number, weight * rarities[number as usize]))
                .collect();
            let norm = values.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            values.iter_mut().for_each(|(_, value)| *value /= norm);
            let turn = &mut turns[usize::from(text.skill)];
            rows.push((*turn, Row { skills: vec![text.skill], share: text.share, values }));
            *turn += 1;
        }
        rows.sort_by_key(|(turn, row)| (*turn, row.skills[0]));
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

/// The middle of each skill's texts, for each feature.
fn middles(rows: &[Row], skills: usize, features: usize) -> Vec<Vec<Weight>> {
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
    let scaled =
        |of_one: Vec<(u16, f32)>| kept(of_one.into_iter().map(|(skill, sum)| (skill, sum / norms[usize::from(skill)])));
    table.into_iter().map(scaled).collect()
}

/// Logistic regression that begins with the middles.
fn dense(rows: &[Row], skills: usize, features: usize) -> Vec<Vec<Weight>> {
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
            scores.fill(0.0);
            for (feature, value) in &row.values {
                let of_one = &table[at(*feature)..at(*feature) + skills];
                scores.iter_mut().zip(of_one).for_each(|(score, weight)| *score += value * weight);
            }
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
    let numbered = |of_one: &[f32]| kept((0_u16..).zip(of_one.iter().copied()));
    table.chunks_exact(skills.max(1)).map(numbered).collect()
}

/// One number for a text's words, whatever else is said of them.
fn key_of(features: &[Feature]) -> u64 {
    let weigh = |hash: u64, feature: &Feature| {
        (hash ^ feature.key ^ u64::from(feature.weight.to_bits())).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
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

/// The strongest weights of a feature, by their skills.
fn kept(weights: impl Iterator<Item = (u16, f32)>) -> Vec<Weight> {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
    let parts = |weight: f32| (weight * PARTS).round().clamp(-32_767.0, 32_767.0) as i16;
    let mut kept: Vec<Weight> = weights
        .map(|(skill, weight)| Weight { skill, parts: parts(weight) })
        .filter(|weight| weight.parts.abs() >= LEAST_PARTS)
        .collect();
    if kept.len() > MAX_WEIGHTS {
        // Among about equal ones those that come first by their priority stay.
        kept.sort_by_key(|weight| (weight.parts.unsigned_abs().leading_zeros(), weight.skill));
        kept.truncate(MAX_WEIGHTS);
        kept.sort_by_key(|weight| weight.skill);
    }
    kept
}
