//! The edge from outside, in one program: every test program links everything anew.

mod http;
mod hub;
mod reach;
mod skills;
mod support;
