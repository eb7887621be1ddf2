//! What is learnt from a catalogue: a linear model from the words and letters of its texts to its skills.
//!
//! Trained when the catalogue is built, in a fixed order: the same catalogue gives the same model. It knows no skill by name, only by number, and
//! never decides; [`crate::score`] weighs what it says beside the other evidence.
//!
//! | module | holds |
//! |---|---|
//! | `features` | words and letters of a text as hashed keys |
//! | `vocabulary` | the features of all texts as numbers |
//! | `train` | from the texts of all skills to weights |
//! | `model` | the weights, and what they say of an utterance |

mod features;
mod model;
mod train;
mod vocabulary;

pub(crate) use model::{Model, Said};
pub(crate) use train::Texts;
