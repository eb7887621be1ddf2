//! Bindings for `openanalyst:checker@0.1.0`: what the host asks the checker of expectations.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../brain/checker/wit",
    world: "checker",
    exports: { default: async },
    additional_derives: [PartialEq],
});
