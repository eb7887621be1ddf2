//! How alike two texts are in what they say, as far as their words tell.

use std::collections::BTreeMap;

use crate::MAX_WORDS;
use crate::order::{Order, Role, Shared, order};
use crate::pieces::{Piece, pieces};
use crate::soft::{self, Turned};
use crate::words::{Kind, Word, language_of, words};

/// Weights of a word by its kind.
const CONTENT: f64 = 1.0;
const STOP: f64 = 0.2;
const NEGATION: f64 = 0.4;
const PAIR: f64 = 0.5;
/// What remains when no two shared words are neighbours any more.
const ORDER: f64 = 0.93;
/// What remains when each text has a number that the other has not, or numbers changed places.
const OTHER_NUMBER: f64 = 0.6;
/// What remains when one text is negated once more than the other.
const OTHER_POLARITY: f64 = 0.6;
/// What remains when each text has a name that the other has not, or names changed places.
const OTHER_NAME: f64 = 0.75;
/// In a longer text one negation more or less counts for that much less: with more words there are more ways to say the same.
const WORDS_OF_A_NEGATION: f64 = 50.0;
/// The exponent that brings the share of matched words onto the scale where 0.7 divides like from unlike.
const CURVE: f64 = 0.75;

/// How alike two texts are, 0 to 1: 1 for texts with the same words in the same order, 0 where they share nothing or one of them has no
/// words. 0.7 is the place to divide "says the same" from "does not"; see the crate's documentation for how well that works.
///
/// Symmetric and deterministic. Of each text the first [`MAX_WORDS`] words are compared: texts that differ only behind them are equal here.
#[must_use]
pub fn similarity(a: &str, b: &str) -> f64 {
    alike(&Prepared::new(a), &Prepared::new(b))
}

/// A text, cut once and compared often.
#[derive(Debug)]
pub(crate) struct Prepared {
    pieces: Vec<Piece>,
}

impl Prepared {
    pub(crate) fn new(text: &str) -> Self {
        Self::of(pieces(text, MAX_WORDS))
    }

    /// From pieces that were cut before.
    pub(crate) fn of(pieces: Vec<Piece>) -> Self {
        Self { pieces }
    }
}

/// [`similarity`] of prepared texts.
pub(crate) fn alike(a: &Prepared, b: &Prepared) -> f64 {
    let (of_a, of_b) = (language_of(&a.pieces), language_of(&b.pieces));
    // A short text often does not tell its language; then it is read in the other's.
    let a = Bag::of(words(&a.pieces, of_a.or(of_b)));
    let b = Bag::of(words(&b.pieces, of_b.or(of_a)));
    if a.entries.is_empty() || b.entries.is_empty() {
        return 0.0;
    }
    let matched = Matched::of(&a, &b);
    let share = (matched.mass_a + matched.mass_b) / (a.mass + b.mass);
    let polarity = (a.negations + matched.opposites_a).abs_diff(b.negations + matched.opposites_b);
    let order = shared_order(&a, &b);
    let factors = [
        1.0 - (1.0 - ORDER) * order.torn,
        if matched.values_differ || order.values_exchanged { OTHER_NUMBER } else { 1.0 },
        1.0 - (1.0 - OTHER_POLARITY) * (share_of(polarity, a.words.max(b.words)) * WORDS_OF_A_NEGATION).min(1.0),
        if matched.names_differ || order.names_exchanged { OTHER_NAME } else { 1.0 },
    ];
    (share.powf(CURVE) * factors.iter().product::<f64>()).clamp(0.0, 1.0)
}

/// The words of a text without their order, and where each stands.
struct Bag {
    entries: BTreeMap<String, Entry>,
    mass: f64,
    words: usize,
    negations: usize,
}

struct Entry {
    kind: Kind,
    name: bool,
    places: Vec<usize>,
}

impl Entry {
    fn weight(&self) -> f64 {
        match self.kind {
            Kind::Content | Kind::Value => CONTENT,
            Kind::Stop => STOP,
            Kind::Negation => NEGATION,
            Kind::Pair => PAIR,
        }
    }
}

impl Bag {
    fn of(words: Vec<Word>) -> Self {
        let count = words.len();
        let negations = words.iter().filter(|word| word.kind == Kind::Negation).count();
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for (place, word) in words.into_iter().enumerate() {
            let new = || Entry { kind: word.kind, name: false, places: Vec::new() };
            let entry = entries.entry(word.stem).or_insert_with(new);
            entry.name |= word.name;
            entry.places.push(place);
        }
        let mass = entries.values().map(|entry| times(entry.places.len(), entry.weight())).sum();
        Self { entries, mass, words: count, negations }
    }

    /// The words of which this text has more than the other, with how many more.
    fn beyond<'a>(&'a self, other: &Self) -> Vec<(&'a str, &'a Entry, usize)> {
        let more = |(stem, entry): (&'a String, &'a Entry)| {
            let there = other.entries.get(stem).map_or(0, |entry| entry.places.len());
            let more = entry.places.len().saturating_sub(there);
            (more > 0).then_some((stem.as_str(), entry, more))
        };
        self.entries.iter().filter_map(more).collect()
    }
}

/// What two texts have in common.
struct Matched {
    mass_a: f64,
    mass_b: f64,
    opposites_a: usize,
    opposites_b: usize,
    values_differ: bool,
    names_differ: bool,
}

impl Matched {
    fn of(a: &Bag, b: &Bag) -> Self {
        let (mut mass_a, mut mass_b) = (0.0, 0.0);
        for (stem, entry) in &a.entries {
            if let Some(other) = b.entries.get(stem) {
                let both = entry.places.len().min(other.places.len());
                mass_a += times(both, entry.weight());
            }
        }
        for (stem, entry) in &b.entries {
            if let Some(other) = a.entries.get(stem) {
                let both = entry.places.len().min(other.places.len());
                mass_b += times(both, entry.weight());
            }
        }
        let (rest_a, rest_b) = (a.beyond(b), b.beyond(a));
        let has_value = |rest: &[(&str, &Entry, usize)]| rest.iter().any(|(_, entry, _)| entry.kind == Kind::Value);
        let values_differ = has_value(&rest_a) && has_value(&rest_b);
        let mut matched = Self { mass_a, mass_b, opposites_a: 0, opposites_b: 0, values_differ, names_differ: false };
        matched.soften(rest_a, rest_b);
        matched
    }

    /// Adds the words that are nearly the same.
    fn soften(&mut self, rest_a: Vec<(&str, &Entry, usize)>, rest_b: Vec<(&str, &Entry, usize)>) {
        let content = |rest: Vec<_>| -> Vec<(&str, &Entry, usize)> {
            rest.into_iter().filter(|(_, entry, _): &(_, &Entry, _)| entry.kind == Kind::Content).collect()
        };
        let (mut rest_a, mut rest_b) = (content(rest_a), content(rest_b));
        let stems = |rest: &[(&'_ str, &Entry, usize)]| rest.iter().map(|(stem, ..)| (*stem).to_owned()).collect();
        let (stems_a, stems_b): (Vec<String>, Vec<String>) = (stems(&rest_a), stems(&rest_b));
        let found = soft::matches(
            &stems_a.iter().map(String::as_str).collect::<Vec<_>>(),
            &stems_b.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        for found in found {
            let left = |places: &[usize], rest: &[(&str, &Entry, usize)]| {
                places.iter().filter_map(|place| rest.get(*place)).map(|(.., left)| *left).min().unwrap_or(0)
            };
            let both = left(&found.left, &rest_a).min(left(&found.right, &rest_b));
            if both == 0 {
                continue;
            }
            self.mass_a += take(&mut rest_a, &found.left, both) * found.likeness;
            self.mass_b += take(&mut rest_b, &found.right, both) * found.likeness;
            match found.turned {
                Turned::Left => self.opposites_a += both,
                Turned::Right => self.opposites_b += both,
                Turned::Neither => {}
            }
        }
        let has_name = |rest: &[(&str, &Entry, usize)]| rest.iter().any(|(_, entry, left)| entry.name && *left > 0);
        self.names_differ = has_name(&rest_a) && has_name(&rest_b);
    }
}

/// Takes as many words from each place, and gives their weight.
fn take(rest: &mut [(&str, &Entry, usize)], places: &[usize], count: usize) -> f64 {
    let mut weight = 0.0;
    for place in places {
        if let Some((_, entry, left)) = rest.get_mut(*place) {
            *left -= count;
            weight += times(count, entry.weight());
        }
    }
    weight
}

/// The order of the words that both texts have; stop words stand anywhere.
fn shared_order(a: &Bag, b: &Bag) -> Order {
    let mut shared: Vec<Shared> = Vec::new();
    for (stem, entry) in &a.entries {
        let Some(other) = b.entries.get(stem) else { continue };
        let role = match (entry.kind, other.kind) {
            (Kind::Stop, _) | (_, Kind::Stop) => continue,
            (Kind::Value, Kind::Value) => Role::Value,
            _ if entry.name && other.name => Role::Name,
            _ => Role::Other,
        };
        let places = entry.places.iter().zip(&other.places);
        shared.extend(places.map(|(left, right)| Shared { left: *left, right: *right, role }));
    }
    order(shared)
}

#[expect(clippy::cast_precision_loss, reason = "counts of words")]
fn times(count: usize, weight: f64) -> f64 {
    count as f64 * weight
}

#[expect(clippy::cast_precision_loss, reason = "counts of words and of their pairs")]
fn share_of(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place to divide, as the evaluator has it by default.
    const THRESHOLD: f64 = 0.7;

    #[test]
    fn order_and_endings_cost_little() {
        assert!(similarity("Tomorrow we publish the posts", "We publish the posts tomorrow") > 0.9);
        assert!(similarity("Schedule the posts", "Scheduling the post") > 0.9);
        assert!(similarity("Die Umsätze steigen", "Der Umsatz stieg") > 0.6);
        assert!(similarity("schedule the posts", "a recipe for apple cake") < 0.1);
        assert!(similarity("the dog bit the man in the park", "the man bit the dog in the park") < 1.0);
    }

    #[test]
    fn numbers_days_and_negations_decide() {
        for (a, b) in [
            ("Sales rose 5 % in the north", "Sales rose 50 % in the north"),
            ("The meeting is on Monday", "The meeting is on Sunday"),
            ("Results of Q3", "Results of Q4"),
            ("The draft was accepted", "The draft was not accepted"),
            ("Der Entwurf wurde angenommen", "Der Entwurf wurde nicht angenommen"),
            ("The team is happy", "The team is unhappy"),
            ("We gained 10 and lost 25 followers", "We gained 25 and lost 10 followers"),
        ] {
            assert!(similarity(a, b) < THRESHOLD - 0.05, "{a} / {b}: {}", similarity(a, b));
        }
        for (a, b) in [
            ("It costs 1,000 euros", "It costs €1000"),
            ("There are five posts", "There are 5 posts"),
            ("It isn't ready", "It is not ready"),
            ("a fund of 2.5 million dollars", "a fund of $2,500,000"),
        ] {
            assert!(similarity(a, b) >= THRESHOLD, "{a} / {b}: {}", similarity(a, b));
        }
    }

    #[test]
    fn what_is_not_known_without_meaning() {
        // Not wished for, but so: which other word it is does not tell whether it says the same.
        assert!(
            similarity("Coffee lowers the risk of heart disease", "Coffee raises the risk of heart disease")
                > THRESHOLD
        );
    }

    #[test]
    fn the_longer_text_is_no_better_than_the_shorter_one() {
        let (short, long) =
            ("Sales grew", "Sales grew, the factory closed, and two directors left the company for good");
        assert!(similarity(short, long) < THRESHOLD);
        assert!((similarity(short, long) - similarity(long, short)).abs() < f64::EPSILON);
    }

    #[test]
    fn other_scripts_and_no_words() {
        assert!(similarity("今日は天気がいいですね", "今日は天気がとてもいいですね") > THRESHOLD);
        assert!(similarity("今日は天気がいいですね", "東京都に住んでいます") < 0.3);
        assert!(similarity("Продажи выросли", "продажи выросли!") > 0.99);
        assert!(similarity("", "something") < f64::EPSILON);
        assert!(similarity("!?", "!?") < f64::EPSILON, "no words, no likeness");
        assert!((similarity("it is what it is", "it is what it is") - 1.0).abs() < f64::EPSILON);
    }
}
