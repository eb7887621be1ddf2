//! `wasi:sockets` and `wasi:http`: linked, and every call refused.
//!
//! Python's and JavaScript's toolchains import them whether or not the code opens a connection, so a
//! component that imports them loads. There is nothing behind them: a function that can give an
//! error gives one that says so, and any other ends the call with [`NetworkRefused`]. Skills reach
//! the network through the contract's `http` interface.

use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, Linker, Resource, ResourceAny, ResourceType, Val};
use wasmtime::{AsContextMut, Engine, StoreContextMut};

use crate::logs::LogLevel;
use crate::state::State;

/// The packages that are linked this way.
pub(crate) const PACKAGES: &[&str] = &["wasi:sockets/", "wasi:http/"];
/// The errors that say so, of those that the interfaces know; the first that fits is given.
const ERRORS: &[&str] = &["access-denied", "HTTP-request-denied", "forbidden", "not-supported"];

/// A guest called a function of the network that cannot give an error.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "the skill called `{function}`, and skills have no network of their own: fetch through the `http` interface of the \
     contract, for hosts that are granted"
)]
pub(crate) struct NetworkRefused {
    /// The interface and the function.
    pub(crate) function: String,
}

/// What the resources of these interfaces are here: a name without anything behind it.
struct Nothing;

/// Whether an import is one of them.
pub(crate) fn is_network(interface: &str) -> bool {
    PACKAGES.iter().any(|package| interface.starts_with(package))
}

/// The linker for a component: `linker` itself where the component imports none of these interfaces.
///
/// # Errors
/// Two imports of the component have one name.
pub(crate) fn link(
    engine: &Engine,
    component: &Component,
    linker: &Linker<State>,
) -> wasmtime::Result<Option<Linker<State>>> {
    let ty = component.component_type();
    if !ty.imports(engine).any(|(name, _)| is_network(name)) {
        return Ok(None);
    }
    let mut linker = linker.clone();
    // A resource is defined where it is imported first; later interfaces only name it again.
    let mut defined: Vec<ResourceType> = Vec::new();
    for (name, import) in ty.imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        for (export, item) in instance.exports(engine) {
            match item.ty {
                ComponentItem::Resource(resource) if !defined.contains(&resource) => {
                    if is_network(name) {
                        let nothing = ResourceType::host::<Nothing>();
                        linker.instance(name)?.resource(export, nothing, |_, _| Ok(()))?;
                    }
                    defined.push(resource);
                }
                ComponentItem::ComponentFunc(_) if is_network(name) => {
                    let function = format!("{name} {export}");
                    linker
                        .instance(name)?
                        .func_new(export, move |store, ty, _, results| refuse(store, &ty, results, &function))?;
                }
                _ => {}
            }
        }
    }
    Ok(Some(linker))
}

fn refuse(
    mut store: StoreContextMut<'_, State>,
    ty: &ComponentFunc,
    results: &mut [Val],
    function: &str,
) -> wasmtime::Result<()> {
    let refused = NetworkRefused { function: function.to_owned() };
    let Some(result) = results.first_mut() else { return Err(refused.into()) };
    let given = match ty.results().next() {
        Some(Type::Result(ty)) => error_of(ty.err()).map(|error| Val::Result(Err(error))),
        // What is made before a call can fail: a request, its headers.
        Some(Type::Own(ty)) if ty == ResourceType::host::<Nothing>() => {
            let made = ResourceAny::try_from_resource(Resource::<Nothing>::new_own(0), store.as_context_mut())?;
            *result = Val::Resource(made);
            return Ok(());
        }
        _ => None,
    };
    match given {
        Some(given) => {
            store.data().logs.write(LogLevel::Warn, &refused.to_string());
            *result = given;
            Ok(())
        }
        None => Err(refused.into()),
    }
}

/// The error of a result, where it has one that needs no more than its name.
fn error_of(ty: Option<Type>) -> Option<Option<Box<Val>>> {
    match ty {
        None => Some(None),
        Some(Type::Enum(ty)) => {
            let name = ERRORS.iter().find(|name| ty.names().any(|known| known == **name))?;
            Some(Some(Box::new(Val::Enum((*name).to_owned()))))
        }
        Some(Type::Variant(ty)) => {
            let fits = |name: &str| ty.cases().any(|case| case.name == name && case.ty.is_none());
            let name = ERRORS.iter().find(|name| fits(name))?;
            Some(Some(Box::new(Val::Variant((*name).to_owned(), None))))
        }
        Some(_) => None,
    }
}
