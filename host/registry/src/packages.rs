//! Where packages are kept: by digest, checked on the way in and on the way out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use openanalyst_domain::{Digest, MessageId};

/// Why a package cannot be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum PackageStoreError {
    /// There is none with this digest.
    #[error("the package {0} is not in the store any more: upload it again")]
    NotFound(Digest),
    /// What is stored is not what its name says.
    #[error("the stored package {0} is damaged: it does not have its digest. Upload it again")]
    Damaged(Digest),
    /// The store does not answer, or does not let this program in.
    #[error("the package store cannot be used now: {0}")]
    Unavailable(String),
}

/// A content-addressed store of packages.
#[async_trait]
pub trait PackageStore: Send + Sync + std::fmt::Debug {
    /// Keeps a package; durable when this returns. A second time changes nothing.
    ///
    /// # Errors
    /// [`PackageStoreError::Damaged`] if the bytes do not have the digest.
    async fn put(&self, digest: &Digest, package: Bytes) -> Result<(), PackageStoreError>;

    /// Gives a package, with its digest checked.
    ///
    /// # Errors
    /// See [`PackageStoreError`].
    async fn get(&self, digest: &Digest) -> Result<Bytes, PackageStoreError>;
}

/// A folder.
#[derive(Debug, Clone)]
pub struct FolderPackages {
    dir: PathBuf,
}

/// Largest file that is read.
const MAX_BYTES: u64 = 64 << 20;

impl FolderPackages {
    /// Uses a folder, which is made with mode 0700 if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    fn path_of(&self, digest: &Digest) -> PathBuf {
        // A digest is 64 hexadecimal digits, so it names nothing outside.
        let (first, rest) = digest.as_str().split_at(2);
        self.dir.join(first).join(rest)
    }

    fn put_now(&self, digest: &Digest, package: &[u8]) -> io::Result<()> {
        let path = self.path_of(digest);
        if path.exists() {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.dir);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let fresh = folder.join(format!("{}.new", MessageId::new()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(package).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&fresh, &path))
            .and_then(|()| File::open(folder)?.sync_all())
            .and_then(|()| File::open(&self.dir)?.sync_all());
        if written.is_err() {
            // Half a file is of no use to anybody.
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    fn get_now(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path_of(digest))?.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[async_trait]
impl PackageStore for FolderPackages {
    async fn put(&self, digest: &Digest, package: Bytes) -> Result<(), PackageStoreError> {
        let (this, named) = (self.clone(), digest.clone());
        let put = blocking(move || {
            if openanalyst_package::digest(&package) != named {
                return Ok(false);
            }
            this.put_now(&named, &package).map(|()| true)
        });
        match put.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(PackageStoreError::Damaged(digest.clone())),
            Err(error) => Err(PackageStoreError::Unavailable(error.to_string())),
        }
    }

    async fn get(&self, digest: &Digest) -> Result<Bytes, PackageStoreError> {
        let (this, named) = (self.clone(), digest.clone());
        let got = blocking(move || {
            let bytes = this.get_now(&named)?;
            Ok((openanalyst_package::digest(&bytes) == named).then_some(bytes))
        });
        match got.await {
            Ok(Some(bytes)) => Ok(bytes.into()),
            Ok(None) => Err(PackageStoreError::Damaged(digest.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PackageStoreError::NotFound(digest.clone())),
            Err(error) => Err(PackageStoreError::Unavailable(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_package_is_kept_once_and_checked_both_ways() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderPackages::open(&dir.path().join("packages")).unwrap();
        let package = Bytes::from_static(b"a package");
        let digest = openanalyst_package::digest(&package);
        assert!(matches!(store.get(&digest).await, Err(PackageStoreError::NotFound(_))));
        let other = openanalyst_package::digest(b"other");
        assert!(matches!(store.put(&other, package.clone()).await, Err(PackageStoreError::Damaged(_))));
        for _ in 0..2 {
            store.put(&digest, package.clone()).await.unwrap();
            assert_eq!(store.get(&digest).await.unwrap(), package);
        }
        let path = store.path_of(&digest);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "another thing").unwrap();
        assert!(matches!(store.get(&digest).await, Err(PackageStoreError::Damaged(_))));
    }
}
