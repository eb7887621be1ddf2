//! The skill from outside, in one program.

mod language_model;
mod report;
