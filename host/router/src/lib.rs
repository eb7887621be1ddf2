//! The router: which skill is meant, and what else the words say.
//!
//! Pure: no I/O, no clock, no randomness. The same words at the same moment give the same route, whatever order the skills were given in.
//!
//! | module | holds |
//! |---|---|
//! | [`route`] | what goes in and what comes out |
//! | `text` | words and their stems |
//! | `index` | from words and phrases to skills |
//! | `learn` | a linear model, learnt from the texts of all skills |
//! | `corrections` | what users said about earlier routes |
//! | `vectors` | embeddings as evidence: of which texts, and what they say |
//! | `phrases` | triggers that stand in an utterance |
//! | `score` | evidence, confidence, decision |
//! | `actions`, `slots` | verbs; platform, topic, time, recurrence, name, tone |
//!
//! It reads English. Begin at [`Router`], then `score`.

mod actions;
mod corrections;
mod index;
mod learn;
mod phrases;
pub mod route;
mod score;
mod slots;
mod text;
mod vectors;

pub use corrections::MAX_CORRECTIONS;
pub use route::{
    Correction, Decision, Evidence, EvidenceKind, Intent, Ranked, Route, RouterOptions, SkillProfile, Slot, Unclear,
    Utterance,
};
pub use vectors::{BACKGROUND, MAX_VECTORS, SkillTexts, SkillVectors, TextVectors, Vector, texts_to_embed};

use std::sync::Arc;

use crate::index::Index;
use crate::text::Splitter;

/// An index over a tenant's skills. Cheap to clone: clones share it.
#[derive(Debug, Clone)]
pub struct Router {
    index: Arc<Index>,
    vectors: Option<Arc<SkillVectors>>,
    options: RouterOptions,
}

impl Router {
    /// Builds the index and learns from its texts. Of two profiles with the same name both are kept.
    ///
    /// Costs tens of milliseconds for a hundred skills with ten examples each, and a second for 150 with a hundred: build it where no request
    /// waits.
    #[must_use]
    pub fn build(skills: &[SkillProfile], options: RouterOptions) -> Self {
        Self { index: Arc::new(Index::build(skills)), vectors: None, options }
    }

    /// Builds the index with what users have said about earlier routes, in the order in which they said it.
    ///
    /// An utterance that belongs to a skill counts as one of its examples, and one that does not as an anti-example. Of several corrections with
    /// the same words the later ones win where they contradict an earlier one. A correction that names no skill of the catalogue, or says
    /// nothing, counts for nothing; of more than [`MAX_CORRECTIONS`] the last ones count.
    #[must_use]
    pub fn build_with_corrections(skills: &[SkillProfile], corrections: &[Correction], options: RouterOptions) -> Self {
        Self::build(&corrections::corrected(skills, corrections), options)
    }

    /// The same router with the vectors of its skills' texts. They count for utterances that come with vectors too.
    #[must_use]
    pub fn with_vectors(&self, vectors: Arc<SkillVectors>) -> Self {
        Self { vectors: Some(vectors), ..self.clone() }
    }

    /// The vectors of its skills' texts.
    #[must_use]
    pub fn vectors(&self) -> Option<&SkillVectors> {
        self.vectors.as_deref()
    }

    /// Reads an utterance and decides. Costs microseconds to a few hundred of them, however many skills there are.
    #[must_use]
    pub fn route(&self, utterance: &Utterance<'_>) -> Route {
        let splitter = Splitter::new();
        let words = splitter.split(utterance.text);
        let actions = actions::actions(&words);
        let (slots, unclear) = slots::read(utterance, &words, &actions);
        let intent = Intent { actions, slots, unclear };
        score::route(&self.index, self.vectors(), &self.options, utterance, &words, intent)
    }

    /// How many skills it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.skills.len()
    }

    /// How many bytes the learnt part takes, about.
    #[must_use]
    pub fn learnt_bytes(&self) -> usize {
        self.index.model.bytes()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.skills.is_empty()
    }
}
