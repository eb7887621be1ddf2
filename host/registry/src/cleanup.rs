//! Removing packages that nobody has any more, with what was compiled of them.

use std::str::FromStr as _;

use openanalyst_domain::{Digest, TenantId};
use openanalyst_package::ArchiveLimits;

use crate::RegistryError;
use crate::packages::PackageStoreError;
use crate::registry::Registry;

impl Registry {
    /// Removes those of some packages that no tenant has; those of `without` do not count. What another
    /// node compiled of them stays in that node's cache folder.
    ///
    /// # Errors
    /// The stores'.
    pub async fn remove_packages(
        &self,
        tenant: &TenantId,
        digests: &[String],
        without: Option<&TenantId>,
    ) -> Result<(), RegistryError> {
        for name in digests {
            let Ok(digest) = Digest::from_str(name) else { continue };
            if self.store().package_is_used(name, without).await? {
                continue;
            }
            let package = match self.packages().get(&digest).await {
                Ok(package) => Some(package),
                // It is removed already, or of no use to anybody.
                Err(PackageStoreError::NotFound(_) | PackageStoreError::Damaged(_)) => None,
                Err(error) => return Err(error.into()),
            };
            let mut tx = self.store().begin(tenant).await?;
            tx.hold_package(name).await?;
            // Nobody adds it from here on.
            if self.store().package_is_used(name, without).await? {
                continue;
            }
            self.packages().remove(&digest).await?;
            drop(tx);
            let Some(package) = package else { continue };
            let sandbox = self.sandbox().clone();
            let forgotten = tokio::task::spawn_blocking(move || {
                let read = openanalyst_package::read_archive(&package, &ArchiveLimits::default());
                match read.ok().and_then(|package| package.component) {
                    Some(component) => sandbox.forget(&component),
                    None => Ok(()),
                }
            });
            if let Ok(Err(error)) = forgotten.await {
                tracing::warn!(%error, "what was compiled of a removed package could not be removed");
            }
        }
        Ok(())
    }
}
