//! The crate from outside, in one program.

mod labelled;
mod properties;
