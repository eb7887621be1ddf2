//! From bytes to something that can be called: scan, cache or compiler, imports.
//!
//! Nothing here runs a guest. What comes in is believed nothing.

pub(crate) mod cache;
pub(crate) mod child;
pub(crate) mod compilers;
pub(crate) mod exports;
pub(crate) mod imports;
pub(crate) mod network;
pub(crate) mod scan;

/// Looks at a skill's component without compiling it; gives the names of what it imports.
///
/// # Errors
/// What no sandbox would load: no component, broken, too much of something, an import that is not linked.
pub fn inspect_component(bytes: &[u8]) -> Result<Vec<String>, crate::LoadError> {
    let names = scan::imports(bytes)?;
    imports::check_names(&names, imports::World::Skill)?;
    Ok(names)
}
