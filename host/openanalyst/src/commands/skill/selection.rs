//! Which files of a folder become a package.
//!
//! A skill's folder is also where its author works: it holds sources, builds, a history, perhaps the
//! data of a host that was started there. What could hold a secret or belongs to a tool is never
//! taken; `.skillignore` (with the rules of `.gitignore`) leaves out more, and never brings back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use openanalyst_package::{layout, private_data, secrets};

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::settings::Settings;

/// The file with more to leave out.
const IGNORE_FILE: &str = ".skillignore";
/// The component.
const COMPONENT: &str = "skill.wasm";
/// Folders that tools make, wherever they stand.
const TOOL_FOLDERS: &[&str] =
    &["target", "node_modules", "bower_components", "__pycache__", "__pypackages__", "venv", "CVS", "_darcs"];
/// Folders that builds make at the top of a project.
const BUILD_FOLDERS: &[&str] = &["dist", "build", "out", "coverage"];
/// Ends of the names of keys and of what compilers and editors leave.
const LEFT_OUT: &[(&str, &str)] = &[
    (".pem", "a key or a certificate"),
    (".key", "a key"),
    (".pyc", "made by a build"),
    (".o", "made by a build"),
    (".cwasm", "made by a build"),
    ("~", "left by an editor"),
];
/// Folders of which `history export` makes every one.
const EXPORT_FOLDERS: &[&str] = &["sessions", "learnings", "successes", "failures", "research", "raw-outputs"];
/// Most files that are looked at.
const MAX_FILES: usize = 10_000;
/// Most bytes of a file that is read: more than any file of a package may have.
const MAX_FILE_BYTES: u64 = 33 << 20;

/// The files of a package, and what of the folder is not among them, with the reason.
pub(super) struct Selection {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) left_out: Vec<(String, &'static str)>,
}

impl Selection {
    /// Looks through the folder `root`.
    ///
    /// # Errors
    /// It is no skill's folder, is itself a data directory, or cannot be read; the issuers file of the
    /// settings cannot be read.
    pub(super) fn of(root: &Path, key: Option<&Path>, settings: &Settings) -> Result<Self, Failure> {
        if DataDir::is_one(root) {
            return Err(Failure::usage(format!(
                "{} is a data directory, with the host's keys and records: move the skill into a folder of its own",
                root.display()
            )));
        }
        let own = settings.own_files()?;
        let own = own.iter().map(PathBuf::as_path).chain(key);
        let mut walk = Walk {
            root,
            own: own.filter_map(|path| path.canonicalize().ok()).collect(),
            ignored: ignored(root)?,
            seen: 0,
            selection: Self { files: BTreeMap::new(), left_out: Vec::new() },
        };
        walk.folder(root)?;
        let selection = walk.selection;
        if !selection.files.keys().any(|path| !path.contains('/') && layout::is_skill_md(path)) {
            return Err(Failure::usage(format!("{} holds no SKILL.md: name the folder of a skill", root.display())));
        }
        if !selection.files.contains_key(COMPONENT)
            && let Some(built) = built_component(root)
        {
            return Err(Failure::failed(format!(
                "{} holds no {COMPONENT}, and there is {}: copy it there with `cp {} {}`",
                root.display(),
                built.display(),
                built.display(),
                root.join(COMPONENT).display()
            )));
        }
        Ok(selection)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{} cannot be read: {error}", path.display()))
}

/// The rules of `.skillignore`.
fn ignored(root: &Path) -> Result<Gitignore, Failure> {
    let path = root.join(IGNORE_FILE);
    let mut builder = GitignoreBuilder::new(root);
    if path.is_file()
        && let Some(error) = builder.add(&path)
    {
        return Err(Failure::usage(format!("{}: {error}", path.display())));
    }
    builder.build().map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

struct Walk<'a> {
    root: &'a Path,
    /// What belongs to the host or signs the package, by its real path.
    own: Vec<PathBuf>,
    ignored: Gitignore,
    seen: usize,
    selection: Selection,
}

impl Walk<'_> {
    fn folder(&mut self, dir: &Path) -> Result<(), Failure> {
        let mut entries: Vec<fs::DirEntry> =
            fs::read_dir(dir).and_then(Iterator::collect).map_err(|error| unreadable(dir, &error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            self.seen += 1;
            if self.seen > MAX_FILES {
                return Err(Failure::usage(format!(
                    "{} holds more than {MAX_FILES} files: name the folder of a skill, or leave folders out in {IGNORE_FILE}",
                    self.root.display()
                )));
            }
            self.entry(&entry)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry) -> Result<(), Failure> {
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
        let inside = path.strip_prefix(self.root).unwrap_or(&path).to_owned();
        let shown = inside.to_string_lossy().into_owned();
        let at_top = !shown.contains('/');
        if kind.is_symlink() {
            let name = shown.to_ascii_lowercase();
            if at_top && (name == COMPONENT || layout::is_skill_md(&shown)) {
                return Err(Failure::failed(format!(
                    "{} is a link, and a package holds files only: copy the file itself there",
                    path.display()
                )));
            }
            self.selection.left_out.push((shown, "a link"));
            return Ok(());
        }
        if let Some(why) = self.why_left_out(&path, &shown, kind.is_dir()) {
            // Every project has these; to name them each time would hide what matters.
            if ![".git", "target", "node_modules", IGNORE_FILE].contains(&shown.as_str()) {
                self.selection.left_out.push((shown, why));
            }
            return Ok(());
        }
        if kind.is_dir() {
            return self.folder(&path);
        }
        let bytes = entry.metadata().map_err(|error| unreadable(&path, &error))?.len();
        if !kind.is_file() || bytes > MAX_FILE_BYTES {
            return Err(Failure::failed(format!(
                "{} is no file of at most {} MiB: leave it out in {IGNORE_FILE}",
                path.display(),
                MAX_FILE_BYTES >> 20
            )));
        }
        let content = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        match private_data::by_content(&content) {
            Some(why) => self.selection.left_out.push((shown, why)),
            None => drop(self.selection.files.insert(shown, content)),
        }
        Ok(())
    }

    fn why_left_out(&self, path: &Path, shown: &str, is_dir: bool) -> Option<&'static str> {
        let name = shown.rsplit('/').next().unwrap_or(shown);
        if self.own.iter().any(|own| path.canonicalize().is_ok_and(|real| real == *own)) {
            return Some("belongs to the host, or is the key that signs");
        }
        if is_dir && DataDir::is_one(path) {
            return Some("a data directory, with keys and records");
        }
        if name.starts_with('.') {
            return Some("hidden");
        }
        if layout::is_left_by_a_tool(shown) {
            return Some("left by a tool");
        }
        if is_dir {
            let made = TOOL_FOLDERS.contains(&name)
                || (BUILD_FOLDERS.contains(&name) && name == shown)
                || ["CACHEDIR.TAG", "pyvenv.cfg"].iter().any(|mark| path.join(mark).exists());
            if made {
                return Some("made by a tool");
            }
            if EXPORT_FOLDERS.iter().all(|name| path.join(name).is_dir()) {
                return Some("an export of a user's history");
            }
        } else {
            if secrets::is_secret_file(shown) {
                return Some("holds secrets, by its name");
            }
            if let Some(what) = private_data::by_name(shown) {
                return Some(what);
            }
            if name == "Cargo.lock" {
                return Some("not needed to run");
            }
            let lower = name.to_ascii_lowercase();
            if let Some((_, why)) = LEFT_OUT.iter().find(|(end, _)| lower.ends_with(end)) {
                return Some(why);
            }
        }
        self.ignored.matched_path_or_any_parents(path, is_dir).is_ignore().then_some("named in .skillignore")
    }
}

/// A component that a build made and nobody copied.
fn built_component(root: &Path) -> Option<PathBuf> {
    ["wasm32-wasip2/release", "wasm32-wasip1/release"].iter().find_map(|folder| {
        let entries = fs::read_dir(root.join("target").join(folder)).ok()?;
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        files.filter(|path| path.extension().is_some_and(|end| end == "wasm")).min()
    })
}

#[cfg(test)]
mod tests;
