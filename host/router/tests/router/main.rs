//! The router from outside, in one program.

mod bundled;
mod embeddings;
mod language;
mod learnt;
mod limits;
mod names;
mod understanding;
