//! Vectors of texts (embeddings) as evidence: how near in meaning a request is to the texts of a skill.
//!
//! Vectors are input: somebody else asks the embedding model, and gives what it said for the texts that [`texts_to_embed`] names. Models differ in
//! what a cosine of 0.5 means, so each catalogue is calibrated: what is far is said by sentences about other things ([`BACKGROUND`]), what is near by
//! the skills' own texts.
//!
//! | module | holds |
//! |---|---|
//! | `vector` | one vector, and the cosine of two |
//! | `texts` | which texts of a catalogue are embedded |
//! | `skills` | the vectors of a catalogue, and what they say of a request |

mod skills;
mod texts;
mod vector;

use std::collections::HashMap;

pub(crate) use self::skills::Nearness;
pub use self::skills::SkillVectors;
pub use self::texts::{BACKGROUND, MAX_VECTORS, SkillTexts, texts_to_embed};
pub use self::vector::Vector;

/// The vectors of a request's text and of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct TextVectors {
    whole: Vector,
    parts: HashMap<String, Vector>,
}

impl TextVectors {
    /// The vector of the whole request, and those of parts of it.
    #[must_use]
    pub fn new(whole: Vector, parts: HashMap<String, Vector>) -> Self {
        Self { whole, parts }
    }

    /// The vector of a text: that of the part, or else of the request that it was made from.
    pub(crate) fn of(&self, text: &str) -> &Vector {
        self.parts.get(text.trim()).unwrap_or(&self.whole)
    }
}
