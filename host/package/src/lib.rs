//! Packages: `SKILL.md`, `.skill` archives, capabilities, digests.
//!
//! A package comes from a stranger. This crate reads it without believing a byte, says everything that is wrong with it at once, and
//! never runs anything of it. It does no I/O: bytes in, values out.
//!
//! Begin at [`manifest`] for `SKILL.md`, [`archive`] for the zip, [`secrets`] and [`private_data`] for
//! what no package may hold, [`capabilities`] for requested ∩ granted, [`signature`] for who made it.

pub mod archive;
pub mod body;
pub mod capabilities;
pub mod finding;
mod front_matter;
pub mod glob;
pub mod identifier;
pub mod imports;
pub mod layout;
pub mod manifest;
pub mod private_data;
mod reader;
pub mod secrets;
pub mod signature;

pub use archive::{ArchiveLimits, Package, digest, read_archive, read_archive_looking, write_archive};
pub use body::Workflow;
pub use capabilities::{Capabilities, MemoryScope};
pub use finding::{Finding, Findings, Severity};
pub use glob::{HostPattern, PathGlob};
pub use identifier::slug;
pub use imports::check_imports;
pub use manifest::{Manifest, parse_skill_md};
pub use signature::{PublisherKey, SigningKey, publisher_of, sign};
