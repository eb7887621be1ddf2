//! Runs TypeScript scripts, written for Windmill, inside a WebAssembly sandbox.
//!
//! A script is compiled to JavaScript (`compile`: syntax and types by oxc), loaded with the scripts it imports (`loader`), run by
//! the interpreter Boa (`run`) with a small set of globals (`globals`), and reaches the outside only through `host`, which the
//! module `windmill-client` (`shim/windmill-client.js`) dresses as the Windmill client.
//!
//! This crate never touches files, sockets or the host's environment, and enforces no budget of time or memory: the sandbox
//! around the component does (`wit/script.wit` is the border). It only bounds what would otherwise end in a trap instead of an
//! error: sizes, recursion, number of modules. Scripts run in UTC, without `eval`, `fetch` and `Intl`.
//!
//! Begin at `run`; `component` binds it to the WIT interface. Its tests are with those of the engine (`host/workflow/tests/engine/runner`): they run the component
//! in the sandbox, as production does, so the interpreter and the compiler are built for one target only.

mod bridge;
mod compile;
mod component;
mod error;
mod globals;
mod host;
mod jobs;
mod lazy;
mod loader;
mod path;
mod run;
mod signature;
mod trace;
mod unsupported;
