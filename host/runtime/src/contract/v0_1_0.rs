//! Bindings for `openanalyst:skill@0.1.0`, generated from `wit/0.1.0`.
//!
//! Everything here is made by the macro; the types are documented in the WIT files. Another version of the package gets a
//! file of its own beside this one.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../../wit/0.1.0",
    world: "skill",
    imports: {
        "openanalyst:skill/log": trappable,
        "openanalyst:skill/progress": trappable,
        default: async | trappable,
    },
    exports: { default: async },
    with: {
        "openanalyst:skill/windmill.job": crate::capabilities::windmill::Job,
        "openanalyst:skill/http.pending": crate::capabilities::http::Pending,
    },
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});
