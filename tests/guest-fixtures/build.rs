//! Builds the guests of `tests/guests`.

use std::path::Path;

fn main() {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests");
    let built = openanalyst_guest_build::Guests {
        group: "test-guests",
        manifest_dir: &manifest_dir,
        packages: &[],
        profile: "guest",
        examples: true,
    }
    .build();
    println!("cargo::rustc-env=COURIER_WASM={}", built.path("courier").display());
    println!("cargo::rustc-env=TRIER_WASM={}", built.path("trier").display());
    println!("cargo::rustc-env=PROBE_WASM={}", built.path("probe").display());
}
