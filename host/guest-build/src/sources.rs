//! Which files the outer cargo watches, so that a changed guest is built again and an unchanged one costs nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::Output;

/// All local files that the guests were made of: manifests, lock file, and the sources that the compiler itself reported
/// (WIT and included files are among them).
pub(crate) fn watched(manifest_dir: &Path, output: &Output) -> Result<BTreeSet<PathBuf>, String> {
    let mut paths: BTreeSet<PathBuf> = output.manifests.iter().cloned().collect();
    paths.insert(manifest_dir.join("Cargo.toml"));
    let lock = manifest_dir.join("Cargo.lock");
    if lock.is_file() {
        paths.insert(lock);
    }
    // New examples appear in no list of the compiler's; their folder's time tells of them.
    for manifest in &output.manifests {
        let examples = manifest.with_file_name("examples");
        if examples.is_dir() {
            paths.insert(examples);
        }
    }
    for artifact in &output.artifacts {
        let listing = artifact.path.with_extension("d");
        let text = fs::read_to_string(&listing).map_err(|error| {
            format!("cannot read {}, where cargo lists a guest's sources: {error}", listing.display())
        })?;
        paths.extend(dependencies(&text));
    }
    Ok(paths)
}

/// The prerequisites in a Makefile rule as cargo writes it: `artifact: source source…`, spaces inside names escaped as `\ `.
fn dependencies(listing: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in listing.lines() {
        let Some((_, sources)) = line.split_once(": ") else { continue };
        let mut name = String::new();
        let mut characters = sources.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&' ') => {
                    characters.next();
                    name.push(' ');
                }
                ' ' => found.extend(take(&mut name)),
                other => name.push(other),
            }
        }
        found.extend(take(&mut name));
    }
    found
}

fn take(name: &mut String) -> Option<PathBuf> {
    (!name.is_empty()).then(|| PathBuf::from(std::mem::take(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Artifact;

    #[test]
    fn sources_are_read_from_the_compilers_listing() {
        let listing = "/t/guest/a.wasm: /p/src/lib.rs /p/my\\ folder/x.wit\n";
        assert_eq!(dependencies(listing), [PathBuf::from("/p/src/lib.rs"), PathBuf::from("/p/my folder/x.wit")]);
        assert_eq!(dependencies("/t/a.wasm:\n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn manifests_lock_examples_and_sources_are_watched() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("Cargo.lock"), "").unwrap();
        fs::create_dir(at("examples")).unwrap();
        fs::write(at("a.d"), "a.wasm: /p/src/lib.rs\n").unwrap();
        let artifacts = vec![Artifact { name: "a".into(), path: at("a.wasm") }];
        let output = Output { artifacts, manifests: vec![at("Cargo.toml")] };
        let watched: Vec<PathBuf> = watched(folder.path(), &output).unwrap().into_iter().collect();
        let mut expected = vec![at("Cargo.lock"), at("Cargo.toml"), at("examples"), PathBuf::from("/p/src/lib.rs")];
        expected.sort();
        assert_eq!(watched, expected);
    }
}
