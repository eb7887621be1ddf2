//! Tests inside a WebAssembly sandbox what a skill expects of its results.
//!
//! Schemas, patterns and the texts of a similarity come from skills, and may be made to take very
//! long. So they are evaluated here, where the sandbox bounds time and memory, and never in the
//! host's own process. `wit/checker.wit` is the whole border. This crate bounds nothing but the
//! size of a compiled pattern, keeps nothing between invocations, and reaches nothing of the host.
//!
//! Begin at `component`. The tests are in `host/brain/src`, and run the component.

mod component;
mod pattern;
mod schema;
mod text;
