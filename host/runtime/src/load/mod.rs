//! From bytes to something that can be called: scan, cache or compiler, imports.
//!
//! Nothing here runs a guest. What comes in is believed nothing.

pub(crate) mod cache;
pub(crate) mod compilers;
pub(crate) mod imports;
pub(crate) mod scan;
