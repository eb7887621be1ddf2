//! The whole product from outside: the binary, real sockets, a real database, the bundled skills in the sandbox.
//!
//! Every test has a data directory of its own; the compiled components are shared. Tests wait for events, never for the clock.

mod answers;
mod bad_input;
mod brain;
mod command_line;
mod crash;
mod crash_rounds;
mod criticals;
mod database_chaos;
mod deletion;
mod effects;
mod embeddings;
mod examples;
mod expectations;
mod files;
mod first_start;
mod hub;
mod isolation;
mod memory;
mod models;
mod nodes;
mod operations;
mod operator;
mod panics;
mod parts;
mod replay;
mod request;
mod schedule;
mod support;
mod understanding;
mod walk;
