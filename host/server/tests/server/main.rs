//! The edge from outside, in one program: every test program links everything anew.

mod allocations;
mod fairness;
mod http;
mod hub;
mod kept;
mod memory;
mod reach;
mod skills;
mod support;
mod uploads;
