//! The skill from outside, in one program.

mod conversation;
mod language_model;
mod several;
mod turns;
