//! Makes sure that the compiler can build for the guests' target, and installs it through rustup where it cannot.

use std::path::Path;
use std::process::Command;

use crate::TARGET;
use crate::layout::Outer;

/// Installing needs the network, and networks stumble.
const INSTALL_ATTEMPTS: u32 = 3;

/// Checks for the target's standard library and tries to install it if it is missing.
pub(crate) fn ensure_target(outer: &Outer) -> Result<(), String> {
    if is_installed(outer)? {
        return Ok(());
    }
    println!("cargo::warning=the target {TARGET} is missing; running `rustup target add {TARGET}`");
    let mut last = String::new();
    for _ in 0..INSTALL_ATTEMPTS {
        match Command::new("rustup").args(["target", "add", TARGET]).output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => last = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => last = format!("rustup did not start: {error}"),
        }
        // Asked again even after a failure: another build script may have installed it meanwhile.
        if is_installed(outer)? {
            return Ok(());
        }
    }
    Err(format!(
        "the Rust target {TARGET} is not installed and could not be added ({last}).\nType: rustup target add {TARGET}\nWithout \
         rustup, install your distribution's standard library for {TARGET}."
    ))
}

fn is_installed(outer: &Outer) -> Result<bool, String> {
    let output = Command::new(&outer.rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("cannot run the compiler {}: {error}", outer.rustc.display()))?;
    if !output.status.success() {
        let detail = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "this compiler does not know the target {TARGET} (Rust 1.82 or newer does): {}",
            detail.trim()
        ));
    }
    Ok(has_standard_library(Path::new(String::from_utf8_lossy(&output.stdout).trim())))
}

/// The folder may stand empty after an interrupted installation, so the library itself is looked for.
fn has_standard_library(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("libstd-")
    })
}

#[cfg(test)]
mod tests {
    use super::has_standard_library;

    #[test]
    fn only_a_folder_with_a_standard_library_counts_as_installed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_standard_library(&folder.path().join("missing")));
        assert!(!has_standard_library(folder.path()));
        std::fs::write(folder.path().join("libstd-0123.rlib"), "").unwrap();
        assert!(has_standard_library(folder.path()));
    }
}
