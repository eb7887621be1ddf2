//! Leaves the names of functions out of the released program: they are a fifth of it.
//!
//! `strip = true` of the profile does not do it: Cargo 1.95 forgets it for a package that has a setting of its own there, and this one has.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("DEBUG", "false") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}
