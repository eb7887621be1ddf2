//! Builds the checker, the component that tests expectations in the sandbox.

use std::path::Path;

fn main() {
    // Asked at run time: a build script that was compiled once may serve another checkout.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR for every build script");
    let dir = Path::new(&here).join("checker");
    let built = openanalyst_guest_build::Guests {
        group: "checker",
        manifest_dir: &dir,
        packages: &[],
        profile: "guest",
        examples: false,
    }
    .build();
    println!("cargo::rustc-env=CHECKER_WASM={}", built.path("openanalyst_checker").display());
}
