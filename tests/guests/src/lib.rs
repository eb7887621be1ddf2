//! What the test guests share: the contract's bindings. Written against the contract itself, without the SDK, so that they can misuse it.

#![allow(missing_docs)]

wit_bindgen::generate!({
    path: "../../wit/0.1.0",
    world: "skill",
    pub_export_macro: true,
    default_bindings_module: "openanalyst_test_guests",
});
