//! The clients from outside, in one program: every test program links everything anew.

mod common;
mod embeddings;
mod llm;
mod search;
