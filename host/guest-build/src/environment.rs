//! Which environment variables the nested cargo inherits.
//!
//! The outer cargo describes *its* build in the environment of a build script: flags, wrappers (clippy is one), the job server,
//! target, profile. Inherited, they would change the guests or hang the nested build on the outer one's job tokens. Everything
//! that describes the user's machine (paths, proxies, certificates, registries) stays.

/// Variables of the `CARGO_…` and `RUST…` families that describe the machine and not the outer build.
const MACHINE: &[&str] = &["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_DIST_SERVER", "RUSTUP_UPDATE_ROOT"];
const MACHINE_PREFIXES: &[&str] =
    &["CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTRY_", "CARGO_REGISTRIES_", "CARGO_SOURCE_"];

/// Variables that the outer cargo sets for a build script without a prefix of their own.
const OUTER: &[&str] =
    &["TARGET", "HOST", "PROFILE", "OPT_LEVEL", "DEBUG", "OUT_DIR", "NUM_JOBS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"];
const OUTER_PREFIXES: &[&str] = &["CARGO", "RUST", "DEP_", "CLIPPY_"];

/// Whether the nested cargo may see the variable `name`.
pub(crate) fn is_inherited(name: &str) -> bool {
    if MACHINE.contains(&name) || MACHINE_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return true;
    }
    !OUTER.contains(&name) && !OUTER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::is_inherited;

    #[test]
    fn what_describes_the_machine_is_inherited() {
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "https_proxy",
            "NO_PROXY",
            "SSL_CERT_FILE",
        ] {
            assert!(is_inherited(name), "{name}");
        }
        for name in ["CARGO_NET_OFFLINE", "CARGO_HTTP_CAINFO", "CARGO_REGISTRIES_MIRROR_INDEX", "TMPDIR", "SystemRoot"]
        {
            assert!(is_inherited(name), "{name}");
        }
    }

    #[test]
    fn what_describes_the_outer_build_is_not() {
        for name in
            ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_MAKEFLAGS", "MAKEFLAGS", "TARGET"]
        {
            assert!(!is_inherited(name), "{name}");
        }
        for name in [
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "RUSTC",
            "CLIPPY_ARGS",
            "PROFILE",
            "OUT_DIR",
            "CARGO_TARGET_DIR",
        ] {
            assert!(!is_inherited(name), "{name}");
        }
        for name in
            ["CARGO_PROFILE_RELEASE_LTO", "CARGO_FEATURE_STD", "CARGO_PKG_NAME", "DEP_Z_INCLUDE", "CARGO_MANIFEST_DIR"]
        {
            assert!(!is_inherited(name), "{name}");
        }
    }
}
