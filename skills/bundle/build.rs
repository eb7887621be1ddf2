//! Builds the bundled skills and writes `embedded.rs`, which names every file that the crate carries.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The bundled skills, sorted: their folder under `skills/`, which is their identifier too.
const SKILLS: &[&str] = &["analytics", "core", "social-media", "workflow-builder"];

/// Folders of a skill that belong to its package. Sources and tests do not.
const PACKAGED: &[&str] = &["assets", "prompts", "workflows"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Asked at run time: a build script that was compiled once may serve another checkout.
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let root =
        here.ancestors().nth(2).unwrap_or_else(|| panic!("{} is not skills/bundle of a workspace", here.display()));
    let packages: Vec<String> = SKILLS.iter().map(|name| format!("skill-{name}")).collect();
    let built = openanalyst_guest_build::Guests {
        group: "skills",
        manifest_dir: root,
        packages: &packages.iter().map(String::as_str).collect::<Vec<_>>(),
        profile: "guest",
        examples: false,
    }
    .build();

    let mut code = String::from("static BUNDLED: &[BundledSkill] = &[\n");
    for name in SKILLS {
        let folder = root.join("skills").join(name);
        let skill_md = folder.join("SKILL.md");
        assert!(skill_md.is_file(), "skills/{name} has no SKILL.md; every bundled skill needs one, see skills/core");
        let component = built.path(&format!("skill_{}", name.replace('-', "_")));
        push(&mut code, format_args!("    BundledSkill {{\n        name: {name:?},"));
        push(&mut code, format_args!("        component: include_bytes!({component:?}),"));
        push(&mut code, format_args!("        skill_md: include_str!({skill_md:?}),"));
        push(&mut code, format_args!("        files: &["));
        // The skill's whole folder, so that cargo notices a new one inside. A path that is not there would make it run this, and compile what depends on it, in every build.
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        for part in PACKAGED {
            collect(&folder.join(part), &mut files);
        }
        files.sort();
        for file in files {
            push(&mut code, format_args!("            ({:?}, include_bytes!({file:?})),", relative(&folder, &file)));
        }
        push(&mut code, format_args!("        ],\n    }},"));
    }
    code.push_str("];\n\nstatic SHARED_SCRIPTS: &[(&str, &str)] = &[\n");

    let windmill = root.join("windmill");
    println!("cargo::rerun-if-changed={}", windmill.join("f").display());
    let mut scripts = Vec::new();
    collect(&windmill.join("f"), &mut scripts);
    scripts.retain(|file| file.extension().is_some_and(|extension| extension == "ts"));
    let mut scripts: Vec<(String, PathBuf)> =
        scripts.into_iter().map(|file| (relative(&windmill, &file.with_extension("")), file)).collect();
    scripts.sort();
    for (path, file) in scripts {
        push(&mut code, format_args!("    ({path:?}, include_str!({file:?})),"));
    }
    code.push_str("];\n");

    let out = PathBuf::from(variable("OUT_DIR"));
    let target = out.join("embedded.rs");
    fs::write(&target, code).unwrap_or_else(|error| panic!("cannot write {}: {error}", target.display()));
}

fn variable(name: &str) -> std::ffi::OsString {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set; cargo sets it for every build script"))
}

fn push(code: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(code, "{line}");
}

/// All files under a folder, none if there is no such folder. Hidden files are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

/// A path below `folder` with `/` between its parts, on every system.
fn relative(folder: &Path, path: &Path) -> String {
    let below =
        path.strip_prefix(folder).unwrap_or_else(|_| panic!("{} is not below {}", path.display(), folder.display()));
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
