//! Builds the script runner, the component that runs TypeScript in the sandbox.

use std::path::Path;

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("script-runner");
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
