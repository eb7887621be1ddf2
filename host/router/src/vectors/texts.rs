//! Which texts of a catalogue are embedded.

use crate::corrections::corrected;
use crate::route::{Correction, SkillProfile};

/// Most vectors of a catalogue. A catalogue whose skills have more texts leaves out some of each; one with more skills has none.
pub const MAX_VECTORS: usize = 4_096;
/// Most texts of one skill.
const MAX_OF_SKILL: usize = 64;

/// Sentences that mean no skill of an organisation: how near they are by chance says what is far.
pub const BACKGROUND: [&str; 24] = [
    "I had a strange dream last night",
    "the river was frozen when we got there",
    "how many eggs does a hen lay in a year",
    "my brother plays the violin in an orchestra",
    "what would you do with a million dollars",
    "the second world war ended in 1945",
    "is it true that cats always land on their feet",
    "tell me something interesting about volcanoes",
    "which planet has the most moons",
    "I think the blue shirt looks better on you",
    "why do leaves change colour in autumn",
    "who painted the ceiling of that famous chapel",
    "that movie was much too long",
    "good evening, how are you today",
    "can you recommend a good restaurant near the station",
    "how long do I have to boil an egg",
    "the bakery on the corner has closed for good",
    "what is the difference between a crocodile and an alligator",
    "count backwards from twenty",
    "my knee hurts when I go down the stairs",
    "write a short poem about the sea",
    "is there a train to the airport tonight",
    "explain how a rainbow is made",
    "set the alarm clock for half past six",
];

/// The texts of one skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillTexts {
    /// The skill's identifier.
    pub skill: String,
    /// What its package says: the title with the description, examples, triggers of several words.
    pub own: Vec<String>,
    /// Examples that users taught by their corrections.
    pub learnt: Vec<String>,
}

/// The texts of a catalogue whose vectors [`super::SkillVectors`] is made of. Empty: there are too many skills.
#[must_use]
pub fn texts_to_embed(skills: &[SkillProfile], corrections: &[Correction]) -> Vec<SkillTexts> {
    if skills.len() > MAX_VECTORS {
        return Vec::new();
    }
    let most = (MAX_VECTORS / skills.len().max(1)).min(MAX_OF_SKILL);
    let all = corrected(skills, corrections);
    skills.iter().zip(&all).map(|(own, with_learnt)| texts_of(own, with_learnt, most)).collect()
}

fn texts_of(own: &SkillProfile, with_learnt: &SkillProfile, most: usize) -> SkillTexts {
    let title = if own.title.is_empty() { own.name.replace('-', " ") } else { own.title.clone() };
    let about = format!("{title}: {}", own.description);
    let phrases = own.triggers.iter().filter(|trigger| trigger.split_whitespace().nth(1).is_some());
    // A correction may have taken an example away.
    let examples = own.examples.iter().filter(|example| with_learnt.examples.contains(example));
    let all = std::iter::once(&about).chain(examples).chain(phrases);
    let mut texts: Vec<String> = Vec::new();
    for text in all.map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if !texts.iter().any(|known| known == text) {
            texts.push(text.to_owned());
        }
    }
    let mut learnt: Vec<String> =
        with_learnt.examples.iter().filter(|example| !own.examples.contains(example)).cloned().collect();
    // What users said last counts most, and takes half of the room at most.
    let first = learnt.len().saturating_sub(most / 2);
    learnt.drain(..first);
    texts.truncate(most - learnt.len());
    SkillTexts { skill: own.name.clone(), own: texts, learnt }
}
