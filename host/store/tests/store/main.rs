//! The record from outside, in one program: every test program links everything anew.

mod deletion;
mod jobs;
mod postgres;
mod record;
mod sqlite;
mod support;
mod upkeep;
