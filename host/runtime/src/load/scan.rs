//! A structural look at a component before a compiler sees it.
//!
//! Compiling is not protected by the sandbox, so what could make it slow or large is refused here, by counts that no honest component comes near.

use openanalyst_domain::LimitReason;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::error::LoadError;

/// Most bytes of a component.
pub(crate) const MAX_COMPONENT_BYTES: usize = 32 << 20;
/// Most bytes of one function's body.
const MAX_BODY_BYTES: usize = 7_000_000;
/// Most locals of one function.
const MAX_LOCALS: u32 = 50_000;
/// Most types, functions, and core modules, all modules together.
const MAX_TYPES: u32 = 200_000;
const MAX_FUNCTIONS: u32 = 200_000;
const MAX_MODULES: u32 = 50;

/// The proposals that a guest's modules may use: what the engine is configured for, without
/// multi-memory, which it has for its own adapters only.
fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        | WasmFeatures::SIMD
        | WasmFeatures::FLOATS
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::GC_TYPES
        | WasmFeatures::COMPONENT_MODEL
}

/// Looks at a component.
///
/// # Errors
/// What it is instead, or what it has too much of.
pub(crate) fn scan(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        let detail = format!("the component has {} bytes and {MAX_COMPONENT_BYTES} is the limit", bytes.len());
        return Err(LoadError::Limit { reason: LimitReason::ComponentTooLarge, detail });
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(LoadError::refused(
            "compiled-component",
            "this is a compiled artifact, and those are never taken: upload the component itself",
        ));
    }
    if !bytes.starts_with(b"\0asm") {
        let what = if bytes.trim_ascii_start().starts_with(b"(") { "WebAssembly text" } else { "no WebAssembly" };
        return Err(LoadError::refused(
            "not-a-component",
            format!("this is {what}: build a component for wasm32-wasip2"),
        ));
    }
    if Parser::is_core_wasm(bytes) {
        return Err(LoadError::refused(
            "core-module",
            "this is a core WebAssembly module, not a component: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`",
        ));
    }
    count(bytes)?;
    Validator::new_with_features(features()).validate_all(bytes).map_err(|error| {
        LoadError::refused(
            "invalid-component",
            format!("the component is not valid, or uses a proposal that is not allowed: {error}"),
        )
    })?;
    Ok(())
}

/// The names of what a component imports, with their versions. Nothing is compiled.
///
/// # Errors
/// It is refused before its imports matter.
pub(crate) fn imports(bytes: &[u8]) -> Result<Vec<String>, LoadError> {
    scan(bytes)?;
    let mut names = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let broken = |error: wasmparser::BinaryReaderError| {
            LoadError::refused("invalid-component", format!("the component cannot be read: {error}"))
        };
        match payload.map_err(broken)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // The component's own imports, not those of components and modules inside of it.
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    names.push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[derive(Default)]
struct Counts {
    types: u32,
    functions: u32,
    modules: u32,
}

fn count(bytes: &[u8]) -> Result<(), LoadError> {
    let broken = |error: &wasmparser::BinaryReaderError| {
        LoadError::refused("invalid-component", format!("the component cannot be read: {error}"))
    };
    let mut counts = Counts::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| broken(&error))? {
            Payload::ModuleSection { .. } => counts.modules += 1,
            Payload::TypeSection(section) => counts.types = counts.types.saturating_add(section.count()),
            Payload::ComponentTypeSection(section) => counts.types = counts.types.saturating_add(section.count()),
            Payload::FunctionSection(section) => counts.functions = counts.functions.saturating_add(section.count()),
            Payload::CodeSectionEntry(body) => {
                let length = body.range().len();
                if length >= MAX_BODY_BYTES {
                    let detail =
                        format!("a function of the component has {length} bytes and {MAX_BODY_BYTES} is the limit");
                    return Err(LoadError::refused("function-too-large", detail));
                }
                let mut locals: u32 = 0;
                for group in body.get_locals_reader().map_err(|error| broken(&error))? {
                    locals = locals.saturating_add(group.map_err(|error| broken(&error))?.0);
                }
                if locals >= MAX_LOCALS {
                    let detail =
                        format!("a function of the component has {locals} locals and {MAX_LOCALS} is the limit");
                    return Err(LoadError::refused("too-many-locals", detail));
                }
            }
            _ => {}
        }
        for (what, found, most, code) in [
            ("types", counts.types, MAX_TYPES, "too-many-types"),
            ("functions", counts.functions, MAX_FUNCTIONS, "too-many-functions"),
            ("core modules", counts.modules, MAX_MODULES, "too-many-modules"),
        ] {
            if found > most {
                return Err(LoadError::refused(
                    code,
                    format!("the component has {found} {what} and {most} is the limit"),
                ));
            }
        }
    }
    Ok(())
}
