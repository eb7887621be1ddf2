//! Runs the nested cargo and reads from its messages what it made.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::environment::is_inherited;
use crate::layout::Outer;
use crate::{Guests, TARGET};

/// What one nested build made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// The guests, in cargo's order.
    pub(crate) artifacts: Vec<Artifact>,
    /// The `Cargo.toml` of every local package that took part.
    pub(crate) manifests: Vec<PathBuf>,
}

/// One `.wasm` file in the guests' own target folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// Builds the guests. The nested build's diagnostics go to this process's standard error, which the outer cargo shows if the build
/// script fails.
pub(crate) fn run(guests: &Guests<'_>, outer: &Outer) -> Result<Output, String> {
    let manifest = guests.manifest_dir.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(format!("{} does not exist; check `manifest_dir` in the build script", manifest.display()));
    }
    let target_dir = outer.target_dir.join("guests").join(guests.group);
    let mut command = Command::new(&outer.cargo);
    command.env_clear();
    command.envs(env::vars_os().filter(|(name, _)| name.to_str().is_none_or(is_inherited)));
    command.args([
        "build",
        "--target",
        TARGET,
        "--profile",
        guests.profile,
        "--message-format",
        "json-render-diagnostics",
    ]);
    command.arg("--manifest-path").arg(&manifest).arg("--target-dir").arg(&target_dir);
    for package in guests.packages {
        command.args(["--package", package]);
    }
    command.arg(if guests.examples { "--examples" } else { "--lib" });
    if guests.manifest_dir.join("Cargo.lock").is_file() {
        command.arg("--locked");
    }
    let command_line = readable(&command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}. The command was:\n{command_line}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo ended with {}; its messages are above. If they speak of the lock file, type: cargo update --workspace \
             --manifest-path {}\nTo see the build alone, type:\n{command_line}",
            output.status,
            manifest.display()
        ));
    }
    let made = parse(&String::from_utf8_lossy(&output.stdout));
    if made.artifacts.is_empty() {
        return Err(format!(
            "cargo made no .wasm file; does the crate have crate-type = [\"cdylib\"]? The command was:\n{command_line}"
        ));
    }
    Ok(made)
}

fn readable(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Reads cargo's `compiler-artifact` messages, one JSON object per line.
fn parse(messages: &str) -> Output {
    let mut output = Output::default();
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        // Local packages have ids such as `path+file:///folder#name@0.1.0`; sources from a registry never change in place.
        if message["package_id"].as_str().is_some_and(|id| id.starts_with("path+"))
            && let Some(manifest) = message["manifest_path"].as_str().map(PathBuf::from)
            && !output.manifests.contains(&manifest)
        {
            output.manifests.push(manifest);
        }
        let files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str).map(Path::new);
        // A dependency that is a cdylib too stays in `deps`; what was asked for is lifted out of it.
        let lifted = files.filter(|file| !file.parent().is_some_and(|folder| folder.ends_with("deps")));
        for file in lifted.filter(|file| file.extension().is_some_and(|extension| extension == "wasm")) {
            if let Some(name) = file.file_stem().and_then(|stem| stem.to_str()) {
                output.artifacts.push(Artifact { name: name.replace('-', "_"), path: file.to_owned() });
            }
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_and_local_manifests_are_read_from_the_messages() {
        let messages = [
            r#"{"reason":"compiler-artifact","package_id":"registry+https://x#serde@1.0.0","manifest_path":"/r/serde/Cargo.toml","filenames":["/t/deps/libserde.rlib"]}"#,
            r#"{"reason":"compiler-artifact","package_id":"path+file:///p/sdk#0.1.0","manifest_path":"/p/sdk/Cargo.toml","filenames":["/t/deps/sdk.wasm"]}"#,
            r#"{"reason":"compiler-artifact","package_id":"path+file:///p/core#0.1.0","manifest_path":"/p/core/Cargo.toml","filenames":["/t/guest/skill_core.wasm","/t/guest/libskill_core.rlib"]}"#,
            r#"{"reason":"compiler-artifact","package_id":"path+file:///p/core#0.1.0","manifest_path":"/p/core/Cargo.toml","filenames":["/t/guest/examples/loop-forever.wasm"]}"#,
            "not JSON",
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let output = parse(&messages.join("\n"));
        let names: Vec<&str> = output.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        assert_eq!(names, ["skill_core", "loop_forever"]);
        assert_eq!(output.manifests, [PathBuf::from("/p/sdk/Cargo.toml"), PathBuf::from("/p/core/Cargo.toml")]);
    }
}
