//! Where the outer build keeps its files, and how a finished guest gets into the caller's `OUT_DIR`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What a build script knows about the cargo that runs it.
#[derive(Debug, Clone)]
pub(crate) struct Outer {
    /// The cargo executable, the same for the nested build.
    pub(crate) cargo: OsString,
    /// The compiler's executable.
    pub(crate) rustc: OsString,
    /// Where this build script may write.
    pub(crate) out_dir: PathBuf,
    /// The outer target folder, shared by all profiles.
    pub(crate) target_dir: PathBuf,
}

impl Outer {
    /// Reads what cargo tells every build script.
    pub(crate) fn from_environment() -> Result<Self, String> {
        let variable = |name: &str| {
            env::var_os(name)
                .ok_or_else(|| format!("{name} is not set: call this from a build.rs, which cargo runs with it"))
        };
        let out_dir = PathBuf::from(variable("OUT_DIR")?);
        let target_dir = target_dir(&out_dir, &variable("TARGET")?).ok_or_else(|| {
            format!("OUT_DIR is {}, which is not inside a cargo target folder (…/<profile>/build/…)", out_dir.display())
        })?;
        Ok(Self { cargo: variable("CARGO")?, rustc: variable("RUSTC")?, out_dir, target_dir })
    }
}

/// The target folder that holds `out_dir`: `<target>[/<triple>]/<profile>/build/…/out`.
fn target_dir(out_dir: &Path, triple: &OsString) -> Option<PathBuf> {
    let build = out_dir.ancestors().skip(1).find(|path| path.file_name().is_some_and(|name| name == "build"))?;
    let above_profile = build.parent()?.parent()?;
    let is_triple = above_profile.file_name() == Some(triple.as_os_str());
    let target = if is_triple { above_profile.parent()? } else { above_profile };
    Some(target.to_owned())
}

/// Copies a finished guest, leaving an equal copy alone so that its time stays and nothing is compiled again for it.
pub(crate) fn copy_if_changed(from: &Path, to: &Path) -> Result<(), String> {
    let new = fs::read(from).map_err(|error| format!("cannot read the finished guest {}: {error}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    fs::write(to, new)
        .map_err(|error| format!("cannot write {}: {error}; is the disk full or the folder read-only?", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(out_dir: &str) -> Option<PathBuf> {
        target_dir(Path::new(out_dir), &OsString::from("x86_64-unknown-linux-gnu"))
    }

    #[test]
    fn the_target_folder_is_found_in_every_layout() {
        let plain = target_of("/p/target/debug/build/crate-0123/out");
        assert_eq!(plain.as_deref(), Some(Path::new("/p/target")));
        let with_triple = target_of("/p/target/x86_64-unknown-linux-gnu/release/build/crate-0123/out");
        assert_eq!(with_triple.as_deref(), Some(Path::new("/p/target")));
        let nested_hash = target_of("/p/target/debug/build/crate/0123/out");
        assert_eq!(nested_hash.as_deref(), Some(Path::new("/p/target")));
        let checkout_called_build = target_of("/build/p/target/debug/build/crate-0123/out");
        assert_eq!(checkout_called_build.as_deref(), Some(Path::new("/build/p/target")));
        assert_eq!(target_of("/somewhere/else"), None);
    }

    #[test]
    fn an_equal_copy_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "one").unwrap();
        copy_if_changed(&from, &to).unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        fs::File::options().write(true).open(&to).unwrap().set_modified(long_ago).unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), long_ago);
        fs::write(&from, "two").unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "two");
    }
}
