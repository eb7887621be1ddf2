//! The skill from outside, in one program.

mod files;
mod language_model;
mod report;
