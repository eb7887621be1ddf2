//! The crate from outside, in one program: every test program links everything anew.

mod attacks;
mod issuers;
