//! Where packages are kept: by digest, checked on the way in and on the way out.

mod folder;
mod s3;

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use openanalyst_domain::Digest;

pub use folder::FolderPackages;
pub use s3::{ObjectPackages, S3Options, S3OptionsError};

/// Why a package cannot be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum PackageStoreError {
    /// There is none with this digest.
    #[error("the package {0} is not in the store any more: upload it again")]
    NotFound(Digest),
    /// What is stored is not what its name says.
    #[error("the stored package {0} is damaged: it does not have its digest. Upload it again")]
    Damaged(Digest),
    /// It has more bytes than any package may have, and could not be read again.
    #[error("the package {digest} has {bytes} bytes and {MAX_BYTES} is the limit: make it smaller")]
    TooLarge {
        /// Which package.
        digest: Digest,
        /// How many bytes it has.
        bytes: u64,
    },
    /// The store does not answer, or does not let this program in.
    #[error("the package store cannot be used now: {0}")]
    Unavailable(String),
}

/// A content-addressed store of packages.
#[async_trait]
pub trait PackageStore: Send + Sync + std::fmt::Debug {
    /// Keeps a package; durable when this returns. A second time changes nothing, but a package that is damaged in the
    /// store is replaced: to upload it again repairs it.
    ///
    /// # Errors
    /// [`PackageStoreError::Damaged`] if the bytes do not have the digest, [`PackageStoreError::TooLarge`] if there are
    /// more than 64 MiB of them, and else [`PackageStoreError::Unavailable`].
    async fn put(&self, digest: &Digest, package: Bytes) -> Result<(), PackageStoreError>;

    /// Gives a package, with its digest checked.
    ///
    /// # Errors
    /// See [`PackageStoreError`].
    async fn get(&self, digest: &Digest) -> Result<Bytes, PackageStoreError>;

    /// Removes a package. One that is not there is removed already.
    ///
    /// # Errors
    /// [`PackageStoreError::Unavailable`].
    async fn remove(&self, digest: &Digest) -> Result<(), PackageStoreError>;
}

/// Most bytes of a package that is kept or read. Archives have a lower limit when they are uploaded.
const MAX_BYTES: u64 = 64 << 20;

/// The folder and the file of a package. A digest is 64 hexadecimal digits, so that these name nothing outside.
fn parts(digest: &Digest) -> (&str, &str) {
    digest.as_str().split_at(2)
}

/// Runs what would hold up others: files, and the digest of many bytes.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Whether the bytes are what the digest names.
async fn is_whole(digest: &Digest, package: Bytes) -> Result<bool, PackageStoreError> {
    let named = digest.clone();
    blocking(move || Ok(openanalyst_package::digest(&package) == named)).await.map_err(unavailable)
}

/// The check of every `put`.
async fn may_be_put(digest: &Digest, package: &Bytes) -> Result<(), PackageStoreError> {
    let bytes = package.len() as u64;
    if bytes > MAX_BYTES {
        return Err(PackageStoreError::TooLarge { digest: digest.clone(), bytes });
    }
    if is_whole(digest, package.clone()).await? { Ok(()) } else { Err(PackageStoreError::Damaged(digest.clone())) }
}

fn unavailable(error: io::Error) -> PackageStoreError {
    PackageStoreError::Unavailable(error.to_string())
}
