//! Gives the component a shadow stack that holds the interpreter's deepest allowed recursion: the linker's default of 1 MiB is
//! made for small programs. The stack lies at the start of linear memory, so an overflow traps instead of overwriting data.

/// Measured need is under half of it (see `tests/limits.rs`); it counts towards the sandbox's memory budget.
const STACK_BYTES: u32 = 8 << 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A variable that cargo always sets for build scripts.
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK_BYTES}");
    }
}
