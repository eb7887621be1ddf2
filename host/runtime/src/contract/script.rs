//! Bindings for `openanalyst:script@0.1.0`: what the host and the script runner say to each other.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../workflow/script-runner/wit",
    world: "script-runner",
    imports: {
        "openanalyst:script/host.log": trappable,
        "openanalyst:script/host.progress": trappable,
        default: async | trappable,
    },
    exports: { default: async },
});
