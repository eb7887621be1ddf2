//! Writes `migrations.rs`, which embeds every file of `migrations/`: their numbers, descriptions and statements.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    // Asked at run time: a build script that was compiled once may serve another checkout.
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let folder = here.join("../../migrations");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut code = String::new();
    for database in ["sqlite", "postgres"] {
        embed(&mut code, database, &folder.join(database));
    }
    let target = PathBuf::from(variable("OUT_DIR")).join("migrations.rs");
    fs::write(&target, code).unwrap_or_else(|error| panic!("cannot write {}: {error}", target.display()));
}

/// One constant for a database: `(number, description, statements)` of each `NUMBER_DESCRIPTION.sql`, in the order of their numbers.
fn embed(code: &mut String, database: &str, folder: &Path) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    let mut files: Vec<(i64, String, PathBuf)> = entries
        .map(|entry| entry.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display())).path())
        // Editors leave other files.
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| {
            let stem = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".sql"));
            let named = stem.and_then(|stem| stem.split_once('_'));
            let (number, description) = named
                .and_then(|(number, description)| Some((number.parse().ok()?, description.replace('_', " "))))
                .unwrap_or_else(|| panic!("{} is not named NUMBER_DESCRIPTION.sql", path.display()));
            (number, description, path)
        })
        .collect();
    files.sort();
    for pair in files.windows(2) {
        assert!(pair[0].0 != pair[1].0, "{} and {} have the same number", pair[0].2.display(), pair[1].2.display());
    }
    // Writing to a String cannot fail.
    let _ = writeln!(code, "const {}: &[(i64, &str, &str)] = &[", database.to_uppercase());
    for (number, description, path) in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let _ = writeln!(code, "    ({number}, {description:?}, include_str!({path:?})),");
    }
    code.push_str("];\n");
}

fn variable(name: &str) -> std::ffi::OsString {
    env::var_os(name).unwrap_or_else(|| panic!("{name} is not set; cargo sets it for every build script"))
}
