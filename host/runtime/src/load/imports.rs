//! What a component imports: everything must be something that the host links.

use wasmtime::Engine;
use wasmtime::component::Component;

use super::network;
use crate::error::LoadError;

/// The interfaces of the contract, without version.
const CONTRACT: &str = "openanalyst:skill/";
/// The versions of the contract that this host links.
const VERSIONS: &[&str] = &["0.1.0"];
/// Packages of WASI of which a part is linked.
const WASI: &[&str] = &["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/"];
const SCRIPT_HOST: &str = "openanalyst:script/host@0.1.0";

/// What a component is loaded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    Skill,
    ScriptRunner,
    Checker,
}

/// Checks the imports.
///
/// # Errors
/// Names the first one that is not linked, and what can be done.
pub(crate) fn check(engine: &Engine, component: &Component, world: World) -> Result<(), LoadError> {
    let names: Vec<String> = component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect();
    check_names(&names, world)
}

/// Checks names of imports.
///
/// # Errors
/// See [`check`].
pub(crate) fn check_names(names: &[String], world: World) -> Result<(), LoadError> {
    for name in names {
        let (interface, version) = name.split_once('@').unwrap_or((name.as_str(), ""));
        if world == World::ScriptRunner && *name == SCRIPT_HOST {
            continue;
        }
        if world == World::Skill && interface.starts_with(CONTRACT) {
            if VERSIONS.contains(&version) {
                continue;
            }
            let detail = format!(
                "the component imports `{name}`, and this host knows the versions {}: build it with an SDK of one of them, or \
                 use a newer host",
                VERSIONS.join(", ")
            );
            return Err(LoadError::refused("unknown-version", detail));
        }
        if WASI.iter().any(|package| interface.starts_with(package)) && version.starts_with("0.2.") {
            continue;
        }
        if network::is_network(interface) && version.starts_with("0.2.") {
            continue;
        }
        let detail = format!(
            "the component imports `{name}`: only the contract and WASI 0.2's clocks, random, cli, io and filesystem are \
             linked, and its sockets and HTTP as refusals"
        );
        return Err(LoadError::refused("unknown-import", detail));
    }
    Ok(())
}
