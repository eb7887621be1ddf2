//! The embedded engine from outside: real scripts in the real sandbox, over a real database, with a clock that the test moves.

mod client;
mod compiling;
mod flows;
mod isolation;
mod jobs;
mod limits;
mod outbox;
mod posts;
mod runner;
mod schedules;
mod scripts;
mod shared;
mod support;
