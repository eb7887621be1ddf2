//! Triggers that stand in an utterance: the longest at each place, each once.
//!
//! A trigger is looked for among all words, then without the small ones ("schedule the post" is "schedule post"), then without the platform too
//! ("create a Twitter post" is "create a post").

use std::collections::HashSet;

use crate::index::Index;
use crate::route::{EvidenceKind, Intent};
use crate::score::Hit;
use crate::text::Words;

/// What a trigger is worth: its first word, and each further one.
pub(crate) const TRIGGER: f64 = 1.3;
const TRIGGER_WORD: f64 = 0.9;
/// What a trigger at the very beginning is worth more: people begin with what they want.
const AT_START: f64 = 0.35;
/// Most different triggers of an utterance that count, in its order.
const MAX_MATCHES: usize = 128;

/// A trigger at its place, and the skills that it speaks for there, in their order.
struct Match {
    first: usize,
    last: usize,
    length: usize,
    skills: Vec<u32>,
}

/// All of them. `terms` are those of the words.
pub(crate) fn hits(index: &Index, words: &Words<'_>, terms: &[Option<u32>], intent: &Intent) -> Vec<Hit> {
    let mut found: Vec<Match> = Vec::new();
    let mut seen: HashSet<Vec<u32>> = HashSet::new();
    // For each word, which matches it is part of.
    let mut covering: Vec<Vec<usize>> = vec![Vec::new(); words.tokens.len()];
    for sequence in sequences(words, intent) {
        for from in 0..sequence.len() {
            let longest = terms[sequence[from]].map_or(0, |first| index.longest_phrase(first));
            let run: Vec<u32> = sequence[from..].iter().take(longest).map_while(|at| terms[*at]).collect();
            for length in (1..=run.len()).rev() {
                let skills = index.phrase_skills(&run[..length]);
                // The same words twice say nothing more.
                if skills.is_empty() || found.len() >= MAX_MATCHES || seen.contains(&run[..length]) {
                    continue;
                }
                let (first, last) = (sequence[from], sequence[from + length - 1]);
                // Nor does a shorter trigger inside a longer one of the same skill.
                let around: HashSet<usize> = covering[first..=last].iter().flatten().copied().collect();
                let is_inside = |skill: &u32| around.iter().any(|at| found[*at].skills.binary_search(skill).is_ok());
                let skills: Vec<u32> = skills.iter().copied().filter(|skill| !is_inside(skill)).collect();
                if skills.is_empty() {
                    continue;
                }
                seen.insert(run[..length].to_vec());
                covering[first..=last].iter_mut().for_each(|of_word| of_word.push(found.len()));
                found.push(Match { first, last, length, skills });
            }
        }
    }
    found.iter().flat_map(hits_of).collect()
}

fn hits_of(found: &Match) -> impl Iterator<Item = Hit> {
    #[expect(clippy::cast_precision_loss, reason = "at most eight words")]
    let further = (found.length - 1) as f64;
    let start = if found.first == 0 { AT_START } else { 0.0 };
    let weight = TRIGGER + further * TRIGGER_WORD + start;
    let (first, last) = (found.first, found.last);
    found.skills.iter().map(move |skill| Hit { skill: *skill, kind: EvidenceKind::Trigger, weight, first, last })
}

/// All words, those that say something, and those of them that name no platform; each only where it differs from the one before.
fn sequences(words: &Words<'_>, intent: &Intent) -> Vec<Vec<usize>> {
    let platforms: HashSet<String> = intent
        .slots
        .iter()
        .filter(|slot| slot.name.ends_with("platform"))
        .flat_map(|slot| slot.text.split_whitespace().map(str::to_lowercase))
        .collect();
    let all: Vec<usize> = (0..words.tokens.len()).collect();
    let content: Vec<usize> = all.iter().copied().filter(|at| !words.tokens[*at].is_stop).collect();
    let bare: Vec<usize> = content.iter().copied().filter(|at| !platforms.contains(words.lower(*at))).collect();
    let mut sequences = vec![all, content, bare];
    sequences.dedup();
    sequences
}
