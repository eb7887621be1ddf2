//! Builds WebAssembly guests (skills, the script runner, test guests) from a build script, so that a plain `cargo build` or
//! `cargo test` on a fresh machine makes the host together with everything it embeds.
//!
//! For build scripts only: it prints `cargo::` directives and panics, with the command to type, where it cannot go on. It must
//! never be linked into the host, and it knows nothing about what a guest does.
//!
//! A nested cargo builds for [`TARGET`] into `<outer target folder>/guests/<group>`. All outer builds (dev, release, clippy) share
//! that folder, so guests are compiled once; cargo's own lock makes concurrent builds wait for each other. The finished components
//! are copied to the caller's `OUT_DIR`, where nobody replaces them while the compiler embeds them.
//!
//! ```no_run
//! // build.rs
//! use std::path::Path;
//! // Asked at run time: a build script that was compiled once may serve another checkout.
//! let root = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../..");
//! let built = openanalyst_guest_build::Guests {
//!     group: "skills",
//!     manifest_dir: &root,
//!     packages: &["skill-core", "skill-analytics"],
//!     profile: "guest",
//!     examples: false,
//! }
//! .build();
//! // In the crate: include_bytes!(env!("SKILL_CORE_WASM"))
//! println!("cargo::rustc-env=SKILL_CORE_WASM={}", built.path("skill_core").display());
//! ```
//!
//! Begin at [`Guests::build`].

mod cargo;
mod environment;
mod layout;
mod sources;
mod toolchain;

use std::path::{Path, PathBuf};

/// The target every guest is built for.
pub const TARGET: &str = "wasm32-wasip2";

/// What to build: some packages of one workspace, in one call of cargo.
#[derive(Debug, Clone, Copy)]
pub struct Guests<'a> {
    /// Name of the folder under `<outer target folder>/guests/`. One per workspace (`skills`, `script-runner`, `test-guests`): two
    /// groups build side by side, two builds of one group wait for each other.
    pub group: &'a str,
    /// The folder of the `Cargo.toml` to build: a workspace, or a package that stands outside of any. If a `Cargo.lock` stands
    /// beside it, the build is `--locked`.
    pub manifest_dir: &'a Path,
    /// The packages to build; empty for the package of `manifest_dir` itself.
    pub packages: &'a [&'a str],
    /// A cargo profile that the workspace of `manifest_dir` defines, such as `guest` or `release`.
    pub profile: &'a str,
    /// Builds each example (`crate-type = ["cdylib"]`) instead of the library: many small guests from one package.
    pub examples: bool,
}

impl Guests<'_> {
    /// Builds the guests and tells the outer cargo which files to watch.
    ///
    /// # Panics
    /// As build scripts fail: with a message that names what is missing and the command that supplies it.
    #[must_use]
    pub fn build(&self) -> Built {
        match self.try_build() {
            Ok(built) => built,
            Err(problem) => panic!("cannot build the WebAssembly guests `{}`: {problem}", self.group),
        }
    }

    fn try_build(&self) -> Result<Built, String> {
        let outer = layout::Outer::from_environment()?;
        toolchain::ensure_target(&outer)?;
        let output = cargo::run(self, &outer)?;
        for path in sources::watched(self.manifest_dir, &output)? {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        let mut guests = Vec::new();
        for artifact in &output.artifacts {
            let copy = outer.out_dir.join(format!("{}.wasm", artifact.name));
            layout::copy_if_changed(&artifact.path, &copy)?;
            guests.push(Guest { name: artifact.name.clone(), path: copy });
        }
        guests.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Built { guests })
    }
}

/// One finished component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// File stem of the artifact: the library's or example's name, with underscores.
    pub name: String,
    /// The `.wasm` file in the `OUT_DIR` of the calling build script.
    pub path: PathBuf,
}

/// Everything that one [`Guests::build`] made, by name.
#[derive(Debug, Clone)]
pub struct Built {
    guests: Vec<Guest>,
}

impl Built {
    /// The component called `name` (underscores, no extension).
    ///
    /// # Panics
    /// If nothing of that name was built; the message lists what was.
    #[must_use]
    pub fn path(&self, name: &str) -> &Path {
        match self.guests.iter().find(|guest| guest.name == name) {
            Some(guest) => &guest.path,
            None => {
                let names: Vec<&str> = self.guests.iter().map(|guest| guest.name.as_str()).collect();
                panic!(
                    "no guest `{name}` was built (its crate needs crate-type \"cdylib\"); built: {}",
                    names.join(", ")
                )
            }
        }
    }

    /// All components, sorted by name.
    #[must_use]
    pub fn all(&self) -> &[Guest] {
        &self.guests
    }
}
