//! The data directory: what stands where, and who may read it.
//!
//! | path | what | mode |
//! |---|---|---|
//! | `openanalyst.db` | the database (SQLite, with its `-wal` and `-shm`) | 0600 |
//! | `keys/signing.pem` | the key that signs tokens (Ed25519, PKCS#8) | 0600 |
//! | `keys/cache.key` | the key of the compiled components' MAC | 0600 |
//! | `cache/` | compiled components | 0700 |
//! | `run/` | signs of life of the processes that use this directory | 0700 |

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use openanalyst_store::nodes;

use crate::failure::Failure;

/// An existing data directory that can be written.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Makes the directory if it is not there, with access for its owner only, and checks that it can be written.
    ///
    /// # Errors
    /// It cannot be made or written; it is open to other users and that cannot be changed.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        let this = Self { root: root.to_owned() };
        this.take_root()?;
        for dir in [this.keys(), this.run()] {
            private_dir(&dir)?;
        }
        let probe = this.run().join(format!("write-{}", std::process::id()));
        let written = File::create(&probe).and_then(|mut file| file.write_all(b"probe")).map_err(|error| {
            Failure::failed(format!("the data directory {} cannot be written: {}", root.display(), advice(&error)))
        });
        // What was left behind is written over the next time.
        let _ = std::fs::remove_file(&probe);
        written.map(|()| this)
    }

    /// Makes the root, or takes the one that is there. Only a folder that holds nothing but the program's own
    /// data is closed to other users: somebody else's folder is not the program's to change.
    fn take_root(&self) -> Result<(), Failure> {
        let root = &self.root;
        let failed = |error: &std::io::Error| {
            Failure::failed(format!("the directory {} cannot be used: {}", root.display(), advice(error)))
        };
        if !root.exists() {
            return private_dir(root);
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(root).map_err(|error| failed(&error))? {
            names.push(entry.map_err(|error| failed(&error))?.file_name().to_string_lossy().into_owned());
        }
        for name in names.iter().filter(|name| is_database(name)) {
            close_to_others(&root.join(name), 0o600).map_err(|error| failed(&error))?;
        }
        if !names.is_empty() && names.iter().all(|name| is_own(name)) {
            return close_to_others(root, 0o700).map_err(|error| failed(&error));
        }
        Ok(())
    }

    /// What is wrong with the mode of a data directory that was opened: other users can read a folder that was not made by this
    /// program. None: nothing. Only the commands that start the host say it, and `doctor`; others would repeat it at each call.
    #[must_use]
    pub fn openness(root: &Path) -> Option<String> {
        let mode = std::fs::metadata(root).ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then(|| {
            format!(
                "the data directory {} is open to other users (mode {mode:03o}) and was not made by this program, so it \
                 stays as it is: run chmod 700 on it, or name one of its own with --data-dir",
                root.display()
            )
        })
    }

    /// Opens the directory for a command that needs what is in it already. Makes nothing.
    ///
    /// # Errors
    /// There is no data directory; the message says where it was looked for, and how to name another.
    pub fn existing(root: &Path) -> Result<Self, Failure> {
        if Self::is_one(root) {
            return Self::open(root);
        }
        let place = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        Err(Failure::usage(format!(
            "there is no data directory at {}: name another one with --data-dir or OPENANALYST_DATA_DIR, reach a running \
             host with --server, or make one here with `openanalyst serve`",
            place.display()
        )))
    }

    /// Whether a directory is a data directory: it holds this program's keys, database or lock.
    #[must_use]
    pub fn is_one(root: &Path) -> bool {
        let marks = ["openanalyst.db", "keys/cache.key", "keys/signing.pem", "keys/secrets.key", "run/serve.lock"];
        // A first start may have been cut off before it made more than the folders.
        marks.iter().any(|mark| root.join(mark).exists()) || (root.join("keys").is_dir() && root.join("run").is_dir())
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The key that signs tokens.
    #[must_use]
    pub fn signing_key(&self) -> PathBuf {
        self.keys().join("signing.pem")
    }

    /// The signs of life.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The key that seals tenants' secrets; made on first use.
    #[must_use]
    pub fn secrets_key(&self) -> PathBuf {
        self.keys().join("secrets.key")
    }

    /// The vectors of skills' texts, where embeddings are configured. It is a cache: it can be removed at any time.
    #[must_use]
    pub fn embeddings(&self) -> PathBuf {
        self.root.join("embeddings")
    }

    /// Where uploaded packages are kept, unless the settings name another place.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.root.join("packages")
    }

    /// The right to be the one server of this directory.
    ///
    /// # Errors
    /// Another server has it.
    pub fn lock_for_serving(&self) -> Result<File, Failure> {
        nodes::lock_exclusively(&self.run().join("serve.lock")).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => Failure::failed(format!(
                "another server already uses the data directory {}: stop it, or give this one its own with --data-dir",
                self.root.display()
            )),
            _ => Failure::failed(format!("the data directory {} cannot be locked: {error}", self.root.display())),
        })
    }

    /// The key of the compiled components' MAC; made on first use.
    ///
    /// # Errors
    /// It cannot be read or written, or it is damaged.
    pub fn cache_key(&self) -> Result<[u8; 32], Failure> {
        let path = self.keys().join("cache.key");
        let failed = |error: &std::io::Error| {
            Failure::failed(format!("the key file {} cannot be used: {}", path.display(), advice(error)))
        };
        let mut key = [0; 32];
        match File::open(&path) {
            Ok(mut file) => {
                let mode = file.metadata().map_err(|error| failed(&error))?.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    close_to_others(&path, 0o600).map_err(|error| failed(&error))?;
                    tracing::warn!(
                        "the key file {} could be read by others (mode {mode:03o}), and is closed to them now: if somebody \
                         may have used that, remove it, and every component is compiled again",
                        path.display()
                    );
                }
                let mut text = Vec::new();
                file.read_to_end(&mut text).map_err(|error| failed(&error))?;
                let length = text.len();
                key = text.try_into().map_err(|_| {
                    Failure::failed(format!(
                        "the key file {} has {length} bytes instead of 32: remove it, and a new one is made",
                        path.display()
                    ))
                })?;
                Ok(key)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                getrandom::fill(&mut key)
                    .map_err(|error| Failure::failed(format!("this machine gives no random numbers: {error}")))?;
                // Two processes may come here at once: the first one's key stays, and both use it.
                let fresh = self.keys().join(format!("cache-{}.new", std::process::id()));
                let made = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&fresh)
                    .and_then(|mut file| file.write_all(&key).and_then(|()| file.sync_all()))
                    .and_then(|()| std::fs::hard_link(&fresh, &path));
                // The link is what counts.
                let _ = std::fs::remove_file(&fresh);
                match made {
                    Ok(()) => Ok(key),
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => self.cache_key(),
                    Err(error) => Err(failed(&error)),
                }
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

/// The database, and what SQLite keeps beside it.
fn is_database(name: &str) -> bool {
    matches!(name, "openanalyst.db" | "openanalyst.db-wal" | "openanalyst.db-shm" | "openanalyst.db-journal")
}

/// Whether an entry of the data directory is one that this program makes.
fn is_own(name: &str) -> bool {
    is_database(name) || matches!(name, "keys" | "run" | "cache" | "packages")
}

/// Takes the rights of others away, where there are any.
fn close_to_others(path: &Path, mode: u32) -> std::io::Result<()> {
    let now = std::fs::metadata(path)?.permissions().mode();
    if now & 0o077 == 0 { Ok(()) } else { std::fs::set_permissions(path, Permissions::from_mode(mode)) }
}

/// Makes a directory of the program's own that only its owner may enter.
///
/// # Errors
/// It cannot be made, or belongs to somebody else and is open.
pub fn private_dir(path: &Path) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::failed(format!("the directory {} cannot be used: {}", path.display(), advice(error)))
    };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| failed(&error))?;
    close_to_others(path, 0o700).map_err(|error| failed(&error))
}

fn advice(error: &std::io::Error) -> String {
    let next = match error.kind() {
        ErrorKind::PermissionDenied => {
            "give this program's user the right to write there, or choose another one with --data-dir"
        }
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only: choose another directory with --data-dir",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space and start again",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "there is a file of that name: choose another directory with --data-dir"
        }
        _ => "check the path, or choose another one with --data-dir",
    };
    format!("{error}; {next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_directory_of_the_programs_own_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/data");
        let data = DataDir::open(&root).unwrap();
        std::fs::write(root.join("openanalyst.db"), "").unwrap();
        for path in [&root, &data.keys(), &data.run()] {
            assert_eq!(mode(path), 0o700);
            std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::set_permissions(root.join("openanalyst.db"), Permissions::from_mode(0o644)).unwrap();
        DataDir::open(&root).unwrap();
        for path in [&root, &data.keys(), &data.run()] {
            assert_eq!(mode(path), 0o700, "it holds nothing but its data, so it is closed again");
        }
        assert_eq!(DataDir::openness(&root), None);
        assert_eq!(mode(&root.join("openanalyst.db")), 0o600);
    }

    #[test]
    fn a_folder_of_somebody_else_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for (name, file) in [("empty", None), ("home", Some("letter.txt"))] {
            let root = dir.path().join(name);
            std::fs::create_dir(&root).unwrap();
            if let Some(file) = file {
                std::fs::write(root.join(file), "").unwrap();
            }
            std::fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
            let data = DataDir::open(&root).unwrap();
            assert_eq!((mode(&root), mode(&data.keys()), mode(&data.run())), (0o755, 0o700, 0o700), "{name}");
            let warning = DataDir::openness(&root).unwrap();
            assert!(warning.contains("open to other users (mode 755)") && warning.contains("chmod 700"), "{warning}");
        }
        DataDir::open(&dir.path().join("home")).unwrap();
        assert_eq!(mode(&dir.path().join("home")), 0o755, "the second time too");
    }

    #[test]
    fn a_cache_key_that_others_can_read_is_closed_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        data.cache_key().unwrap();
        std::fs::set_permissions(data.keys().join("cache.key"), Permissions::from_mode(0o644)).unwrap();
        data.cache_key().unwrap();
        assert_eq!(mode(&data.keys().join("cache.key")), 0o600);
    }

    #[test]
    fn a_command_that_reads_makes_no_directory_and_says_where_it_looked() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("data");
        let failure = DataDir::existing(&root).unwrap_err().to_string();
        assert!(failure.contains(root.to_str().unwrap()) && failure.contains("--data-dir"), "{failure}");
        std::fs::create_dir(&root).unwrap();
        assert!(DataDir::existing(&root).is_err(), "any other folder is none");
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
        DataDir::open(&root).unwrap();
        DataDir::existing(&root).unwrap();
    }

    #[test]
    fn the_cache_key_stays_the_same_and_a_damaged_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        let key = data.cache_key().unwrap();
        assert_eq!(data.cache_key().unwrap(), key);
        assert_ne!(key, [0; 32]);
        std::fs::write(data.keys().join("cache.key"), b"short").unwrap();
        assert!(data.cache_key().unwrap_err().to_string().contains("5 bytes"));
    }

    #[test]
    fn only_one_server_uses_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        let first = data.lock_for_serving().unwrap();
        assert!(data.lock_for_serving().unwrap_err().to_string().contains("another server"));
        drop(first);
        data.lock_for_serving().unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "").unwrap();
        let failure = DataDir::open(&path).unwrap_err().to_string();
        assert!(failure.contains("--data-dir"), "{failure}");
    }
}
