//! Packages in a folder of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use openanalyst_domain::{Digest, MessageId};

use super::{MAX_BYTES, PackageStore, PackageStoreError, blocking, may_be_put, parts, unavailable};

/// A folder.
#[derive(Debug, Clone)]
pub struct FolderPackages {
    dir: PathBuf,
}

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
        let (first, rest) = parts(digest);
        self.dir.join(first).join(rest)
    }

    fn put_now(&self, digest: &Digest, package: &[u8]) -> io::Result<()> {
        let path = self.path_of(digest);
        let folder = path.parent().unwrap_or(&self.dir);
        match self.get_now(digest) {
            // Whoever wrote it may not have got as far as this.
            Ok(Some(_)) => return self.sync(folder),
            Ok(None) => tracing::warn!(%digest, "the stored package is damaged and is replaced by what was uploaded"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let fresh = folder.join(format!("{}.new", MessageId::new()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(package).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&fresh, &path))
            .and_then(|()| self.sync(folder));
        if written.is_err() {
            // Half a file is of no use to anybody.
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    /// Gives the package, or `None` if the file is not what its name says.
    fn get_now(&self, digest: &Digest) -> io::Result<Option<Vec<u8>>> {
        let file = File::open(self.path_of(digest))?;
        if file.metadata()?.len() > MAX_BYTES {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok((openanalyst_package::digest(&bytes) == *digest).then_some(bytes))
    }
}

#[async_trait]
impl PackageStore for FolderPackages {
    async fn put(&self, digest: &Digest, package: Bytes) -> Result<(), PackageStoreError> {
        may_be_put(digest, &package).await?;
        let (this, named) = (self.clone(), digest.clone());
        blocking(move || this.put_now(&named, &package)).await.map_err(unavailable)
    }

    async fn get(&self, digest: &Digest) -> Result<Bytes, PackageStoreError> {
        let (this, named) = (self.clone(), digest.clone());
        match blocking(move || this.get_now(&named)).await {
            Ok(Some(bytes)) => Ok(bytes.into()),
            Ok(None) => Err(PackageStoreError::Damaged(digest.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PackageStoreError::NotFound(digest.clone())),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn remove(&self, digest: &Digest) -> Result<(), PackageStoreError> {
        let path = self.path_of(digest);
        let removed = blocking(move || match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        });
        removed.await.map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_package_is_for_its_owner_alone_also_after_a_repair() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderPackages::open(&dir.path().join("packages")).unwrap();
        let package = Bytes::from_static(b"a package");
        let digest = openanalyst_package::digest(&package);
        let path = store.path_of(&digest);
        for _ in 0..2 {
            store.put(&digest, package.clone()).await.unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
            fs::write(&path, "another thing").unwrap();
        }
    }
}
