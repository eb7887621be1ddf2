//! The commands, one file each.

pub mod ask;
pub mod compile;
pub mod doctor;
pub mod migrate;
pub mod serve;
pub mod token;
