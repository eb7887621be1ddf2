//! Builds the script runner, the component that runs TypeScript in the sandbox.

use std::path::Path;

fn main() {
    // Asked at run time: a build script that was compiled once may serve another checkout.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR for every build script");
    let dir = Path::new(&here).join("script-runner");
    let built = openanalyst_guest_build::Guests {
        group: "script-runner",
        manifest_dir: &dir,
        packages: &[],
        profile: "guest",
        examples: false,
    }
    .build();
    println!("cargo::rustc-env=SCRIPT_RUNNER_WASM={}", built.path("openanalyst_script_runner").display());
}
