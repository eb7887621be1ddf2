//! What a component exports: the contract's functions, with the contract's types.
//!
//! A component whose types differ loads, and every call of it fails. So its types are compared when
//! it is loaded, and an author hears of the difference at the upload.

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};

use crate::contract::{Attempt, Context, Failure, Inputs, Output, Plan, Reply, Request, Step, StepResult};
use crate::error::LoadError;

/// The interface that a skill exports.
const HANDLER: &str = "openanalyst:skill/handler@0.1.0";
/// Most exports that a message names.
const MAX_NAMED: usize = 8;

/// Checks the exports of a skill's component.
///
/// # Errors
/// A function is missing or has another type; the message names the function and the difference.
pub(crate) fn check_skill(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(handler)) = ty.get_export(engine, HANDLER).map(|export| export.ty) else {
        let found = named(ty.exports(engine).map(|(name, _)| name.to_owned()));
        return Err(LoadError::refused(
            "missing-export",
            format!("the component does not export `{HANDLER}`; it exports {found}. Build it with the SDK"),
        ));
    };
    let types = ty.instance_type();
    let compare = |name: &str, check: &dyn Fn(&ComponentFunc) -> wasmtime::Result<()>| {
        let function = function(engine, &handler, name)?;
        check(&function).map_err(|error| {
            LoadError::refused(
                "wrong-export-type",
                format!(
                    "`{name}` of `{HANDLER}` has another type than the contract: {error:#}. Build the component against the \
                     contract's WIT files, or with the SDK"
                ),
            )
        })
    };
    compare("plan", &|function| function.typecheck::<(&Request, &Context), (Result<Plan, Failure>,)>(&types))?;
    compare("run", &|function| function.typecheck::<(&Step, &Inputs, &Attempt), (Result<Output, Failure>,)>(&types))?;
    compare("reply", &|function| function.typecheck::<(&Request, &[StepResult]), (Result<Reply, Failure>,)>(&types))
}

fn function(engine: &Engine, handler: &ComponentInstance, name: &str) -> Result<ComponentFunc, LoadError> {
    match handler.get_export(engine, name).map(|export| export.ty) {
        Some(ComponentItem::ComponentFunc(function)) => Ok(function),
        _ => {
            let functions = handler.exports(engine).filter_map(|(name, export)| match export.ty {
                ComponentItem::ComponentFunc(_) => Some(name.to_owned()),
                _ => None,
            });
            let found = named(functions);
            Err(LoadError::refused(
                "missing-export",
                format!("`{HANDLER}` lacks the function `{name}`; it has {found}. Build the component with the SDK"),
            ))
        }
    }
}

fn named(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", crate::logs::clean(&name, 80))).collect();
    match names.len() {
        0 => "nothing".to_owned(),
        more if more > MAX_NAMED => format!("{} and {} more", names[..MAX_NAMED].join(", "), more - MAX_NAMED),
        _ => names.join(", "),
    }
}
