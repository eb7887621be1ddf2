//! The commands, one file each.

pub mod ask;
pub mod audit;
pub mod backup;
pub mod compile;
pub mod doctor;
pub mod erase;
pub mod history;
pub mod keys;
pub mod migrate;
pub mod route;
pub mod serve;
pub mod skill;
pub mod task;
pub mod token;
pub mod usage;
