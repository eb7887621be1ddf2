//! The vectors of skills' texts by the texts' digests: those in use in memory, once for all tenants, and those of
//! packages on disk. The texts themselves are not kept.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use openanalyst_router::Vector;
use sha2::{Digest as _, Sha256};

use super::file::{Key, VectorFile};

/// Most bytes of the file.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Vectors by their texts.
#[derive(Debug)]
pub(super) struct Cache {
    in_use: Mutex<HashMap<Key, Weak<Vector>>>,
    /// None: the folder cannot be used, and vectors are asked for again after a restart.
    file: Option<Mutex<VectorFile>>,
}

impl Cache {
    /// The cache of a source, in a file of its own in this folder.
    pub(super) fn open(folder: &Path, source: &str) -> Self {
        let name: String = key(source).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let file = std::fs::create_dir_all(folder)
            .and_then(|()| VectorFile::open(&folder.join(format!("{name}.vectors")), MAX_FILE_BYTES));
        let file = file
            .inspect_err(|error| {
                tracing::warn!(%error, folder = %folder.display(), "embeddings cannot be cached on disk");
            })
            .ok();
        Self { in_use: Mutex::default(), file: file.map(Mutex::new) }
    }

    /// The vector of a text. Reads the file: not for a thread that must not wait.
    pub(super) fn get(&self, text: &str) -> Option<Arc<Vector>> {
        let key = key(text);
        let in_use = self.in_use().get(&key).and_then(Weak::upgrade);
        in_use.or_else(|| {
            let found = locked(self.file.as_ref()?).get(&key)?;
            Some(self.shared(key, found))
        })
    }

    /// Keeps vectors; on disk only where `is_durable`.
    pub(super) fn add(&self, vectors: Vec<(&str, Vector)>, is_durable: bool) -> Vec<Arc<Vector>> {
        let keyed: Vec<(Key, Vector)> = vectors.into_iter().map(|(text, vector)| (key(text), vector)).collect();
        if let Some(file) = self.file.as_ref().filter(|_| is_durable)
            && let Err(error) = locked(file).add(&keyed)
        {
            tracing::warn!(%error, "embeddings cannot be written to their cache");
        }
        keyed.into_iter().map(|(key, vector)| self.shared(key, vector)).collect()
    }

    fn shared(&self, key: Key, vector: Vector) -> Arc<Vector> {
        let mut in_use = self.in_use();
        if let Some(known) = in_use.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        if in_use.len() == in_use.capacity() {
            in_use.retain(|_, vector| vector.strong_count() > 0);
        }
        let vector = Arc::new(vector);
        in_use.insert(key, Arc::downgrade(&vector));
        vector
    }

    fn in_use(&self) -> MutexGuard<'_, HashMap<Key, Weak<Vector>>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(text: &str) -> Key {
    Sha256::digest(text).into()
}

fn locked(file: &Mutex<VectorFile>) -> MutexGuard<'_, VectorFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}
