//! Packages as they come from other tools and other authors.

mod archives;
mod skill_md;
