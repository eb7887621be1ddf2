//! Placeholder until the bench below is filled in.
fn main() {}
