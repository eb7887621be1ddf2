//! Builds the guests of `tests/guests`.

use std::path::Path;

fn main() {
    // Asked at run time: a build script that was compiled once may serve another checkout.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR for every build script");
    let manifest_dir = Path::new(&here).join("../guests");
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
    println!("cargo::rustc-env=NEIGHBOUR_WASM={}", built.path("neighbour").display());
    println!("cargo::rustc-env=PROBE_WASM={}", built.path("probe").display());
}
