//! The host's own keys: one that signs, and earlier ones whose tokens are still good.
//!
//! `signing.pem` signs. A rotation gives it another name, `earlier-KEYID.pem`, and makes a new one; tokens of both are believed until the earlier one is
//! retired. A running host finds a new key when it meets the first token of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::key::{KeyError, LocalKey, create};
use crate::token::Key;
use crate::{TokenRequest, Verifier};

const SIGNING: &str = "signing.pem";
const EARLIER: &str = "earlier-";

/// The keys in a folder.
#[derive(Debug)]
pub struct LocalKeys {
    folder: PathBuf,
    signing: LocalKey,
}

impl LocalKeys {
    /// Opens the folder; makes the signing key if it is not there.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn open_or_create(folder: &Path) -> Result<Self, KeyError> {
        let signing = LocalKey::open_or_create(&folder.join(SIGNING))?;
        // An earlier key that cannot be read is said now, and not when its first token comes.
        earlier(folder)?;
        Ok(Self { folder: folder.to_owned(), signing })
    }

    /// Signs a token with the newest key.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign(&self, request: &TokenRequest) -> Result<String, KeyError> {
        self.signing.sign(request)
    }

    /// The ids of the keys whose tokens are believed, the one that signs first.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn key_ids(&self) -> Result<Vec<String>, KeyError> {
        let earlier = earlier(&self.folder)?;
        Ok([&self.signing].into_iter().chain(&earlier).map(|key| key.key_id().to_owned()).collect())
    }

    /// Verifies tokens of all keys, also of those that are made later.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn verifier(&self) -> Result<Verifier, KeyError> {
        Ok(Verifier::local(read(&self.folder)?, Some(self.folder.clone())))
    }

    /// Makes a new key, which signs from now on. The one before stays good until it is retired.
    ///
    /// # Errors
    /// See [`KeyError`]; the old key signs on then.
    pub fn rotate(&mut self) -> Result<&str, KeyError> {
        let (now, kept) = (self.folder.join(SIGNING), self.path_of(self.signing.key_id()));
        let failed = |error: std::io::Error| KeyError::File { path: kept.clone(), reason: error.to_string() };
        match fs::hard_link(&now, &kept) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        // From here to the next line there is no signing key under its name; whoever opens the folder at this moment makes one, and this uses it.
        fs::remove_file(&now).map_err(failed)?;
        create(&now)?;
        self.signing = LocalKey::open(&now)?;
        Ok(self.signing.key_id())
    }

    /// Ends an earlier key: its tokens are not believed any more, here at once and in a running host within seconds.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] where there is no earlier key with this id; the signing key cannot be retired.
    pub fn retire(&self, key_id: &str) -> Result<(), KeyError> {
        if !earlier(&self.folder)?.iter().any(|key| key.key_id() == key_id) {
            return Err(KeyError::Unknown { key_id: key_id.chars().take(64).collect() });
        }
        let path = self.path_of(key_id);
        fs::remove_file(&path).map_err(|error| KeyError::File { path, reason: error.to_string() })
    }

    fn path_of(&self, key_id: &str) -> PathBuf {
        self.folder.join(format!("{EARLIER}{key_id}.pem"))
    }
}

fn earlier(folder: &Path) -> Result<Vec<LocalKey>, KeyError> {
    let failed = |error: std::io::Error| KeyError::File { path: folder.to_owned(), reason: error.to_string() };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(EARLIER) && name.ends_with(".pem") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| LocalKey::open(path)).collect()
}

/// The halves that verify, of all keys in a folder.
pub(crate) fn read(folder: &Path) -> Result<Vec<Key>, KeyError> {
    let signing = LocalKey::open(&folder.join(SIGNING))?;
    Ok([signing].iter().chain(&earlier(folder)?).filter_map(LocalKey::verifying).collect())
}
